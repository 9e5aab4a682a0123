/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: is this text any, its characters one by one. Pure. */
#ifndef HFFS_UTF8_H
#define HFFS_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. JSON cannot carry any other name. */
bool utf8_is_valid(const char *text);
bool utf8_is_valid_n(const char *text, size_t len); /* the same of len bytes, NUL bytes among them or not */

enum utf8_found {
	UTF8_CHAR, /* a character */
	UTF8_CUT,  /* all bytes that are left begin a character that goes on */
	UTF8_BAD,  /* bytes that no character begins with: one U+FFFD stands for them [Unicode 15, section 3.9, table 3-8] */
};
/* Looks at len > 0 bytes at s: what begins there, and in *taken how many bytes of them it is. */
enum utf8_found utf8_next(const char *s, size_t len, size_t *taken);
/* The character at s, which is well-formed; sets *taken. */
uint32_t utf8_get(const char *s, size_t *taken);
size_t utf8_put(uint32_t c, char out[4]); /* how many bytes */

#endif

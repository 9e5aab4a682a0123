/* SPDX-License-Identifier: Apache-2.0 */
/* Growing bytes and strings. */
#ifndef HFFS_BUF_H
#define HFFS_BUF_H

#include <stdarg.h>

#include <hffs/auto.h>

/*
 * data[len] is always 0 once something was added, so data is also a C string; {0} is an empty buffer. After a failed
 * allocation `failed` is set and further additions do nothing: check once at the end.
 */
struct buf {
	char *data;
	size_t len, cap;
	int failed;
};

void buf_add(struct buf *b, const void *bytes, size_t len);
void buf_adds(struct buf *b, const char *text);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_addc(struct buf *b, char c);
/* Makes room for len more bytes: 0 or -ENOMEM. */
int buf_reserve(struct buf *b, size_t len);
void buf_clear(struct buf *b); /* len = 0, memory kept */
void buf_done(struct buf *b);  /* frees; b is {0} again */
/* The string itself, caller frees; b is {0} again. NULL after a failed allocation. Never NULL for an empty buffer. */
char *buf_take(struct buf *b);
/* Appends text as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void buf_add_json(struct buf *b, const char *text);
void buf_add_json_n(struct buf *b, const char *text, size_t len); /* the same of len bytes; a NUL byte becomes \u0000 */

static inline void buf_done_auto(struct buf *b)
{
	buf_done(b);
}
#define AUTO_BUF __attribute__((cleanup(buf_done_auto))) struct buf

/* printf into fresh memory, caller frees; NULL when out of memory. */
char *str_printf(const char *fmt, ...) PRINTF_LIKE(1, 2);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Is this text UTF-8? Pure. */
#ifndef HFFS_UTF8_H
#define HFFS_UTF8_H

#include <stdbool.h>

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. JSON cannot carry any other name. */
bool utf8_is_valid(const char *text);

#endif

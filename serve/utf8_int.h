/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_SERVE_UTF8_INT_H
#define HFFS_SERVE_UTF8_INT_H

#include <stdbool.h>

/* Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. JSON cannot carry any other name. */
bool utf8_is_valid(const char *text);

#endif

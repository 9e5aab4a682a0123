/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines: levels and a rate limit. Never a token, never a URL's query. */
#ifndef HFFS_LOG_H
#define HFFS_LOG_H

#include <hffs/auto.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go: a descriptor that log.c borrows for the life of the program (2 at the start). Any thread. */
void log_to(int fd);
void log_set_level(enum log_level level);
/* "error", "warn", "info", "debug" to a level; -EINVAL for any other word. */
int log_parse_level(const char *word, enum log_level *out);

/* One line each; control bytes are escaped. At most 20 lines a second at warn and above; then one line counts the rest. */
void log_line(enum log_level level, const char *fmt, ...) PRINTF_LIKE(2, 3);
#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif

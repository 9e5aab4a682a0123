// SPDX-License-Identifier: Apache-2.0
/* Log lines to one descriptor. The level is the program's only mutable global besides the rate limit's counter. */
#include <hffs/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hffs/clock.h>
#include <hffs/err.h>

#define BURST 20 /* lines a second */

static _Atomic int log_fd = 2;
static _Atomic int log_max = LOG_LEVEL_INFO;
static pthread_mutex_t burst_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t burst_second;
static unsigned burst_lines, burst_dropped;

static const char *const level_words[] = {"error", "warn", "info", "debug"};

void log_to(int fd)
{
	atomic_store(&log_fd, fd);
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_max, (int)level);
}

int log_parse_level(const char *word, enum log_level *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_words); i++)
		if (!strcmp(word, level_words[i])) {
			*out = (enum log_level)i;
			return 0;
		}
	return -EINVAL;
}

/* True if this line may be written now; *dropped is how many were not since the last that was. */
static int burst_admits(unsigned *dropped)
{
	uint64_t now = clock_mono_ms() / 1000;
	int ok;

	pthread_mutex_lock(&burst_lock);
	*dropped = 0;
	if (now != burst_second) {
		*dropped = burst_dropped;
		burst_second = now;
		burst_lines = burst_dropped = 0;
	}
	ok = burst_lines < BURST;
	if (ok)
		burst_lines++;
	else
		burst_dropped++;
	pthread_mutex_unlock(&burst_lock);
	return ok;
}

static void write_line(enum log_level level, const char *text)
{
	char line[ERR_TEXT_MAX + 256], stamp[40];
	time_t now = (time_t)clock_wall_s();
	struct tm tm;
	int n;

	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(line, sizeof(line), "%s hffs %s: %s\n", stamp, level_words[level], text);
	if (n >= (int)sizeof(line)) {
		n = (int)sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	/* A log that cannot be written has nowhere to say so. */
	if (write(atomic_load(&log_fd), line, (size_t)n) < 0)
		return;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char raw[ERR_TEXT_MAX + 128], text[ERR_TEXT_MAX + 192];
	unsigned dropped = 0;
	va_list ap;

	if ((int)level > atomic_load(&log_max))
		return;
	if (level <= LOG_LEVEL_WARN && !burst_admits(&dropped))
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err_escape(text, sizeof(text), raw);
	if (dropped) {
		char more[64];

		snprintf(more, sizeof(more), "%u more lines were not written", dropped);
		write_line(LOG_LEVEL_WARN, more);
	}
	write_line(level, text);
}

// SPDX-License-Identifier: Apache-2.0
/* What the program says to people: one sentence for a failure, sizes and times in words. */
#include "cli_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int say_failed(const char *verb, int r, const struct err *err)
{
	fflush(stdout);
	fprintf(stderr, "hffs %s: %s\n", verb, err->text[0] ? err->text : strerror(-r));
	return EXIT_FAILED;
}

int say_failed_config(const char *verb, int r, const struct err *err)
{
	return r == -EINVAL ? say_usage(verb, "%s", err_text(err)) : say_failed(verb, r, err);
}

int say_usage(const char *verb, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fprintf(stderr, "hffs%s%s: ", *verb ? " " : "", verb);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n'hffs%s%s --help' shows what it takes\n", *verb ? " " : "", verb);
	return EXIT_USAGE;
}

const char *say_bytes(uint64_t bytes, char out[SAY_BYTES_MAX])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	double value = (double)bytes;
	size_t unit = 0;

	if (bytes < 1000) {
		snprintf(out, SAY_BYTES_MAX, "%u B", (unsigned)bytes);
		return out;
	}
	for (value /= 1000; value >= 999.95 && unit + 1 < ARRAY_SIZE(units); unit++)
		value /= 1000;
	snprintf(out, SAY_BYTES_MAX, "%.1f %s", value, units[unit]);
	return out;
}

const char *say_time(uint64_t s, char out[SAY_TIME_MAX])
{
	if (s < 60)
		snprintf(out, SAY_TIME_MAX, "%u s", (unsigned)s);
	else if (s < 3600)
		snprintf(out, SAY_TIME_MAX, "%u min %02u s", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 3600000)
		snprintf(out, SAY_TIME_MAX, "%u h %02u min", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(out, SAY_TIME_MAX, "long");
	return out;
}

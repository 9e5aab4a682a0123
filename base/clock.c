// SPDX-License-Identifier: Apache-2.0
/* Wall and monotonic time. */
#include <hffs/clock.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static _Atomic uint64_t fake_mono_ms = UINT64_MAX;
static _Atomic int64_t fake_wall_s;

void clock_fake(uint64_t mono_ms, int64_t wall_s)
{
	atomic_store(&fake_wall_s, wall_s);
	atomic_store(&fake_mono_ms, mono_ms);
}

uint64_t clock_mono_us(void)
{
	uint64_t fake = atomic_load(&fake_mono_ms);
	struct timespec ts;

	if (fake != UINT64_MAX)
		return fake * 1000;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
	return clock_mono_us() / 1000;
}

int64_t clock_wall_ms(void)
{
	struct timespec ts;

	if (atomic_load(&fake_mono_ms) != UINT64_MAX)
		return atomic_load(&fake_wall_s) * 1000;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t clock_wall_s(void)
{
	return clock_wall_ms() / 1000;
}

int clock_parse_iso8601(const char *text, int64_t *out_s)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

	if (!rest)
		return -EINVAL;
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if (strcmp(rest, "Z") != 0 && strcmp(rest, "+00:00") != 0)
		return -EINVAL;
	*out_s = timegm(&tm);
	return 0;
}

void clock_format_iso8601(int64_t s, char *out)
{
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
}

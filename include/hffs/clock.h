/* SPDX-License-Identifier: Apache-2.0 */
/* Wall and monotonic time, replaceable in tests. Waits use the monotonic one. */
#ifndef HFFS_CLOCK_H
#define HFFS_CLOCK_H

#include <hffs/auto.h>

uint64_t clock_mono_ms(void); /* CLOCK_MONOTONIC, milliseconds */
uint64_t clock_mono_us(void); /* the same, microseconds */
int64_t clock_wall_s(void);   /* seconds since 1970, UTC */
int64_t clock_wall_ms(void);  /* the same, milliseconds */

/* Tests: from now on both clocks stand at these values, until called again; mono_ms = UINT64_MAX gives the real clocks back. */
void clock_fake(uint64_t mono_ms, int64_t wall_s);

/* "2026-01-31T09:08:07.000Z" (milliseconds optional) to seconds since 1970; -EINVAL if it is not such a time. */
int clock_parse_iso8601(const char *text, int64_t *out_s);
/* The reverse, with ".000Z"; out holds at least 32 bytes. */
void clock_format_iso8601(int64_t s, char *out);

#endif

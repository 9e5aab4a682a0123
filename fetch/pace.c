// SPDX-License-Identifier: Apache-2.0
/*
 * Parallel requests hide latency and pass limits of a single connection; but they share the processor and the link, so that the
 * range which the reader waits for gets only its part. So: few and short ones where the server answers at once and connections
 * are fast, more and longer ones where it is far or connections are slow. The least latency counts, since everything else that
 * delays a first byte is queueing of our own making.
 */
#include "pace_int.h"

#include <stdbool.h>

#include <hffs/tunables.h>

#define WINDOW 32            /* transfers after which the least latency is looked for anew */
#define SMOOTH 8             /* a new rate counts for one part in so many */
#define SLOW_BPS 150000000u  /* a connection below it: another one may help */
#define FAST_BPS 250000000u  /* above it: fewer do as well */
#define NEAR_US 3000         /* an answer within it is from this machine or network */
#define SAMPLE_BYTES 1000000 /* a transfer shorter than it says nothing of the rate */
#define LATENCIES 3          /* a range takes so many times its latency */

static uint64_t latency(const struct pace *p)
{
	if (!p->latency_us[0] || !p->latency_us[1])
		return max_u64(p->latency_us[0], p->latency_us[1]);
	return min_u64(p->latency_us[0], p->latency_us[1]);
}

void pace_note(struct pace *p, uint64_t latency_us, uint64_t bytes, uint64_t rest_us)
{
	uint64_t rate;

	latency_us = max_u64(latency_us, 1);
	if (p->in_window++ == WINDOW) {
		p->latency_us[1] = p->latency_us[0];
		p->latency_us[0] = 0;
		p->in_window = 1;
	}
	p->latency_us[0] = p->latency_us[0] ? min_u64(p->latency_us[0], latency_us) : latency_us;
	if (bytes < SAMPLE_BYTES)
		return;
	rate = bytes * 1000000 / max_u64(rest_us, 1);
	p->rate_bps = p->rate_bps ? p->rate_bps - p->rate_bps / SMOOTH + rate / SMOOTH : rate;
	p->parallel = pace_parallel(p);
	if (p->rate_bps < SLOW_BPS)
		p->parallel++;
	else if (p->rate_bps > FAST_BPS)
		p->parallel--;
}

/* Does the server answer at once? */
static bool is_near(const struct pace *p)
{
	return latency(p) && latency(p) < NEAR_US;
}

/* Bytes that one connection carries in its latency. */
static uint64_t latency_bytes(const struct pace *p)
{
	/* rate_bps is below 10^12 and a latency below 10^9: no overflow before the division is taken apart. */
	return p->rate_bps / 1000 * min_u64(latency(p), 1000000) / 1000;
}

uint64_t pace_range(const struct pace *p)
{
	return min_u64(max_u64(latency_bytes(p) * LATENCIES / CHUNK_SIZE, PACE_RANGE_MIN), PACE_RANGE_MAX);
}

/* Memory shortens ranges of fast connections, which then wait for first bytes for much of their time: so there are more of them. */
static unsigned most_parallel(const struct pace *p)
{
	if (is_near(p))
		return PACE_PARALLEL_NEAR;
	return pace_range(p) * PACE_PARALLEL_MAX > PACE_AHEAD_MAX / CHUNK_SIZE ? PACE_PARALLEL_WIDE : PACE_PARALLEL_MAX;
}

unsigned pace_parallel(const struct pace *p)
{
	return (unsigned)min_u64(max_u64(p->parallel, PACE_PARALLEL_MIN), most_parallel(p));
}

uint64_t pace_ordered(const struct pace *p)
{
	uint64_t least = max_u64(latency_bytes(p) / CHUNK_SIZE, PACE_RANGE_MIN);

	return least * pace_parallel(p) > PACE_AHEAD_MAX / CHUNK_SIZE ? pace_range(p) : min_u64(least, PACE_RANGE_MAX);
}

uint64_t pace_urgent(const struct pace *p)
{
	if (is_near(p))
		return PACE_RANGE_MIN; /* there is nothing to be won by more requests */
	return min_u64(max_u64(latency_bytes(p) / 2 / CHUNK_SIZE, PACE_URGENT_MIN), PACE_RANGE_MIN);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* How many requests at once, and how long: from measured latency and rate of a connection. Pure. */
#ifndef HFFS_FETCH_PACE_INT_H
#define HFFS_FETCH_PACE_INT_H

#include <hffs/auto.h>

#define PACE_PARALLEL_MIN 4
#define PACE_PARALLEL_NEAR 8 /* at most, where the server answers at once */
#define PACE_PARALLEL_MAX 16
#define PACE_PARALLEL_WIDE 24 /* at most, where PACE_PARALLEL_MAX ranges as long as they ought to be are more than may be ahead of readers */
#define PACE_AHEAD_MAX (52u << 20) /* bytes ahead of readers; they are kept in memory until they are read: below the pool */
#define PACE_RANGE_MIN 8  /* chunks: 2 MiB. Below it a request costs more than its bytes */
#define PACE_URGENT_MIN 2
#define PACE_RANGE_MAX 32 /* chunks: 8 MiB. Above it a reader may wait long behind one range */

/* {0}: nothing is known yet. */
struct pace {
	uint64_t latency_us[2]; /* least time to the first byte: of the present and the last window of transfers; 0: none */
	unsigned in_window;
	uint64_t rate_bps; /* of one connection, between first and last byte; smoothed */
	unsigned parallel;
};

/* A transfer brought `bytes`: the first one latency_us after its request, the last one rest_us after the first. */
void pace_note(struct pace *p, uint64_t latency_us, uint64_t bytes, uint64_t rest_us);
unsigned pace_parallel(const struct pace *p);
/* Chunks of one request: long enough that waiting for its first byte is a small part of it. */
uint64_t pace_range(const struct pace *p);
/*
 * The same where nobody reads: as long as their latency takes, so that what came waits in memory for what came late before it, to be
 * digested in order; unless even those of all connections are more than memory keeps.
 */
uint64_t pace_ordered(const struct pace *p);
/* Chunks of a request that a reader waits for, at least: so few that its transfer takes half its latency. */
uint64_t pace_urgent(const struct pace *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Which extents to give up, and how much. Pure: no disk, no SQL, no clock. */
#ifndef HFFS_CACHE_EVICT_INT_H
#define HFFS_CACHE_EVICT_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evict_state {
	uint64_t bytes, size_max;       /* cached, recorded or not, and how much that may be */
	uint64_t disk_free, keep_free;  /* of the file system */
	bool asked;                     /* the disk refused a write, whatever the numbers say */
};
/* Bytes to give up now; 0: nothing to do. */
uint64_t evict_need(const struct evict_state *s);

struct evict_candidate {
	int64_t blob; /* the blob's row */
	uint64_t idx; /* the extent */
	uint64_t bytes;
};
/* Extents [first, first + nr) of one blob. */
struct evict_run {
	int64_t blob;
	uint64_t first, nr, bytes;
};
/*
 * Takes candidates in the order given until `need` bytes are together, and joins neighbours into runs. candidates is sorted anew;
 * runs has room for nr. Returns the number of runs.
 */
size_t evict_choose(struct evict_candidate *candidates, size_t nr, uint64_t need, struct evict_run *runs);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes are not held twice in memory: what was written to data files leaves the page cache soon. */
#ifndef HFFS_CACHE_BEHIND_INT_H
#define HFFS_CACHE_BEHIND_INT_H

#include "data_int.h"

#define BEHIND_EXTENTS 12 /* 192 MiB stay: for readers and the prover, who follow the writer */

/* {0}: empty. The keeper's. */
struct behind {
	struct {
		struct blob_id id; /* algo 0: free */
		uint64_t size, idx;
	} ring[BEHIND_EXTENTS];
	unsigned next; /* the oldest */
};

/* Extent idx is complete: its way to the disk begins now, and the one noted BEHIND_EXTENTS before it leaves the page cache. */
void behind_note(struct behind *b, struct data *d, const struct blob_id *id, uint64_t size, uint64_t idx);

#endif

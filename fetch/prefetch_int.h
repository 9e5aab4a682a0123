/* SPDX-License-Identifier: Apache-2.0 */
/* The access pattern of one blob to background wants: a pure state machine. */
#ifndef HFFS_FETCH_PREFETCH_INT_H
#define HFFS_FETCH_PREFETCH_INT_H

#include <stdbool.h>

#include <hffs/auto.h>

#define PREFETCH_HEADS 32

/* One place that is read on from, whoever reads. Offsets in bytes. */
struct prefetch_head {
	uint64_t pos;        /* behind the last byte read */
	uint64_t read;       /* bytes read here so far */
	uint64_t ahead;      /* behind the last byte asked for in advance */
	uint64_t used;       /* tick of its last read, 0: free */
	unsigned hits;
};

struct prefetch {
	struct prefetch_head heads[PREFETCH_HEADS]; /* {0} is the start */
	uint64_t tick;
};

struct prefetch_want {
	uint64_t off, len; /* bytes; len 0: nothing */
};

/*
 * A reader asked for [off, off + len) of a blob of `size` bytes. Gives what to fetch in advance: at most window_max bytes
 * ahead of it, for the first 8 MiB of a place at most as much as it has read so far, never beyond the end.
 */
struct prefetch_want prefetch_note(struct prefetch *p, uint64_t off, uint64_t len, uint64_t size, uint64_t window_max);

#endif

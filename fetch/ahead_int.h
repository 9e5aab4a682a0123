/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The prefetcher at work: tells it of reads, of tensor tables and of shards that belong together, and hands what it wants to the
 * scheduler. One lock over all its state, held for moments; order of locks: blob or ahead, never one inside the other.
 */
#ifndef HFFS_FETCH_AHEAD_INT_H
#define HFFS_FETCH_AHEAD_INT_H

#include "fetch_int.h"

struct ahead *ahead_new(void); /* NULL: no memory */
void ahead_free(struct ahead *h); /* all blobs are gone */

/* A new blob: shards of one model belong together, by the path it was first asked for. */
void ahead_join(struct blob *b, const struct object_ref *from);
void ahead_leave(struct blob *b); /* it is being freed */
/* The parts of b are known now. Without memory: as if they were not. */
void ahead_learned(struct blob *b, const struct prefetch_part *parts, size_t nr);
/* What was read of b's header says that it goes to there, at least or most likely; 0: nothing. */
void ahead_expect(struct blob *b, uint64_t end);
uint64_t ahead_header(struct blob *b); /* 0: not known */
uint32_t ahead_nr_parts(struct blob *b); /* that are known */
/* A reader asked for these bytes; hit: they were all there. Without any lock. */
void ahead_read(struct blob *b, uint64_t off, uint64_t len, bool hit, bool direct);
/* Is this request, not told yet, most likely readahead that nobody waits for? Without any lock. */
bool ahead_is_overrun(struct blob *b, uint64_t off, uint64_t len);
/* Is it still worth fetching chunks [first, last], which nobody has begun? Without any lock. */
bool ahead_keeps(struct blob *b, uint64_t first, uint64_t last, enum want_class class);

#endif

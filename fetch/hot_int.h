/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks that are still in memory: on their way to the disk, just stored, or refused by it. Readers and the prover take their
 * bytes from here, so that what streams through is neither read back nor kept twice.
 *
 * A blob lists its own chunks (blob->hot, guarded by blob->lock); what may be given up is listed over all blobs, oldest first.
 * Order of locks: blob, then hot. Functions that end in _locked are called under the lock of the chunk's blob.
 */
#ifndef HFFS_FETCH_HOT_INT_H
#define HFFS_FETCH_HOT_INT_H

#include "fetch_int.h"

struct hot *hot_new(void); /* NULL: no memory */
void hot_stop(struct hot *h); /* gives the only copies up, and their blobs */
void hot_free(struct hot *h); /* all blobs are gone */

/* c->idx of its blob came: takes the reference. It stays until it is settled, whatever comes. */
void hot_add_locked(struct blob *b, struct chunk_buf *c);
/* It is on disk now (or the disk refused it: the only copy) and may be given up from now on. */
void hot_settle_locked(struct chunk_buf *c, bool is_on_disk);
struct chunk_buf *hot_find_locked(const struct blob *b, uint64_t idx); /* borrowed; NULL: not in memory */
bool hot_is_storing_locked(const struct blob *b, uint64_t idx);
/* A reader has taken so many bytes of it. Read through, it is given up before others. */
void hot_taken_locked(struct chunk_buf *c, uint64_t bytes);
void hot_drop_locked(struct blob *b, uint64_t idx); /* if it is there */
void hot_drop_all(struct blob *b);

/* One that the disk refused, to be stored once more: it is being stored again, with a reference for the job, and one of its blob. */
struct chunk_buf *hot_take_only(struct hot *h); /* NULL: there is none, or its blob is busy */
/* Bytes that may be ahead of readers while the disk refuses what comes, so that they get it before it has to go. 0: it refuses none. */
uint64_t hot_refused_ahead(struct hot *h);
/* Gives back what is beyond the limits. Without any lock. */
void hot_trim(struct hot *h);
/* Gives one buffer back for new bytes: what was read through first, then the oldest that is on disk. False: none can be. */
bool hot_reclaim(struct hot *h);
/* Of chunk idx of this blob, if it is stored and still in memory: its buffer, referenced, else NULL. Without any lock. */
struct chunk_buf *hot_borrow(struct fetch *f, const struct blob_id *id, uint64_t idx);

#endif

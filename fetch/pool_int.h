/* SPDX-License-Identifier: Apache-2.0 */
/* Chunk buffers: a fixed number, so that memory is bounded whatever is read. */
#ifndef HFFS_FETCH_POOL_INT_H
#define HFFS_FETCH_POOL_INT_H

#include <stdatomic.h>

#include <hffs/digest.h>
#include <hffs/thread.h>
#include <hffs/tunables.h>

#include "workers_int.h"

struct blob;

/* Which chunks in memory may be given up, and when. */
enum hot_place {
	HOT_NOWHERE, /* not at all: it is being stored, or was given up */
	HOT_STORED,  /* on disk, and nobody has read it through */
	HOT_SPENT,   /* on disk, and read through or only ordered */
	HOT_ONLY,    /* the disk refused it */
	HOT_LISTS,
};

/* One chunk on its way from the wire to the disk, and a while longer. Counted references; the last one gives it back. */
struct chunk_buf {
	struct job job; /* first: the buffer is its own store job */
	struct pool *pool;
	atomic_uint refs;
	struct blob *blob; /* a reference of the store job, then borrowed */
	uint64_t idx;
	size_t len; /* bytes filled */
	struct chunk_digest digest; /* of them all, from where they came */
	bool is_swept;   /* it came because its file is being read in no order */
	bool is_ordered; /* it came without anybody reading towards it */
	struct chunk_buf *next_free;
	uint8_t *bytes; /* CHUNK_SIZE, aligned to pages */

	/* hot.c; guarded by blob->lock */
	struct chunk_buf *next_hot;
	bool is_storing;
	bool is_queued; /* its store job is still to come */
	bool is_taken;  /* and has nothing to do: another one wrote this chunk with its own */
	uint64_t taken; /* bytes that readers took */
	/* hot.c; guarded by its lock */
	struct chunk_buf *older, *newer;
	enum hot_place place;
	uint64_t placed_ms; /* monotonic */
};

struct pool;
/* given() is called after a buffer came back, without a lock, by whoever gave it: a paused transfer may go on. */
struct pool *pool_new(unsigned nr, void (*given)(void *ctx), void *ctx);
void pool_free(struct pool *p); /* all buffers must be back */
struct chunk_buf *pool_take(struct pool *p); /* NULL: all in use */
void chunk_buf_ref(struct chunk_buf *c);
void chunk_buf_unref(struct chunk_buf *c); /* NULL is fine */
/* Gives memory that is not in use back to the system, if nothing is. */
void pool_trim(struct pool *p);
void pool_count(struct pool *p, uint64_t *used, uint64_t *max);

#endif

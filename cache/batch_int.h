/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What waits for the next index transaction: chunks that came or went, uses, documents. Belongs to the keeper's thread alone, so
 * it has no lock; a reader on that thread sees the index with the batch laid over it.
 *
 * For a chunk the last word counts: put sets its bit in `put` and clears it in `drop`, drop does the reverse. What the index says
 * afterwards is (present & ~drop) | put.
 */
#ifndef HFFS_CACHE_BATCH_INT_H
#define HFFS_CACHE_BATCH_INT_H

#include <stdbool.h>

#include <hffs/cache.h>
#include <hffs/map.h>

#define BATCH_ALL UINT64_MAX

struct batch_extent {
	uint64_t idx;
	uint64_t put, drop;
	bool used;
	struct chunk_digest digests[EXTENT_CHUNKS]; /* of the bits in put */
};

struct batch_blob {
	struct blob_id id;
	uint64_t size;
	struct map extents; /* by idx */
	bool used; /* all of it, besides what its extents say */
	/* Found while committing: */
	bool was_known; /* the index had a row */
	bool complete;  /* every chunk is there now, and it is not sealed */
};

/* key: a byte of kind and the key's text, as one byte string. bytes == NULL: to be dropped, or only used. */
struct batch_doc {
	size_t key_len;
	void *bytes;
	size_t len;
	int64_t stored_s;
	enum batch_doc_op { BATCH_DOC_PUT, BATCH_DOC_DROP, BATCH_DOC_USED } op;
	uint8_t key[];
};

struct batch {
	struct map blobs; /* by id */
	struct map docs;  /* by key */
	size_t nr_extents;
	size_t nr_puts; /* chunks put since the last commit: what a crash would cost */
};

/* A blob of which another size was known is begun anew: its queued chunks were of something else. 0 or -ENOMEM. */
int batch_put(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t idx, const struct chunk_digest *digest);
int batch_drop(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t idx);
/* extent_idx: BATCH_ALL for every extent of the blob. */
int batch_use(struct batch *b, const struct blob_id *id, uint64_t extent_idx);
struct batch_blob *batch_find(const struct batch *b, const struct blob_id *id);
struct batch_extent *batch_find_extent(const struct batch *b, const struct blob_id *id, uint64_t extent_idx);
/* Drops every chunk of bits in an extent, whatever was queued for them. */
int batch_drop_bits(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t extent_idx, uint64_t bits);
void batch_forget_blob(struct batch *b, const struct blob_id *id);
/* What the index will say of an extent: out is what it says now (present == 0: nothing). */
void batch_overlay(const struct batch_extent *e, struct cache_extent *out);

/* Takes bytes (malloc'ed) when it returns 0. */
int batch_put_doc(struct batch *b, int kind, const char *key, void *bytes, size_t len, int64_t stored_s);
int batch_drop_doc(struct batch *b, int kind, const char *key);
int batch_use_doc(struct batch *b, int kind, const char *key);
const struct batch_doc *batch_find_doc(const struct batch *b, int kind, const char *key); /* NULL if none */

bool batch_is_empty(const struct batch *b);
void batch_clear(struct batch *b);

#endif

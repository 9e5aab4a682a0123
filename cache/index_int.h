/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: which chunks are on disk, with their digests; stored documents. The only user of SQLite. One connection, used by one
 * thread at a time; the tables and their meaning are in docs/CACHE-FORMAT.md.
 *
 * Errors: -EBADMSG the index is corrupt (close it, move it aside), -ENOSPC, -EIO, -EBUSY a stranger holds it, -EROFS, -ENOMEM.
 */
#ifndef HFFS_CACHE_INDEX_INT_H
#define HFFS_CACHE_INDEX_INT_H

#include <stdbool.h>
#include <sys/stat.h>

#include <hffs/cache.h>

#define APPLICATION_ID 0x68666673 /* "hffs" */

#define INDEX_SALT_LEN 16
#define INDEX_IDX_MAX ((uint64_t)INT32_MAX) /* extents of one blob: 32 PiB */

struct index;

/* How the last user ended. */
enum index_end {
	INDEX_TORN,       /* killed, or not everything was recorded: seals are void, data files are to be scrubbed */
	INDEX_UNSCRUBBED, /* closed, but a scrub that was due is not over */
	INDEX_CLEAN,
};
/*
 * Opens or makes the index file. -EPROTO: made by a newer hffs; -EBADMSG: corrupt or not ours. Before this returns the file says
 * that it is in use (where the disk lets us write).
 */
int index_open(const char *path, struct index **out, enum index_end *last_end, struct err *err);
/*
 * The same for a file on a read-only file system: a copy in memory, whose changes are lost. What a torn end left in the log beside
 * it is not seen. -ENOENT: there is none.
 */
int index_open_copy(const char *path, struct index **out, enum index_end *last_end, struct err *err);
/* Unless it is torn, all is committed, and the log is emptied into the index. */
void index_close(struct index *ix, enum index_end how);
const uint8_t *index_salt(const struct index *ix);

/* Every change below belongs between begin and commit. A failed commit is rolled back. */
int index_begin(struct index *ix);
int index_commit(struct index *ix);
void index_rollback(struct index *ix);

struct index_totals {
	uint64_t bytes, blobs, sealed;
};
int index_load_totals(struct index *ix, struct index_totals *out);

/* --- blobs --- */

/* The state of a data file when its blob was proven; any later change to the file shows in it. */
struct index_seal {
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
};
void index_seal_of(const struct stat *st, struct index_seal *out);

struct index_blob {
	int64_t nr; /* the row's number */
	struct blob_id id;
	uint64_t size;
	uint64_t chunks;  /* present ones */
	unsigned spoiled; /* how often the whole was not what the Hub had named */
	bool quarantined;
	bool sealed;
	struct index_seal seal; /* if sealed */
};
int index_find_blob(struct index *ix, const struct blob_id *id, struct index_blob *out); /* 0 or -ENOENT */
int index_find_blob_nr(struct index *ix, int64_t nr, struct index_blob *out);
int index_add_blob(struct index *ix, const struct blob_id *id, uint64_t size, struct index_blob *out);
int index_put_blob(struct index *ix, const struct index_blob *b);
int index_drop_blob(struct index *ix, int64_t nr); /* with its extents */
/* Ids of blobs with nr > *after, in order of nr: how many, at most max; *after moves on. */
int index_list_blobs(struct index *ix, int64_t *after, struct index_blob *out, size_t max);

/* --- extents --- */

/* 0; -ENOENT; a row that cannot be true is -ESTALE (its blob is to be dropped from the index). */
int index_find_extent(struct index *ix, const struct index_blob *b, uint64_t idx, struct cache_extent *out);
int index_put_extent(struct index *ix, const struct index_blob *b, const struct cache_extent *e, int64_t used_s);
int index_drop_extent(struct index *ix, int64_t nr, uint64_t idx);
int index_use_extent(struct index *ix, int64_t nr, uint64_t idx, int64_t used_s); /* a missing one is fine */
int index_use_blob(struct index *ix, int64_t nr, int64_t used_s); /* every extent of it */
/* When the least and the most recently used extent of a blob were used. */
int index_find_uses(struct index *ix, int64_t nr, int64_t *first_s, int64_t *last_s);
/* All of a blob in order: each() may return negative to stop. -ESTALE as above. */
int index_load_extents(struct index *ix, const struct index_blob *b, int (*each)(void *ctx, const struct cache_extent *e), void *ctx);
/* Bytes and number of a blob's extents. */
int index_count_extents(struct index *ix, int64_t nr, uint64_t *nr_extents, uint64_t *bytes);
/* Bytes of the present chunks of an extent. */
uint64_t index_extent_bytes(uint64_t size, uint64_t idx, uint64_t present);

struct index_oldest {
	int64_t nr;
	uint64_t idx, bytes;
};
struct index_cursor {
	int64_t used_s, bytes, key;
};
#define INDEX_CURSOR_START ((struct index_cursor){INT64_MIN, INT64_MIN, INT64_MIN})
/* Extents by their last use, oldest first, after the cursor: how many, at most max. */
int index_list_oldest(struct index *ix, struct index_cursor *cursor, struct index_oldest *out, size_t max);

/* --- documents --- */

int index_put_doc(struct index *ix, int kind, const void *key, size_t key_len, const void *bytes, size_t len, int64_t stored_s);
int index_drop_doc(struct index *ix, int kind, const void *key, size_t key_len);
int index_use_doc(struct index *ix, int kind, const void *key, size_t key_len, int64_t used_s);
/* Calls done with borrowed bytes; -ENOENT: it does not. used_s: its last use as recorded. */
int index_load_doc(struct index *ix, int kind, const char *key,
		   void (*done)(void *ctx, const void *bytes, size_t len, int64_t stored_s, int64_t used_s), void *ctx);
int index_list_docs(struct index *ix, int kind, const char *prefix, cache_key_each *each, void *ctx);
/* --- pins --- */

/* Replaces the pin of the key. Ids with their sizes; one that is there twice counts once. */
int index_put_pin(struct index *ix, const void *key, size_t key_len, const void *bytes, size_t len, const struct cache_pin_blob *blobs,
		  size_t nr);
/* The pin of that key, or all whose keys begin with it: how many went. */
int index_drop_pins(struct index *ix, const void *key, size_t len, bool exact);
int index_list_pins(struct index *ix, cache_pin_each *each, void *ctx); /* by key */
int index_is_pinned(struct index *ix, const struct blob_id *id);        /* 1, 0 */
int index_load_pinned(struct index *ix, uint64_t *bytes, uint64_t *cached); /* of all blobs that are pinned; and what is here of them */

/* Drops documents last used before, and brings uses later than `now` back to it. */
int index_prune(struct index *ix, int64_t now_s, int64_t before_s);

#endif

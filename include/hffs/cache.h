/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on disk: data files (one sparse file a blob, byte n at byte n), the SQLite index of which chunks are there with their
 * digests, stored documents (listings, revisions). No network, no FUSE. Threads of its own: the keeper (all SQL, syncs, holes)
 * and the prover (whole-blob digests, at idle priority).
 */
#ifndef HFFS_CACHE_H
#define HFFS_CACHE_H

#include <signal.h>
#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/digest.h>
#include <hffs/err.h>
#include <hffs/tunables.h>

struct cache;

/* Why chunks went: for room or because the disk lost them, or because the Hub's bytes differed from its digest; the second time for good. */
enum evicted_why { EVICTED, EVICTED_SPOILED, EVICTED_QUARANTINED };

/* What the cache asks of and tells the layer above; on the keeper's thread if not said otherwise. */
struct cache_events {
	void *ctx;
	/*
	 * May chunks [first, first + nr) of this blob be given up? True: they are marked and no reader uses them any more (it
	 * may wait for replies under way, which is short). False: not now. With force it must become true: the blob is wrong.
	 * Until evicted() no chunk of the range that is there may be fetched again, and if the range is the whole blob, none at all.
	 */
	bool (*evict)(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, bool force);
	/*
	 * They are gone from index and disk; if the range is the whole blob its data file was unlinked: what comes next belongs in
	 * a new one (cache_open_data()).
	 */
	void (*evicted)(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, enum evicted_why why);
	/* The whole blob is here and its digest is the Hub's; synced, and its data file never changes again: it can only be removed. */
	void (*sealed)(void *ctx, const struct blob_id *id);
	/*
	 * The bytes of a stored chunk, if they are still in memory, else NULL; they stay until give_back(*loan). On the prover's
	 * thread. Both may be missing.
	 */
	const void *(*borrow)(void *ctx, const struct blob_id *id, uint64_t idx, size_t *len, void **loan);
	void (*give_back)(void *loan);
	/* Do readers hold the data file itself? Then its bytes stay on the disk for as long as they do, although it is removed. */
	bool (*is_held)(void *ctx, const struct blob_id *id);
};

/* The comparison of index and data files that begins with each start, in the background. Beyond the first nothing is evicted before cache_gc(). */
enum cache_scrub {
	SCRUB_IF_DUE,   /* thorough after an unclean end, else data files without a row only */
	SCRUB_THOROUGH,
	SCRUB_DRY,      /* thorough, but nothing is changed: for cache_gc() to tell */
};

#define CACHE_FORMAT 2 /* docs/CACHE-FORMAT.md */

struct cache_config {
	const char *dir;    /* made if missing (0700); must be ours */
	uint64_t size_max;  /* bytes of chunks; 0: 90 % of the file system */
	uint64_t keep_free; /* bytes to leave free; UINT64_MAX: 5 % of the file system */
	struct cache_events events;
	enum cache_scrub scrub;
};

/*
 * Opens and locks the directory; starts keeper and prover. -EBUSY: another process has it (the sentence names its pid);
 * -EACCES, -EROFS: not writable or not ours; -EPROTO: made by a newer hffs. A corrupt or foreign index is moved aside and
 * begun anew (the sentence of a warning in the log), with the data files it knew dropped.
 */
int cache_open(const struct cache_config *config, struct cache **out, struct err *err);
/* Commits what is queued, records a clean shutdown, stops the threads. */
void cache_close(struct cache *c);
/*
 * Which format the index in dir has, off its head, while somebody else may have it open: 0 none, 1 to CACHE_FORMAT, or more for a newer hffs;
 * -EAGAIN: all of it is in its log yet; -EBADMSG: it is no index of ours; -errno.
 */
int cache_peek_format(const char *dir);
/* 16 random bytes made with the cache: salt of identities. */
const uint8_t *cache_salt(const struct cache *c);

/* --- blobs --- */

struct cache_extent {
	uint64_t idx;     /* chunks [idx * EXTENT_CHUNKS, ...) */
	uint64_t present; /* bit n: chunk n of the extent is stored */
	struct chunk_digest digests[EXTENT_CHUNKS];
};
struct cache_rows {
	bool sealed;      /* proven earlier, clean shutdown since, and the data file is as recorded: chunks need no check */
	bool quarantined;
	size_t nr;
	struct cache_extent extents[]; /* by idx */
};
/*
 * Loads what the index knows of a blob, ahead of queued commits (and including what they would write). done() on the keeper's
 * thread; it owns rows (free()); rows is never NULL when r == 0: an unknown blob has nr == 0. An index that cannot be read is
 * the same as an unknown blob. Out of memory, here and in the other calls that want something: done() on the caller's own thread,
 * before they return.
 */
typedef void cache_rows_done(void *ctx, int r, struct cache_rows *rows);
void cache_want_rows(struct cache *c, const struct blob_id *id, uint64_t size, cache_rows_done *done, void *ctx);

/*
 * Opens the data file, making it (sparse, `size` long) if missing. A descriptor (caller closes) or -errno. Never follows links;
 * a file that is not regular, not ours, or linked elsewhere is replaced. One that was sealed is fixed, whatever became of its
 * seal: the descriptor is for reading alone, or with to_write a new file takes its place. Blocks on disk. Any thread but the net
 * thread.
 */
int cache_open_data(struct cache *c, const struct blob_id *id, uint64_t size, bool to_write);

/*
 * Where the data file of a blob is, or would be, in the cache at dir: caller frees, NULL when out of memory. Only one that is sealed may
 * be read by who has not the cache open: it never changes, and who has it open keeps its bytes when it is removed.
 */
char *cache_data_path(const char *dir, const struct blob_id *id);
/*
 * Bytes that the data file takes on disk, which is about what is cached of the blob; 0: there is none. One look at the file
 * system's own data, for listings: what counts is cache_want_rows(). Any thread but the net thread.
 */
uint64_t cache_disk_bytes(struct cache *c, const struct blob_id *id);

/* The chunk's digest: XXH3-128 seeded with blob and index, so that a chunk in the wrong place does not pass; and that seed. Pure. */
uint64_t cache_chunk_seed(const struct blob_id *id, uint64_t idx);
struct chunk_digest cache_chunk_digest(const struct blob_id *id, uint64_t idx, const void *bytes, size_t len);

/*
 * A chunk was written to the data file at its offset: to be recorded with the next commit. Any thread; never blocks on disk.
 * After the last missing one the prover proves the whole blob by itself.
 */
void cache_put_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx, const struct chunk_digest *digest);
/* A stored chunk turned out to be wrong (decay): forget it. */
void cache_drop_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx);
/* Extent idx was used: for least-recently-used eviction. Cheap; call it at most now and then per extent. */
void cache_touch(struct cache *c, const struct blob_id *id, uint64_t extent_idx);
/* All of a blob was used: costs as much as touching each extent, so not more than once in some minutes. */
void cache_touch_all(struct cache *c, const struct blob_id *id);
/* So many bytes of data files that were removed are still held by readers, or (less than 0) no longer are. Any thread. */
void cache_note_held(struct cache *c, int64_t bytes);
/* A regular file on the file system of the data files, opened for reading; -errno. To try things on; it must not be changed. */
int cache_open_sample(struct cache *c);
/* The disk refused a write: make room soon. */
void cache_need_space(struct cache *c);
/* The disk has refused bytes of this blob's data file that it seemed to have taken: the file goes as a whole. */
void cache_distrust(struct cache *c, const struct blob_id *id, uint64_t size);
/* Asks the prover to prove a complete blob that is not sealed (after a restart). */
void cache_want_proof(struct cache *c, const struct blob_id *id, uint64_t size);

/* --- looking into what is here, for verify --- */

enum cache_verdict {
	VERDICT_ABSENT,  /* nothing of it is here */
	VERDICT_PARTIAL, /* some chunks are, each as it was stored: the whole cannot be proven */
	VERDICT_PROVEN,  /* all of it, and its digest is the blob's name */
	VERDICT_DECAYED, /* some chunks are not as they were stored */
	VERDICT_FOREIGN, /* all chunks are as they were stored, but the whole is not what the blob's name says */
};
struct cache_audit {
	enum cache_verdict verdict;
	uint64_t bytes, bad_bytes; /* that are here; of these, wrong ones */
	bool dropped;              /* the wrong ones are not in the cache any more */
};
/*
 * Reads all that is here of a blob from the disk, whatever was proven before. fix: what is wrong is dropped, what is proven sealed.
 * *stop (NULL: none) set by somebody ends it with -ECANCELED. 0; -EIO and the like: it cannot be read. Blocks for as long as the disk
 * takes; not on a thread of the cache or of FUSE.
 */
int cache_audit(struct cache *c, const struct blob_id *id, uint64_t size, bool fix, const volatile sig_atomic_t *stop,
		struct cache_audit *out);

struct cache_blob {
	struct blob_id id;
	uint64_t size, bytes; /* in all, and here */
	bool sealed;
};
/* Blobs of which something is here, by an order of the cache's own, after *after (0: from the first): how many, at most max. */
int cache_list_blobs(struct cache *c, int64_t *after, struct cache_blob *out, size_t max);

/* --- clearing up --- */

struct cache_gc {
	uint64_t orphan_files, orphan_bytes; /* on disk without a row: what the scrub of this run found, now that it is over */
	uint64_t evicted;                    /* bytes given up for the limits */
	uint64_t bytes_cached;               /* what is left; dry: what is there */
	bool over;                           /* and still more than the limits allow: it is pinned or in use */
};
/*
 * Ends the scrub of this run, and evicts what is beyond the limits. size_max: the limit for this once; UINT64_MAX: that of the cache.
 * dry: only tells what would go. As the calls above.
 */
int cache_gc(struct cache *c, bool dry, uint64_t size_max, struct cache_gc *out);

/* --- documents: stored listings and revisions, as bytes of the layer above --- */

enum doc_kind { DOC_GRANT, DOC_REVISION, DOC_TREE, DOC_REFS };
/* Stored with the wall clock's time. key: any bytes, at most 2048; replaces. Copied. Any thread, never blocks. */
void cache_put_doc(struct cache *c, enum doc_kind kind, const char *key, const void *bytes, size_t len);
void cache_drop_doc(struct cache *c, enum doc_kind kind, const char *key);
/* done() on the keeper's thread: r 0 with bytes (borrowed) and the time stored, or -ENOENT, -EIO. */
typedef void cache_doc_done(void *ctx, int r, const void *bytes, size_t len, int64_t stored_s);
void cache_want_doc(struct cache *c, enum doc_kind kind, const char *key, cache_doc_done *done, void *ctx);
/* Every key of a kind that begins with prefix, in byte order: each() per key, then done(). Keeper's thread. */
typedef void cache_key_each(void *ctx, const char *key, int64_t stored_s);
void cache_want_keys(struct cache *c, enum doc_kind kind, const char *prefix, cache_key_each *each, void (*done)(void *ctx, int r),
		     void *ctx);

/* --- pins: what is never evicted --- */

struct cache_pin_blob {
	struct blob_id id;
	uint64_t size;
};
/*
 * Keeps blobs, whether they are here already or come later, under a key (1 to 2048 bytes) with bytes of the layer above; replaces the pin
 * of that key. Committed when it returns: 0; -EIO: the index cannot be written; -ENOMEM. These calls wait for the keeper: not on its
 * thread, nor on one of FUSE.
 */
int cache_put_pin(struct cache *c, const char *key, const void *bytes, size_t len, const struct cache_pin_blob *blobs, size_t nr);
/* The pin of that key, or (exact false) all whose keys begin with it: how many went, or as above. */
int cache_drop_pins(struct cache *c, const char *key, bool exact);

struct cache_pin {
	const char *key;
	const void *bytes;
	size_t len;
	uint64_t files; /* contents, each counted once */
	uint64_t size, cached; /* bytes of them, and how many of these are here */
};
typedef void cache_pin_each(void *ctx, const struct cache_pin *pin); /* borrowed; on the keeper's thread */
/* All pins, by key. */
int cache_list_pins(struct cache *c, cache_pin_each *each, void *ctx);

struct cache_stats {
	uint64_t bytes_cached, size_max, keep_free;
	uint64_t disk_free, disk_size; /* of the file system, as of the last commit */
	uint64_t bytes_pinned; /* of all pinned blobs, cached or not */
	uint64_t bytes_held; /* of removed data files that readers still hold */
	uint64_t blobs, blobs_sealed;
	uint64_t evicted_bytes, proven_blobs, spoiled_blobs, lost_chunks /* of cache_drop_chunk() */, write_errors;
};
void cache_stats(struct cache *c, struct cache_stats *out);
/* Waits until everything queued so far is committed (tests, clean shutdown, pull). Not on the keeper's thread. */
void cache_flush(struct cache *c);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joins hub and cache: opens both, with the workers between them. Blobs are read here (blob.h below), names are looked up in
 * the catalog (catalog.h). No FUSE.
 */
#ifndef HFFS_FETCH_H
#define HFFS_FETCH_H

#include <sys/uio.h>

#include <hffs/cache.h>
#include <hffs/hub.h>

struct fetch;

struct fetch_config {
	struct hub_config hub;     /* defer and share are filled in by fetch_open() */
	struct cache_config cache; /* events are filled in by fetch_open() */
	const char *pause_dir;     /* pauses are shared through the cache's directory and this one, where it exists; may be NULL */
	uint64_t data_deadline_ms; /* a wait for data without progress; UINT64_MAX: never ends by itself */
	const struct lockfile *lock; /* only what it names is there; borrowed until fetch_close(). NULL: the whole Hub */
	const struct filter *filter; /* which files may be seen; borrowed as well. NULL: all */
	uint64_t ref_ttl_ms;       /* how long a branch is believed; UINT64_MAX: for ever */
	unsigned listing_pages;    /* of a listing, that catalog_want_listing() asks for before it goes directory by directory; 0: 20 */
	unsigned disk_workers;     /* threads; 0: as many as processors, 4 to 8 */
	uint64_t rate_bps;         /* upper limit of content, bytes a second; 0: none */
};

/* Opens cache and hub and starts all their threads. */
int fetch_open(const struct fetch_config *config, struct fetch **out, struct err *err);
/* Refuses wants, completes parked readers with -ECANCELED, drains workers, commits, closes hub and cache. All blobs must be put. */
void fetch_close(struct fetch *f);
/* First half of closing, may be called early and twice: parked readers end with -ECANCELED, later ones at once. */
void fetch_cancel(struct fetch *f);
struct hub *fetch_hub(struct fetch *f);
struct cache *fetch_cache(struct fetch *f);
struct catalog *fetch_catalog(struct fetch *f);

struct fetch_stats {
	uint64_t chunks_in_flight; /* wanted and not yet stored */
	uint64_t readers_parked;
	uint64_t blobs_open;
	uint64_t read_hits, read_misses; /* reads answered at once, reads parked */
	uint64_t buffers_used, buffers_max; /* chunk buffers */
	uint64_t chunks_bypassed;  /* served from memory because the disk refused them */
};
void fetch_stats(struct fetch *f, struct fetch_stats *out);

/*
 * Blobs whose bytes, already handed out, turned out to be wrong and were dropped: up to max ids, each told once. What a reader's
 * kernel still holds of them is to be forgotten. Any thread.
 */
size_t fetch_take_spoiled(struct fetch *f, struct blob_id *ids, size_t max);
/*
 * Blobs that were sealed since last asked: blob_open_backing() gives their data file now. Up to max ids, each told once; some may be
 * left out when many come at a time. Any thread.
 */
size_t fetch_take_sealed(struct fetch *f, struct blob_id *ids, size_t max);

/*
 * A chunk is in memory now that nobody waits for, of a file that is being read in no order: all of it will be. For one listener; once
 * this returns the one before hears nothing any more. NULL: nobody listens. Any thread; fn must not block, nor call back into fetch.
 */
struct blob;
typedef void fetch_swept(void *ctx, const struct blob *b, uint64_t idx);
void fetch_on_swept(struct fetch *f, fetch_swept *fn, void *ctx);

/*
 * Stores a content that is in a local file, without the Hub: fd is read from its beginning, size bytes, once to prove that it is what id
 * says, once to store it. 0; 1: all of it was here already; -EBADMSG: it is something else, nothing was stored; -ESTALE: it changes;
 * -ENOSPC: the cache keeps no more; -ECANCELED: *stop was set, or the fetch is closed; -errno of reading. With a sentence. Blocks; not
 * on a thread of hub, cache, fetch or FUSE.
 */
int fetch_bring(struct fetch *f, const struct blob_id *id, int fd, uint64_t size, const volatile sig_atomic_t *stop, struct err *err);

/* --- blobs --- */

struct blob;

/* Where a reply finds its bytes. Valid until done() returns. */
struct span;
#define SPAN_PIECES_MAX (READ_MAX / CHUNK_SIZE + 2)
/* The whole span as pieces of memory, without copying: how many of SPAN_PIECES_MAX, in order. 0: not all of it is in memory. */
unsigned span_pieces(const struct span *s, struct iovec *out);
/* Copies the whole span to out. 0, or -errno when the disk fails. Blocks on disk only. */
int span_read(const struct span *s, void *out);
size_t span_len(const struct span *s);

/*
 * A reference to the blob of this entry; the same struct for the same id, whoever asks. Memory only (its index rows are
 * loaded behind it; reads wait for them). size >= 1. Any thread. NULL: no memory, or closing. Release with blob_put().
 */
struct blob *blob_get(struct fetch *f, const struct object_ref *from);
void blob_put(struct blob *b);

/*
 * Reads [off, off + len) of b: len >= 1, off + len <= size, in bytes. Calls done() exactly once, perhaps before returning: with
 * r == 0 and a span whose chunks are held until done() returns; or r < 0 (-EIO, -ESTALE, -EBADMSG, -ETIMEDOUT, -EACCES,
 * -ECANCELED, -ENOMEM) with a sentence in err and no span. done() runs on the calling thread or a worker and may block on disk,
 * not on anything else. Any thread; never blocks on disk or network itself. The pattern of all reads of a blob drives prefetch.
 */
typedef void read_done(void *ctx, int r, const struct span *span, const struct err *err);
void blob_read(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx);
/* The same for O_DIRECT: what the program asked for itself, without the kernel reading ahead. */
void blob_read_direct(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx);
/*
 * Copies [off, off + len) to out if all of it is here: 0, else -EAGAIN, or what reading the disk gives. With is_read it is to prefetch
 * a read like any other. Blocks on disk.
 */
int blob_copy(struct blob *b, uint64_t off, size_t len, bool is_read, void *out);
/* Makes chunks of [off, off + len) present, any length, without prefetch and at background urgency (pull). span is NULL. */
void blob_ensure(struct blob *b, uint64_t off, uint64_t len, read_done *done, void *ctx);

/*
 * Does loading this content run code (a pickle, or what holds one)? Reads its beginning, perhaps its end. done() comes once, perhaps before
 * this returns: r as of blob_read(), with a sentence or none. Any thread; never blocks on network itself.
 */
typedef void judge_done(void *ctx, int r, bool runs_code, const struct err *err);
void blob_judge(struct blob *b, judge_done *done, void *ctx);
/* Do files of this name by custom? Pure. */
bool judge_name(const char *path);

struct blob_info {
	uint64_t size;
	uint64_t bytes_cached;
	bool sealed, quarantined;
};
/* What is known now; bytes_cached is 0 until the index rows are loaded. Any thread. */
void blob_info(struct blob *b, struct blob_info *out);

/*
 * The data file of a blob that is complete and proven, for readers to have as it is: its bytes never change, and stay although the
 * blob is evicted, until the last descriptor and mapping is gone. Counts as use of the whole blob, when it is opened and closed.
 */
struct backing;
/* 0; -EAGAIN: not sealed, or its file cannot be handed out; -ENOMEM. Blocks on nothing. Any thread. */
int blob_open_backing(struct blob *b, struct backing **out);
int backing_fd(const struct backing *k); /* for reading; borrowed until backing_close() */
void backing_close(struct backing *k);

#endif

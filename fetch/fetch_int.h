/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of fetch/ share: the assembly, a blob's state, and the calls between blob, scheduler and workers. */
#ifndef HFFS_FETCH_INT_H
#define HFFS_FETCH_INT_H

#include <stdatomic.h>

#include <hffs/fetch.h>
#include <hffs/map.h>
#include <hffs/pause_file.h>
#include <hffs/thread.h>

#include "learn_int.h"
#include "pool_int.h"
#include "prefetch_int.h"
#include "workers_int.h"

#define POOL_BUFFERS 272   /* 68 MiB: what streams ahead of readers stays in memory until they took it */
#define IDLE_BLOBS 256     /* blobs that nobody has open and that are still remembered, at most */
#define SOURCES_MAX 4      /* paths that one blob is known under */
#define TICK_MS 100
#define TOLD_MAX 64 /* between two looks of the layer above */
#define HARD_CAP_MS 600000 /* no read waits longer, whatever progress others make; ensuring takes as long as it takes */

/* What of a chunk is where. Guarded by blob->lock; readers are served from PRESENT and MEMORY only, under a hold. */
enum chunk_state {
	CHUNK_ABSENT,   /* no bytes */
	CHUNK_WANTED,   /* in a queue of the scheduler */
	CHUNK_FETCHING, /* on its way, or a worker is storing it */
	CHUNK_UNPROVEN, /* on disk from an earlier run, digest not yet checked */
	CHUNK_PROVING,  /* a worker is checking it */
	CHUNK_PRESENT,  /* on disk, proven in this run */
	CHUNK_MEMORY,   /* arrived and in memory; a worker is storing it, or the disk refused it */
	CHUNK_EVICTING, /* given up: its row goes first, then its bytes */
};

/* An open data file; counted, so that a worker or a reply can go on while the blob begins a new one. */
struct data_file {
	atomic_uint refs;
	int fd;
	int direct_fd; /* of the same file with O_DIRECT; -1 where the file system has none */
	atomic_bool is_paged; /* chunks went through the page cache and may still be on their way to the disk: that is read through it too */
	atomic_bool may_lose; /* some went through the page cache, be it only a rest: the disk may refuse them later */
	atomic_bool has_lost; /* and did: which ones nobody knows, so nothing of the file is believed */
	pthread_mutex_t ask_lock; /* the kernel tells only the first who asks */
	unsigned backings; /* readers that have it as it is; guarded by the blob's lock, as is_removed */
	bool is_removed;   /* and those bytes were told to the cache as held */
};
struct data_file *data_file_ref(struct data_file *d);
void data_file_unref(struct data_file *d); /* NULL is fine */
void data_file_sealed(struct data_file *d); /* it has no holes any more; NULL is fine */
/* Behind each read of b's data file: may the bytes be others than were written? Then the cache drops the file. */
bool data_file_has_lost(struct blob *b, struct data_file *d);

struct span {
	struct blob *blob;
	struct data_file *data;
	uint64_t off;
	size_t len;
	unsigned epoch;
	unsigned nr_hot;
	struct chunk_buf *hot[SPAN_PIECES_MAX]; /* those of its chunks that are in memory */
};

/* A read that waits. Owned by blob->readers until it is completed. */
struct reader {
	struct reader *next;
	uint64_t off, len;
	uint64_t first, last; /* chunks */
	uint64_t missing;     /* of them not yet here; no meaning before the rows are loaded */
	bool ensure;          /* wants the bytes stored, not handed out */
	uint64_t lost;        /* chunks that were here and went again while it ensures */
	uint64_t parked_ms, waited_ms;
	bool is_overrun;      /* most likely nobody waits for it */
	read_done *done;
	void *ctx;
	int r; /* of a completed one, with its sentence */
	struct err err;
	struct span span;
};

struct blob_source {
	struct object_ref ref;
	char *path;
};

struct blob {
	struct fetch *fetch;
	struct blob_id id;
	uint64_t size, nr; /* bytes, chunks */

	/* guarded by fetch->blobs_lock */
	unsigned refs;
	struct blob *idle_next, *idle_prev;

	pthread_mutex_t open_lock; /* one opens the data file; held across disk, taken alone */

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t drained;
	bool ready; /* the index rows are loaded */
	bool sealed, quarantined;
	struct data_file *data; /* NULL until a chunk is stored or known */
	uint8_t *state;         /* enum chunk_state of each chunk */
	uint32_t *touched_s;    /* of each extent: when the cache was last told of its use */
	uint32_t touched_all_s; /* of the whole */
	struct cache_rows *rows; /* digests of UNPROVEN chunks */
	uint64_t bytes_present;
	struct chunk_buf *hot; /* chunks in memory */
	struct reader *readers, **readers_tail; /* first come, first */
	/*
	 * Chunks that the cache is giving up, from the first to the last of all the runs it asked for: none of them is fetched
	 * meanwhile; by force, neither is any proven or stored that was on its way already.
	 */
	uint64_t evicting_first, evicting_nr;
	bool evicting_forced;
	unsigned holds[2], epoch; /* replies under way, by the epoch in which they began */
	struct prefetch prefetch; /* ahead.c's, under its lock */
	struct learn learn;
	struct blob_source sources[SOURCES_MAX];
	unsigned nr_sources, source, sources_tried;
	unsigned tries, wrong; /* failures one after the other since the last chunk arrived; of these, answers that were wrong */
	atomic_bool is_silent; /* its transfers bring nothing: they leave connections to others */
	uint64_t retry_at_ms;
	unsigned spoiled;      /* times that the whole content differed from its digest */
	unsigned running;      /* transfers */
	uint64_t bytes_arrived, bytes_ticked; /* for the progress rule */
	struct err fault;      /* why the last transfer failed */
	uint64_t gave_up_ms, gave_up_bytes; /* when a reader's deadline passed, and bytes_arrived then */
};

/* A path of it, for sentences; stays as long as the blob does. */
const char *blob_name(struct blob *b);
static inline const char *blob_name_locked(const struct blob *b)
{
	return b->nr_sources ? b->sources[b->source].path : "file";
}

struct sched;
struct hot;
struct ahead;

/* How soon a chunk is wanted: the order in which the scheduler asks. */
enum want_class {
	WANT_URGENT,      /* a reader waits */
	WANT_PROBE,       /* first pages about to be touched: small */
	WANT_STREAM,      /* somebody reads towards it; or it was ordered without a reader */
	WANT_OVERRUN,     /* readahead behind the end of what is read: nobody waits for it, most likely */
	WANT_SWEEP,       /* the file is being read in no order: what the link has left */
	WANT_CLASSES,
};

/* Blobs that the layer above shall hear of. What does not fit is left out. */
struct id_list {
	struct blob_id ids[TOLD_MAX];
	unsigned nr;
};

struct fetch {
	struct fetch_config config;
	struct hub *hub;
	struct cache *cache;
	struct catalog *catalog;
	struct workers *workers;      /* never wait for the disk: bytes that arrived go to their readers there */
	struct workers *disk_workers; /* write and prove chunks */
	struct disk *disk;
	struct pool *pool;
	struct sched *sched;
	struct hot *hot;
	struct ahead *ahead;
	atomic_bool closed;
	const char *pause_dirs[2]; /* of the configuration; either may be NULL */
	struct pause_stamp pause_stamps[2]; /* whoever looks has them */

	pthread_mutex_t blobs_lock; /* guards the table, the idle list and blob->refs */
	struct map blobs;           /* by id */
	struct blob *idle_head, *idle_tail; /* oldest first */
	unsigned nr_idle, idle_max;

	struct blob_id forced; /* the keeper's: a blob that it is dropping because it is wrong */
	struct id_list spoiled, sealed; /* for fetch_take_spoiled() and fetch_take_sealed(), guarded by blobs_lock */

	atomic_ullong chunks_in_flight, readers_parked, read_hits, read_misses, chunks_bypassed;
	atomic_uint chunks_storing;
	_Atomic uint64_t direct_us; /* that a chunk takes past the page cache, on average */
	_Atomic uint64_t behind_until_ms; /* the disk is slower than the network; monotonic */
	pthread_mutex_t swept_lock; /* guards the next two, also while the listener is told */
	fetch_swept *swept;
	void *swept_ctx;
	_Atomic uint64_t refused_said_ms; /* when the log last said that the disk refuses chunks; 0: never */
};

/* pauses.c: how the hub's pauses are shared with other processes */
struct hub_share pauses_share(struct fetch *f);

/* span.c */
/* All chunks of [off, off + len) are here: takes the hold. */
void span_fill_locked(struct blob *b, uint64_t off, size_t len, struct span *s);
void span_release(struct span *s);

/* table.c */
struct blob *blob_ref(struct blob *b);
struct blob *blob_ref_open(struct blob *b); /* a reference if there is one already, else NULL */
struct blob *blob_find(struct fetch *f, const struct blob_id *id); /* a reference, NULL if it is not in memory */
/* All blobs in memory, referenced; caller puts each and frees the array. NULL with *nr == 0 when out of memory. */
struct blob **blob_all(struct fetch *f, size_t *nr);
void blob_table_done(struct fetch *f);

/* blob.c */
size_t blob_chunk_len(const struct blob *b, uint64_t idx);
void blob_set_state_locked(struct blob *b, uint64_t idx, enum chunk_state state);
bool blob_is_awaited_locked(const struct blob *b, uint64_t idx); /* does a parked reader need it? */
bool blob_is_evicting_locked(const struct blob *b, uint64_t idx); /* is its hole still to come? */

/* 0, or why this blob can only fail: quarantined, or shutting down. */
int blob_refuse_locked(const struct blob *b, struct err *err);

/* What a change under the lock asks for once the lock is gone. {0}: nothing. */
struct aftermath {
	bool urgent, background; /* tell the scheduler of wants in [first, last] */
	bool overrun;            /* the urgent ones are readahead that nobody waits for, most likely */
	enum want_class ahead;   /* of those in the background: WANT_URGENT: nobody reads towards them, they are ordered */
	uint64_t ahead_bytes;    /* between reader and them */
	uint64_t urgent_first, urgent_last;
	uint64_t background_first, background_last;
	struct prove_job *proofs; /* to be run */
	struct reader *completed; /* to be called back */
	struct learn_job *learn; /* to be run */
};
void blob_settle(struct blob *b, struct aftermath *a);
/* Marks what is missing of [first, last] as wanted or being proven. */
void blob_want_locked(struct blob *b, uint64_t first, uint64_t last, bool urgent, struct aftermath *a);
/* Chunk idx is in memory: readers that are complete now move to the aftermath. */
void blob_arrived_locked(struct blob *b, uint64_t idx, struct aftermath *a);
/* Chunk idx is stored, or the disk refused it: the same for who ensures it. */
void blob_stored_locked(struct blob *b, uint64_t idx, struct aftermath *a);
/* Ends readers that cover any of [first, last] with this error; r == 0 ends none. */
void blob_fail_locked(struct blob *b, uint64_t first, uint64_t last, int r, const struct err *err, struct aftermath *a);
/* idle_ms more passed without bytes for this blob: readers whose idle time reached the deadline end with -ETIMEDOUT. */
void blob_tick_locked(struct blob *b, uint64_t now_ms, uint64_t idle_ms, uint64_t deadline_ms, struct aftermath *a);
/* Looks at every parked reader again (rows were loaded, chunks were lost). */
void blob_recheck_locked(struct blob *b, struct aftermath *a);
/* Chunk idx was here and is no longer: who ensures more than the cache can keep ends with -EIO. */
void blob_note_loss_locked(struct blob *b, uint64_t idx, struct aftermath *a);
/* Chunk idx cannot be had from disk any more: absent, and wanted again if somebody waits for it. */
void blob_lost_locked(struct blob *b, uint64_t idx, struct aftermath *a);

/* store.c: what workers do */
struct prove_job {
	struct job job;
	struct prove_job *next;
	struct blob *blob;
	uint64_t first, last;
};
struct prove_job *prove_job_new(struct blob *b, uint64_t first, uint64_t last);
void store_chunk(struct chunk_buf *c); /* takes the buffer's reference and that of its blob */
/* Tries once more to write a chunk that the disk refused, and if that goes well all others; if there is any. */
void store_refused(struct fetch *f);
/* Opens the data file if it is not open: a reference, NULL with errno if the disk refuses. Blocks on disk. */
struct data_file *store_open_data(struct blob *b);

/* backing.c: data files in the hands of readers */
/* The blob gives up its data file; bytes that readers still hold of it: to be told to the cache without the lock. */
uint64_t backing_let_go_locked(struct blob *b);
bool backing_is_held_locked(const struct blob *b);
/* Sealed: the file is from now on open for reading alone. Blocks on disk. */
void backing_prepare(struct blob *b);

/* events.c: answers to the cache */
struct cache_events events_of(struct fetch *f);

/* sched.c */
int sched_open(struct fetch *f, unsigned connections_max, struct sched **out);
/* Chunks of [first, last] are WANTED. Borrows b. */
void sched_want(struct sched *s, struct blob *b, uint64_t first, uint64_t last, enum want_class class);
/*
 * The same for what the prefetcher wants, so many bytes from its reader: passed over if it has changed its mind when its turn
 * comes. Never urgent. Chunks of a sweep are ABSENT, so that everybody may still want them for a better reason.
 */
void sched_want_ahead(struct sched *s, struct blob *b, uint64_t first, uint64_t last, enum want_class class, uint64_t ahead);
/* Wants between the two are started together: what lies behind each other becomes one request. */
void sched_hold(struct sched *s);
void sched_release(struct sched *s);
/* A reader asked for len bytes: what may be ahead of the readers of one model, which the link needs to stay full and memory keeps. */
struct prefetch_limits sched_note_read(struct sched *s, uint64_t len);
void sched_buffer_given(void *sched);
void sched_cancel(struct sched *s); /* ends all transfers; later wants are refused */
void sched_free(struct sched *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of cache/ share: the cache's own struct, and the jobs through which every other thread reaches the keeper.
 *
 * Callers append a job to one of two lists under cache->lock and are gone. The keeper takes both lists whole, folds the inbox
 * into its batch, then answers the urgent ones (reads) from the index with the batch laid over it: so a read overtakes every
 * commit and still sees every put made before it. Whatever is marked "keeper's" has no lock, because it has one user.
 */
#ifndef HFFS_CACHE_INT_H
#define HFFS_CACHE_INT_H

#include <hffs/cache.h>
#include <hffs/thread.h>

#include "batch_int.h"
#include "behind_int.h"
#include "data_int.h"
#include "index_int.h"
#include "scrub_int.h"
#include "verify_int.h"

enum job_kind {
	JOB_ROWS, JOB_DOC, JOB_KEYS, /* urgent */
	JOB_PUT, JOB_DROP, JOB_USE, JOB_WANT_PROOF, JOB_DISTRUST, JOB_PROVED, JOB_PUT_DOC, JOB_DROP_DOC, JOB_FLUSH,
	JOB_CALL,
};

/* What another thread has the keeper do, with everything posted before it committed. Waits for nothing but the disk. */
struct cache;
typedef int keeper_call(struct cache *c, void *arg);

struct job {
	struct job *next;
	enum job_kind kind;
	struct blob_id id;
	uint64_t size, idx;
	void *ctx;
	union {
		struct chunk_digest digest;  /* PUT */
		cache_rows_done *rows_done;  /* ROWS */
		cache_doc_done *doc_done;    /* DOC */
		struct {
			cache_key_each *each;
			void (*done)(void *ctx, int r);
		} keys;                      /* KEYS */
		struct {
			void *bytes;
			size_t len;
			int64_t stored_s;
		} doc;                       /* PUT_DOC */
		struct proof_result *proof;  /* PROVED */
		struct {
			keeper_call *fn;
			void *arg;
			int *r;
			bool *over;          /* the job is its caller's; *over is guarded by cache->lock */
		} call;                      /* CALL */
		bool *flushed;               /* FLUSH: the job is its caller's; *flushed is guarded by cache->lock */
	};
	enum doc_kind doc_kind;
	char key[]; /* of documents */
};

struct job_list {
	struct job *head, **tail;
	size_t nr;
};

struct cache {
	char *dir;
	int lock_fd; /* -1: not locked */
	bool is_read_only; /* its file system is: what is there is used, and nothing can be added, proven or given up */
	uint8_t salt[INDEX_SALT_LEN];
	struct cache_events events;
	uint64_t size_max, keep_free;
	struct data *data;
	struct prover *prover;
	pthread_t keeper;
	bool keeper_started;

	pthread_mutex_t lock; /* guards the next lines */
	pthread_cond_t wake, flushed;
	struct job_list urgent, inbox;
	bool stopping, space_asked;

	pthread_mutex_t stats_lock;
	struct cache_stats stats;

	/* The keeper's. */
	struct index *index;
	struct batch batch;
	struct behind behind;
	struct job_list results, calls, flushes; /* taken, to be done after the next commit */
	struct scrub scrub;
	bool holds_back; /* nothing is evicted before cache_gc() */
	uint64_t batch_since_ms; /* when the oldest of the batch came */
	uint64_t retry_ms;       /* no commit before, after one failed */
	unsigned failures;       /* commits in a row */
	uint64_t room_ms;        /* no eviction before, when nothing could be given up */
	bool broken;             /* the index is corrupt: moved aside, nothing is recorded any more */
	bool unrecorded;         /* chunks are on disk that the index will not know: the end will not be clean */
	bool pruned;
};

/* jobs: cache.c */
void job_list_init(struct job_list *l);
void job_append(struct job_list *l, struct job *j);
struct job *job_take(struct job_list *l); /* NULL if empty */
/* With room for a key; NULL when out of memory. */
struct job *job_new(enum job_kind kind, const char *key);
/* False: the inbox is full (the keeper hangs on a dead disk). The job then still belongs to the caller. */
bool cache_post(struct cache *c, struct job *j);
void cache_post_urgent(struct cache *c, struct job *j);
void cache_post_proof(void *ctx, const struct proof_result *res); /* a prover_done */
void cache_count(struct cache *c, uint64_t *counter, uint64_t nr); /* of c->stats */

/* Runs fn(c, arg) on the keeper's thread and waits for it: what it returned. Not on that thread. */
int cache_call(struct cache *c, keeper_call *fn, void *arg);

/* the keeper's thread: keeper.c */
void *keeper_main(void *arg);
/* Takes in what was posted and answers reads: between the steps of long work. Changes the batch. */
void keeper_breathe(struct cache *c);
/* Moves a corrupt index aside; an older one that was aside is removed. */
int index_file_set_aside(const char *dir);

/* transactions: commit.c */
/* Commits the batch, whether due or not: 0 or -errno. */
int keeper_commit(struct cache *c);
/* An error of the index: what is corrupt is moved aside for good. Returns r. */
int keeper_index_failed(struct cache *c, int r);
/* Forgets a blob in batch and index, in a transaction of its own. With spoil the row stays and counts it: *quarantined. */
int keeper_forget_blob(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil, bool *quarantined);
void keeper_add_totals(struct cache *c, int64_t bytes, int64_t blobs, int64_t sealed);
/* Seals, or blames, what the prover has found: proofs.c */
void proofs_serve(struct cache *c);
/* A seal for what was proven: 0, or why not (it is proven again some time). */
int proofs_seal(struct cache *c, const struct proof_result *res);
/* Drops the chunks whose bits are set, which are not as they were stored: false if there is none. */
bool proofs_blame(struct cache *c, const struct blob_id *id, uint64_t size, const struct cache_rows *bad_rows);
/* Drops the blob: its chunks are as they were stored, but the whole is not what the Hub had named. */
void proofs_condemn(struct cache *c, const struct blob_id *id, uint64_t size);

/* rows: rows.c; documents: docs.c */
int rows_load(struct cache *c, const struct blob_id *id, uint64_t size, struct cache_rows **out);
bool rows_are_complete(const struct cache_rows *rows, uint64_t size);
void docs_serve(struct cache *c, struct job *j);
void docs_serve_keys(struct cache *c, struct job *j);
int docs_commit(struct cache *c);

/* pins: pins.c */
bool pins_have(struct cache *c, const struct blob_id *id);
int pins_load(struct cache *c);

/* room: room.c */
void room_make(struct cache *c, bool asked);
/* By force: all of a blob (spoil: the Hub's bytes were not what it had named), or the chunks whose bits are set in bad. */
void room_drop_blob(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil);
void room_drop_chunks(struct cache *c, const struct blob_id *id, uint64_t size, const struct cache_rows *bad);

static inline uint64_t chunks_of(uint64_t size)
{
	return size / CHUNK_SIZE + (size % CHUNK_SIZE != 0);
}

#endif

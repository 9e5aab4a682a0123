/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a blob's own bytes say about it: the tensor table of a model file, the members of a ZIP file, the shards of an index. Advice
 * for prefetch, learned from chunks that are here anyway: nothing is ever fetched for it, and what cannot be learned is done without.
 */
#ifndef HFFS_FETCH_LEARN_INT_H
#define HFFS_FETCH_LEARN_INT_H

#include <hffs/format.h>

struct aftermath;
struct blob;
struct learn_job;

enum learn_state {
	LEARN_WAITS, /* for chunks */
	LEARN_RUNS,  /* a worker is looking */
	LEARN_OVER,  /* nothing more is to be learned */
};

/* Of one blob, guarded by its lock. {0} is the start. */
struct learn {
	enum learn_state state;
	bool stale;    /* what the worker is looking at was dropped */
	bool index;    /* it is the index of a model in shards, by its path */
	bool zip;      /* by its first bytes: its directory is at its end */
	uint64_t from, need; /* bytes [from, need) are wanted for the next look; need 0: it was never looked at */
	struct tensor_table *table; /* a reference each; NULL: not known */
	struct shard_index *shards;
};

/* Chunk idx can be read now, or (learn_look_locked) somebody reads the blob: is there something to look at? Cheap. */
void learn_note_locked(struct blob *b, uint64_t idx, struct aftermath *a);
void learn_look_locked(struct blob *b, struct aftermath *a);
/* The blob's bytes turned out to be wrong: what they said is forgotten, and learned again from others. */
void learn_forget_locked(struct blob *b);
/* Without the lock: what the aftermath brought. NULL is fine. */
void learn_run(struct learn_job *job);
void learn_done(struct learn *l);

/* A reference, NULL if it is not known (yet). Any thread. */
struct tensor_table *learn_table(struct blob *b);
struct shard_index *learn_shards(struct blob *b);

#endif

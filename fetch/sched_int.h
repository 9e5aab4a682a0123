/* SPDX-License-Identifier: Apache-2.0 */
/* What sched.c and transfer.c share: the queues of wants and the transfers under way. */
#ifndef HFFS_FETCH_SCHED_INT_H
#define HFFS_FETCH_SCHED_INT_H

#include "fetch_int.h"
#include "pace_int.h"

struct want {
	struct want *next;
	struct blob *blob; /* a reference */
	uint64_t first, last;
	enum want_class class;
	bool is_ahead;  /* the prefetcher's: it may change its mind */
	uint64_t near;  /* how far all readers together will be when it is read; the least comes first in its list */
	unsigned tries, wrong; /* of this range failed, one after the other; of these, with answers that were wrong */
	uint64_t retry_at_ms; /* of readahead over an end: when it is urgent, as a program may wait for it after all */
};

struct want_list {
	struct want *head, **tail; /* by nearness; among equals, first come, first */
};

struct transfer {
	struct transfer *next, **prev; /* in sched->transfers */
	struct transfer *next_paused;
	bool paused, was_paused; /* now; since it was last judged */
	struct sched *sched;
	struct blob *blob; /* a reference */
	enum want_class class;
	bool is_ordered;       /* nobody reads towards it */
	unsigned source;       /* of the blob, that is asked */
	unsigned tries, wrong; /* that failed before this one, without a chunk since */
	uint64_t idx, last;    /* the chunk being filled; the last one asked for */
	struct chunk_buf *buf; /* of idx, NULL before its first byte */
	struct chunk_hash *hash; /* of its bytes */
	struct object_get *get;
	uint64_t began_us, first_us, bytes; /* first_us: of the first byte, 0 before it */
	uint64_t bytes_judged, slow_ms; /* since when it brings next to nothing */
	bool is_cut;                    /* it was in the way of others */
};

struct sched {
	struct fetch *fetch;
	atomic_uint holds;    /* sched_hold() */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t ended; /* a transfer ended */
	bool closed;
	struct want_list wants[WANT_CLASSES], delayed;
	uint64_t ahead_chunks; /* queued for the prefetcher, without sweeps */
	uint64_t dropped_ms;   /* when used wants were last looked for */
	uint64_t bytes_read;   /* by all readers */
	unsigned running, running_of[WANT_CLASSES], limit; /* transfers: all, of a class, at most */
	struct transfer *transfers, *paused;
	uint64_t budget; /* bytes that the rate limit still allows in this tick */
	uint64_t ticked_ms, judged_ms;
	uint64_t bytes, bytes_ticked;
	uint64_t bytes_rested, arrived_ms; /* bytes when it was last seen that some had arrived; when that was */
	struct pace pace;
};

/* sched.c */
void sched_run(struct sched *s); /* starts what limits allow */
void sched_count_locked(struct sched *s, enum want_class class, int change); /* of running transfers */
/* What a transfer that failed leaves, WANTED chunks: tried again when its retry is due. */
void sched_delay(struct sched *s, const struct transfer *t, uint64_t retry_at_ms);
/* Chunks of a range that nobody will fetch: absent again, and their readers end with this error. */
void sched_drop_range(struct blob *b, uint64_t first, uint64_t last, int r, const char *why);

/* transfer.c */
/* What to ask for: chunks [first, last] are FETCHING and the connection is counted. */
struct transfer_plan {
	uint64_t first, last;
	enum want_class class;
	bool is_ordered;
	unsigned tries, wrong; /* failed before */
	unsigned source; /* of the blob */
	struct object_ref from;
};
void transfer_start(struct sched *s, struct blob *b, const struct transfer_plan *plan);
void transfer_resume_all(struct sched *s, uint64_t passed_ms);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request that may wait: answered exactly once, by whoever comes first of its callback, an interrupt, its deadline, and the
 * end of the mount. Knows no libfuse: `parked_ops` do.
 */
#ifndef HFFS_FS_PARKED_INT_H
#define HFFS_FS_PARKED_INT_H

#include <stdatomic.h>

#include <hffs/thread.h>

struct parked;

struct parked_ops {
	/* From now on an interrupt calls parked_interrupt(), perhaps at once, on this thread. */
	void (*watch)(struct parked *p);
	/* No more; returns when a parked_interrupt() that runs elsewhere has returned. */
	void (*unwatch)(struct parked *p);
	/* Answers with an error: -EINTR, -ETIMEDOUT, -ECANCELED. The request is gone after it. */
	void (*refuse)(struct parked *p, int r);
	void (*free)(struct parked *p);
};

enum parked_state {
	PARKED_RUNNING,     /* the call has been made and may be answered on any thread; nobody else may answer */
	PARKED_ENTERING,    /* the thread that made the call is registering it */
	PARKED_INTERRUPTED, /* and an interrupt came meanwhile */
	PARKED_WAITING,     /* callback, interrupt, deadline or end: the first answers */
	PARKED_ANSWERED,
};

struct parked_list {
	const struct parked_ops *ops;
	pthread_mutex_t lock;
	pthread_cond_t idle;
	struct parked *first;
	size_t nr;         /* in the list */
	size_t unanswered; /* requests whose answer is not out yet */
	size_t data_calls; /* reads whose callback has not come */
	bool closed;
};

struct parked {
	struct parked_list *list;
	struct parked *next, **prev; /* under the list's lock; prev NULL: not in the list */
	uint64_t deadline_ms;        /* monotonic; UINT64_MAX: none */
	bool is_data;
	pthread_mutex_t lock; /* of changes of state that are not an interrupt's */
	_Atomic int state;    /* enum parked_state; an interrupt changes it by compare and exchange alone */
	atomic_uint refs;
};

void parked_list_init(struct parked_list *l, const struct parked_ops *ops);
void parked_list_done(struct parked_list *l);

/*
 * Around a call that may finish later:
 *	parked_begin(list, p, is_data, deadline_ms);
 *	call(..., done, p);
 *	parked_wait(p);            p may be gone after this
 * and in done(), exactly once:
 *	if (parked_claim(p)) { reply; parked_answered(p); }
 *	parked_end(p);             p may be gone after this
 */
void parked_begin(struct parked_list *l, struct parked *p, bool is_data, uint64_t deadline_ms);
void parked_wait(struct parked *p);
/* True: the caller answers, and nobody else has or will. */
bool parked_claim(struct parked *p);
void parked_answered(struct parked *p);
void parked_end(struct parked *p);

/* The kernel interrupted the request. */
void parked_interrupt(struct parked *p);
/* Refuses those whose deadline has passed with -ETIMEDOUT. */
void parked_expire(struct parked_list *l, uint64_t now_ms);
/* Refuses all, and whatever comes later as soon as it would wait, with -ECANCELED. */
void parked_close(struct parked_list *l);
/* Waits until every answer is out and every read has called back: true; false after ms. */
bool parked_drain(struct parked_list *l, uint64_t ms);
size_t parked_nr(struct parked_list *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Named threads, scoped locks, a bounded queue. */
#ifndef HFFS_THREAD_H
#define HFFS_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include <hffs/auto.h>

/* Starts fn(arg) on a thread with all signals blocked, named (15 bytes at most are kept). 0 or -errno. Join with pthread_join(). */
int thread_start(pthread_t *out, const char *name, void *(*fn)(void *), void *arg);
/* This thread runs only when nobody else wants the processor (SCHED_IDLE, idle I/O class). Errors are ignored: it is a wish. */
void thread_make_idle(void);

static inline pthread_mutex_t *lock_scope_enter_(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}
static inline void lock_scope_leave_(pthread_mutex_t **m)
{
	pthread_mutex_unlock(*m);
}
#define LOCK_SCOPE_NAME2_(line) lock_scope_##line
#define LOCK_SCOPE_NAME_(line) LOCK_SCOPE_NAME2_(line)
/* Holds the mutex to the end of the block. */
#define LOCK_SCOPE(m)                                                                                                  \
	__attribute__((cleanup(lock_scope_leave_), unused)) pthread_mutex_t *LOCK_SCOPE_NAME_(__LINE__) =              \
		lock_scope_enter_(m)

/* Condition variables wait by the monotonic clock. */
int cond_init(pthread_cond_t *c);
/* Waits at most ms milliseconds (real time): true if it was woken, false if the time passed. */
bool cond_wait_ms(pthread_cond_t *c, pthread_mutex_t *m, uint64_t ms);

/*
 * Work for a few threads: items are linked through their first member. No allocation, no bound of its own: who posts owns the
 * bound (a pool of buffers, a number of requests).
 */
struct queue_item {
	struct queue_item *next;
};
struct queue {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct queue_item *head, **tail;
	size_t nr;
	bool closed;
};
void queue_init(struct queue *q);
/* False if the queue is closed; the item then still belongs to the caller. */
bool queue_push(struct queue *q, struct queue_item *item);
/* Ahead of all others. */
bool queue_push_front(struct queue *q, struct queue_item *item);
/* Waits for an item; NULL once the queue is closed and empty. */
struct queue_item *queue_pop(struct queue *q);
void queue_close(struct queue *q);
void queue_done(struct queue *q);

#endif

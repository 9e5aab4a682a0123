// SPDX-License-Identifier: Apache-2.0
/*
 * The life of a request that may wait. References: one of the thread that makes the call, one of the callback, and one of the
 * watch while an interrupt may come; whoever takes a request out of WAITING gives the watch's back.
 *
 * libfuse calls parked_interrupt() under its own lock of the request, perhaps while watch() runs on this very thread. So an
 * interrupt takes no lock of ours but the list's, and during ENTERING it only leaves word: the thread that registers answers, as
 * the request would otherwise be freed under libfuse's feet. [libfuse 3.14 fuse_req_interrupt_func(), find_interrupted()]
 * Order of locks: parked, then libfuse's request, then the list.
 */
#include "parked_int.h"

#include <errno.h>

#include <hffs/clock.h>

void parked_list_init(struct parked_list *l, const struct parked_ops *ops)
{
	*l = (struct parked_list){.ops = ops};
	pthread_mutex_init(&l->lock, NULL);
	cond_init(&l->idle);
}

void parked_list_done(struct parked_list *l)
{
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->idle);
}

static void unref(struct parked *p)
{
	if (atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	pthread_mutex_destroy(&p->lock);
	p->list->ops->free(p);
}

static void list_put(struct parked *p)
{
	struct parked_list *l = p->list;
	LOCK_SCOPE(&l->lock);

	p->next = l->first;
	p->prev = &l->first;
	if (p->next)
		p->next->prev = &p->next;
	l->first = p;
	l->nr++;
}

static void list_remove(struct parked *p)
{
	struct parked_list *l = p->list;
	LOCK_SCOPE(&l->lock);

	if (!p->prev)
		return;
	*p->prev = p->next;
	if (p->next)
		p->next->prev = p->prev;
	p->prev = NULL;
	l->nr--;
}

static bool change(struct parked *p, int from, int to)
{
	return atomic_compare_exchange_strong(&p->state, &from, to);
}

void parked_begin(struct parked_list *l, struct parked *p, bool is_data, uint64_t deadline_ms)
{
	*p = (struct parked){.list = l, .is_data = is_data, .deadline_ms = deadline_ms};
	pthread_mutex_init(&p->lock, NULL);
	atomic_init(&p->state, PARKED_RUNNING);
	atomic_init(&p->refs, 2);
	LOCK_SCOPE(&l->lock);
	l->unanswered++;
	l->data_calls += is_data;
}

void parked_answered(struct parked *p)
{
	struct parked_list *l = p->list;
	LOCK_SCOPE(&l->lock);

	if (--l->unanswered == 0)
		pthread_cond_broadcast(&l->idle);
}

void parked_end(struct parked *p)
{
	struct parked_list *l = p->list;

	if (p->is_data) {
		LOCK_SCOPE(&l->lock);
		if (--l->data_calls == 0)
			pthread_cond_broadcast(&l->idle);
	}
	unref(p);
}

/* Answers in the place of the callback, which may still come. */
static void refuse(struct parked *p, int r)
{
	p->list->ops->refuse(p, r);
	parked_answered(p);
}

/* Makes a running call one that waits; true if it was interrupted while doing so. */
static bool enter_locked(struct parked *p)
{
	atomic_store(&p->state, PARKED_ENTERING);
	atomic_fetch_add(&p->refs, 1);
	list_put(p);
	p->list->ops->watch(p);
	if (change(p, PARKED_ENTERING, PARKED_WAITING))
		return false;
	atomic_store(&p->state, PARKED_ANSWERED);
	return true;
}

static bool is_closed(struct parked_list *l)
{
	LOCK_SCOPE(&l->lock);
	return l->closed;
}

void parked_wait(struct parked *p)
{
	bool is_waiting = false, is_interrupted = false;

	pthread_mutex_lock(&p->lock);
	if (atomic_load(&p->state) == PARKED_RUNNING) {
		is_interrupted = enter_locked(p);
		is_waiting = !is_interrupted;
	}
	pthread_mutex_unlock(&p->lock);
	if (is_interrupted) {
		list_remove(p);
		p->list->ops->unwatch(p);
		refuse(p, -EINTR);
		unref(p);
	}
	if (is_waiting && is_closed(p->list) && parked_claim(p))
		refuse(p, -ECANCELED);
	unref(p);
}

bool parked_claim(struct parked *p)
{
	bool is_mine, was_waiting = false;

	pthread_mutex_lock(&p->lock);
	is_mine = change(p, PARKED_RUNNING, PARKED_ANSWERED);
	if (!is_mine)
		is_mine = was_waiting = change(p, PARKED_WAITING, PARKED_ANSWERED);
	pthread_mutex_unlock(&p->lock);
	if (was_waiting) {
		list_remove(p);
		p->list->ops->unwatch(p);
		unref(p);
	}
	return is_mine;
}

void parked_interrupt(struct parked *p)
{
	if (change(p, PARKED_ENTERING, PARKED_INTERRUPTED))
		return;
	if (!change(p, PARKED_WAITING, PARKED_ANSWERED))
		return;
	list_remove(p);
	refuse(p, -EINTR);
	unref(p);
}

/* One request whose deadline lies before now_ms, with a reference and out of the list; NULL if there is none. */
static struct parked *take_late(struct parked_list *l, uint64_t now_ms)
{
	LOCK_SCOPE(&l->lock);

	for (struct parked *p = l->first; p; p = p->next) {
		if (p->deadline_ms == UINT64_MAX || p->deadline_ms > now_ms)
			continue;
		atomic_fetch_add(&p->refs, 1);
		*p->prev = p->next;
		if (p->next)
			p->next->prev = p->prev;
		p->prev = NULL;
		l->nr--;
		return p;
	}
	return NULL;
}

void parked_expire(struct parked_list *l, uint64_t now_ms)
{
	struct parked *p;

	while ((p = take_late(l, now_ms))) {
		if (parked_claim(p))
			refuse(p, -ETIMEDOUT);
		unref(p);
	}
}

void parked_close(struct parked_list *l)
{
	struct parked *p;

	pthread_mutex_lock(&l->lock);
	l->closed = true;
	for (p = l->first; p; p = p->next)
		p->deadline_ms = 0;
	pthread_mutex_unlock(&l->lock);
	while ((p = take_late(l, 0))) {
		if (parked_claim(p))
			refuse(p, -ECANCELED);
		unref(p);
	}
}

bool parked_drain(struct parked_list *l, uint64_t ms)
{
	uint64_t until = clock_mono_ms() + ms;
	LOCK_SCOPE(&l->lock);

	while (l->unanswered || l->data_calls) {
		uint64_t now = clock_mono_ms();

		if (now >= until)
			return false;
		(void)cond_wait_ms(&l->idle, &l->lock, until - now);
	}
	return true;
}

size_t parked_nr(struct parked_list *l)
{
	LOCK_SCOPE(&l->lock);
	return l->nr;
}

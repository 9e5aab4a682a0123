// SPDX-License-Identifier: Apache-2.0
/* The queue of tasks for the net thread. Runs nothing itself. */
#include "inbox_int.h"

#include <errno.h>

void inbox_init(struct inbox *i)
{
	*i = (struct inbox){0};
	pthread_mutex_init(&i->lock, NULL);
	i->tail = &i->head;
}

void inbox_done(struct inbox *i)
{
	pthread_mutex_destroy(&i->lock);
}

int inbox_post(struct inbox *i, struct http_task *t, bool *first)
{
	LOCK_SCOPE(&i->lock);
	*first = false;
	if (i->closed)
		return -ECANCELED;
	if (t->queued)
		return 0;
	*first = !i->head;
	t->queued = true;
	t->next = NULL;
	*i->tail = t;
	i->tail = &t->next;
	return 0;
}

void inbox_unpost(struct inbox *i, struct http_task *t)
{
	LOCK_SCOPE(&i->lock);
	if (!t->queued)
		return;
	for (struct http_task **p = &i->head; *p; p = &(*p)->next) {
		if (*p != t)
			continue;
		*p = t->next;
		if (!*p)
			i->tail = p;
		break;
	}
	t->queued = false;
}

struct http_task *inbox_take(struct inbox *i)
{
	struct http_task *t;
	LOCK_SCOPE(&i->lock);

	t = i->head;
	if (!t)
		return NULL;
	i->head = t->next;
	if (!i->head)
		i->tail = &i->head;
	t->queued = false;
	return t;
}

void inbox_hold(struct inbox *i)
{
	LOCK_SCOPE(&i->lock);
	i->holds++;
}

void inbox_release(struct inbox *i)
{
	LOCK_SCOPE(&i->lock);
	i->holds--;
}

bool inbox_close_empty(struct inbox *i)
{
	LOCK_SCOPE(&i->lock);
	if (!i->head && !i->holds)
		i->closed = true;
	return i->closed;
}

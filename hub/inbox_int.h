/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Work for the net thread from any thread: a list of tasks that live inside the objects that they are about. Posting one that
 * is queued already does nothing more, so a task carries no message: what is wished stands in flags of its object.
 */
#ifndef HFFS_HUB_INBOX_INT_H
#define HFFS_HUB_INBOX_INT_H

#include <stdbool.h>

#include <hffs/thread.h>

struct http_task {
	struct http_task *next;
	bool queued;
	void (*fn)(struct http_task *t);
};

struct inbox {
	pthread_mutex_t lock;
	struct http_task *head, **tail;
	unsigned holds;
	bool closed;
};

void inbox_init(struct inbox *i);
void inbox_done(struct inbox *i);
/* 0, or -ECANCELED once closed. *first: the inbox was empty before, so its reader may be asleep. */
int inbox_post(struct inbox *i, struct http_task *t, bool *first);
/* Takes a task out again if it is queued. On the thread that runs tasks, so that it is not running either. */
void inbox_unpost(struct inbox *i, struct http_task *t);
/* The oldest task, which is then no longer queued; NULL if there is none. */
struct http_task *inbox_take(struct inbox *i);
/* While it is held an inbox is not closed: work elsewhere is going to post. */
void inbox_hold(struct inbox *i);
void inbox_release(struct inbox *i);
/* Closes the inbox if it is empty and not held: true if it is closed now. */
bool inbox_close_empty(struct inbox *i);

#endif

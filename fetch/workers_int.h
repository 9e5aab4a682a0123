/* SPDX-License-Identifier: Apache-2.0 */
/* A few threads that may block on disk and compute digests. */
#ifndef HFFS_FETCH_WORKERS_INT_H
#define HFFS_FETCH_WORKERS_INT_H

#include <hffs/thread.h>

struct job {
	struct queue_item item; /* first */
	void (*run)(struct job *job);
};

struct workers;
/* Fewer than nr may be started, but one at least. */
int workers_open(unsigned nr, struct workers **out);
unsigned workers_count(const struct workers *w);
/* Runs everything queued, then stops the threads. */
void workers_close(struct workers *w);
void workers_free(struct workers *w);
/* Runs job soon; after workers_close() here and now. Any thread. Never fails. */
void workers_run(struct workers *w, struct job *job);
/* The same for a function; without memory it is called here and now. ctx: a struct workers *. */
void workers_post(void *ctx, void (*fn)(void *arg), void *arg);

#endif

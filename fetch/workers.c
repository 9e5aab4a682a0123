// SPDX-License-Identifier: Apache-2.0
/* A few threads that may block on disk and compute digests; never on the network, never on SQL. */
#include "workers_int.h"

#include <errno.h>

struct workers {
	struct queue queue;
	unsigned nr;
	pthread_t threads[];
};

struct call {
	struct job job;
	void (*fn)(void *arg);
	void *arg;
};

static void *work(void *arg)
{
	struct workers *w = arg;
	struct queue_item *item;

	while ((item = queue_pop(&w->queue))) {
		struct job *job = container_of(item, struct job, item);

		job->run(job);
	}
	return NULL;
}

int workers_open(unsigned nr, struct workers **out)
{
	struct workers *w = calloc(1, sizeof(*w) + nr * sizeof(w->threads[0]));
	int r = 0;

	if (!w)
		return -ENOMEM;
	queue_init(&w->queue);
	while (w->nr < nr && r == 0) {
		r = thread_start(&w->threads[w->nr], "hffs-worker", work, w);
		if (r == 0)
			w->nr++;
	}
	if (w->nr == 0) {
		workers_free(w);
		return r;
	}
	*out = w; /* fewer than asked for still do the work */
	return 0;
}

unsigned workers_count(const struct workers *w)
{
	return w->nr;
}

void workers_close(struct workers *w)
{
	queue_close(&w->queue);
	for (unsigned i = 0; i < w->nr; i++)
		pthread_join(w->threads[i], NULL);
	w->nr = 0;
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	workers_close(w);
	queue_done(&w->queue);
	free(w);
}

void workers_run(struct workers *w, struct job *job)
{
	if (!queue_push(&w->queue, &job->item))
		job->run(job);
}

static void run_call(struct job *job)
{
	struct call *call = container_of(job, struct call, job);

	call->fn(call->arg);
	free(call);
}

void workers_post(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct call *call = malloc(sizeof(*call));

	if (!call) {
		fn(arg);
		return;
	}
	*call = (struct call){.job.run = run_call, .fn = fn, .arg = arg};
	workers_run(ctx, &call->job);
}

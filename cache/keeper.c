// SPDX-License-Identifier: Apache-2.0
/*
 * The keeper's thread: all SQL, all holes, all events. It never holds a lock while it works, and nobody waits for it but who
 * asked for rows of a blob that is not yet known, or for a flush.
 *
 * One turn: take what was posted, answer reads, and when the batch is due commit it in one transaction, then do what had to come
 * after: seal what was proven, make room. With nothing to do it scrubs and prunes, then sleeps. A commit that fails leaves the
 * batch as it was, to be tried again; reads see it meanwhile.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#define DOC_KEEP_S (90 * 86400)

/* --- jobs --- */

static void serve_rows(struct cache *c, struct job *j)
{
	struct cache_rows *rows = NULL;
	int r = rows_load(c, &j->id, j->size, &rows);

	j->rows_done(j->ctx, r == 0 || r == -ENOMEM ? r : -EIO, rows);
}

static void serve_urgent(struct cache *c, struct job *j)
{
	if (j->kind == JOB_ROWS)
		serve_rows(c, j);
	else if (j->kind == JOB_DOC)
		docs_serve(c, j);
	else
		docs_serve_keys(c, j);
	free(j);
}

/* Takes one job of the inbox into the batch. What has to wait for a commit is kept, the rest is freed. */
static void fold(struct cache *c, struct job *j)
{
	int r = 0;

	switch (j->kind) {
	case JOB_PUT:
		r = batch_put(&c->batch, &j->id, j->size, j->idx, &j->digest);
		break;
	case JOB_DROP:
		prover_cancel(c->prover, &j->id);
		cache_count(c, &c->stats.lost_chunks, 1);
		r = batch_drop(&c->batch, &j->id, j->size, j->idx);
		if (r == 0 && !data_may_change(c->data, &j->id)) {
			job_append(&c->results, j);
			return;
		}
		break;
	case JOB_USE:
		r = batch_use(&c->batch, &j->id, j->idx);
		break;
	case JOB_PUT_DOC:
		r = batch_put_doc(&c->batch, j->doc_kind, j->key, j->doc.bytes, j->doc.len, j->doc.stored_s);
		if (r < 0)
			free(j->doc.bytes);
		break;
	case JOB_DROP_DOC:
		r = batch_drop_doc(&c->batch, j->doc_kind, j->key);
		break;
	case JOB_PROVED:
	case JOB_WANT_PROOF:
	case JOB_DISTRUST:
		job_append(&c->results, j);
		return;
	case JOB_CALL:
		job_append(&c->calls, j);
		return;
	case JOB_FLUSH:
		job_append(&c->flushes, j);
		return;
	default:
		break;
	}
	if (r < 0) {
		cache_count(c, &c->stats.write_errors, 1);
		c->unrecorded = true;
	}
	free(j);
}

/* Takes both lists whole. */
static void take_lists(struct cache *c, struct job_list *urgent, struct job_list *inbox)
{
	job_list_init(urgent);
	job_list_init(inbox);
	LOCK_SCOPE(&c->lock);
	if (c->urgent.head)
		*urgent = c->urgent;
	if (c->inbox.head)
		*inbox = c->inbox;
	job_list_init(&c->urgent);
	job_list_init(&c->inbox);
}

void keeper_breathe(struct cache *c)
{
	bool was_empty = batch_is_empty(&c->batch);
	struct job_list urgent, inbox;
	struct job *j;

	take_lists(c, &urgent, &inbox);
	while ((j = job_take(&inbox)))
		fold(c, j);
	while ((j = job_take(&urgent)))
		serve_urgent(c, j);
	if (was_empty && !batch_is_empty(&c->batch))
		c->batch_since_ms = clock_mono_ms();
}

static void answer_flushes(struct cache *c)
{
	struct job *j;
	LOCK_SCOPE(&c->lock);

	while ((j = job_take(&c->flushes)))
		*j->flushed = true;
	pthread_cond_broadcast(&c->flushed);
}

/* What others have us do; they wait until then. */
static void serve_calls(struct cache *c)
{
	struct job *j;

	while ((j = job_take(&c->calls))) {
		int r = j->call.fn(c, j->call.arg);
		LOCK_SCOPE(&c->lock);

		*j->call.r = r;
		*j->call.over = true;
		pthread_cond_broadcast(&c->flushed);
	}
}

/* --- turns --- */

static void note_space(struct cache *c)
{
	uint64_t disk_free, disk_size;

	if (data_space(c->data, &disk_free, &disk_size) < 0)
		return;
	LOCK_SCOPE(&c->stats_lock);
	c->stats.disk_free = disk_free;
	c->stats.disk_size = disk_size;
}

static bool is_due(struct cache *c, uint64_t now)
{
	if (c->flushes.nr || c->results.nr || c->calls.nr)
		return true;
	if (batch_is_empty(&c->batch) || now < c->retry_ms)
		return false;
	return c->batch.nr_puts >= COMMIT_CHUNKS || now >= c->batch_since_ms + COMMIT_MS;
}

/* Milliseconds that the keeper may sleep; UINT64_MAX: until it is woken. */
static uint64_t rest_ms(struct cache *c, bool idle_work)
{
	uint64_t now = clock_mono_ms(), due;

	if (idle_work || is_due(c, now))
		return 0;
	if (batch_is_empty(&c->batch))
		return UINT64_MAX;
	due = max_u64(c->retry_ms, c->batch_since_ms + COMMIT_MS);
	return due > now ? due - now : 1;
}

struct wishes {
	bool stop, space;
};

static struct wishes rest(struct cache *c, uint64_t ms)
{
	struct wishes w;
	LOCK_SCOPE(&c->lock);

	while (ms && !c->urgent.head && !c->inbox.head && !c->stopping && !c->space_asked) {
		if (ms == UINT64_MAX)
			pthread_cond_wait(&c->wake, &c->lock);
		else if (!cond_wait_ms(&c->wake, &c->lock, ms))
			break;
	}
	w.stop = c->stopping && !c->urgent.head && !c->inbox.head;
	w.space = c->space_asked;
	c->space_asked = false;
	return w;
}

/* Old documents go; uses from a future that the clock has left are brought back. */
static void prune(struct cache *c)
{
	int64_t now = clock_wall_s();
	int r;

	c->pruned = true;
	if (c->broken || index_begin(c->index) < 0)
		return;
	r = index_prune(c->index, now, now - DOC_KEEP_S);
	if (r == 0)
		r = index_commit(c->index);
	else
		index_rollback(c->index);
	(void)keeper_index_failed(c, r); /* the next start prunes again */
}

/* A little of what may be done any time; false: nothing is left. */
static bool work_idly(struct cache *c)
{
	if (c->broken)
		return false;
	if (scrub_step(c))
		return true;
	if (!c->pruned)
		prune(c);
	return false;
}

static bool turn(struct cache *c, bool *idle_work)
{
	struct wishes w = rest(c, rest_ms(c, *idle_work));

	keeper_breathe(c);
	if (w.stop || w.space || is_due(c, clock_mono_ms())) {
		(void)keeper_commit(c); /* a failure is counted, and tried again */
		proofs_serve(c);
		serve_calls(c);
		answer_flushes(c);
		note_space(c);
		if (!w.stop && !c->holds_back)
			room_make(c, w.space);
	}
	if (!w.stop)
		*idle_work = work_idly(c);
	return !w.stop;
}

/* The end: everything is committed, and the index says so if nothing was lost on the way. */
static void end(struct cache *c)
{
	enum index_end how = INDEX_CLEAN;

	if (!batch_is_empty(&c->batch) || c->unrecorded || c->broken)
		how = INDEX_TORN;
	else if (!scrub_is_settled(&c->scrub))
		how = INDEX_UNSCRUBBED;
	index_close(TAKE(c->index), how);
}

void *keeper_main(void *arg)
{
	struct cache *c = arg;
	bool idle_work = true;

	while (turn(c, &idle_work))
		;
	end(c);
	return NULL;
}

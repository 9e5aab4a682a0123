// SPDX-License-Identifier: Apache-2.0
/*
 * One ranged GET on its way: bytes fill chunk buffers on the net thread, and each full one goes to a worker at once, long before
 * its range ends. Without a free buffer, or over the rate limit, a transfer pauses: TCP's own backpressure.
 */
#include "hot_int.h"
#include "sched_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/retry.h>

#define TRIES_MAX 5 /* of one range after answers that are wrong rather than late */

static bool over_budget_locked(const struct sched *s)
{
	return s->fetch->config.rate_bps && s->budget == 0;
}

/* True: there is no room for more bytes now; the transfer waits in the paused list. */
static bool pause_if_full(struct transfer *t)
{
	struct sched *s = t->sched;

	while (!t->buf) {
		t->buf = pool_take(s->fetch->pool);
		if (!t->buf && !hot_reclaim(s->fetch->hot))
			break;
	}
	LOCK_SCOPE(&s->lock);
	if (!t->buf)
		t->buf = pool_take(s->fetch->pool); /* one that came back after this wakes the paused */
	if (t->buf && !over_budget_locked(s))
		return false;
	if (!t->paused) {
		t->paused = t->was_paused = true;
		t->next_paused = s->paused;
		s->paused = t;
	}
	return true;
}

static void count_bytes(struct transfer *t, uint64_t n)
{
	struct sched *s = t->sched;

	t->first_us = t->first_us ? t->first_us : clock_mono_us();
	t->bytes += n;
	pthread_mutex_lock(&s->lock);
	s->bytes += n;
	s->budget -= min_u64(s->budget, n);
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&t->blob->lock);
	t->blob->bytes_arrived += n;
	pthread_mutex_unlock(&t->blob->lock);
}

/* The buffer is full: to a worker. Only now has the try brought something: what a cut chunk had of it is asked for again. */
static void hand_over(struct transfer *t)
{
	struct chunk_buf *c = TAKE(t->buf);

	t->tries = t->wrong = 0;
	atomic_store(&t->blob->is_silent, false);
	pthread_mutex_lock(&t->blob->lock);
	t->blob->tries = t->blob->wrong = 0;
	pthread_mutex_unlock(&t->blob->lock);
	c->digest = chunk_hash_final(t->hash);
	c->idx = t->idx++;
	c->blob = blob_ref(t->blob);
	c->is_swept = t->class == WANT_SWEEP;
	c->is_ordered = t->is_ordered;
	store_chunk(c);
}

static ssize_t take_bytes(void *ctx, uint64_t off, const void *bytes, size_t len)
{
	struct transfer *t = ctx;
	const uint8_t *p = bytes;
	size_t taken = 0;

	(void)off; /* bytes come in order; t->idx and t->buf->len say where we are */
	while (taken < len && t->idx <= t->last) {
		size_t chunk_len = blob_chunk_len(t->blob, t->idx), part;

		if (pause_if_full(t))
			break;
		part = (size_t)min_u64(chunk_len - t->buf->len, len - taken);
		if (t->buf->len == 0)
			chunk_hash_begin(t->hash, cache_chunk_seed(&t->blob->id, t->idx));
		/* Here they are in the processor's own cache: later, for a worker, it costs three times as much. */
		chunk_hash_update(t->hash, p + taken, part);
		memcpy(t->buf->bytes + t->buf->len, p + taken, part);
		t->buf->len += part;
		taken += part;
		if (t->buf->len == chunk_len)
			hand_over(t);
	}
	if (taken)
		count_bytes(t, taken);
	return (ssize_t)taken;
}

static void unlink_transfer(struct transfer *t)
{
	struct sched *s = t->sched;
	LOCK_SCOPE(&s->lock);

	for (struct transfer **at = &s->paused; *at; at = &(*at)->next_paused)
		if (*at == t) {
			*at = t->next_paused;
			break;
		}
	if (t->next)
		t->next->prev = t->prev;
	*t->prev = t->next;
	if (t->first_us)
		pace_note(&s->pace, t->first_us - t->began_us, t->bytes, clock_mono_us() - t->first_us);
	sched_count_locked(s, t->class, -1);
	pthread_cond_broadcast(&s->ended);
}

/* May another source be asked instead? Each is asked once between two successes, by however many transfers. */
static bool try_next_source_locked(struct blob *b, unsigned asked, int r)
{
	if (r != -ESTALE && r != -ENOENT && r != -EACCES)
		return false;
	if (b->source != asked)
		return true; /* another transfer has moved on */
	if (b->sources_tried + 1 >= b->nr_sources)
		return false;
	b->sources_tried++;
	b->source = (b->source + 1) % b->nr_sources;
	return true;
}

/* What did not come is wanted again, if it is to be retried, by those who wait for it; true: somebody does. */
static bool want_again_locked(struct transfer *t, bool retry)
{
	struct blob *b = t->blob;
	bool any = false;

	for (uint64_t i = t->idx; i <= t->last; i++) {
		bool again;

		if (b->state[i] != CHUNK_FETCHING)
			continue;
		again = retry && blob_is_awaited_locked(b, i);
		blob_set_state_locked(b, i, again ? CHUNK_WANTED : CHUNK_ABSENT);
		any |= again;
	}
	return any;
}

/*
 * What was asked for and did not come: wanted again by those who wait for it, or their end. True: a retry is to be queued, at
 * *retry_at_ms. Transfers that fail together began after as many failures, so they count as one.
 */
static bool failed_locked(struct transfer *t, const struct hub_result *res, uint64_t *retry_at_ms, struct aftermath *a)
{
	struct blob *b = t->blob;
	bool late = res->r == -ETIMEDOUT; /* rather than wrong: tried until the reader's own deadline */
	bool retry = try_next_source_locked(b, t->source, res->r) || (res->retry && (late || t->wrong + 1 < TRIES_MAX));
	bool any = want_again_locked(t, retry);
	uint32_t random = 0;

	t->tries++;
	t->wrong += !late;
	b->tries = b->tries > t->tries ? b->tries : t->tries;
	b->wrong = b->wrong > t->wrong ? b->wrong : t->wrong;
	b->fault = res->err;
	(void)digest_random(&random, sizeof(random)); /* 0 only means: at once */
	*retry_at_ms = clock_mono_ms() + (res->is_paced ? res->wait_ms : retry_delay_ms(t->tries, res->wait_ms, random));
	b->retry_at_ms = *retry_at_ms;
	if (!retry) {
		b->tries = b->wrong = 0;
		b->sources_tried = 0;
		blob_fail_locked(b, t->idx, t->last, res->r, &res->err, a);
	}
	return any;
}

/* NULL: no memory. */
static struct transfer *transfer_new(struct sched *s, struct blob *b, const struct transfer_plan *p)
{
	struct transfer *t = calloc(1, sizeof(*t));
	struct chunk_hash *hash = t ? chunk_hash_new() : NULL;

	if (!hash) {
		free(t);
		return NULL;
	}
	*t = (struct transfer){.sched = s, .blob = blob_ref(b), .class = p->class, .idx = p->first, .last = p->last};
	t->is_ordered = p->is_ordered;
	t->source = p->source;
	t->tries = p->tries;
	t->wrong = p->wrong;
	t->hash = hash;
	t->began_us = clock_mono_us();
	return t;
}

static void transfer_free(struct transfer *t)
{
	chunk_buf_unref(t->buf);
	chunk_hash_free(t->hash);
	blob_put(t->blob);
	free(t);
}

static void transfer_done(void *ctx, const struct hub_result *res)
{
	struct transfer *t = ctx;
	struct sched *s = t->sched;
	struct blob *b = t->blob;
	struct aftermath a = {0};
	uint64_t retry_at_ms = 0;
	bool again = false;

	unlink_transfer(t);
	pthread_mutex_lock(&b->lock);
	b->running--;
	if (res->r == 0)
		b->sources_tried = 0;
	else if (t->is_cut && res->r == -ECANCELED)
		again = want_again_locked(t, true); /* it made room: no failure */
	else if (t->idx <= t->last)
		again = failed_locked(t, res, &retry_at_ms, &a);
	pthread_mutex_unlock(&b->lock);
	if (again)
		sched_delay(s, t, retry_at_ms);
	blob_settle(b, &a);
	transfer_free(t);
	sched_run(s);
}

static const struct object_sink sink = {take_bytes, transfer_done};

void transfer_start(struct sched *s, struct blob *b, const struct transfer_plan *p)
{
	struct transfer *t = transfer_new(s, b, p);
	uint64_t off = p->first * CHUNK_SIZE, end = min_u64((p->last + 1) * CHUNK_SIZE, b->size);
	int r = t ? 0 : -ENOMEM;

	if (t) {
		pthread_mutex_lock(&s->lock);
		t->next = s->transfers;
		t->prev = &s->transfers;
		if (t->next)
			t->next->prev = &t->next;
		s->transfers = t;
		/* Under the lock, so that nobody sees the transfer without its get; the Hub calls back from its own thread only. */
		r = s->closed ? -ECANCELED : object_want(s->fetch->hub, &p->from, off, end - off, &sink, t, &t->get);
		pthread_mutex_unlock(&s->lock);
		if (r == 0)
			return;
		unlink_transfer(t);
		transfer_free(t);
	} else {
		pthread_mutex_lock(&s->lock);
		sched_count_locked(s, p->class, -1);
		pthread_mutex_unlock(&s->lock);
	}
	pthread_mutex_lock(&b->lock);
	b->running--;
	pthread_mutex_unlock(&b->lock);
	sched_drop_range(b, p->first, p->last, r, r == -ENOMEM ? "out of memory" : "the mount is shutting down");
}

static void resume_locked(struct transfer *t)
{
	t->paused = false;
	object_resume(t->get);
}

void sched_buffer_given(void *sched)
{
	struct sched *s = *(struct sched **)sched;
	struct transfer *t;

	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	t = over_budget_locked(s) ? NULL : s->paused;
	if (t) {
		s->paused = t->next_paused;
		/* Under the lock: transfer_done() takes it first, so the get is still alive. */
		resume_locked(t);
	}
	pthread_mutex_unlock(&s->lock);
}

void transfer_resume_all(struct sched *s, uint64_t passed_ms)
{
	struct transfer *t;
	LOCK_SCOPE(&s->lock);

	s->budget = s->fetch->config.rate_bps * passed_ms / 1000;
	while ((t = s->paused)) {
		s->paused = t->next_paused;
		resume_locked(t);
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Answers to the cache: may these chunks go, they are gone, the blob is proven. All on the keeper's thread, which may wait here
 * for replies under way but never for the network.
 */
#include "hot_int.h"

#include <errno.h>
#include <sys/stat.h>

#include <hffs/log.h>

#define DRAIN_MS 1000

static bool is_busy_locked(const struct blob *b, uint64_t first, uint64_t last)
{
	for (uint64_t i = first; i <= last; i++)
		if (b->state[i] == CHUNK_FETCHING || b->state[i] == CHUNK_WANTED || b->state[i] == CHUNK_PROVING ||
		    (b->state[i] == CHUNK_MEMORY && hot_is_storing_locked(b, i)))
			return true;
	for (const struct reader *r = b->readers; r; r = r->next)
		if (r->first <= last && r->last >= first && !r->ensure)
			return true;
	return false;
}

/* Waits until every reply that began before now is out. False: one takes too long. */
static bool drain_locked(struct blob *b)
{
	unsigned old = b->epoch;

	if (b->holds[1 - old])
		return false; /* the last drain gave up, and its replies are still out */
	b->epoch = 1 - old;
	while (b->holds[old])
		if (!cond_wait_ms(&b->drained, &b->lock, DRAIN_MS))
			return b->holds[old] == 0;
	return true;
}

/* The cache asks for several runs before it tells of the first: all of them stay marked until then. */
static void mark_evicting_locked(struct blob *b, uint64_t first, uint64_t last, bool force)
{
	if (b->evicting_nr) {
		first = min_u64(first, b->evicting_first);
		last = max_u64(last, b->evicting_first + b->evicting_nr - 1);
	}
	b->evicting_first = first;
	b->evicting_nr = last - first + 1;
	b->evicting_forced = b->evicting_forced || force;
}

/* A drain that failed: what was marked is as before, and readers that came meanwhile are looked at. */
static void take_back_locked(struct blob *b, uint64_t first, uint64_t last, struct aftermath *a)
{
	for (uint64_t i = first; i <= last; i++)
		if (b->state[i] == CHUNK_EVICTING)
			blob_set_state_locked(b, i, b->rows ? CHUNK_UNPROVEN : CHUNK_PRESENT);
	blob_recheck_locked(b, a);
}

static bool give_up_locked(struct blob *b, uint64_t first, uint64_t last, bool force, struct aftermath *a)
{
	uint64_t was_first = b->evicting_first, was_nr = b->evicting_nr;

	if (!b->ready || (!force && is_busy_locked(b, first, last)))
		return false;
	for (unsigned i = 0; force && i < 10 && is_busy_locked(b, first, last); i++)
		(void)cond_wait_ms(&b->drained, &b->lock, 100); /* proofs end by themselves */
	mark_evicting_locked(b, first, last, force);
	for (uint64_t i = first; i <= last; i++)
		if (b->state[i] == CHUNK_PRESENT || b->state[i] == CHUNK_UNPROVEN)
			blob_set_state_locked(b, i, CHUNK_EVICTING);
		else if (force && b->state[i] == CHUNK_MEMORY)
			blob_set_state_locked(b, i, CHUNK_ABSENT); /* readers are looked at when the rest is gone */
	if (drain_locked(b) || force)
		return true;
	b->evicting_first = was_first;
	b->evicting_nr = was_nr;
	take_back_locked(b, first, last, a);
	return false;
}

static bool evict(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, bool force)
{
	struct fetch *f = ctx;
	struct blob *b = blob_find(f, id);
	struct aftermath a = {0};
	bool ok;

	if (force)
		f->forced = *id;
	else if (blob_id_equal(&f->forced, id))
		f->forced.algo = 0;
	if (!b)
		return true;
	pthread_mutex_lock(&b->lock);
	ok = first >= b->nr || give_up_locked(b, first, min_u64(first + nr, b->nr) - 1, force, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
	blob_put(b);
	return ok;
}

/* The data file was removed: what else was written to it is gone with it. Bytes that readers hold of it. */
static uint64_t begin_anew_locked(struct blob *b)
{
	uint64_t held = backing_let_go_locked(b);

	for (uint64_t i = 0; i < b->nr; i++) {
		if (b->state[i] != CHUNK_PRESENT && b->state[i] != CHUNK_UNPROVEN)
			continue;
		blob_set_state_locked(b, i, CHUNK_ABSENT);
		cache_drop_chunk(b->fetch->cache, &b->id, b->size, i);
	}
	data_file_unref(TAKE(b->data));
	return held;
}

static void note(struct fetch *f, struct id_list *l, const struct blob_id *id)
{
	LOCK_SCOPE(&f->blobs_lock);
	if (l->nr < TOLD_MAX)
		l->ids[l->nr++] = *id;
}

static size_t take(struct fetch *f, struct id_list *l, struct blob_id *ids, size_t max)
{
	size_t n = 0;
	LOCK_SCOPE(&f->blobs_lock);

	while (l->nr && n < max)
		ids[n++] = l->ids[--l->nr];
	return n;
}

size_t fetch_take_spoiled(struct fetch *f, struct blob_id *ids, size_t max)
{
	return take(f, &f->spoiled, ids, max);
}

size_t fetch_take_sealed(struct fetch *f, struct blob_id *ids, size_t max)
{
	return take(f, &f->sealed, ids, max);
}

static void evicted(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, enum evicted_why why)
{
	struct fetch *f = ctx;
	struct blob *b = blob_find(f, id);
	struct aftermath a = {0};
	uint64_t held = 0;
	struct stat st;

	if (blob_id_equal(&f->forced, id))
		note(f, &f->spoiled, id);
	if (!b)
		return;
	if (blob_id_equal(&f->forced, id) && nr >= b->nr)
		log_warn("%s: %s: dropped", blob_name(b),
			 why == EVICTED ? "what the disk has of it is not as it was stored" : "its bytes are not those of the Hub's digest");
	pthread_mutex_lock(&b->lock);
	if (blob_id_equal(&f->forced, id))
		learn_forget_locked(b);
	b->sealed = false;
	b->evicting_nr = 0;
	b->evicting_forced = false;
	for (uint64_t i = first; i < b->nr && i - first < nr; i++)
		if (b->state[i] == CHUNK_EVICTING) {
			blob_set_state_locked(b, i, CHUNK_ABSENT);
			blob_note_loss_locked(b, i, &a);
		}
	if (b->data && (nr >= b->nr || fstat(b->data->fd, &st) < 0 || st.st_nlink == 0))
		held = begin_anew_locked(b);
	if (why == EVICTED_QUARANTINED) {
		struct err err = {0};

		b->quarantined = true;
		err_set(&err, -EBADMSG, "%s: the bytes that the Hub sends are not those of its own digest",
			blob_name_locked(b));
		blob_fail_locked(b, 0, b->nr - 1, -EBADMSG, &err, &a);
	}
	if (b->ready) /* else the rows are on their way, and readers are looked at behind them */
		blob_recheck_locked(b, &a);
	pthread_mutex_unlock(&b->lock);
	if (held)
		cache_note_held(f->cache, (int64_t)held);
	blob_settle(b, &a);
	blob_put(b);
}

static void sealed(void *ctx, const struct blob_id *id)
{
	struct blob *b = blob_find(ctx, id);
	bool is_sealed;

	if (!b)
		return;
	backing_prepare(b);
	pthread_mutex_lock(&b->lock);
	is_sealed = b->sealed = b->bytes_present == b->size;
	if (is_sealed)
		data_file_sealed(b->data);
	pthread_cond_broadcast(&b->drained);
	pthread_mutex_unlock(&b->lock);
	if (is_sealed)
		note(b->fetch, &b->fetch->sealed, id);
	blob_put(b);
}

static bool is_held(void *ctx, const struct blob_id *id)
{
	struct blob *b = blob_find(ctx, id);
	bool held;

	if (!b)
		return false;
	pthread_mutex_lock(&b->lock);
	held = backing_is_held_locked(b);
	pthread_mutex_unlock(&b->lock);
	blob_put(b);
	return held;
}

static const void *borrow(void *ctx, const struct blob_id *id, uint64_t idx, size_t *len, void **loan)
{
	struct chunk_buf *c = hot_borrow(ctx, id, idx);

	*loan = c;
	*len = c ? c->len : 0;
	return c ? c->bytes : NULL;
}

static void give_back(void *loan)
{
	chunk_buf_unref(loan);
}

struct cache_events events_of(struct fetch *f)
{
	return (struct cache_events){f, evict, evicted, sealed, borrow, give_back, is_held};
}

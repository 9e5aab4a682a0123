// SPDX-License-Identifier: Apache-2.0
/*
 * The index's transactions, on the keeper's thread: the batch as a whole, and forgetting one blob. A commit that fails leaves the
 * batch as it was, to be tried again; reads see it meanwhile. After one that succeeded the prover hears what is complete.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#define RETRY_MOST_MS 16000    /* between commits that fail; doubled from COMMIT_MS */
#define BATCH_EXTENTS_MAX 8192 /* queued while commits fail: 9 MiB of memory, 128 GiB of content; then chunks go unrecorded */

/* --- totals and failures --- */

void keeper_add_totals(struct cache *c, int64_t bytes, int64_t blobs, int64_t sealed)
{
	LOCK_SCOPE(&c->stats_lock);
	c->stats.bytes_cached += (uint64_t)bytes;
	if (c->stats.bytes_cached > INT64_MAX)
		c->stats.bytes_cached = 0; /* a damaged row had counted for less than it was */
	c->stats.blobs += (uint64_t)blobs;
	c->stats.blobs_sealed += (uint64_t)sealed;
}

int keeper_index_failed(struct cache *c, int r)
{
	if (r != -EBADMSG || c->broken)
		return r;
	log_error("the index of the cache %s is damaged: it is moved aside, and the next start begins it anew", c->dir);
	c->broken = true;
	if (index_file_set_aside(c->dir) < 0)
		log_error("the damaged index of the cache %s cannot be moved aside", c->dir);
	return r;
}

/* --- one transaction --- */

struct totals {
	int64_t bytes, blobs, sealed;
};

/* What the index said of another content, or says wrongly, goes. */
static int reset_blob(struct cache *c, struct index_blob *b, uint64_t size, struct totals *t)
{
	struct index_blob fresh;
	uint64_t nr, bytes;
	int r = index_count_extents(c->index, b->nr, &nr, &bytes);

	if (r == 0)
		r = index_drop_blob(c->index, b->nr);
	if (r == 0)
		r = index_add_blob(c->index, &b->id, size, &fresh);
	if (r < 0)
		return r;
	t->bytes -= (int64_t)bytes;
	t->sealed -= b->sealed;
	fresh.spoiled = b->spoiled;
	fresh.quarantined = b->quarantined;
	*b = fresh;
	return 0;
}

static int commit_extent(struct cache *c, struct index_blob *b, const struct batch_extent *e, struct totals *t, bool *changed)
{
	struct cache_extent x = {.idx = e->idx};
	int r = index_find_extent(c->index, b, e->idx, &x);
	uint64_t before;

	if (r == -ENOENT)
		x.present = 0;
	else if (r < 0)
		return r;
	before = x.present;
	batch_overlay(e, &x);
	if (x.present == before && !e->put)
		return before && e->used ? index_use_extent(c->index, b->nr, e->idx, clock_wall_s()) : 0;
	*changed = true;
	t->bytes += (int64_t)index_extent_bytes(b->size, e->idx, x.present) - (int64_t)index_extent_bytes(b->size, e->idx, before);
	b->chunks += (uint64_t)__builtin_popcountll(x.present) - (uint64_t)__builtin_popcountll(before);
	if (e->put && index_extent_bytes(b->size, e->idx, x.present) == min_u64(EXTENT_SIZE, b->size - e->idx * EXTENT_SIZE))
		behind_note(&c->behind, c->data, &b->id, b->size, e->idx);
	if (x.present)
		return index_put_extent(c->index, b, &x, clock_wall_s());
	return index_drop_extent(c->index, b->nr, e->idx);
}

static bool has_puts(const struct batch_blob *q)
{
	const struct batch_extent *e;
	size_t i = 0;

	while ((e = map_next(&q->extents, &i)))
		if (e->put)
			return true;
	return false;
}

/* The blob's row, made if there is something to put; -ENOENT: nothing to do. */
static int row_of(struct cache *c, struct batch_blob *q, struct index_blob *b, struct totals *t)
{
	int r = index_find_blob(c->index, &q->id, b);

	q->was_known = r == 0;
	if (r == -ENOENT && has_puts(q)) {
		r = index_add_blob(c->index, &q->id, q->size, b);
		t->blobs++;
	} else if (r == 0 && q->size && b->size != q->size) {
		r = reset_blob(c, b, q->size, t);
	}
	return r;
}

static int commit_extents(struct cache *c, struct batch_blob *q, struct index_blob *b, struct totals *t, bool *changed)
{
	const struct batch_extent *e;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (e = map_next(&q->extents, &i)))
		r = commit_extent(c, b, e, t, changed);
	return r;
}

static int commit_blob(struct cache *c, struct batch_blob *q, struct totals *t)
{
	bool changed = false;
	struct index_blob b;
	int r = row_of(c, q, &b, t);

	q->complete = false;
	if (r == 0)
		r = commit_extents(c, q, &b, t, &changed);
	if (r == -ESTALE) {
		changed = true;
		r = reset_blob(c, &b, b.size, t);
		if (r == 0)
			r = commit_extents(c, q, &b, t, &changed);
	}
	if (r == 0 && q->used)
		r = index_use_blob(c->index, b.nr, clock_wall_s());
	if (r < 0 || !changed)
		return r == -ENOENT ? 0 : r;
	t->sealed -= b.sealed;
	b.sealed = false;
	if (b.chunks == 0 && !b.spoiled) {
		t->blobs--;
		return index_drop_blob(c->index, b.nr);
	}
	q->complete = b.chunks == chunks_of(b.size);
	return index_put_blob(c->index, &b);
}

static int commit_batch(struct cache *c, struct totals *t)
{
	struct batch_blob *q;
	size_t i = 0;
	int r = index_begin(c->index);

	if (r < 0)
		return r;
	while (r == 0 && (q = map_next(&c->batch.blobs, &i)))
		r = commit_blob(c, q, t);
	if (r == 0)
		r = docs_commit(c);
	if (r == 0)
		return index_commit(c->index);
	index_rollback(c->index);
	return r;
}

/* --- around the transaction --- */

struct feeding {
	struct cache *c;
	const struct blob_id *id;
	uint64_t gen;
};

static int feed_extent(void *ctx, const struct cache_extent *e)
{
	struct feeding *f = ctx;

	prover_note_extent(f->c->prover, f->id, f->gen, e);
	return 0;
}

/* A proof that began with this run's chunks learns of those from before. */
static void feed_prover(struct cache *c, const struct batch_blob *q)
{
	struct feeding f = {c, &q->id, 0};
	struct index_blob b;

	if (!prover_wants_rows(c->prover, &q->id, &f.gen) || !q->was_known)
		return;
	if (index_find_blob(c->index, &q->id, &b) == 0)
		(void)index_load_extents(c->index, &b, feed_extent, &f); /* else it is proven from its start, later */
}

static void tell_prover(struct cache *c)
{
	struct batch_blob *q;
	size_t i = 0;

	while ((q = map_next(&c->batch.blobs, &i))) {
		if (q->complete)
			prover_complete(c->prover, &q->id, q->size);
		else
			feed_prover(c, q);
	}
}

static void give_up_batch(struct cache *c, const char *why)
{
	log_error("%zu extents of the cache %s go unrecorded: %s", c->batch.nr_extents, c->dir, why);
	batch_clear(&c->batch);
	c->unrecorded = true;
}

static void commit_failed(struct cache *c, int r)
{
	uint64_t wait = COMMIT_MS << (c->failures < 4 ? c->failures : 4);

	if (c->failures++ == 0)
		log_warn("the index of the cache %s cannot be written (%s): tried again later", c->dir, strerror(-r));
	c->retry_ms = clock_mono_ms() + min_u64(wait, RETRY_MOST_MS);
	cache_count(c, &c->stats.write_errors, 1);
	if (c->broken)
		give_up_batch(c, "the index is damaged");
	else if (c->batch.nr_extents > BATCH_EXTENTS_MAX)
		give_up_batch(c, strerror(-r));
}

int keeper_commit(struct cache *c)
{
	struct totals t = {0};
	int r;

	if (batch_is_empty(&c->batch))
		return 0;
	r = c->broken ? -EBADMSG : commit_batch(c, &t);
	if (r < 0) {
		commit_failed(c, keeper_index_failed(c, r));
		return r;
	}
	c->failures = 0;
	c->retry_ms = 0;
	keeper_add_totals(c, t.bytes, t.blobs, t.sealed);
	tell_prover(c);
	batch_clear(&c->batch);
	return 0;
}

static int forget_in_index(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil, struct totals *t, bool *quarantined)
{
	uint64_t nr, bytes = 0;
	struct index_blob b;
	int r = index_find_blob(c->index, id, &b);

	if (r == -ENOENT && spoil) {
		r = index_add_blob(c->index, id, size, &b);
		t->blobs++;
	}
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!spoil && !b.spoiled) {
		r = index_count_extents(c->index, b.nr, &nr, &bytes);
		if (r == 0)
			r = index_drop_blob(c->index, b.nr);
		t->bytes -= (int64_t)bytes;
		t->sealed -= b.sealed;
		t->blobs--;
		return r;
	}
	r = reset_blob(c, &b, size, t);
	if (r < 0)
		return r;
	b.spoiled += spoil;
	b.quarantined = b.spoiled >= 2;
	if (quarantined)
		*quarantined = b.quarantined;
	return index_put_blob(c->index, &b);
}

int keeper_forget_blob(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil, bool *quarantined)
{
	struct totals t = {0};
	int r;

	batch_forget_blob(&c->batch, id);
	if (c->broken)
		return 0;
	r = index_begin(c->index);
	if (r < 0)
		return r;
	r = forget_in_index(c, id, size, spoil, &t, quarantined);
	if (r == 0)
		r = index_commit(c->index);
	else
		index_rollback(c->index);
	if (r == 0)
		keeper_add_totals(c, t.bytes, t.blobs, t.sealed);
	return keeper_index_failed(c, r);
}

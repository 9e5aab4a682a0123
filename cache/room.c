// SPDX-License-Identifier: Apache-2.0
/*
 * Giving chunks up. The order is always: the layer above agrees and lets go (events.evict), the rows go in a committed
 * transaction, the bytes go (a hole, or the whole file), the layer above hears that it is done (events.evicted).
 *
 * A data file that is fixed (data_int.h) goes as a whole or not at all. Where readers have it from the kernel itself, its bytes stay
 * on the disk until they let go: such blobs are passed over as long as others will do, and what is held that way counts as free,
 * since giving up more would not bring it back sooner.
 *
 * If the transaction fails - on a full disk it may - the bytes go all the same, because nothing else makes room: the batch hides the
 * rows until a later commit, and after a crash before that their digests tell that the bytes are gone.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>

#include "evict_int.h"

#define ROUND_EXTENTS 64    /* given up in one transaction: 1 GiB */
#define ROOM_REST_MS 200    /* when not enough could be given up */

/* What the layer above was asked about, and the chunks of it that were there. */
struct asked {
	struct blob_id id;
	uint64_t size, first, nr; /* chunks [first, first + nr) */
	bool whole;               /* the data file goes */
};
struct piece {
	struct blob_id id;
	uint64_t size, idx, bits; /* of one extent */
	bool whole;
};
struct round {
	struct asked asked[ROUND_EXTENTS];
	struct piece pieces[ROUND_EXTENTS];
	struct asked fixed[ROUND_EXTENTS]; /* blobs whose data file may only be removed as a whole */
	int64_t moved[ROUND_EXTENTS]; /* rows of blobs that are younger than their extents in the listing at hand */
	size_t nr_asked, nr_pieces, nr_fixed, nr_moved;
};

struct gc_order {
	bool dry;
	uint64_t size_max;
	struct cache_gc found;
};

static bool ask(struct cache *c, const struct blob_id *id, uint64_t first, uint64_t nr, bool force)
{
	bool yes = !c->events.evict || c->events.evict(c->events.ctx, id, first, nr, force);

	return yes || force;
}

static void tell(struct cache *c, const struct blob_id *id, uint64_t first, uint64_t nr, enum evicted_why why)
{
	if (c->events.evicted)
		c->events.evicted(c->events.ctx, id, first, nr, why);
}

static uint64_t bits_between(unsigned from, unsigned to)
{
	return (to == 64 ? ~0ull : (1ull << to) - 1) & ~((1ull << from) - 1);
}

/* Punches the chunks of bits in one extent, run by run. */
static void punch_piece(struct cache *c, const struct piece *p)
{
	for (uint64_t bits = p->bits; bits;) {
		unsigned from = (unsigned)__builtin_ctzll(bits), to = from;
		uint64_t off = (p->idx * EXTENT_CHUNKS + from) * CHUNK_SIZE;
		int r;

		while (to < EXTENT_CHUNKS && bits >> to & 1)
			to++;
		r = data_punch(c->data, &p->id, off, (uint64_t)(to - from) * CHUNK_SIZE);
		if (r < 0)
			log_warn("a data file of the cache %s gives no room back: %s", c->dir, strerror(-r));
		bits &= ~bits_between(from, to);
	}
}

struct queueing {
	struct cache *c;
	const struct index_blob *blob;
};

static int queue_extent(void *ctx, const struct cache_extent *e)
{
	struct queueing *q = ctx;

	return batch_drop_bits(&q->c->batch, &q->blob->id, q->blob->size, e->idx, e->present);
}

/* The index cannot be told now: the rows go with a later commit. */
static void forget_later(struct cache *c, const struct blob_id *id)
{
	struct index_blob b;
	struct queueing q = {c, &b};

	if (index_find_blob(c->index, id, &b) < 0 || index_load_extents(c->index, &b, queue_extent, &q) < 0)
		c->unrecorded = true; /* rows that name a file that is gone: seen when they are read */
}

/* All of a blob that the layer above has let go of. */
static void remove_blob(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil)
{
	bool quarantined = false;

	prover_cancel(c->prover, id);
	if (keeper_forget_blob(c, id, size, spoil, &quarantined) < 0 && !c->broken)
		forget_later(c, id);
	(void)data_drop(c->data, id); /* what stays is found by the next scrub */
	tell(c, id, 0, chunks_of(size), quarantined ? EVICTED_QUARANTINED : spoil ? EVICTED_SPOILED : EVICTED);
}

/* What was agreed goes: rows, bytes, news. */
static void finish_round(struct cache *c, struct round *r)
{
	for (size_t i = 0; i < r->nr_pieces; i++) {
		const struct piece *p = &r->pieces[i];

		prover_cancel(c->prover, &p->id);
		if (batch_drop_bits(&c->batch, &p->id, p->size, p->idx, p->bits) < 0)
			c->unrecorded = true; /* rows without bytes: their digests tell */
	}
	(void)keeper_commit(c); /* a failure is counted, and tried again */
	for (size_t i = 0; i < r->nr_pieces; i++)
		if (!r->pieces[i].whole)
			punch_piece(c, &r->pieces[i]);
	for (size_t i = 0; i < r->nr_asked; i++) {
		const struct asked *a = &r->asked[i];

		if (a->whole)
			(void)data_drop(c->data, &a->id); /* what stays is found by the next scrub */
		tell(c, &a->id, a->first, a->nr, EVICTED);
	}
	for (size_t i = 0; i < r->nr_fixed; i++)
		remove_blob(c, &r->fixed[i].id, r->fixed[i].size, false);
	r->nr_asked = r->nr_pieces = r->nr_fixed = 0;
}

static void add_piece(struct round *r, const struct blob_id *id, uint64_t size, uint64_t idx, uint64_t bits)
{
	r->pieces[r->nr_pieces++] = (struct piece){*id, size, idx, bits, false};
}

/* Is the run all that there is of the blob? */
static bool is_all(struct cache *c, const struct index_blob *b, const struct evict_run *run)
{
	uint64_t nr, bytes;

	return !batch_find(&c->batch, &b->id) && index_count_extents(c->index, b->nr, &nr, &bytes) == 0 && nr == run->nr;
}

/* The chunks of an extent that are there now: what the index says, and what the batch will have it say. */
static uint64_t bits_now(struct cache *c, const struct index_blob *b, uint64_t idx)
{
	const struct batch_extent *queued = batch_find_extent(&c->batch, &b->id, idx);
	struct cache_extent e = {.idx = idx};

	if (index_find_extent(c->index, b, idx, &e) < 0)
		e.present = 0;
	if (queued)
		batch_overlay(queued, &e);
	return e.present;
}

static bool is_among_fixed(const struct round *r, const struct blob_id *id)
{
	for (size_t i = 0; i < r->nr_fixed; i++)
		if (blob_id_equal(&r->fixed[i].id, id))
			return true;
	return false;
}

static bool is_held(struct cache *c, const struct blob_id *id)
{
	return c->events.is_held && c->events.is_held(c->events.ctx, id);
}

static bool is_among_moved(const struct round *r, int64_t nr)
{
	for (size_t i = 0; i < r->nr_moved; i++)
		if (r->moved[i] == nr)
			return true;
	return false;
}

/* What goes as a whole is as old as its last use: all of it gets that time, and its turn comes when the cursor is there. */
static bool move_up(struct cache *c, struct round *r, const struct index_blob *b)
{
	int64_t first_s, last_s;

	if (index_find_uses(c->index, b->nr, &first_s, &last_s) < 0 || first_s == last_s || index_begin(c->index) < 0)
		return false;
	if (index_use_blob(c->index, b->nr, last_s) < 0) {
		index_rollback(c->index);
		return false;
	}
	if (index_commit(c->index) < 0)
		return false; /* a full disk: room comes before justice */
	r->moved[r->nr_moved++] = b->nr;
	return true;
}

/* The whole of a blob whose data file is fixed: bytes as add_run(). */
static uint64_t add_fixed(struct cache *c, struct round *r, const struct index_blob *b, bool held_too)
{
	uint64_t nr, bytes;

	if (is_among_fixed(r, &b->id) || is_among_moved(r, b->nr) || move_up(c, r, b))
		return 0;
	if (index_count_extents(c->index, b->nr, &nr, &bytes) < 0 || (!held_too && is_held(c, &b->id)))
		return 0;
	if (!ask(c, &b->id, 0, chunks_of(b->size), false))
		return 0;
	r->fixed[r->nr_fixed++] = (struct asked){b->id, b->size, 0, chunks_of(b->size), true};
	return bytes;
}

/* Bytes that will be free, 0 if the layer above wants to keep them, or if they only wait for a commit to be gone. */
static uint64_t add_run(struct cache *c, struct round *r, const struct index_blob *b, const struct evict_run *run)
{
	struct asked a = {b->id, b->size, run->first * EXTENT_CHUNKS, run->nr * EXTENT_CHUNKS, false};
	size_t first_piece = r->nr_pieces;
	uint64_t freed = 0;

	for (uint64_t i = 0; i < run->nr; i++) {
		uint64_t idx = run->first + i, bits = bits_now(c, b, idx);

		if (bits)
			add_piece(r, &b->id, b->size, idx, bits);
		freed += index_extent_bytes(b->size, idx, bits);
	}
	if (!freed)
		return 0;
	a.nr = min_u64(a.nr, chunks_of(b->size) - a.first);
	if (is_all(c, b, run) && ask(c, &b->id, 0, chunks_of(b->size), false)) {
		a.whole = true;
		a.first = 0;
		a.nr = chunks_of(b->size);
	} else if (!ask(c, &b->id, a.first, a.nr, false)) {
		r->nr_pieces = first_piece;
		return 0;
	}
	for (size_t i = first_piece; i < r->nr_pieces; i++)
		r->pieces[i].whole = a.whole;
	r->asked[r->nr_asked++] = a;
	return freed;
}

/* A run that no blob owns, or lies beyond its end, is damage: the rows go, and a scrub at the next start looks after the bytes. */
static void drop_stray(struct cache *c, const struct evict_run *run)
{
	c->unrecorded = true;
	if (index_begin(c->index) < 0)
		return;
	for (uint64_t i = 0; i < run->nr; i++)
		if (index_drop_extent(c->index, run->blob, run->first + i) < 0) {
			index_rollback(c->index);
			return;
		}
	if (index_commit(c->index) == 0)
		keeper_add_totals(c, -(int64_t)run->bytes, 0, 0);
}

/* The blob went as a whole after the run was listed. */
static bool is_gone(struct cache *c, const struct evict_run *run)
{
	uint64_t nr, bytes;

	return index_count_extents(c->index, run->blob, &nr, &bytes) == 0 && nr == 0;
}

static uint64_t give_up_run(struct cache *c, struct round *r, const struct evict_run *run, bool held_too)
{
	struct index_blob b;
	int found = index_find_blob_nr(c->index, run->blob, &b);

	if (found == 0 && pins_have(c, &b.id))
		return 0;
	if (found == 0 && run->first < (chunks_of(b.size) + EXTENT_CHUNKS - 1) / EXTENT_CHUNKS)
		return data_may_change(c->data, &b.id) ? add_run(c, r, &b, run) : add_fixed(c, r, &b, held_too);
	if (found < 0 && found != -ENOENT)
		(void)keeper_index_failed(c, found); /* nothing to give up then */
	else if (!is_gone(c, run))
		drop_stray(c, run);
	return 0;
}

static uint64_t give_up(struct cache *c, struct round *r, const struct evict_run *runs, size_t nr, uint64_t need, bool held_too)
{
	uint64_t freed = 0;

	for (size_t i = 0; i < nr && freed < need; i++)
		freed += give_up_run(c, r, &runs[i], held_too);
	finish_round(c, r);
	cache_count(c, &c->stats.evicted_bytes, freed);
	return freed;
}

/* Bytes that are stored and not recorded. */
static uint64_t queued_bytes(const struct cache *c)
{
	const struct batch_blob *q;
	uint64_t bytes = 0;
	size_t i = 0;

	while ((q = map_next(&c->batch.blobs, &i))) {
		const struct batch_extent *e;
		size_t n = 0;

		while ((e = map_next(&q->extents, &n)))
			bytes += index_extent_bytes(q->size, e->idx, e->put);
	}
	return bytes;
}

/* Bytes beyond the limit of what the cache may hold. */
static uint64_t over_limit(struct cache *c)
{
	struct cache_stats s;

	cache_stats(c, &s);
	return s.bytes_cached > s.size_max ? s.bytes_cached - s.size_max : 0;
}

static uint64_t needed(struct cache *c, bool asked)
{
	struct cache_stats s;

	cache_stats(c, &s);
	s.bytes_cached += queued_bytes(c);
	return evict_need(&(struct evict_state){s.bytes_cached, s.size_max, s.disk_free + s.bytes_held, s.keep_free, asked});
}

/* The oldest ROUND_EXTENTS after the cursor: bytes freed; *nr: how many there were. */
static uint64_t give_up_oldest(struct cache *c, struct round *r, struct index_cursor *cursor, uint64_t need, bool held_too, int *nr)
{
	struct evict_candidate candidates[ROUND_EXTENTS];
	struct index_oldest oldest[ROUND_EXTENTS];
	struct evict_run runs[ROUND_EXTENTS];
	uint64_t freed = 0;
	size_t pos = 0;

	r->nr_moved = 0;
	*nr = index_list_oldest(c->index, cursor, oldest, ROUND_EXTENTS);
	for (int i = 0; i < *nr; i++)
		candidates[i] = (struct evict_candidate){oldest[i].nr, oldest[i].idx, oldest[i].bytes};
	while (*nr > 0 && pos < (size_t)*nr && freed < need && !c->broken) {
		size_t nr_runs = evict_choose(candidates + pos, (size_t)*nr - pos, need - freed, runs);

		freed += give_up(c, r, runs, nr_runs, need - freed, held_too);
		for (size_t i = 0; i < nr_runs; i++)
			pos += (size_t)runs[i].nr;
	}
	return freed;
}

/* Extents that only the batch knows, because the index cannot be written: as many as fit a round. */
static uint64_t give_up_queued(struct cache *c, struct round *r, uint64_t need)
{
	const struct batch_blob *q;
	uint64_t freed = 0;
	size_t i = 0;

	while ((q = map_next(&c->batch.blobs, &i))) {
		const struct batch_extent *e;
		size_t n = 0;

		while ((e = map_next(&q->extents, &n)) && freed < need && r->nr_asked < ROUND_EXTENTS) {
			uint64_t first = e->idx * EXTENT_CHUNKS, nr = min_u64(EXTENT_CHUNKS, chunks_of(q->size) - first);

			if (!e->put || pins_have(c, &q->id) || !ask(c, &q->id, first, nr, false))
				continue;
			add_piece(r, &q->id, q->size, e->idx, e->put);
			r->asked[r->nr_asked++] = (struct asked){q->id, q->size, first, nr, false};
			freed += index_extent_bytes(q->size, e->idx, e->put);
		}
	}
	finish_round(c, r);
	cache_count(c, &c->stats.evicted_bytes, freed);
	return freed;
}

static uint64_t give_up_by_age(struct cache *c, struct round *r, uint64_t need, bool held_too)
{
	struct index_cursor cursor = INDEX_CURSOR_START;
	uint64_t freed = 0;
	int nr = 1;

	while (nr > 0 && freed < need && !c->broken) {
		freed += give_up_oldest(c, r, &cursor, need - freed, held_too, &nr);
		keeper_breathe(c);
	}
	return freed;
}

/* What is held goes last, and only for the limit's sake: it makes no room on the disk. */
static uint64_t make_room(struct cache *c, struct round *r, uint64_t need)
{
	uint64_t freed = give_up_by_age(c, r, need, false), over = over_limit(c);

	if (freed < need && over)
		freed += give_up_by_age(c, r, min_u64(over, need - freed), true);
	if (freed < need && c->failures)
		freed += give_up_queued(c, r, need - freed);
	return freed;
}

void room_make(struct cache *c, bool asked)
{
	uint64_t need = needed(c, asked);
	struct round *r;

	if (!need || c->broken || c->is_read_only || clock_mono_ms() < c->room_ms)
		return;
	r = calloc(1, sizeof(*r));
	if (!r)
		return;
	if (make_room(c, r, need))
		c->room_ms = c->retry_ms = 0; /* and a commit that failed for want of room may succeed now */
	else
		c->room_ms = clock_mono_ms() + ROOM_REST_MS;
	free(r);
}

/* What would go: all that is needed, but nothing pinned. */
static uint64_t would_go(struct cache *c, uint64_t need, uint64_t bytes)
{
	uint64_t pinned, cached;

	if (c->broken || keeper_index_failed(c, index_load_pinned(c->index, &pinned, &cached)) < 0)
		return 0;
	return min_u64(need, bytes > cached ? bytes - cached : 0);
}

static uint64_t limit_once(struct cache *c, uint64_t size_max)
{
	uint64_t before;
	LOCK_SCOPE(&c->stats_lock);

	before = c->stats.size_max;
	if (size_max != UINT64_MAX)
		c->stats.size_max = size_max;
	return before;
}

static int gc(struct cache *c, void *arg)
{
	struct gc_order *o = arg;
	uint64_t limit = limit_once(c, o->size_max), need;
	struct cache_stats s;
	struct round *r;

	while (!c->broken && scrub_step(c))
		keeper_breathe(c);
	o->found.orphan_files = c->scrub.tally.files;
	o->found.orphan_bytes = c->scrub.tally.bytes;
	need = needed(c, false);
	cache_stats(c, &s);
	r = o->dry ? NULL : calloc(1, sizeof(*r));
	if (o->dry)
		o->found.evicted = would_go(c, need, s.bytes_cached);
	else if (r && need && !c->broken)
		o->found.evicted = make_room(c, r, need);
	free(r);
	cache_stats(c, &s);
	o->found.bytes_cached = s.bytes_cached;
	o->found.over = (o->dry ? s.bytes_cached - min_u64(o->found.evicted, s.bytes_cached) : s.bytes_cached) > s.size_max;
	(void)limit_once(c, limit);
	c->holds_back &= o->dry;
	return c->broken ? -EIO : 0;
}

int cache_gc(struct cache *c, bool dry, uint64_t size_max, struct cache_gc *out)
{
	struct gc_order o = {.dry = dry, .size_max = size_max};
	int r = cache_call(c, gc, &o);

	if (r == 0)
		*out = o.found;
	return r;
}

void room_drop_blob(struct cache *c, const struct blob_id *id, uint64_t size, bool spoil)
{
	(void)ask(c, id, 0, chunks_of(size), true);
	remove_blob(c, id, size, spoil);
}

/* The runs of bits of one extent, one round. */
static void drop_bits(struct cache *c, struct round *r, const struct blob_id *id, uint64_t size, const struct cache_extent *bad)
{
	for (uint64_t bits = bad->present; bits;) {
		unsigned from = (unsigned)__builtin_ctzll(bits), to = from;
		uint64_t first = bad->idx * EXTENT_CHUNKS + from;

		while (to < EXTENT_CHUNKS && bits >> to & 1)
			to++;
		(void)ask(c, id, first, to - from, true);
		r->asked[r->nr_asked++] = (struct asked){*id, size, first, to - from, false};
		bits &= ~bits_between(from, to);
	}
	if (bad->present)
		add_piece(r, id, size, bad->idx, bad->present);
	finish_round(c, r);
}

void room_drop_chunks(struct cache *c, const struct blob_id *id, uint64_t size, const struct cache_rows *bad)
{
	struct round *r = calloc(1, sizeof(*r));

	for (size_t i = 0; r && i < bad->nr; i++)
		if (bad->extents[i].present)
			drop_bits(c, r, id, size, &bad->extents[i]);
	free(r);
}

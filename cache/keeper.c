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

#define RETRY_MOST_MS 16000    /* between commits that fail; doubled from COMMIT_MS */
#define BATCH_EXTENTS_MAX 8192 /* queued while commits fail: 9 MiB of memory, 128 GiB of content; then chunks go unrecorded */
#define DOC_KEEP_S (90 * 86400)

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

static void note_space(struct cache *c)
{
	uint64_t disk_free, disk_size;

	if (data_space(c->data, &disk_free, &disk_size) < 0)
		return;
	LOCK_SCOPE(&c->stats_lock);
	c->stats.disk_free = disk_free;
	c->stats.disk_size = disk_size;
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

/* --- proofs --- */

static int seal_in_index(struct cache *c, const struct proof_result *res)
{
	struct index_blob b;
	int r = index_find_blob(c->index, &res->id, &b);

	if (r < 0)
		return r;
	if (b.size != res->size || b.chunks != chunks_of(b.size))
		return -ENODATA;
	index_seal_of(&res->st, &b.seal);
	b.sealed = true;
	b.spoiled = 0;
	b.quarantined = false;
	return index_put_blob(c->index, &b);
}

/* Chunks that are not recorded, or went meanwhile: no seal, but a proof once they are there. */
static int seal(struct cache *c, const struct proof_result *res)
{
	int r = c->broken ? -EBADMSG : index_begin(c->index);

	if (r < 0)
		return keeper_index_failed(c, r);
	r = seal_in_index(c, res);
	if (r == 0)
		r = index_commit(c->index);
	else
		index_rollback(c->index);
	return keeper_index_failed(c, r);
}

static void proved_good(struct cache *c, const struct proof_result *res)
{
	int r = seal(c, res);

	prover_cancel(c->prover, &res->id);
	if (r < 0)
		return;
	keeper_add_totals(c, 0, 0, 1);
	cache_count(c, &c->stats.proven_blobs, 1);
	if (c->events.sealed)
		c->events.sealed(c->events.ctx, &res->id);
}

/* Which chunks are not as stored? Where the rows do not tell of all of them there is no verdict. */
static void proved_wrong(struct cache *c, const struct proof_result *res)
{
	AUTO_FREE struct cache_rows *rows = NULL;

	if (rows_load(c, &res->id, res->size, &rows) == 0 && rows_are_complete(rows, res->size))
		prover_check(c->prover, &res->id, res->gen, TAKE(rows));
	else
		prover_cancel(c->prover, &res->id);
}

static void proved_checked(struct cache *c, const struct proof_result *res)
{
	uint64_t bad = 0;

	prover_cancel(c->prover, &res->id);
	for (size_t i = 0; i < res->rows->nr; i++)
		bad += (uint64_t)__builtin_popcountll(res->rows->extents[i].present);
	if (bad) {
		log_warn("%llu chunks in the cache %s have changed on disk: dropped", (unsigned long long)bad, c->dir);
		cache_count(c, &c->stats.lost_chunks, bad);
		room_drop_chunks(c, &res->id, res->size, res->rows);
		return;
	}
	cache_count(c, &c->stats.spoiled_blobs, 1);
	room_drop_blob(c, &res->id, res->size, true);
}

static void serve_proof(struct cache *c, const struct proof_result *res)
{
	char hex[BLOB_ID_HEX_MAX];

	if (!prover_is_current(c->prover, &res->id, res->gen))
		return;
	blob_id_format(&res->id, hex);
	switch (res->outcome) {
	case PROOF_GOOD:
		proved_good(c, res);
		break;
	case PROOF_WRONG:
		proved_wrong(c, res);
		break;
	case PROOF_CHECKED:
		proved_checked(c, res);
		break;
	case PROOF_UNSYNCED:
		log_warn("the disk did not take blob %.12s: its data file is dropped", hex);
		cache_count(c, &c->stats.write_errors, 1);
		prover_cancel(c->prover, &res->id);
		room_drop_blob(c, &res->id, res->size, false);
		break;
	}
}

static void serve_wish_for_proof(struct cache *c, const struct job *j)
{
	struct index_blob b;

	if (c->broken || index_find_blob(c->index, &j->id, &b) < 0)
		return;
	if (!b.sealed && b.size == j->size && b.chunks == chunks_of(b.size))
		prover_complete(c->prover, &j->id, j->size);
}

static void serve_results(struct cache *c)
{
	struct job *j;

	while ((j = job_take(&c->results))) {
		if (j->kind == JOB_WANT_PROOF) {
			serve_wish_for_proof(c, j);
		} else {
			serve_proof(c, j->proof);
			free(j->proof->rows);
			free(j->proof);
		}
		free(j);
	}
}

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
		job_append(&c->results, j);
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

/* --- turns --- */

static bool is_due(struct cache *c, uint64_t now)
{
	if (c->flushes.nr || c->results.nr)
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
		serve_results(c);
		answer_flushes(c);
		note_space(c);
		if (!w.stop)
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
	else if (c->scrub.thorough && c->scrub.phase != SCRUB_OVER)
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

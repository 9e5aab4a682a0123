// SPDX-License-Identifier: Apache-2.0
/*
 * What becomes of a proof's result, on the keeper's thread: a seal; or, when a whole blob is wrong, the question to its chunks whether
 * the disk is to blame or the Hub. A result that is not current any more - a chunk went meanwhile - is none.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/log.h>

/* *again: it was sealed before. A file system that cannot make a file read-only has seals all the same. */
static int seal_in_index(struct cache *c, const struct proof_result *res, bool *again)
{
	struct index_blob b;
	struct stat st = res->st;
	int r = index_find_blob(c->index, &res->id, &b);

	if (r < 0)
		return r;
	if (b.size != res->size || b.chunks != chunks_of(b.size))
		return -ENODATA;
	r = data_fix(c->data, &res->id, res->size, &st);
	if (r == -ESTALE || r == -ENOENT || r == -EBADMSG)
		return -ENODATA;
	*again = b.sealed;
	index_seal_of(&st, &b.seal);
	b.sealed = true;
	b.spoiled = 0;
	b.quarantined = false;
	return index_put_blob(c->index, &b);
}

/* Chunks that are not recorded, or went meanwhile: no seal, but a proof once they are there. */
static int seal(struct cache *c, const struct proof_result *res, bool *again)
{
	int r = c->broken ? -EBADMSG : index_begin(c->index);

	if (r < 0)
		return keeper_index_failed(c, r);
	r = seal_in_index(c, res, again);
	if (r == 0)
		r = index_commit(c->index);
	else
		index_rollback(c->index);
	return keeper_index_failed(c, r);
}

int proofs_seal(struct cache *c, const struct proof_result *res)
{
	bool again = false;
	int r = seal(c, res, &again);

	prover_cancel(c->prover, &res->id);
	if (r < 0)
		return r;
	keeper_add_totals(c, 0, 0, !again);
	cache_count(c, &c->stats.proven_blobs, 1);
	if (c->events.sealed)
		c->events.sealed(c->events.ctx, &res->id);
	return 0;
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

bool proofs_blame(struct cache *c, const struct blob_id *id, uint64_t size, const struct cache_rows *bad_rows)
{
	uint64_t bad = 0;

	prover_cancel(c->prover, id);
	for (size_t i = 0; i < bad_rows->nr; i++)
		bad += (uint64_t)__builtin_popcountll(bad_rows->extents[i].present);
	if (!bad)
		return false;
	log_warn("%llu chunks in the cache %s have changed on disk: dropped", (unsigned long long)bad, c->dir);
	cache_count(c, &c->stats.lost_chunks, bad);
	if (data_may_change(c->data, id))
		room_drop_chunks(c, id, size, bad_rows);
	else
		room_drop_blob(c, id, size, false);
	return true;
}

void proofs_condemn(struct cache *c, const struct blob_id *id, uint64_t size)
{
	cache_count(c, &c->stats.spoiled_blobs, 1);
	room_drop_blob(c, id, size, true);
}

static void proved_checked(struct cache *c, const struct proof_result *res)
{
	if (!proofs_blame(c, &res->id, res->size, res->rows))
		proofs_condemn(c, &res->id, res->size);
}

static void unsynced(struct cache *c, const struct blob_id *id, uint64_t size)
{
	char hex[BLOB_ID_HEX_MAX];

	blob_id_format(id, hex);
	log_warn("the disk did not take blob %.12s: its data file is dropped", hex);
	cache_count(c, &c->stats.write_errors, 1);
	room_drop_blob(c, id, size, false);
}

static void serve_proof(struct cache *c, const struct proof_result *res)
{
	if (!prover_is_current(c->prover, &res->id, res->gen))
		return;
	switch (res->outcome) {
	case PROOF_GOOD:
		(void)proofs_seal(c, res); /* else it is proven once more */
		break;
	case PROOF_WRONG:
		proved_wrong(c, res);
		break;
	case PROOF_CHECKED:
		proved_checked(c, res);
		break;
	case PROOF_UNSYNCED:
		unsynced(c, &res->id, res->size);
		break;
	}
}

static void serve_wish_for_proof(struct cache *c, const struct job *j)
{
	struct index_blob b;

	if (c->broken || index_find_blob(c->index, &j->id, &b) < 0)
		return;
	if (b.size == j->size && b.chunks == chunks_of(b.size)) /* a seal that does not count is made anew */
		prover_complete(c->prover, &j->id, j->size);
}

/* A chunk of a file that was fixed is not as it was proven: the file goes as a whole. Further chunks of it went with it. */
static void serve_drop(struct cache *c, const struct job *j)
{
	if (!data_may_change(c->data, &j->id))
		room_drop_blob(c, &j->id, j->size, false);
}

void proofs_serve(struct cache *c)
{
	struct job *j;

	while ((j = job_take(&c->results))) {
		if (j->kind == JOB_WANT_PROOF) {
			serve_wish_for_proof(c, j);
		} else if (j->kind == JOB_DROP) {
			serve_drop(c, j);
		} else if (j->kind == JOB_DISTRUST) {
			unsynced(c, &j->id, j->size);
		} else {
			serve_proof(c, j->proof);
			free(j->proof->rows);
			free(j->proof);
		}
		free(j);
	}
}

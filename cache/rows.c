// SPDX-License-Identifier: Apache-2.0
/* What is known of a blob: the index's rows with the batch laid over them, if the data file is there to go with them. */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

struct builder {
	struct cache_rows *rows;
	size_t cap;
};

static int add(void *ctx, const struct cache_extent *e)
{
	struct builder *b = ctx;

	if (b->rows->nr == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 4;
		struct cache_rows *rows = realloc(b->rows, sizeof(*rows) + cap * sizeof(rows->extents[0]));

		if (!rows)
			return -ENOMEM;
		b->rows = rows;
		b->cap = cap;
	}
	b->rows->extents[b->rows->nr++] = *e;
	return 0;
}

static int by_idx(const void *a, const void *b)
{
	const struct cache_extent *x = a, *y = b;

	return x->idx < y->idx ? -1 : x->idx > y->idx;
}

static struct cache_extent *find_row(struct cache_rows *rows, size_t nr, uint64_t idx)
{
	struct cache_extent key = {.idx = idx};

	return bsearch(&key, rows->extents, nr, sizeof(key), by_idx);
}

static void drop_empty(struct cache_rows *rows)
{
	size_t nr = 0;

	for (size_t i = 0; i < rows->nr; i++)
		if (rows->extents[i].present) {
			if (nr != i)
				rows->extents[nr] = rows->extents[i];
			nr++;
		}
	rows->nr = nr;
}

static int overlay(struct builder *b, const struct batch_blob *queued)
{
	size_t nr = b->rows->nr, i = 0;
	const struct batch_extent *q;

	while ((q = map_next(&queued->extents, &i))) {
		struct cache_extent *row = find_row(b->rows, nr, q->idx), fresh = {.idx = q->idx};

		if (q->put | q->drop)
			b->rows->sealed = false;
		if (row) {
			batch_overlay(q, row);
			continue;
		}
		batch_overlay(q, &fresh);
		if (fresh.present && add(b, &fresh) < 0)
			return -ENOMEM;
	}
	if (b->rows->nr)
		qsort(b->rows->extents, b->rows->nr, sizeof(b->rows->extents[0]), by_idx);
	drop_empty(b->rows);
	return 0;
}

static bool is_as_sealed(const struct index_blob *b, const struct stat *st)
{
	struct index_seal now;

	index_seal_of(st, &now);
	return !memcmp(&now, &b->seal, sizeof(now));
}

bool rows_are_complete(const struct cache_rows *rows, uint64_t size)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < rows->nr; i++)
		nr += (uint64_t)__builtin_popcountll(rows->extents[i].present);
	return nr == chunks_of(size);
}

/* What the index says; -ENOENT: nothing. */
static int load_known(struct cache *c, const struct blob_id *id, uint64_t size, struct index_blob *known, struct builder *b)
{
	int r = c->broken ? -ENOENT : index_find_blob(c->index, id, known);

	if (r < 0)
		return r;
	b->rows->quarantined = known->quarantined;
	if (known->size != size)
		return -ENOENT;
	b->rows->sealed = known->sealed;
	r = index_load_extents(c->index, known, add, b);
	if (r == -ESTALE) /* damage to one row: the blob begins anew */
		r = keeper_forget_blob(c, id, size, false, NULL);
	return r;
}

/* The rows go with a data file; without it they are about nothing. */
static void check_file(struct cache *c, const struct blob_id *id, uint64_t size, const struct index_blob *known, struct builder *b)
{
	struct stat st;
	AUTO_FD int fd = data_find(c->data, id, size, &st);

	if (fd >= 0) {
		b->rows->sealed = b->rows->sealed && rows_are_complete(b->rows, size) && is_as_sealed(known, &st) && data_is_fixed(&st);
		return;
	}
	b->rows->sealed = false;
	if (fd != -ENOENT && fd != -EBADMSG)
		return; /* not to be opened now: the digests will tell */
	if (b->rows->nr)
		(void)keeper_forget_blob(c, id, size, false, NULL); /* else it is found missing once more */
	b->rows->nr = 0;
}

int rows_load(struct cache *c, const struct blob_id *id, uint64_t size, struct cache_rows **out)
{
	struct builder b = {.rows = calloc(1, sizeof(*b.rows))};
	struct index_blob known = {0};
	const struct batch_blob *queued;
	int r;

	if (!b.rows)
		return -ENOMEM;
	r = load_known(c, id, size, &known, &b);
	if (r < 0 && r != -ENOENT) {
		b.rows->nr = 0;
		b.rows->sealed = false;
	}
	if (r < 0 && r != -ENOMEM) { /* an index that cannot be read is a miss, not a failure */
		(void)keeper_index_failed(c, r);
		r = 0;
	}
	queued = batch_find(&c->batch, id);
	if (r == 0 && queued && queued->size == size)
		r = overlay(&b, queued);
	if (r < 0) {
		free(b.rows);
		return r;
	}
	(void)data_note_seen(c->data, id); /* else a scrub may take it for unused: a miss */
	check_file(c, id, size, &known, &b);
	*out = b.rows;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Stored documents: bytes of the layer above under a kind and a key. Their use is recorded by the day, for pruning. */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>

#define USED_STEP_S 86400
#define KEY_MAX 2048

/* --- calls of other threads --- */

void cache_put_doc(struct cache *c, enum doc_kind kind, const char *key, const void *bytes, size_t len)
{
	struct job *j = strlen(key) <= KEY_MAX ? job_new(JOB_PUT_DOC, key) : NULL;
	void *copy = j ? malloc(len ? len : 1) : NULL;

	if (copy) {
		if (len)
			memcpy(copy, bytes, len);
		j->doc_kind = kind;
		j->doc.bytes = copy;
		j->doc.len = len;
		j->doc.stored_s = clock_wall_s();
		if (cache_post(c, j))
			return;
	}
	free(copy);
	free(j);
	cache_count(c, &c->stats.write_errors, 1);
}

void cache_drop_doc(struct cache *c, enum doc_kind kind, const char *key)
{
	struct job *j = job_new(JOB_DROP_DOC, key);

	if (j) {
		j->doc_kind = kind;
		if (cache_post(c, j))
			return;
	}
	free(j);
	cache_count(c, &c->stats.write_errors, 1);
}

void cache_want_doc(struct cache *c, enum doc_kind kind, const char *key, cache_doc_done *done, void *ctx)
{
	struct job *j = job_new(JOB_DOC, key);

	if (!j) {
		done(ctx, -EIO, NULL, 0, 0);
		return;
	}
	j->doc_kind = kind;
	j->doc_done = done;
	j->ctx = ctx;
	cache_post_urgent(c, j);
}

void cache_want_keys(struct cache *c, enum doc_kind kind, const char *prefix, cache_key_each *each, void (*done)(void *ctx, int r),
		     void *ctx)
{
	struct job *j = job_new(JOB_KEYS, prefix);

	if (!j) {
		done(ctx, -ENOMEM);
		return;
	}
	j->doc_kind = kind;
	j->keys.each = each;
	j->keys.done = done;
	j->ctx = ctx;
	cache_post_urgent(c, j);
}

/* --- the keeper's side --- */

struct loading {
	struct cache *c;
	struct job *job;
};

static void loaded(void *ctx, const void *bytes, size_t len, int64_t stored_s, int64_t used_s)
{
	struct loading *l = ctx;
	int64_t now = clock_wall_s();

	if (now - used_s > USED_STEP_S)
		(void)batch_use_doc(&l->c->batch, l->job->doc_kind, l->job->key); /* else it looks older than it is */
	l->job->doc_done(l->job->ctx, 0, bytes, len, stored_s);
}

void docs_serve(struct cache *c, struct job *j)
{
	const struct batch_doc *queued = batch_find_doc(&c->batch, j->doc_kind, j->key);
	struct loading l = {c, j};
	int r;

	if (queued && queued->op == BATCH_DOC_PUT) {
		j->doc_done(j->ctx, 0, queued->bytes, queued->len, queued->stored_s);
		return;
	}
	if (c->broken || (queued && queued->op == BATCH_DOC_DROP))
		r = -ENOENT;
	else
		r = index_load_doc(c->index, j->doc_kind, j->key, loaded, &l);
	if (r < 0)
		j->doc_done(j->ctx, keeper_index_failed(c, r) == -ENOENT ? -ENOENT : -EIO, NULL, 0, 0);
}

/* One key of a listing; queued: the batch has it, or will drop it. */
struct listed {
	char *key;
	int64_t stored_s;
};
struct listing {
	struct cache *c;
	enum doc_kind kind;
	struct listed *keys;
	size_t nr, cap;
	bool failed;
};

static void list_key(struct listing *l, const char *key, size_t len, int64_t stored_s)
{
	if (l->nr == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;
		struct listed *keys = realloc(l->keys, cap * sizeof(*keys));

		if (!keys) {
			l->failed = true;
			return;
		}
		l->keys = keys;
		l->cap = cap;
	}
	l->keys[l->nr].key = strndup(key, len);
	l->keys[l->nr].stored_s = stored_s;
	if (l->keys[l->nr].key)
		l->nr++;
	else
		l->failed = true;
}

static void list_row(void *ctx, const char *key, int64_t stored_s)
{
	struct listing *l = ctx;
	const struct batch_doc *queued = batch_find_doc(&l->c->batch, l->kind, key);

	if (!queued || queued->op == BATCH_DOC_USED)
		list_key(l, key, strlen(key), stored_s);
}

static void list_queued(struct listing *l, const char *prefix)
{
	const struct batch_doc *d;
	size_t i = 0, len = strlen(prefix);

	while ((d = map_next(&l->c->batch.docs, &i)))
		if (d->op == BATCH_DOC_PUT && d->key[0] == l->kind && d->key_len > len && !memcmp(d->key + 1, prefix, len))
			list_key(l, (const char *)d->key + 1, d->key_len - 1, d->stored_s);
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct listed *)a)->key, ((const struct listed *)b)->key);
}

void docs_serve_keys(struct cache *c, struct job *j)
{
	struct listing l = {.c = c, .kind = j->doc_kind};
	int r = c->broken ? 0 : index_list_docs(c->index, j->doc_kind, j->key, list_row, &l);

	if (r < 0)
		r = keeper_index_failed(c, r);
	list_queued(&l, j->key);
	if (l.failed)
		r = -ENOMEM;
	if (l.nr)
		qsort(l.keys, l.nr, sizeof(*l.keys), by_key);
	for (size_t i = 0; i < l.nr; i++) {
		if (r == 0)
			j->keys.each(j->ctx, l.keys[i].key, l.keys[i].stored_s);
		free(l.keys[i].key);
	}
	free(l.keys);
	j->keys.done(j->ctx, r == 0 || r == -ENOMEM ? r : -EIO);
}

static int commit_doc(struct cache *c, const struct batch_doc *d)
{
	int kind = d->key[0];

	switch (d->op) {
	case BATCH_DOC_PUT:
		return index_put_doc(c->index, kind, d->key + 1, d->key_len - 1, d->bytes, d->len, d->stored_s);
	case BATCH_DOC_DROP:
		return index_drop_doc(c->index, kind, d->key + 1, d->key_len - 1);
	case BATCH_DOC_USED:
		return index_use_doc(c->index, kind, d->key + 1, d->key_len - 1, clock_wall_s());
	}
	return 0;
}

int docs_commit(struct cache *c)
{
	const struct batch_doc *d;
	size_t i = 0;
	int r = 0;

	while (r == 0 && (d = map_next(&c->batch.docs, &i)))
		r = commit_doc(c, d);
	return r;
}

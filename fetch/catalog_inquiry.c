// SPDX-License-Identifier: Apache-2.0
/* The life of an inquiry: waiters join, steps follow each other on other threads, the outcome goes to all of them. */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void outcome_give(const struct outcome *o, enum inquiry_kind kind, union done done, void *ctx)
{
	const struct roster *l = o->roster;

	switch (kind) {
	case INQUIRY_REVISION:
	case INQUIRY_KNOWN:
		done.revision(ctx, o->r, o->r < 0 ? NULL : &o->rev, &o->err);
		break;
	case INQUIRY_TREE:
		done.tree(ctx, o->r, o->r < 0 ? NULL : tree_ref(o->tree), &o->err);
		break;
	case INQUIRY_LISTING:
	case INQUIRY_DIR:
	case INQUIRY_PATH:
		done.listing(ctx, o->r, o->r < 0 ? NULL : tree_ref(o->tree), o->is_whole, &o->err);
		break;
	case INQUIRY_REFS:
		done.refs(ctx, o->r, o->r < 0 ? NULL : l->known, o->r < 0 ? 0 : l->nr, &o->err);
		break;
	case INQUIRY_REPOS:
	case INQUIRY_USED:
		done.names(ctx, o->r, o->r < 0 ? NULL : l->names, o->r < 0 ? 0 : l->nr, &o->err);
		break;
	}
}

void inquiry_free(struct inquiry *q)
{
	while (q->waiters) {
		struct waiter *w = q->waiters;

		q->waiters = w->next;
		free(w);
	}
	outcome_done(&q->outcome);
	tree_builder_free(q->builder);
	roster_maker_done(&q->maker);
	buf_done(&q->doc);
	free(q->key);
	free(q->path);
	free(q);
}

struct inquiry *inquiry_new(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev,
			    const char *key)
{
	AUTO(inquiry_free) struct inquiry *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->c = c;
	q->kind = kind;
	q->repo = *repo;
	q->is_default = kind == INQUIRY_REVISION && !rev;
	snprintf(q->rev, sizeof(q->rev), "%s", q->is_default ? "main" : rev ? rev : "");
	if (kind == INQUIRY_LISTING || kind == INQUIRY_DIR || kind == INQUIRY_PATH) {
		q->rev[COMMIT_MAX - 1] = '\0'; /* "<commit>/<path>" */
		q->path = strdup(rev + COMMIT_MAX);
		if (!q->path)
			return NULL;
	}
	q->tail = &q->waiters;
	q->key = strdup(key);
	q->prefix_len = key_prefix_len(key);
	return q->key ? TAKE(q) : NULL;
}

int inquiry_add_waiter_locked(struct inquiry *q, union done done, void *ctx)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){NULL, done, ctx};
	*q->tail = w;
	q->tail = &w->next;
	return 0;
}

int inquiry_link_locked(struct inquiry *q)
{
	struct catalog *c = q->c;

	if (map_put(&c->inquiries, q->key, strlen(q->key), q) < 0)
		return -ENOMEM;
	q->next = c->all;
	if (q->next)
		q->next->prev = q;
	c->all = q;
	return 0;
}

void inquiry_detach_locked(struct inquiry *q)
{
	if (!q->is_detached)
		map_del(&q->c->inquiries, q->key, strlen(q->key));
	q->is_detached = true;
}

void inquiry_unlink_locked(struct inquiry *q)
{
	struct catalog *c = q->c;

	inquiry_detach_locked(q);
	if (q->prev)
		q->prev->next = q->next;
	else
		c->all = q->next;
	if (q->next)
		q->next->prev = q->prev;
	if (q->is_probe)
		c->probes--;
}

void waiters_end(struct waiter *w, enum inquiry_kind kind, const struct outcome *o)
{
	while (w) {
		struct waiter *next = w->next;

		outcome_give(o, kind, w->done, w->ctx);
		free(w);
		w = next;
	}
}

void inquiry_describe(const struct inquiry *q, char out[DESCRIBE_MAX])
{
	snprintf(out, DESCRIBE_MAX, "%s%s%s%s", repo_kind_prefix(q->repo.kind), q->repo.name, q->rev[0] ? "@" : "", q->rev);
}

void inquiry_end(struct inquiry *q)
{
	struct waiter *waiters;

	{
		LOCK_SCOPE(&q->c->lock);
		inquiry_unlink_locked(q);
		waiters = TAKE(q->waiters);
	}
	waiters_end(waiters, q->kind, &q->outcome);
	inquiry_free(q);
}

void inquiry_end_with(struct inquiry *q, int r, const struct err *err)
{
	char what[DESCRIBE_MAX];

	inquiry_describe(q, what);
	outcome_fail(&q->outcome, r, err, what);
	inquiry_end(q);
}

bool inquiry_enter(struct inquiry *q)
{
	bool ok = catalog_enter(q->c);

	if (!ok)
		inquiry_end_with(q, -ECANCELED, NULL);
	return ok;
}

static void inquiry_run(void *arg)
{
	struct inquiry *q = arg;

	q->step(q);
}

void inquiry_post(struct inquiry *q, void (*step)(struct inquiry *q))
{
	struct catalog *c = q->c;

	q->step = step;
	if (c->post)
		c->post(c->post_ctx, inquiry_run, q);
	else
		inquiry_run(q);
}

static void doc_loaded(void *ctx, int r, const void *bytes, size_t len, int64_t stored_s)
{
	struct inquiry *q = ctx;

	(void)stored_s; /* the document says itself when the Hub said so */
	if (r == 0)
		buf_add(&q->doc, bytes, len);
	q->doc_r = r == 0 && q->doc.failed ? -ENOMEM : r;
	inquiry_post(q, q->step);
}

void inquiry_load_doc_of(struct inquiry *q, enum doc_kind kind, const char *key, void (*step)(struct inquiry *q))
{
	struct catalog *c = q->c;

	q->step = step;
	if (!inquiry_enter(q))
		return;
	cache_want_doc(c->cache, kind, key + 1, doc_loaded, q);
	catalog_leave(c);
}

void inquiry_load_doc(struct inquiry *q, enum doc_kind kind, void (*step)(struct inquiry *q))
{
	inquiry_load_doc_of(q, kind, q->key, step);
}

void inquiry_put_doc(struct inquiry *q, enum doc_kind kind, const char *key, const struct buf *bytes)
{
	if (bytes->failed || !catalog_enter(q->c))
		return;
	cache_put_doc(q->c->cache, kind, key + 1, bytes->data, bytes->len);
	catalog_leave(q->c);
}

void inquiry_drop_doc(struct inquiry *q, enum doc_kind kind)
{
	if (!catalog_enter(q->c))
		return;
	cache_drop_doc(q->c->cache, kind, q->key + 1);
	catalog_leave(q->c);
}

void inquiry_start(struct inquiry *q)
{
	switch (q->kind) {
	case INQUIRY_REVISION:
	case INQUIRY_REFS:
	case INQUIRY_REPOS:
		inquiry_start_named(q);
		break;
	case INQUIRY_TREE:
		inquiry_start_tree(q);
		break;
	case INQUIRY_LISTING:
	case INQUIRY_DIR:
	case INQUIRY_PATH:
		inquiry_start_listing(q);
		break;
	case INQUIRY_KNOWN:
		inquiry_start_known(q);
		break;
	case INQUIRY_USED:
		inquiry_start_used(q);
		break;
	}
}

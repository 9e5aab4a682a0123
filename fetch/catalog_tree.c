// SPDX-License-Identifier: Apache-2.0
/*
 * Listings of commits. A commit's listing never changes, so it is asked for once: memory, else the stored one, else all pages
 * of the Hub. Only a complete listing is ever used or stored. One with masked digests is neither stored nor believed for long.
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

void tree_keep(struct inquiry *q, const char *key, struct tree *t)
{
	struct catalog *c = q->c;
	struct kept_tree *kept = calloc(1, sizeof(*kept));
	struct lru_node *old;

	if (!kept)
		return; /* then it is loaded again next time */
	kept->tree = tree_ref(t);
	kept->until_ms = tree_is_masked(t) ? clock_mono_ms() + MASKED_MS : UINT64_MAX;
	{
		LOCK_SCOPE(&c->lock);
		old = lru_find(&c->trees, key);
		if (old)
			lru_drop(&c->trees, old);
		if (lru_put(&c->trees, &kept->node, key, tree_bytes(t)) == 0)
			return;
	}
	tree_unref(kept->tree);
	free(kept);
}

void tree_store_doc(struct inquiry *q, const char *key, const struct tree *t)
{
	AUTO_BUF bytes = {0};

	if (tree_is_masked(t) || tree_store(t, &bytes) < 0)
		return;
	inquiry_put_doc(q, DOC_TREE, key, &bytes);
}

void tree_fail(struct inquiry *q, const struct hub_result *res)
{
	char what[DESCRIBE_MAX];

	inquiry_describe(q, what);
	outcome_fail(&q->outcome, res->r, &res->err, what);
	if (!result_is_absent(res) && !result_is_refused(res)) {
		catalog_note_failure(q->c, res);
	} else if (inquiry_is_current(q)) {
		LOCK_SCOPE(&q->c->lock);
		known_set_negative_locked(q->c, q->key, res->r, q->outcome.err.text);
	}
	inquiry_end(q);
}

int tree_show(const struct inquiry *q, const char *dir, struct tree **t)
{
	AUTO(tree_unref) struct tree *whole = *t;

	if (!q->c->filter || filter_is_empty(q->c->filter)) {
		whole = NULL;
		return 0;
	}
	return tree_filter(whole, dir, q->c->filter, t);
}

struct tree *inquiry_take_tree(struct inquiry *q)
{
	struct tree *t = NULL;
	int r = q->build_r < 0 ? q->build_r : tree_builder_finish(q->builder, &t);

	tree_builder_free(TAKE(q->builder));
	if (r < 0) {
		inquiry_end_with(q, r, NULL);
		return NULL;
	}
	catalog_note_answer(q->c);
	return t;
}

static void tree_complete(struct inquiry *q)
{
	struct tree *t = inquiry_take_tree(q);
	int r;

	if (!t)
		return;
	if (inquiry_is_current(q))
		tree_store_doc(q, q->key, t);
	r = tree_show(q, NULL, &t);
	if (r < 0) {
		inquiry_end_with(q, r, NULL);
		return;
	}
	q->outcome.tree = t;
	if (inquiry_is_current(q))
		tree_keep(q, q->key, t);
	if (tree_hidden(t))
		log_debug("%s: %u entries of %s are not shown", q->repo.name, tree_hidden(t), q->rev);
	inquiry_end(q);
}

static void tree_page(void *ctx, const struct hub_result *res, const struct hub_entry *entries, size_t nr, bool more)
{
	struct inquiry *q = ctx;

	if (res->r == 0 && q->build_r == 0)
		q->build_r = tree_builder_add(q->builder, entries, nr);
	if (more)
		return;
	if (res->r < 0)
		tree_fail(q, res);
	else
		tree_complete(q);
}

static void ask_hub(struct inquiry *q)
{
	struct catalog *c = q->c;

	q->builder = tree_builder_new();
	if (!q->builder) {
		inquiry_end_with(q, -ENOMEM, NULL);
		return;
	}
	if (!inquiry_enter(q))
		return;
	hub_want_tree(c->hub, &q->repo, q->rev, "", true, tree_page, q);
	catalog_leave(c);
}

int tree_take_doc(struct inquiry *q, struct tree **out)
{
	int r = q->doc_r < 0 ? q->doc_r : tree_load(q->doc.data, q->doc.len, out);

	buf_done(&q->doc);
	if (r == -EBADMSG)
		log_warn("%s: the stored listing of %s is damaged and is asked for again", q->repo.name, q->rev);
	return r;
}

static void doc_step(struct inquiry *q)
{
	struct tree *t;
	int r = tree_take_doc(q, &t);

	if (r == 0)
		r = tree_show(q, NULL, &t);
	if (r == -ENOMEM) {
		inquiry_end_with(q, r, NULL);
		return;
	}
	if (r == 0) {
		q->outcome.tree = t;
		tree_keep(q, q->key, t);
		inquiry_end(q);
		return;
	}
	if (r == -EBADMSG)
		inquiry_drop_doc(q, DOC_TREE);
	ask_hub(q);
}

void inquiry_start_tree(struct inquiry *q)
{
	inquiry_load_doc(q, DOC_TREE, doc_step);
}

void catalog_want_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx)
{
	if (c->lockfile)
		lock_give_tree(c, repo, commit, done, ctx);
	else
		catalog_want_hub_tree(c, repo, commit, done, ctx);
}

void catalog_want_hub_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx)
{
	struct err err = {0};

	if (repo->name[0] && name_is_commit(commit, strlen(commit))) {
		catalog_ask(c, INQUIRY_TREE, repo, commit, (union done){.tree = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s@%s is not a commit", repo->name, commit);
	done(ctx, -ENOENT, NULL, &err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Listings of commits. A commit's listing never changes, so it is asked for once: memory, else the stored one, else all pages
 * of the Hub. Only a complete listing is ever used or stored. One with masked digests is neither stored nor believed for long.
 */
#include "catalog_job_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

static void keep_tree(struct job *j, struct tree *t)
{
	struct catalog *c = j->c;
	struct kept_tree *kept = calloc(1, sizeof(*kept));
	struct lru_node *old;

	if (!kept)
		return; /* then it is loaded again next time */
	kept->tree = tree_ref(t);
	kept->until_ms = tree_is_masked(t) ? clock_mono_ms() + MASKED_MS : UINT64_MAX;
	{
		LOCK_SCOPE(&c->lock);
		old = lru_find(&c->trees, j->key);
		if (old)
			lru_drop(&c->trees, old);
		if (lru_put(&c->trees, &kept->node, j->key, tree_bytes(t)) == 0)
			return;
	}
	tree_unref(kept->tree);
	free(kept);
}

static void store_tree(struct job *j, const struct tree *t)
{
	AUTO_BUF bytes = {0};

	if (tree_is_masked(t) || tree_store(t, &bytes) < 0)
		return;
	job_put_doc(j, DOC_TREE, j->key, &bytes);
}

static void tree_fail(struct job *j, const struct hub_result *res)
{
	char what[DESCRIBE_MAX];

	job_describe(j, what);
	answer_fail(&j->answer, res->r, &res->err, what);
	if (!result_is_absent(res) && !result_is_refused(res)) {
		hub_note_failure(j->c, res);
	} else if (job_is_current(j)) {
		LOCK_SCOPE(&j->c->lock);
		known_set_negative_locked(j->c, j->key, res->r, j->answer.err.text);
	}
	job_end(j);
}

static void tree_complete(struct job *j)
{
	struct tree *t;
	int r = j->build_r < 0 ? j->build_r : tree_builder_finish(j->builder, &t);

	tree_builder_free(TAKE(j->builder));
	if (r < 0) {
		job_end_with(j, r, NULL);
		return;
	}
	hub_note_answer(j->c);
	j->answer.tree = t;
	if (job_is_current(j)) {
		keep_tree(j, t);
		store_tree(j, t);
	}
	if (tree_hidden(t))
		log_debug("%s: %u entries of %s are not shown", j->repo.name, tree_hidden(t), j->rev);
	job_end(j);
}

static void tree_page(void *ctx, const struct hub_result *res, const struct hub_entry *entries, size_t nr, bool more)
{
	struct job *j = ctx;

	if (res->r == 0 && j->build_r == 0)
		j->build_r = tree_builder_add(j->builder, entries, nr);
	if (more)
		return;
	if (res->r < 0)
		tree_fail(j, res);
	else
		tree_complete(j);
}

static void ask_hub(struct job *j)
{
	struct catalog *c = j->c;

	j->builder = tree_builder_new();
	if (!j->builder) {
		job_end_with(j, -ENOMEM, NULL);
		return;
	}
	if (!job_enter(j))
		return;
	hub_want_tree(c->hub, &j->repo, j->rev, "", true, tree_page, j);
	catalog_leave(c);
}

static void doc_step(struct job *j)
{
	struct tree *t;
	int r = j->doc_r < 0 ? j->doc_r : tree_load(j->doc.data, j->doc.len, &t);

	buf_done(&j->doc);
	if (r == 0) {
		j->answer.tree = t;
		keep_tree(j, t);
		job_end(j);
		return;
	}
	if (r == -EBADMSG) {
		log_warn("%s: the stored listing of %s is damaged and is asked for again", j->repo.name, j->rev);
		job_drop_doc(j, DOC_TREE);
	}
	ask_hub(j);
}

void tree_start(struct job *j)
{
	job_load_doc(j, DOC_TREE, doc_step);
}

void catalog_want_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx)
{
	struct err err = {0};

	if (repo->name[0] && name_is_commit(commit, strlen(commit))) {
		catalog_ask(c, JOB_TREE, repo, commit, (union done){.tree = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s@%s is not a commit", repo->name, commit);
	done(ctx, -ENOENT, NULL, &err);
}

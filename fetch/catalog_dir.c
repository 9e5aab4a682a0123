// SPDX-License-Identifier: Apache-2.0
/*
 * Listings of large commits. A commit whose listing has more than 20 pages (catalog_config.large_pages) is asked for directory by directory, each when
 * somebody looks into it; an entry of a directory that is as large by itself, alone. Steps:
 *     the root         the stored listing of the whole commit, the stored root, 20 pages of the Hub for the whole, then as below
 *     a directory      the stored one, else 20 pages of the Hub (INQUIRY_DIR: all pages)
 *     one entry        paths-info
 * A document of a directory has the key "<commit>/<path>" of the whole commit's kind.
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/log.h>
#include <hffs/name.h>

static void ask_dir(struct inquiry *q);

/* The key under which a directory, or with is_whole the commit, is remembered. */
static int tree_key(const struct inquiry *q, bool is_whole, char out[KEY_MAX])
{
	char rev[KEY_MAX];
	int n = is_whole ? snprintf(rev, sizeof(rev), "%s", q->rev) : snprintf(rev, sizeof(rev), "%s/%s", q->rev, q->path);

	if (n >= (int)sizeof(rev))
		return -ENAMETOOLONG;
	return key_derive(q, is_whole ? INQUIRY_TREE : q->kind == INQUIRY_PATH ? INQUIRY_PATH : INQUIRY_DIR, &q->repo, rev, out);
}

/* What may be seen of it, for tree_filter(): the directory that an answer has the entries of. */
static int show(struct inquiry *q, struct tree **t)
{
	const char *slash = q->kind == INQUIRY_PATH ? strrchr(q->path, '/') : q->path + strlen(q->path);
	AUTO_FREE char *dir = strndup(q->path, slash ? (size_t)(slash - q->path) : 0);

	if (dir)
		return tree_show(q, q->outcome.is_whole ? NULL : dir, t);
	tree_unref(*t);
	return -ENOMEM;
}

/* The end of an inquiry that has a listing, all of it: it is stored unless it came from there, and what may be seen of it is the answer. */
static void give(struct inquiry *q, struct tree *t, bool to_store)
{
	char key[KEY_MAX];
	bool to_keep = inquiry_is_current(q) && tree_key(q, q->outcome.is_whole, key) == 0;
	int r;

	/* A part that is one by a smaller limit is none to who comes later. */
	if (to_keep && to_store && (q->outcome.is_whole || q->c->large_pages == LARGE_PAGES))
		tree_store_doc(q, key, t);
	r = show(q, &t);
	if (r == 0 && q->kind == INQUIRY_PATH && tree_nr(t) < 2) {
		tree_unref(t);
		r = -ENOENT;
	}
	if (r < 0) {
		inquiry_end_with(q, r, NULL);
		return;
	}
	q->outcome.tree = t;
	if (to_keep)
		tree_keep(q, key, t);
	inquiry_end(q);
}

static bool is_root(const struct inquiry *q)
{
	return !*q->path;
}

/* --- the Hub --- */

/* Entries of one directory come with their whole path. NULL: it is not of the directory. */
static const char *last_part(const struct inquiry *q, const char *path)
{
	size_t len = strlen(q->path);
	const char *slash = q->kind == INQUIRY_PATH ? strrchr(q->path, '/') : q->path + len;
	size_t dir_len = slash ? (size_t)(slash - q->path) : 0;

	if (q->kind == INQUIRY_PATH && strcmp(path, q->path) != 0)
		return NULL;
	if (!dir_len)
		return path;
	return !strncmp(path, q->path, dir_len) && path[dir_len] == '/' ? path + dir_len + 1 : NULL;
}

static int add_entries(struct inquiry *q, const struct hub_entry *entries, size_t nr)
{
	int r = 0;

	if (q->outcome.is_whole)
		return tree_builder_add(q->builder, entries, nr);
	for (size_t i = 0; r == 0 && i < nr; i++) {
		struct hub_entry e = entries[i];

		e.path = last_part(q, e.path);
		if (e.path && !strchr(e.path, '/'))
			r = tree_builder_add(q->builder, &e, 1);
	}
	return r;
}

static void complete(struct inquiry *q)
{
	struct tree *t = inquiry_take_tree(q);

	if (t)
		give(q, t, q->kind != INQUIRY_PATH);
}

static void page(void *ctx, const struct hub_result *res, const struct hub_entry *entries, size_t nr, bool more)
{
	struct inquiry *q = ctx;

	if (res->r == 0 && q->build_r == 0)
		q->build_r = add_entries(q, entries, nr);
	if (more)
		return;
	if (res->r == 0) {
		complete(q);
		return;
	}
	tree_builder_free(TAKE(q->builder));
	if (res->r != -E2BIG) {
		tree_fail(q, res);
	} else if (q->outcome.is_whole) {
		log_debug("%s: %s is large, and is listed directory by directory", q->repo.name, q->rev);
		q->outcome.is_whole = false;
		ask_dir(q);
	} else {
		catalog_note_answer(q->c);
		inquiry_end_with(q, -E2BIG, &res->err);
	}
}

static bool begin(struct inquiry *q)
{
	q->build_r = 0;
	q->builder = tree_builder_new();
	if (!q->builder) {
		inquiry_end_with(q, -ENOMEM, NULL);
		return false;
	}
	return inquiry_enter(q);
}

static void ask_whole(struct inquiry *q)
{
	struct catalog *c = q->c; /* q may be gone when the call returns */

	q->outcome.is_whole = true;
	if (!begin(q))
		return;
	hub_want_tree_within(c->hub, &q->repo, q->rev, "", true, c->large_pages, page, q);
	catalog_leave(c);
}

static void ask_dir(struct inquiry *q)
{
	struct catalog *c = q->c; /* q may be gone when the call returns */

	if (!begin(q))
		return;
	hub_want_tree_within(c->hub, &q->repo, q->rev, q->path, false, q->kind == INQUIRY_DIR ? 0 : c->large_pages, page, q);
	catalog_leave(c);
}

static void ask_path(struct inquiry *q)
{
	struct catalog *c = q->c; /* q may be gone when the call returns */

	if (!begin(q))
		return;
	hub_want_path(c->hub, &q->repo, q->rev, q->path, page, q);
	catalog_leave(c);
}

/* --- what is stored --- */

static void load(struct inquiry *q, bool is_whole, void (*step)(struct inquiry *q))
{
	char key[KEY_MAX];
	int r = tree_key(q, is_whole, key);

	if (r < 0)
		inquiry_end_with(q, r, NULL);
	else
		inquiry_load_doc_of(q, DOC_TREE, key, step);
}

static bool took_doc(struct inquiry *q, bool is_whole)
{
	struct tree *t;

	if (tree_take_doc(q, &t) < 0)
		return false; /* what is damaged is written anew with the answer */
	q->outcome.is_whole = is_whole;
	give(q, t, false);
	return true;
}

static void dir_step(struct inquiry *q)
{
	if (took_doc(q, false))
		return;
	if (is_root(q) && q->kind == INQUIRY_LISTING)
		ask_whole(q);
	else
		ask_dir(q);
}

static void whole_step(struct inquiry *q)
{
	if (!took_doc(q, true))
		load(q, false, dir_step);
}

void inquiry_start_listing(struct inquiry *q)
{
	if (q->kind == INQUIRY_PATH)
		ask_path(q);
	else if (q->kind == INQUIRY_LISTING && is_root(q))
		load(q, true, whole_step);
	else
		load(q, false, dir_step);
}

/* --- wants --- */

static void want(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *commit, const char *path,
		 part_done *done, void *ctx)
{
	struct err err = {0};
	AUTO_FREE char *rev = NULL;

	if (!repo->name[0] || !name_is_commit(commit, strlen(commit))) {
		err_set(&err, -ENOENT, "%s@%s is not a commit", repo->name, commit);
		done(ctx, -ENOENT, NULL, false, &err);
		return;
	}
	rev = str_printf("%s/%s", commit, path);
	if (rev) {
		catalog_ask(c, kind, repo, rev, (union done){.listing = done}, ctx);
		return;
	}
	err_set(&err, -ENOMEM, "out of memory");
	done(ctx, -ENOMEM, NULL, false, &err);
}

void catalog_want_listing(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done,
			  void *ctx)
{
	if (c->lockfile)
		lock_give_part(c, repo, commit, path, done, ctx);
	else
		want(c, INQUIRY_LISTING, repo, commit, path, done, ctx);
}

void catalog_want_dir(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx)
{
	if (c->lockfile)
		lock_give_part(c, repo, commit, path, done, ctx);
	else
		want(c, INQUIRY_DIR, repo, commit, path, done, ctx);
}

void catalog_want_path(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx)
{
	if (c->lockfile)
		lock_give_part(c, repo, commit, path, done, ctx);
	else
		want(c, INQUIRY_PATH, repo, commit, path, done, ctx);
}

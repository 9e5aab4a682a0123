// SPDX-License-Identifier: Apache-2.0
/*
 * How a commit's directory gets its listing: where one repository is mounted and the Hub did not answer then, first the commit that
 * its revision stands for (once: the mount stays with it), then the complete tree, or of a large commit that directory's part of it.
 * What is there stays there.
 */
#include "vfs_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/scheme.h>

void site_note(struct site *s, const struct revision *rev)
{
	s->mtime_s = rev->mtime_s;
	s->is_gated = rev->is_gated;
	s->is_private = rev->is_private;
	s->card = rev->card;
}

void site_settle(const struct vfs *v, struct site *s, const struct revision *rev)
{
	s->repo = rev->repo;
	memcpy(s->commit, rev->commit, sizeof(s->commit));
	site_note(s, rev);
	s->ino = scheme_commit_ino(v->root_ino, &s->repo, s->commit);
}

struct site_ask {
	struct vfs *vfs;
	struct node *commit; /* pinned by the caller */
	site_ready *done;
	void *ctx;
	bool is_complete; /* wants the listing, however many pages it has */
};

static void finish(struct site_ask *a, int r, const struct err *err)
{
	a->done(a->ctx, r, err);
	free(a);
}

static void tree_came(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	struct site_ask *a = ctx;
	struct site *site = a->commit->site;

	if (r == 0) {
		LOCK_SCOPE(&a->vfs->lock);
		if (!site->tree) {
			site->tree = TAKE(tree);
			site->is_large = !is_whole;
		}
	}
	if (r == -E2BIG && !a->is_complete) {
		LOCK_SCOPE(&a->vfs->lock);
		site->is_large = site->is_wide = true;
		r = 0;
	}
	tree_unref(tree); /* somebody else was faster, or NULL */
	finish(a, r, err);
}

static void want_tree(struct site_ask *a)
{
	struct repo_id repo;
	char commit[COMMIT_MAX];
	const char *path; /* of a site it never changes */

	pthread_mutex_lock(&a->vfs->lock);
	repo = a->commit->site->repo;
	memcpy(commit, a->commit->site->commit, sizeof(commit));
	path = a->commit->site->path ? a->commit->site->path : "";
	pthread_mutex_unlock(&a->vfs->lock);
	if (a->is_complete)
		catalog_want_dir(a->vfs->catalog, &repo, commit, path, tree_came, a);
	else
		catalog_want_listing(a->vfs->catalog, &repo, commit, path, tree_came, a);
}

static void commit_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct site_ask *a = ctx;
	struct vfs *v = a->vfs;
	struct site *site = a->commit->site;

	if (r < 0) {
		finish(a, r, err);
		return;
	}
	pthread_mutex_lock(&v->lock);
	if (!site->commit[0])
		site_settle(v, site, rev);
	pthread_mutex_unlock(&v->lock);
	want_tree(a);
}

void want_site(struct vfs *v, struct node *commit, bool is_complete, site_ready *done, void *ctx)
{
	struct site_ask *a;
	bool has_tree, has_commit;

	pthread_mutex_lock(&v->lock);
	has_tree = commit->site->tree || (commit->site->is_wide && !is_complete);
	is_complete = is_complete && commit->site->is_wide;
	has_commit = commit->site->commit[0];
	pthread_mutex_unlock(&v->lock);
	if (has_tree) {
		done(ctx, 0, NULL);
		return;
	}
	a = calloc(1, sizeof(*a));
	if (!a) {
		done(ctx, -ENOMEM, NULL);
		return;
	}
	*a = (struct site_ask){v, commit, done, ctx, is_complete};
	if (has_commit)
		want_tree(a);
	else
		catalog_want_revision(v->catalog, &v->one_repo, v->one_rev, commit_came, a);
}

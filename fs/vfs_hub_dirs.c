// SPDX-License-Identifier: Apache-2.0
/*
 * What is listed in .hub: repositories and commits whose listing is on this machine, and revisions that stand for one of these, so
 * that a program which reads through all of it asks for nothing and finds no reference to what is not there. [huggingface_hub
 * utils/_cache_manager.py scan_cache_dir()] Blobs are those that somebody has looked at; .no_exist is empty.
 */
#include "dirs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/scheme.h>

void hub_dir_done(struct dir_ask *a)
{
	free(a->commits);
	for (size_t i = 0; i < a->nr_revs; i++)
		free(a->revs[i]);
	free(a->revs);
}

/* --- repositories --- */

static void want_repos(struct dir_ask *a);

static int add_repo(struct dir_ask *a, const char *name)
{
	AUTO_BUF text = {0};
	struct repo_id repo;

	if (repo_id_set(&repo, a->kind, name, strlen(name)) < 0)
		return 0; /* a key of a damaged index, at most */
	scheme_hub_name(&text, &repo);
	return text.failed ? -ENOMEM : add_name(a->dir, text.data, text.len, S_IFDIR, "");
}

static void repos_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	for (size_t i = 0; r == 0 && i < nr; i++)
		r = add_repo(a, names[i]);
	if (r < 0 || a->kind + 1 == REPO_KINDS) {
		dir_ask_end(a, r, err);
		return;
	}
	a->kind++;
	want_repos(a);
}

static void want_repos(struct dir_ask *a)
{
	catalog_want_listed_repos(a->vfs->catalog, a->kind, repos_came, a);
}

/* --- commits of a repository --- */

static int by_commit(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool has_commit(const struct dir_ask *a, const char *commit)
{
	return a->nr_commits && bsearch(commit, a->commits, a->nr_commits, sizeof(*a->commits), by_commit);
}

static bool is_of_dir(const struct site *s, const struct dir_ask *a)
{
	return s->tree && s->repo.kind == a->repo.kind && !strcmp(s->repo.name, a->repo.name);
}

/* Those that the catalog knows of, and those in use here: the catalog may have put a listing away. */
static int note_commits(struct dir_ask *a, const char *const *names, size_t nr)
{
	struct vfs *v = a->vfs;
	size_t used = 0;
	LOCK_SCOPE(&v->lock);

	for (const struct site *s = v->nodes.sites; s; s = s->next)
		used += is_of_dir(s, a);
	a->commits = calloc(nr + used + 1, sizeof(*a->commits));
	if (!a->commits)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++)
		snprintf(a->commits[a->nr_commits++], COMMIT_MAX, "%s", names[i]);
	for (const struct site *s = v->nodes.sites; s; s = s->next)
		if (is_of_dir(s, a))
			memcpy(a->commits[a->nr_commits++], s->commit, COMMIT_MAX);
	qsort(a->commits, a->nr_commits, sizeof(*a->commits), by_commit);
	return 0;
}

static void snapshots_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0)
		r = note_commits(a, names, nr);
	for (size_t i = 0; r == 0 && i < a->nr_commits; i++)
		r = add_name(a->dir, a->commits[i], strlen(a->commits[i]), S_IFDIR, "");
	dir_ask_end(a, r, err);
}

/* --- revisions that stand for one of them --- */

static void try_next(struct dir_ask *a);

static int add_revision(struct dir_ask *a, const char *rev, const char *commit)
{
	AUTO_BUF prefix = {0};
	const char *child;
	bool is_dir;
	size_t len;

	if (!has_commit(a, commit))
		return 0;
	refs_prefix(a->dir->node, &prefix);
	if (prefix.failed)
		return -ENOMEM;
	len = scheme_ref_child(rev, prefix.len ? prefix.data : "", &child, &is_dir);
	return len ? add_name(a->dir, child, len, is_dir ? S_IFDIR : S_IFREG, is_dir ? "" : commit) : 0;
}

static void revision_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0)
		r = add_revision(a, a->revs[a->next - 1], rev->commit);
	if (r == -ENOMEM || r == -ECANCELED)
		dir_ask_end(a, r, err);
	else
		try_next(a); /* what is unknown by now is left out */
}

/* One after the other: those in memory in this loop, so that no number of them makes the stack deep. */
static void try_next(struct dir_ask *a)
{
	struct catalog *c = a->vfs->catalog;
	struct revision rev;
	int r = 0;

	while (r == 0 && a->next < a->nr_revs) {
		const char *name = a->revs[a->next++];

		if (!catalog_find_revision(c, &a->repo, name, &rev)) {
			catalog_want_known(c, &a->repo, name, revision_came, a);
			return;
		}
		r = add_revision(a, name, rev.commit);
	}
	dir_ask_end(a, r, NULL);
}

static void revisions_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0 && nr) {
		a->revs = calloc(nr, sizeof(*a->revs));
		r = a->revs ? 0 : -ENOMEM;
	}
	for (size_t i = 0; r == 0 && i < nr; i++) {
		a->revs[a->nr_revs] = strdup(names[i]);
		if (a->revs[a->nr_revs])
			a->nr_revs++;
		else
			r = -ENOMEM;
	}
	if (r < 0)
		dir_ask_end(a, r, err);
	else
		try_next(a);
}

static void refs_commits_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0)
		r = note_commits(a, names, nr);
	if (r < 0)
		dir_ask_end(a, r, err);
	else
		catalog_want_used_revisions(a->vfs->catalog, &a->repo, revisions_came, a);
}

/* --- the rest --- */

static int add_parts(struct dir_ask *a)
{
	static const char *const parts[] = {"blobs", "refs", "snapshots"};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = add_name(a->dir, parts[i], strlen(parts[i]), S_IFDIR, "");
	return r;
}

static int add_blobs(struct dir_ask *a)
{
	struct vfs *v = a->vfs;
	int r = 0;
	LOCK_SCOPE(&v->lock);

	for (size_t i = 0; i < v->nodes.cap; i++)
		for (const struct node *n = v->nodes.by_id[i]; r == 0 && n; n = n->next_by_id)
			if (n->parent == a->dir->node && n->is_named)
				r = add_name(a->dir, n->name, strlen(n->name), S_IFREG, "");
	return r;
}

void open_hub_dir(struct dir_ask *a)
{
	struct catalog *c = a->vfs->catalog;
	const struct node *n = a->dir->node;

	if (n->site)
		a->repo = n->site->repo;
	switch ((enum node_type)n->type) {
	case NODE_HUB:
		want_repos(a);
		break;
	case NODE_HUB_REPO:
		dir_ask_end(a, add_parts(a), NULL);
		break;
	case NODE_HUB_REFS:
	case NODE_REFS:
		catalog_want_listed_commits(c, &a->repo, refs_commits_came, a);
		break;
	case NODE_HUB_SNAPSHOTS:
		catalog_want_listed_commits(c, &a->repo, snapshots_came, a);
		break;
	case NODE_HUB_BLOBS:
		dir_ask_end(a, add_blobs(a), NULL);
		break;
	default:
		dir_ask_end(a, 0, NULL); /* .no_exist has every name that one may ask for */
		break;
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Looking up names in .hub, the same repositories in the layout of the Hugging Face cache:
 *     models--org--name/refs/REVISION             a file that holds the commit (vfs_refs.c)
 *     models--org--name/snapshots/COMMIT/PATH     a symlink to ../../blobs/DIGEST
 *     models--org--name/blobs/DIGEST              the file
 *     models--org--name/.no_exist/COMMIT/PATH     an empty file, if the listing has no such path: programs that know this layout
 *                                                 then ask nobody else [huggingface_hub file_download.py try_to_load_from_cache()]
 * Everything is found when it is named; what is listed is what this machine has used.
 */
#include "lookup_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- repositories --- */

static void repo_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	repo_answered(ctx, r, rev, err);
}

static void lookup_repo(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct repo_id repo;

	if (scheme_in_hub(name, &repo) == PLACE_NONE)
		say_absent(done, ctx, FOREVER_MS, NULL);
	else
		ask_revision(v, dir, name, &repo, NULL, repo_came, done, ctx);
}

static void lookup_part(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	static const struct {
		const char *name;
		enum node_type type;
	} parts[] = {
		{"refs", NODE_HUB_REFS}, {"blobs", NODE_HUB_BLOBS}, {"snapshots", NODE_HUB_SNAPSHOTS}, {".no_exist", NODE_HUB_ABSENT},
	};

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		if (!strcmp(name, parts[i].name)) {
			look_free(v, dir, parts[i].type, name, dir->kind, done, ctx);
			return;
		}
	say_absent(done, ctx, FOREVER_MS, NULL);
}

/* --- commits --- */

static struct node *look_snapshot_locked(struct ask *a, const struct revision *rev, uint64_t *ms)
{
	*ms = revision_entry_ms(rev, true, false);
	return look_commit_locked(a->vfs, a, a->dir->type == NODE_HUB_ABSENT ? NODE_ABSENT_COMMIT : NODE_SNAPSHOT, rev);
}

static void commit_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	ask_end(ctx, r, rev, err, look_snapshot_locked);
}

static void lookup_commit(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	if (!name_is_commit(name, strlen(name)))
		say_absent(done, ctx, FOREVER_MS, NULL);
	else
		ask_revision(v, dir, name, &dir->site->repo, name, commit_came, done, ctx);
}

/* --- what is not there --- */

static struct node *look_absent_locked(struct vfs *v, struct node *dir, const char *name, const struct tree_entry *e)
{
	struct node *n;

	if (!e)
		return look_locked(v, dir, NODE_ABSENT_FILE, name, dir->site);
	n = look_locked(v, dir, NODE_ABSENT_DIR, tree_name(dir->site->tree, e), dir->site);
	if (n && n->entry != tree_idx(dir->site->tree, e))
		n->entry = tree_idx(dir->site->tree, e);
	return n;
}

static void look_absent(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	const struct tree_entry *e;
	struct vfs_entry found;
	struct node *n = NULL;
	bool is_there;

	pthread_mutex_lock(&v->lock);
	e = tree_find(dir->site->tree, dir->entry, name, strlen(name));
	is_there = e && (e->type != ENTRY_DIR || dir->site->is_large); /* what is below a directory of a large commit is not known here */
	if (!is_there)
		n = look_absent_locked(v, dir, name, e);
	if (n)
		fill_entry_locked(v, n, FOREVER_MS, &found);
	pthread_mutex_unlock(&v->lock);
	if (is_there)
		say_absent(done, ctx, FOREVER_MS, NULL);
	else
		say_found(done, ctx, n, &found);
}

/* --- contents --- */

#define COMMITS_MAX 64 /* listings looked through for one content */

/* A content that no listing in use has: the others of this machine are looked through, one by one. */
struct blob_ask {
	struct vfs *vfs;
	struct node *dir; /* pinned */
	vfs_lookup_done *done;
	void *ctx;
	struct blob_id id;
	char name[BLOB_ID_HEX_MAX];
	char (*commits)[COMMIT_MAX];
	size_t nr, next;
};

static void try_next(struct blob_ask *a);

static void blob_ask_free(struct blob_ask *a)
{
	vfs_unpin(a->vfs, a->dir);
	free(a->commits);
	free(a);
}

static void blob_ask_end(struct blob_ask *a, int r)
{
	if (r == -ENOENT)
		say_absent(a->done, a->ctx, ABSENT_MS, NULL);
	else
		say_error(a->done, a->ctx, r);
	blob_ask_free(a);
}

/* The node of a content that site lists at e; takes over a reference of site. NULL: no memory. */
static struct node *look_blob_locked(struct vfs *v, struct node *dir, const char *name, struct site *site, const struct tree_entry *e)
{
	struct node *n = node_find_child(&v->nodes, dir, name, strlen(name));

	if (n) {
		site_unref(site);
		node_look(n);
		return n;
	}
	n = look_locked(v, dir, NODE_BLOB, name, site);
	if (!n) {
		site_unref(site);
		return NULL;
	}
	n->entry = tree_idx(site->tree, e);
	return n;
}

/* Looks through the listings that nodes of this mount have. */
static struct node *find_in_use_locked(struct vfs *v, struct node *dir, const char *name, const struct blob_id *id, bool *found)
{
	const struct repo_id *repo = &dir->site->repo;

	for (struct site *s = v->nodes.sites; s; s = s->next) {
		const struct tree_entry *e;

		if (s->repo.kind != repo->kind || strcmp(s->repo.name, repo->name) != 0 || !s->tree)
			continue;
		e = tree_find_blob(s->tree, id);
		*found = e != NULL;
		if (e)
			return look_blob_locked(v, dir, name, site_ref(s), e);
	}
	return NULL;
}

static bool give_in_use(struct vfs *v, struct node *dir, const char *name, const struct blob_id *id, vfs_lookup_done *done, void *ctx)
{
	bool found = false;
	struct vfs_entry entry;
	struct node *n;

	pthread_mutex_lock(&v->lock);
	n = find_in_use_locked(v, dir, name, id, &found);
	pthread_mutex_unlock(&v->lock);
	if (n)
		fill_listed(v, n, FOREVER_MS, &entry);
	if (found)
		say_found(done, ctx, n, &entry);
	return found;
}

static void give_from_tree(struct blob_ask *a, struct tree *tree, bool is_whole, const struct tree_entry *e)
{
	struct vfs *v = a->vfs;
	struct vfs_entry found;
	struct site *site;
	struct node *n = NULL;

	pthread_mutex_lock(&v->lock);
	site = nodes_site(&v->nodes, &a->dir->site->repo, a->commits[a->next - 1]);
	if (site) {
		site->ino = scheme_commit_ino(v->root_ino, &site->repo, site->commit);
		if (!site->tree) {
			site->tree = tree_ref(tree);
			site->is_large = !is_whole;
		}
		site->is_gated |= a->dir->site->is_gated; /* a new site knows no more than its repository */
		site->is_private |= a->dir->site->is_private;
		n = look_blob_locked(v, a->dir, a->name, site, e); /* listings of one commit are equal, so e is right for either */
	}
	pthread_mutex_unlock(&v->lock);
	if (n)
		fill_listed(v, n, FOREVER_MS, &found);
	say_found(a->done, a->ctx, n, &found);
	blob_ask_free(a);
}

static void tree_came(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	struct blob_ask *a = ctx;
	const struct tree_entry *e = r == 0 ? tree_find_blob(tree, &a->id) : NULL;

	(void)err; /* a listing that cannot be had may not have it either */
	if (e)
		give_from_tree(a, tree, is_whole, e);
	else
		try_next(a);
	if (r == 0)
		tree_unref(tree);
}

static void try_next(struct blob_ask *a)
{
	if (a->next == a->nr)
		blob_ask_end(a, -ENOENT);
	else
		catalog_want_listing(a->vfs->catalog, &a->dir->site->repo, a->commits[a->next++], "", tree_came, a);
}

static void commits_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct blob_ask *a = ctx;

	(void)err;
	nr = min_u64(nr, COMMITS_MAX);
	if (r == 0 && nr) {
		a->commits = calloc(nr, sizeof(*a->commits));
		r = a->commits ? 0 : -ENOMEM;
	}
	if (r < 0) {
		blob_ask_end(a, r);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		snprintf(a->commits[a->nr++], COMMIT_MAX, "%s", names[i]);
	try_next(a);
}

static void lookup_blob(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct blob_ask *a;
	struct blob_id id;

	if (blob_id_parse(name, &id) < 0) {
		say_absent(done, ctx, FOREVER_MS, NULL); /* "DIGEST.incomplete", say */
		return;
	}
	if (give_in_use(v, dir, name, &id, done, ctx))
		return;
	a = calloc(1, sizeof(*a));
	if (!a) {
		say_error(done, ctx, -ENOMEM);
		return;
	}
	*a = (struct blob_ask){.vfs = v, .dir = dir, .done = done, .ctx = ctx, .id = id};
	snprintf(a->name, sizeof(a->name), "%s", name);
	pthread_mutex_lock(&v->lock);
	node_pin(dir);
	pthread_mutex_unlock(&v->lock);
	catalog_want_listed_commits(v->catalog, &dir->site->repo, commits_came, a);
}

/* --- by directory --- */

void lookup_in_hub(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	switch ((enum node_type)dir->type) {
	case NODE_HUB:
		lookup_repo(v, dir, name, done, ctx);
		break;
	case NODE_HUB_REPO:
		lookup_part(v, dir, name, done, ctx);
		break;
	case NODE_HUB_SNAPSHOTS:
	case NODE_HUB_ABSENT:
		lookup_commit(v, dir, name, done, ctx);
		break;
	case NODE_HUB_BLOBS:
		lookup_blob(v, dir, name, done, ctx);
		break;
	default:
		lookup_listed(v, dir, name, look_absent, done, ctx);
		break;
	}
}

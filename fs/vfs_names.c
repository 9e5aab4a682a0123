// SPDX-License-Identifier: Apache-2.0
/*
 * Looking up names. By what the directory is:
 *   the root, a kind     every well-formed name is an organisation: no request
 *   an organisation      the catalog says whether the repository exists, and under which name: elsewhere is a symlink
 *   a repository         a commit is a directory; any other revision is a symlink to one; the beginning of one is a directory (vfs_refs.c)
 *   .hub                 vfs_hub.c
 *   a commit             the listing: complete, so absence is certain and costs nothing
 */
#include "lookup_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/scheme.h>

void say_absent(vfs_lookup_done *done, void *ctx, uint64_t ms, const struct err *err)
{
	struct vfs_entry none = {.entry_ms = ms};

	done(ctx, -ENOENT, &none, err);
}

static void note_absent(struct vfs *v, const struct node *dir, const char *name)
{
	struct absent_name *n;
	LOCK_SCOPE(&v->lock);

	n = &v->absent[v->absent_next++ % ABSENT_KEPT];
	n->dir = dir->id;
	memcpy(n->name, name, strlen(name) + 1);
}

void say_gone(struct ask *a, const struct err *err)
{
	note_absent(a->vfs, a->dir, a->name);
	say_absent(a->done, a->ctx, ABSENT_MS, err);
}

void say_error(vfs_lookup_done *done, void *ctx, int r)
{
	struct err err = {0};

	(void)err_set(&err, r, "%s", strerror(-r)); /* sets err, which is what we want of it */
	done(ctx, r, NULL, &err);
}

void say_found(vfs_lookup_done *done, void *ctx, const struct node *n, const struct vfs_entry *e)
{
	if (!n)
		say_error(done, ctx, -ENOMEM);
	else
		done(ctx, 0, e, NULL);
}

void ask_free(struct ask *a)
{
	vfs_unpin(a->vfs, a->dir);
	free(a);
}

struct ask *ask_new(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->vfs = v;
	a->dir = dir;
	a->done = done;
	a->ctx = ctx;
	memcpy(a->name, name, strlen(name) + 1);
	pthread_mutex_lock(&v->lock);
	node_pin(dir);
	pthread_mutex_unlock(&v->lock);
	return a;
}

void ask_revision(struct vfs *v, struct node *dir, const char *name, const struct repo_id *repo, const char *rev, revision_done *came,
		  vfs_lookup_done *done, void *ctx)
{
	struct ask *a = ask_new(v, dir, name, done, ctx);

	if (!a) {
		say_error(done, ctx, -ENOMEM);
		return;
	}
	a->repo = *repo;
	catalog_want_revision(v->catalog, &a->repo, rev, came, a);
}

static void give(struct ask *a, const struct revision *rev, look_revision *look)
{
	struct vfs *v = a->vfs;
	struct vfs_entry found;
	struct node *n;
	uint64_t ms = 0;

	pthread_mutex_lock(&v->lock);
	n = look(a, rev, &ms);
	if (n)
		fill_entry_locked(v, n, ms, &found);
	pthread_mutex_unlock(&v->lock);
	say_found(a->done, a->ctx, n, &found);
}

void ask_end(struct ask *a, int r, const struct revision *rev, const struct err *err, look_revision *look)
{
	if (r == -ENOENT)
		say_gone(a, err);
	else if (r < 0)
		a->done(a->ctx, r, NULL, err);
	else
		give(a, rev, look);
	ask_free(a);
}

struct node *look_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name, struct site *site)
{
	size_t len = strlen(name);
	struct node *n = node_find_child(&v->nodes, dir, name, len);

	if (!n || n->type != type)
		n = node_add(&v->nodes, dir, type, name, len, site);
	if (n)
		node_look(n);
	return n;
}

/*
 * In a snapshot of .hub files are symlinks to their contents; one whose content is hidden by a gate has none to point to, and of large
 * commits nobody could tell from a content where it is listed.
 */
enum node_type entry_type(const struct node *dir, const struct tree_entry *e)
{
	bool is_hub = dir->type == NODE_SNAPSHOT || dir->type == NODE_SNAP_DIR, is_large = dir->site->is_large;

	if (e->type == ENTRY_DIR)
		return is_large ? NODE_LARGE_DIR : is_hub ? NODE_SNAP_DIR : NODE_DIR;
	return is_hub && e->id.algo && !is_large ? NODE_POINTER : NODE_FILE;
}

/* A directory of a large commit: with a site of its own. NULL: no memory. */
static struct node *look_large_dir_locked(struct vfs *v, struct node *dir, const char *name)
{
	struct node *n = node_find_child(&v->nodes, dir, name, strlen(name));
	struct site *site;

	if (n && n->type == NODE_LARGE_DIR) {
		node_look(n);
		return n;
	}
	site = site_new_below(dir->site, name);
	n = site ? look_locked(v, dir, NODE_LARGE_DIR, name, site) : NULL;
	if (!n)
		site_unref(site);
	return n;
}

struct node *look_entry_locked(struct vfs *v, struct node *dir, const struct tree_entry *e)
{
	const struct tree *tree = dir->site->tree;
	enum node_type type = entry_type(dir, e);
	struct node *n;

	if (type == NODE_LARGE_DIR)
		return look_large_dir_locked(v, dir, tree_name(tree, e));
	n = look_locked(v, dir, type, tree_name(tree, e), dir->site);

	if (n && n->entry != tree_idx(tree, e))
		n->entry = tree_idx(tree, e); /* a new node; later on it is read without the lock */
	return n;
}

static void look_entry(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	const struct tree_entry *e;
	struct node *n = NULL;
	struct vfs_entry found;

	pthread_mutex_lock(&v->lock);
	e = tree_find(dir->site->tree, dir->entry, name, strlen(name));
	if (e)
		n = look_entry_locked(v, dir, e);
	pthread_mutex_unlock(&v->lock);
	if (n)
		fill_listed(v, n, FOREVER_MS, &found);
	if (!e)
		say_absent(done, ctx, FOREVER_MS, NULL);
	else
		say_found(done, ctx, n, &found);
}

/* An entry of a directory that is too large to be listed for one name: it comes as a tree of its own. */
static struct node *look_lone_locked(struct vfs *v, struct node *dir, const char *name, struct tree *tree)
{
	const struct tree_entry *e = tree_entry(tree, 1);
	struct node *n = node_find_child(&v->nodes, dir, name, strlen(name));
	struct site *site;

	if (e->type == ENTRY_DIR)
		return look_large_dir_locked(v, dir, name);
	if (n && node_has_blob(n)) {
		node_look(n);
		return n;
	}
	site = site_new_below(dir->site, name);
	if (!site)
		return NULL;
	free(site->path); /* that of the directory, as for the files of any listing */
	site->path = dir->site->path ? strdup(dir->site->path) : NULL;
	n = dir->site->path && !site->path ? NULL : look_locked(v, dir, NODE_BLOB, name, site);
	if (!n) {
		site_unref(site);
		return NULL;
	}
	site->tree = tree_ref(tree);
	n->entry = 1;
	return n;
}

static void entry_came(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	struct ask *a = ctx;
	struct vfs *v = a->vfs;
	struct vfs_entry found;
	struct node *n;

	(void)is_whole;
	if (r == -ENOENT) {
		say_absent(a->done, a->ctx, FOREVER_MS, err);
	} else if (r < 0) {
		a->done(a->ctx, r, NULL, err);
	} else {
		pthread_mutex_lock(&v->lock);
		n = look_lone_locked(v, a->dir, a->name, tree);
		pthread_mutex_unlock(&v->lock);
		if (n)
			fill_listed(v, n, FOREVER_MS, &found);
		say_found(a->done, a->ctx, n, &found);
	}
	tree_unref(tree);
	ask_free(a);
}

static void want_entry(struct ask *a)
{
	struct vfs *v = a->vfs;
	const struct site *site = a->dir->site;
	AUTO_FREE char *path = site->path ? str_printf("%s/%s", site->path, a->name) : strdup(a->name);

	if (path) {
		catalog_want_path(v->catalog, &site->repo, site->commit, path, entry_came, a);
		return;
	}
	say_error(a->done, a->ctx, -ENOMEM);
	ask_free(a);
}

static void tree_ready(void *ctx, int r, const struct err *err)
{
	struct ask *a = ctx;
	bool has_tree;

	if (r < 0) {
		a->done(a->ctx, r == -ENOENT ? -EIO : r, NULL, err); /* the commit exists: its listing cannot be absent */
		ask_free(a);
		return;
	}
	pthread_mutex_lock(&a->vfs->lock);
	has_tree = a->dir->site->tree != NULL;
	pthread_mutex_unlock(&a->vfs->lock);
	if (!has_tree && a->look == look_entry) {
		want_entry(a);
		return;
	}
	if (!has_tree)
		say_absent(a->done, a->ctx, ABSENT_MS, NULL); /* nobody knows here what so large a directory has not */
	else
		a->look(a->vfs, a->dir, a->name, a->done, a->ctx);
	ask_free(a);
}

void lookup_listed(struct vfs *v, struct node *dir, const char *name, look_in_tree *look, vfs_lookup_done *done, void *ctx)
{
	struct ask *a;
	bool has_tree;

	pthread_mutex_lock(&v->lock);
	has_tree = dir->site->tree != NULL;
	pthread_mutex_unlock(&v->lock);
	if (has_tree) {
		look(v, dir, name, done, ctx);
		return;
	}
	a = ask_new(v, dir, name, done, ctx);
	if (!a) {
		say_error(done, ctx, -ENOMEM);
		return;
	}
	a->look = look;
	want_site(v, dir, false, tree_ready, a);
}

void look_free(struct vfs *v, struct node *dir, enum node_type type, const char *name, int kind, vfs_lookup_done *done,
		      void *ctx)
{
	struct node *n;
	struct vfs_entry found;

	pthread_mutex_lock(&v->lock);
	n = look_locked(v, dir, type, name, dir->site);
	if (n) {
		if (n->kind != kind)
			n->kind = (uint8_t)kind; /* a new node, as above */
		fill_entry_locked(v, n, FOREVER_MS, &found);
	}
	pthread_mutex_unlock(&v->lock);
	say_found(done, ctx, n, &found);
}

static void lookup_old_name(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx);

/* Has it been, or may it have been, a repository without organisation? */
static bool is_old_name(const struct vfs *v, enum repo_kind kind, const char *name)
{
	struct repo_id repo;
	struct revision rev;

	if (scheme_is_old_name(kind, name))
		return true;
	return repo_id_set(&repo, kind, name, strlen(name)) == 0 && catalog_find_revision(v->catalog, &repo, NULL, &rev);
}

static void lookup_in_root(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	enum repo_kind kind = (enum repo_kind)dir->kind;
	enum place place = dir->type == NODE_ROOT ? scheme_in_root(name, &kind) : scheme_in_kind(name);

	if (place == PLACE_NONE)
		say_absent(done, ctx, FOREVER_MS, NULL);
	else if (place == PLACE_HUB)
		look_free(v, dir, NODE_HUB, name, REPO_MODEL, done, ctx);
	else if (place == PLACE_KIND)
		look_free(v, dir, NODE_KIND, name, (int)kind, done, ctx);
	else if (is_old_name(v, kind, name))
		lookup_old_name(v, dir, name, done, ctx);
	else
		look_free(v, dir, NODE_ORG, name, (int)kind, done, ctx);
}

/* --- repositories --- */

struct node *look_target_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name, const struct buf *target,
				struct site *site)
{
	struct node *n = node_find_child(&v->nodes, dir, name, strlen(name));
	char *copy;

	if (target->failed)
		return NULL;
	if (n && n->type == type && !strcmp(n->target, target->data)) {
		node_look(n);
		return n;
	}
	copy = strdup(target->data);
	if (copy && v->is_stable && n && n->type == type) {
		free(n->target);
		n->target = copy;
		node_look(n);
		return n;
	}
	n = copy ? node_add(&v->nodes, dir, type, name, strlen(name), site) : NULL;
	if (!n) {
		free(copy);
		return NULL;
	}
	n->target = copy;
	node_look(n);
	return n;
}

struct node *look_owner_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name,
				      const struct repo_id *repo, const char *commit)
{
	struct node *n = node_find_child(&v->nodes, dir, name, strlen(name));
	struct site *site;

	if (n && n->type == type) {
		node_look(n);
		return n;
	}
	site = *commit ? nodes_site(&v->nodes, repo, commit) : site_new(repo, "");
	if (!site)
		return NULL;
	if (*commit)
		site->ino = scheme_commit_ino(v->root_ino, repo, commit);
	n = look_locked(v, dir, type, name, site);
	if (!n)
		site_unref(site);
	return n;
}

/* A symlink to where the repository lives now. */
static struct node *look_moved_locked(struct ask *a, const struct revision *rev, uint64_t *ms)
{
	AUTO_BUF target = {0};

	*ms = REPO_MS;
	if (a->dir->type == NODE_HUB)
		scheme_hub_name(&target, &rev->repo);
	else
		scheme_repo_target(&target, a->dir->type == NODE_ORG, &rev->repo);
	return look_target_locked(a->vfs, a->dir, NODE_LINK, a->name, &target, NULL);
}

/* A repository, in an organisation or in .hub. */
static struct node *look_repo_locked(struct ask *a, const struct revision *rev, uint64_t *ms)
{
	bool is_hub = a->dir->type == NODE_HUB;
	struct node *n;

	if (strcmp(rev->repo.name, a->repo.name) != 0 && (is_hub || scheme_has_place(&rev->repo)))
		return look_moved_locked(a, rev, ms);
	n = look_owner_locked(a->vfs, a->dir, is_hub ? NODE_HUB_REPO : NODE_REPO, a->name, &a->repo, "");
	if (!n)
		return NULL;
	*ms = REPO_MS;
	if (n->kind != a->repo.kind)
		n->kind = (uint8_t)a->repo.kind; /* a new node, as above */
	site_note(n->site, rev);
	return n;
}

static void known_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct ask *a = ctx;

	(void)err; /* why the Hub was not asked is the better sentence */
	ask_end(a, r < 0 ? a->r : 0, rev, &a->err, look_repo_locked);
}

static void used_came(void *ctx, int r, const char *const *commits, size_t nr, const struct err *err)
{
	struct ask *a = ctx;

	(void)err; /* as above */
	if (r == 0 && nr)
		catalog_want_known(a->vfs->catalog, &a->repo, commits[0], known_came, a);
	else
		ask_end(a, a->r, NULL, &a->err, look_repo_locked);
}

void repo_answered(struct ask *a, int r, const struct revision *rev, const struct err *err)
{
	if (r != -ETIMEDOUT) {
		ask_end(a, r, rev, err, look_repo_locked);
		return;
	}
	a->r = r;
	a->err = *err;
	catalog_want_used(a->vfs->catalog, a->repo.kind, a->repo.name, used_came, a);
}

/* What the name is, if it is no organisation's. */
static void old_name_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct ask *a = ctx;

	if (r == 0 && scheme_has_place(&rev->repo)) {
		ask_end(a, 0, rev, err, look_moved_locked);
		return;
	}
	look_free(a->vfs, a->dir, NODE_ORG, a->name, a->dir->kind, a->done, a->ctx); /* an organisation may have the name as well */
	ask_free(a);
}

static void lookup_old_name(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct repo_id repo;

	if (repo_id_set(&repo, (enum repo_kind)dir->kind, name, strlen(name)) < 0)
		look_free(v, dir, NODE_ORG, name, dir->kind, done, ctx);
	else
		ask_revision(v, dir, name, &repo, NULL, old_name_came, done, ctx);
}

struct old_name_ask {
	struct vfs *vfs;
	struct node *org; /* pinned */
	struct repo_id repo;
	old_name_done *done;
	void *ctx;
};

static void old_name_told(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct old_name_ask *a = ctx;
	struct vfs *v = a->vfs;
	bool has_moved = r == 0 && scheme_has_place(&rev->repo);

	(void)err; /* then the organisation is what the name stands for */
	if (has_moved) {
		LOCK_SCOPE(&v->lock);
		node_detach(&v->nodes, a->org);
	}
	a->done(a->ctx, has_moved ? -ESTALE : -ENOENT);
	vfs_unpin(v, a->org);
	free(a);
}

void want_old_name(struct vfs *v, struct node *org, old_name_done *done, void *ctx)
{
	struct old_name_ask *a = calloc(1, sizeof(*a));

	if (!a) {
		done(ctx, -ENOMEM);
		return;
	}
	*a = (struct old_name_ask){.vfs = v, .org = org, .done = done, .ctx = ctx};
	pthread_mutex_lock(&v->lock);
	node_pin(org);
	pthread_mutex_unlock(&v->lock);
	if (repo_id_set(&a->repo, (enum repo_kind)org->kind, org->name, strlen(org->name)) < 0)
		old_name_told(a, -ENOENT, NULL, NULL);
	else
		catalog_want_revision(v->catalog, &a->repo, NULL, old_name_told, a);
}

/* The organisation has no such repository, and turned out to be one itself (-ESTALE), or not. */
static void org_judged(void *ctx, int r)
{
	struct ask *a = ctx;

	if (r == -ENOENT)
		say_gone(a, &a->err);
	else
		say_error(a->done, a->ctx, r);
	ask_free(a);
}

static void repo_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct ask *a = ctx;

	if (r == -ENOENT) {
		a->err = *err;
		want_old_name(a->vfs, a->dir, org_judged, a);
	} else {
		repo_answered(a, r, rev, err);
	}
}

static void lookup_in_org(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct repo_id repo;

	if (scheme_in_org((enum repo_kind)dir->kind, dir->name, name, &repo) == PLACE_NONE)
		say_absent(done, ctx, FOREVER_MS, NULL);
	else
		ask_revision(v, dir, name, &repo, NULL, repo_came, done, ctx);
}

/* --- by directory --- */

/* "." and "..": the kernel asks for them when NFS brings a handle back. */
static void lookup_self(struct vfs *v, struct node *n, vfs_lookup_done *done, void *ctx)
{
	struct vfs_entry found;

	pthread_mutex_lock(&v->lock);
	node_look(n);
	fill_entry_locked(v, n, KEPT_MS, &found);
	pthread_mutex_unlock(&v->lock);
	say_found(done, ctx, n, &found);
}

static void lookup_in(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	switch ((enum node_type)dir->type) {
	case NODE_ROOT:
	case NODE_KIND:
		lookup_in_root(v, dir, name, done, ctx);
		break;
	case NODE_ORG:
		lookup_in_org(v, dir, name, done, ctx);
		break;
	case NODE_REPO:
	case NODE_REFS:
	case NODE_HUB_REFS:
		lookup_in_repo(v, dir, name, done, ctx);
		break;
	case NODE_COMMIT:
	case NODE_DIR:
	case NODE_LARGE_DIR:
	case NODE_SNAPSHOT:
	case NODE_SNAP_DIR:
		lookup_listed(v, dir, name, look_entry, done, ctx);
		break;
	case NODE_HUB:
	case NODE_HUB_REPO:
	case NODE_HUB_BLOBS:
	case NODE_HUB_SNAPSHOTS:
	case NODE_HUB_ABSENT:
	case NODE_ABSENT_COMMIT:
	case NODE_ABSENT_DIR:
		lookup_in_hub(v, dir, name, done, ctx);
		break;
	case NODE_LINK:
	case NODE_FILE:
	case NODE_REF:
	case NODE_BLOB:
	case NODE_POINTER:
	case NODE_ABSENT_FILE:
		say_error(done, ctx, -ENOTDIR);
		break;
	}
}

void vfs_lookup(struct vfs *v, uint64_t dir_id, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct node *dir = vfs_pin(v, dir_id);

	atomic_fetch_add_explicit(&v->nr_lookups, 1, memory_order_relaxed);
	if (!dir) {
		say_error(done, ctx, -ESTALE);
		return;
	}
	if (!strcmp(name, "."))
		lookup_self(v, dir, done, ctx);
	else if (!strcmp(name, ".."))
		lookup_self(v, dir->parent ? dir->parent : dir, done, ctx);
	else if (strlen(name) > NAME_LEN_MAX)
		say_error(done, ctx, -ENAMETOOLONG);
	else
		lookup_in(v, dir, name, done, ctx);
	vfs_unpin(v, dir);
}

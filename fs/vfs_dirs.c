// SPDX-License-Identifier: Apache-2.0
/*
 * Open directories. One of a commit holds the listing and reads it in place, so that a million entries stream; any other holds
 * the names that were known when it was opened, sorted. Positions are the kernel's offsets: 0 ".", 1 "..", then the entries.
 *
 * What a repository's directory shows: branches and tags of the Hub and the commits that this machine has used.
 */
#include "dirs_int.h"
#include "lookup_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/name.h>
#include <hffs/scheme.h>

/* --- the snapshot --- */

int add_name(struct vfs_dir *d, const char *text, size_t len, mode_t type, const char *commit)
{
	struct dir_name *n;

	if (d->nr == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 16;
		struct dir_name *grown = reallocarray(d->names, cap, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		d->names = grown;
		d->cap = cap;
	}
	n = &d->names[d->nr];
	*n = (struct dir_name){.text = strndup(text, len), .type = type};
	if (!n->text)
		return -ENOMEM;
	memcpy(n->commit, commit, strnlen(commit, COMMIT_MAX - 1));
	d->nr++;
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct dir_name *)a)->text, ((const struct dir_name *)b)->text);
}

/* Sorts; of equal names the first stays. */
static void settle(struct vfs_dir *d)
{
	uint32_t kept = 0;

	if (!d->nr)
		return;
	qsort(d->names, d->nr, sizeof(*d->names), by_text);
	for (uint32_t i = 1; i < d->nr; i++) {
		if (!strcmp(d->names[i].text, d->names[kept].text))
			free(d->names[i].text);
		else
			d->names[++kept] = d->names[i];
	}
	d->nr = kept + 1;
}

static struct vfs_dir *dir_new(struct vfs *v, struct node *node)
{
	struct vfs_dir *d = calloc(1, sizeof(*d));
	LOCK_SCOPE(&v->lock);

	if (!d)
		return NULL;
	d->vfs = v;
	d->node = node;
	node_pin(node);
	return d;
}

void vfs_closedir(struct vfs_dir *d)
{
	if (!d)
		return;
	for (uint32_t i = 0; d->names && i < d->nr; i++)
		free(d->names[i].text);
	free(d->names);
	tree_unref(d->tree);
	vfs_unpin(d->vfs, d->node);
	free(d);
}

bool vfs_dir_is_fixed(const struct vfs_dir *d)
{
	return d->tree != NULL;
}

/* --- opening --- */

void dir_ask_end(struct dir_ask *a, int r, const struct err *err)
{
	hub_dir_done(a);
	if (r < 0) {
		vfs_closedir(a->dir);
		a->done(a->ctx, r, NULL, err);
	} else {
		settle(a->dir);
		a->done(a->ctx, 0, a->dir, NULL);
	}
	free(a);
}

static void tree_ready(void *ctx, int r, const struct err *err)
{
	struct dir_ask *a = ctx;
	struct vfs_dir *d = a->dir;
	const struct tree_entry *e;
	bool is_wide;

	pthread_mutex_lock(&a->vfs->lock);
	is_wide = r == 0 && !d->node->site->tree;
	pthread_mutex_unlock(&a->vfs->lock);
	if (is_wide) {
		want_site(a->vfs, d->node, true, tree_ready, a);
		return;
	}
	if (r == 0) {
		LOCK_SCOPE(&a->vfs->lock);
		d->tree = tree_ref(d->node->site->tree);
		e = tree_entry(d->tree, d->node->entry);
		d->first = e->first;
		d->nr = e->nr;
	}
	if (r < 0)
		vfs_closedir(d);
	a->done(a->ctx, r == -ENOENT ? -EIO : r, r < 0 ? NULL : d, err);
	free(a);
}

static int add_names(struct vfs_dir *d, const char *const *names, size_t nr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nr; i++)
		if (name_is_safe(names[i], strlen(names[i])))
			r = add_name(d, names[i], strlen(names[i]), S_IFDIR, "");
	return r;
}

static void names_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0)
		r = add_names(a->dir, names, nr);
	dir_ask_end(a, r, err);
}

/* -ESTALE: the name is a symlink now; else an organisation without repositories is an empty directory. */
static void org_judged(void *ctx, int r)
{
	dir_ask_end(ctx, r == -ENOENT ? 0 : r, NULL);
}

static void repos_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0 && nr == 0)
		want_old_name(a->vfs, a->dir->node, org_judged, a);
	else
		names_came(a, r, names, nr, err);
}

/* Commits known here complete what the Hub said. */
static void commits_came(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	(void)err; /* a revision's directory is complete without them */
	if (r == 0)
		(void)add_names(a->dir, names, nr); /* a name less is all that memory can cost here */
	dir_ask_end(a, 0, NULL);
}

static int add_refs(struct vfs_dir *d, const struct known_ref *refs, size_t nr)
{
	AUTO_BUF prefix = {0};
	int r = 0;

	refs_prefix(d->node, &prefix);
	if (prefix.failed)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < nr; i++) {
		const char *child;
		bool is_dir;
		size_t len = scheme_ref_child(refs[i].name, prefix.len ? prefix.data : "", &child, &is_dir);

		if (len)
			r = add_name(d, child, len, is_dir ? S_IFDIR : S_IFLNK, is_dir ? "" : refs[i].commit);
	}
	return r;
}

static void refs_came(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err)
{
	struct dir_ask *a = ctx;

	if (r == 0)
		r = add_refs(a->dir, refs, nr);
	if (r < 0 || a->dir->node->type == NODE_REFS)
		dir_ask_end(a, r, err);
	else
		catalog_want_used(a->vfs->catalog, a->repo.kind, a->repo.name, commits_came, a);
}

static void open_names(struct dir_ask *a)
{
	struct catalog *c = a->vfs->catalog;
	const struct node *n = a->dir->node;
	int r = 0;

	switch ((enum node_type)n->type) {
	case NODE_ROOT:
		for (int k = REPO_DATASET; r == 0 && k < REPO_KINDS; k++)
			r = add_name(a->dir, repo_kind_plural((enum repo_kind)k), strlen(repo_kind_plural((enum repo_kind)k)),
				     S_IFDIR, "");
		if (r < 0)
			dir_ask_end(a, r, NULL);
		else
			catalog_want_used(c, REPO_MODEL, NULL, names_came, a);
		break;
	case NODE_KIND:
		catalog_want_used(c, (enum repo_kind)n->kind, NULL, names_came, a);
		break;
	case NODE_ORG:
		catalog_want_repos(c, (enum repo_kind)n->kind, n->name, repos_came, a);
		break;
	case NODE_REPO:
		a->repo = n->site->repo;
		catalog_want_refs(c, &a->repo, refs_came, a);
		break;
	case NODE_REFS:
		a->repo = n->site->repo;
		if (is_in_hub(n))
			open_hub_dir(a);
		else
			catalog_want_refs(c, &a->repo, refs_came, a);
		break;
	case NODE_HUB:
	case NODE_HUB_REPO:
	case NODE_HUB_REFS:
	case NODE_HUB_BLOBS:
	case NODE_HUB_SNAPSHOTS:
	case NODE_HUB_ABSENT:
	case NODE_ABSENT_COMMIT:
	case NODE_ABSENT_DIR:
		open_hub_dir(a);
		break;
	default:
		dir_ask_end(a, -ENOTDIR, NULL);
		break;
	}
}

static void open_node(struct vfs *v, struct node *n, vfs_opendir_done *done, void *ctx)
{
	struct dir_ask *a = calloc(1, sizeof(*a));

	if (a)
		*a = (struct dir_ask){.vfs = v, .dir = dir_new(v, n), .done = done, .ctx = ctx};
	if (!a || !a->dir) {
		free(a);
		done(ctx, -ENOMEM, NULL, NULL);
	} else if (node_is_listed(n)) {
		want_site(v, n, false, tree_ready, a);
	} else {
		open_names(a);
	}
}

void vfs_opendir(struct vfs *v, uint64_t id, vfs_opendir_done *done, void *ctx)
{
	struct node *n = vfs_pin(v, id);

	if (!n) {
		done(ctx, -ESTALE, NULL, NULL);
		return;
	}
	open_node(v, n, done, ctx);
	vfs_unpin(v, n);
}

/* --- reading --- */

static void dots(const struct vfs_dir *d, uint64_t pos, struct vfs_dirent *out)
{
	const struct node *n = pos == 1 && d->node->parent ? d->node->parent : d->node;

	*out = (struct vfs_dirent){pos ? ".." : ".", n->ino, S_IFDIR};
}

bool vfs_dir_entry(const struct vfs_dir *d, uint64_t pos, struct vfs_dirent *out)
{
	if (pos < 2) {
		dots(d, pos, out);
		return true;
	}
	pos -= 2;
	if (pos >= d->nr)
		return false;
	if (d->tree) {
		const struct tree_entry *e = tree_entry(d->tree, d->first + (uint32_t)pos);

		out->name = tree_name(d->tree, e);
		out->type = e->type == ENTRY_DIR ? S_IFDIR : entry_type(d->node, e) == NODE_POINTER ? S_IFLNK : S_IFREG;
	} else {
		out->name = d->names[pos].text;
		out->type = d->names[pos].type;
	}
	out->ino = scheme_ino(node_dir_ino(d->node), out->name, strlen(out->name));
	return true;
}

/*
 * A symlink, or the file in its place, that the kernel knows already stays as its last lookup left it: the list of revisions may be
 * older than that.
 */
static struct node *look_name_locked(struct vfs_dir *d, const struct dir_name *name)
{
	struct node *n = node_find_child(&d->vfs->nodes, d->node, name->text, strlen(name->text));
	bool kept;

	if (!name->commit[0])
		return NULL;
	if (name->type == S_IFREG && (!n || n->type != NODE_REF))
		return look_ref_locked(d->vfs, d->node, name->text, name->commit, &kept);
	if (name->type == S_IFLNK && (!n || n->type != NODE_LINK))
		return look_link_locked(d->vfs, d->node, name->text, name->commit, &kept);
	node_look(n);
	return n;
}

void vfs_dir_look(struct vfs_dir *d, uint64_t pos, struct vfs_entry *out)
{
	struct node *n = NULL;

	*out = (struct vfs_entry){0};
	if (pos < 2 || pos - 2 >= d->nr)
		return;
	pthread_mutex_lock(&d->vfs->lock);
	if (d->tree)
		n = look_entry_locked(d->vfs, d->node, tree_entry(d->tree, d->first + (uint32_t)(pos - 2)));
	else
		n = look_name_locked(d, &d->names[pos - 2]);
	pthread_mutex_unlock(&d->vfs->lock);
	if (n) /* it stays: the kernel has looked it up and cannot have forgotten it yet */
		fill_listed(d->vfs, n, d->tree ? FOREVER_MS : min_u64(KEPT_MS, catalog_ref_ttl_ms(d->vfs->catalog)), out);
}

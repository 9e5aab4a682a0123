// SPDX-License-Identifier: Apache-2.0
/*
 * Looking up revisions. A symlink moves when the catalog says so, but not under a reader: while files of the commit it shows are
 * open, or were within the last minute, it stays (shown.c). What has moved is another node of the same inode number, so the kernel may keep
 * the target of a node as long as it likes: every path goes through one.
 */
#include "lookup_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>

void refs_prefix(const struct node *dir, struct buf *out)
{
	if (dir->type != NODE_REFS)
		return;
	refs_prefix(dir->parent, out); /* up to a repository, or the refs of one in .hub */
	if (out->len)
		buf_addc(out, '/');
	buf_adds(out, dir->name);
}

/* The commit that the revision of this name is to be shown as; NULL: no memory. kept: an older one, which somebody reads. */
static const char *choose_commit_locked(struct vfs *v, const struct node *dir, const char *name, const char *commit, bool *kept)
{
	AUTO_BUF rev = {0};
	const char *shown;

	refs_prefix(dir, &rev);
	buf_addf(&rev, "%s%s", rev.len ? "/" : "", name);
	if (rev.failed)
		return NULL;
	shown = shown_choose(&v->shown, &dir->site->repo, rev.data, commit, clock_mono_ms());
	*kept = strcmp(shown, commit) != 0;
	return shown;
}

struct node *look_link_locked(struct vfs *v, struct node *dir, const char *name, const char *commit, bool *kept)
{
	AUTO_BUF prefix = {0}, target = {0};
	const char *shown = choose_commit_locked(v, dir, name, commit, kept);

	refs_prefix(dir, &prefix);
	if (!shown || prefix.failed)
		return NULL;
	scheme_commit_target(&target, prefix.len ? prefix.data : "", shown);
	return look_target_locked(v, dir, NODE_LINK, name, &target, dir->site);
}

struct node *look_ref_locked(struct vfs *v, struct node *dir, const char *name, const char *commit, bool *kept)
{
	AUTO_BUF text = {0};
	const char *shown = choose_commit_locked(v, dir, name, commit, kept);

	if (!shown)
		return NULL;
	buf_adds(&text, shown);
	return look_target_locked(v, dir, NODE_REF, name, &text, dir->site);
}

/* A listing that was masked by a gate is asked for again, in a node of its own: access may have been granted. */
static void drop_masked_locked(struct vfs *v, const struct node *dir, const char *commit)
{
	struct node *n = node_find_child(&v->nodes, dir, commit, strlen(commit));

	if (!n || !n->site || !n->site->tree || !tree_is_masked(n->site->tree))
		return;
	site_leave(n->site);
	node_detach(&v->nodes, n);
}

struct node *look_commit_locked(struct vfs *v, struct ask *a, enum node_type type, const struct revision *rev)
{
	struct node *n;

	drop_masked_locked(v, a->dir, a->name);
	n = look_owner_locked(v, a->dir, type, a->name, &a->dir->site->repo, rev->commit);
	if (n) {
		site_note(n->site, rev);
	}
	return n;
}

uint64_t revision_entry_ms(const struct revision *rev, bool is_commit, bool kept)
{
	if (is_commit)
		return rev->is_gated ? GATE_MS : FOREVER_MS;
	return min_u64(rev->ttl_ms, kept ? KEPT_MS : FOREVER_MS);
}

bool is_in_hub(const struct node *dir)
{
	while (dir->type == NODE_REFS)
		dir = dir->parent;
	return dir->type == NODE_HUB_REFS;
}

static struct node *look_revision_locked(struct ask *a, const struct revision *rev, uint64_t *ms)
{
	bool kept = false, is_hub = is_in_hub(a->dir), is_commit = !is_hub && a->place == PLACE_COMMIT && !strcmp(a->name, rev->commit);
	struct node *n;

	if (is_hub)
		n = look_ref_locked(a->vfs, a->dir, a->name, rev->commit, &kept);
	else if (is_commit)
		n = look_commit_locked(a->vfs, a, NODE_COMMIT, rev);
	else
		n = look_link_locked(a->vfs, a->dir, a->name, rev->commit, &kept);
	*ms = revision_entry_ms(rev, is_commit, kept);
	return n;
}

static bool is_beginning(const char *rev, const struct known_ref *refs, size_t nr)
{
	const char *child;
	bool is_dir;

	for (size_t i = 0; i < nr; i++)
		if (scheme_ref_child(refs[i].name, rev, &child, &is_dir))
			return true;
	return false;
}

/* No revision of this name is known (a->r: why); perhaps some begin with it. */
static void refs_came(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err)
{
	struct ask *a = ctx;

	if (r == 0 && is_beginning(a->rev, refs, nr))
		look_free(a->vfs, a->dir, NODE_REFS, a->name, a->dir->kind, a->done, a->ctx);
	else if (a->r != -ENOENT)
		a->done(a->ctx, a->r, NULL, &a->err);
	else if (r < 0 && r != -ENOENT)
		a->done(a->ctx, r, NULL, err);
	else
		say_gone(a, err);
	ask_free(a);
}

static void revision_came(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct ask *a = ctx;
	bool may_begin = a->place == PLACE_REVISION && scheme_is_plain(a->name);

	if (may_begin && (r == -ENOENT || r == -ETIMEDOUT)) { /* without the Hub the list may be known, if the name is not */
		a->r = r;
		a->err = *err;
		catalog_want_refs(a->vfs->catalog, &a->repo, refs_came, a);
	} else {
		ask_end(a, r, rev, err, look_revision_locked);
	}
}

void lookup_in_repo(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx)
{
	struct ask *a = ask_new(v, dir, name, done, ctx);
	AUTO_BUF prefix = {0};

	refs_prefix(dir, &prefix);
	if (!a || prefix.failed) {
		say_error(done, ctx, -ENOMEM);
		if (a)
			ask_free(a);
		return;
	}
	a->repo = dir->site->repo;
	a->place = scheme_in_repo(prefix.len ? prefix.data : "", name, a->rev);
	if (a->place == PLACE_NONE || (a->place == PLACE_COMMIT && is_in_hub(dir))) { /* a commit needs no file that says it */
		say_absent(done, ctx, FOREVER_MS, NULL);
		ask_free(a);
	} else if (a->place == PLACE_REFS) {
		look_free(v, dir, NODE_REFS, name, dir->kind, done, ctx);
		ask_free(a);
	} else {
		catalog_want_revision(v->catalog, &a->repo, a->rev, revision_came, a);
	}
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Where 'safe' is on, files that run code when they are loaded cannot be opened: those that are called so, without a look at them; all
 * others are looked at when they are first opened, and a node remembers what was found, because its content never changes. A file that
 * cannot be looked at cannot be opened.
 */
#include "vfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>

enum verdict { VERDICT_NONE, VERDICT_HARMLESS, VERDICT_RUNS_CODE };

struct safe_ask {
	struct vfs *vfs;
	struct node *node; /* pinned */
	struct blob *blob; /* a reference */
	vfs_may_open *done;
	void *ctx;
};

/* --- what else there is --- */

/* "pytorch_model-00001-of-00002.bin" to "model-00001-of-00002.safetensors", or with the same stem. False: it does not fit. */
static bool twin_name(const char *name, bool renamed, char *out, size_t size)
{
	static const char prefix[] = "pytorch_model";
	const char *dot = strrchr(name, '.');
	int skip = renamed ? (int)strlen(prefix) : 0, stem = dot ? (int)(dot - name) : (int)strlen(name), n;

	if (renamed && strncmp(name, prefix, strlen(prefix)) != 0)
		return false;
	n = snprintf(out, size, "%s%.*s.safetensors", renamed ? "model" : "", stem - skip, name + skip);
	return n > 0 && (size_t)n < size;
}

/* A safetensors file in the same directory, in the order of the listing; NULL: none. */
static const char *any_twin(const struct tree *t, const struct tree_entry *of)
{
	static const char suffix[] = ".safetensors";
	const struct tree_entry *dir = tree_entry(t, of->parent);

	for (uint32_t i = 0; i < dir->nr; i++) {
		const struct tree_entry *e = tree_entry(t, dir->first + i);
		const char *name = tree_name(t, e);

		if (e->type == ENTRY_FILE && e->name_len > strlen(suffix) && !strcmp(name + e->name_len - strlen(suffix), suffix))
			return name;
	}
	return NULL;
}

static int refuse(const struct node *n, const char *path, const char *why, struct err *err)
{
	const struct tree *t = n->site->tree;
	const struct tree_entry *e = tree_entry(t, n->entry);
	char twin[NAME_LEN_MAX + 1];
	const char *other = NULL;

	for (int renamed = 0; !other && renamed < 2; renamed++)
		if (twin_name(tree_name(t, e), renamed, twin, sizeof(twin)) && tree_find(t, e->parent, twin, strlen(twin)))
			other = twin;
	if (!other)
		other = any_twin(t, e);
	if (other)
		return err_set(err, -EACCES, "%s: %s %s, which can run code when it is loaded, and this mount is safe: use %s beside it", n->site->repo.name,
			       path, why, other);
	return err_set(err, -EACCES, "%s: %s %s, which can run code when it is loaded, and this mount is safe; there is no safetensors file beside it",
		       n->site->repo.name, path, why);
}

/* --- the answer --- */

static void finish(struct safe_ask *a, int r, const struct err *err)
{
	a->done(a->ctx, r, err);
	blob_put(a->blob);
	vfs_unpin(a->vfs, a->node);
	free(a);
}

static void judged(void *ctx, int r, bool runs_code, const struct err *err)
{
	struct safe_ask *a = ctx;
	struct err said = {0};
	AUTO_BUF path = {0};

	if (r == 0) {
		LOCK_SCOPE(&a->vfs->lock);
		a->node->verdict = runs_code ? VERDICT_RUNS_CODE : VERDICT_HARMLESS;
	}
	if (r == 0 && runs_code) {
		site_path(a->node->site, tree_entry(a->node->site->tree, a->node->entry), &path);
		r = path.failed ? -ENOMEM : refuse(a->node, path.data, "holds a pickle", &said);
		err = &said;
	}
	finish(a, r, err);
}

/* What memory knows: 1, if the content has to be looked at. */
static int judge_node(struct vfs *v, const struct node *n, struct buf *path, struct err *err)
{
	const struct tree_entry *e;
	int verdict;

	if (!node_has_blob(n))
		return 0;
	e = tree_entry(n->site->tree, n->entry);
	site_path(n->site, e, path);
	if (path->failed)
		return -ENOMEM;
	if (judge_name(path->data))
		return refuse(n, path->data, "is called as pickles are", err);
	if (!e->size || !e->id.algo)
		return 0; /* nothing to look at; or a gate that open() speaks of */
	pthread_mutex_lock(&v->lock);
	verdict = n->verdict;
	pthread_mutex_unlock(&v->lock);
	if (verdict == VERDICT_RUNS_CODE)
		return refuse(n, path->data, "holds a pickle", err);
	return verdict == VERDICT_NONE;
}

/* The pin is a's from here on. */
static void look(struct vfs *v, struct node *n, const char *path, vfs_may_open *done, void *ctx)
{
	const struct site *s = n->site;
	const struct tree_entry *e = tree_entry(s->tree, n->entry);
	struct object_ref from = {.repo = s->repo, .path = path, .size = e->size, .id = e->id};
	struct safe_ask *a = calloc(1, sizeof(*a));

	memcpy(from.commit, s->commit, sizeof(from.commit));
	if (a)
		*a = (struct safe_ask){v, n, blob_get(v->fetch, &from), done, ctx};
	if (!a || !a->blob) {
		free(a);
		vfs_unpin(v, n);
		done(ctx, -ENOMEM, NULL);
		return;
	}
	blob_judge(a->blob, judged, a);
}

bool vfs_is_safe(const struct vfs *v)
{
	return v->is_safe;
}

void vfs_want_open(struct vfs *v, uint64_t id, vfs_may_open *done, void *ctx)
{
	struct node *n = vfs_pin(v, id);
	struct err err = {0};
	AUTO_BUF path = {0};
	int r;

	if (!n) {
		done(ctx, -ESTALE, NULL);
		return;
	}
	r = judge_node(v, n, &path, &err);
	if (r == 1) {
		look(v, n, path.data, done, ctx);
		return;
	}
	vfs_unpin(v, n);
	done(ctx, r, err.text[0] ? &err : NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Files that readers have past us: the kernel reads and maps the data file of a sealed blob itself.
 *
 * All handles of one node read the same way, because the kernel mixes no two ways on a node. The first handle decides, by whether
 * the blob is sealed then; the last one ends it. So while somebody reads a file through us that is sealed meanwhile, its name gets
 * another node (vfs_take_sealed()), with the same inode number: who opens it from then on is passed, and who had it goes on as
 * before. With stable nodes that is not done: the next handle after the last one is passed. A blob that is evicted stays what it
 * was for those who have it.
 *
 * [Linux 6.9 to 6.18, fs/fuse/iomode.c: a node leaves its mode before the RELEASE of its last handle is sent]
 */
#include "vfs_int.h"

#include <errno.h>

struct passed {
	struct backing *backing;
	int id; /* of v->pass() */
};

void vfs_let_pass(struct vfs *v, bool may)
{
	atomic_store(&v->may_pass, may && v->pass);
}

bool vfs_may_pass(struct vfs *v)
{
	return atomic_load(&v->may_pass);
}

int vfs_passed(const struct vfs_file *f)
{
	return f->passed;
}

static bool is_first(struct vfs *v, const struct node *n)
{
	LOCK_SCOPE(&v->lock);
	return n->opens == 0;
}

struct passed *passed_try(struct vfs *v, struct node *n, struct blob *b)
{
	struct passed *p;

	if (!b || !vfs_may_pass(v) || !is_first(v, n))
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	if (blob_open_backing(b, &p->backing) < 0) {
		free(p);
		return NULL;
	}
	p->id = v->pass(v->pass_ctx, backing_fd(p->backing));
	if (p->id > 0)
		return p;
	backing_close(p->backing);
	free(p);
	return NULL;
}

void passed_enter_locked(struct node *n, struct passed **fresh, struct vfs_file *f)
{
	if (n->opens++ == 0)
		n->passed = TAKE(*fresh);
	f->passed = n->passed ? n->passed->id : 0;
}

struct passed *passed_leave_locked(struct node *n)
{
	if (--n->opens)
		return NULL;
	n->is_bad = false;
	return TAKE(n->passed);
}

void passed_free(struct vfs *v, struct passed *p)
{
	if (!p)
		return;
	v->unpass(v->pass_ctx, p->id);
	backing_close(p->backing);
	free(p);
}

void passed_spoil_locked(struct vfs *v, struct node *n)
{
	if (!n->passed)
		return;
	n->is_bad = true;
	if (!v->is_stable)
		node_detach(&v->nodes, n);
}

static bool is_of(const struct vfs_file *f, const struct blob_id *id)
{
	return f->blob && blob_id_equal(&tree_entry(f->node->site->tree, f->node->entry)->id, id);
}

void vfs_take_sealed(struct vfs *v, vfs_stale_name *each, void *ctx)
{
	struct blob_id id;

	while (fetch_take_sealed(v->fetch, &id, 1)) {
		LOCK_SCOPE(&v->lock);
		for (struct vfs_file *f = v->files; f && !v->is_stable && vfs_may_pass(v); f = f->next) {
			if (!is_of(f, &id) || f->passed || !f->node->is_named)
				continue;
			each(ctx, f->node->parent->id, f->node->name);
			node_detach(&v->nodes, f->node);
		}
	}
}

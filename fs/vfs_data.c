// SPDX-License-Identifier: Apache-2.0
/*
 * Open files and reading. A handle holds its blob from open to release; a read under way holds the handle, because an
 * interrupted read may end after its release. Reading allocates nothing.
 */
#include "vfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <hffs/clock.h>

/* --- open and release --- */

void vfs_file_unref(struct vfs_file *f)
{
	if (atomic_fetch_sub(&f->refs, 1) != 1)
		return;
	if (f->blob)
		blob_put(f->blob);
	vfs_unpin(f->vfs, f->node);
	free(f);
}

static uint32_t size_4k(uint64_t bytes)
{
	return (uint32_t)min_u64((bytes + 4095) / 4096, UINT32_MAX);
}

/* Remembers what is cached of the file; true if that is news. */
static bool note_cached_locked(struct vfs_file *f, uint32_t cached)
{
	bool is_news = f->node->cached_4k != cached;

	f->node->cached_4k = cached;
	return is_news;
}

static void note_grown_locked(struct vfs_file *f, uint32_t cached)
{
	if (note_cached_locked(f, cached) && f->vfs->nr_grown < GROWN_KEPT)
		f->vfs->grown[f->vfs->nr_grown++] = f->node->id;
}

/* fresh: what the handle reads from if it is the first of its node; what is left of it is the caller's. */
static int link_file(struct vfs_file *f, struct passed **fresh)
{
	struct vfs *v = f->vfs;
	LOCK_SCOPE(&v->lock);

	if (f->node->is_bad)
		return -ESTALE; /* the kernel looks the name up again */
	passed_enter_locked(f->node, fresh, f);
	if (f->passed)
		note_grown_locked(f, size_4k(f->size));
	f->next = v->files;
	f->prev = &v->files;
	if (f->next)
		f->next->prev = &f->next;
	v->files = f;
	v->nr_files++;
	/* Without memory its commit may be left while it is open; that is all. */
	f->is_counted = shown_open(&v->shown, &f->node->site->repo, f->node->site->commit, clock_mono_ms()) == 0;
	node_pin(f->node);
	return 0;
}

static uint32_t cached_4k(struct blob *b)
{
	struct blob_info info = {0};

	blob_info(b, &info);
	return size_4k(info.bytes_cached);
}

void vfs_release(struct vfs_file *f)
{
	struct vfs *v = f->vfs;
	uint32_t cached = f->blob ? cached_4k(f->blob) : 0;
	struct passed *passed;

	pthread_mutex_lock(&v->lock);
	*f->prev = f->next;
	if (f->next)
		f->next->prev = f->prev;
	v->nr_files--;
	if (atomic_load(&f->ever_read))
		note_grown_locked(f, cached);
	passed = passed_leave_locked(f->node);
	if (f->is_counted)
		shown_close(&v->shown, &f->node->site->repo, f->node->site->commit, clock_mono_ms());
	pthread_mutex_unlock(&v->lock);
	passed_free(v, passed);
	vfs_file_unref(f);
}

void vfs_drop_files(struct vfs *v)
{
	push_drop(v);
	while (v->files)
		vfs_release(v->files);
}

static int check_open(const struct node *n, int flags)
{
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & (O_TRUNC | O_CREAT)))
		return -EROFS;
	if (node_has_blob(n) || n->type == NODE_REF || n->type == NODE_ABSENT_FILE)
		return 0;
	return n->type == NODE_LINK || n->type == NODE_POINTER ? -ELOOP : -EISDIR;
}

/*
 * A listing with masked digests says that this identity may not enter: then the Hub gives these files of the root to anybody,
 * and no other. [observed on the Hub, docs/PROTOCOL.md]
 */
static bool is_gated(const struct tree *tree, const struct tree_entry *e, const char *path)
{
	static const char *const open[] = {"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"};

	if (!e->id.algo)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(open); i++)
		if (!strcmp(path, open[i]))
			return false;
	return tree_is_masked(tree);
}

/* Where the bytes of a node are; path is what from borrows. */
static int find_object(const struct node *n, struct object_ref *from, struct buf *path)
{
	const struct site *s = n->site;
	const struct tree_entry *e = tree_entry(s->tree, n->entry);

	*from = (struct object_ref){.repo = s->repo, .size = e->size, .id = e->id};
	memcpy(from->commit, s->commit, sizeof(from->commit));
	site_path(s, e, path);
	from->path = path->data;
	return path->failed ? -ENOMEM : 0;
}

/* Is leave needed for what is cached, and not there yet? */
static bool needs_grant(struct vfs *v, const struct site *s, const struct blob_id *id)
{
	bool is_guarded;

	pthread_mutex_lock(&v->lock);
	is_guarded = s->is_gated || s->is_private;
	pthread_mutex_unlock(&v->lock);
	return is_guarded && !catalog_has_grant(v->catalog, &s->repo, id);
}

static int get_blob(struct vfs *v, const struct node *n, struct vfs_file *f, struct err *err)
{
	const struct site *s = n->site;
	const struct tree_entry *e = tree_entry(s->tree, n->entry);
	struct object_ref from;
	AUTO_BUF path = {0};

	f->size = e->size;
	if (!e->size)
		return 0;
	if (find_object(n, &from, &path) < 0)
		return -ENOMEM;
	if (is_gated(s->tree, e, path.data))
		return err_set(err, -EACCES, "%s: %s is gated: ask for access at %s/%s%s, and set HF_TOKEN to a token that has it", s->repo.name,
			       path.data, v->endpoint, repo_kind_prefix(s->repo.kind), s->repo.name);
	atomic_init(&f->needs_grant, needs_grant(v, s, &e->id));
	f->blob = blob_get(v->fetch, &from);
	return f->blob ? 0 : -ENOMEM;
}

/* What is not fetched: a commit in a file, or nothing. */
static int get_text(struct vfs *v, const struct node *n, struct vfs_file *f)
{
	LOCK_SCOPE(&v->lock);

	if (n->type == NODE_REF)
		memcpy(f->text, n->target, strnlen(n->target, sizeof(f->text) - 1));
	f->size = strlen(f->text);
	return 0;
}

static int open_node(struct vfs *v, struct node *n, int flags, struct vfs_file **out, struct err *err)
{
	struct passed *fresh;
	struct vfs_file *f;
	int r = check_open(n, flags);

	if (r < 0)
		return r;
	f = calloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->vfs = v;
	f->node = n;
	f->is_direct = flags & O_DIRECT;
	atomic_init(&f->refs, 1);
	r = node_has_blob(n) ? get_blob(v, n, f, err) : get_text(v, n, f);
	if (r < 0) {
		free(f);
		return r;
	}
	fresh = atomic_load(&f->needs_grant) ? NULL : passed_try(v, n, f->blob);
	r = link_file(f, &fresh);
	passed_free(v, fresh);
	if (r < 0) {
		if (f->blob)
			blob_put(f->blob);
		free(f);
		return r;
	}
	*out = f;
	return 0;
}

int vfs_open(struct vfs *v, uint64_t id, int flags, struct vfs_file **out, struct err *err)
{
	struct node *n = vfs_pin(v, id);
	int r;

	if (!n)
		return -ESTALE;
	r = open_node(v, n, flags, out, err);
	vfs_unpin(v, n);
	return r;
}

/* --- reading --- */

bool vfs_is_fixed(const struct vfs_file *f)
{
	return f->node->type != NODE_REF || !f->vfs->is_stable; /* a stable node changes in place, others make way for a new one */
}

const char *vfs_text(const struct vfs_file *f, uint64_t off, size_t *len)
{
	if (f->blob || node_has_blob(f->node))
		return NULL;
	*len = vfs_read_len(f, off, *len);
	return f->text + (*len ? off : 0);
}

size_t vfs_read_len(const struct vfs_file *f, uint64_t off, size_t len)
{
	return off >= f->size ? 0 : (size_t)min_u64(len, f->size - off);
}

static void note_grant(struct vfs_file *f)
{
	const struct site *s = f->node->site;

	atomic_store(&f->needs_grant, false);
	catalog_note_grant(f->vfs->catalog, &s->repo, &tree_entry(s->tree, f->node->entry)->id);
}

static void read_came(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct vfs_read *op = ctx;
	struct vfs_file *f = op->file;

	if (r == 0 && op->is_proof)
		note_grant(f);
	op->done(op->ctx, r, span, err); /* op is gone after this */
	vfs_file_unref(f);
}

static void read_blob(struct vfs_read *op)
{
	struct vfs_file *f = op->file;

	push_note(f, op->off, op->len);
	if (f->is_direct)
		blob_read_direct(f->blob, op->off, op->len, read_came, op);
	else
		blob_read(f->blob, op->off, op->len, read_came, op);
}

static void grant_came(void *ctx, int r, const struct err *err)
{
	struct vfs_read *op = ctx;

	if (r < 0) {
		read_came(op, r, NULL, err);
		return;
	}
	atomic_store(&op->file->needs_grant, false);
	read_blob(op);
}

/* Nothing of it is here: then whoever gets bytes got them from the Hub. */
static bool has_nothing(const struct vfs_file *f)
{
	struct blob_info info = {0};

	blob_info(f->blob, &info);
	return !info.bytes_cached && !cache_disk_bytes(fetch_cache(f->vfs->fetch), &tree_entry(f->node->site->tree, f->node->entry)->id);
}

/* What others have cached of a private or gated repository is shown once the Hub has given this identity a byte of it. */
static void read_with_grant(struct vfs_read *op)
{
	struct vfs_file *f = op->file;
	struct object_ref from;
	AUTO_BUF path = {0};
	int r;

	if (has_nothing(f)) {
		op->is_proof = true;
		read_blob(op);
		return;
	}
	r = find_object(f->node, &from, &path);
	if (r < 0)
		read_came(op, r, NULL, NULL);
	else
		catalog_want_grant(f->vfs->catalog, &from, grant_came, op);
}

void vfs_read(struct vfs_read *op, struct vfs_file *f, uint64_t off, size_t len, read_done *done, void *ctx)
{
	size_t n = vfs_read_len(f, off, len);

	atomic_fetch_add_explicit(&f->vfs->nr_reads, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&f->vfs->nr_bytes, n, memory_order_relaxed);
	if (!n) {
		done(ctx, 0, NULL, NULL);
		return;
	}
	*op = (struct vfs_read){.file = f, .done = done, .ctx = ctx, .off = off, .len = n};
	atomic_fetch_add(&f->refs, 1);
	atomic_store_explicit(&f->was_read, true, memory_order_relaxed);
	atomic_store_explicit(&f->ever_read, true, memory_order_relaxed);
	if (atomic_load(&f->needs_grant))
		read_with_grant(op);
	else
		read_blob(op);
}

/* The file is there until done() returns: read_came() gives its reference back behind it. */
void vfs_read_again(struct vfs_read *op, uint64_t off, size_t len, read_done *done, void *ctx)
{
	vfs_read(op, op->file, off, len, done, ctx);
}

/* Up to max files that were read since last asked, each with a reference. */
static size_t take_read(struct vfs *v, struct vfs_file **out, size_t max)
{
	size_t nr = 0;
	LOCK_SCOPE(&v->lock);

	for (struct vfs_file *f = v->files; f && nr < max; f = f->next)
		if (f->blob && atomic_exchange(&f->was_read, false)) {
			atomic_fetch_add(&f->refs, 1);
			out[nr++] = f;
		}
	return nr;
}

static size_t take_closed(struct vfs *v, uint64_t *nodes, size_t max)
{
	size_t nr = 0;
	LOCK_SCOPE(&v->lock);

	while (nr < max && v->nr_grown)
		nodes[nr++] = v->grown[--v->nr_grown];
	return nr;
}

static bool note_cached(struct vfs_file *f)
{
	uint32_t now = cached_4k(f->blob);
	LOCK_SCOPE(&f->vfs->lock);

	return note_cached_locked(f, now);
}

size_t vfs_take_grown(struct vfs *v, uint64_t *nodes, size_t max)
{
	struct vfs_file *read[64];
	size_t grown = take_closed(v, nodes, max), nr = take_read(v, read, min_u64(max - grown, ARRAY_SIZE(read)));

	for (size_t i = 0; i < nr; i++) {
		if (note_cached(read[i]))
			nodes[grown++] = read[i]->node->id;
		vfs_file_unref(read[i]);
	}
	return grown;
}

size_t vfs_take_spoiled(struct vfs *v, uint64_t *nodes, size_t max)
{
	struct blob_id id;
	size_t nr = 0;

	while (nr == 0 && fetch_take_spoiled(v->fetch, &id, 1)) {
		LOCK_SCOPE(&v->lock);
		for (size_t i = 0; i < v->nodes.cap; i++)
			for (struct node *n = v->nodes.by_id[i]; n && nr < max; n = n->next_by_id)
				if (node_has_blob(n) && blob_id_equal(&tree_entry(n->site->tree, n->entry)->id, &id)) {
					passed_spoil_locked(v, n);
					nodes[nr++] = n->id;
				}
	}
	return nr;
}

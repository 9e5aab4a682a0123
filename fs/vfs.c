// SPDX-License-Identifier: Apache-2.0
/*
 * The state of the tree: nodes, sites and open files under one lock, which is never held across a callback or I/O. Names are in
 * vfs_names.c, directories in vfs_dirs.c, bytes in vfs_data.c, extended attributes in xattr.c.
 */
#include "vfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/name.h>
#include <hffs/scheme.h>

static int copy_config(struct vfs *v, const struct vfs_config *config)
{
	v->fetch = config->fetch;
	v->catalog = config->catalog;
	v->uid = config->uid;
	v->gid = config->gid;
	v->umask = config->umask;
	v->is_stable = config->is_stable;
	v->is_safe = config->is_safe;
	v->pass = config->pass;
	v->unpass = config->unpass;
	v->pass_ctx = config->pass_ctx;
	v->push = config->push;
	v->push_ctx = config->push_ctx;
	v->status = config->status;
	v->status_ctx = config->status_ctx;
	v->endpoint = strdup(config->endpoint);
	v->one_rev = strdup(config->one_rev ? config->one_rev : "main");
	v->is_one = config->one_repo != NULL;
	if (v->is_one)
		v->one_repo = *config->one_repo;
	return v->endpoint && v->one_rev ? 0 : -ENOMEM;
}

static int make_root(struct vfs *v, const struct revision *one)
{
	struct site *site = NULL;
	int r = nodes_init(&v->nodes, v->is_one ? NODE_COMMIT : NODE_ROOT, v->root_ino);

	if (r < 0 || !v->is_one)
		return r;
	site = site_new(&v->one_repo, "");
	if (!site)
		return -ENOMEM;
	if (one)
		site_settle(v, site, one);
	v->nodes.root->site = site;
	v->nodes.root->kind = (uint8_t)v->one_repo.kind;
	return 0;
}

int vfs_new(const struct vfs_config *config, struct vfs **out)
{
	struct vfs *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	pthread_mutex_init(&v->lock, NULL);
	v->start_s = clock_wall_s();
	if (copy_config(v, config) < 0) {
		vfs_free(v);
		return -ENOMEM;
	}
	v->root_ino = scheme_root_ino(v->endpoint);
	if (make_root(v, config->one) < 0) {
		vfs_free(v);
		return -ENOMEM;
	}
	if (v->push)
		fetch_on_swept(v->fetch, push_swept, v);
	*out = v;
	return 0;
}

void vfs_free(struct vfs *v)
{
	if (!v)
		return;
	if (v->push)
		fetch_on_swept(v->fetch, NULL, NULL);
	vfs_drop_files(v);
	nodes_done(&v->nodes);
	shown_done(&v->shown);
	pthread_mutex_destroy(&v->lock);
	free(v->endpoint);
	free(v->one_rev);
	free(v);
}

struct node *vfs_pin(struct vfs *v, uint64_t id)
{
	struct node *n;
	LOCK_SCOPE(&v->lock);

	n = node_find(&v->nodes, id);
	if (n)
		node_pin(n);
	return n;
}

void vfs_unpin(struct vfs *v, struct node *n)
{
	LOCK_SCOPE(&v->lock);
	node_unpin(&v->nodes, n);
}

void vfs_forget(struct vfs *v, uint64_t id, uint64_t lookups)
{
	struct node *n;
	LOCK_SCOPE(&v->lock);

	n = node_find(&v->nodes, id);
	if (n)
		node_forget(&v->nodes, n, lookups);
}

static void fill_small_file(struct stat *st, size_t size)
{
	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = (off_t)size;
	st->st_blocks = size ? 8 : 0;
}

static void fill_link(struct stat *st, size_t target_len)
{
	st->st_mode = S_IFLNK | 0777;
	st->st_nlink = 1;
	st->st_size = (off_t)target_len;
}

void pointer_target(const struct node *n, struct buf *out)
{
	const struct tree_entry *e = tree_entry(n->site->tree, n->entry);

	scheme_pointer_target(out, tree_depth(n->site->tree, e), &e->id);
}

static size_t pointer_target_len(const struct node *n)
{
	AUTO_BUF target = {0};

	pointer_target(n, &target);
	return target.len;
}

static void fill_file_locked(const struct node *n, struct stat *st)
{
	uint64_t size = tree_entry(n->site->tree, n->entry)->size;

	st->st_mode = S_IFREG | 0444;
	st->st_nlink = 1;
	st->st_size = (off_t)size;
	/* Never 0 blocks for a file that has bytes: GNU tar -S would archive it as all zeros, with exit status 0. */
	st->st_blocks = size ? (blkcnt_t)max_u64(n->cached_4k, 1) * 8 : 0;
}

void fill_entry_locked(struct vfs *v, const struct node *n, uint64_t entry_ms, struct vfs_entry *out)
{
	struct stat *st = &out->attr;
	int64_t mtime_s = n->site && n->site->mtime_s ? n->site->mtime_s : v->start_s;

	*out = (struct vfs_entry){.node = n->id, .entry_ms = entry_ms, .attr_ms = FOREVER_MS};
	if (node_has_blob(n)) {
		fill_file_locked(n, st);
	} else if (n->type == NODE_LINK) {
		fill_link(st, strlen(n->target));
		out->attr_ms = entry_ms;
	} else if (n->type == NODE_POINTER) {
		fill_link(st, pointer_target_len(n));
	} else if (n->type == NODE_REF) {
		fill_small_file(st, strlen(n->target));
		out->attr_ms = entry_ms;
	} else if (n->type == NODE_ABSENT_FILE) {
		fill_small_file(st, 0);
	} else {
		st->st_mode = S_IFDIR | 0555;
		st->st_nlink = 1; /* not counted; 2 would tell File::Find and old find(1) that there is no directory in it */
	}
	if (!S_ISLNK(st->st_mode))
		st->st_mode &= ~v->umask;
	if (n->type == NODE_COMMIT && !n->site->commit[0])
		out->attr_ms = 0; /* the time of the commit is not known yet */
	st->st_ino = n->ino;
	st->st_uid = v->uid;
	st->st_gid = v->gid;
	st->st_blksize = BLKSIZE;
	st->st_atim.tv_sec = st->st_mtim.tv_sec = st->st_ctim.tv_sec = mtime_s;
}

static bool wants_disk_locked(const struct node *n, struct blob_id *id)
{
	const struct tree_entry *e = node_has_blob(n) ? tree_entry(n->site->tree, n->entry) : NULL;

	if (!e || !e->size || !e->id.algo || n->knows_disk)
		return false;
	*id = e->id;
	return true;
}

static void note_disk_locked(struct node *n, uint64_t bytes)
{
	if (!n->knows_disk && !n->cached_4k)
		n->cached_4k = (uint32_t)min_u64((bytes + 4095) / 4096, UINT32_MAX);
	n->knows_disk = true;
}

void fill_listed(struct vfs *v, struct node *n, uint64_t entry_ms, struct vfs_entry *out)
{
	struct blob_id id;
	uint64_t bytes = 0;
	bool wants;

	pthread_mutex_lock(&v->lock);
	wants = wants_disk_locked(n, &id);
	pthread_mutex_unlock(&v->lock);
	if (wants)
		bytes = cache_disk_bytes(fetch_cache(v->fetch), &id);
	pthread_mutex_lock(&v->lock);
	if (wants)
		note_disk_locked(n, bytes);
	fill_entry_locked(v, n, entry_ms, out);
	pthread_mutex_unlock(&v->lock);
}

int vfs_getattr(struct vfs *v, uint64_t id, struct vfs_entry *out)
{
	const struct node *n;
	LOCK_SCOPE(&v->lock);

	n = node_find(&v->nodes, id);
	if (!n)
		return -ESTALE;
	fill_entry_locked(v, n, KEPT_MS, out);
	return 0;
}

int vfs_readlink(struct vfs *v, uint64_t id, struct buf *out)
{
	const struct node *n;
	LOCK_SCOPE(&v->lock);

	n = node_find(&v->nodes, id);
	if (!n)
		return -ESTALE;
	if (n->type == NODE_POINTER)
		pointer_target(n, out);
	else if (n->type == NODE_LINK)
		buf_adds(out, n->target);
	else
		return -EINVAL;
	return out->failed ? -ENOMEM : 0;
}

void vfs_note_error(struct vfs *v, uint64_t node, const char *text)
{
	const struct node *n;
	struct file_error *e;
	LOCK_SCOPE(&v->lock);

	e = &v->errors[v->error_next++ % ERRORS_KEPT];
	n = node_find(&v->nodes, node);
	e->ino = n ? n->ino : 0;
	e->time_s = clock_wall_s();
	snprintf(e->text, sizeof(e->text), "%s", text);
}

static bool is_of_repo(const struct node *n, const struct repo_id *repo)
{
	return !repo || (n->site->repo.kind == repo->kind && !strcmp(n->site->repo.name, repo->name));
}

void vfs_refresh(struct vfs *v, const struct repo_id *repo, vfs_stale_name *each, void *ctx)
{
	LOCK_SCOPE(&v->lock);

	shown_forget(&v->shown, repo);
	for (size_t i = 0; i < v->nodes.cap; i++)
		for (struct node *n = v->nodes.by_id[i]; n; n = n->next_by_id) {
			if ((n->type != NODE_LINK && n->type != NODE_REF) || !n->site || !is_of_repo(n, repo))
				continue;
			each(ctx, n->parent->id, n->name);
		}
	for (size_t i = 0; i < ABSENT_KEPT; i++) {
		if (v->absent[i].dir)
			each(ctx, v->absent[i].dir, v->absent[i].name);
		v->absent[i].dir = 0;
	}
}

void vfs_statfs(struct vfs *v, struct statvfs *out)
{
	struct cache_stats st = {0};
	uint64_t used, left;

	cache_stats(fetch_cache(v->fetch), &st);
	used = min_u64(st.bytes_cached, st.size_max);
	left = min_u64(st.size_max - used, st.disk_free > st.keep_free ? st.disk_free - st.keep_free : 0);
	*out = (struct statvfs){
		.f_bsize = BLKSIZE,
		.f_frsize = 4096,
		.f_blocks = (used + left) / 4096, /* what the cache could hold now: the disk may be filled by others */
		.f_bfree = left / 4096,
		.f_bavail = left / 4096,
		.f_namemax = NAME_LEN_MAX,
	};
}

void vfs_stats(struct vfs *v, struct vfs_stats *out)
{
	const struct file_error *e;

	*out = (struct vfs_stats){
		.lookups = atomic_load(&v->nr_lookups),
		.reads = atomic_load(&v->nr_reads),
		.bytes_read = atomic_load(&v->nr_bytes),
	};
	LOCK_SCOPE(&v->lock);
	out->open_files = v->nr_files;
	out->nodes = v->nodes.nr;
	if (!v->error_next)
		return;
	e = &v->errors[(v->error_next - 1) % ERRORS_KEPT];
	out->last_error_s = e->time_s;
	memcpy(out->last_error, e->text, sizeof(out->last_error));
}

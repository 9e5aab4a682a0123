// SPDX-License-Identifier: Apache-2.0
/*
 * Unpacks a request, calls the vfs, replies. A call that may wait goes with a struct request (request.c), which is answered exactly
 * once; the rest is answered here and now. With request.c and refuse.c the only code that replies.
 *
 * Not here, on purpose: flush, fsync, access, lseek, locks, poll. Without them the kernel does the right thing by itself, after
 * one question at most; lseek(SEEK_DATA) then says that all is data, which is true of every file.
 */
#include "ops_int.h"

#include <errno.h>
#include <string.h>

#include "passthrough_int.h"
#include "refuse_int.h"
#include "request_int.h"

#define DISK_FAILURES_MAX 3 /* of one read; what comes from the Hub is answered from memory, so more are hardly possible */

/* --- names --- */

static struct fuse_entry_param entry_param(const struct ops *o, const struct vfs_entry *e)
{
	return (struct fuse_entry_param){
		.ino = e->node,
		.generation = o->generation,
		.attr = e->attr,
		.attr_timeout = (double)e->attr_ms / 1000,
		.entry_timeout = (double)e->entry_ms / 1000,
	};
}

static void answer_lookup(struct request *q, int r, const struct vfs_entry *e, const struct err *err)
{
	bool is_absent = r == -ENOENT && e && e->entry_ms;
	struct fuse_entry_param param;

	if (r < 0 && !is_absent) {
		request_error(q, r, err);
		return;
	}
	param = entry_param(q->ops, e);
	if (fuse_reply_entry(q->req, &param) < 0 && r == 0)
		vfs_forget(q->ops->vfs, e->node, 1); /* the kernel did not get it */
}

static void lookup_came(void *ctx, int r, const struct vfs_entry *e, const struct err *err)
{
	struct request *q = ctx;

	if (parked_claim(&q->parked)) {
		answer_lookup(q, r, e, err);
		parked_answered(&q->parked);
	} else if (r == 0) {
		vfs_forget(q->ops->vfs, e->node, 1);
	}
	parked_end(&q->parked);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct request *q = request_begin(req, "lookup", parent, false);

	if (!q)
		return;
	vfs_lookup(q->ops->vfs, parent, name, lookup_came, q);
	parked_wait(&q->parked);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	vfs_forget(vfs_of(req), ino, nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		vfs_forget(vfs_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfs_entry e;
	int r = vfs_getattr(vfs_of(req), ino, &e);

	(void)fi;
	if (r < 0)
		reply_error(ops_of(req), req, "getattr", ino, r, NULL);
	else
		fuse_reply_attr(req, &e.attr, (double)e.attr_ms / 1000);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	AUTO_BUF target = {0};
	int r = vfs_readlink(vfs_of(req), ino, &target);

	if (r < 0)
		reply_error(ops_of(req), req, "readlink", ino, r, NULL);
	else
		fuse_reply_readlink(req, target.data);
}

/* --- directories --- */

static struct vfs_dir *dir_of(const struct fuse_file_info *fi)
{
	return (struct vfs_dir *)(uintptr_t)fi->fh;
}

static void answer_opendir(struct request *q, int r, struct vfs_dir *d, const struct err *err)
{
	if (r < 0) {
		request_error(q, r, err);
		return;
	}
	q->fi.fh = (uintptr_t)d;
	q->fi.cache_readdir = q->fi.keep_cache = vfs_dir_is_fixed(d);
	if (fuse_reply_open(q->req, &q->fi) < 0)
		vfs_closedir(d);
}

static void opendir_came(void *ctx, int r, struct vfs_dir *d, const struct err *err)
{
	struct request *q = ctx;

	if (parked_claim(&q->parked)) {
		answer_opendir(q, r, d, err);
		parked_answered(&q->parked);
	} else {
		vfs_closedir(d);
	}
	parked_end(&q->parked);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct request *q = request_begin(req, "opendir", ino, false);

	if (!q)
		return;
	q->fi = *fi;
	vfs_opendir(q->ops->vfs, ino, opendir_came, q);
	parked_wait(&q->parked);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	vfs_closedir(dir_of(fi));
	fuse_reply_err(req, 0);
}

/* Both add an entry at out where it fits in left bytes, and give its length in any case. */
static size_t add_plain(fuse_req_t req, struct vfs_dir *d, uint64_t pos, const struct vfs_dirent *de, char *out, size_t left)
{
	struct stat st = {.st_ino = de->ino, .st_mode = de->type};

	(void)d;
	return fuse_add_direntry(req, out, left, de->name, &st, (off_t)(pos + 1));
}

static size_t add_plus(fuse_req_t req, struct vfs_dir *d, uint64_t pos, const struct vfs_dirent *de, char *out, size_t left)
{
	size_t need = fuse_add_direntry_plus(req, NULL, 0, de->name, NULL, 0);
	struct fuse_entry_param param;
	struct vfs_entry e;

	if (need > left)
		return need;
	vfs_dir_look(d, pos, &e);
	param = entry_param(ops_of(req), &e);
	if (!e.node) {
		param.attr.st_ino = de->ino; /* only the name is told; the kernel looks it up when it is wanted */
		param.attr.st_mode = de->type;
	}
	return fuse_add_direntry_plus(req, out, left, de->name, &param, (off_t)(pos + 1));
}

typedef size_t add_entry(fuse_req_t req, struct vfs_dir *d, uint64_t pos, const struct vfs_dirent *de, char *out, size_t left);

static void reply_dir(fuse_req_t req, size_t size, off_t off, const struct fuse_file_info *fi, add_entry *add)
{
	char *out = thread_buffer();
	size_t used = 0, left = min_u64(size, READ_MAX);
	struct vfs_dirent de;

	if (!out) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (uint64_t pos = (uint64_t)off; off >= 0 && vfs_dir_entry(dir_of(fi), pos, &de); pos++) {
		size_t n = add(req, dir_of(fi), pos, &de, out + used, left - used);

		if (n > left - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, out, used);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	reply_dir(req, size, off, fi, add_plain);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;
	reply_dir(req, size, off, fi, add_plus);
}

/* --- bytes --- */

static struct vfs_file *file_of(const struct fuse_file_info *fi)
{
	return (struct vfs_file *)(uintptr_t)fi->fh;
}

/* The handle to the kernel, or back where it does not want it any more. */
static void answer_open(fuse_req_t req, struct fuse_file_info *fi, struct vfs_file *f)
{
	int r;

	fi->fh = (uintptr_t)f;
	fi->keep_cache = vfs_is_fixed(f); /* a path of a commit never changes */
	r = vfs_passed(f) ? passthrough_reply(req, fi, vfs_passed(f)) : fuse_reply_open(req, fi);
	if (r < 0)
		vfs_release(f);
}

static void open_judged(struct request *q, int r, const struct err *err)
{
	struct vfs_file *f = NULL;
	struct err own = {0};

	if (r == 0) {
		r = vfs_open(q->ops->vfs, q->node, q->fi.flags, &f, &own);
		err = &own;
	}
	if (r < 0)
		request_error(q, r, err);
	else
		answer_open(q->req, &q->fi, f);
}

static void judged(void *ctx, int r, const struct err *err)
{
	struct request *q = ctx;

	if (parked_claim(&q->parked)) {
		open_judged(q, r, err);
		parked_answered(&q->parked);
	}
	parked_end(&q->parked);
}

/* A safe mount looks at the content first, which may have to come over the network. */
static void judge_open(fuse_req_t req, fuse_ino_t ino, const struct fuse_file_info *fi)
{
	struct request *q = request_begin(req, "open", ino, true);

	if (!q)
		return;
	q->fi = *fi;
	vfs_want_open(q->ops->vfs, ino, judged, q);
	parked_wait(&q->parked);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct vfs_file *f = NULL;
	struct err err = {0};
	int r;

	if (vfs_is_safe(vfs_of(req))) {
		judge_open(req, ino, fi);
		return;
	}
	r = vfs_open(vfs_of(req), ino, fi->flags, &f, &err);
	if (r < 0)
		reply_error(ops_of(req), req, "open", ino, r, &err);
	else
		answer_open(req, fi, f);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	vfs_release(file_of(fi));
	fuse_reply_err(req, 0);
}

/* The bytes of a reply: chunks in memory, or this thread's buffer. */
struct answer {
	struct iovec pieces[SPAN_PIECES_MAX];
	unsigned nr;
};

/* Whole or not at all: the kernel takes a short answer for the end of the file. */
static int fill_answer(const struct request *q, const struct span *span, struct answer *a)
{
	char *out;
	int r;

	a->nr = 0;
	if (!span && !q->len)
		return 0;
	if (!span || span_len(span) != q->len)
		return -EIO;
	a->nr = span_pieces(span, a->pieces);
	if (a->nr)
		return 0;
	out = thread_buffer();
	r = out ? span_read(span, out) : -ENOMEM;
	if (r < 0)
		return r;
	a->pieces[a->nr++] = (struct iovec){out, q->len};
	return 0;
}

static void read_came(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct request *q = ctx;
	struct answer a;

	if (r == 0) {
		r = fill_answer(q, span, &a);
		/* What the disk could not give back is a miss from now on, so it comes from the Hub when asked for again. */
		if (r == -EIO && span && q->disk_failures++ < DISK_FAILURES_MAX) {
			vfs_read_again(&q->read, q->off, q->len, read_came, q);
			return;
		}
	}
	if (parked_claim(&q->parked)) {
		if (r < 0)
			request_error(q, r, err);
		else
			fuse_reply_iov(q->req, a.pieces, (int)a.nr);
		parked_answered(&q->parked);
	}
	parked_end(&q->parked);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct request *q;
	const char *text;
	char copy[COMMIT_MAX];

	if (size > READ_MAX || off < 0) {
		fuse_reply_err(req, EINVAL); /* never by a kernel that read our INIT */
		return;
	}
	text = vfs_text(file_of(fi), (uint64_t)off, &size);
	if (text) {
		memcpy(copy, text, min_u64(size, sizeof(copy))); /* whoever has the answer may close the file before the reply is done with it */
		fuse_reply_buf(req, copy, min_u64(size, sizeof(copy)));
		return;
	}
	q = request_begin(req, "read", ino, true);
	if (!q)
		return;
	q->off = (uint64_t)off;
	q->len = vfs_read_len(file_of(fi), (uint64_t)off, size);
	q->disk_failures = 0;
	vfs_read(&q->read, file_of(fi), (uint64_t)off, size, read_came, q);
	parked_wait(&q->parked);
}

/* --- attributes --- */

static void reply_xattr(fuse_req_t req, uint64_t ino, int r, const struct buf *value, size_t size)
{
	if (r < 0)
		reply_error(ops_of(req), req, "getxattr", ino, r, NULL);
	else if (size == 0)
		fuse_reply_xattr(req, value->len);
	else if (value->len > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value->data, value->len);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	AUTO_BUF value = {0};
	int r = vfs_getxattr(vfs_of(req), ino, name, &value);

	reply_xattr(req, ino, r, &value, size);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	AUTO_BUF names = {0};
	int r = vfs_listxattr(vfs_of(req), ino, &names);

	reply_xattr(req, ino, r, &names, size);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	(void)ino;
	vfs_statfs(vfs_of(req), &st);
	fuse_reply_statfs(req, &st);
}

/* The kernel only wants to know that there is no such thing: Python's open() asks with TCGETS for every file. */
static void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
		     const void *in, size_t in_len, size_t out_len)
{
	(void)ino, (void)cmd, (void)arg, (void)fi, (void)flags, (void)in, (void)in_len, (void)out_len;
	fuse_reply_err(req, ENOTTY);
}

/* --- the table --- */

const struct fuse_lowlevel_ops ops_table = {
	.init = session_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.readlink = op_readlink,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.open = op_open,
	.read = op_read,
	.release = op_release,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.statfs = op_statfs,
	.ioctl = op_ioctl,
	.setattr = refuse_setattr,
	.mknod = refuse_mknod,
	.mkdir = refuse_mkdir,
	.create = refuse_create,
	.unlink = refuse_remove,
	.rmdir = refuse_remove,
	.symlink = refuse_symlink,
	.rename = refuse_rename,
	.link = refuse_link,
	.write = refuse_write,
	.fallocate = refuse_fallocate,
	.setxattr = refuse_setxattr,
	.removexattr = refuse_removexattr,
};

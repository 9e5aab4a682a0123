/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree as a filesystem, without a kernel: lookup, attributes, directories, reading, extended attributes. Names come from the
 * catalog, bytes from blobs; what is not in memory is waited for by a callback, never by a thread. Node ids are the kernel's.
 */
#ifndef HFFS_VFS_H
#define HFFS_VFS_H

#include <sys/stat.h>
#include <sys/statvfs.h>

#include <hffs/catalog.h>
#include <hffs/node.h>

struct vfs;

struct vfs_config {
	struct fetch *fetch;     /* borrowed */
	struct catalog *catalog; /* borrowed */
	const char *endpoint;    /* of inode numbers and user.hffs.url; copied */
	const struct repo_id *one_repo; /* copied; NULL: the whole Hub */
	const char *one_rev;            /* copied */
	const struct revision *one;     /* what that stands for; copied; NULL: asked for when it is needed */
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool is_stable; /* a name keeps its node: a symlink that moves is the same one, and the kernel must not keep its target */
	bool is_safe; /* files that run code when they are loaded cannot be opened: vfs_want_open() */
	/*
	 * Hands a file that never changes to readers past us: fd is borrowed. An id above 0, or -errno (then they read through us).
	 * NULL: never. Any thread; must not wait.
	 */
	int (*pass)(void *ctx, int fd);
	void (*unpass)(void *ctx, int id);
	void *pass_ctx;
	/* There is something for vfs_take_push(). NULL: nothing is ever pushed. Any thread; must not wait. */
	void (*push)(void *ctx);
	void *push_ctx;
	/* Appends the attribute user.hffs.status of the root; NULL: there is none. */
	void (*status)(void *ctx, struct buf *out);
	void *status_ctx;
};

int vfs_new(const struct vfs_config *config, struct vfs **out);
/* Every callback must have come, but handles may still be open. */
void vfs_free(struct vfs *v);
/* Gives back the blobs of handles that nobody will release any more. No call may be under way. */
void vfs_drop_files(struct vfs *v);

/* --- names --- */

struct vfs_entry {
	uint64_t node; /* 0: there is nothing, and that may be believed for entry_ms */
	struct stat attr;
	uint64_t entry_ms, attr_ms;
};
/*
 * e is there when r is 0, and counts one lookup of the kernel, to be given back by vfs_forget(); and when r is -ENOENT, with
 * node 0. Both are borrowed until done() returns.
 */
typedef void vfs_lookup_done(void *ctx, int r, const struct vfs_entry *e, const struct err *err);
/* name: one component; "." and ".." too. done() comes once, perhaps before this returns. -ESTALE: no such node. */
void vfs_lookup(struct vfs *v, uint64_t dir, const char *name, vfs_lookup_done *done, void *ctx);
void vfs_forget(struct vfs *v, uint64_t node, uint64_t lookups);
/* Memory only. 0, -ESTALE. out counts no lookup; its entry_ms is unused. */
int vfs_getattr(struct vfs *v, uint64_t node, struct vfs_entry *out);
/* Appends the target. Memory only. 0, -EINVAL, -ESTALE, -ENOMEM. */
int vfs_readlink(struct vfs *v, uint64_t node, struct buf *out);

/* --- directories --- */

struct vfs_dir;
/* dir: the caller's, to be closed. */
typedef void vfs_opendir_done(void *ctx, int r, struct vfs_dir *dir, const struct err *err);
/* One open directory is one snapshot. done() comes once, perhaps before this returns. */
void vfs_opendir(struct vfs *v, uint64_t node, vfs_opendir_done *done, void *ctx);
void vfs_closedir(struct vfs_dir *d);
/* It lists a commit: the kernel may keep what it has read of it. */
bool vfs_dir_is_fixed(const struct vfs_dir *d);

struct vfs_dirent {
	const char *name; /* borrowed from the directory */
	uint64_t ino;
	mode_t type; /* S_IFDIR, S_IFREG, S_IFLNK */
};
/* The entry at position pos ("." is 0, ".." is 1). False behind the last. Positions stay valid while d is open. */
bool vfs_dir_entry(const struct vfs_dir *d, uint64_t pos, struct vfs_dirent *out);
/* The entry as vfs_lookup() would give it, where that needs no request (and then it counts a lookup); else node 0. */
void vfs_dir_look(struct vfs_dir *d, uint64_t pos, struct vfs_entry *out);

/* --- bytes --- */

struct vfs_file;
/* flags of open(2). Memory only. -EROFS, -EISDIR, -ELOOP, -ESTALE, -EACCES (the digest is hidden by a gate), -ENOMEM. */
int vfs_open(struct vfs *v, uint64_t node, int flags, struct vfs_file **out, struct err *err);
/* Its bytes never change while the kernel knows the node. */
bool vfs_is_fixed(const struct vfs_file *f);
/* A file of our own making: its bytes at off, *len of them (0 behind the end), borrowed until it is released. NULL: it is read by vfs_read(). */
const char *vfs_text(const struct vfs_file *f, uint64_t off, size_t *len);
/*
 * Where vfs_is_safe(): may this file be opened? To be asked before each vfs_open(). done() comes once, perhaps before this returns: r 0,
 * -EACCES with a sentence, or as of blob_read(). err may be NULL.
 */
typedef void vfs_may_open(void *ctx, int r, const struct err *err);
void vfs_want_open(struct vfs *v, uint64_t node, vfs_may_open *done, void *ctx);
bool vfs_is_safe(const struct vfs *v);
/* Reads under way keep what they need. */
void vfs_release(struct vfs_file *f);
/* The id of config.pass() that this handle reads from; 0: by vfs_read(). The same for all handles of a node at a time. */
int vfs_passed(const struct vfs_file *f);
/* From now on files may be passed, or no longer are. None are before the first call. */
void vfs_let_pass(struct vfs *v, bool may);
bool vfs_may_pass(struct vfs *v);

/* The caller's memory until done(). */
struct vfs_read {
	struct vfs_file *file;
	read_done *done;
	void *ctx;
	uint64_t off;
	size_t len;
	bool is_proof; /* bytes that come are the Hub's leave to have them */
};
/*
 * Bytes [off, off + len), cut at the end of the file, as blob_read(): done() comes once, perhaps before this returns. Nothing
 * left to read: r 0 and span NULL.
 */
void vfs_read(struct vfs_read *op, struct vfs_file *f, uint64_t off, size_t len, read_done *done, void *ctx);
/* The same once more, of the same file, for who is in the done() of op and could not use the span. */
void vfs_read_again(struct vfs_read *op, uint64_t off, size_t len, read_done *done, void *ctx);
/* Bytes that a read of len at off must bring. */
size_t vfs_read_len(const struct vfs_file *f, uint64_t off, size_t len);
/* Files that were read and have more cached than the kernel was told: up to max node ids, each told once per growth. */
size_t vfs_take_grown(struct vfs *v, uint64_t *nodes, size_t max);

/*
 * The next chunk that readers take page by page and that is here: bytes of it, up to CHUNK_SIZE, are copied to out, to be put into the
 * kernel's page cache of that node. False: none is left. Blocks on disk.
 */
bool vfs_take_push(struct vfs *v, void *out, uint64_t *node, uint64_t *off, size_t *len);

/* Files of one content that turned out to be wrong: up to max node ids whose pages the kernel must forget. 0: no content left. */
size_t vfs_take_spoiled(struct vfs *v, uint64_t *nodes, size_t max);

/* --- attributes, numbers --- */

/* Appends the value (getxattr), or the names, each with its NUL (listxattr). -ENODATA, -EOPNOTSUPP (a foreign name), -ESTALE. */
int vfs_getxattr(struct vfs *v, uint64_t node, const char *name, struct buf *out);
int vfs_listxattr(struct vfs *v, uint64_t node, struct buf *out);
/* Is it one of our names? */
bool vfs_xattr_is_ours(const char *name);
void vfs_statfs(struct vfs *v, struct statvfs *out);

/* The end of a request that failed: remembered for user.hffs.last_error and vfs_stats(). node: 0 if it is no file's. */
void vfs_note_error(struct vfs *v, uint64_t node, const char *text);

/*
 * From now on revisions of repo (NULL: of all) may move though somebody reads them. Calls each() for every name that the kernel
 * should ask for again, under the lock: it may only take notes.
 */
typedef void vfs_stale_name(void *ctx, uint64_t dir, const char *name);
void vfs_refresh(struct vfs *v, const struct repo_id *repo, vfs_stale_name *each, void *ctx);
/*
 * Contents that were sealed since last asked: names of files that are being read through us and could be passed get a node of their
 * own for whoever opens them next. each() as in vfs_refresh().
 */
void vfs_take_sealed(struct vfs *v, vfs_stale_name *each, void *ctx);

struct vfs_stats {
	uint64_t lookups, reads, bytes_read, open_files, nodes;
	char last_error[ERR_TEXT_MAX];
	int64_t last_error_s; /* 0: none */
};
void vfs_stats(struct vfs *v, struct vfs_stats *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the vfs share: its state, and the few steps that each of them takes. */
#ifndef HFFS_FS_VFS_INT_H
#define HFFS_FS_VFS_INT_H

#include <stdatomic.h>

#include <hffs/name.h>
#include <hffs/thread.h>
#include <hffs/vfs.h>

#include "shown_int.h"

/* How long the kernel may believe. A commit never changes; a day bounds what a wrong answer of ours could cost. */
#define FOREVER_MS (24u * 3600 * 1000)
#define REPO_MS (5u * 60 * 1000)   /* a repository's own name: it may be renamed or deleted */
#define ABSENT_MS (60u * 1000)     /* a repository or revision that is not there: as long as the catalog remembers it */
#define GATE_MS (60u * 1000)       /* a commit of a gated repository: access may be granted */
#define KEPT_MS (5u * 1000)        /* a revision that has moved while somebody reads its old commit */

#define BLKSIZE (128u << 10) /* st_blksize: what buffered readers ask for at a time; half a chunk wastes little */
#define ERRORS_KEPT 32
#define PUSHES_KEPT 64 /* chunks waiting to be pushed into the page cache */
#define PAGED_SLOTS 64 /* chunks of a handle that were read by the page, by their index */
#define ABSENT_KEPT 64 /* names of which the kernel believes that they are not there */
#define GROWN_KEPT 256 /* closed between two ticks; what is more stays as the kernel knows it */

struct file_error {
	uint64_t ino; /* a node id would be gone when the kernel forgets the node */
	int64_t time_s;
	char text[ERR_TEXT_MAX];
};

/* A chunk that goes into the page cache. */
struct vfs_push {
	struct vfs_file *file; /* a reference */
	uint64_t chunk;
	uint32_t skip; /* bytes at its beginning that are not pushed */
	bool is_read;  /* instead of reads, page by page */
};

/* A repository or revision that was not there when asked for. */
struct absent_name {
	uint64_t dir; /* node id; 0: none */
	char name[NAME_LEN_MAX + 1];
};

struct vfs {
	struct fetch *fetch;
	struct catalog *catalog;
	char *endpoint;
	bool is_one;
	struct repo_id one_repo;
	char *one_rev;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	bool is_stable, is_safe;
	int (*pass)(void *ctx, int fd);
	void (*unpass)(void *ctx, int id);
	void *pass_ctx;
	void (*push)(void *ctx);
	void *push_ctx;
	atomic_bool may_pass;
	void (*status)(void *ctx, struct buf *out);
	void *status_ctx;
	int64_t start_s; /* the time of directories that have none */
	uint64_t root_ino;

	_Atomic uint64_t nr_lookups, nr_reads, nr_bytes;

	pthread_mutex_t lock; /* of everything below, every node and every site */
	struct nodes nodes;
	struct shown shown;
	struct vfs_file *files; /* open ones, newest first */
	uint64_t nr_files;
	uint64_t grown[GROWN_KEPT]; /* files closed with more cached than the kernel knows */
	size_t nr_grown;
	struct vfs_push pushes[PUSHES_KEPT]; /* first come, first */
	size_t nr_pushes;
	struct file_error errors[ERRORS_KEPT]; /* a ring; errors[error_next - 1] is the newest */
	size_t error_next;
	struct absent_name absent[ABSENT_KEPT]; /* a ring, for vfs_refresh(); what is more is believed for ABSENT_MS */
	size_t absent_next;
};

struct vfs_file {
	struct vfs *vfs;
	struct node *node; /* pinned */
	struct blob *blob; /* NULL: an empty file, or one of our own making, with text */
	char text[COMMIT_MAX];
	atomic_bool needs_grant; /* of a private or gated repository, and this identity has not been given it yet */
	uint64_t size;
	bool is_direct;  /* opened with O_DIRECT */
	bool is_counted; /* among the open files of its commit */
	int passed; /* vfs_passed() */
	atomic_uint refs; /* the handle, and each read under way */
	atomic_bool was_read;  /* since vfs_take_grown() */
	atomic_bool ever_read; /* so what is cached of the blob is known */
	atomic_uint push_ahead; /* chunks; vfs_push.c's, as the next */
	_Atomic uint32_t paged[PAGED_SLOTS];
	struct vfs_file *next, **prev; /* in vfs->files, under its lock */
};

/* The node, pinned; NULL if there is none. */
struct node *vfs_pin(struct vfs *v, uint64_t id);
void vfs_unpin(struct vfs *v, struct node *n);

/* attr and its lifetime; node id. Expects the lock. */
void fill_entry_locked(struct vfs *v, const struct node *n, uint64_t entry_ms, struct vfs_entry *out);
/* What the Hub says of the revision beside its commit. Expects the lock. */
void site_note(struct site *s, const struct revision *rev);
/* Which commit the one mounted repository stays with. Expects the lock. */
void site_settle(const struct vfs *v, struct site *s, const struct revision *rev);
/* Where a POINTER leads: appended. */
void pointer_target(const struct node *n, struct buf *out);
/* The same without the lock, for what a listing names: a file that was not read yet shows what is on disk of it. */
void fill_listed(struct vfs *v, struct node *n, uint64_t entry_ms, struct vfs_entry *out);
/* The child of a listing's directory, made where missing, looked up once more; NULL: no memory. */
struct node *look_entry_locked(struct vfs *v, struct node *dir, const struct tree_entry *e);
/* What a revision's symlink points to, in the node made or found: it moves to commit unless somebody reads the old one (then
 * *kept). NULL: no memory. */
struct node *look_link_locked(struct vfs *v, struct node *dir, const char *name, const char *commit, bool *kept);
/* The same for a file that holds the commit. */
struct node *look_ref_locked(struct vfs *v, struct node *dir, const char *name, const char *commit, bool *kept);
/* The beginning of revisions that a directory stands for ("" for a repository): appended. */
void refs_prefix(const struct node *dir, struct buf *out);
/* A directory of revisions (REPO, REFS, HUB_REFS): is it of a repository in .hub? */
bool is_in_hub(const struct node *dir);

void vfs_file_unref(struct vfs_file *f);
/* vfs_push.c: a read of a handle, for what it says of those that follow. */
void push_note(struct vfs_file *f, uint64_t off, size_t len);
fetch_swept push_swept;        /* for fetch_on_swept(), with the vfs */
void push_drop(struct vfs *v); /* forgets what is to be pushed */

/* vfs_passed.c: files that are read past us */
/* What a handle of n could be given if it is the first: NULL if it is not, or has to read through us. Blocks on nothing. */
struct passed *passed_try(struct vfs *v, struct node *n, struct blob *b);
/* Counts a handle of n; it reads as those before it, or as *fresh says, which then belongs to the node. */
void passed_enter_locked(struct node *n, struct passed **fresh, struct vfs_file *f);
/* The last handle brings what is to be freed without the lock; else NULL. */
struct passed *passed_leave_locked(struct node *n);
void passed_free(struct vfs *v, struct passed *p); /* NULL is fine */
/* What the kernel has of these bytes is wrong and cannot be taken back: the next handles are of another node. */
void passed_spoil_locked(struct vfs *v, struct node *n);

/*
 * Loads the listing of a node that has a commit's site, pinned by the caller until done(). Afterwards the site has a tree, or
 * is_wide is set; with is_complete always a tree, however many pages it takes.
 */
typedef void site_ready(void *ctx, int r, const struct err *err);
void want_site(struct vfs *v, struct node *commit, bool is_complete, site_ready *done, void *ctx);

#endif

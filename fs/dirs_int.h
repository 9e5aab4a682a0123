/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of opening a directory share. */
#ifndef HFFS_FS_DIRS_INT_H
#define HFFS_FS_DIRS_INT_H

#include "vfs_int.h"

struct dir_name {
	char *text;
	mode_t type;
	char commit[COMMIT_MAX]; /* of a revision; else "" */
};

struct vfs_dir {
	struct vfs *vfs;
	struct node *node; /* pinned */
	struct tree *tree; /* a reference, of a listing; else NULL and names count */
	uint32_t first, nr;
	struct dir_name *names; /* nr, sorted */
	size_t cap;
};

/* A directory being opened. */
struct dir_ask {
	struct vfs *vfs;
	struct vfs_dir *dir;
	vfs_opendir_done *done;
	void *ctx;
	struct repo_id repo;
	/* vfs_hub_dirs.c: */
	enum repo_kind kind; /* of which repositories are asked for now */
	char (*commits)[COMMIT_MAX]; /* nr_commits, sorted */
	size_t nr_commits;
	char **revs; /* nr_revs; those before next have been asked for */
	size_t nr_revs, next;
};

/* Adds to the snapshot: 0 or -ENOMEM. */
int add_name(struct vfs_dir *d, const char *text, size_t len, mode_t type, const char *commit);
/* Gives the directory, or the error, to who asked. */
void dir_ask_end(struct dir_ask *a, int r, const struct err *err);

/* vfs_hub_dirs.c: directories of .hub that are no listings. */
void open_hub_dir(struct dir_ask *a);
void hub_dir_done(struct dir_ask *a); /* frees what open_hub_dir() made */

#endif

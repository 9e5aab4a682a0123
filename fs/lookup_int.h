/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of looking up share: the lookup that waits for the catalog, its answers, and how a node is made or found. */
#ifndef HFFS_FS_LOOKUP_INT_H
#define HFFS_FS_LOOKUP_INT_H

#include <hffs/name.h>
#include <hffs/scheme.h>

#include "vfs_int.h"

/* Looks a name up in a listing that is there. */
typedef void look_in_tree(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx);

/* A lookup that the catalog must answer. */
struct ask {
	struct vfs *vfs;
	struct node *dir; /* pinned */
	vfs_lookup_done *done;
	void *ctx;
	struct repo_id repo;
	enum place place;
	look_in_tree *look; /* what comes after the listing */
	int r;              /* of what was asked first */
	struct err err;
	char name[NAME_LEN_MAX + 1];
	char rev[REPO_REV_MAX];
};

/* Pins dir. NULL: no memory. */
struct ask *ask_new(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx);
void ask_free(struct ask *a);

/* Asks the catalog what a revision of repo stands for (rev NULL: the repository itself); came() gets the ask, and ends it. */
void ask_revision(struct vfs *v, struct node *dir, const char *name, const struct repo_id *repo, const char *rev, revision_done *came,
		  vfs_lookup_done *done, void *ctx);
/*
 * Answers with what the catalog said: absence, an error, or the node that look() finds or makes under the lock (looked up once more; NULL: no
 * memory), with how long the kernel may believe the name. Frees a.
 */
typedef struct node *look_revision(struct ask *a, const struct revision *rev, uint64_t *ms);
void ask_end(struct ask *a, int r, const struct revision *rev, const struct err *err, look_revision *look);

/* There is no such name, and that holds for ms. err: why, where the catalog was asked. */
void say_absent(vfs_lookup_done *done, void *ctx, uint64_t ms, const struct err *err);
/* The catalog knows of no such repository or revision now. */
void say_gone(struct ask *a, const struct err *err);
void say_error(vfs_lookup_done *done, void *ctx, int r);
/* n: looked up once, or NULL for no memory. e was filled under the lock. */
void say_found(vfs_lookup_done *done, void *ctx, const struct node *n, const struct vfs_entry *e);

/* The child of this name and type, looked up once more; made where missing, with that site (a reference, or borrowed, as its type
 * wants it). NULL: no memory. */
struct node *look_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name, struct site *site);
/* The same for a type that owns its site; a new node gets one of its own. */
struct node *look_owner_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name, const struct repo_id *repo,
			       const char *commit);
/* A LINK or REF: the node of this name if it says the same, else a new one in its place (the same, if nodes are stable). Looked up
 * once more. NULL: no memory. */
struct node *look_target_locked(struct vfs *v, struct node *dir, enum node_type type, const char *name, const struct buf *target,
				struct site *site);
/*
 * ask_end() with a repository, in an organisation or in .hub, or a symlink to where it lives now. Where the Hub cannot be asked and its default
 * branch was never seen, any commit that this machine has used tells that it is there.
 */
void repo_answered(struct ask *a, int r, const struct revision *rev, const struct err *err);
/* The node of that type for a commit of the repository that a->dir belongs to. NULL: no memory. */
struct node *look_commit_locked(struct vfs *v, struct ask *a, enum node_type type, const struct revision *rev);
/* How long the kernel may believe what a revision stands for; kept: it has moved, but not here yet. */
uint64_t revision_entry_ms(const struct revision *rev, bool is_commit, bool kept);
/* What an entry of a directory's listing becomes below it. */
enum node_type entry_type(const struct node *dir, const struct tree_entry *e);
/* Loads the listing of dir, whose site is a commit's, then calls look() for the name. */
void lookup_listed(struct vfs *v, struct node *dir, const char *name, look_in_tree *look, vfs_lookup_done *done, void *ctx);
/* Answers with a directory that needs no request. */
void look_free(struct vfs *v, struct node *dir, enum node_type type, const char *name, int kind, vfs_lookup_done *done, void *ctx);

/*
 * Nothing is in the directory of an organisation: it may have been a repository without one. Then its name is a symlink from now
 * on, and done() gets -ESTALE, on which the kernel walks the path again; else -ENOENT. [Linux fs/namei.c filename_lookup()]
 */
typedef void old_name_done(void *ctx, int r);
void want_old_name(struct vfs *v, struct node *org, old_name_done *done, void *ctx);

/* A name in .hub, or below it where it is not lookup_in_repo()'s. */
void lookup_in_hub(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx);

/* A name in a repository, or below a beginning of its revisions. */
void lookup_in_repo(struct vfs *v, struct node *dir, const char *name, vfs_lookup_done *done, void *ctx);

#endif

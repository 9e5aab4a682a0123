/* SPDX-License-Identifier: Apache-2.0 */
/* A git repository with its history, read through git itself. */
#ifndef HFFS_SERVE_GIT_INT_H
#define HFFS_SERVE_GIT_INT_H

#include <hffs/buf.h>
#include <hffs/err.h>

#include "listing_int.h"

struct git;

/* dir: of the repository, bare or with a .git directory in it. NULL when out of memory. Starts nothing yet. */
struct git *git_new(const char *dir);
void git_free(struct git *g);
AUTO_DEFINE(struct git *, git_free)
/* Is there a git repository in dir? */
bool git_is_repo(const char *dir);
const char *git_dir(const struct git *g); /* the git directory, borrowed */

enum ref_kind { REF_BRANCH, REF_TAG, REF_CONVERT, REF_PULL };
struct ref {
	enum ref_kind kind;
	char *name; /* "main", "v1.0", "parquet"; the whole ref for REF_PULL */
	char *full; /* "refs/heads/main" */
	char commit[41];
};
struct refs {
	struct ref *list;
	size_t nr;
};
void refs_done(struct refs *r);
int refs_add(struct refs *r, enum ref_kind kind, const char *name, const char *full, const char *commit); /* 0 or -ENOMEM */

/* The refs, at most a second old. Caller calls refs_done(). */
int git_refs(struct git *g, struct refs *out, struct err *err);
/* The listing of a revision; caller unrefs. -ENOENT if there is no such revision. */
int git_listing(struct git *g, const char *rev, struct listing **out, struct err *err);
struct listing *git_find_content(struct git *g, const uint8_t sha256[32], const struct entry **e);
/* The blob of that id as it is in git. */
int git_read_blob(struct git *g, const uint8_t oid[20], struct buf *out);
/* The content of an LFS file: a descriptor, -ENOENT if it is not there or not of that size. */
int git_open_lfs(struct git *g, const uint8_t sha256[32], uint64_t size);

struct commit {
	char id[41];
	int64_t date_s;
	char *author, *title, *message;
};
struct commits {
	struct commit *list;
	size_t nr;
};
void commits_done(struct commits *c);
/* max commits from behind the first `skip` of a commit's history, newest first. */
int git_commits(struct git *g, const char *commit, size_t skip, size_t max, struct commits *out, struct err *err);
/* For each of nr paths the last commit that touched it, as commits->list[i]; an empty id where none was found. */
int git_last_commits(struct git *g, const char *commit, const char *const *paths, size_t nr, struct commits *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The repositories below the served directory, and what their revisions stand for. */
#ifndef HFFS_SERVE_REPO_INT_H
#define HFFS_SERVE_REPO_INT_H

#include <hffs/err.h>
#include <hffs/serve_http.h>

#include "git_int.h"
#include "listing_int.h"
#include "live_int.h"
#include "stock_int.h"

struct repo {
	enum repo_kind kind;
	char *id;       /* in its own spelling */
	char db_id[25]; /* 24 hex digits, from kind and id */
	char *dir;      /* absolute, without links; NULL if it is of a source */
	struct git *git;   /* exactly one of the three */
	struct live *live;
	struct stock *stock;
};

struct repos;

/* dir: the served directory, copied; source: of what that has not, borrowed until repos_close(). One of them may be NULL. */
int repos_open(const char *dir, const struct serve_source *source, const char *state_dir, struct repos **out, struct err *err);
/* From now on nothing is hashed: requests that wait for that fail. */
void repos_stop(struct repos *rs);
void repos_close(struct repos *rs);
AUTO_DEFINE(struct repos *, repos_close)

/*
 * The repository of that id, borrowed until repos_close(); one stat(). -ENOENT if there is none. -EXDEV if it is there in
 * another spelling, which is then in canonical.
 */
int repos_find(struct repos *rs, enum repo_kind kind, const char *id, struct repo **out, char canonical[ROUTE_ID_MAX]);
/* One that was found before, by its database id; NULL if none. */
struct repo *repos_find_db_id(struct repos *rs, const char *db_id);
/* The ids of a kind, those of author if it is not NULL, sorted. Caller frees with repos_free_ids(). 0 or -ENOMEM. */
int repos_list(struct repos *rs, enum repo_kind kind, const char *author, char ***out, size_t *nr);
void repos_free_ids(char **ids, size_t nr);
/* Is there a directory of that organisation? */
bool repos_has_org(struct repos *rs, const char *org);

/* The listing of a revision; caller unrefs. -ENOENT if there is no such revision. */
int repo_listing(struct repo *r, const char *rev, struct listing **out, struct err *err);
/*
 * As repo_listing(), for a file that is about to be sent: where the revision is a branch and the file at path is no longer what
 * the listing says, a plain folder is looked at again first.
 */
int repo_listing_for(struct repo *r, const char *rev, const char *path, struct listing **out, struct err *err);
/* A listing that is in memory and holds this LFS content; NULL if none. Caller unrefs; *e is borrowed from it. */
struct listing *repo_find_content(struct repo *r, const uint8_t sha256[32], const struct entry **e);
/* Can the bytes of a file be had, as far as that is known without looking? 0 or -ENODATA. */
int repo_check_entry(struct repo *r, const struct entry *e);
/* The bytes of a file: a descriptor, or where fd stays -1 the bytes in b. -ESTALE, -ENOENT if they are gone; -ENODATA: the source has the
 * listing only. */
int repo_open_entry(struct repo *r, const struct entry *e, int *fd, struct buf *b);
/* The same for what git holds: of an LFS file the pointer. */
int repo_open_raw(struct repo *r, const struct entry *e, int *fd, struct buf *b);
/* Branches, tags and so on. Caller calls refs_done(). */
int repo_refs(struct repo *r, struct refs *out, struct err *err);
/* max commits of the history of a listing's commit, from behind the first `skip`, newest first. Caller calls commits_done(). */
int repo_commits(struct repo *r, const struct listing *l, size_t skip, size_t max, struct commits *out, struct err *err);
/* For each entry the last commit that touched it, out->list[i]. Caller calls commits_done(). */
int repo_last_commits(struct repo *r, const struct listing *l, const struct entry *const *list, size_t nr, struct commits *out,
		      struct err *err);

#endif

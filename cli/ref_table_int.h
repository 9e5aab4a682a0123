/* SPDX-License-Identifier: Apache-2.0 */
/* The branches, tags, converts and pull requests of a repository with their commits: from the catalog, or from a mount. */
#ifndef HFFS_REF_TABLE_INT_H
#define HFFS_REF_TABLE_INT_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/err.h>
#include <hffs/repo.h>

struct catalog;

/* In the order in which they are shown. */
enum ref_sort { REF_SORT_BRANCH, REF_SORT_TAG, REF_SORT_UNKNOWN /* a branch or a tag */, REF_SORT_CONVERT, REF_SORT_PULL };

struct ref_row {
	char *name; /* as a revision: "main", "v1.0", "refs/pr/3" */
	char commit[COMMIT_MAX];
	enum ref_sort sort;
	bool is_cached; /* the commit's listing is in the cache */
};
struct ref_table {
	char repo[REPO_NAME_MAX + 16]; /* where it lives now, "datasets/..." in front */
	struct ref_row *rows;
	size_t nr, cap;
	bool with_pulls; /* set by the caller: are pull requests wanted? */
	bool is_partial; /* the Hub could not be asked: only what this machine has used is here, and why says the reason */
	struct err why;
};

/* Both: 0 and a sorted table, or -errno with a sentence. top: the mount, a '/' at its end. */
int ref_table_from_catalog(struct ref_table *t, struct catalog *c, const struct repo_id *repo, bool is_locked, struct err *err);
int ref_table_from_mount(struct ref_table *t, const char *top, const struct repo_id *repo, struct err *err);
void ref_table_done(struct ref_table *t);
static inline void ref_table_done_auto(struct ref_table *t)
{
	ref_table_done(t);
}
#define AUTO_REF_TABLE __attribute__((cleanup(ref_table_done_auto))) struct ref_table

/* Has an error of this kind no other answer than to be told? Else what was used may be shown instead. */
static inline bool ref_error_is_final(int r)
{
	return r == -ENOENT || r == -EACCES || r == -EPERM || r == -ENOMEM || r == -ENOTDIR;
}

/* Adds a row; one that is not wanted is left out. 0, -ENOMEM. */
int ref_table_add(struct ref_table *t, const char *name, const char *commit, enum ref_sort sort);
/* Sorts, and marks the rows whose commit is among `commits`, one a line. */
void ref_table_finish(struct ref_table *t, const struct buf *commits);

#endif

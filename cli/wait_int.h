/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog's answers for verbs that have nothing else to do meanwhile: they wait. Never on a thread of hub, cache or fetch. */
#ifndef HFFS_WAIT_INT_H
#define HFFS_WAIT_INT_H

#include <hffs/catalog.h>

int wait_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out, struct err *err);
/* The name under which a repository lives now, where that is another: true, and *out. The Hub is asked where nothing is known of it,
 * for 5 s at most. */
bool wait_moved(struct catalog *c, const struct repo_id *repo, struct repo_id *out);
/* The caller owns the reference. */
int wait_tree(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, struct err *err);
/* The same of what the Hub lists, where the catalog is locked to something else. */
int wait_listing(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, struct err *err);
/* The whole listing, or of a large commit the top directory alone (whole false). */
int wait_top(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, bool *whole, struct err *err);
/* One entry by its path, as a tree of that entry alone. -ENOENT. */
int wait_path(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, struct tree **out, struct err *err);
/* May this identity have a content that is cached? */
int wait_grant(struct catalog *c, const struct object_ref *from, struct err *err);
/* Makes [off, off + len) of a blob present. */
int wait_ensure(struct blob *b, uint64_t off, uint64_t len, struct err *err);
/* What the index knows of a blob: caller frees. */
int wait_rows(struct cache *c, const struct blob_id *id, uint64_t size, struct cache_rows **out);
/* Names, one a line, into out: repositories of an organisation, or (org NULL) the organisations that this machine has used. */
int wait_names(struct catalog *c, enum repo_kind kind, const char *org, struct buf *out, struct err *err);

/* What this machine has used, one a line: of NULL the organisations, of one its repositories, of "org/name" its commits. */
int wait_used(struct catalog *c, enum repo_kind kind, const char *org, struct buf *out, struct err *err);
/* Of one repository: revisions that were used and are no commits; commits whose listing is here. Never a request. */
int wait_used_revisions(struct catalog *c, const struct repo_id *repo, struct buf *out, struct err *err);
int wait_listed_commits(struct catalog *c, const struct repo_id *repo, struct buf *out, struct err *err);
/* What a revision stood for when it was last asked for. Never a request. */
int wait_known(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out, struct err *err);
/* Calls each() for every ref. */
int wait_refs(struct catalog *c, const struct repo_id *repo, void (*each)(void *ctx, const struct known_ref *ref), void *ctx,
	      struct err *err);

#endif

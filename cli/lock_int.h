/* SPDX-License-Identifier: Apache-2.0 */
/* Lock files of verbs and mounts: made from a listing, and held against what the Hub lists. */
#ifndef HFFS_LOCK_INT_H
#define HFFS_LOCK_INT_H

#include <hffs/catalog.h>
#include <hffs/lockfile.h>

#include "config_int.h"
#include "listing_int.h"

/* What is to be locked: a revision of a repository, and the files of it that match. */
struct lock_wish {
	const char *repo_text; /* as the user wrote it, for sentences */
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	char *const *patterns;
	size_t nr_patterns;
};

/*
 * The entry of a wish, through a mount that shows the same Hub, else in this process with the cache of the user. No content is fetched.
 * -ENOENT: no file matches; -EACCES: a digest is hidden. out is {0} and stays so on failure.
 */
int lock_make(const struct config *c, const struct lock_wish *wish, struct lock_entry *out, struct err *err);
/* Puts the entry into the file, beside what other repositories and revisions have there; makes it if there is none. */
int lock_write(const char *path, struct lock_entry *e, struct err *err);
/*
 * The lock of the configuration against the listings of its commits, as stored here or as the Hub has them: -EBADMSG with a sentence
 * where they differ. A Hub that does not answer, or has it no longer, is a warning in the log: what is cached can be read.
 */
int lock_check(const struct config *c, struct fetch *f, struct err *err);

#endif

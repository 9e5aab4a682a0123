/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory layout of the official client's cache:
 *     models--ORG--NAME/blobs/<digest>           contents: 64 digits, SHA-256 (LFS); 40 digits, git object id
 *     models--ORG--NAME/snapshots/<commit>/PATH  links to them
 *     models--ORG--NAME/refs/<revision>          a file of 40 digits: the commit
 * Reading believes nothing: names are checked, links are taken for their last component alone, contents are proven by whoever takes them.
 */
#ifndef HFFS_HUB_CACHE_INT_H
#define HFFS_HUB_CACHE_INT_H

#include <hffs/lockfile.h>

/* "models--org--name": 0 or -EINVAL. */
int hub_cache_parse_name(const char *name, struct repo_id *out);
/* Appends it. */
void hub_cache_add_name(struct buf *out, const struct repo_id *repo);

struct hub_cache_blob {
	char *path; /* of the file, absolute if dir was */
	struct blob_id id;
};
/* The contents of one repository. each() may stop with a negative value. What is not named by a digest is left out, and counted. */
int hub_cache_each_blob(const char *repo_dir, int (*each)(void *ctx, const char *path, const struct blob_id *id), void *ctx,
			size_t *strangers, struct err *err);
/*
 * What the snapshots of a repository show, as entries of a lock: one for each ref, and one for each commit without. Files whose content is
 * not in blobs/ are left out; *copies counts those that are no links, so nothing names their digest.
 */
int hub_cache_add_entries(const char *repo_dir, const struct repo_id *repo, struct lockfile *out, size_t *copies, struct err *err);

/* --- writing --- */

/* Bytes from fd, size of them, as blobs/<digest>: shared with the file where the file system can, else copied. What is there of this size stays. */
int hub_cache_put_blob(const char *repo_dir, const struct blob_id *id, int fd, uint64_t size, struct err *err);
/* The link snapshots/<commit>/<path>; and refs/<rev>, unless it is the commit. */
int hub_cache_put_link(const char *repo_dir, const char *commit, const char *path, const struct blob_id *id, struct err *err);
int hub_cache_put_ref(const char *repo_dir, const char *rev, const char *commit, struct err *err);

#endif

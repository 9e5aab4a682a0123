/* SPDX-License-Identifier: Apache-2.0 */
/* What a repository holds, as a sorted list of paths: from a tree of the catalog, or from a directory of a mount. */
#ifndef HFFS_LISTING_INT_H
#define HFFS_LISTING_INT_H

#include <stdbool.h>

#include <hffs/tree.h>

struct listing_entry {
	char *path; /* from the root of the repository */
	uint64_t size;
	struct blob_id id; /* of a tree's files only */
	bool is_dir;
};
struct listing {
	struct listing_entry *entries; /* by path, in byte order */
	size_t nr, cap;
};

/* Of `below` ("" is the root): its children, with recursive everything below; a file lists itself. -ENOENT. */
int listing_from_tree(struct listing *l, const struct tree *t, const char *below, bool recursive, struct err *err);
/* The same of the directory dir. Files that cannot be looked at end it with their errno. */
int listing_from_dir(struct listing *l, const char *dir, const char *below, bool recursive, struct err *err);
/* Keeps files that match one of the patterns (fnmatch; '*' also matches '/', and "dir/" means all below), all without patterns. */
void listing_keep_files(struct listing *l, char *const *patterns, size_t nr);
/* Moves the entries of another listing behind its own; -ENOMEM, and nothing is moved. */
int listing_take(struct listing *l, struct listing *from);
uint64_t listing_bytes(const struct listing *l);
void listing_done(struct listing *l);
static inline void listing_done_auto(struct listing *l)
{
	listing_done(l);
}
#define AUTO_LISTING __attribute__((cleanup(listing_done_auto))) struct listing

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The files of one commit, immutable once finished. */
#ifndef HFFS_SERVE_LISTING_INT_H
#define HFFS_SERVE_LISTING_INT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>

#include <hffs/map.h>

/* What tells whether a file is still the one that was hashed. */
struct stamp {
	uint64_t ino, size;
	int64_t mtime_ns, ctime_ns;
};

struct entry {
	char *path;   /* from the root of the repository; owned */
	char *target; /* plain folders: where the bytes are, if path is a symbolic link; owned, else NULL */
	uint64_t size;
	struct stamp stamp; /* plain folders */
	size_t end;         /* directories: index behind the last descendant, which all follow directly */
	uint8_t oid[20];    /* git id: of the blob, of the LFS pointer, of the tree */
	uint8_t sha256[32]; /* LFS files */
	bool is_dir, is_lfs;
	bool is_hashed;  /* plain folders: the digest is known */
	bool is_settled; /* plain folders: it was made long enough after the last change to be believed from now on */
};

struct listing {
	atomic_int refs;
	uint8_t commit[20];
	char commit_hex[41];
	int64_t date_s;
	uint8_t tree[20];
	struct entry *entries; /* in the order of listing_compare() */
	size_t nr, cap;
	uint64_t size;        /* bytes of all files */
	uint64_t walk_ms;     /* plain folders: how long finding the files took, without hashing */
	struct map by_sha256; /* LFS files */
};

struct listing *listing_new(void); /* NULL when out of memory */
void listing_unref(struct listing *l);
struct listing *listing_ref(struct listing *l);
AUTO_DEFINE(struct listing *, listing_unref)

/* Adds an entry with this path (copied) and nothing else; NULL when out of memory. Only before listing_finish(). */
struct entry *listing_add(struct listing *l, const char *path, size_t len);
/* Adds the directories that the files imply. Sorts. 0 or -ENOMEM. */
int listing_add_dirs(struct listing *l);
/* Sorts, links directories with their content, indexes LFS files. 0 or -ENOMEM. */
int listing_finish(struct listing *l);
/* After listing_finish(): git tree ids of all directories and of the root, from the files' ids. 0 or -ENOMEM. */
int listing_make_trees(struct listing *l);
void listing_set_commit(struct listing *l, const uint8_t commit[20]);

/* Bytes, but '/' before all others: so a directory is followed by what is in it. */
int listing_compare(const char *a, const char *b);
/* NULL if there is no such path; "" is no entry. */
const struct entry *listing_find(const struct listing *l, const char *path);
const struct entry *listing_find_sha256(const struct listing *l, const uint8_t sha256[32]);
/* Index of the first entry that comes after path. */
size_t listing_after(const struct listing *l, const char *path);

/*
 * Walks what is in dir ("" the root), one level or all of it, from behind the path `cursor` ("" the start). Gives NULL at
 * the end. -ENOENT if dir is no directory of the listing.
 */
struct walk {
	const struct listing *listing;
	size_t i, end;
	bool recursive;
};
int walk_init(struct walk *w, const struct listing *l, const char *dir, bool recursive, const char *cursor);
const struct entry *walk_next(struct walk *w);

#endif

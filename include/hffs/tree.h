/* SPDX-License-Identifier: Apache-2.0 */
/* The listing of one commit as an immutable tree: directories made from paths, unsafe names hidden and counted. */
#ifndef HFFS_TREE_H
#define HFFS_TREE_H

#include <hffs/buf.h>
#include <hffs/hub.h>

/*
 * Entries are numbered: 0 is the root; the children of a directory are contiguous and sorted by name (bytes). About 80 bytes an
 * entry and its name.
 */
struct tree_entry {
	uint64_t size;
	struct blob_id id; /* files; algo 0: unknown (a masked digest) */
	uint8_t type;      /* enum hub_entry_type */
	uint8_t is_lfs;
	uint32_t parent;
	uint32_t first, nr; /* directories: entries [first, first + nr) */
	uint32_t name_off, name_len;
};

struct tree;

struct tree_builder;
struct tree_builder *tree_builder_new(void);
void tree_builder_free(struct tree_builder *b);
AUTO_DEFINE(struct tree_builder *, tree_builder_free)
/* Adds what a page brought; entries are copied; unsafe paths are counted as hidden. 0, -ENOMEM, -EFBIG (over 4,000,000 entries). */
int tree_builder_add(struct tree_builder *b, const struct hub_entry *entries, size_t nr);
/*
 * Sorts and links. A path that is both file and directory becomes the directory; of duplicates the last stays (both counted).
 * Afterwards the builder can only be freed.
 */
int tree_builder_finish(struct tree_builder *b, struct tree **out);

struct tree *tree_ref(struct tree *t);
void tree_unref(struct tree *t);
AUTO_DEFINE(struct tree *, tree_unref)
uint32_t tree_nr(const struct tree *t);     /* entries, with the root */
uint32_t tree_hidden(const struct tree *t); /* listed by the Hub, not shown */
bool tree_is_masked(const struct tree *t);  /* some digests were hidden by the Hub (a gate) */
size_t tree_bytes(const struct tree *t);     /* of memory */
const struct tree_entry *tree_entry(const struct tree *t, uint32_t idx);
const char *tree_name(const struct tree *t, const struct tree_entry *e); /* NUL-terminated, borrowed from t */
/* The child of directory dir, or NULL. Binary search. */
const struct tree_entry *tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len);
/* From the root: "a/b/c"; "" is the root. NULL if it is not there. */
const struct tree_entry *tree_find_path(const struct tree *t, const char *path);
/* The Xet hash of a file, 32 bytes, borrowed from t; NULL: the Hub named none. */
const uint8_t *tree_xet(const struct tree *t, const struct tree_entry *e);
/* A file of this content, the first in the tree's order; NULL: none, or no memory for the index that the first call makes. */
const struct tree_entry *tree_find_blob(struct tree *t, const struct blob_id *id);
/* Directories between the root and e: 0 for its children. */
unsigned tree_depth(const struct tree *t, const struct tree_entry *e);
uint32_t tree_idx(const struct tree *t, const struct tree_entry *e);
/* Appends the path from the root ("" for the root). */
void tree_path(const struct tree *t, const struct tree_entry *e, struct buf *out);

/*
 * What a filter lets be seen of a tree, as a tree of its own. 0 or -ENOMEM. dir: NULL, or the directory that t has the entries of, named
 * by their last part ("": the root's); then its directories stay, since nobody knows what is in them, unless they
 * are denied with all that may be.
 */
struct filter;
int tree_filter(const struct tree *t, const char *dir, const struct filter *f, struct tree **out);

/* Bytes for the cache and back; load checks everything (-EBADMSG): a stored tree is bytes from outside. */
int tree_store(const struct tree *t, struct buf *out);
int tree_load(const void *bytes, size_t len, struct tree **out);

#endif

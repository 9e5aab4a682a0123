/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nodes that the kernel knows: ids, parents, names, lookup counts. No I/O and no lock: the owner (vfs.c) holds its own around
 * every call.
 */
#ifndef HFFS_NODE_H
#define HFFS_NODE_H

#include <stdbool.h>

#include <hffs/tree.h>

enum node_type {
	NODE_ROOT,   /* of the whole Hub */
	NODE_KIND,   /* datasets, spaces */
	NODE_ORG,
	NODE_REPO,
	NODE_REFS,   /* the beginning of revisions with slashes: refs, refs/pr */
	NODE_LINK,   /* a revision to its commit, a moved repository to where it lives */
	NODE_COMMIT, /* the root of a listing; of the whole mount where one repository is mounted */
	NODE_DIR,
	NODE_FILE,
	NODE_LARGE_DIR, /* of a commit that is listed directory by directory: has a site, and so a listing, of its own */
	/* The layout of the Hugging Face cache: */
	NODE_HUB,           /* .hub */
	NODE_HUB_REPO,      /* models--org--name */
	NODE_HUB_REFS,      /* refs; what is below with slashes is REFS */
	NODE_REF,           /* a file that holds a commit */
	NODE_HUB_BLOBS,     /* blobs */
	NODE_BLOB,          /* a file named by its content; also one of a directory that is looked up by the entry */
	NODE_HUB_SNAPSHOTS, /* snapshots */
	NODE_SNAPSHOT,      /* a commit in it */
	NODE_SNAP_DIR,
	NODE_POINTER,       /* a file of it: a symlink to a BLOB */
	NODE_HUB_ABSENT,    /* .no_exist */
	NODE_ABSENT_COMMIT, /* a commit in it: an empty file for every name that its listing does not have */
	NODE_ABSENT_DIR,
	NODE_ABSENT_FILE,
};

/*
 * What the nodes of one repository (commit ""), or of one commit of it, share. Of a large commit each directory has one, whose tree
 * has that directory's entries alone.
 */
struct site {
	uint32_t refs;
	struct repo_id repo;
	char commit[COMMIT_MAX]; /* "" in a repository, and where one is mounted at the root until it was asked for */
	bool is_gated;
	int64_t mtime_s;
	struct hub_card card;
	uint64_t ino;        /* of the commit's directory */
	struct tree *tree;   /* a reference; NULL until loaded, then for ever */
	bool is_large;       /* tree is not the whole commit; known when tree is there, or is_wide is set */
	bool is_wide;        /* the directory alone has too many pages: entries are looked up one by one, unless tree is there */
	char *path;          /* of the directory below the commit; NULL: the root. Owned */
	struct site *root;   /* a reference, of the commit's own site; NULL: this is it */
	struct site *next, **prev; /* in nodes.sites; prev NULL: not there */
};

struct passed;

struct node {
	uint64_t id;  /* of the kernel: counted up, never used again */
	uint64_t ino; /* st_ino */
	struct node *parent; /* NULL for the root */
	struct node *next_by_id, *next_by_name;
	struct site *site;  /* repositories and below: a reference of who owns_site() says, borrowed from them by others */
	const char *name;   /* of entries of a listing borrowed from site->tree, else owned; "" for the root */
	char *target;       /* LINK; REF: the commit. Owned */
	uint64_t lookups;   /* the kernel's */
	uint32_t pins;      /* children, handles, calls under way */
	uint32_t entry;     /* of what stands for an entry of a listing: index in site->tree */
	uint32_t cached_4k; /* FILE: what was cached when somebody last looked, in 4 KiB */
	uint32_t opens;     /* FILE: handles */
	struct passed *passed; /* FILE: what all its handles read from, past us; NULL: they read through us, or there are none */
	uint8_t verdict;    /* with a blob: vfs_safe.c's */
	uint8_t type;       /* enum node_type */
	uint8_t kind;       /* enum repo_kind; of KIND and below */
	bool is_named;      /* found by (parent, name) */
	bool knows_disk;    /* files: cached_4k was looked up */
	bool is_bad;        /* FILE: passed, and the bytes have turned out to be wrong: no more handles until the last is gone */
};

#define NODE_ROOT_ID 1

struct nodes {
	struct node **by_id, **by_name;
	size_t cap, nr; /* buckets, a power of two; nodes */
	uint64_t last_id;
	struct node *root;
	struct site *sites; /* commits, each once, whatever nodes show it */
};

/* A file of a listing, with bytes to be fetched. */
static inline bool node_has_blob(const struct node *n)
{
	return n->type == NODE_FILE || n->type == NODE_BLOB;
}
/* Its children are the entries of a listing, once that is loaded. */
static inline bool node_is_listed(const struct node *n)
{
	return n->type == NODE_COMMIT || n->type == NODE_DIR || n->type == NODE_LARGE_DIR || n->type == NODE_SNAPSHOT ||
	       n->type == NODE_SNAP_DIR;
}

/* A table with its root (id 1, pinned). 0 or -ENOMEM. */
int nodes_init(struct nodes *t, enum node_type root_type, uint64_t root_ino);
/* Frees every node, whatever is still counted. */
void nodes_done(struct nodes *t);

struct node *node_find(const struct nodes *t, uint64_t id);                                                 /* NULL if none */
struct node *node_find_child(const struct nodes *t, const struct node *parent, const char *name, size_t len); /* NULL if none */
/*
 * A new node below parent (which it pins), in the place of an older one of that name, with its st_ino, not counted yet: pin
 * it or count a lookup, else the next node_unpin() of anybody may not free it. name: copied, but borrowed for entries of a
 * listing. It takes over the site reference for REPO, COMMIT and their likes in .hub, and BLOB. NULL: no memory (the site stays the caller's).
 */
struct node *node_add(struct nodes *t, struct node *parent, enum node_type type, const char *name, size_t len, struct site *site);
/* No longer found by its name; lives on while it is counted. */
void node_detach(struct nodes *t, struct node *n);

void node_look(struct node *n); /* counts one lookup of the kernel */
void node_forget(struct nodes *t, struct node *n, uint64_t lookups);
void node_pin(struct node *n);
void node_unpin(struct nodes *t, struct node *n); /* frees what nothing counts any more, up to the root */

struct site *site_new(const struct repo_id *repo, const char *commit); /* one reference; NULL: no memory */
struct site *site_ref(struct site *s);
void site_unref(struct site *s);
/* The site of a commit that some node has; NULL: none. */
struct site *nodes_find_site(const struct nodes *t, const struct repo_id *repo, const char *commit);
/* The same with a reference, made where there is none. NULL: no memory. */
struct site *nodes_site(struct nodes *t, const struct repo_id *repo, const char *commit);
/* The site of a directory called name in a large commit's directory. One reference. NULL: no memory. */
struct site *site_new_below(struct site *dir, const char *name);
/* The one that counts for the commit. */
static inline struct site *site_root(struct site *s)
{
	return s->root ? s->root : s;
}
/* Appends the path of an entry of s->tree from the commit's root. */
void site_path(const struct site *s, const struct tree_entry *e, struct buf *out);
/* No longer found; lives on while it is referenced. */
void site_leave(struct site *s);

/* st_ino of the directory as the parent of its children: that of the commit where a commit's directory is the root. */
uint64_t node_dir_ino(const struct node *n);
/* Appends the path from the mount's root, without a leading slash. */
void node_path(const struct node *n, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Refs, or names, that many may look at: immutable and counted. */
#ifndef HFFS_FETCH_CATALOG_LISTING_INT_H
#define HFFS_FETCH_CATALOG_LISTING_INT_H

#include <hffs/buf.h>
#include <hffs/catalog.h>

struct listing {
	_Atomic unsigned refs;
	size_t nr;
	struct known_ref *known; /* of a repository, or NULL */
	const char **names;      /* of anything else, or NULL; sorted */
	char *text;              /* where all names stand */
	size_t bytes;            /* of memory */
};

struct listing *listing_ref(struct listing *l);
void listing_unref(struct listing *l); /* NULL is fine */
AUTO_DEFINE(struct listing *, listing_unref)

/* What a listing is made of: names by listing_add(), one commit a name for refs. {0} is empty. */
struct listing_maker {
	struct buf text; /* names, each with its NUL */
	struct buf marks; /* refs: struct listing_mark by name */
	size_t nr;
};
struct listing_mark {
	char commit[COMMIT_MAX];
	bool is_tag;
};
/* A name that equals the last one added is left out. Out of memory shows when the listing is made. */
void listing_add(struct listing_maker *m, const char *name, size_t len);
/* A name that is not a safe path, or a commit that is none, is left out. */
void listing_add_ref(struct listing_maker *m, const char *name, const char *commit, bool is_tag);
/* Names sorted by bytes, each once. NULL: no memory. */
struct listing *listing_make_names(struct listing_maker *m);
/* Refs in the order they came. NULL: no memory. */
struct listing *listing_make_refs(struct listing_maker *m);
void listing_maker_done(struct listing_maker *m);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Refs, or names, that many may look at: immutable and counted. */
#ifndef HFFS_FETCH_CATALOG_LISTING_INT_H
#define HFFS_FETCH_CATALOG_LISTING_INT_H

#include <hffs/buf.h>
#include <hffs/catalog.h>

struct names {
	_Atomic unsigned refs;
	size_t nr;
	struct known_ref *known; /* of a repository, or NULL */
	const char **names;      /* of anything else, or NULL; sorted */
	char *text;              /* where all names stand */
	size_t bytes;            /* of memory */
};

struct names *names_ref(struct names *l);
void names_unref(struct names *l); /* NULL is fine */
AUTO_DEFINE(struct names *, names_unref)

/* What a listing is made of: names by names_add(), one commit a name for refs. {0} is empty. */
struct names_maker {
	struct buf text; /* names, each with its NUL */
	struct buf marks; /* refs: struct names_mark by name */
	size_t nr;
};
struct names_mark {
	char commit[COMMIT_MAX];
	bool is_tag;
};
/* A name that equals the last one added is left out. Out of memory shows when the listing is made. */
void names_add(struct names_maker *m, const char *name, size_t len);
/* A name that is not a safe path, or a commit that is none, is left out. */
void names_add_ref(struct names_maker *m, const char *name, const char *commit, bool is_tag);
/* Names sorted by bytes, each once. NULL: no memory. */
struct names *names_make_names(struct names_maker *m);
/* Refs in the order they came. NULL: no memory. */
struct names *names_make_refs(struct names_maker *m);
void names_maker_done(struct names_maker *m);

#endif

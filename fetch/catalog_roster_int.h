/* SPDX-License-Identifier: Apache-2.0 */
/* Refs, or names, that many may look at: immutable and counted. */
#ifndef HFFS_FETCH_CATALOG_ROSTER_INT_H
#define HFFS_FETCH_CATALOG_ROSTER_INT_H

#include <hffs/buf.h>
#include <hffs/catalog.h>

struct roster {
	_Atomic unsigned refs;
	size_t nr;
	struct known_ref *known; /* of a repository, or NULL */
	const char **names;      /* of anything else, or NULL; sorted */
	char *text;              /* where all names stand */
	size_t bytes;            /* of memory */
};

struct roster *roster_ref(struct roster *l);
void roster_unref(struct roster *l); /* NULL is fine */
AUTO_DEFINE(struct roster *, roster_unref)

/* What a roster is made of: names by roster_add(), one commit a name for refs. {0} is empty. */
struct roster_maker {
	struct buf text; /* names, each with its NUL */
	struct buf marks; /* refs: struct roster_mark by name */
	size_t nr;
};
struct roster_mark {
	char commit[COMMIT_MAX];
	bool is_tag;
};
/* A name that equals the last one added is left out. Out of memory shows when the roster is made. */
void roster_add(struct roster_maker *m, const char *name, size_t len);
/* A name that is not a safe path, or a commit that is none, is left out. */
void roster_add_ref(struct roster_maker *m, const char *name, const char *commit, bool is_tag);
/* Names sorted by bytes, each once. NULL: no memory. */
struct roster *roster_make_names(struct roster_maker *m);
/* Refs in the order they came. NULL: no memory. */
struct roster *roster_make_refs(struct roster_maker *m);
void roster_maker_done(struct roster_maker *m);

#endif

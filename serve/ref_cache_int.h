/* SPDX-License-Identifier: Apache-2.0 */
/* The refs of a git repository, at most a second old. */
#ifndef HFFS_SERVE_REF_CACHE_INT_H
#define HFFS_SERVE_REF_CACHE_INT_H

#include <pthread.h>

#include "git_int.h"
#include "objects_int.h"

struct ref_cache {
	const char *git_dir; /* borrowed, as is objects */
	struct objects *objects;
	pthread_mutex_t lock; /* held while git lists them: one reads, the others wait for the same answer */
	struct refs refs;
	uint64_t until_ms;
};

void ref_cache_init(struct ref_cache *c, const char *git_dir, struct objects *objects);
void ref_cache_done(struct ref_cache *c);
/* A copy of the refs; caller calls refs_done(). */
int ref_cache_get(struct ref_cache *c, struct refs *out, struct err *err);
/* The commit of a branch, tag, full ref, HEAD, commit (not looked up) or abbreviated commit. -ENOENT if there is none. */
int ref_cache_resolve(struct ref_cache *c, const char *rev, char commit[41], struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How the catalog begins and ends: for fetch.c. */
#ifndef HFFS_FETCH_CATALOG_INT_H
#define HFFS_FETCH_CATALOG_INT_H

#include <hffs/catalog.h>

struct catalog_config {
	struct hub *hub;
	struct cache *cache;
	const struct lockfile *lockfile; /* borrowed: only what it names is there; NULL: the whole Hub */
	const struct filter *filter; /* borrowed: which files may be seen; NULL: all */
	uint64_t ref_ttl_ms; /* how long a branch is believed; 0: asked each time; UINT64_MAX: never asked again */
	unsigned large_pages; /* of a listing, that catalog_want_listing() asks for; 0: 20 */
	/* Runs fn(arg) soon on a worker: what the keeper brings is finished there. NULL: run it where we are. */
	void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
	void *post_ctx;
};

/* Borrows hub and cache until catalog_cancel(). 0 or -ENOMEM. */
int catalog_open(const struct catalog_config *config, struct catalog **out);
/*
 * All waiters end with -ECANCELED, later wants at once. When it returns, hub and cache are not called any more and may be
 * closed. Twice is fine; not inside a done().
 */
void catalog_cancel(struct catalog *c);
/* When hub and cache are closed and the workers are idle: no callback and no posted function may come any more. */
void catalog_free(struct catalog *c);

#endif

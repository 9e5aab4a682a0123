/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects were found: (repository, commit, path) to an address that ends. Belongs to the net thread; not locked. One
 * request at a time resolves a location; others of the same object wait for it in a list, unless the address known still serves.
 */
#ifndef HFFS_HUB_LOCATION_INT_H
#define HFFS_HUB_LOCATION_INT_H

#include <hffs/hub.h>
#include <hffs/map.h>

#define LOCATIONS_MAX 4096

struct location {
	struct location *newer, *older; /* by last use */
	char *key;
	char *url; /* NULL: not known */
	uint64_t until_ms;
	uint64_t renew_ms; /* from here on another one is asked for while this one still serves */
	unsigned users;    /* gets that are on their way with it */
	bool deny_private; /* a public host led there */
	bool is_known;     /* an answer on the way named the object */
	struct object_get *resolver; /* asks for it now, or for the next one; NULL: nobody */
	struct object_get *waiters, **waiters_tail;
};

struct locations {
	struct map map;
	struct location *newest, *oldest;
};

/* The location of an object, perhaps without an address; NULL when out of memory. Stays until location_leave(). */
struct location *location_ensure(struct locations *ls, const struct object_ref *ref);
void location_leave(struct location *l);
bool location_is_usable(const struct location *l, uint64_t now_ms);
/* Should the address be renewed now, ahead of its end? */
bool location_wants_renewal(const struct location *l, uint64_t now_ms);
/* A renewal failed: not again at once. */
void location_postpone_renewal(struct location *l, uint64_t now_ms);
/* Remembers url, copied, for as long as it says itself; is_signed: another one will have to follow it. 0, -ENOMEM. */
int location_set(struct location *l, const char *url, bool is_signed, uint64_t now_ms, int64_t now_s);
void location_forget(struct location *l);
void locations_done(struct locations *ls);

#endif

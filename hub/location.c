// SPDX-License-Identifier: Apache-2.0
/* Where objects were found: a map with a limit, the least recently used go first. */
#include "location_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>

#include "parse_int.h"

#define RENEW_AHEAD_MOST_MS (10u * 60 * 1000) /* before its end; else in the last quarter of its life */
#define RENEW_AGAIN_LEAST_MS 1000
#define TTL_LEAST_MS 1000 /* an address that seems over already, by our clock, still serves those who waited for it */

static void unlink_location(struct locations *ls, struct location *l)
{
	*(l->newer ? &l->newer->older : &ls->newest) = l->older;
	*(l->older ? &l->older->newer : &ls->oldest) = l->newer;
	l->newer = l->older = NULL;
}

static void link_newest(struct locations *ls, struct location *l)
{
	l->older = ls->newest;
	*(l->older ? &l->older->newer : &ls->oldest) = l;
	ls->newest = l;
}

static void drop(struct locations *ls, struct location *l)
{
	unlink_location(ls, l);
	map_del(&ls->map, l->key, strlen(l->key));
	free(l->key);
	free(l->url);
	free(l);
}

static void make_room(struct locations *ls)
{
	struct location *l = ls->oldest;

	while (l && ls->map.nr >= LOCATIONS_MAX) {
		struct location *newer = l->newer;

		if (!l->users)
			drop(ls, l);
		l = newer;
	}
}

static struct location *add(struct locations *ls, char *key)
{
	struct location *l = calloc(1, sizeof(*l));

	if (!l || map_put(&ls->map, key, strlen(key), l) < 0) {
		free(l);
		free(key);
		return NULL;
	}
	l->key = key;
	l->waiters_tail = &l->waiters;
	link_newest(ls, l);
	return l;
}

struct location *location_ensure(struct locations *ls, const struct object_ref *ref)
{
	char *key = str_printf("%s%s@%s/%s", repo_kind_prefix(ref->repo.kind), ref->repo.name, ref->commit, ref->path);
	struct location *l = key ? map_find(&ls->map, key, strlen(key)) : NULL;

	if (!key)
		return NULL;
	if (l) {
		free(key);
		unlink_location(ls, l);
		link_newest(ls, l);
	} else {
		make_room(ls);
		l = add(ls, key);
	}
	if (l)
		l->users++;
	return l;
}

void location_leave(struct location *l)
{
	l->users--;
}

bool location_is_usable(const struct location *l, uint64_t now_ms)
{
	return l->url && now_ms < l->until_ms;
}

bool location_wants_renewal(const struct location *l, uint64_t now_ms)
{
	return l->url && now_ms >= l->renew_ms && !l->resolver;
}

void location_postpone_renewal(struct location *l, uint64_t now_ms)
{
	uint64_t left = l->until_ms > now_ms ? l->until_ms - now_ms : 0;

	l->renew_ms = now_ms + max_u64(left / 4, RENEW_AGAIN_LEAST_MS);
}

int location_set(struct location *l, const char *url, bool is_signed, uint64_t now_ms, int64_t now_s)
{
	uint64_t ttl_ms = max_u64(parse_location_ttl_ms(url, now_s), TTL_LEAST_MS);
	char *copy = strdup(url);

	if (!copy)
		return -ENOMEM;
	free(l->url);
	l->url = copy;
	l->until_ms = now_ms + ttl_ms;
	l->renew_ms = is_signed ? l->until_ms - min_u64(ttl_ms / 4, RENEW_AHEAD_MOST_MS) : UINT64_MAX;
	return 0;
}

void location_forget(struct location *l)
{
	free(l->url);
	l->url = NULL;
}

void locations_done(struct locations *ls)
{
	while (ls->oldest)
		drop(ls, ls->oldest);
	map_done(&ls->map);
}

// SPDX-License-Identifier: Apache-2.0
/* Which hosts want to be left alone. There are few: the endpoint, and the storage's. */
#include "pause_int.h"

#include <stdio.h>
#include <string.h>

#include <hffs/url.h>

void pauses_init(struct pauses *p)
{
	memset(p->of, 0, sizeof(p->of));
	pthread_mutex_init(&p->lock, NULL);
}

void pauses_done(struct pauses *p)
{
	pthread_mutex_destroy(&p->lock);
}

/* The place of a host; PAUSES_MAX if it has none. */
static size_t find_locked(const struct pauses *p, const struct url *u)
{
	size_t i = 0;

	while (i < PAUSES_MAX && (p->of[i].port != u->port || strcmp(p->of[i].host, u->host) != 0))
		i++;
	return i;
}

static size_t find_oldest_locked(const struct pauses *p)
{
	size_t oldest = 0;

	for (size_t i = 1; i < PAUSES_MAX; i++)
		if (p->of[i].until_ms < p->of[oldest].until_ms)
			oldest = i;
	return oldest;
}

uint64_t pauses_note(struct pauses *p, const char *url, uint64_t until_ms)
{
	struct url u;
	size_t i;

	if (url_parse(url, &u) < 0)
		return until_ms;
	LOCK_SCOPE(&p->lock);
	i = find_locked(p, &u);
	if (i == PAUSES_MAX) {
		i = find_oldest_locked(p);
		snprintf(p->of[i].host, sizeof(p->of[i].host), "%s", u.host);
		p->of[i].port = u.port;
		p->of[i].until_ms = 0;
	}
	p->of[i].until_ms = max_u64(p->of[i].until_ms, until_ms);
	return p->of[i].until_ms;
}

uint64_t pauses_end(struct pauses *p, const char *url)
{
	struct url u;
	size_t i;

	if (url_parse(url, &u) < 0)
		return 0;
	LOCK_SCOPE(&p->lock);
	i = find_locked(p, &u);
	return i < PAUSES_MAX ? p->of[i].until_ms : 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Which hosts want to be left alone. There are few: the endpoint, and the storage's. */
#include "pause_int.h"

#include <stdio.h>
#include <string.h>

#include <hffs/url.h>

void pauses_init(struct pauses *p)
{
	*p = (struct pauses){0};
	pthread_mutex_init(&p->lock, NULL);
}

void pauses_done(struct pauses *p)
{
	pthread_mutex_destroy(&p->lock);
}

/* The place of a host; PAUSES_MAX if it has none. */
static size_t find_locked(const struct pauses *p, const char *host, unsigned port)
{
	size_t i = 0;

	while (i < PAUSES_MAX && (p->of[i].port != port || strcmp(p->of[i].host, host) != 0))
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

static struct pause *make_locked(struct pauses *p, const char *host, unsigned port)
{
	size_t i = find_locked(p, host, port);

	if (i == PAUSES_MAX) {
		i = find_oldest_locked(p);
		p->of[i] = (struct pause){.port = port};
		snprintf(p->of[i].host, sizeof(p->of[i].host), "%s", host);
	}
	return &p->of[i];
}

uint64_t pauses_note(struct pauses *p, const char *url, uint64_t until_ms)
{
	struct pause *of;
	struct url u;

	if (url_parse(url, &u) < 0)
		return until_ms;
	LOCK_SCOPE(&p->lock);
	of = make_locked(p, u.host, u.port);
	of->until_ms = max_u64(of->until_ms, until_ms);
	of->is_met = true;
	return of->until_ms;
}

bool pauses_hear(struct pauses *p, const char *host, unsigned port, uint64_t until_ms)
{
	struct pause *of;
	bool is_news;
	LOCK_SCOPE(&p->lock);

	of = make_locked(p, host, port);
	is_news = until_ms > of->until_ms + PAUSE_SLACK_MS;
	if (is_news)
		of->until_ms = until_ms;
	of->told_ms = max_u64(of->told_ms, until_ms);
	return is_news;
}

bool pauses_begin_telling(struct pauses *p)
{
	LOCK_SCOPE(&p->lock);
	if (p->is_telling)
		return false; /* who tells sees what was noted before this */
	p->is_telling = true;
	return true;
}

bool pauses_take_untold(struct pauses *p, struct pause *out)
{
	LOCK_SCOPE(&p->lock);
	for (size_t i = 0; i < PAUSES_MAX; i++)
		if (p->of[i].until_ms > p->of[i].told_ms + PAUSE_SLACK_MS) {
			p->of[i].told_ms = p->of[i].until_ms;
			*out = p->of[i];
			return true;
		}
	p->is_telling = false;
	return false;
}

uint64_t pauses_end(struct pauses *p, const char *url)
{
	struct url u;
	size_t i;

	if (url_parse(url, &u) < 0)
		return 0;
	LOCK_SCOPE(&p->lock);
	i = find_locked(p, u.host, u.port);
	if (i == PAUSES_MAX)
		return 0;
	p->of[i].is_met = true;
	return p->of[i].until_ms;
}

uint64_t pauses_last_end(struct pauses *p)
{
	uint64_t end = 0;
	LOCK_SCOPE(&p->lock);

	for (size_t i = 0; i < PAUSES_MAX; i++)
		if (p->of[i].is_met)
			end = max_u64(end, p->of[i].until_ms);
	return end;
}

// SPDX-License-Identifier: Apache-2.0
/* Which hosts are down, and who asks whether they are back. */
#include "hosts_int.h"

#include <stdio.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/url.h>

#define ASK_LEAST_MS 500 /* between two that ask whether it is back; and a random part of ASK_SPREAD_MS */
#define ASK_SPREAD_MS 1000
#define ASKED_MOST_MS 30000 /* who was sent to ask and is not back by then does not count */
#define ASK_POLL_MS 100     /* who waits looks so often whether somebody is back with an answer */
#define BY_ADDRESS_MS 60000

struct host *hosts_find(struct hosts *hs, const char *url, uint64_t now)
{
	struct host *oldest = &hs->of[0];
	struct url u;

	if (url_parse(url, &u) < 0)
		return NULL;
	for (size_t i = 0; i < HOSTS_MAX; i++) {
		struct host *h = &hs->of[i];

		if (h->port == u.port && !strcmp(h->name, u.host)) {
			h->used_ms = now;
			return h;
		}
		if (h->used_ms < oldest->used_ms)
			oldest = h;
	}
	*oldest = (struct host){.port = u.port, .used_ms = now};
	snprintf(oldest->name, sizeof(oldest->name), "%s", u.host);
	return oldest;
}

static uint64_t path_of(const char *url)
{
	return digest_hash64(url, url_shown_len(url), 0);
}

static bool is_down(const struct host *h, const char *url)
{
	return h->failures >= HOST_FAILURES_MAX && (h->is_everywhere || path_of(url) == h->path);
}

static bool is_somebody_out(const struct host *h, uint64_t now)
{
	return h->asked_ms && now - h->asked_ms < ASKED_MOST_MS;
}

uint64_t host_turn(struct host *h, const char *url, uint64_t now)
{
	if (!h || !is_down(h, url))
		return 0;
	if (is_somebody_out(h, now))
		return now + ASK_POLL_MS;
	if (now < h->ask_again_ms)
		return min_u64(h->ask_again_ms, now + ASK_POLL_MS);
	h->asked_ms = now;
	return 0;
}

uint64_t host_wait_ms(const struct host *h, const char *url, uint64_t now)
{
	if (!h || !is_down(h, url))
		return 0;
	return !is_somebody_out(h, now) && now < h->ask_again_ms ? h->ask_again_ms - now : ASK_POLL_MS;
}

static void note_answer(struct host *h, uint64_t now, const char *address)
{
	h->failures = 0;
	h->is_everywhere = false;
	h->asked_ms = 0;
	h->answered_ms = now;
	if (*address)
		snprintf(h->address, sizeof(h->address), "%s", address);
}

/* Requests that began together and fail together, of which others were answered meanwhile, say nothing of the host. */
static void note_failure(struct host *h, const struct host_event *e, uint64_t now)
{
	uint64_t path = path_of(e->url);

	if (h->answered_ms && e->began <= h->answered_ms)
		return;
	if (h->failures == 0)
		h->path = path;
	if (e->news != HOST_TROUBLED || path != h->path)
		h->is_everywhere = true;
	if (h->failures < HOST_FAILURES_MAX)
		h->failures++;
	h->err = *e->err;
	h->ask_again_ms = now + ASK_LEAST_MS + (uint64_t)e->random % ASK_SPREAD_MS;
}

void host_note(struct host *h, const struct host_event *e, uint64_t now)
{
	bool was_by_address = host_address(h, now) != NULL;

	if (!h)
		return;
	if (e->began >= h->asked_ms)
		h->asked_ms = 0;
	if (e->news == HOST_ANSWERED)
		note_answer(h, now, e->address);
	else if (e->news != HOST_NO_NEWS)
		note_failure(h, e, now);
	if (e->news == HOST_NO_LOOKUP && h->address[0])
		h->by_address_until_ms = now + BY_ADDRESS_MS;
	else if (e->news == HOST_SILENT && was_by_address)
		h->by_address_until_ms = 0;
}

const char *host_address(const struct host *h, uint64_t now)
{
	return h && h->address[0] && now < h->by_address_until_ms ? h->address : NULL;
}

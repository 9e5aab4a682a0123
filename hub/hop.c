// SPDX-License-Identifier: Apache-2.0
/*
 * One request of a chain of redirects. libcurl follows none: every hop is decided by redirect.c, and only here is the token put
 * into a request. [huggingface_hub file_download.py drops it on another host, 2026-08; here also on another port or scheme]
 */
#include "client_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/url.h>

#include "addr_int.h"
#include "parse_int.h"
#include "redirect_int.h"
#include "status_int.h"

#define HEADERS_MAX 6
#define UNAVAILABLE_MOST_MS 60000 /* that Retry-After of a 5xx is obeyed: servers often are back before */

void hop_done(struct hop *hop)
{
	free(hop->url);
	*hop = (struct hop){0};
}

int hop_begin(struct hop *hop, char *url)
{
	hop_done(hop);
	hop->url = url;
	return url ? 0 : -ENOMEM;
}

/*
 * Time in which a host wants to be left alone does not count against a deadline. A pause that is announced later, while the request
 * still waits, is seen to by http.c.
 */
static void wait_out_pause(struct hub *h, const char *url, struct http_ask *ask)
{
	uint64_t end = pauses_end(&h->pauses, url), now = clock_mono_ms();

	if (end <= now || end <= ask->not_before_ms)
		return;
	if (ask->deadline_ms)
		ask->deadline_ms += end - max_u64(now, ask->not_before_ms);
	ask->not_before_ms = end;
}

int hop_send(struct hub *h, struct hop *hop, struct http_ask *ask, struct http_request **out)
{
	const char *lines[HEADERS_MAX] = {NULL};
	AUTO_FREE char *token = NULL, *line = NULL;
	struct http_ask sent;
	size_t nr = 0;

	if (atomic_load(&h->closing))
		return -ECANCELED;
	for (; ask->headers && ask->headers[nr] && nr < HEADERS_MAX - 2; nr++)
		lines[nr] = ask->headers[nr];
	hop->is_foreign = !is_on_endpoint(h->endpoint, hop->url);
	token = token_may_go(h->endpoint, hop->url) ? token_copy(&h->token, &hop->token_nr) : NULL;
	hop->had_token = token != NULL;
	if (token) {
		line = str_printf("Authorization: Bearer %s", token);
		if (!line)
			return -ENOMEM;
		lines[nr] = line;
	}
	wait_out_pause(h, hop->url, ask);
	hop->nr++;
	log_debug("GET %.*s", (int)url_shown_len(hop->url), hop->url);
	sent = *ask;
	sent.url = hop->url;
	sent.headers = lines;
	sent.deny_private = hop->deny_private;
	sent.no_proxy = token && !strncmp(hop->url, "http://", 7); /* the token is for this machine, and a proxy could read it */
	return http_start(h->http, &sent, out); /* from here on hop and ask may be another thread's */
}

/* Behind a proxy nobody here knows a host's address; then a name counts as public. */
static bool is_from_public_host(const struct http_answer *a)
{
	struct url u;

	if (!a->is_proxied)
		return addr_is_public_text(a->ip);
	return url_parse(a->url, &u) < 0 || !host_is_private(u.host);
}

int hop_follow(struct hub *h, struct hop *hop, const struct http_answer *a, bool is_api, struct err *err)
{
	const char *location = http_answer_header(a, "Location");
	struct url u;
	char *next;
	int r;

	if (!location || !*location)
		return err_set(err, -EIO, "a redirect without a target");
	r = redirect_choose(h->endpoint, hop->url, location, hop->nr, is_api, &next, err);
	if (r < 0)
		return r;
	hop->deny_private = hop->deny_private || is_from_public_host(a);
	free(hop->url);
	hop->url = next;
	/* Where a proxy connects, its address cannot be looked at later. */
	if (hop->deny_private && url_parse(next, &u) == 0 && host_is_private(u.host))
		return err_set(err, -EIO, "a public host redirects to the private address %s, which is refused", u.host);
	return 0;
}

/* What Retry-After asks for, in milliseconds; 0: nothing. A date is one of the server's clock. */
static uint64_t retry_after_ms(const struct http_answer *a)
{
	const char *after = http_answer_header(a, "Retry-After"), *date = http_answer_header(a, "Date");
	int64_t now_s;
	uint64_t s;

	if (!date || parse_http_date(date, &now_s) < 0)
		now_s = clock_wall_s();
	return after && parse_retry_after(after, now_s, &s) == 0 ? s * 1000 : 0;
}

/* Milliseconds that a 429 asks for; one second if it does not say. [huggingface_hub utils/_http.py parse_ratelimit_headers, 2026-08] */
static uint64_t wait_asked_ms(const struct http_answer *a)
{
	const char *limit = http_answer_header(a, "RateLimit");
	struct rate_limit rl;

	if (limit && parse_rate_limit(limit, &rl) == 0 && rl.left == 0)
		return (rl.reset_s + 1) * 1000;
	return retry_after_ms(a) + 1000;
}

/* The whole host is left alone: API and content, urgent or not. How long from now on. */
static uint64_t note_pause(struct hub *h, const char *url, uint64_t wait_ms)
{
	uint64_t now = clock_mono_ms(), end = pauses_note(&h->pauses, url, now + wait_ms);

	share_tell(h);
	return end - now;
}

void hop_judge(struct hub *h, const struct hop *hop, const struct http_answer *a, const struct repo_id *repo, const char *what,
	       bool is_content, struct hub_result *res)
{
	AUTO_FREE char *page = str_printf("%s/%s%s", h->endpoint, repo_kind_prefix(repo->kind), repo->name);
	struct status_facts f = {
		.status = a->status,
		.code = http_answer_header(a, "X-Error-Code"),
		.message = http_answer_header(a, "X-Error-Message"),
		.what = what,
		.page = page ? page : "its page on the Hub",
		.is_content = is_content,
		.is_foreign = hop->is_foreign,
		.had_token = hop->had_token,
		.was_seen = hub_was_seen(h, repo),
	};
	enum hub_fault fault = status_of_answer(&f, res);

	if (fault == FAULT_RATE)
		res->wait_ms = note_pause(h, hop->url, wait_asked_ms(a));
	else if (fault == FAULT_SERVER)
		res->wait_ms = min_u64(retry_after_ms(a), UNAVAILABLE_MOST_MS); /* of this request: others may be served */
	hub_note_fault(h, fault, &res->err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A call of the JSON API. One thread at a time has it: whoever starts it, then by turns the net thread (requests, redirects)
 * and a deferred one (parsing, reading the token file again, deciding about another try). It needs no lock.
 */
#include "call_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/retry.h>
#include <hffs/url.h>

#include "redirect_int.h"
#include "status_int.h"

#define GIVE_UP_MS (10ull * 60 * 1000) /* with all pauses that the Hub announces */
#define PAGES_MAX 20000
#define WASTE_MAX (64u << 10) /* bytes read of an answer that is not taken, to keep its connection */

static void call_free(struct call *c)
{
	free(c->what);
	free(c->url);
	free(c->link);
	free(c->asked);
	free(c->post);
	hop_done(&c->hop);
	buf_done(&c->body);
	parsed_done(&c->parsed);
	free(c);
}

/* The last delivery. */
static void call_end(struct call *c)
{
	struct hub *h = c->hub;

	c->deliver(c, false);
	call_free(c);
	hub_call_end(h);
}

static void call_end_deferred(void *arg)
{
	call_end(arg);
}

static void proceed(void *arg);

/* --- on the net thread --- */

static int on_headers(void *ctx, const struct http_answer *a)
{
	struct call *c = ctx;
	const char *link = http_answer_header(a, "Link"), *date = http_answer_header(a, "Date");

	if (!date || parse_http_date(date, &c->date_s) < 0)
		c->date_s = 0;
	buf_clear(&c->body);
	free(c->link);
	c->link = NULL;
	c->is_ok = a->status == 200;
	if (!c->is_ok || !link)
		return 0;
	c->link = strdup(link);
	return c->link ? 0 : -ENOMEM;
}

static ssize_t on_body(void *ctx, const void *bytes, size_t len)
{
	struct call *c = ctx;

	if (c->body.len + len > (c->is_ok ? PARSE_PAGE_MAX : WASTE_MAX)) {
		c->is_too_long = c->is_ok;
		return -EMSGSIZE;
	}
	buf_add(&c->body, bytes, len);
	return c->body.failed ? -ENOMEM : (ssize_t)len;
}

static void refuse(struct call *c, int r, bool retry, enum hub_fault fault, const struct err *err)
{
	c->res = (struct hub_result){.r = r, .retry = retry, .status = c->res.status};
	err_set(&c->res.err, r, "%s: %s", c->what, err->text[0] ? err->text : strerror(-r));
	hub_note_fault(c->hub, fault, &c->res.err);
}

static void on_done(void *ctx, int r, const struct http_answer *a, const struct err *err);

static int send_hop(struct call *c)
{
	c->ask.is_patient = true;
	c->ask.post = c->post;
	c->ask.headers_done = on_headers;
	c->ask.body = on_body;
	c->ask.done = on_done;
	c->ask.ctx = c;
	c->is_ok = c->is_too_long = false;
	buf_clear(&c->body);
	return hop_send(c->hub, &c->hop, &c->ask, NULL);
}

/* True if the answer was a redirect and the next request is on its way. */
static bool follow(struct call *c, const struct http_answer *a)
{
	struct err err = {0};
	int r = hop_follow(c->hub, &c->hop, a, true, &err);

	if (r == 0) {
		c->ask.not_before_ms = 0;
		r = send_hop(c);
		if (r == 0)
			return true;
	}
	refuse(c, r, false, FAULT_OTHER, &err);
	return false;
}

static void on_done(void *ctx, int r, const struct http_answer *a, const struct err *err)
{
	struct call *c = ctx;
	bool has_answer = r == 0 || r == -EMSGSIZE;

	c->host_is_down = a->host_wait_ms > 0;
	if (has_answer && status_is_redirect(a->status)) {
		if (follow(c, a))
			return;
	} else if (c->is_too_long) {
		struct err cap = {0};

		c->res.status = a->status;
		err_set(&cap, -EBADMSG, "the answer has more than %u MiB", PARSE_PAGE_MAX >> 20);
		refuse(c, -EBADMSG, false, FAULT_MALFORMED, &cap);
	} else if (!has_answer) {
		enum hub_fault fault = status_of_transport(r, err, c->what, &c->res);

		if (r != -ECANCELED)
			hub_note_fault(c->hub, fault, &c->res.err);
	} else if (!c->is_ok) {
		hop_judge(c->hub, &c->hop, a, &c->repo, c->what, false, &c->res);
	} else {
		c->res = (struct hub_result){.status = a->status};
	}
	hub_defer(c->hub, proceed, c);
}

/* --- on a deferred thread, or the one that starts the call --- */

/* Fails at once what would wait for longer than anybody does. */
static int check_pause(struct call *c)
{
	uint64_t left = hub_pause_left_ms(c->hub);

	if (clock_mono_ms() + left < c->give_up_ms)
		return 0;
	c->res = (struct hub_result){.r = -ETIMEDOUT, .retry = true, .wait_ms = left, .status = 429};
	return err_set(&c->res.err, -ETIMEDOUT, "%s: the Hub's rate limit asks to wait for %llu s", c->what, (unsigned long long)left / 1000);
}

/* Sends the request for c->url not before now + delay_ms; on failure c->res says why. */
static int send_page(struct call *c, uint64_t delay_ms)
{
	int r = check_pause(c);

	if (r < 0)
		return r;
	r = hop_begin(&c->hop, strdup(c->url));
	if (r == 0) {
		c->ask.not_before_ms = delay_ms ? clock_mono_ms() + delay_ms : 0;
		r = send_hop(c);
	}
	if (r < 0) {
		c->res = (struct hub_result){.r = r};
		err_set(&c->res.err, r, "%s: cannot ask the Hub", c->what);
	}
	return r;
}

/* Moves to another page's address, which is taken over; false if this one was asked for before, or there are too many. */
static int note_page(struct call *c, char *url, struct err *err)
{
	uint64_t hash = digest_hash64(url, strlen(url), 0), *longer;

	free(c->url);
	c->url = url;
	for (size_t i = 0; i < c->nr_asked; i++)
		if (c->asked[i] == hash)
			return err_set(err, -EIO, "the listing leads back to a page that was there before");
	if (c->nr_asked >= PAGES_MAX)
		return err_set(err, -EIO, "the listing has more than %d pages", PAGES_MAX);
	longer = realloc(c->asked, (c->nr_asked + 1) * sizeof(*longer));
	if (!longer)
		return err_set(err, -ENOMEM, "out of memory");
	c->asked = longer;
	c->asked[c->nr_asked++] = hash;
	c->tries = 0;
	c->ask.deadline_ms = clock_mono_ms() + c->hub->names_deadline_ms;
	c->give_up_ms = clock_mono_ms() + GIVE_UP_MS;
	return 0;
}

/* 1: c->url is the next page now; 0: there is none; or -errno with a sentence. */
static int find_next_page(struct call *c, struct err *err)
{
	AUTO_FREE char *link = NULL, *absolute = NULL, *moved = NULL;
	int r;

	if (!c->has_pages || !c->link)
		return 0;
	r = parse_link_next(c->link, &link);
	if (r <= 0)
		return r < 0 ? err_set(err, r, "the link to the next page of the listing is malformed") : 0;
	absolute = url_resolve(c->hop.url, link);
	moved = absolute ? move_to_endpoint(c->hub->endpoint, absolute) : NULL;
	if (!moved || !is_on_endpoint(c->hub->endpoint, moved))
		return err_set(err, -EIO, "the next page of the listing is said to be on another host, which is refused");
	r = note_page(c, TAKE(moved), err);
	return r < 0 ? r : 1;
}

/* A good answer: parses it, hands it out, asks for the next page. True if the call goes on by itself. */
static bool take_answer(struct call *c)
{
	struct err err = {0};
	int r, more;

	parsed_done(&c->parsed);
	r = c->take(c, c->body.data ? c->body.data : "", c->body.len, &err);
	if (r < 0) {
		refuse(c, r, r == -EBADMSG, FAULT_MALFORMED, &err);
		return false;
	}
	more = find_next_page(c, &err);
	if (more < 0) {
		refuse(c, more, false, FAULT_MALFORMED, &err);
		return false;
	}
	if (c->is_about_repo)
		hub_note_seen(c->hub, &c->repo);
	if (!more)
		return false;
	if (c->pages_max && c->nr_asked > c->pages_max) {
		c->res = (struct hub_result){.r = -E2BIG, .status = c->res.status};
		err_set(&c->res.err, -E2BIG, "%s: the listing has more than %u pages", c->what, c->pages_max);
		return false;
	}
	c->deliver(c, true);
	parsed_done(&c->parsed);
	return send_page(c, 0) == 0;
}

/* After a 401 the token file is read again once: true if there is another token now. */
static bool has_new_token(struct call *c)
{
	if (c->res.status != 401 || c->has_reread)
		return false;
	c->has_reread = true;
	if (!token_is_newer(&c->hub->token, c->hop.token_nr))
		return false;
	hub_forget_denials(c->hub);
	return true;
}

/* True if another try is on its way. */
static bool try_again(struct call *c)
{
	uint64_t delay;
	uint32_t random = 0;

	if (has_new_token(c))
		return send_page(c, 0) == 0;
	if (!c->res.retry)
		return false;
	(void)digest_random(&random, sizeof(random)); /* without it there is no delay, which the tries bound */
	/* http.c knows when it is its turn at a host that is down */
	delay = c->host_is_down ? 0 : retry_delay_ms(++c->tries, 0, random);
	if (c->res.status != 429) {
		delay = max_u64(delay, c->res.wait_ms);
		if (clock_mono_ms() + delay >= c->ask.deadline_ms)
			return false;
	}
	return send_page(c, delay) == 0;
}

static void proceed(void *arg)
{
	struct call *c = arg;

	if (c->res.r == 0 && take_answer(c))
		return;
	if (c->res.r < 0 && try_again(c))
		return;
	if (c->res.r == -EACCES && c->is_about_repo)
		hub_note_denied(c->hub, &c->repo, false, &c->res);
	if (c->res.r < 0)
		parsed_done(&c->parsed);
	call_end(c);
}

/* False, with c->res, if there is nothing to ask. */
static bool may_ask(struct call *c, char *url)
{
	struct err err = {0};
	int r = url ? note_page(c, url, &err) : err_set(&err, -ENOMEM, "out of memory");

	if (r < 0) {
		c->res.r = r;
		c->res.err = err;
		return false;
	}
	if (hub_is_offline(c->hub)) {
		c->res = (struct hub_result){.r = -ETIMEDOUT, .retry = false};
		err_set(&c->res.err, -ETIMEDOUT, "%s: offline, and the Hub was not asked", c->what);
		return false;
	}
	if (c->is_about_repo && hub_is_denied(c->hub, &c->repo, false, &c->res))
		return false;
	token_watch(c->hub);
	return send_page(c, 0) == 0;
}

void call_start(struct hub *h, struct call *c, char *url)
{
	c->hub = h;
	if (!hub_call_begin(h)) {
		c->res.r = err_set(&c->res.err, -ECANCELED, "shutting down");
		c->deliver(c, false);
		free(url);
		call_free(c);
		return;
	}
	if (!may_ask(c, url))
		hub_defer(h, call_end_deferred, c);
}

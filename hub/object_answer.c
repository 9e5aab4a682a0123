// SPDX-License-Identifier: Apache-2.0
/* What the answers to a ranged GET mean: a redirect, the range, another object, a refusal. Net thread only. */
#include "object_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>

#include "content_int.h"
#include "redirect_int.h"
#include "status_int.h"

#define WASTE_MAX (64u << 10) /* bytes read of a body that is not content, to keep its connection */

/* --- what http calls --- */

static void read_headers(const struct http_answer *a, struct content_headers *c)
{
	*c = (struct content_headers){
		.status = a->status,
		.commit = http_answer_header(a, "X-Repo-Commit"),
		.linked_etag = http_answer_header(a, "X-Linked-ETag"),
		.linked_size = http_answer_header(a, "X-Linked-Size"),
		.etag = http_answer_header(a, "ETag"),
		.range = http_answer_header(a, "Content-Range"),
		.encoding = http_answer_header(a, "Content-Encoding"),
		.length = http_answer_header(a, "Content-Length"),
		.type = http_answer_header(a, "Content-Type"),
	};
}

/* Ends the request after its headers; what they said was wrong. */
static int refuse(struct object_get *g, int r, bool retry, const struct http_answer *a, const struct err *err)
{
	g->is_refused = true;
	g->res = (struct hub_result){.r = r, .retry = retry, .status = a->status};
	err_set(&g->res.err, r, "%s: %s", g->what, err->text[0] ? err->text : strerror(-r));
	hub_note_fault(g->hub, retry ? FAULT_MALFORMED : FAULT_OTHER, &g->res.err);
	return r;
}

/* The address of g's next or present request is where this object is found. */
static int remember(struct object_get *g, const struct http_answer *a)
{
	struct location *l = g->loc;
	int r;

	if (l->resolver != g)
		return 0;
	r = location_set(l, g->hop.url, !is_on_endpoint(g->hub->endpoint, g->hop.url), clock_mono_ms(), clock_wall_s());
	if (r < 0)
		return refuse(g, r, false, a, &(struct err){0});
	l->deny_private = g->hop.deny_private;
	l->is_known = g->is_known;
	l->resolver = NULL;
	get_wake_waiters(l);
	return 0;
}

static int take_redirect(struct object_get *g, const struct http_answer *a)
{
	struct err err = {0};
	int r = hop_follow(g->hub, &g->hop, a, false, &err);

	if (r < 0)
		return refuse(g, r, false, a, &err);
	g->is_next = true;
	if (is_on_endpoint(g->hub->endpoint, g->hop.url))
		return 0; /* a renamed repository, or the Hub's own cache: the end of the chain will show */
	return remember(g, a);
}

static int on_headers(void *ctx, const struct http_answer *a)
{
	struct object_get *g = ctx;
	struct content_headers c;
	struct err err = {0};
	int r = 0;

	read_headers(a, &c);
	if (!g->hop.is_foreign && a->status < 400)
		r = content_check_identity(&c, &g->ref, &err);
	if (r < 0)
		return refuse(g, r, true, a, &err);
	g->is_known = g->is_known || r > 0;
	if (status_is_redirect(a->status))
		return take_redirect(g, a);
	if (a->status != 200 && a->status != 206)
		return 0;
	r = content_check_range(&c, &g->ref, g->off, g->len, g->is_known, &g->has_more, &err);
	if (r < 0)
		return refuse(g, r, true, a, &err);
	g->is_delivering = true;
	return remember(g, a);
}

static ssize_t waste(struct object_get *g, size_t len)
{
	g->wasted += len;
	return g->wasted > WASTE_MAX ? -EMSGSIZE : (ssize_t)len;
}

static void count_bytes(struct hub *h, size_t len)
{
	LOCK_SCOPE(&h->lock);
	h->bytes_fetched += len;
	meter_add(&h->meter, clock_mono_ms(), len);
}

/* What is behind the range is not read: the connection is given up instead. */
static ssize_t on_body(void *ctx, const void *bytes, size_t len)
{
	struct object_get *g = ctx;
	size_t n = (size_t)min_u64(len, g->len - g->got);
	ssize_t taken;

	if (!g->is_delivering)
		return waste(g, len);
	if (n == 0)
		return -EOVERFLOW;
	taken = g->sink.bytes(g->ctx, g->off + g->got, bytes, n);
	if (taken < 0) {
		g->sink_r = (int)taken;
		return taken;
	}
	g->got += (uint64_t)taken;
	count_bytes(g->hub, (size_t)taken);
	if (g->got == g->len && (g->has_more || n < len))
		return -EOVERFLOW;
	return taken;
}

static void judge_transport(struct object_get *g, int r, const struct err *err)
{
	enum hub_fault fault = status_of_transport(r, err, g->what, &g->res);

	if (r != -ECANCELED && r != -EBUSY) /* nobody was asked */
		hub_note_fault(g->hub, fault, &g->res.err);
	if (g->is_renewal)
		return; /* what failed is the Hub, not the address that is known */
	if (r == -EHOSTUNREACH || r == -ECONNREFUSED || r == -EKEYREJECTED || r == -EPERM)
		location_forget(g->loc); /* that host is no good; the Hub may name another */
}

static void end_of_content(struct object_get *g, int r, const struct err *err)
{
	if (g->got == g->len) {
		g->res = (struct hub_result){.status = 206};
	} else if (r < 0) {
		judge_transport(g, r, err);
	} else {
		g->res = (struct hub_result){.r = -EIO, .retry = true, .status = 206};
		err_set(&g->res.err, -EIO, "%s: the answer ended after %llu of %llu bytes", g->what, (unsigned long long)g->got,
			(unsigned long long)g->len);
		hub_note_fault(g->hub, FAULT_MALFORMED, &g->res.err);
	}
	get_finish(g);
}

static void reread_token(void *arg)
{
	struct object_get *g = arg;
	struct hub *h = g->hub;

	g->token_changed = token_is_newer(&h->token, g->hop.token_nr);
	if (g->token_changed)
		hub_forget_denials(h);
	atomic_store(&g->has_reread, true);
	(void)http_post(h->http, &g->task); /* cannot fail while the net thread is held */
	http_release(h->http);
}

/* An address that is refused, or says that the range does not exist, is worth another look at the Hub. */
static bool is_about_location(int status)
{
	return status == 401 || status == 403 || status == 404 || status == 410 || status == 416;
}

static void end_of_refusal(struct object_get *g, const struct http_answer *a)
{
	struct location *l = g->loc;

	if (is_about_location(a->status) && l->url && !strcmp(l->url, g->hop.url))
		location_forget(l); /* unless another one has found a newer address meanwhile */
	if (is_about_location(a->status) && g->is_remembered && !g->was_refreshed) {
		g->was_refreshed = true;
		get_leave_slot(g);
		get_locate(g);
		return;
	}
	hop_judge(g->hub, &g->hop, a, &g->ref.repo, g->what, true, &g->res);
	if (a->status == 401 && !g->hop.is_foreign && !g->tried_reread) {
		g->tried_reread = true;
		g->state = GET_REREAD;
		http_hold(g->hub->http);
		hub_defer(g->hub, reread_token, g);
		return;
	}
	if (g->res.r == -EACCES && !object_is_open_to_all(g->ref.path))
		hub_note_denied(g->hub, &g->ref.repo, true, &g->res);
	get_finish(g);
}

static void on_done(void *ctx, int r, const struct http_answer *a, const struct err *err)
{
	struct object_get *g = ctx;

	g->rq = NULL;
	g->host_wait_ms = a->host_wait_ms;
	if (atomic_load(&g->is_cancelled) || r == -ECANCELED) {
		get_fail(g, -ECANCELED, "cancelled");
	} else if (g->sink_r < 0) {
		get_fail(g, g->sink_r, "the reader stopped");
	} else if (g->is_refused) {
		if (!g->is_renewal)
			location_forget(g->loc);
		get_finish(g);
	} else if (g->is_renewal && g->loc->resolver != g) {
		get_finish(g); /* the next address is known, which was all */
	} else if (g->is_delivering) {
		end_of_content(g, r, err);
	} else if (g->is_next) {
		get_send(g);
	} else if (r < 0 && r != -EMSGSIZE) {
		judge_transport(g, r, err);
		get_finish(g);
	} else {
		end_of_refusal(g, a);
	}
}

void get_end_reread(struct object_get *g)
{
	if (!g->token_changed) {
		if (g->res.r == -EACCES && !object_is_open_to_all(g->ref.path))
			hub_note_denied(g->hub, &g->ref.repo, true, &g->res);
		get_finish(g);
		return;
	}
	get_leave_slot(g);
	get_locate(g);
}

void get_send(struct object_get *g)
{
	const char *headers[] = {g->range, "Accept-Encoding: identity", NULL};
	struct http_ask ask = {
		.headers = headers,
		.http1_only = true,
		.headers_done = on_headers,
		.body = on_body,
		.done = on_done,
		.ctx = g,
	};
	int r;

	g->state = GET_RUNNING;
	g->is_next = g->is_delivering = g->has_more = false;
	g->wasted = 0;
	r = hop_send(g->hub, &g->hop, &ask, &g->rq);
	if (r < 0)
		get_fail(g, r, "cannot ask the Hub");
}

// SPDX-License-Identifier: Apache-2.0
/* The hook itself: every request passes here on its way in and out. */
#include "hub.h"

#include <string.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

#include "../../cli/cmd_serve.h"

enum bucket bucket_of(const struct serve_request *req)
{
	switch (req->route.kind) {
	case ROUTE_RESOLVE:
	case ROUTE_RAW:
		return BUCKET_RESOLVE;
	case ROUTE_RESOLVE_CACHE:
		return BUCKET_RESOLVE_CACHE;
	default:
		return req->cdn ? BUCKET_CDN : BUCKET_API;
	}
}

static const char *const bucket_names[BUCKET_NR] = {"api", "resolve", "resolve-cache", "cdn"};

const char *bucket_name(enum bucket b)
{
	return bucket_names[b];
}

void hub_sleep_us(struct hub *h, uint64_t us)
{
	uint64_t until = clock_mono_us() + us, now;
	LOCK_SCOPE(&h->lock);

	while (!h->closing && (now = clock_mono_us()) < until)
		(void)cond_wait_ms(&h->wake, &h->lock, (until - now + 999) / 1000); /* the time is looked at again */
}

bool hub_param(const struct serve_request *req, const char *name, char *out, size_t size)
{
	if (query_get(req->route.query, name, out, size) || (req->body.len && query_get(req->body.data, name, out, size)))
		return true;
	out[0] = '\0';
	return false;
}

uint64_t hub_param_u64(const struct serve_request *req, const char *name, uint64_t otherwise)
{
	uint64_t n = query_u64(req->route.query, name, UINT64_MAX);

	if (n == UINT64_MAX && req->body.len)
		n = query_u64(req->body.data, name, UINT64_MAX);
	return n == UINT64_MAX ? otherwise : n;
}

void hub_error(const struct serve_request *req, struct serve_response *resp, int status, const char *code, const char *message)
{
	bool is_api = !strncmp(req->target, "/api/", 5) && req->route.kind != ROUTE_RESOLVE_CACHE;

	resp->status = status;
	if (code)
		response_add(resp, "X-Error-Code", "%s", code);
	response_add(resp, "X-Error-Message", "%s", message);
	response_add(resp, "Content-Type", "%s; charset=utf-8", is_api ? "application/json" : "text/plain");
	if (is_api)
		buf_adds(&resp->body, "{\"error\":");
	if (is_api)
		buf_add_json(&resp->body, message);
	else
		buf_adds(&resp->body, message);
	if (is_api)
		buf_addc(&resp->body, '}');
}

/* The token belongs to the endpoint and must never come here. */
static bool refuse_leaked_token(struct hub *h, const struct serve_request *req, struct serve_response *resp)
{
	if (!req->cdn || !req->header(req, "Authorization"))
		return false;
	h->stats.token_leaks++;
	resp->status = 400;
	buf_adds(&resp->body, "a token came to the content origin");
	return true;
}

static bool before(void *ctx, struct serve_request *req, struct serve_response *resp)
{
	struct hub *h = ctx;
	struct note *n;

	if (control_answer(h, req, resp))
		return true;
	n = calloc(1, sizeof(*n));
	if (!n)
		return false;
	req->note = n;
	n->bucket = bucket_of(req);
	h->stats.requests[n->bucket]++;
	shape_delay(h);
	n->gzip = body_wants_gzip(req);
	n->hide_range = n->gzip;
	if (!refuse_leaked_token(h, req, resp) && !fault_before(h, n, req, resp) && !access_before(h, n, req, resp))
		return false;
	h->stats.refused[n->bucket] += resp->status >= 400; /* after() does not see these */
	return true;
}

static void after(void *ctx, struct serve_request *req, struct serve_response *resp)
{
	struct hub *h = ctx;
	struct note *n = req->note;

	if (!n)
		return;
	h->stats.refused[n->bucket] += resp->status >= 400;
	access_after(h, n, req, resp);
	if (n->gzip && resp->status == 200)
		body_gzip(resp);
	fault_after(n, req, resp);
}

static size_t sending(void *ctx, struct serve_request *req, size_t len)
{
	struct hub *h = ctx;
	struct note *n = req->note;

	if (!n)
		return len;
	len = shape_send(h, n, len);
	n->sent += len;
	h->stats.bytes[n->bucket] += len;
	return len;
}

static void done(void *ctx, struct serve_request *req)
{
	(void)ctx;
	free(req->note);
	req->note = NULL;
}

static void connected(void *ctx, bool came)
{
	struct hub *h = ctx;

	if (came) {
		unsigned long long now = ++h->stats.open, most = h->stats.open_most;

		h->stats.connections++;
		while (now > most && !atomic_compare_exchange_weak(&h->stats.open_most, &most, now))
			;
	} else {
		h->stats.open--;
	}
}

static void closing(void *ctx)
{
	struct hub *h = ctx;
	LOCK_SCOPE(&h->lock);

	h->closing = true;
	pthread_cond_broadcast(&h->wake);
}

int main(int argc, char **argv)
{
	struct hub h = {.closing = false};
	int r;
	struct serve_hook hook = {
		.ctx = &h, .before = before, .after = after, .sending = sending, .done = done, .connected = connected, .closing = closing};

	pthread_mutex_init(&h.lock, NULL);
	cond_init(&h.wake);
	r = cmd_serve_with(argc, argv, &hook, NULL);
	fault_clear(&h);
	access_clear(&h);
	return r;
}

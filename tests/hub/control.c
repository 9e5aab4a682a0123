// SPDX-License-Identifier: Apache-2.0
/* /_test/...: how a test talks to the layer. Parameters come in the query or as a form. */
#include "hub.h"

#include <stdio.h>
#include <string.h>

#include <hffs/thread.h>

static void add_counts(struct buf *b, const char *name, atomic_ullong *counts)
{
	unsigned long long total = 0;

	buf_addf(b, "\"%s\":{", name);
	for (int i = 0; i < BUCKET_NR; i++) {
		unsigned long long n = counts[i];

		buf_addf(b, "\"%s\":%llu,", bucket_name((enum bucket)i), n);
		total += n;
	}
	buf_addf(b, "\"total\":%llu},", total);
}

static void show_stats(struct hub *h, struct serve_response *resp)
{
	struct buf *b = &resp->body;

	buf_addc(b, '{');
	add_counts(b, "requests", h->stats.requests);
	add_counts(b, "bytes", h->stats.bytes);
	add_counts(b, "refused", h->stats.refused);
	buf_addf(b, "\"connections\":%llu,\"open\":%llu,\"open_most\":%llu,\"token_leaks\":%llu}\n",
		 (unsigned long long)h->stats.connections, (unsigned long long)h->stats.open, (unsigned long long)h->stats.open_most,
		 (unsigned long long)h->stats.token_leaks);
}

static void reset_stats(struct hub *h)
{
	for (int i = 0; i < BUCKET_NR; i++)
		h->stats.requests[i] = h->stats.bytes[i] = h->stats.refused[i] = 0;
	h->stats.open_most = (unsigned long long)h->stats.open;
	h->stats.connections = h->stats.token_leaks = 0;
}

static void set_shape(struct hub *h, const struct serve_request *req)
{
	LOCK_SCOPE(&h->lock);

	h->shape.delay_ms = hub_param_u64(req, "delay_ms", h->shape.delay_ms);
	h->shape.conn_bps = hub_param_u64(req, "conn_bps", h->shape.conn_bps);
	h->shape.total_bps = hub_param_u64(req, "total_bps", h->shape.total_bps);
}

static void clear_all(struct hub *h)
{
	fault_clear(h);
	access_clear(h);
	LOCK_SCOPE(&h->lock);
	h->shape = (struct shape){0};
}

/* NULL, or what was wrong. */
static const char *answer_named(struct hub *h, const char *what, struct serve_request *req, struct serve_response *resp)
{
	if (!strcmp(what, "stats"))
		show_stats(h, resp);
	else if (!strcmp(what, "faults"))
		fault_show(h, &resp->body);
	else if (!strcmp(what, "reset"))
		reset_stats(h);
	else if (!strcmp(what, "shape"))
		set_shape(h, req);
	else if (!strcmp(what, "clear"))
		clear_all(h);
	else if (!strcmp(what, "fault"))
		return fault_add(h, req);
	else if (!strcmp(what, "token"))
		return access_add(h, req);
	else if (!strcmp(what, "rename"))
		return access_rename(h, req);
	else
		return "no such control";
	return NULL;
}

bool control_answer(struct hub *h, struct serve_request *req, struct serve_response *resp)
{
	const char *wrong;
	char what[32];

	if (req->cdn || strncmp(req->target, "/_test/", 7) != 0)
		return false;
	snprintf(what, sizeof(what), "%.*s", (int)strcspn(req->target + 7, "?"), req->target + 7);
	response_add(resp, "Content-Type", "application/json; charset=utf-8");
	wrong = answer_named(h, what, req, resp);
	if (wrong) {
		resp->status = 400;
		buf_addf(&resp->body, "{\"error\":\"%s\"}\n", wrong);
	} else if (resp->body.len == 0) {
		buf_adds(&resp->body, "{}\n");
	}
	return true;
}

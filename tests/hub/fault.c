// SPDX-License-Identifier: Apache-2.0
/* Faults: which request they hit, and what they do to it. README.md beside this file lists the kinds and their arguments. */
#include "hub.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <hffs/digest.h>
#include <hffs/thread.h>

static const char *const kind_names[FAULT_NR] = {
	[FAULT_STATUS] = "status",
	[FAULT_CLOSE] = "close",
	[FAULT_CLOSE_AFTER_HEADERS] = "close-after-headers",
	[FAULT_CUT] = "cut",
	[FAULT_SHORT] = "short",
	[FAULT_LONG] = "long",
	[FAULT_DELAY] = "delay",
	[FAULT_TRICKLE] = "trickle",
	[FAULT_RANGE_START] = "range-start",
	[FAULT_RANGE_TOTAL] = "range-total",
	[FAULT_NO_RANGE] = "no-range",
	[FAULT_NO_LENGTH] = "no-length",
	[FAULT_DROP_HEADER] = "drop-header",
	[FAULT_SET_HEADER] = "set-header",
	[FAULT_ABSOLUTE_REDIRECT] = "absolute-redirect",
	[FAULT_REDIRECT_LOOP] = "redirect-loop",
	[FAULT_REDIRECT] = "redirect",
	[FAULT_JSON_TRUNCATE] = "json-truncate",
	[FAULT_JSON_BAD] = "json-bad",
	[FAULT_ENTRY] = "entry",
	[FAULT_ENTRY_TWICE] = "entry-twice",
	[FAULT_ENTRY_BOTH] = "entry-both",
	[FAULT_LINK_FOREIGN] = "link-foreign",
	[FAULT_LINK_REPEAT] = "link-repeat",
	[FAULT_MASK] = "mask",
	[FAULT_SHA] = "sha",
	[FAULT_REV] = "rev",
	[FAULT_FLIP] = "flip",
};

static const char *const route_names[] = {
	[ROUTE_NONE] = "none",         [ROUTE_INFO] = "info",         [ROUTE_TREE] = "tree",
	[ROUTE_TREESIZE] = "treesize", [ROUTE_PATHS_INFO] = "paths-info", [ROUTE_REFS] = "refs",
	[ROUTE_COMMITS] = "commits",   [ROUTE_AUTH_CHECK] = "auth-check", [ROUTE_LIST] = "list",
	[ROUTE_OVERVIEW] = "overview", [ROUTE_WHOAMI] = "whoami",     [ROUTE_RESOLVE] = "resolve",
	[ROUTE_RESOLVE_CACHE] = "resolve-cache", [ROUTE_RAW] = "raw", [ROUTE_CDN] = "cdn",
};

static bool is_route_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(route_names); i++)
		if (!strcmp(name, route_names[i]))
			return true;
	return !strcmp(name, "any") || !strcmp(name, "api");
}

static bool kind_parse(const char *name, enum fault_kind *out)
{
	for (int i = 0; i < FAULT_NR; i++)
		if (!strcmp(name, kind_names[i])) {
			*out = (enum fault_kind)i;
			return true;
		}
	return false;
}

const char *fault_add(struct hub *h, const struct serve_request *req)
{
	struct fault *f = calloc(1, sizeof(*f)), **tail;
	char kind[64];

	if (!f)
		return "out of memory";
	if (!hub_param(req, "kind", kind, sizeof(kind)) || !kind_parse(kind, &f->kind)) {
		free(f);
		return "kind= is missing or unknown";
	}
	if (!hub_param(req, "route", f->route, sizeof(f->route)))
		snprintf(f->route, sizeof(f->route), "any");
	if (!is_route_name(f->route)) {
		free(f);
		return "route= is unknown";
	}
	(void)hub_param(req, "match", f->match, sizeof(f->match)); /* each of these may be missing */
	(void)hub_param(req, "method", f->method, sizeof(f->method));
	(void)hub_param(req, "arg", f->arg, sizeof(f->arg));
	(void)hub_param(req, "code", f->code, sizeof(f->code));
	(void)hub_param(req, "message", f->message, sizeof(f->message));
	(void)hub_param(req, "retry_after", f->retry_after, sizeof(f->retry_after));
	(void)hub_param(req, "rate", f->rate, sizeof(f->rate));
	f->nth = hub_param_u64(req, "nth", 1);
	f->times = hub_param_u64(req, "times", 0);
	LOCK_SCOPE(&h->lock);
	for (tail = &h->faults; *tail; tail = &(*tail)->next)
		;
	*tail = f;
	return NULL;
}

void fault_clear(struct hub *h)
{
	LOCK_SCOPE(&h->lock);

	while (h->faults) {
		struct fault *f = h->faults;

		h->faults = f->next;
		free(f);
	}
}

void fault_show(struct hub *h, struct buf *b)
{
	LOCK_SCOPE(&h->lock);

	buf_adds(b, "[");
	for (const struct fault *f = h->faults; f; f = f->next)
		buf_addf(b, "%s{\"kind\":\"%s\",\"route\":\"%s\",\"seen\":%llu,\"hits\":%llu}", f == h->faults ? "" : ",",
			 kind_names[f->kind], f->route, (unsigned long long)f->seen, (unsigned long long)f->hits);
	buf_adds(b, "]\n");
}

static bool matches(const struct fault *f, const struct serve_request *req, enum bucket bucket)
{
	if (f->method[0] && strcasecmp(f->method, req->method) != 0)
		return false;
	if (f->match[0] && !strstr(req->target, f->match))
		return false;
	if (!strcmp(f->route, "any"))
		return true;
	if (!strcmp(f->route, "api"))
		return bucket == BUCKET_API;
	return !strcmp(f->route, route_names[req->route.kind]);
}

static void choose(struct hub *h, struct note *n, const struct serve_request *req)
{
	LOCK_SCOPE(&h->lock);

	for (struct fault *f = h->faults; f; f = f->next) {
		if (!matches(f, req, n->bucket))
			continue;
		f->seen++;
		if (f->seen < f->nth || (f->times && f->seen >= f->nth + f->times) || n->nr_faults == NOTE_FAULTS_MAX)
			continue;
		f->hits++;
		n->faults[n->nr_faults++] = *f;
	}
}

static uint64_t number(const struct fault *f, uint64_t otherwise)
{
	return f->arg[0] ? strtoull(f->arg, NULL, 10) : otherwise;
}

/* 429 has the headers it was given; 5xx look like what stands before the Hub. */
static void answer_status(const struct fault *f, const struct serve_request *req, struct serve_response *resp)
{
	int status = (int)number(f, 500);

	if (f->retry_after[0])
		response_add(resp, "Retry-After", "%s", f->retry_after);
	if (f->rate[0]) /* "r;t": left, and seconds to the end of the window */
		response_add(resp, "RateLimit", "\"%s\";r=%.*s;t=%s", req->route.kind == ROUTE_RESOLVE ? "resolvers" : "api",
			     (int)strcspn(f->rate, ";"), f->rate, strchr(f->rate, ';') ? strchr(f->rate, ';') + 1 : "0");
	if (status < 500 || f->message[0]) {
		hub_error(req, resp, status, f->code[0] ? f->code : NULL, f->message[0] ? f->message : "made by a test");
		return;
	}
	resp->status = status;
	response_add(resp, "Content-Type", "text/html");
	buf_addf(&resp->body, "<html><head><title>%d</title></head><body><center><h1>%d</h1></center></body></html>\n", status, status);
}

static void answer_location(const struct fault *f, const struct serve_request *req, struct serve_response *resp)
{
	resp->status = f->kind == FAULT_REDIRECT_LOOP ? 307 : 302;
	response_add(resp, "Location", "%s", f->kind == FAULT_REDIRECT_LOOP ? req->target : f->arg);
	buf_adds(&resp->body, "Redirecting");
}

static const char *header_without_range(const struct serve_request *req, const char *name)
{
	const struct note *n = req->note;

	return strcasecmp(name, "Range") ? n->header(req, name) : NULL;
}

static bool apply_before(struct hub *h, struct note *n, const struct fault *f, struct serve_request *req, struct serve_response *resp)
{
	switch (f->kind) {
	case FAULT_DELAY:
		hub_sleep_us(h, number(f, 1000) * 1000);
		return false;
	case FAULT_NO_RANGE:
		n->hide_range = true;
		return false;
	case FAULT_REV:
		snprintf(req->route.rev, sizeof(req->route.rev), "%s", f->arg);
		return false;
	case FAULT_STATUS:
		answer_status(f, req, resp);
		return true;
	case FAULT_CLOSE:
		resp->faults.drop = true;
		return true;
	case FAULT_REDIRECT:
	case FAULT_REDIRECT_LOOP:
		answer_location(f, req, resp);
		return true;
	default:
		return false;
	}
}

bool fault_before(struct hub *h, struct note *n, struct serve_request *req, struct serve_response *resp)
{
	bool answered = false;

	choose(h, n, req);
	for (size_t i = 0; i < n->nr_faults && !answered; i++)
		answered = apply_before(h, n, &n->faults[i], req, resp);
	if (n->hide_range) {
		n->header = req->header;
		req->header = header_without_range;
	}
	return answered;
}

/* Shifts a number of Content-Range: the first or the total. */
static void bend_range(struct serve_response *resp, long long by, bool total)
{
	const char *value = response_header(resp, "Content-Range");
	unsigned long long first, last, size;

	if (!value || sscanf(value, "bytes %llu-%llu/%llu", &first, &last, &size) != 3)
		return;
	if (total)
		size += (unsigned long long)by;
	else
		first += (unsigned long long)by;
	response_drop(resp, "Content-Range");
	response_add(resp, "Content-Range", "bytes %llu-%llu/%llu", first, last, size);
}

static void set_header(struct serve_response *resp, const char *line)
{
	const char *colon = strchr(line, ':');
	AUTO_FREE char *name = colon ? strndup(line, (size_t)(colon - line)) : NULL;

	if (!name)
		return;
	response_drop(resp, name);
	response_add(resp, name, "%s", colon + 1 + strspn(colon + 1, " "));
}

static void make_absolute(const struct serve_request *req, struct serve_response *resp)
{
	const char *location = response_header(resp, "Location"), *host = req->header(req, "Host");
	AUTO_FREE char *absolute = location && host && *location == '/' ? str_printf("http://%s%s", host, location) : NULL;

	if (!absolute)
		return;
	response_drop(resp, "Location");
	response_add(resp, "Location", "%s", absolute);
}

static void bend_link(const struct fault *f, const struct serve_request *req, struct serve_response *resp)
{
	const char *host = req->header(req, "Host");

	if (f->kind == FAULT_LINK_FOREIGN && !response_header(resp, "Link"))
		return;
	response_drop(resp, "Link");
	if (f->kind == FAULT_LINK_FOREIGN)
		response_add(resp, "Link", "<%s%s>; rel=\"next\"", f->arg[0] ? f->arg : "http://127.0.0.2:9", req->target);
	else
		response_add(resp, "Link", "<http://%s%s>; rel=\"next\"", host ? host : "", req->target);
}

static void random_sha(char out[41])
{
	uint8_t bytes[20];

	(void)digest_random(bytes, sizeof(bytes)); /* any bytes do */
	hex_format(bytes, sizeof(bytes), out);
}

static void apply_body(struct note *n, const struct fault *f, struct serve_response *resp)
{
	uint64_t size = response_size(resp);
	char sha[41];

	switch (f->kind) {
	case FAULT_CLOSE_AFTER_HEADERS:
		resp->faults.cut = true;
		resp->faults.cut_after = 0;
		break;
	case FAULT_CUT:
		resp->faults.cut = true;
		resp->faults.cut_after = number(f, size / 2);
		break;
	case FAULT_SHORT:
		resp->faults.cut = true;
		resp->faults.cut_after = size - min_u64(size, number(f, 1));
		break;
	case FAULT_LONG:
		resp->faults.extra = number(f, 1);
		break;
	case FAULT_TRICKLE:
		n->bps = number(f, 1);
		break;
	case FAULT_FLIP:
		resp->faults.flip_every = number(f, 4096);
		break;
	case FAULT_NO_LENGTH:
		resp->faults.no_length = true;
		break;
	case FAULT_JSON_TRUNCATE:
		resp->body.len = (size_t)min_u64(resp->body.len, number(f, resp->body.len / 2));
		break;
	case FAULT_JSON_BAD:
		buf_adds(&resp->body, ",]}");
		break;
	case FAULT_ENTRY:
		body_add_entry(resp, f->arg, "file");
		break;
	case FAULT_ENTRY_TWICE:
	case FAULT_ENTRY_BOTH:
		body_repeat_entry(resp, f->kind == FAULT_ENTRY_BOTH);
		break;
	case FAULT_MASK:
		body_mask(resp);
		break;
	case FAULT_SHA:
		random_sha(sha);
		body_set_sha(resp, f->arg[0] ? f->arg : sha);
		break;
	default:
		break;
	}
}

static void apply_headers(const struct fault *f, const struct serve_request *req, struct serve_response *resp)
{
	switch (f->kind) {
	case FAULT_RANGE_START:
	case FAULT_RANGE_TOTAL:
		bend_range(resp, f->arg[0] ? strtoll(f->arg, NULL, 10) : 1, f->kind == FAULT_RANGE_TOTAL);
		break;
	case FAULT_DROP_HEADER:
		response_drop(resp, f->arg);
		break;
	case FAULT_SET_HEADER:
		set_header(resp, f->arg);
		break;
	case FAULT_ABSOLUTE_REDIRECT:
		make_absolute(req, resp);
		break;
	case FAULT_LINK_FOREIGN:
	case FAULT_LINK_REPEAT:
		bend_link(f, req, resp);
		break;
	default:
		break;
	}
}

void fault_after(struct note *n, const struct serve_request *req, struct serve_response *resp)
{
	for (size_t i = 0; i < n->nr_faults; i++) {
		apply_body(n, &n->faults[i], resp);
		apply_headers(&n->faults[i], req, resp);
	}
}

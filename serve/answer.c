// SPDX-License-Identifier: Apache-2.0
/*
 * From a request to its answer: finds the repository, hands on to the file that knows the route, and adds what every answer of the
 * Hub carries. Errors have the words of the Hub, by which its clients tell them apart. [docs/PROTOCOL.md, errors]
 */
#include "serve_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/log.h>
#include <hffs/url.h>

#define QUOTA 1000000 /* requests a window, as the headers say; nothing is limited */
#define WINDOW_S 300

static bool is_api(const struct serve_request *req)
{
	return !strncmp(req->target, "/api/", 5) && req->route.kind != ROUTE_RESOLVE_CACHE;
}

void answer_json(struct serve_response *resp, struct buf *json)
{
	buf_done(&resp->body);
	resp->body = *json;
	*json = (struct buf){0};
	response_drop(resp, "Content-Type");
	response_add(resp, "Content-Type", "application/json; charset=utf-8");
}

void answer_error(const struct serve_request *req, struct serve_response *resp, int status, const char *code, const char *fmt, ...)
{
	AUTO_FREE char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&message, fmt, ap) < 0)
		message = NULL;
	va_end(ap);
	resp->status = status;
	buf_clear(&resp->body);
	if (code)
		response_add(resp, "X-Error-Code", "%s", code);
	response_add(resp, "X-Error-Message", "%s", message ? message : "");
	if (is_api(req)) {
		AUTO_BUF b = {0};

		buf_adds(&b, "{\"error\":");
		buf_add_json(&b, message ? message : "");
		buf_adds(&b, "}");
		answer_json(resp, &b);
	} else {
		response_add(resp, "Content-Type", "text/plain; charset=utf-8");
		buf_adds(&resp->body, message ? message : "");
	}
}

void answer_no_repo(const struct serve_request *req, struct serve_response *resp)
{
	if (req->header(req, "Authorization")) {
		answer_error(req, resp, 404, "RepoNotFound", "Repository not found");
		return;
	}
	response_add(resp, "WWW-Authenticate", "Bearer realm=\"Authentication required\", charset=\"UTF-8\"");
	answer_error(req, resp, 401, NULL, "Invalid username or password.");
}

void answer_failure(const struct serve_request *req, struct serve_response *resp, int code, const struct err *err)
{
	log_warn("%.*s: %s", (int)url_shown_len(req->target), req->target, err && err->text[0] ? err_text(err) : strerror(-code));
	answer_error(req, resp, 500, NULL, "Internal Error");
}

struct listing *answer_listing(const struct serve_request *req, struct repo *repo, const char *rev, struct serve_response *resp)
{
	const char *path = req->route.kind == ROUTE_RESOLVE ? req->route.path : "";
	struct listing *l = NULL;
	struct err err = {0};
	int r = repo_listing_for(repo, rev, path, &l, &err);

	if (r == 0)
		return l;
	if (r == -ENOENT)
		answer_error(req, resp, 404, "RevisionNotFound", "Invalid rev id: %s", rev);
	else
		answer_failure(req, resp, r, &err);
	return NULL;
}

/* The Host header, if it can stand in a URL. */
static bool host_is_plain(const char *host)
{
	return host && *host && strspn(host, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-_:[]") == strlen(host);
}

char *answer_origin(const struct serve *s, const struct serve_request *req)
{
	const char *host = req->header(req, "Host"), *proto = req->header(req, "X-Forwarded-Proto");

	if (!host_is_plain(host))
		return strdup(s->endpoint);
	return str_printf("%s://%s", proto && !strcasecmp(proto, "https") ? "https" : "http", host);
}

void answer_redirect(struct serve_response *resp, int status, const char *location)
{
	resp->status = status;
	response_add(resp, "Location", "%s", location);
	response_add(resp, "Vary", "Accept");
	response_add(resp, "Content-Type", "text/plain; charset=utf-8");
	buf_clear(&resp->body);
	buf_addf(&resp->body, "%s. Redirecting to %s", status == 302 ? "Found" : "Temporary Redirect", location);
}

static void redirect_to_canonical(const struct serve_request *req, struct serve_response *resp, const char *canonical)
{
	const struct route *r = &req->route;
	AUTO_FREE char *location =
		str_printf("%.*s%s%s", (int)r->id_off, req->target, canonical, req->target + r->id_off + r->id_len);

	if (location)
		answer_redirect(resp, 307, location);
}

static void format_query(struct buf *b, const char *query, const char *cursor)
{
	while (*query) {
		size_t len = strcspn(query, "&");

		if (len && strncmp(query, "cursor=", 7) != 0) {
			buf_add(b, query, len);
			buf_addc(b, '&');
		}
		query += len + (query[len] == '&');
	}
	buf_adds(b, "cursor=");
	cursor_format(b, cursor);
}

void answer_next_page(const struct serve *s, const struct serve_request *req, struct serve_response *resp, const char *cursor)
{
	AUTO_FREE char *origin = answer_origin(s, req);
	AUTO_BUF query = {0};

	format_query(&query, req->route.query, cursor);
	if (origin && !query.failed)
		response_add(resp, "Link", "<%s%.*s?%s>; rel=\"next\"", origin, (int)url_shown_len(req->target), req->target, query.data);
}

void cursor_format(struct buf *b, const char *text)
{
	for (; *text; text++)
		buf_addf(b, "%02x", (unsigned char)*text);
}

bool cursor_parse(const char *query, char *out, size_t size)
{
	AUTO_FREE char *hex = malloc(2 * size + 1);
	size_t len;

	out[0] = '\0';
	if (!hex || !query_get(query, "cursor", hex, 2 * size + 1))
		return true;
	len = strlen(hex);
	if (len % 2 || len / 2 >= size || hex_parse(hex, len, (uint8_t *)out) < 0)
		return false;
	out[len / 2] = '\0';
	return true;
}

static void answer_repo(struct serve *s, struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	switch (req->route.kind) {
	case ROUTE_INFO:
		info_answer(req, repo, resp);
		break;
	case ROUTE_TREE:
		tree_answer(s, req, repo, resp);
		break;
	case ROUTE_TREESIZE:
		tree_answer_size(req, repo, resp);
		break;
	case ROUTE_PATHS_INFO:
		paths_info_answer(req, repo, resp);
		break;
	case ROUTE_REFS:
		refs_answer(req, repo, resp);
		break;
	case ROUTE_COMMITS:
		commits_answer(s, req, repo, resp);
		break;
	case ROUTE_RESOLVE:
		content_resolve(s, req, repo, resp);
		break;
	case ROUTE_RESOLVE_CACHE:
		content_resolve_cache(req, repo, resp);
		break;
	case ROUTE_RAW:
		content_raw(req, repo, resp);
		break;
	default: /* ROUTE_AUTH_CHECK: all is open here */
		response_add(resp, "Content-Type", "text/plain; charset=utf-8");
		buf_adds(&resp->body, "OK");
	}
}

static void find_and_answer(struct serve *s, struct serve_request *req, struct serve_response *resp)
{
	char canonical[ROUTE_ID_MAX];
	struct repo *repo = NULL;
	int r = repos_find(s->repos, req->route.repo, req->route.id, &repo, canonical);

	if (r == 0)
		answer_repo(s, req, repo, resp);
	else if (r == -EXDEV)
		redirect_to_canonical(req, resp, canonical);
	else if (r == -ENOENT)
		answer_no_repo(req, resp);
	else
		answer_failure(req, resp, r, NULL);
}

static void answer_route(struct serve *s, struct serve_request *req, struct serve_response *resp)
{
	bool wants_post = req->route.kind == ROUTE_PATHS_INFO;
	bool fits = wants_post ? !strcmp(req->method, "POST") : !strcmp(req->method, "GET") || !strcmp(req->method, "HEAD");

	if (!fits && req->route.kind != ROUTE_NONE) {
		response_add(resp, "Allow", "%s", wants_post ? "POST" : "GET, HEAD");
		answer_error(req, resp, 405, NULL, "Method not allowed");
		return;
	}
	switch (req->route.kind) {
	case ROUTE_NONE:
		answer_error(req, resp, 404, NULL, "Not Found");
		break;
	case ROUTE_CDN:
		content_cdn(s, req, resp);
		break;
	case ROUTE_LIST:
		list_answer(s, req, resp);
		break;
	case ROUTE_OVERVIEW:
		list_answer_overview(s, req, resp);
		break;
	case ROUTE_WHOAMI:
		answer_error(req, resp, 401, NULL, "Invalid username or password.");
		break;
	default:
		find_and_answer(s, req, resp);
	}
}

/* What the Hub puts on every answer. */
static void add_common(const struct serve_request *req, struct serve_response *resp)
{
	bool is_content = req->route.kind == ROUTE_RESOLVE || req->route.kind == ROUTE_RESOLVE_CACHE;
	const char *bucket = is_content ? "resolvers" : is_api(req) ? "api" : "pages";
	unsigned left = WINDOW_S - (unsigned)((uint64_t)clock_wall_s() % WINDOW_S);
	uint8_t id[28] = {0};
	char hex[57];

	(void)digest_random(id, sizeof(id)); /* a poor request id harms nobody */
	hex_format(id, sizeof(id), hex);
	response_add(resp, "X-Request-Id", "Root=1-%.8s-%.24s;%.8s-%.4s-%.4s-%.4s-%.4s%.8s", hex, hex + 8, hex + 32, hex + 40, hex + 44,
		     hex + 48, hex + 52, hex);
	response_add(resp, "RateLimit", "\"%s\";r=%d;t=%u", bucket, QUOTA, left);
	response_add(resp, "RateLimit-Policy", "\"fixed window\";\"%s\";q=%d;w=%d", bucket, QUOTA, WINDOW_S);
	response_add(resp, "Access-Control-Expose-Headers",
		     "X-Repo-Commit,X-Request-Id,X-Error-Code,X-Error-Message,X-Total-Count,ETag,Link,Accept-Ranges,Content-Range,"
		     "X-Linked-Size,X-Linked-ETag");
}

/* Bodies of JSON have a weak etag of their text. */
static void add_json_etag(struct serve_response *resp)
{
	const char *type = response_header(resp, "Content-Type");

	if (resp->status == 200 && type && !strncmp(type, "application/json", 16))
		response_add(resp, "ETag", "W/\"%zx-%016" PRIx64 "\"", resp->body.len, digest_hash64(resp->body.data, resp->body.len, 0));
}

void answer_request(struct serve *s, struct serve_request *req, struct serve_response *resp)
{
	answer_route(s, req, resp);
	if (resp->body.failed) {
		response_done(resp);
		answer_failure(req, resp, -ENOMEM, NULL);
	}
	if (!req->cdn) {
		add_common(req, resp);
		add_json_etag(resp);
	}
}

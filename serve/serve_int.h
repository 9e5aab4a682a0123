/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the server share. */
#ifndef HFFS_SERVE_INT_H
#define HFFS_SERVE_INT_H

#include <hffs/serve.h>
#include <hffs/serve_http.h>

#include "address_int.h"
#include "repo_int.h"
#include "route_int.h"

struct http;

struct serve {
	struct repos *repos;
	uint8_t key[32]; /* signs content URLs; made anew at every start */
	uint8_t pad[32]; /* turns a SHA-256 into the name of the content at the content origin, and back */
	uint64_t url_ttl_s;
	char *endpoint;
	char *cdn_url; /* NULL: the host of the request with cdn_port */
	unsigned cdn_port;
	const struct serve_hook *hook;
	struct http *hub, *cdn;
};

/* http.c */
struct server_config {
	int listen_fd; /* taken */
	bool cdn;      /* what requests say of where they arrived */
	struct http_handler handler;
	const struct serve_hook *hook;
};
/* Serves one listening socket; each connection has a thread of its own. */
int server_open(const struct server_config *config, struct http **out, struct err *err);
void server_close(struct http *h);

/* answer.c: the one way from a request, its route parsed, to a response. */
void answer_request(struct serve *s, struct serve_request *req, struct serve_response *resp);
/* {"error":...} under /api/, plain text elsewhere; the headers X-Error-Code (unless NULL) and X-Error-Message. */
void answer_error(const struct serve_request *req, struct serve_response *resp, int status, const char *code, const char *fmt, ...)
	PRINTF_LIKE(5, 6);
/* A missing repository: anonymous callers are asked to log in, as the Hub does. */
void answer_no_repo(const struct serve_request *req, struct serve_response *resp);
/* Our own trouble: 500, and a line in the log. */
void answer_failure(const struct serve_request *req, struct serve_response *resp, int code, const struct err *err);
/* Sets the body from JSON text, which it takes. */
void answer_json(struct serve_response *resp, struct buf *json);
/* "http://host:port" as the client reached us, caller frees. */
char *answer_origin(const struct serve *s, const struct serve_request *req);
/* The same target with `from` bytes at off replaced, as a 307. */
void answer_redirect(struct serve_response *resp, int status, const char *location);

/* info.c, tree.c, refs.c, list.c: the JSON answers. */
void info_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void info_add_json(struct buf *b, const struct serve_request *req, struct repo *repo, const struct listing *l, bool full);
void tree_answer(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void tree_answer_size(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void paths_info_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void refs_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void commits_answer(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void list_answer(struct serve *s, const struct serve_request *req, struct serve_response *resp);
void list_answer_overview(struct serve *s, const struct serve_request *req, struct serve_response *resp);
/* The listing of the request's revision; NULL after it has answered RevisionNotFound or a failure. Caller unrefs. */
struct listing *answer_listing(const struct serve_request *req, struct repo *repo, const char *rev, struct serve_response *resp);
/* Link: <this URL with that cursor>; rel="next" */
void answer_next_page(const struct serve *s, const struct serve_request *req, struct serve_response *resp, const char *cursor);
/* An opaque cursor for a text, and back. */
void cursor_format(struct buf *b, const char *text);
bool cursor_parse(const char *query, char *out, size_t size);

/* content.c: bytes. */
void content_resolve(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void content_resolve_cache(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void content_raw(const struct serve_request *req, struct repo *repo, struct serve_response *resp);
void content_cdn(struct serve *s, const struct serve_request *req, struct serve_response *resp);

/* sign.c: URLs of content. */
/* Appends "/cdn/{db_id}/{hash}?Expires=..&Signature=.." */
void sign_url(const struct serve *s, const char *db_id, const uint8_t sha256[32], struct buf *b);
/* 0 and the content's SHA-256; -EACCES for a wrong signature, -ETIMEDOUT for one that has expired. */
int sign_check(const struct serve *s, const struct route *route, uint8_t sha256[32]);

#endif

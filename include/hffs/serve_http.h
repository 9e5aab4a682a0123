/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request and its answer as serve/ sees them, without any HTTP library; and the hook through which the tests' fault layer
 * looks at both. The product has no hook, and then nothing in `faults` is ever set.
 */
#ifndef HFFS_SERVE_HTTP_H
#define HFFS_SERVE_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include <hffs/buf.h>
#include <hffs/err.h>

enum route_kind {
	ROUTE_NONE, /* no such page */
	ROUTE_INFO,
	ROUTE_TREE,
	ROUTE_TREESIZE,
	ROUTE_PATHS_INFO,
	ROUTE_REFS,
	ROUTE_COMMITS,
	ROUTE_AUTH_CHECK,
	ROUTE_LIST,
	ROUTE_OVERVIEW,
	ROUTE_WHOAMI,
	ROUTE_RESOLVE,
	ROUTE_RESOLVE_CACHE,
	ROUTE_RAW,
	ROUTE_CDN,
};

enum repo_kind { REPO_NONE, REPO_MODEL, REPO_DATASET, REPO_SPACE };

#define ROUTE_ID_MAX 256
#define ROUTE_REV_MAX 1024
#define ROUTE_PATH_MAX 8192

/* What a request target asks for; every part is decoded once. */
struct route {
	enum route_kind kind;
	enum repo_kind repo;
	char id[ROUTE_ID_MAX];     /* "org/name" or "name"; the organisation of ROUTE_OVERVIEW; the database id of ROUTE_CDN */
	char rev[ROUTE_REV_MAX];   /* "" if none was given; the hash of ROUTE_CDN */
	char path[ROUTE_PATH_MAX]; /* inside the repository; "" is its root */
	bool bare_refs;            /* resolve/refs/...: a revision whose slashes were not encoded */
	size_t id_off, id_len;     /* where the id stands in the raw target */
	const char *query;         /* raw, after '?'; "" if none; borrowed from the target */
};

struct serve_request {
	const char *method; /* "GET", "HEAD", "POST" */
	const char *target; /* raw path and query, as sent */
	bool cdn;           /* it arrived at the content origin */
	bool direct;        /* set by a hook: regular files are answered in place instead of by a redirect */
	uint64_t conn;      /* the same for all requests of one connection */
	struct route route;
	struct buf body;
	bool too_large;     /* the body was longer than is taken; what there is of it is not whole */
	/* The value of a request header, NULL if absent; borrowed during the request. */
	const char *(*header)(const struct serve_request *req, const char *name);
	/* Has the client closed its connection? One that has only ended what it sends looks the same. On the connection's own thread. */
	bool (*is_gone)(const struct serve_request *req);
	void *impl; /* http.c's own */
	void *note; /* a hook's own, per request */
};

struct serve_header {
	char *name, *value;
};

/* Ways to answer badly. All zero is an honest answer. */
struct serve_faults {
	bool drop;        /* close the connection instead of answering */
	bool no_length;   /* chunked, no Content-Length */
	bool cut;         /* close the connection after cut_after bytes of body */
	uint64_t cut_after;
	uint64_t extra;      /* send this many bytes beyond what Content-Length announces */
	uint64_t flip_every; /* byte n of the body is inverted where n % flip_every == 0 */
};

/* The body is `body`, or the bytes [off, off + len) of fd when fd >= 0, which the response owns, or what a stream makes. */
struct serve_response {
	int status;
	struct serve_header *headers;
	size_t nr_headers;
	struct buf body;
	int fd;
	uint64_t off, len;
	struct serve_stream *stream; /* owned; NULL: there is none */
	struct serve_faults faults;
};

/* A body that is made while it is sent. */
struct serve_stream {
	void *ctx;
	/* Fills in 1 to max bytes and returns how many, as soon as it has some; 0: the end; -errno: the connection is cut. On the
	 * connection's own thread, which may wait in it. */
	ssize_t (*read)(void *ctx, char *out, size_t max);
	/* Once, in the end, also when the client went away; frees ctx. */
	void (*done)(void *ctx);
};
/* Makes the response one with that body; what is there of ctx is freed by done(). 0, or -ENOMEM, and then done() was called. */
int response_stream(struct serve_response *r, const struct serve_stream *stream);

void response_init(struct serve_response *r);
void response_done(struct serve_response *r);
/* Adds a header; control bytes in its value become '?'. */
void response_add(struct serve_response *r, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
const char *response_header(const struct serve_response *r, const char *name); /* the first, NULL if none */
void response_drop(struct serve_response *r, const char *name);                /* all of that name */
uint64_t response_size(const struct serve_response *r);                        /* bytes of body */

/*
 * Steps through a query or form: the next pair, decoded ('+' is a blank), and *query moved behind it. False at the end; pairs
 * that are malformed or do not fit (undecoded) are passed over.
 */
bool query_next(const char **query, char *name, size_t name_size, char *value, size_t value_size);
/* The first value of that name; false if there is none, and then out may have been overwritten. */
bool query_get(const char *query, const char *name, char *out, size_t size);
/* "true" or "1". */
bool query_is_true(const char *query, const char *name);
/* A decimal number; `otherwise` if absent or malformed. */
uint64_t query_u64(const char *query, const char *name, uint64_t otherwise);

/* Each may be NULL. Called on the connection's own thread, which they may put to sleep. */
struct serve_hook {
	void *ctx;
	/* Before routing, the route parsed: true if the response is filled in and nothing more is to be done. */
	bool (*before)(void *ctx, struct serve_request *req, struct serve_response *resp);
	/* The honest answer is ready; may be changed. */
	void (*after)(void *ctx, struct serve_request *req, struct serve_response *resp);
	/* len bytes of body are about to be sent; returns how many may go now, 1 to len. */
	size_t (*sending)(void *ctx, struct serve_request *req, size_t len);
	/* The request is over, however it ended. */
	void (*done)(void *ctx, struct serve_request *req);
	/* A connection came (true) or went. */
	void (*connected)(void *ctx, bool came);
	/* The server is about to close and waits for its threads: let those that sleep wake up. */
	void (*closing)(void *ctx);
};

/* --- a server of its own, for other things than a Hub --- */

struct http_handler {
	void *ctx;
	/* Fills in the response. On the connection's own thread, which may wait in it. */
	void (*answer)(void *ctx, struct serve_request *req, struct serve_response *resp);
};

struct http_server;
/* Listens at "ADDR:PORT" or "[ADDR6]:PORT"; port 0 picks a free one. Errors as of serve_open(). */
int http_server_open(const char *listen, const struct http_handler *handler, struct http_server **out, struct err *err);
/* "http://127.0.0.1:8080"; borrowed. */
const char *http_server_endpoint(const struct http_server *s);
/* Takes no more connections, and waits for the threads of those that are there: the handler and streams must come to an end. */
void http_server_close(struct http_server *s);
AUTO_DEFINE(struct http_server *, http_server_close)

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one libcurl multi handle and its thread (the net thread). Knows no Hub URL, no token, follows no redirect and retries
 * nothing; but a host that failed several times in a row is asked by one request at a time until it answers. All callbacks run on the net thread and must not block. Proxies are libcurl's matter: it reads http_proxy, https_proxy,
 * ALL_PROXY and NO_PROXY.
 */
#ifndef HFFS_HTTP_H
#define HFFS_HTTP_H

#include <stdbool.h>
#include <sys/types.h>

#include <hffs/err.h>

struct http;
struct http_request;

struct http_config {
	const char *user_agent;
	const char *ca_file;      /* certificates to trust instead of the system's: a PEM file or a directory of them; NULL: the system's */
	unsigned connections_max; /* in all; 0: 64 */
	/*
	 * Optional. Asked on the net thread before a request is sent: clock_mono_ms() until which its host is left alone. The wait
	 * does not count against the request's deadline. Must not block.
	 */
	uint64_t (*paused_until)(void *ctx, const char *url);
	void *paused_ctx;
};

/* Headers of an answer. Valid inside the callback that hands it out. */
struct http_answer {
	int status;              /* 0 when there was no answer */
	struct http_request *rq; /* for http_answer_header() */
	const char *url;         /* as asked */
	const char *ip;          /* address that answered, "" if unknown (a proxy's own where there is one) */
	bool is_proxied;         /* ip is that of a proxy: the host's own is known to the proxy alone */
	uint64_t body_len;       /* body bytes seen so far */
	uint64_t host_wait_ms;   /* in done(): the host fails time and again; not before so long from now. 0: it does not */
};
/* A header's value without blanks around it (the last one where repeated), NULL if absent. Any case. Borrowed as the answer. */
const char *http_answer_header(const struct http_answer *a, const char *name);

struct http_ask {
	const char *url;            /* absolute; sent byte for byte */
	const char *const *headers; /* "Name: value" lines, NULL at the end; may be NULL. Copied. */
	const char *post;           /* a body makes it POST; copied. NULL: GET */
	bool http1_only;            /* content: HTTP/1.1 on its own connection, as sent; else HTTP/2 where offered, gzip undone */
	bool deny_private;          /* refuse to connect to a private, loopback or link-local address (-EPERM); a proxy may have one */
	bool no_proxy;              /* never through a proxy, whatever the environment says */
	bool is_patient;            /* waits until its turn at a host that fails, or the deadline; else -EBUSY with what the host failed with */
	uint64_t not_before_ms;     /* clock_mono_ms() before which nothing is sent; 0: now */
	uint64_t deadline_ms;       /* clock_mono_ms() after which it fails with -ETIMEDOUT; 0: none */
	/*
	 * Optional. Called once all headers of the final answer (no 1xx) are there, before body bytes. A negative return
	 * ends the request with that code at once.
	 */
	int (*headers_done)(void *ctx, const struct http_answer *a);
	/*
	 * Body bytes in order. Returns how many were taken; fewer than len pauses the transfer (TCP's own backpressure):
	 * the rest is offered again after http_resume(). Negative: ends the request with that code.
	 */
	ssize_t (*body)(void *ctx, const void *bytes, size_t len);
	/* Exactly once, last. r: 0 when a whole HTTP answer came (whatever its status), else -errno with a sentence in err. */
	void (*done)(void *ctx, int r, const struct http_answer *a, const struct err *err);
	void *ctx;
};

/* Starts the net thread. -errno with a sentence, also if the certificates cannot be read. */
int http_open(const struct http_config *config, struct http **out, struct err *err);
/* Ends all requests with -ECANCELED, stops the thread, frees. */
void http_close(struct http *h);

/* Any thread. 0: done() will come exactly once. -ENOMEM, -ECANCELED (closing): it will not. *out may be NULL. */
int http_start(struct http *h, const struct http_ask *ask, struct http_request **out);
/* Any thread, only before done() was called: the caller guarantees that by its own lock or by being on the net thread. */
void http_resume(struct http *h, struct http_request *rq);
void http_cancel(struct http *h, struct http_request *rq); /* done(-ECANCELED) comes on the net thread, later */
/* fn(arg) runs on the net thread about every period_ms from now on. One tick per http; call before requests start. */
void http_set_tick(struct http *h, unsigned period_ms, void (*fn)(void *arg), void *arg);

struct http_stats {
	uint64_t requests;    /* sent, each hop counted */
	uint64_t connections; /* opened so far */
	uint64_t running;     /* requests under way now */
};
void http_stats(struct http *h, struct http_stats *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* One request as libcurl sees it: for http.c and http_request.c only, the two files that know libcurl. */
#ifndef HFFS_HUB_HTTP_REQUEST_INT_H
#define HFFS_HUB_HTTP_REQUEST_INT_H

#include <stdatomic.h>

#include <curl/curl.h>

#include <hffs/buf.h>

#include "hosts_int.h"
#include "http_int.h"

enum rq_state { RQ_NEW, RQ_DELAYED, RQ_RUNNING };
enum rq_wish { WISH_RESUME = 1, WISH_CANCEL = 2 };

struct http_request {
	struct http_task task;
	struct http *h;
	_Atomic unsigned wishes;
	/* the net thread's own from here on */
	struct http_request *next, *prev;
	enum rq_state state;
	struct http_ask ask; /* url, headers and post are not used */
	char *url, *post;
	struct curl_slist *lines;
	CURL *easy;
	struct buf head; /* headers: name NUL value NUL ... */
	int status;
	bool head_over; /* what comes now are trailers */
	bool denied;    /* an address was refused */
	bool is_proxied; /* a proxy is in between */
	unsigned port;  /* of the URL; 0: it cannot be read */
	uint64_t began_ms; /* when libcurl got it; 0: never */
	struct curl_slist *connect_to; /* the address to use instead of looking the name up */
	bool is_connected;  /* of one that failed: it was sent */
	bool is_unresolved; /* the name has no address */
	int end;        /* what a callback ended the request with; 0: none did */
	size_t skip;    /* bytes of the block that is offered again which were taken before the pause */
	uint64_t body_len;
	char ip[64];
	char error[CURL_ERROR_SIZE];
};

/* Copies ask; the caller sets h and task. 0; -EINVAL for a header with a line break; -ENOMEM. */
int request_new(const struct http_ask *ask, struct http_request **out);
void request_free(struct http_request *rq);
AUTO_DEFINE(struct http_request *, request_free)
/* What all requests have in common. */
struct http_common {
	CURLSH *share;
	char *user_agent;
	char *ca; /* certificates to trust, NULL: the system's */
	bool ca_is_dir;
};
/* Tells rq->easy all that it must know. address: to connect to without a lookup, NULL if the name is to be looked up. */
void request_setup(struct http_request *rq, const struct http_common *common, const char *address);
/* All headers of its answer are there: its host hears of it before the body is over. http.c's, inside a callback of libcurl. */
void request_answered(struct http_request *rq);
/* So many bytes of its body came; likewise. */
void request_took(struct http_request *rq, size_t bytes);
/* What its end says of its host. */
enum host_news request_news(const struct http_request *rq, int r);
/* What has come of the answer so far. */
struct http_answer request_answer(struct http_request *rq);
/* How the transfer that libcurl ended with code counts: 0, or -errno with a sentence that names the host. */
int request_verdict(struct http_request *rq, CURLcode code, struct err *err);
int request_too_late(const struct http_request *rq, const struct host *host, struct err *err); /* -ETIMEDOUT */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The server of `hffs serve` with a layer that counts, slows down, breaks and restricts. */
#ifndef HFFS_TESTS_HUB_H
#define HFFS_TESTS_HUB_H

#include <pthread.h>
#include <stdatomic.h>

#include <hffs/serve_http.h>

/* What is counted apart. */
enum bucket { BUCKET_API, BUCKET_RESOLVE, BUCKET_RESOLVE_CACHE, BUCKET_CDN, BUCKET_NR };
enum bucket bucket_of(const struct serve_request *req);
const char *bucket_name(enum bucket b);
/* The bucket of that name; BUCKET_NR for "any"; -EINVAL. */
int bucket_parse(const char *name);

struct stats {
	atomic_ullong requests[BUCKET_NR], bytes[BUCKET_NR];
	atomic_ullong connections, open, token_leaks;
};

/* Answers come late and slowly. 0: they do not. */
struct shape {
	uint64_t delay_ms, conn_bps, total_bps;
	uint64_t total_next_us; /* when the next byte of all connections together may go */
};

struct hub {
	struct stats stats;
	atomic_bool closing;
	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t wake;
	struct shape shape;
	struct fault *faults;
	struct access_rule *rules;
};

/* Per request. */
struct note {
	enum bucket bucket;
	uint64_t start_us, sent;  /* of the body */
	uint64_t bps;             /* a fault's own rate; 0: none */
	struct fault *fault;      /* the one that hit this request; borrowed from the hub */
};

/* hub.c: waits, but not beyond the end of the server. */
void hub_sleep_us(struct hub *h, uint64_t us);
/* A parameter of a control request, from its query or its form body. */
bool hub_param(const struct serve_request *req, const char *name, char *out, size_t size);
uint64_t hub_param_u64(const struct serve_request *req, const char *name, uint64_t otherwise);

/* control.c: /_test/... True if the request was one of these. */
bool control_answer(struct hub *h, struct serve_request *req, struct serve_response *resp);

/* shape.c */
void shape_delay(struct hub *h);
size_t shape_send(struct hub *h, struct note *n, size_t len);

#endif

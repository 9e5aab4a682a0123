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

struct stats {
	atomic_ullong requests[BUCKET_NR], bytes[BUCKET_NR], refused[BUCKET_NR]; /* refused: 4xx and 5xx */
	atomic_ullong connections, open, open_most, token_leaks;
};

/* Answers come late and slowly. 0: they do not. */
struct shape {
	uint64_t delay_ms, conn_bps, total_bps;
	uint64_t total_next_us; /* when the next byte of all connections together may go */
};

enum fault_kind {
	FAULT_STATUS,
	FAULT_CLOSE,
	FAULT_CLOSE_AFTER_HEADERS,
	FAULT_CUT,
	FAULT_SHORT,
	FAULT_LONG,
	FAULT_DELAY,
	FAULT_TRICKLE,
	FAULT_RANGE_START,
	FAULT_RANGE_TOTAL,
	FAULT_NO_RANGE,
	FAULT_NO_LENGTH,
	FAULT_DROP_HEADER,
	FAULT_SET_HEADER,
	FAULT_ABSOLUTE_REDIRECT,
	FAULT_REDIRECT_LOOP,
	FAULT_REDIRECT,
	FAULT_JSON_TRUNCATE,
	FAULT_JSON_BAD,
	FAULT_ENTRY,
	FAULT_ENTRY_TWICE,
	FAULT_ENTRY_BOTH,
	FAULT_LINK_FOREIGN,
	FAULT_LINK_REPEAT,
	FAULT_MASK,
	FAULT_SHA,
	FAULT_REV,
	FAULT_FLIP,
	FAULT_NR,
};

/* Hits the nth to (nth + times - 1)-th request that matches; times 0: all from the nth on. */
struct fault {
	struct fault *next;
	enum fault_kind kind;
	char route[32], match[512], method[8];
	char arg[1024]; /* "" if none */
	char code[64], message[256], retry_after[64], rate[64]; /* of FAULT_STATUS */
	uint64_t nth, times, seen, hits;
};

enum access_mode { ACCESS_PUBLIC, ACCESS_PRIVATE, ACCESS_GATED, ACCESS_DISABLED };

/* A repository's mode, or a token that may enter it, or (repo "") just a valid token, or (to set) a new name. */
struct access_rule {
	struct access_rule *next;
	char repo[300], token[256], to[300];
	enum access_mode mode;
	bool pending; /* the token has asked and waits */
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

#define NOTE_FAULTS_MAX 8

/* Per request. */
struct note {
	enum bucket bucket;
	uint64_t start_us, sent; /* of the body */
	uint64_t bps;            /* a fault's own rate; 0: none */
	bool hide_range, gzip, mask;
	enum access_mode mode;
	struct fault faults[NOTE_FAULTS_MAX]; /* copies of those that hit it */
	size_t nr_faults;
	const char *(*header)(const struct serve_request *req, const char *name); /* the request's own */
};

/* hub.c: waits, but not beyond the end of the server. */
void hub_sleep_us(struct hub *h, uint64_t us);
/* A parameter of a control request, from its query or its form body. False, and out "", if it is not there. */
bool hub_param(const struct serve_request *req, const char *name, char *out, size_t size);
uint64_t hub_param_u64(const struct serve_request *req, const char *name, uint64_t otherwise);
/* An error as the Hub words it: headers, and a JSON or text body. */
void hub_error(const struct serve_request *req, struct serve_response *resp, int status, const char *code, const char *message);
/* Replaces the body by this text, which it takes. */
void hub_set_body(struct serve_response *resp, struct buf *b);

/* control.c: /_test/... True if the request was one of these. */
bool control_answer(struct hub *h, struct serve_request *req, struct serve_response *resp);

/* shape.c */
void shape_delay(struct hub *h);
size_t shape_send(struct hub *h, struct note *n, size_t len);

/* fault.c: adds a fault from the parameters of a control request: NULL or what is wrong with them. */
const char *fault_add(struct hub *h, const struct serve_request *req);
void fault_clear(struct hub *h);
/* Appends the faults that are set, with how often each was seen and hit, as JSON. */
void fault_show(struct hub *h, struct buf *b);
/* Chooses the faults of this request, and does what comes before the answer; true if that is the answer. */
bool fault_before(struct hub *h, struct note *n, struct serve_request *req, struct serve_response *resp);
void fault_after(struct note *n, const struct serve_request *req, struct serve_response *resp);

/* body.c: changes to bodies. */
void body_mask(struct serve_response *resp);           /* 64 asterisks for every SHA-256 */
void body_add_entry(struct serve_response *resp, const char *path_json, const char *type);
void body_repeat_entry(struct serve_response *resp, bool as_directory);
void body_set_sha(struct serve_response *resp, const char *sha);
void body_replace(struct serve_response *resp, const char *from, const char *to);
void body_drop_repo(struct serve_response *resp, const char *id); /* from a list */
bool body_wants_gzip(const struct serve_request *req);
void body_gzip(struct serve_response *resp);

/* access.c */
const char *access_add(struct hub *h, const struct serve_request *req);
const char *access_rename(struct hub *h, const struct serve_request *req);
void access_clear(struct hub *h);
bool access_before(struct hub *h, struct note *n, struct serve_request *req, struct serve_response *resp);
void access_after(struct hub *h, struct note *n, const struct serve_request *req, struct serve_response *resp);

#endif

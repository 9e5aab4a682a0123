/* SPDX-License-Identifier: Apache-2.0 */
/* The Hub's headers and JSON as structs: bytes in, structs out; pure. */
#ifndef HFFS_HUB_PARSE_INT_H
#define HFFS_HUB_PARSE_INT_H

#include <hffs/hub.h>
#include <hffs/json.h>

#define PARSE_PAGE_MAX (8u << 20) /* bytes of one JSON answer */

/* Decimal digits and nothing else, below 2^63; 0 or -EINVAL. */
int parse_u64(const char *text, uint64_t *out);

/* The rel="next" target of a Link header: 1 and *out (caller frees), 0 if there is none, -EBADMSG, -ENOMEM. */
int parse_link_next(const char *value, char **out);

struct rate_limit {
	uint64_t left;    /* requests */
	uint64_t reset_s; /* until the window ends; at most 3600 */
};
/* `"api";r=487;t=123`, read loosely; of several the one with the least left. 0 or -EINVAL. */
int parse_rate_limit(const char *value, struct rate_limit *out);
/* Retry-After in seconds, at most 3600; a date counts from now_s on, seconds since 1970. -EINVAL for anything else. [RFC 9110 10.2.3] */
int parse_retry_after(const char *value, int64_t now_s, uint64_t *out_s);

/* "Sat, 28 Nov 2026 15:31:51 GMT" to seconds since 1970, or -EINVAL; of the three forms of RFC 9110 the one that servers send. */
int parse_http_date(const char *value, int64_t *out_s);

struct content_range {
	uint64_t first, last, total;
};
/* "bytes 0-99/528". 0 or -EINVAL; an unknown total ("*") is -EINVAL too. */
int parse_content_range(const char *value, struct content_range *out);

/* An ETag or X-Linked-ETag without weak prefix and quotes, where it is 40 or 64 lowercase hex digits; else -EINVAL. */
int parse_etag(const char *value, struct blob_id *out);

/*
 * How long a location may be used, in milliseconds from now (now_s: wall clock): what its query says (Expires, or X-Amz-Date
 * with X-Amz-Expires, or the same with X-Goog-) less a margin; 0 if that has passed; 50 minutes if it does not say.
 */
uint64_t parse_location_ttl_ms(const char *url, int64_t now_s);

/* JSON answers. asked: fills what the answer leaves out. 0, -EBADMSG, -EMSGSIZE, -ENOMEM. */
int parse_info(const char *text, size_t len, const struct repo_id *asked, struct hub_info *out, struct err *err);

int parse_whoami(const char *text, size_t len, struct hub_whoami *out, struct err *err);

/* An array of what one page lists; strings are borrowed from json. Zeroed before; freed by parsed_done(). */
struct parsed {
	struct json *json;
	union {
		struct hub_entry *entries;
		struct hub_ref *refs;
		struct repo_id *repos;
		void *items;
	};
	size_t nr;
};
void parsed_done(struct parsed *p);
int parse_tree(const char *text, size_t len, struct parsed *out, struct err *err);
int parse_refs(const char *text, size_t len, struct parsed *out, struct err *err);
int parse_repos(const char *text, size_t len, enum repo_kind kind, struct parsed *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a request asks for: route, query, byte range. Pure. */
#ifndef HFFS_SERVE_ROUTE_INT_H
#define HFFS_SERVE_ROUTE_INT_H

#include <hffs/serve_http.h>

/* Parses a raw request target. Always fills in r; what is no page of the Hub has kind ROUTE_NONE. query borrows from target. */
void route_parse(const char *target, bool cdn, struct route *r);
const char *route_collection(enum repo_kind kind); /* "models", "datasets", "spaces" */
const char *route_prefix(enum repo_kind kind);     /* "", "datasets/", "spaces/": of a resolve URL */
const char *route_word(enum repo_kind kind);       /* "model", "dataset", "space" */

enum range_kind { RANGE_WHOLE, RANGE_PART, RANGE_BEYOND };
/*
 * Reads a Range header for a body of size bytes. RANGE_PART sets [*off, *off + *len) with *len >= 1. What is malformed, in
 * several parts or in another unit counts as absent (RFC 9110, 14.2). value may be NULL.
 */
enum range_kind range_parse(const char *value, uint64_t size, uint64_t *off, uint64_t *len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Documents that the cache keeps for the catalog: small JSON, bytes from outside when they come back. Pure. */
#ifndef HFFS_FETCH_DOCS_INT_H
#define HFFS_FETCH_DOCS_INT_H

#include "catalog_roster_int.h"

/* time_s: when the Hub said so, wall clock. Appends to out; check out->failed. */
void doc_format_revision(const struct revision *rev, int64_t time_s, struct buf *out);
void doc_format_refs(const struct roster *refs, int64_t time_s, struct buf *out);
/* 0; -EBADMSG for anything that was not formatted above; -ENOMEM. rev->ttl_ms is 0. */
int doc_parse_revision(const void *bytes, size_t len, enum repo_kind kind, struct revision *out, int64_t *time_s);
int doc_parse_refs(const void *bytes, size_t len, struct roster **out, int64_t *time_s);

#endif

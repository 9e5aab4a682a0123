/* SPDX-License-Identifier: Apache-2.0 */
/* A repository of a struct serve_source: its revisions, listings and contents are what somebody else has of them. */
#ifndef HFFS_SERVE_STOCK_INT_H
#define HFFS_SERVE_STOCK_INT_H

#include <hffs/serve.h>

#include "git_int.h"
#include "listing_int.h"

struct stock;

/* Borrows the source and the collection. NULL when out of memory. */
struct stock *stock_new(const struct serve_source *source, const char *collection, const char *id);
void stock_free(struct stock *s);

/* As repo_listing() and so on, repo_int.h. */
int stock_listing(struct stock *s, const char *rev, struct listing **out, struct err *err);
struct listing *stock_find_content(struct stock *s, const uint8_t sha256[32], const struct entry **e);
int stock_open(struct stock *s, const struct entry *e);
int stock_refs(struct stock *s, struct refs *out, struct err *err);

#endif

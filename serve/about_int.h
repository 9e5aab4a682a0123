/* SPDX-License-Identifier: Apache-2.0 */
/* What a repository's own files say of it. */
#ifndef HFFS_SERVE_ABOUT_INT_H
#define HFFS_SERVE_ABOUT_INT_H

#include <hffs/json.h>

#include "repo_int.h"

/* The front matter of README.md, as JSON text in front and parsed; caller frees. NULL: there is none, or it cannot be read. */
struct json *about_read_card(struct repo *r, const struct listing *l, struct buf *front);
/* Each appends a member with a comma before it; the last two nothing where there is nothing to say. card may be NULL. */
void about_add_tags(struct buf *b, const struct listing *l, const struct json *card);
void about_add_config(struct buf *b, struct repo *r, const struct listing *l);
void about_add_parameters(struct buf *b, struct repo *r, const struct listing *l);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Digests of a plain folder's files, remembered across starts. */
#ifndef HFFS_SERVE_STATE_INT_H
#define HFFS_SERVE_STATE_INT_H

#include "listing_int.h"

struct state; /* one folder's; used by one scan at a time */

/* Loads what is known of the folder `dir` (absolute); a missing or damaged file is an empty state. state_dir may be NULL. */
struct state *state_load(const char *state_dir, const char *dir);
void state_free(struct state *s);
AUTO_DEFINE(struct state *, state_free)
/* Fills in e's digest (e->sha256 if e->is_lfs, else e->oid) if this very file was hashed before. */
bool state_find(const struct state *s, struct entry *e);
/* Writes the settled files of l that have digests, and nothing else; failure is logged, it costs only time later. */
void state_store(const char *state_dir, const char *dir, const struct listing *l);

#endif

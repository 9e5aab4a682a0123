/* SPDX-License-Identifier: Apache-2.0 */
/* The commits that a plain folder has had since this process first looked at it. */
#ifndef HFFS_SERVE_LIVE_INT_H
#define HFFS_SERVE_LIVE_INT_H

#include <hffs/err.h>

#include "listing_int.h"

struct live;

/* Borrows stop, which ends all scans. NULL when out of memory. */
struct live *live_new(const char *dir, const char *state_dir, const atomic_bool *stop);
void live_free(struct live *v);
AUTO_DEFINE(struct live *, live_free)

/*
 * The folder as it is now, at most about a second old; caller unrefs. The request that finds it older scans, and hashes what
 * is new; others meanwhile get the state before, and wait only for the very first.
 */
int live_newest(struct live *v, struct listing **out, struct err *err);
/* The same, from a scan that began after the call or just before; it may wait SCAN_SOON_MS for that. */
int live_rescan(struct live *v, struct listing **out, struct err *err);
/* A state by its commit or the first digits of it; caller unrefs; NULL if there was none. Looks at memory only. */
struct listing *live_find(struct live *v, const char *hex);
/* All states, newest first: their number, up to max, each to be unreferenced. */
size_t live_all(struct live *v, struct listing **out, size_t max);

/*
 * Opens a file of one of the states: a descriptor; -ESTALE or -ENOENT if its bytes are gone. A file that was touched, or moved over
 * by another of the same bytes, is found again through a scan.
 */
int live_open(struct live *v, const struct entry *e);

#define LIVE_STATES_MAX 100

#endif

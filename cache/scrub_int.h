/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index against the data files, step by step on the keeper's thread. After an unclean end: rows without a sound data file go,
 * bytes without a row are given back to the disk, data files without a row are removed. After a clean one only blobs of
 * which nothing is left are. What was opened in this run is left alone: the layer above knows it better.
 */
#ifndef HFFS_CACHE_SCRUB_INT_H
#define HFFS_CACHE_SCRUB_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hffs/cache.h>

#include "data_int.h"

struct cache;

struct scrub {
	enum scrub_phase { SCRUB_ROWS, SCRUB_FILES, SCRUB_OVER } phase;
	bool due;      /* the last end was not clean: what it would do has to be done some time */
	bool thorough; /* rows against files, too */
	struct data_tally tally; /* what it found; dry: it only looks */
	int64_t after; /* SCRUB_ROWS: the last blob row looked at */
	unsigned folder; /* SCRUB_FILES: the next one to list */
	struct blob_id *ids; /* its names, to be looked at from pos on */
	size_t nr, cap, pos;
};

/* how: what was asked for; due: it is thorough in any case. */
void scrub_start(struct cache *c, enum cache_scrub how, bool due);
/* Nothing that it should have done is left. */
bool scrub_is_settled(const struct scrub *s);
/* Does a little; false when all is done. */
bool scrub_step(struct cache *c);
void scrub_done(struct scrub *s);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Missing chunks to ranges: pure. */
#ifndef HFFS_FETCH_PLAN_INT_H
#define HFFS_FETCH_PLAN_INT_H

#include <hffs/auto.h>

/*
 * How many chunks the next request takes from a run of `run` missing ones, when `free` further requests may start: an equal
 * share, but `least` to `most` (or what is left). At least 1.
 */
uint64_t plan_range(uint64_t run, unsigned free, uint64_t least, uint64_t most);

#endif

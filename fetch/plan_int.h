/* SPDX-License-Identifier: Apache-2.0 */
/* Missing chunks to ranges: pure. */
#ifndef HFFS_FETCH_PLAN_INT_H
#define HFFS_FETCH_PLAN_INT_H

#include <hffs/auto.h>

#define PLAN_RANGE_MIN 4   /* chunks: 1 MiB. Below it a request costs more than its bytes */
#define PLAN_RANGE_MAX 16  /* chunks: 4 MiB. Above it a reader may wait long behind one range */

/* How many chunks the next request takes from a run of `run` missing ones, when `free` further requests may start. At least 1. */
uint64_t plan_range(uint64_t run, unsigned free);

#endif

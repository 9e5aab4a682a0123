/* SPDX-License-Identifier: Apache-2.0 */
/* Reads memory and does nothing else: what a computation over weights cannot be much faster than. */
#ifndef HFFS_BENCH_LOOP_H
#define HFFS_BENCH_LOOP_H

#include <stddef.h>

struct crew;

/* Whole pages of [data, data + len), by all threads of the crew. */
void loop_read(struct crew *c, const void *data, size_t len);

#endif

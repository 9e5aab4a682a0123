// SPDX-License-Identifier: Apache-2.0
/* Sums up words, eight sums at a time, so that nothing but the memory is waited for. */
#include "loop.h"

#include <stdatomic.h>
#include <stdint.h>

#include "../infer/kernels_int.h"

#define PAGE_WORDS 512

static _Atomic(uint64_t) result; /* somebody might look at it, so it has to be computed */

static void read_part(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const uint64_t *data = ctx;
	uint64_t sums[8] = {0};

	(void)thread; /* no space of its own is needed */
	for (size_t i = begin * PAGE_WORDS; i < end * PAGE_WORDS; i += 8)
		for (size_t k = 0; k < 8; k++)
			sums[k] += data[i + k];
	for (size_t k = 0; k < 8; k++)
		atomic_fetch_add_explicit(&result, sums[k], memory_order_relaxed);
}

void loop_read(struct crew *c, const void *data, size_t len)
{
	crew_run(c, len / sizeof(uint64_t) / PAGE_WORDS, 1, read_part, (void *)(uintptr_t)data);
}

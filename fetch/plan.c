// SPDX-License-Identifier: Apache-2.0
/* Missing chunks to ranges: pure. */
#include "plan_int.h"

uint64_t plan_range(uint64_t run, unsigned free, uint64_t least, uint64_t most)
{
	uint64_t share = free ? (run + free - 1) / free : run;

	uint64_t n = min_u64(run, min_u64(max_u64(share, least), most));

	/* A rest that is hardly worth a request goes along. */
	return run - n < least / 2 && run <= most ? run : n;
}

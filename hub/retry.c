// SPDX-License-Identifier: Apache-2.0
/* When to try again. Full jitter, so that many clients of one outage do not come back together. */
#include <hffs/retry.h>

uint64_t retry_delay_ms(unsigned tries, uint64_t wait_ms, uint32_t random)
{
	uint64_t most = RETRY_FIRST_MS;

	for (unsigned i = 1; i < tries && most < RETRY_MOST_MS; i++)
		most *= 2;
	most = min_u64(most, RETRY_MOST_MS);
	return max_u64(wait_ms, (random * (most + 1)) >> 32);
}

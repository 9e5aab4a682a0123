// SPDX-License-Identifier: Apache-2.0
/*
 * Runs: what heads read from their beginning to their end. Programs that read records or blocks read many of the same length, and
 * the kernel asks for each in several requests, one after the other; when the last runs agree, the first request of the next one
 * says it all.
 *
 * The kernel's readahead asks for the next window when the last one is touched, so what it asks for last is taken by nobody.
 * [mm/readahead.c, page_cache_async_ra(), Linux 6.18] Without readahead, somebody does. Programs prefer round numbers, so the rounder
 * length is theirs.
 */
#include "prefetch_state_int.h"

#include <stdlib.h>

#define LAST 8
#define AGREE_MIN 3
#define SHUFFLED_MIN 12 /* of the last 16, or all of the last 8: by chance a page of a mapping is at a multiple of 1 MiB once in 256 */
#define BLOCK_SHIFT_MIN 19
#define BLOCK_SHIFT_MAX 28

void run_end(struct prefetch *p, struct prefetch_head *h)
{
	struct prefetch_run *run;

	p->bulk = h->read >= PREFETCH_SURE;
	if (!h->run || p->nr_runs - h->run >= PREFETCH_RUNS)
		h->run = ++p->nr_runs; /* else it had gone on after all */
	run = &p->runs[(h->run - 1) % PREFETCH_RUNS];
	run->len_kib = (uint32_t)min_u64((h->pos - h->start + 1023) / 1024, UINT32_MAX);
	run->tail_kib = h->is_tail ? h->last / 1024 : 0;
	run->start_kib = (uint32_t)(h->start / 1024);
	run->middle = h->middle;
}

static int by_length(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static const struct prefetch_run *last_run(const struct prefetch *p, uint32_t i)
{
	return &p->runs[(p->nr_runs - 1 - i) % PREFETCH_RUNS];
}

/* The length that most of them have, but for one part in so many of it; 0: there is none. */
static uint32_t agreed(uint32_t *len, uint32_t nr, uint32_t part)
{
	uint32_t median, agree = 0;

	if (nr < AGREE_MIN)
		return 0;
	qsort(len, nr, sizeof(*len), by_length);
	median = len[nr / 2];
	for (uint32_t i = 0; i < nr; i++)
		agree += len[i] + median / part >= median && len[i] <= median + median / part;
	return agree >= AGREE_MIN && agree * 4 >= nr * 3 ? median : 0;
}

/* Its length without readahead behind it, if it seems that there was any. */
static uint32_t own_length(const struct prefetch_run *run)
{
	uint32_t own = run->len_kib - run->tail_kib;

	return own && __builtin_ctz(own) > __builtin_ctz(run->len_kib) ? own : run->len_kib;
}

uint64_t run_expected(const struct prefetch *p)
{
	uint32_t len[LAST], nr = (uint32_t)min_u64(p->nr_runs, LAST);

	for (uint32_t i = 0; i < nr; i++)
		len[i] = last_run(p, i)->len_kib;
	return 1024ull * agreed(len, nr, 4); /* readahead runs over the end of one and not of the other */
}

uint64_t run_block(const struct prefetch *p)
{
	uint32_t own[LAST], nr = (uint32_t)min_u64(p->nr_runs, LAST), tails = 0, aligned = 0, block;

	for (uint32_t i = 0; i < nr; i++) {
		own[i] = own_length(last_run(p, i));
		tails += own[i] < last_run(p, i)->len_kib;
	}
	block = agreed(own, nr, UINT32_MAX);
	for (uint32_t i = 0; block && i < nr; i++)
		aligned += last_run(p, i)->start_kib % block == 0;
	return tails * 2 >= nr && aligned * 4 >= nr * 3 ? 1024ull * block : 0;
}

/* Of the last `nr` runs, those that began in the middle of a request at a multiple of this and read about as much. */
static unsigned count_blocks(const struct prefetch *p, unsigned nr, unsigned shift)
{
	uint32_t block = 1u << (shift - 10);
	unsigned found = 0;

	for (unsigned i = 0; i < nr; i++) {
		const struct prefetch_run *run = last_run(p, i);

		found += run->middle && run->middle % (1u << (shift - 12)) == 0 && run->len_kib >= block && run->len_kib <= 2 * block;
	}
	return found;
}

/* Of the last `nr` runs, those that began before the one that came before them. */
static unsigned count_jumps(const struct prefetch *p, unsigned nr)
{
	unsigned found = 0;

	for (uint32_t i = 0; i + 1 < nr; i++)
		found += last_run(p, i)->middle < last_run(p, i + 1)->middle;
	return found;
}

static bool are_shuffled(const struct prefetch *p, unsigned nr, unsigned least)
{
	if (p->nr_runs < nr || count_jumps(p, nr) < nr / 4)
		return false;
	for (unsigned shift = BLOCK_SHIFT_MIN; shift <= BLOCK_SHIFT_MAX; shift++)
		if (count_blocks(p, nr, shift) >= least)
			return true;
	return false;
}

bool run_is_shuffled(const struct prefetch *p)
{
	return are_shuffled(p, LAST, LAST) || are_shuffled(p, PREFETCH_RUNS, SHUFFLED_MIN);
}

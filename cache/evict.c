// SPDX-License-Identifier: Apache-2.0
/* Which extents to give up: the least recently used ones, as many as are needed to be well below the limit again. */
#include "evict_int.h"

#include <stdlib.h>

#define GOAL_PERCENT 95                      /* of the limit: what eviction goes down to */
#define ASKED_LEAST ((uint64_t)64 << 20)     /* bytes given up when the disk refused a write */
#define FREE_MARGIN_LEAST ((uint64_t)1 << 20) /* bytes beyond keep_free */

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t evict_need(const struct evict_state *s)
{
	uint64_t goal = s->size_max / 100 * GOAL_PERCENT, need = 0;

	if (s->bytes > s->size_max)
		need = s->bytes - goal;
	if (s->disk_free < s->keep_free)
		need = larger(need, s->keep_free - s->disk_free + larger(s->keep_free / 50, FREE_MARGIN_LEAST));
	if (s->asked)
		need = larger(need, ASKED_LEAST);
	return need < s->bytes ? need : s->bytes;
}

static int by_place(const void *a, const void *b)
{
	const struct evict_candidate *x = a, *y = b;

	if (x->blob != y->blob)
		return x->blob < y->blob ? -1 : 1;
	return x->idx < y->idx ? -1 : x->idx > y->idx;
}

size_t evict_choose(struct evict_candidate *candidates, size_t nr, uint64_t need, struct evict_run *runs)
{
	size_t taken = 0, nr_runs = 0;

	for (uint64_t sum = 0; taken < nr && sum < need; taken++)
		sum += candidates[taken].bytes;
	qsort(candidates, taken, sizeof(*candidates), by_place);
	for (size_t i = 0; i < taken; i++) {
		const struct evict_candidate *c = &candidates[i];
		struct evict_run *last = nr_runs ? &runs[nr_runs - 1] : NULL;

		if (last && last->blob == c->blob && last->first + last->nr == c->idx) {
			last->nr++;
			last->bytes += c->bytes;
			continue;
		}
		runs[nr_runs++] = (struct evict_run){c->blob, c->idx, 1, c->bytes};
	}
	return nr_runs;
}

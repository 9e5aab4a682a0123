// SPDX-License-Identifier: Apache-2.0
/*
 * Streams by place: a read belongs to the head that it is close to, whichever thread or descriptor it came from, because mapped
 * loaders read several places of one file at once and their requests arrive out of order. A head's window is what it has read so
 * far, so a header or one tensor brings at most itself again; behind 8 MiB it is the largest. Reads that follow nothing bring
 * nothing.
 */
#include "prefetch_int.h"

#define BEHIND (1u << 20) /* requests of one stream arrive out of order by a few places */
#define BEYOND (2u << 20)
#define STREAM_HITS 2
#define SURE (8u << 20) /* read on from one place: it will be read to the end */
#define STEP_MAX (4u << 20) /* ask in pieces of this size, so that ranges are large */
#define STEP_MIN (256u << 10)

static bool belongs(const struct prefetch_head *h, uint64_t off)
{
	return h->used && off + BEHIND >= h->pos && off <= h->pos + BEYOND;
}

/* The head that off continues most closely; else the least recently used one, begun anew. */
static struct prefetch_head *choose_head(struct prefetch *p, uint64_t off)
{
	struct prefetch_head *best = NULL, *oldest = &p->heads[0];

	for (unsigned i = 0; i < PREFETCH_HEADS; i++) {
		struct prefetch_head *h = &p->heads[i];
		uint64_t far = off > h->pos ? off - h->pos : h->pos - off;

		if (belongs(h, off) && (!best || far < (off > best->pos ? off - best->pos : best->pos - off)))
			best = h;
		if (h->used < oldest->used)
			oldest = h;
	}
	if (best)
		return best;
	*oldest = (struct prefetch_head){.pos = off, .ahead = off};
	return oldest;
}

unsigned prefetch_note(struct prefetch *p, const struct prefetch_read *r, const struct prefetch_limits *limits,
		       struct prefetch_want *wants, unsigned max)
{
	struct prefetch_head *h = choose_head(p, r->off);
	uint64_t window, target, step;

	h->used = ++p->tick;
	h->used_ms = r->now_ms;
	h->hits++;
	h->read += r->len;
	h->pos = max_u64(h->pos, r->off + r->len);
	h->ahead = max_u64(h->ahead, h->pos);
	if (h->hits < STREAM_HITS || !max)
		return 0;
	window = h->read < SURE ? min_u64(h->read, limits->ahead) : limits->ahead;
	target = min_u64(h->pos + window, p->size);
	step = min_u64(max_u64(window / 4, STEP_MIN), STEP_MAX);
	if (target <= h->ahead || (target - h->ahead < step && target < p->size))
		return 0;
	wants[0] = (struct prefetch_want){p, h->ahead, target - h->ahead, h->ahead - h->pos, PREFETCH_STREAM};
	h->ahead = target;
	return 1;
}

bool prefetch_keeps(struct prefetch *p, uint64_t off, uint64_t len, enum prefetch_class class, uint64_t now_ms)
{
	(void)class;
	for (unsigned i = 0; i < PREFETCH_HEADS; i++) {
		struct prefetch_head *h = &p->heads[i];

		if (!h->used || off >= h->ahead || off + len <= h->pos)
			continue;
		if (now_ms - h->used_ms <= PREFETCH_IDLE_MS)
			return true;
		h->ahead = max_u64(h->pos, off);
	}
	return false;
}

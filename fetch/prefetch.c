// SPDX-License-Identifier: Apache-2.0
/*
 * One read: which place does it continue (prefetch_head.c), which tensor does it touch (prefetch_train.c), and what follows from
 * that: the rest of its run, a window ahead of it, the tensors that come next (prefetch_plan.c), or all of the file.
 *
 * Mapped loaders read several places of one file at once and requests arrive out of order, so place is the key and not the
 * thread, the descriptor or the last offset.
 */
#include "prefetch_state_int.h"

#define TAIL (1u << 20)   /* a directory or footer is found in it */
#define HEADER_HEADS 3 /* streams in a file whose header nobody read: it is worth fetching */

bool wish_add(struct wish *w, struct prefetch *p, uint64_t off, uint64_t end, uint64_t ahead, enum prefetch_class class)
{
	struct prefetch_want *last = w->nr ? &w->wants[w->nr - 1] : NULL;

	end = min_u64(end, p->size);
	if (off >= end)
		return true;
	if (last && last->of == p && last->class == class && last->off + last->len == off) {
		last->len += end - off;
		return true;
	}
	if (w->nr == w->max)
		return false;
	w->wants[w->nr++] = (struct prefetch_want){p, off, end - off, ahead, class};
	return true;
}

/* Streams of all members, and what was asked for ahead of them. */
static unsigned count_streams(const struct prefetch *p, uint64_t now_ms, uint64_t *ahead)
{
	const struct prefetch *m = p->family ? p->family->members : p;
	unsigned nr = 0;

	*ahead = 0;
	for (; m; m = p->family ? m->sibling : NULL) {
		if (now_ms - m->read_ms > PREFETCH_IDLE_MS)
			continue;
		for (const struct prefetch_head *h = m->heads; h < m->heads + PREFETCH_HEADS; h++)
			if (head_is_alive(h, now_ms) && head_is_stream(h)) {
				nr++;
				*ahead += h->ahead - h->pos;
			}
	}
	return nr;
}

static void sweep(struct prefetch *p, struct wish *w)
{
	p->sweeping = p->sweeping || run_is_shuffled(p) || (p->nr_parts && train_is_shuffled(p->family));
	if (p->sweeping && !p->sweep_asked)
		p->sweep_asked = wish_add(w, p, 0, p->size, 0, PREFETCH_SWEEP);
}

/* A program that knows the places of the tensors already, or has the header in the kernel's cache, does not read it again. */
static void want_header(struct prefetch *p, unsigned streams, struct wish *w)
{
	unsigned begun = 0;

	if (p->header_asked || p->body || (p->family && p->nr_parts) || !streams)
		return;
	for (unsigned i = 0; i < PREFETCH_HEADS; i++)
		begun += p->heads[i].hits > 1 && head_is_stream(&p->heads[i]);
	if (begun >= HEADER_HEADS)
		p->header_asked = wish_add(w, p, 0, CHUNK, 0, PREFETCH_PROBE);
}

unsigned prefetch_note(struct prefetch *p, const struct prefetch_read *r, const struct prefetch_limits *limits,
		       struct prefetch_want *wants, unsigned max)
{
	struct wish w = {limits, r->now_ms, wants, 0, max};
	struct prefetch_head *h;
	unsigned streams;
	uint64_t ahead;

	if (!p->tick)
		p->tail_first = r->off && r->off + r->len + TAIL >= p->size;
	p->tick = p->family ? ++p->family->tick : p->tick + 1;
	p->read_ms = r->now_ms;
	h = head_note(p, r);
	if (p->nr_parts) {
		p->family->read_ms = r->now_ms;
		train_note(p, h, r);
	}
	if (!limits->ahead)
		return 0;
	streams = count_streams(p, r->now_ms, &ahead);
	if (head_is_stream(h))
		head_wish(p, h, streams ? streams : 1, &w);
	if (p->nr_parts) {
		plan_probes(p->family, &w);
		(void)count_streams(p, r->now_ms, &ahead);
		if (limits->ahead > ahead)
			plan_bodies(p->family, limits->ahead - ahead, &w);
	}
	want_header(p, streams, &w);
	sweep(p, &w);
	return w.nr;
}

void prefetch_expect(struct prefetch *p, uint64_t end)
{
	p->header = min_u64(end, p->size);
}

static bool heads_keep(struct prefetch *p, uint64_t off, uint64_t end, uint64_t now_ms)
{
	bool keeps = false;

	for (struct prefetch_head *h = p->heads; h < p->heads + PREFETCH_HEADS; h++) {
		if (!h->used || off >= h->ahead || end <= h->pos)
			continue;
		if (head_is_alive(h, now_ms))
			keeps = true;
		else
			h->ahead = max_u64(h->pos, off);
	}
	return keeps;
}

static bool parts_keep(struct prefetch *p, uint64_t off, uint64_t end, uint64_t now_ms)
{
	struct prefetch_family *f = p->family;
	bool idle = now_ms - f->read_ms > PREFETCH_IDLE_MS;
	struct part *t = f->parts + p->part, *last = t + p->nr_parts;
	bool keeps = false;

	/* Wants of parts that follow each other were made one. */
	for (; t < last && t->off < end; t++) {
		if (!t->asked || t->off + t->len <= off)
			continue;
		if (!t->body && !idle && plan_has(f, part_idx(f, t)))
			keeps = true;
		else
			t->asked = off > t->off ? min_u64(t->asked, off) : 0;
	}
	return keeps;
}

bool prefetch_keeps(struct prefetch *p, uint64_t off, uint64_t len, enum prefetch_class class, uint64_t now_ms)
{
	switch (class) {
	case PREFETCH_PROBE:
		return now_ms - p->read_ms <= PREFETCH_IDLE_MS;
	case PREFETCH_SWEEP:
		if (p->sweeping && now_ms - p->read_ms <= PREFETCH_SWEEP_MS)
			return true;
		p->sweep_asked = false;
		return false;
	default:
		return heads_keep(p, off, off + len, now_ms) || (p->nr_parts && parts_keep(p, off, off + len, now_ms));
	}
}

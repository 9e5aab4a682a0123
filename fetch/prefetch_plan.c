// SPDX-License-Identifier: Apache-2.0
/* What follows from the trains: first pages of tensors about to be touched, and tensors that will be read next. */
#include "prefetch_state_int.h"

#define PROBES 32            /* first pages are asked for so many parts ahead */
#define PROBE_SINGLES 2      /* a part left at its first page, and one more, and the one just touched: three in a row */
#define PROBE_AROUND (128u << 10) /* read-around of the kernel, to both sides */
#define WHOLE_MIN 2          /* parts read whole, or to where such parts are left: the third one and those that follow will be too */
#define BODIES 64            /* parts ahead, at most */
#define BODY_STEP (1u << 20) /* less of what comes later is not worth a request */

/* Walks on from all fronts of a train, one step of each in turn. */
struct walk {
	const struct prefetch_family *f;
	enum order order;
	uint32_t at[RECENT];
	unsigned nr, turn, steps;
};

static struct walk walk_begin(const struct prefetch_family *f, const struct train *t, unsigned steps)
{
	struct walk w = {.f = f, .order = train_order(t), .steps = steps};

	if (w.order != ORDERS)
		w.nr = train_fronts(f, t, w.order, w.at);
	return w;
}

/* The next part, NONE at the end. */
static uint32_t walk_next(struct walk *w)
{
	while (w->nr && w->steps) {
		unsigned i = w->turn++ % w->nr;
		uint32_t part = order_next(w->f, w->order, w->at[i]);

		w->steps--;
		w->at[i] = part;
		if (part != NONE)
			return part;
		w->at[i] = w->at[--w->nr];
	}
	return NONE;
}

void plan_probes(struct prefetch_family *f, struct wish *w)
{
	struct walk walk = walk_begin(f, &f->touches, PROBES);
	uint64_t ahead = 0;
	uint32_t part;

	if (f->singles < PROBE_SINGLES)
		return;
	while ((part = walk_next(&walk)) != NONE) {
		struct part *t = &f->parts[part];
		uint64_t before = min_u64(t->off, PROBE_AROUND);

		if (t->probed || t->touched || !t->of)
			continue;
		if (!wish_add(w, t->of, t->off - before, t->off + min_u64(t->len, PROBE_AROUND), ahead++, PREFETCH_PROBE))
			return;
		t->probed = true;
	}
}

/* Asks for one part. False if that was all the budget. */
static bool plan_body(struct prefetch_family *f, struct part *t, uint64_t *budget, struct wish *w)
{
	uint64_t from, end, asked;

	part_predict(f, t, &from, &end);
	asked = max_u64(from, min_u64(t->asked, end));
	if (asked - from >= *budget)
		return false;
	*budget -= asked - from;
	if (asked == end)
		return true;
	if (*budget < BODY_STEP && end - asked > *budget)
		return false;
	end = min_u64(end, asked + *budget);
	if (!wish_add(w, t->of, asked == from ? from - min_u64(from, f->around) : asked, end, w->limits->ahead - *budget, PREFETCH_STREAM))
		return false;
	t->asked_from = from;
	t->asked = end;
	*budget -= end - asked;
	return *budget > 0;
}

void plan_bodies(struct prefetch_family *f, uint64_t budget, struct wish *w)
{
	struct walk walk = walk_begin(f, &f->bodies, BODIES);
	uint32_t part;

	if (f->whole < WHOLE_MIN)
		return;
	if (f->due != NONE && !f->parts[f->due].body && f->parts[f->due].of && !plan_body(f, &f->parts[f->due], &budget, w))
		return;
	while ((part = walk_next(&walk)) != NONE)
		if (!f->parts[part].body && f->parts[part].of && !plan_body(f, &f->parts[part], &budget, w))
			return;
}

bool plan_has(const struct prefetch_family *f, uint32_t part)
{
	struct walk walk = walk_begin(f, &f->bodies, BODIES);
	uint32_t next;

	if (f->due == part)
		return true;
	while ((next = walk_next(&walk)) != NONE)
		if (next == part)
			return true;
	return false;
}

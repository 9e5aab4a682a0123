// SPDX-License-Identifier: Apache-2.0
/* What follows from the trains: first pages of tensors about to be touched, and tensors that will be read next. */
#include "prefetch_state_int.h"

#define PROBES 32            /* first pages are asked for so many parts ahead */
#define PROBE_SINGLES 2      /* a part left at its first page, and one more, and the one just touched: three in a row */
#define PROBE_AROUND (128u << 10) /* read-around of the kernel, to both sides */
#define BODIES 64            /* parts ahead, at most */
#define BUDGET_STEP (1u << 20) /* it is not worth asking for less */

void plan_probes(struct prefetch_family *f, struct wish *w)
{
	enum order o = train_order(&f->touches);
	uint32_t part = f->touches.last;

	if (f->singles < PROBE_SINGLES || o == ORDERS)
		return;
	for (unsigned i = 0; i < PROBES && (part = order_next(f, o, part)) != NONE; i++) {
		struct part *t = &f->parts[part];
		uint64_t before = min_u64(t->off, PROBE_AROUND);

		if (t->probed || t->touched || !t->of)
			continue;
		if (!wish_add(w, t->of, t->off - before, t->off + min_u64(t->len, PROBE_AROUND), i, PREFETCH_PROBE))
			return;
		t->probed = true;
	}
}

void plan_bodies(struct prefetch_family *f, uint64_t budget, struct wish *w)
{
	enum order o = train_order(&f->bodies);
	uint32_t part = f->bodies.last;
	uint64_t ahead = w->limits->ahead - budget;

	if (o == ORDERS || f->whole < 2)
		return;
	for (unsigned i = 0; i < BODIES && budget && (part = order_next(f, o, part)) != NONE; i++) {
		struct part *t = &f->parts[part];
		uint64_t from, end, asked;

		if (t->body || !t->of)
			continue;
		part_predict(f, t, &from, &end);
		asked = max_u64(from, min_u64(t->asked, end));
		ahead += asked - from;
		if (asked - from >= budget)
			return;
		budget -= asked - from;
		if (asked == end)
			continue;
		if (budget < BUDGET_STEP && end - asked > budget)
			return;
		end = min_u64(end, asked + budget);
		if (!wish_add(w, t->of, asked, end, ahead, PREFETCH_STREAM))
			return;
		t->asked = end;
		ahead += end - asked;
		budget -= end - asked;
	}
}

bool plan_has(const struct prefetch_family *f, uint32_t part)
{
	enum order o = train_order(&f->bodies);
	uint32_t next = f->bodies.last;

	if (o == ORDERS || next == NONE)
		return false;
	for (unsigned i = 0; i < BODIES && (next = order_next(f, o, next)) != NONE; i++)
		if (next == part)
			return true;
	return false;
}

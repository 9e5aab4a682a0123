// SPDX-License-Identifier: Apache-2.0
/*
 * Which part does a read touch, and what do the last touches tell? Two trains are kept: parts in the order of their first touch,
 * and in the order in which more than their first pages is read, since a loader that makes views of all tensors goes another way
 * than the program that uses them. A train's order is the one that foresaw most of its last steps.
 */
#include "prefetch_state_int.h"
#ifdef DBG
#include <stdio.h>
#endif

#define STEP_MAX 3     /* threads that take parts from one queue overtake each other by a few */
#define STEP_LOOK 16   /* parts that are passed to make such a step, the small ones with them */
#define AT_START (2 * PAGE)
#define OVERRUN (1u << 20) /* readahead runs over the end of a part by less than this */
#define VIEW (512u << 10)  /* what a first touch brings of a part; a program that comes back begins behind it */
#define SHUFFLED_MIN 12 /* parts: a layer of common models has fewer, and may be in an order of its own */
#define FRACTION_MIN 3 /* parts in a row that were left at the same one */
#define FRACTION_ERROR 2   /* of 256, and what readahead runs over */

/* --- orders --- */

/* Would this order have foreseen that `part` is touched after `from`? */
static bool foresees(const struct prefetch_family *f, enum order o, uint32_t from, uint32_t part)
{
	unsigned steps = 0;

	for (unsigned i = 0; i < STEP_LOOK && steps < STEP_MAX; i++) {
		from = order_next(f, o, from);
		if (from == part)
			return true;
		if (from == NONE)
			return false;
		steps += f->parts[from].len > SMALL_PART;
	}
	return false;
}

static void train_step(struct prefetch_family *f, struct train *t, uint32_t part)
{
	for (unsigned o = 0; t->last != NONE && o < ORDERS; o++)
		t->hits[o] = (uint8_t)(t->hits[o] << 1 | foresees(f, (enum order)o, t->last, part));
	t->steps += t->last != NONE;
	t->last = part;
}

enum order train_order(const struct train *t)
{
	unsigned steps = t->steps < 8 ? t->steps : 8, most = 0;
	enum order best = ORDERS;

	for (unsigned o = 0; o < ORDERS; o++) {
		unsigned hits = (unsigned)__builtin_popcount(t->hits[o]);

		if (hits > most) {
			most = hits;
			best = (enum order)o;
		}
	}
	return most >= 2 && most * 8 >= steps * 5 ? best : ORDERS;
}

bool train_is_shuffled(const struct prefetch_family *f)
{
	return f->unforeseen >= SHUFFLED_MIN;
}

/* --- what is known of parts that were left --- */

static void learn_layer(struct prefetch_family *f, uint32_t from, uint32_t to)
{
	struct part *a = &f->parts[from], *b = &f->parts[to];
	bool wraps = a->layer != b->layer;

	if (a == b)
		return;
	a->kind->next = b->kind;
	a->kind->wraps = wraps;
	if (order_next(f, ORDER_LAYER, from) != to)
		a->kind->next = NULL; /* neither in this layer nor in the next one */
}

/* Is all of it read but what readahead over its neighbours had brought already? */
bool part_is_whole(const struct part *t)
{
	uint64_t rest = t->off + t->len - t->to;

	return t->to && t->from - t->off <= OVERRUN && rest <= max_u64(t->len / 16, VIEW);
}

static uint64_t differ(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

/* Was this one left where its like in the layer before was? */
static bool is_left_alike(const struct part *t, const struct part *as)
{
	return as && as->len == t->len && as->to && differ(as->to - as->off, t->to - t->off) <= OVERRUN;
}

/* A part was left: to its end, or where such parts are left? */
static void learn_end(struct prefetch_family *f, const struct part *t)
{
	unsigned fraction = (unsigned)((t->to - t->from) * 256 / t->len);

	if (part_is_whole(t) || is_left_alike(t, t->like == NONE ? NULL : &f->parts[t->like])) {
		f->whole++;
		f->unforeseen = t->foreseen ? 0 : f->unforeseen + 1;
		return;
	}
	f->unforeseen = 0;
	if (f->nr_fraction && differ(fraction, f->fraction) <= FRACTION_ERROR + OVERRUN * 256 / t->len) {
		f->nr_fraction++;
		f->whole++;
		f->fraction = (unsigned)min_u64(f->fraction, fraction);
	} else {
		f->nr_fraction = 1;
		f->whole = 0;
		f->fraction = fraction;
	}
}

static bool is_followed(const struct part *t, uint32_t part)
{
	for (const struct prefetch_head *h = t->of->heads; t->of && h < t->of->heads + PREFETCH_HEADS; h++)
		if (h->used && h->part == part && !h->ended)
			return true;
	return false;
}

/* Looks at the parts that are being read: which were left, and where? */
static void learn_ends(struct prefetch_family *f)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < f->nr_open; i++) {
		const struct part *t = &f->parts[f->open[i]];

		if (part_is_whole(t) || !is_followed(t, f->open[i]))
			learn_end(f, t);
		else
			f->open[nr++] = f->open[i];
	}
	f->nr_open = nr;
}

void part_predict(const struct prefetch_family *f, const struct part *t, uint64_t *from, uint64_t *end)
{
	const struct part *as = t->kind->last == NONE ? NULL : &f->parts[t->kind->last];

	*from = t->off;
	*end = t->off + t->len;
	if (as && as != t && as->len == t->len && as->to) {
		if (part_is_whole(as))
			return;
		*from = t->off + (as->from - as->off);
		*end = t->off + (as->to - as->off);
	} else if (f->nr_fraction >= FRACTION_MIN) {
		*from = t->off + (f->nr_cut >= 2 ? t->len * f->cut / 256 : 0);
		*end = min_u64(*end, *from + t->len * f->fraction / 256);
	}
}

/* --- touches --- */

static void touch_body(struct prefetch_family *f, struct part *t)
{
	uint32_t part = part_idx(f, t), last = f->bodies.last;
	enum order o = train_order(&f->bodies);

	if (t->body || t->len <= SMALL_PART)
		return;
	t->body = true;
	t->like = t->kind->last;
	learn_ends(f);
	t->foreseen = last != NONE && o != ORDERS && foresees(f, o, last, part);
	train_step(f, &f->bodies, part);
	if (last != NONE)
		learn_layer(f, last, part);
	if (f->nr_open == PREFETCH_HEADS)
		f->nr_open--; /* more threads than heads: the last one is as good as any */
	f->open[f->nr_open++] = part;
#ifdef DBG
		printf("body %s after %s: foreseen %d order %d whole %u last read %lu of %lu hits", t->name, f->parts[last==NONE?part:last].name, t->foreseen, train_order(&f->bodies), f->whole, f->parts[last==NONE?part:last].to - f->parts[last==NONE?part:last].from, f->parts[last==NONE?part:last].len);
		for (int o = 0; o < ORDERS; o++) printf(" %02x", f->bodies.hits[o]);
		printf("\n");
#endif
}

static void touch_first(struct prefetch_family *f, struct part *t)
{
	if (t->touched)
		return;
	t->touched = true;
	if (t->len <= SMALL_PART)
		return;
	if (f->touches.last != NONE)
		f->singles = f->parts[f->touches.last].body ? 0 : f->singles + 1;
	train_step(f, &f->touches, part_idx(f, t));
}

/* The part whose start a first read of a head means, NULL if it means none. */
static struct part *find_start(const struct prefetch *p, const struct prefetch_read *r)
{
	uint64_t middle = r->off + r->len / 2;
	struct part *t = part_at(p, r->off + PAGE - 1);

	if (t && t->off + PAGE > r->off)
		return t;
	/* The page that faults at a part's start belongs by its offset to the part before. */
	t = part_at(p, middle + PAGE - 1);
	if (t && t->off + AT_START >= middle && t->off <= middle + AT_START)
		return t;
	/* A window of which pages were there already has lost its middle. */
	t = part_at(p, r->off + r->len - 1);
	return t && t->off >= r->off && t->len >= 4 * r->len ? t : NULL;
}

static void note_start(struct prefetch_family *f, bool at_start)
{
	f->starts = (f->starts << 1 | at_start) & 0xff;
	f->nr_starts = f->nr_starts < 8 ? f->nr_starts + 1 : 8;
}

/* Does it begin at the same fraction of a part as the last one: the slice of another rank? */
static bool is_cut(struct prefetch_family *f, const struct part *t, const struct prefetch_read *r)
{
	unsigned cut = (unsigned)((r->off + r->len / 2 - min_u64(t->off, r->off)) * 256 / t->len);

	f->nr_cut = differ(cut, f->cut) <= 1 ? f->nr_cut + 1 : 1;
	f->cut = cut;
	return f->nr_cut >= 2;
}

/* Do reads begin where parts do? Else the file is read in some other way, and parts say nothing. */
static bool goes_by_parts(const struct prefetch_family *f)
{
	return f->nr_starts >= 3 && (unsigned)__builtin_popcount(f->starts) * 4 >= f->nr_starts * 3;
}

static void follow(struct prefetch_family *f, struct prefetch_head *h, struct part *t)
{
	uint64_t from;

	h->part = part_idx(f, t);
	part_predict(f, t, &from, &h->bound);
	if (h->pos > h->bound)
		h->bound = t->off + t->len;
	h->ahead = max_u64(h->pos, min_u64(t->asked, h->bound));
	h->eager = goes_by_parts(f) && f->whole >= 2 && f->singles < 3;
	if (t->asked)
		h->eager = true;
}

/* The first read of a head. */
static void begin_part(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r)
{
	struct prefetch_family *f = p->family;
	struct part *start = find_start(p, r), *t = start ? start : part_at(p, r->off + r->len / 2);

	if (!t)
		return;
	if (start) {
		note_start(f, true);
		touch_first(f, t);
	} else if (is_followed(t, part_idx(f, t))) {
		/* A second thread in the same part: all of it is copied. */
		follow(f, h, t);
		h->eager = goes_by_parts(f);
		touch_body(f, t);
		return;
	} else if (t->touched && !t->body && r->off - t->off <= VIEW) {
		note_start(f, true);
		touch_body(f, t);
	} else {
		bool cut = is_cut(f, t, r);

		note_start(f, cut);
		if (!cut)
			return;
	}
	follow(f, h, t);
	if (h->eager)
		touch_body(f, t);
}

/* Further reads. */
static void go_on(struct prefetch *p, struct prefetch_head *h)
{
	struct prefetch_family *f = p->family;
	struct part *t = part_at(p, h->pos - 1), *old = h->part == NONE ? NULL : &f->parts[h->part];

	if (t && t != old && old && h->pos >= t->off + OVERRUN) {
		touch_first(f, t);
		follow(f, h, t);
		touch_body(f, t);
		h->bound = UINT64_MAX; /* it reads on over the ends of parts */
		h->read = h->pos - h->start;
	} else if (old && h->hits > 1 && h->pos > old->off && h->start < old->off + old->len) {
		touch_body(f, old);
	}
}

static void note_extent(struct prefetch_family *f, const struct prefetch_head *h, const struct prefetch_read *r)
{
	struct part *t = h->part == NONE ? NULL : &f->parts[h->part];
	uint64_t from, to;

	if (!t)
		return;
	from = max_u64(r->off, t->off);
	to = min_u64(r->off + r->len, t->off + t->len);
	if (from >= to)
		return;
	t->from = t->to ? min_u64(t->from, from) : from;
	t->to = max_u64(t->to, to);
	if (t->body)
		t->kind->last = h->part;
}

void train_note(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r)
{
	if (h->hits == 1)
		begin_part(p, h, r);
	else
		go_on(p, h);
	note_extent(p->family, h, r);
}

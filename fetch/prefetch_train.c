// SPDX-License-Identifier: Apache-2.0
/*
 * Which part does a read touch, and what do the last touches tell? Two trains are kept: parts in the order of their first touch,
 * and in the order in which more than their first pages is read, since a loader that makes views of all tensors goes another way
 * than the program that uses them. A train's order is the one that foresaw most of its last steps.
 */
#include "prefetch_state_int.h"

#define STEP_MAX 3     /* threads that take parts from one queue overtake each other by a few */
#define STEP_LOOK 16   /* parts that are passed to make such a step, the small ones with them */
#define AT_START (2 * PAGE)
#define OVERRUN (1u << 20) /* readahead runs over the end of a part by less than this */
#define VIEW (512u << 10)  /* what a first touch brings of a part; a program that comes back begins behind it */
#define SHUFFLED_MIN 12 /* parts: a layer of common models has fewer, and may be in an order of its own */
#define TAILS_MIN 2     /* parts of which the end was touched before the beginning */
#define FRACTION_MIN 2 /* parts that were left at the same one, less those that were read whole */
#define FRACTION_SURE 8
#define SLICED_MIN (2u << 20) /* of a smaller part, what several threads still wait for looks like what a rank leaves out */
#define SHARE_MIN (32 * OVERRUN) /* so large a part is left near such a fraction by chance at most once in six times */
#define RANKS_MAX 16
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

static unsigned nr_recent(const struct train *t)
{
	return t->steps < RECENT ? t->steps : RECENT;
}

static uint32_t last_touch(const struct train *t)
{
	return t->steps ? t->recent[(t->steps - 1) % RECENT] : NONE;
}

static bool train_foresees(const struct prefetch_family *f, const struct train *t, enum order o, uint32_t part)
{
	for (unsigned i = 0; i < nr_recent(t); i++)
		if (foresees(f, o, t->recent[i], part))
			return true;
	return false;
}

/* An order stays until it fails or another one is clearly better: within a layer several look alike for a while. */
static void choose_order(struct train *t)
{
	unsigned steps = t->steps > 8 ? 8 : t->steps ? t->steps - 1 : 0, most = 0, now = 0;
	enum order best = ORDERS;

	for (unsigned o = 0; o < ORDERS; o++) {
		unsigned hits = (unsigned)__builtin_popcount(t->hits[o]);

		if (t->sure && o == t->order)
			now = hits;
		if (hits > most) {
			most = hits;
			best = (enum order)o;
		}
	}
	if (t->sure && now + 2 > most && now * 8 >= steps * 5)
		return;
	t->sure = most >= 2 && most * 8 >= steps * 5;
	t->order = best;
}

static void train_step(struct prefetch_family *f, struct train *t, uint32_t part)
{
	for (unsigned o = 0; t->steps && o < ORDERS; o++)
		t->hits[o] = (uint8_t)(t->hits[o] << 1 | train_foresees(f, t, (enum order)o, part));
	t->recent[t->steps++ % RECENT] = part;
	choose_order(t);
}

unsigned train_fronts(const struct prefetch_family *f, const struct train *t, enum order o, uint32_t fronts[RECENT])
{
	unsigned nr = 0, last = nr_recent(t);

	for (unsigned i = 0; i < last; i++) {
		uint32_t part = t->recent[(t->steps - 1 - i) % RECENT];
		bool followed = false;

		for (unsigned k = 0; k < last && !followed; k++)
			followed = t->recent[k] != part && foresees(f, o, part, t->recent[k]);
		if (!followed)
			fronts[nr++] = part;
	}
	return nr;
}

enum order train_order(const struct train *t)
{
	return t->sure ? t->order : ORDERS;
}

/* Do reads begin where parts do? Else the file is read in some other way, and parts say nothing. */
static bool goes_by_parts(const struct prefetch_family *f)
{
	return f->nr_starts >= 3 && (unsigned)__builtin_popcount(f->starts) * 4 >= f->nr_starts * 3;
}

bool train_is_shuffled(const struct prefetch_family *f)
{
	return f->unforeseen >= SHUFFLED_MIN && goes_by_parts(f);
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
	return t->read + max_u64(t->len / 16, VIEW) >= t->len;
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

/* Did a rank read its share, but for what came before the parts were known? There are mostly 2, 4, 8 or 16 of them. */
static bool is_share(const struct part *t)
{
	for (unsigned ranks = 2; t->len >= SHARE_MIN && ranks <= RANKS_MAX; ranks *= 2)
		if (t->read + VIEW >= t->len / ranks && t->read <= t->len / ranks + OVERRUN)
			return true;
	return false;
}

/* A part was left: to its end, or where such parts are left? */
static void learn_end(struct prefetch_family *f, const struct part *t)
{
	unsigned fraction = (unsigned)(min_u64(t->read, t->len) * 256 / t->len);

	if (t->read <= VIEW)
		return; /* a look at its beginning, after all */
	t->kind->last = part_idx(f, t);
	if (part_is_whole(t) || is_left_alike(t, t->like == NONE ? NULL : &f->parts[t->like])) {
		f->whole++;
		f->unforeseen = t->foreseen ? 0 : f->unforeseen + 1;
		f->nr_fraction -= f->nr_fraction && part_is_whole(t);
		return;
	}
	if (t->len < SLICED_MIN)
		return;
	f->unforeseen = 0;
	if (f->nr_fraction && differ(fraction, f->fraction) <= FRACTION_ERROR + OVERRUN * 256 / t->len) {
		f->nr_fraction = f->nr_fraction < FRACTION_SURE ? f->nr_fraction + 1 : FRACTION_SURE;
		f->whole++;
		f->fraction = (unsigned)min_u64(f->fraction, fraction);
	} else {
		f->nr_fraction = is_share(t) ? FRACTION_MIN + 1 : 1;
		f->whole = 0;
		f->fraction = fraction;
	}
}

static bool is_followed(const struct part *t)
{
	if (!t->of)
		return false; /* its blob is gone */
	for (const struct prefetch_head *h = t->of->heads; h < t->of->heads + PREFETCH_HEADS; h++)
		if (h->used && !h->ended && h->pos > t->off && h->pos < t->off + t->len)
			return true;
	return false;
}

/* Looks at the parts that are being read: which were left, and where? */
static void learn_ends(struct prefetch_family *f)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < f->nr_open; i++) {
		const struct part *t = &f->parts[f->open[i]];

		if (part_is_whole(t) || !is_followed(t))
			learn_end(f, t);
		else
			f->open[nr++] = f->open[i];
	}
	f->nr_open = nr;
}

void part_predict(const struct prefetch_family *f, const struct part *t, uint64_t *from, uint64_t *end)
{
	uint32_t last = t->kind->last == part_idx(f, t) ? t->like : t->kind->last; /* it was left, and is come back to */
	const struct part *as = last == NONE ? NULL : &f->parts[last];

	*from = t->off;
	*end = t->off + t->len;
	if (as && as->len == t->len && as->to) {
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

/* A part is read on: was its end touched just before, or was what looked like the end of the one before it its beginning? */
static void learn_tail(struct prefetch_family *f, uint32_t part)
{
	if (f->tail == NONE)
		return;
	if (f->tail == part)
		f->tails++;
	else if (f->tail + 1 == part)
		f->tails = 0;
	f->tail = NONE;
}

static void touch_body(struct prefetch_family *f, struct part *t)
{
	uint32_t part = part_idx(f, t), last = last_touch(&f->bodies);
	enum order o = train_order(&f->bodies);
	bool known;

	if (t->body || t->len <= SMALL_PART)
		return;
	t->body = true;
	learn_tail(f, part);
	t->like = t->kind->last;
	learn_ends(f);
	t->foreseen = o != ORDERS && train_foresees(f, &f->bodies, o, part);
	known = train_foresees(f, &f->bodies, ORDER_LAYER, part);
	train_step(f, &f->bodies, part);
	if (last != NONE && !known)
		learn_layer(f, last, part);
	if (f->nr_open == PREFETCH_HEADS)
		f->nr_open--; /* more threads than heads: the last one is as good as any */
	f->open[f->nr_open++] = part;
}

static void touch_first(struct prefetch_family *f, struct part *t)
{
	uint32_t last = last_touch(&f->touches);

	if (t->touched)
		return;
	t->touched = true;
	if (t->len <= SMALL_PART)
		return;
	if (last != NONE)
		f->singles = f->parts[last].body ? 0 : f->singles + 1;
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
	/* A window of which pages were there already has lost its middle. Who begins at a round number means that. */
	if (r->off % CHUNK == 0)
		return NULL;
	t = part_at(p, r->off + r->len - 1);
	return t && t->off >= r->off && t->len >= 4 * r->len ? t : NULL;
}

/* The part whose last page this fault means, if that part is not yet read. */
static struct part *find_tail(const struct prefetch *p, const struct prefetch_read *r)
{
	uint64_t middle = r->off + r->len / 2;
	struct part *t = part_at(p, middle);

	return t && !t->body && t->off < middle && t->len > SMALL_PART && t->off + t->len - middle <= PAGE ? t : NULL;
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

static void follow(struct prefetch_family *f, struct prefetch_head *h, struct part *t)
{
	uint64_t from;

	h->part = part_idx(f, t);
	h->part_hits = 1;
	part_predict(f, t, &from, &h->bound);
	if (h->pos > h->bound)
		h->bound = t->off + t->len;
	h->ahead = h->pos;
	if (t->asked && h->pos >= t->asked_from)
		h->ahead = max_u64(h->pos, min_u64(t->asked, h->bound));
	h->eager = goes_by_parts(f) && f->whole >= 2 && f->singles < 3;
	if (t->asked)
		h->eager = true;
}

static bool is_shared(const struct prefetch *p, const struct prefetch_head *h, uint32_t part)
{
	for (const struct prefetch_head *o = p->heads; o < p->heads + PREFETCH_HEADS; o++)
		if (o != h && o->used && !o->ended && o->part == part)
			return true;
	return false;
}

static bool is_next(const struct prefetch_family *f, const struct part *t)
{
	enum order o = train_order(&f->bodies);

	return o != ORDERS && goes_by_parts(f) && train_foresees(f, &f->bodies, o, part_idx(f, t));
}

/*
 * memcpy() of much reads its last bytes first [glibc, memmove-vec-unaligned-erms.S]. Their page is mostly also the first one of the
 * part behind it; what is meant shows when the copy goes on at the beginning. Is this such a read, to judge by those before it?
 */
static bool is_tail(struct prefetch_family *f, const struct part *tail, const struct part *start)
{
	if (start && part_idx(f, start) == f->tail)
		return false; /* its page is the last one of the part before it, too */
	f->tail = tail ? part_idx(f, tail) : NONE;
	return tail && f->tails >= TAILS_MIN;
}

/* Does a read here go on behind the beginning of a part that was looked at, or that readahead over the part before it brings? */
static bool is_behind_view(const struct prefetch *p, const struct part *t, uint64_t off)
{
	const struct part *before = t->off ? part_at(p, t->off - 1) : NULL;

	return off > t->off && off - t->off <= VIEW && (t->touched || (before && before->body));
}

/* The first read of a head. */
static void begin_part(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r)
{
	struct prefetch_family *f = p->family;
	struct part *start = find_start(p, r), *t = start ? start : part_at(p, r->off + r->len / 2);
	bool is_run = h->eager && !goes_by_parts(f) && f->nr_fraction < FRACTION_MIN; /* of known length, and parts say nothing */

	if (!t)
		return;
	if (is_tail(f, find_tail(p, r), start)) {
		note_start(f, true);
		f->due = f->tail;
		return;
	}
	if (start) {
		f->around = r->off < t->off ? t->off - r->off : 0;
		note_start(f, true);
		touch_first(f, t);
	} else if (!is_run && (is_shared(p, h, part_idx(f, t)) || is_next(f, t))) {
		/* Several threads in one part, each in its own: all of it is copied. */
		follow(f, h, t);
		h->eager = goes_by_parts(f);
		touch_body(f, t);
		return;
	} else if (!is_run && !t->body && is_behind_view(p, t, r->off)) {
		note_start(f, true);
		touch_first(f, t);
		touch_body(f, t);
	} else {
		bool cut = is_cut(f, t, r);

		note_start(f, cut);
		if (!cut)
			return;
	}
	if (is_run && !goes_by_parts(f))
		return;
	follow(f, h, t);
	if (h->eager)
		touch_body(f, t);
}

/* Further reads. */
static void go_on(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r)
{
	struct prefetch_family *f = p->family;
	struct part *t = part_at(p, h->pos - 1), *old = h->part == NONE ? NULL : &f->parts[h->part];
	struct part *start = h->jumped ? find_start(p, r) : NULL;

	if (start && start != old) {
		begin_part(p, h, r); /* of a part so near that one head covers both */
	} else if (t && t != old && h->start < t->off && h->pos >= t->off + OVERRUN) {
		touch_first(f, t);
		touch_body(f, t);
		follow(f, h, t);
		if (!h->eager && f->nr_fraction < FRACTION_MIN)
			h->bound = UINT64_MAX; /* it reads on over the ends of parts */
		h->read = h->pos - h->start;
	} else if (old && r->off < old->off + old->len && ++h->part_hits > 1 && h->pos > old->off + CHUNK) {
		touch_body(f, old);
	}
}

/* How much was read of each part; and where, but for requests of its neighbours that reach into it. */
static void note_extent(struct prefetch *p, const struct prefetch_head *h, const struct prefetch_read *r)
{
	uint64_t end = r->off + r->len;
	struct part *t = part_at(p, r->off), *last = p->family->parts + p->part + p->nr_parts;

	if (!t)
		t = part_at(p, end - 1);
	for (; t && t < last && t->off < end; t++) {
		uint64_t from = max_u64(r->off, t->off), to = min_u64(end, t->off + t->len);

		if (from >= to)
			continue;
		t->read += to - from;
		if (h->part != part_idx(p->family, t) && (!t->body || to - from < r->len))
			continue;
		t->from = t->to ? min_u64(t->from, from) : from;
		t->to = max_u64(t->to, to);
	}
}

void train_note(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r)
{
	if (h->hits == 1)
		begin_part(p, h, r);
	else
		go_on(p, h, r);
	note_extent(p, h, r);
}

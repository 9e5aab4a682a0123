// SPDX-License-Identifier: Apache-2.0
/*
 * Heads: the places of a blob that are read on from. A read belongs to the nearest head that it lies within -1 to +2 MiB of, else
 * it begins one. The window ahead of a head is what it has read so far, until 2 MiB half of it, so that a header or one tensor brings
 * at most itself again; where it is known how far it will be read, or parts are read to their ends, it is the largest at once. How
 * far a header goes, its beginning says, more or less.
 */
#include "prefetch_state_int.h"

#define BEHIND (1u << 20) /* requests of one stream arrive out of order by a few places */
#define BEYOND (2u << 20)
#define RESUME (256u << 10) /* one that ended is only continued closely: behind it may lie the next block of a shuffled file */
#define HEADER_AHEAD 4 /* one part in so many of a header that was read may be wanted beyond what it says of itself */
#define SHORT (2u << 20) /* the kernel reads on behind the end of it, which counts as read */
#define BULK_MIN (4u << 20) /* behind long streams */
#define WINDOW_MIN (512u << 10) /* less is hardly worth a request */
#define TAIL_FIRST 3 /* columns are as long as they are: only a third of what was read is risked */
#define MANY 6     /* streams that hide each other's round trips: then less is risked for each */
#define DENSE 4          /* at least one part in so many of what it passed was read: else it is chance */
#define STEP_MAX (2u << 20) /* ask in pieces of this size, so that ranges are large */
#define STEP_MIN CHUNK
#define WAIT_FIRST_MS 100 /* until one was seen to wait */
#define WAIT_STEP_MS 16 /* a place that is come back to after long is not one that waited */
#define RUN_FREE (2u << 20) /* the rest of a run so short is asked for however many streams share the window */

/* Beyond the end of such runs is another one; but if it is read on there at once, runs are longer than was thought. */
static bool is_beyond(const struct prefetch_head *h, uint64_t off)
{
	return h->part == NONE && (off > h->bound || (off == h->bound && h->ended && !h->exact));
}

/* The kernel reads ahead no less than before; what is shorter is the end of what a program asked for that wants no readahead. */
static bool may_be_readahead(const struct prefetch_head *h, uint64_t len)
{
	return len > PAGE && len <= CHUNK && len >= h->last;
}

/* The request before it may be on its way here still. */
static bool is_overrun(const struct prefetch_head *h, uint64_t off, uint64_t len)
{
	return h->used && h->part == NONE && h->exact && off == h->bound && off <= h->pos + len && may_be_readahead(h, len);
}

static bool belongs(const struct prefetch_head *h, uint64_t off)
{
	uint64_t behind = h->ended ? 2 * RESUME : BEHIND, beyond = h->ended ? RESUME : BEYOND;

	return h->used && off + behind >= h->pos && off <= h->pos + beyond && !is_beyond(h, off);
}

static uint64_t distance(const struct prefetch_head *h, uint64_t off)
{
	return off > h->pos ? off - h->pos : h->pos - off;
}

static struct prefetch_head *find_nearest(struct prefetch *p, uint64_t off)
{
	struct prefetch_head *best = NULL;

	for (struct prefetch_head *h = p->heads; h < p->heads + PREFETCH_HEADS; h++)
		if (belongs(h, off) && (!best || distance(h, off) < distance(best, off)))
			best = h;
	return best;
}

/*
 * Reads of several threads take turns, and each head comes to its turn about as often as the others. One that missed several
 * turns has ended, unless its reader may still wait for its bytes while those that have theirs go on.
 */
static void end_silent(struct prefetch *p, const struct prefetch_head *going, uint64_t tick, uint64_t now_ms)
{
	for (struct prefetch_head *h = p->heads; h < p->heads + PREFETCH_HEADS; h++) {
		if (!h->used || h->ended || h == going || (tick - h->used) * 16 <= 4 * p->gap + 2 * 16)
			continue;
		if (h->waits && now_ms - h->used_ms <= (p->wait_ms ? 2 * p->wait_ms : WAIT_FIRST_MS))
			continue;
		h->ended = true;
		run_end(p, h);
	}
}

/* A program that goes on in another shard has left those of this one. */
static void end_others(struct prefetch *p, uint64_t now_ms)
{
	for (struct prefetch *m = p->family ? p->family->members : NULL; m; m = m->sibling)
		if (m != p && m->tick && now_ms - m->read_ms <= PREFETCH_IDLE_MS)
			end_silent(m, NULL, p->tick, now_ms);
}

/*
 * A fault reads around itself, so what the program wants is in the middle; read() asks from there on. Programs prefer round
 * numbers: the rounder of the two is meant.
 */
static uint32_t find_fault(const struct prefetch_read *r)
{
	uint64_t middle = (r->off + r->len / 2) / PAGE;

	if (r->len <= PAGE && !r->direct)
		return (uint32_t)min_u64(middle, UINT32_MAX); /* a reader that the kernel does not help says what it means */
	if (r->direct || !r->off || !middle || __builtin_ctzll(middle * PAGE) <= __builtin_ctzll(r->off))
		return 0;
	return (uint32_t)min_u64(middle, UINT32_MAX);
}

/* The first to be given up: one that has ended, of those the oldest. */
static struct prefetch_head *find_oldest(struct prefetch *p)
{
	struct prefetch_head *best = &p->heads[0];

	for (struct prefetch_head *h = p->heads; h < p->heads + PREFETCH_HEADS; h++) {
		bool is_over = !h->used || h->ended, best_is = !best->used || best->ended;

		if (is_over != best_is ? is_over : h->used < best->used)
			best = h;
	}
	return best;
}

static struct prefetch_head *begin(struct prefetch *p, const struct prefetch_read *r)
{
	struct prefetch_head *oldest = find_oldest(p);
	uint64_t block = run_block(p), expected = block ? block - r->off % block : run_expected(p);

	if (oldest->used && !oldest->ended)
		run_end(p, oldest);
	*oldest = (struct prefetch_head){.start = r->off, .pos = r->off, .ahead = r->off, .bound = UINT64_MAX, .part = NONE};
	oldest->middle = find_fault(r);
	if (expected) {
		oldest->exact = block > 0;
		oldest->bound = r->off + expected;
		oldest->eager = true;
	}
	return oldest;
}

static void go_on(struct prefetch *p, struct prefetch_head *h, uint64_t now_ms)
{
	uint64_t silent_ms = now_ms - h->used_ms;

	if (!h->ended)
		p->gap = p->gap - p->gap / 8 + 2 * (p->tick - h->used);
	if (!h->ended && h->waits)
		p->wait_ms = max_u64(p->wait_ms - p->wait_ms / 16, min_u64(silent_ms, p->wait_ms ? 2 * p->wait_ms + WAIT_STEP_MS : WAIT_FIRST_MS));
	h->ended = false;
}

/* Readahead runs over an end; or it was none, and the head grows anew. */
static void pass_bound(struct prefetch *p, struct prefetch_head *h, const struct prefetch_read *r, bool is_over)
{
	h->exact = false;
	h->ended = is_over;
	h->bound = is_over ? h->pos : UINT64_MAX;
	if (is_over) {
		run_end(p, h);
		return;
	}
	h->eager = false;
	h->read = r->len;
}

struct prefetch_head *head_note(struct prefetch *p, const struct prefetch_read *r)
{
	struct prefetch_head *h = find_nearest(p, r->off);
	bool is_over;

	if (h)
		go_on(p, h, r->now_ms);
	end_silent(p, h, p->tick, r->now_ms);
	end_others(p, r->now_ms);
	if (!h)
		h = begin(p, r);
	is_over = !r->direct && is_overrun(h, r->off, r->len);
	h->used = p->tick;
	h->used_ms = r->now_ms;
	h->hits++;
	h->jumped = r->off > h->pos + RESUME;
	h->waits = !r->hit;
	h->read += r->len;
	p->bulk = p->bulk || h->read >= PREFETCH_SURE;
	h->pos = max_u64(h->pos, r->off + r->len);
	h->ahead = max_u64(h->ahead, h->pos);
	if (h->pos == r->off + r->len) {
		h->is_tail = h->hits > 1 && !r->direct && may_be_readahead(h, r->len);
		h->last = (uint32_t)min_u64(r->len, UINT32_MAX);
	}
	if (h->pos > h->bound)
		pass_bound(p, h, r, is_over);
	return h;
}

bool prefetch_is_overrun(const struct prefetch *p, uint64_t off, uint64_t len)
{
	for (const struct prefetch_head *h = p->heads; h < p->heads + PREFETCH_HEADS; h++)
		if (is_overrun(h, off, len))
			return true;
	return false;
}

bool head_is_alive(const struct prefetch_head *h, uint64_t now_ms)
{
	return h->used && !h->ended && now_ms - h->used_ms <= PREFETCH_IDLE_MS;
}

bool head_is_stream(const struct prefetch_head *h)
{
	return h->eager || (h->hits > 1 && h->read >= (h->pos - h->start) / DENSE);
}

/*
 * A file's beginning says least, unless its siblings' bodies are read: a header, file(1). Of a file that nobody had opened before, the first
 * chunk comes with its size, and is read before reads are noted.
 */
static bool is_beginning(const struct prefetch *p, const struct prefetch_head *h)
{
	return h->start <= max_u64(p->body, CHUNK) && !(p->family && p->family->whole);
}

/* Readahead goes on behind its end, which says nothing. */
static bool is_in_header(const struct prefetch *p, const struct prefetch_head *h)
{
	return is_beginning(p, h) && (p->nr_parts ? h->pos < p->body + CHUNK : p->header > 0);
}

static uint64_t header_window(const struct prefetch *p, const struct prefetch_head *h)
{
	if (p->nr_parts)
		return p->body > h->pos ? p->body - h->pos : 0;
	return max_u64(h->read / HEADER_AHEAD, p->header > h->pos ? p->header - h->pos : 0);
}

static uint64_t choose_window(const struct prefetch *p, const struct prefetch_head *h, unsigned streams, uint64_t most)
{
	if (h->eager && h->part == NONE)
		return max_u64(most, RUN_FREE);
	if (h->eager || (h->read >= PREFETCH_SURE && p->family && p->family->whole))
		return most;
	if (h->read >= PREFETCH_SURE)
		return min_u64(h->read, most);
	if (p->tail_first && !p->nr_parts)
		return min_u64(h->read / TAIL_FIRST, most);
	if (streams >= MANY)
		return min_u64(h->read / MANY, most);
	if (is_in_header(p, h))
		return min_u64(header_window(p, h), most);
	if (p->bulk)
		return min_u64(max_u64(h->read, min_u64(4 * h->read, BULK_MIN)), most);
	return min_u64(max_u64(is_beginning(p, h) || h->read < SHORT ? h->read / 2 : h->read, min_u64(4 * h->read, WINDOW_MIN)), most);
}

/* Where others read the same part further on, they fetch that themselves. */
static uint64_t find_end(const struct prefetch *p, const struct prefetch_head *h)
{
	uint64_t end = min_u64(h->bound, p->size);

	for (const struct prefetch_head *o = p->heads; h->part != NONE && o < p->heads + PREFETCH_HEADS; o++)
		if (o->used && !o->ended && o->part == h->part && o->start > h->pos)
			end = min_u64(end, o->start);
	return end;
}

void head_wish(struct prefetch *p, struct prefetch_head *h, unsigned streams, struct wish *w)
{
	uint64_t end = find_end(p, h), target, step;
	uint64_t window = choose_window(p, h, streams, w->limits->ahead / streams);

	target = min_u64(h->pos + window, end);
	step = min_u64(max_u64(window / 4, STEP_MIN), STEP_MAX);
	if (target <= h->ahead || (target - h->ahead < step && target < end))
		return;
	if (wish_add(w, p, h->ahead, target, h->ahead - h->pos, PREFETCH_STREAM))
		h->ahead = target;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A closed loop in virtual time: threads send READs as their program would, a READ is answered when its chunks are there, and
 * what is missing is fetched by a scheduler that follows the rules of fetch/sched.c over a link with latency, a rate for each
 * connection and one for all. The prefetcher is the real one. Neither the processor nor the page cache is modelled.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <hffs/tunables.h>

#include "../../fetch/plan_int.h"
#include "replay.h"

#define OVERRUN (PREFETCH_SWEEP + 1) /* readahead that nobody waits for, most likely */
#define URGENT (OVERRUN + 1) /* a reader waits */
#define CLASSES (URGENT + 1)

enum state { ABSENT, WANTED, FETCHING, PRESENT };

struct want {
	struct want *next;
	uint16_t file;
	uint64_t first, last; /* chunks */
	uint64_t near;        /* smaller is nearer */
};

struct transfer {
	struct transfer *next;
	uint16_t file;
	uint64_t idx, last;
	uint64_t ready_us; /* idx has come out of its connection, and waits for the link that all share */
	unsigned class;
};

struct read {
	struct read *next;
	const struct op *op;
	unsigned thread;
	size_t idx; /* in its job */
	uint64_t sent_us, missing;
};

struct thread {
	const struct job *job; /* NULL: none is left */
	size_t next, done;
	uint8_t *answered; /* of each op of the job */
	uint64_t ready_us; /* not before */
	uint64_t sent_us;
};

struct model_file {
	uint8_t *state;
	uint64_t nr;
	struct prefetch p;
	bool parts_known;
	uint32_t first; /* seq of its first READ */
	bool begun;     /* that was answered */
};

struct model {
	const struct workload *w;
	const struct link *l;
	struct outcome *o;
	uint64_t now, link_free_us, bytes_read;
	struct model_file *files;
	struct thread *threads;
	size_t next_job, nr_sent, low;
	uint8_t *sent; /* by seq */
	struct want *wants[CLASSES];
	struct transfer *transfers;
	struct read *reads; /* that wait */
	unsigned running, running_of[CLASSES];
	struct prefetch_family *family;
	struct prefetch_family **own;
	uint64_t ahead;
};

/* --- files --- */

static uint64_t chunk_len(const struct model *m, uint16_t file, uint64_t idx)
{
	return min_u64(CHUNK_SIZE, m->w->files[file].size - idx * CHUNK_SIZE);
}

static uint64_t end_of(const struct workload *w, const struct op *op)
{
	return min_u64(op->off + op->len, w->files[op->file].size);
}

/* How much of the rest a beginning tells: half of it is about what that of a GGUF file with its vocabulary does. */
static void expect_header(struct model_file *x, uint64_t here, uint64_t end)
{
	if (here)
		prefetch_expect(&x->p, here + (end - here) / 2);
}

/* The parts of a file are known when its header is there. */
static void learn_parts(struct model *m, uint16_t file)
{
	const struct file *f = &m->w->files[file];
	struct model_file *x = &m->files[file];
	uint64_t end = f->size;

	if (x->parts_known || !f->nr_parts)
		return;
	for (size_t i = 0; i < f->nr_parts; i++)
		end = min_u64(end, f->parts[i].off);
	if (strstr(f->path, ".bin")) { /* its directory is at the end */
		if (x->state[x->nr - 1] != PRESENT)
			return;
	} else {
		for (uint64_t i = 0; i * CHUNK_SIZE < end; i++)
			if (x->state[i] != PRESENT) {
				expect_header(x, i * CHUNK_SIZE, end);
				return;
			}
	}
	x->parts_known = true;
	if (!x->p.family)
		prefetch_join(&x->p, m->own[file] = prefetch_family_new(), 0);
	if (prefetch_set_parts(&x->p, f->parts, f->nr_parts) < 0)
		abort();
}

/* --- the scheduler --- */

static void want(struct model *m, struct want **list, uint16_t file, uint64_t first, uint64_t last, uint64_t near)
{
	struct want *w = malloc(sizeof(*w));
	bool marks = list != &m->wants[PREFETCH_SWEEP];

	while (*list && (*list)->near <= near)
		list = &(*list)->next;
	*w = (struct want){*list, file, first, last, near};
	*list = w;
	if (marks)
		for (uint64_t i = first; i <= last; i++)
			if (m->files[file].state[i] == ABSENT)
				m->files[file].state[i] = WANTED;
}

static void drop(struct want **list)
{
	struct want *w = *list;

	*list = w->next;
	free(w);
}

static bool is_awaited(const struct model *m, uint16_t file, uint64_t idx)
{
	for (const struct read *r = m->reads; r; r = r->next)
		if (r->op->file == file && idx >= r->op->off / CHUNK_SIZE && idx <= (end_of(m->w, r->op) - 1) / CHUNK_SIZE)
			return true;
	return false;
}

static void cancel(struct model *m, struct want **list)
{
	for (uint64_t i = (*list)->first; i <= (*list)->last && list != &m->wants[PREFETCH_SWEEP]; i++)
		if (m->files[(*list)->file].state[i] == WANTED && !is_awaited(m, (*list)->file, i))
			m->files[(*list)->file].state[i] = ABSENT;
	drop(list);
}

static unsigned running_background(const struct model *m)
{
	return m->running - m->running_of[URGENT];
}

static unsigned share_of(unsigned class, unsigned parallel)
{
	return class == OVERRUN ? (parallel + 3) / 4 : class == PREFETCH_SWEEP ? parallel * 3 / 4 : parallel;
}

static struct want **choose_background(struct model *m)
{
	static const unsigned order[] = {PREFETCH_PROBE, PREFETCH_STREAM, OVERRUN, PREFETCH_SWEEP};

	if (m->running + m->l->reserved >= m->l->connections || running_background(m) >= m->l->parallel)
		return NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		struct want **list = &m->wants[order[i]], *w;

		if (m->running_of[order[i]] >= share_of(order[i], m->l->parallel))
			continue;
		while ((w = *list)) {
			uint64_t off = w->first * CHUNK_SIZE, len = (w->last - w->first + 1) * CHUNK_SIZE;

			len = min_u64(len, m->files[w->file].p.size - off);
			if (order[i] == OVERRUN || prefetch_keeps(&m->files[w->file].p, off, len, order[i], m->now / 1000))
				return list;
			cancel(m, list);
		}
	}
	return NULL;
}

/* Starts one range of the want; false if nothing of it is left. */
static bool start(struct model *m, struct want *w, unsigned class)
{
	uint8_t *state = m->files[w->file].state;
	uint64_t n = 0, most = m->l->range_max, nr = m->files[w->file].nr;
	unsigned free_slots = running_background(m) < m->l->parallel ? m->l->parallel - running_background(m) : 1;
	enum state takes = class == PREFETCH_SWEEP ? ABSENT : WANTED;
	struct transfer *t;
	uint64_t end;

	while (w->first <= w->last && state[w->first] != WANTED && state[w->first] != takes)
		w->first++;
	if (w->first > w->last)
		return false;
	/* While there are connections enough a reader's own chunks need not share one with what lies behind them. */
	end = class == URGENT && m->running < m->l->parallel / 2 ? w->last + 1 : nr;
	while (n < most * free_slots && w->first + n < end && (state[w->first + n] == WANTED || state[w->first + n] == takes))
		n++;
	n = plan_range(n, free_slots, max_u64(most / 2, 4), most);
	for (uint64_t i = 0; i < n; i++)
		state[w->first + i] = FETCHING;
	t = malloc(sizeof(*t));
	*t = (struct transfer){m->transfers, w->file, w->first, w->first + n - 1, 0, class};
	t->ready_us = m->now + m->l->latency_us + chunk_len(m, w->file, t->idx) * 1000000 / m->l->connection_bps;
	m->transfers = t;
	m->running++;
	m->running_of[class]++;
	m->o->requests++;
	w->first += n;
	return true;
}

static void schedule(struct model *m)
{
	while (m->running < m->l->connections) {
		struct want **list = m->wants[URGENT] ? &m->wants[URGENT] : choose_background(m);

		if (!list)
			return;
		(void)start(m, *list, (unsigned)(list - m->wants));
		if ((*list)->first > (*list)->last)
			drop(list);
	}
}

/* --- readers --- */

static void answer(struct model *m, unsigned thread, size_t idx)
{
	struct thread *t = &m->threads[thread];

	m->files[t->job->ops[idx].file].begun = true;
	t->answered[idx] = 1;
	t->done++;
	m->o->us = m->now;
}

static void arrived(struct model *m, uint16_t file, uint64_t idx)
{
	struct read **at = &m->reads, *r;

	m->files[file].state[idx] = PRESENT;
	m->o->wire += chunk_len(m, file, idx);
	learn_parts(m, file);
	while ((r = *at)) {
		uint64_t first = r->op->off / CHUNK_SIZE, last = (end_of(m->w, r->op) - 1) / CHUNK_SIZE;

		if (r->op->file != file || idx < first || idx > last || --r->missing) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		if (!r->op->ignored) {
			m->o->stalls++;
			m->o->stalled_us += m->now - r->sent_us;
			answer(m, r->thread, r->idx);
		}
		free(r);
	}
}

static void note(struct model *m, const struct op *op, bool hit)
{
	struct prefetch_read r = {op->off, op->len, m->now / 1000, hit, m->w->direct};
	struct prefetch_limits limits = {.ahead = m->ahead};
	struct prefetch_want wants[PREFETCH_WANTS_MAX];
	unsigned nr = prefetch_note(&m->files[op->file].p, &r, &limits, wants, PREFETCH_WANTS_MAX);

	for (unsigned i = 0; i < nr; i++) {
		struct model_file *f = container_of(wants[i].of, struct model_file, p);

		assert(wants[i].len && wants[i].off + wants[i].len <= wants[i].of->size);
		want(m, &m->wants[wants[i].class], (uint16_t)(f - m->files), wants[i].off / CHUNK_SIZE,
		     (wants[i].off + wants[i].len - 1) / CHUNK_SIZE, wants[i].ahead + m->bytes_read);
	}
}

/* Is there a read that was taken for readahead, and that is read on behind? */
static void urge(struct model *m, const struct op *op)
{
	for (const struct read *r = m->reads; r; r = r->next)
		if (r->op->file == op->file && r->op->off + r->op->len == op->off)
			want(m, &m->wants[URGENT], op->file, r->op->off / CHUNK_SIZE, (end_of(m->w, r->op) - 1) / CHUNK_SIZE, m->o->requests);
}

static bool is_overrun(const struct model *m, const struct op *op)
{
	const struct model_file *x = &m->files[op->file];

	return !m->w->direct && op->off > op->len && x->state[(op->off - op->len - 1) / CHUNK_SIZE] == PRESENT &&
	       prefetch_is_overrun(&x->p, op->off, op->len);
}

static void send(struct model *m, unsigned thread)
{
	struct thread *t = &m->threads[thread];
	size_t idx = t->next++;
	const struct op *op = &t->job->ops[idx];
	uint64_t first = op->off / CHUNK_SIZE, last = (end_of(m->w, op) - 1) / CHUNK_SIZE, missing = 0;

	t->sent_us = m->now;
	if (m->sent)
		m->sent[op->seq] = 1;
	m->bytes_read += op->len;
	for (uint64_t i = first; i <= last; i++)
		missing += m->files[op->file].state[i] != PRESENT;
	if (missing) {
		struct read *r = malloc(sizeof(*r));

		*r = (struct read){m->reads, op, thread, idx, m->now, missing};
		urge(m, op);
		m->reads = r;
		want(m, &m->wants[is_overrun(m, op) ? OVERRUN : URGENT], op->file, first, last, m->o->requests);
	}
	note(m, op, !missing);
	if (!missing || op->ignored)
		answer(m, thread, idx);
	schedule(m);
}

static void take_job(struct model *m, struct thread *t)
{
	free(t->answered);
	t->answered = NULL;
	t->job = m->next_job < m->w->nr_jobs ? &m->w->jobs[m->next_job++] : NULL;
	t->next = t->done = 0;
	t->ready_us = m->now;
	if (t->job)
		t->answered = calloc(t->job->nr + 1, 1);
}

/* When the thread can send its next READ; UINT64_MAX: not before something else happens. */
static uint64_t due(struct model *m, struct thread *t)
{
	const struct op *op;

	while (t->job && t->done == t->job->nr)
		take_job(m, t);
	if (!t->job || t->next == t->job->nr)
		return UINT64_MAX;
	op = &t->job->ops[t->next];
	if (t->next >= m->w->depth && !t->answered[t->next - m->w->depth])
		return UINT64_MAX;
	if (op->alone && t->done < t->next)
		return UINT64_MAX;
	if (m->w->span && m->files[op->file].first < op->seq && !m->files[op->file].begun)
		return UINT64_MAX; /* nobody knows a place in a file of which nothing was read */
	if (m->w->span) {
		while (m->low < m->nr_sent && m->sent[m->low])
			m->low++;
		if (op->seq > m->low + m->w->span)
			return UINT64_MAX;
	}
	return max_u64(m->now, t->next ? t->sent_us + op->think_us : t->ready_us);
}

/* --- time --- */

/* The transfer whose chunk comes next; chunks that are out of their connection go through the link one after the other. */
static struct transfer **next_transfer(struct model *m, uint64_t *at_us)
{
	struct transfer **best = NULL;

	for (struct transfer **t = &m->transfers; *t; t = &(*t)->next)
		if (!best || (*t)->ready_us < (*best)->ready_us)
			best = t;
	*at_us = UINT64_MAX;
	if (best)
		*at_us = max_u64((*best)->ready_us, m->link_free_us) +
			 chunk_len(m, (*best)->file, (*best)->idx) * 1000000 / m->l->total_bps;
	return best;
}

static void step_transfer(struct model *m, struct transfer **at)
{
	struct transfer *t = *at;
	uint64_t idx = t->idx++;

	m->link_free_us = m->now;
	if (t->idx > t->last) {
		*at = t->next;
		m->running--;
		m->running_of[t->class]--;
	} else {
		t->ready_us = max_u64(t->ready_us, m->now - CHUNK_SIZE * 1000000ull / m->l->connection_bps) +
			      chunk_len(m, t->file, t->idx) * 1000000 / m->l->connection_bps;
	}
	arrived(m, t->file, idx);
	if (*at != t)
		free(t);
	schedule(m);
}

static bool step(struct model *m)
{
	uint64_t transfer_us, first_us = UINT64_MAX;
	struct transfer **transfer;
	unsigned first = 0;

	for (unsigned i = 0; i < m->w->threads; i++) {
		uint64_t at = due(m, &m->threads[i]);

		if (at < first_us) {
			first_us = at;
			first = i;
		}
	}
	transfer = next_transfer(m, &transfer_us);
	if (first_us == UINT64_MAX && !transfer)
		return false;
	if (first_us <= transfer_us) {
		m->now = first_us;
		send(m, first);
	} else {
		m->now = transfer_us;
		step_transfer(m, transfer);
	}
	return true;
}

/* --- begin and end --- */

static void begin(struct model *m)
{
	const struct workload *w = m->w;
	size_t nr = 0;

	m->files = calloc(w->nr_files, sizeof(*m->files));
	m->own = calloc(w->nr_files, sizeof(*m->own));
	m->threads = calloc(w->threads, sizeof(*m->threads));
	m->family = prefetch_family_new();
	for (uint16_t i = 0; i < w->nr_files; i++) {
		char key[256];
		uint32_t ordinal = i;

		m->files[i].nr = (w->files[i].size + CHUNK_SIZE - 1) / CHUNK_SIZE;
		m->files[i].state = calloc(m->files[i].nr + 1, 1);
		m->files[i].p.size = w->files[i].size;
		m->files[i].first = UINT32_MAX;
		if (prefetch_shard_name(w->files[i].path, key, sizeof(key), &ordinal) || (w->family && w->files[i].nr_parts))
			prefetch_join(&m->files[i].p, m->family, ordinal);
	}
	for (size_t i = 0; i < w->nr_jobs; i++)
		nr += w->jobs[i].nr;
	for (size_t i = 0; i < w->nr_jobs; i++)
		for (size_t k = 0; k < w->jobs[i].nr; k++)
			m->files[w->jobs[i].ops[k].file].first = (uint32_t)min_u64(m->files[w->jobs[i].ops[k].file].first, w->jobs[i].ops[k].seq);
	m->nr_sent = nr;
	m->sent = w->span ? calloc(nr + 1, 1) : NULL;
	/* Twice what the link carries while a range is on its way. */
	m->ahead = 2 * (m->l->latency_us + m->l->range_max * CHUNK_SIZE * 1000000 / m->l->connection_bps) * m->l->total_bps / 1000000;
	for (unsigned i = 0; i < w->threads; i++)
		take_job(m, &m->threads[i]);
}

static void end(struct model *m)
{
	m->o->complete = !m->reads;
	for (unsigned i = 0; i < m->w->threads; i++) {
		m->o->complete &= !m->threads[i].job;
		free(m->threads[i].answered);
	}
	for (unsigned i = 0; i < CLASSES; i++)
		while (m->wants[i])
			drop(&m->wants[i]);
	for (uint16_t i = 0; i < m->w->nr_files; i++) {
		prefetch_leave(&m->files[i].p);
		prefetch_family_free(m->own[i]);
		free(m->files[i].state);
	}
	prefetch_family_free(m->family);
	free(m->own);
	free(m->files);
	free(m->threads);
	free(m->sent);
}

void model_run(const struct workload *w, const struct link *l, struct outcome *o)
{
	struct model m = {.w = w, .l = l, .o = o};

	*o = (struct outcome){0};
	begin(&m);
	while (step(&m))
		;
	end(&m);
}

/* --- what it is compared with --- */

static uint64_t covered(const struct workload *w, bool ignored)
{
	uint64_t bytes = 0;

	for (uint16_t f = 0; f < w->nr_files; f++) {
		uint64_t nr = (w->files[f].size + CHUNK_SIZE - 1) / CHUNK_SIZE;
		uint8_t *is = calloc(nr + 1, 1);

		for (size_t j = 0; j < w->nr_jobs; j++)
			for (const struct op *op = w->jobs[j].ops; op < w->jobs[j].ops + w->jobs[j].nr; op++)
				for (uint64_t i = op->off / CHUNK_SIZE; op->file == f && i <= (end_of(w, op) - 1) / CHUNK_SIZE; i++)
					is[i] |= ignored || !op->ignored;
		for (uint64_t i = 0; i < nr; i++)
			bytes += is[i] * min_u64(CHUNK_SIZE, w->files[f].size - i * CHUNK_SIZE);
		free(is);
	}
	return bytes;
}

uint64_t model_needed(const struct workload *w)
{
	return covered(w, true);
}

uint64_t model_taken(const struct workload *w)
{
	return covered(w, false);
}

#define PLACES 256
#define UNANNOUNCED 3      /* jumps between parts, until their order can be known */
#define SURE (8 * MIB)     /* of one place: until then who fetches no more than was read needs a round trip for each doubling */

struct place {
	uint64_t end, read, doubled;
};

struct places {
	struct place at[PLACES];
	unsigned nr;
};

/* Round trips for this READ that nothing announces: a new place, or more of one than was ever read of it. */
static unsigned count_trips(const struct workload *w, const struct op *op, struct places *places)
{
	struct places *ps = &places[op->file];
	struct place *p = NULL;

	for (unsigned i = 0; i < ps->nr && i < PLACES && !p; i++)
		if (op->off + MIB >= ps->at[i].end && op->off <= ps->at[i].end + 2 * MIB)
			p = &ps->at[i];
	if (!p) {
		ps->at[ps->nr++ % PLACES] = (struct place){op->off + op->len, op->len, CHUNK_SIZE};
		return !w->files[op->file].nr_parts || ps->nr <= 1 + UNANNOUNCED;
	}
	p->end = op->off + op->len;
	p->read += op->len;
	if (p->read <= p->doubled || p->doubled >= SURE)
		return 0;
	p->doubled *= 2;
	return !w->files[op->file].nr_parts || ps->nr <= 1 + UNANNOUNCED;
}

uint64_t model_chain_us(const struct workload *w, const struct link *l)
{
	uint64_t *at = calloc(w->threads, sizeof(*at)), most = 0;
	struct places *places = calloc(w->nr_files, sizeof(*places));

	/* Threads go on as if they were alone, the one that is behind first. */
	for (size_t j = 0; j < w->nr_jobs; j++) {
		unsigned thread = 0;

		for (unsigned i = 1; i < w->threads; i++)
			if (at[i] < at[thread])
				thread = i;
		for (const struct op *op = w->jobs[j].ops; op < w->jobs[j].ops + w->jobs[j].nr; op++) {
			at[thread] += op->think_us;
			if (!op->ignored)
				at[thread] += count_trips(w, op, places) *
					      (l->latency_us + min_u64(op->len, CHUNK_SIZE) * 1000000 / l->connection_bps);
		}
		most = max_u64(most, at[thread]);
	}
	free(at);
	free(places);
	return most;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Attention in blocks: some queries of the heads that share a kv head - rows - go over the keys block by block, and keep for each
 * row the greatest score so far, the sum of exp(score - greatest) and the sum of values so weighted; when a block has a greater
 * score, what was summed is scaled down. So memory does not grow with the context, and keys and values that came from the cache
 * once serve all rows. [Milakov and Gimelshein, Online normalizer calculation for softmax, 2018; Dao and others, FlashAttention, 2022]
 *
 * What a part is depends on the problem alone, not on threads: the bits stay the same.
 */
#include "kernels_table_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ROWS_MAX 64u
#define KEYS_BLOCK 128u
/* From so many rows on F16 keys and values of a block are made floats once, rather than for each row. */
#define ROWS_CONVERT 8u

struct tiling {
	uint32_t group, group_rows; /* heads of a kv head; those that go together */
	uint32_t tokens;            /* queries of a head that go together */
	uint32_t splits, tiles;     /* parts of a group, of the queries */
};

struct run {
	const struct kernels *k;
	const struct linear_space *space;
	const struct attention *a;
	size_t n;
	struct tiling t;
};

/* Rows of a part, and what is known of them. All of it lies in a thread's scratch. */
struct part {
	uint32_t first_head, heads, kv_head;
	uint32_t first_token, tokens;
	float *q, *out;        /* rows * head_dim; row = token * heads + head */
	float *scores;         /* rows * KEYS_BLOCK */
	float *block;          /* KEYS_BLOCK * head_dim */
	float *greatest, *sum; /* rows */
};

static size_t row_floats(uint32_t head_dim)
{
	return 2 * (size_t)head_dim + KEYS_BLOCK + 2;
}

/* Rows that fit into the scratch beside a block of keys. */
static uint32_t rows_max(uint32_t head_dim)
{
	size_t all = SCRATCH_BYTES / sizeof(float) + (size_t)head_dim * (SCRATCH_BYTES_EACH / sizeof(float));
	size_t block = (size_t)KEYS_BLOCK * head_dim;
	size_t rows = all > block ? (all - block) / row_floats(head_dim) : 0;

	return rows < 1 ? 1 : rows < ROWS_MAX ? (uint32_t)rows : ROWS_MAX;
}

/* Where even one row and a block do not fit, blocks stay as they are in the cache. */
static bool may_convert(uint32_t head_dim)
{
	return SCRATCH_BYTES / sizeof(float) > (size_t)KEYS_BLOCK * head_dim + row_floats(head_dim);
}

static struct tiling tiling_plan(const struct attention *a, size_t n)
{
	struct tiling t = {.group = a->heads / a->kv_heads};
	uint32_t rows = rows_max(a->head_dim);

	t.group_rows = t.group < rows ? t.group : rows;
	t.splits = (t.group - 1) / t.group_rows + 1;
	t.tokens = rows / t.group_rows;
	t.tiles = (uint32_t)((n - 1) / t.tokens + 1);
	return t;
}

static void part_init(struct part *p, const struct run *run, size_t idx, float *scratch)
{
	const struct tiling *t = &run->t;
	uint32_t tile = (uint32_t)(idx % t->tiles), split = (uint32_t)(idx / t->tiles % t->splits);
	uint32_t head_dim = run->a->head_dim, rows;

	p->kv_head = (uint32_t)(idx / t->tiles / t->splits);
	p->first_head = p->kv_head * t->group + split * t->group_rows;
	p->heads = t->group - split * t->group_rows < t->group_rows ? t->group - split * t->group_rows : t->group_rows;
	p->first_token = tile * t->tokens;
	p->tokens = run->n - p->first_token < t->tokens ? (uint32_t)(run->n - p->first_token) : t->tokens;
	rows = p->heads * p->tokens;
	p->q = scratch;
	p->out = p->q + (size_t)rows * head_dim;
	p->scores = p->out + (size_t)rows * head_dim;
	p->greatest = p->scores + (size_t)rows * KEYS_BLOCK;
	p->sum = p->greatest + rows;
	p->block = p->sum + rows;
}

/* Keys [*lo, *hi) that the query at a position sees. */
static void seen(const struct attention *a, uint32_t pos, uint32_t *lo, uint32_t *hi)
{
	*lo = a->window && pos + 1 > a->window ? pos + 1 - a->window : 0;
	*hi = a->causal ? pos + 1 : a->keys;
	if (!a->causal && a->window && a->window < *hi - pos)
		*hi = pos + a->window;
}

static void begin_rows(const struct run *run, struct part *p)
{
	const struct attention *a = run->a;

	for (uint32_t t = 0; t < p->tokens; t++)
		for (uint32_t h = 0; h < p->heads; h++) {
			uint32_t row = t * p->heads + h;
			float *q = p->q + (size_t)row * a->head_dim;

			memcpy(q, a->q + (p->first_token + t) * a->q_stride + (size_t)(p->first_head + h) * a->head_dim,
			       a->head_dim * sizeof(*q));
			run->k->scale(q, a->scale, a->head_dim);
			p->greatest[row] = -INFINITY;
			p->sum[row] = 0;
		}
	memset(p->out, 0, (size_t)p->tokens * p->heads * a->head_dim * sizeof(*p->out));
}

/* Keys or values [from, from + nr) of the part's kv head; as floats where that serves many rows. */
static struct cache_rows block_of(const struct run *run, const struct part *p, const void *data, uint32_t from, uint32_t nr)
{
	const struct attention *a = run->a;
	struct cache_rows b = {(const char *)data + from * a->pos_bytes + p->kv_head * a->head_bytes, a->pos_bytes, a->half,
			       a->head_dim};

	if (!a->half || p->tokens * p->heads < ROWS_CONVERT || !may_convert(a->head_dim))
		return b;
	for (uint32_t s = 0; s < nr; s++)
		run->k->from_f16(p->block + (size_t)s * a->head_dim,
				 (const void *)((const char *)b.data + s * b.stride), a->head_dim);
	return (struct cache_rows){p->block, a->head_dim * sizeof(float), false, a->head_dim};
}

/* Scores of a row for keys [from, from + nr) become weights; what was summed before is scaled to the new greatest score. */
static void weigh(const struct run *run, struct part *p, uint32_t row, uint32_t from, uint32_t nr)
{
	const struct kernels *k = run->k;
	float *scores = p->scores + (size_t)row * KEYS_BLOCK, greatest, before;
	uint32_t lo, hi;

	seen(run->a, run->a->first + p->first_token + row / p->heads, &lo, &hi);
	lo = lo > from ? lo - from : 0;
	hi = hi > from ? (hi - from < nr ? hi - from : nr) : 0;
	if (lo >= hi) {
		memset(scores, 0, nr * sizeof(*scores));
		return;
	}
	memset(scores, 0, lo * sizeof(*scores));
	memset(scores + hi, 0, (nr - hi) * sizeof(*scores));
	if (run->a->softcap != 0)
		k->softcap(scores + lo, run->a->softcap, hi - lo);
	greatest = k->max(scores + lo, hi - lo);
	before = p->greatest[row];
	if (greatest > before) {
		float by = before == -INFINITY ? 0 : expf(before - greatest);

		p->greatest[row] = greatest;
		p->sum[row] *= by;
		k->scale(p->out + (size_t)row * run->a->head_dim, by, run->a->head_dim);
	}
	p->sum[row] += k->exp_sum(scores + lo, p->greatest[row], hi - lo);
}

static void end_rows(const struct run *run, struct part *p)
{
	const struct attention *a = run->a;

	for (uint32_t t = 0; t < p->tokens; t++)
		for (uint32_t h = 0; h < p->heads; h++) {
			uint32_t row = t * p->heads + h;
			float *out = a->out + (p->first_token + t) * a->out_stride + (size_t)(p->first_head + h) * a->head_dim;

			memcpy(out, p->out + (size_t)row * a->head_dim, a->head_dim * sizeof(*out));
			run->k->scale(out, 1 / p->sum[row], a->head_dim);
		}
}

static void one_part(const struct run *run, size_t idx, float *scratch)
{
	const struct attention *a = run->a;
	struct part p;
	uint32_t lo, hi, rows, ignored;

	part_init(&p, run, idx, scratch);
	rows = p.tokens * p.heads;
	begin_rows(run, &p);
	seen(a, a->first + p.first_token, &lo, &ignored);
	seen(a, a->first + p.first_token + p.tokens - 1, &ignored, &hi);
	for (uint32_t from = lo / KEYS_BLOCK * KEYS_BLOCK; from < hi; from += KEYS_BLOCK) {
		uint32_t nr = hi - from < KEYS_BLOCK ? hi - from : KEYS_BLOCK;
		struct cache_rows b = block_of(run, &p, a->k, from, nr);

		run->k->dots(&b, nr, p.q, a->head_dim, rows, p.scores, KEYS_BLOCK);
		for (uint32_t row = 0; row < rows; row++)
			weigh(run, &p, row, from, nr);
		b = block_of(run, &p, a->v, from, nr);
		run->k->mix(&b, nr, p.scores, KEYS_BLOCK, rows, p.out, a->head_dim);
	}
	end_rows(run, &p);
}

static void parts(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct run *run = ctx;

	for (size_t i = begin; i < end; i++)
		one_part(run, i, linear_space_scratch(run->space, thread));
}

void attention_run(const struct kernels *k, struct crew *c, struct linear_space *s, const struct attention *a, size_t n)
{
	struct run run = {k, s, a, n, {0}};

	if (!n)
		return;
	assert(a->kv_heads && a->heads % a->kv_heads == 0 && a->first + n <= a->keys);
	run.t = tiling_plan(a, n);
	crew_run(c, (size_t)a->kv_heads * run.t.splits * run.t.tiles, 1, parts, &run);
}

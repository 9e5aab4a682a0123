// SPDX-License-Identifier: Apache-2.0
/*
 * Products of weights with activations: has activations prepared in the forms that the products want, then hands rows of all
 * products out to the threads, in one go. How rows are computed is the instruction set's.
 */
#include "kernels_table_int.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

struct linear_space {
	uint32_t cols_max, tokens_max;
	unsigned threads;
	void *form[ACTS_FORMS];
	char *scratch;
	size_t scratch_size; /* of one thread */
};

static const unsigned bytes_each[ACTS_FORMS] = {
	[ACTS_BYTES] = ACTS_BYTES_EACH, [ACTS_FLOAT_PANEL] = ACTS_FLOAT_PANEL_EACH, [ACTS_BYTE_PANEL] = ACTS_BYTE_PANEL_EACH,
};

/* Memory at a multiple of 64, for nr things of size bytes each. Pages that are not touched cost nothing. */
static int reserve(size_t nr, size_t size, void **out)
{
	size_t len;

	if (__builtin_mul_overflow(nr, size, &len) || __builtin_add_overflow(len, 127, &len))
		return -EOVERFLOW;
	*out = aligned_alloc(64, len / 64 * 64);
	return *out ? 0 : -ENOMEM;
}

int linear_space_new(uint32_t cols_max, uint32_t tokens_max, unsigned threads, struct linear_space **out)
{
	AUTO(linear_space_free) struct linear_space *s = calloc(1, sizeof(*s));
	size_t cols = ((size_t)cols_max + ACTS_COLS_ROUND) / ACTS_COLS_ROUND * ACTS_COLS_ROUND;
	void *scratch;
	int r;

	if (!s)
		return -ENOMEM;
	*s = (struct linear_space){.cols_max = cols_max, .tokens_max = tokens_max, .threads = threads};
	for (int f = ACTS_BYTES; f < ACTS_FORMS; f++) {
		r = reserve((size_t)tokens_max + ACTS_TOKENS_ROUND, cols * bytes_each[f], &s->form[f]);
		if (r < 0)
			return r;
	}
	s->scratch_size = SCRATCH_BYTES + cols * SCRATCH_BYTES_EACH;
	r = reserve(threads, s->scratch_size, &scratch);
	if (r < 0)
		return r;
	s->scratch = scratch;
	*out = TAKE(s);
	return 0;
}

void linear_space_free(struct linear_space *s)
{
	if (!s)
		return;
	for (int f = 0; f < ACTS_FORMS; f++)
		free(s->form[f]);
	free(s->scratch);
	free(s);
}

void *linear_space_scratch(const struct linear_space *s, unsigned thread)
{
	assert(thread < s->threads);
	return s->scratch + thread * s->scratch_size;
}

struct run {
	const struct kernels *k;
	const struct linear_space *space;
	const struct linear *products;
	size_t nr;
	size_t unit;                         /* rows that are handed out together; no unit has rows of two products */
	size_t first[LINEAR_PRODUCTS_MAX + 1]; /* unit where a product begins */
	struct acts x;
	enum acts_form form; /* what is being prepared */
};

static void prepare_tokens(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct run *run = ctx;

	(void)thread;
	run->k->prepare(run->form, &run->x, begin, end);
}

static void prepare(struct run *run, struct crew *c)
{
	bool wanted[ACTS_FORMS] = {false};

	for (size_t i = 0; i < run->nr; i++)
		wanted[run->k->form(run->products[i].w->type, run->x.n)] = true;
	for (int f = ACTS_BYTES; f < ACTS_FORMS; f++) {
		if (!wanted[f])
			continue;
		run->form = f;
		crew_run(c, run->x.n, ACTS_TOKENS, prepare_tokens, run);
	}
}

static void units(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct run *run = ctx;

	for (size_t i = 0; i < run->nr; i++) {
		const struct linear *l = &run->products[i];
		size_t from = begin > run->first[i] ? begin : run->first[i];
		size_t to = end < run->first[i + 1] ? end : run->first[i + 1];
		struct rows_job j = {l->w, l->bias, l->out, l->out_stride, &run->x, linear_space_scratch(run->space, thread)};

		if (from >= to)
			continue;
		from = (from - run->first[i]) * run->unit;
		to = (to - run->first[i]) * run->unit;
		run->k->rows(&j, (uint32_t)from, to < l->w->rows ? (uint32_t)to : l->w->rows);
	}
}

void linear_run(const struct kernels *k, struct crew *c, struct linear_space *s, const struct linear *products, size_t nr,
		const float *x, size_t x_stride, size_t n)
{
	struct run run = {.k = k, .space = s, .products = products, .nr = nr};

	if (!n || !nr)
		return;
	assert(nr <= LINEAR_PRODUCTS_MAX && n <= s->tokens_max && products[0].w->cols <= s->cols_max && crew_threads(c) <= s->threads);
	run.x = (struct acts){.x = x, .stride = x_stride, .n = n, .cols = products[0].w->cols};
	memcpy(run.x.form, s->form, sizeof(s->form));
	prepare(&run, c);
	for (size_t i = 0; i < nr; i++) {
		uint32_t grain = k->grain(products[i].w->type, n);

		run.unit = grain > run.unit ? grain : run.unit;
	}
	for (size_t i = 0; i < nr; i++)
		run.first[i + 1] = run.first[i] + (products[i].w->rows + run.unit - 1) / run.unit;
	crew_run(c, run.first[nr], 1, units, &run);
}

static void apply_scales(const struct kernels *k, const struct matrix *m, uint32_t r, uint32_t begin, uint32_t n, float *out)
{
	const float *scales = m->scales + (size_t)(r / m->scale_rows) * ((m->cols - 1) / m->scale_cols + 1);

	for (uint32_t i = 0, len; i < n; i += len) {
		uint32_t left = m->scale_cols - (begin + i) % m->scale_cols; /* of the block */

		len = left < n - i ? left : n - i;
		k->scale(out + i, scales[(begin + i) / m->scale_cols], len);
	}
}

void matrix_part(const struct kernels *k, const struct matrix *m, uint32_t r, uint32_t begin, uint32_t n, float *out)
{
	const struct tensor_type_info *info = tensor_type_info(m->type);
	const char *row = (const char *)m->data + r * m->row_bytes;

	k->to_floats(m->type, row + (size_t)(begin / info->block) * info->bytes, n, out);
	if (m->scales)
		apply_scales(k, m, r, begin, n, out);
}

void matrix_row(const struct kernels *k, const struct matrix *m, uint32_t r, float *out)
{
	assert(r < m->rows);
	matrix_part(k, m, r, 0, m->cols, out);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Every set of kernels that this processor can run: blocks against what the gguf package makes of them; products against sums in
 * double of the dequantised weights, over odd sizes, edges and extremes. Weights end where the memory ends: one byte more is a fault.
 *
 * How far a product may be off: floats are summed in F32, so 1e-5 of the sum of magnitudes. Sets that round activations to 8 bits,
 * a scale for each 32, are off by half a step, max|x| / 254, for each weight at most.
 */
#include "unit.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../../infer/kernels_table_int.h"
#include "kernels_golden.h"

static const enum tensor_type types[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_BF16, TENSOR_F8_E4M3, TENSOR_Q8_0, TENSOR_Q4_0,
					 TENSOR_Q4_1, TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q4_K,    TENSOR_Q5_K, TENSOR_Q6_K};

#define PAGE 4096u
#define COLS_MAX 4352u
#define TOKENS_MAX 70u
#define ROWS_MAX 200u

static uint64_t seed = 20261128;

static uint32_t random_u32(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

static uint32_t random_below(uint32_t n)
{
	return (uint32_t)((uint64_t)random_u32() * n >> 32);
}

static float random_float(void)
{
	return (float)random_u32() * 0x1p-31f - 1;
}

/* --- memory that ends, or begins, beside a page that nobody may touch --- */

struct guarded {
	char *map, *at;
	size_t map_len;
};

static struct guarded guarded_new(size_t len, bool at_end)
{
	struct guarded g = {.map_len = (len / PAGE + 3) * PAGE};

	g.map = mmap(NULL, g.map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(g.map, MAP_FAILED);
	assert_int_equal(mprotect(g.map + PAGE, g.map_len - 2 * PAGE, PROT_READ | PROT_WRITE), 0);
	g.at = at_end ? g.map + g.map_len - PAGE - len : g.map + PAGE;
	return g;
}

static void guarded_done(struct guarded *g)
{
	munmap(g->map, g->map_len);
}

/* --- weights --- */

static void put_half(uint8_t *p, float f)
{
	uint16_t h = f16_of_float(f);

	memcpy(p, &h, sizeof(h));
}

/* Where scales in F16 are in a block; -1: there is none. */
static void scale_places(enum tensor_type type, int at[2])
{
	at[0] = type == TENSOR_Q6_K ? 208 : 0;
	at[1] = type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q4_K || type == TENSOR_Q5_K ? 2 : -1;
}

enum extreme { PLAIN, ONES, ZEROS, TINY_SCALES, EXTREMES };

static float extreme_scale(enum extreme e)
{
	if (e == TINY_SCALES)
		return 0x1p-24f * (float)(1 + random_below(3));
	return random_float() / 16;
}

static void fill_block(enum tensor_type type, enum extreme e, uint8_t *b, size_t bytes)
{
	int at[2];

	for (size_t i = 0; i < bytes; i++)
		b[i] = e == ONES ? 0xff : e == ZEROS ? 0 : (uint8_t)random_u32();
	scale_places(type, at);
	for (int i = 0; i < 2; i++)
		if (at[i] >= 0)
			put_half(b + at[i], extreme_scale(e));
}

static void fill_element(enum tensor_type type, uint8_t *p)
{
	float f = random_float();
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	if (type == TENSOR_F32)
		memcpy(p, &f, sizeof(f));
	else if (type == TENSOR_F16)
		put_half(p, f);
	else if (type == TENSOR_BF16)
		memcpy(p, (char *)&bits + 2, 2); /* little endian: the upper half */
	else
		*p = (uint8_t)(random_u32() % 0x7f + (random_u32() % 2) * 0x80);
}

static void fill(const struct matrix *m, enum extreme e, char *data)
{
	const struct tensor_type_info *info = tensor_type_info(m->type);

	for (uint32_t r = 0; r < m->rows; r++)
		for (uint32_t c = 0; c < m->cols; c += info->block) {
			uint8_t *p = (uint8_t *)data + r * m->row_bytes + (size_t)(c / info->block) * info->bytes;

			if (info->block > 1)
				fill_block(m->type, e, p, info->bytes);
			else
				fill_element(m->type, p);
		}
}

/* --- blocks --- */

static void blocks_are_what_gguf_makes_of_them(void **state)
{
	(void)state;
	for (unsigned s = 0; kernels_nth(s); s++) {
		const struct kernels *k = kernels_nth(s);

		if (!kernels_can_run(k))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(goldens); i++) {
			const struct golden *g = &goldens[i];
			struct matrix m = {g->block, g->bytes, 1, (uint32_t)g->n, g->type, NULL, 0, 0};
			float out[256], expected[256];

			memcpy(expected, g->floats, sizeof(expected));
			matrix_row(k, &m, 0, out);
			for (size_t j = 0; j < g->n; j++)
				if (fabsf(out[j] - expected[j]) > 1e-6f * (1 + fabsf(expected[j])))
					fail_msg("%s, %s, block %zu, element %zu: %g, not %g", k->name, tensor_type_info(g->type)->name, i,
						 j, (double)out[j], (double)expected[j]);
		}
	}
}

static void halves_convert_both_ways(void **state)
{
	(void)state;
	for (uint32_t h = 0; h < 0x10000; h++) {
		float f = float_of_f16((uint16_t)h);

		if (f == f)
			assert_int_equal(f16_of_float(f), h);
		else
			assert_true(isnan(float_of_f16(f16_of_float(f))));
	}
	assert_int_equal(f16_of_float(65519.99f), 0x7bff);
	assert_int_equal(f16_of_float(65520), 0x7c00);
	assert_int_equal(f16_of_float(1 + 0x1p-11f), 0x3c00);     /* ties go to even */
	assert_int_equal(f16_of_float(1 + 3 * 0x1p-11f), 0x3c02);
	assert_int_equal(f16_of_float(0x1p-25f), 0);
	assert_int_equal(f16_of_float(0x1.8p-25f), 1);
}

static void f8_is_as_the_format_says(void **state)
{
	(void)state;
	assert_true(float_of_f8_e4m3(0x7e) == 448);
	assert_true(float_of_f8_e4m3(0xfe) == -448);
	assert_true(float_of_f8_e4m3(0x38) == 1);
	assert_true(float_of_f8_e4m3(0x08) == 0x1p-6f);
	assert_true(float_of_f8_e4m3(0x01) == 0x1p-9f);
	assert_true(float_of_f8_e4m3(0x00) == 0);
	assert_true(isnan(float_of_f8_e4m3(0x7f)) && isnan(float_of_f8_e4m3(0xff)));
}

/* Bits of whatever F16, BF16 and F8 can hold come through every set as the reference has them, NaN and infinity too. */
static void every_small_float_converts(void **state)
{
	static const enum tensor_type small[] = {TENSOR_F16, TENSOR_BF16, TENSOR_F8_E4M3};
	static uint16_t all[0x10000];
	static float out[0x10000], expected[0x10000];

	(void)state;
	for (unsigned s = 0; kernels_nth(s); s++)
		for (size_t i = 0; i < ARRAY_SIZE(small) && kernels_can_run(kernels_nth(s)); i++) {
			for (size_t j = 0; j < ARRAY_SIZE(all); j++)
				all[j] = (uint16_t)(small[i] == TENSOR_F8_E4M3 ? j << 8 | (j & 0xff) : j);
			dequantize(small[i], all, ARRAY_SIZE(all), expected);
			kernels_nth(s)->to_floats(small[i], all, ARRAY_SIZE(all), out);
			for (size_t j = 0; j < ARRAY_SIZE(all); j++)
				if (isnan(expected[j]) ? !isnan(out[j]) : memcmp(&out[j], &expected[j], sizeof(float)) != 0)
					fail_msg("%s, %s %zu: %g, not %g", kernels_nth(s)->name, tensor_type_info(small[i])->name, j,
						 (double)out[j], (double)expected[j]);
		}
}

/* --- products --- */

struct product {
	struct matrix m;
	float *x, *out, *bias, *row;
	size_t x_stride, out_stride, n;
};

static double allowed(const struct product *p, const float *x, const float *row)
{
	double magnitudes = 0, steps = 0, weights = 0, greatest = 0, largest = 0, sum = 0;
	bool floats = tensor_type_info(p->m.type)->block == 1;

	for (uint32_t c = 0; c < p->m.cols; c++) {
		magnitudes += fabs((double)row[c] * (double)x[c]);
		weights += fabs((double)row[c]);
		greatest = fmax(greatest, fabs((double)x[c]));
		largest = fmax(largest, fabs((double)row[c]));
		sum += fabs((double)x[c]);
		if (c % 32 == 31 || c + 1 == p->m.cols) {
			steps += weights * greatest / 254 * 1.001;
			weights = greatest = 0;
		}
	}
	/* Where weights are an unsigned number and a minimum, both are summed before they cancel. */
	return floats ? magnitudes * 1e-5 + 1e-30 : steps + sum * largest * 1e-5 + 1e-30;
}

static void compare(const struct kernels *k, const struct product *p)
{
	for (uint32_t r = 0; r < p->m.rows; r++) {
		matrix_row(&kernels_scalar, &p->m, r, p->row);
		for (size_t t = 0; t < p->n; t++) {
			const float *x = p->x + t * p->x_stride;
			double sum = p->bias ? (double)p->bias[r] : 0, may;
			float is = p->out[t * p->out_stride + r];

			for (uint32_t c = 0; c < p->m.cols; c++)
				sum += (double)p->row[c] * (double)x[c];
			may = allowed(p, x, p->row) + fabs(sum) * 1e-6;
			if (!(fabs((double)is - sum) <= may))
				fail_msg("%s, %s %ux%u, %zu tokens: row %u of token %zu is %g, not %g (+-%g)", k->name,
					 tensor_type_info(p->m.type)->name, p->m.rows, p->m.cols, p->n, r, t, (double)is, sum, may);
		}
	}
}

#define UNTOUCHED 12345.0f

/* The product by each number of threads: right, the same bits, and nothing written beside. */
static void check_product(const struct kernels *k, const struct product *p, struct crew *const crews[3], struct linear_space *s)
{
	size_t len = p->n * p->out_stride;
	float *first = calloc(len, sizeof(*first));

	assert_non_null(first);
	for (int threads = 0; threads < 3; threads++) {
		struct linear l = {&p->m, p->bias, p->out, p->out_stride};

		for (size_t i = 0; i < len; i++)
			p->out[i] = UNTOUCHED;
		linear_run(k, crews[threads], s, &l, 1, p->x, p->x_stride, p->n);
		for (size_t i = 0; i < len; i++)
			if (i % p->out_stride >= p->m.rows && p->out[i] != UNTOUCHED)
				fail_msg("%s, %s: written beside the rows", k->name, tensor_type_info(p->m.type)->name);
		if (threads && memcmp(first, p->out, len * sizeof(*first)) != 0)
			fail_msg("%s, %s: other bits with %d threads", k->name, tensor_type_info(p->m.type)->name, threads + 1);
		memcpy(first, p->out, len * sizeof(*first));
	}
	compare(k, p);
	free(first);
}

struct bench {
	struct crew *crews[3];
	struct linear_space *space;
	float *row, *bias, *out;
};

static int open_bench(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	for (unsigned i = 0; i < 3; i++)
		if (crew_new(i + 1, &b->crews[i]) < 0)
			return -1;
	if (linear_space_new(COLS_MAX, TOKENS_MAX, 3, &b->space) < 0)
		return -1;
	b->row = calloc(COLS_MAX, sizeof(float));
	b->bias = calloc(ROWS_MAX, sizeof(float));
	b->out = calloc((size_t)TOKENS_MAX * (ROWS_MAX + 8), sizeof(float));
	*state = b;
	return b->row && b->bias && b->out ? 0 : -1;
}

static int close_bench(void **state)
{
	struct bench *b = *state;

	for (int i = 0; i < 3; i++)
		crew_free(b->crews[i]);
	linear_space_free(b->space);
	free(b->row);
	free(b->bias);
	free(b->out);
	free(b);
	return 0;
}

static void fill_x(float *x, size_t n, enum extreme e)
{
	for (size_t i = 0; i < n; i++) {
		x[i] = random_float() * 3;
		if (e == EXTREMES && random_below(50) == 0)
			x[i] *= 1000;
		if (e == EXTREMES && random_below(4) == 0)
			x[i] = 0;
		if (e == ZEROS)
			x[i] = 0;
	}
}

static void try_product(const struct bench *b, const struct kernels *k, enum tensor_type type, uint32_t rows, uint32_t cols, size_t n,
			enum extreme e)
{
	const struct tensor_type_info *info = tensor_type_info(type);
	size_t row_bytes = (size_t)cols / info->block * info->bytes, stride = cols + random_below(3);
	bool at_end = random_below(4) != 0;
	struct guarded w = guarded_new(rows * row_bytes, at_end), x = guarded_new((n * stride) * sizeof(float), at_end);
	struct product p = {
		.m = {w.at, row_bytes, rows, cols, type, NULL, 0, 0},
		.x = (float *)(void *)x.at,
		.out = b->out,
		.bias = random_below(2) ? b->bias : NULL,
		.row = b->row,
		.x_stride = stride,
		.out_stride = rows + random_below(8),
		.n = n,
	};

	fill(&p.m, e, w.at);
	fill_x(p.x, n * stride, e);
	for (uint32_t r = 0; r < rows; r++)
		b->bias[r] = random_float();
	check_product(k, &p, b->crews, b->space);
	guarded_done(&w);
	guarded_done(&x);
}

static uint32_t cols_of(enum tensor_type type, uint32_t idx)
{
	static const uint32_t odd[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 127, 255, 257, 300, 511, 513, 1000, 1025};
	static const uint32_t blocks[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 31, 33};
	static const uint32_t k_blocks[] = {1, 2, 3, 4, 5, 7};
	uint32_t block = tensor_type_info(type)->block;

	if (block == 1)
		return odd[idx % ARRAY_SIZE(odd)];
	return block == 32 ? 32 * blocks[idx % ARRAY_SIZE(blocks)] : 256 * k_blocks[idx % ARRAY_SIZE(k_blocks)];
}

static void each_set(void **state, void (*f)(const struct bench *b, const struct kernels *k, enum tensor_type type))
{
	for (unsigned s = 0; kernels_nth(s); s++)
		for (size_t i = 0; i < ARRAY_SIZE(types) && kernels_can_run(kernels_nth(s)); i++)
			f(*state, kernels_nth(s), types[i]);
}

static void all_token_counts(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	for (size_t n = 1; n <= TOKENS_MAX; n++)
		try_product(b, k, type, 1 + random_below(40), cols_of(type, (uint32_t)n), n, PLAIN);
}

static void all_row_counts(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	static const size_t tokens[] = {1, 2, 5, 13, 33};

	for (uint32_t rows = 1; rows <= 70; rows++)
		try_product(b, k, type, rows, cols_of(type, random_below(64)), tokens[rows % ARRAY_SIZE(tokens)], PLAIN);
	for (uint32_t rows = 100; rows <= ROWS_MAX; rows += 25)
		try_product(b, k, type, rows, cols_of(type, random_below(64)), tokens[rows % ARRAY_SIZE(tokens)], PLAIN);
}

static void all_col_counts(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	for (uint32_t i = 0; i < 23; i++) {
		try_product(b, k, type, 1 + random_below(5), cols_of(type, i), 1, PLAIN);
		try_product(b, k, type, 33, cols_of(type, i), 40, PLAIN);
	}
}

/* Long enough that a set may take them differently. */
static void long_row_counts(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	static const uint32_t cols[] = {3071, 3072, 3089, 4096, 4097, 4127, 4128, 4352};

	for (size_t i = 0; i < ARRAY_SIZE(cols); i++) {
		uint32_t block = tensor_type_info(type)->block, whole = cols[i] / block * block;

		try_product(b, k, type, 1 + random_below(40), whole, 1, PLAIN);
		try_product(b, k, type, 8 + random_below(24), whole, 1 + i % 3, EXTREMES);
	}
}

static void extremes(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	for (enum extreme e = ONES; e <= EXTREMES; e++)
		for (size_t n = 1; n < 50; n += 16)
			try_product(b, k, type, 9 + random_below(30), cols_of(type, random_below(64)), n, e);
}

static void any_number_of_tokens(void **state)
{
	each_set(state, all_token_counts);
}

static void any_number_of_rows(void **state)
{
	each_set(state, all_row_counts);
}

static void any_number_of_columns(void **state)
{
	each_set(state, all_col_counts);
}

static void long_rows(void **state)
{
	each_set(state, long_row_counts);
}

static void extreme_values(void **state)
{
	each_set(state, extremes);
}

/* Of tokens `bad` has an element that is no number, or infinite: its products are not finite, and others' are. */
static void one_bad_token(const struct bench *b, const struct kernels *k, enum tensor_type type, size_t n, float element)
{
	static float x[TOKENS_MAX * 512];
	static char data[8 * 512 * sizeof(float)];
	uint32_t at = random_below(512);
	size_t bad = random_below((uint32_t)n);
	struct matrix m = {data, (size_t)512 / tensor_type_info(type)->block * tensor_type_info(type)->bytes, 8, 512, type, NULL, 0, 0};
	struct linear l = {&m, NULL, b->out, 8};

	fill(&m, PLAIN, data);
	fill_x(x, n * 512, PLAIN);
	x[bad * 512 + at] = element;
	linear_run(k, b->crews[0], b->space, &l, 1, x, 512, n);
	for (size_t t = 0; t < n; t++)
		for (uint32_t r = 0; r < m.rows; r++)
			assert_int_equal(!isfinite(b->out[t * 8 + r]), t == bad);
}

static void bad_tokens(const struct bench *b, const struct kernels *k, enum tensor_type type)
{
	for (size_t n = 1; n <= TOKENS_MAX; n += 1 + n / 2)
		for (int i = 0; i < 4; i++) {
			one_bad_token(b, k, type, n, NAN);
			one_bad_token(b, k, type, n, INFINITY);
		}
}

static void what_is_no_number_stays_none(void **state)
{
	each_set(state, bad_tokens);
}

/* Products of different types and sizes in one run; rows of each end where they should. */
static void several_products_at_once(void **state)
{
	const struct bench *b = *state;

	for (unsigned s = 0; kernels_nth(s); s++)
		for (size_t n = 1; n <= 40 && kernels_can_run(kernels_nth(s)); n += 13) {
			const struct kernels *k = kernels_nth(s);
			static const enum tensor_type mixed[] = {TENSOR_Q4_K, TENSOR_Q6_K, TENSOR_F16, TENSOR_Q8_0, TENSOR_F32};
			static float x[40 * 512], outs[ARRAY_SIZE(mixed)][40 * 64];
			struct linear l[ARRAY_SIZE(mixed)];
			struct matrix m[ARRAY_SIZE(mixed)];

			fill_x(x, ARRAY_SIZE(x), PLAIN);
			for (size_t i = 0; i < ARRAY_SIZE(mixed); i++) {
				const struct tensor_type_info *info = tensor_type_info(mixed[i]);
				char *data;

				m[i] = (struct matrix){NULL, (size_t)512 / info->block * info->bytes, 1 + random_below(64), 512, mixed[i],
						       NULL, 0, 0};
				data = malloc(m[i].rows * m[i].row_bytes);
				assert_non_null(data);
				m[i].data = data;
				fill(&m[i], PLAIN, data);
				l[i] = (struct linear){&m[i], NULL, outs[i], 64};
			}
			linear_run(k, b->crews[2], b->space, l, ARRAY_SIZE(mixed), x, 512, n);
			for (size_t i = 0; i < ARRAY_SIZE(mixed); i++) {
				struct product p = {m[i], x, outs[i], NULL, b->row, 512, 64, n};

				compare(k, &p);
				free((void *)(uintptr_t)m[i].data);
			}
		}
}

/* Scales of F8 weights: one for all, one a row, one a tile whose edges fit nothing else. */
static void f8_weights_are_scaled(void **state)
{
	static const struct {
		uint32_t rows, cols;
	} tiles[] = {{37, 300}, {1, 300}, {16, 128}, {5, 48}, {128, 128}};
	const struct bench *b = *state;
	static uint8_t data[37 * 300];
	static float x[40 * 300], scales[37 * 8], out[40 * 37];

	for (unsigned s = 0; kernels_nth(s); s++)
		for (size_t i = 0; i < ARRAY_SIZE(tiles) && kernels_can_run(kernels_nth(s)); i++)
			for (size_t n = 1; n <= 40; n += n == 1 ? 1 : 19) {
				struct matrix m = {data, 300, 37, 300, TENSOR_F8_E4M3, scales, tiles[i].rows, tiles[i].cols};
				struct product p = {m, x, out, NULL, b->row, 300, 37, n};
				struct linear l = {&m, NULL, out, 37};
				float expected;

				fill(&m, PLAIN, (char *)data);
				fill_x(x, ARRAY_SIZE(x), PLAIN);
				for (size_t j = 0; j < ARRAY_SIZE(scales); j++)
					scales[j] = 0.1f + random_float() * random_float();
				linear_run(kernels_nth(s), b->crews[1], b->space, &l, 1, x, 300, n);
				compare(kernels_nth(s), &p);
				matrix_row(kernels_nth(s), &m, 36, b->row);
				expected = float_of_f8_e4m3(data[36 * 300 + 299]) *
					   scales[36 / tiles[i].rows * ((300 - 1) / tiles[i].cols + 1) + 299 / tiles[i].cols];
				assert_true(fabsf(b->row[299] - expected) <= 1e-6f * fabsf(expected));
			}
}

/* --- the choice --- */

static void a_set_is_chosen_by_name(void **state)
{
	const struct kernels *k = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(kernels_choose(NULL, &k, &err), 0);
	assert_true(kernels_can_run(k));
	assert_int_equal(kernels_choose("scalar", &k, &err), 0);
	assert_string_equal(kernels_name(k), "scalar");
	assert_int_equal(kernels_choose("abacus", &k, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "abacus"));
	assert_int_equal(kernels_choose("scal", &k, &err), -ENOTSUP);
	for (unsigned s = 0; kernels_nth(s); s++) {
		int r = kernels_choose(kernels_name(kernels_nth(s)), &k, &err);

		assert_int_equal(r, kernels_can_run(kernels_nth(s)) ? 0 : -ENOTSUP);
		if (!r)
			assert_memory_equal(kernels_name(k), kernels_name(kernels_nth(s)), strlen(kernels_name(kernels_nth(s))));
	}
}

static void types_are_known(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		assert_true(kernels_has_type(types[i]));
	assert_false(kernels_has_type(TENSOR_I32));
	assert_false(kernels_has_type(TENSOR_Q2_K));
	assert_false(kernels_has_type(TENSOR_TYPES));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types_are_known),
		cmocka_unit_test(a_set_is_chosen_by_name),
		cmocka_unit_test(halves_convert_both_ways),
		cmocka_unit_test(f8_is_as_the_format_says),
		cmocka_unit_test(every_small_float_converts),
		cmocka_unit_test(blocks_are_what_gguf_makes_of_them),
		cmocka_unit_test(any_number_of_tokens),
		cmocka_unit_test(any_number_of_rows),
		cmocka_unit_test(any_number_of_columns),
		cmocka_unit_test(long_rows),
		cmocka_unit_test(extreme_values),
		cmocka_unit_test(what_is_no_number_stays_none),
		cmocka_unit_test(several_products_at_once),
		cmocka_unit_test(f8_weights_are_scaled),
	};

	return cmocka_run_group_tests(tests, open_bench, close_bench);
}

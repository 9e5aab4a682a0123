/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products for sets with vectors of 128 or 256 bits: of floats here, in vectors of the compiler, of blocks by the set itself. The file of a
 * set includes this, defines before what ops_vector_int.h wants, SET_NAME, SET_TABLE, can_run(), and AHEAD: floats of 16 bits and fewer are
 * asked for so many bytes before they are needed, 0 is not at all (those of 32 bits, four rows at once, Zen 3 reads 1.3 times as fast by its
 * own guess); and behind it
 *
 *   prepare_blocks(x, begin, end)         activations for blocks: ACTS_BYTES
 *   rows_of(type, j, begin, end)          rows of blocks, always inline: the type is known to the compiler
 *   many_floats(j, begin, end)            rows of floats with TOKENS_AT_ONCE tokens or more
 */
#include "ops_vector_int.h"

typedef uint8_t lanes_u8 __attribute__((vector_size(LANES)));
typedef uint16_t lanes_u16 __attribute__((vector_size(LANES * 2)));
typedef uint32_t lanes_u32 __attribute__((vector_size(LANES * 4)));

#define TOKENS_AT_ONCE 4u
/*
 * For one token: as many streams of memory, each through a part of the rows far from the others. Zen 3 reads 1.2 to 1.5 times as fast so as
 * in one, which is faster than a loop that only reads from the beginning to the end.
 */
#define ROWS_SIDE_BY_SIDE 4u

static void prepare_blocks(const struct acts *x, size_t begin, size_t end);
static inline __attribute__((always_inline)) void rows_of(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end);
static void many_floats(const struct rows_job *j, uint32_t begin, uint32_t end);

static void prepare(enum acts_form f, const struct acts *x, size_t begin, size_t end)
{
	if (f == ACTS_BYTES)
		prepare_blocks(x, begin, end);
}

static bool has_blocks(enum tensor_type type)
{
	return tensor_type_info(type)->block > 1;
}

static enum acts_form form(enum tensor_type type, size_t n)
{
	(void)n;
	return has_blocks(type) ? ACTS_BYTES : ACTS_FLOATS;
}

static uint32_t grain(enum tensor_type type, size_t n)
{
	(void)type;
	return n < TOKENS_AT_ONCE ? 4 : 24; /* a multiple of what rows are taken by, whoever multiplies them */
}

static inline void put(const struct rows_job *j, uint32_t r, size_t t, uint32_t nx, const float *sums)
{
	for (uint32_t i = 0; i < nx; i++)
		j->out[(t + i) * j->out_stride + r] = sums[i] + (j->bias ? j->bias[r] : 0);
}

/* --- floats --- */

static inline lanes_f bf16_load(const uint16_t *p)
{
	lanes_u16 v;

	memcpy(&v, p, sizeof(v));
	return (lanes_f)(__builtin_convertvector(v, lanes_u32) << 16);
}

/* As F16 the exponent is 8 too low. */
static inline lanes_f f8_load(const uint8_t *p)
{
	lanes_u8 bytes;
	lanes_u16 w, magnitude;
	uint16_t all_[LANES];

	memcpy(&bytes, p, sizeof(bytes));
	w = __builtin_convertvector(bytes, lanes_u16);
	magnitude = w & 0x7f;
	w = (w ^ magnitude) << 8 | magnitude << 7 | ((lanes_u16)(magnitude == 0x7f) & 0x7e00); /* NaN */
	memcpy(all_, &w, sizeof(all_));
	return half_load(all_) * 256;
}

static inline __attribute__((always_inline)) lanes_f float_load(enum tensor_type type, const char *row, size_t at)
{
	if (type == TENSOR_F16)
		return half_load((const uint16_t *)(const void *)row + at);
	if (type == TENSOR_BF16)
		return bf16_load((const uint16_t *)(const void *)row + at);
	if (type == TENSOR_F8_E4M3)
		return f8_load((const uint8_t *)row + at);
	return load((const float *)(const void *)row + at);
}

static inline __attribute__((always_inline)) void floats_of(enum tensor_type type, const char *data, size_t n, float *out)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(out + i, float_load(type, data, i));
	dequantize(type, data + i * tensor_type_info(type)->bytes, n - i, out + i);
}

static void to_floats(enum tensor_type type, const void *data, size_t n, float *out)
{
	if (type == TENSOR_F16)
		floats_of(TENSOR_F16, data, n, out);
	else if (type == TENSOR_BF16)
		floats_of(TENSOR_BF16, data, n, out);
	else if (type == TENSOR_F8_E4M3)
		floats_of(TENSOR_F8_E4M3, data, n, out);
	else
		dequantize(type, data, n, out);
}

/* out[i] of nr rows that are `apart` bytes apart: each is summed alike, however many there are. */
static inline __attribute__((always_inline)) void dot_rows(enum tensor_type type, const char *row, size_t apart, uint32_t nr, const float *x,
							   uint32_t cols, float *out)
{
	lanes_f sums[ROWS_SIDE_BY_SIDE][2] = {{{0}}};
	const size_t bytes = stored_bytes(type);
	uint32_t c = 0;

	for (; c + 2 * LANES <= cols; c += 2 * LANES) {
		lanes_f left = load(x + c), right = load(x + c + LANES);

		for (uint32_t i = 0; i < nr; i++) {
			const char *p = row + i * apart;

			if (AHEAD && type != TENSOR_F32 && c * bytes % 64 == 0)
				__builtin_prefetch(p + c * bytes + AHEAD);
			sums[i][0] += float_load(type, p, c) * left;
			sums[i][1] += float_load(type, p, c + LANES) * right;
		}
	}
	for (uint32_t i = 0; i < nr; i++) {
		const char *p = row + i * apart;
		float rest[2 * LANES];

		out[i] = vector_sum(sums[i][0] + sums[i][1]);
		dequantize(type, p + c * bytes, cols - c, rest);
		for (uint32_t k = 0; c + k < cols; k++)
			out[i] += rest[k] * x[c + k];
	}
}

static inline __attribute__((always_inline)) float dot_row(enum tensor_type type, const char *row, const float *x, uint32_t cols)
{
	float sum_;

	dot_rows(type, row, 0, 1, x, cols, &sum_);
	return sum_;
}

/* One token's sums with nr rows from r on that are `apart` rows apart. */
typedef void row_sums_of_one(enum tensor_type type, const struct rows_job *j, uint32_t r, uint32_t apart, uint32_t nr, float *out);

/* Rows [begin, end), nr at a time, each from a part of its own; what is left over one by one. */
static inline __attribute__((always_inline)) void rows_apart(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end,
							     uint32_t nr, row_sums_of_one *sums_of)
{
	uint32_t apart = (end - begin) / nr;
	float sums[ROWS_SIDE_BY_SIDE];

	for (uint32_t r = begin; r < begin + apart; r++) {
		sums_of(type, j, r, apart, nr, sums);
		for (uint32_t i = 0; i < nr; i++)
			put(j, r + i * apart, 0, 1, &sums[i]);
	}
	for (uint32_t r = begin + nr * apart; r < end; r++) {
		sums_of(type, j, r, 0, 1, sums);
		put(j, r, 0, 1, sums);
	}
}

static inline __attribute__((always_inline)) void float_sums(enum tensor_type type, const struct rows_job *j, uint32_t r, uint32_t apart,
							     uint32_t nr, float *out)
{
	const struct matrix *m = j->w;

	dot_rows(type, (const char *)m->data + r * m->row_bytes, apart * m->row_bytes, nr, j->x->x, m->cols, out);
}

static inline __attribute__((always_inline)) void float_rows(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	if (j->x->n == 1) {
		rows_apart(type, j, begin, end, ROWS_SIDE_BY_SIDE, float_sums);
		return;
	}
	for (uint32_t r = begin; r < end; r++)
		for (size_t t = 0; t < j->x->n; t++) {
			float sum_ = dot_row(type, (const char *)j->w->data + r * j->w->row_bytes, j->x->x + t * j->x->stride, j->x->cols);

			put(j, r, t, 1, &sum_);
		}
}

/* The sum of each block of columns times its scale. */
static void f8_rows(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	const struct matrix *m = j->w;
	uint32_t block = m->scales ? m->scale_cols : m->cols;

	for (uint32_t r = begin; r < end; r++) {
		const float *scale = m->scales ? m->scales + (size_t)(r / m->scale_rows) * ((m->cols - 1) / block + 1) : NULL;
		const char *row = (const char *)m->data + r * m->row_bytes;

		for (size_t t = 0; t < j->x->n; t++) {
			const float *x = j->x->x + t * j->x->stride;
			float sum_ = 0;

			for (uint32_t c = 0; c < m->cols; c += block)
				sum_ += dot_row(TENSOR_F8_E4M3, row + c, x + c, m->cols - c < block ? m->cols - c : block) *
					(scale ? scale[c / block] : 1);
			put(j, r, t, 1, &sum_);
		}
	}
}

static void rows(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	if (!has_blocks(j->w->type) && j->x->n >= TOKENS_AT_ONCE) {
		many_floats(j, begin, end);
		return;
	}
	switch (j->w->type) {
	case TENSOR_F32:
		float_rows(TENSOR_F32, j, begin, end);
		break;
	case TENSOR_F16:
		float_rows(TENSOR_F16, j, begin, end);
		break;
	case TENSOR_BF16:
		float_rows(TENSOR_BF16, j, begin, end);
		break;
	case TENSOR_F8_E4M3:
		f8_rows(j, begin, end);
		break;
	case TENSOR_Q8_0:
		rows_of(TENSOR_Q8_0, j, begin, end);
		break;
	case TENSOR_Q4_0:
		rows_of(TENSOR_Q4_0, j, begin, end);
		break;
	case TENSOR_Q4_1:
		rows_of(TENSOR_Q4_1, j, begin, end);
		break;
	case TENSOR_Q5_0:
		rows_of(TENSOR_Q5_0, j, begin, end);
		break;
	case TENSOR_Q5_1:
		rows_of(TENSOR_Q5_1, j, begin, end);
		break;
	case TENSOR_Q4_K:
		rows_of(TENSOR_Q4_K, j, begin, end);
		break;
	case TENSOR_Q5_K:
		rows_of(TENSOR_Q5_K, j, begin, end);
		break;
	default:
		rows_of(TENSOR_Q6_K, j, begin, end);
	}
}

const struct kernels SET_TABLE = {
	.name = SET_NAME,
	.can_run = can_run,
	.form = form,
	.grain = grain,
	.prepare = prepare,
	.rows = rows,
	.to_floats = to_floats,
	VECTOR_OPS,
};

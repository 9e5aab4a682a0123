/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The operations of ops_int.h in vectors of the compiler, whatever their width: included by each set's own file, which is compiled for
 * its processors. That file defines LANES, the floats of a vector, and TILE, a quarter of how many sums go into registers beside what is
 * added to them, at most 4, before, and behind it
 *
 *   half_load(p)     LANES F16 at p as floats      half_store(p, v)   the other way
 *   vector_sum(v)    the sum of the lanes, in an order of its own
 *   four_sums(out, v)   the sums of four vectors, in an order that may be another
 *
 * The end of a row that fills no vector goes through one that is filled up, so all elements are computed alike.
 */
#ifndef HFFS_OPS_VECTOR_INT_H
#define HFFS_OPS_VECTOR_INT_H

#include <math.h>
#include <string.h>

#include "kernels_table_int.h"

typedef float lanes_f __attribute__((vector_size(LANES * 4)));
typedef int32_t lanes_i __attribute__((vector_size(LANES * 4)));

static inline lanes_f half_load(const uint16_t *p);
static inline void half_store(uint16_t *p, lanes_f v);
static inline float vector_sum(lanes_f v);
static inline void four_sums(float out[4], const lanes_f v[4]);

/* Bytes of a block, or of an element, as format/type.c has them, but known to the compiler where the type is. */
static inline __attribute__((always_inline)) size_t stored_bytes(enum tensor_type type)
{
	switch (type) {
	case TENSOR_F32:
		return 4;
	case TENSOR_F16:
	case TENSOR_BF16:
		return 2;
	case TENSOR_F8_E4M3:
		return 1;
	case TENSOR_Q4_0:
		return 18;
	case TENSOR_Q4_1:
		return 20;
	case TENSOR_Q5_0:
		return 22;
	case TENSOR_Q5_1:
		return 24;
	case TENSOR_Q8_0:
		return 34;
	case TENSOR_Q4_K:
		return 144;
	case TENSOR_Q5_K:
		return 176;
	default:
		return 210;
	}
}

static inline lanes_f load(const float *p)
{
	lanes_f v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store(float *p, lanes_f v)
{
	memcpy(p, &v, sizeof(v));
}

/* n < LANES floats, and `rest` in the other lanes. */
static inline lanes_f load_part(const float *p, size_t n, float rest)
{
	float all[LANES];

	for (size_t i = 0; i < LANES; i++)
		all[i] = i < n ? p[i] : rest;
	return load(all);
}

static inline void store_part(float *p, lanes_f v, size_t n)
{
	float all[LANES];

	store(all, v);
	for (size_t i = 0; i < n; i++)
		p[i] = all[i];
}

static inline lanes_f all(float f)
{
	return f - (lanes_f){0};
}

static inline lanes_f select_f(lanes_i mask, lanes_f yes, lanes_f no)
{
	return (lanes_f)((mask & (lanes_i)yes) | (~mask & (lanes_i)no));
}

static inline lanes_f greater(lanes_f a, lanes_f b)
{
	return select_f(a > b, a, b);
}

/*
 * e to the x within 1e-7, relative: 2^n * e^r, n the nearest integer of x / ln 2, e^r by a polynomial [Moshier, Cephes expf.c]. 2^n in two
 * factors, because 2^128 is none. Below -87.3 it is 0, above 88.73 infinity; NaN stays.
 */
static inline lanes_f exp_f(lanes_f x)
{
	lanes_f near = x * 1.44269504f + 0x1.8p23f;
	lanes_i n = (lanes_i)near - (lanes_i)all(0x1.8p23f);
	lanes_f nf = near - 0x1.8p23f, r = x - nf * 0.693359375f + nf * 2.12194440e-4f, y;

	y = r * 1.9875691500e-4f + 1.3981999507e-3f;
	y = y * r + 8.3334519073e-3f;
	y = y * r + 4.1665795894e-2f;
	y = y * r + 1.6666665459e-1f;
	y = y * r + 5.0000001201e-1f;
	y = y * r * r + r + 1;
	y *= (lanes_f)(((n >> 1) + 127) << 23);
	y *= (lanes_f)((n - (n >> 1) + 127) << 23);
	y = select_f(x < all(-87.33f), all(0), y);
	return select_f(x > all(88.73f), all(INFINITY), y);
}

static inline lanes_f sigmoid(lanes_f x)
{
	return 1 / (1 + exp_f(-x));
}

/* [Moshier, Cephes tanhf.c] */
static inline lanes_f tanh_f(lanes_f x)
{
	lanes_i sign = (lanes_i)x & (lanes_i)all(-0.0f);
	lanes_f a = (lanes_f)((lanes_i)x ^ sign), big = 1 - 2 / (exp_f(a + a) + 1), z = x * x, y;

	y = z * -5.70498872745e-3f + 2.06390887954e-2f;
	y = y * z - 5.37397155531e-2f;
	y = y * z + 1.33314422036e-1f;
	y = y * z - 3.33332819422e-1f;
	y = y * z * x + x;
	return select_f(a < all(0.625f), y, (lanes_f)((lanes_i)big | sign));
}

/* The part of a normal distribution below x: erfc(|x| / sqrt 2) / 2, or 1 less that. [Press and others, Numerical Recipes, 6.2 erfcc] */
static inline lanes_f normal_below(lanes_f x)
{
	lanes_f z = (lanes_f)((lanes_i)x & ~(lanes_i)all(-0.0f)) * 0.70710678f, t = 1 / (1 + z * 0.5f), p;

	p = t * 0.17087277f - 0.82215223f;
	p = p * t + 1.48851587f;
	p = p * t - 1.13520398f;
	p = p * t + 0.27886807f;
	p = p * t - 0.18628806f;
	p = p * t + 0.09678418f;
	p = p * t + 0.37409196f;
	p = p * t + 1.00002368f;
	p = p * t - 1.26551223f;
	p = t * exp_f(p - z * z) * 0.5f;
	return select_f(x < all(0), p, 1 - p);
}

static inline lanes_f activation(enum op_activation f, lanes_f x)
{
	switch (f) {
	case OP_SILU:
		return x * sigmoid(x);
	case OP_GELU:
		return x * normal_below(x);
	case OP_GELU_TANH: /* (1 + tanh u) / 2 is sigmoid(2u) */
		return x * sigmoid(1.59576912f * (x + 0.044715f * x * x * x));
	case OP_RELU:
		return select_f(x < all(0), all(0), x);
	}
	return x;
}

static inline __attribute__((always_inline)) void activate_by(enum op_activation f, float *out, const float *gate, const float *up,
							      size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(out + i, activation(f, load(gate + i)) * (up ? load(up + i) : all(1)));
	if (i < n)
		store_part(out + i, activation(f, load_part(gate + i, n - i, 0)) * (up ? load_part(up + i, n - i, 0) : all(1)), n - i);
}

static void activate(enum op_activation f, float *out, const float *gate, const float *up, size_t n)
{
	switch (f) {
	case OP_SILU:
		activate_by(OP_SILU, out, gate, up, n);
		break;
	case OP_GELU:
		activate_by(OP_GELU, out, gate, up, n);
		break;
	case OP_GELU_TANH:
		activate_by(OP_GELU_TANH, out, gate, up, n);
		break;
	case OP_RELU:
		activate_by(OP_RELU, out, gate, up, n);
		break;
	}
}

/* The sum of (x - minus)^2. */
static float squares(const float *x, float minus, size_t n)
{
	lanes_f sums[4] = {{0}};
	size_t i = 0;

	for (; i + 4 * LANES <= n; i += 4 * LANES)
		for (size_t j = 0; j < 4; j++) {
			lanes_f d = load(x + i + j * LANES) - minus;

			sums[j] += d * d;
		}
	for (; i + LANES <= n; i += LANES)
		sums[0] += (load(x + i) - minus) * (load(x + i) - minus);
	if (i < n) {
		lanes_f d = load_part(x + i, n - i, minus) - minus;

		sums[1] += d * d;
	}
	return vector_sum((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static float sum(const float *x, size_t n)
{
	lanes_f sums[2] = {{0}};
	size_t i = 0;

	for (; i + 2 * LANES <= n; i += 2 * LANES) {
		sums[0] += load(x + i);
		sums[1] += load(x + i + LANES);
	}
	for (; i < n; i += LANES)
		sums[0] += i + LANES <= n ? load(x + i) : load_part(x + i, n - i, 0);
	return vector_sum(sums[0] + sums[1]);
}

/* out = (x - minus) * by * weight + bias */
static void normalise(float *out, const float *x, float minus, float by, const float *weight, const float *bias, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(out + i, (load(x + i) - minus) * by * (weight ? load(weight + i) : all(1)) + (bias ? load(bias + i) : all(0)));
	for (; i < n; i++)
		out[i] = (x[i] - minus) * by * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
}

static void rms_norm(float *out, const float *x, const float *weight, float eps, size_t n)
{
	normalise(out, x, 0, 1 / sqrtf(squares(x, 0, n) / (float)n + eps), weight, NULL, n);
}

static void layer_norm(float *out, const float *x, const float *weight, const float *bias, float eps, size_t n)
{
	float mean = sum(x, n) / (float)n;

	normalise(out, x, mean, 1 / sqrtf(squares(x, mean, n) / (float)n + eps), weight, bias, n);
}

static void add(float *x, const float *y, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(x + i, load(x + i) + load(y + i));
	for (; i < n; i++)
		x[i] += y[i];
}

static void scale(float *x, float by, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(x + i, load(x + i) * by);
	for (; i < n; i++)
		x[i] *= by;
}

static void softcap(float *x, float cap, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(x + i, cap * tanh_f(load(x + i) / cap));
	if (i < n)
		store_part(x + i, cap * tanh_f(load_part(x + i, n - i, 0) / cap), n - i);
}

static float max(const float *x, size_t n)
{
	lanes_f m = all(-INFINITY);
	float lanes[LANES], greatest = -INFINITY;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		m = greater(load(x + i), m);
	if (i < n)
		m = greater(load_part(x + i, n - i, -INFINITY), m);
	store(lanes, m);
	for (i = 0; i < LANES; i++)
		greatest = lanes[i] > greatest ? lanes[i] : greatest;
	return greatest;
}

static float exp_sum(float *x, float minus, size_t n)
{
	lanes_f sums = {0};
	size_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		lanes_f e = exp_f(load(x + i) - minus);

		store(x + i, e);
		sums += e;
	}
	if (i < n) {
		lanes_f e = exp_f(load_part(x + i, n - i, -INFINITY) - minus);

		store_part(x + i, e, n - i);
		sums += e;
	}
	return vector_sum(sums);
}

static void rope_halves(float *x, const float *cos, const float *sin, uint32_t half)
{
	uint32_t j = 0;

	for (; j + LANES <= half; j += LANES) {
		lanes_f a = load(x + j), b = load(x + half + j), co = load(cos + j), si = load(sin + j);

		store(x + j, a * co - b * si);
		store(x + half + j, a * si + b * co);
	}
	for (; j < half; j++) {
		float a = x[j], b = x[half + j];

		x[j] = a * cos[j] - b * sin[j];
		x[half + j] = a * sin[j] + b * cos[j];
	}
}

static void rope(float *x, const float *cos, const float *sin, uint32_t half, enum op_rope_pairs pairs)
{
	if (pairs == OP_ROPE_HALVES) {
		rope_halves(x, cos, sin, half);
		return;
	}
	for (uint32_t j = 0; j < half; j++) {
		float a = x[2 * j], b = x[2 * j + 1];

		x[2 * j] = a * cos[j] - b * sin[j];
		x[2 * j + 1] = a * sin[j] + b * cos[j];
	}
}

static void to_f16(uint16_t *out, const float *x, size_t n)
{
	uint16_t rest[LANES];
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		half_store(out + i, load(x + i));
	if (i == n)
		return;
	half_store(rest, load_part(x + i, n - i, 0));
	memcpy(out + i, rest, (n - i) * sizeof(*out));
}

static inline lanes_f half_part(const uint16_t *p, size_t n)
{
	uint16_t all_[LANES] = {0};

	memcpy(all_, p, n * sizeof(*p));
	return half_load(all_);
}

static void from_f16(float *out, const uint16_t *x, size_t n)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		store(out + i, half_load(x + i));
	if (i < n)
		store_part(out + i, half_part(x + i, n - i), n - i);
}

/* --- attention --- */

static inline lanes_f row_load(const char *row, bool half, uint32_t c)
{
	return half ? half_load((const uint16_t *)(const void *)row + c) : load((const float *)(const void *)row + c);
}

static inline lanes_f row_part(const char *row, bool half, uint32_t c, uint32_t n)
{
	return half ? half_part((const uint16_t *)(const void *)row + c, n) : load_part((const float *)(const void *)row + c, n, 0);
}

/* How many rows ahead of their use keys and values are asked for. */
#define ROWS_AHEAD 16

static inline __attribute__((always_inline)) void dots_put(lanes_f sums[4][4], uint32_t nr, uint32_t nq, float *out, size_t out_stride)
{
	for (uint32_t i = 0; i < nq && nr == 4; i++)
		four_sums(out + i * out_stride, sums[i]);
	for (uint32_t s = 0; s < nr && nr < 4 && nq == 4; s++) {
		const lanes_f of_queries[4] = {sums[0][s], sums[1][s], sums[2][s], sums[3][s]};
		float row_out[4];

		four_sums(row_out, of_queries);
		for (uint32_t i = 0; i < 4; i++)
			out[i * out_stride + s] = row_out[i];
	}
	if (nr == 1 && nq == 1)
		*out = vector_sum(sums[0][0]);
}

/* nq queries with nr rows, 4 with TILE, or 1 with 4 or 1; constants where this is inlined. */
static inline __attribute__((always_inline)) void dots_tile(const char *row, size_t stride, bool half, uint32_t dim, uint32_t nr,
							    const float *q, size_t q_stride, uint32_t nq, float *out, size_t out_stride)
{
	lanes_f sums[4][4]; /* by query, then row */
	uint32_t c = 0;

	for (uint32_t i = 0; i < nq; i++)
		for (uint32_t s = 0; s < nr; s++)
			sums[i][s] = all(0);
	for (; c + LANES <= dim; c += LANES)
		for (uint32_t s = 0; s < nr; s++) {
			lanes_f key = row_load(row + s * stride, half, c);

			for (uint32_t i = 0; i < nq; i++)
				sums[i][s] += key * load(q + i * q_stride + c);
		}
	if (c < dim)
		for (uint32_t s = 0; s < nr; s++) {
			lanes_f key = row_part(row + s * stride, half, c, dim - c);

			for (uint32_t i = 0; i < nq; i++)
				sums[i][s] += key * load_part(q + i * q_stride + c, dim - c, 0);
		}
	dots_put(sums, nr, nq, out, out_stride);
}

static inline __attribute__((always_inline)) void dots_of(const struct cache_rows *rows, bool half, uint32_t nr, const float *q,
							  size_t q_stride, uint32_t nq, float *out, size_t out_stride)
{
	const char *row = rows->data;
	uint32_t s = 0;

	for (; s + 4 <= nr; s += 4) {
		uint32_t i = 0;

		for (uint32_t ahead = ROWS_AHEAD; half && ahead < ROWS_AHEAD + 4; ahead++)
			for (uint32_t c = 0; c < rows->dim; c += 32)
				__builtin_prefetch(row + (s + ahead) * rows->stride + c * sizeof(uint16_t));
		for (; i + 4 <= nq; i += 4)
			for (uint32_t at = s; at < s + 4; at += TILE)
				dots_tile(row + at * rows->stride, rows->stride, half, rows->dim, TILE, q + i * q_stride, q_stride, 4,
					  out + i * out_stride + at, out_stride);
		for (; i < nq; i++)
			dots_tile(row + s * rows->stride, rows->stride, half, rows->dim, 4, q + i * q_stride, q_stride, 1,
				  out + i * out_stride + s, out_stride);
	}
	for (; s < nr; s++)
		for (uint32_t i = 0; i < nq; i++)
			dots_tile(row + s * rows->stride, rows->stride, half, rows->dim, 1, q + i * q_stride, q_stride, 1,
				  out + i * out_stride + s, out_stride);
}

static void dots(const struct cache_rows *rows, uint32_t nr, const float *q, size_t q_stride, uint32_t nq, float *out, size_t out_stride)
{
	if (rows->half)
		dots_of(rows, true, nr, q, q_stride, nq, out, out_stride);
	else
		dots_of(rows, false, nr, q, q_stride, nq, out, out_stride);
}

/* Up to TILE vectors of the values, nq queries, 4 or 1; constants where this is inlined. */
static inline __attribute__((always_inline)) void mix_tile(const char *row, size_t stride, bool half, uint32_t nr, uint32_t c,
							   uint32_t vectors, const float *p, size_t p_stride, uint32_t nq, float *out,
							   size_t out_stride)
{
	lanes_f sums[4][4];

	for (uint32_t i = 0; i < nq; i++)
		for (uint32_t v = 0; v < vectors; v++)
			sums[i][v] = load(out + i * out_stride + c + v * LANES);
	for (uint32_t s = 0; s < nr; s++) {
		for (uint32_t v = 0; half && v < vectors; v += 2)
			__builtin_prefetch(row + (s + ROWS_AHEAD) * stride + (c + v * LANES) * sizeof(uint16_t));
		for (uint32_t v = 0; v < vectors; v++) {
			lanes_f value = row_load(row + s * stride, half, c + v * LANES);

			for (uint32_t i = 0; i < nq; i++)
				sums[i][v] += value * p[i * p_stride + s];
		}
	}
	for (uint32_t i = 0; i < nq; i++)
		for (uint32_t v = 0; v < vectors; v++)
			store(out + i * out_stride + c + v * LANES, sums[i][v]);
}

static inline __attribute__((always_inline)) void mix_queries(const struct cache_rows *rows, bool half, uint32_t nr, const float *p,
							      size_t p_stride, uint32_t nq, float *out, size_t out_stride)
{
	const char *row = rows->data;
	uint32_t c = 0, dim = rows->dim;

	for (; c + TILE * LANES <= dim; c += TILE * LANES)
		mix_tile(row, rows->stride, half, nr, c, TILE, p, p_stride, nq, out, out_stride);
	for (; c + LANES <= dim; c += LANES)
		mix_tile(row, rows->stride, half, nr, c, 1, p, p_stride, nq, out, out_stride);
	if (c == dim)
		return;
	for (uint32_t i = 0; i < nq; i++) {
		lanes_f sums = load_part(out + i * out_stride + c, dim - c, 0);

		for (uint32_t s = 0; s < nr; s++)
			sums += row_part(row + s * rows->stride, half, c, dim - c) * p[i * p_stride + s];
		store_part(out + i * out_stride + c, sums, dim - c);
	}
}

static inline __attribute__((always_inline)) void mix_of(const struct cache_rows *rows, bool half, uint32_t nr, const float *p,
							 size_t p_stride, uint32_t nq, float *out, size_t out_stride)
{
	uint32_t i = 0;

	for (; i + 4 <= nq; i += 4)
		mix_queries(rows, half, nr, p + i * p_stride, p_stride, 4, out + i * out_stride, out_stride);
	for (; i < nq; i++)
		mix_queries(rows, half, nr, p + i * p_stride, p_stride, 1, out + i * out_stride, out_stride);
}

static void mix(const struct cache_rows *rows, uint32_t nr, const float *p, size_t p_stride, uint32_t nq, float *out, size_t out_stride)
{
	if (rows->half)
		mix_of(rows, true, nr, p, p_stride, nq, out, out_stride);
	else
		mix_of(rows, false, nr, p, p_stride, nq, out, out_stride);
}

/* The members of a table that come from here. */
#define VECTOR_OPS                                                                                                     \
	.rms_norm = rms_norm, .layer_norm = layer_norm, .activate = activate, .add = add, .scale = scale, .softcap = softcap, .max = max, \
	.exp_sum = exp_sum, .rope = rope, .to_f16 = to_f16, .from_f16 = from_f16, .dots = dots, .mix = mix

#endif

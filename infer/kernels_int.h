/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arithmetic: one table of functions for each instruction set, chosen when a model is opened. Weights are used as they lie in
 * the file; activations are float. kernels.c is the scalar reference that all others are compared with. What else a forward pass
 * computes - norms, softmax, attention, ... - is in ops_int.h.
 *
 * The same input gives the same bits whatever the number of threads: a row is computed by one thread, in one order.
 */
#ifndef HFFS_KERNELS_INT_H
#define HFFS_KERNELS_INT_H

#include <hffs/err.h>
#include <hffs/format.h>

struct crew;
struct kernels;

/* Weights as they lie in the file: rows of cols elements, row r at data + r * row_bytes. cols is a multiple of the type's block. */
struct matrix {
	const void *data;
	size_t row_bytes;
	uint32_t rows, cols;
	enum tensor_type type; /* one that kernels_has_type() */
	/*
	 * Of F8_E4M3 only: what an element is multiplied with, scales[(r / scale_rows) * ceil(cols / scale_cols) + c / scale_cols].
	 * NULL: nothing. One for the whole tensor is (rows, cols), one for a row (1, cols), one for a tile (128, 128).
	 */
	const float *scales;
	uint32_t scale_rows, scale_cols;
};

/* F32, F16, BF16, F8_E4M3, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K. */
bool kernels_has_type(enum tensor_type type);

/*
 * The best set that this processor can run; with a name the best of that name, "avx512" being those behind it, too. -ENOTSUP: the name is not
 * known, or not for this processor.
 */
int kernels_choose(const char *name, const struct kernels **out, struct err *err);
const char *kernels_name(const struct kernels *k);
/* The sets that were built, from the slowest, whatever the processor: NULL behind the last. */
const struct kernels *kernels_nth(unsigned i);
bool kernels_can_run(const struct kernels *k);

/* Row-parallel workers; they sleep when there is nothing to do. n threads including the caller's, at least 1. 0 or -errno. */
int crew_new(unsigned n, struct crew **out);
void crew_free(struct crew *c); /* NULL is fine */
AUTO_DEFINE(struct crew *, crew_free)
unsigned crew_threads(const struct crew *c);
/*
 * Calls run(ctx, begin, end, thread) for disjoint parts of [0, n) that begin at multiples of `grain`; returns when all are done.
 * thread is below crew_threads(); two parts never run with the same one at once. One caller at a time; run() does not call this.
 */
void crew_run(struct crew *c, size_t n, size_t grain, void (*run)(void *ctx, size_t begin, size_t end, unsigned thread), void *ctx);

/*
 * Work space for activations in the form that a type wants (quantised, in panels) and for attention; made when a model is opened,
 * not while it runs. cols_max: the longest row of any product, and the longest head. -ENOMEM, -EOVERFLOW.
 */
struct linear_space;
int linear_space_new(uint32_t cols_max, uint32_t tokens_max, unsigned threads, struct linear_space **out);
void linear_space_free(struct linear_space *s); /* NULL is fine */
AUTO_DEFINE(struct linear_space *, linear_space_free)

/* One product: out[t * out_stride + r] = sum over c of w[r][c] * x[t][c], plus bias[r] unless bias is NULL. */
struct linear {
	const struct matrix *w;
	const float *bias;
	float *out;
	size_t out_stride; /* floats from one token to the next */
};
/*
 * Several products of the same x (q, k and v; gate and up), for n tokens, x[t * x_stride + c]: activations are prepared once,
 * threads meet once. n is at most the space's tokens_max, cols are the same in all of them and at most its cols_max; nr is at most
 * LINEAR_PRODUCTS_MAX. out does not overlap x.
 */
#define LINEAR_PRODUCTS_MAX 8
void linear_run(const struct kernels *k, struct crew *c, struct linear_space *s, const struct linear *products, size_t nr,
		const float *x, size_t x_stride, size_t n);

/* Row r of a matrix as floats: an embedding. */
void matrix_row(const struct kernels *k, const struct matrix *m, uint32_t r, float *out);

#endif

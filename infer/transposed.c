// SPDX-License-Identifier: Apache-2.0
/*
 * Products with matrices that lie as [in][out]: GPT-2's Conv1D. A thread takes a strip of outputs and adds up inputs in order, so
 * rows of weights are read as they lie, and the bits do not depend on the number of threads.
 */
#include "model_int.h"

#include <string.h>

#define STRIP 256u /* outputs: a strip of a row is converted once for all tokens */

struct job {
	const struct kernels *k;
	const struct linear *product;
	const float *x;
	size_t x_stride, n;
};

static void begin(const struct job *j, uint32_t from, uint32_t count)
{
	const struct linear *l = j->product;

	for (size_t t = 0; t < j->n; t++) {
		if (l->bias)
			memcpy(l->out + t * l->out_stride + from, l->bias + from, count * sizeof(float));
		else
			memset(l->out + t * l->out_stride + from, 0, count * sizeof(float));
	}
}

static void add(float *restrict out, const float *restrict w, float x, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		out[i] += w[i] * x;
}

static void strip(const struct job *j, uint32_t from, uint32_t count)
{
	const struct linear *l = j->product;
	struct matrix part = *l->w;
	float row[STRIP];

	part.data = (const uint8_t *)part.data + (size_t)from * tensor_type_info(part.type)->bytes;
	part.cols = count;
	begin(j, from, count);
	for (uint32_t c = 0; c < part.rows; c++) {
		matrix_row(j->k, &part, c, row);
		for (size_t t = 0; t < j->n; t++)
			add(l->out + t * l->out_stride + from, row, j->x[t * j->x_stride + c], count);
	}
}

static void run(void *ctx, size_t first, size_t end, unsigned thread)
{
	const struct job *j = ctx;

	(void)thread;
	for (size_t from = first; from < end; from += STRIP)
		strip(j, (uint32_t)from, (uint32_t)min_u64(STRIP, end - from));
}

void transposed_run(const struct kernels *k, struct crew *p, const struct linear *products, size_t nr, const float *x, size_t x_stride,
		    size_t n)
{
	for (size_t i = 0; i < nr; i++) {
		struct job j = {k, &products[i], x, x_stride, n};

		crew_run(p, products[i].w->cols, STRIP, run, &j);
	}
}

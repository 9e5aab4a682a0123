// SPDX-License-Identifier: Apache-2.0
/*
 * Products with matrices that lie as [in][out]: GPT-2's Conv1D. A thread takes a strip of outputs and adds up inputs in order, so
 * rows of weights are read as they lie, and the bits do not depend on the number of threads.
 */
#include "model_int.h"

#include <string.h>

#define STRIP 256u /* outputs: a strip of a row is converted once for all tokens */
#define ROWS 4u    /* inputs that are added at once, so that sums are loaded and stored less often */

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

/*
 * out += w[0] x[0] + ... for ROWS rows of a strip. Counts are constants: compilers make vectors of such loops only, and what is
 * behind the end of a narrower strip is computed in vain.
 */
static void add_rows(float *restrict out, const float (*restrict w)[STRIP], const float *restrict x)
{
	for (uint32_t i = 0; i < STRIP; i++)
		out[i] += w[0][i] * x[0] + w[1][i] * x[1] + w[2][i] * x[2] + w[3][i] * x[3];
}

/* The sums of one token: from its outputs, and back, where the strip is narrower than STRIP. */
static void add_token(float *out, uint32_t count, const float (*w)[STRIP], const float *x)
{
	float sums[STRIP] = {0};

	if (count == STRIP) {
		add_rows(out, w, x);
		return;
	}
	memcpy(sums, out, count * sizeof(*out));
	add_rows(sums, w, x);
	memcpy(out, sums, count * sizeof(*out));
}

static void strip(const struct job *j, uint32_t from, uint32_t count)
{
	const struct linear *l = j->product;
	struct matrix part = *l->w;
	float rows[ROWS][STRIP] = {{0}};

	part.data = (const uint8_t *)part.data + (size_t)from * tensor_type_info(part.type)->bytes;
	part.cols = count;
	begin(j, from, count);
	for (uint32_t c = 0; c < part.rows; c += ROWS) {
		uint32_t some = part.rows - c < ROWS ? part.rows - c : ROWS;

		for (uint32_t i = 0; i < some; i++)
			matrix_row(j->k, &part, c + i, rows[i]);
		for (uint32_t i = some; i < ROWS; i++)
			memset(rows[i], 0, sizeof(rows[i])); /* not those of before: 0 times infinity is no 0 */
		for (size_t t = 0; t < j->n; t++) {
			float x[ROWS] = {0};

			memcpy(x, j->x + t * j->x_stride + c, some * sizeof(*x));
			add_token(l->out + t * l->out_stride + from, count, rows, x);
		}
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

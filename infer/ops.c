// SPDX-License-Identifier: Apache-2.0
/* What a forward pass computes besides products: rows are shared out to the threads where there is enough to do. */
#include "kernels_table_int.h"

#include <math.h>

/* So many floats are about as much work as waking the others. */
#define FLOATS_A_PART 16384u

/* Rows that make a part. */
static size_t rows_of(uint32_t width)
{
	return width < FLOATS_A_PART ? FLOATS_A_PART / (width + 1) + 1 : 1;
}

struct norm {
	const struct kernels *k;
	float *out;
	const float *x;
	size_t out_stride, x_stride;
	const float *weight, *bias;
	float eps;
	uint32_t width;
};

static void rms_rows(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct norm *o = ctx;

	(void)thread;
	for (size_t t = begin; t < end; t++)
		o->k->rms_norm(o->out + t * o->out_stride, o->x + t * o->x_stride, o->weight, o->eps, o->width);
}

static void layer_rows(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct norm *o = ctx;

	(void)thread;
	for (size_t t = begin; t < end; t++)
		o->k->layer_norm(o->out + t * o->out_stride, o->x + t * o->x_stride, o->weight, o->bias, o->eps, o->width);
}

void op_rms_norm(const struct kernels *k, struct crew *c, float *out, size_t out_stride, const float *x, size_t x_stride,
		 const float *weight, float eps, size_t n, uint32_t width)
{
	struct norm o = {k, out, x, out_stride, x_stride, weight, NULL, eps, width};

	crew_run(c, n, rows_of(width), rms_rows, &o);
}

void op_layer_norm(const struct kernels *k, struct crew *c, float *out, size_t out_stride, const float *x, size_t x_stride,
		   const float *weight, const float *bias, float eps, size_t n, uint32_t width)
{
	struct norm o = {k, out, x, out_stride, x_stride, weight, bias, eps, width};

	crew_run(c, n, rows_of(width), layer_rows, &o);
}

struct activate {
	const struct kernels *k;
	enum op_activation f;
	float *out;
	const float *gate, *up;
	size_t stride;
	uint32_t width;
};

static void activate_rows(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct activate *o = ctx;

	(void)thread;
	for (size_t t = begin; t < end; t++)
		o->k->activate(o->f, o->out + t * o->stride, o->gate + t * o->stride, o->up ? o->up + t * o->stride : NULL,
			       o->width);
}

void op_activate(const struct kernels *k, struct crew *c, enum op_activation f, float *out, const float *gate, const float *up,
		 size_t stride, size_t n, uint32_t width)
{
	struct activate o = {k, f, out, gate, up, stride, width};

	crew_run(c, n, rows_of(width), activate_rows, &o);
}

struct sum {
	const struct kernels *k;
	float *x;
	const float *y;
	size_t x_stride, y_stride;
	uint32_t width;
};

static void add_rows(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct sum *o = ctx;

	(void)thread;
	for (size_t t = begin; t < end; t++)
		o->k->add(o->x + t * o->x_stride, o->y + t * o->y_stride, o->width);
}

void op_add(const struct kernels *k, struct crew *c, float *x, size_t x_stride, const float *y, size_t y_stride, size_t n,
	    uint32_t width)
{
	struct sum o = {k, x, y, x_stride, y_stride, width};

	crew_run(c, n, rows_of(width), add_rows, &o);
}

void op_scale(const struct kernels *k, float *x, float by, size_t n)
{
	k->scale(x, by, n);
}

struct cap {
	const struct kernels *k;
	float *x;
	float cap;
};

static void softcap_part(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct cap *o = ctx;

	(void)thread;
	o->k->softcap(o->x + begin, o->cap, end - begin);
}

void op_softcap(const struct kernels *k, struct crew *c, float *x, float cap, size_t n)
{
	struct cap o = {k, x, cap};

	crew_run(c, n, FLOATS_A_PART, softcap_part, &o);
}

void op_softmax(const struct kernels *k, float *x, size_t n)
{
	float max = k->max(x, n);

	/* exp(-inf - -inf) would be NaN. */
	if (max == -INFINITY) {
		for (size_t i = 0; i < n; i++)
			x[i] = 0;
		return;
	}
	k->scale(x, 1 / k->exp_sum(x, max, n), n);
}

struct rope {
	const struct kernels *k;
	const struct op_rope *r;
};

static void rope_tokens(void *ctx, size_t begin, size_t end, unsigned thread)
{
	const struct rope *o = ctx;
	const struct op_rope *r = o->r;
	uint32_t half = r->rotary / 2;

	(void)thread;
	for (size_t t = begin; t < end; t++)
		for (uint32_t h = 0; h < r->heads; h++)
			o->k->rope(r->x + t * r->x_stride + (size_t)h * r->head_dim, r->cos + t * half, r->sin + t * half, half,
				   r->pairs);
}

void op_rope(const struct kernels *k, struct crew *c, const struct op_rope *r, size_t n)
{
	struct rope o = {k, r};

	crew_run(c, n, rows_of(r->heads * r->head_dim), rope_tokens, &o);
}

void op_to_f16(const struct kernels *k, uint16_t *out, const float *x, size_t n)
{
	k->to_f16(out, x, n);
}

void op_from_f16(const struct kernels *k, float *out, const uint16_t *x, size_t n)
{
	k->from_f16(out, x, n);
}

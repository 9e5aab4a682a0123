// SPDX-License-Identifier: Apache-2.0
/*
 * The scalar reference: no more than C, for every processor. Weights become floats, sums are of floats; activations are not
 * rounded. And the choice of a set at the start, by what the processor says of itself or by name.
 */
#include "kernels_table_int.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define SUMS 16 /* running sums of a dot product: what a compiler can put into vectors, and less rounding */

static bool can_run(void)
{
	return true;
}

static enum acts_form form(enum tensor_type type, size_t n)
{
	(void)type;
	(void)n;
	return ACTS_FLOATS;
}

static uint32_t grain(enum tensor_type type, size_t n)
{
	(void)type;
	(void)n;
	return 4;
}

static void prepare(enum acts_form f, const struct acts *x, size_t begin, size_t end)
{
	(void)f;
	(void)x;
	(void)begin;
	(void)end;
}

static float dot(const float *a, const float *b, size_t n)
{
	float sums[SUMS] = {0}, sum = 0;
	size_t i = 0;

	for (; i + SUMS <= n; i += SUMS)
		for (size_t j = 0; j < SUMS; j++)
			sums[j] += a[i + j] * b[i + j];
	for (; i < n; i++)
		sum += a[i] * b[i];
	for (size_t j = 0; j < SUMS; j++)
		sum += sums[j];
	return sum;
}

static void rows(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	float *row = j->scratch;

	for (uint32_t r = begin; r < end; r++) {
		matrix_part(&kernels_scalar, j->w, r, 0, j->w->cols, row);
		for (size_t t = 0; t < j->x->n; t++)
			j->out[t * j->out_stride + r] =
				dot(row, j->x->x + t * j->x->stride, j->w->cols) + (j->bias ? j->bias[r] : 0);
	}
}

static void rms_norm(float *out, const float *x, const float *weight, float eps, size_t n)
{
	float by = 1 / sqrtf(dot(x, x, n) / (float)n + eps);

	for (size_t i = 0; i < n; i++)
		out[i] = x[i] * by * (weight ? weight[i] : 1);
}

static void layer_norm(float *out, const float *x, const float *weight, const float *bias, float eps, size_t n)
{
	double sum = 0, squares = 0;
	float mean, by;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i];
	mean = (float)(sum / (double)n);
	for (size_t i = 0; i < n; i++)
		squares += (double)(x[i] - mean) * (double)(x[i] - mean);
	by = 1 / sqrtf((float)(squares / (double)n) + eps);
	for (size_t i = 0; i < n; i++)
		out[i] = (x[i] - mean) * by * (weight ? weight[i] : 1) + (bias ? bias[i] : 0);
}

static float activation(enum op_activation f, float x)
{
	switch (f) {
	case OP_SILU:
		return x / (1 + expf(-x));
	case OP_GELU:
		return 0.5f * x * (1 + erff(x * 0.70710678f));
	case OP_GELU_TANH:
		return 0.5f * x * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
	case OP_RELU:
		return x > 0 ? x : 0;
	}
	return x;
}

static void activate(enum op_activation f, float *out, const float *gate, const float *up, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = activation(f, gate[i]) * (up ? up[i] : 1);
}

static void add(float *x, const float *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] += y[i];
}

static void scale(float *x, float by, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= by;
}

static void softcap(float *x, float cap, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] = cap * tanhf(x[i] / cap);
}

static float max(const float *x, size_t n)
{
	float m = -INFINITY;

	for (size_t i = 0; i < n; i++)
		m = x[i] > m ? x[i] : m;
	return m;
}

static float exp_sum(float *x, float minus, size_t n)
{
	float sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] = expf(x[i] - minus);
	return sum;
}

static void rope(float *x, const float *cos, const float *sin, uint32_t half, enum op_rope_pairs pairs)
{
	for (uint32_t j = 0; j < half; j++) {
		float *a = pairs == OP_ROPE_HALVES ? x + j : x + 2 * (size_t)j;
		float *b = pairs == OP_ROPE_HALVES ? a + half : a + 1;
		float was = *a;

		*a = was * cos[j] - *b * sin[j];
		*b = was * sin[j] + *b * cos[j];
	}
}

static void to_f16(uint16_t *out, const float *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = f16_of_float(x[i]);
}

static void from_f16(float *out, const uint16_t *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out[i] = float_of_f16(x[i]);
}

static float element(const struct cache_rows *rows_, uint32_t s, uint32_t i)
{
	const char *row = (const char *)rows_->data + s * rows_->stride;

	if (rows_->half)
		return float_of_f16(((const uint16_t *)(const void *)row)[i]);
	return ((const float *)(const void *)row)[i];
}

static void dots(const struct cache_rows *cache, uint32_t nr, const float *q, size_t q_stride, uint32_t nq, float *out,
		 size_t out_stride)
{
	for (uint32_t s = 0; s < nr; s++)
		for (uint32_t i = 0; i < nq; i++) {
			float sum = 0;

			for (uint32_t c = 0; c < cache->dim; c++)
				sum += q[i * q_stride + c] * element(cache, s, c);
			out[i * out_stride + s] = sum;
		}
}

static void mix(const struct cache_rows *cache, uint32_t nr, const float *p, size_t p_stride, uint32_t nq, float *out,
		size_t out_stride)
{
	for (uint32_t s = 0; s < nr; s++)
		for (uint32_t i = 0; i < nq; i++)
			for (uint32_t c = 0; c < cache->dim; c++)
				out[i * out_stride + c] += p[i * p_stride + s] * element(cache, s, c);
}

const struct kernels kernels_scalar = {
	.name = "scalar",
	.can_run = can_run,
	.form = form,
	.grain = grain,
	.prepare = prepare,
	.rows = rows,
	.to_floats = dequantize,
	.rms_norm = rms_norm,
	.layer_norm = layer_norm,
	.activate = activate,
	.add = add,
	.scale = scale,
	.softcap = softcap,
	.max = max,
	.exp_sum = exp_sum,
	.rope = rope,
	.to_f16 = to_f16,
	.from_f16 = from_f16,
	.dots = dots,
	.mix = mix,
};

/* --- the choice --- */

/* From the slowest. The build says which processors it is for. */
static const struct kernels *const sets[] = {
	&kernels_scalar,
#if defined(HFFS_KERNELS_X86)
	&kernels_avx2,
	&kernels_avx512,
	&kernels_avx512_vnni,
	&kernels_avx512_zen4,
	&kernels_avx512_intel,
	&kernels_avx512_amx,
#elif defined(HFFS_KERNELS_ARM64)
	&kernels_neon,
	&kernels_neon_dot,
#endif
};

const struct kernels *kernels_nth(unsigned i)
{
	return i < ARRAY_SIZE(sets) ? sets[i] : NULL;
}

bool kernels_can_run(const struct kernels *k)
{
	return k->can_run();
}

const char *kernels_name(const struct kernels *k)
{
	return k->name;
}

/* "avx512" names avx512_vnni and others, too. */
static bool has_name(const struct kernels *k, const char *name)
{
	size_t len = strlen(name);

	return strncmp(k->name, name, len) == 0 && (!k->name[len] || k->name[len] == '_');
}

int kernels_choose(const char *name, const struct kernels **out, struct err *err)
{
	bool known = false;

	for (size_t i = ARRAY_SIZE(sets); i-- > 0;) {
		if (name && !has_name(sets[i], name))
			continue;
		known = true;
		if (!sets[i]->can_run())
			continue;
		*out = sets[i];
		return 0;
	}
	return err_set(err, -ENOTSUP, known ? "this processor cannot run the kernels '%s'" : "there are no kernels '%s' in this build", name);
}

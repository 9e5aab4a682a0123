// SPDX-License-Identifier: Apache-2.0
/*
 * What a forward pass computes besides products, by every set that this processor can run, against the same in double. Sizes are odd;
 * in place and beside; one thread and three.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "../../infer/kernels_table_int.h"

#define WIDTH_MAX 520u
#define ROWS_MAX 9u

static uint64_t seed = 20261129;

static float random_float(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (float)(uint32_t)(seed >> 32) * 0x1p-31f - 1;
}

static uint32_t random_below(uint32_t n)
{
	return (uint32_t)((random_float() + 1) / 2 * (float)n) % n;
}

static void randomize(float *x, size_t n, float by)
{
	for (size_t i = 0; i < n; i++)
		x[i] = random_float() * by;
}

static void near(const struct kernels *k, const char *what, size_t at, float is, double should, double may)
{
	if (isnan(should) ? !isnan(is) : !(fabs((double)is - should) <= may) && (double)is != should)
		fail_msg("%s, %s, %zu: %.9g, not %.9g", k->name, what, at, (double)is, should);
}

static void each_set(void **state, void (*f)(const struct kernels *k, struct crew *c))
{
	(void)state;
	for (unsigned threads = 1; threads <= 3; threads += 2) {
		AUTO(crew_free) struct crew *c = NULL;

		assert_int_equal(crew_new(threads, &c), 0);
		for (unsigned s = 0; kernels_nth(s); s++)
			if (kernels_can_run(kernels_nth(s)))
				f(kernels_nth(s), c);
	}
}

static const uint32_t widths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 128, 255, 511, 512, 513};

static void norms_of(const struct kernels *k, struct crew *c, uint32_t width, size_t n, float by, bool affine)
{
	float x[ROWS_MAX * WIDTH_MAX], rms[ROWS_MAX * WIDTH_MAX], layer[ROWS_MAX * WIDTH_MAX], w[WIDTH_MAX], b[WIDTH_MAX];
	size_t stride = width + random_below(4);

	randomize(x, n * stride, by);
	randomize(w, width, 2);
	randomize(b, width, 2);
	memcpy(layer, x, sizeof(x));
	op_rms_norm(k, c, rms, width, x, stride, affine ? w : NULL, 1e-5f, n, width);
	op_layer_norm(k, c, layer, stride, layer, stride, affine ? w : NULL, affine ? b : NULL, 1e-5f, n, width);
	for (size_t t = 0; t < n; t++) {
		double squares = 0, sum = 0, variance = 0;

		for (uint32_t i = 0; i < width; i++) {
			squares += (double)x[t * stride + i] * (double)x[t * stride + i];
			sum += (double)x[t * stride + i];
		}
		for (uint32_t i = 0; i < width; i++)
			variance += pow((double)x[t * stride + i] - sum / width, 2);
		for (uint32_t i = 0; i < width; i++) {
			double xi = (double)x[t * stride + i], wi = affine ? (double)w[i] : 1, bi = affine ? (double)b[i] : 0;
			double mean = sum / width, d = sqrt(variance / width + 1e-5), r = sqrt(squares / width + 1e-5);

			near(k, "rms_norm", i, rms[t * width + i], xi / r * wi, fabs(xi / r * wi) * 2e-6);
			near(k, "layer_norm", i, layer[t * stride + i], (xi - mean) / d * wi + bi,
			     (fabs(xi) + r) / d * 1e-6 * fabs(wi) + fabs(bi) * 1e-6);
		}
	}
}

static void norms_by(const struct kernels *k, struct crew *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		for (size_t n = 1; n <= ROWS_MAX; n += 4) {
			norms_of(k, c, widths[i], n, 3, true);
			norms_of(k, c, widths[i], n, 1e-4f, false);
			norms_of(k, c, widths[i], n, 1e4f, true);
		}
}

static void norms(void **state)
{
	each_set(state, norms_by);
}

static double exactly(enum op_activation f, double x)
{
	switch (f) {
	case OP_SILU:
		return x / (1 + exp(-x));
	case OP_GELU:
		return 0.5 * x * (1 + erf(x / sqrt(2)));
	case OP_GELU_TANH:
		return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
	case OP_RELU:
		return fmax(x, 0);
	}
	return NAN;
}

static void activations_by(const struct kernels *k, struct crew *c)
{
	static float x[4001], up[4001], out[4001];

	for (enum op_activation f = OP_SILU; f <= OP_RELU; f++) {
		/* From -20 to 20 in steps of 0.01, then what is far out. */
		for (size_t i = 0; i < 4001; i++)
			x[i] = ((float)i - 2000) / 100;
		x[0] = -1e4f;
		x[1] = 1e4f;
		x[2] = -100;
		x[3] = -87.5f;
		x[4] = -3e38f;
		randomize(up, 4001, 2);
		op_activate(k, c, f, out, x, NULL, 4001, 1, 4001);
		for (size_t i = 0; i < 4001; i++)
			near(k, "activation", i, out[i], exactly(f, (double)x[i]),
			     fabs(exactly(f, (double)x[i])) * 2e-6 + fmin(fabs((double)x[i]), 1) * 2e-7);
		op_activate(k, c, f, up, x, up, 57, 70, 57);
		randomize(x, 57 * 3, 3);
		randomize(up, 57 * 3, 3);
		op_activate(k, c, f, out, x, up, 57, 3, 57);
		op_activate(k, c, f, up, x, up, 57, 3, 57);
		for (size_t i = 0; i < (size_t)57 * 3; i++)
			assert_true(out[i] == up[i]);
	}
}

static void activations(void **state)
{
	each_set(state, activations_by);
}

static void sums_by(const struct kernels *k, struct crew *c)
{
	float x[3 * WIDTH_MAX], y[3 * WIDTH_MAX], was[3 * WIDTH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		uint32_t width = widths[i], stride = width + random_below(3);

		randomize(x, (size_t)3 * stride, 1);
		randomize(y, (size_t)3 * width, 1);
		memcpy(was, x, sizeof(x));
		op_add(k, c, x, stride, y, width, 3, width);
		for (size_t j = 0; j < (size_t)3 * stride; j++)
			assert_true(x[j] == (j % stride < width ? was[j] + y[j / stride * width + j % stride] : was[j]));
		memcpy(was, x, sizeof(x));
		op_scale(k, x, 0.3f, width);
		for (uint32_t j = 0; j <= width; j++)
			assert_true(x[j] == (j < width ? was[j] * 0.3f : was[j]));
	}
}

static void sums_and_scales(void **state)
{
	each_set(state, sums_by);
}

static void caps_by(const struct kernels *k, struct crew *c)
{
	static float x[3001], was[3001];

	for (size_t i = 0; i < 3001; i++)
		was[i] = x[i] = ((float)i - 1500) * ((float)i - 1500) * ((float)i - 1500) * 1e-6f;
	x[0] = was[0] = -1e30f;
	op_softcap(k, c, x, 30, 3001);
	for (size_t i = 0; i < 3001; i++)
		near(k, "softcap", i, x[i], 30 * tanh((double)was[i] / 30), fabs(30 * tanh((double)was[i] / 30)) * 2e-6);
}

static void caps(void **state)
{
	each_set(state, caps_by);
}

static void softmax_by(const struct kernels *k, struct crew *c)
{
	float x[WIDTH_MAX], was[WIDTH_MAX];

	(void)c;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++)
		for (float by = 0.1f; by < 1e5f; by *= 10) {
			double sum = 0, max = -INFINITY;
			uint32_t n = widths[i];

			randomize(x, n, by);
			if (n > 5)
				x[3] = -INFINITY;
			memcpy(was, x, sizeof(x));
			op_softmax(k, x, n);
			for (uint32_t j = 0; j < n; j++)
				max = fmax(max, (double)was[j]);
			for (uint32_t j = 0; j < n; j++)
				sum += exp((double)was[j] - max);
			for (uint32_t j = 0; j < n; j++)
				/* x - max is rounded before exp() sees it. */
				near(k, "softmax", j, x[j], exp((double)was[j] - max) / sum,
				     exp((double)was[j] - max) / sum * (3e-6 + fabs((double)was[j] - max) * 0x1p-24) + 1e-37);
		}
	x[0] = x[1] = -INFINITY;
	op_softmax(k, x, 2);
	assert_true(x[0] == 0 && x[1] == 0);
}

static void softmax(void **state)
{
	each_set(state, softmax_by);
}

static void exp_by(const struct kernels *k, struct crew *c)
{
	static float x[20001];

	(void)c;
	for (int from = -100; from < 88; from += 2) {
		for (size_t i = 0; i < 20001; i++)
			x[i] = (float)from + (float)i / 10000;
		k->exp_sum(x, 0, 20001);
		for (size_t i = 0; i < 20001; i++) {
			double should = exp((double)((float)from + (float)i / 10000));

			/* Below the smallest normal number it may be 0. */
			near(k, "exp", i, x[i], should, should < 1.2e-38 ? 1.2e-38 : should * 1e-6);
		}
	}
}

static void exp_is_right_to_a_millionth(void **state)
{
	each_set(state, exp_by);
}

static void rope_of(const struct kernels *k, struct crew *c, uint32_t head_dim, uint32_t rotary, enum op_rope_pairs pairs)
{
	static float x[5 * 3 * 140], was[5 * 3 * 140], cos_[5 * 70], sin_[5 * 70];
	struct op_rope r = {x, (size_t)3 * head_dim + 2, 3, head_dim, rotary, pairs, cos_, sin_};

	randomize(x, ARRAY_SIZE(x), 2);
	randomize(cos_, ARRAY_SIZE(cos_), 1);
	randomize(sin_, ARRAY_SIZE(sin_), 1);
	memcpy(was, x, sizeof(x));
	op_rope(k, c, &r, 5);
	for (size_t t = 0; t < 5; t++)
		for (uint32_t h = 0; h < 3; h++)
			for (uint32_t j = 0; j < rotary / 2; j++) {
				size_t head = t * r.x_stride + (size_t)h * head_dim, a = head + (pairs == OP_ROPE_HALVES ? j : 2 * j);
				size_t b = pairs == OP_ROPE_HALVES ? a + rotary / 2 : a + 1;
				double co = (double)cos_[t * (rotary / 2) + j], si = (double)sin_[t * (rotary / 2) + j];

				near(k, "rope", a, x[a], (double)was[a] * co - (double)was[b] * si, 1e-6);
				near(k, "rope", b, x[b], (double)was[a] * si + (double)was[b] * co, 1e-6);
				was[a] = x[a];
				was[b] = x[b];
			}
	assert_memory_equal(x, was, sizeof(x)); /* the rest stayed */
}

static void rope_by(const struct kernels *k, struct crew *c)
{
	static const uint32_t dims[][2] = {{2, 2}, {8, 8}, {8, 4}, {16, 16}, {64, 64}, {64, 32}, {80, 80}, {96, 24}, {128, 128}, {140, 66}};

	for (size_t i = 0; i < ARRAY_SIZE(dims); i++) {
		rope_of(k, c, dims[i][0], dims[i][1], OP_ROPE_HALVES);
		rope_of(k, c, dims[i][0], dims[i][1], OP_ROPE_ADJACENT);
	}
}

static void rope(void **state)
{
	each_set(state, rope_by);
}

static void halves_by(const struct kernels *k, struct crew *c)
{
	static float x[70000];
	static uint16_t h[70000];

	(void)c;
	for (size_t i = 0; i < 70000; i++) {
		uint32_t bits = (uint32_t)i * 61356u + 12345; /* all over what F32 can hold */

		memcpy(&x[i], &bits, sizeof(bits));
	}
	for (size_t n = 0; n < 40; n++) {
		h[n] = 0x1234;
		op_to_f16(k, h, x, n);
		assert_int_equal(h[n], 0x1234);
	}
	op_to_f16(k, h, x, 70000);
	for (size_t i = 0; i < 70000; i++)
		if (x[i] == x[i])
			assert_int_equal(h[i], f16_of_float(x[i]));
		else
			assert_true(isnan(float_of_f16(h[i])));
	for (size_t i = 0; i < 65536; i++)
		h[i] = (uint16_t)i;
	op_from_f16(k, x, h, 65536 - 3);
	for (size_t i = 0; i < 65536 - 3; i++)
		if (x[i] == x[i])
			assert_true(x[i] == float_of_f16(h[i]));
		else
			assert_true(isnan(float_of_f16(h[i])));
}

static void halves_are_as_the_reference_has_them(void **state)
{
	each_set(state, halves_by);
}

/* --- attention --- */

#define KEYS_MAX 400u
#define FLOATS_MAX (KEYS_MAX * 1100)

struct memory {
	float q[FLOATS_MAX], k[FLOATS_MAX], v[FLOATS_MAX], out[FLOATS_MAX];
	uint16_t kh[FLOATS_MAX], vh[FLOATS_MAX];
};

static void attend_exactly(const struct attention *a, const struct memory *m, size_t t, uint32_t h, double *out)
{
	double weights[KEYS_MAX], max = -INFINITY, sum = 0;
	uint32_t g = h / (a->heads / a->kv_heads), pos = a->first + (uint32_t)t;
	size_t width = (size_t)a->kv_heads * a->head_dim;

	for (uint32_t s = 0; s < a->keys; s++) {
		double dot = 0;

		for (uint32_t i = 0; i < a->head_dim; i++)
			dot += (double)m->q[t * a->q_stride + h * a->head_dim + i] * (double)m->k[s * width + g * a->head_dim + i];
		dot *= (double)a->scale;
		if (a->softcap != 0)
			dot = (double)a->softcap * tanh(dot / (double)a->softcap);
		if ((a->causal && s > pos) || (a->window && (uint32_t)abs((int)pos - (int)s) >= a->window))
			dot = -INFINITY;
		weights[s] = dot;
		max = fmax(max, dot);
	}
	memset(out, 0, a->head_dim * sizeof(*out));
	for (uint32_t s = 0; s < a->keys; s++)
		sum += weights[s] = exp(weights[s] - max);
	for (uint32_t s = 0; s < a->keys; s++)
		for (uint32_t i = 0; i < a->head_dim; i++)
			out[i] += weights[s] / sum * (double)m->v[s * width + g * a->head_dim + i];
}

static void attention_of(const struct kernels *k, struct crew *c, struct linear_space *s, struct memory *m, struct attention a, size_t n)
{
	size_t width = (size_t)a.kv_heads * a.head_dim, element = a.half ? 2 : 4;
	double out[256];

	a.q = m->q;
	a.out = m->out;
	a.q_stride = (size_t)a.heads * a.head_dim + random_below(4);
	a.out_stride = (size_t)a.heads * a.head_dim;
	a.k = a.half ? (const void *)m->kh : m->k;
	a.v = a.half ? (const void *)m->vh : m->v;
	a.pos_bytes = width * element;
	a.head_bytes = a.head_dim * element;
	randomize(m->q, n * a.q_stride, 2);
	randomize(m->k, a.keys * width, 2);
	randomize(m->v, a.keys * width, 2);
	for (size_t i = 0; i < a.keys * width; i++) {
		m->kh[i] = f16_of_float(m->k[i]);
		m->vh[i] = f16_of_float(m->v[i]);
		m->k[i] = a.half ? float_of_f16(m->kh[i]) : m->k[i];
		m->v[i] = a.half ? float_of_f16(m->vh[i]) : m->v[i];
	}
	attention_run(k, c, s, &a, n);
	for (size_t t = 0; t < n; t += 1 + n / 13)
		for (uint32_t h = 0; h < a.heads; h++) {
			attend_exactly(&a, m, t, h, out);
			for (uint32_t i = 0; i < a.head_dim; i++)
				near(k, "attention", i, m->out[t * a.out_stride + h * a.head_dim + i], out[i],
				     a.scale > 1 ? 3e-4 : 1e-5); /* scores of hundreds are rounded to 1e-5 */
		}
}

static void attention_by(const struct kernels *k, struct crew *c)
{
	static const struct {
		struct attention a;
		size_t n;
	} rows[] = {
		{{.heads = 1, .kv_heads = 1, .head_dim = 64, .first = 0, .keys = 1, .causal = true}, 1},
		{{.heads = 9, .kv_heads = 3, .head_dim = 64, .first = 0, .keys = 37, .causal = true, .half = true}, 37},
		{{.heads = 9, .kv_heads = 3, .head_dim = 64, .first = 299, .keys = 300, .causal = true, .half = true}, 1},
		{{.heads = 8, .kv_heads = 1, .head_dim = 80, .first = 5, .keys = 200, .causal = true}, 195},
		{{.heads = 4, .kv_heads = 4, .head_dim = 96, .first = 100, .keys = 383, .causal = true, .half = true}, 283},
		{{.heads = 2, .kv_heads = 2, .head_dim = 32, .first = 0, .keys = 150}, 150},
		{{.heads = 2, .kv_heads = 1, .head_dim = 20, .first = 0, .keys = 150, .window = 31}, 150},
		{{.heads = 2, .kv_heads = 1, .head_dim = 256, .first = 7, .keys = 300, .window = 129, .causal = true, .half = true}, 200},
		{{.heads = 2, .kv_heads = 1, .head_dim = 128, .first = 260, .keys = 300, .window = 1, .causal = true}, 40},
		{{.heads = 6, .kv_heads = 2, .head_dim = 64, .first = 0, .keys = 140, .causal = true, .softcap = 5, .half = true}, 140},
		{{.heads = 71, .kv_heads = 1, .head_dim = 8, .first = 3, .keys = 140, .causal = true, .half = true}, 9},
		{{.heads = 3, .kv_heads = 3, .head_dim = 5, .first = 0, .keys = 131, .causal = true, .half = true}, 131},
		{{.heads = 16, .kv_heads = 2, .head_dim = 64, .first = 380, .keys = 383, .causal = true, .half = true}, 3},
	};
	AUTO(linear_space_free) struct linear_space *s = NULL;
	struct memory *m = malloc(sizeof(*m));

	assert_non_null(m);
	assert_int_equal(linear_space_new(256, 8, 3, &s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct attention a = rows[i].a;

		a.scale = 1 / sqrtf((float)a.head_dim);
		attention_of(k, c, s, m, a, rows[i].n);
		a.scale = 3; /* one key takes nearly all */
		attention_of(k, c, s, m, a, rows[i].n);
	}
	free(m);
}

static void attention_is_right(void **state)
{
	each_set(state, attention_by);
}

/* More threads change no bit. */
static void attention_has_the_same_bits(void **state)
{
	AUTO(linear_space_free) struct linear_space *s = NULL;
	AUTO(crew_free) struct crew *one = NULL;
	AUTO(crew_free) struct crew *three = NULL;
	struct attention a = {.causal = true, .heads = 4, .kv_heads = 2, .head_dim = 64, .keys = 64, .scale = 0.125f};
	static float q[64 * 256], kv[64 * 128], out[2][64 * 256];

	(void)state;
	assert_int_equal(crew_new(1, &one), 0);
	assert_int_equal(crew_new(3, &three), 0);
	assert_int_equal(linear_space_new(256, 8, 3, &s), 0);
	randomize(q, ARRAY_SIZE(q), 3);
	randomize(kv, ARRAY_SIZE(kv), 3);
	a.q = q;
	a.k = a.v = kv;
	a.q_stride = a.out_stride = 256;
	a.pos_bytes = 512;
	a.head_bytes = 256;
	for (unsigned i = 0; kernels_nth(i); i++) {
		if (!kernels_can_run(kernels_nth(i)))
			continue;
		a.out = out[0];
		attention_run(kernels_nth(i), one, s, &a, 64);
		a.out = out[1];
		attention_run(kernels_nth(i), three, s, &a, 64);
		assert_memory_equal(out[0], out[1], sizeof(out[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(norms),
		cmocka_unit_test(activations),
		cmocka_unit_test(sums_and_scales),
		cmocka_unit_test(caps),
		cmocka_unit_test(softmax),
		cmocka_unit_test(exp_is_right_to_a_millionth),
		cmocka_unit_test(rope),
		cmocka_unit_test(halves_are_as_the_reference_has_them),
		cmocka_unit_test(attention_is_right),
		cmocka_unit_test(attention_has_the_same_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a forward pass computes besides products with weights. All of it in F32; exp() and tanh() within 1e-6 of the exact value,
 * relative. Functions that take a crew share their rows out where there is enough to do; each row is computed by one thread, in one
 * order, so the bits do not depend on the number of threads.
 *
 * A float vector of n tokens is x[t * stride + i]: strides are in floats. In and out may be the same memory with the same stride
 * where it says so.
 */
#ifndef HFFS_OPS_INT_H
#define HFFS_OPS_INT_H

#include "kernels_int.h"

/*
 * out = x / sqrt(mean(x^2) + eps) * weight, for n rows of width floats. weight may be NULL (all 1). In place is fine. Heads that are
 * normalised one by one are rows: n = tokens * heads, stride = width = head_dim.
 */
void op_rms_norm(const struct kernels *k, struct crew *c, float *out, size_t out_stride, const float *x, size_t x_stride,
		 const float *weight, float eps, size_t n, uint32_t width);
/* out = (x - mean) / sqrt(variance + eps) * weight + bias. weight and bias may be NULL. In place is fine. */
void op_layer_norm(const struct kernels *k, struct crew *c, float *out, size_t out_stride, const float *x, size_t x_stride,
		   const float *weight, const float *bias, float eps, size_t n, uint32_t width);

/* OP_GELU is x * (1 + erf(x / sqrt 2)) / 2, OP_GELU_TANH its approximation by tanh. */
enum op_activation { OP_SILU, OP_GELU, OP_GELU_TANH, OP_RELU };
/* out = f(gate) * up, or f(gate) if up is NULL. All have the same stride. In place of gate or up is fine. */
void op_activate(const struct kernels *k, struct crew *c, enum op_activation f, float *out, const float *gate, const float *up,
		 size_t stride, size_t n, uint32_t width);

/* x += y, for n rows of width floats. */
void op_add(const struct kernels *k, struct crew *c, float *x, size_t x_stride, const float *y, size_t y_stride, size_t n,
	    uint32_t width);
/* x *= by, n floats. */
void op_scale(const struct kernels *k, float *x, float by, size_t n);
/* x = cap * tanh(x / cap), n floats. */
void op_softcap(const struct kernels *k, struct crew *c, float *x, float cap, size_t n);
/* x = exp(x - max) / sum, n floats, at least 1; -INFINITY becomes 0. All -INFINITY: all 0. */
void op_softmax(const struct kernels *k, float *x, size_t n);

/*
 * Turns pairs of n tokens' heads: x[t * x_stride + h * head_dim + i]. A pair (a, b) becomes (a cos - b sin, a sin + b cos) by the
 * token's cos and sin, cos[t * half + j] for pair j of half = rotary / 2. The first `rotary` floats of a head are turned; the
 * rest stays.
 */
enum op_rope_pairs {
	OP_ROPE_HALVES,   /* pair j is (j, j + half): transformers, "neox" */
	OP_ROPE_ADJACENT, /* pair j is (2j, 2j + 1): GGUF files of Llama's family, GPT-J */
};
struct op_rope {
	float *x;
	size_t x_stride;
	uint32_t heads, head_dim, rotary;
	enum op_rope_pairs pairs;
	const float *cos, *sin;
};
void op_rope(const struct kernels *k, struct crew *c, const struct op_rope *r, size_t n);

/* n floats to F16 (to the nearest, ties to even; beyond its range: infinity), and back. */
void op_to_f16(const struct kernels *k, uint16_t *out, const float *x, size_t n);
void op_from_f16(const struct kernels *k, float *out, const uint16_t *x, size_t n);

/*
 * Attention of n queries over a cache of keys and values. Query t is at position first + t; all positions are below `keys`. Key of
 * position s and kv head g: at k + s * pos_bytes + g * head_bytes, head_dim elements; so are values, from v. Head h uses kv head
 * h / (heads / kv_heads).
 *   out[t][h] = sum over s of softmax(scale * q[t][h] . k[s][g])[s] * v[s][g]
 * over s <= first + t (causal) or all s < keys, and where window is not 0 only over |first + t - s| < window.
 */
struct attention {
	const float *q; /* q[t * q_stride + h * head_dim + i] */
	size_t q_stride;
	float *out; /* as q; not the same memory */
	size_t out_stride;
	const void *k, *v;
	size_t pos_bytes, head_bytes;
	bool half; /* keys and values are F16, else F32 */
	bool causal;
	uint32_t heads, kv_heads, head_dim;
	uint32_t first, keys;
	uint32_t window;
	float scale;
	float softcap; /* 0: none; else scores s become softcap * tanh(s / softcap) */
};
/* heads is a multiple of kv_heads, head_dim at most the cols_max and the crew's threads at most the threads of the space. */
void attention_run(const struct kernels *k, struct crew *c, struct linear_space *s, const struct attention *a, size_t n);

#endif

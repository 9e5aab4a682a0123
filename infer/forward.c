// SPDX-License-Identifier: Apache-2.0
/*
 * The graph, straight down. A block of tokens goes through every layer; what differs between architectures is said by the
 * configuration and by which weights there are. Nothing is allocated here.
 */
#include "model_int.h"

#include <errno.h>
#include <string.h>

#include "rope_int.h"

/* --- parts --- */

/* out may be x. */
static void norm(const struct model *m, float *out, const float *x, const float *weight, const float *bias, size_t n, uint32_t width)
{
	if (m->config.layer_norm)
		op_layer_norm(m->kernels, m->crew, out, width, x, width, weight, bias, m->config.norm_eps, n, width);
	else
		op_rms_norm(m->kernels, m->crew, out, width, x, width, weight, m->config.norm_eps, n, width);
}

static void products(const struct model *m, struct work *w, const struct linear *p, size_t nr, const float *x, size_t x_stride, size_t n)
{
	if (m->config.transposed)
		transposed_run(m->kernels, m->crew, p, nr, x, x_stride, n);
	else
		linear_run(m->kernels, m->crew, w->space, p, nr, x, x_stride, n);
}

static int embed(struct model *m, struct work *w, const uint32_t *ids, uint32_t n, uint32_t first, struct err *err)
{
	const struct model_config *c = &m->config;
	struct weights *all = &m->weights;
	int r = stream_need_rows(all->stream, &all->token_rows, ids, n, err);

	for (uint32_t t = 0; r == 0 && t < n; t++)
		matrix_row(m->kernels, &all->tokens, ids[t], w->x + (size_t)t * c->width);
	if (r == 0 && c->embed_scale != 1)
		op_scale(m->kernels, w->x, c->embed_scale, (size_t)n * c->width);
	for (uint32_t t = 0; r == 0 && c->learned_positions && t < n; t++) {
		uint32_t position = first + t;

		r = stream_need_rows(all->stream, &all->position_rows, &position, 1, err);
		if (r < 0)
			return r;
		matrix_row(m->kernels, &all->positions, position, w->h);
		op_add(m->kernels, m->crew, w->x + (size_t)t * c->width, c->width, w->h, c->width, 1, c->width);
	}
	return r;
}

static void make_rope(struct model *m, const struct block *b)
{
	const struct model_config *c = &m->config;
	struct work *w = b->w;
	struct rope_tensors t = {m->weights.rope_factors, m->weights.rope_long, m->weights.rope_short};

	if (c->learned_positions)
		return;
	rope_frequencies(&c->rope, &t, b->total, w->frequencies);
	rope_tables(&c->rope, w->frequencies, b->first, b->n, w->cosines, w->sines);
	if (w->cosines_sliding == w->cosines)
		return;
	rope_frequencies(&c->rope_sliding, &(struct rope_tensors){0}, b->total, w->frequencies_sliding);
	rope_tables(&c->rope_sliding, w->frequencies_sliding, b->first, b->n, w->cosines_sliding, w->sines_sliding);
}

static void turn(const struct model *m, const struct work *w, float *x, uint32_t heads, bool sliding, uint32_t n)
{
	const struct model_config *c = &m->config;
	struct op_rope r = {
		.x = x, .x_stride = (size_t)heads * c->head_dim, .heads = heads, .head_dim = c->head_dim, .rotary = c->rope.dims,
		.pairs = c->rope.interleaved ? OP_ROPE_ADJACENT : OP_ROPE_HALVES,
		.cos = sliding ? w->cosines_sliding : w->cosines, .sin = sliding ? w->sines_sliding : w->sines,
	};

	op_rope(m->kernels, m->crew, &r, n);
}

/* Queries, keys and values of h, normed and turned, in w->q, w->k, w->v. */
static void make_qkv(const struct model *m, struct work *w, const struct layer *l, const float *h, bool sliding, uint32_t n)
{
	const struct model_config *c = &m->config;
	uint32_t q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
	const struct linear p[] = {{&l->q, l->q_bias, w->q, q}, {&l->k, l->k_bias, w->k, kv}, {&l->v, l->v_bias, w->v, kv}};

	products(m, w, p, 3, h, c->width, n);
	if (c->qk_norm == QK_NORM_HEAD) {
		norm(m, w->q, w->q, l->q_norm, NULL, (size_t)n * c->heads, c->head_dim);
		norm(m, w->k, w->k, l->k_norm, NULL, (size_t)n * c->kv_heads, c->head_dim);
	} else if (c->qk_norm == QK_NORM_WIDTH) {
		norm(m, w->q, w->q, l->q_norm, NULL, n, q);
		norm(m, w->k, w->k, l->k_norm, NULL, n, kv);
	}
	if (!c->learned_positions) {
		turn(m, w, w->q, c->heads, sliding, n);
		turn(m, w, w->k, c->kv_heads, sliding, n);
	}
}

/* --- the cache --- */

static size_t element(const struct cache *cache)
{
	return cache->half ? sizeof(uint16_t) : sizeof(float);
}

/* Where layer i, kv head g, position s is, in elements. */
static size_t place(const struct model_config *c, const struct cache *cache, uint32_t i, uint32_t g, uint32_t s)
{
	return (((size_t)i * c->kv_heads + g) * cache->context + s) * c->head_dim;
}

static void keep(const struct model *m, const struct cache *cache, void *to, const float *from, uint32_t i, uint32_t first, uint32_t n)
{
	const struct model_config *c = &m->config;

	for (uint32_t t = 0; t < n; t++)
		for (uint32_t g = 0; g < c->kv_heads; g++, from += c->head_dim) {
			char *at = (char *)to + place(c, cache, i, g, first + t) * element(cache);

			if (cache->half)
				op_to_f16(m->kernels, (uint16_t *)(void *)at, from, c->head_dim);
			else
				memcpy(at, from, c->head_dim * sizeof(*from));
		}
}

static struct attention attention_of(const struct model *m, const struct work *w, bool sliding)
{
	const struct model_config *c = &m->config;
	size_t q = (size_t)c->heads * c->head_dim;

	return (struct attention){.q = w->q, .q_stride = q, .out = w->attended, .out_stride = q, .heads = c->heads, .kv_heads = c->kv_heads,
				  .head_dim = c->head_dim, .window = sliding ? c->window : 0, .scale = c->attention_scale,
				  .softcap = c->attention_cap};
}

/* The last `n` tokens of the block look at the cache of layer i. */
static void attend(const struct model *m, const struct block *b, uint32_t i, uint32_t n)
{
	const struct model_config *c = &m->config;
	const struct cache *cache = b->cache;
	struct attention a = attention_of(m, b->w, c->sliding[i]);
	size_t layer = place(c, cache, i, 0, 0) * element(cache);

	a.q += (b->n - n) * a.q_stride;
	a.k = (const char *)cache->k + layer;
	a.v = (const char *)cache->v + layer;
	a.pos_bytes = c->head_dim * element(cache);
	a.head_bytes = cache->context * a.pos_bytes;
	a.half = cache->half;
	a.causal = true;
	a.first = b->first + b->n - n;
	a.keys = b->first + b->n;
	attention_run(m->kernels, m->crew, b->w->space, &a, n);
}

/* --- a layer --- */

/* x += after(y), or x = after(x + y) in an encoder. */
static void add(const struct model *m, float *x, float *y, const float *after, const float *after_bias, uint32_t n)
{
	const struct model_config *c = &m->config;

	if (after && !c->encoder)
		norm(m, y, y, after, after_bias, n, c->width);
	op_add(m->kernels, m->crew, x, c->width, y, c->width, n, c->width);
	if (after && c->encoder)
		norm(m, x, x, after, after_bias, n, c->width);
}

static const float *before(const struct model *m, struct work *w, const float *x, const float *weight, const float *bias, uint32_t n)
{
	if (!m->config.norm_before)
		return x;
	norm(m, w->h, x, weight, bias, n, m->config.width);
	return w->h;
}

/* What attention gave goes through its output, and the feed-forward follows. x: n tokens. */
static void finish_layer(const struct model *m, struct work *w, const struct layer *l, float *x, uint32_t n)
{
	const struct model_config *c = &m->config;
	const struct linear o = {&l->o, l->o_bias, w->y, c->width};
	const struct linear in[] = {{&l->up, l->up_bias, w->up, c->ffn}, {&l->gate, l->gate_bias, w->gate, c->ffn}};
	const struct linear down = {&l->down, l->down_bias, w->y, c->width};

	products(m, w, &o, 1, w->attended, (size_t)c->heads * c->head_dim, n);
	add(m, x, w->y, l->attn_after, l->attn_after_bias, n);
	products(m, w, in, c->gated ? 2 : 1, before(m, w, x, l->ffn_norm, l->ffn_norm_bias, n), c->width, n);
	op_activate(m->kernels, m->crew, c->activation, w->up, c->gated ? w->gate : w->up, c->gated ? w->up : NULL, c->ffn, n, c->ffn);
	products(m, w, &down, 1, w->up, c->ffn, n);
	add(m, x, w->y, l->ffn_after, l->ffn_after_bias, n);
}

/* Of the last layer only those tokens are needed whose logits are. */
static int layer(struct model *m, const struct block *b, uint32_t i, uint32_t needed, struct err *err)
{
	const struct model_config *c = &m->config;
	const struct layer *l = &m->weights.layers[GROUP_LAYER(i)];
	struct work *w = b->w;
	float *x = w->x + (size_t)(b->n - needed) * c->width;
	int r = weights_need(&m->weights, m->kernels, GROUP_LAYER(i), err);

	if (r < 0)
		return r;
	make_qkv(m, w, l, before(m, w, w->x, l->attn_norm, l->attn_norm_bias, b->n), c->sliding[i], b->n);
	keep(m, b->cache, b->cache->k, w->k, i, b->first, b->n);
	keep(m, b->cache, b->cache->v, w->v, i, b->first, b->n);
	if (needed) {
		attend(m, b, i, needed);
		finish_layer(m, w, l, x, needed);
	}
	return 0;
}

static int head(struct model *m, struct block *b, uint32_t needed, struct err *err)
{
	const struct model_config *c = &m->config;
	const struct weights *all = &m->weights;
	const struct linear p = {&all->head, NULL, b->logits, c->vocabulary};
	struct work *w = b->w;
	int r = weights_need(&m->weights, m->kernels, GROUP_HEAD(c), err);

	if (r < 0)
		return r;
	norm(m, w->h, w->x + (size_t)(b->n - needed) * c->width, all->final_norm, all->final_norm_bias, needed, c->width);
	linear_run(m->kernels, m->crew, w->space, &p, 1, w->h, c->width, needed);
	if (c->logit_cap > 0)
		op_softcap(m->kernels, m->crew, b->logits, c->logit_cap, (size_t)needed * c->vocabulary);
	return 0;
}

/* --- the whole --- */

int forward_block(struct model *m, struct block *b, struct err *err)
{
	const struct model_config *c = &m->config;
	uint32_t needed = b->which == LOGITS_ALL ? b->n : b->which == LOGITS_LAST ? 1 : 0;
	int r;

	stream_start(m->weights.stream);
	r = weights_need(&m->weights, m->kernels, GROUP_FIRST, err);
	if (r == 0)
		r = embed(m, b->w, b->ids, b->n, b->first, err);
	if (r == 0)
		make_rope(m, b);
	for (uint32_t i = 0; r == 0 && i < c->layers; i++)
		r = layer(m, b, i, i + 1 < c->layers ? b->n : needed, err);
	return r < 0 || !needed ? r : head(m, b, needed, err);
}

/* What a token is, where it stands, and that it is of the first of two texts: summed up and normed. */
static int embed_encoded(struct model *m, struct work *w, const uint32_t *ids, uint32_t n, struct err *err)
{
	const struct model_config *c = &m->config;
	int r = embed(m, w, ids, n, 0, err);

	if (r < 0)
		return r;
	matrix_row(m->kernels, &m->weights.types, 0, w->h);
	op_add(m->kernels, m->crew, w->x, c->width, w->h, 0, n, c->width);
	norm(m, w->x, w->x, m->weights.embed_norm, m->weights.embed_norm_bias, n, c->width);
	return 0;
}

int forward_encode(struct model *m, struct work *w, const uint32_t *ids, uint32_t n, struct err *err)
{
	const struct model_config *c = &m->config;
	int r;

	stream_start(m->weights.stream);
	r = weights_need(&m->weights, m->kernels, GROUP_FIRST, err);
	if (r == 0)
		r = embed_encoded(m, w, ids, n, err);
	for (uint32_t i = 0; r == 0 && i < c->layers; i++) {
		const struct layer *l = &m->weights.layers[GROUP_LAYER(i)];
		struct attention a = attention_of(m, w, false);

		r = weights_need(&m->weights, m->kernels, GROUP_LAYER(i), err);
		if (r < 0)
			return r;
		make_qkv(m, w, l, w->x, false, n);
		a.k = w->k;
		a.v = w->v;
		a.head_bytes = c->head_dim * sizeof(float);
		a.pos_bytes = c->kv_heads * a.head_bytes;
		a.keys = n;
		attention_run(m->kernels, m->crew, w->space, &a, n);
		finish_layer(m, w, l, w->x, n);
	}
	return r;
}

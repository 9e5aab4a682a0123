// SPDX-License-Identifier: Apache-2.0
/* Memory of a computation: one piece, cut up once. */
#include "model_int.h"

#include <errno.h>

#define WORK_BUDGET (24u << 20) /* bytes of activations */
#define BLOCK_MAX 512u
#define BLOCK_MIN 16u
#define LINE 16u /* floats: parts begin at cache lines */

static bool has_two_ropes(const struct model_config *c)
{
	const struct rope_config *a = &c->rope, *b = &c->rope_sliding;

	return c->window && (a->type != b->type || a->theta != b->theta || a->factor != b->factor || a->attention_factor != b->attention_factor);
}

/* Floats of a token in each part, in the order of cut(). */
#define PARTS 13
static void sizes(const struct model_config *c, uint64_t tokens, uint64_t out[PARTS])
{
	uint64_t q = (uint64_t)c->heads * c->head_dim, kv = (uint64_t)c->kv_heads * c->head_dim, half = c->rope.dims / 2;
	uint64_t second = has_two_ropes(c) ? half : 0;
	const uint64_t of[PARTS] = {c->width * tokens, c->width * tokens, c->width * tokens, q * tokens, kv * tokens, kv * tokens, q * tokens,
				    c->gated ? c->ffn * tokens : 0, c->ffn * tokens, half * tokens, half * tokens, second * tokens,
				    second * tokens};

	for (unsigned i = 0; i < PARTS; i++)
		out[i] = (of[i] + LINE - 1) / LINE * LINE;
}

static uint64_t total(const struct model_config *c, uint64_t tokens)
{
	uint64_t parts[PARTS], sum = 2 * (c->rope.dims + LINE);

	sizes(c, tokens, parts);
	for (unsigned i = 0; i < PARTS; i++)
		sum += parts[i];
	return sum;
}

uint32_t work_block(const struct model_config *c)
{
	uint64_t tokens = WORK_BUDGET / sizeof(float) / total(c, 1);

	tokens = max_u64(BLOCK_MIN, min_u64(BLOCK_MAX, tokens / 16 * 16));
	return (uint32_t)min_u64(tokens, c->context);
}

static void cut(struct work *w, const struct model_config *c)
{
	float **parts[PARTS] = {&w->x, &w->h, &w->y, &w->q, &w->k, &w->v, &w->attended, &w->gate, &w->up, &w->cosines, &w->sines,
				&w->cosines_sliding, &w->sines_sliding};
	uint32_t half = (c->rope.dims / 2 + LINE - 1) / LINE * LINE;
	float *at = w->memory;
	uint64_t n[PARTS];

	sizes(c, w->tokens, n);
	for (unsigned i = 0; i < PARTS; i++) {
		*parts[i] = at;
		at += n[i];
	}
	w->frequencies = at;
	w->frequencies_sliding = has_two_ropes(c) ? at + half : at;
	if (!has_two_ropes(c)) {
		w->cosines_sliding = w->cosines;
		w->sines_sliding = w->sines;
	}
}

int work_new(const struct model *m, uint32_t tokens, struct work **out)
{
	const struct model_config *c = &m->config;
	AUTO(work_free) struct work *w = calloc(1, sizeof(*w));
	uint64_t longest = max_u64(max_u64(c->width, c->ffn), (uint64_t)c->heads * c->head_dim), bytes;
	int r;

	if (!w || __builtin_mul_overflow(total(c, tokens), sizeof(float), &bytes) || bytes > SIZE_MAX / 2)
		return -ENOMEM;
	w->tokens = tokens;
	w->memory = aligned_alloc(64, (bytes + 63) / 64 * 64);
	if (!w->memory)
		return -ENOMEM;
	cut(w, c);
	r = linear_space_new((uint32_t)longest, tokens, crew_threads(m->crew), &w->space);
	if (r == 0)
		*out = TAKE(w);
	return r;
}

void work_free(struct work *w)
{
	if (!w)
		return;
	linear_space_free(w->space);
	free(w->memory);
	free(w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* An open model, and the memory that one text's computation needs. */
#ifndef HFFS_MODEL_INT_H
#define HFFS_MODEL_INT_H

#include <hffs/model.h>

#include "weights_int.h"

struct work;

struct model {
	struct model_config config;
	struct model_files files;
	struct weights weights;
	const struct kernels *kernels;
	struct crew *crew;
	struct model_info info;
	struct model_options options;
	struct work *work; /* of an encoder */
};

/*
 * Activations of a block of tokens, one after the other: [tokens][...]. A long text is computed in blocks, so that this memory
 * stays small beside the weights.
 */
struct work {
	uint32_t tokens; /* of a block, at most */
	float *x;        /* width: what goes from layer to layer */
	float *h, *y;    /* width: what goes into a product; what comes out of one */
	float *q, *k, *v, *attended;
	float *gate, *up;
	float *frequencies, *cosines, *sines;                         /* of rope */
	float *frequencies_sliding, *cosines_sliding, *sines_sliding; /* the same memory where it is the same rope */
	struct linear_space *space;
	float *memory;
};

int work_new(const struct model *m, uint32_t tokens, struct work **out);
void work_free(struct work *w); /* NULL is fine */
AUTO_DEFINE(struct work *, work_free)
/* Tokens of a block so that this memory keeps within what is allowed for it. */
uint32_t work_block(const struct model_config *c);

/* Keys and values: [layer][kv head][position][head_dim], as F16 or F32. */
struct cache {
	void *k, *v;
	uint32_t context;
	bool half;
};

/* One block of a text. */
struct block {
	struct work *w;
	struct cache *cache;
	const uint32_t *ids;
	uint32_t n, first;    /* tokens, and the position of the first */
	uint32_t total;       /* tokens of the whole text with this call: what dynamic ropes look at */
	enum logits_of which;
	float *logits;
};

/* Computes a block; keys and values go to the cache. 0, or why weights could not be read. */
int forward_block(struct model *m, struct block *b, struct err *err);
/* All tokens of a text at once, by an encoder: the last layer's n * width values in w->x. */
int forward_encode(struct model *m, struct work *w, const uint32_t *ids, uint32_t n, struct err *err);

/* As linear_run() for matrices that lie as [in][out]. F32, F16, BF16. */
void transposed_run(const struct kernels *k, struct crew *p, const struct linear *products, size_t nr, const float *x, size_t x_stride,
		    size_t n);

#endif

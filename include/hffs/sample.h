/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logits to a token. The same options, seed, tokens and logits give the same choices: there is no other state. In this order:
 * repeat penalty, temperature, top-k, top-p, min-p, one draw.
 */
#ifndef HFFS_SAMPLE_H
#define HFFS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include <hffs/auto.h>

struct sample_options {
	double temperature;    /* 0: always the largest logit; the smaller id of two that are equal */
	uint32_t top_k;        /* only the k largest; 0: all */
	double top_p;          /* the fewest largest whose probabilities add up to this; 1: all */
	double min_p;          /* those with at least this part of the largest probability; 0: all */
	double repeat_penalty; /* of tokens that were noted: positive logits are divided by it, others multiplied; 1: none */
	uint64_t seed;
};
/* temperature 0.8, top_k 40, top_p 0.95, nothing else. */
void sample_options_init(struct sample_options *o);

struct sampler;
/* vocabulary: length of all logits, at least 1. 0 or -ENOMEM. */
int sampler_new(const struct sample_options *o, uint32_t vocabulary, struct sampler **out);
void sampler_free(struct sampler *s);
AUTO_DEFINE(struct sampler *, sampler_free)

/* The token stands in the text, for the repeat penalty. An id beyond the vocabulary is passed over. */
void sampler_note(struct sampler *s, uint32_t id);
/* Chooses, allocating nothing. -EDOM: no logit is a number. NaN is never chosen; logits are left as they are. */
int sampler_choose(struct sampler *s, const float *logits, uint32_t *out);

struct logprob {
	uint32_t id;
	double logprob;
};
/* Natural logarithm of the softmax of logits at id; those of the `nr` largest, falling, into top. n is at least nr. */
double sample_logprob(const float *logits, uint32_t n, uint32_t id);
void sample_top(const float *logits, uint32_t n, struct logprob *top, size_t nr);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Rotary positions and the ways to stretch them, as in transformers' modeling_rope_utils.py. Frequencies and angles are rounded to
 * float where torch rounds them: at long positions that is what decides.
 */
#include "rope_int.h"

#include <math.h>

bool rope_is_long(const struct rope_config *r, uint32_t tokens)
{
	return r->type == ROPE_LONGROPE && tokens > r->original_context;
}

/* The pair that turns so many times within the context that the model was trained for. */
static double correction(const struct rope_config *r, double turns)
{
	return r->dims * log(r->original_context / (turns * 2 * M_PI)) / (2 * log(r->theta));
}

/* 0 for pairs that keep their frequency, 1 for those that are stretched, a ramp between. */
static double yarn_ramp(const struct rope_config *r, uint32_t pair)
{
	double low = correction(r, r->beta_fast), high = correction(r, r->beta_slow), at;

	if (r->truncate) {
		low = floor(low);
		high = ceil(high);
	}
	low = fmax(low, 0);
	high = fmin(high, r->dims - 1);
	if (low == high)
		high += 0.001;
	at = (pair - low) / (high - low);
	return at < 0 ? 0 : at > 1 ? 1 : at;
}

static double llama3(const struct rope_config *r, double frequency)
{
	double length = 2 * M_PI / frequency, smooth;

	if (length < r->original_context / r->high_freq_factor)
		return frequency;
	if (length > r->original_context / r->low_freq_factor)
		return frequency / r->factor;
	smooth = (r->original_context / length - r->low_freq_factor) / (r->high_freq_factor - r->low_freq_factor);
	return (1 - smooth) * frequency / r->factor + smooth * frequency;
}

static double stretched(const struct rope_config *r, const struct rope_tensors *t, uint32_t tokens, uint32_t pair, double frequency)
{
	const float *factors;
	double ramp;

	switch (r->type) {
	case ROPE_LINEAR:
		return frequency / r->factor;
	case ROPE_LLAMA3:
		return llama3(r, frequency);
	case ROPE_YARN:
		ramp = yarn_ramp(r, pair);
		return frequency / r->factor * ramp + frequency * (1 - ramp);
	case ROPE_LONGROPE:
		if (rope_is_long(r, tokens))
			factors = t->long_factor ? t->long_factor : r->long_factor;
		else
			factors = t->short_factor ? t->short_factor : r->short_factor;
		return frequency / (double)factors[pair];
	default:
		return frequency;
	}
}

void rope_frequencies(const struct rope_config *r, const struct rope_tensors *t, uint32_t tokens, float *out)
{
	double theta = r->theta;

	if (r->type == ROPE_DYNAMIC && tokens > r->original_context)
		theta *= pow(r->factor * tokens / r->original_context - (r->factor - 1), (double)r->dims / (r->dims - 2));
	for (uint32_t i = 0; i < r->dims / 2; i++) {
		double frequency = stretched(r, t, tokens, i, pow(theta, -2.0 * i / r->dims));

		out[i] = (float)(t->factors ? frequency / (double)t->factors[i] : frequency);
	}
}

void rope_tables(const struct rope_config *r, const float *frequencies, uint32_t first, uint32_t n, float *cosines, float *sines)
{
	uint32_t half = r->dims / 2;

	for (uint32_t t = 0; t < n; t++)
		for (uint32_t i = 0; i < half; i++) {
			double angle = (double)((float)(first + t) * frequencies[i]);

			cosines[(size_t)t * half + i] = (float)(cos(angle) * r->attention_factor);
			sines[(size_t)t * half + i] = (float)(sin(angle) * r->attention_factor);
		}
}

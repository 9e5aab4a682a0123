/* SPDX-License-Identifier: Apache-2.0 */
/* How fast each pair of a head turns. Pure. */
#ifndef HFFS_ROPE_INT_H
#define HFFS_ROPE_INT_H

#include "config_int.h"

/* Factors that come with the weights; NULL where the configuration has them, or nobody. */
struct rope_tensors {
	const float *factors;                 /* frequencies are divided by them */
	const float *long_factor, *short_factor;
};

/* Longrope: are the long factors due for a text of so many tokens? */
bool rope_is_long(const struct rope_config *r, uint32_t tokens);
/* Angle per position of each of the r->dims / 2 pairs, in a text of so many tokens. */
void rope_frequencies(const struct rope_config *r, const struct rope_tensors *t, uint32_t tokens, float *out);
/* Cosines and sines of n positions from `first`: out[t * dims / 2 + j]. */
void rope_tables(const struct rope_config *r, const float *frequencies, uint32_t first, uint32_t n, float *cosines, float *sines);

#endif

// SPDX-License-Identifier: Apache-2.0
/* NEON as every 64-bit ARM has it. */
#include <arm_neon.h>

#define LANES 4
#define TILE 4
#define AHEAD 0u
#define SET_NAME "neon"
#define SET_TABLE kernels_neon
#include "ops_vector_int.h"

static bool can_run(void)
{
	return true;
}

static inline int32x4_t dot16(const int8_t *w, const int8_t *x)
{
	int8x16_t a = vld1q_s8(w), b = vld1q_s8(x);

	return vpadalq_s16(vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b))), vmull_s8(vget_high_s8(a), vget_high_s8(b)));
}

#include "kernels_neon_int.h"

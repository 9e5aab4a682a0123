/* SPDX-License-Identifier: Apache-2.0 */
/* What the flavours of NEON share: included by them behind dot16(w, x), 16 products of signed bytes in four sums. */

static inline lanes_f half_load(const uint16_t *p)
{
	return (lanes_f)vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static inline void half_store(uint16_t *p, lanes_f v)
{
	vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32((float32x4_t)v)));
}

static inline float half_at(const uint8_t *p)
{
	__fp16 h;

	memcpy(&h, p, sizeof(h));
	return (float)h;
}

static inline float vector_sum(lanes_f v)
{
	return vaddvq_f32((float32x4_t)v);
}

static inline void four_sums(float out[4], const lanes_f v[4])
{
	vst1q_f32(out, vpaddq_f32(vpaddq_f32((float32x4_t)v[0], (float32x4_t)v[1]), vpaddq_f32((float32x4_t)v[2], (float32x4_t)v[3])));
}

static inline lanes_i dot_block(const int8_t *w, const int8_t *x)
{
	return (lanes_i)vaddq_s32(dot16(w, x), dot16(w + 16, x + 16));
}

static inline void dot_halves(const int8_t *w, const int8_t *x, lanes_i sums[2])
{
	sums[0] = (lanes_i)dot16(w, x);
	sums[1] = (lanes_i)dot16(w + 16, x + 16);
}

#include "kernels_narrow_int.h"

#include "kernels_neon_blocks_int.h"
#include "kernels_neon_floats_int.h"

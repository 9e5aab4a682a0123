// SPDX-License-Identifier: Apache-2.0
/* AVX2 with FMA and F16C: Haswell, Zen and later. */
#include <immintrin.h>

#define LANES 8
#define TILE 2
#define AHEAD 1024u
#define SET_NAME "avx2"
#define SET_TABLE kernels_avx2
#include "ops_vector_int.h"

static bool can_run(void)
{
	return kernels_cpu_has_avx2();
}

static inline lanes_f half_load(const uint16_t *p)
{
	return (lanes_f)_mm256_cvtph_ps(_mm_loadu_si128((const void *)p));
}

static inline void half_store(uint16_t *p, lanes_f v)
{
	_mm_storeu_si128((void *)p, _mm256_cvtps_ph((__m256)v, _MM_FROUND_TO_NEAREST_INT));
}

static inline float half_at(const uint8_t *p)
{
	uint16_t h;

	memcpy(&h, p, sizeof(h));
	return _cvtsh_ss(h);
}

static inline float vector_sum(lanes_f v)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128((__m256)v), _mm256_extractf128_ps((__m256)v, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));

	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* hadd would take Zen four times the operations. */
static inline void four_sums(float out[4], const lanes_f v[4])
{
	const __m256 *m = (const __m256 *)v;
	__m256 a = _mm256_add_ps(_mm256_unpacklo_ps(m[0], m[1]), _mm256_unpackhi_ps(m[0], m[1]));
	__m256 b = _mm256_add_ps(_mm256_unpacklo_ps(m[2], m[3]), _mm256_unpackhi_ps(m[2], m[3]));
	__m256 all_ = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all_), _mm256_extractf128_ps(all_, 1)));
}

#include "kernels_narrow_int.h"

#include "kernels_avx2_blocks_int.h"
#include "kernels_avx2_floats_int.h"

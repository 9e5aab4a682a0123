// SPDX-License-Identifier: Apache-2.0
/* AVX2 with FMA and F16C: Haswell, Zen and later. */
#include <immintrin.h>

#define LANES 8
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

static inline void four_sums(float out[4], const lanes_f v[4])
{
	const __m256 *m = (const __m256 *)v;
	__m256 all_ = _mm256_hadd_ps(_mm256_hadd_ps(m[0], m[1]), _mm256_hadd_ps(m[2], m[3]));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(all_), _mm256_extractf128_ps(all_, 1)));
}

/* Sums of four. Pairs are summed in 16 bits, which holds: 2 * 63 * 127, or 2 * 128 * 127 where -128 has no sign to give away. */
static inline lanes_i dot_block(const int8_t *w, const int8_t *x, bool signs)
{
	__m256i a = _mm256_loadu_si256((const void *)w), b = _mm256_loadu_si256((const void *)x), pairs;

	if (signs)
		pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(a), _mm256_sign_epi8(b, a));
	else
		pairs = _mm256_maddubs_epi16(a, b);
	return (lanes_i)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

static inline void dot_halves(const int8_t *w, const int8_t *x, lanes_i sums[2])
{
	__m256i all_ = (__m256i)dot_block(w, x, true);

	sums[0] = (lanes_i)_mm256_zextsi128_si256(_mm256_castsi256_si128(all_));
	sums[1] = (lanes_i)_mm256_zextsi128_si256(_mm256_extracti128_si256(all_, 1));
}

#include "kernels_narrow_int.h"

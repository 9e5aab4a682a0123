// SPDX-License-Identifier: Apache-2.0
/* AVX-512 without VNNI: Skylake and Cascade Lake's predecessors. Words stand in for bytes, because _mm512_maddubs_epi16() saturates. */
#include <immintrin.h>

#include "kernels_table_int.h"

#define SET_NAME "avx512"
#define SET_TABLE kernels_avx512
#define SET_TUNED_FOR INTEL

static inline __m512i dot4(__m512i sums, __m512i bytes, __m512i signs)
{
	__m512i even = _mm512_madd_epi16(_mm512_and_si512(bytes, _mm512_set1_epi16(0xff)),
					 _mm512_srai_epi16(_mm512_slli_epi16(signs, 8), 8));
	__m512i odd = _mm512_madd_epi16(_mm512_srli_epi16(bytes, 8), _mm512_srai_epi16(signs, 8));

	return _mm512_add_epi32(sums, _mm512_add_epi32(even, odd));
}

static bool has_instructions(void)
{
	return kernels_cpu_has_avx512();
}

#include "kernels_avx512_int.h"

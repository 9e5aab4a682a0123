/* SPDX-License-Identifier: Apache-2.0 */
/* dot4() of kernels_avx512_int.h for files that are compiled for VNNI. */
static inline __m512i dot4(__m512i sums, __m512i bytes, __m512i signs)
{
	return _mm512_dpbusd_epi32(sums, bytes, signs);
}

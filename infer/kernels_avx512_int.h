/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512 (F, BW, VL, DQ): included by one file for each flavour, which defines before
 *
 *   SET_NAME, SET_TABLE        of the table
 *   SET_TUNED_FOR              as whose processors like it memory is asked for: ZEN4, ZEN5, INTEL
 *   SET_HAS_TILES              only where there is AMX
 *   has_instructions()         does the processor have those of this flavour?
 *   dot4(sums, bytes, signs)   sums[i] += the four products of unsigned bytes[4 i ...] and signed signs[4 i ...]
 *
 * Activations for blocks of 8 bits and less are rounded to 8 bits with a scale d for each 32; s is d times their sum, which takes the
 * minimum of a block into account without looking at its elements again.
 *
 * One token, or a few (kernels_avx512_rows_int.h): a row after the other, as memory brings them; unpacking takes no more instructions
 * than a core has time for meanwhile.
 * Many tokens (kernels_avx512_panel_int.h): 32 rows are unpacked once into the form that the multiplication wants, and used for all.
 */
#include <immintrin.h>

enum maker { ZEN4, ZEN5, INTEL };

#define LANES 16
#define TILE 4
#include "ops_vector_int.h"

static inline lanes_f half_load(const uint16_t *p)
{
	return (lanes_f)_mm512_cvtph_ps(_mm256_loadu_si256((const void *)p));
}

static inline void half_store(uint16_t *p, lanes_f v)
{
	_mm256_storeu_si256((void *)p, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline float vector_sum(lanes_f v)
{
	return _mm512_reduce_add_ps((__m512)v);
}

static inline void four_sums(float out[4], const lanes_f v[4])
{
	const __m512 *m = (const __m512 *)v;
	__m512 a = _mm512_add_ps(_mm512_unpacklo_ps(m[0], m[1]), _mm512_unpackhi_ps(m[0], m[1]));
	__m512 b = _mm512_add_ps(_mm512_unpacklo_ps(m[2], m[3]), _mm512_unpackhi_ps(m[2], m[3]));
	__m512 all_ = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
	__m256 half = _mm256_add_ps(_mm512_castps512_ps256(all_), _mm512_extractf32x8_ps(all_, 1));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1)));
}

static inline __m512i load512(const void *p)
{
	return _mm512_loadu_si512(p);
}

static inline __mmask16 lanes_below(uint32_t n)
{
	return (__mmask16)(n >= 16 ? 0xffff : (1u << n) - 1);
}

/* --- floats of every width, 16 at a time; with a mask, lanes beyond are not read and 0 --- */

static inline __m512 f8_to_floats(__m128i b)
{
	__m256i w = _mm256_cvtepu8_epi16(b), magnitude = _mm256_and_si256(w, _mm256_set1_epi16(0x7f));
	__m256i half = _mm256_or_si256(_mm256_slli_epi16(_mm256_xor_si256(w, magnitude), 8), _mm256_slli_epi16(magnitude, 7));
	__mmask16 nan = _mm256_cmpeq_epi16_mask(magnitude, _mm256_set1_epi16(0x7f));

	/* As F16 the exponent is 8 too low. */
	return _mm512_mask_mov_ps(_mm512_mul_ps(_mm512_cvtph_ps(half), _mm512_set1_ps(256)), nan, _mm512_set1_ps(NAN));
}

static inline __attribute__((always_inline)) __m512 float_load(enum tensor_type type, const void *data, size_t at)
{
	switch (type) {
	case TENSOR_F16:
		return _mm512_cvtph_ps(_mm256_loadu_si256((const void *)((const uint16_t *)data + at)));
	case TENSOR_BF16:
		return _mm512_castsi512_ps(_mm512_slli_epi32(
			_mm512_cvtepu16_epi32(_mm256_loadu_si256((const void *)((const uint16_t *)data + at))), 16));
	case TENSOR_F8_E4M3:
		return f8_to_floats(_mm_loadu_si128((const void *)((const uint8_t *)data + at)));
	default:
		return _mm512_loadu_ps((const float *)data + at);
	}
}

static inline __attribute__((always_inline)) __m512 float_load_part(enum tensor_type type, const void *data, size_t at, __mmask16 mask)
{
	switch (type) {
	case TENSOR_F16:
		return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, (const uint16_t *)data + at));
	case TENSOR_BF16:
		return _mm512_castsi512_ps(
			_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, (const uint16_t *)data + at)), 16));
	case TENSOR_F8_E4M3:
		return f8_to_floats(_mm_maskz_loadu_epi8(mask, (const uint8_t *)data + at));
	default:
		return _mm512_maskz_loadu_ps(mask, (const float *)data + at);
	}
}

static inline __attribute__((always_inline)) void floats_of(enum tensor_type type, const void *data, size_t n, float *out)
{
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		_mm512_storeu_ps(out + i, float_load(type, data, i));
	if (i < n)
		_mm512_mask_storeu_ps(out + i, lanes_below((uint32_t)(n - i)), float_load_part(type, data, i, lanes_below((uint32_t)(n - i))));
}

/* Blocks are left to the reference: one row for an embedding is no work. */
static void to_floats(enum tensor_type type, const void *data, size_t n, float *out)
{
	switch (type) {
	case TENSOR_F16:
		floats_of(TENSOR_F16, data, n, out);
		break;
	case TENSOR_BF16:
		floats_of(TENSOR_BF16, data, n, out);
		break;
	case TENSOR_F8_E4M3:
		floats_of(TENSOR_F8_E4M3, data, n, out);
		break;
	default:
		dequantize(type, data, n, out);
	}
}

/* --- activations --- */

/* 32 floats as 8 bits: x is about d * q. */
static inline void quantize_block(const float *x, int8_t q[32], float *d, float *s)
{
	__m512 a = _mm512_loadu_ps(x), b = _mm512_loadu_ps(x + 16);
	bool none = _mm512_cmp_ps_mask(a, b, _CMP_UNORD_Q); /* is one of them no number? */
	float greatest = none ? NAN : _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(a), _mm512_abs_ps(b)));
	__m512 by = _mm512_set1_ps(greatest > 0 ? 127 / greatest : 0);
	__m512i qa = _mm512_cvtps_epi32(_mm512_mul_ps(a, by)), qb = _mm512_cvtps_epi32(_mm512_mul_ps(b, by));

	_mm_storeu_si128((void *)q, _mm512_cvtsepi32_epi8(qa));
	_mm_storeu_si128((void *)(q + 16), _mm512_cvtsepi32_epi8(qb));
	*d = greatest / 127;
	*s = *d * (float)_mm512_reduce_add_epi32(_mm512_add_epi32(qa, qb));
}

/* From so many tokens on it pays to unpack rows into panels. */
#define PANEL_TOKENS 8u

#include "kernels_avx512_rows_int.h"
#include "kernels_avx512_panel_int.h"

static bool has_blocks(enum tensor_type type)
{
	return tensor_type_info(type)->block > 1;
}

static enum acts_form form(enum tensor_type type, size_t n)
{
	if (has_blocks(type))
		return n < PANEL_TOKENS ? ACTS_BYTES : ACTS_BYTE_PANEL;
	return n < PANEL_TOKENS ? ACTS_FLOATS : ACTS_FLOAT_PANEL;
}

static uint32_t grain(enum tensor_type type, size_t n)
{
	if (n < PANEL_TOKENS)
		return ROWS_GRAIN;
	return has_blocks(type) ? BYTE_PANEL_ROWS : FLOAT_PANEL_ROWS;
}

static void prepare(enum acts_form f, const struct acts *x, size_t begin, size_t end)
{
	switch (f) {
	case ACTS_BYTES:
		prepare_bytes(x, begin, end);
		break;
	case ACTS_BYTE_PANEL:
		prepare_byte_panel(x, begin, end);
		break;
	case ACTS_FLOAT_PANEL:
		prepare_float_panel(x, begin, end);
		break;
	case ACTS_FLOATS:
	case ACTS_FORMS:
		break;
	}
}

static void rows(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	if (j->x->n < PANEL_TOKENS)
		few_tokens(j, begin, end);
	else if (has_blocks(j->w->type))
		byte_panels(j, begin, end);
	else
		float_panels(j, begin, end);
}

const struct kernels SET_TABLE = {
	.name = SET_NAME,
	.can_run = has_instructions,
	.form = form,
	.grain = grain,
	.prepare = prepare,
	.rows = rows,
	.to_floats = to_floats,
	VECTOR_OPS,
};

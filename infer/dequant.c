// SPDX-License-Identifier: Apache-2.0
/*
 * Elements of every type that weights may have, to floats: exact, and as plain as the formats allow. Others are compared with this.
 *
 * Blocks of ggml, all little endian, d and m in F16: [ggml-common.h and ggml-quants.c dequantize_row_*, 2025-10]
 *
 *   type   elements  bytes  layout, and the value of element i
 *   Q8_0   32        34     d, int8 q[32]                      d * q[i]
 *   Q4_0   32        18     d, q[16]                           d * (n(i) - 8); n(i): low half of q[i], or for i >= 16 high half of q[i - 16]
 *   Q4_1   32        20     d, m, q[16]                        d * n(i) + m
 *   Q5_0   32        22     d, h[4], q[16]                     d * (n(i) + 16 * (bit i of h) - 16)
 *   Q5_1   32        24     d, m, h[4], q[16]                  d * (n(i) + 16 * (bit i of h)) + m
 *   Q4_K   256       144    d, m, s[12], q[128]                d * scale(j) * n - m * min(j), j = i / 32
 *   Q5_K   256       176    d, m, s[12], h[32], q[128]         the same, with 16 * (bit j of h[i % 32]) more in n
 *   Q6_K   256       210    l[128], h[64], int8 s[16], d       d * s[i / 16] * (n - 32)
 *
 * Q4_K, Q5_K: n is the low half of q[32 * (j / 2) + i % 32] for even j, the high half for odd j. The eight pairs of a 6-bit scale and
 * min are in s: of j < 4 in the low 6 bits of s[j] and s[j + 4]; of the others 4 low bits are the halves of s[j + 4], and 2 high bits
 * the upper ones of s[j - 4] and s[j]. Q6_K: the two halves of 128 elements have 64 bytes of l and 32 of h each; for element i of a
 * half, n is the low (i < 64) or high half of l[i % 64] and two bits of h[i % 32] from bit 2 * (i / 32) on, above it.
 *
 * F8_E4M3 has no infinity; all ones but the sign is NaN. [Micikevicius and others, FP8 Formats for Deep Learning, 2022]
 */
#include "kernels_table_int.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static float float_of_bits(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static uint32_t bits_of_float(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static uint16_t u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32_at(const uint8_t *p)
{
	return (uint32_t)u16_at(p) | (uint32_t)u16_at(p + 2) << 16;
}

static float f16_at(const uint8_t *p)
{
	return float_of_f16(u16_at(p));
}

float float_of_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 0x3ff;

	if (exponent == 31)
		return float_of_bits(sign | 0x7f800000 | fraction << 13);
	if (exponent)
		return float_of_bits(sign | (exponent + 112) << 23 | fraction << 13);
	return float_of_bits(sign | bits_of_float((float)fraction * 0x1p-24f));
}

float float_of_bf16(uint16_t h)
{
	return float_of_bits((uint32_t)h << 16);
}

uint16_t f16_of_float(float f)
{
	uint32_t bits = bits_of_float(f), sign = bits >> 16 & 0x8000;
	uint32_t magnitude = bits & 0x7fffffff, rounded;

	if (magnitude > 0x7f800000)
		return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
	if (magnitude >= 0x477ff000) /* what rounds to 65536 and more */
		return (uint16_t)(sign | 0x7c00);
	if (magnitude < 0x38800000) /* below 2^-14: the unit is 2^-24; adding 1/2 of F32 units of it rounds as the processor does */
		return (uint16_t)(sign | (bits_of_float(float_of_bits(magnitude) + 0.5f) - bits_of_float(0.5f)));
	rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
	return (uint16_t)(sign | (rounded - 0x38000000) >> 13);
}

float float_of_f8_e4m3(uint8_t b)
{
	uint32_t sign = (uint32_t)(b & 0x80) << 24, exponent = b >> 3 & 15, fraction = b & 7;

	if ((b & 0x7f) == 0x7f)
		return float_of_bits(sign | 0x7fc00000);
	if (exponent)
		return float_of_bits(sign | (exponent + 120) << 23 | fraction << 20);
	return float_of_bits(sign | bits_of_float((float)fraction * 0x1p-9f));
}

static void q8_0(const uint8_t *b, float *out)
{
	float d = f16_at(b);

	for (int i = 0; i < 32; i++)
		out[i] = d * (float)(int8_t)b[2 + i];
}

/* high: bit i is the fifth bit of element i. */
static void nibbles(const uint8_t *q, uint32_t high, float d, float offset, float m, float *out)
{
	for (int i = 0; i < 16; i++) {
		out[i] = d * ((float)((q[i] & 15) | (high >> i & 1) << 4) + offset) + m;
		out[i + 16] = d * ((float)(q[i] >> 4 | (high >> (i + 16) & 1) << 4) + offset) + m;
	}
}

static void q4_0(const uint8_t *b, float *out)
{
	nibbles(b + 2, 0, f16_at(b), -8, 0, out);
}

static void q4_1(const uint8_t *b, float *out)
{
	nibbles(b + 4, 0, f16_at(b), 0, f16_at(b + 2), out);
}

static void q5_0(const uint8_t *b, float *out)
{
	nibbles(b + 6, u32_at(b + 2), f16_at(b), -16, 0, out);
}

static void q5_1(const uint8_t *b, float *out)
{
	nibbles(b + 8, u32_at(b + 4), f16_at(b), 0, f16_at(b + 2), out);
}

static void scale_and_min(const uint8_t *s, int j, float *scale, float *min)
{
	if (j < 4) {
		*scale = (float)(s[j] & 63);
		*min = (float)(s[j + 4] & 63);
	} else {
		*scale = (float)((s[j + 4] & 15) | s[j - 4] >> 6 << 4);
		*min = (float)(s[j + 4] >> 4 | s[j] >> 6 << 4);
	}
}

/* Q4_K where h is NULL, else Q5_K. */
static void k45(const uint8_t *b, const uint8_t *h, const uint8_t *q, float *out)
{
	for (int j = 0; j < 8; j++) {
		float scale, min;

		scale_and_min(b + 4, j, &scale, &min);
		scale *= f16_at(b);
		min *= f16_at(b + 2);
		for (int i = 0; i < 32; i++) {
			int n = j % 2 ? q[32 * (j / 2) + i] >> 4 : q[32 * (j / 2) + i] & 15;

			if (h)
				n |= (h[i] >> j & 1) << 4;
			out[32 * j + i] = scale * (float)n - min;
		}
	}
}

static void q4_k(const uint8_t *b, float *out)
{
	k45(b, NULL, b + 16, out);
}

static void q5_k(const uint8_t *b, float *out)
{
	k45(b, b + 16, b + 48, out);
}

static void q6_k(const uint8_t *b, float *out)
{
	float d = f16_at(b + 208);

	for (int i = 0; i < 256; i++) {
		int half = i / 128, at = i % 128;
		uint8_t low = b[64 * half + at % 64], high = b[128 + 32 * half + at % 32];
		int n = (at < 64 ? low & 15 : low >> 4) | (high >> 2 * (at / 32) & 3) << 4;

		out[i] = d * (float)(int8_t)b[192 + i / 16] * (float)(n - 32);
	}
}

typedef void block_to_floats(const uint8_t *block, float *out);
static block_to_floats *const blocks[TENSOR_TYPES] = {
	[TENSOR_Q8_0] = q8_0, [TENSOR_Q4_0] = q4_0, [TENSOR_Q4_1] = q4_1, [TENSOR_Q5_0] = q5_0, [TENSOR_Q5_1] = q5_1,
	[TENSOR_Q4_K] = q4_k, [TENSOR_Q5_K] = q5_k, [TENSOR_Q6_K] = q6_k,
};

bool kernels_has_type(enum tensor_type type)
{
	return type == TENSOR_F32 || type == TENSOR_F16 || type == TENSOR_BF16 || type == TENSOR_F8_E4M3 ||
	       ((unsigned)type < TENSOR_TYPES && blocks[type]);
}

void dequantize(enum tensor_type type, const void *data, size_t n, float *out)
{
	const struct tensor_type_info *info = tensor_type_info(type);
	const uint8_t *p = data;

	assert(kernels_has_type(type) && n % info->block == 0);
	if (blocks[type])
		for (size_t i = 0; i < n; i += info->block, p += info->bytes)
			blocks[type](p, out + i);
	else if (type == TENSOR_F32)
		memcpy(out, p, n * sizeof(*out));
	else if (type == TENSOR_F8_E4M3)
		for (size_t i = 0; i < n; i++)
			out[i] = float_of_f8_e4m3(p[i]);
	else
		for (size_t i = 0; i < n; i++)
			out[i] = type == TENSOR_F16 ? f16_at(p + 2 * i) : float_of_bf16(u16_at(p + 2 * i));
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX2, weights of blocks: part of kernels_avx2.c.
 *
 * Bytes are unsigned but for Q8_0; what they are too high by is taken away through the sums of the activations, which are known. Eight
 * blocks are a step, and what there is one of for each block is kept in its order: blocks 0 2 4 6 1 3 5 7. So many scales are a vector, and
 * products of several blocks share one as soon as 16 bits allow it: the way to 32 bits, to floats and times a scale is gone once for all of
 * them. A pair of products is at most 2 * 15 * 127 of four bits, of which 16 bits hold eight; of five bits four, of six two, of Q8_0 one.
 *
 * One token: bytes go from the row to the product. More: a row is unpacked once, in the scratch, for all tokens.
 */

#define STEP 8u /* blocks */
#define FOUR 4u /* of them: the even ones, or the odd ones */
#define ROWS_AT_ONCE 4u
#define STEPS_AT_ONCE 8u

/* Of a block. [format/type.c] */
static inline __attribute__((always_inline)) size_t block_bytes(enum tensor_type type)
{
	switch (type) {
	case TENSOR_Q4_0:
		return 18;
	case TENSOR_Q4_1:
		return 20;
	case TENSOR_Q5_0:
		return 22;
	case TENSOR_Q5_1:
		return 24;
	case TENSOR_Q8_0:
		return 34;
	case TENSOR_Q4_K:
		return 144;
	case TENSOR_Q5_K:
		return 176;
	default:
		return 210;
	}
}

static inline bool is_super(enum tensor_type type)
{
	return type == TENSOR_Q4_K || type == TENSOR_Q5_K || type == TENSOR_Q6_K;
}

static inline __attribute__((always_inline)) size_t step_len(enum tensor_type type)
{
	return block_bytes(type) * (is_super(type) ? 1 : STEP);
}

static inline size_t steps(uint32_t cols)
{
	return (cols / 32 + STEP - 1) / STEP;
}

/* --- activations --- */

/*
 * 8 bits with a scale d for each 32; s is d times their sum, halves are the sums of the first 16 of each and of the others. Up to a whole
 * step they are 0. `pairs` has the bytes again, of two blocks the first 16 of both, then the others.
 */
struct token_bytes {
	int8_t *q, *pairs;
	float *d, *s;
	int16_t (*halves)[2];
};

static struct token_bytes token_bytes_at(const struct acts *x, size_t t)
{
	size_t blocks = steps(x->cols) * STEP;
	int8_t *q = (int8_t *)x->form[ACTS_BYTES] + t * blocks * (64 + 3 * sizeof(float));
	float *d = (float *)(void *)(q + 64 * blocks);

	_Static_assert(ACTS_BYTES_EACH * 32 >= 64 + 3 * sizeof(float) && ACTS_COLS_ROUND == 32 * STEP, "a step fits its memory");
	return (struct token_bytes){q, q + 32 * blocks, d, d + blocks, (int16_t(*)[2])(void *)(d + 2 * blocks)};
}

/* Where block b has its place. */
static inline size_t place(size_t b)
{
	return b / STEP * STEP + b % 2 * FOUR + b % STEP / 2;
}

static int16_t sum_16(__m256i a, __m256i b)
{
	return (int16_t)vector_sum((lanes_f)_mm256_cvtepi32_ps(_mm256_add_epi32(a, b)));
}

static void quantize_block(const float *x, const struct token_bytes *to, size_t b)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 v[4], greatest = _mm256_setzero_ps(), by;
	__m256i n[4], bytes;
	size_t at = place(b);
	float max_ = 0;
	int8_t *pair = to->pairs + b / 2 * 64 + b % 2 * 16;

	for (int i = 0; i < 4; i++) {
		v[i] = _mm256_loadu_ps(x + 8 * i);
		greatest = _mm256_max_ps(greatest, _mm256_andnot_ps(sign, v[i]));
	}
	for (unsigned i = 0; i < LANES; i++)
		max_ = greatest[i] > max_ ? greatest[i] : max_;
	by = _mm256_set1_ps(max_ > 0 ? 127 / max_ : 0);
	for (int i = 0; i < 4; i++)
		n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], by));
	bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
	bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm256_storeu_si256((void *)(to->q + 32 * b), bytes);
	_mm_storeu_si128((void *)pair, _mm256_castsi256_si128(bytes));
	_mm_storeu_si128((void *)(pair + 32), _mm256_extracti128_si256(bytes, 1));
	for (int i = 0; i < 2; i++)
		to->halves[at][i] = sum_16(n[2 * i], n[2 * i + 1]);
	to->d[at] = max_ / 127;
	to->s[at] = to->d[at] * (float)(to->halves[at][0] + to->halves[at][1]);
}

static void prepare_blocks(const struct acts *x, size_t begin, size_t end)
{
	static const float none[32];

	for (size_t t = begin; t < end; t++) {
		struct token_bytes to = token_bytes_at(x, t);

		for (size_t b = 0; b < steps(x->cols) * STEP; b++)
			quantize_block(b < x->cols / 32 ? x->x + t * x->stride + 32 * b : none, &to, b);
	}
}

/* --- blocks to bytes --- */

typedef uint16_t bits16x16 __attribute__((vector_size(32)));

static inline __m256i load256(const void *p)
{
	return _mm256_loadu_si256(p);
}

/* Bits of each byte that `mask` has, shifted: none crosses a byte. */
static inline __m256i bits_left(__m256i v, uint8_t mask, unsigned by)
{
	return (__m256i)((bits16x16)_mm256_and_si256(v, _mm256_set1_epi8((char)mask)) << (uint16_t)by);
}

static inline __m256i bits_right(__m256i v, uint8_t mask, unsigned by)
{
	return _mm256_and_si256((__m256i)((bits16x16)v >> (uint16_t)by), _mm256_set1_epi8((char)mask));
}

/* Eight bytes, 16 where a bit is set. Three instructions of which each is in memory are less than what vectors take: shuffle, mask, compare. */
#define FIFTH_1(n)                                                                                                                                 \
	((n)&1ull) << 4 | ((n)&2ull) << 11 | ((n)&4ull) << 18 | ((n)&8ull) << 25 | ((n)&16ull) << 32 | ((n)&32ull) << 39 | ((n)&64ull) << 46 |  \
		((n)&128ull) << 53
#define FIFTH_4(n) FIFTH_1(n), FIFTH_1((n) + 1), FIFTH_1((n) + 2), FIFTH_1((n) + 3)
#define FIFTH_16(n) FIFTH_4(n), FIFTH_4((n) + 4), FIFTH_4((n) + 8), FIFTH_4((n) + 12)
#define FIFTH_64(n) FIFTH_16(n), FIFTH_16((n) + 16), FIFTH_16((n) + 32), FIFTH_16((n) + 48)
static const uint64_t fifth_bits[256] = {FIFTH_64(0), FIFTH_64(64), FIFTH_64(128), FIFTH_64(192)};

static inline __m256i fifth_of_two(const uint8_t p[2], const uint8_t q[2])
{
	return _mm256_set_epi64x((int64_t)fifth_bits[q[1]], (int64_t)fifth_bits[q[0]], (int64_t)fifth_bits[p[1]], (int64_t)fifth_bits[p[0]]);
}

/* Of blocks at p and q the first 16 columns of both, or the last, as in `pairs` of activations. */
static inline __attribute__((always_inline)) __m256i bytes_of_two(enum tensor_type type, const uint8_t *p, const uint8_t *q, unsigned last)
{
	bool five = type == TENSOR_Q5_0 || type == TENSOR_Q5_1;
	unsigned high = type == TENSOR_Q4_1 || type == TENSOR_Q5_1 ? 4 : 2, low = five ? high + 4 : high;
	__m256i v = bits_right(_mm256_loadu2_m128i((const void *)(q + low), (const void *)(p + low)), 15, 4 * last);

	return five ? _mm256_or_si256(v, fifth_of_two(p + high + 2 * last, q + high + 2 * last)) : v;
}

/* Block b of a superblock of Q4_K or Q5_K; dequant.c says where its parts are. */
static inline __attribute__((always_inline)) __m256i bytes_k45(enum tensor_type type, const uint8_t *p, unsigned b)
{
	__m256i v = bits_right(load256(p + (type == TENSOR_Q5_K ? 48 : 16) + 32 * (b / 2)), 15, b % 2 * 4), high;

	if (type == TENSOR_Q4_K)
		return v;
	high = load256(p + 16);
	high = b < 4 ? bits_left(high, (uint8_t)(1 << b), 4 - b) : bits_right(high, 16, b - 4);
	return _mm256_or_si256(v, high);
}

static inline __attribute__((always_inline)) __m256i bytes_q6_k(const uint8_t *p, unsigned b)
{
	unsigned half = b / 4, at = b % 4;
	__m256i v = bits_right(load256(p + 64 * half + 32 * (at % 2)), 15, at / 2 * 4), high = load256(p + 128 + 32 * half);

	high = at < 2 ? bits_left(high, (uint8_t)(3 << 2 * at), 4 - 2 * at) : bits_right(high, 0x30, 2 * at - 4);
	return _mm256_or_si256(v, high);
}

/* Are bytes in the order of `pairs`? */
static inline bool is_paired(enum tensor_type type)
{
	return !is_super(type) && type != TENSOR_Q8_0;
}

/* Vector i of a step of `nr` blocks; what is not there is 0. */
static inline __attribute__((always_inline)) __m256i step_bytes(enum tensor_type type, const uint8_t *p, unsigned nr, unsigned i)
{
	static const uint8_t none[24];
	size_t len = block_bytes(type);

	if (type == TENSOR_Q4_K || type == TENSOR_Q5_K)
		return bytes_k45(type, p, i);
	if (type == TENSOR_Q6_K)
		return bytes_q6_k(p, i);
	if (type == TENSOR_Q8_0)
		return i < nr ? load256(p + i * len + 2) : _mm256_setzero_si256();
	return bytes_of_two(type, i / 2 * 2 < nr ? p + i / 2 * 2 * len : none, i / 2 * 2 + 1 < nr ? p + (i / 2 * 2 + 1) * len : none, i % 2);
}

/* --- scales --- */

/*
 * Of a step: products times d are the sum that is wanted, but for m times the sums of the activations. Superblocks have one d, and `words` as
 * factors of products in integers: for sums of two blocks and two blocks of Q6_K, of four of others; [4] are those of Q6_K in the order of
 * `halves`.
 */
struct step_scales {
	__m256 d, m;
	__m256i words[5];
};

/* F16 at p, p + len, ... in the order of blocks; 0 for those that there are not. */
static inline __attribute__((always_inline)) __m256 halves_of(const uint8_t *p, size_t len, unsigned nr)
{
	uint64_t four[2] = {0, 0};

#pragma GCC unroll 8
	for (unsigned i = 0; i < STEP; i++) {
		uint16_t h = 0;

		if (i < nr)
			memcpy(&h, p + i * len, sizeof(h));
		four[i % 2] |= (uint64_t)h << i / 2 * 16;
	}
	return _mm256_cvtph_ps(_mm_unpacklo_epi64(_mm_cvtsi64_si128((int64_t)four[0]), _mm_cvtsi64_si128((int64_t)four[1])));
}

/* The same of the F16 at p and of those behind them. */
static inline __attribute__((always_inline)) void halves_of_both(const uint8_t *p, size_t len, unsigned nr, __m256 *d, __m256 *m)
{
	const __m128i apart = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
	int32_t both[STEP];
	__m128i even, odd;

#pragma GCC unroll 8
	for (unsigned i = 0; i < STEP; i++) {
		both[i] = 0;
		if (i < nr)
			memcpy(&both[i], p + i * len, sizeof(both[i]));
	}
	even = _mm_shuffle_epi8(_mm_setr_epi32(both[0], both[2], both[4], both[6]), apart);
	odd = _mm_shuffle_epi8(_mm_setr_epi32(both[1], both[3], both[5], both[7]), apart);
	*d = _mm256_cvtph_ps(_mm_unpacklo_epi64(even, odd));
	*m = _mm256_cvtph_ps(_mm_unpackhi_epi64(even, odd));
}

/* Scales 0 to 3, minima 0 to 3, scales 4 to 7, minima 4 to 7 of Q4_K and Q5_K, bytes, in both halves; dequant.c says where they are. */
static inline __m256i scales_k45(const uint8_t *p)
{
	uint64_t low, up;
	uint32_t four;

	memcpy(&low, p + 4, sizeof(low));
	memcpy(&four, p + 12, sizeof(four));
	up = (low >> 2 & 0x3030303030303030) | (four & 0x0f0f0f0f) | (uint64_t)(four >> 4 & 0x0f0f0f0f) << 32;
	low &= 0x3f3f3f3f3f3f3f3f;
	return _mm256_broadcastsi128_si256(_mm_set_epi64x((int64_t)up, (int64_t)low));
}

static inline __attribute__((always_inline)) struct step_scales step_scales_k45(const uint8_t *p)
{
	const __m256i even = _mm256_broadcastsi128_si256(_mm_setr_epi8(0, -1, 0, -1, 2, -1, 2, -1, 8, -1, 8, -1, 10, -1, 10, -1));
	const __m256i odd = _mm256_broadcastsi128_si256(_mm_setr_epi8(1, -1, 1, -1, 3, -1, 3, -1, 9, -1, 9, -1, 11, -1, 11, -1));
	const __m256i minima = _mm256_setr_epi8(4, -1, -1, -1, 6, -1, -1, -1, 12, -1, -1, -1, 14, -1, -1, -1, 5, -1, -1, -1, 7, -1, -1, -1, 13,
						-1, -1, -1, 15, -1, -1, -1);
	__m256i bytes = scales_k45(p);
	__m128 d = _mm_cvtph_ps(_mm_loadu_si128((const void *)p));
	return (struct step_scales){
		.d = _mm256_broadcastss_ps(d),
		.m = _mm256_mul_ps(_mm256_broadcastss_ps(_mm_movehdup_ps(d)), _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, minima))),
		.words = {_mm256_shuffle_epi8(bytes, even), _mm256_shuffle_epi8(bytes, odd)},
	};
}

/* There is a scale for each 16. */
static inline __attribute__((always_inline)) struct step_scales step_scales_q6_k(const uint8_t *p)
{
	const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 2, 6, 10, 14, 1, 5, 9, 13, 3, 7, 11, 15);
	const __m128i halves = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15);
	__m128i scales = _mm_loadu_si128((const void *)(p + 192));
	__m256i sides = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, order));
	struct step_scales s = {.d = _mm256_set1_ps(half_at(p + 208))};

#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s.words[i] = _mm256_shuffle_epi8(sides, _mm256_set1_epi64x(0x0302030201000100 + 0x0404040404040404 * i));
	s.words[4] = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, halves));
	return s;
}

static inline __attribute__((always_inline)) struct step_scales step_scales(enum tensor_type type, const uint8_t *p, unsigned nr)
{
	struct step_scales s;

	if (type == TENSOR_Q6_K)
		return step_scales_q6_k(p);
	if (is_super(type))
		return step_scales_k45(p);
	if (type == TENSOR_Q4_1 || type == TENSOR_Q5_1)
		halves_of_both(p, block_bytes(type), nr, &s.d, &s.m);
	else
		s.d = s.m = halves_of(p, block_bytes(type), nr);
	return s;
}

/* Of minima: what bytes are too high by, or 1. */
static inline __attribute__((always_inline)) float offset(enum tensor_type type)
{
	switch (type) {
	case TENSOR_Q4_0:
		return -8;
	case TENSOR_Q5_0:
		return -16;
	case TENSOR_Q4_K:
	case TENSOR_Q5_K:
		return -1;
	case TENSOR_Q6_K:
		return -32;
	default:
		return 1;
	}
}

/* --- products --- */

/* Lanes of two vectors side by side, each the sum of two: of 32 bits, or of 64 that are summed already. */
static inline __m256i beside_32(__m256i a, __m256i b, bool words)
{
	__m256i low = _mm256_unpacklo_epi32(a, b), high = _mm256_unpackhi_epi32(a, b);

	return words ? _mm256_add_epi16(low, high) : _mm256_add_epi32(low, high);
}

static inline __m256i beside_64(__m256i a, __m256i b, bool words)
{
	__m256i low = _mm256_unpacklo_epi64(a, b), high = _mm256_unpackhi_epi64(a, b);

	return words ? _mm256_add_epi16(low, high) : _mm256_add_epi32(low, high);
}

/* A step of a row: in its blocks, or unpacked. */
struct row_step {
	__m256i bytes[STEP], magnitudes[STEP]; /* the latter of Q8_0 only */
	struct step_scales scales;
};

struct step {
	const uint8_t *p; /* or NULL */
	const struct row_step *unpacked;
	unsigned nr;
};

/* Vector i of weights times activations, pairs summed. */
static inline __attribute__((always_inline)) __m256i pairs(enum tensor_type type, const struct step *w, const int8_t *x, unsigned i)
{
	__m256i a = w->p ? step_bytes(type, w->p, w->nr, i) : w->unpacked->bytes[i], b = load256(x + 32 * i), magnitudes;

	if (type != TENSOR_Q8_0)
		return _mm256_maddubs_epi16(a, b);
	magnitudes = w->p ? _mm256_abs_epi8(a) : w->unpacked->magnitudes[i];
	return _mm256_madd_epi16(_mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(b, a)), _mm256_set1_epi16(1));
}

/* Lanes are blocks in their order. */
static inline __attribute__((always_inline)) __m256i dots_paired(enum tensor_type type, const struct step *w, const int8_t *x)
{
	const __m256i ones = _mm256_set1_epi16(1);
	__m256i v[4];

	for (unsigned i = 0; i < 4; i++)
		v[i] = _mm256_add_epi16(pairs(type, w, x, 2 * i), pairs(type, w, x, 2 * i + 1));
	v[0] = beside_32(v[0], v[1], true);
	v[2] = beside_32(v[2], v[3], true);
	if (type == TENSOR_Q4_0 || type == TENSOR_Q4_1)
		return _mm256_madd_epi16(beside_64(v[0], v[2], true), ones);
	return beside_64(_mm256_madd_epi16(v[0], ones), _mm256_madd_epi16(v[2], ones), false);
}

/* [0] the even blocks, [1] the odd ones: lane i is of the first 16 columns of a block, lane 4 + i of the others. */
static inline __attribute__((always_inline)) void dots_of_fours(enum tensor_type type, const struct step *w, const struct step_scales *s,
								const int8_t *x, __m256i out[2])
{
	bool words = type != TENSOR_Q8_0;
	__m256i half[2][2];

#pragma GCC unroll 2
	for (unsigned i = 0; i < 2; i++)
#pragma GCC unroll 2
		for (unsigned odd = 0; odd < 2; odd++) {
			half[odd][i] = beside_32(pairs(type, w, x, 4 * i + odd), pairs(type, w, x, 4 * i + odd + 2), words);
			if (type == TENSOR_Q6_K)
				half[odd][i] = _mm256_madd_epi16(half[odd][i], s->words[2 * odd + i]);
		}
#pragma GCC unroll 2
	for (unsigned odd = 0; odd < 2; odd++) {
		out[odd] = beside_64(half[odd][0], half[odd][1], words && type != TENSOR_Q6_K);
		if (words && type != TENSOR_Q6_K)
			out[odd] = _mm256_madd_epi16(out[odd], s->words[odd]);
	}
}

static inline __m256 twice(const float *four)
{
	return _mm256_broadcast_ps((const __m128 *)(const void *)four);
}

struct row_sums {
	__m256 products, minima;
};

/* Blocks b to b + STEP of a row with a token: sums go on. */
static inline __attribute__((always_inline)) void products_add(enum tensor_type type, const struct step *w, const struct step_scales *s,
							       const struct token_bytes *x, size_t b, __m256 *sums)
{
	float by[STEP];
	__m256i dots_[2];
	__m256 v;

	if (is_paired(type)) {
		v = _mm256_cvtepi32_ps(dots_paired(type, w, x->pairs + 32 * b));
		*sums = _mm256_fmadd_ps(v, _mm256_mul_ps(s->d, _mm256_loadu_ps(x->d + b)), *sums);
		return;
	}
	dots_of_fours(type, w, s, x->q + 32 * b, dots_);
	if (type == TENSOR_Q8_0) {
		_mm256_storeu_ps(by, _mm256_mul_ps(s->d, _mm256_loadu_ps(x->d + b)));
		__asm__("" : "+m"(by)); /* halves come back by loads: in registers it takes Zen eight operations */
		*sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots_[0]), twice(by), *sums);
		*sums = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots_[1]), twice(by + FOUR), *sums);
		return;
	}
	v = _mm256_mul_ps(_mm256_cvtepi32_ps(dots_[0]), twice(x->d + b));
	v = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dots_[1]), twice(x->d + b + FOUR), v);
	*sums = _mm256_fmadd_ps(v, s->d, *sums);
}

static inline __attribute__((always_inline)) void minima_add(enum tensor_type type, const struct step_scales *s, const struct token_bytes *x,
							     size_t b, __m256 *sums)
{
	__m256 v;

	if (type == TENSOR_Q8_0)
		return;
	if (type != TENSOR_Q6_K) {
		*sums = _mm256_fmadd_ps(s->m, _mm256_loadu_ps(x->s + b), *sums);
		return;
	}
	v = _mm256_cvtepi32_ps(_mm256_madd_epi16(s->words[4], load256(x->halves + b)));
	*sums = _mm256_fmadd_ps(_mm256_mul_ps(v, _mm256_loadu_ps(x->d + b)), s->d, *sums);
}

static inline __attribute__((always_inline)) __m256 sums_end(enum tensor_type type, const struct row_sums *sums)
{
	return _mm256_fmadd_ps(sums->minima, _mm256_set1_ps(offset(type)), sums->products);
}

/* --- rows --- */

static inline __attribute__((always_inline)) void step_of_one(enum tensor_type type, const uint8_t *p, unsigned nr,
							      const struct token_bytes *x, size_t b, struct row_sums *sums)
{
	struct step w = {.p = p, .nr = nr};
	struct step_scales s = step_scales(type, p, nr);

#pragma GCC unroll 5
	for (size_t i = 0; i < step_len(type); i += 64)
		_mm_prefetch((const char *)p + AHEAD + i, _MM_HINT_T0);
	products_add(type, &w, &s, x, b, &sums->products);
	minima_add(type, &s, x, b, &sums->minima);
}

static inline __attribute__((always_inline)) float row_of_one(enum tensor_type type, const uint8_t *p, const struct token_bytes *x, size_t blocks)
{
	struct row_sums sums = {_mm256_setzero_ps(), _mm256_setzero_ps()};
	size_t b = 0;

	for (; b + STEP <= blocks; b += STEP, p += step_len(type))
		step_of_one(type, p, STEP, x, b, &sums);
	if (!is_super(type) && b < blocks)
		step_of_one(type, p, (unsigned)(blocks - b), x, b, &sums);
	return vector_sum((lanes_f)sums_end(type, &sums));
}

/* Some rows, or parts of them, unpacked together: few enough for the first level cache, beside the activations of a token. */
struct part {
	uint32_t r, nr;
	size_t first, blocks; /* of each row */
};

static inline __attribute__((always_inline)) void part_unpack(enum tensor_type type, const struct matrix *m, const struct part *part,
							      struct row_step to[][STEPS_AT_ONCE])
{
	for (uint32_t i = 0; i < part->nr; i++) {
		const uint8_t *p = (const uint8_t *)m->data + (part->r + i) * m->row_bytes + part->first / STEP * step_len(type);

		for (size_t b = 0; b < part->blocks; b += STEP, p += step_len(type)) {
			unsigned nr = is_super(type) || part->blocks - b > STEP ? STEP : (unsigned)(part->blocks - b);
			struct row_step *s = &to[i][b / STEP];

			for (unsigned v = 0; v < STEP; v++) {
				s->bytes[v] = step_bytes(type, p, nr, v);
				if (type == TENSOR_Q8_0)
					s->magnitudes[v] = _mm256_abs_epi8(s->bytes[v]);
			}
			s->scales = step_scales(type, p, nr);
		}
	}
}

/* A row of a part with tokens [t, t + nr). */
static inline __attribute__((always_inline)) void row_of_some(enum tensor_type type, const struct row_step *row, const struct part *part,
							      const struct acts *a, size_t t, uint32_t nr, float out[TOKENS_AT_ONCE])
{
	lanes_f sums[TOKENS_AT_ONCE] = {{0}};

	for (uint32_t i = 0; i < nr; i++) {
		struct token_bytes x = token_bytes_at(a, t + i);
		struct row_sums row_sums = {_mm256_setzero_ps(), _mm256_setzero_ps()};

		for (size_t b = 0; b < part->blocks; b += STEP) {
			const struct row_step *s = &row[b / STEP];
			struct step w = {.unpacked = s};

			minima_add(type, &s->scales, &x, part->first + b, &row_sums.minima);
			products_add(type, &w, &s->scales, &x, part->first + b, &row_sums.products);
		}
		sums[i] = (lanes_f)sums_end(type, &row_sums);
	}
	four_sums(out, sums);
}

/* Adds to out, or begins it. */
static inline __attribute__((always_inline)) void part_of_many(enum tensor_type type, const struct rows_job *j, const struct part *part)
{
	struct row_step (*unpacked)[STEPS_AT_ONCE] = j->scratch;
	size_t n = j->x->n;

	part_unpack(type, j->w, part, unpacked);
	for (size_t t = 0; t < n; t += TOKENS_AT_ONCE)
		for (uint32_t i = 0; i < part->nr; i++) {
			uint32_t nr = n - t < TOKENS_AT_ONCE ? (uint32_t)(n - t) : TOKENS_AT_ONCE;
			float sums[TOKENS_AT_ONCE];

			row_of_some(type, unpacked[i], part, j->x, t, nr, sums);
			for (uint32_t k = 0; k < nr && part->first; k++)
				j->out[(t + k) * j->out_stride + part->r + i] += sums[k];
			if (!part->first)
				put(j, part->r + i, t, nr, sums);
		}
}

static inline __attribute__((always_inline)) void rows_of_many(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	size_t blocks = j->w->cols / 32, most = STEPS_AT_ONCE * STEP;

	_Static_assert(SCRATCH_BYTES >= ROWS_AT_ONCE * STEPS_AT_ONCE * sizeof(struct row_step), "unpacked rows fit the scratch");
	for (size_t b = 0; b < blocks; b += most)
		for (uint32_t r = begin; r < end; r += ROWS_AT_ONCE) {
			struct part part = {r, end - r < ROWS_AT_ONCE ? end - r : ROWS_AT_ONCE, b, blocks - b < most ? blocks - b : most};

			part_of_many(type, j, &part);
		}
}

static inline __attribute__((always_inline)) void rows_of(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	struct token_bytes x = token_bytes_at(j->x, 0);

	if (j->x->n > 1) {
		rows_of_many(type, j, begin, end);
		return;
	}
	for (uint32_t r = begin; r < end; r++) {
		float sum_ = row_of_one(type, (const uint8_t *)j->w->data + r * j->w->row_bytes, &x, j->w->cols / 32);

		put(j, r, 0, 1, &sum_);
	}
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX2, weights of blocks: part of kernels_avx2.c.
 *
 * Bytes are unsigned but for Q8_0; what they are too high by is taken away through the sums of the activations, which are known. Eight
 * blocks are a step, in eight vectors: 16 columns of block b in one half, the same of block b + 4 in the other, b from 0 to 3. So the sums
 * of all eight come to lie side by side in one vector, in order, with few shuffles, and are added in 16 bits for as long as these hold
 * them; only then they are made 32 bits, floats, and multiplied with scales. A pair of products is at most 2 * 15 * 127 of four bits, of
 * which 16 bits hold eight; of five bits four, of six two, of Q8_0 one.
 *
 * One token: bytes go from the row to the product. More: parts of some rows are unpacked, in the scratch, for all tokens, and each of their
 * vectors is loaded once for four.
 */

#define STEP 8u /* blocks */
#define APART 4u /* those that share a vector */
/* Of many tokens: activations come from afar once for all of it, what is unpacked from the first or second level cache. */
#define ROWS_AT_ONCE 8u
#define STEPS_AT_ONCE 8u

static inline bool is_super(enum tensor_type type)
{
	return type == TENSOR_Q4_K || type == TENSOR_Q5_K || type == TENSOR_Q6_K;
}

static inline bool has_four_bits(enum tensor_type type)
{
	return type == TENSOR_Q4_0 || type == TENSOR_Q4_1 || type == TENSOR_Q4_K;
}

static inline bool has_fifth(enum tensor_type type)
{
	return type == TENSOR_Q5_0 || type == TENSOR_Q5_1;
}

static inline __attribute__((always_inline)) size_t step_len(enum tensor_type type)
{
	return stored_bytes(type) * (is_super(type) ? 1 : STEP);
}

static inline size_t steps(uint32_t cols)
{
	return (cols / 32 + STEP - 1) / STEP;
}

/* --- activations --- */

/*
 * 8 bits in the order of vectors of weights, with a scale d for each 32; s is d times their sum, halves are the sums of the first 16 of
 * each and of the others. Up to a whole step they are 0.
 */
struct token_bytes {
	int8_t *q;
	float *d, *s;
	int16_t (*halves)[2];
};

static struct token_bytes token_bytes_at(const struct acts *x, size_t t)
{
	size_t blocks = steps(x->cols) * STEP;
	int8_t *q = (int8_t *)x->form[ACTS_BYTES] + t * blocks * (32 + 3 * sizeof(float));
	float *d = (float *)(void *)(q + 32 * blocks);

	_Static_assert(ACTS_BYTES_EACH * 32 >= 32 + 3 * sizeof(float) && ACTS_COLS_ROUND == 32 * STEP, "a step fits its memory");
	return (struct token_bytes){q, d, d + blocks, (int16_t(*)[2])(void *)(d + 2 * blocks)};
}

static int16_t sum_16(__m256i a, __m256i b)
{
	return (int16_t)vector_sum((lanes_f)_mm256_cvtepi32_ps(_mm256_add_epi32(a, b)));
}

static void quantize_block(const float *x, const struct token_bytes *to, size_t b)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 v[4], greatest = _mm256_setzero_ps(), by;
	__m256i n[4], none = _mm256_setzero_si256(), bytes;
	int8_t *q = to->q + b / STEP * STEP * 32 + b % APART * 64 + b % STEP / APART * 16;
	float max_ = 0;

	for (int i = 0; i < 4; i++) {
		v[i] = _mm256_loadu_ps(x + 8 * i);
		greatest = _mm256_max_ps(greatest, _mm256_andnot_ps(sign, v[i]));
	}
	for (unsigned i = 0; i < LANES; i++)
		max_ = greatest[i] > max_ ? greatest[i] : max_;
	by = _mm256_set1_ps(max_ > 0 ? 127 / max_ : 0);
	for (int i = 0; i < 4; i++) {
		n[i] = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], by));
		none = _mm256_or_si256(none, _mm256_cmpeq_epi32(n[i], _mm256_set1_epi32(INT32_MIN))); /* what cvt makes of no number */
	}
	bytes = _mm256_packs_epi16(_mm256_packs_epi32(n[0], n[1]), _mm256_packs_epi32(n[2], n[3]));
	bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
	_mm_storeu_si128((void *)q, _mm256_castsi256_si128(bytes));
	_mm_storeu_si128((void *)(q + 32), _mm256_extracti128_si256(bytes, 1));
	for (int i = 0; i < 2; i++)
		to->halves[b][i] = sum_16(n[2 * i], n[2 * i + 1]);
	to->d[b] = _mm256_testz_si256(none, none) ? max_ / 127 : NAN;
	to->s[b] = to->d[b] * (float)(to->halves[b][0] + to->halves[b][1]);
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

/* Bits of each byte that `mask` has, shifted: none crosses a byte. */
static inline __m256i bits_left(__m256i v, uint8_t mask, unsigned by)
{
	return (__m256i)((bits16x16)_mm256_and_si256(v, _mm256_set1_epi8((char)mask)) << (uint16_t)by);
}

static inline __m256i bits_right(__m256i v, uint8_t mask, unsigned by)
{
	return _mm256_and_si256((__m256i)((bits16x16)v >> (uint16_t)by), _mm256_set1_epi8((char)mask));
}

static inline __m256i load_two(const uint8_t *p, const uint8_t *q)
{
	return _mm256_loadu2_m128i((const void *)q, (const void *)p);
}

/* The first 8 bytes of blocks 0 1 4 5, and of blocks 2 3 6 7; 0 for those that there are not. */
static inline __attribute__((always_inline)) void heads_of(const uint8_t *p, size_t len, unsigned nr, __m256i *low, __m256i *up)
{
	int64_t v[STEP];

#pragma GCC unroll 8
	for (unsigned i = 0; i < STEP; i++) {
		v[i] = 0;
		if (i < nr)
			memcpy(&v[i], p + i * len, sizeof(v[i]));
	}
	*low = _mm256_set_epi64x(v[5], v[4], v[1], v[0]);
	*up = _mm256_set_epi64x(v[7], v[6], v[3], v[2]);
}

/* Fifth bits of 16 columns of blocks b and b + APART, as 16. `fifth` has a word of them for each block, in order. */
static inline __attribute__((always_inline)) __m256i fifth_of_two(__m256i fifth, unsigned b, unsigned last)
{
	const __m256i each = _mm256_set1_epi64x((int64_t)0x8040201008040201);
	int64_t first = 0x0101010101010101 * (4 * b + 2 * last), second = first + 0x0101010101010101;
	__m256i v = _mm256_shuffle_epi8(fifth, _mm256_set_epi64x(second, first, second, first));

	return _mm256_and_si256(_mm256_cmpeq_epi8(_mm256_and_si256(v, each), each), _mm256_set1_epi8(16));
}

/* 16 columns, the first or the last, of blocks at p and q, but for fifth bits: of Q8_0 signed. */
static inline __attribute__((always_inline)) __m256i bytes_of_two(enum tensor_type type, const uint8_t *p, const uint8_t *q, unsigned last)
{
	unsigned scales = type == TENSOR_Q4_1 || type == TENSOR_Q5_1 ? 4 : 2, low = has_fifth(type) ? scales + 4 : scales;

	if (type == TENSOR_Q8_0)
		return load_two(p + 2 + 16 * last, q + 2 + 16 * last);
	return bits_right(load_two(p + low, q + low), 15, 4 * last);
}

/* The same of blocks b and b + APART of a superblock; dequant.c says where its parts are. */
static inline __attribute__((always_inline)) __m256i bytes_k45(enum tensor_type type, const uint8_t *p, unsigned b, unsigned last)
{
	const uint8_t *low = p + (type == TENSOR_Q5_K ? 48 : 16) + 32 * (b / 2) + 16 * last;
	__m256i v = bits_right(load_two(low, low + 64), 15, b % 2 * 4);
	__m128i high;

	if (type == TENSOR_Q4_K)
		return v;
	high = _mm_loadu_si128((const void *)(p + 16 + 16 * last));
	return _mm256_or_si256(v, bits_left(_mm256_set_m128i(_mm_srli_epi16(high, APART), high), (uint8_t)(1 << b), 4 - b));
}

static inline __attribute__((always_inline)) __m256i bytes_q6_k(const uint8_t *p, unsigned b, unsigned last)
{
	const uint8_t *low = p + 32 * (b % 2) + 16 * last, *up = p + 128 + 16 * last;
	__m256i v = bits_right(load_two(low, low + 64), 15, b / 2 * 4), high = load_two(up, up + 32);

	high = b < 2 ? bits_left(high, (uint8_t)(3 << 2 * b), 4 - 2 * b) : bits_right(high, 0x30, 2 * b - 4);
	return _mm256_or_si256(v, high);
}

/* --- scales --- */

/*
 * Of a step: products times d, and m times the sums of the activations times offset(), are the sum that is wanted. Superblocks have one
 * d, and `words` as factors in integers: Q4_K [0] for all blocks, Q5_K [0] for blocks 0 1 4 5 and [1] for the others, Q6_K the same for
 * first columns, [2] and [3] for last ones, and [4] for `halves` of the activations. Of Q5_0 and Q5_1 [0] are the fifth bits.
 */
struct step_scales {
	__m256 d, m;
	__m256i words[5];
};

/* F16 at p, p + len, ...; 0 for those that there are not. */
static inline __attribute__((always_inline)) __m256 halves_of(const uint8_t *p, size_t len, unsigned nr)
{
	uint64_t four[2] = {0, 0};

#pragma GCC unroll 8
	for (unsigned i = 0; i < STEP; i++) {
		uint16_t h = 0;

		if (i < nr)
			memcpy(&h, p + i * len, sizeof(h));
		four[i / 4] |= (uint64_t)h << i % 4 * 16;
	}
	return _mm256_cvtph_ps(_mm_unpacklo_epi64(_mm_cvtsi64_si128((int64_t)four[0]), _mm_cvtsi64_si128((int64_t)four[1])));
}

/* In both halves of a vector. */
static inline __m256i both_halves(__m128i v)
{
	return _mm256_broadcastsi128_si256(v);
}

/* Scales of Q5_0, and its fifth bits. */
static inline __attribute__((always_inline)) struct step_scales step_scales_q5_0(const uint8_t *p, unsigned nr)
{
	const __m256i apart = both_halves(_mm_setr_epi8(2, 3, 4, 5, 10, 11, 12, 13, 0, 1, 8, 9, -1, -1, -1, -1));
	struct step_scales s;
	__m256i low, up, d;

	heads_of(p, stored_bytes(TENSOR_Q5_0), nr, &low, &up);
	low = _mm256_shuffle_epi8(low, apart);
	up = _mm256_shuffle_epi8(up, apart);
	d = _mm256_shuffle_epi32(_mm256_unpackhi_epi64(low, up), 0x08);
	s.d = s.m = _mm256_cvtph_ps(_mm256_castsi256_si128(_mm256_permute4x64_epi64(d, 0x08)));
	s.words[0] = _mm256_unpacklo_epi64(low, up);
	return s;
}

/* Scales and minima of Q4_1 and Q5_1; what is behind them are fifth bits in the latter. */
static inline __attribute__((always_inline)) struct step_scales step_scales_1(enum tensor_type type, const uint8_t *p, unsigned nr)
{
	const __m256i apart = both_halves(_mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15));
	struct step_scales s;
	__m256i low, up, both;

	heads_of(p, stored_bytes(type), nr, &low, &up);
	both = (__m256i)_mm256_shuffle_ps((__m256)low, (__m256)up, 0x88);
	both = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(both, apart), 0xd8);
	s.d = _mm256_cvtph_ps(_mm256_castsi256_si128(both));
	s.m = _mm256_cvtph_ps(_mm256_extracti128_si256(both, 1));
	s.words[0] = (__m256i)_mm256_shuffle_ps((__m256)low, (__m256)up, 0xdd);
	return s;
}

/* Scales 0 to 3 and minima 0 to 3 of Q4_K and Q5_K, bytes, in one half, 4 to 7 in the other; dequant.c says where they are. */
static inline __m256i scales_k45(const uint8_t *p)
{
	uint64_t low, up;
	uint32_t four;

	memcpy(&low, p + 4, sizeof(low));
	memcpy(&four, p + 12, sizeof(four));
	up = (low >> 2 & 0x3030303030303030) | (four & 0x0f0f0f0f) | (uint64_t)(four >> 4 & 0x0f0f0f0f) << 32;
	low &= 0x3f3f3f3f3f3f3f3f;
	return _mm256_set_m128i(_mm_cvtsi64_si128((int64_t)up), _mm_cvtsi64_si128((int64_t)low));
}

static inline __attribute__((always_inline)) struct step_scales step_scales_k45(enum tensor_type type, const uint8_t *p)
{
	const __m256i all_ = both_halves(_mm_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 2, -1, 2, -1, 3, -1, 3, -1));
	const __m256i first = both_halves(_mm_setr_epi8(0, -1, 0, -1, 1, -1, 1, -1, 0, -1, 0, -1, 1, -1, 1, -1));
	const __m256i second = both_halves(_mm_setr_epi8(2, -1, 2, -1, 3, -1, 3, -1, 2, -1, 2, -1, 3, -1, 3, -1));
	const __m256i minima = both_halves(_mm_setr_epi8(4, -1, -1, -1, 5, -1, -1, -1, 6, -1, -1, -1, 7, -1, -1, -1));
	__m256i bytes = scales_k45(p);
	__m128 d = _mm_cvtph_ps(_mm_loadu_si128((const void *)p));
	struct step_scales s = {.d = _mm256_broadcastss_ps(d)};

	s.m = _mm256_mul_ps(_mm256_broadcastss_ps(_mm_movehdup_ps(d)), _mm256_cvtepi32_ps(_mm256_shuffle_epi8(bytes, minima)));
	s.words[0] = _mm256_shuffle_epi8(bytes, type == TENSOR_Q4_K ? all_ : first);
	if (type == TENSOR_Q5_K)
		s.words[1] = _mm256_shuffle_epi8(bytes, second);
	return s;
}

/* There is a scale for each 16. */
static inline __attribute__((always_inline)) struct step_scales step_scales_q6_k(const uint8_t *p)
{
	struct step_scales s = {.d = _mm256_set1_ps(half_at(p + 208))};

	s.words[4] = _mm256_cvtepi8_epi16(_mm_loadu_si128((const void *)(p + 192)));
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
		s.words[i] = _mm256_shuffle_epi8(s.words[4],
						 _mm256_set1_epi64x(0x0504050401000100 + 0x0202020202020202 * (4 * (i % 2) + i / 2)));
	return s;
}

static inline __attribute__((always_inline)) struct step_scales step_scales(enum tensor_type type, const uint8_t *p, unsigned nr)
{
	struct step_scales s;

	if (type == TENSOR_Q6_K)
		return step_scales_q6_k(p);
	if (is_super(type))
		return step_scales_k45(type, p);
	if (type == TENSOR_Q4_1 || type == TENSOR_Q5_1)
		return step_scales_1(type, p, nr);
	if (type == TENSOR_Q5_0)
		return step_scales_q5_0(p, nr);
	s.d = s.m = halves_of(p, stored_bytes(type), nr);
	return s;
}

/* Of blocks b and b + APART of a step of `nr` blocks; what is not there is 0. */
static inline __attribute__((always_inline)) __m256i step_bytes(enum tensor_type type, const uint8_t *p, unsigned nr,
								const struct step_scales *s, unsigned b, unsigned last)
{
	static const uint8_t none[34];
	size_t len = stored_bytes(type);
	__m256i v;

	if (type == TENSOR_Q6_K)
		return bytes_q6_k(p, b, last);
	if (is_super(type))
		return bytes_k45(type, p, b, last);
	v = bytes_of_two(type, b < nr ? p + b * len : none, b + APART < nr ? p + (b + APART) * len : none, last);
	return has_fifth(type) ? _mm256_or_si256(v, fifth_of_two(s->words[0], b, last)) : v;
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
	__m256i bytes[STEP];
	struct step_scales scales;
	__m256i magnitudes[STEP]; /* of Q8_0 only */
};

struct step {
	const uint8_t *p; /* or NULL */
	const struct row_step *unpacked;
	unsigned nr;
};

/* Activations of `nr` tokens, one or TOKENS_AT_ONCE, at the same columns: weights are loaded once for all of them. */
struct columns {
	const int8_t *q[TOKENS_AT_ONCE];
	uint32_t nr;
};

/* Weights of blocks b and b + APART times activations: sums of pairs, of Q8_0 of four. */
static inline __attribute__((always_inline)) void pairs(enum tensor_type type, const struct step *w, const struct step_scales *s,
							const struct columns *x, unsigned b, unsigned last, __m256i out[TOKENS_AT_ONCE])
{
	unsigned i = 2 * b + last;
	__m256i a = w->p ? step_bytes(type, w->p, w->nr, s, b, last) : w->unpacked->bytes[i], magnitudes = a;

	if (type == TENSOR_Q8_0)
		magnitudes = w->p ? _mm256_abs_epi8(a) : w->unpacked->magnitudes[i];
	for (uint32_t t = 0; t < x->nr; t++) {
		__m256i q = _mm256_loadu_si256((const void *)(x->q[t] + 32 * i));

		if (type == TENSOR_Q8_0)
			out[t] = _mm256_madd_epi16(_mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(q, a)), _mm256_set1_epi16(1));
		else
			out[t] = _mm256_maddubs_epi16(a, q);
	}
}

/* First and last columns. */
static inline __attribute__((always_inline)) void both_pairs(enum tensor_type type, const struct step *w, const struct step_scales *s,
							     const struct columns *x, unsigned b, __m256i out[TOKENS_AT_ONCE])
{
	__m256i last[TOKENS_AT_ONCE];

	pairs(type, w, s, x, b, 0, out);
	pairs(type, w, s, x, b, 1, last);
	for (uint32_t t = 0; t < x->nr; t++)
		out[t] = type == TENSOR_Q8_0 ? _mm256_add_epi32(out[t], last[t]) : _mm256_add_epi16(out[t], last[t]);
}

/* Blocks 0 1 4 5, or 2 3 6 7, each of which has two lanes. */
static inline __attribute__((always_inline)) void dots_of_four(enum tensor_type type, const struct step *w, const struct step_scales *s,
							       const struct columns *x, unsigned second, __m256i out[TOKENS_AT_ONCE])
{
	unsigned b = 2 * second;
	__m256i v[2][2][TOKENS_AT_ONCE];

	if (type == TENSOR_Q6_K) {
		for (unsigned i = 0; i < 2; i++)
			for (unsigned side = 0; side < 2; side++)
				pairs(type, w, s, x, b + i, side, v[side][i]);
		for (uint32_t t = 0; t < x->nr; t++) {
			__m256i first = _mm256_madd_epi16(beside_32(v[0][0][t], v[0][1][t], true), s->words[second]);

			out[t] = _mm256_add_epi32(first, _mm256_madd_epi16(beside_32(v[1][0][t], v[1][1][t], true), s->words[2 + second]));
		}
		return;
	}
	both_pairs(type, w, s, x, b, v[0][0]);
	both_pairs(type, w, s, x, b + 1, v[0][1]);
	for (uint32_t t = 0; t < x->nr; t++) {
		out[t] = beside_32(v[0][0][t], v[0][1][t], type != TENSOR_Q8_0);
		if (type == TENSOR_Q5_K)
			out[t] = _mm256_madd_epi16(out[t], s->words[second]);
		else if (has_fifth(type))
			out[t] = _mm256_madd_epi16(out[t], _mm256_set1_epi16(1));
	}
}

/* A lane for each block. */
static inline __attribute__((always_inline)) void step_dots(enum tensor_type type, const struct step *w, const struct step_scales *s,
							    const struct columns *x, __m256 out[TOKENS_AT_ONCE])
{
	__m256i first[TOKENS_AT_ONCE], second[TOKENS_AT_ONCE];

	dots_of_four(type, w, s, x, 0, first);
	dots_of_four(type, w, s, x, 1, second);
	for (uint32_t t = 0; t < x->nr; t++) {
		__m256i v = beside_64(first[t], second[t], has_four_bits(type));

		if (has_four_bits(type))
			v = _mm256_madd_epi16(v, type == TENSOR_Q4_K ? s->words[0] : _mm256_set1_epi16(1));
		out[t] = _mm256_cvtepi32_ps(v);
	}
}

struct row_sums {
	__m256 products, minima; /* the latter to be multiplied with offset() */
};

/* Blocks b to b + STEP of a row with nr tokens: sums go on. */
static inline __attribute__((always_inline)) void products_add(enum tensor_type type, const struct step *w, const struct step_scales *s,
							       const struct token_bytes x[], uint32_t nr, size_t b, struct row_sums sums[])
{
	struct columns c = {.nr = nr};
	__m256 v[TOKENS_AT_ONCE];

	for (uint32_t t = 0; t < nr; t++)
		c.q[t] = x[t].q + 32 * b;
	step_dots(type, w, s, &c, v);
	for (uint32_t t = 0; t < nr; t++) {
		__m256 d = _mm256_loadu_ps(x[t].d + b);

		if (is_super(type))
			sums[t].products = _mm256_fmadd_ps(_mm256_mul_ps(v[t], d), s->d, sums[t].products);
		else
			sums[t].products = _mm256_fmadd_ps(v[t], _mm256_mul_ps(s->d, d), sums[t].products);
	}
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
	v = _mm256_cvtepi32_ps(_mm256_madd_epi16(s->words[4], _mm256_loadu_si256((const void *)(x->halves + b))));
	*sums = _mm256_fmadd_ps(_mm256_mul_ps(v, _mm256_loadu_ps(x->d + b)), s->d, *sums);
}

static inline __attribute__((always_inline)) __m256 sums_end(enum tensor_type type, const struct row_sums *sums)
{
	return _mm256_fmadd_ps(sums->minima, _mm256_set1_ps(offset(type)), sums->products);
}

/* --- rows --- */

/* Bytes: by measurement. Files of small pages are read a sixth faster with it, and blocks up to half. */
static inline __attribute__((always_inline)) uint32_t step_ahead(enum tensor_type type)
{
	return type == TENSOR_Q4_0 || type == TENSOR_Q4_1 ? 2048 : 8192;
}

/* Of five and six bits the arithmetic takes longer than memory and so many registers that several rows get into each other's way. */
static inline __attribute__((always_inline)) uint32_t side_by_side(enum tensor_type type)
{
	return type == TENSOR_Q8_0 || has_four_bits(type) ? ROWS_SIDE_BY_SIDE : 1;
}

static inline __attribute__((always_inline)) void step_of_one(enum tensor_type type, const uint8_t *p, unsigned nr,
							      const struct token_bytes *x, size_t b, struct row_sums *sums)
{
	struct step w = {.p = p, .nr = nr};
	struct step_scales s = step_scales(type, p, nr);

#pragma GCC unroll 5
	for (size_t i = 0; i < step_len(type); i += 64)
		_mm_prefetch((const char *)p + step_ahead(type) + i, _MM_HINT_T0);
	/* The order is as fast as the compiler's schedule makes it: by measurement. */
	if (!has_four_bits(type))
		minima_add(type, &s, x, b, &sums->minima);
	products_add(type, &w, &s, x, 1, b, sums);
	if (has_four_bits(type))
		minima_add(type, &s, x, b, &sums->minima);
}

/* out[i] of nr rows that are `apart` bytes apart. */
static inline __attribute__((always_inline)) void dot_blocks(enum tensor_type type, const uint8_t *p, size_t apart, uint32_t nr,
							     const struct token_bytes *x, size_t blocks, float *out)
{
	struct row_sums sums[ROWS_SIDE_BY_SIDE];
	size_t b = 0;

	for (uint32_t i = 0; i < nr; i++)
		sums[i] = (struct row_sums){_mm256_setzero_ps(), _mm256_setzero_ps()};
	for (; b + STEP <= blocks; b += STEP, p += step_len(type))
		for (uint32_t i = 0; i < nr; i++)
			step_of_one(type, p + i * apart, STEP, x, b, &sums[i]);
	for (uint32_t i = 0; i < nr; i++) {
		if (!is_super(type) && b < blocks)
			step_of_one(type, p + i * apart, (unsigned)(blocks - b), x, b, &sums[i]);
		out[i] = vector_sum((lanes_f)sums_end(type, &sums[i]));
	}
}

/* Blocks [first, first + blocks) of rows [r, r + nr). */
struct part {
	uint32_t r, nr;
	size_t first, blocks;
};

static inline __attribute__((always_inline)) void part_unpack(enum tensor_type type, const struct matrix *m, const struct part *part,
							      struct row_step to[][STEPS_AT_ONCE])
{
	for (uint32_t i = 0; i < part->nr; i++) {
		const uint8_t *p = (const uint8_t *)m->data + (part->r + i) * m->row_bytes + part->first / STEP * step_len(type);

		for (size_t b = 0; b < part->blocks; b += STEP, p += step_len(type)) {
			unsigned nr = is_super(type) || part->blocks - b > STEP ? STEP : (unsigned)(part->blocks - b);
			struct row_step *s = &to[i][b / STEP];

			s->scales = step_scales(type, p, nr);
			for (unsigned v = 0; v < STEP; v++) {
				s->bytes[v] = step_bytes(type, p, nr, &s->scales, v / 2, v % 2);
				if (type == TENSOR_Q8_0)
					s->magnitudes[v] = _mm256_abs_epi8(s->bytes[v]);
			}
		}
	}
}

/* A row of a part with TOKENS_AT_ONCE tokens. */
static inline __attribute__((always_inline)) void row_of_some(enum tensor_type type, const struct row_step *row, const struct part *part,
							      const struct token_bytes x[], float out[TOKENS_AT_ONCE])
{
	struct row_sums sums[TOKENS_AT_ONCE];
	lanes_f ends[TOKENS_AT_ONCE];

	for (uint32_t t = 0; t < TOKENS_AT_ONCE; t++)
		sums[t] = (struct row_sums){_mm256_setzero_ps(), _mm256_setzero_ps()};
	for (size_t b = 0; b < part->blocks; b += STEP) {
		const struct row_step *s = &row[b / STEP];
		struct step w = {.unpacked = s};

		for (uint32_t t = 0; t < TOKENS_AT_ONCE; t++)
			minima_add(type, &s->scales, &x[t], part->first + b, &sums[t].minima);
		products_add(type, &w, &s->scales, x, TOKENS_AT_ONCE, part->first + b, sums);
	}
	for (uint32_t t = 0; t < TOKENS_AT_ONCE; t++)
		ends[t] = (lanes_f)sums_end(type, &sums[t]);
	four_sums(out, ends);
}

/* Adds to out, or begins it. */
static inline __attribute__((always_inline)) void part_put(const struct rows_job *j, const struct part *part, uint32_t i, size_t t, uint32_t nr,
							   const float sums[])
{
	if (!part->first) {
		put(j, part->r + i, t, nr, sums);
		return;
	}
	for (uint32_t k = 0; k < nr; k++)
		j->out[(t + k) * j->out_stride + part->r + i] += sums[k];
}

static inline __attribute__((always_inline)) void part_of_many(enum tensor_type type, const struct rows_job *j, const struct part *part)
{
	struct row_step (*unpacked)[STEPS_AT_ONCE] = j->scratch;
	size_t n = j->x->n;

	part_unpack(type, j->w, part, unpacked);
	for (size_t t = 0; t < n; t += TOKENS_AT_ONCE) {
		uint32_t nr = n - t < TOKENS_AT_ONCE ? (uint32_t)(n - t) : TOKENS_AT_ONCE;
		struct token_bytes x[TOKENS_AT_ONCE];

		/* For those that there are not, the last one again: straight code is worth more than what it does in vain. */
		for (uint32_t k = 0; k < TOKENS_AT_ONCE; k++)
			x[k] = token_bytes_at(j->x, t + (k < nr ? k : nr - 1));
		for (uint32_t i = 0; i < part->nr; i++) {
			float sums[TOKENS_AT_ONCE];

			row_of_some(type, unpacked[i], part, x, sums);
			if (nr == TOKENS_AT_ONCE)
				part_put(j, part, i, t, TOKENS_AT_ONCE, sums); /* unrolled */
			else
				part_put(j, part, i, t, nr, sums);
		}
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

static inline __attribute__((always_inline)) void block_sums(enum tensor_type type, const struct rows_job *j, uint32_t r, uint32_t apart,
							     uint32_t nr, float *out)
{
	struct token_bytes x = token_bytes_at(j->x, 0);
	const struct matrix *m = j->w;

	dot_blocks(type, (const uint8_t *)m->data + r * m->row_bytes, apart * m->row_bytes, nr, &x, m->cols / 32, out);
}

static inline __attribute__((always_inline)) void rows_of(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	if (j->x->n > 1)
		rows_of_many(type, j, begin, end);
	else
		rows_apart(type, j, begin, end, side_by_side(type), block_sums);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512, one token or a few: part of kernels_avx512_int.h.
 *
 * Blocks are taken in steps of 128 elements (four blocks of 32) or 256. A step's products are summed in integers as far as one scale
 * holds, put into one vector - which lane belongs to which block is the type's matter - and scaled there.
 */

/*
 * How memory is asked for: how far ahead of its use, every so many bytes, and whether into the first cache or the second only;
 * and whether rows are read one after the other, as one stream, or side by side. All of it was measured.
 *
 * Zen 5 wants one stream and every line asked for, far ahead; several rows side by side were slower by a third and more. Zen 4 and Intel's follow
 * one stream no further than a page of 4 KiB at a time: rows of four different parts side by side were read at 1.05 to 1.25 of the speed of one
 * after the other on Zen 4, at 1.3 to 1.9 on Intel's. Neighbours did not help, as short ones share pages. Zen 4 read floats fastest where
 * streams are pointed out now and then, into the second cache, blocks where every line is asked for, into the first one, but not far ahead.
 */
#define SIDE_MOST 12u /* rows of floats */
#define ROWS_GRAIN (SET_TUNED_FOR == ZEN4 ? SIDE_MOST : 4u)

struct ahead {
	uint32_t distance, every;
	bool first_cache;
};

static inline __attribute__((always_inline)) struct ahead ahead_of(enum tensor_type type)
{
	bool zen4 = SET_TUNED_FOR == ZEN4;

	if (SET_TUNED_FOR == INTEL)
		return (struct ahead){2048, 64, true};
	switch (type) {
	case TENSOR_F32:
		return zen4 ? (struct ahead){1024, 128, false} : (struct ahead){6144, 64, true};
	case TENSOR_F8_E4M3:
		return zen4 ? (struct ahead){2048, 256, false} : (struct ahead){6144, 64, true};
	case TENSOR_F16:
	case TENSOR_BF16:
		return zen4 ? (struct ahead){1024, 256, false} : (struct ahead){6144, 64, true};
	default:
		return zen4 ? (struct ahead){2048, 64, true} : (struct ahead){8192, 64, true};
	}
}

/* How rows of floats are read with one token: so many side by side, neighbours or of distant parts. */
struct side {
	uint32_t rows; /* 0, 4 or 12 */
	bool distant;
};

/*
 * Zen 4 reads floats in four distant streams at 0.96 to 1.1 of a loop's speed, in one at 0.85. That holds as long as x and a row fit its first
 * cache together: beyond, x comes from the second one for each row anew, at 0.6 of the speed; twelve rows share it, at 0.85 to 1 and any length.
 */
static inline __attribute__((always_inline)) struct side side_of(enum tensor_type type, uint32_t cols)
{
	if (SET_TUNED_FOR == INTEL)
		return (struct side){4, true};
	if (SET_TUNED_FOR == ZEN5 || type == TENSOR_F8_E4M3)
		return (struct side){0};
	if (cols >= (type == TENSOR_F32 ? 3072 : 4096 + 1))
		return (struct side){12, false};
	return (struct side){4, true};
}

/* ahead_of() for rows of floats that go side by side. */
static inline __attribute__((always_inline)) struct ahead side_ahead_of(enum tensor_type type)
{
	return SET_TUNED_FOR == ZEN4 ? (struct ahead){2048, 512, false} : ahead_of(type);
}

/* Rows [begin, end) in groups of so many, each in another stream where that is wanted: r, r + apart, ... for r = begin, begin + next, ... below
 * end; then one by one from rest on. */
struct groups {
	uint32_t begin, end, next, apart, rest;
};

static inline struct groups groups_of(uint32_t begin, uint32_t end, uint32_t size, bool distant)
{
	uint32_t nr = (end - begin) / size;

	if (distant)
		return (struct groups){begin, begin + nr, 1, nr, begin + nr * size};
	return (struct groups){begin, begin + nr * size, size, 1, begin + nr * size};
}

/* Memory of a token: q for each element, then d and s for each block; cols are rounded up, and what is beyond is 0. */
static size_t rounded(uint32_t cols)
{
	return ((size_t)cols + ACTS_COLS_ROUND - 1) / ACTS_COLS_ROUND * ACTS_COLS_ROUND;
}

struct token_bytes {
	int8_t *q;
	float *d, *s;
};

static struct token_bytes token_bytes_at(const struct acts *x, size_t t)
{
	size_t cols = rounded(x->cols), each = cols + cols / 32 * 2 * sizeof(float);
	int8_t *q = (int8_t *)x->form[ACTS_BYTES] + t * each;
	float *d = (float *)(void *)(q + cols);

	_Static_assert(ACTS_BYTES_EACH * 32 >= 32 + 2 * sizeof(float), "a block fits its memory");
	return (struct token_bytes){q, d, d + cols / 32};
}

static void prepare_bytes(const struct acts *x, size_t begin, size_t end)
{
	size_t blocks = x->cols / 32, room = rounded(x->cols) / 32;

	for (size_t t = begin; t < end; t++) {
		struct token_bytes to = token_bytes_at(x, t);

		for (size_t b = 0; b < blocks; b++)
			quantize_block(x->x + t * x->stride + 32 * b, to.q + 32 * b, &to.d[b], &to.s[b]);
		memset(to.q + 32 * blocks, 0, 32 * (room - blocks));
		memset(to.d + blocks, 0, (room - blocks) * sizeof(float));
		memset(to.s + blocks, 0, (room - blocks) * sizeof(float));
	}
}

/* A step of weights, and of activations in the order of the type's weights. */
struct weights {
	__m512i q[4]; /* unsigned */
	__m512 d, m;
};
struct activations {
	__m512i q[4];
	__m512i offset; /* what the unsigned weights are too high by, times the activations: to be added */
	__m512 d, s;
};

static inline __m512i bytes512(int b)
{
	return _mm512_set1_epi8((char)b);
}

/* The compiler would rather read memory again than copy a register. */
static inline __m512i read_once(__m512i v)
{
	__asm__("" : "+v"(v));
	return v;
}

/* The first n bits. */
static inline uint64_t bits_below(size_t n)
{
	return n >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << n) - 1;
}

/*
 * Memory of four blocks: its first 64 bytes, and its last 32; of missing blocks nothing is read. Two vectors of 64 bytes that overlap
 * would be slower by half where they come from memory, on Zen 5.
 */
static inline __attribute__((always_inline)) void four_blocks(const uint8_t *p, size_t bytes, uint32_t nr, __m512i *a, __m512i *b)
{
	size_t here = nr * bytes, last = 4 * bytes - 32;

	if (nr == 4) {
		*a = read_once(load512(p));
		*b = read_once(_mm512_castsi256_si512(_mm256_loadu_si256((const void *)(p + last))));
	} else {
		*a = _mm512_maskz_loadu_epi8(bits_below(here), p);
		*b = _mm512_maskz_loadu_epi8(here > last ? bits_below(here - last) : 0, p + last);
	}
}

static inline __m512 halves_to_floats(__m512i words)
{
	return _mm512_cvtph_ps(_mm512_castsi512_si256(words));
}

/* Words i of four blocks of `words` words each, which four_blocks() brought: lane groups of eight get words first ... first + 7 of their
 * block. */
#define BLOCK_WORD(words, i) ((i) < 32 ? (i) : (i) - 4 * (words) + 16 + 32)
#define WORDS_OF(words, block, first)                                                                                  \
	BLOCK_WORD(words, (words) * (block) + (first)), BLOCK_WORD(words, (words) * (block) + (first) + 1),            \
		BLOCK_WORD(words, (words) * (block) + (first) + 2), BLOCK_WORD(words, (words) * (block) + (first) + 3), \
		BLOCK_WORD(words, (words) * (block) + (first) + 4), BLOCK_WORD(words, (words) * (block) + (first) + 5), \
		BLOCK_WORD(words, (words) * (block) + (first) + 6), BLOCK_WORD(words, (words) * (block) + (first) + 7)
#define SAME_WORD(words, block, i) BLOCK_WORD(words, (words) * (block) + (i))
#define FOUR_TIMES(words, block, i)                                                                                    \
	SAME_WORD(words, block, i), SAME_WORD(words, block, i), SAME_WORD(words, block, i), SAME_WORD(words, block, i)
#define PAIR_TIMES(words, block, i)                                                                                    \
	SAME_WORD(words, block, i), SAME_WORD(words, block, (i) + 1), SAME_WORD(words, block, i), SAME_WORD(words, block, (i) + 1), \
		SAME_WORD(words, block, i), SAME_WORD(words, block, (i) + 1), SAME_WORD(words, block, i), SAME_WORD(words, block, (i) + 1)

/* For each type of 32 elements with nibbles: where the nibbles are, and the scale for four lanes of each block, and the minimum. */
#define NIBBLE_TABLES(name, words, nibbles)                                                                            \
	static const uint16_t name##_nibbles[32] = {WORDS_OF(words, 0, nibbles), WORDS_OF(words, 1, nibbles),          \
						    WORDS_OF(words, 2, nibbles), WORDS_OF(words, 3, nibbles)};          \
	static const uint16_t name##_d[32] = {FOUR_TIMES(words, 0, 0), FOUR_TIMES(words, 1, 0), FOUR_TIMES(words, 2, 0), \
					      FOUR_TIMES(words, 3, 0)}
#define MINIMUM_TABLE(name, words)                                                                                     \
	static const uint16_t name##_m[32] = {FOUR_TIMES(words, 0, 1), FOUR_TIMES(words, 1, 1), FOUR_TIMES(words, 2, 1), \
					      FOUR_TIMES(words, 3, 1)}
#define HIGH_TABLE(name, words, high)                                                                                  \
	static const uint16_t name##_high[32] = {PAIR_TIMES(words, 0, high), PAIR_TIMES(words, 1, high),               \
						 PAIR_TIMES(words, 2, high), PAIR_TIMES(words, 3, high)}
NIBBLE_TABLES(q4_0, 9, 1);
NIBBLE_TABLES(q4_1, 10, 2);
NIBBLE_TABLES(q5_0, 11, 3);
NIBBLE_TABLES(q5_1, 12, 4);
MINIMUM_TABLE(q4_1, 10);
MINIMUM_TABLE(q5_1, 12);
HIGH_TABLE(q5_0, 11, 1);
HIGH_TABLE(q5_1, 12, 2);

static inline __m512i pick(__m512i a, const uint16_t table[32], __m512i b)
{
	return _mm512_permutex2var_epi16(a, load512(table), b);
}

/* Adds 16 where the bit of the element is set. bits: in each four lanes the 32 bits of their block. */
static inline void add_fifth_bits(__m512i bits, struct weights *w)
{
#ifdef __AVX512VBMI__
	/* Byte k of eight gets eight bits from its own on, four of them before it. */
	const __m512i from = _mm512_set4_epi64(0x0b0a090807060504, 0x030201003f3e3d3c, 0x0b0a090807060504, 0x030201003f3e3d3c);
	__m512i low = _mm512_multishift_epi64_epi8(from, bits), high = _mm512_multishift_epi64_epi8(_mm512_add_epi8(from, bytes512(16)), bits);

	w->q[0] = _mm512_ternarylogic_epi32(w->q[0], low, bytes512(16), 0xf8); /* q | (low & 16) */
	w->q[1] = _mm512_ternarylogic_epi32(w->q[1], high, bytes512(16), 0xf8);
#else
	const __m512i low = _mm512_set_epi64(0x0101010101010101, 0, 0x0101010101010101, 0, 0x0101010101010101, 0, 0x0101010101010101, 0);
	const __m512i high = _mm512_or_si512(low, bytes512(2)), each = _mm512_set1_epi64((long long)0x8040201008040201);

	w->q[0] = _mm512_mask_add_epi8(w->q[0], _mm512_test_epi8_mask(_mm512_shuffle_epi8(bits, low), each), w->q[0], bytes512(16));
	w->q[1] = _mm512_mask_add_epi8(w->q[1], _mm512_test_epi8_mask(_mm512_shuffle_epi8(bits, high), each), w->q[1], bytes512(16));
#endif
}

static inline void split_nibbles(__m512i q, __m512i out[2])
{
	out[0] = _mm512_and_si512(q, bytes512(15));
	out[1] = _mm512_and_si512(_mm512_srli_epi16(q, 4), bytes512(15));
}

/* Up to four blocks: q[0] has the low, q[1] the high nibbles, 16 bytes of each block. */
static inline __attribute__((always_inline)) struct weights nibble_weights(const uint8_t *p, size_t bytes, uint32_t nr, const uint16_t *nibbles,
									   const uint16_t *d, const uint16_t *m, const uint16_t *high)
{
	struct weights w;
	__m512i a, b;

	four_blocks(p, bytes, nr, &a, &b);
	split_nibbles(pick(a, nibbles, b), w.q);
	w.d = halves_to_floats(pick(a, d, b));
	w.m = m ? halves_to_floats(pick(a, m, b)) : _mm512_setzero_ps();
	if (high)
		add_fifth_bits(pick(a, high, b), &w);
	return w;
}

/* The same of blocks that are whole dwords, which takes half the instructions on Intel's: they pick dwords of two vectors in one, words in three. */
#define BLOCK_DWORD(dwords, i) ((i) < 16 ? (i) : (i) - 4 * (dwords) + 8 + 16)
#define DWORDS_OF(dwords, i, step)                                                                                     \
	BLOCK_DWORD(dwords, i), BLOCK_DWORD(dwords, (i) + (step)), BLOCK_DWORD(dwords, (i) + 2 * (step)),              \
		BLOCK_DWORD(dwords, (i) + 3 * (step))
#define DWORD_TABLES(name, dwords, nibbles)                                                                            \
	static const uint32_t name##_nibble_dwords[16] = {DWORDS_OF(dwords, nibbles, 1), DWORDS_OF(dwords, (dwords) + (nibbles), 1), \
							  DWORDS_OF(dwords, 2 * (dwords) + (nibbles), 1),              \
							  DWORDS_OF(dwords, 3 * (dwords) + (nibbles), 1)};             \
	static const uint32_t name##_heads[16] = {DWORDS_OF(dwords, 0, dwords)}
DWORD_TABLES(q4_1, 5, 1);
DWORD_TABLES(q5_1, 6, 2);
static const uint32_t q5_1_high_dwords[16] = {DWORDS_OF(6, 1, 0), DWORDS_OF(6, 7, 0), DWORDS_OF(6, 13, 0), DWORDS_OF(6, 19, 0)};

static inline __m512i pick_dwords(__m512i a, const uint32_t table[16], __m512i b)
{
	return _mm512_permutex2var_epi32(a, load512(table), b);
}

static inline __attribute__((always_inline)) struct weights dword_weights(const uint8_t *p, size_t bytes, uint32_t nr, const uint32_t *nibbles,
									  const uint32_t *heads, const uint32_t *high)
{
	const __m512i d = _mm512_set_epi32(6, 6, 6, 6, 4, 4, 4, 4, 2, 2, 2, 2, 0, 0, 0, 0), m = _mm512_add_epi32(d, _mm512_set1_epi32(1));
	struct weights w;
	__m512i a, b;
	__m512 halves;

	four_blocks(p, bytes, nr, &a, &b);
	split_nibbles(pick_dwords(a, nibbles, b), w.q);
	halves = _mm512_castps256_ps512(_mm256_cvtph_ps(_mm512_castsi512_si128(pick_dwords(a, heads, b))));
	w.d = _mm512_permutexvar_ps(d, halves);
	w.m = _mm512_permutexvar_ps(m, halves);
	if (high)
		add_fifth_bits(pick_dwords(a, high, b), &w);
	return w;
}

static inline __m256i q8_0_block(const uint8_t *p, uint32_t b, uint32_t nr)
{
	return nr == 4 ? _mm256_loadu_si256((const void *)(p + 34 * b + 2)) : _mm256_maskz_loadu_epi8(b < nr ? ~0u : 0, p + 34 * b + 2);
}

/* A scale for each of four blocks; of missing blocks 0. */
static inline __m128 q8_0_scales(const uint8_t *p, uint32_t nr)
{
	uint64_t all_ = 0;

	for (uint32_t b = 0; b < nr; b++) {
		uint16_t h;

		memcpy(&h, p + 34 * b, sizeof(h));
		all_ |= (uint64_t)h << 16 * b;
	}
	return _mm_cvtph_ps(_mm_cvtsi64_si128((long long)all_));
}

/* The lanes of four blocks as two_to_one() leaves them. */
static inline __m512 q8_0_lanes(__m128 d)
{
	const __m512i lanes = _mm512_set_epi32(3, 3, 1, 1, 3, 3, 1, 1, 2, 2, 0, 0, 2, 2, 0, 0);

	return _mm512_permutexvar_ps(lanes, _mm512_castps128_ps512(d));
}

static inline __attribute__((always_inline)) struct weights q8_0_weights(const uint8_t *p, uint32_t nr)
{
	struct weights w;

	for (uint32_t i = 0; i < 2; i++)
		w.q[i] = _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(q8_0_block(p, 2 * i, nr)), q8_0_block(p, 2 * i + 1, nr), 1),
					  bytes512(0x80));
	w.d = q8_0_lanes(q8_0_scales(p, nr));
	w.m = _mm512_setzero_ps();
	return w;
}

/* The eight scales of Q4_K and Q5_K as bytes, and behind them the eight minima, from the head of a block; dequant.c says where they are. */
static inline __m128i k_scales(__m128i head)
{
	const __m128i low = _mm_set_epi8(15, 14, 13, 12, 11, 10, 9, 8, 15, 14, 13, 12, 7, 6, 5, 4);
	const __m128i high = _mm_set_epi8(11, 10, 9, 8, -1, -1, -1, -1, 7, 6, 5, 4, -1, -1, -1, -1);
	__m128i a = _mm_srlv_epi32(_mm_shuffle_epi8(head, low), _mm_set_epi32(4, 0, 0, 0));
	__m128i b = _mm_srli_epi32(_mm_shuffle_epi8(head, high), 2);

	return _mm_or_si128(_mm_and_si128(a, _mm_set_epi32(0x0f0f0f0f, 0x3f3f3f3f, 0x0f0f0f0f, 0x3f3f3f3f)),
			    _mm_and_si128(b, _mm_set1_epi8(0x30)));
}

static inline float half_at(const uint8_t *p)
{
	uint16_t h;

	memcpy(&h, p, sizeof(h));
	return _cvtsh_ss(h);
}

/* q[0] has blocks 0 and 2, q[1] 1 and 3, q[2] 4 and 6, q[3] 5 and 7. d: two lanes for each block; m: one lane. */
static inline __attribute__((always_inline)) struct weights k45_weights(const uint8_t *p, const uint8_t *high, const uint8_t *nibbles)
{
	__m128i head = _mm_loadu_si128((const void *)p), s = k_scales(head);
	__m128 halves = _mm_cvtph_ps(head);
	struct weights w;

	for (int i = 0; i < 2; i++)
		split_nibbles(load512(nibbles + 64 * i), &w.q[2 * i]);
	if (high) {
		__m512i h = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)high));
		const __m512i first = _mm512_inserti64x4(bytes512(1), _mm256_set1_epi8(4), 1);

		for (int i = 0; i < 4; i++) {
			__m512i bit = _mm512_slli_epi16(first, i / 2 * 4 + i % 2);

			w.q[i] = _mm512_mask_add_epi8(w.q[i], _mm512_test_epi8_mask(h, bit), w.q[i], bytes512(16));
		}
	}
	w.d = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_unpacklo_epi8(s, s))), _mm512_broadcastss_ps(halves));
	w.m = _mm512_zextps256_ps512(_mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_unpackhi_epi64(s, s))),
						   _mm256_broadcastss_ps(_mm_xor_ps(_mm_movehdup_ps(halves), _mm_set1_ps(-0.0f)))));
	return w;
}

/* In the order of the elements. d: lane 4 i + j belongs to the 16 elements 4 j + i. */
static inline struct weights q6_k_weights(const uint8_t *p)
{
	const __m512i up = _mm512_set_epi64(2, 2, 2, 2, 4, 4, 4, 4), down = _mm512_set_epi64(2, 2, 2, 2, 0, 0, 0, 0);
	const __m128i order = _mm_set_epi8(15, 11, 7, 3, 14, 10, 6, 2, 13, 9, 5, 1, 12, 8, 4, 0);
	__m128i scales = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(p + 192)), order);
	struct weights w;

	for (int i = 0; i < 2; i++) {
		__m512i low = load512(p + 64 * i), high = _mm512_broadcast_i64x4(_mm256_loadu_si256((const void *)(p + 128 + 32 * i)));

		w.q[2 * i] = _mm512_or_si512(_mm512_and_si512(low, bytes512(15)),
					     _mm512_and_si512(_mm512_sllv_epi64(high, up), bytes512(0x30)));
		w.q[2 * i + 1] = _mm512_or_si512(_mm512_and_si512(_mm512_srli_epi16(low, 4), bytes512(15)),
						 _mm512_and_si512(_mm512_srlv_epi64(high, down), bytes512(0x30)));
	}
	w.d = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(scales)), _mm512_set1_ps(half_at(p + 208)));
	w.m = _mm512_setzero_ps();
	return w;
}

/* Bytes of a step. [tensor_type_info(), known when this is compiled] */
static inline size_t step_bytes(enum tensor_type type)
{
	bool super = type == TENSOR_Q4_K || type == TENSOR_Q5_K || type == TENSOR_Q6_K;

	return stored_bytes(type) * (super ? 1 : 4);
}

/* A step; of types with blocks of 32 up to four, nr. */
static inline __attribute__((always_inline)) struct weights weights_load(enum tensor_type type, const uint8_t *p, uint32_t nr)
{
	switch (type) {
	case TENSOR_Q4_0:
		return nibble_weights(p, 18, nr, q4_0_nibbles, q4_0_d, NULL, NULL);
	case TENSOR_Q4_1:
		if (SET_TUNED_FOR == INTEL)
			return dword_weights(p, 20, nr, q4_1_nibble_dwords, q4_1_heads, NULL);
		return nibble_weights(p, 20, nr, q4_1_nibbles, q4_1_d, q4_1_m, NULL);
	case TENSOR_Q5_0:
		return nibble_weights(p, 22, nr, q5_0_nibbles, q5_0_d, NULL, q5_0_high);
	case TENSOR_Q5_1:
		if (SET_TUNED_FOR == INTEL)
			return dword_weights(p, 24, nr, q5_1_nibble_dwords, q5_1_heads, q5_1_high_dwords);
		return nibble_weights(p, 24, nr, q5_1_nibbles, q5_1_d, q5_1_m, q5_1_high);
	case TENSOR_Q8_0:
		return q8_0_weights(p, nr);
	case TENSOR_Q4_K:
		return k45_weights(p, NULL, p + 16);
	case TENSOR_Q5_K:
		return k45_weights(p, p + 16, p + 48);
	default:
		return q6_k_weights(p);
	}
}

/* Sums neighbours: from a vector each of blocks (0 | 1) and (2 | 3) to one of (0 0 2 2 0 0 2 2 1 1 3 3 1 1 3 3). */
static inline __m512i two_to_one(__m512i a, __m512i b)
{
	return _mm512_add_epi32(_mm512_unpacklo_epi64(a, b), _mm512_unpackhi_epi64(a, b));
}

/* From (0 | 2), (1 | 3), (4 | 6), (5 | 7) to two lanes for each block, in order. */
static inline __m512i k45_to_one(const __m512i sums[4])
{
	__m512i a = two_to_one(sums[0], sums[1]), b = two_to_one(sums[2], sums[3]);

	return _mm512_add_epi32(_mm512_shuffle_i64x2(a, b, 0x88), _mm512_shuffle_i64x2(a, b, 0xdd));
}

/* From 4 lanes for each of 16 groups, in order, to one: lane 4 i + j is group 4 j + i. */
static inline __m512i q6_k_to_one(const __m512i s[4])
{
	__m512i a = _mm512_add_epi32(_mm512_unpacklo_epi32(s[0], s[1]), _mm512_unpackhi_epi32(s[0], s[1]));
	__m512i b = _mm512_add_epi32(_mm512_unpacklo_epi32(s[2], s[3]), _mm512_unpackhi_epi32(s[2], s[3]));

	return two_to_one(a, b);
}

/* Vectors of a step. */
static inline int vectors_of(enum tensor_type type)
{
	return type == TENSOR_Q4_K || type == TENSOR_Q5_K || type == TENSOR_Q6_K ? 4 : 2;
}

static inline bool has_minimum(enum tensor_type type)
{
	return type == TENSOR_Q4_1 || type == TENSOR_Q5_1 || type == TENSOR_Q4_K || type == TENSOR_Q5_K;
}

/* What unsigned weights are too high by. */
static inline int offset_of(enum tensor_type type)
{
	return type == TENSOR_Q8_0 ? 128 : type == TENSOR_Q6_K ? 32 : type == TENSOR_Q5_0 ? 16 : type == TENSOR_Q4_0 ? 8 : 0;
}

/* Products of a step, one scale for each lane. */
static inline __attribute__((always_inline)) __m512i dot_step(enum tensor_type type, const __m512i w[4], const __m512i q[4], __m512i sum)
{
	__m512i sums[4];

	if (type == TENSOR_Q4_0 || type == TENSOR_Q4_1 || type == TENSOR_Q5_0 || type == TENSOR_Q5_1)
		return dot4(dot4(sum, w[0], q[0]), w[1], q[1]);
	for (int i = 0; i < vectors_of(type); i++)
		sums[i] = dot4(_mm512_setzero_si512(), w[i], q[i]);
	if (type == TENSOR_Q8_0)
		sum = _mm512_add_epi32(sum, two_to_one(sums[0], sums[1]));
	else if (type == TENSOR_Q6_K)
		sum = _mm512_add_epi32(sum, q6_k_to_one(sums));
	else
		sum = k45_to_one(sums);
	return sum;
}

/* Activations of a step that begins with block b. */
static inline __attribute__((always_inline)) struct activations activations_load(enum tensor_type type, const struct token_bytes *x, size_t b)
{
	const __m512i four_each = _mm512_set_epi32(3, 3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0);
	const __m512i two_each = _mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
	const __m512i q6_k_lanes = _mm512_set_epi32(7, 5, 3, 1, 7, 5, 3, 1, 6, 4, 2, 0, 6, 4, 2, 0);
	__m512i q[4], offset[4];
	struct activations a;
	__m512 d;

	for (int i = 0; i < vectors_of(type); i++)
		q[i] = load512(x->q + 32 * b + 64 * i);
	d = vectors_of(type) == 2 ? _mm512_castps128_ps512(_mm_loadu_ps(x->d + b)) : _mm512_castps256_ps512(_mm256_loadu_ps(x->d + b));
	switch (type) {
	case TENSOR_Q8_0:
		a.d = q8_0_lanes(_mm512_castps512_ps128(d));
		break;
	case TENSOR_Q6_K:
		a.d = _mm512_permutexvar_ps(q6_k_lanes, d);
		break;
	case TENSOR_Q4_K:
	case TENSOR_Q5_K:
		a.d = _mm512_permutexvar_ps(two_each, d);
		break;
	default:
		a.d = _mm512_permutexvar_ps(four_each, d);
	}
	for (int i = 0; i < vectors_of(type); i++)
		a.q[i] = q[i];
	if (type != TENSOR_Q8_0 && type != TENSOR_Q6_K)
		for (int i = 0; i < vectors_of(type); i += 2) {
			a.q[i] = vectors_of(type) == 2 ? _mm512_shuffle_i64x2(q[i], q[i + 1], 0x88) : _mm512_shuffle_i64x2(q[i], q[i + 1], 0x44);
			a.q[i + 1] = vectors_of(type) == 2 ? _mm512_shuffle_i64x2(q[i], q[i + 1], 0xdd) : _mm512_shuffle_i64x2(q[i], q[i + 1], 0xee);
		}
	for (int i = 0; i < 4; i++)
		offset[i] = bytes512(offset_of(type));
	a.offset = offset_of(type) ? _mm512_sub_epi32(_mm512_setzero_si512(), dot_step(type, offset, a.q, _mm512_setzero_si512())) :
				     _mm512_setzero_si512();
	a.s = vectors_of(type) == 2 ? _mm512_maskz_permutexvar_ps(0x1111, four_each, _mm512_castps128_ps512(_mm_loadu_ps(x->s + b))) :
				      _mm512_zextps256_ps512(_mm256_loadu_ps(x->s + b));
	return a;
}

static inline __attribute__((always_inline)) __m512 step(enum tensor_type type, const struct weights *w, const struct activations *a, __m512 sum)
{
	__m512 dots_ = _mm512_cvtepi32_ps(dot_step(type, w->q, a->q, a->offset));

	sum = _mm512_fmadd_ps(_mm512_mul_ps(w->d, a->d), dots_, sum);
	return has_minimum(type) ? _mm512_fmadd_ps(w->m, a->s, sum) : sum;
}

/* The x of step i begins at x[i * nx]. */
static inline __attribute__((always_inline)) void step_of_tokens(enum tensor_type type, const uint8_t *p, uint32_t nr,
								 const struct activations *x, uint32_t nx, __m512 sums[4])
{
	struct weights w = weights_load(type, p, nr);

	for (uint32_t t = 0; t < nx; t++)
		sums[t] = step(type, &w, &x[t], sums[t]);
}

/*
 * Asks for the memory of a later step than that of `bytes` at p, `at` bytes from the beginning of its row. The compiler must not put it
 * behind what this step reads: Q8_0 was slower by a tenth then, where it comes from memory.
 */
static inline __attribute__((always_inline)) void ask_ahead(struct ahead a, const void *p, size_t at, size_t bytes)
{
	const char *there = (const char *)p + a.distance;

	if (a.every > bytes && at % a.every >= bytes)
		return;
	for (size_t i = 0; i < bytes; i += a.every) {
		if (a.first_cache)
			_mm_prefetch(there + i, _MM_HINT_T0);
		else
			_mm_prefetch(there + i, _MM_HINT_T1);
	}
	__asm__ volatile("" : : : "memory");
}

/*
 * Rows at p, `apart` bytes from each other, side by side with nx tokens: one of both is 1, the other at most 4. Sums are still in lanes. Type,
 * nr and nx are constants where this is inlined.
 */
static inline __attribute__((always_inline)) void dot_rows(enum tensor_type type, const uint8_t *p, size_t apart, uint32_t nr, uint32_t cols,
							   const struct activations *x, uint32_t nx, lanes_f out[4])
{
	uint32_t per_step = vectors_of(type) * 64u, left = cols % per_step;
	size_t bytes = step_bytes(type);
	__m512 sums[4];

	for (uint32_t i = 0; i < nr * nx; i++)
		sums[i] = _mm512_setzero_ps();
	for (const struct activations *end = x + (size_t)(cols / per_step) * nx; x < end; p += bytes, x += nx)
		for (uint32_t i = 0; i < nr; i++) {
			ask_ahead(ahead_of(type), p + i * apart, 0, bytes);
			step_of_tokens(type, p + i * apart, 4, x, nx, sums + i);
		}
	for (uint32_t i = 0; vectors_of(type) == 2 && left && i < nr; i++)
		step_of_tokens(type, p + i * apart, left / 32, x, nx, sums + i);
	for (uint32_t i = 0; i < nr * nx; i++)
		out[i] = (lanes_f)sums[i];
}

static inline void put(const struct rows_job *j, uint32_t r, size_t t, uint32_t nx, const float sums[4])
{
	for (uint32_t i = 0; i < nx; i++)
		j->out[(t + i) * j->out_stride + r] = sums[i] + (j->bias ? j->bias[r] : 0);
}

/* Row r and three more, `apart` rows from each other, with one token. */
static inline __attribute__((always_inline)) void four_rows(enum tensor_type type, const struct rows_job *j, uint32_t r, uint32_t apart,
							    const struct activations *x, size_t t)
{
	const uint8_t *p = (const uint8_t *)j->w->data + r * j->w->row_bytes;
	size_t bytes = apart * j->w->row_bytes;
	lanes_f sums[4];
	float out[4];

	if (SET_TUNED_FOR != ZEN5)
		dot_rows(type, p, bytes, 4, j->w->cols, x, 1, sums);
	for (uint32_t i = 0; SET_TUNED_FOR == ZEN5 && i < 4; i++)
		dot_rows(type, p + i * bytes, 0, 1, j->w->cols, x, 1, &sums[i]);
	four_sums(out, sums);
	for (uint32_t i = 0; i < 4; i++)
		put(j, r + i * apart, t, 1, &out[i]);
}

static inline __attribute__((always_inline)) void one_row(enum tensor_type type, const struct rows_job *j, uint32_t r,
							  const struct activations *x, size_t t, uint32_t nx)
{
	lanes_f sums[4];
	float out[4];

	dot_rows(type, (const uint8_t *)j->w->data + r * j->w->row_bytes, 0, 1, j->w->cols, x, nx, sums);
	if (nx == 4)
		four_sums(out, sums);
	else
		out[0] = vector_sum(sums[0]);
	put(j, r, t, nx, out);
}

/* All that a row needs of nx tokens from t on, step after step. */
static inline __attribute__((always_inline)) void activations_lay(enum tensor_type type, const struct acts *x, size_t t, uint32_t nx,
								  struct activations *to)
{
	uint32_t blocks = vectors_of(type) * 2u, b_end = x->cols / 32;

	for (uint32_t i = 0; i < nx; i++) {
		struct token_bytes bytes = token_bytes_at(x, t + i);

		for (uint32_t b = 0; b < b_end; b += blocks)
			to[b / blocks * nx + i] = activations_load(type, &bytes, b);
	}
}

/* Tokens go four at once; what is left of them one by one with four rows. Which rows are left over does not depend on threads: parts begin
 * at multiples of ROWS_GRAIN. */
static inline __attribute__((always_inline)) void byte_rows(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	struct activations *x = j->scratch;
	size_t n = j->x->n, four = n / 4 * 4, steps = rounded(j->x->cols) / (vectors_of(type) * 64u);
	struct groups groups = groups_of(begin, end, 4, SET_TUNED_FOR != ZEN5);

	_Static_assert(PANEL_TOKENS * sizeof(*x) <= 128 * SCRATCH_BYTES_EACH, "steps fit their memory");
	for (size_t t = 0; t < four; t += 4)
		activations_lay(type, j->x, t, 4, x + t * steps);
	for (size_t t = four; t < n; t++)
		activations_lay(type, j->x, t, 1, x + t * steps);
	for (uint32_t r = groups.begin; r < groups.end; r += groups.next) {
		for (size_t t = 0; t < four; t += 4)
			for (uint32_t i = 0; i < 4; i++)
				one_row(type, j, r + i * groups.apart, x + t * steps, t, 4);
		for (size_t t = four; t < n; t++)
			four_rows(type, j, r, groups.apart, x + t * steps, t);
	}
	for (uint32_t r = groups.rest; r < end; r++) {
		for (size_t t = 0; t < four; t += 4)
			one_row(type, j, r, x + t * steps, t, 4);
		for (size_t t = four; t < n; t++)
			one_row(type, j, r, x + t * steps, t, 1);
	}
}

/* --- floats --- */

/* Bytes of an element. [tensor_type_info(), known when this is compiled] */
static inline size_t float_bytes(enum tensor_type type)
{
	return type == TENSOR_F32 ? 4 : type == TENSOR_F8_E4M3 ? 1 : 2;
}

static inline __attribute__((always_inline)) void dot_floats(enum tensor_type type, const char *p, uint32_t cols, const float *x,
							     size_t x_stride, uint32_t nx, float out[4])
{
	size_t width = float_bytes(type);
	__m512 sums[2][4];
	uint32_t c = 0;

	for (uint32_t t = 0; t < nx; t++)
		for (uint32_t i = 0; i < 4; i++)
			sums[t][i] = _mm512_setzero_ps();
	for (; c + 64 <= cols; c += 64) {
		ask_ahead(ahead_of(type), p + c * width, c * width, 64 * width);
		for (uint32_t i = 0; i < 4; i++) {
			__m512 w = float_load(type, p, c + 16 * i);

			for (uint32_t t = 0; t < nx; t++)
				sums[t][i] = _mm512_fmadd_ps(w, _mm512_loadu_ps(x + t * x_stride + c + 16 * i), sums[t][i]);
		}
	}
	/* Unrolled, or the compiler keeps the sums in memory. */
#pragma GCC unroll 4
	for (uint32_t i = 0; i < 4 && c < cols; i++, c += 16) {
		__mmask16 mask = lanes_below(cols - c);
		__m512 w = float_load_part(type, p, c, mask);

		for (uint32_t t = 0; t < nx; t++)
			sums[t][i] = _mm512_fmadd_ps(w, _mm512_maskz_loadu_ps(mask, x + t * x_stride + c), sums[t][i]);
	}
	for (uint32_t t = 0; t < nx; t++)
		out[t] = _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(sums[t][0], sums[t][1]), _mm512_add_ps(sums[t][2], sums[t][3])));
}

static inline __attribute__((always_inline)) void float_row(enum tensor_type type, const struct rows_job *j, const char *p, uint32_t r)
{
	const struct acts *x = j->x;
	float sums[4];
	size_t t = 0;

	for (; t + 2 <= x->n; t += 2) {
		dot_floats(type, p, x->cols, x->x + t * x->stride, x->stride, 2, sums);
		put(j, r, t, 2, sums);
	}
	if (t < x->n) {
		dot_floats(type, p, x->cols, x->x + t * x->stride, x->stride, 1, sums);
		put(j, r, t, 1, sums);
	}
}

/* Row r and nr - 1 more, `apart` rows from each other, with one token. nr is a constant where this is inlined. */
static inline __attribute__((always_inline)) void side_rows(enum tensor_type type, const struct rows_job *j, uint32_t r, uint32_t nr,
							    uint32_t apart)
{
	size_t width = float_bytes(type), bytes = apart * j->w->row_bytes, cols = j->x->cols, c = 0;
	const char *p = (const char *)j->w->data + r * j->w->row_bytes;
	const float *x = j->x->x;
	__m512 sums[SIDE_MOST];
	float out[SIDE_MOST];

	for (uint32_t i = 0; i < nr; i++)
		sums[i] = _mm512_setzero_ps();
	for (; c + 32 <= cols; c += 32) {
		for (uint32_t i = 0; i < nr; i++)
			ask_ahead(side_ahead_of(type), p + i * bytes + c * width, c * width, 32 * width);
		for (size_t at = c; at < c + 32; at += 16) {
			__m512 by = _mm512_loadu_ps(x + at);

			for (uint32_t i = 0; i < nr; i++)
				sums[i] = _mm512_fmadd_ps(float_load(type, p + i * bytes, at), by, sums[i]);
		}
	}
	for (; c < cols; c += 16) {
		__mmask16 mask = lanes_below((uint32_t)(cols - c));
		__m512 by = _mm512_maskz_loadu_ps(mask, x + c);

		for (uint32_t i = 0; i < nr; i++)
			sums[i] = _mm512_fmadd_ps(float_load_part(type, p + i * bytes, c, mask), by, sums[i]);
	}
	for (uint32_t i = 0; i < nr; i += 4)
		four_sums(out + i, (const lanes_f *)sums + i);
	for (uint32_t i = 0; i < nr; i++)
		put(j, r + i * apart, 0, 1, &out[i]);
}

/* Which rows do not go side by side does not depend on threads: parts begin at multiples of ROWS_GRAIN. */
static inline __attribute__((always_inline)) void float_rows(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	struct side side = j->x->n == 1 ? side_of(type, j->x->cols) : (struct side){0};
	struct groups groups = {.rest = begin};

	if (side.rows)
		groups = groups_of(begin, end, side.rows, side.distant);
	for (uint32_t r = groups.begin; r < groups.end; r += groups.next) {
		if (side.rows == 4)
			side_rows(type, j, r, 4, groups.apart);
		else
			side_rows(type, j, r, SIDE_MOST, groups.apart);
	}
	for (uint32_t r = groups.rest; r < end; r++)
		float_row(type, j, (const char *)j->w->data + r * j->w->row_bytes, r);
}

/* One or two tokens: the sum of each block of columns times its scale. */
static inline __attribute__((always_inline)) void f8_dot(const struct rows_job *j, uint32_t r, uint32_t nx)
{
	const struct matrix *m = j->w;
	uint32_t tile = m->scales ? m->scale_cols : m->cols;
	const float *scale = m->scales ? m->scales + (size_t)(r / m->scale_rows) * ((m->cols - 1) / tile + 1) : NULL;
	const char *p = (const char *)m->data + r * m->row_bytes;
	float sums[4] = {0}, part[4];

	for (uint32_t c = 0; c < m->cols; c += tile) {
		dot_floats(TENSOR_F8_E4M3, p + c, m->cols - c < tile ? m->cols - c : tile, j->x->x + c, j->x->stride, nx, part);
		for (uint32_t t = 0; t < nx; t++)
			sums[t] += scale ? scale[c / tile] * part[t] : part[t];
	}
	put(j, r, 0, nx, sums);
}

/* More of them: a row becomes floats once, with its scales. */
static void f8_rows(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	float *row = j->scratch;

	for (uint32_t r = begin; r < end; r++) {
		if (j->x->n == 1) {
			f8_dot(j, r, 1);
		} else if (j->x->n == 2) {
			f8_dot(j, r, 2);
		} else {
			matrix_part(&SET_TABLE, j->w, r, 0, j->w->cols, row);
			float_row(TENSOR_F32, j, (const char *)row, r);
		}
	}
}

static void few_tokens(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	switch (j->w->type) {
	case TENSOR_F32:
		float_rows(TENSOR_F32, j, begin, end);
		break;
	case TENSOR_F16:
		float_rows(TENSOR_F16, j, begin, end);
		break;
	case TENSOR_BF16:
		float_rows(TENSOR_BF16, j, begin, end);
		break;
	case TENSOR_F8_E4M3:
		f8_rows(j, begin, end);
		break;
	case TENSOR_Q8_0:
		byte_rows(TENSOR_Q8_0, j, begin, end);
		break;
	case TENSOR_Q4_0:
		byte_rows(TENSOR_Q4_0, j, begin, end);
		break;
	case TENSOR_Q4_1:
		byte_rows(TENSOR_Q4_1, j, begin, end);
		break;
	case TENSOR_Q5_0:
		byte_rows(TENSOR_Q5_0, j, begin, end);
		break;
	case TENSOR_Q5_1:
		byte_rows(TENSOR_Q5_1, j, begin, end);
		break;
	case TENSOR_Q4_K:
		byte_rows(TENSOR_Q4_K, j, begin, end);
		break;
	case TENSOR_Q5_K:
		byte_rows(TENSOR_Q5_K, j, begin, end);
		break;
	default:
		byte_rows(TENSOR_Q6_K, j, begin, end);
	}
}

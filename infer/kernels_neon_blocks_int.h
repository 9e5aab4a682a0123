/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NEON, weights of blocks: part of kernels_neon_int.h. A row is unpacked once into bytes, scales and minima, in the scratch, and then
 * multiplied with all tokens, four at a time. Activations are rounded to 8 bits, with a scale d for each 32; s is d times their sum.
 */

typedef uint8_t bytes16 __attribute__((vector_size(16)));
typedef uint64_t pair_u64 __attribute__((vector_size(16)));

/* --- activations --- */

struct token_bytes {
	int8_t *q;
	float *d, *s;
};

static struct token_bytes token_bytes_at(const struct acts *x, size_t t)
{
	size_t each = x->cols + x->cols / 32 * 2 * sizeof(float);
	int8_t *q = (int8_t *)x->form[ACTS_BYTES] + t * each;
	float *d = (float *)(void *)(q + x->cols);

	_Static_assert(ACTS_BYTES_EACH * 32 >= 32 + 2 * sizeof(float), "a block fits its memory");
	return (struct token_bytes){q, d, d + x->cols / 32};
}

static void quantize_block(const float *x, int8_t *q, float *d, float *s)
{
	lanes_f greatest = {0};
	lanes_i sums = {0}, numbers = ~(lanes_i){0};
	float max_ = 0, by;

	for (size_t i = 0; i < 32; i += LANES) {
		lanes_f v = load(x + i);

		numbers &= v == v;
		greatest = greater((lanes_f)((lanes_i)v & ~(lanes_i)all(-0.0f)), greatest);
	}
	for (size_t i = 0; i < LANES; i++)
		max_ = greatest[i] > max_ ? greatest[i] : max_;
	for (size_t i = 0; i < LANES; i++)
		max_ = numbers[i] ? max_ : NAN;
	by = max_ > 0 ? 127 / max_ : 0;
	for (size_t i = 0; i < 32; i += LANES) {
		/* Adding 1.5 * 2^23 rounds to the nearest; the sum's low bits are the number. */
		lanes_i n = (lanes_i)(load(x + i) * by + 0x1.8p23f) - (lanes_i)all(0x1.8p23f);

		sums += n;
		for (size_t j = 0; j < LANES; j++)
			q[i + j] = (int8_t)n[j];
	}
	*d = max_ / 127;
	*s = *d * vector_sum(__builtin_convertvector(sums, lanes_f));
}

static void prepare_blocks(const struct acts *x, size_t begin, size_t end)
{
	for (size_t t = begin; t < end; t++) {
		struct token_bytes to = token_bytes_at(x, t);

		for (size_t b = 0; b < x->cols / 32; b++)
			quantize_block(x->x + t * x->stride + 32 * b, to.q + 32 * b, &to.d[b], &to.s[b]);
	}
}

/* --- blocks to bytes --- */

/* Of Q6_K there are two scales for 32 elements and no minima; of others one, and a minimum unless it is Q8_0. */
struct row_bytes {
	int8_t *q;
	float *d, *m;
};

static inline bytes16 load16(const uint8_t *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store16(int8_t *p, bytes16 v)
{
	memcpy(p, &v, sizeof(v));
}

/* 16 in byte i if bit i is set, else 0. */
static inline bytes16 fifth_bits(uint32_t bits)
{
	const bytes16 each = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
	pair_u64 twice = {(bits & 0xff) * 0x0101010101010101u, (bits >> 8 & 0xff) * 0x0101010101010101u}; /* not by way of memory */
	bytes16 v = (bytes16)twice;

	return (bytes16)((v & each) == each) & 16;
}

static inline __attribute__((always_inline)) void unpack_32(enum tensor_type type, const uint8_t *p, struct row_bytes *to, size_t b)
{
	bool five = type == TENSOR_Q5_0 || type == TENSOR_Q5_1, minimum = type == TENSOR_Q4_1 || type == TENSOR_Q5_1;
	const uint8_t *high = p + (minimum ? 4 : 2), *nibbles = five ? high + 4 : high;
	bytes16 q = load16(nibbles), low = q & 15, up = q >> 4;

	to->d[b] = half_at(p);
	if (type == TENSOR_Q8_0) {
		memcpy(to->q + 32 * b, p + 2, 32);
		return;
	}
	if (five) {
		low |= fifth_bits((uint32_t)high[0] | (uint32_t)high[1] << 8);
		up |= fifth_bits((uint32_t)high[2] | (uint32_t)high[3] << 8);
	}
	store16(to->q + 32 * b, low);
	store16(to->q + 32 * b + 16, up);
	to->m[b] = minimum ? half_at(p + 2) : to->d[b] * (five ? -16 : -8);
}

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef float floats8 __attribute__((vector_size(32)));

/* Eight bytes as floats times `by`. */
static inline void scales_put(uint64_t bytes, float by, float *out)
{
	bytes8 b;
	floats8 f;

	memcpy(&b, &bytes, sizeof(b));
	f = __builtin_convertvector(b, floats8) * by;
	memcpy(out, &f, sizeof(f));
}

/* The eight scales and minima of Q4_K and Q5_K; dequant.c says where they are. */
static inline void k_scales(const uint8_t *p, struct row_bytes *to, size_t b)
{
	uint32_t u[3];

	memcpy(u, p + 4, sizeof(u));
	scales_put((u[0] & 0x3f3f3f3f) | (uint64_t)((u[2] & 0x0f0f0f0f) | (u[0] >> 6 & 0x03030303) << 4) << 32, half_at(p), to->d + b);
	scales_put((u[1] & 0x3f3f3f3f) | (uint64_t)((u[2] >> 4 & 0x0f0f0f0f) | (u[1] >> 6 & 0x03030303) << 4) << 32, -half_at(p + 2),
		   to->m + b);
}

static inline __attribute__((always_inline)) void unpack_k45(enum tensor_type type, const uint8_t *p, struct row_bytes *to, size_t b)
{
	const uint8_t *high = p + 16, *nibbles = type == TENSOR_Q5_K ? p + 48 : p + 16;

	k_scales(p, to, b);
#pragma GCC unroll 8
	for (unsigned j = 0; j < 8; j++)
		for (unsigned i = 0; i < 32; i += 16) {
			bytes16 q = load16(nibbles + 32 * (j / 2) + i), n = j % 2 ? q >> 4 : q & 15;

			if (type == TENSOR_Q5_K)
				n |= (load16(high + i) >> (uint8_t)j & 1) << 4;
			store16(to->q + 32 * (b + j) + i, n);
		}
}

static inline void unpack_q6_k(const uint8_t *p, struct row_bytes *to, size_t b)
{
	float d = half_at(p + 208);

#pragma GCC unroll 16
	for (unsigned i = 0; i < 16; i++) {
		unsigned half = i / 8, at = i % 8; /* 16 elements, of a half of 128 */
		bytes16 low = load16(p + 64 * half + at % 4 * 16), high = load16(p + 128 + 32 * half + at % 2 * 16);
		bytes16 n = (at < 4 ? low & 15 : low >> 4) | (high >> (uint8_t)(at / 2 * 2) & 3) << 4;

		store16(to->q + 32 * b + 16 * i, n - 32);
		to->d[2 * b + i] = d * (float)(int8_t)p[192 + i];
	}
}

static inline __attribute__((always_inline)) void unpack(enum tensor_type type, const uint8_t *p, uint32_t cols, struct row_bytes *to)
{
	const struct tensor_type_info *info = tensor_type_info(type);

	for (size_t b = 0; b < cols / 32; b += info->block / 32, p += info->bytes) {
		if (type == TENSOR_Q4_K || type == TENSOR_Q5_K)
			unpack_k45(type, p, to, b);
		else if (type == TENSOR_Q6_K)
			unpack_q6_k(p, to, b);
		else
			unpack_32(type, p, to, b);
	}
}

/* --- a row with tokens --- */

static inline float minima(const float *m, const float *s, size_t n)
{
	lanes_f sums = {0};
	float sum_ = 0;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		sums += load(m + i) * load(s + i);
	for (; i < n; i++)
		sum_ += m[i] * s[i];
	return vector_sum(sums) + sum_;
}

static inline __attribute__((always_inline)) void dot_bytes(enum tensor_type type, const struct row_bytes *w, size_t blocks,
							    const struct token_bytes *x, uint32_t nx, float *out)
{
	lanes_f sums[TOKENS_AT_ONCE] = {{0}};

	for (size_t b = 0; b < blocks; b++)
		for (uint32_t t = 0; t < nx; t++) {
			lanes_i halves[2];

			if (type == TENSOR_Q6_K) {
				dot_halves(w->q + 32 * b, x[t].q + 32 * b, halves);
				sums[t] += __builtin_convertvector(halves[0], lanes_f) * (w->d[2 * b] * x[t].d[b]);
				sums[t] += __builtin_convertvector(halves[1], lanes_f) * (w->d[2 * b + 1] * x[t].d[b]);
			} else {
				halves[0] = dot_block(w->q + 32 * b, x[t].q + 32 * b);
				sums[t] += __builtin_convertvector(halves[0], lanes_f) * (w->d[b] * x[t].d[b]);
			}
		}
	for (uint32_t t = 0; t < nx; t++) {
		out[t] = vector_sum(sums[t]);
		if (type != TENSOR_Q8_0 && type != TENSOR_Q6_K)
			out[t] += minima(w->m, x[t].s, blocks);
	}
}

static inline __attribute__((always_inline)) void rows_of(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	size_t blocks = j->w->cols / 32;
	struct row_bytes w = {.d = j->scratch};
	float sums[TOKENS_AT_ONCE];

	_Static_assert(SCRATCH_BYTES_EACH * 32 >= 3 * sizeof(float) + 32, "an unpacked row fits the scratch");
	w.m = w.d + 2 * blocks;
	w.q = (int8_t *)(w.m + blocks);
	for (uint32_t r = begin; r < end; r++) {
		size_t t = 0;

		unpack(type, (const uint8_t *)j->w->data + r * j->w->row_bytes, j->w->cols, &w);
		for (; t + TOKENS_AT_ONCE <= j->x->n; t += TOKENS_AT_ONCE) {
			struct token_bytes x[TOKENS_AT_ONCE];

			for (size_t i = 0; i < TOKENS_AT_ONCE; i++)
				x[i] = token_bytes_at(j->x, t + i);
			dot_bytes(type, &w, blocks, x, TOKENS_AT_ONCE, sums);
			put(j, r, t, TOKENS_AT_ONCE, sums);
		}
		for (; t < j->x->n; t++) {
			struct token_bytes x = token_bytes_at(j->x, t);

			dot_bytes(type, &w, blocks, &x, 1, sums);
			put(j, r, t, 1, sums);
		}
	}
}

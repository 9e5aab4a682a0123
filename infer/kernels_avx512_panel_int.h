/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX-512, many tokens: part of kernels_avx512_int.h.
 *
 * A panel is a few rows, transposed so that one vector has the same columns of 16 rows; activations are broadcast. Nothing has to be
 * summed across a vector, and a vector of weights that is in a register serves all tokens of a tile.
 *
 * Bytes: dot4() wants one operand unsigned. Here it is the activations, 128 too high; sums begin at -128 times the sum of the weights,
 * which is exact.
 */

static inline void transpose16(__m512i r[16])
{
	__m512i t[16];

	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
		r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
		r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
		r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
	}
	for (int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
	}
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
		r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
		r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

/* --- bytes --- */

#define BYTE_PANEL_ROWS 32u
#define TILE_TOKENS ACTS_TOKENS

/*
 * Activations: tiles of TILE_TOKENS, in a tile 32 columns of all tokens, then the next 32. Bytes are 128 too high. d and s, each behind
 * the bytes of all, are in the same order.
 */
struct byte_tile {
	uint8_t *q;   /* + (32 columns) * nr * 32 + token * 32 */
	float *d, *s; /* + (32 columns) * nr + token */
	size_t nr;
};

static struct byte_tile byte_tile_at(const struct acts *x, size_t first)
{
	uint8_t *q = x->form[ACTS_BYTE_PANEL];
	float *d = (float *)(void *)(q + x->n * x->cols), *s = d + x->n * (x->cols / 32);

	_Static_assert(ACTS_BYTE_PANEL_EACH * 32 >= 32 + 2 * sizeof(float), "a block fits its memory");
	return (struct byte_tile){q + first * x->cols, d + first * (x->cols / 32), s + first * (x->cols / 32),
				  x->n - first < TILE_TOKENS ? x->n - first : TILE_TOKENS};
}

static void prepare_byte_panel(const struct acts *x, size_t begin, size_t end)
{
	for (size_t first = begin; first < end; first += TILE_TOKENS) {
		struct byte_tile tile = byte_tile_at(x, first);

		for (size_t b = 0; b < x->cols / 32; b++)
			for (size_t t = 0; t < tile.nr; t++) {
				uint8_t *q = tile.q + (b * tile.nr + t) * 32;
				int8_t signs[32];

				quantize_block(x->x + (first + t) * x->stride + 32 * b, signs, &tile.d[b * tile.nr + t],
					       &tile.s[b * tile.nr + t]);
				_mm256_storeu_si256((void *)q, _mm256_xor_si256(_mm256_loadu_si256((const void *)signs),
										_mm256_set1_epi8((char)0x80)));
			}
	}
}

/* 32 columns of a panel. Q6_K has a scale for each 16: [0] is for columns 0 to 15 then, and for all otherwise. */
struct panel_block {
	int8_t q[8][BYTE_PANEL_ROWS][4]; /* columns 4 i to 4 i + 3 of each row */
	int32_t start[2][BYTE_PANEL_ROWS];
	float d[2][BYTE_PANEL_ROWS], m[BYTE_PANEL_ROWS];
};

struct byte_scratch {
	float sums[TILE_TOKENS][BYTE_PANEL_ROWS];
	int8_t natural[16][256];
	struct panel_block blocks[];
};

/* Weights of a step as signed bytes in the order of the elements; returns how many. */
static inline __attribute__((always_inline)) void weights_natural(enum tensor_type type, const struct weights *w, int8_t *out)
{
	const __m512i first = _mm512_set_epi64(11, 10, 3, 2, 9, 8, 1, 0), second = _mm512_set_epi64(15, 14, 7, 6, 13, 12, 5, 4);
	__m512i q[4];

	for (int i = 0; i < vectors_of(type); i++)
		q[i] = _mm512_sub_epi8(w->q[i], bytes512(offset_of(type)));
	if (type == TENSOR_Q4_K || type == TENSOR_Q5_K)
		for (int i = 0; i < 4; i += 2) {
			__m512i a = q[i], b = q[i + 1];

			q[i] = _mm512_shuffle_i64x2(a, b, 0x44);
			q[i + 1] = _mm512_shuffle_i64x2(a, b, 0xee);
		}
	else if (type != TENSOR_Q8_0 && type != TENSOR_Q6_K) {
		__m512i a = q[0], b = q[1];

		q[0] = _mm512_permutex2var_epi64(a, first, b);
		q[1] = _mm512_permutex2var_epi64(a, second, b);
	}
	for (int i = 0; i < vectors_of(type); i++)
		_mm512_storeu_si512(out + 64 * i, q[i]);
}

/* Lane of w->d for block b of a step, or for the 16 elements b of Q6_K. */
static inline unsigned scale_lane(enum tensor_type type, unsigned b)
{
	switch (type) {
	case TENSOR_Q8_0:
		return b % 2 * 8 + b / 2 * 2;
	case TENSOR_Q6_K:
		return b % 4 * 4 + b / 4;
	case TENSOR_Q4_K:
	case TENSOR_Q5_K:
		return 2 * b;
	default:
		return 4 * b;
	}
}

static inline __attribute__((always_inline)) void scales_put(enum tensor_type type, const struct weights *w, struct panel_block *blocks,
							     uint32_t nr, uint32_t row)
{
	float d[16], m[16];

	_mm512_storeu_ps(d, w->d);
	_mm512_storeu_ps(m, w->m);
	for (uint32_t b = 0; b < nr; b++) {
		if (type == TENSOR_Q6_K) {
			blocks[b].d[0][row] = d[scale_lane(type, 2 * b)];
			blocks[b].d[1][row] = d[scale_lane(type, 2 * b + 1)];
		} else {
			blocks[b].d[0][row] = d[scale_lane(type, b)];
		}
		if (has_minimum(type))
			blocks[b].m[row] = m[vectors_of(type) == 4 ? b : 4 * b];
	}
}

/* 16 rows of nr blocks from natural bytes; then what sums begin with. */
static void transpose_blocks(const int8_t natural[16][256], struct panel_block *blocks, uint32_t nr, uint32_t row)
{
	for (uint32_t b = 0; b < nr; b += 2) {
		__m512i r[16];

		for (int i = 0; i < 16; i++)
			r[i] = load512(&natural[i][32 * b]);
		transpose16(r);
		for (uint32_t i = 0; i < (b + 1 < nr ? 16 : 8); i++)
			_mm512_storeu_si512(blocks[b + i / 8].q[i % 8][row], r[i]);
	}
	for (uint32_t b = 0; b < nr; b++)
		for (int half = 0; half < 2; half++) {
			__m512i sum_ = _mm512_setzero_si512();

			for (int i = 0; i < 4; i++)
				sum_ = dot4(sum_, bytes512(1), load512(blocks[b].q[4 * half + i][row]));
			_mm512_storeu_si512(&blocks[b].start[half][row],
					    _mm512_sub_epi32(_mm512_setzero_si512(), _mm512_slli_epi32(sum_, 7)));
		}
}

static inline __attribute__((always_inline)) void byte_panel_make(enum tensor_type type, const struct matrix *m, uint32_t r, uint32_t nr,
								  struct byte_scratch *s)
{
	const struct tensor_type_info *info = tensor_type_info(type);
	uint32_t per_step = vectors_of(type) * 64u;
	size_t bytes = (size_t)per_step / info->block * info->bytes;

	for (uint32_t row = 0; row < BYTE_PANEL_ROWS; row += 16)
		for (uint32_t c = 0; c < m->cols; c += per_step) {
			struct panel_block *blocks = &s->blocks[c / 32];
			uint32_t cols = m->cols - c < per_step ? m->cols - c : per_step;

			for (uint32_t i = 0; i < 16; i++) {
				const uint8_t *p = (const uint8_t *)m->data + (r + row + i) * m->row_bytes + c / per_step * bytes;
				struct weights w = {.d = _mm512_setzero_ps(), .m = _mm512_setzero_ps()};

				if (row + i >= nr) {
					memset(s->natural[i], 0, per_step);
					scales_put(type, &w, blocks, cols / 32, row + i);
					continue;
				}
				w = weights_load(type, p, cols / 32 < 4 ? cols / 32 : 4);
				weights_natural(type, &w, s->natural[i]);
				scales_put(type, &w, blocks, cols / 32, row + i);
			}
			transpose_blocks(s->natural, blocks, cols / 32, row);
		}
}

/* One block of the panel with all tokens of a tile: sums += ... */
static inline __attribute__((always_inline)) void byte_block(const struct panel_block *p, const struct byte_tile *x, size_t b,
							     float sums[][BYTE_PANEL_ROWS], bool halves, bool minimum)
{
	__m512i w[8][2], start[2][2];
	__m512 d[2][2], m[2];

	for (int v = 0; v < 2; v++) {
		for (int i = 0; i < 8; i++)
			w[i][v] = load512(p->q[i][16 * v]);
		for (int half = 0; half < 2; half++) {
			start[half][v] = load512(&p->start[half][16 * v]);
			d[half][v] = _mm512_loadu_ps(&p->d[half][16 * v]);
		}
		if (!halves)
			start[0][v] = _mm512_add_epi32(start[0][v], start[1][v]);
		if (minimum)
			m[v] = _mm512_loadu_ps(&p->m[16 * v]);
	}
	for (size_t t = 0; t < x->nr; t++) {
		const uint8_t *q = x->q + (b * x->nr + t) * 32;
		__m512 by = _mm512_set1_ps(x->d[b * x->nr + t]);
		__m512i dots_[2][2];

		for (int v = 0; v < 2; v++)
			for (int half = 0; half < 2; half++)
				dots_[half][v] = start[half][v];
#pragma GCC unroll 8
		for (int i = 0; i < 8; i++) {
			int32_t four;
			__m512i bytes;

			memcpy(&four, q + 4 * i, sizeof(four));
			bytes = _mm512_set1_epi32(four);
			for (int v = 0; v < 2; v++)
				dots_[halves && i >= 4][v] = dot4(dots_[halves && i >= 4][v], bytes, w[i][v]);
		}
		for (int v = 0; v < 2; v++) {
			__m512 sum_ = _mm512_loadu_ps(&sums[t][16 * v]);

			sum_ = _mm512_fmadd_ps(_mm512_mul_ps(d[0][v], by), _mm512_cvtepi32_ps(dots_[0][v]), sum_);
			if (halves)
				sum_ = _mm512_fmadd_ps(_mm512_mul_ps(d[1][v], by), _mm512_cvtepi32_ps(dots_[1][v]), sum_);
			if (minimum)
				sum_ = _mm512_fmadd_ps(m[v], _mm512_set1_ps(x->s[b * x->nr + t]), sum_);
			_mm512_storeu_ps(&sums[t][16 * v], sum_);
		}
	}
}

#ifdef SET_HAS_TILES
#include "kernels_avx512_tiles_int.h"
#endif

/* All blocks of the panel with all tokens of a tile. Tiles of 16 columns, which Q6_K would need, are slower than none. */
static inline __attribute__((always_inline)) void byte_blocks(enum tensor_type type, const struct panel_block *blocks, size_t nr,
							      const struct byte_tile *x, float sums[][BYTE_PANEL_ROWS])
{
#ifdef SET_HAS_TILES
	if (type != TENSOR_Q6_K) {
		tiles_of_blocks(blocks, nr, x, has_minimum(type), sums);
		return;
	}
#endif
	memset(sums, 0, TILE_TOKENS * sizeof(sums[0]));
	for (size_t b = 0; b < nr; b++)
		byte_block(&blocks[b], x, b, sums, type == TENSOR_Q6_K, has_minimum(type));
}

static void byte_tile_put(const struct rows_job *j, size_t first, size_t nr_tokens, uint32_t r, uint32_t nr,
			  const float sums[][BYTE_PANEL_ROWS])
{
	__mmask16 mask[2] = {lanes_below(nr), nr > 16 ? lanes_below(nr - 16) : 0};

	for (size_t t = 0; t < nr_tokens; t++)
		for (int v = 0; v < 2; v++) {
			__m512 sum_ = _mm512_loadu_ps(&sums[t][16 * v]);

			if (j->bias)
				sum_ = _mm512_add_ps(sum_, _mm512_maskz_loadu_ps(mask[v], j->bias + r + 16 * v));
			_mm512_mask_storeu_ps(j->out + (first + t) * j->out_stride + r + 16 * v, mask[v], sum_);
		}
}

static inline __attribute__((always_inline)) void byte_panels_of(enum tensor_type type, const struct rows_job *j, uint32_t begin, uint32_t end)
{
	struct byte_scratch *s = j->scratch;

	_Static_assert(SCRATCH_BYTES >= sizeof(struct byte_scratch), "scratch is large enough");
	_Static_assert(SCRATCH_BYTES_EACH * 32 >= sizeof(struct panel_block), "scratch is large enough");
	for (uint32_t r = begin; r < end; r += BYTE_PANEL_ROWS) {
		uint32_t nr = end - r < BYTE_PANEL_ROWS ? end - r : BYTE_PANEL_ROWS;

		byte_panel_make(type, j->w, r, nr, s);
		for (size_t first = 0; first < j->x->n; first += TILE_TOKENS) {
			struct byte_tile x = byte_tile_at(j->x, first);

			byte_blocks(type, s->blocks, j->x->cols / 32, &x, s->sums);
			byte_tile_put(j, first, x.nr, r, nr, (const float(*)[BYTE_PANEL_ROWS])s->sums);
		}
	}
}

static void byte_panels(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	switch (j->w->type) {
	case TENSOR_Q8_0:
		byte_panels_of(TENSOR_Q8_0, j, begin, end);
		break;
	case TENSOR_Q4_0:
		byte_panels_of(TENSOR_Q4_0, j, begin, end);
		break;
	case TENSOR_Q4_1:
		byte_panels_of(TENSOR_Q4_1, j, begin, end);
		break;
	case TENSOR_Q5_0:
		byte_panels_of(TENSOR_Q5_0, j, begin, end);
		break;
	case TENSOR_Q5_1:
		byte_panels_of(TENSOR_Q5_1, j, begin, end);
		break;
	case TENSOR_Q4_K:
		byte_panels_of(TENSOR_Q4_K, j, begin, end);
		break;
	case TENSOR_Q5_K:
		byte_panels_of(TENSOR_Q5_K, j, begin, end);
		break;
	default:
		byte_panels_of(TENSOR_Q6_K, j, begin, end);
	}
}

/* --- floats --- */

#define FLOAT_PANEL_ROWS 48u
#define FLOAT_TOKENS 8u
#define FLOAT_COLS 256u /* of a panel at once: it stays in the second level cache */

/* Tiles of FLOAT_TOKENS tokens, in a tile all tokens of a column side by side; tokens that there are not are 0. */
static void prepare_float_panel(const struct acts *x, size_t begin, size_t end)
{
	for (size_t first = begin; first < end; first += FLOAT_TOKENS) {
		float *to = (float *)x->form[ACTS_FLOAT_PANEL] + first * x->cols;

		for (size_t t = 0; t < FLOAT_TOKENS; t++) {
			const float *from = x->x + (first + t) * x->stride;

			for (size_t c = 0; c < x->cols; c++)
				to[c * FLOAT_TOKENS + t] = first + t < x->n ? from[c] : 0;
		}
	}
}

/* Columns [c, c + nr_cols) of 16 rows from r, of which nr_rows are there: out[column][16 of FLOAT_PANEL_ROWS]. */
static inline __attribute__((always_inline)) void float_transpose(enum tensor_type type, const struct matrix *m, uint32_t r, uint32_t nr_rows,
								  uint32_t c, uint32_t nr_cols, float *out)
{
	for (uint32_t i = 0; i < nr_cols; i += 16) {
		__mmask16 mask = lanes_below(nr_cols - i);
		__m512i v[16];

		for (uint32_t row = 0; row < 16; row++)
			v[row] = row < nr_rows ? _mm512_castps_si512(float_load_part(type, (const char *)m->data + (r + row) * m->row_bytes,
										     c + i, mask)) :
						 _mm512_setzero_si512();
		transpose16(v);
		for (uint32_t col = 0; col < 16 && i + col < nr_cols; col++)
			_mm512_storeu_si512(out + (size_t)(i + col) * FLOAT_PANEL_ROWS, v[col]);
	}
}

/* Scales are applied on the way to floats. */
static void f8_transpose(const struct matrix *m, uint32_t r, uint32_t nr_rows, uint32_t c, uint32_t nr_cols, float *out)
{
	for (uint32_t row = 0; row < 16; row++) {
		float part[FLOAT_COLS] = {0};

		if (row < nr_rows)
			matrix_part(&SET_TABLE, m, r + row, c, nr_cols, part);
		for (uint32_t i = 0; i < nr_cols; i++)
			out[(size_t)i * FLOAT_PANEL_ROWS + row] = part[i];
	}
}

static void float_panel_make(const struct matrix *m, uint32_t r, uint32_t nr_rows, uint32_t c, uint32_t nr_cols, float *out)
{
	for (uint32_t i = 0; i < nr_rows; i += 16) {
		switch (m->type) {
		case TENSOR_F16:
			float_transpose(TENSOR_F16, m, r + i, nr_rows - i, c, nr_cols, out + i);
			break;
		case TENSOR_BF16:
			float_transpose(TENSOR_BF16, m, r + i, nr_rows - i, c, nr_cols, out + i);
			break;
		case TENSOR_F8_E4M3:
			f8_transpose(m, r + i, nr_rows - i, c, nr_cols, out + i);
			break;
		default:
			float_transpose(TENSOR_F32, m, r + i, nr_rows - i, c, nr_cols, out + i);
		}
	}
}

/* Where sums of a tile are: up to three vectors of rows for up to eight tokens. */
struct float_target {
	float *out;
	size_t stride, tokens;
	const float *bias;
	__mmask16 mask[3];
	bool first; /* sums begin here; else they go on */
};

static inline __attribute__((always_inline)) void float_tile(const float *w, const float *x, uint32_t nr_cols, int vectors,
							     const struct float_target *to)
{
	__m512 sums[FLOAT_TOKENS][3];

	for (size_t t = 0; t < FLOAT_TOKENS; t++)
		for (int v = 0; v < vectors; v++) {
			if (to->first)
				sums[t][v] = to->bias ? _mm512_maskz_loadu_ps(to->mask[v], to->bias + 16 * v) : _mm512_setzero_ps();
			else
				sums[t][v] = t < to->tokens ? _mm512_maskz_loadu_ps(to->mask[v], to->out + t * to->stride + 16 * v) :
							      _mm512_setzero_ps();
		}
	for (uint32_t c = 0; c < nr_cols; c++, w += FLOAT_PANEL_ROWS, x += FLOAT_TOKENS) {
		__m512 weights_[3];

		for (int v = 0; v < vectors; v++)
			weights_[v] = _mm512_loadu_ps(w + 16 * v);
#pragma GCC unroll 8
		for (size_t t = 0; t < FLOAT_TOKENS; t++) {
			__m512 by = _mm512_set1_ps(x[t]);

			for (int v = 0; v < vectors; v++)
				sums[t][v] = _mm512_fmadd_ps(weights_[v], by, sums[t][v]);
		}
	}
	for (size_t t = 0; t < FLOAT_TOKENS; t++)
		for (int v = 0; v < vectors && t < to->tokens; v++)
			_mm512_mask_storeu_ps(to->out + t * to->stride + 16 * v, to->mask[v], sums[t][v]);
}

static void float_tile_any(const float *w, const float *x, uint32_t nr_cols, const struct float_target *to)
{
	if (to->mask[2])
		float_tile(w, x, nr_cols, 3, to);
	else if (to->mask[1])
		float_tile(w, x, nr_cols, 2, to);
	else
		float_tile(w, x, nr_cols, 1, to);
}

static void float_panels(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	float *panel = j->scratch;
	const struct acts *x = j->x;

	_Static_assert(SCRATCH_BYTES >= (FLOAT_PANEL_ROWS * FLOAT_COLS) * sizeof(float), "scratch is large enough");
	for (uint32_t r = begin; r < end; r += FLOAT_PANEL_ROWS) {
		uint32_t nr = end - r < FLOAT_PANEL_ROWS ? end - r : FLOAT_PANEL_ROWS;
		struct float_target to = {.stride = j->out_stride, .bias = j->bias ? j->bias + r : NULL};

		for (uint32_t v = 0; v < 3; v++)
			to.mask[v] = nr > 16 * v ? lanes_below(nr - 16 * v) : 0;
		for (uint32_t c = 0; c < x->cols; c += FLOAT_COLS) {
			uint32_t nr_cols = x->cols - c < FLOAT_COLS ? x->cols - c : FLOAT_COLS;

			float_panel_make(j->w, r, nr, c, nr_cols, panel);
			to.first = !c;
			for (size_t t = 0; t < x->n; t += FLOAT_TOKENS) {
				to.out = j->out + t * j->out_stride + r;
				to.tokens = x->n - t < FLOAT_TOKENS ? x->n - t : FLOAT_TOKENS;
				float_tile_any(panel, (const float *)x->form[ACTS_FLOAT_PANEL] + t * x->cols + (size_t)c * FLOAT_TOKENS,
					       nr_cols, &to);
			}
		}
	}
}

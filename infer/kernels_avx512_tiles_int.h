/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMX, many tokens, bytes: part of kernels_avx512_panel_int.h. A tile of activations, 16 tokens with the 32 columns of a block, times one of
 * weights, the same columns of 16 rows of a panel, is a tile of integers. They are scaled when they have come to memory, where all of this lies
 * as tiles want it. [Intel 64 and IA-32 Architectures SDM, volume 1, chapter 18]
 */

#define TILE_ROWS 16
#define TILES_KEPT 4u    /* products in memory. They are a page: at the same place of two pages a load would wait for a store */
#define STEPS_BETWEEN 2u /* from a product to its use: memory has it by then */

/* Tile 0 is of activations, 1 of weights, 2 of their products. */
static const struct {
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
} tile_shapes = {.palette = 1, .row_bytes = {32, 64, 64}, .rows = {TILE_ROWS, 8, TILE_ROWS}};

static inline void tiles_multiply(const uint8_t *q, const struct panel_block *p, uint32_t row, int32_t out[TILE_ROWS][16])
{
	_tile_loadd(0, q, 32);
	_tile_loadd(1, p->q[0][row], sizeof(p->q[0]));
	_tile_zero(2);
	_tile_dpbusd(2, 0, 1);
	_tile_stored(2, out, sizeof(out[0]));
}

static inline __attribute__((always_inline)) void tiles_scale(const int32_t dots_[TILE_ROWS][16], const struct panel_block *p, uint32_t row,
							      const float *d, const float *s, bool minimum, __m512 sums[TILE_ROWS])
{
	__m512i start = _mm512_add_epi32(load512(&p->start[0][row]), load512(&p->start[1][row]));
	__m512 row_d = _mm512_loadu_ps(&p->d[0][row]), row_m = minimum ? _mm512_loadu_ps(&p->m[row]) : _mm512_setzero_ps();

#pragma GCC unroll 16
	for (int t = 0; t < TILE_ROWS; t++) {
		__m512 dot_ = _mm512_cvtepi32_ps(_mm512_add_epi32(start, load512(dots_[t])));

		sums[t] = _mm512_fmadd_ps(_mm512_mul_ps(row_d, _mm512_set1_ps(d[t])), dot_, sums[t]);
		if (minimum)
			sums[t] = _mm512_fmadd_ps(row_m, _mm512_set1_ps(s[t]), sums[t]);
	}
}

/* 16 rows of nr blocks with 16 tokens. */
static inline __attribute__((always_inline)) void tiles_sum(const struct panel_block *blocks, size_t nr, uint32_t row, const struct byte_tile *x,
							    size_t token, bool minimum, float out[][BYTE_PANEL_ROWS])
{
	_Alignas(64) int32_t dots_[TILES_KEPT][TILE_ROWS][16];
	__m512 sums[TILE_ROWS];

	for (int t = 0; t < TILE_ROWS; t++)
		sums[t] = _mm512_setzero_ps();
	for (size_t b = 0; b < nr + STEPS_BETWEEN; b++) {
		size_t then = b - STEPS_BETWEEN;

		if (b < nr)
			tiles_multiply(x->q + (b * x->nr + token) * 32, &blocks[b], row, dots_[b % TILES_KEPT]);
		if (b >= STEPS_BETWEEN)
			tiles_scale((const int32_t(*)[16])dots_[then % TILES_KEPT], &blocks[then], row, x->d + then * x->nr + token,
				    x->s + then * x->nr + token, minimum, sums);
	}
#pragma GCC unroll 16
	for (int t = 0; t < TILE_ROWS; t++)
		_mm512_storeu_ps(&out[token + t][row], sums[t]);
}

/* Of the last tokens there may be less than 16: what is read behind them is memory of activations, and what becomes of it is used by nobody. */
static inline __attribute__((always_inline)) void tiles_of_blocks(const struct panel_block *blocks, size_t nr, const struct byte_tile *x,
								  bool minimum, float sums[][BYTE_PANEL_ROWS])
{
	_Static_assert(ACTS_TOKENS_ROUND * 32 * ACTS_BYTE_PANEL_EACH >= (TILE_ROWS - 1) * 32, "there is memory behind the last token");
	_Static_assert(TILE_TOKENS % TILE_ROWS == 0, "there are sums for all");
	_tile_loadconfig(&tile_shapes);
	__asm__ volatile("" : : : "memory"); /* not every compiler knows that tiles are loaded from memory */
	for (size_t token = 0; token < x->nr; token += TILE_ROWS)
		for (uint32_t row = 0; row < BYTE_PANEL_ROWS; row += 16)
			tiles_sum(blocks, nr, row, x, token, minimum, sums);
	_tile_release();
}

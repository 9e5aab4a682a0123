/* SPDX-License-Identifier: Apache-2.0 */
/* NEON, many tokens with weights that are floats: part of kernels_neon_int.h. */

#define TILE_ROWS 3u
#define TILE_COLS 1024u /* of the rows of a tile at once: they stay in the first level cache */

/* sums of three rows with four tokens, over n columns, go on in out[token][row]. */
static inline void dot_tile(const float *w, const float *const x[TOKENS_AT_ONCE], uint32_t n, float out[TOKENS_AT_ONCE][TILE_ROWS])
{
	lanes_f sums[TOKENS_AT_ONCE][TILE_ROWS] = {{{0}}};
	uint32_t c = 0;

	for (; c + LANES <= n; c += LANES)
		for (uint32_t t = 0; t < TOKENS_AT_ONCE; t++)
			for (uint32_t r = 0; r < TILE_ROWS; r++)
				sums[t][r] += load(w + r * TILE_COLS + c) * load(x[t] + c);
	for (uint32_t t = 0; t < TOKENS_AT_ONCE; t++)
		for (uint32_t r = 0; r < TILE_ROWS; r++) {
			float sum_ = vector_sum(sums[t][r]);

			for (uint32_t i = c; i < n; i++)
				sum_ += w[r * TILE_COLS + i] * x[t][i];
			out[t][r] += sum_;
		}
}

/* Many tokens: rows become floats, three at once, columns by columns. Tokens and rows that there are not are those before them. */
static void many_floats(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	const struct acts *a = j->x;
	float *w = j->scratch;

	for (uint32_t r = begin; r < end; r += TILE_ROWS)
		for (uint32_t c = 0; c < a->cols; c += TILE_COLS) {
			uint32_t n = a->cols - c < TILE_COLS ? a->cols - c : TILE_COLS, nr = end - r < TILE_ROWS ? end - r : TILE_ROWS;

			for (uint32_t i = 0; i < TILE_ROWS; i++)
				matrix_part(&SET_TABLE, j->w, r + (i < nr ? i : nr - 1), c, n, w + i * TILE_COLS);
			for (size_t t = 0; t < a->n; t += TOKENS_AT_ONCE) {
				float sums[TOKENS_AT_ONCE][TILE_ROWS] = {{0}};
				const float *x[TOKENS_AT_ONCE];

				for (size_t i = 0; i < TOKENS_AT_ONCE; i++)
					x[i] = a->x + (t + i < a->n ? t + i : a->n - 1) * a->stride + c;
				dot_tile(w, x, n, sums);
				for (size_t i = 0; i < TOKENS_AT_ONCE && t + i < a->n; i++)
					for (uint32_t k = 0; k < nr; k++) {
						float *out = j->out + (t + i) * j->out_stride + r + k;

						*out = sums[i][k] + (c ? *out : j->bias ? j->bias[r + k] : 0);
					}
			}
		}
}

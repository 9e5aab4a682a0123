/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AVX2, many tokens with weights that are floats: part of kernels_avx2.c. Some rows are a panel, transposed so that a vector has the same
 * column of eight of them, and activations are broadcast: nothing is summed across a vector.
 */

#define PANEL_ROWS 24u
#define VECTORS (PANEL_ROWS / LANES)
#define PANEL_COLS 256u /* of a panel at once: it stays in the first level cache */
#define PANEL_TOKENS 4u /* with three vectors of rows each: as many sums as there are registers for */

static inline void transpose8(__m256 r[8])
{
	__m256 t[8];

	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
		t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
	}
	for (int i = 0; i < 8; i += 4) {
		r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
		r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
		r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	for (int i = 0; i < 4; i++) {
		t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
		t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
	}
	memcpy(r, t, sizeof(t));
}

/* Columns [c, c + n) of nr rows from r: panel[column][row]; rows that there are not are 0. */
static void panel_make(const struct matrix *m, uint32_t r, uint32_t nr, uint32_t c, uint32_t n, float *panel)
{
	float (*part)[PANEL_COLS] = (float(*)[PANEL_COLS])(panel + PANEL_ROWS * PANEL_COLS);

	for (uint32_t row = 0; row < PANEL_ROWS; row++) {
		if (row < nr)
			matrix_part(&SET_TABLE, m, r + row, c, n, part[row]);
		else
			memset(part[row], 0, n * sizeof(*part[row]));
	}
	for (uint32_t row = 0; row < PANEL_ROWS; row += LANES)
		for (uint32_t i = 0; i < n; i += LANES) {
			__m256 v[LANES];

			for (uint32_t k = 0; k < LANES; k++)
				v[k] = _mm256_loadu_ps(&part[row + k][i]);
			transpose8(v);
			for (uint32_t k = 0; k < LANES; k++)
				_mm256_storeu_ps(panel + (size_t)(i + k) * PANEL_ROWS + row, v[k]);
		}
}

static inline void panel_sums(const float *panel, const float *const x[PANEL_TOKENS], uint32_t n, float out[PANEL_TOKENS][PANEL_ROWS])
{
	__m256 sums[PANEL_TOKENS][VECTORS];

	for (uint32_t t = 0; t < PANEL_TOKENS; t++)
		for (uint32_t v = 0; v < VECTORS; v++)
			sums[t][v] = _mm256_setzero_ps();
#pragma GCC unroll 2
	for (uint32_t c = 0; c < n; c++) {
		__m256 w[VECTORS];

		for (uint32_t v = 0; v < VECTORS; v++)
			w[v] = _mm256_loadu_ps(panel + (size_t)c * PANEL_ROWS + v * LANES);
		for (uint32_t t = 0; t < PANEL_TOKENS; t++) {
			__m256 by = _mm256_broadcast_ss(x[t] + c);

			for (uint32_t v = 0; v < VECTORS; v++)
				sums[t][v] = _mm256_fmadd_ps(w[v], by, sums[t][v]);
		}
	}
	for (uint32_t t = 0; t < PANEL_TOKENS; t++)
		for (uint32_t v = 0; v < VECTORS; v++)
			_mm256_storeu_ps(out[t] + v * LANES, sums[t][v]);
}

/* Columns [c, c + n) of nr rows from r with tokens from t. Tokens that there are not are the last one. */
static void panel_tile(const struct rows_job *j, uint32_t r, uint32_t nr, uint32_t c, uint32_t n, size_t t)
{
	const struct acts *a = j->x;
	const float *x[PANEL_TOKENS];
	float sums[PANEL_TOKENS][PANEL_ROWS];

	for (size_t i = 0; i < PANEL_TOKENS; i++)
		x[i] = a->x + (t + i < a->n ? t + i : a->n - 1) * a->stride + c;
	panel_sums(j->scratch, x, n, sums);
	for (size_t i = 0; i < PANEL_TOKENS && t + i < a->n; i++) {
		float *out = j->out + (t + i) * j->out_stride + r;

		for (uint32_t k = 0; k < nr; k++)
			out[k] = sums[i][k] + (c ? out[k] : j->bias ? j->bias[r + k] : 0);
	}
}

static void many_floats(const struct rows_job *j, uint32_t begin, uint32_t end)
{
	uint32_t cols = j->x->cols;

	_Static_assert(SCRATCH_BYTES >= 2 * PANEL_ROWS * PANEL_COLS * sizeof(float), "scratch is large enough");
	for (uint32_t r = begin; r < end; r += PANEL_ROWS)
		for (uint32_t c = 0; c < cols; c += PANEL_COLS) {
			uint32_t n = cols - c < PANEL_COLS ? cols - c : PANEL_COLS, nr = end - r < PANEL_ROWS ? end - r : PANEL_ROWS;

			panel_make(j->w, r, nr, c, n, j->scratch);
			for (size_t t = 0; t < j->x->n; t += PANEL_TOKENS)
				panel_tile(j, r, nr, c, n, t);
		}
}

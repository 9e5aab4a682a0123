/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an instruction set provides: a table of functions that know nothing of threads, files or models. Each set is a file of its
 * own, kernels_NAME.c, compiled with its own flags; HACKING.md says how to add one. Drivers - linear.c, ops.c, attention.c - share
 * the work out and call these.
 */
#ifndef HFFS_KERNELS_TABLE_INT_H
#define HFFS_KERNELS_TABLE_INT_H

#include "ops_int.h"

/*
 * Activations as a product wants them. The driver has them prepared once for all products of a linear_run(); how they lie in memory
 * is the set's own matter, but for ACTS_FLOATS.
 */
enum acts_form {
	ACTS_FLOATS,      /* x as it is */
	ACTS_BYTES,       /* 8 bits with a scale for each 32, a token after the other */
	ACTS_FLOAT_PANEL, /* floats, for many tokens at once */
	ACTS_BYTE_PANEL,  /* 8 bits, for many tokens at once */
	ACTS_FORMS
};

#define ACTS_TOKENS 64u     /* tokens are prepared in parts that begin at a multiple of this */
#define ACTS_COLS_ROUND 256u /* memory is there for cols rounded up to a multiple of this, */
#define ACTS_TOKENS_ROUND 8u /* and for tokens */

/* Bytes of memory for each element in each form. Memory begins at a multiple of 64. */
#define ACTS_BYTES_EACH 3u
#define ACTS_FLOAT_PANEL_EACH 4u
#define ACTS_BYTE_PANEL_EACH 2u

struct acts {
	const float *x; /* x[t * stride + c] */
	size_t stride, n;
	uint32_t cols;
	void *form[ACTS_FORMS]; /* [ACTS_FLOATS] is not used */
};

/* Of each thread: this, and so many bytes for each of cols_max. Begins at a multiple of 64. */
#define SCRATCH_BYTES (512u * 1024)
#define SCRATCH_BYTES_EACH 64u

struct rows_job {
	const struct matrix *w;
	const float *bias; /* may be NULL */
	float *out;
	size_t out_stride;
	const struct acts *x;
	void *scratch;
};

/* Rows of F16 or F32 in a cache of keys or values: row i at data + i * stride. */
struct cache_rows {
	const void *data;
	size_t stride;
	bool half;
	uint32_t dim;
};

struct kernels {
	const char *name;
	bool (*can_run)(void);

	/* Which form a product with n tokens wants, and of how many rows its parts are. */
	enum acts_form (*form)(enum tensor_type type, size_t n);
	uint32_t (*grain)(enum tensor_type type, size_t n);
	/* Makes x->form[form] of tokens [begin, end): begin is a multiple of ACTS_TOKENS, end too or x->n. */
	void (*prepare)(enum acts_form form, const struct acts *x, size_t begin, size_t end);
	/* Rows [begin, end) of the product; begin is a multiple of the grain. */
	void (*rows)(const struct rows_job *j, uint32_t begin, uint32_t end);
	/* n elements from data, whole blocks, as floats. */
	void (*to_floats)(enum tensor_type type, const void *data, size_t n, float *out);

	/* One row of n floats each; the contracts are in ops_int.h. */
	void (*rms_norm)(float *out, const float *x, const float *weight, float eps, size_t n);
	void (*layer_norm)(float *out, const float *x, const float *weight, const float *bias, float eps, size_t n);
	void (*activate)(enum op_activation f, float *out, const float *gate, const float *up, size_t n);
	void (*add)(float *x, const float *y, size_t n);
	void (*scale)(float *x, float by, size_t n);
	void (*softcap)(float *x, float cap, size_t n);
	float (*max)(const float *x, size_t n);                /* -INFINITY of none */
	float (*exp_sum)(float *x, float minus, size_t n);     /* x = exp(x - minus); returns the sum */
	void (*rope)(float *x, const float *cos, const float *sin, uint32_t half, enum op_rope_pairs pairs);
	void (*to_f16)(uint16_t *out, const float *x, size_t n);
	void (*from_f16)(float *out, const uint16_t *x, size_t n);

	/* out[i * out_stride + s] = q[i * q_stride ...] . row s, for nq queries and nr rows. */
	void (*dots)(const struct cache_rows *rows, uint32_t nr, const float *q, size_t q_stride, uint32_t nq, float *out,
		     size_t out_stride);
	/* out[i * out_stride ...] += sum over s of p[i * p_stride + s] * row s. */
	void (*mix)(const struct cache_rows *rows, uint32_t nr, const float *p, size_t p_stride, uint32_t nq, float *out,
		    size_t out_stride);
};

extern const struct kernels kernels_scalar, kernels_avx2, kernels_avx512, kernels_avx512_vnni, kernels_avx512_zen4, kernels_avx512_intel,
	kernels_avx512_amx, kernels_neon, kernels_neon_dot;

/* cpu_x86.c: what the processor has and the system saves. F, BW, VL and DQ; or AVX2, FMA and F16C. */
bool kernels_cpu_has_avx512(void);
bool kernels_cpu_is_zen4(void);
bool kernels_cpu_has_avx2(void);
/* AMX for bytes; the system is asked for its use by this process, which costs nothing until a thread does. */
bool kernels_cpu_has_amx(void);

/* --- dequant.c: blocks to floats, for every processor; the reference --- */

float float_of_f16(uint16_t h);
float float_of_bf16(uint16_t h);
uint16_t f16_of_float(float f);
float float_of_f8_e4m3(uint8_t b);
/* n elements, whole blocks, of a type that kernels_has_type(). */
void dequantize(enum tensor_type type, const void *data, size_t n, float *out);

/* Elements [begin, begin + n) of row r as floats, whole blocks, with scales. */
void matrix_part(const struct kernels *k, const struct matrix *m, uint32_t r, uint32_t begin, uint32_t n, float *out);

/* --- linear.c --- */

/* The scratch of a thread, for the other drivers; nobody else uses it meanwhile. */
void *linear_space_scratch(const struct linear_space *s, unsigned thread);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * How fast products are, beside what the machine can do in the same second.
 *
 *   bench-kernels [-b] [-t THREADS] [-k SET] [-c COLS] [-m MIB] [-n TOKENS] [-r ROUNDS] [TYPE...|attention]
 *
 * A line for each type: one token at a time over MIB of weights (256), in GB/s and as a part of what a loop reads that does nothing
 * else with as many threads; then TOKENS at once (512), in 10^9 multiplications and additions a second. Medians of ROUNDS (5), or, on a
 * machine that others use too, the best by the first thread's processor time (-b); the loop and the kernel take turns. `attention`: 32 heads of 64, 8 kv heads, F16: TOKENS
 * at once without anything before them, and one token behind 4096.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../infer/ops_int.h"
#include "loop.h"

#define ROUNDS_MAX 101

static const enum tensor_type types[] = {TENSOR_F32,  TENSOR_F16,  TENSOR_BF16, TENSOR_F8_E4M3, TENSOR_Q8_0, TENSOR_Q4_0,
					 TENSOR_Q4_1, TENSOR_Q5_0, TENSOR_Q5_1, TENSOR_Q4_K,    TENSOR_Q5_K, TENSOR_Q6_K};

struct options {
	unsigned threads, mib, cols, rounds;
	size_t tokens;
	const char *set;
	bool best;
};

static clockid_t measured_by = CLOCK_MONOTONIC;

static double now_s(void)
{
	struct timespec t;

	clock_gettime(measured_by, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double typical(const struct options *o, double *s)
{
	qsort(s, o->rounds, sizeof(*s), compare);
	return s[o->best ? 0 : o->rounds / 2];
}

static double read_s(struct crew *c, const void *data, size_t len)
{
	double begin = now_s();

	loop_read(c, data, len);
	return now_s() - begin;
}

/* --- the product --- */

static void fill(uint8_t *data, size_t len, enum tensor_type type)
{
	const struct tensor_type_info *info = tensor_type_info(type);
	uint64_t seed = 1;

	for (size_t i = 0; i < len; i += 8) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		memcpy(data + i, &seed, len - i < 8 ? len - i : 8);
	}
	/* Numbers without exponents that make infinities: the two upper bits of an exponent are cleared. */
	if (info->block == 1)
		for (size_t i = info->bytes - 1u; i < len; i += info->bytes)
			data[i] &= 0x9f;
	else
		for (size_t i = 0; i < len; i += info->bytes) {
			data[i + 1] &= 0x9f;
			data[i + 3] &= 0x9f;
			data[i + info->bytes - 1u] &= 0x9f;
		}
}

static double product_s(const struct kernels *k, struct crew *c, struct linear_space *s, const struct matrix *m, const float *x, float *out,
			size_t n)
{
	struct linear l = {m, NULL, out, m->rows};
	double begin = now_s();

	linear_run(k, c, s, &l, 1, x, m->cols, n);
	return now_s() - begin;
}

static void measure(const struct options *o, const struct kernels *k, struct crew *c, struct linear_space *s, enum tensor_type type)
{
	const struct tensor_type_info *info = tensor_type_info(type);
	size_t row_bytes = (size_t)o->cols / info->block * info->bytes, rows = (size_t)o->mib * 1024 * 1024 / row_bytes / 64 * 64;
	size_t len = rows * row_bytes / 4096 * 4096;
	double loop[ROUNDS_MAX], one[ROUNDS_MAX], many[ROUNDS_MAX], loop_s, one_s, many_s;
	uint8_t *data = aligned_alloc(4096, rows * row_bytes / 4096 * 4096 + 8192);
	float *x = calloc(o->tokens, o->cols * sizeof(*x)), *out = calloc(rows, sizeof(*out));
	size_t few = rows < 2048 ? rows : 2048;
	float *outs = calloc(o->tokens, few * sizeof(*outs));
	struct matrix m = {data, row_bytes, (uint32_t)rows, o->cols, type, NULL, 0, 0}, part = m;

	if (o->cols % info->block) {
		printf("%-8s has no rows of %u\n", info->name, o->cols);
		goto end;
	}
	if (!data || !x || !out || !outs)
		exit(1);
	part.rows = (uint32_t)few;
	fill(data, rows * row_bytes, type);
	for (size_t i = 0; i < o->tokens * o->cols; i++)
		x[i] = sinf((float)(i % 10007));
	for (unsigned i = 0; i < o->rounds; i++) {
		loop[i] = read_s(c, data, len);
		one[i] = product_s(k, c, s, &m, x, out, 1);
	}
	for (unsigned i = 0; i < o->rounds; i++)
		many[i] = product_s(k, c, s, &part, x, outs, o->tokens);
	loop_s = typical(o, loop);
	one_s = typical(o, one);
	many_s = typical(o, many);
	printf("%-8s %-12s %u threads  loop %6.2f GB/s  one token %6.2f GB/s  %5.1f %%  %zu tokens %7.1f GMAC/s\n", info->name,
	       kernels_name(k), o->threads, (double)len / loop_s / 1e9, (double)(rows * row_bytes) / one_s / 1e9,
	       100 * loop_s / one_s * (double)(rows * row_bytes) / (double)len, o->tokens,
	       (double)few * o->cols * (double)o->tokens / many_s / 1e9);
	(void)fflush(stdout);
end:
	free(data);
	free(x);
	free(out);
	free(outs);
}

#define HEADS 32u
#define KV_HEADS 8u
#define HEAD_DIM 64u
#define KEYS 4096u

static void measure_attention(const struct options *o, const struct kernels *k, struct crew *c, struct linear_space *s)
{
	size_t width = (size_t)KV_HEADS * HEAD_DIM, q_width = (size_t)HEADS * HEAD_DIM;
	uint16_t *kv = calloc(KEYS + o->tokens, 2 * width * sizeof(*kv));
	float *q = calloc(o->tokens, 2 * q_width * sizeof(*q));
	double many[ROUNDS_MAX], one[ROUNDS_MAX], macs = (double)o->tokens * (double)(o->tokens + 1) / 2 * HEADS * HEAD_DIM * 2;
	struct attention a = {.half = true, .causal = true, .heads = HEADS, .kv_heads = KV_HEADS, .head_dim = HEAD_DIM, .scale = 0.125f};

	if (!kv || !q)
		exit(1);
	for (size_t i = 0; i < (KEYS + o->tokens) * 2 * width; i++)
		kv[i] = (uint16_t)(i * 40503 & 0xbbff);
	for (size_t i = 0; i < o->tokens * q_width; i++)
		q[i] = sinf((float)i);
	a.q = q;
	a.out = q + o->tokens * q_width;
	a.q_stride = a.out_stride = q_width;
	a.k = kv;
	a.v = kv + (KEYS + o->tokens) * width;
	a.pos_bytes = HEAD_DIM * sizeof(*kv);
	a.head_bytes = (KEYS + o->tokens) * a.pos_bytes;
	for (unsigned i = 0; i < o->rounds; i++) {
		double begin = now_s();

		a.first = 0;
		a.keys = (uint32_t)o->tokens;
		attention_run(k, c, s, &a, o->tokens);
		many[i] = now_s() - begin;
		a.first = KEYS - 1;
		a.keys = KEYS;
		begin = now_s();
		attention_run(k, c, s, &a, 1);
		one[i] = now_s() - begin;
	}
	printf("attention %s %u threads  one token %6.2f GB/s  %zu tokens %7.1f GMAC/s\n", kernels_name(k), o->threads,
	       (double)KEYS * (double)width * 4 / typical(o, one) / 1e9, o->tokens, macs / typical(o, many) / 1e9);
	free(kv);
	free(q);
}

static unsigned number(const char *text)
{
	unsigned long n = strtoul(text, NULL, 10);

	if (!n || n > 1u << 20) {
		(void)fprintf(stderr, "not a number that makes sense here: %s\n", text);
		exit(2);
	}
	return (unsigned)n;
}

static bool wanted(enum tensor_type type, char *const *names)
{
	bool any = false;

	for (; *names; names++) {
		if (!strcmp(*names, tensor_type_info(type)->name))
			return true;
		any = true;
	}
	return !any;
}

int main(int argc, char **argv)
{
	struct options o = {.threads = 1, .mib = 256, .cols = 2048, .rounds = 5, .tokens = 512};
	AUTO(linear_space_free) struct linear_space *s = NULL;
	AUTO(crew_free) struct crew *c = NULL;
	const struct kernels *k;
	struct err err;
	int opt;

	while ((opt = getopt(argc, argv, "bt:k:c:m:n:r:")) != -1) {
		if (opt == 'b') {
			o.best = true;
			measured_by = CLOCK_THREAD_CPUTIME_ID;
		} else if (opt == 't')
			o.threads = number(optarg);
		else if (opt == 'k')
			o.set = optarg;
		else if (opt == 'c')
			o.cols = number(optarg) / 32 * 32;
		else if (opt == 'm')
			o.mib = number(optarg);
		else if (opt == 'n')
			o.tokens = number(optarg);
		else if (opt == 'r')
			o.rounds = number(optarg) % ROUNDS_MAX;
		else
			return 2;
	}
	if (kernels_choose(o.set, &k, &err) < 0) {
		(void)fprintf(stderr, "%s\n", err_text(&err));
		return 1;
	}
	if (!o.cols || !o.rounds || crew_new(o.threads, &c) < 0 ||
	    linear_space_new(o.cols, (uint32_t)o.tokens, o.threads, &s) < 0)
		return 1;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (wanted(types[i], argv + optind))
			measure(&o, k, c, s, types[i]);
	if (optind == argc || !strcmp(argv[argc - 1], "attention"))
		measure_attention(&o, k, c, s);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * How long a model takes, without the program around it: one line of JSON.
 *
 *   bench-model PATH THREADS TOKENS NEW [KERNELS]
 *
 * "prefill_s": a text of TOKENS tokens; "decode_s": NEW tokens behind it, one by one, each with its logits.
 */
#include <stdio.h>
#include <time.h>

#include <hffs/model.h>

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const struct err *err)
{
	(void)fprintf(stderr, "%s\n", err_text(err));
	return 1;
}

static int measure(struct session *s, const uint32_t *ids, size_t tokens, size_t new_tokens, float *logits, struct err *err)
{
	double begin, between, end;
	int r;

	/* Weights come into memory, and workers are awake. */
	r = session_eval(s, ids, 32, LOGITS_LAST, logits, err);
	if (r < 0)
		return r;
	session_truncate(s, 0);
	begin = now_s();
	r = session_eval(s, ids, tokens, LOGITS_LAST, logits, err);
	between = now_s();
	for (size_t i = 0; r >= 0 && i < new_tokens; i++)
		r = session_eval(s, ids + i, 1, LOGITS_LAST, logits, err);
	end = now_s();
	if (r >= 0)
		printf("{\"prefill_s\": %.6f, \"decode_s\": %.6f}\n", between - begin, end - between);
	return r;
}

int main(int argc, char **argv)
{
	struct model_options o = {0};
	AUTO(model_close) struct model *m = NULL;
	AUTO(session_free) struct session *s = NULL;
	AUTO_FREE uint32_t *ids = NULL;
	AUTO_FREE float *logits = NULL;
	struct err err = {0};
	size_t tokens, new_tokens;

	if (argc < 5)
		return 2;
	o.threads = (unsigned)strtoul(argv[2], NULL, 10);
	o.kernels = argc > 5 ? argv[5] : NULL;
	tokens = strtoul(argv[3], NULL, 10);
	new_tokens = strtoul(argv[4], NULL, 10);
	if (tokens < 32 || tokens > 1u << 20 || new_tokens > tokens)
		return 2;
	if (model_open(argv[1], &o, &m, &err) < 0 || session_new(m, (uint32_t)(tokens + new_tokens), &s, &err) < 0)
		return fail(&err);
	ids = calloc(tokens, sizeof(*ids));
	logits = calloc(model_info(m)->vocabulary, sizeof(*logits));
	if (!ids || !logits)
		return 1;
	for (size_t i = 0; i < tokens; i++)
		ids[i] = (uint32_t)(3 + i * 7919 % (model_info(m)->vocabulary - 3));
	return measure(s, ids, tokens, new_tokens, logits, &err) < 0 ? fail(&err) : 0;
}

// SPDX-License-Identifier: Apache-2.0
/* hffs run: how well a model predicts a text, and how fast it computes. */
#include "run_int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/io.h>

#include "cli_int.h"

#define TEXT_MAX (256u << 20)
#define WINDOW_MAX 2048u /* of the default */
#define SCORE_STEP 32    /* tokens whose logits are in memory at once */

/* --- perplexity --- */

struct score {
	struct session *session;
	uint32_t vocabulary;
	float *logits; /* of SCORE_STEP tokens */
	double sum;    /* of negative logarithms */
	uint64_t count;
};

/* Tokens [0, nr) of one window: all but the first are scored by the logits of the one before. */
static int score_window(struct score *s, const uint32_t *ids, size_t nr, struct err *err)
{
	session_truncate(s->session, 0);
	for (size_t i = 0; i + 1 < nr; i += SCORE_STEP) {
		size_t n = (size_t)min_u64(SCORE_STEP, nr - 1 - i);
		int r = session_eval(s->session, ids + i, n, LOGITS_ALL, s->logits, err);

		if (r < 0)
			return r;
		for (size_t k = 0; k < n; k++)
			s->sum -= sample_logprob(s->logits + k * s->vocabulary, s->vocabulary, ids[i + k + 1]);
		s->count += n;
		if (is_interrupted())
			return err_set(err, -EINTR, "interrupted");
	}
	return 0;
}

static int check_ids(const struct token_list *ids, const struct model_info *info, struct err *err)
{
	for (size_t i = 0; i < ids->nr; i++)
		if (ids->ids[i] >= info->vocabulary)
			return err_set(err, -EBADMSG, "the tokenizer gives the id %u, and the model's vocabulary ends at %u", ids->ids[i],
				       info->vocabulary - 1);
	return 0;
}

static int load_text(const struct runner *r, struct token_list *ids, struct err *err)
{
	AUTO_BUF text = {0};
	int ret = io_read_file(r->args->perplexity, TEXT_MAX, &text);

	if (ret < 0)
		return err_set(err, ret, "cannot read %s: %s", r->args->perplexity, strerror(-ret));
	ret = runner_encode(r, text.data ? text.data : "", text.len, ids, err);
	if (ret == 0)
		ret = check_ids(ids, r->info, err);
	if (ret == 0 && ids->nr < 2)
		ret = err_set(err, -EINVAL, "%s has no two tokens: there is nothing to score", r->args->perplexity);
	return ret;
}

static int score_text(struct runner *r, struct score *s, struct err *err)
{
	struct token_list ids = {0};
	size_t window;
	int ret = session_new(r->model, r->args->context ? r->args->context : r->args->window, &s->session, err);

	if (ret == 0)
		ret = load_text(r, &ids, err);
	if (ret == 0) {
		window = r->args->window ? r->args->window : (size_t)min_u64(session_context(s->session), WINDOW_MAX);
		if (window > session_context(s->session))
			ret = err_set(err, -EOVERFLOW, "a window of %zu tokens does not fit the context of %u", window, session_context(s->session));
	}
	for (size_t at = 0; ret == 0 && at < ids.nr; at += window)
		ret = score_window(s, ids.ids + at, (size_t)min_u64(window, ids.nr - at), err);
	token_list_done(&ids);
	return ret;
}

static int print_score(const struct runner *r, const struct score *s)
{
	AUTO_BUF out = {0};
	double ppl = exp(s->sum / (double)s->count);

	if (!r->args->json)
		return printf("perplexity %.4f over %llu tokens\n", ppl, (unsigned long long)s->count) < 0 ? EXIT_FAILED : EXIT_OK;
	buf_adds(&out, "{\"ppl\":");
	json_add_number(&out, ppl);
	buf_addf(&out, ",\"count\":%llu}", (unsigned long long)s->count);
	return print_json(r->args->verb, &out);
}

int run_perplexity(struct runner *r)
{
	AUTO_FREE float *logits = calloc((size_t)SCORE_STEP * r->info->vocabulary, sizeof(*logits));
	struct score s = {.vocabulary = r->info->vocabulary, .logits = logits};
	struct err err = {0};
	int ret = logits ? 0 : err_set(&err, -ENOMEM, "out of memory");

	catch_interrupts();
	if (ret == 0)
		ret = score_text(r, &s, &err);
	session_free(s.session);
	runner_end_progress(r);
	if (ret == -EINTR)
		return EXIT_INTERRUPTED;
	return ret < 0 ? say_failed(r->args->verb, ret, &err) : print_score(r, &s);
}

/* --- speed --- */

#define BENCH_PROMPT 128u
#define BENCH_TOKENS 32u
#define BENCH_ROUNDS 3

struct bench {
	struct session *session;
	uint32_t *ids;
	uint32_t prompt, tokens;
	float *logits;
	double prompt_ms[BENCH_ROUNDS], decode_ms[BENCH_ROUNDS];
};

static double ms_since(uint64_t us)
{
	return (double)(clock_mono_us() - us) / 1000;
}

static int bench_round(struct bench *b, size_t round, struct err *err)
{
	uint64_t start = clock_mono_us();
	int r;

	session_truncate(b->session, 0);
	r = session_eval(b->session, b->ids, b->prompt, LOGITS_LAST, b->logits, err);
	b->prompt_ms[round] = ms_since(start);
	start = clock_mono_us();
	for (uint32_t i = 0; i < b->tokens && r == 0 && !is_interrupted(); i++)
		r = session_eval(b->session, &b->ids[i % b->prompt], 1, LOGITS_LAST, b->logits, err);
	b->decode_ms[round] = ms_since(start);
	return r == 0 && is_interrupted() ? -EINTR : r;
}

static int compare_ms(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double ms[BENCH_ROUNDS])
{
	qsort(ms, BENCH_ROUNDS, sizeof(*ms), compare_ms);
	return ms[BENCH_ROUNDS / 2];
}

/* As many tokens as the context has room for; which they are does not matter, but that they are not all the same. */
static int bench_open(struct bench *b, struct runner *r, struct err *err)
{
	uint32_t context = r->args->context ? r->args->context : (uint32_t)min_u64(r->info->context, BENCH_PROMPT + BENCH_TOKENS);
	int ret = session_new(r->model, context, &b->session, err);

	if (ret < 0)
		return ret;
	context = session_context(b->session);
	b->tokens = context > BENCH_PROMPT + BENCH_TOKENS ? BENCH_TOKENS : context / 5 ? context / 5 : 1;
	b->prompt = (uint32_t)min_u64(BENCH_PROMPT, context - b->tokens);
	b->ids = calloc(b->prompt, sizeof(*b->ids));
	b->logits = calloc(r->info->vocabulary, sizeof(*b->logits));
	if (!b->ids || !b->logits)
		return err_set(err, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < b->prompt; i++)
		b->ids[i] = (uint32_t)((i * 2654435761u) % r->info->vocabulary);
	return bench_round(b, 0, err); /* brings the weights in; not counted */
}

static int print_bench(const struct runner *r, struct bench *b)
{
	AUTO_BUF out = {0};
	double prompt = b->prompt * 1000.0 / median(b->prompt_ms), decode = b->tokens * 1000.0 / median(b->decode_ms);

	if (!r->args->json)
		return printf("prompt of %u tokens: %.1f tokens/s; %u tokens one by one: %.1f tokens/s; %u threads, %s\n", b->prompt, prompt, b->tokens,
			      decode, r->info->threads, r->info->kernels) < 0
			       ? EXIT_FAILED
			       : EXIT_OK;
	buf_addf(&out, "{\"prompt_tokens\":%u,\"prompt_tokens_per_s\":", b->prompt);
	json_add_number(&out, prompt);
	buf_addf(&out, ",\"decode_tokens\":%u,\"decode_tokens_per_s\":", b->tokens);
	json_add_number(&out, decode);
	buf_addf(&out, ",\"weight_bytes\":%llu,\"threads\":%u,\"kernels\":\"%s\"}", (unsigned long long)r->info->weight_bytes, r->info->threads,
		 r->info->kernels);
	return print_json(r->args->verb, &out);
}

int run_bench(struct runner *r)
{
	struct bench b = {0};
	struct err err = {0};
	int ret, code = EXIT_FAILED;

	catch_interrupts();
	ret = bench_open(&b, r, &err);
	runner_end_progress(r);
	for (size_t round = 0; round < BENCH_ROUNDS && ret == 0; round++)
		ret = bench_round(&b, round, &err);
	if (ret == -EINTR)
		code = EXIT_INTERRUPTED;
	else
		code = ret < 0 ? say_failed(r->args->verb, ret, &err) : print_bench(r, &b);
	session_free(b.session);
	free(b.ids);
	free(b.logits);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A model with all that belongs to it: its directory, the headers of the weights, the tokenizer. Weights are on their way while the tokenizer
 * is made, which takes as long as tens of MB of them where the vocabulary is large.
 */
#include "run_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <hffs/clock.h>

#include "cli_int.h"
#include "model_dir_int.h"

/* --- progress --- */

static void show_progress(void *ctx, uint64_t here, uint64_t all)
{
	struct runner *r = ctx;
	char a[SAY_BYTES_MAX], b[SAY_BYTES_MAX];

	if (!r->shows_progress)
		return;
	fprintf(stderr, "\r\x1b[K%s of %s of weights", say_bytes(here, a), say_bytes(all, b));
}

void runner_end_progress(struct runner *r)
{
	if (r->shows_progress)
		fprintf(stderr, "\r\x1b[K");
	r->shows_progress = false;
}

/* --- opening --- */

static void take_sampling(struct runner *r)
{
	const struct run_args *a = r->args;

	r->sample = r->defaults.sample;
	if (a->has_temperature)
		r->sample.temperature = a->sample.temperature;
	if (a->has_top_k)
		r->sample.top_k = a->sample.top_k;
	if (a->has_top_p)
		r->sample.top_p = a->sample.top_p;
	if (a->has_min_p)
		r->sample.min_p = a->sample.min_p;
	if (a->has_repeat_penalty)
		r->sample.repeat_penalty = a->sample.repeat_penalty;
	r->sample.seed = a->has_seed ? a->sample.seed : clock_mono_us() * 0x9e3779b97f4a7c15u + (uint64_t)getpid();
}

static int open_tokenizer(struct runner *r, bool needs_text, struct err *err)
{
	int ret = tokenizer_open(model_dir_path(r->dir), &r->tokenizer, err);

	if (ret == -ENOENT && !needs_text)
		return 0;
	return ret;
}

static int open_embed(struct runner *r, struct err *err)
{
	int ret = embed_rules_load(model_dir_path(r->dir), &r->embed, err);

	return ret == 0 && r->embed.lower && r->tokenizer ? tokenizer_lower(r->tokenizer, err) : ret;
}

static int open_model(struct runner *r, struct err *err)
{
	struct model_options options = r->args->model;
	int ret;

	options.progress = show_progress;
	options.ctx = r;
	ret = model_open(model_dir_path(r->dir), &options, &r->model, err);
	if (ret < 0)
		return ret;
	r->info = model_info(r->model);
	model_prefetch(r->model);
	return 0;
}

static int open_rules(struct runner *r, struct err *err)
{
	uint32_t eos = r->tokenizer ? tokenizer_eos(r->tokenizer) : TOKEN_NONE;

	if (r->info->embeds)
		return open_embed(r, err);
	return generation_defaults_load(model_dir_path(r->dir), r->info, eos, &r->defaults, err);
}

/* What the makers of a model want of its tokens, and do not get. */
static void tell_not_applied(const struct runner *r)
{
	if (*r->defaults.not_applied)
		fprintf(stderr, "hffs %s: generation_config.json asks for what is not applied: %s\n", r->args->verb, r->defaults.not_applied);
}

/* Of what was opened nothing is wrong usage. */
static int no_usage(int ret, struct err *err)
{
	if (ret == -EINVAL)
		ret = err->code = -EIO;
	return ret;
}

int runner_open(struct runner *r, const struct run_args *args, bool needs_text, struct err *err)
{
	struct model_dir_plan plan = {.verb = args->verb, .options = args->options, .quiet = args->json};
	int ret;

	*r = (struct runner){.args = args, .start_us = clock_mono_us(), .shows_progress = !args->json && isatty(2) == 1};
	ret = model_dir_open(args->what, &plan, &r->dir, err);
	if (ret < 0)
		return ret;
	r->name = model_dir_name(r->dir);
	ret = open_model(r, err);
	if (ret == 0)
		ret = open_tokenizer(r, needs_text, err);
	if (ret == 0)
		ret = open_rules(r, err);
	if (ret < 0) {
		model_dir_say(r->dir, err);
		runner_close(r);
		return no_usage(ret, err);
	}
	take_sampling(r);
	tell_not_applied(r);
	return 0;
}

void runner_close(struct runner *r)
{
	runner_end_progress(r);
	chat_free(r->chat);
	embed_rules_done(&r->embed);
	if (r->model)
		model_close(r->model);
	tokenizer_free(r->tokenizer);
	model_dir_done(r->dir);
	*r = (struct runner){0};
}

int runner_open_chat(struct runner *r, struct err *err)
{
	const char *source = tokenizer_chat_template(r->tokenizer);

	if (!source)
		return err_set(err, -ENOENT, "%s has no chat template: it goes on with texts, and was not made for conversations", r->name);
	return chat_new(source, &r->chat, err);
}

/* --- text to tokens --- */

int runner_encode(const struct runner *r, const char *text, size_t len, struct token_list *out, struct err *err)
{
	uint32_t first = tokenizer_bos(r->tokenizer);
	int ret = tokenizer_encode(r->tokenizer, text, len, 0, out, err);

	if (ret < 0 || out->nr)
		return ret;
	if (first == TOKEN_NONE)
		first = r->info->bos;
	if (first == UINT32_MAX)
		return err_set(err, -EINVAL, "the prompt is empty, and this model has no token that a text begins with");
	return token_list_add(out, first) < 0 ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static const char *token_text(const struct runner *r, uint32_t id)
{
	const char *text = id == TOKEN_NONE ? NULL : tokenizer_token(r->tokenizer, id);

	return text ? text : "";
}

int runner_encode_chat(const struct runner *r, const struct chat_message *messages, size_t nr, struct token_list *out, struct err *err)
{
	struct chat_context context = {.bos = token_text(r, tokenizer_bos(r->tokenizer)), .eos = token_text(r, tokenizer_eos(r->tokenizer))};
	struct chat_text text = {0};
	time_t now = (time_t)clock_wall_s();
	int ret;

	if (!localtime_r(&now, &context.today))
		return err_set(err, -EOVERFLOW, "the clock shows no date");
	ret = chat_format(r->chat, &context, messages, nr, &text, err);
	if (ret < 0)
		return ret;
	ret = tokenizer_encode_marked(r->tokenizer, text.text.data, text.text.len, text.plain, text.nr, TOKENIZE_NO_SPECIAL, out, err);
	chat_text_done(&text);
	return ret;
}

/* --- tokens to text --- */

void runner_generation(const struct runner *r, bool chat, uint32_t eos[RUN_EOS_MAX], struct generation_options *out)
{
	size_t nr = 0;

	for (; nr < r->defaults.nr_eos; nr++)
		eos[nr] = r->defaults.eos[nr];
	if (chat && chat_end(r->chat)) {
		uint32_t end = tokenizer_find(r->tokenizer, chat_end(r->chat));

		if (end != TOKEN_NONE)
			eos[nr++] = end;
	}
	*out = (struct generation_options){.sample = r->sample, .tokens_max = r->args->tokens_max, .stops = r->args->stops,
					   .nr_stops = r->args->nr_stops, .eos = eos, .nr_eos = nr};
}

int runner_encode_embed(const struct runner *r, const char *text, size_t len, struct token_list *out, struct err *err)
{
	AUTO_BUF whole = {0};

	if (!r->embed.prompt)
		return tokenizer_encode(r->tokenizer, text, len, 0, out, err);
	buf_adds(&whole, r->embed.prompt);
	buf_add(&whole, text, len);
	return whole.failed ? err_set(err, -ENOMEM, "out of memory") : tokenizer_encode(r->tokenizer, whole.data, whole.len, 0, out, err);
}

int runner_embed(struct runner *r, struct token_list *ids, float *out, struct err *err)
{
	uint32_t most = r->info->embed_max ? r->info->embed_max : r->info->context;

	if (r->tokenizer)
		tokenizer_truncate(r->tokenizer, ids, most);
	if (ids->nr == 0)
		return err_set(err, -EINVAL, "the text has no tokens");
	if (ids->nr > most)
		return err_set(err, -EOVERFLOW, "the text has %zu tokens, and the model takes %u", ids->nr, most);
	return model_embed(r->model, ids->ids, ids->nr, out, err);
}

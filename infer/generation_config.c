// SPDX-License-Identifier: Apache-2.0
/*
 * generation_config.json: how the makers of a model want its tokens chosen, and which tokens end a text. Numbers out of their range
 * are refused: a sampler that quietly does something else would be believed.
 */
#include <hffs/generate.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/io.h>
#include <hffs/json.h>

#define CONFIG_MAX (1u << 20)

static int get_number(const struct json *j, const char *key, double low, double high, double *out, struct err *err)
{
	const struct json *value = json_get(j, key);
	double number;

	if (!value || json_is_null(value))
		return 0;
	if (json_f64(value, &number) < 0 || number < low || number > high)
		return err_set(err, -EBADMSG, "generation_config.json: %s is no number from %g to %g", key, low, high);
	*out = number;
	return 0;
}

static int add_eos(struct generation_defaults *d, const struct json *value, struct err *err)
{
	uint64_t id;

	if (json_u64(value, &id) < 0 || id >= UINT32_MAX)
		return err_set(err, -EBADMSG, "generation_config.json: eos_token_id is no token id");
	if (d->nr_eos == GENERATION_EOS_MAX)
		return err_set(err, -EBADMSG, "generation_config.json: eos_token_id has more than %d tokens", GENERATION_EOS_MAX);
	d->eos[d->nr_eos++] = (uint32_t)id;
	return 0;
}

/* One id, or a list of them. */
static int get_eos(const struct json *j, struct generation_defaults *d, struct err *err)
{
	const struct json *value = json_get(j, "eos_token_id");
	int r = 0;

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return add_eos(d, value, err);
	for (value = json_first(value); value && r == 0; value = json_next(value))
		r = add_eos(d, value, err);
	return r;
}

/*
 * do_sample false, which is also what a missing one means to transformers, makes its numbers void there; a person who talks with a
 * model is served better by them, or by ours. Only where it stands as false it is greedy.
 */
static int get_sampling(const struct json *j, struct sample_options *s, struct err *err)
{
	double top_k = s->top_k;
	int r = get_number(j, "temperature", 0, 100, &s->temperature, err);

	if (r == 0)
		r = get_number(j, "top_k", 0, UINT32_MAX, &top_k, err);
	if (r == 0)
		r = get_number(j, "top_p", 0, 1, &s->top_p, err);
	if (r == 0)
		r = get_number(j, "min_p", 0, 1, &s->min_p, err);
	if (r == 0)
		r = get_number(j, "repetition_penalty", 0.01, 100, &s->repeat_penalty, err);
	s->top_k = (uint32_t)top_k;
	if (!json_get_bool(j, "do_sample", true))
		s->temperature = 0;
	return r;
}

/* --- what is not done --- */

/*
 * What else of transformers' GenerationConfig changes tokens. neutral: the number that changes nothing; none for ids.
 * sampled: void where the most probable token is taken. [transformers 5.12, generation/configuration_utils.py]
 */
static const struct {
	const char *name;
	double neutral;
	bool sampled;
} others[] = {
	{"typical_p", 1, true},                                   {"epsilon_cutoff", 0, true},
	{"eta_cutoff", 0, true},                                  {"top_h", -1, true},
	{"no_repeat_ngram_size", 0, false},                       {"encoder_no_repeat_ngram_size", 0, false},
	{"encoder_repetition_penalty", 1, false},                 {"bad_words_ids", -1, false},
	{"suppress_tokens", -1, false},                           {"begin_suppress_tokens", -1, false},
	{"sequence_bias", -1, false},                             {"force_words_ids", -1, false},
	{"forced_bos_token_id", -1, false},                       {"forced_eos_token_id", -1, false},
	{"exponential_decay_length_penalty", -1, false},          {"min_length", 0, false},
	{"min_new_tokens", 0, false},                             {"stop_strings", -1, false},
	{"num_beams", 1, false},                                  {"penalty_alpha", 0, false},
	{"guidance_scale", 1, false},                             {"dola_layers", -1, false},
	{"watermarking_config", -1, false},
};

/* Null, false, what is empty and the neutral number ask for nothing. */
static bool asks(const struct json *value, double neutral)
{
	const char *text = json_string(value);
	double number;

	if (json_f64(value, &number) == 0)
		return number < neutral || number > neutral;
	return (text && *text) || json_size(value);
}

static void note_others(const struct json *j, struct generation_defaults *d)
{
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!asks(json_get(j, others[i].name), others[i].neutral) || (others[i].sampled && d->sample.temperature <= 0))
			continue;
		len += (size_t)snprintf(d->not_applied + len, sizeof(d->not_applied) - len, "%s%s", len ? ", " : "", others[i].name);
	}
}

int generation_defaults_parse(const char *text, size_t len, struct generation_defaults *out, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct generation_defaults d = {0};
	int r = json_parse(text, len, CONFIG_MAX, &j, NULL);

	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r < 0 || !json_is_object(j))
		return err_set(err, -EBADMSG, "generation_config.json is no JSON object");
	sample_options_init(&d.sample);
	r = get_sampling(j, &d.sample, err);
	if (r == 0)
		r = get_eos(j, &d, err);
	note_others(j, &d);
	if (r == 0)
		*out = d;
	return r;
}

static int load_file(const char *dir, struct generation_defaults *d, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/generation_config.json", dir);
	AUTO_BUF text = {0};
	int r = path ? io_read_file(path, CONFIG_MAX, &text) : -ENOMEM;

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0)
		return err_set(err, r, "cannot read generation_config.json: %s", strerror(-r));
	return generation_defaults_parse(text.data, text.len, d, err);
}

static void also_ends(struct generation_defaults *d, uint32_t id)
{
	for (uint32_t i = 0; i < d->nr_eos; i++)
		if (d->eos[i] == id)
			return;
	if (id != TOKEN_NONE && d->nr_eos < GENERATION_EOS_MAX)
		d->eos[d->nr_eos++] = id;
}

int generation_defaults_load(const char *path, const struct model_info *info, uint32_t tokenizer_eos, struct generation_defaults *out,
			     struct err *err)
{
	struct generation_defaults d = {0};
	int r;

	sample_options_init(&d.sample);
	r = load_file(path, &d, err);
	if (r < 0)
		return r;
	/* A list of a file of its own is complete; else all that says something counts. */
	if (d.nr_eos == 0) {
		for (uint32_t i = 0; i < info->nr_eos; i++)
			also_ends(&d, info->eos[i]);
		also_ends(&d, tokenizer_eos);
	}
	*out = d;
	return 0;
}

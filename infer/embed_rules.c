// SPDX-License-Identifier: Apache-2.0
/*
 * sentence_bert_config.json may ask for lower case that the tokenizer itself does not see to; config_sentence_transformers.json may
 * name a prompt that each text gets. [sentence-transformers 6.2, Transformer and SentenceTransformer.encode()]
 */
#include <hffs/embed.h>

#include <errno.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/json.h>

#define FILE_MAX (1u << 20)

static const char sentence_name[] = "sentence_bert_config.json", config_name[] = "config_sentence_transformers.json";

/* NULL text: *out stays. */
static int parse(const char *text, const char *name, struct json **out, struct err *err)
{
	int r = text ? json_parse_exact(text, strlen(text), FILE_MAX, out, NULL) : 0;

	if (r == -ENOMEM)
		return r;
	if (text && (r < 0 || !json_is_object(*out)))
		return err_set(err, -EBADMSG, "%s is no JSON object", name);
	return 0;
}

/* Prompts for queries and documents are there without being named, and empty. */
static bool is_usual(const char *name)
{
	return !strcmp(name, "query") || !strcmp(name, "document");
}

static int take_prompt(const struct json *j, struct embed_rules *rules, struct err *err)
{
	const char *name = json_get_string(j, "default_prompt_name");
	const struct json *value = name ? json_get(json_get(j, "prompts"), name) : NULL;
	const char *prompt = json_string(value);

	if (!name || json_is_null(value) || (!value && is_usual(name)))
		return 0;
	if (!prompt)
		return err_set(err, -EBADMSG, "%s: there is no prompt '%.60s'", config_name, name);
	rules->prompt = strdup(prompt);
	return rules->prompt ? 0 : -ENOMEM;
}

int embed_rules_parse(const char *sentence, const char *config, struct embed_rules *out, struct err *err)
{
	AUTO(json_free) struct json *s = NULL, *c = NULL;
	struct embed_rules rules = {0};
	int r = parse(sentence, sentence_name, &s, err);

	if (r == 0)
		r = parse(config, config_name, &c, err);
	if (r == 0)
		r = take_prompt(c, &rules, err);
	rules.lower = json_get_bool(s, "do_lower_case", false);
	if (r == 0)
		*out = rules;
	return r;
}

/* 1: there is none. */
static int read_file(const char *dir, const char *name, struct buf *text, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/%s", dir, name);
	int r = path ? io_read_file(path, FILE_MAX, text) : -ENOMEM;

	if (r == -ENOENT || r == -ENOTDIR)
		return 1;
	if (r < 0)
		return r == -ENOMEM ? r : err_set(err, r, "cannot read %s: %s", name, strerror(-r));
	buf_adds(text, "");
	return text->failed ? -ENOMEM : 0;
}

int embed_rules_load(const char *path, struct embed_rules *out, struct err *err)
{
	AUTO_BUF modules = {0}, sentence = {0}, config = {0};
	int r = read_file(path, "modules.json", &modules, err);

	if (r == 0)
		r = read_file(path, sentence_name, &sentence, err);
	if (r >= 0 && modules.data)
		r = read_file(path, config_name, &config, err);
	return r < 0 ? r : embed_rules_parse(sentence.data, config.data, out, err);
}

void embed_rules_done(struct embed_rules *r)
{
	free(r->prompt);
	*r = (struct embed_rules){0};
}

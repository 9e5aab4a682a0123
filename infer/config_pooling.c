// SPDX-License-Identifier: Apache-2.0
/*
 * How a repository of sentence-transformers makes one vector of a text: modules.json names the steps, the folder of the pooling has
 * a config.json, sentence_bert_config.json says how long a text may be. [sentence-transformers 6.2]
 */
#include "config_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/json.h>
#include <hffs/name.h>

#include "reader_int.h"

static int parse(const char *text, size_t len, const char *where, struct json **out, struct err *err)
{
	int r = json_parse(text, len, CONFIG_JSON_MAX, out, err);

	return r < 0 && r != -ENOMEM ? err_set(err, -EBADMSG, "%s: %s", where, err_text(err)) : r;
}

/* The last word of a dotted name: "sentence_transformers.models.Pooling" and newer paths end alike. */
static const char *kind_of(const struct json *module)
{
	const char *type = json_get_string(module, "type"), *dot = type ? strrchr(type, '.') : NULL;

	return dot ? dot + 1 : type ? type : "";
}

int config_parse_modules(const char *text, size_t len, bool *pools, char pooling_folder[64], struct model_config *c, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	int r = parse(text, len, "modules.json", &j, err);
	unsigned idx = 0;

	if (r < 0)
		return r;
	if (!json_is_array(j) || !json_first(j))
		return err_set(err, -EBADMSG, "modules.json is not a list");
	*pools = false;
	for (const struct json *m = json_first(j); m; m = json_next(m), idx++) {
		const char *kind = kind_of(m), *path = json_get_string(m, "path");

		if (!strcmp(kind, "Transformer") && idx == 0) {
			if (path && path[0])
				return err_set(err, -ENOTSUP, "modules.json has the model in a folder of its own, which is not supported");
		} else if (!strcmp(kind, "Pooling") && idx == 1) {
			if (!path || strlen(path) >= 64 || !name_is_safe(path, strlen(path)))
				return err_set(err, -EBADMSG, "modules.json: the path of the pooling is not a plain name");
			(void)snprintf(pooling_folder, 64, "%s", path);
			*pools = true;
		} else if (!strcmp(kind, "Normalize") && idx == 2) {
			c->normalise = true;
		} else {
			return err_set(err, -ENOTSUP, "modules.json: the step %.60s is not supported in place %u", kind, idx + 1);
		}
	}
	return *pools ? 0 : err_set(err, -ENOTSUP, "modules.json has no pooling, which is not supported");
}

int config_parse_pooling(const char *text, size_t len, struct model_config *c, struct err *err)
{
	static const char *const harmless[] = {NULL};
	AUTO(json_free) struct json *j = NULL;
	struct reader r = {.where = "the pooling's config.json", .err = err};
	const char *mode;
	bool cls, mean;
	int e = parse(text, len, r.where, &j, err);

	if (e < 0)
		return e;
	r.j = j;
	mode = reader_text(&r, "pooling_mode");
	cls = reader_bool(&r, "pooling_mode_cls_token", mode && !strcmp(mode, "cls"));
	mean = reader_bool(&r, "pooling_mode_mean_tokens", mode ? !strcmp(mode, "mean") : !cls);
	(void)reader_u32(&r, "word_embedding_dimension", c->width, c->width, c->width);
	(void)reader_u32(&r, "embedding_dimension", c->width, c->width, c->width);
	reader_must_be(&r, "include_prompt", true);
	if (r.r == 0 && cls == mean)
		reader_fail(&r, -ENOTSUP, "%s: only pooling by mean, or by the first token, is supported", r.where);
	reader_refuse_rest(&r, harmless);
	c->pooling = cls ? POOLING_CLS : POOLING_MEAN;
	return r.r;
}

int config_parse_sentence(const char *text, size_t len, struct model_config *c, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct reader r = {.where = "sentence_bert_config.json", .err = err};
	int e = parse(text, len, r.where, &j, err);
	uint32_t max;

	if (e < 0)
		return e;
	r.j = j;
	max = reader_u32(&r, "max_seq_length", c->context, 1, CONTEXT_MAX);
	c->embed_max = max < c->context ? max : c->context;
	return r.r;
}

// SPDX-License-Identifier: Apache-2.0
/* What stands beside tokenizer.json: which tokens begin and end a text, and the chat template. All of it may be missing. */
#include <errno.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/json.h>

#include "tokenizer_int.h"

#define CONFIG_MAX (16u << 20)
#define TEMPLATE_MAX (1u << 20)

/* A JSON file of the directory; NULL where there is none. */
static int load_json(const char *dir, const char *name, struct json **out, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/%s", dir, name);
	AUTO_BUF text = {0};
	int r = path ? io_read_file(path, CONFIG_MAX, &text) : -ENOMEM;

	*out = NULL;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_set(err, r, "cannot read %s: %s", path ? path : dir, strerror(-r));
	r = json_parse(text.data ? text.data : "", text.len, CONFIG_MAX, out, NULL);
	return r == -EBADMSG ? err_set(err, r, "%s is not JSON", path) : r;
}

/*
 * "<s>", or {"content": "<s>", ...}; null and what is no token of this tokenizer are none. The map is older, and counts before a
 * configuration that was written before "added_tokens_decoder" came. [transformers tokenization_utils_base.py, _from_pretrained, 4.57]
 */
static uint32_t read_token(const struct tokenizer *t, const struct json *config, const struct json *map, const char *key)
{
	bool is_new = json_get(config, "added_tokens_decoder");
	const struct json *value = json_get(is_new ? config : map, key);
	const char *text;

	value = value ? value : json_get(is_new ? map : config, key);
	text = json_is_object(value) ? json_get_string(value, "content") : json_string(value);
	return text ? tokenizer_find(t, text) : TOKEN_NONE;
}

/* A string, or a list of {"name", "template"}, of which "default" is meant. */
static const char *find_template(const struct json *j)
{
	const struct json *value = json_get(j, "chat_template");

	if (json_string(value))
		return json_string(value);
	for (const struct json *one = json_is_array(value) ? json_first(value) : NULL; one; one = json_next(one)) {
		const char *name = json_get_string(one, "name");

		if (name && !strcmp(name, "default"))
			return json_get_string(one, "template");
	}
	return NULL;
}

/* The file counts before the configuration. [transformers tokenization_utils_base.py, from_pretrained, 4.50] */
static int load_template(struct tokenizer *t, const char *dir, const struct json *config, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/chat_template.jinja", dir);
	AUTO_BUF text = {0};
	const char *template = find_template(config);
	int r = path ? io_read_file(path, TEMPLATE_MAX, &text) : -ENOMEM;

	if (r < 0 && r != -ENOENT)
		return err_set(err, r, "cannot read %s: %s", path ? path : dir, strerror(-r));
	if (text.len && memchr(text.data, '\0', text.len))
		return err_set(err, -EBADMSG, "%s has a zero byte in it, and is no template", path);
	if (r == 0)
		t->chat_template = buf_take(&text);
	else if (template)
		t->chat_template = strdup(template);
	return (r == 0 || template) && !t->chat_template ? -ENOMEM : 0;
}

int tokenizer_load_config(struct tokenizer *t, const char *dir, struct err *err)
{
	AUTO(json_free) struct json *config = NULL;
	AUTO(json_free) struct json *map = NULL;
	int r = load_json(dir, "tokenizer_config.json", &config, err);

	if (r == 0)
		r = load_json(dir, "special_tokens_map.json", &map, err);
	if (r < 0)
		return r;
	t->bos = read_token(t, config, map, "bos_token");
	t->eos = read_token(t, config, map, "eos_token");
	return load_template(t, dir, config, err);
}

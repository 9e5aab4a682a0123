// SPDX-License-Identifier: Apache-2.0
/*
 * What a repository's own files say of it, as the Hub tells it beside the commit: the card's front matter, tags made of it, parameters counted
 * in the headers of safetensors files, and some of its configuration. What cannot be read is left out: nobody has said it.
 * [hub-docs, model cards and model metadata; recorded answers, 2026-08]
 */
#include "about_int.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <hffs/card.h>
#include <hffs/format.h>
#include <hffs/io.h>

#define CONFIG_MAX (1u << 20)
#define HEADER_FIRST 65536u
#define HEADER_MAX (16u << 20)
#define FILES_MAX 200 /* of weights; with more nobody waits for the answer */

/* --- reading --- */

/* The beginning of a file, at most max bytes: 0 or -errno. */
static int read_start(struct repo *r, const struct entry *e, uint64_t max, struct buf *out)
{
	AUTO_FD int fd = -1;
	size_t len = (size_t)min_u64(e->size, max);
	int code = repo_open_entry(r, e, &fd, out);

	if (code < 0 || fd < 0)
		return code;
	code = buf_reserve(out, len + 1);
	if (code == 0)
		code = io_pread(fd, out->data, len, 0);
	if (code < 0)
		return code;
	out->len = len;
	out->data[len] = '\0';
	return 0;
}

static struct json *read_json(struct repo *r, const struct listing *l, const char *path)
{
	const struct entry *e = listing_find(l, path);
	AUTO_BUF text = {0};
	struct json *j = NULL;

	if (!e || e->is_dir || !e->size || e->size > CONFIG_MAX || read_start(r, e, CONFIG_MAX, &text) < 0)
		return NULL;
	(void)json_parse(text.data, text.len, CONFIG_MAX, &j, NULL); /* malformed: not said */
	return j;
}

struct json *about_read_card(struct repo *r, const struct listing *l, struct buf *front)
{
	const struct entry *e = listing_find(l, "README.md");
	AUTO_BUF text = {0};
	struct json *j = NULL;

	if (!e || e->is_dir || !e->size || read_start(r, e, CARD_MAX, &text) < 0)
		return NULL;
	if (card_front_json(text.data, text.len, front, NULL) < 0 || json_parse(front->data, front->len, CARD_JSON_MAX, &j, NULL) < 0)
		return NULL;
	return j;
}

/* --- tags --- */

/* "prefix" and a word of the card, or each of a list. */
static void add_tags(struct buf *b, const struct json *value, const char *prefix)
{
	const struct json *j = json_is_array(value) ? json_first(value) : value;

	for (; j; j = json_is_array(value) ? json_next(j) : NULL) {
		const char *word = json_string(j);
		AUTO_FREE char *tag = word && *word ? str_printf("%s%s", prefix, word) : NULL;

		if (!tag)
			continue;
		if (b->data[b->len - 1] != '[')
			buf_addc(b, ',');
		buf_add_json(b, tag);
	}
}

static bool has_suffix(const struct listing *l, const char *suffix)
{
	size_t n = strlen(suffix);

	for (size_t i = 0; i < l->nr; i++) {
		size_t len = strlen(l->entries[i].path);

		if (!l->entries[i].is_dir && len >= n && !strcmp(l->entries[i].path + len - n, suffix))
			return true;
	}
	return false;
}

static const char *relation_of(const struct listing *l, const struct json *card)
{
	const char *said = json_get_string(card, "base_model_relation");
	const struct json *base = json_get(card, "base_model");

	if (said)
		return said;
	if (listing_find(l, "adapter_config.json"))
		return "adapter";
	if (has_suffix(l, ".gguf"))
		return "quantized";
	return json_is_array(base) && json_size(base) > 1 ? "merge" : "finetune";
}

void about_add_tags(struct buf *b, const struct listing *l, const struct json *card)
{
	AUTO_FREE char *relation = str_printf("base_model:%s:", relation_of(l, card));

	buf_adds(b, ",\"tags\":[");
	add_tags(b, json_get(card, "library_name"), "");
	if (has_suffix(l, ".safetensors"))
		buf_adds(b, b->data[b->len - 1] == '[' ? "\"safetensors\"" : ",\"safetensors\"");
	if (has_suffix(l, ".gguf"))
		buf_adds(b, b->data[b->len - 1] == '[' ? "\"gguf\"" : ",\"gguf\"");
	add_tags(b, json_get(card, "tags"), "");
	add_tags(b, json_get(card, "pipeline_tag"), "");
	add_tags(b, json_get(card, "task_categories"), "task_categories:");
	add_tags(b, json_get(card, "language"), "");
	add_tags(b, json_get(card, "datasets"), "dataset:");
	add_tags(b, json_get(card, "base_model"), "base_model:");
	add_tags(b, json_get(card, "base_model"), relation ? relation : "base_model:");
	add_tags(b, json_get(card, "license"), "license:");
	buf_addc(b, ']');
}

/* --- configuration --- */

static void add_member(struct buf *b, const struct json *from, const char *key)
{
	AUTO_FREE char *text = json_get(from, key) ? json_print(json_get(from, key)) : NULL;

	if (text)
		buf_addf(b, "%s\"%s\":%s", b->data[b->len - 1] == '{' ? "" : ",", key, text);
}

void about_add_config(struct buf *b, struct repo *r, const struct listing *l)
{
	AUTO(json_free) struct json *config = read_json(r, l, "config.json");
	AUTO(json_free) struct json *tokenizer = read_json(r, l, "tokenizer_config.json");

	if (!config && !tokenizer)
		return;
	buf_adds(b, ",\"config\":{");
	add_member(b, config, "architectures");
	add_member(b, config, "model_type");
	add_member(b, config, "auto_map");
	add_member(b, config, "quantization_config");
	if (tokenizer) {
		buf_addf(b, "%s\"tokenizer_config\":{", b->data[b->len - 1] == '{' ? "" : ",");
		add_member(b, tokenizer, "chat_template");
		buf_addc(b, '}');
	}
	buf_addc(b, '}');
}

/* --- parameters --- */

static int read_table(struct repo *r, const struct entry *e, struct tensor_table **out)
{
	uint64_t need = min_u64(e->size, HEADER_FIRST);
	int code;

	do {
		AUTO_BUF text = {0};

		code = read_start(r, e, need, &text);
		if (code == 0)
			code = tensor_table_parse(text.data, text.len, e->size, HEADER_MAX, out, &need, NULL);
	} while (code == -EAGAIN);
	return code;
}

static void count(const struct tensor_table *t, uint64_t params[TENSOR_TYPES])
{
	for (uint32_t i = 0; i < t->nr; i++) {
		uint64_t n = 1;

		for (unsigned d = 0; d < t->tensors[i].n_dims; d++)
			n *= t->tensors[i].shape[d]; /* checked by the parser */
		params[t->tensors[i].type] += n;
	}
}

static bool is_weights(const struct entry *e)
{
	size_t len = strlen(e->path);

	return !e->is_dir && e->size && !strchr(e->path, '/') && len > 12 && !strcmp(e->path + len - 12, ".safetensors") &&
	       strncmp(e->path, "consolidated", 12) != 0;
}

/* Of all files or none: 1; 0. */
static bool count_all(struct repo *r, const struct listing *l, uint64_t params[TENSOR_TYPES])
{
	unsigned nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		AUTO(tensor_table_unref) struct tensor_table *t = NULL;

		if (!is_weights(&l->entries[i]))
			continue;
		if (++nr > FILES_MAX || read_table(r, &l->entries[i], &t) < 0)
			return false;
		count(t, params);
	}
	return nr > 0;
}

void about_add_parameters(struct buf *b, struct repo *r, const struct listing *l)
{
	uint64_t params[TENSOR_TYPES] = {0}, total = 0;

	if (!count_all(r, l, params))
		return;
	buf_adds(b, ",\"safetensors\":{\"parameters\":{");
	for (unsigned i = 0; i < TENSOR_TYPES; i++) {
		if (!params[i])
			continue;
		buf_addf(b, "%s\"%s\":%" PRIu64, total ? "," : "", tensor_type_info((enum tensor_type)i)->name, params[i]);
		total += params[i];
	}
	buf_addf(b, "},\"total\":%" PRIu64 "}", total);
}

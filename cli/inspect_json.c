// SPDX-License-Identifier: Apache-2.0
/* The same for programs; hffs-inspect(1) names every member, and none goes or changes its meaning. */
#include "inspect_int.h"

#include <inttypes.h>
#include <string.h>

static void add_text(struct buf *out, const char *key, const char *text)
{
	buf_addf(out, ",\"%s\":", key);
	if (text)
		buf_add_json(out, text);
	else
		buf_adds(out, "null");
}

static void add_number(struct buf *out, const char *key, uint64_t n, bool is_known)
{
	if (is_known)
		buf_addf(out, ",\"%s\":%" PRIu64, key, n);
	else
		buf_addf(out, ",\"%s\":null", key);
}

static void add_bool(struct buf *out, const char *key, bool value)
{
	buf_addf(out, ",\"%s\":%s", key, value ? "true" : "false");
}

static void add_answer(struct buf *out, const char *key, enum answer a)
{
	buf_addf(out, ",\"%s\":%s", key, a == ANSWER_YES ? "true" : a == ANSWER_NO ? "false" : "null");
}

static void add_told(struct buf *out, const char *key, enum told t)
{
	static const char *const words[] = {[TOLD_NOT] = NULL, [TOLD_COUNTED] = "counted", [TOLD_BY_HUB] = "hub", [TOLD_ESTIMATED] = "estimated"};

	add_text(out, key, words[t]);
}

static void add_who(const struct look *l, const struct verdict *v, struct buf *out)
{
	static const char *const kinds[REPO_KINDS] = {[REPO_MODEL] = "model", [REPO_DATASET] = "dataset", [REPO_SPACE] = "space"};
	const char *slash = strchr(l->about.repo.name, '/');
	AUTO_FREE char *publisher = slash ? strndup(l->about.repo.name, (size_t)(slash - l->about.repo.name)) : NULL;

	buf_addf(out, "{\"repository\":\"%s%s\"", repo_kind_prefix(l->about.repo.kind), l->about.repo.name);
	add_text(out, "revision", l->rev);
	add_text(out, "commit", l->about.commit);
	add_text(out, "kind", kinds[l->repo.kind]);
	add_text(out, "type", v->type);
	add_text(out, "publisher", publisher);
	add_text(out, "license", v->license);
	add_text(out, "gate", !l->about.is_gated ? "none" : l->about.said.gated[0] ? l->about.said.gated : "true");
	add_answer(out, "private", l->about.is_private);
	add_bool(out, "access", !l->is_denied);
	add_text(out, "task", v->task);
	add_text(out, "library", v->library);
	buf_adds(out, ",\"base_models\":[");
	for (unsigned i = 0; i < v->nr_bases; i++) {
		buf_adds(out, i ? "," : "");
		buf_add_json(out, v->bases[i]);
	}
	buf_adds(out, "]");
	add_text(out, "changed", l->text.change[0] ? l->text.change : NULL);
}

static void add_card(const struct look *l, struct buf *out)
{
	buf_addf(out, ",\"card\":{\"present\":%s", l->has_card ? "true" : "false");
	add_text(out, "front_matter", !l->is_card_read ? NULL : l->front_trouble ? "broken" : l->front ? "present" : "missing");
	add_text(out, "trouble", l->front_trouble);
	add_answer(out, "intended_use", !l->is_card_read ? ANSWER_UNKNOWN : l->text.has_use ? ANSWER_YES : ANSWER_NO);
	add_answer(out, "limitations", !l->is_card_read ? ANSWER_UNKNOWN : l->text.has_limits ? ANSWER_YES : ANSWER_NO);
	buf_addc(out, '}');
}

static void add_files(const struct look *l, struct buf *out)
{
	struct format_sum formats[FORMATS_MAX];
	unsigned nr = look_formats(l, formats);

	if (!l->is_listed) {
		buf_adds(out, ",\"files\":null");
		return;
	}
	buf_addf(out, ",\"files\":{\"number\":%zu,\"bytes\":%" PRIu64 ",\"bytes_cached\":%" PRIu64, l->files.nr, l->bytes, l->bytes_cached);
	add_bool(out, "whole", l->is_whole);
	buf_adds(out, ",\"formats\":[");
	for (unsigned i = 0; i < nr; i++)
		buf_addf(out, "%s{\"format\":\"%s\",\"number\":%zu,\"bytes\":%" PRIu64 "}", i ? "," : "", formats[i].name, formats[i].nr,
			 formats[i].bytes);
	buf_adds(out, "]}");
}

/* "BF16:1 F32:2" as {"BF16":1,"F32":2}; the Hub's words were checked when they were taken. */
static void add_said_types(const char *said, struct buf *out)
{
	buf_addc(out, '{');
	for (const char *at = said; *at;) {
		size_t name = strcspn(at, ":"), all = strcspn(at, " ");
		AUTO_FREE char *key = strndup(at, name);

		buf_adds(out, at == said ? "" : ",");
		buf_add_json(out, key ? key : "");
		buf_addf(out, ":%llu", name < all ? strtoull(at + name + 1, NULL, 10) : 0);
		at += all + strspn(at + all, " ");
	}
	buf_addc(out, '}');
}

static void add_weights(const struct look *l, const struct verdict *v, struct buf *out)
{
	static const char *const formats[] = {[WEIGHTS_SAFETENSORS] = "safetensors", [WEIGHTS_GGUF] = "gguf", [WEIGHTS_PICKLE] = "pickle",
					      [WEIGHTS_ONNX] = "onnx"};

	if (!l->nr_weights) {
		buf_adds(out, ",\"weights\":null");
		return;
	}
	buf_addf(out, ",\"weights\":{\"format\":\"%s\",\"files\":%u,\"bytes\":%" PRIu64, formats[l->weights], l->nr_weights, l->weight_bytes);
	add_text(out, "file", l->head->path);
	add_text(out, "quantization", v->quantization[0] ? v->quantization : NULL);
	add_number(out, "parameters", l->params, l->params_told != TOLD_NOT);
	add_told(out, "parameters_from", l->params_told);
	buf_adds(out, ",\"dtypes\":");
	if (l->types_told == TOLD_BY_HUB)
		add_said_types(l->about.said.dtypes, out);
	else
		tensor_sums_add_json(&l->sums, out);
	add_told(out, "dtypes_from", l->types_told);
	add_number(out, "tensors", l->nr_tensors, l->tensors_told != TOLD_NOT);
	buf_addc(out, '}');
}

static void add_memory(const struct look *l, const struct verdict *v, struct buf *out)
{
	bool has_kv = v->kv_bytes || l->shape.encoder;

	if (!v->memory_bytes) {
		buf_adds(out, ",\"memory\":null");
		return;
	}
	buf_addf(out, ",\"memory\":{\"bytes\":%" PRIu64 ",\"weights\":%" PRIu64, v->memory_bytes, l->weight_bytes);
	add_number(out, "kv_cache", v->kv_bytes, has_kv);
	buf_addf(out, ",\"overhead\":%" PRIu64 "}", v->overhead_bytes);
}

static void add_loaders(const struct verdict *v, struct buf *out)
{
	buf_adds(out, ",\"loaders\":[");
	for (unsigned i = 0; i < v->nr_loaders; i++) {
		buf_addf(out, "%s{\"name\":\"%s\"", i ? "," : "", v->loaders[i].name);
		add_answer(out, "fits", v->loaders[i].fits);
		add_text(out, "why", v->loaders[i].why);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void add_risks(const struct verdict *v, struct buf *out)
{
	buf_adds(out, ",\"risks\":[");
	for (unsigned i = 0; i < v->nr_risks; i++) {
		buf_addf(out, "%s{\"risk\":\"%s\"", i ? "," : "", v->risks[i].name);
		add_text(out, "text", v->risks[i].text);
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

static void add_unread(const struct look *l, struct buf *out)
{
	const char *at = l->unread.data ? l->unread.data : "";

	buf_adds(out, ",\"unread\":[");
	while (*at) {
		size_t len = strcspn(at, "\n");

		buf_adds(out, at == l->unread.data ? "" : ",");
		buf_add_json_n(out, at, len);
		at += len + 1;
	}
	buf_addc(out, ']');
}

void look_add_json(const struct look *l, const struct verdict *v, struct buf *out)
{
	add_who(l, v, out);
	add_card(l, out);
	add_files(l, out);
	add_weights(l, v, out);
	add_text(out, "architecture", l->shape.architecture[0] ? l->shape.architecture : NULL);
	add_number(out, "context", l->shape.context, l->shape.context);
	add_answer(out, "tokenizer", l->tokenizer);
	add_answer(out, "chat_template", l->chat_template);
	add_memory(l, v, out);
	add_loaders(v, out);
	add_risks(v, out);
	add_unread(l, out);
	buf_addf(out, ",\"took\":{\"requests\":%" PRIu64 ",\"bytes\":%" PRIu64, l->requests, l->bytes_fetched);
	add_text(out, "through", l->through);
	buf_adds(out, "}}");
}

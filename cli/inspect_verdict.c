// SPDX-License-Identifier: Apache-2.0
/* What follows from what was seen: what kind of thing it is, what it needs, what can load it, what to beware of. Pure. */
#include "inspect_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define OVERHEAD_SHARE 10 /* of the weights, one in so many: buffers of the program that runs it */

/* --- what it says of itself: the Hub's word, else the card's --- */

/* A word of the front matter; of a list the first. */
static const char *front_word(const struct look *l, const char *key)
{
	const struct json *value = json_get(l->front, key);
	const char *word = json_string(json_is_array(value) ? json_first(value) : value);

	return word && *word ? word : NULL;
}

static const char *first_of(const char *a, const char *b)
{
	return a && *a ? a : b && *b ? b : NULL;
}

static void add_base(struct verdict *v, const char *id)
{
	if (id && *id && v->nr_bases < BASES_MAX)
		v->bases[v->nr_bases++] = id;
}

static void take_bases(const struct look *l, struct verdict *v)
{
	const struct json *front = json_get(l->front, "base_model");
	char *rest = v->base_words, *word;

	(void)snprintf(v->base_words, sizeof(v->base_words), "%s", l->about.said.base_model);
	while ((word = strsep(&rest, " ")))
		add_base(v, word);
	if (v->nr_bases)
		return;
	add_base(v, json_string(front));
	for (const struct json *j = json_first(front); json_is_array(front) && j; j = json_next(j))
		add_base(v, json_string(j));
	if (!v->nr_bases && l->is_adapter)
		add_base(v, json_get_string(l->config, "base_model_name_or_path"));
}

/* Weights that were made smaller: the configuration says how, or the file is of such types. */
static void take_quantization(const struct look *l, struct verdict *v)
{
	const struct json *q = json_get(l->config, "quantization_config");
	const char *method = json_get_string(q, "quant_method");
	unsigned most = 0;

	if (json_is_object(q))
		(void)snprintf(v->quantization, sizeof(v->quantization), "%s", method ? method : "yes");
	if (l->weights != WEIGHTS_GGUF || !l->nr_tables)
		return;
	for (unsigned i = 1; i < TENSOR_TYPES; i++)
		if (l->sums.params_of[i] > l->sums.params_of[most])
			most = i;
	if (tensor_type_info((enum tensor_type)most)->block > 1)
		(void)snprintf(v->quantization, sizeof(v->quantization), "mostly %s", tensor_type_info((enum tensor_type)most)->name);
}

/* As the Hub infers it. [hub-docs, model cards, base_model_relation] */
static const char *model_type(const struct look *l, const struct verdict *v)
{
	static const char *const types[] = {"adapter", "quantized", "merge", "finetune"};
	const char *said = first_of(l->about.said.relation, front_word(l, "base_model_relation"));

	for (size_t i = 0; said && i < ARRAY_SIZE(types); i++)
		if (!strcmp(said, types[i]))
			return types[i];
	if (l->is_adapter)
		return "adapter";
	if (v->quantization[0])
		return "quantized";
	return v->nr_bases > 1 ? "merge" : v->nr_bases ? "finetune" : "model";
}

static void take_words(const struct look *l, struct verdict *v)
{
	bool is_space = l->repo.kind == REPO_SPACE;

	v->license = first_of(l->about.said.license, front_word(l, "license"));
	if (v->license && !strcmp(v->license, "other"))
		v->license = first_of(front_word(l, "license_name"), v->license);
	v->task = first_of(l->about.said.task, front_word(l, l->repo.kind == REPO_DATASET ? "task_categories" : "pipeline_tag"));
	v->library = first_of(l->about.said.library, front_word(l, is_space ? "sdk" : "library_name"));
	if (!v->library && l->is_adapter)
		v->library = json_get_string(l->config, "peft_type") ? "peft" : NULL;
}

/* --- memory --- */

static void take_memory(const struct look *l, struct verdict *v)
{
	if (!l->weight_bytes || !strcmp(v->type, "adapter"))
		return;
	v->kv_bytes = l->shape.context ? model_shape_kv_bytes(&l->shape, l->shape.context) : 0;
	v->overhead_bytes = l->weight_bytes / OVERHEAD_SHARE;
	if (__builtin_add_overflow(l->weight_bytes + v->overhead_bytes, v->kv_bytes, &v->memory_bytes))
		v->memory_bytes = UINT64_MAX;
}

/* --- loaders --- */

static void add_loader(struct verdict *v, const char *name, enum answer fits, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void add_loader(struct verdict *v, const char *name, enum answer fits, const char *fmt, ...)
{
	struct loader *out = &v->loaders[v->nr_loaders];
	va_list ap;

	if (v->nr_loaders == LOADERS_MAX)
		return;
	v->nr_loaders++;
	*out = (struct loader){.name = name, .fits = fits};
	va_start(ap, fmt);
	(void)vsnprintf(out->why, sizeof(out->why), fmt, ap);
	va_end(ap);
}

static bool has_remote_code(const struct look *l)
{
	return json_is_object(json_get(l->config, "auto_map"));
}

static bool has_files(const struct look *l, const char *suffix)
{
	for (size_t i = 0; i < l->files.nr; i++)
		if (look_has_suffix(l->files.entries[i].path, suffix))
			return true;
	return false;
}

static bool ends_with(const char *text, const char *end)
{
	return text && look_has_suffix(text, end);
}

static bool knows_type(const char *name, size_t len)
{
	for (unsigned i = 0; i < TENSOR_TYPES; i++) {
		const char *known = tensor_type_info((enum tensor_type)i)->name;

		if (strlen(known) == len && !strncmp(known, name, len))
			return model_shape_has_type((enum tensor_type)i);
	}
	return false;
}

/* The first type of weights that infer/ cannot compute with; NULL: none. */
static const char *unknown_type(const struct look *l, char out[24])
{
	for (unsigned i = 0; i < TENSOR_TYPES; i++)
		if (l->sums.params_of[i] && !model_shape_has_type((enum tensor_type)i))
			return tensor_type_info((enum tensor_type)i)->name;
	for (const char *at = l->about.said.dtypes; l->types_told == TOLD_BY_HUB && *at;) {
		size_t len = strcspn(at, ":"), all = strcspn(at, " ");

		if (!knows_type(at, len)) {
			(void)snprintf(out, 24, "%.*s", (int)min_u64(len, 23), at);
			return out;
		}
		at += all + strspn(at + all, " ");
	}
	return NULL;
}

static void judge_hffs(const struct look *l, struct verdict *v)
{
	const char *name = l->shape.encoder ? "hffs embed" : "hffs run";
	char storage[24];
	const char *type = unknown_type(l, storage);

	if (l->weights != WEIGHTS_SAFETENSORS && l->weights != WEIGHTS_GGUF)
		add_loader(v, "hffs run", ANSWER_NO, "it has neither safetensors nor GGUF files");
	else if (!strcmp(v->type, "adapter"))
		add_loader(v, "hffs run", ANSWER_NO, "adapters are not supported");
	else if (l->run_trouble)
		add_loader(v, "hffs run", ANSWER_NO, "%s", l->run_trouble);
	else if (!l->shape.fits && l->is_whole && !l->hides && l->weights == WEIGHTS_SAFETENSORS && !look_find(l, "config.json"))
		add_loader(v, "hffs run", ANSWER_NO, "there is no config.json");
	else if (!l->shape.fits)
		add_loader(v, "hffs run", ANSWER_UNKNOWN, "its configuration was not read");
	else if (type)
		add_loader(v, name, ANSWER_NO, "weights of type %s are not supported", type);
	else if (l->types_told == TOLD_NOT)
		add_loader(v, name, ANSWER_UNKNOWN, "the types of its weights are not known");
	else if (l->weights == WEIGHTS_SAFETENSORS && !look_find(l, "tokenizer.json"))
		add_loader(v, name, ANSWER_NO, "there is no tokenizer.json");
	else
		add_loader(v, name, ANSWER_YES, "architecture and types are supported");
}

static void judge_transformers(const struct look *l, struct verdict *v)
{
	const char *remote = has_remote_code(l) ? ", with trust_remote_code" : "";

	if (l->is_adapter)
		add_loader(v, "peft", ANSWER_YES, "an adapter, beside its base model");
	else if (look_find(l, "model_index.json"))
		add_loader(v, "diffusers", ANSWER_YES, "model_index.json");
	else if (!strcmp(v->type, "adapter") && v->library && !strcmp(v->library, "diffusers"))
		add_loader(v, "diffusers", ANSWER_YES, "an adapter, beside its base model");
	else if (look_find(l, "config.json") && (l->weights == WEIGHTS_SAFETENSORS || l->weights == WEIGHTS_PICKLE))
		add_loader(v, "transformers", json_get_string(l->config, "model_type") ? ANSWER_YES : ANSWER_UNKNOWN,
			   l->config ? "config.json and weights%s" : "its config.json was not read%s", remote);
	if (look_find(l, "modules.json"))
		add_loader(v, "sentence-transformers", ANSWER_YES, "modules.json");
}

/* Its own list of architectures decides; causal models of transformers are what it is for. */
static void judge_vllm(const struct look *l, struct verdict *v)
{
	const char *name = json_string(json_first(json_get(l->config, "architectures")));

	if (l->weights == WEIGHTS_SAFETENSORS && !l->is_adapter &&
	    (ends_with(name, "ForCausalLM") || ends_with(name, "ForConditionalGeneration")))
		add_loader(v, "vLLM", ANSWER_YES, "%.64s is of a kind that it runs", name);
}

static void judge_loaders(const struct look *l, struct verdict *v)
{
	judge_transformers(l, v);
	judge_vllm(l, v);
	if (l->weights == WEIGHTS_GGUF || has_files(l, ".gguf"))
		add_loader(v, "llama.cpp", ANSWER_YES, "GGUF");
	if (has_files(l, ".onnx"))
		add_loader(v, "ONNX Runtime", ANSWER_YES, "ONNX files");
	judge_hffs(l, v);
}

/* --- risks --- */

static void add_risk(struct verdict *v, const char *name, const char *words, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void add_risk(struct verdict *v, const char *name, const char *words, const char *fmt, ...)
{
	struct risk *out = &v->risks[v->nr_risks];
	va_list ap;

	if (v->nr_risks == RISKS_MAX)
		return;
	v->nr_risks++;
	out->name = name;
	out->words = words;
	va_start(ap, fmt);
	(void)vsnprintf(out->text, sizeof(out->text), fmt, ap);
	va_end(ap);
}

static void judge_code(const struct look *l, struct verdict *v)
{
	size_t pickles = 0, scripts = 0;
	const char *pickle = NULL, *script = NULL;

	for (size_t i = 0; i < l->files.nr; i++) {
		const char *path = l->files.entries[i].path;

		if (pickle_is_name(path) && ++pickles == 1)
			pickle = path;
		if (look_has_suffix(path, ".py") && ++scripts == 1)
			script = path;
	}
	if (pickles)
		add_risk(v, "pickle", "pickle", "Loading it may run code (%.80s%s): %s", pickle, pickles > 1 ? " and others" : "",
			 l->weights == WEIGHTS_SAFETENSORS ? "take the safetensors files instead." : "do so only if you trust the publisher.");
	if (has_remote_code(l))
		add_risk(v, "remote_code", "remote code", "It asks for trust_remote_code: read its Python files first, and fix the commit.");
	else if (scripts && l->repo.kind != REPO_SPACE)
		add_risk(v, "scripts", "scripts", "It has Python files (%.80s%s): read them before you run them.", script, scripts > 1 ? " and others" : "");
}

/* "x-GPTQ", "x-lora" and the like are made from something. */
static bool sounds_derived(const char *name)
{
	static const char *const words[] = {"-gguf", "-gptq", "-awq", "-lora", "-merge", "-exl2", "-bnb", "-4bit", "-8bit", "-int4", "-int8",
					    "-fp8", "-finetun", "-quant", "-mlx", "-onnx"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strcasestr(name, words[i]))
			return true;
	return false;
}

/* Was all read that may name what it is made from? */
static bool is_base_known(const struct look *l)
{
	return look_is_card_known(l) && (!l->is_adapter || l->config);
}

static void judge_card(const struct look *l, struct verdict *v)
{
	if (l->front_trouble)
		add_risk(v, "broken_card", "broken card", "Its card's front matter is broken, so what it says is not known (%.120s).", l->front_trouble);
	else if (l->is_listed && !l->has_card && !l->hides)
		add_risk(v, "no_card", "no card", "It has no card: nothing says what it is for, or how it was made.");
	if (!v->license && look_is_card_known(l))
		add_risk(v, "no_license", "no licence", "No licence is stated: ask the publisher before you use it.");
	if (l->repo.kind == REPO_MODEL && !v->nr_bases && is_base_known(l) && (strcmp(v->type, "model") != 0 || sounds_derived(l->about.repo.name)))
		add_risk(v, "unknown_base", "unknown base", "It seems to be made from another model, and does not say which.");
	if (l->is_card_read && l->repo.kind == REPO_MODEL && !l->text.has_limits)
		add_risk(v, "no_limitations", "no limitations stated", "Its card has no section about limitations: test it for your own use.");
}

static void judge_access(const struct look *l, const char *endpoint, struct verdict *v)
{
	if (l->is_denied)
		add_risk(v, "no_access", "no access", "It is gated: ask for access on %s/%s%s, then set HF_TOKEN.", endpoint, repo_kind_prefix(l->about.repo.kind),
			 l->about.repo.name);
	if (l->is_listed && !l->is_whole)
		add_risk(v, "large", "many files", "It has more files than one look lists: not all of them are counted.");
}

void verdict_make(const struct look *l, const char *endpoint, struct verdict *v)
{
	*v = (struct verdict){0};
	take_words(l, v);
	take_bases(l, v);
	take_quantization(l, v);
	v->type = l->repo.kind == REPO_DATASET ? "dataset" : l->repo.kind == REPO_SPACE ? "space" : model_type(l, v);
	judge_access(l, endpoint, v);
	judge_code(l, v);
	judge_card(l, v);
	if (l->repo.kind != REPO_MODEL || !l->is_listed)
		return;
	take_memory(l, v);
	judge_loaders(l, v);
}

/* --- formats --- */

static const char *format_of(const char *path)
{
	static const struct {
		const char *suffix, *name;
	} formats[] = {
		{".safetensors", "safetensors"}, {".gguf", "gguf"}, {".onnx", "onnx"}, {".onnx_data", "onnx"}, {".parquet", "parquet"},
		{".arrow", "arrow"}, {".json", "json"}, {".jsonl", "json"}, {".csv", "csv"}, {".tsv", "csv"}, {".md", "text"}, {".txt", "text"},
		{".jinja", "text"}, {".py", "python"}, {".ipynb", "python"}, {".zip", "archive"}, {".tar", "archive"}, {".gz", "archive"},
		{".zst", "archive"}, {".7z", "archive"}, {".png", "image"}, {".jpg", "image"}, {".jpeg", "image"}, {".webp", "image"},
		{".wav", "audio"}, {".mp3", "audio"}, {".flac", "audio"}, {".mp4", "video"}, {".npy", "numpy"}, {".npz", "numpy"},
		{".h5", "hdf5"}, {".msgpack", "msgpack"}, {".tflite", "tflite"}, {".model", "sentencepiece"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (look_has_suffix(path, formats[i].suffix))
			return formats[i].name;
	return pickle_is_name(path) ? "pickle" : "other";
}

static int by_bytes(const void *a, const void *b)
{
	const struct format_sum *x = a, *y = b;

	return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : strcmp(x->name, y->name);
}

unsigned look_formats(const struct look *l, struct format_sum out[FORMATS_MAX])
{
	unsigned nr = 0;

	for (size_t i = 0; i < l->files.nr; i++) {
		const char *name = format_of(l->files.entries[i].path);
		unsigned at = 0;

		while (at < nr && strcmp(out[at].name, name))
			at++;
		if (at == nr)
			out[nr++] = (struct format_sum){.name = name};
		out[at].nr++;
		out[at].bytes += l->files.entries[i].size;
	}
	if (nr)
		qsort(out, nr, sizeof(out[0]), by_bytes);
	return nr;
}

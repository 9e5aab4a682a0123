// SPDX-License-Identifier: Apache-2.0
/*
 * config.json of a repository. Each architecture has a row with what its class in transformers assumes where the file says nothing
 * [transformers 5.12, configuration_*.py], and a function for what only it has. A field that none of them knows is refused,
 * unless it is in the list of those that do not change what is computed.
 */
#include "config_json_int.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct family {
	const char *model_type, *class_name;
	enum arch arch;
	uint32_t vocabulary, width, ffn, layers, heads, kv_heads, head_dim; /* 0: follows from the others */
	uint32_t context;
	double eps;
	bool tied;
	void (*finish)(struct reader *r, struct model_config *c);
};

/* Of PretrainedConfig, of training, of other tools; none of them changes what a text comes to. */
static const char *const harmless[] = {
	"architectures", "attention_dropout", "attention_probs_dropout_prob", "attn_implementation", "attn_pdrop",
	"author", "auto_map", "bad_words_ids", "begin_suppress_tokens", "boi_token_index", "bos_token_id",
	"cache_implementation", "chunk_size_feed_forward", "classifier_dropout", "cls_token_id", "created_date",
	"decoder_start_token_id", "directionality", "diversity_penalty", "do_sample", "dtype", "early_stopping",
	"embd_pdrop", "encoder_no_repeat_ngram_size", "eoi_token_index", "eos_token_id", "eos_token_ids",
	"exponential_decay_length_penalty", "finetuning_task", "forced_bos_token_id", "forced_eos_token_id",
	"full_attn_mod", "gradient_checkpointing", "hidden_dropout", "hidden_dropout_prob", "id2label",
	"image_token_index", "initializer_range", "interpolate_factor", "is_decoder", "is_llama_config", "label2id",
	"language", "length_penalty", "license", "loss_type", "mask_token_id", "max_length", "max_sequence_length",
	"min_length", "mm_tokens_per_image", "model_max_length", "model_type", "n_ctx", "n_special", "name",
	"name_or_path", "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_labels", "num_return_sequences",
	"output_attentions", "output_hidden_states", "output_past", "output_scores", "pad_token_id", "pooler_fc_size",
	"pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type",
	"predict_special_tokens", "prefix", "pretraining_tp", "problem_type", "remove_invalid_values",
	"reorder_and_upcast_attn", "repetition_penalty", "resid_pdrop", "return_dict", "return_dict_in_generate",
	"sbert_ce_default_activation_function", "sentence_transformers", "sep_token_id", "summary_activation",
	"summary_first_dropout", "summary_proj_to_labels", "summary_type", "summary_use_proj", "suppress_tokens",
	"task_specific_params", "temperature", "tf_legacy_loss", "tokenizer_class", "tokenizer_model_max_length",
	"tokenizer_padding_side", "top_k", "top_p", "torch_dtype", "torchscript", "transformers.js_config",
	"transformers_version", "type_vocab_size", "typical_p", "unk_token_id", "unsloth_fixed", "unsloth_version",
	"use_bfloat16", "use_cache", "vision_config", "xla_device", NULL,
};

/* --- what several architectures have --- */

static enum op_activation activation_of(struct reader *r, const char *key, const char *otherwise)
{
	static const struct {
		const char *name;
		enum op_activation activation;
	} names[] = {{"silu", OP_SILU}, {"swish", OP_SILU}, {"gelu", OP_GELU}, {"gelu_new", OP_GELU_TANH}, {"relu", OP_RELU},
		     {"gelu_pytorch_tanh", OP_GELU_TANH}, {"gelu_fast", OP_GELU_TANH}};
	const char *name = reader_text(r, key);

	name = name ? name : otherwise;
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(name, names[i].name))
			return names[i].activation;
	reader_fail(r, -ENOTSUP, "%s: %s %.60s is not supported", r->where, key, name);
	return OP_SILU;
}

static void add_eos(struct reader *r, struct model_config *c, const struct json *value)
{
	uint64_t id;

	if (c->nr_eos == EOS_MAX || json_u64(value, &id) < 0 || id >= UINT32_MAX)
		reader_fail(r, -EBADMSG, "%s: eos_token_id is not a token, or there are more than %d", r->where, EOS_MAX);
	else
		c->eos[c->nr_eos++] = (uint32_t)id;
}

/* Tokens that begin and end a text. */
static void read_ends(struct reader *r, struct model_config *c)
{
	const struct json *eos = reader_get(r, "eos_token_id");

	c->bos = reader_u32(r, "bos_token_id", c->bos, 0, UINT32_MAX - 1);
	if (eos)
		c->nr_eos = 0;
	if (json_is_array(eos)) {
		for (const struct json *v = json_first(eos); v && r->r == 0; v = json_next(v))
			add_eos(r, c, v);
	} else if (eos) {
		add_eos(r, c, eos);
	}
}

/* layer_types, where it is there, is what counts; otherwise every layer slides that the pattern says. */
static void read_layer_types(struct reader *r, struct model_config *c, uint32_t window, uint32_t pattern)
{
	const struct json *types = reader_get(r, "layer_types"), *v = json_first(types);

	if (r->r == 0 && config_slide(c, window, pattern) < 0)
		reader_fail(r, -ENOMEM, "out of memory");
	if (r->r < 0 || !types)
		return;
	if (!json_is_array(types) || json_size(types) != c->layers) {
		reader_fail(r, -EBADMSG, "%s: layer_types is not a list of %u", r->where, c->layers);
		return;
	}
	for (uint32_t i = 0; v && r->r == 0; v = json_next(v), i++) {
		const char *name = json_string(v);

		if (!name || (strcmp(name, "full_attention") && strcmp(name, "sliding_attention")))
			reader_fail(r, -ENOTSUP, "%s: layer type %.60s is not supported", r->where, name ? name : "(not a text)");
		else
			c->sliding[i] = window && !strcmp(name, "sliding_attention");
	}
}

/* Its layers are all alike: a list of types must say so too. */
static void read_uniform(struct reader *r, struct model_config *c, uint32_t window)
{
	read_layer_types(r, c, window, 0);
	for (uint32_t i = 0; r->r == 0 && i < c->layers; i++)
		if (c->sliding[i] != (window != 0))
			reader_fail(r, -ENOTSUP, "%s: layer_types that differ are not supported for %s", r->where, c->architecture);
}

/* --- what each has --- */

static void finish_llama(struct reader *r, struct model_config *c)
{
	c->qkv_bias = c->output_bias = reader_bool(r, "attention_bias", false);
	c->ffn_bias = reader_bool(r, "mlp_bias", false);
	read_uniform(r, c, 0);
}

static uint32_t read_window(struct reader *r, uint32_t otherwise)
{
	const struct json *value = json_get(r->j, "sliding_window");

	return value && json_is_null(value) ? (reader_get(r, "sliding_window"), 0)
					    : reader_u32(r, "sliding_window", otherwise, 1, CONTEXT_MAX);
}

static void finish_mistral(struct reader *r, struct model_config *c)
{
	read_uniform(r, c, read_window(r, 4096));
}

static void finish_qwen2(struct reader *r, struct model_config *c)
{
	uint32_t window = read_window(r, 4096), first = reader_u32(r, "max_window_layers", 28, 0, LAYERS_MAX);

	if (!reader_bool(r, "use_sliding_window", false))
		window = 0;
	c->qkv_bias = true;
	read_layer_types(r, c, window, 0);
	for (uint32_t i = 0; r->r == 0 && !json_get(r->j, "layer_types") && i < c->layers; i++)
		c->sliding[i] = window && i >= first;
}

static void finish_qwen3(struct reader *r, struct model_config *c)
{
	finish_qwen2(r, c);
	c->qkv_bias = c->output_bias = reader_bool(r, "attention_bias", false);
	c->qk_norm = QK_NORM_HEAD;
}

static void finish_phi3(struct reader *r, struct model_config *c)
{
	read_uniform(r, c, read_window(r, 0));
	reader_must_be(r, "attention_bias", false);
}

static void finish_gemma(struct reader *r, struct model_config *c)
{
	double scalar = reader_f64(r, "query_pre_attn_scalar", 256, 1e-3, 1e9);

	(void)reader_get(r, "hidden_act"); /* of the first Gemma; the class does not look at it */
	reader_must_be(r, "use_bidirectional_attention", false);
	c->activation = activation_of(r, "hidden_activation", "gelu_pytorch_tanh");
	c->attention_scale = (float)(1 / sqrt(scalar));
	c->embed_scale = (float)sqrt(c->width);
	c->norm_after = c->norm_plus_one = true;
	c->qkv_bias = c->output_bias = reader_bool(r, "attention_bias", false);
}

static float read_cap(struct reader *r, const char *key, double otherwise)
{
	const struct json *value = json_get(r->j, key);

	if (value && json_is_null(value))
		otherwise = 0;
	return (float)reader_f64(r, key, otherwise, 1e-3, 1e9);
}

static void finish_gemma2(struct reader *r, struct model_config *c)
{
	finish_gemma(r, c);
	(void)reader_get(r, "sliding_window_size"); /* of gemma-2-9b; the class does not look at it */
	c->attention_cap = read_cap(r, "attn_logit_softcapping", 50);
	c->logit_cap = read_cap(r, "final_logit_softcapping", 30);
	read_layer_types(r, c, read_window(r, 4096), 2);
}

static void finish_gemma3(struct reader *r, struct model_config *c)
{
	uint32_t pattern = reader_u32(r, "sliding_window_pattern", 6, 1, LAYERS_MAX);

	finish_gemma(r, c);
	c->attention_cap = read_cap(r, "attn_logit_softcapping", 0);
	c->logit_cap = read_cap(r, "final_logit_softcapping", 0);
	c->qk_norm = QK_NORM_HEAD;
	read_layer_types(r, c, read_window(r, 4096), pattern);
}

static void finish_olmo2(struct reader *r, struct model_config *c)
{
	c->qkv_bias = c->output_bias = reader_bool(r, "attention_bias", false);
	c->norm_before = false;
	c->norm_after = true;
	c->qk_norm = QK_NORM_WIDTH;
	read_uniform(r, c, 0);
}

static void finish_gpt2(struct reader *r, struct model_config *c)
{
	reader_must_be(r, "scale_attn_weights", true);
	reader_must_be(r, "scale_attn_by_inverse_layer_idx", false);
	reader_must_be(r, "add_cross_attention", false);
	c->activation = activation_of(r, "activation_function", "gelu_new");
	c->layer_norm = c->learned_positions = c->transposed = true;
	c->qkv_bias = c->output_bias = c->ffn_bias = true;
	c->gated = false;
	read_uniform(r, c, 0);
}

static void finish_bert(struct reader *r, struct model_config *c)
{
	const char *positions = reader_text(r, "position_embedding_type");

	if (positions && strcmp(positions, "absolute"))
		reader_fail(r, -ENOTSUP, "%s: position_embedding_type %.60s is not supported", r->where, positions);
	reader_must_be(r, "is_decoder", false);
	reader_must_be(r, "add_cross_attention", false);
	(void)reader_get(r, "emb_size"); /* of rubert-tiny; the class does not look at it */
	c->activation = activation_of(r, "hidden_act", "gelu");
	c->token_types = reader_u32(r, "type_vocab_size", 2, 1, 1024);
	c->encoder = c->layer_norm = c->learned_positions = true;
	c->qkv_bias = c->output_bias = c->ffn_bias = true;
	c->gated = c->norm_before = false;
	c->norm_after = true;
	c->embed_max = c->context;
	read_uniform(r, c, 0);
}

static const struct family families[] = {
	{"llama", "LlamaForCausalLM", ARCH_LLAMA, 32000, 4096, 11008, 32, 32, 0, 0, 2048, 1e-6, false, finish_llama},
	{"mistral", "MistralForCausalLM", ARCH_MISTRAL, 32000, 4096, 14336, 32, 32, 8, 0, 131072, 1e-6, false, finish_mistral},
	{"qwen2", "Qwen2ForCausalLM", ARCH_QWEN2, 151936, 4096, 22016, 32, 32, 32, 0, 32768, 1e-6, false, finish_qwen2},
	{"qwen3", "Qwen3ForCausalLM", ARCH_QWEN3, 151936, 4096, 22016, 32, 32, 32, 128, 32768, 1e-6, false, finish_qwen3},
	{"phi3", "Phi3ForCausalLM", ARCH_PHI3, 32064, 3072, 8192, 32, 32, 0, 0, 4096, 1e-5, false, finish_phi3},
	{"gemma2", "Gemma2ForCausalLM", ARCH_GEMMA2, 256000, 2304, 9216, 26, 8, 4, 256, 8192, 1e-6, true, finish_gemma2},
	{"gemma3_text", "Gemma3ForCausalLM", ARCH_GEMMA3, 262208, 2304, 9216, 26, 8, 4, 256, 131072, 1e-6, true, finish_gemma3},
	{"gemma3", "Gemma3ForConditionalGeneration", ARCH_GEMMA3, 262208, 2304, 9216, 26, 8, 4, 256, 131072, 1e-6, true, finish_gemma3},
	{"olmo2", "Olmo2ForCausalLM", ARCH_OLMO2, 50304, 4096, 11008, 32, 32, 0, 0, 2048, 1e-5, false, finish_olmo2},
	{"gpt2", "GPT2LMHeadModel", ARCH_GPT2, 50257, 768, 0, 12, 12, 0, 0, 1024, 1e-5, true, finish_gpt2},
	{"bert", "BertModel", ARCH_BERT, 30522, 768, 3072, 12, 12, 0, 0, 512, 1e-12, true, finish_bert},
};

/* --- the whole --- */

/* GPT-2 has its own words for sizes. */
static void read_sizes(struct reader *r, const struct family *f, struct model_config *c)
{
	bool gpt2 = f->arch == ARCH_GPT2, one_kind = gpt2 || f->arch == ARCH_BERT;

	c->vocabulary = reader_u32(r, "vocab_size", f->vocabulary, 1, VOCABULARY_MAX);
	c->width = reader_u32(r, gpt2 ? "n_embd" : "hidden_size", f->width, 1, WIDTH_MAX);
	c->layers = reader_u32(r, gpt2 ? "n_layer" : "num_hidden_layers", f->layers, 1, LAYERS_MAX);
	c->heads = reader_u32(r, gpt2 ? "n_head" : "num_attention_heads", f->heads, 1, HEADS_MAX);
	c->context = reader_u32(r, gpt2 ? "n_positions" : "max_position_embeddings", f->context, 1, CONTEXT_MAX);
	c->ffn = reader_u32(r, gpt2 ? "n_inner" : "intermediate_size", f->ffn ? f->ffn : 4 * c->width, 1, WIDTH_MAX);
	c->kv_heads = c->heads;
	if (!one_kind && (!json_is_null(json_get(r->j, "num_key_value_heads")) || !json_get(r->j, "num_key_value_heads")))
		c->kv_heads = reader_u32(r, "num_key_value_heads", f->kv_heads ? f->kv_heads : c->heads, 1, HEADS_MAX);
	c->head_dim = f->head_dim ? f->head_dim : c->width / c->heads;
	if (!one_kind && f->arch != ARCH_PHI3)
		c->head_dim = reader_u32(r, "head_dim", c->head_dim, 1, HEAD_DIM_MAX);
	else if (f->arch == ARCH_PHI3)
		c->head_dim = reader_u32(r, "head_dim", c->head_dim, c->head_dim, c->head_dim);
	if (r->r == 0 && (one_kind || (!f->head_dim && !reader_get(r, "head_dim"))) && c->width % c->heads)
		reader_fail(r, -EBADMSG, "%s: %u values a token cannot be split into %u heads", r->where, c->width, c->heads);
}

static void read_model(struct reader *r, const struct family *f, struct model_config *c)
{
	const char *eps = f->arch == ARCH_GPT2 ? "layer_norm_epsilon" : f->arch == ARCH_BERT ? "layer_norm_eps" : "rms_norm_eps";

	read_sizes(r, f, c);
	c->norm_eps = (float)reader_f64(r, eps, f->eps, 0, 0.5);
	c->tied = reader_bool(r, "tie_word_embeddings", f->tied);
	c->norm_before = c->gated = true;
	c->embed_scale = 1;
	c->attention_scale = (float)(1 / sqrt(c->head_dim));
	if (f->arch != ARCH_GEMMA2 && f->arch != ARCH_GEMMA3 && f->arch != ARCH_GPT2 && f->arch != ARCH_BERT)
		c->activation = activation_of(r, "hidden_act", "silu");
	if (f->arch != ARCH_BERT)
		reader_must_be(r, "is_causal", true);
	if (r->r == 0)
		f->finish(r, c);
	if (r->r == 0 && !c->learned_positions)
		config_json_rope(r, c);
}

/* Of BERT any class will do: it is the same encoder, and its heads are not used. The head of GPT-2 is its table, with the class or without. */
static bool is_class_of(const struct family *f, const char *name)
{
	return !strcmp(name, f->class_name) || f->arch == ARCH_BERT || (f->arch == ARCH_GPT2 && !strcmp(name, "GPT2Model"));
}

static const struct family *family_of(struct reader *r)
{
	const char *type = reader_text(r, "model_type");
	const struct json *classes = reader_get(r, "architectures");

	if (!type) {
		reader_fail(r, -ENOTSUP, "%s has no model_type", r->where);
		return NULL;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
		const char *name = json_string(json_first(classes));

		if (strcmp(type, families[i].model_type))
			continue;
		if (name && !is_class_of(&families[i], name)) {
			reader_fail(r, -ENOTSUP, "the architecture %.100s is not supported (of %s only %s is)", name, type, families[i].class_name);
			return NULL;
		}
		return &families[i];
	}
	reader_fail(r, -ENOTSUP, "the architecture %.100s is not supported", type);
	return NULL;
}

/* The text model within a model of several kinds: what is around it is for pictures. */
static void read_inner(struct reader *outer, const struct family *f, struct model_config *c)
{
	struct reader r = {.j = reader_get(outer, "text_config"), .where = "config.json, text_config", .err = outer->err, .r = outer->r};

	config_json_scales(&r, c);
	read_model(&r, f, c);
	c->tied = reader_bool(outer, "tie_word_embeddings", true); /* the inner one's is not looked at */
	read_ends(&r, c);
	reader_refuse_rest(&r, harmless);
	outer->r = r.r;
	read_ends(outer, c);
}

int config_parse_json(const char *text, size_t len, struct model_config *c, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct reader r = {.where = "config.json", .err = err};
	const struct family *f;
	int e = json_parse(text, len, CONFIG_JSON_MAX, &j, err);

	if (e < 0)
		return e == -ENOMEM ? e : err_set(err, -EBADMSG, "config.json: %s", err_text(err));
	r.j = j;
	if (!json_is_object(j))
		return err_set(err, -EBADMSG, "config.json is not an object");
	f = family_of(&r);
	config_json_scales(&r, c);
	if (r.r < 0)
		return r.r;
	c->arch = f->arch;
	c->bos = UINT32_MAX;
	(void)snprintf(c->architecture, sizeof(c->architecture), "%s", f->class_name);
	if (json_is_object(json_get(j, "text_config"))) {
		read_inner(&r, f, c);
	} else {
		read_model(&r, f, c);
		read_ends(&r, c);
	}
	reader_refuse_rest(&r, harmless);
	return r.r < 0 ? r.r : config_check(c, err);
}

int config_parse_generation(const char *text, size_t len, struct model_config *c, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct reader r = {.where = "generation_config.json", .err = err};
	int e = json_parse(text, len, CONFIG_JSON_MAX, &j, err);

	if (e < 0)
		return e == -ENOMEM ? e : err_set(err, -EBADMSG, "generation_config.json: %s", err_text(err));
	r.j = j;
	read_ends(&r, c);
	return r.r;
}

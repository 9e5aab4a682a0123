// SPDX-License-Identifier: Apache-2.0
/*
 * The metadata of a GGUF file. Keys begin with the name of the architecture; what is left unsaid there follows llama.cpp's reading
 * of it [llama.cpp src/llama-model.cpp, 2026-08]. Only keys that take part in the computation are known; a key of the
 * architecture that is not known here is refused. Of a model in several files the first has the metadata; tensors are in any, and the
 * first may have none.
 */
#include "config_int.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct meta {
	const struct tensor_table *t; /* of the first file */
	const struct tensor_table *const *parts; /* of all that are known */
	uint32_t nr_parts;
	const char *arch; /* "llama" */
	const char *known[64];
	unsigned nr_known;
	int r;
	struct err *err;
};

static const struct {
	const char *name;
	enum arch arch;
} archs[] = {
	{"llama", ARCH_LLAMA}, {"qwen2", ARCH_QWEN2}, {"qwen3", ARCH_QWEN3}, {"phi3", ARCH_PHI3}, {"gemma2", ARCH_GEMMA2},
	{"gemma3", ARCH_GEMMA3}, {"olmo2", ARCH_OLMO2}, {"gpt2", ARCH_GPT2}, {"bert", ARCH_BERT},
};

/* --- values --- */

static void fail(struct meta *m, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void fail(struct meta *m, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	if (m->r < 0)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args); /* a sentence that is too long is cut */
	va_end(args);
	m->r = err_set(m->err, code, "%s", text);
}

/* The value of ARCH.key. */
static const struct format_value *get(struct meta *m, const char *key)
{
	char full[128];

	if (m->nr_known < ARRAY_SIZE(m->known))
		m->known[m->nr_known++] = key;
	(void)snprintf(full, sizeof(full), "%s.%s", m->arch, key); /* both are short */
	return tensor_table_value(m->t, full);
}

static bool whole(const struct format_value *v, uint64_t *out)
{
	if (v->type != FORMAT_UINT && (v->type != FORMAT_INT || v->i < 0))
		return false;
	*out = v->u;
	return true;
}

static uint32_t get_u32(struct meta *m, const char *key, uint32_t otherwise, uint32_t min, uint32_t max)
{
	const struct format_value *v = get(m, key);
	uint64_t n = 0;

	if (!v)
		return otherwise;
	if (!whole(v, &n) || n < min || n > max)
		fail(m, v->type == FORMAT_ARRAY ? -ENOTSUP : -EBADMSG, "%s.%s is not one whole number from %u to %u", m->arch, key, min, max);
	return m->r < 0 ? otherwise : (uint32_t)n;
}

static uint32_t need_u32(struct meta *m, const char *key, uint32_t max)
{
	uint32_t n = get_u32(m, key, 0, 1, max);

	if (!n)
		fail(m, -EBADMSG, "the metadata has no %s.%s", m->arch, key);
	return n;
}

static double get_f64(struct meta *m, const char *key, double otherwise, double min, double max)
{
	const struct format_value *v = get(m, key);

	if (!v)
		return otherwise;
	if (v->type != FORMAT_FLOAT || !(v->f >= min) || !(v->f <= max))
		fail(m, -EBADMSG, "%s.%s is not a number from %g to %g", m->arch, key, min, max);
	return m->r < 0 ? otherwise : v->f;
}

static const char *get_text(struct meta *m, const char *key)
{
	const struct format_value *v = get(m, key);

	return v && v->type == FORMAT_TEXT ? v->text : NULL;
}

/* --- tensors --- */

static const struct tensor *find(const struct meta *m, const char *name)
{
	const struct tensor *t = NULL;

	for (uint32_t i = 0; i < m->nr_parts && !t; i++)
		t = tensor_table_find(m->parts[i], name);
	return t;
}

static bool has_all_parts(const struct meta *m)
{
	const struct format_value *v = tensor_table_value(m->t, "split.count");
	uint64_t count = 1;

	return !v || !whole(v, &count) || count <= m->nr_parts;
}

/* How many rows the table has; 1 if a part has it that is not known. */
static uint32_t need_rows(struct meta *m, const char *name, uint32_t max)
{
	const struct tensor *t = find(m, name);

	if (!t && !has_all_parts(m))
		return 1;
	if (t && t->n_dims == 2 && t->shape[0] && t->shape[0] <= max)
		return (uint32_t)t->shape[0];
	fail(m, -EBADMSG, "there is no tensor %s, or it is not a table", name);
	return 0;
}

/* --- rope --- */

/* With a factor f, llama.cpp turns by theta / f and, for yarn, scales by 1 + 0.1 ln f. */
static void read_scaling(struct meta *m, struct model_config *c)
{
	struct rope_config *rope = &c->rope;
	const char *type = get_text(m, "rope.scaling.type");
	double old = get_f64(m, "rope.scale_linear", 1, 1e-3, 1e6), factor = get_f64(m, "rope.scaling.factor", old, 1e-3, 1e6);
	double attention = get_f64(m, "rope.scaling.attn_factor", 1, 1e-3, 1e3);

	rope->original_context = get_u32(m, "rope.scaling.original_context_length", c->context, 1, CONTEXT_MAX);
	rope->factor = factor;
	/* Phi 3 has its long and short factors as tensors, and need not say so otherwise. */
	if (!type && find(m, "rope_factors_long.weight"))
		type = "longrope";
	if (!type ? factor != 1 : !strcmp(type, "linear")) {
		rope->type = ROPE_LINEAR;
	} else if (type && !strcmp(type, "yarn")) {
		rope->type = ROPE_YARN;
		rope->beta_fast = get_f64(m, "rope.scaling.yarn_beta_fast", 32, 1e-3, 1e6);
		rope->beta_slow = get_f64(m, "rope.scaling.yarn_beta_slow", 1, 1e-3, 1e6);
		rope->truncate = true;
		rope->attention_factor = attention * (factor > 1 ? 1 + 0.1 * log(factor) : 1);
	} else if (type && !strcmp(type, "longrope")) {
		rope->type = ROPE_LONGROPE;
		rope->attention_factor = attention;
	} else if (type && strcmp(type, "none")) {
		fail(m, -ENOTSUP, "the rope scaling %.60s is not supported", type);
	}
	if (rope->type == ROPE_DEFAULT)
		rope->factor = 1;
	if (attention != 1 && rope->type != ROPE_YARN && rope->type != ROPE_LONGROPE)
		fail(m, -ENOTSUP, "%s.rope.scaling.attn_factor is not supported without yarn", m->arch);
}

static void read_rope(struct meta *m, struct model_config *c)
{
	c->rope = (struct rope_config){.factor = 1, .attention_factor = 1};
	c->rope.theta = get_f64(m, "rope.freq_base", c->arch == ARCH_GEMMA3 ? 1e6 : 1e4, 1, 1e15);
	c->rope.dims = get_u32(m, "rope.dimension_count", c->head_dim, 2, HEAD_DIM_MAX);
	c->rope.interleaved = c->arch == ARCH_LLAMA;
	read_scaling(m, c);
	c->rope_sliding = c->rope;
	if (c->arch == ARCH_GEMMA3) {
		c->rope_sliding = (struct rope_config){.factor = 1, .attention_factor = 1, .dims = c->rope.dims};
		c->rope_sliding.theta = get_f64(m, "rope.freq_base_swa", 1e4, 1, 1e15);
	}
}

/* --- architectures --- */

static void read_gemma(struct meta *m, struct model_config *c)
{
	/* The largest of each generation has a scale of its own. [llama.cpp, LLM_ARCH_GEMMA2 and _GEMMA3: 46 and 62 layers] */
	bool largest = c->layers == (c->arch == ARCH_GEMMA2 ? 46 : 62);

	c->activation = OP_GELU_TANH;
	c->embed_scale = (float)sqrt(c->width);
	c->attention_scale = (float)(1 / sqrt(largest ? (double)c->width / c->heads : c->head_dim));
	c->norm_after = true;
	if (c->arch == ARCH_GEMMA2) {
		c->attention_cap = (float)get_f64(m, "attn_logit_softcapping", 50, 1e-3, 1e9);
		c->logit_cap = (float)get_f64(m, "final_logit_softcapping", 30, 1e-3, 1e9);
	} else {
		c->qk_norm = QK_NORM_HEAD;
		c->logit_cap = (float)get_f64(m, "final_logit_softcapping", 0, 0, 1e9);
	}
}

static void read_bert(struct meta *m, struct model_config *c)
{
	const struct format_value *causal = get(m, "attention.causal");
	uint32_t pooling = get_u32(m, "pooling_type", 1, 0, 16);

	if (causal && (causal->type != FORMAT_BOOL || causal->u))
		fail(m, -ENOTSUP, "bert.attention.causal is not supported");
	if (pooling != 1 && pooling != 2)
		fail(m, -ENOTSUP, "bert.pooling_type %u is not supported; 1 (mean) and 2 (first token) are", pooling);
	c->pooling = pooling == 2 ? POOLING_CLS : POOLING_MEAN;
	c->normalise = true; /* the file does not say; llama.cpp does so unless it is told otherwise */
	c->activation = OP_GELU;
	c->encoder = c->layer_norm = c->learned_positions = true;
	c->gated = c->norm_before = false;
	c->norm_after = true;
	c->embed_max = c->context;
}

static void read_arch(struct meta *m, struct model_config *c)
{
	switch (c->arch) {
	case ARCH_QWEN3:
		c->qk_norm = QK_NORM_HEAD;
		break;
	case ARCH_GEMMA2:
	case ARCH_GEMMA3:
		read_gemma(m, c);
		break;
	case ARCH_OLMO2:
		c->qk_norm = QK_NORM_WIDTH;
		c->norm_before = false;
		c->norm_after = true;
		break;
	case ARCH_GPT2:
		c->activation = OP_GELU_TANH;
		c->layer_norm = c->learned_positions = true;
		c->gated = false;
		break;
	case ARCH_BERT:
		read_bert(m, c);
		break;
	default:
		break;
	}
}

static void read_window(struct meta *m, struct model_config *c)
{
	uint32_t otherwise = c->arch == ARCH_GEMMA2 ? 4096 : c->arch == ARCH_GEMMA3 ? 1024 : 0;
	uint32_t window = get_u32(m, "attention.sliding_window", otherwise, 0, CONTEXT_MAX);
	uint32_t pattern = c->arch == ARCH_GEMMA2 ? 2 : c->arch == ARCH_GEMMA3 ? 6 : 0;

	if (window && !pattern && c->arch != ARCH_LLAMA && c->arch != ARCH_PHI3)
		fail(m, -ENOTSUP, "%s.attention.sliding_window is not supported: the file does not say which layers slide", m->arch);
	pattern = pattern ? get_u32(m, "attention.sliding_window_pattern", pattern, 1, LAYERS_MAX) : 0;
	if (m->r == 0 && config_slide(c, window, pattern) < 0)
		m->r = -ENOMEM;
}

/* --- the whole --- */

static void read_tokens(struct meta *m, struct model_config *c)
{
	static const char *const ends[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"};
	const struct format_value *bos = tensor_table_value(m->t, "tokenizer.ggml.bos_token_id");
	uint64_t id;

	c->bos = bos && whole(bos, &id) && id < UINT32_MAX ? (uint32_t)id : UINT32_MAX;
	for (unsigned i = 0; i < ARRAY_SIZE(ends); i++) {
		const struct format_value *v = tensor_table_value(m->t, ends[i]);

		if (v && whole(v, &id) && id < UINT32_MAX)
			c->eos[c->nr_eos++] = (uint32_t)id;
	}
	(void)get(m, "vocab_size"); /* what counts is how many rows the table of tokens has */
	c->vocabulary = need_rows(m, "token_embd.weight", VOCABULARY_MAX);
}

static void read_sizes(struct meta *m, struct model_config *c)
{
	uint32_t value_length;

	c->layers = need_u32(m, "block_count", LAYERS_MAX);
	c->width = need_u32(m, "embedding_length", WIDTH_MAX);
	c->ffn = need_u32(m, "feed_forward_length", WIDTH_MAX);
	c->heads = need_u32(m, "attention.head_count", HEADS_MAX);
	c->context = need_u32(m, "context_length", CONTEXT_MAX);
	c->kv_heads = get_u32(m, "attention.head_count_kv", c->heads, 1, HEADS_MAX);
	if (m->r < 0)
		return;
	c->head_dim = get_u32(m, "attention.key_length", c->width / c->heads, 1, HEAD_DIM_MAX);
	value_length = get_u32(m, "attention.value_length", c->head_dim, 1, HEAD_DIM_MAX);
	if (value_length != c->head_dim)
		fail(m, -ENOTSUP, "heads of %u values for keys and %u for values are not supported", c->head_dim, value_length);
}

static void read_model(struct meta *m, struct model_config *c)
{
	bool layer_norm = c->arch == ARCH_GPT2 || c->arch == ARCH_BERT;
	const char *eps = layer_norm ? "attention.layer_norm_epsilon" : "attention.layer_norm_rms_epsilon";

	c->gguf = c->bias_by_presence = c->norm_before = c->gated = true;
	c->embed_scale = 1;
	c->activation = OP_SILU;
	c->tied = !find(m, "output.weight");
	read_sizes(m, c);
	read_tokens(m, c);
	if (!get(m, eps))
		fail(m, -EBADMSG, "the metadata has no %s.%s", m->arch, eps);
	c->norm_eps = (float)get_f64(m, eps, 0, 0, 0.5);
	if (m->r < 0)
		return;
	c->attention_scale = (float)(1 / sqrt(c->head_dim));
	if (c->arch == ARCH_BERT)
		c->token_types = need_rows(m, "token_types.weight", 1024);
	read_arch(m, c);
	read_window(m, c);
	if (m->r == 0 && !c->learned_positions)
		read_rope(m, c);
}

/* Of other tools: taken note of, not looked at. */
static bool is_harmless(const char *key)
{
	static const char *const keys[] = {"tensor_data_layout", "rope.scaling.finetuned", "rope.dimension_count", "rope.freq_base",
					   "attention.causal", "attention.layer_norm_epsilon", "pooling_type", "embedding_length_out",
					   "attention.sliding_window_pattern"};

	for (unsigned i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(key, keys[i]))
			return true;
	return false;
}

static bool is_nothing(const struct format_value *v)
{
	uint64_t n = 1;

	return (v->type == FORMAT_BOOL && !v->u) || (whole(v, &n) && n == 0) || (v->type == FORMAT_FLOAT && v->f == 0);
}

static void refuse_rest(struct meta *m)
{
	size_t len = strlen(m->arch);

	for (uint32_t i = 0; i < m->t->nr_values && m->r == 0; i++) {
		const struct format_value *v = &m->t->values[i];
		const char *key = v->key;
		bool known = strncmp(key, m->arch, len) != 0 || key[len] != '.' || is_harmless(key + len + 1) || is_nothing(v);

		for (unsigned k = 0; !known && k < m->nr_known; k++)
			known = !strcmp(key + len + 1, m->known[k]);
		if (!known)
			fail(m, -ENOTSUP, "the metadata has %.100s, which is not known here and may change what is computed", key);
	}
}

int config_parse_gguf(const struct tensor_table *const *parts, uint32_t nr, struct model_config *c, struct err *err)
{
	const struct format_value *name = tensor_table_value(parts[0], "general.architecture");
	struct meta m = {.t = parts[0], .parts = parts, .nr_parts = nr, .err = err};

	if (!name || name->type != FORMAT_TEXT || !name->text)
		return err_set(err, -EBADMSG, "the metadata does not name an architecture");
	for (unsigned i = 0; i < ARRAY_SIZE(archs); i++)
		if (!strcmp(name->text, archs[i].name)) {
			m.arch = archs[i].name;
			c->arch = archs[i].arch;
		}
	if (!m.arch)
		return err_set(err, -ENOTSUP, "the architecture %.100s is not supported", name->text);
	(void)snprintf(c->architecture, sizeof(c->architecture), "%s", m.arch);
	read_model(&m, c);
	refuse_rest(&m);
	return m.r < 0 ? m.r : config_check(c, err);
}

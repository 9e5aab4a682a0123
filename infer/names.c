// SPDX-License-Identifier: Apache-2.0
/*
 * What tensors are called. In repositories names follow the modules of transformers' classes, so families differ; GGUF has one set
 * for all. [llama.cpp, gguf-py constants.py]
 */
#include "weights_int.h"

#include <stdio.h>
#include <string.h>

/* Names in order of enum role; those of layers hold %u. NULL: there is none. */
struct names {
	const char *const *prefixes;
	const char *of[ROLES];
	const char *const *idle; /* endings of what takes no part */
};

static const char *const none[] = {"", NULL};
static const char *const with_model[] = {"model.", "model.language_model.", "language_model.model.", NULL};
static const char *const with_transformer[] = {"transformer.", "", NULL};
static const char *const with_bert[] = {"", "bert.", NULL};

static const char *const idle_llama[] = {".rotary_emb.inv_freq", NULL};
static const char *const idle_gpt2[] = {".attn.bias", ".attn.masked_bias", NULL}; /* masks */
static const char *const idle_bert[] = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias", NULL};
static const char *const idle_gguf[] = {NULL};

#define LLAMA_COMMON                                                                                                   \
	[ROLE_TOKENS] = "embed_tokens", [ROLE_FINAL_NORM] = "norm", [ROLE_HEAD] = "lm_head",                           \
	[ROLE_Q] = "layers.%u.self_attn.q_proj", [ROLE_K] = "layers.%u.self_attn.k_proj",                              \
	[ROLE_V] = "layers.%u.self_attn.v_proj", [ROLE_O] = "layers.%u.self_attn.o_proj",                              \
	[ROLE_GATE] = "layers.%u.mlp.gate_proj", [ROLE_UP] = "layers.%u.mlp.up_proj",                                  \
	[ROLE_DOWN] = "layers.%u.mlp.down_proj", [ROLE_Q_NORM] = "layers.%u.self_attn.q_norm",                         \
	[ROLE_K_NORM] = "layers.%u.self_attn.k_norm"

static const struct names llama = {
	.prefixes = with_model,
	.of = {LLAMA_COMMON, [ROLE_ATTN_NORM] = "layers.%u.input_layernorm", [ROLE_FFN_NORM] = "layers.%u.post_attention_layernorm"},
	.idle = idle_llama,
};

static const struct names phi3 = {
	.prefixes = with_model,
	.of = {[ROLE_TOKENS] = "embed_tokens", [ROLE_FINAL_NORM] = "norm", [ROLE_HEAD] = "lm_head",
	       [ROLE_ATTN_NORM] = "layers.%u.input_layernorm", [ROLE_FFN_NORM] = "layers.%u.post_attention_layernorm",
	       [ROLE_QKV] = "layers.%u.self_attn.qkv_proj", [ROLE_O] = "layers.%u.self_attn.o_proj",
	       [ROLE_GATE_UP] = "layers.%u.mlp.gate_up_proj", [ROLE_DOWN] = "layers.%u.mlp.down_proj"},
	.idle = idle_llama,
};

static const struct names gemma = {
	.prefixes = with_model,
	.of = {LLAMA_COMMON, [ROLE_ATTN_NORM] = "layers.%u.input_layernorm", [ROLE_ATTN_AFTER] = "layers.%u.post_attention_layernorm",
	       [ROLE_FFN_NORM] = "layers.%u.pre_feedforward_layernorm", [ROLE_FFN_AFTER] = "layers.%u.post_feedforward_layernorm"},
	.idle = idle_llama,
};

static const struct names olmo2 = {
	.prefixes = with_model,
	.of = {LLAMA_COMMON, [ROLE_ATTN_AFTER] = "layers.%u.post_attention_layernorm",
	       [ROLE_FFN_AFTER] = "layers.%u.post_feedforward_layernorm"},
	.idle = idle_llama,
};

static const struct names gpt2 = {
	.prefixes = with_transformer,
	.of = {[ROLE_TOKENS] = "wte", [ROLE_POSITIONS] = "wpe", [ROLE_FINAL_NORM] = "ln_f", [ROLE_HEAD] = "lm_head",
	       [ROLE_ATTN_NORM] = "h.%u.ln_1", [ROLE_FFN_NORM] = "h.%u.ln_2", [ROLE_QKV] = "h.%u.attn.c_attn",
	       [ROLE_O] = "h.%u.attn.c_proj", [ROLE_UP] = "h.%u.mlp.c_fc", [ROLE_DOWN] = "h.%u.mlp.c_proj"},
	.idle = idle_gpt2,
};

static const struct names bert = {
	.prefixes = with_bert,
	.of = {[ROLE_TOKENS] = "embeddings.word_embeddings", [ROLE_POSITIONS] = "embeddings.position_embeddings",
	       [ROLE_TYPES] = "embeddings.token_type_embeddings", [ROLE_EMBED_NORM] = "embeddings.LayerNorm",
	       [ROLE_Q] = "encoder.layer.%u.attention.self.query", [ROLE_K] = "encoder.layer.%u.attention.self.key",
	       [ROLE_V] = "encoder.layer.%u.attention.self.value", [ROLE_O] = "encoder.layer.%u.attention.output.dense",
	       [ROLE_ATTN_AFTER] = "encoder.layer.%u.attention.output.LayerNorm", [ROLE_UP] = "encoder.layer.%u.intermediate.dense",
	       [ROLE_DOWN] = "encoder.layer.%u.output.dense", [ROLE_FFN_AFTER] = "encoder.layer.%u.output.LayerNorm"},
	.idle = idle_bert,
};

#define GGUF_COMMON                                                                                                    \
	[ROLE_TOKENS] = "token_embd", [ROLE_POSITIONS] = "position_embd", [ROLE_TYPES] = "token_types",                \
	[ROLE_EMBED_NORM] = "token_embd_norm", [ROLE_FINAL_NORM] = "output_norm", [ROLE_HEAD] = "output",              \
	[ROLE_ROPE_FREQS] = "rope_freqs", [ROLE_ROPE_LONG] = "rope_factors_long",                                      \
	[ROLE_ROPE_SHORT] = "rope_factors_short", [ROLE_ATTN_NORM] = "blk.%u.attn_norm",                               \
	[ROLE_FFN_NORM] = "blk.%u.ffn_norm", [ROLE_Q_NORM] = "blk.%u.attn_q_norm",                                     \
	[ROLE_K_NORM] = "blk.%u.attn_k_norm", [ROLE_QKV] = "blk.%u.attn_qkv", [ROLE_Q] = "blk.%u.attn_q",              \
	[ROLE_K] = "blk.%u.attn_k", [ROLE_V] = "blk.%u.attn_v", [ROLE_O] = "blk.%u.attn_output",                       \
	[ROLE_GATE] = "blk.%u.ffn_gate", [ROLE_UP] = "blk.%u.ffn_up", [ROLE_DOWN] = "blk.%u.ffn_down"

static const struct names gguf = {
	.prefixes = none,
	.of = {GGUF_COMMON, [ROLE_ATTN_AFTER] = "blk.%u.post_attention_norm", [ROLE_FFN_AFTER] = "blk.%u.post_ffw_norm"},
	.idle = idle_gguf,
};

/* There gate and up are one matrix that is called up. */
static const struct names gguf_phi3 = {
	.prefixes = none,
	.of = {[ROLE_TOKENS] = "token_embd", [ROLE_FINAL_NORM] = "output_norm", [ROLE_HEAD] = "output",
	       [ROLE_ROPE_LONG] = "rope_factors_long", [ROLE_ROPE_SHORT] = "rope_factors_short", [ROLE_ATTN_NORM] = "blk.%u.attn_norm",
	       [ROLE_FFN_NORM] = "blk.%u.ffn_norm", [ROLE_QKV] = "blk.%u.attn_qkv", [ROLE_Q] = "blk.%u.attn_q", [ROLE_K] = "blk.%u.attn_k",
	       [ROLE_V] = "blk.%u.attn_v", [ROLE_O] = "blk.%u.attn_output", [ROLE_GATE_UP] = "blk.%u.ffn_up",
	       [ROLE_DOWN] = "blk.%u.ffn_down"},
	.idle = idle_gguf,
};

static const struct names gguf_bert = {
	.prefixes = none,
	.of = {GGUF_COMMON, [ROLE_ATTN_AFTER] = "blk.%u.attn_output_norm", [ROLE_FFN_AFTER] = "blk.%u.layer_output_norm"},
	.idle = idle_gguf,
};

static const struct names *names_of(const struct model_config *c)
{
	switch (c->arch) {
	case ARCH_PHI3: return c->gguf ? &gguf_phi3 : &phi3;
	case ARCH_BERT: return c->gguf ? &gguf_bert : &bert;
	case ARCH_GEMMA2:
	case ARCH_GEMMA3: return c->gguf ? &gguf : &gemma;
	case ARCH_OLMO2: return c->gguf ? &gguf : &olmo2;
	case ARCH_GPT2: return c->gguf ? &gguf : &gpt2;
	default: return c->gguf ? &gguf : &llama;
	}
}

const char *const *name_prefixes(const struct model_config *c)
{
	return names_of(c)->prefixes;
}

/* The head stands beside the model, not in it. */
static const char *prefix_of_head(const struct model_config *c, const char *prefix)
{
	return c->gguf || strcmp(prefix, "language_model.model.") ? "" : "language_model.";
}

bool name_of(const struct model_config *c, const char *prefix, enum role role, uint32_t layer, bool bias, char out[TENSOR_NAME_MAX])
{
	const char *form = names_of(c)->of[role], *at = form ? strstr(form, "%u") : NULL, *end = bias ? ".bias" : ".weight";
	int n;

	if (!form)
		return false;
	if (role == ROLE_HEAD)
		prefix = prefix_of_head(c, prefix);
	if (at)
		n = snprintf(out, TENSOR_NAME_MAX, "%s%.*s%u%s%s", prefix, (int)(at - form), form, layer, at + 2, end);
	else
		n = snprintf(out, TENSOR_NAME_MAX, "%s%s%s", prefix, form, end);
	return n > 0 && n < TENSOR_NAME_MAX;
}

static bool ends_in(const char *name, const char *end)
{
	size_t n = strlen(name), e = strlen(end);

	return n >= e && !strcmp(name + n - e, end);
}

bool name_of_old(const struct model_config *c, const char *name, char out[TENSOR_NAME_MAX])
{
	bool bias = ends_in(name, "LayerNorm.bias");
	int stem = (int)(strrchr(name, '.') - name);

	if (c->gguf || c->arch != ARCH_BERT || (!bias && !ends_in(name, "LayerNorm.weight")))
		return false;
	(void)snprintf(out, TENSOR_NAME_MAX, "%.*s%s", stem, name, bias ? ".beta" : ".gamma"); /* shorter than name */
	return true;
}

static bool begins_with(const char *name, const char *start)
{
	return !strncmp(name, start, strlen(start));
}

/* What looks at pictures, and what the classes of BERT put on top of it. */
static bool is_beside(const struct model_config *c, const char *name)
{
	static const char *const pictures[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.", "model.multi_modal_projector.",
					       NULL};
	static const char *const heads[] = {"cls.", "classifier.", "qa_outputs.", NULL};
	const char *const *starts = c->arch == ARCH_GEMMA3 ? pictures : c->arch == ARCH_BERT ? heads : NULL;

	for (; starts && *starts; starts++)
		if (begins_with(name, *starts))
			return true;
	return false;
}

bool name_is_idle(const struct model_config *c, const char *name)
{
	const struct names *n = names_of(c);

	for (const char *const *end = n->idle; *end; end++)
		if (ends_in(name, *end))
			return true;
	/* Of activations, which are not quantised here. */
	if (c->scaled && (ends_in(name, ".input_scale") || ends_in(name, ".activation_scale")))
		return true;
	return !c->gguf && is_beside(c, name);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a model computes, whoever described it: config.json of a repository, or the metadata of a GGUF file. Readers know what each
 * architecture leaves unsaid; whatever they do not know they refuse by name. What is here has been checked: every number is within
 * its range, sizes divide as they must, and products of two sizes fit into 64 bits.
 */
#ifndef HFFS_CONFIG_INT_H
#define HFFS_CONFIG_INT_H

#include <stdbool.h>

#include <hffs/err.h>
#include <hffs/format.h>

#include "ops_int.h"

#define CONFIG_JSON_MAX (8u << 20) /* bytes; classifiers list thousands of labels */
#define LAYERS_MAX 1024u
#define WIDTH_MAX (1u << 20)
#define HEADS_MAX 4096u
#define HEAD_DIM_MAX 1024u
#define VOCABULARY_MAX (1u << 24)
#define CONTEXT_MAX (1u << 28)
#define EOS_MAX 8

enum arch {
	ARCH_LLAMA, ARCH_MISTRAL, ARCH_QWEN2, ARCH_QWEN3, ARCH_PHI3, ARCH_GEMMA2, ARCH_GEMMA3, ARCH_OLMO2, ARCH_GPT2, ARCH_BERT,
};

enum rope_type { ROPE_DEFAULT, ROPE_LINEAR, ROPE_DYNAMIC, ROPE_LLAMA3, ROPE_YARN, ROPE_LONGROPE };

/* How positions turn queries and keys. A head's first `dims` elements are turned, the others stay. */
struct rope_config {
	enum rope_type type;
	uint32_t dims;             /* 0: not at all (positions are learned) */
	bool interleaved;          /* pairs are (2i, 2i + 1), not (i, i + dims / 2): llama in GGUF files */
	double theta, factor;
	double low_freq_factor, high_freq_factor; /* llama3 */
	double beta_fast, beta_slow;              /* yarn */
	bool truncate;                            /* yarn */
	double attention_factor;   /* cosines and sines are multiplied by it */
	uint32_t original_context; /* dynamic, llama3, yarn, longrope */
	float *long_factor, *short_factor; /* longrope: dims / 2 of them; NULL where tensors of the file have them */
};

enum qk_norm { QK_NORM_NONE, QK_NORM_HEAD, QK_NORM_WIDTH };
enum pooling { POOLING_MEAN, POOLING_CLS };

struct model_config {
	enum arch arch;
	char architecture[64]; /* as the file names it */
	uint32_t layers, width, heads, kv_heads, head_dim, ffn, vocabulary, context;
	uint32_t token_types;  /* BERT */

	/* A block is  x += after(attention(before(x))); x += after(ffn(before(x))). */
	bool norm_before, norm_after;
	bool encoder;          /* BERT: x = norm(x + ...) instead, every token sees every other, no cache */
	bool layer_norm;       /* mean and variance, with a bias; otherwise the root of the mean square */
	bool norm_plus_one;    /* weights of norms are stored less one */
	float norm_eps;
	enum qk_norm qk_norm;
	bool qkv_bias, output_bias, ffn_bias; /* must be there; GGUF files say it by having them (bias_by_presence) */
	bool bias_by_presence;
	bool gated;            /* down(act(gate(x)) * up(x)); otherwise down(act(up(x))) */
	enum op_activation activation;
	bool learned_positions;
	bool scaled;           /* every matrix of F8_E4M3 has scales beside it: one, one a row, or one a block of this size (0: no blocks) */
	uint32_t scale_rows, scale_cols;
	bool transposed;       /* matrices of the blocks lie as [in][out]: GPT-2 in safetensors */
	bool tied;             /* the head is the table of tokens, unless the files have both */

	float embed_scale, attention_scale;
	float attention_cap, logit_cap; /* 0: none */
	uint32_t window;       /* tokens that a sliding layer sees, itself included; 0: no layer slides */
	bool *sliding;         /* layers of them */
	struct rope_config rope, rope_sliding;

	uint32_t bos;          /* UINT32_MAX: none */
	uint32_t eos[EOS_MAX], nr_eos;

	/* Embeddings of texts. */
	enum pooling pooling;
	bool normalise;
	uint32_t embed_max;    /* tokens; longer texts are cut by the caller */

	bool gguf;             /* names of tensors are those of GGUF */
};

void model_config_done(struct model_config *c);

/*
 * Reads config.json: text of len bytes. c is {0} before, and model_config_done() is due after success and failure. -ENOTSUP names what
 * is not known here, -EBADMSG what contradicts or is out of range, -ENOMEM.
 */
int config_parse_json(const char *text, size_t len, struct model_config *c, struct err *err);
/* generation_config.json has the last word about the tokens that begin and end a text. */
int config_parse_generation(const char *text, size_t len, struct model_config *c, struct err *err);

/* How sentence-transformers makes one vector of many; each text may be missing (NULL). In this order. */
int config_parse_modules(const char *text, size_t len, bool *pools, char pooling_folder[64], struct model_config *c, struct err *err);
int config_parse_pooling(const char *text, size_t len, struct model_config *c, struct err *err);
int config_parse_sentence(const char *text, size_t len, struct model_config *c, struct err *err);

/*
 * The same from the metadata of a GGUF file; tensors of it are looked at where they say what the metadata does not. Of a model in several
 * files parts are the tables of all, in order. With the first alone everything is told but what only tensors say: vocabulary, token_types
 * and tied.
 */
int config_parse_gguf(const struct tensor_table *const *parts, uint32_t nr, struct model_config *c, struct err *err);

/* What must hold whoever wrote it; called by the readers at their end. */
int config_check(const struct model_config *c, struct err *err);
/* Allocates c->sliding: layer i slides if pattern > 0 and (i + 1) % pattern != 0; all if pattern is 0. */
int config_slide(struct model_config *c, uint32_t window, uint32_t pattern);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The weights of a model by what they are for, whatever they are called in the file. Matrices stay where they are mapped. Vectors
 * (norms, biases) become float copies, made when the group that they belong to has come in.
 */
#ifndef HFFS_WEIGHTS_INT_H
#define HFFS_WEIGHTS_INT_H

#include "config_int.h"
#include "files_int.h"
#include "kernels_int.h"
#include "stream_int.h"

/* A copy that is due: a vector to floats, with something added to each. */
struct vector_load {
	struct matrix from; /* one row */
	float *to;
	float plus;
	char *scale; /* the tensor's name, where the floats are scales; they must be finite */
};

/* NULL and {0} for what the architecture does not have. */
struct layer {
	float *attn_norm, *attn_norm_bias, *attn_after, *attn_after_bias;
	float *ffn_norm, *ffn_norm_bias, *ffn_after, *ffn_after_bias;
	float *q_norm, *k_norm;
	struct matrix q, k, v, o, gate, up, down;
	float *q_bias, *k_bias, *v_bias, *o_bias, *gate_bias, *up_bias, *down_bias;

	struct vector_load *loads; /* done once, by weights_need() */
	uint32_t nr_loads;
	bool loaded;
};

struct weights {
	struct matrix tokens, positions, types, head; /* head: also where it is the table of tokens, or that is the head */
	struct stream_rows token_rows, position_rows;
	float *embed_norm, *embed_norm_bias, *final_norm, *final_norm_bias;
	float *rope_factors, *rope_long, *rope_short; /* GGUF: what frequencies are divided by, rope.dims / 2 of each */
	/* layers[i + 1] is layer i; [0] and the last hold the loads of what is before and behind them. */
	struct layer *layers;
	uint32_t nr; /* layers + 2 */
	float **vectors; /* all copies, to free */
	uint32_t nr_vectors;
	uint64_t parameters, bytes;
	struct stream *stream;
};

/* Groups of the stream: what comes before the first layer, layers, what comes behind the last. */
#define GROUP_FIRST 0u
#define GROUP_LAYER(i) ((i) + 1u)
#define GROUP_HEAD(c) ((c)->layers + 1u)

/*
 * Binds every tensor that the configuration asks for; shape and type are checked. A tensor of the files that nothing asked for and
 * that is not known to be idle is refused: it would be left out of the computation. Reads no weight.
 */
int weights_bind(struct model_files *files, const struct model_config *c, stream_progress *progress, void *ctx, struct weights *w,
		 struct err *err);
void weights_done(struct weights *w);

/* The group is here and its vectors are copied. */
int weights_need(struct weights *w, const struct kernels *k, uint32_t group, struct err *err);

/* --- what tensors are called: names.c --- */

enum role {
	/* once */
	ROLE_TOKENS, ROLE_POSITIONS, ROLE_TYPES, ROLE_EMBED_NORM, ROLE_FINAL_NORM, ROLE_HEAD,
	ROLE_ROPE_FREQS, ROLE_ROPE_LONG, ROLE_ROPE_SHORT,
	/* in each layer */
	ROLE_ATTN_NORM, ROLE_ATTN_AFTER, ROLE_FFN_NORM, ROLE_FFN_AFTER, ROLE_Q_NORM, ROLE_K_NORM,
	ROLE_QKV, ROLE_Q, ROLE_K, ROLE_V, ROLE_O, ROLE_GATE_UP, ROLE_GATE, ROLE_UP, ROLE_DOWN,
	ROLES
};

#define TENSOR_NAME_MAX 160

/*
 * How this architecture calls it in this format, with ".weight" or ".bias" at the end. prefix: what stands before the names in these
 * files ("model."). False if there is no such name.
 */
bool name_of(const struct model_config *c, const char *prefix, enum role role, uint32_t layer, bool bias, char out[TENSOR_NAME_MAX]);
/*
 * How files call it that kept the names of TensorFlow: gamma and beta of BERT's norms. False if it has no other name.
 * [transformers 5.12, conversion_mapping.py, "legacy"]
 */
bool name_of_old(const struct model_config *c, const char *name, char out[TENSOR_NAME_MAX]);
/* The prefixes under which this architecture is found, NULL behind the last. */
const char *const *name_prefixes(const struct model_config *c);
/* Is a tensor that nothing asked for one that takes no part in the computation? */
bool name_is_idle(const struct model_config *c, const char *name);

#endif

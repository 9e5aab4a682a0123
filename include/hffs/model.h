/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A model over its mapped files: weights are used where they are, nothing is copied or converted. Bytes that are not here yet
 * are brought in before they are used, in the order of the computation; what cannot be brought is an error, never SIGBUS.
 */
#ifndef HFFS_MODEL_H
#define HFFS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hffs/err.h>

struct model;
struct session;

enum kv_type { KV_F16, KV_F32 };

/* All zero: the defaults. */
struct model_options {
	unsigned threads;      /* 0: the physical cores that this process may use */
	const char *kernels;   /* NULL: the best that the processor has; else "scalar", "avx2", "avx512", "neon" */
	enum kv_type kv;
	/* Called now and then while weights are brought in, on the thread that called us: bytes of all weights, and how many were looked
	 * at. May be NULL. */
	void (*progress)(void *ctx, uint64_t here, uint64_t all);
	void *ctx;
};

struct model_info {
	const char *architecture; /* as config.json or the GGUF names it; borrowed */
	const char *kernels;      /* the set in use */
	unsigned threads;
	uint32_t layers, width, heads, kv_heads, vocabulary, context; /* context: positions that the model was trained for */
	uint64_t parameters, weight_bytes;
	bool embeds;              /* an encoder: model_embed(), and no session */
	uint32_t bos;             /* as the configuration says; UINT32_MAX if it does not */
	uint32_t eos[8], nr_eos;  /* tokens that end a text */
	uint32_t embed_max;       /* of an encoder: tokens of a text; longer ones are cut by whoever calls model_embed() */
	double bind_ms;           /* how long it took to open and bind the weights */
};

/*
 * Opens the model in a directory (config.json, *.safetensors), or of a .gguf file. Reads headers only. Caller frees. Errors:
 * -ENOTSUP names the architecture, field or type that is missing here; -EBADMSG names what contradicts; -ENOENT; -EIO and what
 * else reading gives.
 */
int model_open(const char *path, const struct model_options *o, struct model **out, struct err *err);
void model_close(struct model *m);
AUTO_DEFINE(struct model *, model_close)
const struct model_info *model_info(const struct model *m);
/* Begins to bring the weights in the order in which they are computed with; without it the first computation does. Never waits, nor fails. */
void model_prefetch(struct model *m);

/* A text in the making: the KV cache for `context` positions (0: what the model was trained for, at most 4096) and work space. */
int session_new(struct model *m, uint32_t context, struct session **out, struct err *err);
void session_free(struct session *s);
AUTO_DEFINE(struct session *, session_free)
uint32_t session_pos(const struct session *s);     /* tokens so far */
uint32_t session_context(const struct session *s); /* positions that there is room for */
void session_truncate(struct session *s, uint32_t pos); /* forgets all from pos on */

enum logits_of { LOGITS_NONE, LOGITS_LAST, LOGITS_ALL };
/*
 * Appends n tokens. logits: room for the vocabulary (LOGITS_LAST), n times the vocabulary (LOGITS_ALL), or NULL. The same
 * input gives the same bits whatever the number of threads. -EOVERFLOW beyond the context, -EINVAL for an id that is none,
 * -EIO, ... when weights cannot be read; then the session is as it was before the call. One call at a time for a model.
 */
int session_eval(struct session *s, const uint32_t *ids, size_t n, enum logits_of which, float *logits, struct err *err);

/* The embedding of a text of n tokens: model_info()->width floats, pooled and normalised as the repository says. */
int model_embed(struct model *m, const uint32_t *ids, size_t n, float *out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What a model's configuration says before anything else is read: its sizes, and whether infer/ can run it. Pure. */
#ifndef HFFS_MODEL_SHAPE_H
#define HFFS_MODEL_SHAPE_H

#include <stdbool.h>

#include <hffs/format.h>

struct model_shape {
	char architecture[64]; /* as the file names it; "" if it does not */
	/* 0: not said. kv_width: elements of the keys, or of the values, of one token in one layer. */
	uint32_t layers, kv_width, context;
	uint32_t window, sliding; /* so many of the layers look back `window` tokens only */
	bool fits;    /* infer/ knows the architecture and all that the configuration says of it */
	bool encoder; /* then it embeds texts */
};

/*
 * Reads config.json, or the metadata of a GGUF file, of several the first. A model that infer/ does not run is no error: why (may be
 * NULL) then says what is missing. -EBADMSG: no JSON object, with a sentence in why; -ENOMEM.
 */
int model_shape_json(const char *text, size_t len, struct model_shape *out, struct err *why);
int model_shape_gguf(const struct tensor_table *t, struct model_shape *out, struct err *why);
/* Can infer/ compute with weights of this type? */
bool model_shape_has_type(enum tensor_type type);

/* Bytes of keys and values of so many tokens, two bytes an element; UINT64_MAX where it does not fit, 0 where sizes are not known. */
uint64_t model_shape_kv_bytes(const struct model_shape *s, uint64_t tokens);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What is done to a text before it becomes tokens of an encoder, as a repository of sentence-transformers asks for it. */
#ifndef HFFS_EMBED_H
#define HFFS_EMBED_H

#include <stdbool.h>

#include <hffs/err.h>

/* All zero: nothing. */
struct embed_rules {
	char *prompt; /* put before each text; NULL: none */
	bool lower;   /* the tokenizer gets lower case: tokenizer_lower() */
};
/*
 * Of a directory; nothing where there is no modules.json, and of what is no directory. Caller frees. -EBADMSG, -EFBIG with a sentence;
 * -ENOMEM.
 */
int embed_rules_load(const char *path, struct embed_rules *out, struct err *err);
/* The same from the texts of sentence_bert_config.json and config_sentence_transformers.json; NULL: there is no such file. */
int embed_rules_parse(const char *sentence, const char *config, struct embed_rules *out, struct err *err);
void embed_rules_done(struct embed_rules *r);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to tokens and back, as a model's own tokenizer does it. Made from tokenizer.json (and tokenizer_config.json beside it),
 * or from the vocabulary of a GGUF file. A tokenizer is immutable: any number of threads may use it.
 */
#ifndef HFFS_TOKENIZER_H
#define HFFS_TOKENIZER_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/err.h>

struct tokenizer;

/* Growing list of token ids; all zero is an empty one. */
struct token_list {
	uint32_t *ids;
	size_t nr, room;
};
void token_list_done(struct token_list *l);
int token_list_add(struct token_list *l, uint32_t id); /* 0 or -ENOMEM */

/*
 * The tokenizer of a directory with tokenizer.json, or of a .gguf file. Caller frees. -ENOENT there is none; -ENOTSUP a part of it
 * that is not known here, and the sentence names it; -EBADMSG malformed; -EFBIG; -ENOMEM; what open and read return.
 */
int tokenizer_open(const char *path, struct tokenizer **out, struct err *err);
void tokenizer_free(struct tokenizer *t);
AUTO_DEFINE(struct tokenizer *, tokenizer_free)

/*
 * From now on texts are brought into lower case first, each character for itself; special tokens that are written in them stay what they
 * are. Before its first use. -ENOTSUP: it has too many steps.
 */
int tokenizer_lower(struct tokenizer *t, struct err *err);

#define TOKENIZE_NO_SPECIAL 1u   /* do not add what the post-processor adds: BOS, CLS, ... */
#define TOKENIZE_PLAIN 2u        /* special tokens written in the text are ordinary text: for what a stranger wrote */

/*
 * Adds the tokens of text to out. Bytes that are no UTF-8 become U+FFFD. 0, -ENOMEM, -EFBIG above 256 MiB (or above 32 MiB without a
 * place where a word can end); -ENOTSUP: the vocabulary has no token for something in it, and none for unknown things.
 */
int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags, struct token_list *out, struct err *err);

/*
 * The same of a text of which only the ranges (in order, not overlapping) were written by strangers: a special token that lies in one,
 * or reaches into one, is ordinary text there. -EINVAL: it is not UTF-8.
 */
struct text_range {
	size_t off, len;
};
int tokenizer_encode_marked(const struct tokenizer *t, const char *text, size_t len, const struct text_range *plain, size_t nr,
			    unsigned flags, struct token_list *out, struct err *err);

/*
 * A truncation or padding section of tokenizer.json is not applied by tokenizer_encode(): a text is encoded whole. Who wants it
 * shortened asks for the number of tokens that the section names (0: none), and shortens what tokenizer_encode() gave, with special
 * tokens, to at most max tokens: tokens of the text go from its end, those around it stay. A max below their number does nothing.
 */
uint32_t tokenizer_max_tokens(const struct tokenizer *t);
void tokenizer_truncate(const struct tokenizer *t, struct token_list *list, size_t max);

#define DETOKENIZE_SKIP_SPECIAL 1u /* leave special tokens out */
#define DETOKENIZE_SKIP_UNKNOWN 2u /* and ids that are none: the vocabulary of a model may be longer */
#define DETOKENIZE_INSIDE 4u       /* the text began before: a blank that it goes on with stays */

/* Adds the text of tokens to out. -EINVAL for an id that is none, and the sentence names it. */
int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t nr, unsigned flags, struct buf *out, struct err *err);

/*
 * Adds the bytes of one token as it stands inside of a text: with its blank, and its own bytes also where they are no whole
 * character. -EINVAL for an id that is none.
 */
int tokenizer_token_bytes(const struct tokenizer *t, uint32_t id, struct buf *out);

/*
 * Decoding while tokens arrive. Gives text as soon as no later token can change it: what is left of a character of several
 * tokens is kept back. The pieces together are what tokenizer_decode() gives for all tokens.
 */
struct token_stream;
int token_stream_new(const struct tokenizer *t, unsigned flags, struct token_stream **out);
int token_stream_add(struct token_stream *s, uint32_t id, struct buf *out, struct err *err);
int token_stream_end(struct token_stream *s, struct buf *out, struct err *err);
void token_stream_free(struct token_stream *s);
AUTO_DEFINE(struct token_stream *, token_stream_free)

#define TOKEN_NONE UINT32_MAX
uint32_t tokenizer_size(const struct tokenizer *t);                       /* one more than the largest id */
uint32_t tokenizer_find(const struct tokenizer *t, const char *token);    /* id of exactly this token; TOKEN_NONE */
/* The token as the vocabulary writes it; NULL if there is none. Borrowed. */
const char *tokenizer_token(const struct tokenizer *t, uint32_t id);
bool tokenizer_is_special(const struct tokenizer *t, uint32_t id);
/* As tokenizer_config.json or the GGUF names them; TOKEN_NONE where they do not. */
uint32_t tokenizer_bos(const struct tokenizer *t);
uint32_t tokenizer_eos(const struct tokenizer *t);
/* Source of the chat template (Jinja), NULL if there is none; borrowed. Never executed: infer/chat.c knows some by shape. */
const char *tokenizer_chat_template(const struct tokenizer *t);

#endif

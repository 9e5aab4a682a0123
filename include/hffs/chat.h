/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations in the form that a model was trained with. Repositories describe it by a program in Jinja, which is never run here:
 * its source is compared with shapes that are known, and what differs between models of one shape (a first system message, blanks,
 * the beginning of an answer) is taken from its strings.
 */
#ifndef HFFS_CHAT_H
#define HFFS_CHAT_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/err.h>
#include <hffs/tokenizer.h>

/*
 * The source in one spelling: comments and blanks gone, strings in single quotes with \n for a line's end, x['y'] as x.y, text outside
 * of tags as strings, neighbours that are put out joined by '+'. Blanks around tags count as transformers' trim_blocks and
 * lstrip_blocks have it. Appends to out. -EBADMSG for a tag or string without an end.
 */
int chat_source_normalise(const char *source, struct buf *out, struct err *err);

struct chat;
/* -ENOTSUP for a template of no known shape. Caller frees. */
int chat_new(const char *source, struct chat **out, struct err *err);
void chat_free(struct chat *c);
AUTO_DEFINE(struct chat *, chat_free)
/* "ChatML", "Llama 3", ... */
const char *chat_name(const struct chat *c);
/* The token that ends a turn, beside the tokenizer's own end; NULL: that one alone. */
const char *chat_end(const struct chat *c);

enum chat_role { CHAT_SYSTEM, CHAT_USER, CHAT_ASSISTANT };
struct chat_message {
	enum chat_role role;
	const char *text;
};

/* What a template takes from its surroundings. */
struct chat_context {
	const char *bos, *eos; /* as the vocabulary writes them; "" if there is none */
	const char *today;     /* "26 Jul 2024" */
};

/* Text for tokenizer_encode_marked(): what users and models wrote is plain. UTF-8, whatever they wrote. */
struct chat_text {
	struct buf text;
	struct text_range *plain;
	size_t nr;
};
void chat_text_done(struct chat_text *t);

/*
 * The conversation up to where the next answer begins. A system message may only be the first; then user and assistant take turns, the
 * last is the user's. -EINVAL with a sentence for another order, or a system message where the model has no place for one.
 */
int chat_format(const struct chat *c, const struct chat_context *context, const struct chat_message *messages, size_t nr,
		struct chat_text *out, struct err *err);

#endif

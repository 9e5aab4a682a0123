/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversations in the form that a model was trained with. Repositories describe it by a program in Jinja, the chat template. It is
 * read once, when it is opened, for what it puts around texts; no text of a conversation ever gets to it. One that does more than
 * that - that asks what is in a text, computes, calls - is refused.
 */
#ifndef HFFS_CHAT_H
#define HFFS_CHAT_H

#include <stdbool.h>
#include <time.h>

#include <hffs/buf.h>
#include <hffs/err.h>
#include <hffs/tokenizer.h>

struct chat;
/* -ENOTSUP, with what it was that could not be followed; -EBADMSG: it is no template. Caller frees. */
int chat_new(const char *source, struct chat **out, struct err *err);
void chat_free(struct chat *c);
AUTO_DEFINE(struct chat *, chat_free)
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
	struct tm today;
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
 * last is the user's. -EINVAL with a sentence for another order, for a system message where the model has no place for one, and for an
 * empty text where the template would leave out what is around it.
 */
int chat_format(const struct chat *c, const struct chat_context *context, const struct chat_message *messages, size_t nr,
		struct chat_text *out, struct err *err);

#endif

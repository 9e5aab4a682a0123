/* SPDX-License-Identifier: Apache-2.0 */
/* A text in the making, token by token: prompt, sampling, stop strings, the ends that a text can have. */
#ifndef HFFS_GENERATE_H
#define HFFS_GENERATE_H

#include <hffs/model.h>
#include <hffs/sample.h>
#include <hffs/tokenizer.h>

/* --- what a repository says of generation --- */

#define GENERATION_EOS_MAX 16
struct generation_defaults {
	struct sample_options sample;
	uint32_t eos[GENERATION_EOS_MAX], nr_eos; /* tokens that end a text */
	char not_applied[512]; /* "a, b": what the file asks for and is not done here */
};
/*
 * From generation_config.json in the model's directory; where there is none sample_options_init(), and what model and tokenizer
 * (tokenizer_eos(), or TOKEN_NONE) call the end of a text. -EBADMSG, -EFBIG with a sentence.
 */
int generation_defaults_load(const char *path, const struct model_info *info, uint32_t tokenizer_eos, struct generation_defaults *out,
			     struct err *err);
/* The same from the bytes of generation_config.json alone. */
int generation_defaults_parse(const char *text, size_t len, struct generation_defaults *out, struct err *err);

/* --- stop strings --- */

#define STOPS_MAX 16
#define STOP_BYTES_MAX 256
struct stop_filter {
	const char *const *stops; /* none is empty; borrowed */
	size_t nr;
	struct buf held;          /* the beginning of a stop string, perhaps */
	bool hit;
};
/* Adds to out what cannot belong to a stop string; true once one is complete: it and what follows are left out. */
bool stop_filter_add(struct stop_filter *f, const char *text, size_t len, struct buf *out);
/* The text ends here: what was held back is text. */
void stop_filter_end(struct stop_filter *f, struct buf *out);
void stop_filter_done(struct stop_filter *f);

/* --- generation --- */

enum generation_end {
	GENERATION_GOES_ON,
	GENERATION_EOS,     /* the model ended the text */
	GENERATION_STOP,    /* a stop string */
	GENERATION_LENGTH,  /* as many tokens as were asked for */
	GENERATION_CONTEXT, /* the context is full */
};

#define TOP_LOGPROBS_MAX 20

struct generation_options {
	struct sample_options sample;
	uint32_t tokens_max;            /* 0: until the context is full */
	const char *const *stops;       /* borrowed as long as the generation lives */
	size_t nr_stops;                /* STOPS_MAX at most; one that is a special token ends the text where that comes */
	bool continues;                 /* the text goes on with that of the prompt: a blank that it begins with stays */
	const uint32_t *eos;            /* borrowed */
	size_t nr_eos;
	bool with_logprobs;             /* of the token that was chosen, and ... */
	unsigned top_logprobs;          /* ... of the largest so many, TOP_LOGPROBS_MAX at most */
};

/* One token as it was chosen. */
struct generated {
	uint32_t id;
	double logprob;                 /* of a generation with_logprobs */
	struct logprob top[TOP_LOGPROBS_MAX];
};

struct generation;
/*
 * Begins a text behind a prompt of at least one token, in a session that may hold other tokens: the beginning that both share is not
 * computed again. tokenizer NULL: there is no text, only tokens; an id that it does not have adds nothing. -EOVERFLOW when the prompt
 * leaves no room in the context, -EINVAL for an id that is none, -ENOMEM. Everything given is borrowed as long as the generation lives;
 * one generation a session. past: the tokens of the session, kept up to date here; begins empty with a new session.
 */
int generation_new(struct session *session, const struct model_info *info, const struct tokenizer *tokenizer, struct token_list *past,
		   const uint32_t *prompt, size_t nr, const struct generation_options *o, struct generation **out, struct err *err);
void generation_free(struct generation *g);
AUTO_DEFINE(struct generation *, generation_free)

/*
 * One step: a part of the prompt, or one token. Adds to text what is sure by then. 1: a token was made, generation_last() has it; 0:
 * a step of the prompt, or the end, which generation_end() tells; behind GENERATION_EOS generation_last() is the token that ended it. Errors are those of session_eval(), and
 * -EDOM: the model computed no number.
 */
int generation_step(struct generation *g, struct buf *text, struct err *err);
enum generation_end generation_end(const struct generation *g);
const struct generated *generation_last(const struct generation *g);

struct generation_stats {
	uint64_t prompt_tokens, reused_tokens, tokens;
	double prompt_ms, decode_ms; /* in session_eval() and sampling; decode_ms begins behind the first token */
};
void generation_stats(const struct generation *g, struct generation_stats *out);

#endif

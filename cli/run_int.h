/* SPDX-License-Identifier: Apache-2.0 */
/* What 'hffs run' and 'hffs embed' share: arguments, and a model that is open with all that belongs to it. */
#ifndef HFFS_RUN_INT_H
#define HFFS_RUN_INT_H

#include <stdbool.h>

#include <hffs/chat.h>
#include <hffs/embed.h>
#include <hffs/generate.h>
#include <hffs/model.h>
#include <hffs/tokenizer.h>

struct options;
struct model_dir;

struct run_args {
	const char *verb, *what;
	const struct options *options; /* -o */
	const char *prompt;            /* NULL: none was given */
	struct token_list ids;         /* --ids, where has_ids */
	bool has_ids, chat, json, logits, bench;
	const char *system;            /* NULL: none */
	const char *perplexity;        /* a file; NULL */
	const char *serve;             /* an address; NULL */
	uint32_t tokens_max, context, window;
	/* Of sampling what was given; the rest is the repository's. */
	struct sample_options sample;
	bool has_temperature, has_top_k, has_top_p, has_min_p, has_repeat_penalty, has_seed;
	const char *stops[STOPS_MAX];
	size_t nr_stops;
	struct model_options model;    /* threads, kernels, kv */
};

/* A model that is open. Read only but for the sessions that are made of it. */
struct runner {
	const struct run_args *args;
	struct model_dir *dir;
	const char *name;              /* "org/name", or that of the directory */
	struct model *model;
	const struct model_info *info;
	struct tokenizer *tokenizer;   /* NULL: there is none, and none is needed */
	struct generation_defaults defaults;
	struct sample_options sample;  /* defaults with what was given */
	struct embed_rules embed;      /* of an encoder */
	struct chat *chat;             /* NULL: no chat was asked for, or (serve) the template is not known */
	struct err chat_err;           /* why it is NULL */
	uint64_t start_us;             /* when the command began */
	bool shows_progress;
};

/* run_open.c */
/*
 * Finds, opens and binds. needs_text: a tokenizer must be there; else its absence is fine. On failure nothing is left open; -EINVAL is
 * wrong usage.
 */
int runner_open(struct runner *r, const struct run_args *args, bool needs_text, struct err *err);
void runner_close(struct runner *r);
/* Takes the line of progress away, before something is printed. */
void runner_end_progress(struct runner *r);
/* The chat shape of the model into r->chat. -ENOTSUP, -EBADMSG with a sentence; -ENOENT: it has no template. */
int runner_open_chat(struct runner *r, struct err *err);
/* Token ids of a text; of an empty one, where the tokenizer adds nothing, the token that texts begin with. */
int runner_encode(const struct runner *r, const char *text, size_t len, struct token_list *out, struct err *err);
/* Of a conversation, up to where its next answer begins. */
int runner_encode_chat(const struct runner *r, const struct chat_message *messages, size_t nr, struct token_list *out, struct err *err);
/* What generation takes: the runner's sampling, ends and stops; eos has room for ends of all kinds and is borrowed. */
#define RUN_EOS_MAX (GENERATION_EOS_MAX + 1)
void runner_generation(const struct runner *r, bool chat, uint32_t eos[RUN_EOS_MAX], struct generation_options *out);
/* Of an encoder: token ids of a text, with the prompt that the repository puts before it. */
int runner_encode_embed(const struct runner *r, const char *text, size_t len, struct token_list *out, struct err *err);
/* Of an encoder: the embedding of a text's tokens, cut to what the model takes. out: info->width floats. */
int runner_embed(struct runner *r, struct token_list *ids, float *out, struct err *err);

/* run_text.c: each is what the verb does once the model is open, and gives the exit code. */
int run_text(struct runner *r);
int run_chat(struct runner *r);
int run_logits(struct runner *r);
/* run_score.c */
int run_perplexity(struct runner *r);
int run_bench(struct runner *r);
/* run_serve.c */
int run_serve(struct runner *r);

/* run_json.c */
void json_add_ids(struct buf *out, const uint32_t *ids, size_t nr);
void json_add_floats(struct buf *out, const float *values, size_t nr);
/* "null" where it is no finite number. */
void json_add_number(struct buf *out, double value);
/* Prints with a line's end to stdout; EXIT_OK, or EXIT_FAILED with the sentence. */
int print_json(const char *verb, struct buf *out);

/* run_signal.c */
/*
 * From here on the first SIGINT or SIGTERM makes is_interrupted() true, and a second ends the program; before, one ends it. A mount of
 * our own is ended by its daemon either way.
 */
void catch_interrupts(void);
bool is_interrupted(void);

/* run_args.c */
/* Numbers of the command line: -EINVAL. */
int parse_count(const char *text, uint32_t low, uint32_t high, uint32_t *out);
int parse_number(const char *text, double low, double high, double *out);
/* "1,2,3" added to out; -EINVAL, -ENOMEM. */
int parse_ids(const char *text, struct token_list *out);
/* The option that getopt_long() gave, if it is one of threads, kernels, context, kv: 0; 1: it is another; -EINVAL with a sentence. */
int parse_model_option(struct run_args *a, int option, const char *value, struct err *err);

#endif

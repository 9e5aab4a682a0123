/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP interface of `hffs run --serve`: what OpenAI's has of completions, chat completions, embeddings and models. Requests are
 * taken apart by api_request.c, which knows no model; api_slots.c decides who computes when.
 */
#ifndef HFFS_API_INT_H
#define HFFS_API_INT_H

#include <pthread.h>
#include <stdatomic.h>

#include <hffs/serve_http.h>

#include "run_int.h"

/* --- requests --- */

enum api_kind { API_COMPLETION, API_CHAT, API_EMBEDDINGS };

#define API_MESSAGES_MAX 2048
#define API_INPUTS_MAX 2048
#define API_STOPS_MAX 4 /* as the interface has it */

/* One text, or its tokens. */
struct api_input {
	char *text; /* NULL: ids */
	struct token_list ids;
};

struct api_request {
	enum api_kind kind;
	struct api_input *inputs; /* of a completion one, of embeddings any */
	size_t nr_inputs;
	struct chat_message *messages; /* the texts are owned */
	size_t nr_messages;
	bool has_max_tokens;
	uint32_t max_tokens;
	struct sample_options sample; /* begins as the server's own */
	bool has_seed;
	char *stops[API_STOPS_MAX];
	size_t nr_stops;
	bool stream, with_usage;      /* with_usage: at the end of a stream */
	bool with_logprobs;
	unsigned top_logprobs;
	bool base64;                  /* how an embedding is written */
};

/* What is wrong with a request: an answer of 400, with the name of the member that it is about. */
struct api_error {
	int status;
	const char *param, *code; /* NULL: null */
	struct err err;
};

/* text: the body. 0, or -EINVAL and the error. The request is to be freed in any case. */
int api_request_parse(struct api_request *q, enum api_kind kind, const char *text, size_t len, struct api_error *e);
void api_request_done(struct api_request *q);

/* --- who computes when --- */

struct api_slots;
/*
 * A model computes one step at a time. A slot is a session; there are few, and who finds none waits in order of arrival. Those who have
 * one take turns, a step each.
 */
int api_slots_new(struct model *m, uint32_t context, struct api_slots **out, struct err *err);
void api_slots_free(struct api_slots *s);
/* From now on all who wait, or want to begin a step, get -ECANCELED. */
void api_slots_stop(struct api_slots *s);
struct api_slot {
	struct session *session;
	struct token_list past;
	bool is_taken;
};
/* The free session that shares the longest beginning with the prompt. Waits. -ECANCELED, or what session_new() gives. */
int api_slot_take(struct api_slots *s, const struct token_list *prompt, struct api_slot **out, struct err *err);
void api_slot_give(struct api_slots *s, struct api_slot *slot);
/* Around each use of the model; in order of arrival. -ECANCELED: there is no turn. */
int api_turn_begin(struct api_slots *s);
void api_turn_end(struct api_slots *s);

/* --- answers --- */

struct api {
	struct runner *r;
	struct api_slots *slots;
	int64_t started_s;
	_Atomic uint64_t next_id;
};

/* Every request; ctx is the api. */
void api_answer(void *ctx, struct serve_request *req, struct serve_response *resp);
/* An error as the interface writes it. */
void api_refuse(struct serve_response *resp, const struct api_error *e);
/* Sets e from an error of ours, and returns err->code: what the request is to blame for is 400, the rest 500. */
int api_blame(struct api_error *e, const char *param);

/* api_text.c: completions of both kinds, whole or as a stream; takes the request. */
void api_complete(struct api *a, struct api_request *q, const struct serve_request *req, struct serve_response *resp);
/* api_logprobs.c: of one token, as a member of the arrays that each kind has. */
struct api_logprobs {
	struct buf tokens, values, tops, offsets, content; /* of completions the first four, of chats the last */
	uint64_t chars;  /* of text so far */
	struct buf part; /* of a character that later tokens make whole */
};
int api_logprobs_add(struct api_logprobs *l, const struct runner *r, enum api_kind kind, unsigned top, const struct generated *t);
/* Appends the object, and begins anew. */
void api_logprobs_take(struct api_logprobs *l, enum api_kind kind, struct buf *out);
void api_logprobs_done(struct api_logprobs *l);

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * A completion on its way: prompt, a slot, steps in turn with others, and what of it was sent. As a stream it is a row of events, each
 * made when the connection asks for more.
 */
#include "api_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>

#define COMPLETION_TOKENS 16 /* where the request does not say, as the interface has it; a chat goes on to its end */

enum stage { STAGE_BEGIN, STAGE_TEXT, STAGE_USAGE, STAGE_DONE, STAGE_OVER };

struct completion {
	struct api *api;
	struct api_request q;
	struct token_list prompt;
	uint32_t eos[RUN_EOS_MAX];
	struct api_slot *slot;
	struct generation *g;
	struct api_logprobs logprobs;
	struct buf text; /* not sent yet */
	char id[48];
	int64_t created_s;
	enum stage stage;
	struct buf events; /* of a stream, made and not sent */
	size_t sent;
};

static void completion_free(struct completion *c)
{
	if (!c)
		return;
	generation_free(c->g);
	if (c->slot)
		api_slot_give(c->api->slots, c->slot);
	api_request_done(&c->q);
	token_list_done(&c->prompt);
	api_logprobs_done(&c->logprobs);
	buf_done(&c->text);
	buf_done(&c->events);
	free(c);
}
AUTO_DEFINE(struct completion *, completion_free)

static bool is_chat(const struct completion *c)
{
	return c->q.kind == API_CHAT;
}

/* --- beginning --- */

static int encode_prompt(struct completion *c, struct api_error *e)
{
	const struct runner *r = c->api->r;
	const struct api_input *in = c->q.inputs;
	int ret = 0;

	if (is_chat(c))
		ret = runner_encode_chat(r, c->q.messages, c->q.nr_messages, &c->prompt, &e->err);
	else if (in->text)
		ret = runner_encode(r, in->text, strlen(in->text), &c->prompt, &e->err);
	for (size_t i = 0; !is_chat(c) && !in->text && ret == 0 && i < in->ids.nr; i++)
		ret = token_list_add(&c->prompt, in->ids.ids[i]);
	e->err.code = ret;
	return ret < 0 ? api_blame(e, is_chat(c) ? "messages" : "prompt") : 0;
}

static void set_options(struct completion *c, struct generation_options *o)
{
	uint32_t most = c->api->r->args->tokens_max;

	runner_generation(c->api->r, is_chat(c), c->eos, o);
	o->continues = !is_chat(c); /* who asks puts it behind the prompt */
	o->sample = c->q.sample;
	if (!c->q.has_seed)
		o->sample.seed += atomic_load(&c->api->next_id) * 0x9e3779b97f4a7c15u; /* another text each time */
	if (c->q.has_max_tokens)
		o->tokens_max = c->q.max_tokens;
	else if (!most)
		o->tokens_max = is_chat(c) ? 0 : COMPLETION_TOKENS;
	if (c->q.nr_stops) {
		o->stops = (const char *const *)c->q.stops;
		o->nr_stops = c->q.nr_stops;
	}
	o->with_logprobs = c->q.with_logprobs;
	o->top_logprobs = c->q.top_logprobs;
}

static int begin(struct completion *c, struct api_error *e)
{
	const struct runner *r = c->api->r;
	struct generation_options o;
	int ret = encode_prompt(c, e);

	if (ret < 0)
		return ret;
	ret = api_slot_take(c->api->slots, &c->prompt, &c->slot, &e->err);
	if (ret < 0) {
		c->slot = NULL;
		return api_blame(e, NULL);
	}
	set_options(c, &o);
	ret = generation_new(c->slot->session, r->info, r->tokenizer, &c->slot->past, c->prompt.ids, c->prompt.nr, &o, &c->g, &e->err);
	if (ret == -EOVERFLOW)
		e->code = "context_length_exceeded";
	return ret < 0 ? api_blame(e, is_chat(c) ? "messages" : "prompt") : 0;
}

/* One step in turn. 0, or -errno with the error. */
static int step(struct completion *c, struct api_error *e)
{
	int r = api_turn_begin(c->api->slots);

	if (r < 0) {
		(void)err_set(&e->err, r, "the server is ending");
		return api_blame(e, NULL);
	}
	r = generation_step(c->g, &c->text, &e->err);
	api_turn_end(c->api->slots);
	if (r == 1 && c->q.with_logprobs) {
		r = api_logprobs_add(&c->logprobs, c->api->r, c->q.kind, c->q.top_logprobs, generation_last(c->g));
		if (r < 0)
			(void)err_set(&e->err, r, "out of memory");
	}
	return r < 0 ? api_blame(e, NULL) : 0;
}

/* --- what is written --- */

static const char *finish_reason(const struct completion *c)
{
	switch (generation_end(c->g)) {
	case GENERATION_EOS:
	case GENERATION_STOP:
		return "\"stop\"";
	case GENERATION_LENGTH:
	case GENERATION_CONTEXT:
		return "\"length\"";
	case GENERATION_GOES_ON:
		break;
	}
	return "null";
}

static void add_usage(const struct completion *c, struct buf *out)
{
	struct generation_stats s;

	generation_stats(c->g, &s);
	buf_addf(out, "{\"prompt_tokens\":%llu,\"completion_tokens\":%llu,\"total_tokens\":%llu,\"prompt_tokens_details\":{\"cached_tokens\":%llu}}",
		 (unsigned long long)s.prompt_tokens, (unsigned long long)s.tokens, (unsigned long long)(s.prompt_tokens + s.tokens),
		 (unsigned long long)s.reused_tokens);
}

static void add_head(const struct completion *c, struct buf *out)
{
	const char *object = !is_chat(c) ? "text_completion" : c->q.stream ? "chat.completion.chunk" : "chat.completion";

	buf_addf(out, "{\"id\":\"%s\",\"object\":\"%s\",\"created\":%lld,\"model\":", c->id, object, (long long)c->created_s);
	buf_add_json(out, c->api->r->name);
}

/* What is new of the text, as the one choice; member: "message" or "delta" of a chat. */
static void add_choice(struct completion *c, struct buf *out, const char *member, bool with_role)
{
	const char *text = c->text.len ? c->text.data : "";

	buf_adds(out, "{\"index\":0,");
	if (is_chat(c)) {
		buf_addf(out, "\"%s\":{", member);
		if (with_role)
			buf_adds(out, "\"role\":\"assistant\",");
		buf_adds(out, "\"content\":");
		buf_add_json_n(out, text, c->text.len);
		buf_addc(out, '}');
	} else {
		buf_adds(out, "\"text\":");
		buf_add_json_n(out, text, c->text.len);
	}
	buf_adds(out, ",\"logprobs\":");
	if (c->q.with_logprobs)
		api_logprobs_take(&c->logprobs, c->q.kind, out);
	else
		buf_adds(out, "null");
	buf_addf(out, ",\"finish_reason\":%s}", finish_reason(c));
	buf_clear(&c->text);
}

/* Nothing is sent before the end, so that nothing else would tell that there is nobody who waits for it. */
static int step_if_wanted(struct completion *c, const struct serve_request *req, struct api_error *e)
{
	if (!req->is_gone(req))
		return step(c, e);
	(void)err_set(&e->err, -ECANCELED, "the client is gone");
	return api_blame(e, NULL);
}

static void answer_whole(struct completion *c, const struct serve_request *req, struct serve_response *resp)
{
	struct api_error e = {0};
	AUTO_BUF out = {0};
	int r = 0;

	while (r == 0 && generation_end(c->g) == GENERATION_GOES_ON)
		r = step_if_wanted(c, req, &e);
	if (r < 0) {
		api_refuse(resp, &e);
		return;
	}
	add_head(c, &out);
	buf_adds(&out, ",\"choices\":[");
	add_choice(c, &out, "message", true);
	buf_adds(&out, "],\"usage\":");
	add_usage(c, &out);
	buf_addc(&out, '}');
	if (out.failed) {
		(void)err_set(&e.err, -ENOMEM, "out of memory");
		(void)api_blame(&e, NULL);
		api_refuse(resp, &e);
		return;
	}
	response_add(resp, "Content-Type", "application/json");
	resp->body = out;
	out = (struct buf){0};
}

/* --- as a stream --- */

static void add_event(struct completion *c, bool with_role)
{
	buf_adds(&c->events, "data: ");
	add_head(c, &c->events);
	buf_adds(&c->events, ",\"choices\":[");
	add_choice(c, &c->events, "delta", with_role);
	buf_adds(&c->events, c->q.with_usage ? "],\"usage\":null}\n\n" : "]}\n\n");
}

static void add_usage_event(struct completion *c)
{
	buf_adds(&c->events, "data: ");
	add_head(c, &c->events);
	buf_adds(&c->events, ",\"choices\":[],\"usage\":");
	add_usage(c, &c->events);
	buf_adds(&c->events, "}\n\n");
}

/* The status is sent already: an event tells. */
static void add_error_event(struct completion *c, const struct api_error *e)
{
	buf_adds(&c->events, "data: {\"error\":{\"message\":");
	buf_add_json(&c->events, err_text(&e->err));
	buf_adds(&c->events, ",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n");
}

/* Steps until there is something to send. */
static void make_text_event(struct completion *c)
{
	struct api_error e = {0};
	int r = 0;

	while (r == 0 && generation_end(c->g) == GENERATION_GOES_ON && !c->text.len && !c->logprobs.content.len && !c->logprobs.tokens.len)
		r = step(c, &e);
	if (r < 0) {
		add_error_event(c, &e);
		c->stage = STAGE_OVER;
		return;
	}
	add_event(c, false);
	if (generation_end(c->g) != GENERATION_GOES_ON)
		c->stage = c->q.with_usage ? STAGE_USAGE : STAGE_DONE;
}

static void make_event(struct completion *c)
{
	buf_clear(&c->events);
	c->sent = 0;
	switch (c->stage) {
	case STAGE_BEGIN:
		c->stage = STAGE_TEXT;
		if (is_chat(c))
			add_event(c, true);
		else
			make_text_event(c);
		break;
	case STAGE_TEXT:
		make_text_event(c);
		break;
	case STAGE_USAGE:
		add_usage_event(c);
		c->stage = STAGE_DONE;
		break;
	case STAGE_DONE:
		buf_adds(&c->events, "data: [DONE]\n\n");
		c->stage = STAGE_OVER;
		break;
	case STAGE_OVER:
		break;
	}
}

static ssize_t read_events(void *ctx, char *out, size_t max)
{
	struct completion *c = ctx;
	size_t n;

	if (c->sent == c->events.len && c->stage != STAGE_OVER)
		make_event(c);
	if (c->events.failed)
		return -ENOMEM;
	n = c->events.len - c->sent < max ? c->events.len - c->sent : max;
	if (n)
		memcpy(out, c->events.data + c->sent, n);
	c->sent += n;
	return (ssize_t)n;
}

static void end_stream(void *ctx)
{
	completion_free(ctx);
}

/* Takes it. */
static void answer_stream(struct completion *c, struct serve_response *resp)
{
	struct serve_stream stream = {.ctx = c, .read = read_events, .done = end_stream};
	struct api_error e = {0};

	if (response_stream(resp, &stream) < 0) {
		(void)err_set(&e.err, -ENOMEM, "out of memory");
		(void)api_blame(&e, NULL);
		api_refuse(resp, &e);
		return;
	}
	response_add(resp, "Content-Type", "text/event-stream");
	response_add(resp, "Cache-Control", "no-cache");
}

void api_complete(struct api *a, struct api_request *q, const struct serve_request *req, struct serve_response *resp)
{
	AUTO(completion_free) struct completion *c = calloc(1, sizeof(*c));
	struct api_error e = {0};

	if (!c) {
		(void)err_set(&e.err, -ENOMEM, "out of memory");
		(void)api_blame(&e, NULL);
		api_refuse(resp, &e);
		return;
	}
	c->api = a;
	c->q = *q;
	*q = (struct api_request){0};
	c->created_s = clock_wall_s();
	snprintf(c->id, sizeof(c->id), "%s-%llx%08llx", is_chat(c) ? "chatcmpl" : "cmpl", (unsigned long long)a->started_s,
		 (unsigned long long)atomic_fetch_add(&a->next_id, 1));
	if (begin(c, &e) < 0)
		api_refuse(resp, &e);
	else if (c->q.stream)
		answer_stream(TAKE(c), resp);
	else
		answer_whole(c, req, resp);
}

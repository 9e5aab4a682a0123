// SPDX-License-Identifier: Apache-2.0
/*
 * The body of a request, member by member. What is known and cannot be done is refused by name; a member that is not known is passed
 * over, as the interface grows. What a client sends to say "as usual" (null, n of 1, a penalty of 0) is fine.
 */
#include "api_int.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include <hffs/json.h>

#define BODY_MAX (16u << 20)

/* Where the sentence about a member goes. */
static struct err *about(struct api_error *e, const char *param)
{
	*e = (struct api_error){.status = 400, .param = param};
	return &e->err;
}

static int out_of_memory(struct api_error *e)
{
	*e = (struct api_error){.status = 500};
	return err_set(&e->err, -ENOMEM, "out of memory");
}

static const struct json *member(const struct json *j, const char *name)
{
	const struct json *value = json_get(j, name);

	return json_is_null(value) ? NULL : value;
}

/* --- numbers --- */

static int take_number(const struct json *j, const char *name, double low, double high, double *out, struct api_error *e)
{
	const struct json *value = member(j, name);
	double number;

	if (!value)
		return 0;
	if (json_f64(value, &number) < 0 || number < low || number > high)
		return err_set(about(e, name), -EINVAL, "'%s' must be a number from %g to %g", name, low, high);
	*out = number;
	return 0;
}

/* 1: it was there. */
static int take_count(const struct json *j, const char *name, uint64_t low, uint64_t high, uint64_t *out, struct api_error *e)
{
	const struct json *value = member(j, name);
	uint64_t number;

	if (!value)
		return 0;
	if (json_u64(value, &number) < 0 || number < low || number > high)
		return err_set(about(e, name), -EINVAL, "'%s' must be a whole number from %llu to %llu", name, (unsigned long long)low,
			       (unsigned long long)high);
	*out = number;
	return 1;
}

/* A whole number of 64 bits, with a sign or without. It comes as a double: beyond 2^53 neighbours are the same seed. */
static int take_seed(struct api_request *q, const struct json *j, struct api_error *e)
{
	const struct json *value = member(j, "seed");
	double number;

	if (!value)
		return 0;
	if (json_f64(value, &number) < 0 || number < -0x1p63 || number > 0x1p64 || number != floor(number))
		return err_set(about(e, "seed"), -EINVAL, "'%s' must be a whole number of 64 bits", "seed");
	q->sample.seed = number < 0 ? (uint64_t)(int64_t)number : number < 0x1p64 ? (uint64_t)number : UINT64_MAX;
	q->has_seed = true;
	return 0;
}

static int take_flag(const struct json *j, const char *name, bool *out, struct api_error *e)
{
	const struct json *value = member(j, name);

	if (value && !json_is_bool(value))
		return err_set(about(e, name), -EINVAL, "'%s' must be true or false", name);
	*out = json_get_bool(j, name, *out);
	return 0;
}

static int take_sampling(struct api_request *q, const struct json *j, struct api_error *e)
{
	struct sample_options *s = &q->sample;
	uint64_t count = 0;
	int r = take_number(j, "temperature", 0, 100, &s->temperature, e);

	if (r == 0)
		r = take_number(j, "top_p", 0, 1, &s->top_p, e);
	if (r == 0)
		r = take_number(j, "min_p", 0, 1, &s->min_p, e);
	if (r == 0)
		r = take_number(j, "repetition_penalty", 0.01, 100, &s->repeat_penalty, e);
	if (r == 0)
		r = take_count(j, "top_k", 0, UINT32_MAX, &count, e);
	if (r == 1)
		s->top_k = (uint32_t)count;
	return r < 0 ? r : take_seed(q, j, e);
}

static int take_max_tokens(struct api_request *q, const struct json *j, struct api_error *e)
{
	static const char *const names[] = {"max_tokens", "max_completion_tokens"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		uint64_t count;
		int r = take_count(j, names[i], 1, UINT32_MAX, &count, e);

		if (r < 0)
			return r;
		if (r == 1) {
			q->max_tokens = (uint32_t)count;
			q->has_max_tokens = true;
		}
	}
	return 0;
}

/* --- what cannot be done --- */

/* Members that change what is answered; each is fine as long as it says what is done anyway. */
static int refuse_others(const struct json *j, struct api_error *e)
{
	static const char *const ones[] = {"n", "best_of"}, *const zeros[] = {"presence_penalty", "frequency_penalty"};
	static const char *const empties[] = {"logit_bias", "tools", "functions", "suffix"};
	const char *format = json_get_string(member(j, "response_format"), "type");

	for (size_t i = 0; i < ARRAY_SIZE(ones); i++) {
		uint64_t count = 1;
		int r = take_count(j, ones[i], 1, UINT32_MAX, &count, e);

		if (r < 0 || count != 1)
			return r < 0 ? r : err_set(about(e, ones[i]), -EINVAL, "'%s' above 1 is not supported: send the request again instead", ones[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(zeros); i++) {
		double number = 0;
		int r = take_number(j, zeros[i], -100, 100, &number, e);

		if (r < 0 || number < 0 || number > 0)
			return r < 0 ? r : err_set(about(e, zeros[i]), -EINVAL, "'%s' is not supported; 'repetition_penalty' is", zeros[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(empties); i++) {
		const struct json *value = member(j, empties[i]);
		const char *text = json_string(value);

		if (value && (json_size(value) || (text && *text)))
			return err_set(about(e, empties[i]), -EINVAL, "'%s' is not supported", empties[i]);
	}
	if (json_get_bool(j, "echo", false))
		return err_set(about(e, "echo"), -EINVAL, "'%s' is not supported", "echo");
	if (format && strcmp(format, "text"))
		return err_set(about(e, "response_format"), -EINVAL, "'response_format' of type '%s' is not supported", format);
	return 0;
}

/* --- texts --- */

static int add_stop(struct api_request *q, const struct json *value, struct api_error *e)
{
	const char *text = json_string(value);

	if (!text || !*text || strlen(text) > STOP_BYTES_MAX)
		return err_set(about(e, "stop"), -EINVAL, "'%s' must be a text, or a list of texts, none of them empty or longer than 256 bytes", "stop");
	if (q->nr_stops == API_STOPS_MAX)
		return err_set(about(e, "stop"), -EINVAL, "'%s' has more than 4 texts", "stop");
	q->stops[q->nr_stops] = strdup(text);
	return q->stops[q->nr_stops++] ? 0 : out_of_memory(e);
}

static int take_stops(struct api_request *q, const struct json *j, struct api_error *e)
{
	const struct json *value = member(j, "stop");
	int r = 0;

	if (!value)
		return 0;
	if (!json_is_array(value))
		return add_stop(q, value, e);
	for (value = json_first(value); value && r == 0; value = json_next(value))
		r = add_stop(q, value, e);
	return r;
}

static struct api_input *add_input(struct api_request *q)
{
	struct api_input *more = reallocarray(q->inputs, q->nr_inputs + 1, sizeof(*more));

	if (!more)
		return NULL;
	q->inputs = more;
	more[q->nr_inputs] = (struct api_input){0};
	return &more[q->nr_inputs++];
}

static int add_text(struct api_request *q, const char *text, struct api_error *e)
{
	struct api_input *in = add_input(q);

	if (in)
		in->text = strdup(text);
	return in && in->text ? 0 : out_of_memory(e);
}

static int add_ids(struct api_request *q, const struct json *ids, const char *name, struct api_error *e)
{
	struct api_input *in = add_input(q);

	if (!in)
		return out_of_memory(e);
	for (const struct json *value = json_first(ids); value; value = json_next(value)) {
		uint64_t id;

		if (json_u64(value, &id) < 0 || id >= UINT32_MAX)
			return err_set(about(e, name), -EINVAL, "'%s' has something that is no token id", name);
		if (token_list_add(&in->ids, (uint32_t)id) < 0)
			return out_of_memory(e);
	}
	return 0;
}

/* A text, its token ids, or a list of either. */
static int take_inputs(struct api_request *q, const struct json *j, const char *name, struct api_error *e)
{
	const struct json *value = member(j, name), *first = json_first(value);
	int r = 0;

	if (json_string(value))
		return add_text(q, json_string(value), e);
	if (!json_is_array(value) || !first)
		return err_set(about(e, name), -EINVAL, "'%s' must be a text, a list of texts, or token ids", name);
	if (!json_string(first) && !json_is_array(first))
		return add_ids(q, value, name, e);
	for (const struct json *one = first; one && r == 0; one = json_next(one)) {
		if (q->nr_inputs == API_INPUTS_MAX)
			return err_set(about(e, name), -EINVAL, "'%s' has more than 2048 texts", name);
		if (json_string(one))
			r = add_text(q, json_string(one), e);
		else if (json_first(one))
			r = add_ids(q, one, name, e);
		else
			r = err_set(about(e, name), -EINVAL, "'%s' must be a text, a list of texts, or token ids", name);
	}
	return r;
}

/* --- messages --- */

/* A text, or a list of parts that are texts. */
static int take_content(const struct json *message, struct buf *out, struct api_error *e)
{
	const struct json *content = member(message, "content");

	if (json_string(content)) {
		buf_adds(out, json_string(content));
		return 0;
	}
	if (!json_is_array(content))
		return err_set(about(e, "messages"), -EINVAL, "a message in '%s' has no text as its content", "messages");
	for (const struct json *part = json_first(content); part; part = json_next(part)) {
		const char *type = json_get_string(part, "type"), *text = json_get_string(part, "text");

		if (!type || strcmp(type, "text") || !text)
			return err_set(about(e, "messages"), -EINVAL, "only parts of type 'text' are supported in a message, not '%s'", type ? type : "");
		buf_adds(out, text);
	}
	return 0;
}

static int take_role(const struct json *message, enum chat_role *out, struct api_error *e)
{
	static const struct {
		const char *name;
		enum chat_role role;
	} roles[] = {{"system", CHAT_SYSTEM}, {"developer", CHAT_SYSTEM}, {"user", CHAT_USER}, {"assistant", CHAT_ASSISTANT}};
	const char *role = json_get_string(message, "role");

	for (size_t i = 0; role && i < ARRAY_SIZE(roles); i++)
		if (!strcmp(role, roles[i].name)) {
			*out = roles[i].role;
			return 0;
		}
	return err_set(about(e, "messages"), -EINVAL, "a message must be of 'system', 'user' or 'assistant', not of '%s'", role ? role : "");
}

static int add_message(struct api_request *q, const struct json *message, struct api_error *e)
{
	AUTO_BUF text = {0};
	enum chat_role role = CHAT_USER;
	int r = take_role(message, &role, e);

	if (r == 0)
		r = take_content(message, &text, e);
	if (r < 0)
		return r;
	q->messages[q->nr_messages].role = role;
	q->messages[q->nr_messages].text = buf_take(&text);
	return q->messages[q->nr_messages++].text ? 0 : out_of_memory(e);
}

static int take_messages(struct api_request *q, const struct json *j, struct api_error *e)
{
	const struct json *messages = member(j, "messages");
	size_t nr = json_is_array(messages) ? json_size(messages) : 0;
	int r = 0;

	if (nr == 0 || nr > API_MESSAGES_MAX)
		return err_set(about(e, "messages"), -EINVAL, "'%s' must be a list of 1 to 2048 messages", "messages");
	q->messages = calloc(nr, sizeof(*q->messages));
	if (!q->messages)
		return out_of_memory(e);
	for (const struct json *message = json_first(messages); message && r == 0; message = json_next(message))
		r = add_message(q, message, e);
	return r;
}

/* --- logprobs --- */

/* A number for completions; for chats a flag with a number beside it. */
static int take_logprobs(struct api_request *q, const struct json *j, struct api_error *e)
{
	uint64_t top = 0;
	int r;

	if (q->kind == API_COMPLETION) {
		r = take_count(j, "logprobs", 0, 5, &top, e);
		q->with_logprobs = r == 1;
	} else {
		r = take_flag(j, "logprobs", &q->with_logprobs, e);
		if (r == 0)
			r = take_count(j, "top_logprobs", 0, TOP_LOGPROBS_MAX, &top, e);
		if (r == 1 && !q->with_logprobs && top)
			return err_set(about(e, "top_logprobs"), -EINVAL, "'%s' needs 'logprobs' to be true", "top_logprobs");
	}
	q->top_logprobs = (unsigned)top;
	return r < 0 ? r : 0;
}

/* --- all of it --- */

static int take_text_request(struct api_request *q, const struct json *j, struct api_error *e)
{
	int r = q->kind == API_CHAT ? take_messages(q, j, e) : take_inputs(q, j, "prompt", e);

	if (r == 0 && q->nr_inputs > 1)
		r = err_set(about(e, "prompt"), -EINVAL, "'%s' has several texts: send one request for each", "prompt");
	if (r == 0)
		r = take_sampling(q, j, e);
	if (r == 0)
		r = take_max_tokens(q, j, e);
	if (r == 0)
		r = take_stops(q, j, e);
	if (r == 0)
		r = take_logprobs(q, j, e);
	if (r == 0)
		r = take_flag(j, "stream", &q->stream, e);
	if (r == 0)
		r = take_flag(member(j, "stream_options"), "include_usage", &q->with_usage, e);
	return r < 0 ? r : refuse_others(j, e);
}

static int take_embeddings(struct api_request *q, const struct json *j, struct api_error *e)
{
	const char *format = json_get_string(j, "encoding_format");

	if (format && strcmp(format, "float") && strcmp(format, "base64"))
		return err_set(about(e, "encoding_format"), -EINVAL, "'encoding_format' must be float or base64, not '%s'", format);
	if (member(j, "dimensions"))
		return err_set(about(e, "dimensions"), -EINVAL, "'%s' is not supported: an embedding is as long as the model makes it", "dimensions");
	q->base64 = format && !strcmp(format, "base64");
	return take_inputs(q, j, "input", e);
}

int api_request_parse(struct api_request *q, enum api_kind kind, const char *text, size_t len, struct api_error *e)
{
	AUTO(json_free) struct json *j = NULL;
	struct err why = {0};
	int r = json_parse_exact(text, len, BODY_MAX, &j, &why);

	q->kind = kind;
	if (r == -EILSEQ)
		return err_set(about(e, NULL), -EINVAL, "%s", err_text(&why));
	if (r < 0 || !json_is_object(j))
		return err_set(about(e, NULL), -EINVAL, "the body of the request is no %s", "JSON object");
	return kind == API_EMBEDDINGS ? take_embeddings(q, j, e) : take_text_request(q, j, e);
}

void api_request_done(struct api_request *q)
{
	for (size_t i = 0; i < q->nr_inputs; i++) {
		free(q->inputs[i].text);
		token_list_done(&q->inputs[i].ids);
	}
	free(q->inputs);
	for (size_t i = 0; i < q->nr_messages; i++)
		free((char *)(uintptr_t)q->messages[i].text); /* ours */
	free(q->messages);
	for (size_t i = 0; i < q->nr_stops; i++)
		free(q->stops[i]);
	*q = (struct api_request){0};
}

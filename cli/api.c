// SPDX-License-Identifier: Apache-2.0
/* Pages of the interface, errors in its form, and the answers that are made at once. */
#include "api_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <hffs/url.h>

/* --- errors --- */

int api_blame(struct api_error *e, const char *param)
{
	e->param = param;
	switch (-e->err.code) {
	case EINVAL:
	case EOVERFLOW:
	case EFBIG:
	case ENOTSUP:
		e->status = 400;
		break;
	case ECANCELED:
		e->status = 503;
		break;
	default:
		e->status = 500;
		e->param = NULL;
		break;
	}
	return e->err.code;
}

static void add_word(struct buf *out, const char *name, const char *word)
{
	buf_addf(out, ",\"%s\":", name);
	if (word)
		buf_add_json(out, word);
	else
		buf_adds(out, "null");
}

void api_refuse(struct serve_response *resp, const struct api_error *e)
{
	resp->status = e->status;
	buf_clear(&resp->body);
	buf_adds(&resp->body, "{\"error\":{\"message\":");
	buf_add_json(&resp->body, err_text(&e->err));
	add_word(&resp->body, "type", e->status >= 500 ? "server_error" : "invalid_request_error");
	add_word(&resp->body, "param", e->param);
	add_word(&resp->body, "code", e->code);
	buf_adds(&resp->body, "}}");
	response_add(resp, "Content-Type", "application/json");
}

static void refuse(struct serve_response *resp, int status, const char *code, const char *fmt, ...) PRINTF_LIKE(4, 5);
static void refuse(struct serve_response *resp, int status, const char *code, const char *fmt, ...)
{
	struct api_error e = {.status = status, .code = code};
	va_list ap;

	e.err.code = -EINVAL;
	va_start(ap, fmt);
	vsnprintf(e.err.text, sizeof(e.err.text), fmt, ap);
	va_end(ap);
	api_refuse(resp, &e);
}

/* --- models --- */

static void add_model(const struct api *a, struct buf *out)
{
	buf_adds(out, "{\"id\":");
	buf_add_json(out, a->r->name);
	buf_addf(out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"hffs\"}", (long long)a->started_s);
}

static void answer_models(const struct api *a, struct serve_response *resp)
{
	buf_adds(&resp->body, "{\"object\":\"list\",\"data\":[");
	add_model(a, &resp->body);
	buf_adds(&resp->body, "]}");
	response_add(resp, "Content-Type", "application/json");
}

static void answer_model(const struct api *a, const char *name, struct serve_response *resp)
{
	if (strcmp(name, a->r->name)) {
		refuse(resp, 404, "model_not_found", "there is no model '%s' here", name);
		return;
	}
	add_model(a, &resp->body);
	response_add(resp, "Content-Type", "application/json");
}

/* --- embeddings --- */

static void add_base64(struct buf *out, const uint8_t *bytes, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	buf_addc(out, '"');
	for (size_t i = 0; i < len; i += 3) {
		size_t left = len - i;
		unsigned v = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);

		buf_addc(out, digits[v >> 18]);
		buf_addc(out, digits[v >> 12 & 63]);
		buf_addc(out, left > 1 ? digits[v >> 6 & 63] : '=');
		buf_addc(out, left > 2 ? digits[v & 63] : '=');
	}
	buf_addc(out, '"');
}

/* Little endian, as the client expects it, is what we are. */
static void add_embedding(const struct api_request *q, const float *values, size_t nr, struct buf *out)
{
	if (q->base64)
		add_base64(out, (const uint8_t *)values, nr * sizeof(*values));
	else
		json_add_floats(out, values, nr);
}

static int embed_input(struct api *a, struct api_input *in, float *values, struct err *err)
{
	int r = in->text ? runner_encode_embed(a->r, in->text, strlen(in->text), &in->ids, err) : 0;

	if (r < 0)
		return r;
	r = api_turn_begin(a->slots);
	if (r < 0)
		return err_set(err, r, "the server is ending");
	r = runner_embed(a->r, &in->ids, values, err);
	api_turn_end(a->slots);
	return r;
}

static int embed_all(struct api *a, struct api_request *q, const struct serve_request *req, struct buf *out, struct err *err)
{
	AUTO_FREE float *values = calloc(a->r->info->width, sizeof(*values));
	unsigned long long tokens = 0;

	if (!values)
		return err_set(err, -ENOMEM, "out of memory");
	buf_adds(out, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < q->nr_inputs; i++) {
		int r = req->is_gone(req) ? err_set(err, -ECANCELED, "the client is gone") : embed_input(a, &q->inputs[i], values, err);

		if (r < 0)
			return r;
		buf_addf(out, "%s{\"object\":\"embedding\",\"index\":%zu,\"embedding\":", i ? "," : "", i);
		add_embedding(q, values, a->r->info->width, out);
		buf_addc(out, '}');
		tokens += q->inputs[i].ids.nr;
	}
	buf_adds(out, "],\"model\":");
	buf_add_json(out, a->r->name);
	buf_addf(out, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}", tokens, tokens);
	return out->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

static void answer_embeddings(struct api *a, struct api_request *q, const struct serve_request *req, struct serve_response *resp)
{
	struct api_error e = {0};

	if (embed_all(a, q, req, &resp->body, &e.err) < 0) {
		(void)api_blame(&e, "input");
		api_refuse(resp, &e);
		return;
	}
	response_add(resp, "Content-Type", "application/json");
}

/* --- pages --- */

static const struct page {
	const char *path;
	enum api_kind kind;
} pages[] = {
	{"/v1/completions", API_COMPLETION}, {"/v1/chat/completions", API_CHAT}, {"/v1/embeddings", API_EMBEDDINGS}};

/* Can this model do it at all? */
static bool check_kind(const struct api *a, enum api_kind kind, struct serve_response *resp)
{
	if (a->r->info->embeds != (kind == API_EMBEDDINGS)) {
		refuse(resp, 400, NULL, "%s makes %s", a->r->name, a->r->info->embeds ? "embeddings and no text" : "text and no embeddings");
		return false;
	}
	if (kind == API_CHAT && !a->r->chat) {
		refuse(resp, 400, NULL, "%s", err_text(&a->r->chat_err));
		return false;
	}
	return true;
}

static void answer_post(struct api *a, enum api_kind kind, const struct serve_request *req, struct serve_response *resp)
{
	struct api_request q = {.sample = a->r->sample};
	struct api_error e = {0};

	if (req->too_large) {
		refuse(resp, 413, NULL, "the body of the request is larger than 16 MiB");
		return;
	}
	if (api_request_parse(&q, kind, req->body.data ? req->body.data : "", req->body.len, &e) < 0)
		api_refuse(resp, &e);
	else if (!check_kind(a, kind, resp))
		;
	else if (kind == API_EMBEDDINGS)
		answer_embeddings(a, &q, req, resp);
	else
		api_complete(a, &q, req, resp);
	api_request_done(&q);
}

static void answer_get(const struct api *a, const char *path, struct serve_response *resp)
{
	static const char models[] = "/v1/models";

	if (!strcmp(path, models))
		answer_models(a, resp);
	else if (!strncmp(path, models, strlen(models)) && path[strlen(models)] == '/')
		answer_model(a, path + strlen(models) + 1, resp);
	else
		refuse(resp, 404, NULL, "there is no page %s", path);
}

void api_answer(void *ctx, struct serve_request *req, struct serve_response *resp)
{
	bool is_get = !strcmp(req->method, "GET") || !strcmp(req->method, "HEAD");
	char path[512], raw[512];
	struct api *a = ctx;

	snprintf(raw, sizeof(raw), "%.*s", (int)strcspn(req->target, "?#"), req->target);
	if (url_decode(raw, strlen(raw), path, sizeof(path)) < 0) {
		refuse(resp, 404, NULL, "there is no page %s", raw);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strcmp(path, pages[i].path))
			continue;
		if (strcmp(req->method, "POST"))
			refuse(resp, 405, NULL, "%s takes POST", path);
		else
			answer_post(a, pages[i].kind, req, resp);
		return;
	}
	if (is_get)
		answer_get(a, path, resp);
	else
		refuse(resp, 405, NULL, "%s does not take this method", path);
}

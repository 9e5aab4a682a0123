// SPDX-License-Identifier: Apache-2.0
/*
 * Probabilities of tokens, in the two forms that the interface has. The text of a token alone may be no whole character; then the
 * form of chats has its bytes, too.
 */
#include "api_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/utf8.h>

static int token_text(const struct runner *r, uint32_t id, struct buf *out)
{
	return r->tokenizer ? tokenizer_decode(r->tokenizer, &id, 1, 0, out, NULL) : 0;
}

static size_t count_chars(const struct buf *text)
{
	size_t nr = 0, taken;

	for (size_t i = 0; i < text->len; i += taken, nr++)
		(void)utf8_next(text->data + i, text->len - i, &taken); /* what it is does not matter */
	return nr;
}

static void separate(struct buf *b)
{
	if (b->len)
		buf_addc(b, ',');
}

static const char *text_of(const struct buf *b)
{
	return b->data ? b->data : "";
}

/* {"token":..., "logprob":..., "bytes":[...]} without its end. */
static void add_entry(struct buf *out, const struct buf *text, double logprob)
{
	buf_adds(out, "{\"token\":");
	buf_add_json(out, text_of(text));
	buf_adds(out, ",\"logprob\":");
	json_add_number(out, logprob);
	buf_adds(out, ",\"bytes\":[");
	for (size_t i = 0; i < text->len; i++)
		buf_addf(out, i ? ",%u" : "%u", (unsigned char)text->data[i]);
	buf_addc(out, ']');
}

static int add_chat(struct api_logprobs *l, const struct runner *r, unsigned top, const struct generated *t, const struct buf *text)
{
	separate(&l->content);
	add_entry(&l->content, text, t->logprob);
	buf_adds(&l->content, ",\"top_logprobs\":[");
	for (unsigned i = 0; i < top; i++) {
		AUTO_BUF other = {0};

		if (t->top[i].id == UINT32_MAX)
			break;
		if (token_text(r, t->top[i].id, &other) < 0)
			return -ENOMEM;
		if (i)
			buf_addc(&l->content, ',');
		add_entry(&l->content, &other, t->top[i].logprob);
		buf_addc(&l->content, '}');
	}
	buf_adds(&l->content, "]}");
	return l->content.failed ? -ENOMEM : 0;
}

static int add_completion(struct api_logprobs *l, const struct runner *r, unsigned top, const struct generated *t, const struct buf *text)
{
	separate(&l->tokens);
	buf_add_json(&l->tokens, text_of(text));
	separate(&l->values);
	json_add_number(&l->values, t->logprob);
	separate(&l->offsets);
	buf_addf(&l->offsets, "%llu", (unsigned long long)l->chars);
	separate(&l->tops);
	buf_addc(&l->tops, '{');
	for (unsigned i = 0; i < top; i++) {
		AUTO_BUF other = {0};

		if (t->top[i].id == UINT32_MAX)
			break;
		if (token_text(r, t->top[i].id, &other) < 0)
			return -ENOMEM;
		if (i)
			buf_addc(&l->tops, ',');
		buf_add_json(&l->tops, text_of(&other));
		buf_addc(&l->tops, ':');
		json_add_number(&l->tops, t->top[i].logprob);
	}
	buf_addc(&l->tops, '}');
	return l->tokens.failed || l->values.failed || l->offsets.failed || l->tops.failed ? -ENOMEM : 0;
}

int api_logprobs_add(struct api_logprobs *l, const struct runner *r, enum api_kind kind, unsigned top, const struct generated *t)
{
	AUTO_BUF text = {0};
	int ret = token_text(r, t->id, &text);

	if (ret == 0)
		ret = kind == API_CHAT ? add_chat(l, r, top, t, &text) : add_completion(l, r, top, t, &text);
	l->chars += count_chars(&text);
	return ret;
}

void api_logprobs_take(struct api_logprobs *l, enum api_kind kind, struct buf *out)
{
	if (kind == API_CHAT)
		buf_addf(out, "{\"content\":[%s],\"refusal\":null}", text_of(&l->content));
	else
		buf_addf(out, "{\"tokens\":[%s],\"token_logprobs\":[%s],\"top_logprobs\":[%s],\"text_offset\":[%s]}", text_of(&l->tokens),
			 text_of(&l->values), text_of(&l->tops), text_of(&l->offsets));
	buf_clear(&l->content);
	buf_clear(&l->tokens);
	buf_clear(&l->values);
	buf_clear(&l->tops);
	buf_clear(&l->offsets);
}

void api_logprobs_done(struct api_logprobs *l)
{
	buf_done(&l->content);
	buf_done(&l->tokens);
	buf_done(&l->values);
	buf_done(&l->tops);
	buf_done(&l->offsets);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Probabilities of tokens, in the two forms that the interface has. A token alone may be no whole character. The form of chats has the
 * bytes of each beside its text; that of completions writes such a token as "bytes:\xe2\x96".
 */
#include "api_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/utf8.h>

/* Nothing of an id that the tokenizer does not know: the vocabulary of a model may be longer. */
static int token_bytes(const struct runner *r, uint32_t id, struct buf *out)
{
	int ret = tokenizer_token_bytes(r->tokenizer, id, out);

	return ret == -EINVAL ? 0 : ret;
}

/* Whole characters of the text; what a later token makes whole waits. Special tokens are not in it. */
static void count_chars(struct api_logprobs *l, const struct runner *r, uint32_t id, const struct buf *bytes)
{
	size_t i = 0, taken;

	if (tokenizer_is_special(r->tokenizer, id))
		return;
	buf_add(&l->part, bytes->data, bytes->len);
	while (i < l->part.len && utf8_next(l->part.data + i, l->part.len - i, &taken) != UTF8_CUT) {
		i += taken;
		l->chars++;
	}
	if (i)
		memmove(l->part.data, l->part.data + i, l->part.len - i);
	l->part.len -= i;
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
static void add_entry(struct buf *out, const struct buf *bytes, double logprob)
{
	buf_adds(out, "{\"token\":");
	buf_add_json_n(out, text_of(bytes), bytes->len);
	buf_adds(out, ",\"logprob\":");
	json_add_number(out, logprob);
	buf_adds(out, ",\"bytes\":[");
	for (size_t i = 0; i < bytes->len; i++)
		buf_addf(out, i ? ",%u" : "%u", (unsigned char)bytes->data[i]);
	buf_addc(out, ']');
}

/* The text where it is one. */
static void add_text(struct buf *out, const struct buf *bytes)
{
	AUTO_BUF shown = {0};

	if (utf8_is_valid_n(text_of(bytes), bytes->len)) {
		buf_add_json_n(out, text_of(bytes), bytes->len);
		return;
	}
	buf_adds(&shown, "bytes:");
	for (size_t i = 0; i < bytes->len; i++)
		buf_addf(&shown, bytes->data[i] & 0x80 ? "\\x%02x" : "%c", (unsigned char)bytes->data[i]);
	buf_add_json_n(out, text_of(&shown), shown.len);
	out->failed |= shown.failed;
}

static int add_chat(struct api_logprobs *l, const struct runner *r, unsigned top, const struct generated *t, const struct buf *bytes)
{
	separate(&l->content);
	add_entry(&l->content, bytes, t->logprob);
	buf_adds(&l->content, ",\"top_logprobs\":[");
	for (unsigned i = 0; i < top; i++) {
		AUTO_BUF other = {0};

		if (t->top[i].id == UINT32_MAX)
			break;
		if (token_bytes(r, t->top[i].id, &other) < 0)
			return -ENOMEM;
		if (i)
			buf_addc(&l->content, ',');
		add_entry(&l->content, &other, t->top[i].logprob);
		buf_addc(&l->content, '}');
	}
	buf_adds(&l->content, "]}");
	return l->content.failed ? -ENOMEM : 0;
}

/* The most probable ones by their texts; of those with the same the first. */
static int add_tops(struct buf *out, const struct runner *r, unsigned top, const struct generated *t)
{
	AUTO_BUF all = {0};

	for (unsigned i = 0; i < top && t->top[i].id != UINT32_MAX; i++) {
		AUTO_BUF bytes = {0}, name = {0};

		if (token_bytes(r, t->top[i].id, &bytes) < 0)
			return -ENOMEM;
		buf_addc(&name, ',');
		add_text(&name, &bytes);
		buf_addc(&name, ':');
		if (name.failed || all.failed)
			return -ENOMEM;
		if (all.len && memmem(all.data, all.len, name.data, name.len))
			continue;
		buf_add(&all, name.data, name.len);
		json_add_number(&all, t->top[i].logprob);
	}
	buf_addc(out, '{');
	if (all.len)
		buf_add(out, all.data + 1, all.len - 1);
	buf_addc(out, '}');
	return all.failed ? -ENOMEM : 0;
}

static int add_completion(struct api_logprobs *l, const struct runner *r, unsigned top, const struct generated *t, const struct buf *bytes)
{
	separate(&l->tokens);
	add_text(&l->tokens, bytes);
	separate(&l->values);
	json_add_number(&l->values, t->logprob);
	separate(&l->offsets);
	buf_addf(&l->offsets, "%llu", (unsigned long long)l->chars);
	separate(&l->tops);
	if (add_tops(&l->tops, r, top, t) < 0)
		return -ENOMEM;
	return l->tokens.failed || l->values.failed || l->offsets.failed || l->tops.failed ? -ENOMEM : 0;
}

int api_logprobs_add(struct api_logprobs *l, const struct runner *r, enum api_kind kind, unsigned top, const struct generated *t)
{
	AUTO_BUF bytes = {0};
	int ret = token_bytes(r, t->id, &bytes);

	if (ret == 0)
		ret = kind == API_CHAT ? add_chat(l, r, top, t, &bytes) : add_completion(l, r, top, t, &bytes);
	count_chars(l, r, t->id, &bytes);
	return l->part.failed ? -ENOMEM : ret;
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
	buf_done(&l->part);
}

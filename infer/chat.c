// SPDX-License-Identifier: Apache-2.0
/* Messages to the text that a template makes of them; what users and models wrote is marked as plain. */
#include "chat_read_int.h"
#include "unicode_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/utf8.h>

int chat_new(const char *source, struct chat **out, struct err *err)
{
	AUTO(chat_free) struct chat *c = calloc(1, sizeof(*c));
	int r = c ? chat_shape_find(source, c, err) : -ENOMEM;

	if (r == -ENOMEM)
		return err_set(err, r, "out of memory");
	if (r == 0)
		*out = TAKE(c);
	return r;
}

void chat_free(struct chat *c)
{
	if (!c)
		return;
	memory_free(c->memory);
	free(c->end);
	free(c);
}

const char *chat_end(const struct chat *c)
{
	return c->end;
}

void chat_text_done(struct chat_text *t)
{
	buf_done(&t->text);
	free(t->plain);
	*t = (struct chat_text){0};
}

/* --- texts --- */

static bool is_blank(uint32_t c)
{
	return char_is_space(c) || (c >= 0x1c && c <= 0x1f); /* as Python's strip() has it */
}

const char *blanks_skip(const char *text, size_t len)
{
	size_t taken;

	while (len && utf8_next(text, len, &taken) == UTF8_CHAR && is_blank(utf8_get(text, &taken))) {
		text += taken;
		len -= taken;
	}
	return text;
}

size_t blanks_cut(const char *text, size_t len)
{
	size_t end = 0, taken;

	for (size_t i = 0; i < len; i += taken)
		if (utf8_next(text + i, len - i, &taken) != UTF8_CHAR || !is_blank(utf8_get(text + i, &taken)))
			end = i + taken;
	return end;
}

static const char *without_thoughts(const char *text)
{
	const char *next;

	while ((next = strstr(text, "</think>")))
		text = next + strlen("</think>");
	return text;
}

static void add_utf8(struct buf *out, const char *text, size_t len)
{
	size_t taken;

	for (size_t i = 0; i < len; i += taken) {
		if (utf8_next(text + i, len - i, &taken) == UTF8_CHAR)
			buf_add(out, text + i, taken);
		else
			buf_adds(out, "\xef\xbf\xbd");
	}
}

static void add_plain(struct chat_text *t, const char *text, size_t len)
{
	struct text_range *more = len ? reallocarray(t->plain, t->nr + 1, sizeof(*more)) : NULL;

	if (len == 0)
		return;
	if (!more) {
		t->text.failed = 1;
		return;
	}
	t->plain = more;
	t->plain[t->nr++] = (struct text_range){.off = t->text.len};
	add_utf8(&t->text, text, len);
	t->plain[t->nr - 1].len = t->text.len - t->plain[t->nr - 1].off;
}

static void add_message(struct chat_text *t, const char *text, unsigned how)
{
	const char *begin = how & HOW_ANSWER ? without_thoughts(text) : text;
	size_t len;

	if (how & HOW_LINES || (how & HOW_LINES_THEN && begin != text))
		begin += strspn(begin, "\n");
	len = strlen(begin);
	if (how & HOW_RIGHT)
		len = blanks_cut(begin, len);
	if (how & HOW_LEFT) {
		text = begin;
		begin = blanks_skip(begin, len);
		len -= (size_t)(begin - text);
	}
	add_plain(t, begin, len);
}

/* --- what is around them --- */

/* Of a format what chat_expr.c lets through. */
static void add_day(struct chat_text *t, const char *format, const struct tm *today)
{
	char text[32] = "";

	for (const char *c = format; *c; c++) {
		if (*c != '%') {
			buf_addc(&t->text, *c);
			continue;
		}
		c++;
		if (*c == 'b')
			(void)strftime(text, sizeof(text), "%b", today);
		else if (*c == 'B')
			(void)strftime(text, sizeof(text), "%B", today);
		else
			snprintf(text, sizeof(text), *c == 'Y' ? "%04d" : "%02d",
				 *c == 'Y' ? today->tm_year + 1900 : *c == 'm' ? today->tm_mon + 1 : today->tm_mday);
		buf_adds(&t->text, text);
	}
}

static void add_pieces(struct chat_text *t, const struct pieces *pieces, const struct chat_context *context, const char *system)
{
	for (size_t i = 0; i < pieces->nr; i++) {
		const struct piece *p = &pieces->p[i];

		switch (p->kind) {
		case PIECE_TEXT:
			buf_adds(&t->text, p->text);
			break;
		case PIECE_BOS:
			buf_adds(&t->text, context->bos);
			break;
		case PIECE_EOS:
			buf_adds(&t->text, context->eos);
			break;
		case PIECE_DAY:
			add_day(t, p->text, &context->today);
			break;
		case PIECE_MESSAGE: /* of other roles there are none here */
			add_message(t, system, p->how);
		}
	}
}

static unsigned how_of(const struct chat_form *f, size_t i)
{
	return f->how[i == 0 ? 0 : i % 2 ? 1 : 2];
}

/* What follows text i of nr. */
static const struct pieces *part_behind(const struct chat_form *f, size_t i, size_t nr)
{
	if (i + 1 == nr)
		return &f->tail;
	if (i % 2 == 0)
		return &f->to_answer;
	return i + 2 == nr ? &f->to_last : &f->to_user;
}

static void format(const struct chat_form *f, const struct chat_context *context, const char *system, const struct chat_message *m, size_t nr,
		   struct chat_text *t)
{
	add_pieces(t, nr == 1 ? &f->head_only : &f->head, context, system);
	for (size_t i = 0; i < nr; i++) {
		add_message(t, m[i].text, how_of(f, i));
		add_pieces(t, part_behind(f, i, nr), context, system);
	}
}

/* --- the conversation --- */

static int check_order(const struct chat_message *m, size_t nr, struct err *err)
{
	for (size_t i = 0; i < nr; i++)
		if (m[i].role != (i % 2 ? CHAT_ASSISTANT : CHAT_USER))
			return err_set(err, -EINVAL, "in a conversation user and assistant take turns, behind at most one system message");
	if (nr % 2 == 0)
		return err_set(err, -EINVAL, "the last message of a conversation must be the user's");
	return 0;
}

static bool has(const char *text, const struct absent *a)
{
	const char *begin = blanks_skip(text, strlen(text));

	return a->begins ? !strncmp(text, a->text, strlen(a->text)) || !strncmp(begin, a->text, strlen(a->text)) : strstr(text, a->text) != NULL;
}

static int check_text(const struct chat_form *f, const struct chat_message *m, unsigned how, struct err *err)
{
	static const char *const roles[] = {[CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};

	bool needs_ink = f->needs_ink[m->role] || how & HOW_INK;

	if ((f->needs_text[m->role] && !*m->text) || (needs_ink && !blanks_cut(m->text, strlen(m->text))))
		return err_set(err, -EINVAL, "this model's chat template has no form that is known here for an empty message (%s)", roles[m->role]);
	for (size_t i = 0; i < f->nr_absent; i++)
		if (f->absent[i].role == m->role && has(m->text, &f->absent[i]))
			return err_set(err, -EINVAL, "this model's chat template makes something else of a message (%s) with '%.40s'", roles[m->role],
				       f->absent[i].text);
	return 0;
}

int chat_format(const struct chat *c, const struct chat_context *context, const struct chat_message *messages, size_t nr,
		struct chat_text *out, struct err *err)
{
	const char *system = nr && messages[0].role == CHAT_SYSTEM ? messages[0].text : NULL;
	const struct chat_form *f = &c->forms[system != NULL];
	struct chat_text t = {0};
	int r = 0;

	if (system && !f->works)
		r = err_set(err, -EINVAL, "this model's chat template is not for a conversation with a system message: %s", c->why);
	else if (!f->works)
		r = err_set(err, -EINVAL, "this model's chat template is not for a conversation without a system message: %s", c->why);
	else if (system)
		r = check_text(f, messages, 0, err);
	messages += system != NULL;
	nr -= system != NULL;
	if (r == 0)
		r = check_order(messages, nr, err);
	for (size_t i = 0; i < nr && r == 0; i++)
		r = check_text(f, &messages[i], how_of(f, i), err);
	if (r < 0)
		return r;
	format(f, context, system, messages, nr, &t);
	if (t.text.failed) {
		chat_text_done(&t);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*out = t;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Messages to the text that a chat shape makes of them; what users wrote is marked as plain. */
#include "chat_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <hffs/utf8.h>

int chat_new(const char *source, struct chat **out, struct err *err)
{
	AUTO_BUF normal = {0};
	AUTO(chat_free) struct chat *c = calloc(1, sizeof(*c));
	int r = c ? chat_source_normalise(source, &normal, err) : -ENOMEM;

	if (r < 0)
		return r;
	r = chat_shape_find(normal.data ? normal.data : "", c);
	if (r == -ENOTSUP)
		return err_set(err, r,
			       "the chat template of this model is none that is known here (ChatML, Llama 2 and 3, Mistral, Gemma, Phi, Zephyr), and "
			       "templates are never run; whole texts work all the same");
	if (r < 0)
		return err_set(err, r, "out of memory");
	*out = TAKE(c);
	return 0;
}

void chat_free(struct chat *c)
{
	if (!c)
		return;
	free(c->system_default);
	free(c->system_head);
	free(c->day);
	free(c->generation);
	free(c);
}

const char *chat_name(const struct chat *c)
{
	return c->name;
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

/* --- pieces --- */

static const char *skip_blanks(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static size_t without_blanks(const char *text, size_t len)
{
	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	return len;
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

/* What somebody wrote. */
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

static void add_message(struct chat_text *t, const char *text, bool trims)
{
	const char *begin = trims ? skip_blanks(text) : text;
	size_t len = strlen(begin);

	add_plain(t, begin, trims ? without_blanks(begin, len) : len);
}

/* Of an answer with its thoughts what is behind them. */
static const char *without_thoughts(const char *text)
{
	const char *end = text, *next;

	while ((next = strstr(end, "</think>")))
		end = next + strlen("</think>");
	return end == text ? text : end + strspn(end, "\n");
}

static void add_answer(const struct chat *c, struct chat_text *t, const char *text)
{
	add_message(t, c->drops_thoughts ? without_thoughts(text) : text, c->trims_answer);
}

/* --- shapes of one turn after the other --- */

static const char *role_name(const struct chat *c, enum chat_role role)
{
	return role == CHAT_SYSTEM ? "system" : role == CHAT_USER ? "user" : c->assistant;
}

static void begin_turn(const struct chat *c, struct chat_text *t, enum chat_role role)
{
	buf_adds(&t->text, c->head);
	buf_adds(&t->text, role_name(c, role));
	buf_adds(&t->text, c->middle);
}

static void end_turn(const struct chat *c, const struct chat_context *context, struct chat_text *t)
{
	if (c->ends_by_eos)
		buf_adds(&t->text, context->eos);
	buf_adds(&t->text, c->tail);
}

static void add_system(const struct chat *c, const struct chat_context *context, struct chat_text *t, const char *text)
{
	begin_turn(c, t, CHAT_SYSTEM);
	if (c->system_head) {
		buf_adds(&t->text, c->system_head);
		buf_adds(&t->text, c->day ? c->day : context->today);
		buf_adds(&t->text, "\n\n");
	}
	if (text)
		add_message(t, text, c->trims);
	else
		buf_adds(&t->text, c->system_default);
	end_turn(c, context, t);
}

static void format_turns(const struct chat *c, const struct chat_context *context, const char *system, const struct chat_message *m,
			 size_t nr, struct chat_text *t)
{
	if (c->has_bos)
		buf_adds(&t->text, context->bos);
	if (c->system == SYSTEM_TURN && (system || c->system_default))
		add_system(c, context, t, system);
	for (size_t i = 0; i < nr; i++) {
		begin_turn(c, t, m[i].role);
		if (i == 0 && c->system == SYSTEM_FIRST_USER && system) {
			add_plain(t, system, strlen(system));
			buf_adds(&t->text, "\n\n");
		}
		if (m[i].role == CHAT_ASSISTANT)
			add_answer(c, t, m[i].text);
		else
			add_message(t, m[i].text, c->trims);
		end_turn(c, context, t);
	}
	buf_adds(&t->text, c->generation);
}

/* --- [INST] --- */

/* Llama 2 trims system message and text as one, so not between them. */
static void add_llama2_user(const struct chat *c, struct chat_text *t, const char *system, const char *text)
{
	if (!system) {
		add_message(t, text, c->trims);
		return;
	}
	buf_adds(&t->text, "<<SYS>>\n");
	add_plain(t, system, strlen(system));
	buf_adds(&t->text, "\n<</SYS>>\n\n");
	add_plain(t, text, c->trims ? without_blanks(text, strlen(text)) : strlen(text));
}

static void add_mistral_user(struct chat_text *t, const char *system, const char *text)
{
	if (system) {
		add_plain(t, system, strlen(system));
		buf_adds(&t->text, "\n\n");
	}
	add_plain(t, text, strlen(text));
}

static void format_inst(const struct chat *c, const struct chat_context *context, const char *system, const struct chat_message *m, size_t nr,
			struct chat_text *t)
{
	bool is_llama2 = c->shape == CHAT_LLAMA2;
	size_t with_system = c->system == SYSTEM_LAST_USER ? nr - 1 : 0;

	if (c->has_bos)
		buf_adds(&t->text, context->bos);
	for (size_t i = 0; i < nr; i++) {
		const char *here = i == with_system ? system : NULL;

		if (m[i].role == CHAT_ASSISTANT) {
			buf_adds(&t->text, c->answer_open);
			add_answer(c, t, m[i].text);
			if (is_llama2)
				buf_adds(&t->text, c->answer_close);
			buf_adds(&t->text, context->eos);
			if (!is_llama2)
				buf_adds(&t->text, c->answer_close);
			continue;
		}
		buf_adds(&t->text, is_llama2 ? context->bos : "");
		buf_adds(&t->text, c->user_open);
		if (is_llama2)
			add_llama2_user(c, t, here, m[i].text);
		else
			add_mistral_user(t, here, m[i].text);
		buf_adds(&t->text, c->user_close);
	}
}

/* --- the conversation --- */

static int check_order(const struct chat *c, const char *system, const struct chat_message *m, size_t nr, struct err *err)
{
	if (system && c->system == SYSTEM_NONE)
		return err_set(err, -EINVAL, "this model's chat template (%s) has no place for a system message", c->name);
	for (size_t i = 0; i < nr; i++)
		if (m[i].role != (i % 2 ? CHAT_ASSISTANT : CHAT_USER))
			return err_set(err, -EINVAL, "in a conversation user and assistant take turns, behind at most one system message");
	if (nr % 2 == 0)
		return err_set(err, -EINVAL, "the last message of a conversation must be the user's");
	return 0;
}

int chat_format(const struct chat *c, const struct chat_context *context, const struct chat_message *messages, size_t nr,
		struct chat_text *out, struct err *err)
{
	const char *system = nr && messages[0].role == CHAT_SYSTEM ? messages[0].text : NULL;
	struct chat_text t = {0};
	int r;

	messages += system != NULL;
	nr -= system != NULL;
	r = check_order(c, system, messages, nr, err);
	if (r < 0)
		return r;
	if (c->shape == CHAT_LLAMA2 || c->shape == CHAT_MISTRAL)
		format_inst(c, context, system, messages, nr, &t);
	else
		format_turns(c, context, system, messages, nr, &t);
	if (t.text.failed) {
		chat_text_done(&t);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*out = t;
	return 0;
}

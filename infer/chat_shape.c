// SPDX-License-Identifier: Apache-2.0
/*
 * Templates that are known, by the expressions that write a turn. An expression that is found as a whole, in normalised spelling, says
 * exactly what is put out; one that differs in any character is not found, and the template is refused. Templates of the families
 * were read in their repositories on the Hub (2026-08); each is rendered by Jinja for tests/unit/test_chat.c.
 */
#include "chat_int.h"

#include <errno.h>
#include <string.h>

/* How a template may name the text of a message, and whether blanks around it go. */
static const struct {
	const char *text;
	bool trims;
} contents[] = {
	{"message.content|trim", true}, {"message.content.strip()", true}, {"message.content", false},
	{"content|trim", true},         {"content.strip()", true},         {"content", false},
};

/* Is head, one of the contents, tail in the source? */
static bool find_turn(const char *normal, const char *head, const char *tail, bool *trims)
{
	for (size_t i = 0; i < ARRAY_SIZE(contents); i++) {
		AUTO_FREE char *expression = str_printf("%s%s%s", head, contents[i].text, tail);

		if (expression && strstr(normal, expression)) {
			*trims = contents[i].trims;
			return true;
		}
	}
	return false;
}

/* A string of the source up to (not with) end, which is before its closing quote; escapes read. NULL: it is none. */
static char *read_string(const char *text, const char *end)
{
	AUTO_BUF out = {0};

	for (; text < end; text++) {
		if (*text != '\\') {
			buf_addc(&out, *text);
			continue;
		}
		if (++text == end || !strchr("nt\\'", *text))
			return NULL; /* an escape that no template was seen with */
		buf_addc(&out, *text == 'n' ? '\n' : *text == 't' ? '\t' : *text);
	}
	return buf_take(&out);
}

/* The closing quote of a string whose inside begins at text. */
static const char *string_end(const char *text)
{
	for (; *text && *text != '\''; text++)
		if (*text == '\\' && text[1])
			text++;
	return *text ? text : NULL;
}

/*
 * The string that is put out when an answer is asked for. It must begin as the shape says, and be all: more behind it, or a second
 * place, would be another shape. Without add_generation_prompt it is empty.
 */
static int find_generation(const char *normal, const char *begin, struct chat *c)
{
	static const char condition[] = "add_generation_prompt%}'";
	const char *at = strstr(normal, condition), *end;

	if (!at)
		return -ENOTSUP;
	at += strlen(condition);
	end = string_end(at);
	if (!end || strncmp(at, begin, strlen(begin)) != 0 || strstr(end, condition) || end[1] != '{')
		return -ENOTSUP;
	c->generation = read_string(at, end);
	return c->generation ? 0 : -ENOTSUP;
}

static bool has_bos(const char *normal)
{
	return strstr(normal, "bos_token") != NULL;
}

/* --- ChatML: Qwen, SmolLM2, Yi, Hermes --- */

/* A system turn that begins at `at` with nothing in its string: one with the user's text, or for tools, which are never given. */
static bool is_given(const char *normal, const char *at, const char *quote)
{
	static const char tools[] = "{%iftools%}", given[] = "'+messages[0].content";
	size_t before = (size_t)(at - normal);

	return !strncmp(quote, given, strlen(given)) || (before >= strlen(tools) && !strncmp(at - strlen(tools), tools, strlen(tools)));
}

/* The text of a whole first turn that the template itself writes. A turn that it begins in another way is another shape. */
static int find_default(const char *normal, struct chat *c)
{
	static const char begin[] = "'<|im_start|>system\\n", tail[] = "<|im_end|>\\n";
	const char *at = normal;

	for (; (at = strstr(at, begin)); at++) {
		const char *text = at + strlen(begin), *quote = string_end(text);
		size_t len = quote ? (size_t)(quote - text) : 0;

		if (!quote || (len == 0 && !is_given(normal, at, quote)))
			return -ENOTSUP;
		if (len == 0)
			continue;
		if (len < strlen(tail) || strncmp(quote - strlen(tail), tail, strlen(tail)) != 0 || c->system_default)
			return -ENOTSUP;
		c->system_default = read_string(text, quote - strlen(tail));
		if (!c->system_default)
			return -ENOTSUP;
	}
	return 0;
}

static int find_chatml(const char *normal, struct chat *c)
{
	if (!find_turn(normal, "'<|im_start|>'+message.role+'\\n'+", "+'<|im_end|>\\n'", &c->trims))
		return -ENOTSUP;
	c->shape = CHAT_CHATML;
	c->name = "ChatML";
	c->end = "<|im_end|>";
	c->head = "<|im_start|>";
	c->middle = "\n";
	c->tail = "<|im_end|>\n";
	c->assistant = "assistant";
	c->has_bos = has_bos(normal);
	c->trims_answer = c->trims;
	c->drops_thoughts = strstr(normal, ".split('</think>')") != NULL;
	if (find_default(normal, c) < 0)
		return -ENOTSUP;
	return find_generation(normal, "<|im_start|>assistant\\n", c);
}

/* --- Llama 3 --- */

/* "Cutting Knowledge Date" and the day, which its later templates always write. */
static int find_dates(const char *normal, struct chat *c)
{
	static const char begin[] = "'Cutting Knowledge Date: ", middle[] = "'+date_string+'\\n\\n'", set[] = "{%setdate_string='";
	static const char turn[] = "<|start_header_id|>system<|end_header_id|>";
	const char *at = strstr(normal, begin), *end = at ? string_end(at + 1) : NULL, *day = strstr(normal, set);
	const char *first = strstr(normal, turn);

	if (!at)
		return first ? -ENOTSUP : 0;
	if (!first || strstr(first + 1, turn))
		return -ENOTSUP;
	if (!end || strncmp(end, middle, strlen(middle)) != 0 || !day || !string_end(day + strlen(set)))
		return -ENOTSUP;
	c->system_head = read_string(at + 1, end);
	day += strlen(set);
	if (!strstr(normal, "strftime_now('%d %b %Y')"))
		c->day = read_string(day, string_end(day));
	c->system_default = strdup("");
	return c->system_head && c->system_default && (c->day || strstr(normal, "strftime_now(")) ? 0 : -ENOTSUP;
}

static int find_llama3(const char *normal, struct chat *c)
{
	if (!find_turn(normal, "'<|start_header_id|>'+message.role+'<|end_header_id|>\\n\\n'+", "+'<|eot_id|>'", &c->trims))
		return -ENOTSUP;
	c->shape = CHAT_LLAMA3;
	c->name = "Llama 3";
	c->end = "<|eot_id|>";
	c->head = "<|start_header_id|>";
	c->middle = "<|end_header_id|>\n\n";
	c->tail = "<|eot_id|>";
	c->assistant = "assistant";
	c->has_bos = has_bos(normal);
	c->trims_answer = c->trims;
	if (find_dates(normal, c) < 0)
		return -ENOTSUP;
	/* The first of this family writes the beginning of an answer always. */
	if (!strstr(normal, "add_generation_prompt") && strstr(normal, "{%endfor%}'<|start_header_id|>assistant<|end_header_id|>\\n\\n'")) {
		c->generation = strdup("<|start_header_id|>assistant<|end_header_id|>\n\n");
		return c->generation ? 0 : -ENOMEM;
	}
	return find_generation(normal, "<|start_header_id|>assistant<|end_header_id|>\\n\\n", c);
}

/* --- Llama 2 --- */

static int find_llama2(const char *normal, struct chat *c)
{
	if (!strstr(normal, "'<<SYS>>\\n'+system_message+'\\n<</SYS>>\\n\\n'+message.content") ||
	    !find_turn(normal, "bos_token+'[INST] '+", "+' [/INST]'", &c->trims) ||
	    !find_turn(normal, "' '+", "+' '+eos_token", &c->trims_answer))
		return -ENOTSUP;
	c->shape = CHAT_LLAMA2;
	c->name = "Llama 2";
	c->user_open = "[INST] ";
	c->user_close = " [/INST]";
	c->answer_open = " ";
	c->answer_close = " ";
	c->system = SYSTEM_FIRST_USER;
	c->generation = strdup("");
	return c->generation ? 0 : -ENOMEM;
}

/* --- Mistral --- */

/* Where the system message goes: it is written with the user's, or the template has no place for it. */
static enum system_place find_system_place(const char *normal, const char *open, const char *close)
{
	static const struct {
		const char *condition;
		enum system_place place;
	} rows[] = {
		{"{%ifloop.firstandsystem_messageisdefined%}", SYSTEM_FIRST_USER},
		{"{%ifloop.lastandsystem_messageisdefined%}", SYSTEM_LAST_USER},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *expression =
			str_printf("%s'%s'+system_message+'\\n\\n'+message.content+'%s'", rows[i].condition, open, close);

		if (expression && strstr(normal, expression))
			return rows[i].place;
	}
	return SYSTEM_NONE;
}

static int find_mistral(const char *normal, struct chat *c)
{
	static const char *const around[][2] = {
		{" [INST] ", " [/INST]"}, {"[INST] ", " [/INST]"}, {"[INST] ", "[/INST]"}, {"[INST]", "[/INST]"}};
	static const struct {
		const char *head, *tail, *open, *close;
	} answers[] = {
		{"' '+", "+eos_token", " ", ""}, {"", "+eos_token+' '", "", " "}, {"", "+eos_token", "", ""}};

	if (strstr(normal, "<<SYS>>") || strstr(normal, "[SYSTEM_PROMPT]"))
		return -ENOTSUP;
	for (size_t i = 0; i < ARRAY_SIZE(around) && !c->user_open; i++) {
		AUTO_FREE char *expression = str_printf("'%s'+message.content+'%s'", around[i][0], around[i][1]);

		if (!expression || !strstr(normal, expression))
			continue;
		c->user_open = around[i][0];
		c->user_close = around[i][1];
	}
	for (size_t i = 0; i < ARRAY_SIZE(answers) && !c->answer_open; i++)
		if (find_turn(normal, answers[i].head, answers[i].tail, &c->trims_answer)) {
			c->answer_open = answers[i].open;
			c->answer_close = answers[i].close;
		}
	if (!c->user_open || !c->answer_open)
		return -ENOTSUP;
	c->shape = CHAT_MISTRAL;
	c->name = "Mistral";
	c->has_bos = has_bos(normal);
	c->system = find_system_place(normal, c->user_open, c->user_close);
	c->generation = strdup("");
	return c->generation ? 0 : -ENOMEM;
}

/* --- Gemma --- */

static int find_gemma(const char *normal, struct chat *c)
{
	if (find_turn(normal, "'<start_of_turn>'+role+'\\n'+", "+'<end_of_turn>\\n'", &c->trims)) {
		c->system = SYSTEM_NONE;
	} else if (strstr(normal, "('<start_of_turn>'+role+'\\n'+(first_user_prefixifloop.firstelse''))") &&
		   find_turn(normal, "{%ifmessage.contentisstring%}", "{%", &c->trims) && strstr(normal, "'<end_of_turn>\\n'{%endfor%}") &&
		   strstr(normal, "{%setfirst_user_prefix=messages[0].content+'\\n\\n'%}")) {
		c->system = SYSTEM_FIRST_USER;
	} else {
		return -ENOTSUP;
	}
	if (!strstr(normal, "{%setrole='model'%}"))
		return -ENOTSUP;
	c->shape = CHAT_GEMMA;
	c->name = "Gemma";
	c->end = "<end_of_turn>";
	c->head = "<start_of_turn>";
	c->middle = "\n";
	c->tail = "<end_of_turn>\n";
	c->assistant = "model";
	c->has_bos = has_bos(normal);
	c->trims_answer = c->trims;
	return find_generation(normal, "<start_of_turn>model\\n", c);
}

/* --- <|user|>, <|assistant|>: Phi-3, Zephyr, TinyLlama --- */

/* One of the ways in which such templates write a turn, and what is then between role and text, and behind the text. */
static const struct roles {
	const char *middle, *tail;    /* as they are put out */
	const char *source_middle, *source_tail;
	bool ends_by_eos;
	const char *name, *end;
} roles[] = {
	{"|>\n", "<|end|>\n", "|>\\n", "+'<|end|>\\n'", false, "Phi-3", "<|end|>"},
	{"|>", "<|end|>", "|>", "+'<|end|>'", false, "Phi-4 mini", "<|end|>"},
	{"|>\n", "\n", "|>\\n", "+eos_token+'\\n'", true, "Zephyr", NULL},
};

/* The same for every role, or each by itself. */
static bool find_role_turns(const char *normal, const struct roles *o, struct chat *c)
{
	static const char *const names[] = {"user", "assistant", "system"};
	AUTO_FREE char *any = str_printf("'<|'+message.role+'%s'+", o->source_middle);
	size_t found = 0;

	c->system = SYSTEM_TURN;
	if (any && find_turn(normal, any, o->source_tail, &c->trims))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		AUTO_FREE char *one = str_printf("'<|%s%s'+", names[i], o->source_middle);
		bool trims = false;

		if (!one || !find_turn(normal, one, o->source_tail, &trims))
			break;
		if (i > 0 && trims != c->trims)
			return false;
		c->trims = trims;
		found++;
	}
	c->system = found == 3 ? SYSTEM_TURN : SYSTEM_NONE;
	return found >= 2;
}

static int find_roles(const char *normal, struct chat *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++) {
		AUTO_FREE char *begin = str_printf("<|assistant%s", roles[i].source_middle);

		if (!find_role_turns(normal, &roles[i], c))
			continue;
		c->shape = CHAT_ROLES;
		c->name = roles[i].name;
		c->end = roles[i].end;
		c->head = "<|";
		c->middle = roles[i].middle;
		c->tail = roles[i].tail;
		c->ends_by_eos = roles[i].ends_by_eos;
		c->assistant = "assistant";
		c->has_bos = has_bos(normal);
		c->trims_answer = c->trims;
		return begin ? find_generation(normal, begin, c) : -ENOMEM;
	}
	return -ENOTSUP;
}

int chat_shape_find(const char *normal, struct chat *c)
{
	static int (*const finders[])(const char *normal, struct chat *c) = {find_chatml, find_llama3, find_llama2,
									      find_mistral, find_gemma,  find_roles};

	for (size_t i = 0; i < ARRAY_SIZE(finders); i++) {
		int r = finders[i](normal, c);

		if (r != -ENOTSUP)
			return r;
		free(c->system_default);
		free(c->system_head);
		free(c->day);
		free(c->generation);
		*c = (struct chat){0};
	}
	return -ENOTSUP;
}

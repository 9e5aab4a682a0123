// SPDX-License-Identifier: Apache-2.0
/* What the expressions of a chat template do with values: each either exactly what Jinja does, or VALUE_UNKNOWN. */
#include "chat_read_int.h"

#include <ctype.h>
#include <string.h>

/* --- conditions --- */

enum truth value_truth(struct walk *w, const struct value *v)
{
	const struct piece *message = value_one_message(v);

	switch (v->kind) {
	case VALUE_UNDEFINED:
	case VALUE_NONE:
		return TRUTH_NO;
	case VALUE_BOOL:
	case VALUE_NUMBER:
	case VALUE_EITHER:
		return v->nr ? TRUTH_YES : TRUTH_NO;
	case VALUE_WORDS:
		return v->pieces.nr ? TRUTH_YES : TRUTH_NO;
	case VALUE_MESSAGES:
		return v->nr < w->messages ? TRUTH_YES : TRUTH_NO;
	case VALUE_MESSAGE:
	case VALUE_LOOP:
	case VALUE_SPACE:
		return TRUTH_YES;
	case VALUE_THOUGHTS:
		return TRUTH_THOUGHTS;
	case VALUE_TEXT:
		for (size_t i = 0; i < v->pieces.nr && walk_spend(w, 1); i++)
			if (v->pieces.p[i].kind == PIECE_TEXT || v->pieces.p[i].kind == PIECE_DAY)
				return TRUTH_YES;
		if (v->pieces.nr == 0)
			return TRUTH_NO;
		if (!message || message->how & (HOW_ANSWER | HOW_LINES | HOW_LINES_THEN | HOW_INK))
			return TRUTH_UNKNOWN;
		(message->how ? w->form->needs_ink : w->form->needs_text)[message->role] = true;
		return TRUTH_YES;
	default:
		return TRUTH_UNKNOWN;
	}
}

static struct value value_either(bool truth)
{
	return (struct value){.kind = VALUE_EITHER, .nr = truth};
}

struct value value_not(struct walk *w, const struct value *v)
{
	enum truth t = value_truth(w, v);

	return t == TRUTH_NO || t == TRUTH_YES ? value_bool(t == TRUTH_NO) : value_unknown();
}

struct value value_and(struct walk *w, const struct value *a, const struct value *b)
{
	enum truth left = value_truth(w, a), right;

	if (left == TRUTH_NO)
		return *a;
	if (left == TRUTH_YES)
		return *b;
	right = value_truth(w, b);
	return right == TRUTH_NO ? value_either(false) : right == TRUTH_YES && left == TRUTH_THOUGHTS ? *a : value_unknown();
}

struct value value_or(struct walk *w, const struct value *a, const struct value *b)
{
	enum truth left = value_truth(w, a), right;

	if (left == TRUTH_YES)
		return *a;
	if (left == TRUTH_NO)
		return *b;
	right = value_truth(w, b);
	return right == TRUTH_YES ? value_either(true) : right == TRUTH_NO && left == TRUTH_THOUGHTS ? *a : value_unknown();
}

/* The conversation is one in which a message does not have this text, or does not begin with it; chat_format() sees to it. */
static struct value assume_absent(struct walk *w, const struct piece *message, const char *text, bool begins)
{
	struct chat_form *f = w->form;
	size_t i = 0;

	while (i < f->nr_absent && (f->absent[i].role != message->role || f->absent[i].begins != begins || strcmp(f->absent[i].text, text) != 0))
		i++;
	if (i == ABSENT_MAX || message->how & ~(unsigned)(HOW_LEFT | HOW_RIGHT))
		return value_unknown();
	f->absent[i] = (struct absent){message->role, text, begins};
	f->nr_absent += i == f->nr_absent;
	return value_bool(false);
}

static bool is_simple(const struct value *v)
{
	return v->kind == VALUE_NONE || v->kind == VALUE_UNDEFINED || v->kind == VALUE_BOOL || v->kind == VALUE_NUMBER;
}

struct value value_equal(struct walk *w, const struct value *a, const struct value *b, bool not)
{
	const char *x = value_plain(a), *y = value_plain(b);

	if (x && y)
		return value_bool((strcmp(x, y) == 0) != not);
	if (y && !*y && value_truth(w, a) == TRUTH_YES && a->kind == VALUE_TEXT)
		return value_bool(not);
	if (is_simple(a) && is_simple(b) && (a->kind == b->kind || a->kind < VALUE_BOOL || b->kind < VALUE_BOOL))
		return value_bool((a->kind == b->kind && a->nr == b->nr) != not);
	if ((is_simple(a) && b->kind == VALUE_TEXT) || (is_simple(b) && a->kind == VALUE_TEXT))
		return value_bool(not);
	return value_unknown();
}

struct value value_in(struct walk *w, const struct value *what, const struct value *where)
{
	const char *x = value_plain(what), *y = value_plain(where);
	const struct piece *message = value_one_message(where);

	if (!x)
		return value_unknown();
	if (where->kind == VALUE_MESSAGE)
		return value_bool(!strcmp(x, "role") || !strcmp(x, "content"));
	if (where->kind == VALUE_WORDS) {
		for (size_t i = 0; i < where->pieces.nr; i++)
			if (!strcmp(where->pieces.p[i].text, x))
				return value_bool(true);
		return value_bool(false);
	}
	if (y)
		return value_bool(strstr(y, x) != NULL);
	if (message && !strcmp(x, "</think>") && !(message->how & HOW_ANSWER))
		return (struct value){.kind = VALUE_THOUGHTS, .pieces = where->pieces};
	return message && *x ? assume_absent(w, message, x, false) : value_unknown();
}

/* "is NAME" */
struct value value_is(const struct value *v, const char *name)
{
	enum value_kind k = v->kind;
	bool list = k == VALUE_MESSAGES || k == VALUE_WORDS, simple = k == VALUE_NONE || k == VALUE_BOOL || k == VALUE_NUMBER;

	if (k == VALUE_UNKNOWN || k == VALUE_EITHER || k == VALUE_SPLIT || k == VALUE_RAISE || k == VALUE_THOUGHTS)
		return value_unknown();
	if (!strcmp(name, "defined") || !strcmp(name, "undefined"))
		return value_bool((k != VALUE_UNDEFINED) == (name[0] == 'd'));
	if (!strcmp(name, "none"))
		return value_bool(k == VALUE_NONE);
	if (!strcmp(name, "string"))
		return value_bool(k == VALUE_TEXT);
	if (!strcmp(name, "iterable") || !strcmp(name, "sequence"))
		return simple || k == VALUE_TEXT || list || k == VALUE_MESSAGE ? value_bool(!simple) : value_unknown();
	if (!strcmp(name, "mapping"))
		return value_bool(k == VALUE_MESSAGE);
	if (!strcmp(name, "true") || !strcmp(name, "false"))
		return value_bool(v->kind == VALUE_BOOL && v->nr == (name[0] == 't'));
	return value_unknown();
}

/* --- members --- */

static struct value message_member(struct walk *w, long i, const char *name)
{
	static const char *const roles[] = {[CHAT_SYSTEM] = "system", [CHAT_USER] = "user", [CHAT_ASSISTANT] = "assistant"};
	enum chat_role role = walk_role(w, i);

	if (!strcmp(name, "role"))
		return value_string(w, roles[role], strlen(roles[role]));
	if (!strcmp(name, "content"))
		return value_text_of(w, (struct piece){.kind = PIECE_MESSAGE, .role = role, .nr = (uint32_t)(i - (i > 0 && w->has_system))});
	return (struct value){.kind = VALUE_UNDEFINED};
}

static struct value loop_member(const struct walk *w, const char *name)
{
	if (!strcmp(name, "first") || !strcmp(name, "last"))
		return value_bool(w->loop_index == (name[0] == 'f' ? 0 : w->loop_length - 1));
	if (!strcmp(name, "index0"))
		return value_number(w->loop_index);
	if (!strcmp(name, "index"))
		return value_number(w->loop_index + 1);
	if (!strcmp(name, "length"))
		return value_number(w->loop_length);
	return value_unknown();
}

struct value value_member(struct walk *w, const struct value *v, const char *name)
{
	if (v->kind == VALUE_MESSAGE)
		return message_member(w, v->nr, name);
	if (v->kind == VALUE_LOOP)
		return loop_member(w, name);
	if (v->kind == VALUE_SPACE) {
		AUTO_FREE char *whole = str_printf("%s.%s", v->name, name);

		return whole ? variable_value(w, whole, strlen(whole)) : value_unknown();
	}
	return v->kind == VALUE_TEXT ? (struct value){.kind = VALUE_UNDEFINED} : value_unknown();
}

static struct value with_how(struct walk *w, const struct piece *message, unsigned how)
{
	struct piece p = *message;

	p.how |= how;
	return value_text_of(w, p);
}

/* lstrip('\n'): of an answer behind its thoughts, and inside of a condition that asks for them, only there. */
static struct value strip_lines(struct walk *w, const struct value *v)
{
	const struct piece *message = value_one_message(v);

	if (!message)
		return value_unknown();
	if (message->how & HOW_LEFT)
		return *v;
	if (!w->thoughts)
		return with_how(w, message, HOW_LINES);
	return message->how & HOW_ANSWER ? with_how(w, message, HOW_LINES_THEN) : value_unknown();
}

static struct value value_starts(struct walk *w, const struct value *v, const char *with)
{
	const struct piece *message = value_one_message(v);
	const char *plain = value_plain(v);

	if (plain)
		return value_bool(!strncmp(plain, with, strlen(with)));
	return message && *with ? assume_absent(w, message, with, true) : value_unknown();
}

static struct value to_case(struct walk *w, const struct value *v, int (*first)(int), int (*rest)(int))
{
	const char *plain = value_plain(v);
	char *copy = plain && *plain ? memory_get(&w->memory, strlen(plain) + 1) : NULL;

	if (!copy)
		return plain && !*plain ? *v : value_unknown();
	for (size_t i = 0; plain[i]; i++) {
		if ((unsigned char)plain[i] >= 0x80)
			return value_unknown();
		if (first != rest && i && !isalpha((unsigned char)plain[i - 1]) && isalpha((unsigned char)plain[i]))
			return value_unknown(); /* the filter and the method make two things of "it's" */
		copy[i] = (char)(i == 0 ? first : rest)((unsigned char)plain[i]);
	}
	return value_text_of(w, (struct piece){.kind = PIECE_TEXT, .text = copy});
}

struct value value_apply(struct walk *w, const struct value *v, const char *name, const struct value *argument)
{
	const char *plain = argument ? value_plain(argument) : NULL;

	if (!argument && (!strcmp(name, "trim") || !strcmp(name, "strip")))
		return value_strip(w, v, true, true);
	if (!argument && !strcmp(name, "lstrip"))
		return value_strip(w, v, true, false);
	if (!argument && !strcmp(name, "rstrip"))
		return value_strip(w, v, false, true);
	if (plain && !strcmp(name, "lstrip") && !strcmp(plain, "\n"))
		return strip_lines(w, v);
	if (plain && !strcmp(name, "split") && !strcmp(plain, "</think>") && value_one_message(v) && !value_one_message(v)->how)
		return (struct value){.kind = VALUE_SPLIT, .pieces = v->pieces};
	if (!argument && !strcmp(name, "last") && v->kind == VALUE_SPLIT)
		return with_how(w, v->pieces.p, HOW_ANSWER);
	if (argument && !strcmp(name, "default") && v->kind != VALUE_UNKNOWN && v->kind != VALUE_EITHER && v->kind != VALUE_RAISE)
		return v->kind == VALUE_UNDEFINED ? *argument : *v;
	if (plain && !strcmp(name, "startswith"))
		return value_starts(w, v, plain);
	if (plain && !strcmp(name, "get") && v->kind == VALUE_MESSAGE) {
		struct value found = message_member(w, v->nr, plain);

		return found.kind == VALUE_UNDEFINED ? (struct value){.kind = VALUE_NONE} : found;
	}
	if (!argument && !strcmp(name, "length") && v->kind == VALUE_MESSAGES)
		return value_number(w->messages > v->nr ? w->messages - v->nr : 0);
	if (!argument && !strcmp(name, "title"))
		return to_case(w, v, toupper, tolower);
	if (!argument && !strcmp(name, "upper"))
		return to_case(w, v, toupper, toupper);
	if (!argument && !strcmp(name, "lower"))
		return to_case(w, v, tolower, tolower);
	return !argument && !strcmp(name, "string") && v->kind == VALUE_TEXT ? *v : value_unknown();
}

struct value value_element(struct walk *w, const struct value *v, long i)
{
	long from = i < 0 ? -1 - i : i, nr = (i < 0) == v->backwards ? v->nr + from : w->messages - 1 - from;

	if (v->kind == VALUE_SPLIT && i == -1)
		return with_how(w, v->pieces.p, HOW_ANSWER);
	if (v->kind != VALUE_MESSAGES)
		return value_unknown();
	if (nr < v->nr || nr >= w->messages)
		return (struct value){.kind = VALUE_UNDEFINED};
	return (struct value){.kind = VALUE_MESSAGE, .nr = nr};
}

/* Of formats those that are days, and need no language. */
struct value value_day(struct walk *w, const struct value *format)
{
	const char *plain = value_plain(format);

	for (const char *c = plain; c && *c; c++)
		if (*c == '%' && (!*++c || !strchr("dbBYm", *c)))
			return value_unknown();
	return plain && *plain ? value_text_of(w, (struct piece){.kind = PIECE_DAY, .text = plain}) : value_unknown();
}

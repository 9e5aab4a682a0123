// SPDX-License-Identifier: Apache-2.0
/*
 * The expressions of chat templates that are understood: strings, sums, comparisons, and, or, not, a if b else c; members of messages;
 * and of methods, filters and tests those few that templates shape a prompt with. Everything else has the value VALUE_UNKNOWN.
 * [Jinja 3.1, "Template Designer Documentation": operators, in the order of their strength]
 */
#include "chat_read_int.h"

#include <ctype.h>
#include <string.h>

#define DEPTH_MAX 32

struct parser {
	struct walk *w;
	const char *at, *end;
	unsigned depth;
	bool failed; /* it is no expression, or one in a spelling that is not known */
};

static struct value take_choice(struct parser *p);

/* --- words and signs --- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void skip_blanks(struct parser *p)
{
	while (p->at < p->end && isspace((unsigned char)*p->at))
		p->at++;
}

static bool is_next(struct parser *p, const char *sign)
{
	skip_blanks(p);
	return (size_t)(p->end - p->at) >= strlen(sign) && !strncmp(p->at, sign, strlen(sign));
}

static bool take(struct parser *p, const char *sign)
{
	if (!is_next(p, sign))
		return false;
	p->at += strlen(sign);
	return true;
}

static bool take_word(struct parser *p, const char *word)
{
	const char *behind = p->at;

	if (!is_next(p, word))
		return false;
	behind = p->at + strlen(word);
	if (behind < p->end && is_word(*behind))
		return false;
	p->at = behind;
	return true;
}

static void need(struct parser *p, const char *sign)
{
	if (!take(p, sign))
		p->failed = true;
}

/* A name, of at most 63 characters. */
static bool take_name(struct parser *p, char name[64])
{
	size_t len = 0;

	skip_blanks(p);
	while (p->at + len < p->end && is_word(p->at[len]))
		len++;
	if (len == 0 || len > 63 || isdigit((unsigned char)*p->at))
		return false;
	memcpy(name, p->at, len);
	name[len] = '\0';
	p->at += len;
	return true;
}

/* Behind the bracket that closes what is open. */
static void skip_brackets(struct parser *p)
{
	unsigned open = 1;

	for (; p->at < p->end; p->at++) {
		if (*p->at == '\'' || *p->at == '"') {
			char quote = *p->at++;

			while (p->at < p->end && *p->at != quote)
				p->at += *p->at == '\\' && p->at + 1 < p->end ? 2 : 1;
			if (p->at >= p->end)
				break;
		} else if (strchr("([{", *p->at)) {
			open++;
		} else if (strchr(")]}", *p->at) && --open == 0) {
			p->at++;
			return;
		}
	}
	p->at = p->end;
	p->failed = true;
}

/* --- strings and numbers --- */

/* At a quote. An escape that no template was seen with is none that is known. */
static struct value take_string(struct parser *p)
{
	AUTO_BUF text = {0};

	while (is_next(p, "'") || is_next(p, "\"")) { /* strings side by side are one */
		char quote = *p->at++;

		for (; p->at < p->end && *p->at != quote; p->at++) {
			if (*p->at != '\\') {
				buf_addc(&text, *p->at);
				continue;
			}
			if (++p->at == p->end || !strchr("nt\\'\"", *p->at))
				p->failed = true;
			else
				buf_addc(&text, *p->at == 'n' ? '\n' : *p->at == 't' ? '\t' : *p->at);
			if (p->failed)
				return value_unknown();
		}
		if (p->at == p->end)
			p->failed = true;
		else
			p->at++;
	}
	return text.failed ? value_unknown() : value_string(p->w, text.data ? text.data : "", text.len);
}

/* Larger ones could tell long conversations from those that a template is followed through. */
#define NUMBER_MAX 3

static struct value take_number(struct parser *p)
{
	long n = 0;

	for (; p->at < p->end && isdigit((unsigned char)*p->at); p->at++)
		n = n > NUMBER_MAX ? n : 10 * n + (*p->at - '0');
	return n > NUMBER_MAX ? value_unknown() : value_number(n);
}

/* The rest of a list of strings, the first of which is known; end: what closes it. */
static struct value take_words(struct parser *p, struct value first, const char *end)
{
	struct value words = {.kind = VALUE_WORDS};
	struct piece *all = memory_get(&p->w->memory, 16 * sizeof(*all));
	bool known = all != NULL;

	for (struct value v = first;; v = take_choice(p)) {
		const char *plain = value_plain(&v);

		known = known && plain && words.pieces.nr < 16;
		if (known)
			all[words.pieces.nr++] = (struct piece){.kind = PIECE_TEXT, .text = plain};
		if (!take(p, ",") || is_next(p, end))
			break;
		if (p->failed)
			break;
	}
	need(p, end);
	words.pieces.p = all;
	return known ? words : value_unknown();
}

/* --- members, methods, filters --- */

/* (...), if it is there: false. More than one argument is none that is known. */
static bool take_argument(struct parser *p, struct value *out, bool *has, bool *known)
{
	*has = false;
	*known = true;
	if (!take(p, "("))
		return false;
	if (take(p, ")"))
		return true;
	*has = true;
	*out = take_choice(p);
	if (!take(p, ")")) {
		*known = false;
		skip_brackets(p);
	}
	return true;
}

static struct value take_method(struct parser *p, const struct value *v, bool is_filter)
{
	struct value argument = {0};
	bool has, known, called;
	char name[64];

	if (!take_name(p, name)) {
		p->failed = true;
		return value_unknown();
	}
	called = take_argument(p, &argument, &has, &known);
	if (!called && !is_filter)
		return value_member(p->w, v, name);
	return known ? value_apply(p->w, v, name, has ? &argument : NULL) : value_unknown();
}

/* Behind '[': "0]", "-1]", "1:]", "::-1]", "'name']". */
static struct value take_brackets(struct parser *p, const struct value *v)
{
	struct value out = *v, at;
	const char *plain;

	if (take(p, ":")) {
		if (v->kind == VALUE_MESSAGES && take(p, ":") && take(p, "-") && take(p, "1") && take(p, "]")) {
			out.backwards = !v->backwards;
			return out;
		}
		skip_brackets(p);
		return value_unknown();
	}
	at = take_choice(p);
	plain = value_plain(&at);
	if (take(p, "]")) {
		if (plain)
			return value_member(p->w, v, plain);
		return at.kind == VALUE_NUMBER ? value_element(p->w, v, at.nr) : value_unknown();
	}
	if (take(p, ":") && take(p, "]") && v->kind == VALUE_MESSAGES && !v->backwards && at.kind == VALUE_NUMBER && at.nr >= 0) {
		out.nr += at.nr;
		return out;
	}
	if (p->at > p->end || p->at[-1] != ']')
		skip_brackets(p);
	return value_unknown();
}

/* --- what an expression is made of --- */

static struct value call(struct parser *p, const char *name)
{
	struct value argument = {0};
	bool has, known;

	(void)take_argument(p, &argument, &has, &known); /* the caller has seen the bracket */
	if (!strcmp(name, "raise_exception"))
		return (struct value){.kind = VALUE_RAISE};
	return has && known && !strcmp(name, "strftime_now") ? value_day(p->w, &argument) : value_unknown();
}

static struct value take_named(struct parser *p)
{
	char name[64];

	if (!take_name(p, name)) {
		p->failed = true;
		return value_unknown();
	}
	if (!strcmp(name + 1, "rue") && strchr("tT", *name))
		return value_bool(true);
	if (!strcmp(name + 1, "alse") && strchr("fF", *name))
		return value_bool(false);
	if (!strcmp(name + 1, "one") && strchr("nN", *name))
		return (struct value){.kind = VALUE_NONE};
	if (is_next(p, "("))
		return call(p, name);
	return variable_value(p->w, name, strlen(name));
}

static struct value take_primary(struct parser *p)
{
	struct value v;

	if (is_next(p, "'") || is_next(p, "\""))
		return take_string(p);
	if (p->at < p->end && isdigit((unsigned char)*p->at))
		return take_number(p);
	if (take(p, "(")) {
		v = take_choice(p);
		if (is_next(p, ",")) /* a tuple */
			return take_words(p, v, ")");
		need(p, ")");
		return v;
	}
	if (take(p, "["))
		return take(p, "]") ? (struct value){.kind = VALUE_WORDS} : take_words(p, take_choice(p), "]");
	if (take(p, "{")) {
		skip_brackets(p);
		return value_unknown();
	}
	return take_named(p);
}

static struct value take_test(struct parser *p, const struct value *v)
{
	bool not = take_word(p, "not");
	struct value is;
	char name[64];

	if (!take_name(p, name)) {
		p->failed = true;
		return value_unknown();
	}
	is = value_is(v, name);
	return not ? value_not(p->w, &is) : is;
}

static struct value take_postfix(struct parser *p)
{
	bool minus = take(p, "-");
	struct value v = take_primary(p);

	while (!p->failed) {
		if (take(p, "."))
			v = take_method(p, &v, false);
		else if (take(p, "["))
			v = take_brackets(p, &v);
		else if (take(p, "|"))
			v = take_method(p, &v, true);
		else if (take_word(p, "is"))
			v = take_test(p, &v);
		else if (take(p, "(")) {
			skip_brackets(p);
			v = value_unknown();
		} else {
			break;
		}
	}
	if (!minus)
		return v;
	return v.kind == VALUE_NUMBER ? value_number(-v.nr) : value_unknown();
}

static struct value take_product(struct parser *p)
{
	struct value v = take_postfix(p);

	while (!p->failed && (is_next(p, "%") || is_next(p, "*") || is_next(p, "/"))) {
		bool modulo = *p->at++ == '%';
		struct value by = take_postfix(p);

		if (modulo && v.kind == VALUE_NUMBER && by.kind == VALUE_NUMBER && v.nr >= 0 && by.nr > 0)
			v = value_number(v.nr % by.nr);
		else
			v = value_unknown();
	}
	return v;
}

static struct value take_sum(struct parser *p)
{
	struct value v = take_product(p);

	while (!p->failed && (is_next(p, "+") || is_next(p, "-") || is_next(p, "~"))) {
		char sign = *p->at++;
		struct value more = take_product(p);

		if (sign == '-' && more.kind == VALUE_NUMBER)
			more.nr = -more.nr;
		v = (sign == '-' && more.kind != VALUE_NUMBER) || (sign == '~' && v.kind != VALUE_TEXT) ? value_unknown() : value_add(p->w, &v, &more);
	}
	return v;
}

static struct value take_order(const struct value *a, const struct value *b, bool greater, bool equal)
{
	if (a->kind != VALUE_NUMBER || b->kind != VALUE_NUMBER)
		return value_unknown();
	return value_bool((equal && a->nr == b->nr) || (greater ? a->nr > b->nr : a->nr < b->nr));
}

static bool is_compared(struct parser *p)
{
	struct parser look = *p;

	return is_next(p, "==") || is_next(p, "!=") || is_next(p, "<") || is_next(p, ">") || take_word(&look, "in") || take_word(&look, "not");
}

/* a == b == c would be a == b and b == c; it is none that is known. */
static struct value take_comparison(struct parser *p)
{
	struct value v = take_sum(p), other, is;

	if (p->failed)
		return v;
	if (take(p, "==") || take(p, "!=")) {
		bool not = p->at[-2] == '!';

		other = take_sum(p);
		v = value_equal(p->w, &v, &other, not);
	} else if (is_next(p, "<") || is_next(p, ">")) {
		bool greater = *p->at++ == '>', equal = p->at < p->end && *p->at == '=' && p->at++;

		other = take_sum(p);
		v = take_order(&v, &other, greater, equal);
	} else if (take_word(p, "in")) {
		other = take_sum(p);
		v = value_in(p->w, &v, &other);
	} else if (take_word(p, "not")) {
		if (!take_word(p, "in"))
			p->failed = true;
		other = take_sum(p);
		is = value_in(p->w, &v, &other);
		v = value_not(p->w, &is);
	} else {
		return v;
	}
	p->failed = p->failed || is_compared(p);
	return v;
}

static struct value take_not(struct parser *p)
{
	unsigned nots = 0;
	struct value v;

	while (take_word(p, "not"))
		nots++;
	v = take_comparison(p);
	for (; nots; nots--)
		v = value_not(p->w, &v);
	return v;
}

static struct value take_and(struct parser *p)
{
	struct value v = take_not(p);

	while (!p->failed && take_word(p, "and")) {
		struct value more = take_not(p);

		v = value_and(p->w, &v, &more);
	}
	return v;
}

static struct value take_or(struct parser *p)
{
	struct value v = take_and(p);

	while (!p->failed && take_word(p, "or")) {
		struct value more = take_and(p);

		v = value_or(p->w, &v, &more);
	}
	return v;
}

/* a if b else c */
static struct value take_choice(struct parser *p)
{
	struct value v = value_unknown(), condition, other;
	enum truth t;

	if (p->failed || ++p->depth > DEPTH_MAX) {
		p->failed = true;
		return v;
	}
	v = take_or(p);
	if (take_word(p, "if")) {
		condition = take_or(p);
		other = take_word(p, "else") ? take_choice(p) : (struct value){.kind = VALUE_UNDEFINED};
		t = value_truth(p->w, &condition);
		v = t == TRUTH_YES ? v : t == TRUTH_NO ? other : value_unknown();
	}
	p->depth--;
	return v;
}

struct value expression_value(struct walk *w, const char *text, const char *end)
{
	struct parser p = {.w = w, .at = text, .end = end};
	struct value v = walk_spend(w, (size_t)(end - text)) ? take_choice(&p) : value_unknown();

	skip_blanks(&p);
	return p.failed || p.at != end ? value_unknown() : v;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A Jinja template in one spelling, so that it can be compared. Nothing is evaluated: this is a lexer with one state, the kind of
 * thing written last, which decides whether a '+' joins it to the next.
 */
#include <hffs/chat.h>

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SOURCE_MAX (1u << 20)

struct lexer {
	const char *at;  /* what is left */
	const char *begin;
	struct buf *out;
	bool is_open;    /* an output was written last, and the next one is joined to it */
	bool trims;      /* the tag before ended with '-': blanks that follow are gone */
	bool ends_line;  /* it was no output: a line's end right behind it is gone */
};

/* --- strings --- */

/* 'a'+'b' is 'ab': a string that would follow the '+' of another goes on with it. */
static void begin_string(struct buf *out)
{
	if (out->len >= 2 && !memcmp(out->data + out->len - 2, "'+", 2))
		out->data[out->len -= 2] = '\0';
	else
		buf_addc(out, '\'');
}

static void add_char(struct buf *out, char c)
{
	if (c == '\n')
		buf_adds(out, "\\n");
	else if (c == '\'')
		buf_adds(out, "\\'");
	else
		buf_addc(out, c);
}

static void add_text(struct lexer *l, const char *text, size_t len)
{
	if (len == 0)
		return;
	if (l->is_open)
		buf_addc(l->out, '+');
	begin_string(l->out);
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\\')
			buf_addc(l->out, '\\');
		add_char(l->out, text[i]);
	}
	buf_addc(l->out, '\'');
	l->is_open = true;
}

/* A string of an expression, its quote at *text: behind it, or NULL. An escape stays as it is, but one of a quote. */
static const char *copy_string(const char *text, const char *end, struct buf *out)
{
	char quote = *text++;

	begin_string(out);
	for (; text < end && *text != quote; text++) {
		if (*text == '\\' && text + 1 < end) {
			text++;
			if (*text != '"' && *text != '\'')
				buf_addc(out, '\\');
			if (*text == '"' || *text == '\'')
				add_char(out, *text);
			else
				buf_addc(out, *text);
			continue;
		}
		add_char(out, *text);
	}
	buf_addc(out, '\'');
	return text < end ? text + 1 : NULL;
}

/* --- expressions --- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* ['name'] behind what can have members: its length, and the name. */
static size_t member_len(const char *text, const char *end, const char **name, size_t *len)
{
	const char *p = text + 1, *close;
	char quote;

	while (p < end && *p == ' ')
		p++;
	if (p == end || (*p != '\'' && *p != '"'))
		return 0;
	quote = *p++;
	*name = p;
	while (p < end && is_word(*p))
		p++;
	*len = (size_t)(p - *name);
	if (*len == 0 || p == end || *p != quote)
		return 0;
	for (close = p + 1; close < end && *close == ' '; close++)
		;
	return close < end && *close == ']' ? (size_t)(close + 1 - text) : 0;
}

static bool can_have_members(const struct buf *out, size_t start)
{
	char last = out->len > start ? out->data[out->len - 1] : '\0';

	return is_word(last) || last == ']' || last == ')';
}

/* [text, end) without blanks; -EBADMSG: a string has no end. */
static int copy_expression(const char *text, const char *end, struct buf *out)
{
	size_t start = out->len;

	while (text < end) {
		const char *name;
		size_t len, skip;

		if (*text == '\'' || *text == '"') {
			text = copy_string(text, end, out);
			if (!text)
				return -EBADMSG;
		} else if (*text == '[' && can_have_members(out, start) && (skip = member_len(text, end, &name, &len))) {
			buf_addc(out, '.');
			buf_add(out, name, len);
			text += skip;
		} else {
			if (!isspace((unsigned char)*text))
				buf_addc(out, *text);
			text++;
		}
	}
	return 0;
}

/* Does "a if b else c" stand in it? Joined to its neighbours it would read as something else. */
static bool has_if(const char *text, const char *end)
{
	char quote = '\0';

	for (const char *p = text; p + 3 < end; p++) {
		if (quote)
			quote = *p == quote && p[-1] != '\\' ? '\0' : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		else if (isspace((unsigned char)p[0]) && p[1] == 'i' && p[2] == 'f' && !is_word(p[3]))
			return true;
	}
	return false;
}

/* --- tags --- */

/* The end of a tag, where its "}}" or "%}" stands outside of strings; NULL. */
static const char *find_end(const char *text, char kind)
{
	char quote = '\0';

	for (; *text; text++) {
		if (quote) {
			if (*text == '\\' && text[1])
				text++;
			else if (*text == quote)
				quote = '\0';
		} else if (*text == '\'' || *text == '"') {
			quote = *text;
		} else if (*text == kind && text[1] == '}') {
			return text;
		}
	}
	return NULL;
}

static int copy_tag(struct lexer *l, const char *text, const char *end, bool is_output)
{
	bool wrap = is_output && has_if(text, end);
	int r;

	if (is_output && l->is_open)
		buf_addc(l->out, '+');
	buf_adds(l->out, is_output ? wrap ? "(" : "" : "{%");
	r = copy_expression(text, end, l->out);
	buf_adds(l->out, is_output ? wrap ? ")" : "" : "%}");
	l->is_open = is_output;
	return r;
}

/* At "{{", "{%" or "{#". */
static int take_tag(struct lexer *l)
{
	char kind = l->at[1];
	const char *text = l->at + 2, *end = kind == '#' ? strstr(text, "#}") : find_end(text, kind == '{' ? '}' : '%');
	int r = 0;

	if (!end)
		return -EBADMSG;
	l->at = end + 2;
	text += *text == '-' || *text == '+';
	l->trims = end > text && end[-1] == '-';
	l->ends_line = kind != '{' && !(end > text && end[-1] == '+');
	if (end > text && (end[-1] == '-' || end[-1] == '+'))
		end--;
	if (kind != '#')
		r = copy_tag(l, text, end, kind == '{');
	return r;
}

static const char *next_tag(const char *text)
{
	for (; *text; text++)
		if (*text == '{' && (text[1] == '{' || text[1] == '%' || text[1] == '#'))
			return text;
	return text;
}

/* Blanks before a tag that is no output are gone when nothing else is before it on its line. */
static const char *strip_line(const struct lexer *l, const char *text, const char *end)
{
	const char *p = end;

	while (p > text && (p[-1] == ' ' || p[-1] == '\t'))
		p--;
	return (p > text ? p[-1] == '\n' : p == l->begin) ? p : end;
}

/* Text up to the next tag, which decides with the one before what of its blanks counts. */
static void take_text(struct lexer *l)
{
	const char *text = l->at, *tag = next_tag(text), *end = tag;

	l->at = tag;
	if (*tag && tag[2] == '-')
		while (end > text && isspace((unsigned char)end[-1]))
			end--;
	else if (*tag && tag[1] != '{' && tag[2] != '+')
		end = strip_line(l, text, end);
	else if (!*tag && end > text && end[-1] == '\n')
		end--; /* the last line's end is none of the text */
	if (l->trims)
		while (text < end && isspace((unsigned char)*text))
			text++;
	else if (l->ends_line && text < end && *text == '\n')
		text++;
	l->trims = l->ends_line = false;
	add_text(l, text, (size_t)(end - text));
}

int chat_source_normalise(const char *source, struct buf *out, struct err *err)
{
	struct lexer l = {.at = source, .begin = source, .out = out};
	int r = 0;

	if (strlen(source) > SOURCE_MAX)
		return err_set(err, -EBADMSG, "the chat template is larger than %u bytes", SOURCE_MAX);
	while (*l.at && r == 0) {
		take_text(&l);
		if (*l.at)
			r = take_tag(&l);
	}
	if (r < 0)
		return err_set(err, r, "the chat template has a tag or a string without an end");
	return out->failed ? err_set(err, -ENOMEM, "out of memory") : 0;
}

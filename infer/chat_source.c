// SPDX-License-Identifier: Apache-2.0
/* A Jinja template to its tags and the texts between them. Nothing is evaluated. */
#include "chat_read_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SOURCE_MAX (1u << 20)
#define DEPTH_MAX 64

struct lexer {
	const char *at; /* what is left */
	const char *begin;
	struct segments *out;
	size_t cap;
	bool trims;     /* the tag before ended with '-': blanks that follow are gone */
	bool ends_line; /* it was no output: a line's end right behind it is gone */
	size_t open[DEPTH_MAX]; /* segments whose end is to come */
	unsigned depth;
};

static int add_segment(struct lexer *l, struct segment s)
{
	if (l->out->nr == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct segment *more = reallocarray(l->out->s, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->out->s = more;
		l->cap = cap;
	}
	l->out->s[l->out->nr++] = s;
	return 0;
}

/* --- tags --- */

static const struct tag {
	const char *word;
	enum segment_kind kind;
	enum segment_kind opened_by; /* SEGMENT_TEXT: by none */
	bool opens;
} tags[] = {
	{"if", SEGMENT_IF, SEGMENT_TEXT, true},
	{"elif", SEGMENT_ELIF, SEGMENT_IF, true},
	{"else", SEGMENT_ELSE, SEGMENT_IF, true},
	{"endif", SEGMENT_ENDIF, SEGMENT_IF, false},
	{"for", SEGMENT_FOR, SEGMENT_TEXT, true},
	{"endfor", SEGMENT_ENDFOR, SEGMENT_FOR, false},
	{"macro", SEGMENT_MACRO, SEGMENT_TEXT, true},
	{"endmacro", SEGMENT_ENDMACRO, SEGMENT_MACRO, false},
	{"set", SEGMENT_SET, SEGMENT_TEXT, false},
	{"generation", SEGMENT_MARK, SEGMENT_TEXT, false},
	{"endgeneration", SEGMENT_MARK, SEGMENT_TEXT, false},
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const struct tag *find_tag(const char *text, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
		if (strlen(tags[i].word) == len && !strncmp(tags[i].word, text, len))
			return &tags[i];
	return NULL;
}

/* Branches of one condition are one family: the last one that is open may be any of them, but nothing follows an else. */
static bool fits(enum segment_kind open, const struct tag *t)
{
	if (t->opened_by != SEGMENT_IF)
		return open == t->opened_by;
	return open == SEGMENT_IF || open == SEGMENT_ELIF || (open == SEGMENT_ELSE && t->kind == SEGMENT_ENDIF);
}

static int link_tag(struct lexer *l, const struct tag *t)
{
	size_t here = l->out->nr;

	if (t->opened_by != SEGMENT_TEXT) {
		if (!l->depth || !fits(l->out->s[l->open[l->depth - 1]].kind, t))
			return -EBADMSG;
		l->out->s[l->open[--l->depth]].next = here;
	}
	if (t->opens && l->depth == DEPTH_MAX)
		return -EBADMSG;
	if (t->opens)
		l->open[l->depth++] = here;
	return 0;
}

static int add_tag(struct lexer *l, const char *text, const char *end, bool is_output)
{
	struct segment s = {.kind = is_output ? SEGMENT_OUTPUT : SEGMENT_OTHER};
	const struct tag *t;
	const char *word;
	int r = 0;

	while (text < end && isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	for (word = text; !is_output && word < end && is_word(*word);)
		word++;
	t = find_tag(text, (size_t)(word - text));
	if (t) {
		s.kind = t->kind;
		r = link_tag(l, t);
		for (text = word; text < end && isspace((unsigned char)*text);)
			text++;
	} else if (word - text == 3 && !strncmp(text, "raw", 3)) {
		r = -EBADMSG; /* what is in it is no tag, which no template was seen to need */
	}
	s.text = text;
	s.end = end;
	return r < 0 ? r : add_segment(l, s);
}

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

/* At "{{", "{%" or "{#". */
static int take_tag(struct lexer *l)
{
	char kind = l->at[1];
	const char *text = l->at + 2, *end = kind == '#' ? strstr(text, "#}") : find_end(text, kind == '{' ? '}' : '%');

	if (!end)
		return -EBADMSG;
	l->at = end + 2;
	text += *text == '-' || *text == '+';
	l->trims = end > text && end[-1] == '-';
	l->ends_line = kind != '{' && !(end > text && end[-1] == '+');
	if (end > text && (end[-1] == '-' || end[-1] == '+'))
		end--;
	return kind == '#' ? 0 : add_tag(l, text, end, kind == '{');
}

/* --- texts --- */

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
	const char *line = end;

	while (line > text && line[-1] != '\n')
		line--;
	if (line == text && line != l->begin)
		return end;
	return blanks_cut(line, (size_t)(end - line)) ? end : line;
}

/* Text up to the next tag, which decides with the one before what of its blanks counts. */
static int take_text(struct lexer *l)
{
	const char *text = l->at, *tag = next_tag(text), *end = tag;

	l->at = tag;
	if (*tag && tag[2] == '-')
		end = text + blanks_cut(text, (size_t)(end - text));
	else if (*tag && tag[1] != '{' && tag[2] != '+')
		end = strip_line(l, text, end);
	else if (!*tag && end > text && end[-1] == '\n')
		end--; /* the last line's end is none of the text */
	if (l->trims)
		text = blanks_skip(text, (size_t)(end - text));
	else if (l->ends_line && text < end && *text == '\n')
		text++;
	l->trims = l->ends_line = false;
	return text < end ? add_segment(l, (struct segment){.kind = SEGMENT_TEXT, .text = text, .end = end}) : 0;
}

int segments_read(const char *source, struct segments *out, struct err *err)
{
	struct lexer l = {.at = source, .begin = source, .out = out};
	int r = 0;

	if (strlen(source) > SOURCE_MAX)
		return err_set(err, -EBADMSG, "the chat template is larger than %u bytes", SOURCE_MAX);
	while (*l.at && r == 0) {
		r = take_text(&l);
		if (r == 0 && *l.at)
			r = take_tag(&l);
	}
	if (r == 0 && l.depth)
		r = -EBADMSG;
	return r == -EBADMSG ? err_set(err, r, "the chat template has a tag, a string, or a block of tags without an end") : r;
}

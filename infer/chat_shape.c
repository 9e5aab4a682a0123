// SPDX-License-Identifier: Apache-2.0
/*
 * What a template puts around texts, found by following it through conversations of one, three, five, seven and 31 texts, with a system
 * message and without. It has a form if the same stands around every text but the first and the last, whatever the length; longer
 * conversations are then like these. Numbers above NUMBER_MAX (chat_expr.c) are not known, so that a template would have to add up ten
 * of them to tell another one.
 */
#include "chat_read_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define TEXTS_MAX 31
static const uint32_t lengths[] = {1, 3, 5, 7, TEXTS_MAX};

/* What is before, between and behind the texts of one conversation. */
struct parts {
	struct pieces part[TEXTS_MAX + 1];
	unsigned how[TEXTS_MAX]; /* of a text: enum piece_how */
	bool has_system; /* it is put out somewhere */
};

/* Cuts what was put out at the texts: each must be there once, in order. */
static bool cut(const struct pieces *out, uint32_t texts, struct parts *to)
{
	uint32_t nr = 0;

	to->part[0] = (struct pieces){out->p, 0};
	for (size_t i = 0; i < out->nr; i++) {
		const struct piece *p = &out->p[i];

		if (p->kind != PIECE_MESSAGE || p->role == CHAT_SYSTEM) {
			to->has_system |= p->kind == PIECE_MESSAGE;
			to->part[nr].nr++;
			continue;
		}
		if (p->nr != nr || nr == texts)
			return false;
		to->how[nr] = p->how;
		to->part[++nr] = (struct pieces){out->p + i + 1, 0};
	}
	return nr == texts;
}

/* Which text of the longest conversation stands for text i of one with so many: the first; an answer; one of the user's. */
static uint32_t like(uint32_t i)
{
	return i == 0 ? 0 : i % 2 ? 1 : 2;
}

/* Has it the form of the longest one? One text alone may have another beginning. */
static bool agrees(const struct parts *a, uint32_t texts, const struct parts *longest)
{
	bool same = pieces_equal(&a->part[texts], &longest->part[TEXTS_MAX]);

	for (uint32_t i = 0; i < texts && same; i++)
		same = a->how[i] == longest->how[like(i)];
	for (uint32_t i = 0; i < texts && same && texts > 1; i++)
		same = pieces_equal(&a->part[i], &longest->part[i == texts - 1 ? TEXTS_MAX - 1 : like(i)]);
	return same;
}

static void say(struct chat *c, const struct segment *at, const char *what)
{
	char text[61] = "";
	size_t len = at ? (size_t)(at->end - at->text) : 0;

	len = len < sizeof(text) ? len : sizeof(text) - 1;
	memcpy(text, at ? at->text : "", len);
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)text[i] < ' ' || (unsigned char)text[i] > '~')
			text[i] = '?';
	snprintf(c->why, sizeof(c->why), "%s%s%s%s", what, at ? " '" : "", text, at ? "'" : "");
}

/* -ENOTSUP and c->why. */
static int follow(const struct segments *source, struct chat *c, bool system, uint32_t texts, struct parts *out)
{
	struct walk w = {.source = source, .memory = c->memory, .has_system = system, .messages = (long)texts + system, .form = &c->forms[system]};
	int r = walk_template(&w);

	c->memory = w.memory;
	if (r == -EINVAL)
		say(c, NULL, system ? "it has no place for a system message" : "it refuses conversations of user and assistant");
	else if (r == -ENOTSUP)
		say(c, w.at, "cannot follow");
	else if (r < 0)
		say(c, NULL, "it needs too much memory");
	if (r < 0)
		return -ENOTSUP;
	if (cut(&w.out, texts, out))
		return 0;
	say(c, NULL, "it does not put out every text once, in order, and unchanged");
	return -ENOTSUP;
}

static int find_form(const struct segments *source, struct chat *c, bool system)
{
	struct parts all[ARRAY_SIZE(lengths)] = {0};
	const struct parts *longest = &all[ARRAY_SIZE(lengths) - 1];
	struct chat_form *f = &c->forms[system];
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lengths) && r == 0; i++)
		r = follow(source, c, system, lengths[i], &all[i]);
	if (r < 0)
		return r;
	if (system && !longest->has_system) {
		say(c, NULL, "it has no place for a system message");
		return -ENOTSUP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(lengths) && r == 0; i++)
		r = agrees(&all[i], lengths[i], longest) ? 0 : -ENOTSUP;
	if (r < 0) {
		say(c, NULL, "what it puts around a text depends on where that stands");
		return r;
	}
	f->head_only = all[0].part[0];
	f->head = longest->part[0];
	f->to_answer = longest->part[1];
	f->to_user = longest->part[2];
	f->to_last = longest->part[TEXTS_MAX - 1];
	f->tail = longest->part[TEXTS_MAX];
	memcpy(f->how, longest->how, sizeof(f->how));
	f->works = true;
	return 0;
}

/* The special token right behind an answer: "<|im_end|>". */
static char *find_end(const struct chat_form *f)
{
	const char *text = f->to_user.nr && f->to_user.p->kind == PIECE_TEXT ? f->to_user.p->text : "", *end;

	text += strspn(text, " \n");
	end = *text == '<' ? strpbrk(text, "> \n") : NULL;
	return end && *end == '>' ? strndup(text, (size_t)(end + 1 - text)) : NULL;
}

/* One is enough; c->why is then what keeps the other from working. */
static int find_forms(const struct segments *source, struct chat *c)
{
	char why[sizeof(c->why)];
	bool with = find_form(source, c, true) == 0;

	memcpy(why, c->why, sizeof(why));
	if (find_form(source, c, false) < 0)
		return with ? 0 : -ENOTSUP;
	memcpy(c->why, why, sizeof(why));
	return 0;
}

/* Line ends are those of Unix, as Jinja reads a template. */
static char *unix_lines(const char *source)
{
	AUTO_BUF out = {0};

	for (; *source; source++)
		if (source[0] != '\r' || source[1] != '\n')
			buf_addc(&out, *source == '\r' ? '\n' : *source);
	return buf_take(&out);
}

int chat_shape_find(const char *source, struct chat *c, struct err *err)
{
	AUTO_FREE char *lines = unix_lines(source);
	struct segments s = {0};
	int r = lines ? segments_read(lines, &s, err) : -ENOMEM;

	if (r == 0)
		r = find_forms(&s, c);
	free(s.s);
	if (r == -ENOTSUP)
		return err_set(err, r, "the chat template of this model is not understood (%s), and templates are never run; whole texts work all the "
				       "same", c->why);
	if (r == 0)
		c->end = find_end(&c->forms[!c->forms[0].works]);
	return r;
}

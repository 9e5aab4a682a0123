// SPDX-License-Identifier: Apache-2.0
/*
 * Members of a large JSON object. cJSON takes 64 bytes and an allocation for every value, 10 to 40 times the text: hundreds of MB
 * for a header that somebody made up. So the object is cut into its members here, by quotes and brackets, and each member alone
 * goes through cJSON, which keeps its say on what is JSON. Memory stays that of the largest member.
 */
#include "members_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/utf8.h>

void members_init(struct members *m, const char *text, size_t len)
{
	*m = (struct members){.at = text, .end = text + len};
}

static void skip_space(struct members *m)
{
	while (m->at < m->end && memchr(" \t\r\n", *m->at, 4))
		m->at++;
}

/* Skips white space, then takes this byte if it comes next. */
static bool take(struct members *m, char c)
{
	skip_space(m);
	if (m->at == m->end || *m->at != c)
		return false;
	m->at++;
	return true;
}

/* A string with its quotes. JSON has no control bytes in strings. */
static bool take_string(struct members *m)
{
	if (!take(m, '"'))
		return false;
	while (m->at < m->end && *m->at != '"') {
		if ((unsigned char)*m->at < 0x20 || (*m->at == '\\' && m->at + 1 == m->end))
			return false;
		m->at += *m->at == '\\' ? 2 : 1;
	}
	return take(m, '"');
}

/* An object or array up to its last bracket. How deep it may be is json_parse()'s to say. */
static bool take_brackets(struct members *m)
{
	size_t depth = 0;

	while (m->at < m->end) {
		char c = *m->at;

		if (c == '"') {
			if (!take_string(m))
				return false;
			continue;
		}
		m->at++;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && --depth == 0)
			return true;
	}
	return false;
}

static bool take_word(struct members *m)
{
	const char *from = m->at;

	while (m->at < m->end && !memchr(",}] \t\r\n", *m->at, 7))
		m->at++;
	return m->at > from;
}

static bool take_value(struct members *m)
{
	skip_space(m);
	if (m->at == m->end)
		return false;
	return *m->at == '"' ? take_string(m) : *m->at == '{' || *m->at == '[' ? take_brackets(m) : take_word(m);
}

static bool cut(struct members *m, bool (*piece)(struct members *), struct slice *out)
{
	skip_space(m);
	out->at = m->at;
	if (!piece(m))
		return false;
	out->len = (size_t)(m->at - out->at);
	return true;
}

static int close_object(struct members *m)
{
	m->over = true;
	skip_space(m);
	return m->at == m->end ? 0 : -EBADMSG;
}

int members_next(struct members *m, struct slice *key, struct slice *value)
{
	bool first = !m->inside;

	if (m->over)
		return 0;
	if (first && !take(m, '{'))
		return -EBADMSG;
	m->inside = true;
	if (take(m, '}'))
		return close_object(m);
	if (!first && !take(m, ','))
		return -EBADMSG;
	return cut(m, take_string, key) && take(m, ':') && cut(m, take_value, value) ? 1 : -EBADMSG;
}

int slice_string(const struct slice *s, size_t max, struct json **out)
{
	AUTO(json_free) struct json *j = NULL;
	int r = json_parse(s->at, s->len, max, &j, NULL);

	if (r < 0)
		return r;
	if (!json_string(j) || !utf8_is_valid(json_string(j)))
		return -EBADMSG;
	*out = TAKE(j);
	return 0;
}

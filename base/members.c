// SPDX-License-Identifier: Apache-2.0
/*
 * Members of a large JSON object, items of a large array. cJSON takes 64 bytes and an allocation for every value, 10 to 40 times the text: hundreds of MB
 * for a header that somebody made up. So the object is cut into its members here, by quotes and brackets, and each member alone
 * goes through cJSON, which keeps its say on what is JSON. Memory stays that of the largest member.
 */
#include <hffs/members.h>

#include <errno.h>
#include <string.h>

#include <hffs/utf8.h>

void members_init(struct members *m, const char *text, size_t len)
{
	*m = (struct members){.at = text, .end = text + len};
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static void skip_space(struct members *m)
{
	while (m->at < m->end && is_space(*m->at))
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

	while (m->at < m->end && *m->at != ',' && *m->at != '}' && *m->at != ']' && !is_space(*m->at))
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

static int close_all(struct members *m)
{
	m->over = true;
	skip_space(m);
	return m->at == m->end ? 0 : -EBADMSG;
}

/* Goes to the next thing between these brackets: 1, 0 behind the last one, -EBADMSG. */
static int next(struct members *m, char open, char close)
{
	bool first = !m->inside;

	if (m->over)
		return 0;
	if (first && !take(m, open))
		return -EBADMSG;
	m->inside = true;
	if (take(m, close))
		return close_all(m);
	return first || take(m, ',') ? 1 : -EBADMSG;
}

int members_next(struct members *m, struct slice *key, struct slice *value)
{
	int r = next(m, '{', '}');

	if (r <= 0)
		return r;
	return cut(m, take_string, key) && take(m, ':') && cut(m, take_value, value) ? 1 : -EBADMSG;
}

int items_next(struct members *m, struct slice *value)
{
	int r = next(m, '[', ']');

	if (r <= 0)
		return r;
	return cut(m, take_value, value) ? 1 : -EBADMSG;
}

bool slice_is(const struct slice *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->at, text, s->len);
}

/* Four hex digits at s; above 0xffff if they are none. */
static uint32_t hex4(const char *s)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint32_t c = (unsigned char)s[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (low >= 'a' && low <= 'f')
			value = value << 4 | (low - 'a' + 10);
		else
			return UINT32_MAX;
	}
	return value;
}

/* A \u escape whose digits begin at s, and its second half where it takes one. Bytes of input taken, 0 if it is malformed. */
static size_t add_unicode(const char *s, const char *end, struct buf *out)
{
	uint32_t c = end - s >= 4 ? hex4(s) : UINT32_MAX, second;
	char bytes[4];
	size_t taken = 4;

	if (c > 0xffff || (c >= 0xdc00 && c <= 0xdfff))
		return 0;
	if (c >= 0xd800 && c <= 0xdbff) {
		second = end - s >= 10 && s[4] == '\\' && s[5] == 'u' ? hex4(s + 6) : UINT32_MAX;
		if (second < 0xdc00 || second > 0xdfff)
			return 0;
		c = 0x10000 + ((c - 0xd800) << 10) + (second - 0xdc00);
		taken = 10;
	}
	buf_add(out, bytes, utf8_put(c, bytes));
	return taken;
}

/* What is behind a backslash. Bytes of input taken, 0 if it is malformed. */
static size_t add_escape(const char *s, const char *end, struct buf *out)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *at = s < end && *s ? strchr(names, *s) : NULL;
	size_t taken;

	if (at) {
		buf_addc(out, meant[at - names]);
		return 1;
	}
	taken = s < end && *s == 'u' ? add_unicode(s + 1, end, out) : 0;
	return taken ? taken + 1 : 0;
}

int slice_text(const struct slice *s, struct buf *out)
{
	const char *at = s->at + 1, *end = s->at + s->len - 1;

	if (s->len < 2 || *s->at != '"' || *end != '"')
		return -EBADMSG;
	while (at < end) {
		const char *from = at;

		while (at < end && *at != '\\' && *at != '"' && (unsigned char)*at >= 0x20)
			at++;
		if (!utf8_is_valid_n(from, (size_t)(at - from)))
			return -EBADMSG;
		buf_add(out, from, (size_t)(at - from));
		if (at < end) {
			size_t taken = *at == '\\' ? add_escape(at + 1, end, out) : 0;

			if (!taken)
				return -EBADMSG;
			at += 1 + taken;
		}
	}
	return out->failed ? -ENOMEM : 0;
}

int slice_u32(const struct slice *s, uint32_t *out)
{
	uint64_t value = 0;

	if (s->len == 0 || s->len > 10 || (s->len > 1 && *s->at == '0'))
		return -EBADMSG;
	for (size_t i = 0; i < s->len; i++) {
		if (s->at[i] < '0' || s->at[i] > '9')
			return -EBADMSG;
		value = value * 10 + (unsigned)(s->at[i] - '0');
	}
	if (value > UINT32_MAX)
		return -EBADMSG;
	*out = (uint32_t)value;
	return 0;
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

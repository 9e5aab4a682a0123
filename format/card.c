// SPDX-License-Identifier: Apache-2.0
/*
 * The text of a card, line by line: which sections are there and hold something, and the first sentence that says what was done to make the
 * model. Words, not understanding: it tells a reader where to look, and says less rather than more.
 */
#include <hffs/card.h>

#include <string.h>
#include <strings.h>

#define LEVELS 6
#define BOLD_MAX 60 /* bytes of what may be a heading in bold type */

enum { ABOUT_USE = 1, ABOUT_LIMITS = 2 };

struct line {
	const char *at;
	size_t len;
};

/* Does the line have the word, in any case? */
static bool has_word(const struct line *l, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= l->len; i++)
		if (!strncasecmp(l->at + i, word, n))
			return true;
	return false;
}

static bool has_any(const struct line *l, const char *const *words)
{
	for (; *words; words++)
		if (has_word(l, *words))
			return true;
	return false;
}

static bool next_line(const char *text, size_t len, size_t *at, struct line *out)
{
	const char *end;

	if (*at >= len)
		return false;
	end = memchr(text + *at, '\n', len - *at);
	*out = (struct line){text + *at, end ? (size_t)(end - text) - *at : len - *at};
	*at += out->len + 1;
	while (out->len && (out->at[out->len - 1] == '\r' || out->at[out->len - 1] == ' ' || out->at[out->len - 1] == '\t'))
		out->len--;
	while (out->len && (*out->at == ' ' || *out->at == '\t')) {
		out->at++;
		out->len--;
	}
	return true;
}

/* --- sections --- */

/* 1 to 6 for "# ..." to "###### ..."; 0: no heading. */
static unsigned heading_level(const struct line *l)
{
	unsigned n = 0;

	while (n < l->len && l->at[n] == '#')
		n++;
	return n && n <= LEVELS && n < l->len && (l->at[n] == ' ' || l->at[n] == '\t') ? n : 0;
}

static unsigned topics_of(const struct line *heading)
{
	static const char *const use[] = {"intended use", "intended for", "intended purpose", "direct use", "downstream use", "use case", NULL};
	static const char *const limits[] = {"limitation", "out-of-scope", "out of scope", "bias", "risk", "caveat", NULL};
	bool is_limit = has_any(heading, limits);
	bool is_use = has_any(heading, use) || (heading->len >= 4 && !strncasecmp(heading->at + heading->len - 4, "uses", 4));

	return (is_use ? ABOUT_USE : 0) | (is_limit ? ABOUT_LIMITS : 0);
}

/* "**Limitations**: it may ...": topics that the line names in bold type; *alone: it says nothing else, as a heading does. */
static unsigned bold_topics(const struct line *l, bool *alone)
{
	unsigned topics = 0;
	size_t bold = 0;

	for (const char *at = l->at, *end; (at = memmem(at, (size_t)(l->at + l->len - at), "**", 2)); at = end + 2) {
		struct line run = {.at = at + 2};

		end = memmem(run.at, (size_t)(l->at + l->len - run.at), "**", 2);
		if (!end)
			break;
		run.len = (size_t)(end - run.at);
		bold += run.len + 4;
		if (run.len <= BOLD_MAX)
			topics |= topics_of(&run);
	}
	*alone = l->len <= bold + 2; /* a colon, a blank */
	return topics;
}

/* What the Hub's template leaves behind is no text. */
static bool is_filler(const struct line *l)
{
	return !l->len || has_word(l, "[More Information Needed]");
}

/* --- the sentence --- */

static bool tells_change(const struct line *l)
{
	static const char *const words[] = {"fine-tun", "finetun", "fine tun", "quantiz", "quantis", "merge of", "merged", "distil", "lora",
					    "trained on", "trained from", "pretrained", "converted", "pruned", NULL};

	return l->len && *l->at != '|' && *l->at != '<' && *l->at != '!' && has_any(l, words);
}

/* "[text](address)": where the address ends, from the ']' on; 0: none follows. */
static size_t link_len(const char *at, size_t len)
{
	const char *end = len > 1 && at[0] == ']' && at[1] == '(' ? memchr(at, ')', len) : NULL;

	return end ? (size_t)(end - at) + 1 : 0;
}

/* Without the marks of Markdown; what does not fit is left out, by whole characters. */
static void copy_plain(const struct line *l, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < l->len && n + 1 < size; i++) {
		size_t link = link_len(l->at + i, l->len - i);

		if (link)
			i += link - 1;
		else if (!strchr("*`[]", l->at[i]) && (unsigned char)l->at[i] >= ' ' && l->at[i] != 0x7f)
			out[n++] = l->at[i];
	}
	if (n + 1 == size) {
		while (n && ((unsigned char)out[n - 1] & 0xc0) == 0x80)
			n--;
		n -= n && (unsigned char)out[n - 1] >= 0x80;
	}
	out[n] = '\0';
}

/* The sentences of a line are tried one by one: a full stop, then a blank. */
static void take_change(const struct line *l, struct card_text *out)
{
	struct line rest = *l;

	while (rest.len && !out->change[0]) {
		struct line one = rest;

		for (size_t i = 0; i + 1 < rest.len; i++)
			if (rest.at[i] == '.' && rest.at[i + 1] == ' ') {
				one.len = i + 1;
				break;
			}
		if (tells_change(&one))
			copy_plain(&one, out->change, sizeof(out->change));
		rest.at += one.len;
		rest.len -= one.len;
		for (; rest.len && *rest.at == ' '; rest.len--)
			rest.at++;
	}
}

/* --- all of it --- */

/* Inside a comment of HTML, which may be of several lines, there is no text. */
static bool skips_comment(const struct line *l, bool *inside)
{
	bool begins = !*inside && l->len >= 4 && !memcmp(l->at, "<!--", 4);

	if (!begins && !*inside)
		return false;
	*inside = !has_word(l, "-->");
	return true;
}

/* What sections the lines that follow belong to: one below another is about the same, too. */
struct place {
	unsigned topics[LEVELS + 1], level;
};

static void begin_section(struct place *p, unsigned level, unsigned topics)
{
	for (unsigned i = 1; i < level && i <= p->level; i++)
		topics |= p->topics[i];
	for (unsigned i = level; i <= LEVELS; i++)
		p->topics[i] = 0;
	p->topics[level] = topics;
	p->level = level;
}

static void read_line(struct place *p, const struct line *l, struct card_text *out)
{
	bool alone = false;
	unsigned topics = bold_topics(l, &alone);

	if (topics && alone) {
		begin_section(p, LEVELS, topics);
		return;
	}
	topics |= p->topics[p->level];
	out->has_use |= (topics & ABOUT_USE) != 0;
	out->has_limits |= (topics & ABOUT_LIMITS) != 0;
	if (!out->change[0])
		take_change(l, out);
}

void card_text_read(const char *text, size_t len, struct card_text *out)
{
	bool in_code = false, in_comment = false;
	size_t at = card_front_len(text, len);
	struct place place = {0};
	struct line l;

	*out = (struct card_text){0};
	while (next_line(text, len, &at, &l)) {
		unsigned heading = in_code || in_comment ? 0 : heading_level(&l);

		if (l.len >= 3 && !memcmp(l.at, "```", 3))
			in_code = !in_code;
		else if (heading)
			begin_section(&place, heading, topics_of(&l));
		else if (!in_code && !skips_comment(&l, &in_comment) && !is_filler(&l))
			read_line(&place, &l, out);
	}
}

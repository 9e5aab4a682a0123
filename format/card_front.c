// SPDX-License-Identifier: Apache-2.0
/*
 * Front matter to JSON, event by event (the only libyaml user). Text and JSON are bounded, and so is the depth, before libyaml or we go
 * deeper. An anchor is a range of the JSON written so far and an alias copies it: what refers to itself is not complete yet and is refused,
 * and what doubles again and again ends at the bound of the JSON. Plain scalars are those of YAML 1.2's core schema, which the Hub uses, so
 * that "no" is a language. [huggingface_hub repocard.py; js-yaml, 2026-08]
 */
#include <hffs/card.h>

#include <errno.h>
#include <string.h>
#include <yaml.h>

#define DEPTH_MAX 24
#define ANCHORS_MAX 64
#define ANCHOR_NAME_MAX 64

struct anchor {
	char name[ANCHOR_NAME_MAX];
	size_t off, len;  /* of the JSON */
	unsigned height;  /* levels below it */
	bool is_complete;
};

struct front {
	yaml_parser_t parser;
	struct buf json;
	struct anchor anchors[ANCHORS_MAX];
	unsigned nr, depth, deepest; /* depth of what is being written; the deepest since an anchor began */
	struct err *err;
};

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

/* "---" and blanks until the line ends: where the next line begins; 0: it is another line. */
static size_t mark_len(const char *text, size_t len)
{
	size_t n = 3;

	if (len < 3 || memcmp(text, "---", 3) != 0)
		return 0;
	while (n < len && (text[n] == ' ' || text[n] == '\t'))
		n++;
	if (n < len && !is_line_end(text[n]))
		return 0;
	n += n + 1 < len && text[n] == '\r' && text[n + 1] == '\n';
	return n < len ? n + 1 : n;
}

/* Where the YAML is; false: there is no front matter. */
static bool find_front(const char *text, size_t len, size_t *begin, size_t *end, size_t *next)
{
	size_t at = 0, n;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		at = 3;
	while (at < len && (text[at] == ' ' || text[at] == '\t' || is_line_end(text[at])))
		at++;
	n = mark_len(text + at, len - at);
	if (!n || at + n >= len)
		return false;
	*begin = at += n;
	while (at < len && !(n = mark_len(text + at, len - at))) {
		while (at < len && !is_line_end(text[at]))
			at++;
		at += at < len;
	}
	*end = at;
	*next = at + n;
	return at < len;
}

size_t card_front_len(const char *text, size_t len)
{
	size_t begin, end, next;

	return find_front(text, len, &begin, &end, &next) ? next : 0;
}

/* --- scalars --- */

static size_t digits(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] >= '0' && text[n] <= '9')
		n++;
	return n;
}

/* As JSON writes numbers; others of YAML's stay text. */
static bool is_number(const char *text, size_t len)
{
	size_t at = len && *text == '-', n = digits(text + at, len - at);

	if (!n || (n > 1 && text[at] == '0') || len > 40)
		return false;
	at += n;
	if (at < len && text[at] == '.') {
		n = digits(text + at + 1, len - at - 1);
		at += n ? 1 + n : 0;
		if (!n)
			return false;
	}
	if (at < len && (text[at] | 0x20) == 'e') {
		at += 1 + (at + 1 < len && (text[at + 1] == '+' || text[at + 1] == '-'));
		n = digits(text + at, len - at);
		at += n;
		if (!n || n > 2)
			return false;
	}
	return at == len;
}

/* How JSON writes the word; NULL: it is text. */
static const char *constant_of(const char *text, size_t len)
{
	static const struct {
		const char *word, *json;
	} words[] = {
		{"", "null"}, {"~", "null"}, {"null", "null"}, {"Null", "null"}, {"NULL", "null"},
		{"true", "true"}, {"True", "true"}, {"TRUE", "true"}, {"false", "false"}, {"False", "false"}, {"FALSE", "false"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].word) == len && !memcmp(words[i].word, text, len))
			return words[i].json;
	return NULL;
}

static void add_scalar(struct front *f, const yaml_event_t *e, bool is_key)
{
	const char *text = (const char *)e->data.scalar.value;
	size_t len = e->data.scalar.length;
	bool is_plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE && e->data.scalar.plain_implicit && !is_key;
	const char *constant = is_plain ? constant_of(text, len) : NULL;

	if (constant)
		buf_adds(&f->json, constant);
	else if (is_plain && is_number(text, len))
		buf_add(&f->json, text, len);
	else
		buf_add_json_n(&f->json, text, len);
}

/* --- anchors --- */

static int refuse(struct front *f, const yaml_event_t *e, int r, const char *why)
{
	return err_set(f->err, r, "line %zu of the front matter: %s", e->start_mark.line + 1, why);
}

static const yaml_char_t *anchor_of(const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_ALIAS_EVENT: return e->data.alias.anchor;
	case YAML_SCALAR_EVENT: return e->data.scalar.anchor;
	case YAML_SEQUENCE_START_EVENT: return e->data.sequence_start.anchor;
	case YAML_MAPPING_START_EVENT: return e->data.mapping_start.anchor;
	default: return NULL;
	}
}

static int begin_anchor(struct front *f, const yaml_event_t *e, struct anchor **out)
{
	const char *name = (const char *)anchor_of(e);
	struct anchor *a;

	*out = NULL;
	if (!name)
		return 0;
	if (f->nr == ANCHORS_MAX || strlen(name) >= ANCHOR_NAME_MAX)
		return refuse(f, e, -EFBIG, "there are too many anchors, or their names are too long");
	a = &f->anchors[f->nr++];
	*a = (struct anchor){.off = f->json.len};
	memcpy(a->name, name, strlen(name) + 1);
	*out = a;
	return 0;
}

static int add_alias(struct front *f, const yaml_event_t *e)
{
	const char *name = (const char *)anchor_of(e);
	const struct anchor *a = NULL;

	for (unsigned i = f->nr; i > 0 && !a; i--) /* the latest of a name counts */
		if (!strcmp(f->anchors[i - 1].name, name))
			a = &f->anchors[i - 1];
	if (!a || !a->is_complete)
		return refuse(f, e, -EBADMSG, "an alias names nothing that is complete");
	if (f->depth + a->height > DEPTH_MAX)
		return refuse(f, e, -EFBIG, "it is nested too deeply");
	if (f->deepest < f->depth + a->height)
		f->deepest = f->depth + a->height;
	if (a->len > CARD_JSON_MAX - f->json.len || buf_reserve(&f->json, a->len) < 0)
		return refuse(f, e, -EFBIG, "its aliases stand for too much");
	buf_add(&f->json, f->json.data + a->off, a->len); /* there is room: the bytes stay where they are */
	return 0;
}

/* --- values --- */

static int next_event(struct front *f, yaml_event_t *e)
{
	if (f->json.failed)
		return err_set(f->err, -ENOMEM, "out of memory");
	if (f->json.len > CARD_JSON_MAX)
		return err_set(f->err, -EFBIG, "the front matter is too large");
	if (yaml_parser_parse(&f->parser, e))
		return 0;
	if (f->parser.error == YAML_MEMORY_ERROR)
		return err_set(f->err, -ENOMEM, "out of memory");
	return err_set(f->err, -EBADMSG, "line %zu of the front matter: %s", f->parser.problem_mark.line + 1,
		       f->parser.problem ? f->parser.problem : "it is not YAML");
}

static int add_value(struct front *f, const yaml_event_t *e);

static int add_member(struct front *f, const yaml_event_t *key)
{
	yaml_event_t value;
	struct anchor *a;
	int r;

	if (key->type != YAML_SCALAR_EVENT)
		return refuse(f, key, -EBADMSG, "a key is no text");
	r = begin_anchor(f, key, &a);
	if (r < 0)
		return r;
	add_scalar(f, key, true);
	if (a) {
		a->len = f->json.len - a->off;
		a->is_complete = true;
	}
	buf_addc(&f->json, ':');
	r = next_event(f, &value);
	if (r < 0)
		return r;
	r = add_value(f, &value);
	yaml_event_delete(&value);
	return r;
}

/* The items of a sequence, or the members of a mapping, until the event that ends it. */
static int add_items(struct front *f, yaml_event_type_t end, const char brackets[2], int (*add)(struct front *f, const yaml_event_t *e))
{
	yaml_event_t e;
	int r = next_event(f, &e);

	buf_addc(&f->json, brackets[0]);
	for (bool first = true; r == 0 && e.type != end; first = false) {
		if (!first)
			buf_addc(&f->json, ',');
		r = add(f, &e);
		yaml_event_delete(&e);
		if (r == 0)
			r = next_event(f, &e);
	}
	if (r == 0)
		yaml_event_delete(&e);
	buf_addc(&f->json, brackets[1]);
	return r;
}

static int add_nested(struct front *f, const yaml_event_t *e)
{
	int r;

	if (f->depth == DEPTH_MAX)
		return refuse(f, e, -EFBIG, "it is nested too deeply");
	f->depth++;
	if (f->deepest < f->depth)
		f->deepest = f->depth;
	if (e->type == YAML_MAPPING_START_EVENT)
		r = add_items(f, YAML_MAPPING_END_EVENT, "{}", add_member);
	else
		r = add_items(f, YAML_SEQUENCE_END_EVENT, "[]", add_value);
	f->depth--;
	return r;
}

static int add_value(struct front *f, const yaml_event_t *e)
{
	unsigned deepest = f->deepest;
	struct anchor *a = NULL;
	int r;

	if (e->type == YAML_ALIAS_EVENT)
		return add_alias(f, e);
	r = begin_anchor(f, e, &a);
	if (r < 0)
		return r;
	f->deepest = f->depth;
	if (e->type == YAML_SCALAR_EVENT)
		add_scalar(f, e, false);
	else
		r = add_nested(f, e);
	if (a) {
		a->len = f->json.len - a->off;
		a->height = f->deepest - f->depth;
		a->is_complete = true;
	}
	if (f->deepest < deepest)
		f->deepest = deepest;
	return r;
}

/* --- the document --- */

/* The next event, which must be of this type. */
static int expect(struct front *f, yaml_event_type_t type)
{
	yaml_event_t e;
	int r = next_event(f, &e);

	if (r < 0)
		return r;
	if (e.type != type)
		r = refuse(f, &e, -EBADMSG, "there is more than one document");
	yaml_event_delete(&e);
	return r;
}

static bool is_nothing(const yaml_event_t *e)
{
	return e->type == YAML_STREAM_END_EVENT || (e->type == YAML_SCALAR_EVENT && e->data.scalar.length == 0);
}

static int add_root(struct front *f, const yaml_event_t *e)
{
	if (is_nothing(e)) {
		buf_adds(&f->json, "{}");
		return 0;
	}
	return e->type == YAML_MAPPING_START_EVENT ? add_value(f, e) : refuse(f, e, -EBADMSG, "it is no mapping of keys to values");
}

static int add_document(struct front *f)
{
	yaml_event_t e;
	int r = expect(f, YAML_STREAM_START_EVENT);

	if (r == 0)
		r = next_event(f, &e);
	if (r < 0)
		return r;
	if (e.type == YAML_DOCUMENT_START_EVENT) {
		yaml_event_delete(&e);
		r = next_event(f, &e);
		if (r < 0)
			return r;
	}
	r = add_root(f, &e);
	if (r == 0 && e.type != YAML_STREAM_END_EVENT)
		r = expect(f, YAML_DOCUMENT_END_EVENT);
	if (r == 0 && e.type != YAML_STREAM_END_EVENT)
		r = expect(f, YAML_STREAM_END_EVENT);
	yaml_event_delete(&e);
	return r;
}

int card_front_json(const char *text, size_t len, struct buf *out, struct err *err)
{
	AUTO_FREE struct front *f = NULL;
	size_t begin, end, next;
	int r;

	if (!find_front(text, len, &begin, &end, &next))
		return err_set(err, -ENOENT, "the card has no front matter");
	if (end - begin > CARD_FRONT_MAX)
		return err_set(err, -EFBIG, "the front matter has %zu bytes; at most %u are read", end - begin, CARD_FRONT_MAX);
	f = calloc(1, sizeof(*f));
	if (!f || !yaml_parser_initialize(&f->parser))
		return err_set(err, -ENOMEM, "out of memory");
	f->err = err;
	yaml_parser_set_encoding(&f->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&f->parser, (const unsigned char *)text + begin, end - begin);
	r = add_document(f);
	yaml_parser_delete(&f->parser);
	if (r == 0 && f->json.len > CARD_JSON_MAX)
		r = err_set(err, -EFBIG, "the front matter is too large");
	if (r == 0)
		buf_add(out, f->json.data, f->json.len);
	if (r == 0 && (f->json.failed || out->failed))
		r = err_set(err, -ENOMEM, "out of memory");
	buf_done(&f->json);
	return r;
}

// SPDX-License-Identifier: Apache-2.0
/* Normalizer, pre-tokenizer, decoder and post-processor of tokenizer.json: JSON to steps. */
#include <errno.h>
#include <string.h>

#include "tokenizer_json_int.h"

static const char *type_of(const struct json *j)
{
	const char *type = json_get_string(j, "type");

	return type ? type : "";
}

static bool is_type(const struct json *j, const char *type)
{
	return !strcmp(type_of(j), type);
}

static int unknown(const char *what, const struct json *j, struct err *err)
{
	return err_set(err, -ENOTSUP, "tokenizer.json: %s '%.80s' is not known here", what, type_of(j));
}

static int malformed(const char *what, const struct json *j, struct err *err)
{
	return err_set(err, -EBADMSG, "tokenizer.json: %s '%.80s' is malformed", what, type_of(j));
}

static int too_many(const char *what, struct err *err)
{
	return err_set(err, -ENOTSUP, "tokenizer.json has more than %d %s in a row", STEPS_MAX, what);
}

/* Each of a list; -EBADMSG if it is none. */
static int read_each(struct tokenizer *t, const struct json *list, int (*read)(struct tokenizer *t, const struct json *j, struct err *err),
		     struct err *err)
{
	int r = 0;

	if (!json_is_array(list))
		return err_set(err, -EBADMSG, "tokenizer.json: a sequence has no list");
	for (const struct json *j = json_first(list); j && r == 0; j = json_next(j))
		r = read(t, j, err);
	return r;
}

static int copy_string(struct text *out, const struct json *j, const char *key)
{
	const char *s = json_get_string(j, key);

	return !s || !utf8_is_valid(s) ? -EBADMSG : text_copy(out, s, strlen(s));
}

/* A string of one character. */
static int copy_char(struct text *out, const struct json *j, const char *key)
{
	const char *s = json_get_string(j, key);
	size_t taken;

	if (!s || !*s || !utf8_is_valid(s))
		return -EBADMSG;
	(void)utf8_get(s, &taken);
	return s[taken] ? -EBADMSG : text_copy(out, s, taken);
}

/* {"String": ...} or {"Regex": ...} */
static int read_pattern(const struct json *j, struct text *literal, struct pattern **pattern, struct err *err)
{
	const char *regex = json_get_string(j, "Regex"), *string = json_get_string(j, "String");

	if (regex)
		return pattern_new(regex, strlen(regex), pattern, err);
	if (!string || !*string)
		return -EBADMSG;
	return copy_string(literal, j, "String");
}

/* --- normalizers --- */

static struct normalizer *add_normalizer(struct tokenizer *t, enum normalizer_type type)
{
	struct normalizer *n = t->nr_normalizers < STEPS_MAX ? &t->normalizers[t->nr_normalizers++] : NULL;

	if (n)
		n->type = type;
	return n;
}

static int add_plain(struct tokenizer *t, enum normalizer_type type, enum normal_form form, struct err *err)
{
	struct normalizer *n = add_normalizer(t, type);

	if (!n)
		return too_many("normalizers", err);
	n->form = form;
	return 0;
}

static int add_bert(struct tokenizer *t, const struct json *j, struct err *err)
{
	bool lower = json_get_bool(j, "lowercase", true);
	int r = 0;

	if (json_get_bool(j, "clean_text", true))
		r = add_plain(t, NORMALIZE_CLEAN, 0, err);
	if (r == 0 && json_get_bool(j, "handle_chinese_chars", true))
		r = add_plain(t, NORMALIZE_IDEOGRAPHS, 0, err);
	if (r == 0 && json_get_bool(j, "strip_accents", lower)) {
		r = add_plain(t, NORMALIZE_FORM, NORMAL_NFD, err);
		if (r == 0)
			r = add_plain(t, NORMALIZE_NO_NONSPACING, 0, err);
	}
	return r == 0 && lower ? add_plain(t, NORMALIZE_LOWER, 0, err) : r;
}

static int add_replace(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct normalizer *n = add_normalizer(t, NORMALIZE_REPLACE);
	int r;

	if (!n)
		return too_many("normalizers", err);
	r = read_pattern(json_get(j, "pattern"), &n->from, &n->pattern, err);
	if (r == 0)
		r = copy_string(&n->to, j, "content");
	return r == -EBADMSG ? malformed("the normalizer", j, err) : r;
}

static int add_strip(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct normalizer *n = add_normalizer(t, NORMALIZE_STRIP);

	if (!n)
		return too_many("normalizers", err);
	n->left = json_get_bool(j, "strip_left", true);
	n->right = json_get_bool(j, "strip_right", true);
	return 0;
}

static int add_prepend(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct normalizer *n = add_normalizer(t, NORMALIZE_PREPEND);

	if (!n)
		return too_many("normalizers", err);
	return copy_string(&n->to, j, "prepend") == -EBADMSG ? malformed("the normalizer", j, err) : n->to.at ? 0 : -ENOMEM;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static int decode_base64(const char *text, struct buf *out)
{
	uint32_t bits = 0;
	unsigned nr = 0;

	for (; *text && *text != '='; text++) {
		int digit = base64_digit(*text);

		if (digit < 0)
			return -EBADMSG;
		bits = bits << 6 | (uint32_t)digit;
		if (++nr % 4 != 1)
			buf_addc(out, (char)(bits >> (2 * (3 - (nr - 1) % 4))));
	}
	return nr % 4 == 1 || strspn(text, "=") != strlen(text) ? -EBADMSG : out->failed ? -ENOMEM : 0;
}

static int add_charsmap(struct tokenizer *t, const struct json *j, struct err *err)
{
	const char *base64 = json_get_string(j, "precompiled_charsmap");
	struct normalizer *n = add_normalizer(t, NORMALIZE_CHARSMAP);
	AUTO_BUF bytes = {0};
	int r;

	if (!n)
		return too_many("normalizers", err);
	r = base64 ? decode_base64(base64, &bytes) : -EBADMSG;
	if (r == 0)
		r = charsmap_parse(bytes.data, bytes.len, &n->map);
	if (r < 0)
		t->nr_normalizers--;
	return r == -EBADMSG ? malformed("the normalizer", j, err) : r;
}

int tokenizer_read_normalizer(struct tokenizer *t, const struct json *j, struct err *err)
{
	static const struct {
		const char *name;
		enum normalizer_type type;
		enum normal_form form;
	} plain[] = {{"NFC", NORMALIZE_FORM, NORMAL_NFC},       {"NFD", NORMALIZE_FORM, NORMAL_NFD},
		     {"NFKC", NORMALIZE_FORM, NORMAL_NFKC},     {"NFKD", NORMALIZE_FORM, NORMAL_NFKD},
		     {"Lowercase", NORMALIZE_LOWER, 0},         {"StripAccents", NORMALIZE_NO_MARKS, 0},
		     {"Nmt", NORMALIZE_NMT, 0},                 {"ByteLevel", NORMALIZE_BYTES, 0}};

	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		if (is_type(j, plain[i].name))
			return add_plain(t, plain[i].type, plain[i].form, err);
	if (is_type(j, "Sequence"))
		return read_each(t, json_get(j, "normalizers"), tokenizer_read_normalizer, err);
	if (is_type(j, "BertNormalizer"))
		return add_bert(t, j, err);
	if (is_type(j, "Replace"))
		return add_replace(t, j, err);
	if (is_type(j, "Strip"))
		return add_strip(t, j, err);
	if (is_type(j, "Prepend"))
		return add_prepend(t, j, err);
	if (is_type(j, "Precompiled"))
		return add_charsmap(t, j, err);
	return unknown("the normalizer", j, err);
}

/* --- pre-tokenizers --- */

struct splitter *tokenizer_add_splitter(struct tokenizer *t, enum splitter_type type, enum behavior behavior)
{
	struct splitter *s = t->nr_splitters < STEPS_MAX ? &t->splitters[t->nr_splitters++] : NULL;

	if (s) {
		s->type = type;
		s->behavior = behavior;
	}
	return s;
}

int tokenizer_add_pattern(struct tokenizer *t, const char *pattern, enum behavior behavior, struct err *err)
{
	struct splitter *s = tokenizer_add_splitter(t, SPLIT_PATTERN, behavior);

	return s ? pattern_new(pattern, strlen(pattern), &s->pattern, err) : too_many("pre-tokenizers", err);
}

static int add_chars(struct tokenizer *t, bool (*is)(uint32_t c), enum behavior behavior, struct err *err)
{
	struct splitter *s = tokenizer_add_splitter(t, SPLIT_CHARS, behavior);

	if (!s)
		return too_many("pre-tokenizers", err);
	s->is = is;
	return 0;
}

static int read_behavior(const struct json *j, enum behavior *out)
{
	static const char *const names[] = {[BEHAVIOR_REMOVED] = "Removed",
					    [BEHAVIOR_ISOLATED] = "Isolated",
					    [BEHAVIOR_CONTIGUOUS] = "Contiguous",
					    [BEHAVIOR_MERGED_WITH_PREVIOUS] = "MergedWithPrevious",
					    [BEHAVIOR_MERGED_WITH_NEXT] = "MergedWithNext"};
	const char *name = json_get_string(j, "behavior");

	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i], name)) {
			*out = (enum behavior)i;
			return 0;
		}
	return -EBADMSG;
}

static int add_byte_level(struct tokenizer *t, const struct json *j, struct err *err)
{
	int r = 0;

	/* Each would write the characters of the one before as bytes again. */
	for (size_t i = 0; i < t->nr_splitters; i++)
		if (t->splitters[i].type == SPLIT_BYTES)
			return err_set(err, -ENOTSUP, "tokenizer.json: the pre-tokenizer 'ByteLevel' is known once, not twice");
	if (json_get_bool(j, "add_prefix_space", true) && !tokenizer_add_splitter(t, SPLIT_PREFIX_SPACE, 0))
		return too_many("pre-tokenizers", err);
	if (json_get_bool(j, "use_regex", true))
		r = tokenizer_add_pattern(t, PATTERN_GPT2, BEHAVIOR_ISOLATED, err);
	if (r < 0)
		return r;
	return tokenizer_add_splitter(t, SPLIT_BYTES, 0) ? 0 : too_many("pre-tokenizers", err);
}

static int add_split(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct splitter *s = tokenizer_add_splitter(t, SPLIT_PATTERN, 0);
	int r;

	if (!s)
		return too_many("pre-tokenizers", err);
	r = read_pattern(json_get(j, "pattern"), &s->literal, &s->pattern, err);
	if (r == 0)
		r = read_behavior(j, &s->behavior);
	if (s->literal.at)
		s->type = SPLIT_LITERAL;
	s->invert = json_get_bool(j, "invert", false);
	return r == -EBADMSG ? malformed("the pre-tokenizer", j, err) : r;
}

/* Files of before 2023 say add_prefix_space in place of prepend_scheme. */
static int read_prepend(const struct json *j, enum prepend *out)
{
	const char *scheme = json_get_string(j, "prepend_scheme");

	*out = json_get_bool(j, "add_prefix_space", true) ? PREPEND_ALWAYS : PREPEND_NEVER;
	if (!scheme || !strcmp(scheme, "always"))
		return 0;
	*out = !strcmp(scheme, "first") ? PREPEND_FIRST : PREPEND_NEVER;
	return *out == PREPEND_FIRST || !strcmp(scheme, "never") ? 0 : -EBADMSG;
}

static int add_metaspace(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct splitter *s = tokenizer_add_splitter(t, SPLIT_METASPACE, 0), *cut = NULL;
	int r;

	if (!s)
		return too_many("pre-tokenizers", err);
	r = copy_char(&s->literal, j, "replacement");
	if (r == 0)
		r = read_prepend(j, &s->prepend);
	if (r == 0 && json_get_bool(j, "split", true)) {
		cut = tokenizer_add_splitter(t, SPLIT_LITERAL, BEHAVIOR_MERGED_WITH_NEXT);
		if (!cut)
			return too_many("pre-tokenizers", err);
		r = copy_char(&cut->literal, j, "replacement");
	}
	return r == -EBADMSG ? malformed("the pre-tokenizer", j, err) : r;
}

static int add_delimiter(struct tokenizer *t, const struct json *j, struct err *err)
{
	struct splitter *s = tokenizer_add_splitter(t, SPLIT_LITERAL, BEHAVIOR_REMOVED);
	int r;

	if (!s)
		return too_many("pre-tokenizers", err);
	r = copy_char(&s->literal, j, "delimiter");
	return r == -EBADMSG ? malformed("the pre-tokenizer", j, err) : r;
}

static int add_punctuation(struct tokenizer *t, const struct json *j, struct err *err)
{
	enum behavior behavior = BEHAVIOR_ISOLATED;

	if (json_get(j, "behavior") && read_behavior(j, &behavior) < 0)
		return malformed("the pre-tokenizer", j, err);
	return add_chars(t, char_is_punctuation, behavior, err);
}

static int add_bert_splitter(struct tokenizer *t, struct err *err)
{
	int r = add_chars(t, char_is_space, BEHAVIOR_REMOVED, err);

	return r < 0 ? r : add_chars(t, char_is_punctuation, BEHAVIOR_ISOLATED, err);
}

int tokenizer_read_splitter(struct tokenizer *t, const struct json *j, struct err *err)
{
	if (is_type(j, "Sequence"))
		return read_each(t, json_get(j, "pretokenizers"), tokenizer_read_splitter, err);
	if (is_type(j, "ByteLevel"))
		return add_byte_level(t, j, err);
	if (is_type(j, "Split"))
		return add_split(t, j, err);
	if (is_type(j, "Metaspace"))
		return add_metaspace(t, j, err);
	if (is_type(j, "BertPreTokenizer"))
		return add_bert_splitter(t, err);
	if (is_type(j, "Whitespace"))
		return tokenizer_add_splitter(t, SPLIT_WORDS, 0) ? 0 : too_many("pre-tokenizers", err);
	if (is_type(j, "WhitespaceSplit"))
		return add_chars(t, char_is_space, BEHAVIOR_REMOVED, err);
	if (is_type(j, "Punctuation"))
		return add_punctuation(t, j, err);
	if (is_type(j, "Digits"))
		return add_chars(t, char_is_number, json_get_bool(j, "individual_digits", false) ? BEHAVIOR_ISOLATED : BEHAVIOR_CONTIGUOUS, err);
	if (is_type(j, "CharDelimiterSplit"))
		return add_delimiter(t, j, err);
	return unknown("the pre-tokenizer", j, err);
}

/* --- decoders --- */

static int fill_strip(struct decoder *d, const struct json *j)
{
	uint64_t start = 0, stop = 0;

	if (json_get_u64(j, "start", &start) < 0 || json_get_u64(j, "stop", &stop) < 0 || start > UINT32_MAX || stop > UINT32_MAX)
		return -EBADMSG;
	d->start = (uint32_t)start;
	d->stop = (uint32_t)stop;
	return copy_char(&d->literal, j, "content");
}

static int fill_replace(struct decoder *d, const struct json *j, struct err *err)
{
	const struct json *pattern = json_get(j, "pattern");
	const char *string = json_get_string(pattern, "String");
	int r;

	if (json_get_string(pattern, "Regex"))
		return err_set(err, -ENOTSUP, "tokenizer.json: the decoder 'Replace' with a regular expression is not known here");
	if (!string || !*string)
		return -EBADMSG;
	r = copy_string(&d->literal, pattern, "String");
	return r < 0 ? r : copy_string(&d->to, j, "content");
}

static int fill_suffix(struct decoder *d, const struct json *j)
{
	int r = copy_string(&d->literal, j, "suffix");

	return r == 0 && !d->literal.len ? -EBADMSG : r;
}

static int fill_decoder(struct decoder *d, const struct json *j, struct err *err)
{
	int r;

	switch (d->type) {
	case DECODE_WORDPIECE:
		d->cleanup = json_get_bool(j, "cleanup", true);
		return copy_string(&d->literal, j, "prefix");
	case DECODE_METASPACE:
		r = copy_char(&d->literal, j, "replacement");
		return r < 0 ? r : read_prepend(j, &d->prepend);
	case DECODE_SUFFIX: return fill_suffix(d, j);
	case DECODE_REPLACE: return fill_replace(d, j, err);
	case DECODE_STRIP: return fill_strip(d, j);
	default: return 0;
	}
}

struct decoder *tokenizer_add_decoder(struct tokenizer *t, enum decoder_type type)
{
	struct decoder *d = t->nr_decoders < STEPS_MAX ? &t->decoders[t->nr_decoders++] : NULL;

	if (d)
		d->type = type;
	return d;
}

int tokenizer_read_decoder(struct tokenizer *t, const struct json *j, struct err *err)
{
	static const struct {
		const char *name;
		enum decoder_type type;
	} types[] = {{"ByteLevel", DECODE_BYTES},    {"WordPiece", DECODE_WORDPIECE},        {"Metaspace", DECODE_METASPACE},
		     {"BPEDecoder", DECODE_SUFFIX},  {"Replace", DECODE_REPLACE},            {"Fuse", DECODE_FUSE},
		     {"Strip", DECODE_STRIP},        {"ByteFallback", DECODE_BYTE_FALLBACK}};
	struct decoder *d;
	int r;

	if (is_type(j, "Sequence"))
		return read_each(t, json_get(j, "decoders"), tokenizer_read_decoder, err);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (is_type(j, types[i].name)) {
			d = tokenizer_add_decoder(t, types[i].type);
			if (!d)
				return too_many("decoders", err);
			r = fill_decoder(d, j, err);
			return r == -EBADMSG ? malformed("the decoder", j, err) : r;
		}
	return unknown("the decoder", j, err);
}

/* --- post-processors --- */

/* One more token around the text, the outermost so far. */
int tokenizer_add_around(struct tokenizer *t, bool before, uint64_t id, struct err *err)
{
	size_t *nr = before ? &t->nr_before : &t->nr_after;
	uint32_t *ids = before ? t->before : t->after;

	if (id >= VOCAB_ID_MAX || !tokenizer_token(t, (uint32_t)id))
		return err_set(err, -EBADMSG, "the tokenizer puts a token with the id %llu around a text, but has none", (unsigned long long)id);
	if (*nr == AROUND_MAX)
		return err_set(err, -ENOTSUP, "the tokenizer puts more than %d tokens around a text", AROUND_MAX);
	if (before) {
		memmove(ids + 1, ids, *nr * sizeof(*ids));
		ids[0] = (uint32_t)id;
	} else {
		ids[*nr] = (uint32_t)id;
	}
	++*nr;
	return 0;
}

/* ["[SEP]", 102] */
static int add_pair(struct tokenizer *t, const struct json *pair, bool before, struct err *err)
{
	uint64_t id = 0;

	if (json_u64(json_next(json_first(pair)), &id) < 0)
		return err_set(err, -EBADMSG, "tokenizer.json: a token of its post-processor is malformed");
	return tokenizer_add_around(t, before, id, err);
}

static int add_bert_post(struct tokenizer *t, const struct json *j, struct err *err)
{
	int r = add_pair(t, json_get(j, "cls"), true, err);

	return r < 0 ? r : add_pair(t, json_get(j, "sep"), false, err);
}

static int add_special(struct tokenizer *t, const struct json *tokens, const char *name, bool before, struct err *err)
{
	const struct json *list = name ? json_get(json_get(tokens, name), "ids") : NULL;
	uint64_t ids[AROUND_MAX];
	size_t nr = 0;
	int r = 0;

	if (!json_is_array(list))
		return err_set(err, -EBADMSG, "tokenizer.json: its post-processor names a special token that it does not have");
	for (const struct json *id = json_first(list); id; id = json_next(id))
		if (nr == AROUND_MAX || json_u64(id, &ids[nr++]) < 0)
			return err_set(err, -EBADMSG, "tokenizer.json: a token of its post-processor is malformed");
	for (size_t i = 0; r == 0 && i < nr; i++)
		r = tokenizer_add_around(t, before, ids[before ? nr - 1 - i : i], err);
	return r;
}

/* Special tokens of one side of the text: from the text outwards. */
static int add_side(struct tokenizer *t, const struct json *template, const struct json *tokens, const struct json *text, bool before,
		    struct err *err)
{
	const struct json *sides[2 * AROUND_MAX];
	size_t nr = 0;
	int r = 0;

	for (const struct json *j = before ? json_first(template) : json_next(text); j && j != text; j = json_next(j)) {
		if (!json_get(j, "SpecialToken") || nr == ARRAY_SIZE(sides))
			return err_set(err, -ENOTSUP, "tokenizer.json: a template that has the text twice, or very many tokens, is not known here");
		sides[nr++] = json_get(j, "SpecialToken");
	}
	for (size_t i = 0; r == 0 && i < nr; i++)
		r = add_special(t, tokens, json_get_string(sides[before ? nr - 1 - i : i], "id"), before, err);
	return r;
}

static int add_template(struct tokenizer *t, const struct json *j, struct err *err)
{
	const struct json *template = json_get(j, "single"), *tokens = json_get(j, "special_tokens"), *text = json_first(template);
	const char *id;
	int r;

	while (text && !json_get(text, "Sequence"))
		text = json_next(text);
	id = json_get_string(json_get(text, "Sequence"), "id");
	if (!id || strcmp(id, "A"))
		return malformed("the post-processor", j, err);
	r = add_side(t, template, tokens, text, true, err);
	return r < 0 ? r : add_side(t, template, tokens, text, false, err);
}

int tokenizer_read_post(struct tokenizer *t, const struct json *j, struct err *err)
{
	if (is_type(j, "Sequence"))
		return read_each(t, json_get(j, "processors"), tokenizer_read_post, err);
	if (is_type(j, "TemplateProcessing"))
		return add_template(t, j, err);
	if (is_type(j, "BertProcessing") || is_type(j, "RobertaProcessing"))
		return add_bert_post(t, j, err);
	if (is_type(j, "ByteLevel"))
		return 0; /* it moves offsets, which nobody asks for here */
	return unknown("the post-processor", j, err);
}

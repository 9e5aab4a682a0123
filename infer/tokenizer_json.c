// SPDX-License-Identifier: Apache-2.0
/*
 * tokenizer.json to a tokenizer. The file is cut into its members; vocabulary, merges and added tokens, which are large, are read
 * item by item, everything else as small JSON. What is not known here is refused by its name.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <hffs/members.h>

#include "tokenizer_json_int.h"

#define SMALL_MAX (4u << 20) /* bytes of a part that is no vocabulary: the largest, a charsmap, has 400 kB */

/* --- model: what all have in common --- */

struct model_parts {
	struct slice type, vocab, merges, dropout, unk_token, unk_id, prefix, suffix, fuse_unk, byte_fallback, ignore_merges, chars_max;
};

static int malformed(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "tokenizer.json: %s is malformed", what);
}

static int cut_model(const struct slice *model, struct model_parts *p, struct err *err)
{
	const struct {
		const char *name;
		struct slice *to;
	} names[] = {
		{"\"type\"", &p->type},
		{"\"vocab\"", &p->vocab},
		{"\"merges\"", &p->merges},
		{"\"dropout\"", &p->dropout},
		{"\"unk_token\"", &p->unk_token},
		{"\"unk_id\"", &p->unk_id},
		{"\"continuing_subword_prefix\"", &p->prefix},
		{"\"end_of_word_suffix\"", &p->suffix},
		{"\"fuse_unk\"", &p->fuse_unk},
		{"\"byte_fallback\"", &p->byte_fallback},
		{"\"ignore_merges\"", &p->ignore_merges},
		{"\"max_input_chars_per_word\"", &p->chars_max},
	};
	struct slice key, value;
	struct members m;
	int r;

	members_init(&m, model->at, model->len);
	while ((r = members_next(&m, &key, &value)) > 0)
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (slice_is(&key, names[i].name))
				*names[i].to = value;
	return r < 0 ? malformed(err, "the model") : 0;
}

static bool is_absent(const struct slice *s)
{
	return !s->at || slice_is(s, "null");
}

/* A string that may be absent. */
static int read_text(const struct slice *s, struct text *out, struct err *err)
{
	AUTO_BUF text = {0};
	int r = is_absent(s) ? 0 : slice_text(s, &text);

	if (r == 0 && text.len)
		r = text_copy(out, text.data, text.len);
	return r == -EBADMSG ? malformed(err, "a string of the model") : r;
}

static int read_flag(const struct slice *s, bool *out, struct err *err)
{
	if (!is_absent(s) && !slice_is(s, "true") && !slice_is(s, "false"))
		return malformed(err, "a truth value of the model");
	*out = s->at && slice_is(s, "true");
	return 0;
}

/* The token that stands for unknown ones; TOKEN_NONE where the model names none. */
static int read_unk(const struct tokenizer *t, const struct slice *s, uint32_t *out, struct err *err)
{
	AUTO_BUF text = {0};
	int r = is_absent(s) ? 0 : slice_text(s, &text);

	if (r < 0)
		return r == -ENOMEM ? r : malformed(err, "unk_token");
	*out = is_absent(s) ? TOKEN_NONE : vocab_find(&t->vocab, text.len ? text.data : "", text.len);
	return 0;
}

/* An object of tokens and their ids. */
static int read_vocab(struct tokenizer *t, const struct slice *vocab, struct err *err)
{
	struct slice key, value;
	struct members m;
	int r;

	if (!vocab->at)
		return err_set(err, -EBADMSG, "tokenizer.json: its model has no vocabulary");
	members_init(&m, vocab->at, vocab->len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		size_t off = t->vocab.bytes.len;
		uint32_t id;

		r = slice_text(&key, &t->vocab.bytes);
		if (r == 0)
			r = slice_u32(&value, &id);
		if (r == 0)
			r = vocab_add(&t->vocab, off, id, err);
		if (r < 0)
			break;
	}
	return r == -EBADMSG ? malformed(err, "the vocabulary") : r;
}

/* --- BPE --- */

/* "left right", or ["left", "right"]: both texts into one buffer, the first of them with *split bytes. */
static int read_merge(const struct slice *s, struct buf *text, size_t *split)
{
	struct slice part;
	struct members m;
	const char *blank;
	int r;

	buf_clear(text);
	if (*s->at == '"') {
		r = slice_text(s, text);
		if (r < 0)
			return r;
		if (text->len >= 8 && !memcmp(text->data, "#version", 8))
			return 1;
		blank = text->len ? memchr(text->data, ' ', text->len) : NULL;
		if (!blank || memchr(blank + 1, ' ', text->len - (size_t)(blank + 1 - text->data)))
			return -EBADMSG;
		*split = (size_t)(blank - text->data);
		memmove(text->data + *split, blank + 1, text->len - *split - 1);
		text->len--;
		return 0;
	}
	members_init(&m, s->at, s->len);
	r = items_next(&m, &part) > 0 ? slice_text(&part, text) : -EBADMSG;
	*split = text->len;
	if (r == 0)
		r = items_next(&m, &part) > 0 ? slice_text(&part, text) : -EBADMSG;
	return r == 0 && items_next(&m, &part) != 0 ? -EBADMSG : r;
}

/* The right one of a pair is written with the prefix, which the token that comes of it does not have. */
static int add_merge(struct tokenizer *t, struct buf *text, size_t split, uint32_t rank, struct err *err)
{
	uint32_t left = vocab_find(&t->vocab, text->data, split);
	uint32_t right = vocab_find(&t->vocab, text->data + split, text->len - split), id;
	size_t prefix = t->bpe.prefix.len;

	if (text->len - split < prefix)
		return malformed(err, "a merge");
	memmove(text->data + split, text->data + split + prefix, text->len - split - prefix);
	id = vocab_find(&t->vocab, text->data, text->len - prefix);
	if (left == TOKEN_NONE || right == TOKEN_NONE || id == TOKEN_NONE)
		return err_set(err, -EBADMSG, "tokenizer.json: merge number %u needs a token that is not in the vocabulary", rank);
	return bpe_add_merge(&t->bpe, left, right, id);
}

static int read_merges(struct tokenizer *t, const struct slice *merges, struct err *err)
{
	AUTO_BUF text = {0};
	struct slice item;
	struct members m;
	uint32_t rank = 0;
	int r;

	if (!merges->at)
		return err_set(err, -EBADMSG, "tokenizer.json: its model has no merges");
	members_init(&m, merges->at, merges->len);
	while ((r = items_next(&m, &item)) > 0) {
		size_t split = 0;

		r = read_merge(&item, &text, &split);
		buf_add(&text, "", 0);
		if (r == 0 && text.failed)
			r = -ENOMEM;
		if (r == 0)
			r = add_merge(t, &text, split, rank++, err);
		if (r < 0)
			break;
	}
	if (r == -EFBIG)
		return err_set(err, r, "tokenizer.json: its model has too many merges");
	return r == -EBADMSG && err && !err->text[0] ? malformed(err, "the list of merges") : r;
}

static bool is_zero(const struct slice *s)
{
	return s->len && strspn(s->at, "-0.") >= s->len;
}

static int read_bpe(struct tokenizer *t, const struct model_parts *p, struct err *err)
{
	struct bpe *b = &t->bpe;
	int r;

	t->model = MODEL_BPE;
	if (!is_absent(&p->dropout) && !is_zero(&p->dropout))
		return err_set(err, -ENOTSUP, "tokenizer.json: its model has a dropout, which makes tokens a matter of chance");
	r = read_vocab(t, &p->vocab, err);
	if (r == 0)
		r = read_text(&p->prefix, &b->prefix, err);
	if (r == 0)
		r = read_text(&p->suffix, &b->suffix, err);
	if (r == 0)
		r = read_flag(&p->fuse_unk, &b->fuse_unk, err);
	if (r == 0)
		r = read_flag(&p->byte_fallback, &b->byte_fallback, err);
	if (r == 0)
		r = read_flag(&p->ignore_merges, &b->ignore_merges, err);
	if (r == 0)
		r = read_unk(t, &p->unk_token, &b->unk, err);
	if (r == 0)
		r = read_merges(t, &p->merges, err);
	byte_ids_find(&t->vocab, b->byte_ids);
	return r;
}

/* --- Unigram --- */

/*
 * A number as serde_json reads it: digits to one integer as far as they fit 64 bits, then one multiplication or division. That is
 * not always the nearest double, and which of two equal sums of scores is the larger may hang on the last bit. [serde_json de.rs,
 * parse_decimal, f64_from_parts]
 */
struct number {
	uint64_t digits;
	int64_t exponent;
	bool full; /* no more digits fit */
};

/* Takes a digit, before the point or behind it. */
static void add_digit(struct number *n, unsigned digit, bool fraction)
{
	uint64_t more;

	n->full |= __builtin_mul_overflow(n->digits, (uint64_t)10, &more) || __builtin_add_overflow(more, (uint64_t)digit, &more);
	if (n->full) {
		n->exponent += !fraction;
		return;
	}
	n->digits = more;
	n->exponent -= fraction;
}

static double power_of_ten(int64_t exponent)
{
	char text[16];

	snprintf(text, sizeof(text), "1e%d", (int)exponent);
	return strtod(text, NULL);
}

static double scale(const struct number *n)
{
	double f = (double)n->digits;
	int64_t exponent = n->exponent;

	for (; exponent < -308 && f != 0; exponent += 308)
		f /= 1e308;
	if (f == 0)
		return 0;
	if (exponent > 308)
		return INFINITY;
	return exponent >= 0 ? f * power_of_ten(exponent) : f / power_of_ten(-exponent);
}

static int read_score(const struct slice *s, double *out)
{
	const char *at = s->at, *end = s->at + s->len;
	struct number n = {0};
	bool negative = at < end && *at == '-', fraction = false;
	size_t digits = 0;

	for (at += negative; at < end && ((*at >= '0' && *at <= '9') || (*at == '.' && !fraction)); at++) {
		if (*at == '.')
			fraction = true;
		else
			add_digit(&n, (unsigned)(*at - '0'), fraction);
		digits += *at != '.';
	}
	if (at < end && digits) {
		char exponent[8] = "";

		if ((*at | 0x20) != 'e' || end - at < 2 || end - at > 6 || strspn(at + 1, "+-0123456789") < (size_t)(end - at - 1))
			return -EBADMSG;
		memcpy(exponent, at + 1, (size_t)(end - at - 1));
		n.exponent += strtol(exponent, NULL, 10);
	}
	*out = negative ? -scale(&n) : scale(&n);
	return digits && isfinite(*out) ? 0 : -EBADMSG;
}

/* ["token", score] */
static int read_piece(struct tokenizer *t, const struct slice *s, struct buf *scores, struct err *err)
{
	uint32_t id = (uint32_t)(scores->len / sizeof(double));
	size_t off = t->vocab.bytes.len;
	struct slice part;
	struct members m;
	double score;
	int r;

	members_init(&m, s->at, s->len);
	r = items_next(&m, &part) > 0 ? slice_text(&part, &t->vocab.bytes) : -EBADMSG;
	if (r == 0)
		r = items_next(&m, &part) > 0 ? read_score(&part, &score) : -EBADMSG;
	if (r == 0 && items_next(&m, &part) != 0)
		r = -EBADMSG;
	if (r == 0)
		r = vocab_add(&t->vocab, off, id, err);
	if (r < 0)
		return r;
	buf_add(scores, &score, sizeof(score));
	return scores->failed ? -ENOMEM : 0;
}

static int read_pieces(struct tokenizer *t, const struct slice *vocab, struct err *err)
{
	AUTO_BUF scores = {0};
	struct slice item;
	struct members m;
	int r;

	members_init(&m, vocab->at, vocab->len);
	while ((r = items_next(&m, &item)) > 0) {
		r = read_piece(t, &item, &scores, err);
		if (r < 0)
			break;
	}
	if (r < 0)
		return r == -EBADMSG ? malformed(err, "the vocabulary") : r;
	t->unigram.scores = (double *)(void *)buf_take(&scores);
	return t->unigram.scores ? 0 : -ENOMEM;
}

static int read_unigram(struct tokenizer *t, const struct model_parts *p, struct err *err)
{
	struct unigram *u = &t->unigram;
	int r;

	t->model = MODEL_UNIGRAM;
	if (!p->vocab.at)
		return err_set(err, -EBADMSG, "tokenizer.json: its model has no vocabulary");
	r = read_pieces(t, &p->vocab, err);
	if (r == 0)
		r = read_flag(&p->byte_fallback, &u->byte_fallback, err);
	if (r == 0 && !is_absent(&p->unk_id) && (slice_u32(&p->unk_id, &u->unk) < 0 || u->unk >= t->vocab.nr))
		r = malformed(err, "unk_id");
	return r;
}

/* --- WordPiece, WordLevel --- */

static int read_wordpiece(struct tokenizer *t, const struct model_parts *p, struct err *err)
{
	struct text prefix = {0};
	uint32_t chars_max = 100;
	int r = read_vocab(t, &p->vocab, err);

	t->model = MODEL_WORDPIECE;
	if (r == 0)
		r = read_unk(t, &p->unk_token, &t->wordpiece.unk, err);
	if (r == 0 && !is_absent(&p->chars_max) && slice_u32(&p->chars_max, &chars_max) < 0)
		r = malformed(err, "max_input_chars_per_word");
	if (r == 0)
		r = read_text(&p->prefix, &prefix, err);
	t->wordpiece.chars_max = chars_max;
	if (r == 0)
		r = wordpiece_build(t, prefix.len ? prefix.at : "", prefix.len, err);
	free(prefix.at);
	return r;
}

static int read_wordlevel(struct tokenizer *t, const struct model_parts *p, struct err *err)
{
	int r = read_vocab(t, &p->vocab, err);

	t->model = MODEL_WORDLEVEL;
	return r < 0 ? r : read_unk(t, &p->unk_token, &t->word_unk, err);
}

static int read_model(struct tokenizer *t, const struct slice *model, struct err *err)
{
	struct model_parts p = {0};
	int r;

	if (!model->at)
		return err_set(err, -EBADMSG, "tokenizer.json has no model");
	r = cut_model(model, &p, err);
	if (r < 0)
		return r;
	/* Older files do not say the type: what they have tells it. */
	if (p.type.at ? slice_is(&p.type, "\"BPE\"") : p.merges.at != NULL)
		return read_bpe(t, &p, err);
	if (p.type.at ? slice_is(&p.type, "\"Unigram\"") : p.unk_id.at != NULL)
		return read_unigram(t, &p, err);
	if (p.type.at ? slice_is(&p.type, "\"WordPiece\"") : p.chars_max.at != NULL)
		return read_wordpiece(t, &p, err);
	if (p.type.at && slice_is(&p.type, "\"WordLevel\""))
		return read_wordlevel(t, &p, err);
	return err_set(err, -ENOTSUP, "tokenizer.json: models of type %.*s are not known here", (int)min_u64(p.type.len, 80),
		       p.type.at ? p.type.at : "");
}

/* --- added tokens --- */

static int read_added_token(const struct slice *s, struct added_token *token)
{
	const struct {
		const char *name;
		bool *to;
	} flags[] = {{"\"single_word\"", &token->single_word}, {"\"lstrip\"", &token->left},   {"\"rstrip\"", &token->right},
		     {"\"normalized\"", &token->normalized},   {"\"special\"", &token->special}};
	AUTO_BUF content = {0};
	struct slice key, value;
	struct members m;
	int r;

	members_init(&m, s->at, s->len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		if (slice_is(&key, "\"content\"")) {
			r = slice_text(&value, &content);
			if (r < 0)
				return r;
		}
		for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
			if (slice_is(&key, flags[i].name))
				*flags[i].to = slice_is(&value, "true");
	}
	return r < 0 ? r : text_copy(&token->content, content.data, content.len);
}

/*
 * The id is that of the vocabulary; a token that is not in it gets the next free one, whatever the file says.
 * [tokenizer/added_vocabulary.rs, add_tokens]
 */
static int read_added(struct tokenizer *t, const struct slice *list, struct err *err)
{
	uint32_t next = (uint32_t)t->vocab.nr_texts;
	struct slice item;
	struct members m;
	int r = 0;

	if (t->model == MODEL_UNIGRAM)
		next = (uint32_t)t->vocab.nr;
	if (is_absent(list))
		return 0;
	members_init(&m, list->at, list->len);
	while (r == 0 && (r = items_next(&m, &item)) > 0) {
		struct added_token token = {0};

		r = read_added_token(&item, &token);
		if (r == 0 && token.content.len) {
			token.id = added_find_content(&t->added, token.content.at, token.content.len);
			if (token.id == TOKEN_NONE)
				token.id = vocab_find(&t->vocab, token.content.at, token.content.len);
			if (token.id == TOKEN_NONE)
				token.id = next++;
			r = added_add(&t->added, &token, err);
		}
		free(token.content.at);
	}
	return r == -EBADMSG ? malformed(err, "the list of added tokens") : r;
}

/* --- the whole --- */

struct parts {
	struct slice truncation, added, normalizer, splitter, post, decoder, model;
};

static int cut_file(const char *text, size_t len, struct parts *p, struct err *err)
{
	const struct {
		const char *name;
		struct slice *to;
	} names[] = {{"\"truncation\"", &p->truncation},   {"\"added_tokens\"", &p->added},     {"\"normalizer\"", &p->normalizer},
		     {"\"pre_tokenizer\"", &p->splitter}, {"\"post_processor\"", &p->post},    {"\"decoder\"", &p->decoder},
		     {"\"model\"", &p->model}};
	struct slice key, value;
	struct members m;
	int r;

	members_init(&m, text, len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		if (slice_is(&key, "\"version\"") && !slice_is(&value, "\"1.0\""))
			return err_set(err, -ENOTSUP, "tokenizer.json has version %.*s; 1.0 is known here", (int)min_u64(value.len, 40), value.at);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (slice_is(&key, names[i].name))
				*names[i].to = value;
	}
	return r < 0 ? err_set(err, r, "tokenizer.json is not one JSON object") : 0;
}

/* A part that is small JSON; NULL where it is absent. */
static int parse_small(const struct slice *s, const char *name, struct json **out, struct err *err)
{
	int r;

	*out = NULL;
	if (is_absent(s))
		return 0;
	if (memmem(s->at, s->len, "\\u0000", 6))
		return err_set(err, -ENOTSUP, "tokenizer.json: its %s has a NUL character", name);
	r = json_parse(s->at, s->len, SMALL_MAX, out, NULL);
	if (r == -EMSGSIZE)
		return err_set(err, -EFBIG, "tokenizer.json: its %s has more than %u MiB", name, SMALL_MAX >> 20);
	return r == -EBADMSG ? err_set(err, r, "tokenizer.json: its %s is not JSON", name) : r;
}

static int read_small(struct tokenizer *t, const struct slice *s, const char *name,
		      int (*read)(struct tokenizer *t, const struct json *j, struct err *err), struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	int r = parse_small(s, name, &j, err);

	return r < 0 || !j ? r : read(t, j, err);
}

static int read_truncation(struct tokenizer *t, const struct json *j, struct err *err)
{
	uint64_t max = 0;

	if (json_get_u64(j, "max_length", &max) < 0)
		return malformed(err, "truncation");
	t->max_tokens = (uint32_t)min_u64(max, UINT32_MAX);
	t->truncate_left = json_get_string(j, "direction") && !strcmp(json_get_string(j, "direction"), "Left");
	return 0;
}

int tokenizer_load_json(struct tokenizer *t, const char *text, size_t len, struct err *err)
{
	struct parts p = {0};
	int r = cut_file(text, len, &p, err);

	if (r == 0)
		r = read_model(t, &p.model, err);
	if (r == 0)
		r = read_small(t, &p.normalizer, "normalizer", tokenizer_read_normalizer, err);
	if (r == 0)
		r = read_small(t, &p.splitter, "pre-tokenizer", tokenizer_read_splitter, err);
	if (r == 0)
		r = read_small(t, &p.decoder, "decoder", tokenizer_read_decoder, err);
	if (r == 0)
		r = read_added(t, &p.added, err);
	if (r == 0)
		r = read_small(t, &p.post, "post-processor", tokenizer_read_post, err);
	if (r == 0)
		r = read_small(t, &p.truncation, "truncation", read_truncation, err);
	return r;
}

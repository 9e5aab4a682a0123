// SPDX-License-Identifier: Apache-2.0
/*
 * Pre-tokenizers: a text is cut into words. Each step takes a piece, cuts it, and hands every part to the step behind it before it
 * looks for the next one; the last step hands words to the model. So there is no list of parts, however long the text is.
 */
#include <errno.h>
#include <string.h>

#include "tokenizer_int.h"

/* Parts of one piece, as its matches come in, by the behavior of `tokenizers`' split(). [normalizer.rs, NormalizedString::split] */
struct cutter {
	struct encoder *e;
	size_t k; /* the step that parts go to */
	struct piece piece;
	enum behavior behavior;
	bool invert, was_match, pending;
	size_t begin, end; /* of the part that is pending: it may still grow */
};

static int emit(struct cutter *c, size_t begin, size_t end)
{
	struct piece part = {c->piece.text + begin, end - begin, c->piece.at_start && begin == 0};

	return pretokenize(c->e, c->k, part);
}

static int flush(struct cutter *c)
{
	bool pending = c->pending;

	c->pending = false;
	return pending ? emit(c, c->begin, c->end) : 0;
}

/* Begins a new part that may grow. */
static int restart(struct cutter *c, size_t begin, size_t end)
{
	int r = flush(c);

	c->pending = true;
	c->begin = begin;
	c->end = end;
	return r;
}

static int take_next_merged(struct cutter *c, size_t begin, size_t end, bool match)
{
	int r;

	if (match)
		return restart(c, begin, end);
	r = emit(c, c->pending ? c->begin : begin, end);
	c->pending = false;
	return r;
}

/* The next stretch of the piece: a match, or what is between two. */
static int take(struct cutter *c, size_t begin, size_t end, bool found)
{
	bool match = found != c->invert, was_match = c->was_match;

	c->was_match = match;
	switch (c->behavior) {
	case BEHAVIOR_REMOVED: return match ? 0 : emit(c, begin, end);
	case BEHAVIOR_ISOLATED: return emit(c, begin, end);
	case BEHAVIOR_MERGED_WITH_NEXT: return take_next_merged(c, begin, end, match);
	case BEHAVIOR_CONTIGUOUS:
		if (!c->pending || match != was_match)
			return restart(c, begin, end);
		break;
	case BEHAVIOR_MERGED_WITH_PREVIOUS:
		if (!c->pending || !match || was_match)
			return restart(c, begin, end);
		break;
	}
	c->end = end;
	return 0;
}

/* A match, and what is before it from *done on. */
static int take_match(struct cutter *c, size_t *done, size_t begin, size_t end)
{
	int r = *done < begin ? take(c, *done, begin, false) : 0;

	*done = end;
	return r < 0 ? r : take(c, begin, end, true);
}

static int finish(struct cutter *c, size_t done)
{
	int r = done < c->piece.len ? take(c, done, c->piece.len, false) : 0;

	return r < 0 ? r : flush(c);
}

static int cut_pattern(struct cutter *c, const struct pattern *p)
{
	size_t done = 0, begin, end;
	int r;

	while ((r = pattern_next(p, c->e->matcher, c->piece.text, c->piece.len, done, &begin, &end)) > 0) {
		r = take_match(c, &done, begin, end);
		if (r < 0)
			return r;
	}
	if (r == -EIO)
		return err_set(c->e->err, r, "a regular expression of the tokenizer gave up on this text");
	return r < 0 ? r : finish(c, done);
}

static int cut_literal(struct cutter *c, const struct text *literal)
{
	size_t done = 0;
	const char *at;

	while ((at = memmem(c->piece.text + done, c->piece.len - done, literal->at, literal->len))) {
		size_t begin = (size_t)(at - c->piece.text);
		int r = take_match(c, &done, begin, begin + literal->len);

		if (r < 0)
			return r;
	}
	return finish(c, done);
}

static int cut_chars(struct cutter *c, bool (*is)(uint32_t c))
{
	size_t done = 0, taken;

	for (size_t i = 0; i < c->piece.len; i += taken) {
		int r = 0;

		if (is(utf8_get(c->piece.text + i, &taken)))
			r = take_match(c, &done, i, i + taken);
		if (r < 0)
			return r;
	}
	return finish(c, done);
}

enum word_class { CLASS_SPACE, CLASS_WORD, CLASS_OTHER };

static enum word_class class_of(uint32_t c)
{
	return char_is_word(c) ? CLASS_WORD : char_is_space(c) ? CLASS_SPACE : CLASS_OTHER;
}

/* \w+|[^\w\s]+, and what is between is gone. */
static int cut_words(struct cutter *c)
{
	size_t begin = 0, taken;
	enum word_class was = CLASS_SPACE;
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->piece.len; i += taken) {
		enum word_class class = class_of(utf8_get(c->piece.text + i, &taken));

		if (class != was && was != CLASS_SPACE)
			r = emit(c, begin, i);
		if (class != was)
			begin = i;
		was = class;
	}
	return r == 0 && was != CLASS_SPACE ? emit(c, begin, c->piece.len) : r;
}

static int pass_on(struct cutter *c, struct buf *text)
{
	struct piece piece = {text->data, text->len, c->piece.at_start};

	return text->failed ? -ENOMEM : pretokenize(c->e, c->k, piece);
}

static int prefix_space(struct cutter *c, struct buf *text)
{
	if (c->piece.text[0] == ' ')
		return pretokenize(c->e, c->k, c->piece);
	buf_addc(text, ' ');
	buf_add(text, c->piece.text, c->piece.len);
	return pass_on(c, text);
}

static bool begins_with(const struct piece *p, const struct text *literal)
{
	return p->len >= literal->len && !memcmp(p->text, literal->at, literal->len);
}

static int metaspace(struct cutter *c, const struct splitter *s, struct buf *text)
{
	const struct piece *p = &c->piece;
	bool has_one = p->text[0] == ' ' || begins_with(p, &s->literal);

	if (!has_one && (s->prepend == PREPEND_ALWAYS || (s->prepend == PREPEND_FIRST && p->at_start)))
		buf_add(text, s->literal.at, s->literal.len);
	for (size_t i = 0; i < p->len;) {
		const char *blank = memchr(p->text + i, ' ', p->len - i);
		size_t end = blank ? (size_t)(blank - p->text) : p->len;

		buf_add(text, p->text + i, end - i);
		if (blank)
			buf_add(text, s->literal.at, s->literal.len);
		i = end + 1;
	}
	return pass_on(c, text);
}

static int to_bytes(struct cutter *c, struct buf *text)
{
	add_byte_chars(text, c->piece.text, c->piece.len);
	return pass_on(c, text);
}

int pretokenize(struct encoder *e, size_t k, struct piece piece)
{
	const struct splitter *s = &e->t->splitters[k];
	struct cutter c = {.e = e, .k = k + 1, .piece = piece};
	struct buf *text = &e->step[k];

	if (!piece.len)
		return 0;
	if (k == e->t->nr_splitters)
		return model_encode(e, piece.text, piece.len);
	c.behavior = s->behavior;
	c.invert = s->invert;
	buf_clear(text);
	switch (s->type) {
	case SPLIT_PATTERN: return cut_pattern(&c, s->pattern);
	case SPLIT_LITERAL: return cut_literal(&c, &s->literal);
	case SPLIT_CHARS: return cut_chars(&c, s->is);
	case SPLIT_WORDS: return cut_words(&c);
	case SPLIT_PREFIX_SPACE: return prefix_space(&c, text);
	case SPLIT_METASPACE: return metaspace(&c, s, text);
	default: return to_bytes(&c, text);
	}
}

void splitter_done(struct splitter *s)
{
	pattern_free(s->pattern);
	free(s->literal.at);
	*s = (struct splitter){0};
}

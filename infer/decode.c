// SPDX-License-Identifier: Apache-2.0
/*
 * Tokens to text. `tokenizers` sends the list of all tokens from one decoder to the next; here each token goes through all of them
 * at once, and what a decoder cannot yet know it keeps back. So a stream and a whole list are one thing, and agree.
 *
 * Behind a decoder that makes one token of all (DECODE_FUSE, DECODE_BYTES) there are no tokens any more, only parts of that one.
 */
#include <errno.h>
#include <string.h>

#include "tokenizer_int.h"

#define PIECE_MAX (16u << 20) /* bytes that one token may become: rules of a file could make it longer at each step */

struct state {
	struct buf kept; /* what waits for more */
	uint64_t nr;     /* tokens that came */
	bool fused;      /* does it get parts of one token? */
	uint64_t taken;  /* DECODE_STRIP: characters taken from the start */
	bool begun;      /* the text is behind its beginning; for DECODE_STRIP: behind what can be taken from there */
};

struct token_stream {
	const struct tokenizer *t;
	unsigned flags;
	uint64_t nr; /* tokens that were shown, or one for those of the text before */
	struct state states[STEPS_MAX];
	struct buf work[STEPS_MAX];
};

static int push(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out);

/* --- one decoder each: a token came --- */

/* The bytes that the characters stand for; a token with another one is its own bytes. */
static void add_bytes(const char *text, size_t len, struct buf *out)
{
	size_t before = out->len, taken;

	for (size_t i = 0; i < len; i += taken) {
		int byte = byte_char_get(utf8_get(text + i, &taken));

		if (byte < 0) {
			out->len = before;
			buf_add(out, text, len);
			return;
		}
		buf_addc(out, (char)byte);
	}
}

/* Hands on all of kept that is decided; at the end all of it. What is no UTF-8 becomes U+FFFD. */
static int push_lossy(struct token_stream *s, size_t k, bool end, struct buf *out)
{
	struct buf *kept = &s->states[k].kept, *text = &s->work[k];
	size_t i = 0, taken;

	buf_clear(text);
	while (i < kept->len) {
		enum utf8_found found = utf8_next(kept->data + i, kept->len - i, &taken);

		if (found == UTF8_CUT && !end)
			break;
		if (found == UTF8_CHAR)
			buf_add(text, kept->data + i, taken);
		else
			buf_adds(text, "\xef\xbf\xbd");
		i += taken;
	}
	if (i)
		memmove(kept->data, kept->data + i, kept->len - i);
	kept->len -= i;
	if (text->failed || kept->failed)
		return -ENOMEM;
	return text->len ? push(s, k + 1, text->data, text->len, out) : 0;
}

/* [decoders/wordpiece.rs, cleanup] */
static void clean_up(struct buf *text)
{
	static const char *const rules[][2] = {{" .", "."},         {" ?", "?"},     {" !", "!"},     {" ,", ","},
					       {" ' ", "'"},        {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
					       {" 's", "'s"},       {" 've", "'ve"}, {" 're", "'re"}};

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		size_t len = strlen(rules[i][0]), to_len = strlen(rules[i][1]);
		char *end = text->data + text->len, *from = text->data, *to = text->data, *at;

		while ((at = memmem(from, (size_t)(end - from), rules[i][0], len))) {
			memmove(to, from, (size_t)(at - from));
			to += at - from;
			memcpy(to, rules[i][1], to_len); /* no rule makes a text longer */
			to += to_len;
			from = at + len;
		}
		memmove(to, from, (size_t)(end - from));
		text->len = (size_t)(to + (end - from) - text->data);
	}
}

static bool begins_with(const char *text, size_t len, const struct text *literal)
{
	return len >= literal->len && !memcmp(text, literal->at, literal->len);
}

static void wordpiece(const struct decoder *d, bool first, const char *text, size_t len, struct buf *out)
{
	bool inside = !first && begins_with(text, len, &d->literal);

	if (!first && !inside)
		buf_addc(out, ' ');
	buf_add(out, inside ? text + d->literal.len : text, inside ? len - d->literal.len : len);
	if (d->cleanup && !out->failed)
		clean_up(out);
}

static void replace(const struct text *from, const char *to, size_t to_len, const char *text, size_t len, struct buf *out)
{
	const char *at, *end = text + len;

	while ((at = memmem(text, (size_t)(end - text), from->at, from->len))) {
		buf_add(out, text, (size_t)(at - text));
		buf_add(out, to, to_len);
		text = at + from->len;
		if (out->len > PIECE_MAX && to_len > from->len)
			out->failed = 1;
		if (out->failed)
			return;
	}
	buf_add(out, text, (size_t)(end - text));
}

/* The byte of <0x41>, -1 if it is none. A plus sign is a digit to Rust's from_str_radix(). */
static int fallback_byte(const char *text, size_t len)
{
	int value = 0;

	if (len != 6 || memcmp(text, "<0x", 3) || text[5] != '>')
		return -1;
	for (size_t i = 3; i < 5; i++) {
		unsigned char c = (unsigned char)text[i], low = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value * 16 + (c - '0');
		else if (low >= 'a' && low <= 'f')
			value = value * 16 + (low - 'a' + 10);
		else if (c != '+' || i != 3)
			return -1;
	}
	return value;
}

/* The end of a run of bytes: as text, or as many U+FFFD as there are bytes. */
static int end_run(struct token_stream *s, size_t k, struct buf *out)
{
	struct buf *kept = &s->states[k].kept, *text = &s->work[k];
	size_t nr = kept->len;
	int r;

	if (!nr)
		return 0;
	buf_clear(text);
	if (utf8_is_valid_n(kept->data, nr))
		buf_add(text, kept->data, nr);
	buf_clear(kept);
	if (text->failed)
		return -ENOMEM;
	if (text->len)
		return push(s, k + 1, text->data, text->len, out);
	for (r = 0; r == 0 && nr; nr--)
		r = push(s, k + 1, "\xef\xbf\xbd", 3, out);
	return r;
}

static int byte_fallback(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	int byte = fallback_byte(text, len);
	int r;

	if (byte >= 0) {
		buf_addc(&s->states[k].kept, (char)byte);
		return s->states[k].kept.failed ? -ENOMEM : 0;
	}
	r = end_run(s, k, out);
	return r < 0 ? r : push(s, k + 1, text, len, out);
}

/* Takes the literal from the start so many times, and from the end. */
static void strip(const struct decoder *d, const char **text, size_t *len)
{
	for (uint32_t i = 0; i < d->start && begins_with(*text, *len, &d->literal); i++) {
		*text += d->literal.len;
		*len -= d->literal.len;
	}
	for (uint32_t i = 0; i < d->stop && *len >= d->literal.len && !memcmp(*text + *len - d->literal.len, d->literal.at, d->literal.len); i++)
		*len -= d->literal.len;
}

static int strip_token(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	strip(&s->t->decoders[k], &text, &len);
	return push(s, k + 1, text, len, out);
}

/* The same of one token that comes in parts: those from the start are counted, those that may be the end's are kept. */
static int strip_part(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	const struct decoder *d = &s->t->decoders[k];
	struct state *state = &s->states[k];
	size_t end = len;
	int r = 0;

	for (; !state->begun && state->taken < d->start && begins_with(text, len, &d->literal); state->taken++) {
		text += d->literal.len;
		len -= d->literal.len;
	}
	state->begun |= len > 0;
	for (end = len; d->stop && end >= d->literal.len && !memcmp(text + end - d->literal.len, d->literal.at, d->literal.len);)
		end -= d->literal.len;
	if (end && state->kept.len) {
		AUTO_BUF kept = state->kept;

		state->kept = (struct buf){0};
		r = push(s, k + 1, kept.data, kept.len, out);
	}
	if (r == 0 && end)
		r = push(s, k + 1, text, end, out);
	buf_add(&state->kept, text + end, len - end);
	return r < 0 ? r : state->kept.failed ? -ENOMEM : 0;
}

static int strip_end(struct token_stream *s, size_t k, struct buf *out)
{
	const struct decoder *d = &s->t->decoders[k];
	size_t len = s->states[k].kept.len, most = d->stop * d->literal.len;

	return len > most ? push(s, k + 1, s->states[k].kept.data, len - most, out) : 0;
}

/* The suffix is a blank between words and nothing at the end of all: the last token waits for the next. */
static int suffix(struct token_stream *s, size_t k, const char *text, size_t len, bool end, struct buf *out)
{
	struct state *state = &s->states[k];
	struct buf *work = &s->work[k];
	int r = 0;

	if (state->nr) {
		buf_clear(work);
		replace(&s->t->decoders[k].literal, " ", end ? 0 : 1, state->kept.data, state->kept.len, work);
		r = work->failed ? -ENOMEM : push(s, k + 1, work->data, work->len, out);
	}
	buf_clear(&state->kept);
	buf_add(&state->kept, text, len);
	return r < 0 ? r : state->kept.failed ? -ENOMEM : 0;
}

/* Is there one that makes one token of all? */
static bool does_fuse(const struct decoder *d)
{
	return d->type == DECODE_FUSE || d->type == DECODE_BYTES;
}

static bool is_one_char(const struct text *t)
{
	size_t taken;

	(void)utf8_get(t->at, &taken);
	return taken == t->len;
}

/* Of one token in parts, a text of more than one character may lie across two of them: then all is kept until the end. */
static bool must_wait(const struct decoder *d, const struct state *state)
{
	if (!state->fused)
		return false;
	return d->type != DECODE_FUSE && d->type != DECODE_STRIP && !(d->type == DECODE_REPLACE && is_one_char(&d->literal));
}

static int transform(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	const struct decoder *d = &s->t->decoders[k];
	bool first = s->states[k].nr == 0 && !s->states[k].begun;
	struct buf *work = &s->work[k];

	buf_clear(work);
	buf_add(work, "", 0);
	if (d->type == DECODE_WORDPIECE)
		wordpiece(d, first, text, len, work);
	else if (d->type == DECODE_METASPACE)
		replace(&d->literal, " ", first && d->prepend != PREPEND_NEVER ? 0 : 1, text, len, work);
	else
		replace(&d->literal, d->to.at, d->to.len, text, len, work);
	return work->failed ? -ENOMEM : push(s, k + 1, work->data, work->len, out);
}

static int decode_one(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	const struct decoder *d = &s->t->decoders[k];
	struct state *state = &s->states[k];

	switch (d->type) {
	case DECODE_BYTES:
		add_bytes(text, len, &state->kept);
		return push_lossy(s, k, false, out);
	case DECODE_BYTE_FALLBACK: return byte_fallback(s, k, text, len, out);
	case DECODE_FUSE: return push(s, k + 1, text, len, out);
	case DECODE_STRIP: return state->fused ? strip_part(s, k, text, len, out) : strip_token(s, k, text, len, out);
	case DECODE_SUFFIX: return suffix(s, k, text, len, false, out);
	default: return transform(s, k, text, len, out);
	}
}

/* --- the chain --- */

static int push(struct token_stream *s, size_t k, const char *text, size_t len, struct buf *out)
{
	int r;

	if (k == s->t->nr_decoders) {
		buf_add(out, text, len);
		return out->failed ? -ENOMEM : 0;
	}
	if (must_wait(&s->t->decoders[k], &s->states[k])) {
		buf_add(&s->states[k].kept, text, len);
		return s->states[k].kept.failed ? -ENOMEM : 0;
	}
	r = decode_one(s, k, text, len, out);
	s->states[k].nr++;
	return r;
}

/* No more comes to decoder k. */
static int end_of(struct token_stream *s, size_t k, struct buf *out)
{
	const struct decoder *d = &s->t->decoders[k];
	struct state *state = &s->states[k];
	int r = 0;

	if (must_wait(d, state)) {
		AUTO_BUF all = state->kept;

		state->kept = (struct buf){0};
		state->fused = false;
		buf_add(&all, "", 0);
		r = all.failed ? -ENOMEM : push(s, k, all.data, all.len, out);
		if (r < 0)
			return r;
	}
	switch (d->type) {
	case DECODE_BYTES: return push_lossy(s, k, true, out);
	case DECODE_BYTE_FALLBACK: return end_run(s, k, out);
	case DECODE_STRIP: return state->fused ? strip_end(s, k, out) : 0;
	case DECODE_SUFFIX: return suffix(s, k, "", 0, true, out);
	default: return 0;
	}
}

static void stream_init(struct token_stream *s, const struct tokenizer *t, unsigned flags)
{
	bool fused = false;

	*s = (struct token_stream){.t = t, .flags = flags, .nr = flags & DETOKENIZE_INSIDE ? 1 : 0};
	for (size_t k = 0; k < t->nr_decoders; k++) {
		s->states[k].fused = fused;
		s->states[k].begun = flags & DETOKENIZE_INSIDE;
		fused |= does_fuse(&t->decoders[k]);
	}
}

static void stream_done(struct token_stream *s)
{
	for (size_t k = 0; k < STEPS_MAX; k++) {
		buf_done(&s->states[k].kept);
		buf_done(&s->work[k]);
	}
}

/* What a token is before it is decoded; NULL: there is none with this id. */
static const char *token_text(const struct tokenizer *t, uint32_t id, size_t *len)
{
	const struct added_token *added = added_find(&t->added, id);

	if (!added)
		return vocab_text(&t->vocab, id, len);
	*len = added->normal.len;
	return added->normal.at;
}

static int stream_add(struct token_stream *s, uint32_t id, struct buf *out, struct err *err)
{
	size_t len = 0;
	const char *text = token_text(s->t, id, &len);

	if (!text && s->flags & DETOKENIZE_SKIP_UNKNOWN)
		return 0;
	if (!text)
		return err_set(err, -EINVAL, "the tokenizer has no token with the id %u", id);
	if (s->flags & DETOKENIZE_SKIP_SPECIAL && added_is_special(&s->t->added, text, len))
		return 0;
	/* Without a decoder tokens stand side by side with blanks between. [tokenizer/mod.rs, decode] */
	if (!s->t->nr_decoders && s->nr)
		buf_addc(out, ' ');
	s->nr++;
	return push(s, 0, text, len, out);
}

static int stream_end(struct token_stream *s, struct buf *out)
{
	int r = 0;

	for (size_t k = 0; r == 0 && k < s->t->nr_decoders; k++)
		r = end_of(s, k, out);
	return r;
}

int token_stream_new(const struct tokenizer *t, unsigned flags, struct token_stream **out)
{
	struct token_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	stream_init(s, t, flags);
	*out = s;
	return 0;
}

int token_stream_add(struct token_stream *s, uint32_t id, struct buf *out, struct err *err)
{
	return stream_add(s, id, out, err);
}

int token_stream_end(struct token_stream *s, struct buf *out, struct err *err)
{
	(void)err; /* nothing is said of -ENOMEM */
	return stream_end(s, out);
}

void token_stream_free(struct token_stream *s)
{
	if (!s)
		return;
	stream_done(s);
	free(s);
}

int tokenizer_decode(const struct tokenizer *t, const uint32_t *ids, size_t nr, unsigned flags, struct buf *out, struct err *err)
{
	struct token_stream s;
	int r = 0;

	stream_init(&s, t, flags);
	for (size_t i = 0; r == 0 && i < nr; i++)
		r = stream_add(&s, ids[i], out, err);
	if (r == 0)
		r = stream_end(&s, out);
	stream_done(&s);
	return r;
}

/* --- one token alone --- */

/* What a decoder makes of a token with others before and behind it. fused: it gets parts of one, whose ends are not the token's. */
static void decode_inside(const struct decoder *d, bool fused, const char *text, size_t len, struct buf *out)
{
	int byte = d->type == DECODE_BYTE_FALLBACK ? fallback_byte(text, len) : -1;

	if (d->type == DECODE_STRIP && !fused)
		strip(d, &text, &len);
	if (d->type == DECODE_BYTES)
		add_bytes(text, len, out);
	else if (d->type == DECODE_WORDPIECE)
		wordpiece(d, false, text, len, out);
	else if (d->type == DECODE_METASPACE || d->type == DECODE_SUFFIX)
		replace(&d->literal, " ", 1, text, len, out);
	else if (d->type == DECODE_REPLACE)
		replace(&d->literal, d->to.at, d->to.len, text, len, out);
	else if (byte >= 0)
		buf_addc(out, (char)byte);
	else
		buf_add(out, text, len);
}

int tokenizer_token_bytes(const struct tokenizer *t, uint32_t id, struct buf *out)
{
	AUTO_BUF now = {0};
	size_t len = 0;
	const char *text = token_text(t, id, &len);
	bool fused = false;

	if (!text)
		return -EINVAL;
	if (!t->nr_decoders)
		buf_addc(&now, ' '); /* as it stands between others */
	buf_add(&now, text, len);
	for (size_t k = 0; k < t->nr_decoders && !now.failed; k++) {
		struct buf before = now;

		now = (struct buf){0};
		buf_add(&now, "", 0);
		decode_inside(&t->decoders[k], fused, before.data, before.len, &now);
		buf_done(&before);
		fused |= does_fuse(&t->decoders[k]);
	}
	buf_add(out, now.data, now.len);
	return now.failed || out->failed ? -ENOMEM : 0;
}

void decoder_done(struct decoder *d)
{
	free(d->literal.at);
	free(d->to.at);
	*d = (struct decoder){0};
}

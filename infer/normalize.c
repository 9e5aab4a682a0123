// SPDX-License-Identifier: Apache-2.0
/*
 * Normalizers, one after the other; each writes into one of two buffers what it makes of the other. Whether a piece still begins
 * with what the text began with is kept on the way: one pre-tokenizer asks for it. [normalizer.rs, NormalizedString, alignments]
 */
#include <errno.h>
#include <string.h>

#include "tokenizer_int.h"

/* --- the characters of GPT-2 --- */

/* 33 to 126, 161 to 172 and 174 to 255 are themselves, the others follow from 256 on. */
static bool is_itself(unsigned byte)
{
	return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

size_t byte_char_put(uint8_t byte, char out[2])
{
	uint32_t c = byte;

	if (!is_itself(byte))
		c = byte <= 32 ? 256u + byte : byte < 161 ? 256u + 33 + (byte - 127u) : 256u + 33 + 34;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	out[0] = (char)(0xc0 | c >> 6);
	out[1] = (char)(0x80 | (c & 0x3f));
	return 2;
}

int byte_char_get(uint32_t c)
{
	if (c < 256)
		return is_itself(c) ? (int)c : -1;
	if (c <= 256 + 32)
		return (int)c - 256;
	if (c < 256 + 33 + 34)
		return (int)c - 256 - 33 + 127;
	return c == 256 + 33 + 34 ? 173 : -1;
}

void add_byte_chars(struct buf *out, const char *text, size_t len)
{
	char bytes[2];

	for (size_t i = 0; i < len; i++)
		buf_add(out, bytes, byte_char_put((uint8_t)text[i], bytes));
}

/*
 * How long a step's result may be. No character has more than 11 times its bytes in any normal form; a file's own rules could make
 * a text longer at each step.
 */
static bool is_too_long(const struct piece *p, const struct buf *out)
{
	return out->len > (16u << 20) + 16 * (uint64_t)p->len;
}

/* --- single steps: each adds to out what it makes of the piece --- */

static void filter(struct piece *p, bool (*drop)(uint32_t c), struct buf *out)
{
	size_t taken;

	for (size_t i = 0; i < p->len; i += taken) {
		if (!drop(utf8_get(p->text + i, &taken)))
			buf_add(out, p->text + i, taken);
		else if (i == 0)
			p->at_start = false;
	}
}

static bool is_unclean(uint32_t c)
{
	return c == 0 || c == 0xfffd || (c != '\t' && c != '\n' && c != '\r' && char_is_other(c));
}

static void clean(struct piece *p, struct buf *out)
{
	size_t taken;

	for (size_t i = 0; i < p->len; i += taken) {
		uint32_t c = utf8_get(p->text + i, &taken);

		if (is_unclean(c))
			p->at_start &= i != 0;
		else if (char_is_space(c))
			buf_addc(out, ' ');
		else
			buf_add(out, p->text + i, taken);
	}
}

static void space_ideographs(const struct piece *p, struct buf *out)
{
	size_t taken;

	for (size_t i = 0; i < p->len; i += taken) {
		bool is = char_is_ideograph(utf8_get(p->text + i, &taken));

		if (is)
			buf_addc(out, ' ');
		buf_add(out, p->text + i, taken);
		if (is)
			buf_addc(out, ' ');
	}
}

/* [normalizers/unicode.rs, do_nmt] */
static bool is_nmt_dropped(uint32_t c)
{
	return (c >= 1 && c <= 8) || c == 0xb || (c >= 0xe && c <= 0x1f) || c == 0x7f || c == 0x8f || c == 0x9f;
}

static bool is_nmt_blank(uint32_t c)
{
	return c == 9 || c == 0xa || c == 0xc || c == 0xd || c == 0x1680 || (c >= 0x200b && c <= 0x200f) || c == 0x2028 || c == 0x2029 ||
	       c == 0x2581 || c == 0xfeff || c == 0xfffd;
}

static void nmt(struct piece *p, struct buf *out)
{
	size_t taken;

	for (size_t i = 0; i < p->len; i += taken) {
		uint32_t c = utf8_get(p->text + i, &taken);

		if (is_nmt_dropped(c))
			p->at_start &= i != 0;
		else if (is_nmt_blank(c))
			buf_addc(out, ' ');
		else
			buf_add(out, p->text + i, taken);
	}
}

static size_t last_char(const char *text, size_t len)
{
	size_t i = len - 1;

	while (i && ((unsigned char)text[i] & 0xc0) == 0x80)
		i--;
	return i;
}

static void strip(struct piece *p, bool left, bool right, struct buf *out)
{
	size_t begin = 0, end = p->len, taken;

	while (left && begin < end && char_is_space(utf8_get(p->text + begin, &taken)))
		begin += taken;
	while (right && end > begin) {
		size_t last = last_char(p->text, end);

		if (!char_is_space(utf8_get(p->text + last, &taken)))
			break;
		end = last;
	}
	p->at_start &= begin == 0;
	buf_add(out, p->text + begin, end - begin);
}

static void replace_one(const struct normalizer *n, struct piece *p, size_t begin, size_t end, struct buf *out)
{
	size_t taken;

	(void)utf8_get(p->text + begin, &taken);
	/* What comes in its place counts as beginning where the last character of it does. */
	if (begin == 0 && (taken < end || !n->to.len))
		p->at_start = false;
	buf_add(out, n->to.at, n->to.len);
}

static int replace_pattern(const struct normalizer *n, struct matcher *m, struct piece *p, struct buf *out)
{
	size_t done = 0, begin, end;
	int r;

	while ((r = pattern_next(n->pattern, m, p->text, p->len, done, &begin, &end)) > 0) {
		buf_add(out, p->text + done, begin - done);
		replace_one(n, p, begin, end, out);
		done = end;
		if (is_too_long(p, out))
			return -EFBIG;
	}
	buf_add(out, p->text + done, p->len - done);
	return r;
}

static int replace_literal(const struct normalizer *n, struct piece *p, struct buf *out)
{
	size_t done = 0;
	const char *at;

	while ((at = memmem(p->text + done, p->len - done, n->from.at, n->from.len))) {
		size_t begin = (size_t)(at - p->text);

		buf_add(out, p->text + done, begin - done);
		replace_one(n, p, begin, begin + n->from.len, out);
		done = begin + n->from.len;
		if (is_too_long(p, out))
			return -EFBIG;
	}
	buf_add(out, p->text + done, p->len - done);
	return 0;
}

/* --- SentencePiece's rules --- */

/* A unit of the double array. [darts-clone, DoubleArrayUnit] */
static bool unit_has_leaf(uint32_t unit)
{
	return unit >> 8 & 1;
}

static uint32_t unit_label(uint32_t unit)
{
	return unit & (1u << 31 | 0xff);
}

static uint32_t unit_offset(uint32_t unit)
{
	return unit >> 10 << ((unit & 1u << 9) >> 6);
}

int charsmap_parse(const void *bytes, size_t len, struct charsmap *out)
{
	const unsigned char *p = bytes;
	struct charsmap m = {0};
	uint32_t size;

	if (len < 4)
		return -EBADMSG;
	size = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	if (size > len - 4 || size < 4)
		return -EBADMSG;
	m.nr = size / 4;
	m.len = len - 4 - m.nr * 4;
	m.units = malloc(m.nr * sizeof(*m.units));
	m.texts = calloc(1, m.len + 1);
	if (!m.units || !m.texts || !utf8_is_valid_n((const char *)p + 4 + m.nr * 4, m.len)) {
		int r = m.units && m.texts ? -EBADMSG : -ENOMEM;

		free(m.units);
		free(m.texts);
		return r;
	}
	for (size_t i = 0; i < m.nr; i++) {
		const unsigned char *u = p + 4 + 4 * i;

		m.units[i] = (uint32_t)u[0] | (uint32_t)u[1] << 8 | (uint32_t)u[2] << 16 | (uint32_t)u[3] << 24;
	}
	memcpy(m.texts, p + 4 + m.nr * 4, m.len);
	*out = m;
	return 0;
}

/* What the shortest rule for the beginning of these bytes puts in their place, all of them; NULL: there is none. As `tokenizers`:
 * [spm_precompiled lib.rs, Precompiled::transform]. */
static const char *charsmap_find(const struct charsmap *m, const char *text, size_t len)
{
	uint32_t pos = unit_offset(m->units[0]), unit;

	for (size_t i = 0; i < len && text[i]; i++) {
		pos ^= (unsigned char)text[i];
		if (pos >= m->nr)
			return NULL;
		unit = m->units[pos];
		if (unit_label(unit) != (unsigned char)text[i])
			return NULL;
		pos ^= unit_offset(unit);
		if (pos >= m->nr)
			return NULL;
		if (unit_has_leaf(unit)) {
			uint32_t at = m->units[pos] & ((1u << 31) - 1);

			/* Inside of a character there is none; the file says so for a reason of its own. */
			return at <= m->len && ((unsigned char)m->texts[at] & 0xc0) != 0x80 ? m->texts + at : NULL;
		}
	}
	return NULL;
}

static void map_grapheme(const struct charsmap *m, const char *text, size_t len, struct buf *out)
{
	const char *to = len < 6 ? charsmap_find(m, text, len) : NULL;
	size_t taken;

	if (to) {
		buf_adds(out, to);
		return;
	}
	for (size_t i = 0; i < len; i += taken) {
		(void)utf8_get(text + i, &taken);
		to = charsmap_find(m, text + i, taken);
		if (to)
			buf_adds(out, to);
		else
			buf_add(out, text + i, taken);
	}
}

static int apply_charsmap(const struct charsmap *m, const struct piece *p, struct buf *out)
{
	size_t len;

	for (size_t i = 0; i < p->len; i += len) {
		len = text_grapheme(p->text + i, p->len - i);
		map_grapheme(m, p->text + i, len, out);
		if (is_too_long(p, out))
			return -EFBIG;
	}
	return 0;
}

/* --- all of them --- */

static int step(const struct normalizer *n, struct normalize_space *s, struct piece *p, struct buf *out)
{
	switch (n->type) {
	case NORMALIZE_FORM: return text_normal_form(p->text, p->len, n->form, &s->space, out);
	case NORMALIZE_LOWER: text_lower(p->text, p->len, out); break;
	case NORMALIZE_NO_MARKS: filter(p, char_is_mark, out); break;
	case NORMALIZE_NO_NONSPACING: filter(p, char_is_mark_nonspacing, out); break;
	case NORMALIZE_STRIP: strip(p, n->left, n->right, out); break;
	case NORMALIZE_REPLACE:
		if (n->pattern)
			return replace_pattern(n, s->matcher, p, out);
		return replace_literal(n, p, out);
	case NORMALIZE_PREPEND:
		buf_add(out, n->to.at, n->to.len);
		buf_add(out, p->text, p->len);
		break;
	case NORMALIZE_CLEAN: clean(p, out); break;
	case NORMALIZE_IDEOGRAPHS: space_ideographs(p, out); break;
	case NORMALIZE_NMT: nmt(p, out); break;
	case NORMALIZE_CHARSMAP: return apply_charsmap(&n->map, p, out);
	case NORMALIZE_BYTES: add_byte_chars(out, p->text, p->len); break;
	}
	return 0;
}

int normalize(const struct normalizer *steps, size_t nr, struct normalize_space *space, struct piece *piece)
{
	for (size_t i = 0; i < nr && piece->len; i++) {
		struct buf *out = &space->text[i & 1];
		int r;

		buf_clear(out);
		buf_add(out, "", 0);
		r = step(&steps[i], space, piece, out);
		if (r < 0 || out->failed)
			return r < 0 ? r : -ENOMEM;
		if (out->len > 4 * (uint64_t)TEXT_MAX)
			return -EFBIG;
		piece->text = out->data;
		piece->len = out->len;
	}
	return 0;
}

void normalize_space_done(struct normalize_space *s)
{
	buf_done(&s->text[0]);
	buf_done(&s->text[1]);
	buf_done(&s->space);
}

void normalizer_done(struct normalizer *n)
{
	pattern_free(n->pattern);
	free(n->from.at);
	free(n->to.at);
	free(n->map.units);
	free(n->map.texts);
	*n = (struct normalizer){0};
}

// SPDX-License-Identifier: Apache-2.0
/* Characters and normal forms, by utf8proc (this file is its only user). */
#include "unicode_int.h"

#include <errno.h>
#include <string.h>

#include <utf8proc.h>

#define BIT(category) (1u << (category))
#define MARKS (BIT(UTF8PROC_CATEGORY_MN) | BIT(UTF8PROC_CATEGORY_MC) | BIT(UTF8PROC_CATEGORY_ME))
#define LETTERS                                                                                                        \
	(BIT(UTF8PROC_CATEGORY_LU) | BIT(UTF8PROC_CATEGORY_LL) | BIT(UTF8PROC_CATEGORY_LT) | BIT(UTF8PROC_CATEGORY_LM) | \
	 BIT(UTF8PROC_CATEGORY_LO))
#define NUMBERS (BIT(UTF8PROC_CATEGORY_ND) | BIT(UTF8PROC_CATEGORY_NL) | BIT(UTF8PROC_CATEGORY_NO))
#define PUNCTUATION                                                                                                    \
	(BIT(UTF8PROC_CATEGORY_PC) | BIT(UTF8PROC_CATEGORY_PD) | BIT(UTF8PROC_CATEGORY_PS) | BIT(UTF8PROC_CATEGORY_PE) | \
	 BIT(UTF8PROC_CATEGORY_PI) | BIT(UTF8PROC_CATEGORY_PF) | BIT(UTF8PROC_CATEGORY_PO))

static bool is_in(uint32_t c, unsigned categories)
{
	return BIT(utf8proc_category((utf8proc_int32_t)c)) & categories;
}

/* utf8proc has no White_Space; the property is stable since Unicode 6.3. [PropList.txt] */
bool char_is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || (c >= 0xa0 && is_in(c, BIT(UTF8PROC_CATEGORY_ZS) | BIT(UTF8PROC_CATEGORY_ZL) |
											    BIT(UTF8PROC_CATEGORY_ZP)));
}

bool char_is_number(uint32_t c)
{
	return c < 0x80 ? c >= '0' && c <= '9' : is_in(c, NUMBERS);
}

bool char_is_punctuation(uint32_t c)
{
	if (c < 0x80)
		return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
	return is_in(c, PUNCTUATION);
}

/* Symbols that are alphabetic all the same: letters in circles and squares. [DerivedCoreProperties.txt, Alphabetic and So] */
static bool is_enclosed_letter(uint32_t c)
{
	return (c >= 0x24b6 && c <= 0x24e9) || (c >= 0x1f130 && c <= 0x1f149) || (c >= 0x1f150 && c <= 0x1f169) ||
	       (c >= 0x1f170 && c <= 0x1f189);
}

bool char_is_word(uint32_t c)
{
	if (c < 0x80)
		return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
	return is_in(c, LETTERS | MARKS | BIT(UTF8PROC_CATEGORY_ND) | BIT(UTF8PROC_CATEGORY_NL) | BIT(UTF8PROC_CATEGORY_PC)) ||
	       c == 0x200c || c == 0x200d || is_enclosed_letter(c);
}

bool char_is_other(uint32_t c)
{
	return c < 0x80 ? c < 0x20 || c == 0x7f : is_in(c, BIT(UTF8PROC_CATEGORY_CC) | BIT(UTF8PROC_CATEGORY_CF) | BIT(UTF8PROC_CATEGORY_CO));
}

bool char_is_mark(uint32_t c)
{
	return c >= 0x300 && is_in(c, MARKS);
}

bool char_is_mark_nonspacing(uint32_t c)
{
	return c >= 0x300 && is_in(c, BIT(UTF8PROC_CATEGORY_MN));
}

/* [google-research/bert tokenization.py, _is_chinese_char; the sixth range as `tokenizers` has it] */
bool char_is_ideograph(uint32_t c)
{
	return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
	       (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) || (c >= 0x2b920 && c <= 0x2ceaf) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

void text_lower(const char *text, size_t len, struct buf *out)
{
	size_t taken;

	if (buf_reserve(out, len) < 0)
		return;
	for (size_t i = 0; i < len; i += taken) {
		uint32_t c = utf8_get(text + i, &taken);
		char bytes[4];

		if (c < 0x80)
			buf_addc(out, (char)(c >= 'A' && c <= 'Z' ? c + 0x20 : c));
		else if (c == 0x130) /* the one character that becomes two [SpecialCasing.txt] */
			buf_add(out, "i\xcc\x87", 3);
		else
			buf_add(out, bytes, utf8_put((uint32_t)utf8proc_tolower((utf8proc_int32_t)c), bytes));
	}
}

static utf8proc_option_t form_options(enum normal_form form)
{
	switch (form) {
	case NORMAL_NFC: return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
	case NORMAL_NFD: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
	case NORMAL_NFKC: return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
	default: return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
	}
}

/* One part of a text, which depends on nothing before and behind it. */
static int normalize_part(const char *text, size_t len, utf8proc_option_t options, struct buf *space, struct buf *out)
{
	utf8proc_ssize_t nr = 0, need = (utf8proc_ssize_t)len;

	do {
		nr = need;
		buf_clear(space);
		if (buf_reserve(space, ((size_t)nr + 1) * sizeof(utf8proc_int32_t)) < 0)
			return -ENOMEM;
		need = utf8proc_decompose((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)len, (utf8proc_int32_t *)(void *)space->data, nr,
					  options);
		if (need < 0)
			return -ENOMEM; /* the text is well-formed: all else cannot happen */
	} while (need > nr);
	nr = utf8proc_normalize_utf32((utf8proc_int32_t *)(void *)space->data, need, options);
	for (utf8proc_ssize_t i = 0; i < nr; i++) {
		char bytes[4];

		buf_add(out, bytes, utf8_put((uint32_t)((utf8proc_int32_t *)(void *)space->data)[i], bytes));
	}
	return out->failed ? -ENOMEM : 0;
}

/* Does nothing ever combine with what is before a character that begins with this byte? ASCII, and ideographs from U+5000 to
 * U+8FFF, so that long texts are done in parts. */
static bool is_boundary(unsigned char c)
{
	return c < 0x80 || (c >= 0xe5 && c <= 0xe8);
}

int text_normal_form(const char *text, size_t len, enum normal_form form, struct buf *space, struct buf *out)
{
	utf8proc_option_t options = form_options(form);
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < len) {
		size_t begin = done, end;

		while (begin < len && (unsigned char)text[begin] < 0x80)
			begin++;
		/* The last ASCII character may combine with what follows. */
		if (begin < len && begin > done)
			begin--;
		buf_add(out, text + done, begin - done);
		if (begin == len)
			break;
		end = begin + 1;
		while (end < len && !is_boundary((unsigned char)text[end]))
			end++;
		r = normalize_part(text + begin, end - begin, options, space, out);
		done = end;
	}
	return r < 0 || out->failed ? -ENOMEM : 0;
}

size_t text_grapheme(const char *text, size_t len)
{
	utf8proc_int32_t state = 0;
	size_t taken, end;
	uint32_t before = utf8_get(text, &end);

	while (end < len) {
		uint32_t c = utf8_get(text + end, &taken);

		if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)c, &state))
			break;
		before = c;
		end += taken;
	}
	return end;
}

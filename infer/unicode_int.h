/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What characters are, and texts in other forms. Texts are well-formed UTF-8. From utf8proc; where `tokenizers` has tables of an
 * older or newer Unicode, characters that are only in one of them are treated differently (docs/SEMANTICS.md, "Tokenizers").
 */
#ifndef HFFS_UNICODE_INT_H
#define HFFS_UNICODE_INT_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/utf8.h>

bool char_is_space(uint32_t c);       /* White_Space */
bool char_is_number(uint32_t c);      /* Nd, Nl, No */
bool char_is_punctuation(uint32_t c); /* P*, and the symbols of ASCII */
bool char_is_word(uint32_t c);        /* \w of Unicode's UTS 18, annex C */
bool char_is_other(uint32_t c);       /* Cc, Cf, Co */
bool char_is_mark(uint32_t c);        /* Mn, Mc, Me */
bool char_is_mark_nonspacing(uint32_t c);
bool char_is_ideograph(uint32_t c);   /* what BERT puts blanks around */

/* Appends text in lower case, each character for itself: a final sigma becomes a plain one. */
void text_lower(const char *text, size_t len, struct buf *out);

enum normal_form { NORMAL_NFC, NORMAL_NFD, NORMAL_NFKC, NORMAL_NFKD };
/* Appends text in this form; space is used meanwhile. 0, -ENOMEM. */
int text_normal_form(const char *text, size_t len, enum normal_form form, struct buf *space, struct buf *out);

/* Bytes of the extended grapheme cluster that text, len > 0, begins with. */
size_t text_grapheme(const char *text, size_t len);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The card of a repository, README.md: its front matter (YAML between two lines of "---") and what its text tells. Pure; trusts nothing. */
#ifndef HFFS_CARD_H
#define HFFS_CARD_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/err.h>

#define CARD_MAX (1u << 20)         /* bytes of a card that are looked at */
#define CARD_FRONT_MAX 65536u       /* bytes of front matter */
#define CARD_JSON_MAX (256u << 10)  /* bytes of JSON that it may become, with what its aliases stand for */

/*
 * Appends the front matter as one JSON object, as the Hub's own "cardData" has it: plain scalars are null, true, false or numbers where JSON
 * writes them so, all else is a string; an alias is a copy of what it stands for. -ENOENT: there is none; -EBADMSG: it is no mapping in
 * well-formed YAML; -EFBIG: too large, or nested too deeply; -ENOMEM. With a sentence. On failure out is as it was.
 */
int card_front_json(const char *text, size_t len, struct buf *out, struct err *err);
/* Bytes at the beginning of the card that are front matter with both its lines; 0: there is none. */
size_t card_front_len(const char *text, size_t len);

/* What the text behind the front matter tells. Sections that hold nothing, or only what the Hub's template puts there, do not count. */
struct card_text {
	bool has_use, has_limits; /* a section about intended use; about limitations, bias or risks */
	char change[256];         /* the first sentence about training, merging, quantising, ...; "" if there is none; plain text, UTF-8 */
};
void card_text_read(const char *text, size_t len, struct card_text *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold of any tokenizer and any text. */
#ifndef HFFS_TESTS_FUZZ_TOKENS_H
#define HFFS_TESTS_FUZZ_TOKENS_H

#include "../../infer/tokenizer_int.h"
#include "fuzz.h"

/* A stream gives the same as the whole, and never more than is decided. */
static inline void check_decode(const struct tokenizer *t, const struct token_list *ids, unsigned flags)
{
	AUTO_BUF whole = {0}, pieces = {0};
	struct token_stream *s = NULL;

	MUST(tokenizer_decode(t, ids->ids, ids->nr, flags, &whole, NULL) == 0);
	MUST(token_stream_new(t, flags, &s) == 0);
	for (size_t i = 0; i < ids->nr; i++) {
		MUST(token_stream_add(s, ids->ids[i], &pieces, NULL) == 0);
		MUST(pieces.len <= whole.len && (!pieces.len || !memcmp(pieces.data, whole.data, pieces.len)));
	}
	MUST(token_stream_end(s, &pieces, NULL) == 0);
	MUST(pieces.len == whole.len && (!whole.len || !memcmp(pieces.data, whole.data, whole.len)));
	token_stream_free(s);
}

/* Encodes a text; every id is a token, and can be decoded. Returns what tokenizer_encode() did. */
static inline int check_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags, struct token_list *ids)
{
	struct err err = {0};
	int r = tokenizer_encode(t, text, len, flags, ids, &err);

	MUST(r == 0 || r == -ENOTSUP);
	MUST(r == 0 || err.text[0]);
	for (size_t i = 0; i < ids->nr; i++)
		MUST(ids->ids[i] < tokenizer_size(t) && tokenizer_token(t, ids->ids[i]));
	check_decode(t, ids, 0);
	check_decode(t, ids, DETOKENIZE_INSIDE);
	check_decode(t, ids, DETOKENIZE_SKIP_SPECIAL);
	return r;
}

#endif

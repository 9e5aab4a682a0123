// SPDX-License-Identifier: Apache-2.0
/* WordPiece: the longest token that the rest of the word begins with, again and again; one that fits nowhere makes the word unknown. */
#include <errno.h>

#include "tokenizer_int.h"

static bool is_longer(const char *word, size_t len, uint64_t chars_max)
{
	uint64_t nr = 0;

	for (size_t i = 0; i < len; i++)
		nr += ((unsigned char)word[i] & 0xc0) != 0x80;
	return nr > chars_max;
}

/* The longest token from this node on: its bytes, 0 if there is none. */
static size_t longest(const struct trie *t, uint32_t node, const char *text, size_t len, uint32_t *id)
{
	size_t found = 0;

	for (size_t i = 0; i < len && node != TRIE_NONE;) {
		node = trie_child(t, node, (uint8_t)text[i++]);
		if (node != TRIE_NONE && t->value[node] != TOKEN_NONE) {
			*id = t->value[node];
			found = i;
		}
	}
	return found;
}

static int add_unknown(struct encoder *e)
{
	if (e->t->wordpiece.unk == TOKEN_NONE)
		return err_set(e->err, -ENOTSUP, "the text has a word that the tokenizer has no tokens for, and no token for unknown ones");
	return token_list_add(e->out, e->t->wordpiece.unk);
}

int wordpiece_encode(struct encoder *e, const char *word, size_t len)
{
	const struct wordpiece *w = &e->t->wordpiece;
	size_t before = e->out->nr;
	int r = 0;

	if (word_cache_find(e->cache, word, len, e->out, &r))
		return r;
	if (is_longer(word, len, w->chars_max))
		return add_unknown(e);
	for (size_t at = 0; r == 0 && at < len;) {
		uint32_t id;
		size_t taken = longest(&w->trie, at ? w->inside : TRIE_ROOT, word + at, len - at, &id);

		if (!taken) {
			e->out->nr = before;
			return add_unknown(e);
		}
		r = token_list_add(e->out, id);
		at += taken;
	}
	if (r == 0)
		word_cache_put(e->cache, word, len, e->out, before);
	return r;
}

int wordpiece_build(struct tokenizer *t, const char *prefix, size_t len, struct err *err)
{
	struct wordpiece *w = &t->wordpiece;
	int r = trie_build_vocab(&w->trie, &t->vocab, err);

	w->inside = TRIE_ROOT;
	for (size_t i = 0; r == 0 && i < len && w->inside != TRIE_NONE; i++)
		w->inside = trie_child(&w->trie, w->inside, (uint8_t)prefix[i]);
	return r;
}

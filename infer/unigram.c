// SPDX-License-Identifier: Apache-2.0
/*
 * Unigram: of all ways to take a word apart, the one whose tokens have the highest sum of scores (Viterbi). A character that no
 * token covers alone costs unk_score; neighbours among those become one unknown. [models/unigram/model.rs, encode_optimized]
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "tokenizer_int.h"

#define UNK_PENALTY 10.0 /* [unigram_model.cc, kUnkPenalty] */

/* The best way to the place behind some byte. */
struct best {
	double score;
	uint32_t from; /* where its last token begins; TOKEN_NONE: not reached */
	uint32_t id;
};

static void offer(struct best *to, double score, uint32_t from, uint32_t id)
{
	if (to->from == TOKEN_NONE || score > to->score)
		*to = (struct best){score, from, id};
}

static int look_ahead(struct encoder *e, struct best *best, const char *word, size_t len, uint32_t at, size_t taken)
{
	const struct unigram *u = &e->t->unigram;
	bool has_single = false;
	uint32_t node = TRIE_ROOT;

	for (size_t i = at; i < len; i++) {
		uint32_t id;

		node = trie_child(&u->trie, node, (uint8_t)word[i]);
		if (node == TRIE_NONE)
			break;
		id = u->trie.value[node];
		if (id == TOKEN_NONE)
			continue;
		offer(&best[i + 1], u->scores[id] + best[at].score, at, id);
		has_single |= i + 1 == at + taken;
	}
	if (has_single)
		return 0;
	if (u->unk == TOKEN_NONE)
		return err_set(e->err, -ENOTSUP, "the text has a character that the tokenizer has no token for, and no token for unknown ones");
	offer(&best[at + taken], u->unk_score + best[at].score, at, u->unk);
	return 0;
}

/* Neighbours that are unknown: a token if their text is one, else bytes or the unknown token. */
static int add_unknown(struct encoder *e, const char *text, size_t len)
{
	const struct unigram *u = &e->t->unigram;
	uint32_t id = vocab_find(&e->t->vocab, text, len);
	size_t nr = 0;
	int r = 0;

	if (id != TOKEN_NONE)
		return token_list_add(e->out, id);
	while (u->byte_fallback && nr < len && u->byte_ids[(unsigned char)text[nr]] != TOKEN_NONE)
		nr++;
	if (nr < len)
		return token_list_add(e->out, u->unk);
	for (size_t i = 0; r == 0 && i < len; i++)
		r = token_list_add(e->out, u->byte_ids[(unsigned char)text[i]]);
	return r;
}

/* Turns the chain of links round, so that best[n].from is where the token that begins at n ends. */
static void turn(struct best *best, uint32_t len)
{
	uint32_t end = len, to = 0, id = 0;

	for (;;) {
		uint32_t from = best[end].from, next_id = best[end].id;

		best[end].from = to;
		best[end].id = id;
		if (end == 0)
			return;
		to = end;
		id = next_id;
		end = from;
	}
}

static int add_tokens(struct encoder *e, const struct best *best, const char *word, uint32_t len)
{
	const struct unigram *u = &e->t->unigram;
	uint32_t at = 0, from;
	int r = 0;

	while (r == 0 && at < len) {
		from = at;
		if (best[at].id != u->unk) {
			r = token_list_add(e->out, best[at].id);
			at = best[at].from;
			continue;
		}
		while (at < len && best[at].id == u->unk)
			at = best[at].from;
		r = add_unknown(e, word + from, at - from);
	}
	return r;
}

int unigram_encode(struct encoder *e, const char *word, size_t len)
{
	size_t from = e->out->nr, taken;
	struct best *best;
	int r;

	if (word_cache_find(e->cache, word, len, e->out, &r))
		return r;
	if (len > WORD_MAX)
		return err_set(e->err, -EFBIG, "the text has a word of more than %u MiB", WORD_MAX >> 20);
	buf_clear(&e->symbols);
	if (buf_reserve(&e->symbols, (len + 1) * sizeof(*best)) < 0)
		return -ENOMEM;
	best = (struct best *)(void *)e->symbols.data;
	for (size_t i = 0; i <= len; i++)
		best[i] = (struct best){0, TOKEN_NONE, 0};
	best[0].from = 0;
	r = 0;
	for (size_t at = 0; r == 0 && at < len; at += taken) {
		(void)utf8_get(word + at, &taken);
		r = look_ahead(e, best, word, len, (uint32_t)at, taken);
	}
	if (r < 0)
		return r;
	turn(best, (uint32_t)len);
	r = add_tokens(e, best, word, (uint32_t)len);
	if (r == 0)
		word_cache_put(e->cache, word, len, e->out, from);
	return r;
}

int unigram_build(struct tokenizer *t, struct err *err)
{
	struct unigram *u = &t->unigram;
	double least = INFINITY;

	for (size_t i = 0; i < t->vocab.nr_ids; i++)
		least = fmin(least, u->scores[i]);
	u->unk_score = least - UNK_PENALTY;
	byte_ids_find(&t->vocab, u->byte_ids);
	return trie_build_vocab(&u->trie, &t->vocab, err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Words that were met before, with their tokens. A word has one place, where a newer one takes it over; when the memory for texts
 * is used up, all is forgotten.
 */
#include <errno.h>
#include <string.h>

#include <hffs/digest.h>

#include "tokenizer_int.h"

#define SLOTS (1u << 15)
#define MEMORY (2u << 20)
#define LEN_MAX 96 /* bytes of a word: longer ones hardly come again */
#define TOKENS_MAX LEN_MAX

struct slot {
	uint64_t hash; /* 0: free */
	uint32_t at;   /* in memory: tokens, then the word */
	uint16_t len, nr;
};

struct word_cache {
	struct slot slots[SLOTS];
	uint32_t used;
	uint32_t memory[MEMORY / sizeof(uint32_t)];
};

struct word_cache *word_cache_new(void)
{
	return calloc(1, sizeof(struct word_cache));
}

void word_cache_free(struct word_cache *c)
{
	free(c);
}

static uint64_t hash_of(const char *word, size_t len)
{
	return digest_hash64(word, len, 0) | 1;
}

bool word_cache_find(const struct word_cache *c, const char *word, size_t len, struct token_list *out, int *r)
{
	const struct slot *s;
	uint64_t hash;

	if (len > LEN_MAX)
		return false;
	hash = hash_of(word, len);
	s = &c->slots[hash >> 1 & (SLOTS - 1)];
	if (s->hash != hash || s->len != len || memcmp(&c->memory[s->at + s->nr], word, len))
		return false;
	*r = 0;
	for (uint32_t i = 0; *r == 0 && i < s->nr; i++)
		*r = token_list_add(out, c->memory[s->at + i]);
	return true;
}

void word_cache_put(struct word_cache *c, const char *word, size_t len, const struct token_list *tokens, size_t from)
{
	size_t nr = tokens->nr - from;
	uint32_t room = (uint32_t)(nr + (len + 3) / 4);
	uint64_t hash;

	if (len > LEN_MAX || nr > TOKENS_MAX)
		return;
	if (c->used + room > ARRAY_SIZE(c->memory)) {
		memset(c->slots, 0, sizeof(c->slots));
		c->used = 0;
	}
	hash = hash_of(word, len);
	if (nr)
		memcpy(&c->memory[c->used], tokens->ids + from, nr * sizeof(*tokens->ids));
	memcpy(&c->memory[c->used + nr], word, len);
	c->slots[hash >> 1 & (SLOTS - 1)] = (struct slot){hash, c->used, (uint16_t)len, (uint16_t)nr};
	c->used += room;
}

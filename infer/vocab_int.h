/* SPDX-License-Identifier: Apache-2.0 */
/* The tokens of a model: texts to ids and back. */
#ifndef HFFS_VOCAB_INT_H
#define HFFS_VOCAB_INT_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/err.h>
#include <hffs/tokenizer.h>

#define VOCAB_ID_MAX (1u << 22)     /* ids are below this: the largest vocabularies have 2^18 tokens, and holes cost memory */
#define VOCAB_TOKEN_MAX 65535u      /* bytes of one */

struct vocab_entry {
	uint32_t off, len, id;
};

/* {0} is an empty one. */
struct vocab {
	struct buf bytes;            /* the texts, each with a NUL behind it */
	struct vocab_entry *entries; /* as they came */
	size_t nr, room;             /* entries; texts that came twice among them */
	uint32_t *of_id;             /* entry of an id plus one; 0: none */
	uint32_t nr_ids, room_ids;   /* one more than the largest id */
	uint64_t *slots;             /* a hash table: hash << 32 | entry plus one */
	size_t cap;
	size_t nr_texts;             /* texts that differ */
	uint32_t longest;            /* bytes of the longest token */
};

/*
 * Adds the token whose text the caller has put at the end of v->bytes, from `off` on. Of two tokens with one text, or with one
 * id, the later one counts. 0; -EFBIG for an id or a text above the limits; -ENOMEM.
 */
int vocab_add(struct vocab *v, size_t off, uint32_t id, struct err *err);
int vocab_add_text(struct vocab *v, const char *text, size_t len, uint32_t id, struct err *err);
uint32_t vocab_find(const struct vocab *v, const char *text, size_t len); /* TOKEN_NONE */
/* With a NUL behind it; NULL if there is none. Borrowed. */
const char *vocab_text(const struct vocab *v, uint32_t id, size_t *len);
void vocab_done(struct vocab *v);

/*
 * All texts of a vocabulary by their bytes, to find those that a text begins with. A node is an index; its children follow one
 * another, their bytes in order.
 */
struct trie {
	uint32_t *first;  /* of node n: first[n] to first[n + 1] are its children */
	uint8_t *byte;
	uint32_t *value;  /* id, TOKEN_NONE: no token ends here */
	uint32_t nr;
	uint32_t root[256]; /* children of the root; 0: none */
};

#define TRIE_ROOT 0u
#define TRIE_NONE UINT32_MAX
struct trie_key {
	const char *text;
	uint32_t len, id;
};
/* Sorts keys. Of equal ones any counts. -EFBIG beyond 2^24 nodes, -ENOMEM. */
int trie_build(struct trie *t, struct trie_key *keys, size_t nr, struct err *err);
int trie_build_vocab(struct trie *t, const struct vocab *v, struct err *err);
void trie_done(struct trie *t);

static inline uint32_t trie_child(const struct trie *t, uint32_t node, uint8_t byte)
{
	uint32_t low, high;

	if (node == TRIE_ROOT)
		return t->root[byte] ? t->root[byte] : TRIE_NONE;
	low = t->first[node];
	high = t->first[node + 1];
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (t->byte[middle] < byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->first[node + 1] && t->byte[low] == byte ? low : TRIE_NONE;
}

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * A trie that never changes, in three arrays. Keys are sorted; then it is made level by level: a node is a range of keys that
 * agree so far, and its children are the parts of that range with one byte more.
 */
#include <errno.h>
#include <string.h>

#include "vocab_int.h"

#define NODES_MAX (1u << 24) /* 9 bytes each; 250,000 tokens have some 2 million */

/* The byte at this depth, 0 behind the end: keys without one more byte come first. */
static unsigned at(const struct trie_key *k, uint32_t depth)
{
	return depth < k->len ? (uint8_t)k->text[depth] + 1u : 0;
}

static void swap(struct trie_key *a, struct trie_key *b)
{
	struct trie_key c = *a;

	*a = *b;
	*b = c;
}

static bool is_before(const struct trie_key *a, const struct trie_key *b, uint32_t depth)
{
	uint32_t len = (a->len < b->len ? a->len : b->len) - depth;
	int order = len ? memcmp(a->text + depth, b->text + depth, len) : 0;

	return order ? order < 0 : a->len < b->len;
}

static void sort_few(struct trie_key *keys, size_t nr, uint32_t depth)
{
	for (size_t i = 1; i < nr; i++)
		for (size_t j = i; j && is_before(&keys[j], &keys[j - 1], depth); j--)
			swap(&keys[j], &keys[j - 1]);
}

struct part {
	size_t begin, end; /* of those with the pivot's byte; before them smaller ones, behind them larger ones */
	unsigned pivot;
};

static struct part divide(struct trie_key *keys, size_t nr, uint32_t depth)
{
	struct part p = {0, nr, at(&keys[nr / 2], depth)};

	for (size_t i = 0; i < p.end;) {
		unsigned byte = at(&keys[i], depth);

		if (byte < p.pivot)
			swap(&keys[i++], &keys[p.begin++]);
		else if (byte > p.pivot)
			swap(&keys[i], &keys[--p.end]);
		else
			i++;
	}
	return p;
}

/* Quicksort by one byte at a time [Bentley and Sedgewick, 1997]. The largest part is left to the loop, so that calls nest no
 * deeper than the logarithm of nr. Keys that are equal keep no order. */
static void sort(struct trie_key *keys, size_t nr, uint32_t depth)
{
	while (nr > 12) {
		struct part p = divide(keys, nr, depth);
		struct {
			struct trie_key *keys;
			size_t nr;
			uint32_t depth;
		} parts[3] = {{keys, p.begin, depth}, {keys + p.begin, p.end - p.begin, depth + 1}, {keys + p.end, nr - p.end, depth}};
		unsigned largest = 0;

		if (!p.pivot)
			parts[1].nr = 0; /* they have ended: all equal */
		for (unsigned i = 1; i < 3; i++)
			if (parts[i].nr > parts[largest].nr)
				largest = i;
		for (unsigned i = 0; i < 3; i++)
			if (i != largest)
				sort(parts[i].keys, parts[i].nr, parts[i].depth);
		keys = parts[largest].keys;
		nr = parts[largest].nr;
		depth = parts[largest].depth;
	}
	sort_few(keys, nr, depth);
}

static uint32_t common(const struct trie_key *a, const struct trie_key *b)
{
	uint32_t len = a->len < b->len ? a->len : b->len, i = 0;

	while (i < len && a->text[i] == b->text[i])
		i++;
	return i;
}

/* Nodes without the root: each key adds what it does not share with the one before it. */
static uint64_t count_nodes(const struct trie_key *keys, size_t nr)
{
	uint64_t nodes = 0;

	for (size_t i = 0; i < nr; i++)
		nodes += keys[i].len - (i ? common(&keys[i - 1], &keys[i]) : 0);
	return nodes;
}

/* The children of one node behind all nodes so far. Until then first and value of a node say which keys pass through it: from, to. */
static void add_children(struct trie *t, const struct trie_key *keys, uint32_t node, uint32_t depth)
{
	uint32_t i = t->first[node], end = t->value[node];

	t->first[node] = t->nr;
	t->value[node] = TOKEN_NONE;
	for (; i < end && keys[i].len == depth; i++)
		t->value[node] = keys[i].id;
	while (i < end) {
		uint32_t from = i;
		uint8_t byte = (uint8_t)keys[i].text[depth];

		while (i < end && (uint8_t)keys[i].text[depth] == byte)
			i++;
		t->byte[t->nr] = byte;
		t->first[t->nr] = from;
		t->value[t->nr++] = i;
	}
}

static void build_levels(struct trie *t, const struct trie_key *keys, size_t nr)
{
	uint32_t level_end = 1;

	t->nr = 1;
	t->first[TRIE_ROOT] = 0;
	t->value[TRIE_ROOT] = (uint32_t)nr;
	for (uint32_t node = 0, depth = 0; node < t->nr; node++) {
		if (node == level_end) {
			level_end = t->nr;
			depth++;
		}
		add_children(t, keys, node, depth);
	}
	t->first[t->nr] = t->nr;
	for (uint32_t i = t->first[TRIE_ROOT]; i < t->first[TRIE_ROOT + 1]; i++)
		t->root[t->byte[i]] = i;
}

int trie_build(struct trie *t, struct trie_key *keys, size_t nr, struct err *err)
{
	uint64_t nodes;

	*t = (struct trie){0};
	sort(keys, nr, 0);
	nodes = count_nodes(keys, nr) + 1;
	if (nodes > NODES_MAX)
		return err_set(err, -EFBIG, "the tokens of the tokenizer have too many characters in all");
	t->first = calloc(nodes + 1, sizeof(*t->first));
	t->byte = malloc(nodes);
	t->value = malloc(nodes * sizeof(*t->value));
	if (!t->first || !t->byte || !t->value) {
		trie_done(t);
		return -ENOMEM;
	}
	build_levels(t, keys, nr);
	return 0;
}

int trie_build_vocab(struct trie *t, const struct vocab *v, struct err *err)
{
	AUTO_FREE struct trie_key *keys = malloc((v->nr_texts + 1) * sizeof(*keys));
	size_t nr = 0;

	if (!keys)
		return -ENOMEM;
	for (size_t i = 0; i < v->cap; i++)
		if (v->slots[i]) {
			const struct vocab_entry *e = &v->entries[(uint32_t)v->slots[i] - 1];

			keys[nr++] = (struct trie_key){v->bytes.data + e->off, e->len, e->id};
		}
	return trie_build(t, keys, nr, err);
}

void trie_done(struct trie *t)
{
	free(t->first);
	free(t->byte);
	free(t->value);
	*t = (struct trie){0};
}

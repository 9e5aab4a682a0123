// SPDX-License-Identifier: Apache-2.0
/*
 * Byte pair encoding. A word is a list of symbols; neighbours are joined, the pair of the lowest rank first, until none can be.
 * Short words look through all pairs each time; long ones keep them in a heap, which takes n log n.
 *
 * Where two characters never are neighbours inside of any token that a merge makes, no merge can join across them. So a long word is
 * cut there first, and each part is a word: models without pre-tokenizer (SentencePiece's) get a whole text as one.
 */
#include <errno.h>
#include <string.h>

#include "tokenizer_int.h"

#define SCAN_MAX 24      /* symbols: up to here the heap does not pay */
#define CUT_MIN 16       /* bytes: shorter words are not cut */
#define MERGES_MAX (1u << 22) /* the largest vocabularies have 600,000 */
#define JOIN_BITS 22     /* 512 KiB of bits; two pairs with one hash only mean that a cut is missed */

/* --- merges --- */

/*
 * A slot is part of a hash above a merge's place plus one, 0: free. A pair that is no merge, as most are not, is passed over without a
 * look at the list; and the table, which every pair goes through, has a quarter of its size.
 */
#define PLACE_BITS 23
_Static_assert(MERGES_MAX < 1u << PLACE_BITS, "a place fits a slot");

static uint64_t merge_hash(uint32_t left, uint32_t right)
{
	uint64_t h = ((uint64_t)left << 32 | right) * 0x9e3779b97f4a7c15u;

	return h ^ h >> 29;
}

static uint32_t *merge_probe(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint64_t hash = merge_hash(left, right);

	for (size_t i = (size_t)hash & (b->cap - 1);; i = (i + 1) & (b->cap - 1)) {
		uint32_t slot = b->slots[i];
		const struct merge *m;

		if (!slot)
			return &b->slots[i];
		if (slot >> PLACE_BITS != hash >> (32 + PLACE_BITS))
			continue;
		m = &b->merges[(slot & ((1u << PLACE_BITS) - 1)) - 1];
		if (m->left == left && m->right == right)
			return &b->slots[i];
	}
}

/* Its rank, which is its place; TOKEN_NONE: they are no merge. */
static uint32_t merge_find(const struct bpe *b, uint32_t left, uint32_t right)
{
	uint32_t slot = b->slots ? *merge_probe(b, left, right) : 0;

	return slot ? (slot & ((1u << PLACE_BITS) - 1)) - 1 : TOKEN_NONE;
}

int bpe_add_merge(struct bpe *b, uint32_t left, uint32_t right, uint32_t id)
{
	if (b->nr >= MERGES_MAX)
		return -EFBIG;
	if (b->nr == b->room) {
		uint32_t room = b->room ? 2 * b->room : 1024;
		struct merge *grown = reallocarray(b->merges, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		b->merges = grown;
		b->room = room;
	}
	b->merges[b->nr++] = (struct merge){left, right, id};
	return 0;
}

static int build_slots(struct bpe *b)
{
	for (b->cap = 16; b->cap < 2 * (size_t)b->nr; b->cap *= 2)
		;
	b->slots = calloc(b->cap, sizeof(*b->slots));
	if (!b->slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->nr; i++) {
		const struct merge *m = &b->merges[i];

		*merge_probe(b, m->left, m->right) = (uint32_t)(merge_hash(m->left, m->right) >> (32 + PLACE_BITS)) << PLACE_BITS | (i + 1);
	}
	return 0;
}

/* --- where words may be cut --- */

static uint32_t join_hash(uint32_t a, uint32_t b)
{
	return (uint32_t)(((uint64_t)a << 21 ^ b) * 0x9e3779b97f4a7c15u >> (64 - JOIN_BITS));
}

static uint32_t next_char(const struct bpe *b, const char *text, size_t *taken)
{
	if (b->raw) {
		*taken = 1;
		return (unsigned char)*text;
	}
	return utf8_get(text, taken);
}

static void note_joins(struct bpe *b, const char *text, size_t len)
{
	size_t taken;
	uint32_t before = 0;

	for (size_t i = 0; i < len; i += taken) {
		uint32_t c = utf8_get(text + i, &taken);

		if (b->raw) { /* the vocabulary writes bytes as characters; one that is none is in no word */
			int byte = byte_char_get(c);

			c = byte < 0 ? 0x100 : (uint32_t)byte;
		}
		if (i)
			b->joins[join_hash(before, c) / 8] |= (uint8_t)(1u << join_hash(before, c) % 8);
		before = c;
	}
}

static bool is_joined(const struct bpe *b, uint32_t before, uint32_t c)
{
	return b->joins[join_hash(before, c) / 8] >> join_hash(before, c) % 8 & 1;
}

static bool has_all_bytes(const struct bpe *b)
{
	for (unsigned i = 0; i < 256; i++)
		if (b->byte_ids[i] == TOKEN_NONE)
			return false;
	return true;
}

int bpe_build(struct bpe *b, const struct vocab *v)
{
	int r = b->nr ? build_slots(b) : 0;
	bool knows_all;

	if (r < 0)
		return r;
	/* Unknown characters that are fused or left out, and pieces whose place in the word counts, need the word whole. */
	knows_all = b->scores || ((b->byte_fallback || b->raw) && has_all_bytes(b));
	if (b->prefix.len || b->suffix.len || (!knows_all && (b->fuse_unk || b->unk == TOKEN_NONE)))
		return 0;
	b->joins = calloc(1, 1u << (JOIN_BITS - 3));
	if (!b->joins)
		return -ENOMEM;
	for (size_t i = 0; i < v->nr; i++) /* those that no merge makes too: a cut is missed at worst */
		note_joins(b, v->bytes.data + v->entries[i].off, v->entries[i].len);
	return 0;
}

void bpe_done(struct bpe *b)
{
	free(b->merges);
	free(b->slots);
	free(b->joins);
	free(b->scores);
	free(b->prefix.at);
	free(b->suffix.at);
	*b = (struct bpe){0};
}

/* --- a word --- */

/* A symbol that was joined to the one before it has len 0. */
struct symbol {
	uint32_t id; /* TOKEN_NONE: no token, only by scores */
	uint32_t off, len;
	uint32_t prev, next; /* indexes; TOKEN_NONE at the ends */
};

static struct symbol *symbols_of(const struct encoder *e)
{
	return (struct symbol *)(void *)e->symbols.data;
}

static size_t symbols_nr(const struct encoder *e)
{
	return e->symbols.len / sizeof(struct symbol);
}

static void add_symbol(struct encoder *e, uint32_t id, size_t off, size_t len)
{
	uint32_t nr = (uint32_t)symbols_nr(e);
	struct symbol s = {id, (uint32_t)off, (uint32_t)len, nr ? nr - 1 : TOKEN_NONE, nr + 1};

	buf_add(&e->symbols, &s, sizeof(s));
}

/* The token of a character that begins at off, with what the model puts around it. */
static uint32_t char_token(struct encoder *e, const char *word, size_t len, size_t off, size_t taken)
{
	const struct bpe *b = &e->t->bpe;
	bool last = off + taken == len;

	if (b->raw)
		return b->byte_ids[(unsigned char)word[off]];
	if (!(off && b->prefix.len) && !(last && b->suffix.len))
		return vocab_find(&e->t->vocab, word + off, taken);
	buf_clear(&e->word);
	if (off)
		buf_add(&e->word, b->prefix.at, b->prefix.len);
	buf_add(&e->word, word + off, taken);
	if (last)
		buf_add(&e->word, b->suffix.at, b->suffix.len);
	return e->word.failed ? TOKEN_NONE : vocab_find(&e->t->vocab, e->word.data, e->word.len);
}

/* As bytes, if each has a token. Those of prefix and suffix count too. [models/bpe/model.rs, merge_word] */
static bool add_bytes(struct encoder *e, const char *word, size_t len, size_t off, size_t taken)
{
	const struct bpe *b = &e->t->bpe;
	bool around = !b->raw && ((off && b->prefix.len) || (off + taken == len && b->suffix.len));
	const char *text = around ? e->word.data : word + off;
	size_t nr = around ? e->word.len : taken;

	if (!b->byte_fallback)
		return false;
	for (size_t i = 0; i < nr; i++)
		if (b->byte_ids[(unsigned char)text[i]] == TOKEN_NONE)
			return false;
	for (size_t i = 0; i < nr; i++)
		add_symbol(e, b->byte_ids[(unsigned char)text[i]], off, 1);
	return true;
}

/* Unknown characters wait for the next known one; bytes pass by them. [the same] */
static void add_symbols(struct encoder *e, const char *word, size_t len)
{
	const struct bpe *b = &e->t->bpe;
	size_t taken, unknown = 0;

	for (size_t off = 0; off < len; off += taken) {
		uint32_t id;

		(void)next_char(b, word + off, &taken);
		id = char_token(e, word, len, off, taken);
		if (id != TOKEN_NONE || b->scores) {
			if (unknown)
				add_symbol(e, b->unk, off, unknown);
			unknown = 0;
			add_symbol(e, id, off, taken);
		} else if (!add_bytes(e, word, len, off, taken) && b->unk != TOKEN_NONE) {
			if (unknown && !b->fuse_unk)
				add_symbol(e, b->unk, off, unknown);
			unknown = b->fuse_unk ? unknown + taken : taken;
		}
	}
	if (unknown)
		add_symbol(e, b->unk, len, unknown);
}

/* Highest first, as ranks: lowest first. No NaN is here. */
static uint32_t rank_of_score(float score)
{
	uint32_t bits;

	memcpy(&bits, &score, sizeof(bits));
	bits = bits & 1u << 31 ? bits : ~(bits | 1u << 31); /* now larger means lower */
	return bits == TOKEN_NONE ? TOKEN_NONE - 1 : bits;
}

/* May these neighbours be joined? */
static bool find_merge(const struct encoder *e, const char *word, const struct symbol *left, const struct symbol *right, uint32_t *rank,
		       uint32_t *id)
{
	const struct bpe *b = &e->t->bpe;

	if (b->scores) {
		*id = vocab_find(&e->t->vocab, word + left->off, (size_t)left->len + right->len);
		if (*id == TOKEN_NONE)
			return false;
		*rank = rank_of_score(b->scores[*id]);
		return true;
	}
	*rank = merge_find(b, left->id, right->id);
	if (*rank == TOKEN_NONE)
		return false;
	*id = b->merges[*rank].id;
	return true;
}

static void join(struct symbol *s, uint32_t at, uint32_t id)
{
	struct symbol *left = &s[at], *right = &s[left->next];

	left->id = id;
	left->len += right->len;
	right->len = 0;
	left->next = right->next;
	if (right->next != TOKEN_NONE)
		s[right->next].prev = at;
}

static void merge_by_scan(struct encoder *e, const char *word)
{
	struct symbol *s = symbols_of(e);
	uint32_t ranks[SCAN_MAX], ids[SCAN_MAX];
	size_t nr = symbols_nr(e);

	for (uint32_t i = 0; i + 1 < nr; i++)
		if (!find_merge(e, word, &s[i], &s[i + 1], &ranks[i], &ids[i]))
			ranks[i] = TOKEN_NONE;
	ranks[nr - 1] = TOKEN_NONE;
	for (;;) {
		uint32_t best = 0, right;

		for (uint32_t i = 1; i + 1 < nr; i++)
			if (ranks[i] < ranks[best])
				best = i;
		if (ranks[best] == TOKEN_NONE)
			return;
		right = s[best].next;
		join(s, best, ids[best]);
		ranks[right] = TOKEN_NONE;
		if (s[best].next == TOKEN_NONE || !find_merge(e, word, &s[best], &s[s[best].next], &ranks[best], &ids[best]))
			ranks[best] = TOKEN_NONE;
		if (s[best].prev != TOKEN_NONE && !find_merge(e, word, &s[s[best].prev], &s[best], &ranks[s[best].prev], &ids[s[best].prev]))
			ranks[s[best].prev] = TOKEN_NONE;
	}
}

/* A pair that may be joined: by rank, then by place. */
struct candidate {
	uint64_t order; /* rank << 32 | index of the left one */
	uint32_t id;
};

static void heap_sift_down(struct candidate *h, size_t nr, size_t i)
{
	struct candidate moved = h[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= nr)
			break;
		if (child + 1 < nr && h[child + 1].order < h[child].order)
			child++;
		if (h[child].order >= moved.order)
			break;
		h[i] = h[child];
		i = child;
	}
	h[i] = moved;
}

static void heap_add(struct encoder *e, struct candidate c)
{
	struct candidate *h;
	size_t i = e->heap.len / sizeof(c);

	buf_add(&e->heap, &c, sizeof(c));
	if (e->heap.failed)
		return;
	h = (struct candidate *)(void *)e->heap.data;
	for (; i && h[(i - 1) / 2].order > c.order; i = (i - 1) / 2)
		h[i] = h[(i - 1) / 2];
	h[i] = c;
}

static struct candidate heap_take(struct encoder *e)
{
	struct candidate *h = (struct candidate *)(void *)e->heap.data, first = h[0];
	size_t nr = e->heap.len / sizeof(first) - 1;

	h[0] = h[nr];
	e->heap.len = nr * sizeof(first);
	if (nr)
		heap_sift_down(h, nr, 0);
	return first;
}

static void offer(struct encoder *e, const char *word, uint32_t left)
{
	const struct symbol *s = symbols_of(e);
	uint32_t rank, id;

	if (left == TOKEN_NONE || s[left].next == TOKEN_NONE)
		return;
	if (find_merge(e, word, &s[left], &s[s[left].next], &rank, &id))
		heap_add(e, (struct candidate){(uint64_t)rank << 32 | left, id});
}

static int merge_by_heap(struct encoder *e, const char *word)
{
	struct symbol *s = symbols_of(e);
	size_t nr = symbols_nr(e);

	buf_clear(&e->heap);
	for (uint32_t i = 0; i + 1 < nr; i++)
		offer(e, word, i);
	while (!e->heap.failed && e->heap.len) {
		struct candidate c = heap_take(e);
		uint32_t left = (uint32_t)c.order, rank, id;

		/* Meanwhile one of the two may have been joined to another. */
		if (!s[left].len || s[left].next == TOKEN_NONE || !find_merge(e, word, &s[left], &s[s[left].next], &rank, &id) || id != c.id)
			continue;
		join(s, left, id);
		offer(e, word, s[left].prev);
		offer(e, word, left);
	}
	return e->heap.failed ? -ENOMEM : 0;
}

/* SentencePiece: what is no token goes as bytes, or unknown. */
static int add_unknown(struct encoder *e, const char *text, size_t len)
{
	const struct bpe *b = &e->t->bpe;
	size_t taken;
	int r = 0;

	for (size_t i = 0; r == 0 && i < len; i++)
		if (b->byte_ids[(unsigned char)text[i]] == TOKEN_NONE)
			break;
		else if (i + 1 == len) {
			for (size_t n = 0; r == 0 && n < len; n++)
				r = token_list_add(e->out, b->byte_ids[(unsigned char)text[n]]);
			return r;
		}
	for (size_t i = 0; r == 0 && b->unk != TOKEN_NONE && i < len; i += taken) {
		(void)utf8_get(text + i, &taken);
		r = token_list_add(e->out, b->unk);
	}
	return r;
}

static int add_tokens(struct encoder *e, const char *word)
{
	const struct symbol *s = symbols_of(e);
	int r = 0;

	for (size_t i = 0; r == 0 && i < symbols_nr(e); i++)
		if (s[i].len)
			r = s[i].id == TOKEN_NONE ? add_unknown(e, word + s[i].off, s[i].len) : token_list_add(e->out, s[i].id);
	return r;
}

/* Of a word that is not cut any more. */
static int encode_part(struct encoder *e, const char *word, size_t len)
{
	size_t from = e->out->nr, nr;
	int r;

	if (word_cache_find(e->cache, word, len, e->out, &r))
		return r;
	if (len > WORD_MAX)
		return err_set(e->err, -EFBIG, "the text has a word of more than %u MiB", WORD_MAX >> 20);
	buf_clear(&e->symbols);
	add_symbols(e, word, len);
	if (e->symbols.failed || e->word.failed)
		return -ENOMEM;
	nr = symbols_nr(e);
	if (!nr)
		return 0;
	symbols_of(e)[nr - 1].next = TOKEN_NONE;
	r = 0;
	if (nr <= SCAN_MAX)
		merge_by_scan(e, word);
	else
		r = merge_by_heap(e, word);
	if (r == 0)
		r = add_tokens(e, word);
	if (r == 0)
		word_cache_put(e->cache, word, len, e->out, from);
	return r;
}

static bool find_whole(struct encoder *e, const char *word, size_t len, uint32_t *id)
{
	const struct bpe *b = &e->t->bpe;

	if (!b->ignore_merges || len > e->t->vocab.longest)
		return false;
	buf_clear(&e->word);
	if (b->raw)
		add_byte_chars(&e->word, word, len);
	*id = b->raw ? vocab_find(&e->t->vocab, e->word.data, e->word.len) : vocab_find(&e->t->vocab, word, len);
	return *id != TOKEN_NONE;
}

int bpe_encode(struct encoder *e, const char *word, size_t len)
{
	const struct bpe *b = &e->t->bpe;
	size_t from = 0, taken;
	uint32_t id, before = 0;
	int r = 0;

	if (find_whole(e, word, len, &id))
		return token_list_add(e->out, id);
	if (!b->joins || len < CUT_MIN)
		return encode_part(e, word, len);
	for (size_t i = 0; r == 0 && i < len; i += taken) {
		uint32_t c = next_char(b, word + i, &taken);

		if (i > from && !is_joined(b, before, c)) {
			r = encode_part(e, word + from, i - from);
			from = i;
		}
		before = c;
	}
	return r < 0 ? r : encode_part(e, word + from, len - from);
}

// SPDX-License-Identifier: Apache-2.0
/* Tokens in one block of text, a table from id to token, a hash table from text to token. */
#include "vocab_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/digest.h>

/* A slot is a hash with an entry plus one below it: one that is not meant is mostly passed over without a look at its text. */
static uint64_t *probe(const struct vocab *v, const char *text, size_t len, uint32_t hash)
{
	for (size_t i = hash & (v->cap - 1);; i = (i + 1) & (v->cap - 1)) {
		uint64_t slot = v->slots[i];
		const struct vocab_entry *e;

		if (!slot)
			return &v->slots[i];
		if (slot >> 32 != hash)
			continue;
		e = &v->entries[(uint32_t)slot - 1];
		if (e->len == len && !memcmp(v->bytes.data + e->off, text, len))
			return &v->slots[i];
	}
}

static uint32_t hash_of(const char *text, size_t len)
{
	return (uint32_t)digest_hash64(text, len, 0);
}

static int grow_slots(struct vocab *v)
{
	size_t cap = v->cap ? 4 * v->cap : 4096;
	uint64_t *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < v->cap; i++) {
		size_t to = v->slots[i] >> 32 & (cap - 1);

		if (!v->slots[i])
			continue;
		while (slots[to])
			to = (to + 1) & (cap - 1);
		slots[to] = v->slots[i];
	}
	free(v->slots);
	v->slots = slots;
	v->cap = cap;
	return 0;
}

static int grow_ids(struct vocab *v, uint32_t id)
{
	uint32_t room = v->room_ids ? v->room_ids : 1024;
	uint32_t *of_id;

	while (room <= id)
		room *= 2;
	of_id = reallocarray(v->of_id, room, sizeof(*of_id));
	if (!of_id)
		return -ENOMEM;
	memset(of_id + v->room_ids, 0, (room - v->room_ids) * sizeof(*of_id));
	v->of_id = of_id;
	v->room_ids = room;
	return 0;
}

static int make_room(struct vocab *v, uint32_t id)
{
	if (v->nr == v->room) {
		size_t room = v->room ? 2 * v->room : 1024;
		struct vocab_entry *entries = reallocarray(v->entries, room, sizeof(*entries));

		if (!entries)
			return -ENOMEM;
		v->entries = entries;
		v->room = room;
	}
	if (id >= v->room_ids && grow_ids(v, id) < 0)
		return -ENOMEM;
	return v->nr_texts >= v->cap / 2 ? grow_slots(v) : 0;
}

int vocab_add(struct vocab *v, size_t off, uint32_t id, struct err *err)
{
	size_t len = v->bytes.len - off;
	uint64_t *slot;
	uint32_t hash;
	int r;

	if (id >= VOCAB_ID_MAX)
		return err_set(err, -EFBIG, "a token has the id %u; at most %u is possible", id, VOCAB_ID_MAX - 1);
	if (len > VOCAB_TOKEN_MAX || v->nr >= VOCAB_ID_MAX || v->bytes.len >= UINT32_MAX)
		return err_set(err, -EFBIG, "a token is too long, or there are too many");
	buf_addc(&v->bytes, '\0');
	r = v->bytes.failed ? -ENOMEM : make_room(v, id);
	if (r < 0)
		return r;
	v->entries[v->nr++] = (struct vocab_entry){(uint32_t)off, (uint32_t)len, id};
	v->of_id[id] = (uint32_t)v->nr;
	if (id >= v->nr_ids)
		v->nr_ids = id + 1;
	if (len > v->longest)
		v->longest = (uint32_t)len;
	hash = hash_of(v->bytes.data + off, len);
	slot = probe(v, v->bytes.data + off, len, hash);
	v->nr_texts += !*slot;
	*slot = (uint64_t)hash << 32 | (uint32_t)v->nr;
	return 0;
}

int vocab_add_text(struct vocab *v, const char *text, size_t len, uint32_t id, struct err *err)
{
	size_t off = v->bytes.len;

	buf_add(&v->bytes, text, len);
	return v->bytes.failed ? -ENOMEM : vocab_add(v, off, id, err);
}

uint32_t vocab_find(const struct vocab *v, const char *text, size_t len)
{
	uint32_t slot = v->cap && len <= v->longest ? (uint32_t)*probe(v, text, len, hash_of(text, len)) : 0;

	return slot ? v->entries[slot - 1].id : TOKEN_NONE;
}

const char *vocab_text(const struct vocab *v, uint32_t id, size_t *len)
{
	const struct vocab_entry *e;

	if (id >= v->nr_ids || !v->of_id[id])
		return NULL;
	e = &v->entries[v->of_id[id] - 1];
	*len = e->len;
	return v->bytes.data + e->off;
}

void vocab_done(struct vocab *v)
{
	buf_done(&v->bytes);
	free(v->entries);
	free(v->of_id);
	free(v->slots);
	*v = (struct vocab){0};
}

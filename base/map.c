// SPDX-License-Identifier: Apache-2.0
/* A hash map with open addressing: linear probing, at most 3/4 full, deleted slots reused by rehashing. */
#include <hffs/map.h>

#include <errno.h>
#include <string.h>

#include <hffs/digest.h>

static const char map_gone;

static struct map_slot *probe(const struct map *m, const void *key, size_t len)
{
	size_t i = (size_t)digest_hash64(key, len, 0) & (m->cap - 1);

	for (;; i = (i + 1) & (m->cap - 1)) {
		struct map_slot *s = &m->slots[i];

		if (!s->key || (s->key != &map_gone && s->len == len && !memcmp(s->key, key, len)))
			return s;
	}
}

static int rehash(struct map *m)
{
	size_t cap = 16;
	struct map next = {0};

	while (cap < m->nr * 2 + 2)
		cap *= 2;
	next.cap = cap;
	next.slots = calloc(cap, sizeof(*next.slots));
	if (!next.slots)
		return -ENOMEM;
	for (size_t i = 0; i < m->cap; i++) {
		struct map_slot *s = &m->slots[i];

		if (s->key && s->key != &map_gone)
			*probe(&next, s->key, s->len) = *s;
	}
	next.nr = next.used = m->nr;
	free(m->slots);
	*m = next;
	return 0;
}

int map_put(struct map *m, const void *key, size_t len, void *value)
{
	struct map_slot *s;

	if (m->used + 1 > m->cap / 4 * 3 && rehash(m) < 0)
		return -ENOMEM;
	s = probe(m, key, len);
	if (!s->key) {
		m->nr++;
		m->used++;
	}
	*s = (struct map_slot){key, len, value};
	return 0;
}

void *map_find(const struct map *m, const void *key, size_t len)
{
	return m->cap ? probe(m, key, len)->value : NULL;
}

void *map_del(struct map *m, const void *key, size_t len)
{
	struct map_slot *s = m->cap ? probe(m, key, len) : NULL;
	void *value;

	if (!s || !s->key)
		return NULL;
	value = s->value;
	*s = (struct map_slot){&map_gone, 0, NULL};
	m->nr--;
	return value;
}

void *map_next(const struct map *m, size_t *i)
{
	while (*i < m->cap) {
		struct map_slot *s = &m->slots[(*i)++];

		if (s->key && s->key != &map_gone)
			return s->value;
	}
	return NULL;
}

void map_done(struct map *m)
{
	free(m->slots);
	*m = (struct map){0};
}

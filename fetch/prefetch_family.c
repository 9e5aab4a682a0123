// SPDX-License-Identifier: Apache-2.0
/*
 * Families: blobs whose parts (tensors) are read together, and the orders in which a program may go through those parts. Parts
 * are added when the header of a shard went by, and stay where they are: an index of a part is good for the family's life.
 */
#include "prefetch_state_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct prefetch_family *prefetch_family_new(void)
{
	struct prefetch_family *f = calloc(1, sizeof(*f));

	if (f)
		f->tail = f->due = NONE;
	return f;
}

void prefetch_family_free(struct prefetch_family *f)
{
	struct kind *k;
	size_t i = 0;

	if (!f)
		return;
	while ((k = map_next(&f->kinds, &i)))
		free(k);
	map_done(&f->kinds);
	for (uint32_t n = 0; n < f->nr; n++)
		free(f->parts[n].name);
	for (unsigned o = 0; o < ORDERS_SORTED; o++)
		free(f->sorted[o]);
	free(f->parts);
	free(f);
}

void prefetch_join(struct prefetch *p, struct prefetch_family *f, uint32_t ordinal)
{
	p->family = f;
	p->ordinal = ordinal;
	p->sibling = f->members;
	f->members = p;
	f->tick = max_u64(f->tick, p->tick);
}

void prefetch_leave(struct prefetch *p)
{
	struct prefetch **at;

	if (!p->family)
		return;
	for (at = &p->family->members; *at != p; at = &(*at)->sibling)
		;
	*at = p->sibling;
	for (uint32_t i = 0; i < p->nr_parts; i++)
		p->family->parts[p->part + i].of = NULL; /* nobody can be told to fetch it */
	p->family = NULL;
	p->nr_parts = 0;
}

bool prefetch_family_is_empty(const struct prefetch_family *f)
{
	return !f->members;
}

/* --- names --- */

/* Where the first number of a name is that stands for itself, as in "blk.12."; the name's end if there is none. */
static const char *find_number(const char *name)
{
	for (const char *c = name; *c; c++)
		if (isdigit((unsigned char)*c) && (c == name || c[-1] == '.'))
			return c;
	return name + strlen(name);
}

static const char *skip_digits(const char *c)
{
	while (isdigit((unsigned char)*c))
		c++;
	return c;
}

static uint64_t hash_bytes(uint64_t h, const char *from, const char *to)
{
	while (from < to)
		h = (h ^ (unsigned char)*from++) * 0x100000001b3u; /* FNV-1a */
	return h;
}

/* Of the name without its layer's number. */
static uint64_t hash_kind(const char *name)
{
	const char *number = find_number(name), *rest = skip_digits(number);

	return hash_bytes(hash_bytes(0xcbf29ce484222325u, name, number), rest, rest + strlen(rest));
}

static bool same_layer(const char *a, const char *b)
{
	const char *end = skip_digits(find_number(a));
	size_t len = (size_t)(end - a);

	return *find_number(a) && strncmp(a, b, len) == 0 && !isdigit((unsigned char)b[len]);
}

/* Runs of digits compare as numbers. */
static int compare_natural(const char *a, const char *b)
{
	while (*a && *b) {
		if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
			const char *end_a, *end_b;
			int c;

			while (*a == '0')
				a++;
			while (*b == '0')
				b++;
			end_a = skip_digits(a);
			end_b = skip_digits(b);
			if (end_a - a != end_b - b)
				return end_a - a < end_b - b ? -1 : 1;
			c = strncmp(a, b, (size_t)(end_a - a));
			if (c)
				return c;
			a = end_a;
			b = end_b;
		} else if (*a != *b) {
			return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
		} else {
			a++;
			b++;
		}
	}
	return (unsigned char)*a - (unsigned char)*b;
}

static int compare(const struct part *a, const struct part *b, enum order o)
{
	int c = 0;

	if (o == ORDER_NATURAL)
		c = compare_natural(a->name, b->name);
	else if (o == ORDER_NAME)
		c = strcmp(a->name, b->name);
	if (c)
		return c;
	if (a->of != b->of && a->of && b->of && a->of->ordinal != b->of->ordinal)
		return a->of->ordinal < b->of->ordinal ? -1 : 1;
	return a->off < b->off ? -1 : a->off > b->off;
}

/* --- sorting --- */

struct sorting {
	const struct part *parts;
	enum order order;
};

static int compare_indexes(const void *a, const void *b, void *arg)
{
	const struct sorting *s = arg;

	return compare(&s->parts[*(const uint32_t *)a], &s->parts[*(const uint32_t *)b], s->order);
}

/* The last `nr` parts are new: sorts them and merges them with those that are sorted already. */
static void merge_order(struct prefetch_family *f, enum order o, uint32_t nr, uint32_t *fresh)
{
	struct sorting s = {f->parts, o};
	uint32_t *sorted = f->sorted[o], old = f->nr - nr, k = nr;

	for (uint32_t i = 0; i < nr; i++)
		fresh[i] = old + i;
	qsort_r(fresh, nr, sizeof(*fresh), compare_indexes, &s);
	for (uint32_t at = f->nr; k > 0; at--)
		sorted[at - 1] = old && compare(&f->parts[sorted[old - 1]], &f->parts[fresh[k - 1]], o) > 0 ? sorted[--old] : fresh[--k];
	for (uint32_t i = 0; i < f->nr; i++)
		f->parts[sorted[i]].rank[o] = i;
}

static void find_layers(struct prefetch_family *f)
{
	const uint32_t *natural = f->sorted[ORDER_NATURAL];

	for (uint32_t i = 0; i < f->nr; i++) {
		struct part *t = &f->parts[natural[i]];
		const struct part *before = i ? &f->parts[natural[i - 1]] : NULL;

		t->layer = before && same_layer(before->name, t->name) ? before->layer : i;
	}
}

/* --- adding --- */

static struct kind *ensure_kind(struct prefetch_family *f, const char *name)
{
	uint64_t hash = hash_kind(name);
	struct kind *k = map_find(&f->kinds, &hash, sizeof(hash));

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->hash = hash;
	k->last = NONE;
	if (map_put(&f->kinds, &k->hash, sizeof(k->hash), k) == 0)
		return k;
	free(k);
	return NULL;
}

static bool add_part(struct prefetch *p, const struct prefetch_part *from)
{
	struct prefetch_family *f = p->family;
	struct part *t = &f->parts[f->nr];

	*t = (struct part){.of = p, .off = from->off, .len = from->len, .like = NONE};
	t->kind = ensure_kind(f, from->name);
	t->name = strdup(from->name);
	if (t->name && t->kind)
		f->nr++;
	else
		free(t->name);
	return t->name && t->kind;
}

static bool make_room(struct prefetch_family *f, size_t nr)
{
	struct part *parts = reallocarray(f->parts, f->nr + nr, sizeof(*parts));

	if (parts)
		f->parts = parts;
	for (unsigned o = 0; parts && o < ORDERS_SORTED; o++) {
		uint32_t *sorted = reallocarray(f->sorted[o], f->nr + nr, sizeof(*sorted));

		if (!sorted)
			return false;
		f->sorted[o] = sorted;
	}
	return parts != NULL;
}

static int by_place(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->off < y->off ? -1 : x->off > y->off;
}

int prefetch_set_parts(struct prefetch *p, const struct prefetch_part *parts, size_t nr)
{
	struct prefetch_family *f = p->family;
	uint32_t first = f->nr;
	AUTO_FREE uint32_t *fresh = NULL;

	if (p->nr_parts || !nr)
		return 0;
	if (nr >= NONE - f->nr)
		return -ENOMEM;
	fresh = reallocarray(NULL, nr, sizeof(*fresh));
	if (!fresh || !make_room(f, nr))
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		if (!parts[i].len || parts[i].off > p->size || parts[i].len > p->size - parts[i].off)
			continue;
		if (!add_part(p, &parts[i]))
			break; /* out of memory: these are better than none */
	}
	if (f->nr == first)
		return 0;
	p->part = first;
	p->nr_parts = f->nr - first;
	qsort(&f->parts[first], p->nr_parts, sizeof(*f->parts), by_place);
	p->body = f->parts[first].off;
	for (unsigned o = 0; o < ORDERS_SORTED; o++)
		merge_order(f, (enum order)o, p->nr_parts, fresh);
	find_layers(f);
	return 0;
}

/* --- finding --- */

struct part *part_at(const struct prefetch *p, uint64_t off)
{
	struct part *parts = p->nr_parts ? &p->family->parts[p->part] : NULL;
	uint32_t low = 0, high = p->nr_parts;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (parts[middle].off <= off)
			low = middle + 1;
		else
			high = middle;
	}
	return low && off - parts[low - 1].off < parts[low - 1].len ? &parts[low - 1] : NULL;
}

#define LAYER_MAX 4096 /* parts of one layer that are looked at: experts come by the hundred */

/* The part of this kind in the layer that begins at this rank. */
static uint32_t find_in_layer(const struct prefetch_family *f, uint32_t layer, const struct kind *k)
{
	const uint32_t *natural = f->sorted[ORDER_NATURAL];

	for (uint32_t i = layer; i < f->nr && i < layer + LAYER_MAX && f->parts[natural[i]].layer == layer; i++)
		if (f->parts[natural[i]].kind == k)
			return natural[i];
	return NONE;
}

static uint32_t next_layer(const struct prefetch_family *f, uint32_t layer)
{
	uint32_t i = layer;

	while (i < f->nr && f->parts[f->sorted[ORDER_NATURAL][i]].layer == layer)
		i++;
	return i;
}

static uint32_t next_as_before(const struct prefetch_family *f, const struct part *t)
{
	const struct kind *k = t->kind;

	if (!k->next)
		return NONE;
	return find_in_layer(f, k->wraps ? next_layer(f, t->layer) : t->layer, k->next);
}

uint32_t order_next(const struct prefetch_family *f, enum order o, uint32_t part)
{
	const struct part *t = &f->parts[part];
	uint32_t rank;

	if (o == ORDER_LAYER)
		return next_as_before(f, t);
	if (o < ORDER_BACK) {
		rank = t->rank[o] + 1;
		return rank < f->nr ? f->sorted[o][rank] : NONE;
	}
	rank = t->rank[o - ORDER_BACK];
	return rank ? f->sorted[o - ORDER_BACK][rank - 1] : NONE;
}

/* --- names of shards --- */

#define SHARD_DIGITS 5

static bool is_number(const char *c)
{
	for (unsigned i = 0; i < SHARD_DIGITS; i++)
		if (!isdigit((unsigned char)c[i]))
			return false;
	return !isdigit((unsigned char)c[SHARD_DIGITS]);
}

bool prefetch_shard_name(const char *path, char *key, size_t max, uint32_t *ordinal)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path, *of = strstr(base, "-of-"), *number;
	int len;

	if (!of || of - base <= SHARD_DIGITS || !is_number(of + 4))
		return false;
	number = of - SHARD_DIGITS;
	if (number[-1] != '-' || strspn(number, "0123456789") != SHARD_DIGITS)
		return false;
	len = snprintf(key, max, "%.*s%s", (int)(number - 1 - path), path, of);
	if (len < 0 || (size_t)len >= max)
		return false;
	*ordinal = (uint32_t)strtoul(number, NULL, 10);
	return true;
}

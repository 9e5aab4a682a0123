/* SPDX-License-Identifier: Apache-2.0 */
/* What was used last, by name, within a number of entries and a cost. Not locked. */
#ifndef HFFS_FETCH_CATALOG_LRU_INT_H
#define HFFS_FETCH_CATALOG_LRU_INT_H

#include <hffs/map.h>

/* Stands first in what the table holds. */
struct lru_node {
	struct lru_node *prev, *next;
	char *key; /* owned */
	size_t cost;
};

struct lru {
	struct map map;
	struct lru_node ring; /* ring.next was used last */
	size_t nr, cost, nr_max, cost_max;
	void (*free_node)(struct lru_node *n); /* frees what holds the node; the key is freed by the table */
};

void lru_init(struct lru *l, size_t nr_max, size_t cost_max, void (*free_node)(struct lru_node *n));
/* NULL if it is not there. What is found counts as used now. */
struct lru_node *lru_find(struct lru *l, const char *key);
/* Takes n under a key that is not there yet; gives up what was used longest ago, but never n. -ENOMEM: n is still the caller's. */
int lru_put(struct lru *l, struct lru_node *n, const char *key, size_t cost);
/* n grew, and was used just now: gives up others, but never n. */
void lru_set_cost(struct lru *l, struct lru_node *n, size_t cost);
void lru_drop(struct lru *l, struct lru_node *n);
void lru_done(struct lru *l);

/* Walks from the newest: for (n = lru_first(l); n; n = lru_next(l, n)). */
static inline struct lru_node *lru_next(const struct lru *l, const struct lru_node *n)
{
	return n->next == &l->ring ? NULL : n->next;
}
static inline struct lru_node *lru_first(const struct lru *l)
{
	return lru_next(l, &l->ring);
}

#endif

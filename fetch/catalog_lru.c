// SPDX-License-Identifier: Apache-2.0
/* What was used last, by name: a hash map and a ring. */
#include "catalog_lru_int.h"

#include <errno.h>
#include <string.h>

void lru_init(struct lru *l, size_t nr_max, size_t cost_max, void (*free_node)(struct lru_node *n))
{
	*l = (struct lru){.nr_max = nr_max, .cost_max = cost_max, .free_node = free_node};
	l->ring.next = l->ring.prev = &l->ring;
}

static void ring_remove(struct lru_node *n)
{
	n->prev->next = n->next;
	n->next->prev = n->prev;
}

static void ring_add(struct lru *l, struct lru_node *n)
{
	n->prev = &l->ring;
	n->next = l->ring.next;
	n->next->prev = n;
	l->ring.next = n;
}

struct lru_node *lru_find(struct lru *l, const char *key)
{
	struct lru_node *n = map_find(&l->map, key, strlen(key));

	if (n) {
		ring_remove(n);
		ring_add(l, n);
	}
	return n;
}

int lru_put(struct lru *l, struct lru_node *n, const char *key, size_t cost)
{
	n->key = strdup(key);
	if (!n->key || map_put(&l->map, n->key, strlen(n->key), n) < 0) {
		free(TAKE(n->key));
		return -ENOMEM;
	}
	n->cost = 0;
	ring_add(l, n);
	l->nr++;
	lru_set_cost(l, n, cost);
	return 0;
}

void lru_set_cost(struct lru *l, struct lru_node *n, size_t cost)
{
	l->cost = l->cost - n->cost + cost;
	n->cost = cost;
	while ((l->nr > l->nr_max || l->cost > l->cost_max) && l->ring.prev != n)
		lru_drop(l, l->ring.prev);
}

void lru_drop(struct lru *l, struct lru_node *n)
{
	map_del(&l->map, n->key, strlen(n->key));
	ring_remove(n);
	l->nr--;
	l->cost -= n->cost;
	free(TAKE(n->key));
	l->free_node(n);
}

void lru_done(struct lru *l)
{
	while (l->nr)
		lru_drop(l, l->ring.prev);
	map_done(&l->map);
}

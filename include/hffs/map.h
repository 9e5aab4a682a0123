/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from byte strings to pointers. Owns neither keys nor values; not locked. */
#ifndef HFFS_MAP_H
#define HFFS_MAP_H

#include <hffs/auto.h>

struct map_slot {
	const void *key; /* NULL: free; the address of map_gone: deleted */
	size_t len;
	void *value;
};

/* {0} is an empty map. */
struct map {
	struct map_slot *slots;
	size_t nr, used, cap; /* live entries; live and deleted; a power of two or 0 */
};

/* The key's bytes are borrowed until map_del(). Replaces a value under an equal key (and then borrows the new key). 0, -ENOMEM. */
int map_put(struct map *m, const void *key, size_t len, void *value);
void *map_find(const struct map *m, const void *key, size_t len); /* NULL if none */
void *map_del(struct map *m, const void *key, size_t len);        /* the value, NULL if none */
/* Walks: size_t i = 0; while ((v = map_next(m, &i))). Deleting the current entry meanwhile is fine, adding is not. */
void *map_next(const struct map *m, size_t *i);
void map_done(struct map *m);

#endif

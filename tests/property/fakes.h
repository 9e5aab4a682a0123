/* SPDX-License-Identifier: Apache-2.0 */
/* A Hub and a cache in memory, with faults, for tests of what lies between them. */
#ifndef HFFS_TESTS_FAKES_H
#define HFFS_TESTS_FAKES_H

#include <stdatomic.h>

#include <hffs/fetch.h>

/* Byte n of the blob whose id begins with `name`. */
uint8_t fake_byte(uint8_t name, uint64_t n);
void fake_fill(uint8_t name, uint64_t off, uint8_t *out, size_t len);

/* Out of 1000 requests so many ... */
struct fake_faults {
	atomic_uint cut;     /* end early */
	atomic_uint refuse;  /* fail before the first byte, retryable */
	atomic_uint slow;    /* hand over in many small pieces */
	atomic_uint no_disk; /* data files that cannot be opened or written: all of them when 1000 */
};
extern struct fake_faults fake_faults;

uint64_t fake_hub_bytes(void);    /* handed over so far */
uint64_t fake_hub_requests(void);
/* The cache gives up one extent of a blob now, as its keeper would. False if the layer above refused. */
bool fake_cache_evict(struct cache *c, const struct blob_id *id, uint64_t extent);
uint32_t fake_random(uint32_t *seed);

#endif

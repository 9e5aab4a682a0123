/* SPDX-License-Identifier: Apache-2.0 */
/* A Hub and a cache in memory, with faults, for tests of what lies between them. */
#ifndef HFFS_TESTS_FAKES_H
#define HFFS_TESTS_FAKES_H

#include <stdatomic.h>

#include <hffs/fetch.h>

/* Byte n of the blob whose id begins with `name`. */
uint8_t fake_byte(uint8_t name, uint64_t n);
void fake_fill(uint8_t name, uint64_t off, uint8_t *out, size_t len);
/* One blob has these bytes instead. NULL: none has. */
struct fake_file {
	uint8_t name;
	const char *bytes;
};
extern const struct fake_file *_Atomic fake_file;

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

/* How one request ends: with r, after so many bytes. Called for each; NULL: by the dice of fake_faults. */
struct fake_answer {
	int r;
	bool retry;
	uint64_t after;
};
typedef void fake_answer_fn(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out);
extern fake_answer_fn *_Atomic fake_hub_answer;
extern atomic_bool fake_hub_hold; /* no request goes on */
extern atomic_int fake_hub_hold_of; /* none of this blob; -1: of any */

/* Eviction in the steps of the keeper; a round asks for several runs, punches all, tells all. */
struct fake_run {
	struct blob_id id;
	uint64_t first, nr; /* chunks */
	bool present[EXTENT_CHUNKS]; /* those that the cache knew when it asked: they are punched */
};
bool fake_cache_ask(struct cache *c, const struct blob_id *id, uint64_t first, uint64_t nr, bool force, struct fake_run *out);
void fake_cache_punch(struct cache *c, const struct fake_run *run);
void fake_cache_tell(struct cache *c, const struct fake_run *run);
int fake_cache_fd(struct cache *c, const struct blob_id *id); /* of the data file */
extern atomic_bool fake_hold_rows; /* rows are answered by fake_cache_answer_rows() only */
void fake_cache_answer_rows(struct cache *c);
uint32_t fake_random(uint32_t *seed);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the cache share: a directory of their own, made-up blobs, and calls that wait for their answer. */
#ifndef HFFS_TESTS_TEST_CACHE_H
#define HFFS_TESTS_TEST_CACHE_H

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hffs/cache.h>
#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/thread.h>

#define WAIT_MS 120000 /* of what is done at idle priority, on a machine that may be busy */

/* The events of a cache, counted; refuse: answer of evict() unless forced. */
struct watch {
	pthread_mutex_t lock;
	pthread_cond_t news;
	/* Read by wait_for() and count_of() while a cache is open. */
	unsigned sealed, evict_asked, evict_forced, evicted, quarantined;
	bool refuse;
	struct blob_id refused; /* only this one, if set */
	struct blob_id held;    /* readers have its data file */
};

struct box {
	char dir[64];
	struct cache *cache;
	struct watch watch;
	uint64_t size_max, keep_free;
};

static inline bool on_evict(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, bool force)
{
	struct watch *w = ctx;
	LOCK_SCOPE(&w->lock);

	(void)first;
	(void)nr;
	w->evict_asked++;
	w->evict_forced += force;
	if (force)
		return true;
	return !w->refuse && !blob_id_equal(id, &w->refused);
}

static inline void on_evicted(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, enum evicted_why why)
{
	struct watch *w = ctx;
	LOCK_SCOPE(&w->lock);

	(void)id;
	(void)first;
	(void)nr;
	w->evicted++;
	w->quarantined += why == EVICTED_QUARANTINED;
	pthread_cond_broadcast(&w->news);
}

static inline void on_sealed(void *ctx, const struct blob_id *id)
{
	struct watch *w = ctx;
	LOCK_SCOPE(&w->lock);

	(void)id;
	w->sealed++;
	pthread_cond_broadcast(&w->news);
}

static inline bool on_is_held(void *ctx, const struct blob_id *id)
{
	struct watch *w = ctx;
	LOCK_SCOPE(&w->lock);

	return blob_id_equal(id, &w->held);
}

/* Waits until *counter, one of the watch's, is at least nr. */
static inline bool wait_for(struct box *b, const unsigned *counter, unsigned nr)
{
	LOCK_SCOPE(&b->watch.lock);
	while (*counter < nr)
		if (!cond_wait_ms(&b->watch.news, &b->watch.lock, WAIT_MS))
			return false;
	return true;
}

static inline unsigned count_of(struct box *b, const unsigned *counter)
{
	LOCK_SCOPE(&b->watch.lock);
	return *counter;
}

static inline int try_open(struct box *b, struct err *err)
{
	struct cache_config config = {
		.dir = b->dir,
		.size_max = b->size_max,
		.keep_free = b->keep_free,
		.events = {.ctx = &b->watch, .evict = on_evict, .evicted = on_evicted, .sealed = on_sealed, .is_held = on_is_held},
	};

	return cache_open(&config, &b->cache, err);
}

static inline void open_box(struct box *b)
{
	struct err err = {0};
	int r = try_open(b, &err);

	if (r < 0)
		fail_msg("cannot open: %d %s", r, err.text);
}

static inline void close_box(struct box *b)
{
	cache_close(b->cache);
	b->cache = NULL;
}

static inline void reopen(struct box *b)
{
	close_box(b);
	open_box(b);
}

static inline int setup_box(void **state)
{
	struct box *b = calloc(1, sizeof(*b));

	snprintf(b->dir, sizeof(b->dir), "/tmp/hffs-cache-XXXXXX");
	if (!mkdtemp(b->dir))
		return -1;
	b->size_max = (uint64_t)1 << 40;
	pthread_mutex_init(&b->watch.lock, NULL);
	cond_init(&b->watch.news);
	log_set_level(LOG_LEVEL_ERROR);
	*state = b;
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static inline int teardown_box(void **state)
{
	struct box *b = *state;

	if (b->cache)
		cache_close(b->cache);
	nftw(b->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(b);
	return 0;
}

/* --- blobs --- */

struct made {
	struct blob_id id;
	uint64_t size;
	uint8_t *bytes;
};

/* A blob of pseudo-random bytes, and its true name. */
static inline struct made make_blob(uint64_t seed, uint64_t size)
{
	struct made m = {.size = size, .bytes = malloc(size + 8)};
	uint64_t x = seed * 0x9e3779b97f4a7c15ull + 1;

	for (uint64_t i = 0; i < size; i += 8) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		memcpy(m.bytes + i, &x, 8);
	}
	m.id.algo = BLOB_SHA256;
	digest_sha256(m.bytes, size, m.id.bytes);
	return m;
}

/* A name without content behind it. */
static inline struct blob_id fake_id(uint64_t seed)
{
	struct blob_id id = {.algo = BLOB_SHA256};

	digest_sha256(&seed, sizeof(seed), id.bytes);
	return id;
}

static inline uint64_t nr_chunks(uint64_t size)
{
	return (size + CHUNK_SIZE - 1) / CHUNK_SIZE;
}

/* Stores chunk idx as the layer above does: bytes, then the word of it. */
static inline void store_chunk(struct box *b, const struct made *m, uint64_t idx)
{
	uint64_t off = idx * CHUNK_SIZE;
	size_t len = (size_t)min_u64(CHUNK_SIZE, m->size - off);
	int fd = cache_open_data(b->cache, &m->id, m->size, true);
	struct chunk_digest d = cache_chunk_digest(&m->id, idx, m->bytes + off, len);

	assert_true(fd >= 0);
	assert_int_equal(io_pwrite(fd, m->bytes + off, len, off), 0);
	close(fd);
	cache_put_chunk(b->cache, &m->id, m->size, idx, &d);
}

static inline void store_blob(struct box *b, const struct made *m)
{
	for (uint64_t i = 0; i < nr_chunks(m->size); i++)
		store_chunk(b, m, i);
}

static inline void data_path(const struct box *b, const struct blob_id *id, char *out, size_t size)
{
	char hex[BLOB_ID_HEX_MAX];

	blob_id_format(id, hex);
	snprintf(out, size, "%s/blobs/%.2s/%s", b->dir, hex, hex);
}

/* --- answers --- */

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool ready;
	int r;
	struct cache_rows *rows;
	char *bytes;
	size_t len;
	int64_t stored_s;
	struct buf keys;
};

static inline void answer_init(struct answer *a)
{
	memset(a, 0, sizeof(*a));
	pthread_mutex_init(&a->lock, NULL);
	cond_init(&a->done);
}

static inline void answer_set(struct answer *a, int r)
{
	LOCK_SCOPE(&a->lock);
	a->r = r;
	a->ready = true;
	pthread_cond_signal(&a->done);
}

static inline void answer_wait(struct answer *a)
{
	LOCK_SCOPE(&a->lock);
	while (!a->ready)
		if (!cond_wait_ms(&a->done, &a->lock, WAIT_MS))
			abort();
}

static inline void on_rows(void *ctx, int r, struct cache_rows *rows)
{
	struct answer *a = ctx;

	a->rows = rows;
	answer_set(a, r);
}

/* Caller frees; never NULL. */
static inline struct cache_rows *rows_of(struct box *b, const struct blob_id *id, uint64_t size)
{
	struct answer a;

	answer_init(&a);
	cache_want_rows(b->cache, id, size, on_rows, &a);
	answer_wait(&a);
	assert_int_equal(a.r, 0);
	assert_non_null(a.rows);
	return a.rows;
}

static inline uint64_t nr_present(struct box *b, const struct blob_id *id, uint64_t size)
{
	AUTO_FREE struct cache_rows *rows = rows_of(b, id, size);
	uint64_t nr = 0;

	for (size_t i = 0; i < rows->nr; i++)
		nr += (uint64_t)__builtin_popcountll(rows->extents[i].present);
	return nr;
}

static inline bool is_sealed(struct box *b, const struct made *m)
{
	AUTO_FREE struct cache_rows *rows = rows_of(b, &m->id, m->size);

	return rows->sealed;
}

static inline void on_doc(void *ctx, int r, const void *bytes, size_t len, int64_t stored_s)
{
	struct answer *a = ctx;

	if (r == 0) {
		a->bytes = malloc(len + 1);
		memcpy(a->bytes, bytes, len);
		a->bytes[len] = '\0';
		a->len = len;
		a->stored_s = stored_s;
	}
	answer_set(a, r);
}

static inline struct answer doc_of(struct box *b, enum doc_kind kind, const char *key)
{
	struct answer a;

	answer_init(&a);
	cache_want_doc(b->cache, kind, key, on_doc, &a);
	answer_wait(&a);
	return a;
}

static inline void on_key(void *ctx, const char *key, int64_t stored_s)
{
	struct answer *a = ctx;

	(void)stored_s;
	buf_addf(&a->keys, "%s ", key);
}

static inline void on_keys(void *ctx, int r)
{
	answer_set(ctx, r);
}

static inline char *keys_of(struct box *b, enum doc_kind kind, const char *prefix)
{
	struct answer a;

	answer_init(&a);
	cache_want_keys(b->cache, kind, prefix, on_key, on_keys, &a);
	answer_wait(&a);
	assert_int_equal(a.r, 0);
	return buf_take(&a.keys);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/* A cache without an index: unlinked data files, rows in memory, a keeper that runs on the thread of the test. */
#include "fakes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/thread.h>

#define BLOBS 8

struct stored {
	struct blob_id id;
	uint64_t size, nr;
	int fd;
	struct chunk_digest *digests; /* of each chunk */
	bool *present;
};

struct cache {
	struct cache_events events;
	pthread_mutex_t lock;
	struct stored blobs[BLOBS];
};

static struct stored *find(struct cache *c, const struct blob_id *id, uint64_t size)
{
	for (unsigned i = 0; i < BLOBS; i++) {
		struct stored *s = &c->blobs[i];
		char name[] = "/tmp/hffs-fake-XXXXXX";

		if (!s->size && size) {
			s->id = *id;
			s->size = size;
			s->nr = (size + CHUNK_SIZE - 1) / CHUNK_SIZE;
			s->digests = calloc(s->nr, sizeof(*s->digests));
			s->present = calloc(s->nr, sizeof(*s->present));
			s->fd = mkostemp(name, O_CLOEXEC);
			unlink(name);
			if (ftruncate(s->fd, (off_t)size) < 0)
				abort();
		}
		if (s->size && blob_id_equal(&s->id, id))
			return s;
	}
	return NULL;
}

int cache_open(const struct cache_config *config, struct cache **out, struct err *err)
{
	struct cache *c = calloc(1, sizeof(*c));

	(void)err;
	c->events = config->events;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void cache_close(struct cache *c)
{
	for (unsigned i = 0; i < BLOBS && c->blobs[i].size; i++) {
		close(c->blobs[i].fd);
		free(c->blobs[i].digests);
		free(c->blobs[i].present);
	}
	free(c);
}

void cache_want_rows(struct cache *c, const struct blob_id *id, uint64_t size, cache_rows_done *done, void *ctx)
{
	struct cache_rows *rows;

	pthread_mutex_lock(&c->lock);
	struct stored *s = find(c, id, size);
	size_t extents = (s->nr + EXTENT_CHUNKS - 1) / EXTENT_CHUNKS;

	rows = calloc(1, sizeof(*rows) + extents * sizeof(rows->extents[0]));
	for (uint64_t i = 0; i < s->nr; i++) {
		struct cache_extent *x = &rows->extents[i / EXTENT_CHUNKS];

		x->idx = i / EXTENT_CHUNKS;
		x->present |= (uint64_t)s->present[i] << i % EXTENT_CHUNKS;
		x->digests[i % EXTENT_CHUNKS] = s->digests[i];
	}
	rows->nr = extents;
	pthread_mutex_unlock(&c->lock);
	done(ctx, 0, rows);
}

int cache_open_data(struct cache *c, const struct blob_id *id, uint64_t size)
{
	int fd;

	if (fake_faults.no_disk == 1000)
		return -ENOSPC;
	LOCK_SCOPE(&c->lock);
	fd = fcntl(find(c, id, size)->fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

struct chunk_digest cache_chunk_digest(const struct blob_id *id, uint64_t idx, const void *bytes, size_t len)
{
	return digest_chunk(bytes, len, idx * 256 + id->bytes[0]);
}

void cache_put_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx, const struct chunk_digest *digest)
{
	LOCK_SCOPE(&c->lock);
	struct stored *s = find(c, id, size);

	s->present[idx] = true;
	s->digests[idx] = *digest;
}

void cache_drop_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx)
{
	LOCK_SCOPE(&c->lock);
	find(c, id, size)->present[idx] = false;
}

void cache_touch(struct cache *c, const struct blob_id *id, uint64_t extent_idx)
{
	(void)c;
	(void)id;
	(void)extent_idx;
}

void cache_need_space(struct cache *c)
{
	(void)c;
}

void cache_want_proof(struct cache *c, const struct blob_id *id, uint64_t size)
{
	(void)c;
	(void)id;
	(void)size;
}

bool fake_cache_evict(struct cache *c, const struct blob_id *id, uint64_t extent)
{
	uint64_t first = extent * EXTENT_CHUNKS;
	struct stored *s;
	int fd;

	if (!c->events.evict(c->events.ctx, id, first, EXTENT_CHUNKS, false))
		return false;
	pthread_mutex_lock(&c->lock);
	s = find(c, id, 0);
	fd = s ? s->fd : -1;
	for (uint64_t i = first; s && i < s->nr && i < first + EXTENT_CHUNKS; i++)
		s->present[i] = false;
	pthread_mutex_unlock(&c->lock);
	/* Junk instead of a hole: a reader that still looks there sees wrong bytes, not lucky zeros. */
	if (s) {
		AUTO_FREE uint8_t *junk = malloc(CHUNK_SIZE);

		memset(junk, 0xa5, CHUNK_SIZE);
		for (uint64_t i = first; i < s->nr && i < first + EXTENT_CHUNKS; i++)
			(void)io_pwrite(fd, junk, (size_t)min_u64(CHUNK_SIZE, s->size - i * CHUNK_SIZE), i * CHUNK_SIZE);
	}
	c->events.evicted(c->events.ctx, id, first, EXTENT_CHUNKS, false);
	return true;
}

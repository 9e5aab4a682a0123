// SPDX-License-Identifier: Apache-2.0
/*
 * A cache without an index: unlinked data files, rows in memory, a keeper that runs on the thread of the test. What was stored
 * outlives cache_close(), as it should.
 */
#include "fakes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/thread.h>

#define BLOBS 32

struct stored {
	struct blob_id id;
	uint64_t size, nr;
	int fd;
	struct chunk_digest *digests; /* of each chunk */
	bool *present;
};

struct wish {
	struct wish *next;
	struct blob_id id;
	uint64_t size;
	cache_rows_done *done;
	void *ctx;
};

struct cache {
	struct cache_events events;
	pthread_mutex_t lock;
	struct stored *blobs;
	struct wish *wishes; /* held back */
};

static struct stored disk[BLOBS];
atomic_bool fake_hold_rows;

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
	c->blobs = disk;
	pthread_mutex_init(&c->lock, NULL);
	*out = c;
	return 0;
}

void cache_close(struct cache *c)
{
	fake_cache_answer_rows(c);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static struct cache_rows *rows_of(struct cache *c, const struct blob_id *id, uint64_t size)
{
	LOCK_SCOPE(&c->lock);
	struct stored *s = find(c, id, size);
	size_t extents = (s->nr + EXTENT_CHUNKS - 1) / EXTENT_CHUNKS;
	struct cache_rows *rows = calloc(1, sizeof(*rows) + extents * sizeof(rows->extents[0]));

	for (uint64_t i = 0; i < s->nr; i++) {
		struct cache_extent *x = &rows->extents[i / EXTENT_CHUNKS];

		x->idx = i / EXTENT_CHUNKS;
		x->present |= (uint64_t)s->present[i] << i % EXTENT_CHUNKS;
		x->digests[i % EXTENT_CHUNKS] = s->digests[i];
	}
	rows->nr = extents;
	return rows;
}

void cache_want_rows(struct cache *c, const struct blob_id *id, uint64_t size, cache_rows_done *done, void *ctx)
{
	struct wish *w;

	if (!atomic_load(&fake_hold_rows)) {
		done(ctx, 0, rows_of(c, id, size));
		return;
	}
	w = calloc(1, sizeof(*w));
	LOCK_SCOPE(&c->lock);
	*w = (struct wish){c->wishes, *id, size, done, ctx};
	c->wishes = w;
}

void fake_cache_answer_rows(struct cache *c)
{
	struct wish *w, *all;

	pthread_mutex_lock(&c->lock);
	all = TAKE(c->wishes);
	pthread_mutex_unlock(&c->lock);
	while ((w = all)) {
		all = w->next;
		w->done(w->ctx, 0, rows_of(c, &w->id, w->size));
		free(w);
	}
}

int cache_open_data(struct cache *c, const struct blob_id *id, uint64_t size, bool to_write)
{
	char name[40];
	int fd;

	(void)to_write;
	if (fake_faults.no_disk == 1000)
		return -ENOSPC;
	LOCK_SCOPE(&c->lock);
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", find(c, id, size)->fd);
	fd = open(name, O_RDWR | O_CLOEXEC); /* flags of its own */
	return fd < 0 ? -errno : fd;
}

uint64_t cache_chunk_seed(const struct blob_id *id, uint64_t idx)
{
	return idx * 256 + id->bytes[0];
}

struct chunk_digest cache_chunk_digest(const struct blob_id *id, uint64_t idx, const void *bytes, size_t len)
{
	return digest_chunk(bytes, len, cache_chunk_seed(id, idx));
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

void cache_touch_all(struct cache *c, const struct blob_id *id)
{
	(void)c;
	(void)id;
}

void cache_note_held(struct cache *c, int64_t bytes)
{
	(void)c;
	(void)bytes;
}

void cache_need_space(struct cache *c)
{
	(void)c;
}

void cache_distrust(struct cache *c, const struct blob_id *id, uint64_t size)
{
	(void)c;
	(void)id;
	(void)size;
}

void cache_want_proof(struct cache *c, const struct blob_id *id, uint64_t size)
{
	(void)c;
	(void)id;
	(void)size;
}

int fake_cache_fd(struct cache *c, const struct blob_id *id)
{
	LOCK_SCOPE(&c->lock);
	return find(c, id, 0)->fd;
}

bool fake_cache_ask(struct cache *c, const struct blob_id *id, uint64_t first, uint64_t nr, bool force, struct fake_run *out)
{
	*out = (struct fake_run){.id = *id, .first = first, .nr = nr};
	pthread_mutex_lock(&c->lock);
	struct stored *s = find(c, id, 0);

	for (uint64_t i = 0; s && i < nr && first + i < s->nr; i++)
		out->present[i] = s->present[first + i];
	pthread_mutex_unlock(&c->lock);
	return c->events.evict(c->events.ctx, id, first, nr, force) || force;
}

/* Junk instead of a hole: a reader that still looks there sees wrong bytes, not lucky zeros. */
void fake_cache_punch(struct cache *c, const struct fake_run *run)
{
	AUTO_FREE uint8_t *junk = malloc(CHUNK_SIZE);
	struct stored *s;
	int fd;

	memset(junk, 0xa5, CHUNK_SIZE);
	pthread_mutex_lock(&c->lock);
	s = find(c, &run->id, 0);
	fd = s ? s->fd : -1;
	for (uint64_t i = 0; i < run->nr; i++)
		if (run->present[i])
			s->present[run->first + i] = false;
	pthread_mutex_unlock(&c->lock);
	for (uint64_t i = run->first; i < run->first + run->nr; i++)
		if (run->present[i - run->first])
			(void)io_pwrite(fd, junk, (size_t)min_u64(CHUNK_SIZE, s->size - i * CHUNK_SIZE), i * CHUNK_SIZE);
}

void fake_cache_tell(struct cache *c, const struct fake_run *run)
{
	c->events.evicted(c->events.ctx, &run->id, run->first, run->nr, EVICTED);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes from a local file instead of the Hub: chunks that are missing are read into buffers and go the way of those that arrive over the
 * network, so readers, disk, index and proofs see no difference. The file is proven as a whole first: nothing wrong is ever let in.
 */
#include "hot_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/io.h>

#define LOOK_MS 100
#define BUFFER_PAUSE_US 1000  /* while all buffers are in use */
#define PROOF_BYTES_PER_MS 20000 /* a proof is read from the disk at worst; slower than this it has other troubles */
#define PROOF_MIN_MS 30000

struct bring {
	struct blob *blob;
	int fd;
	const volatile sig_atomic_t *stop;
	uint8_t *bytes;              /* CHUNK_SIZE */
	struct chunk_digest *chunks; /* as they were when the whole was proven */
};

static bool is_stopped(const struct bring *g)
{
	return (g->stop && *g->stop) || atomic_load(&g->blob->fetch->closed);
}

/* The whole, and what each chunk of it is. */
static int prove_source(struct bring *g)
{
	struct blob *b = g->blob;
	AUTO(digest_free) struct digest *whole = digest_new(b->id.algo, b->size);
	struct blob_id got;
	int r = whole ? 0 : -ENOMEM;

	for (uint64_t i = 0; r == 0 && i < b->nr; i++) {
		size_t len = blob_chunk_len(b, i);

		if (is_stopped(g))
			return -ECANCELED;
		r = io_pread(g->fd, g->bytes, len, i * CHUNK_SIZE);
		if (r == 0)
			r = digest_update(whole, g->bytes, len);
		if (r == 0)
			g->chunks[i] = cache_chunk_digest(&b->id, i, g->bytes, len);
	}
	if (r == 0)
		r = digest_final(whole, &got);
	if (r < 0)
		return r == -ENODATA ? -ESTALE : r;
	return blob_id_equal(&got, &b->id) ? 0 : -EBADMSG;
}

static void wait_ready(const struct bring *g)
{
	struct blob *b = g->blob;
	LOCK_SCOPE(&b->lock);

	while (!b->ready && !is_stopped(g))
		(void)cond_wait_ms(&b->drained, &b->lock, LOOK_MS);
}

/* Takes the chunk over, if nobody has it or is about to. */
static bool claim(struct blob *b, uint64_t idx)
{
	LOCK_SCOPE(&b->lock);

	if ((b->state[idx] != CHUNK_ABSENT && b->state[idx] != CHUNK_WANTED) || blob_is_evicting_locked(b, idx))
		return false;
	blob_set_state_locked(b, idx, CHUNK_FETCHING);
	return true;
}

static void give_back(struct blob *b, uint64_t idx)
{
	struct aftermath a = {0};

	pthread_mutex_lock(&b->lock);
	blob_lost_locked(b, idx, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
}

static struct chunk_buf *take_buffer(const struct bring *g)
{
	struct fetch *f = g->blob->fetch;
	struct chunk_buf *c;

	while (!(c = pool_take(f->pool)) && !is_stopped(g))
		if (!hot_reclaim(f->hot))
			usleep(BUFFER_PAUSE_US);
	return c;
}

static int read_chunk(const struct bring *g, struct chunk_buf *c, uint64_t idx)
{
	int r;

	c->len = blob_chunk_len(g->blob, idx);
	r = io_pread(g->fd, c->bytes, c->len, idx * CHUNK_SIZE);
	if (r < 0)
		return r == -ENODATA ? -ESTALE : r;
	c->digest = cache_chunk_digest(&g->blob->id, idx, c->bytes, c->len);
	return digest_equal_ct(&c->digest, &g->chunks[idx], sizeof(c->digest)) ? 0 : -ESTALE;
}

static int bring_chunk(const struct bring *g, uint64_t idx)
{
	struct blob *b = g->blob;
	struct chunk_buf *c;
	int r;

	if (!claim(b, idx))
		return 0;
	c = take_buffer(g);
	r = c ? read_chunk(g, c, idx) : -ECANCELED;
	if (r < 0) {
		chunk_buf_unref(c);
		give_back(b, idx);
		return r;
	}
	c->idx = idx;
	c->blob = blob_ref(b);
	store_chunk(c);
	return 0;
}

static bool is_storing_locked(const struct blob *b)
{
	for (uint64_t i = 0; i < b->nr; i++)
		if (b->state[i] == CHUNK_FETCHING || (b->state[i] == CHUNK_MEMORY && hot_is_storing_locked(b, i)))
			return true;
	return false;
}

static void wait_stored(const struct bring *g)
{
	struct blob *b = g->blob;
	LOCK_SCOPE(&b->lock);

	while (is_storing_locked(b) && !is_stopped(g))
		(void)cond_wait_ms(&b->drained, &b->lock, LOOK_MS);
}

static int wait_proven(const struct bring *g)
{
	struct blob *b = g->blob;
	uint64_t end_ms = clock_mono_ms() + PROOF_MIN_MS + b->size / PROOF_BYTES_PER_MS;
	LOCK_SCOPE(&b->lock);

	while (b->bytes_present == b->size && !b->sealed && !is_stopped(g) && clock_mono_ms() < end_ms)
		(void)cond_wait_ms(&b->drained, &b->lock, LOOK_MS);
	if (is_stopped(g))
		return -ECANCELED;
	return b->bytes_present == b->size ? 0 : -ENOSPC;
}

static bool is_here(struct blob *b)
{
	LOCK_SCOPE(&b->lock);
	return b->bytes_present == b->size;
}

static int bring(struct bring *g)
{
	struct blob *b = g->blob;
	int r;

	wait_ready(g);
	if (is_here(b))
		return 1;
	r = prove_source(g);
	for (uint64_t i = 0; r == 0 && i < b->nr; i++)
		r = is_stopped(g) ? -ECANCELED : bring_chunk(g, i);
	wait_stored(g);
	if (r < 0)
		return r;
	cache_flush(b->fetch->cache); /* the proof begins behind the commit: no reason to wait for its time */
	cache_want_proof(b->fetch->cache, &b->id, b->size);
	return wait_proven(g);
}

static int said(struct err *err, int r)
{
	switch (r) {
	case -EBADMSG:
		return err_set(err, r, "its content is not what its name says");
	case -ESTALE:
		return err_set(err, r, "it changes while it is read");
	case -ENOSPC:
		return err_set(err, r, "the cache has no room to keep it: see cache_size and keep_free, and the disk");
	default:
		return r < 0 ? err_set(err, r, "%s", strerror(-r)) : r;
	}
}

int fetch_bring(struct fetch *f, const struct blob_id *id, int fd, uint64_t size, const volatile sig_atomic_t *stop, struct err *err)
{
	struct object_ref from = {.size = size, .id = *id};
	struct bring g = {.fd = fd, .stop = stop};
	int r;

	if (!size || !blob_id_len(id))
		return err_set(err, -EINVAL, "there is nothing to store");
	g.blob = blob_get(f, &from);
	if (!g.blob)
		return said(err, atomic_load(&f->closed) ? -ECANCELED : -ESTALE);
	g.bytes = malloc(CHUNK_SIZE);
	g.chunks = calloc(g.blob->nr, sizeof(*g.chunks));
	r = g.bytes && g.chunks ? bring(&g) : -ENOMEM;
	free(g.chunks);
	free(g.bytes);
	blob_put(g.blob);
	return said(err, r);
}

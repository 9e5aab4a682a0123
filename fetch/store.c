// SPDX-License-Identifier: Apache-2.0
/*
 * What workers do with a chunk: one that arrived is proven and written, one known from an earlier run is read and checked. A
 * blob of one chunk is proven whole before anybody sees it. A disk that refuses only means: not cached.
 */
#include "fetch_int.h"

#include <errno.h>

#include <hffs/io.h>
#include <hffs/log.h>

#define PROVE_AT_ONCE 8 /* chunks; then the job queues again, behind others */

/* --- chunks that arrived --- */

struct data_file *store_open_data(struct blob *b)
{
	struct data_file *d, *made;
	LOCK_SCOPE(&b->open_lock);

	pthread_mutex_lock(&b->lock);
	d = data_file_ref(b->data);
	pthread_mutex_unlock(&b->lock);
	if (d)
		return d;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->fd = cache_open_data(b->fetch->cache, &b->id, b->size);
	if (made->fd < 0) {
		free(made);
		return NULL;
	}
	atomic_store(&made->refs, 2); /* the blob's and the caller's */
	pthread_mutex_lock(&b->lock);
	b->data = made;
	pthread_mutex_unlock(&b->lock);
	return made;
}

/* Is the content of a one-chunk blob what its name says? Larger ones are proven by the cache when complete. */
static bool is_blob(const struct blob *b, const void *bytes, size_t len)
{
	AUTO(digest_free) struct digest *d = NULL;
	struct blob_id id;

	if (b->nr != 1)
		return true;
	d = digest_new(b->id.algo, b->size);
	return d && digest_update(d, bytes, len) == 0 && digest_final(d, &id) == 0 && blob_id_equal(&id, &b->id);
}

/* Wrong bytes of the right length: fetched once more, then nobody gets this blob any more. */
static void spoiled(struct blob *b, uint64_t idx)
{
	struct aftermath a = {0};
	struct err err = {0};
	const char *path;

	pthread_mutex_lock(&b->lock);
	path = b->sources[b->source].path;
	b->quarantined = ++b->spoiled > 1;
	blob_set_state_locked(b, idx, CHUNK_ABSENT);
	if (b->quarantined) {
		err_set(&err, -EBADMSG, "%s: the bytes that the Hub sends are not those of its own digest", path);
		blob_fail_locked(b, idx, idx, -EBADMSG, &err, &a);
	} else if (blob_is_awaited_locked(b, idx)) {
		blob_want_locked(b, idx, idx, true, &a);
	}
	pthread_mutex_unlock(&b->lock);
	log_warn("%s: received bytes differ from the Hub's digest", path);
	blob_settle(b, &a);
}

/* The disk refused: the chunk stays in memory for a while. Takes the buffer's reference. */
static void keep_in_memory(struct blob *b, struct chunk_buf *c, struct aftermath *a)
{
	struct memory_chunk *m = malloc(sizeof(*m));
	uint64_t idx = c->idx;

	cache_need_space(b->fetch->cache);
	pthread_mutex_lock(&b->lock);
	if (m) {
		*m = (struct memory_chunk){b->memory, idx, c};
		b->memory = m;
		blob_set_state_locked(b, idx, CHUNK_MEMORY);
		blob_arrived_locked(b, idx, a);
	} else {
		struct err err = {-ENOMEM, "out of memory"};

		blob_set_state_locked(b, idx, CHUNK_ABSENT);
		blob_fail_locked(b, idx, idx, -ENOMEM, &err, a);
	}
	pthread_mutex_unlock(&b->lock);
	if (!m) {
		chunk_buf_unref(c);
		return;
	}
	atomic_fetch_add(&b->fetch->chunks_bypassed, 1);
	bypass_add(b->fetch->bypass, b, idx);
}

/* The cache may punch this chunk at any moment, whatever we do with it. */
static bool is_forced_out_locked(const struct blob *b, uint64_t idx)
{
	return b->evicting_forced && blob_is_evicting_locked(b, idx);
}

/* Written to this data file; but if the blob has begun another one meanwhile, the bytes went nowhere. */
static void written(struct blob *b, struct data_file *data, struct chunk_buf *c, struct aftermath *a)
{
	struct chunk_digest digest = cache_chunk_digest(&b->id, c->idx, c->bytes, c->len);

	pthread_mutex_lock(&b->lock);
	if (b->data == data && !is_forced_out_locked(b, c->idx)) {
		/* Recorded before anybody can evict it: the order of the cache's own queue then is right. */
		cache_put_chunk(b->fetch->cache, &b->id, b->size, c->idx, &digest);
		blob_set_state_locked(b, c->idx, CHUNK_PRESENT);
		blob_arrived_locked(b, c->idx, a);
	} else {
		blob_lost_locked(b, c->idx, a);
	}
	pthread_mutex_unlock(&b->lock);
}

static void run_store(struct job *job)
{
	struct chunk_buf *c = container_of(job, struct chunk_buf, job);
	struct blob *b = c->blob;
	struct data_file *data;
	struct aftermath a = {0};

	if (!is_blob(b, c->bytes, c->len)) {
		spoiled(b, c->idx);
		chunk_buf_unref(c);
		blob_put(b);
		return;
	}
	data = store_open_data(b);
	if (data && io_pwrite(data->fd, c->bytes, c->len, c->idx * CHUNK_SIZE) == 0) {
		written(b, data, c, &a);
		chunk_buf_unref(c);
	} else {
		keep_in_memory(b, c, &a);
	}
	data_file_unref(data);
	blob_settle(b, &a);
	blob_put(b);
}

void store_chunk(struct chunk_buf *c)
{
	c->job.run = run_store;
	workers_run(c->blob->fetch->workers, &c->job);
}

/* --- chunks of an earlier run --- */

static const struct chunk_digest *find_digest_locked(const struct blob *b, uint64_t idx)
{
	size_t lo = 0, hi = b->rows ? b->rows->nr : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct cache_extent *x = &b->rows->extents[mid];

		if (x->idx == idx / EXTENT_CHUNKS)
			return &x->digests[idx % EXTENT_CHUNKS];
		if (x->idx < idx / EXTENT_CHUNKS)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool is_chunk(struct blob *b, struct data_file *data, uint64_t idx, void *bytes)
{
	const struct chunk_digest *want;
	struct chunk_digest have, expected;
	size_t len = blob_chunk_len(b, idx);

	pthread_mutex_lock(&b->lock);
	want = find_digest_locked(b, idx);
	if (want)
		expected = *want;
	pthread_mutex_unlock(&b->lock);
	if (!want || !data || io_pread(data->fd, bytes, len, idx * CHUNK_SIZE) < 0)
		return false;
	have = cache_chunk_digest(&b->id, idx, bytes, len);
	return digest_equal_ct(&have, &expected, sizeof(have));
}

static void prove(struct blob *b, uint64_t idx, void *bytes)
{
	struct data_file *data = store_open_data(b);
	struct aftermath a = {0};
	bool ok = is_chunk(b, data, idx, bytes);

	if (!ok)
		cache_drop_chunk(b->fetch->cache, &b->id, b->size, idx);
	pthread_mutex_lock(&b->lock);
	if (b->state[idx] == CHUNK_PROVING && ok && b->data == data && !is_forced_out_locked(b, idx)) {
		blob_set_state_locked(b, idx, CHUNK_PRESENT);
		blob_arrived_locked(b, idx, &a);
	} else if (b->state[idx] == CHUNK_PROVING) {
		b->sealed = false;
		blob_lost_locked(b, idx, &a);
	}
	pthread_cond_broadcast(&b->drained);
	pthread_mutex_unlock(&b->lock);
	data_file_unref(data);
	blob_settle(b, &a);
}

static void run_prove(struct job *job)
{
	struct prove_job *j = container_of(job, struct prove_job, job);
	struct blob *b = j->blob;
	AUTO_FREE void *bytes = malloc(CHUNK_SIZE);
	struct aftermath a = {0};

	for (unsigned n = 0; n < PROVE_AT_ONCE && bytes && j->first <= j->last; n++)
		prove(b, j->first++, bytes);
	if (!bytes) { /* fetched again instead */
		pthread_mutex_lock(&b->lock);
		for (; j->first <= j->last; j->first++)
			blob_lost_locked(b, j->first, &a);
		pthread_mutex_unlock(&b->lock);
		blob_settle(b, &a);
	}
	if (j->first <= j->last) {
		workers_run(b->fetch->workers, &j->job);
		return;
	}
	free(j);
	blob_put(b);
}

struct prove_job *prove_job_new(struct blob *b, uint64_t first, uint64_t last)
{
	struct prove_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->job.run = run_prove;
	j->first = first;
	j->last = last;
	j->blob = blob_ref(b);
	return j;
}

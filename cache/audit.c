// SPDX-License-Identifier: Apache-2.0
/*
 * A look at one blob as it is on disk, for verify: on the thread that asks, since it takes as long as reading takes. The keeper gives
 * the rows before and draws the consequences after; what it did meanwhile - evicted, fetched anew - is no damage, so chunks that
 * looked wrong are looked at once more by the keeper itself, who is the only one to punch holes.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>

struct audit {
	struct cache *cache;
	struct blob_id id;
	uint64_t size;
	struct cache_rows *rows; /* as they were at first; then the bits of wrong chunks only */
	bool fix, is_complete, was_sealed;
	const volatile sig_atomic_t *stop;
	uint8_t *bytes; /* CHUNK_SIZE, aligned */
	struct stat st;
};

static size_t chunk_len(uint64_t size, uint64_t idx)
{
	return (size_t)min_u64(CHUNK_SIZE, size - idx * CHUNK_SIZE);
}

static bool is_as_stored(const struct audit *a, const struct cache_extent *e, unsigned n)
{
	uint64_t idx = e->idx * EXTENT_CHUNKS + n;
	struct chunk_digest got = cache_chunk_digest(&a->id, idx, a->bytes, chunk_len(a->size, idx));

	return !memcmp(&got, &e->digests[n], sizeof(got));
}

/* --- on the keeper's thread --- */

static int load_rows(struct cache *c, void *arg)
{
	struct audit *a = arg;

	return rows_load(c, &a->id, a->size, &a->rows);
}

/* Is the chunk there, of this digest, and still wrong? */
static bool is_still_bad(struct audit *a, int fd, const struct cache_extent *e, unsigned n, const struct cache_rows *now)
{
	uint64_t idx = e->idx * EXTENT_CHUNKS + n;

	for (size_t i = 0; i < now->nr; i++) {
		const struct cache_extent *x = &now->extents[i];

		if (x->idx != e->idx)
			continue;
		if (!(x->present >> n & 1) || memcmp(&x->digests[n], &e->digests[n], sizeof(x->digests[n])) != 0)
			return false;
		return data_read_past(fd, a->bytes, chunk_len(a->size, idx), idx * CHUNK_SIZE) < 0 || !is_as_stored(a, e, n);
	}
	return false;
}

/* Judges the wrong chunks once more, and drops them where that is wished. 1: there are some. */
static int judge_bad(struct cache *c, void *arg)
{
	struct audit *a = arg;
	AUTO_FREE struct cache_rows *now = NULL;
	bool any = false;
	AUTO_FD int fd = data_find(c->data, &a->id, a->size, NULL);

	if (fd < 0 || rows_load(c, &a->id, a->size, &now) < 0)
		return 0; /* they went with it */
	data_set_direct(fd, true);
	for (size_t i = 0; i < a->rows->nr; i++) {
		struct cache_extent *e = &a->rows->extents[i];

		for (uint64_t bits = e->present; bits; bits &= bits - 1) {
			unsigned n = (unsigned)__builtin_ctzll(bits);

			if (!is_still_bad(a, fd, e, n, now))
				e->present &= ~(1ull << n);
		}
		any |= e->present != 0;
	}
	if (any && a->fix)
		(void)proofs_blame(c, &a->id, a->size, a->rows); /* there are some, as we know */
	return any;
}

static int drop_all(struct cache *c, void *arg)
{
	const struct audit *a = arg;
	AUTO_FREE struct cache_rows *now = NULL;

	if (rows_load(c, &a->id, a->size, &now) == 0 && rows_are_complete(now, a->size))
		proofs_condemn(c, &a->id, a->size);
	return 0;
}

static int seal(struct cache *c, void *arg)
{
	const struct audit *a = arg;
	struct proof_result res = {.id = a->id, .size = a->size, .outcome = PROOF_GOOD, .st = a->st};

	return proofs_seal(c, &res);
}

/* --- on the asking thread --- */

static uint64_t row_bytes(const struct audit *a)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < a->rows->nr; i++)
		bytes += index_extent_bytes(a->size, a->rows->extents[i].idx, a->rows->extents[i].present);
	return bytes;
}

/* One extent: what is wrong of it stays set. The digest of the whole goes on with each chunk, if there is one. */
static int read_extent(struct audit *a, int fd, struct cache_extent *e, struct digest *whole)
{
	uint64_t bad = 0;

	for (uint64_t bits = e->present; bits; bits &= bits - 1) {
		unsigned n = (unsigned)__builtin_ctzll(bits);
		uint64_t idx = e->idx * EXTENT_CHUNKS + n;
		size_t len = chunk_len(a->size, idx);

		if (a->stop && *a->stop)
			return -ECANCELED;
		if (data_read_past(fd, a->bytes, len, idx * CHUNK_SIZE) < 0 || !is_as_stored(a, e, n))
			bad |= 1ull << n;
		else if (whole && digest_update(whole, a->bytes, len) < 0)
			return -EIO;
	}
	e->present = bad;
	return 0;
}

static int read_blob(struct audit *a, struct cache_audit *out)
{
	AUTO_FD int fd = data_find(a->cache->data, &a->id, a->size, &a->st);
	AUTO(digest_free) struct digest *whole = a->is_complete ? digest_new(a->id.algo, a->size) : NULL;
	struct blob_id got;
	int r = 0;

	if (fd < 0)
		return fd;
	if (a->is_complete && !whole)
		return -ENOMEM;
	data_set_direct(fd, true);
	for (size_t i = 0; r == 0 && i < a->rows->nr; i++)
		r = read_extent(a, fd, &a->rows->extents[i], whole);
	if (r < 0)
		return r;
	out->bad_bytes = row_bytes(a);
	out->verdict = out->bad_bytes ? VERDICT_DECAYED : VERDICT_PARTIAL;
	if (!whole || out->bad_bytes)
		return 0;
	if (digest_final(whole, &got) < 0)
		return -EIO;
	out->verdict = blob_id_equal(&got, &a->id) ? VERDICT_PROVEN : VERDICT_FOREIGN;
	out->bad_bytes = out->verdict == VERDICT_FOREIGN ? a->size : 0;
	if (out->verdict == VERDICT_PROVEN && fdatasync(fd) < 0)
		a->was_sealed = true; /* proven, but not to be sealed: it may not be on disk */
	return 0;
}

static void draw_consequences(struct audit *a, struct cache_audit *out)
{
	if (out->verdict == VERDICT_DECAYED && cache_call(a->cache, judge_bad, a) <= 0)
		*out = (struct cache_audit){.verdict = VERDICT_PARTIAL, .bytes = out->bytes - out->bad_bytes};
	else if (out->verdict == VERDICT_DECAYED)
		out->dropped = a->fix;
	else if (out->verdict == VERDICT_FOREIGN)
		out->dropped = a->fix && cache_call(a->cache, drop_all, a) == 0;
	else if (out->verdict == VERDICT_PROVEN && a->fix && !a->was_sealed)
		(void)cache_call(a->cache, seal, a); /* else it is proven once more */
}

static int audit(struct audit *a, struct cache_audit *out)
{
	int r = cache_call(a->cache, load_rows, a);

	if (r < 0 || a->rows->nr == 0)
		return r;
	out->bytes = row_bytes(a);
	a->is_complete = rows_are_complete(a->rows, a->size);
	a->was_sealed = a->rows->sealed;
	r = read_blob(a, out);
	if (r == -ENOENT || r == -EBADMSG) { /* evicted meanwhile */
		*out = (struct cache_audit){0};
		return 0;
	}
	if (r == 0)
		draw_consequences(a, out);
	return r;
}

int cache_audit(struct cache *c, const struct blob_id *id, uint64_t size, bool fix, const volatile sig_atomic_t *stop,
		struct cache_audit *out)
{
	struct audit a = {.cache = c, .id = *id, .size = size, .fix = fix, .stop = stop, .bytes = aligned_alloc(DIRECT_ALIGN, CHUNK_SIZE)};
	struct cache_audit found = {0};
	int r = !blob_id_len(id) ? -EINVAL : a.bytes ? audit(&a, &found) : -ENOMEM;

	free(a.bytes);
	free(a.rows);
	if (r == 0)
		*out = found;
	return r;
}

/* --- which blobs there are --- */

struct blob_listing {
	int64_t after;
	struct cache_blob *out;
	size_t max;
};

static int list_blobs(struct cache *c, void *arg)
{
	struct blob_listing *l = arg;
	struct index_blob b;
	size_t nr = 0;
	int r = c->broken ? -EIO : 1;

	while (r > 0 && nr < l->max) {
		r = index_list_blobs(c->index, &l->after, &b, 1);
		if (r > 0 && b.chunks)
			l->out[nr++] = (struct cache_blob){b.id, b.size, min_u64(b.chunks * CHUNK_SIZE, b.size), b.sealed};
	}
	r = keeper_index_failed(c, r);
	return r < 0 ? -EIO : (int)nr;
}

int cache_list_blobs(struct cache *c, int64_t *after, struct cache_blob *out, size_t max)
{
	struct blob_listing l = {*after, out, max};
	int r = cache_call(c, list_blobs, &l);

	if (r >= 0)
		*after = l.after;
	return r;
}

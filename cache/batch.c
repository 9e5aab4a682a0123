// SPDX-License-Identifier: Apache-2.0
/* What waits for the next index transaction. See batch_int.h for the rules. */
#include "batch_int.h"

#include <errno.h>
#include <string.h>

static void free_extents(struct batch *b, struct batch_blob *blob)
{
	struct batch_extent *e;
	size_t i = 0;

	while ((e = map_next(&blob->extents, &i))) {
		b->nr_extents--;
		free(e);
	}
	map_done(&blob->extents);
}

struct batch_blob *batch_find(const struct batch *b, const struct blob_id *id)
{
	return map_find(&b->blobs, id, sizeof(*id));
}

struct batch_extent *batch_find_extent(const struct batch *b, const struct blob_id *id, uint64_t extent_idx)
{
	struct batch_blob *blob = batch_find(b, id);

	return blob ? map_find(&blob->extents, &extent_idx, sizeof(extent_idx)) : NULL;
}

static struct batch_blob *ensure_blob(struct batch *b, const struct blob_id *id, uint64_t size)
{
	struct batch_blob *blob = batch_find(b, id);

	if (blob) {
		if (size && blob->size && blob->size != size)
			free_extents(b, blob);
		if (size)
			blob->size = size;
		return blob;
	}
	blob = calloc(1, sizeof(*blob));
	if (!blob)
		return NULL;
	blob->id = *id;
	blob->size = size;
	if (map_put(&b->blobs, &blob->id, sizeof(blob->id), blob) < 0) {
		free(blob);
		return NULL;
	}
	return blob;
}

/* size 0: not known to the caller. */
static struct batch_extent *ensure_extent(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t extent_idx)
{
	struct batch_blob *blob = ensure_blob(b, id, size);
	struct batch_extent *e;

	if (!blob)
		return NULL;
	e = map_find(&blob->extents, &extent_idx, sizeof(extent_idx));
	if (e)
		return e;
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->idx = extent_idx;
	if (map_put(&blob->extents, &e->idx, sizeof(e->idx), e) < 0) {
		free(e);
		return NULL;
	}
	b->nr_extents++;
	return e;
}

int batch_put(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t idx, const struct chunk_digest *digest)
{
	struct batch_extent *e = ensure_extent(b, id, size, idx / EXTENT_CHUNKS);
	unsigned n = (unsigned)(idx % EXTENT_CHUNKS);

	if (!e)
		return -ENOMEM;
	e->put |= 1ull << n;
	e->drop &= ~(1ull << n);
	e->digests[n] = *digest;
	e->used = true;
	b->nr_puts++;
	return 0;
}

int batch_drop_bits(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t extent_idx, uint64_t bits)
{
	struct batch_extent *e = ensure_extent(b, id, size, extent_idx);

	if (!e)
		return -ENOMEM;
	e->drop |= bits;
	e->put &= ~bits;
	return 0;
}

int batch_drop(struct batch *b, const struct blob_id *id, uint64_t size, uint64_t idx)
{
	return batch_drop_bits(b, id, size, idx / EXTENT_CHUNKS, 1ull << (idx % EXTENT_CHUNKS));
}

int batch_use(struct batch *b, const struct blob_id *id, uint64_t extent_idx)
{
	struct batch_blob *blob = extent_idx == BATCH_ALL ? ensure_blob(b, id, 0) : NULL;
	struct batch_extent *e = extent_idx == BATCH_ALL ? NULL : ensure_extent(b, id, 0, extent_idx);

	if (blob)
		blob->used = true;
	if (e)
		e->used = true;
	return blob || e ? 0 : -ENOMEM;
}

void batch_forget_blob(struct batch *b, const struct blob_id *id)
{
	struct batch_blob *blob = map_del(&b->blobs, id, sizeof(*id));

	if (!blob)
		return;
	free_extents(b, blob);
	free(blob);
}

void batch_overlay(const struct batch_extent *e, struct cache_extent *out)
{
	out->idx = e->idx;
	out->present = (out->present & ~e->drop) | e->put;
	for (uint64_t bits = e->put; bits; bits &= bits - 1) {
		unsigned n = (unsigned)__builtin_ctzll(bits);

		out->digests[n] = e->digests[n];
	}
}

/* A new record under its key, empty; replaces an older one. */
static struct batch_doc *fresh_doc(struct batch *b, int kind, const char *key, enum batch_doc_op op)
{
	size_t len = 1 + strlen(key);
	struct batch_doc *d = calloc(1, sizeof(*d) + len), *old;

	if (!d)
		return NULL;
	d->key_len = len;
	d->op = op;
	d->key[0] = (uint8_t)kind;
	memcpy(d->key + 1, key, len - 1);
	old = map_find(&b->docs, d->key, len);
	if (map_put(&b->docs, d->key, len, d) < 0) {
		free(d);
		return NULL;
	}
	if (old) {
		free(old->bytes);
		free(old);
	}
	return d;
}

int batch_put_doc(struct batch *b, int kind, const char *key, void *bytes, size_t len, int64_t stored_s)
{
	struct batch_doc *d = fresh_doc(b, kind, key, BATCH_DOC_PUT);

	if (!d)
		return -ENOMEM;
	d->bytes = bytes;
	d->len = len;
	d->stored_s = stored_s;
	return 0;
}

int batch_drop_doc(struct batch *b, int kind, const char *key)
{
	return fresh_doc(b, kind, key, BATCH_DOC_DROP) ? 0 : -ENOMEM;
}

int batch_use_doc(struct batch *b, int kind, const char *key)
{
	if (batch_find_doc(b, kind, key))
		return 0;
	return fresh_doc(b, kind, key, BATCH_DOC_USED) ? 0 : -ENOMEM;
}

const struct batch_doc *batch_find_doc(const struct batch *b, int kind, const char *key)
{
	AUTO_BUF full = {0};

	buf_addc(&full, (char)kind);
	buf_adds(&full, key);
	return full.failed ? NULL : map_find(&b->docs, full.data, full.len);
}

bool batch_is_empty(const struct batch *b)
{
	return b->blobs.nr == 0 && b->docs.nr == 0;
}

void batch_clear(struct batch *b)
{
	struct batch_blob *blob;
	struct batch_doc *d;
	size_t i = 0;

	while ((blob = map_next(&b->blobs, &i))) {
		free_extents(b, blob);
		free(blob);
	}
	i = 0;
	while ((d = map_next(&b->docs, &i))) {
		free(d->bytes);
		free(d);
	}
	map_done(&b->blobs);
	map_done(&b->docs);
	*b = (struct batch){0};
}

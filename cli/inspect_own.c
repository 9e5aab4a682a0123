// SPDX-License-Identifier: Apache-2.0
/* A repository read by this process. Small files are brought into the cache whole, and read from there; headers are inspect_head.c's. */
#include "inspect_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/io.h>

#include "wait_int.h"

struct own {
	struct source source;
	struct fetch *fetch;
	struct revision rev;
	struct hub_stats before;
};

static struct object_ref object_of(const struct own *o, const struct listing_entry *e)
{
	struct object_ref from = {.repo = o->rev.repo, .path = e->path, .size = e->size, .id = e->id};

	memcpy(from.commit, o->rev.commit, sizeof(from.commit));
	return from;
}

static int own_about(struct source *s, struct look_about *out, struct err *err)
{
	const struct own *o = container_of(s, struct own, source);

	(void)err;
	*out = (struct look_about){
		.repo = o->rev.repo, .is_gated = o->rev.is_gated, .is_private = o->rev.is_private ? ANSWER_YES : ANSWER_NO, .said = o->rev.card};
	memcpy(out->commit, o->rev.commit, sizeof(out->commit));
	return 0;
}

static int own_list(struct source *s, struct listing *out, bool *whole, struct err *err)
{
	const struct own *o = container_of(s, struct own, source);
	AUTO(tree_unref) struct tree *tree = NULL;
	int r = wait_top(fetch_catalog(o->fetch), &o->rev.repo, o->rev.commit, &tree, whole, err);

	if (r == -E2BIG) { /* not even the top directory: the card at least */
		*whole = false;
		r = wait_path(fetch_catalog(o->fetch), &o->rev.repo, o->rev.commit, "README.md", &tree, err);
		if (r == -ENOENT)
			return 0;
	}
	return r < 0 ? r : listing_from_tree(out, tree, "", true, err);
}

/* --- what the cache has --- */

static uint64_t chunk_len(uint64_t size, uint64_t idx)
{
	return min_u64(CHUNK_SIZE, size - idx * CHUNK_SIZE);
}

static const struct cache_extent *find_extent(const struct cache_rows *rows, uint64_t idx)
{
	for (size_t i = 0; i < rows->nr; i++)
		if (rows->extents[i].idx == idx / EXTENT_CHUNKS)
			return &rows->extents[i];
	return NULL;
}

static bool has_chunk(const struct cache_rows *rows, uint64_t idx)
{
	const struct cache_extent *e = find_extent(rows, idx);

	return e && e->present >> idx % EXTENT_CHUNKS & 1;
}

/* Bytes from the beginning of the file that are cached without a gap. */
static uint64_t leading_bytes(const struct cache_rows *rows, uint64_t size)
{
	uint64_t idx = 0;

	while (idx * CHUNK_SIZE < size && has_chunk(rows, idx))
		idx++;
	return min_u64(idx * CHUNK_SIZE, size);
}

static uint64_t own_cached(struct source *s, const struct listing_entry *e)
{
	const struct own *o = container_of(s, struct own, source);
	AUTO_FREE struct cache_rows *rows = NULL;
	uint64_t bytes = 0;

	s->is_denied |= e->size && !e->id.algo;
	if (!e->size || !e->id.algo || wait_rows(fetch_cache(o->fetch), &e->id, e->size, &rows) < 0)
		return 0;
	for (size_t i = 0; i < rows->nr; i++)
		for (uint64_t c = 0; c < EXTENT_CHUNKS; c++) {
			uint64_t idx = rows->extents[i].idx * EXTENT_CHUNKS + c;

			if ((rows->extents[i].present >> c & 1) && idx * CHUNK_SIZE < e->size)
				bytes += chunk_len(e->size, idx);
		}
	return bytes;
}

/* One chunk from the data file, held against its digest. */
static int load_chunk(int fd, const struct cache_rows *rows, const struct listing_entry *e, uint64_t idx, void *out)
{
	const struct cache_extent *x = find_extent(rows, idx);
	size_t len = (size_t)chunk_len(e->size, idx);
	struct chunk_digest digest;
	int r = io_pread(fd, out, len, idx * CHUNK_SIZE);

	if (r < 0)
		return r;
	digest = cache_chunk_digest(&e->id, idx, out, len);
	return memcmp(&digest, &x->digests[idx % EXTENT_CHUNKS], sizeof(digest)) ? -EBADMSG : 0;
}

/* [off, off + len), which leading_bytes() covers. */
static int load_bytes(const struct own *o, const struct cache_rows *rows, const struct listing_entry *e, uint64_t off, size_t len, uint8_t *out)
{
	AUTO_FD int fd = cache_open_data(fetch_cache(o->fetch), &e->id, e->size, false);
	AUTO_FREE uint8_t *chunk = malloc(CHUNK_SIZE);

	if (fd < 0 || !chunk)
		return fd < 0 ? fd : -ENOMEM;
	while (len) {
		uint64_t idx = off / CHUNK_SIZE, within = off % CHUNK_SIZE;
		size_t n = (size_t)min_u64(len, chunk_len(e->size, idx) - within);
		int r = load_chunk(fd, rows, e, idx, chunk);

		if (r < 0)
			return r;
		memcpy(out, chunk + within, n);
		out += n;
		off += n;
		len -= n;
	}
	return 0;
}

static int refuse_masked(const struct own *o, const struct listing_entry *e, struct err *err)
{
	return err_set(err, -EACCES, "%s: %s is gated: ask for access at %s/%s%s, and set HF_TOKEN", o->rev.repo.name, e->path,
		       hub_endpoint(fetch_hub(o->fetch)), repo_kind_prefix(o->rev.repo.kind), o->rev.repo.name);
}

/* Rows of the blob, if this identity may have what is cached; of what only the owner may see, the Hub is asked. */
static int look_into_cache(const struct own *o, const struct listing_entry *e, struct cache_rows **rows, struct err *err)
{
	struct object_ref from = object_of(o, e);
	int r;

	if (!e->id.algo)
		return refuse_masked(o, e, err);
	r = wait_rows(fetch_cache(o->fetch), &e->id, e->size, rows);
	if (r < 0)
		return err_set(err, r, "the cache cannot be asked for %s", e->path);
	return (*rows)->nr && (o->rev.is_gated || o->rev.is_private) ? wait_grant(fetch_catalog(o->fetch), &from, err) : 0;
}

/* --- small files --- */

static int bring(const struct own *o, const struct listing_entry *e, size_t len, struct err *err)
{
	struct object_ref from = object_of(o, e);
	struct blob *b = blob_get(o->fetch, &from);
	int r;

	if (!b)
		return err_set(err, -ENOMEM, "out of memory");
	r = wait_ensure(b, 0, len, err);
	if (r == 0 && (o->rev.is_gated || o->rev.is_private))
		catalog_note_grant(fetch_catalog(o->fetch), &o->rev.repo, &e->id);
	blob_put(b);
	return r;
}

static int own_read(struct source *s, const struct listing_entry *e, size_t len, void *out, struct err *err)
{
	const struct own *o = container_of(s, struct own, source);
	AUTO_FREE struct cache_rows *rows = NULL;
	int r = look_into_cache(o, e, &rows, err);

	if (r == 0 && leading_bytes(rows, e->size) < len) {
		r = bring(o, e, len, err);
		free(TAKE(rows));
		if (r == 0)
			r = wait_rows(fetch_cache(o->fetch), &e->id, e->size, &rows);
	}
	if (r < 0)
		return r;
	r = leading_bytes(rows, e->size) < len ? -ENOSPC : load_bytes(o, rows, e, 0, len, out);
	return r < 0 ? err_set(err, r, "%s: the cache did not keep it: %s", e->path, strerror(-r)) : 0;
}

/* --- headers --- */

/* Where load_bytes() reads. */
struct cached_head {
	const struct own *own;
	const struct cache_rows *rows;
	const struct listing_entry *e;
};

static int load_head(void *ctx, uint64_t off, size_t len, uint8_t *out)
{
	const struct cached_head *c = ctx;

	return load_bytes(c->own, c->rows, c->e, off, len, out);
}

static int own_table(struct source *s, const struct listing_entry *e, struct tensor_table **out, uint64_t *beyond, struct err *err)
{
	const struct own *o = container_of(s, struct own, source);
	AUTO_FREE struct cache_rows *rows = NULL;
	struct head_source from = {.hub = fetch_hub(o->fetch), .object = object_of(o, e), .load = load_head};
	struct cached_head cached = {.own = o, .e = e};
	int r = look_into_cache(o, e, &rows, err);

	if (r < 0)
		return r;
	cached.rows = rows;
	from.ctx = &cached;
	from.cached = leading_bytes(rows, e->size);
	return head_read(&from, out, beyond, err);
}

/* --- all of it --- */

static void own_took(struct source *s, uint64_t *requests, uint64_t *bytes)
{
	const struct own *o = container_of(s, struct own, source);
	struct hub_stats now;

	hub_stats(fetch_hub(o->fetch), &now);
	*requests = now.requests - o->before.requests;
	*bytes = now.bytes_fetched - o->before.bytes_fetched;
}

static void own_close(struct source *s)
{
	free(container_of(s, struct own, source));
}

int source_open_own(struct fetch *f, const struct repo_id *repo, const char *rev, struct source **out, struct err *err)
{
	static const struct source_ops ops = {own_about, own_list, own_read, own_table, own_cached, own_took, own_close};
	AUTO_FREE struct own *o = calloc(1, sizeof(*o));
	int r;

	if (!o)
		return err_set(err, -ENOMEM, "out of memory");
	o->source = (struct source){.ops = &ops, .through = "cache"};
	o->fetch = f;
	hub_stats(fetch_hub(f), &o->before);
	r = wait_revision(fetch_catalog(f), repo, rev, &o->rev, err);
	if (r < 0)
		return r;
	*out = &TAKE(o)->source;
	return 0;
}

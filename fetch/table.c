// SPDX-License-Identifier: Apache-2.0
/*
 * The blobs in memory, by id: one struct for one content, whatever paths lead to it. Blobs that nobody has open are remembered
 * for a while, oldest forgotten first. A new one asks the cache for its index rows; reads wait for them.
 */
#include "ahead_int.h"
#include "hot_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/log.h>

/* --- index rows --- */

struct rows_job {
	struct job job;
	struct blob *blob;
	struct cache_rows *rows;
	int r;
};

static void take_rows_locked(struct blob *b, struct cache_rows *rows)
{
	for (size_t e = 0; e < rows->nr; e++) {
		const struct cache_extent *x = &rows->extents[e];

		for (unsigned n = 0; n < EXTENT_CHUNKS; n++) {
			uint64_t idx = x->idx * EXTENT_CHUNKS + n;

			if (idx < b->nr && (x->present >> n & 1))
				blob_set_state_locked(b, idx, rows->sealed ? CHUNK_PRESENT : CHUNK_UNPROVEN);
		}
	}
	b->sealed = rows->sealed;
	if (b->sealed)
		data_file_sealed(b->data);
	b->quarantined = rows->quarantined;
}

/* On a worker: the data file is opened, the states are set, and readers that came meanwhile are looked at. */
static void apply_rows(struct job *job)
{
	struct rows_job *j = container_of(job, struct rows_job, job);
	struct blob *b = j->blob;
	struct data_file *data = j->r == 0 && j->rows->nr ? store_open_data(b) : NULL;
	struct aftermath a = {0};
	struct err err = {0};
	bool want_proof;

	pthread_mutex_lock(&b->lock);
	if (data) {
		take_rows_locked(b, j->rows);
		b->rows = TAKE(j->rows);
	} else if (j->r == 0) {
		b->quarantined = j->rows->quarantined;
	}
	b->ready = true;
	want_proof = b->bytes_present == b->size && !b->sealed;
	if (b->quarantined) {
		int r = blob_refuse_locked(b, &err);

		blob_fail_locked(b, 0, b->nr - 1, r, &err, &a);
	}
	blob_recheck_locked(b, &a);
	pthread_cond_broadcast(&b->drained); /* who brings bytes waits until it is ready */
	pthread_mutex_unlock(&b->lock);

	data_file_unref(data);
	if (want_proof)
		cache_want_proof(b->fetch->cache, &b->id, b->size);
	blob_settle(b, &a);
	free(j->rows);
	blob_put(b);
	free(j);
}

static void rows_loaded(void *ctx, int r, struct cache_rows *rows)
{
	struct rows_job *j = ctx;

	j->r = r;
	j->rows = rows;
	j->job.run = apply_rows;
	workers_run(j->blob->fetch->workers, &j->job);
}

/* --- the table --- */

static void blob_free(struct blob *b)
{
	if (!b)
		return;
	hot_drop_all(b);
	ahead_leave(b);
	for (unsigned i = 0; i < b->nr_sources; i++)
		free(b->sources[i].path);
	learn_done(&b->learn);
	data_file_unref(b->data);
	free(b->rows);
	free(b->state);
	free(b->touched_s);
	pthread_cond_destroy(&b->drained);
	pthread_mutex_destroy(&b->open_lock);
	pthread_mutex_destroy(&b->lock);
	free(b);
}

static struct blob *blob_new(struct fetch *f, const struct object_ref *from)
{
	struct blob *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->fetch = f;
	b->id = from->id;
	b->size = b->prefetch.size = from->size;
	b->nr = (from->size + CHUNK_SIZE - 1) / CHUNK_SIZE;
	b->refs = 1;
	b->readers_tail = &b->readers;
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->open_lock, NULL);
	cond_init(&b->drained);
	b->state = calloc(b->nr, 1);
	b->touched_s = calloc(b->nr / EXTENT_CHUNKS + 1, sizeof(*b->touched_s));
	if (!b->state || !b->touched_s) {
		blob_free(b);
		return NULL;
	}
	return b;
}

static bool same_source(const struct object_ref *a, const struct object_ref *b)
{
	return a->repo.kind == b->repo.kind && !strcmp(a->repo.name, b->repo.name) && !strcmp(a->commit, b->commit) &&
	       !strcmp(a->path, b->path);
}

/* The newest way to the blob is tried first: its repository was just seen to be there. */
static void add_source(struct blob *b, const struct object_ref *from)
{
	LOCK_SCOPE(&b->lock);

	for (unsigned i = 0; i < b->nr_sources; i++)
		if (same_source(&b->sources[i].ref, from)) {
			b->source = i;
			return;
		}
	if (b->nr_sources == SOURCES_MAX)
		return; /* a transfer may be using any of them; these have worked */
	char *path = strdup(from->path);

	if (!path)
		return;
	b->sources[b->nr_sources] = (struct blob_source){.ref = *from, .path = path};
	b->sources[b->nr_sources].ref.path = path;
	b->source = b->nr_sources++;
}

static void idle_remove_locked(struct fetch *f, struct blob *b)
{
	*(b->idle_prev ? &b->idle_prev->idle_next : &f->idle_head) = b->idle_next;
	*(b->idle_next ? &b->idle_next->idle_prev : &f->idle_tail) = b->idle_prev;
	b->idle_prev = b->idle_next = NULL;
	f->nr_idle--;
}

static void idle_add_locked(struct fetch *f, struct blob *b)
{
	b->idle_prev = f->idle_tail;
	*(f->idle_tail ? &f->idle_tail->idle_next : &f->idle_head) = b;
	f->idle_tail = b;
	f->nr_idle++;
}

struct blob *blob_ref(struct blob *b)
{
	LOCK_SCOPE(&b->fetch->blobs_lock);
	if (b->refs++ == 0)
		idle_remove_locked(b->fetch, b);
	return b;
}

struct blob *blob_ref_open(struct blob *b)
{
	LOCK_SCOPE(&b->fetch->blobs_lock);
	if (!b->refs)
		return NULL;
	b->refs++;
	return b;
}

struct blob *blob_find(struct fetch *f, const struct blob_id *id)
{
	struct blob *b;
	LOCK_SCOPE(&f->blobs_lock);

	b = map_find(&f->blobs, id, sizeof(*id));
	if (b && b->refs++ == 0)
		idle_remove_locked(f, b);
	return b;
}

struct blob **blob_all(struct fetch *f, size_t *nr)
{
	struct blob **all, *b;
	size_t i = 0;
	LOCK_SCOPE(&f->blobs_lock);

	*nr = 0;
	all = malloc((f->blobs.nr + 1) * sizeof(struct blob *));
	if (!all)
		return NULL;
	while ((b = map_next(&f->blobs, &i))) {
		if (b->refs++ == 0)
			idle_remove_locked(f, b);
		all[(*nr)++] = b;
	}
	return all;
}

void blob_put(struct blob *b)
{
	struct fetch *f = b->fetch;
	struct blob *old = NULL;

	pthread_mutex_lock(&f->blobs_lock);
	if (--b->refs == 0)
		idle_add_locked(f, b);
	if (f->nr_idle > f->idle_max) {
		old = f->idle_head;
		idle_remove_locked(f, old);
		map_del(&f->blobs, &old->id, sizeof(old->id));
	}
	pthread_mutex_unlock(&f->blobs_lock);
	blob_free(old);
}

/* Finds or makes the blob, referenced; *fresh: it was made and its rows are still to be asked for. */
static struct blob *find_or_make(struct fetch *f, const struct object_ref *from, bool *fresh)
{
	struct blob *b = blob_find(f, &from->id), *made, *other;

	*fresh = false;
	if (b)
		return b;
	made = blob_new(f, from);
	if (!made)
		return NULL;
	pthread_mutex_lock(&f->blobs_lock);
	other = map_find(&f->blobs, &from->id, sizeof(from->id));
	if (other) {
		if (other->refs++ == 0)
			idle_remove_locked(f, other);
	} else if (map_put(&f->blobs, &made->id, sizeof(made->id), made) == 0) {
		b = made;
		b->refs++; /* of the rows job */
		*fresh = true;
	}
	pthread_mutex_unlock(&f->blobs_lock);
	if (!b)
		blob_free(made);
	return b ? b : other;
}

struct blob *blob_get(struct fetch *f, const struct object_ref *from)
{
	struct rows_job *job;
	struct blob *b;
	bool fresh;

	if (atomic_load(&f->closed))
		return NULL;
	b = find_or_make(f, from, &fresh);
	if (!b)
		return NULL;
	if (b->size != from->size) { /* one content cannot have two sizes: a listing lies */
		log_warn("%s: %s is listed with %llu bytes, elsewhere with %llu", from->repo.name, from->path,
			 (unsigned long long)from->size, (unsigned long long)b->size);
		blob_put(b);
		return NULL;
	}
	if (from->path)
		add_source(b, from);
	if (!fresh)
		return b;
	if (from->path)
		ahead_join(b, from);
	job = calloc(1, sizeof(*job));
	if (!job) { /* nothing is known of it, then */
		pthread_mutex_lock(&b->lock);
		b->ready = true;
		pthread_cond_broadcast(&b->drained);
		pthread_mutex_unlock(&b->lock);
		blob_put(b);
		return b;
	}
	job->blob = b;
	cache_want_rows(f->cache, &b->id, b->size, rows_loaded, job);
	return b;
}

void blob_table_done(struct fetch *f)
{
	size_t i = 0;
	struct blob *b;

	while ((b = map_next(&f->blobs, &i)))
		blob_free(b);
	map_done(&f->blobs);
}

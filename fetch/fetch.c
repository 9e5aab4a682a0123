// SPDX-License-Identifier: Apache-2.0
/* The assembly: workers, hub, cache, catalog, scheduler; and the order in which they end. */
#include "ahead_int.h"

#include <errno.h>

#include <hffs/io.h>
#include <hffs/log.h>

#include "catalog_int.h"
#include "disk_int.h"
#include "hot_int.h"

#define FILES_OTHER 128 /* descriptors for connections, the index, the mount */

/* Every open file may need a descriptor of its own. Blobs that nobody has open hold up to two each, and together half of what is left. */
static unsigned find_idle_max(void)
{
	uint64_t limit = io_raise_descriptor_limit();

	return (unsigned)min_u64(IDLE_BLOBS, (limit - min_u64(limit, FILES_OTHER)) / 4);
}

static int open_workers(struct fetch *f)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	int r = workers_open(cpus < 4 ? 2 : 4, &f->workers);

	if (r == 0)
		r = workers_open(f->config.disk_workers ? f->config.disk_workers : cpus < 4 ? 4 : cpus > 8 ? 8 : (unsigned)cpus, &f->disk_workers);
	return r;
}

static int open_parts(struct fetch *f, struct err *err)
{
	struct catalog_config catalog = {.lockfile = f->config.lock, .filter = f->config.filter, .ref_ttl_ms = f->config.ref_ttl_ms,
					 .large_pages = f->config.listing_pages, .post = workers_post};
	int r = open_workers(f);

	if (r < 0)
		return err_set(err, r, "cannot start threads");
	f->disk = disk_new(workers_count(f->disk_workers));
	f->hot = hot_new();
	f->ahead = ahead_new();
	f->pool = pool_new(POOL_BUFFERS, sched_buffer_given, &f->sched);
	if (!f->disk || !f->hot || !f->ahead || !f->pool)
		return -ENOMEM;
	f->config.hub.defer = workers_post;
	f->config.hub.defer_ctx = f->workers;
	f->config.hub.share = pauses_share(f);
	f->config.cache.events = events_of(f);
	r = cache_open(&f->config.cache, &f->cache, err);
	if (r < 0)
		return r;
	r = hub_open(&f->config.hub, &f->hub, err);
	if (r < 0)
		return r;
	r = sched_open(f, f->config.hub.connections_max, &f->sched);
	if (r < 0)
		return r;
	catalog.hub = f->hub;
	catalog.cache = f->cache;
	catalog.post_ctx = f->workers;
	return catalog_open(&catalog, &f->catalog);
}

int fetch_open(const struct fetch_config *config, struct fetch **out, struct err *err)
{
	struct fetch *f = calloc(1, sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	f->idle_max = find_idle_max();
	f->config = *config;
	pthread_mutex_init(&f->blobs_lock, NULL);
	pthread_mutex_init(&f->swept_lock, NULL);
	r = open_parts(f, err);
	if (r < 0) {
		fetch_close(f);
		return r;
	}
	*out = f;
	return 0;
}

static void cancel_readers(struct fetch *f)
{
	struct err err = {-ECANCELED, "the mount is shutting down"};
	size_t nr;
	struct blob **all = blob_all(f, &nr);

	for (size_t i = 0; i < nr; i++) {
		struct aftermath a = {0};

		pthread_mutex_lock(&all[i]->lock);
		blob_fail_locked(all[i], 0, UINT64_MAX, -ECANCELED, &err, &a);
		pthread_mutex_unlock(&all[i]->lock);
		blob_settle(all[i], &a);
		blob_put(all[i]);
	}
	free(all);
}

void fetch_cancel(struct fetch *f)
{
	if (atomic_exchange(&f->closed, true))
		return;
	cancel_readers(f);
	if (f->catalog)
		catalog_cancel(f->catalog);
	if (f->sched)
		sched_cancel(f->sched);
}

/* hub and cache call back while they close, so workers end last; what is posted after that runs on its caller. */
void fetch_close(struct fetch *f)
{
	if (!f)
		return;
	fetch_cancel(f);
	hub_close(f->hub);
	if (f->workers)
		workers_close(f->workers);
	if (f->disk_workers)
		workers_close(f->disk_workers);
	if (f->sched)
		sched_cancel(f->sched);
	hot_stop(f->hot);
	cache_close(f->cache);
	catalog_free(f->catalog);
	blob_table_done(f);
	hot_free(f->hot);
	ahead_free(f->ahead);
	pool_free(f->pool);
	sched_free(f->sched);
	workers_free(f->workers);
	workers_free(f->disk_workers);
	disk_free(f->disk);
	pthread_mutex_destroy(&f->blobs_lock);
	pthread_mutex_destroy(&f->swept_lock);
	free(f);
}

void fetch_on_swept(struct fetch *f, fetch_swept *fn, void *ctx)
{
	LOCK_SCOPE(&f->swept_lock);
	f->swept = fn;
	f->swept_ctx = ctx;
}

struct hub *fetch_hub(struct fetch *f)
{
	return f->hub;
}

struct cache *fetch_cache(struct fetch *f)
{
	return f->cache;
}

struct catalog *fetch_catalog(struct fetch *f)
{
	return f->catalog;
}

void fetch_stats(struct fetch *f, struct fetch_stats *out)
{
	*out = (struct fetch_stats){
		.chunks_in_flight = atomic_load(&f->chunks_in_flight),
		.readers_parked = atomic_load(&f->readers_parked),
		.read_hits = atomic_load(&f->read_hits),
		.read_misses = atomic_load(&f->read_misses),
		.chunks_bypassed = atomic_load(&f->chunks_bypassed),
	};
	pool_count(f->pool, &out->buffers_used, &out->buffers_max);
	LOCK_SCOPE(&f->blobs_lock);
	out->blobs_open = f->blobs.nr - f->nr_idle;
}

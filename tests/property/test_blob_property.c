// SPDX-License-Identifier: Apache-2.0
/*
 * Many readers of a few blobs, with failing transfers, evictions, forgotten blobs and a disk that refuses: every byte handed out
 * is the blob's, every read ends, and nothing stays in flight. Prints its seed; `test_blob_property SEED [OPERATIONS]` repeats.
 */
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hffs/log.h>
#include <hffs/thread.h>

#define READERS 8
#define NR_BLOBS 4
#define RUNS_MAX 3

static const uint64_t sizes[NR_BLOBS] = {700, CHUNK_SIZE * 3 + 17, 40 * (uint64_t)CHUNK_SIZE, 300 * (uint64_t)CHUNK_SIZE - 5};
static struct fetch *fetch;
static struct object_ref refs[NR_BLOBS];
static atomic_uint wrong, failed, ended;
static atomic_bool stop;
static unsigned operations;

struct pending {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	int r;
	uint8_t name;
	uint64_t off;
	size_t len;
};

static void check(struct pending *p, const struct span *span)
{
	AUTO_FREE uint8_t *got = malloc(p->len), *want = malloc(p->len);

	if (span_len(span) != p->len)
		abort();
	p->r = span_read(span, got);
	fake_fill(p->name, p->off, want, p->len);
	if (p->r == 0 && memcmp(got, want, p->len) != 0) {
		printf("wrong bytes: blob %u, %zu at %llu\n", p->name, p->len, (unsigned long long)p->off);
		atomic_fetch_add(&wrong, 1);
	}
}

static void read_ended(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct pending *p = ctx;

	if (p->done)
		abort(); /* called twice */
	p->r = r;
	if (r == 0)
		check(p, span);
	else
		printf("failed: blob %u at %llu: %d %s\n", p->name, (unsigned long long)p->off, r, err->text);
	LOCK_SCOPE(&p->lock);
	p->done = true;
	pthread_cond_signal(&p->wake);
}

static void read_once(uint32_t *seed)
{
	unsigned i = fake_random(seed) % NR_BLOBS;
	uint64_t off = ((uint64_t)fake_random(seed) << 16 ^ fake_random(seed)) % refs[i].size;
	size_t len = 1 + fake_random(seed) % (fake_random(seed) % 4 ? 200000 : READ_MAX);
	struct pending p = {.name = refs[i].id.bytes[0], .off = off};
	struct blob *b = blob_get(fetch, &refs[i]);

	if (!b)
		abort();
	p.len = (size_t)min_u64(len, refs[i].size - off);
	pthread_mutex_init(&p.lock, NULL);
	cond_init(&p.wake);
	blob_read(b, off, p.len, read_ended, &p);
	pthread_mutex_lock(&p.lock);
	while (!p.done)
		pthread_cond_wait(&p.wake, &p.lock);
	pthread_mutex_unlock(&p.lock);
	blob_put(b);
	atomic_fetch_add(p.r < 0 ? &failed : &ended, 1);
}

static void *reader(void *arg)
{
	uint32_t seed = *(uint32_t *)arg;

	for (unsigned n = 0; n < operations; n++)
		read_once(&seed);
	return NULL;
}

/* Some runs of one blob, sometimes by force; gives how many were given up. */
static unsigned evict_round(uint32_t *seed)
{
	struct cache *c = fetch_cache(fetch);
	unsigned i = fake_random(seed) % NR_BLOBS, asks = 1 + fake_random(seed) % RUNS_MAX, nr = 0;
	bool force = fake_random(seed) % 64 == 0;
	struct fake_run runs[RUNS_MAX];

	for (unsigned n = 0; n < asks; n++) {
		uint64_t first = fake_random(seed) % (sizes[i] / EXTENT_SIZE + 1) * EXTENT_CHUNKS;

		nr += fake_cache_ask(c, &refs[i].id, first + force, force ? 1 : EXTENT_CHUNKS, force, &runs[nr]);
	}
	for (unsigned n = 0; n < nr; n++)
		fake_cache_punch(c, &runs[n]);
	for (unsigned n = 0; n < nr; n++)
		fake_cache_tell(c, &runs[n]);
	return nr;
}

/* The keeper: evicts at random, and now and then the disk refuses for a while. */
static void *keeper(void *arg)
{
	uint32_t seed = *(uint32_t *)arg;
	unsigned evictions = 0, turns = 0;

	while (!atomic_load(&stop)) {
		/* Out of every 512 turns the disk refuses for 64. */
		atomic_store(&fake_faults.no_disk, ++turns % 512 < 64 ? 1000 : 0);
		evictions += evict_round(&seed);
		nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
	}
	printf("%u runs evicted\n", evictions);
	return NULL;
}

static void open_fetch(void)
{
	struct fetch_config config = {.data_deadline_ms = 60000, .hub.connections_max = 16};
	struct err err = {0};

	if (fetch_open(&config, &fetch, &err) < 0)
		abort();
}

/*
 * The one-chunk blob is proven whole, so its name must be its digest; its content must not depend on that name's first byte. So
 * a first byte is looked for whose content has a digest that begins with it.
 */
static void name_small_blob(void)
{
	for (uint64_t size = sizes[0]; size > 1; size--)
		for (unsigned name = 0; name < 256; name++) {
			uint8_t bytes[700];

			fake_fill((uint8_t)name, 0, bytes, size);
			(void)digest_sha256(bytes, size, refs[0].id.bytes);
			refs[0].size = size;
			if (refs[0].id.bytes[0] == name)
				return;
		}
	abort();
}

int main(int argc, char **argv)
{
	uint32_t seed = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : (uint32_t)time(NULL), seeds[READERS + 1];
	struct fetch_stats st;
	pthread_t threads[READERS], keeps;

	operations = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 1500;
	printf("seed %u\n", seed);
	log_set_level(LOG_LEVEL_ERROR);
	fake_faults.cut = 100;
	fake_faults.refuse = 30;
	fake_faults.slow = 100;
	for (unsigned i = 0; i < NR_BLOBS; i++) {
		refs[i] = (struct object_ref){.path = "file", .size = sizes[i], .id = {.algo = BLOB_SHA256}};
		refs[i].id.bytes[0] = (uint8_t)(i + 1);
		snprintf(refs[i].repo.name, sizeof(refs[i].repo.name), "org/name");
	}
	name_small_blob();
	open_fetch();
	for (unsigned i = 0; i < READERS; i++) {
		seeds[i] = seed + i * 7919;
		thread_start(&threads[i], "reader", reader, &seeds[i]);
	}
	seeds[READERS] = seed ^ 0x5555;
	thread_start(&keeps, "keeper", keeper, &seeds[READERS]);
	for (unsigned i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	atomic_store(&stop, true);
	pthread_join(keeps, NULL);
	fetch_stats(fetch, &st);
	printf("%u reads right, %u failed, %u wrong; %llu requests, %llu MB\n", ended, failed, wrong,
	       (unsigned long long)fake_hub_requests(), (unsigned long long)fake_hub_bytes() >> 20);
	if (st.readers_parked || wrong || failed)
		return 1;
	fetch_close(fetch);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * kill -9 at any moment. What the kernel took is still there, so after a kill, unlike after a power cut, every row must be true:
 * its bytes were written before it, and a hole is punched after it is gone. HFFS_KILLS and HFFS_SEED make longer and other runs.
 */
#include "test_cache.h"

#include <signal.h>
#include <sys/wait.h>

#define BLOBS 24
#define BLOB_SIZE(n) ((uint64_t)(3 + 9 * (n)) * CHUNK_SIZE + (n))

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* --- the child: a layer above that stores without end --- */

static pthread_mutex_t busy_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t busy_over = PTHREAD_COND_INITIALIZER;
static struct blob_id storing;
static unsigned evicting;

static bool child_evict(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, bool force)
{
	LOCK_SCOPE(&busy_lock);
	(void)ctx;
	(void)first;
	(void)nr;
	if (!force && blob_id_equal(id, &storing))
		return false;
	evicting++;
	return true;
}

static void child_evicted(void *ctx, const struct blob_id *id, uint64_t first, uint64_t nr, enum evicted_why why)
{
	LOCK_SCOPE(&busy_lock);
	(void)ctx;
	(void)id;
	(void)first;
	(void)nr;
	(void)why;
	evicting--;
	pthread_cond_broadcast(&busy_over);
}

static void begin_storing(const struct blob_id *id)
{
	LOCK_SCOPE(&busy_lock);
	while (evicting)
		pthread_cond_wait(&busy_over, &busy_lock);
	storing = *id;
}

static void store_some(struct box *b, const struct made *m, uint64_t *seed)
{
	AUTO_FREE struct cache_rows *rows = NULL;
	uint64_t nr = nr_chunks(m->size);
	AUTO_FREE bool *there = calloc(nr, sizeof(*there));

	begin_storing(&m->id);
	rows = rows_of(b, &m->id, m->size);
	for (size_t i = 0; i < rows->nr; i++)
		for (unsigned n = 0; n < EXTENT_CHUNKS; n++)
			if (rows->extents[i].present >> n & 1)
				there[rows->extents[i].idx * EXTENT_CHUNKS + n] = true;
	for (uint64_t i = 0; i < nr; i++) {
		uint64_t idx = next_random(seed) % nr;

		if (!there[idx])
			store_chunk(b, m, idx);
		there[idx] = true;
	}
}

static void child_main(struct box *b, const struct made *blobs, uint64_t seed)
{
	struct cache_config config = {
		.dir = b->dir, .size_max = (uint64_t)200 * CHUNK_SIZE, .events = {.evict = child_evict, .evicted = child_evicted}};

	if (cache_open(&config, &b->cache, NULL) < 0)
		_exit(1);
	for (;;) {
		store_some(b, &blobs[next_random(&seed) % BLOBS], &seed);
		if (next_random(&seed) % 4 == 0)
			cache_flush(b->cache);
		cache_put_doc(b->cache, DOC_GRANT, "doc", &seed, sizeof(seed));
		if (next_random(&seed) % 50 == 0) {
			cache_close(b->cache);
			if (cache_open(&config, &b->cache, NULL) < 0)
				_exit(1);
		}
	}
}

/* --- the parent --- */

static uint64_t check_blob(struct box *b, const struct made *m, uint64_t *wrong)
{
	AUTO_FREE struct cache_rows *rows = rows_of(b, &m->id, m->size);
	AUTO_FREE uint8_t *bytes = malloc(CHUNK_SIZE);
	uint64_t nr = 0;
	AUTO_FD int fd = -1;
	char path[256];

	data_path(b, &m->id, path, sizeof(path));
	fd = open(path, O_RDONLY);
	for (size_t i = 0; i < rows->nr; i++)
		for (unsigned n = 0; n < EXTENT_CHUNKS; n++) {
			uint64_t idx = rows->extents[i].idx * EXTENT_CHUNKS + n, off = idx * CHUNK_SIZE;
			struct chunk_digest d;
			size_t len;

			if (!(rows->extents[i].present >> n & 1))
				continue;
			nr++;
			len = (size_t)min_u64(CHUNK_SIZE, m->size - off);
			if (io_pread(fd, bytes, len, off) < 0) {
				(*wrong)++;
				continue;
			}
			d = cache_chunk_digest(&m->id, idx, bytes, len);
			*wrong += memcmp(&d, &rows->extents[i].digests[n], sizeof(d)) != 0;
		}
	return nr;
}

static void kill_one(struct box *b, const struct made *blobs, uint64_t *seed, bool *was_killed)
{
	uint64_t childs = next_random(seed);
	pid_t pid = fork();
	int status;

	if (pid == 0)
		child_main(b, blobs, childs);
	usleep((useconds_t)(next_random(seed) % 60000));
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	*was_killed = WIFSIGNALED(status);
}

static void after_a_kill_every_row_is_true(void **state)
{
	struct box *b = *state;
	const char *times = getenv("HFFS_KILLS"), *seeded = getenv("HFFS_SEED");
	unsigned nr = times ? (unsigned)strtoul(times, NULL, 10) : 20;
	uint64_t seed = seeded ? strtoull(seeded, NULL, 10) : 20261121, chunks = 0, wrong = 0;
	struct made blobs[BLOBS];
	struct cache_stats s;

	for (unsigned i = 0; i < BLOBS; i++)
		blobs[i] = make_blob(800 + i, BLOB_SIZE(i));
	for (unsigned i = 0; i < nr; i++) {
		uint64_t sum = 0;
		bool was_killed;

		kill_one(b, blobs, &seed, &was_killed);
		assert_true(was_killed);
		open_box(b);
		for (unsigned n = 0; n < BLOBS; n++)
			sum += check_blob(b, &blobs[n], &wrong);
		cache_stats(b->cache, &s);
		assert_true(s.bytes_cached <= sum * CHUNK_SIZE && s.bytes_cached + BLOBS * CHUNK_SIZE >= sum * CHUNK_SIZE);
		close_box(b);
		chunks += sum;
		assert_int_equal(wrong, 0);
	}
	print_message("%u kills, %llu rows true\n", nr, (unsigned long long)chunks);
	for (unsigned i = 0; i < BLOBS; i++)
		free(blobs[i].bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(after_a_kill_every_row_is_true, setup_box, teardown_box),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* A look at blobs as they are on disk: what is said of them, what is dropped, and what is left alone. */
#include "test_cache.h"

#include <sys/stat.h>

static struct cache_audit audit(struct box *b, const struct made *m, bool fix)
{
	struct cache_audit a;

	cache_flush(b->cache);
	assert_int_equal(cache_audit(b->cache, &m->id, m->size, fix, NULL, &a), 0);
	return a;
}

static void assert_audit(struct cache_audit a, enum cache_verdict verdict, uint64_t bytes, uint64_t bad, bool dropped)
{
	assert_int_equal(a.verdict, verdict);
	assert_int_equal(a.bytes, bytes);
	assert_int_equal(a.bad_bytes, bad);
	assert_int_equal(a.dropped, dropped);
}

/* Changes one byte on disk, behind everybody's back. */
static void flip(struct box *b, const struct made *m, uint64_t off)
{
	char path[256];
	uint8_t byte;
	int fd;

	data_path(b, &m->id, path, sizeof(path));
	assert_int_equal(chmod(path, 0600), 0);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(io_pread(fd, &byte, 1, off), 0);
	byte ^= 1;
	assert_int_equal(io_pwrite(fd, &byte, 1, off), 0);
	assert_int_equal(fsync(fd), 0);
	close(fd);
}

static void nothing_part_and_all(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(90, 70 * CHUNK_SIZE + 9);
	int64_t after = 0;
	struct cache_blob listed[2];

	open_box(b);
	assert_audit(audit(b, &m, true), VERDICT_ABSENT, 0, 0, false);
	assert_int_equal(cache_list_blobs(b->cache, &after, listed, 2), 0);
	store_chunk(b, &m, 3);
	store_chunk(b, &m, 70);
	assert_audit(audit(b, &m, true), VERDICT_PARTIAL, CHUNK_SIZE + 9, 0, false);
	store_blob(b, &m);
	assert_audit(audit(b, &m, true), VERDICT_PROVEN, m.size, 0, false);
	after = 0;
	assert_int_equal(cache_list_blobs(b->cache, &after, listed, 2), 1);
	assert_true(blob_id_equal(&listed[0].id, &m.id));
	assert_int_equal(listed[0].bytes, m.size);
	assert_int_equal(cache_list_blobs(b->cache, &after, listed, 2), 0);
	free(m.bytes);
}

/* What was not closed in order is proven by the look itself. */
static void what_is_proven_is_sealed(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(91, 5 * CHUNK_SIZE);

	open_box(b);
	store_blob(b, &m);
	cache_flush(b->cache);
	assert_audit(audit(b, &m, true), VERDICT_PROVEN, m.size, 0, false);
	assert_true(is_sealed(b, &m));
	reopen(b);
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

static void decay_is_found_and_only_that_goes(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(92, 70 * CHUNK_SIZE);

	open_box(b);
	for (uint64_t i = 0; i < 69; i++) /* never complete, so never fixed */
		store_chunk(b, &m, i);
	cache_flush(b->cache);
	flip(b, &m, 2 * CHUNK_SIZE + 7);
	flip(b, &m, 68 * CHUNK_SIZE);
	assert_audit(audit(b, &m, false), VERDICT_DECAYED, 69 * CHUNK_SIZE, 2 * CHUNK_SIZE, false);
	assert_int_equal(nr_present(b, &m.id, m.size), 69);
	assert_audit(audit(b, &m, true), VERDICT_DECAYED, 69 * CHUNK_SIZE, 2 * CHUNK_SIZE, true);
	assert_int_equal(nr_present(b, &m.id, m.size), 67);
	assert_true(count_of(b, &b->watch.evicted) >= 1);
	assert_audit(audit(b, &m, true), VERDICT_PARTIAL, 67 * CHUNK_SIZE, 0, false);
	free(m.bytes);
}

/* A file that readers may have mapped goes as a whole. */
static void decay_of_a_proven_file_takes_all_of_it(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(93, 9 * CHUNK_SIZE);

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	flip(b, &m, 5);
	{
		char path[256];

		data_path(b, &m.id, path, sizeof(path));
		assert_int_equal(chmod(path, 0400), 0);
	}
	assert_audit(audit(b, &m, true), VERDICT_DECAYED, m.size, CHUNK_SIZE, true);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	free(m.bytes);
}

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

/* The prover asks for bytes in memory first: it waits here for as long as the gate is closed. */
static const void *wait_at_gate(void *ctx, const struct blob_id *id, uint64_t idx, size_t *len, void **loan)
{
	(void)ctx, (void)id, (void)idx, (void)len, (void)loan;
	pthread_mutex_lock(&gate);
	pthread_mutex_unlock(&gate);
	return NULL;
}

/* The Hub sent something else than it had named: the chunks are as they came, and still it is wrong. The prover is not there yet. */
static void what_the_hub_sent_wrong_goes(void **state)
{
	struct box *b = *state;
	struct cache_config config = {.dir = b->dir, .events = {.ctx = &b->watch, .borrow = wait_at_gate, .evicted = on_evicted}};
	struct made m = make_blob(94, 3 * CHUNK_SIZE);

	pthread_mutex_lock(&gate);
	assert_int_equal(cache_open(&config, &b->cache, NULL), 0);
	m.bytes[17] ^= 1;
	store_blob(b, &m);
	cache_flush(b->cache);
	assert_audit(audit(b, &m, false), VERDICT_FOREIGN, m.size, m.size, false);
	assert_audit(audit(b, &m, true), VERDICT_FOREIGN, m.size, m.size, true);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	assert_int_equal(count_of(b, &b->watch.quarantined), 0);
	store_blob(b, &m);
	assert_audit(audit(b, &m, true), VERDICT_FOREIGN, m.size, m.size, true);
	assert_int_equal(count_of(b, &b->watch.quarantined), 1);
	pthread_mutex_unlock(&gate);
	free(m.bytes);
}

static void it_can_be_stopped(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(95, 3 * CHUNK_SIZE);
	volatile sig_atomic_t stop = 1;
	struct cache_audit a;

	open_box(b);
	store_chunk(b, &m, 0);
	cache_flush(b->cache);
	assert_int_equal(cache_audit(b->cache, &m.id, m.size, true, &stop, &a), -ECANCELED);
	free(m.bytes);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_box, teardown_box)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_part_and_all),		 TEST(what_is_proven_is_sealed),
		TEST(decay_is_found_and_only_that_goes), TEST(decay_of_a_proven_file_takes_all_of_it),
		TEST(what_the_hub_sent_wrong_goes),	 TEST(it_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

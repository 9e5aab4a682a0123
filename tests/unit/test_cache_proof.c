// SPDX-License-Identifier: Apache-2.0
/* Proofs: what is sealed, what is dropped, and who is to blame. */
#include "test_cache.h"

#include <time.h>

#include <sys/stat.h>

static void a_complete_blob_is_sealed_and_stays_so(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(40, 9 * CHUNK_SIZE + 3);
	struct cache_stats s;

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_true(is_sealed(b, &m));
	reopen(b);
	assert_true(is_sealed(b, &m));
	cache_stats(b->cache, &s);
	assert_int_equal(s.blobs_sealed, 1);
	free(m.bytes);
}

static void chunks_may_arrive_in_any_order(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(41, 150 * CHUNK_SIZE + 1);
	uint64_t nr = nr_chunks(m.size);

	open_box(b);
	for (uint64_t i = 0; i < nr; i++)
		store_chunk(b, &m, (i * 67 + 11) % nr);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

/* The front jumps so far that following it would mean to read it all from disk: that is done when the rest is here. */
static void a_proof_that_fell_behind_ends_all_the_same(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(44, 300 * CHUNK_SIZE);

	open_box(b);
	for (uint64_t i = 298; i + 1 > 0; i--)
		store_chunk(b, &m, i);
	cache_flush(b->cache);
	store_chunk(b, &m, 299);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

static void a_blob_may_be_completed_in_a_later_run(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(42, 90 * CHUNK_SIZE);

	open_box(b);
	for (uint64_t i = 0; i < 90; i += 2)
		store_chunk(b, &m, i);
	reopen(b);
	for (uint64_t i = 1; i < 90; i += 2)
		store_chunk(b, &m, i);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	free(m.bytes);
}

static void git_names_are_proven_too(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(43, CHUNK_SIZE + 77);
	struct digest *d = digest_new(BLOB_SHA1_GIT, m.size);

	digest_update(d, m.bytes, m.size);
	assert_int_equal(digest_final(d, &m.id), 0);
	digest_free(d);
	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	reopen(b);
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

static void a_touched_file_is_no_longer_sealed(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(44, 3 * CHUNK_SIZE);
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
	char path[256];

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	close_box(b);
	data_path(b, &m.id, path, sizeof(path));
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	open_box(b);
	assert_false(is_sealed(b, &m));
	assert_int_equal(nr_present(b, &m.id, m.size), 3);
	free(m.bytes);
}

/* Are these the bytes of the data file that fd was opened on? */
static bool has_bytes(int fd, const struct made *m)
{
	AUTO_FREE uint8_t *got = malloc(m->size);

	return io_pread(fd, got, m->size, 0) == 0 && !memcmp(got, m->bytes, m->size);
}

/* Somebody may have the file mapped: it goes as a whole, and what comes next is another file. */
static void a_dropped_chunk_takes_the_sealed_file_with_it(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(45, 3 * CHUNK_SIZE);
	struct stat st;
	int fd;

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	fd = cache_open_data(b->cache, &m.id, m.size, false);
	cache_drop_chunk(b->cache, &m.id, m.size, 1);
	assert_false(is_sealed(b, &m));
	assert_true(wait_for(b, &b->watch.evicted, 1));
	assert_int_equal(count_of(b, &b->watch.evict_forced), 1);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 2));
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_true(has_bytes(fd, &m));
	close(fd);
	free(m.bytes);
}

/* Whoever writes begins a new file, also when nothing is known of the old one any more. */
static void a_sealed_file_is_never_written_again(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(52, 2 * CHUNK_SIZE + 3);
	char path[256], byte = 0;
	struct stat st;
	int fd, fresh;

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	fd = cache_open_data(b->cache, &m.id, m.size, false);
	assert_int_equal(io_pwrite(fd, &byte, 1, 0), -EBADF);
	close_box(b);
	snprintf(path, sizeof(path), "%s/index.db", b->dir);
	assert_int_equal(unlink(path), 0);
	open_box(b);
	fresh = cache_open_data(b->cache, &m.id, m.size, true);
	assert_int_equal(io_pwrite(fresh, &byte, 1, 0), 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_true(has_bytes(fd, &m));
	close(fd);
	close(fresh);
	free(m.bytes);
}

/* A file that may be written to is not taken for sealed, whatever the index says: it is proven once more. */
static void a_seal_without_a_fixed_file_does_not_count(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(53, 2 * CHUNK_SIZE);
	struct cache_stats s;
	char path[256];

	data_path(b, &m.id, path, sizeof(path));
	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	close_box(b);
	assert_int_equal(chmod(path, 0600), 0);
	open_box(b);
	assert_false(is_sealed(b, &m));
	cache_want_proof(b->cache, &m.id, m.size);
	assert_true(wait_for(b, &b->watch.sealed, 2));
	assert_true(is_sealed(b, &m));
	cache_stats(b->cache, &s);
	assert_int_equal(s.blobs_sealed, 1);
	free(m.bytes);
}

/* The Hub's bytes are wrong, but stored as they came: the chunks' digests fit. */
static void a_wrong_blob_goes_and_the_second_time_for_good(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(46, 6 * CHUNK_SIZE);
	struct cache_rows *rows;
	struct cache_stats s;
	char path[256];

	data_path(b, &m.id, path, sizeof(path));
	m.bytes[4 * CHUNK_SIZE] ^= 1;
	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	assert_int_equal(count_of(b, &b->watch.quarantined), 0);
	assert_int_equal(count_of(b, &b->watch.evict_forced), 1);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	assert_int_not_equal(access(path, F_OK), 0);
	reopen(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.evicted, 2));
	assert_int_equal(count_of(b, &b->watch.quarantined), 1);
	assert_int_equal(count_of(b, &b->watch.sealed), 0);
	cache_stats(b->cache, &s);
	assert_int_equal(s.spoiled_blobs, 1);
	assert_int_equal(s.bytes_cached, 0);
	rows = rows_of(b, &m.id, m.size);
	assert_true(rows->quarantined);
	assert_int_equal(rows->nr, 0);
	free(rows);
	/* The next run tries once, and no more than once. */
	reopen(b);
	rows = rows_of(b, &m.id, m.size);
	assert_false(rows->quarantined);
	free(rows);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.evicted, 3));
	assert_int_equal(count_of(b, &b->watch.quarantined), 2);
	free(m.bytes);
}

static void a_right_blob_after_a_wrong_one_is_believed(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(47, 2 * CHUNK_SIZE);
	struct cache_rows *rows;

	open_box(b);
	for (unsigned i = 0; i < 3; i++) {
		m.bytes[0] ^= 1;
		store_blob(b, &m);
		assert_true(wait_for(b, &b->watch.evicted, i + 1));
		m.bytes[0] ^= 1;
		store_blob(b, &m);
		assert_true(wait_for(b, &b->watch.sealed, i + 1));
	}
	rows = rows_of(b, &m.id, m.size);
	assert_false(rows->quarantined);
	free(rows);
	free(m.bytes);
}

/* The disk's bytes are not what was stored: the chunk is lost, the Hub is not blamed. */
static void a_chunk_that_decayed_is_fetched_again(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(48, 70 * CHUNK_SIZE);
	struct cache_stats s;
	char path[256];
	int fd;

	open_box(b);
	for (uint64_t i = 1; i < 70; i++)
		store_chunk(b, &m, i);
	cache_flush(b->cache);
	data_path(b, &m.id, path, sizeof(path));
	fd = open(path, O_WRONLY);
	assert_int_equal(io_pwrite(fd, "decay", 5, 66 * CHUNK_SIZE + 9), 0);
	close(fd);
	store_chunk(b, &m, 0);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 69);
	cache_stats(b->cache, &s);
	assert_int_equal(s.lost_chunks, 1);
	assert_int_equal(s.spoiled_blobs, 0);
	store_chunk(b, &m, 66);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	free(m.bytes);
}

static void a_chunk_replaced_behind_the_front_is_no_crime(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(49, 40 * CHUNK_SIZE);

	open_box(b);
	m.bytes[5] ^= 1;
	for (uint64_t i = 0; i < 20; i++)
		store_chunk(b, &m, i);
	cache_flush(b->cache);
	usleep(100000);
	cache_drop_chunk(b->cache, &m.id, m.size, 0);
	m.bytes[5] ^= 1;
	for (uint64_t i = 20; i < 40; i++)
		store_chunk(b, &m, i);
	store_chunk(b, &m, 0);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_int_equal(count_of(b, &b->watch.evicted), 0);
	free(m.bytes);
}

/* More blobs at a time than the prover follows. */
static void many_blobs_are_proven(void **state)
{
	struct box *b = *state;
	struct made m[100];

	open_box(b);
	for (unsigned i = 0; i < 100; i++) {
		m[i] = make_blob(500 + i, 2 * CHUNK_SIZE + i);
		store_chunk(b, &m[i], 2);
		store_chunk(b, &m[i], 0);
	}
	for (unsigned i = 0; i < 100; i++)
		store_chunk(b, &m[i], 1);
	assert_true(wait_for(b, &b->watch.sealed, 100));
	for (unsigned i = 0; i < 100; i++)
		free(m[i].bytes);
}

static void closing_does_not_wait_for_proofs(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(50, 600 * CHUNK_SIZE);
	struct timespec from, to;

	open_box(b);
	store_blob(b, &m);
	clock_gettime(CLOCK_MONOTONIC, &from);
	close_box(b);
	clock_gettime(CLOCK_MONOTONIC, &to);
	assert_true((to.tv_sec - from.tv_sec) * 1000 + (to.tv_nsec - from.tv_nsec) / 1000000 < 5000);
	open_box(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 600);
	cache_want_proof(b->cache, &m.id, m.size);
	assert_true(is_sealed(b, &m) || wait_for(b, &b->watch.sealed, 1));
	free(m.bytes);
}

static void a_proof_ends_with_its_file(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(51, 3 * CHUNK_SIZE);
	char path[256];

	open_box(b);
	store_chunk(b, &m, 0);
	store_chunk(b, &m, 2);
	cache_flush(b->cache);
	data_path(b, &m.id, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	store_chunk(b, &m, 1);
	cache_flush(b->cache);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	assert_int_equal(count_of(b, &b->watch.quarantined), 0);
	assert_int_equal(count_of(b, &b->watch.sealed), 0);
	free(m.bytes);
}

int main(void)
{
#define BOX_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_box, teardown_box)
	const struct CMUnitTest tests[] = {
		BOX_TEST(a_complete_blob_is_sealed_and_stays_so),
		BOX_TEST(chunks_may_arrive_in_any_order),
		BOX_TEST(a_proof_that_fell_behind_ends_all_the_same),
		BOX_TEST(a_blob_may_be_completed_in_a_later_run),
		BOX_TEST(git_names_are_proven_too),
		BOX_TEST(a_touched_file_is_no_longer_sealed),
		BOX_TEST(a_dropped_chunk_takes_the_sealed_file_with_it),
		BOX_TEST(a_sealed_file_is_never_written_again),
		BOX_TEST(a_seal_without_a_fixed_file_does_not_count),
		BOX_TEST(a_wrong_blob_goes_and_the_second_time_for_good),
		BOX_TEST(a_right_blob_after_a_wrong_one_is_believed),
		BOX_TEST(a_chunk_that_decayed_is_fetched_again),
		BOX_TEST(a_chunk_replaced_behind_the_front_is_no_crime),
		BOX_TEST(many_blobs_are_proven),
		BOX_TEST(closing_does_not_wait_for_proofs),
		BOX_TEST(a_proof_ends_with_its_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

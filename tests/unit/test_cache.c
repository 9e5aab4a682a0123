// SPDX-License-Identifier: Apache-2.0
/* The cache as the layer above sees it: chunks, rows, documents, stops and starts. */
#include "test_cache.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <hffs/clock.h>

static void opens_and_opens_again(void **state)
{
	struct box *b = *state;
	uint8_t salt[16];
	char path[128];
	struct stat st;

	open_box(b);
	memcpy(salt, cache_salt(b->cache), sizeof(salt));
	reopen(b);
	assert_memory_equal(salt, cache_salt(b->cache), sizeof(salt));
	snprintf(path, sizeof(path), "%s/CACHEDIR.TAG", b->dir);
	assert_int_equal(stat(path, &st), 0);
	snprintf(path, sizeof(path), "%s/index.db", b->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 077, 0);
}

static void rows_show_chunks_before_and_after_the_commit(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(1, 70 * CHUNK_SIZE + 5);
	struct chunk_digest d;
	struct cache_rows *rows;

	open_box(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	store_chunk(b, &m, 0);
	store_chunk(b, &m, 65);
	store_chunk(b, &m, 70);
	for (int i = 0; i < 3; i++) {
		rows = rows_of(b, &m.id, m.size);
		assert_int_equal(rows->nr, 2);
		assert_false(rows->sealed);
		assert_int_equal(rows->extents[0].idx, 0);
		assert_int_equal(rows->extents[0].present, 1);
		assert_int_equal(rows->extents[1].idx, 1);
		assert_int_equal(rows->extents[1].present, 1 << 1 | 1 << 6);
		d = cache_chunk_digest(&m.id, 70, m.bytes + 70 * CHUNK_SIZE, 5);
		assert_memory_equal(&rows->extents[1].digests[6], &d, sizeof(d));
		free(rows);
		if (i == 0)
			cache_flush(b->cache);
		if (i == 1)
			reopen(b);
	}
	free(m.bytes);
}

/* One chunk is never there: a complete blob would be sealed meanwhile, and then it goes as a whole. */
static void counts_bytes(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(2, 4 * CHUNK_SIZE + 7);
	struct cache_stats s;

	open_box(b);
	store_chunk(b, &m, 4);
	for (uint64_t i = 0; i < 3; i++)
		store_chunk(b, &m, i);
	store_chunk(b, &m, 2);
	cache_flush(b->cache);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_cached, 3 * CHUNK_SIZE + 7);
	assert_int_equal(s.blobs, 1);
	cache_drop_chunk(b->cache, &m.id, m.size, 4);
	reopen(b);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_cached, 3 * CHUNK_SIZE);
	assert_int_equal(nr_present(b, &m.id, m.size), 3);
	free(m.bytes);
}

static void the_last_word_about_a_chunk_counts(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(3, 2 * CHUNK_SIZE);

	open_box(b);
	store_chunk(b, &m, 0);
	cache_flush(b->cache);
	cache_drop_chunk(b->cache, &m.id, m.size, 0);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	store_chunk(b, &m, 0);
	assert_int_equal(nr_present(b, &m.id, m.size), 1);
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 1);
	cache_drop_chunk(b->cache, &m.id, m.size, 0);
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	free(m.bytes);
}

static void another_size_is_another_content(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(4, 5 * CHUNK_SIZE);
	struct cache_stats s;

	open_box(b);
	store_chunk(b, &m, 0);
	store_chunk(b, &m, 1);
	cache_flush(b->cache);
	m.size = 4 * CHUNK_SIZE;
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	store_chunk(b, &m, 2);
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 1);
	assert_int_equal(nr_present(b, &m.id, 5 * CHUNK_SIZE), 0);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_cached, CHUNK_SIZE);
	free(m.bytes);
}

static void nonsense_is_not_recorded(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(5, CHUNK_SIZE + 1);
	struct chunk_digest d = {{0}};
	struct blob_id none = {0};

	open_box(b);
	cache_put_chunk(b->cache, &m.id, m.size, 2, &d);
	cache_put_chunk(b->cache, &m.id, m.size, UINT64_MAX, &d);
	cache_put_chunk(b->cache, &m.id, UINT64_MAX, UINT64_MAX / CHUNK_SIZE, &d);
	cache_put_chunk(b->cache, &none, m.size, 0, &d);
	cache_touch(b->cache, &m.id, 77);
	cache_drop_chunk(b->cache, &m.id, m.size, 1);
	cache_want_proof(b->cache, &m.id, m.size);
	assert_int_equal(cache_open_data(b->cache, &none, 5, true), -EINVAL);
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	free(m.bytes);
}

static void a_second_opener_is_told_who_is_first(void **state)
{
	struct box *b = *state, second = **(struct box **)state;
	struct err err = {0};
	char pid[32];

	open_box(b);
	snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	assert_int_equal(try_open(&second, &err), -EBUSY);
	assert_non_null(strstr(err.text, pid));
}

static void refuses_directories_that_are_not_ours(void **state)
{
	struct box *b = *state;
	struct err err = {0};

	assert_int_equal(chmod(b->dir, 0770), 0);
	assert_int_equal(try_open(b, &err), -EACCES);
	assert_non_null(strstr(err.text, b->dir));
	assert_int_equal(chmod(b->dir, 0700), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(b->dir, 12345, 12345), 0);
		assert_int_equal(try_open(b, &err), -EACCES);
		assert_non_null(strstr(err.text, "another user"));
		assert_int_equal(chown(b->dir, 0, 0), 0);
	}
	open_box(b);
}

/* Runs fn in a child which then is killed without warning; what it did is on disk as after kill -9. */
static void in_a_killed_child(struct box *b, void (*fn)(struct box *b))
{
	int status, ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		open_box(b);
		fn(b);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void store_and_flush_then_more(struct box *b)
{
	struct made m = make_blob(6, 40 * CHUNK_SIZE);

	for (uint64_t i = 0; i < 30; i++)
		store_chunk(b, &m, i);
	cache_flush(b->cache);
	for (uint64_t i = 30; i < 39; i++)
		store_chunk(b, &m, i);
	free(m.bytes);
}

static void a_kill_loses_only_the_last_second(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(6, 40 * CHUNK_SIZE);
	struct cache_rows *rows;

	in_a_killed_child(b, store_and_flush_then_more);
	open_box(b);
	rows = rows_of(b, &m.id, m.size);
	assert_int_equal(rows->nr, 1);
	assert_int_equal(rows->extents[0].present & 0x3fffffff, 0x3fffffff);
	assert_false(rows->sealed);
	free(rows);
	free(m.bytes);
}

static void store_and_seal(struct box *b)
{
	struct made m = make_blob(7, 5 * CHUNK_SIZE + 1);

	store_blob(b, &m);
	if (!wait_for(b, &b->watch.sealed, 1))
		_exit(1);
	free(m.bytes);
}

static void a_kill_voids_seals(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(7, 5 * CHUNK_SIZE + 1);

	in_a_killed_child(b, store_and_seal);
	open_box(b);
	assert_false(is_sealed(b, &m));
	reopen(b);
	assert_false(is_sealed(b, &m));
	assert_int_equal(nr_present(b, &m.id, m.size), 6);
	cache_want_proof(b->cache, &m.id, m.size);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

static void keeps_documents(void **state)
{
	struct box *b = *state;
	struct answer a;
	char *keys;

	open_box(b);
	cache_put_doc(b->cache, DOC_TREE, "m/org/b", "BB", 2);
	cache_put_doc(b->cache, DOC_TREE, "m/org/a", "AAA", 3);
	cache_put_doc(b->cache, DOC_TREE, "n/x", "", 0);
	cache_put_doc(b->cache, DOC_GRANT, "m/org/c", "C", 1);
	for (int i = 0; i < 3; i++) {
		a = doc_of(b, DOC_TREE, "m/org/a");
		assert_int_equal(a.r, 0);
		assert_string_equal(a.bytes, "AAA");
		assert_true(a.stored_s > 1600000000);
		free(a.bytes);
		a = doc_of(b, DOC_TREE, "n/x");
		assert_int_equal(a.r, 0);
		assert_int_equal(a.len, 0);
		free(a.bytes);
		assert_int_equal(doc_of(b, DOC_TREE, "m/org/c").r, -ENOENT);
		keys = keys_of(b, DOC_TREE, "m/org/");
		assert_string_equal(keys, "m/org/a m/org/b ");
		free(keys);
		keys = keys_of(b, DOC_TREE, "");
		assert_string_equal(keys, "m/org/a m/org/b n/x ");
		free(keys);
		if (i == 0)
			cache_flush(b->cache);
		if (i == 1)
			reopen(b);
	}
	cache_drop_doc(b->cache, DOC_TREE, "m/org/a");
	assert_int_equal(doc_of(b, DOC_TREE, "m/org/a").r, -ENOENT);
	cache_put_doc(b->cache, DOC_TREE, "m/org/0", "new", 3);
	keys = keys_of(b, DOC_TREE, "m/");
	assert_string_equal(keys, "m/org/0 m/org/b ");
	free(keys);
	cache_flush(b->cache);
	assert_int_equal(doc_of(b, DOC_TREE, "m/org/a").r, -ENOENT);
}

static void old_documents_go(void **state)
{
	struct box *b = *state;
	int64_t now = clock_wall_s();
	struct answer a;
	int tries;

	open_box(b);
	clock_fake(1000, now - 100 * 86400);
	cache_put_doc(b->cache, DOC_TREE, "old", "1", 1);
	cache_put_doc(b->cache, DOC_TREE, "used", "2", 1);
	cache_flush(b->cache);
	clock_fake(2000, now - 10 * 86400);
	a = doc_of(b, DOC_TREE, "used");
	assert_int_equal(a.r, 0);
	free(a.bytes);
	close_box(b);
	clock_fake(UINT64_MAX, 0);
	open_box(b);
	for (tries = 0; tries < 200 && (a = doc_of(b, DOC_TREE, "old")).r == 0; tries++) {
		free(a.bytes);
		usleep(20000);
	}
	assert_true(tries < 200);
	a = doc_of(b, DOC_TREE, "used");
	assert_int_equal(a.r, 0);
	free(a.bytes);
}

static void large_documents_survive(void **state)
{
	struct box *b = *state;
	size_t len = 20 << 20;
	char *bytes = malloc(len);
	struct answer a;

	memset(bytes, 'x', len);
	open_box(b);
	cache_put_doc(b->cache, DOC_TREE, "large", bytes, len);
	reopen(b);
	a = doc_of(b, DOC_TREE, "large");
	assert_int_equal(a.r, 0);
	assert_int_equal(a.len, len);
	assert_memory_equal(a.bytes, bytes, len);
	free(a.bytes);
	free(bytes);
}

/* What stands under a data file's name and is no data file of ours is replaced, never followed. */
static void strange_data_files_are_replaced(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(8, CHUNK_SIZE);
	char path[256], other[128], folder[256];
	struct stat st;
	int fd;

	snprintf(other, sizeof(other), "%s/other", b->dir);
	for (int kind = 0; kind < 7; kind++) {
		fd = open(other, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_equal(ftruncate(fd, CHUNK_SIZE), 0);
		close(fd);
		open_box(b);
		close(cache_open_data(b->cache, &m.id, m.size, true));
		data_path(b, &m.id, path, sizeof(path));
		store_chunk(b, &m, 0);
		cache_flush(b->cache);
		assert_int_equal(nr_present(b, &m.id, m.size), 1);
		close_box(b);
		assert_int_equal(kind == 6 ? 0 : unlink(path), 0);
		switch (kind) {
		case 0:
			assert_int_equal(symlink(other, path), 0);
			break;
		case 1:
			assert_int_equal(mkfifo(path, 0600), 0);
			break;
		case 2:
			assert_int_equal(link(other, path), 0);
			break;
		case 3:
			assert_int_equal(mkdir(path, 0700), 0);
			break;
		case 4:
			close(open(path, O_WRONLY | O_CREAT, 0600));
			break;
		case 5:
			break;
		case 6:
			snprintf(folder, sizeof(folder), "%s", path);
			*strrchr(folder, '/') = '\0';
			assert_int_equal(unlink(path), 0);
			assert_int_equal(rmdir(folder), 0);
			assert_int_equal(symlink(b->dir, folder), 0);
			break;
		}
		open_box(b);
		assert_int_equal(nr_present(b, &m.id, m.size), 0);
		fd = cache_open_data(b->cache, &m.id, m.size, true);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_size, m.size);
		assert_int_equal(st.st_nlink, 1);
		assert_int_equal(io_pwrite(fd, "x", 1, 0), 0);
		close(fd);
		assert_int_equal(stat(other, &st), 0);
		assert_int_equal(st.st_size, CHUNK_SIZE);
		assert_int_equal(st.st_blocks, 0);
		close_box(b);
	}
	free(m.bytes);
}

static void a_disk_that_takes_nothing_stops_nobody(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(9, 200 * CHUNK_SIZE);
	struct rlimit old, none;
	struct cache_stats s;

	open_box(b);
	store_chunk(b, &m, 0);
	cache_flush(b->cache);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	none = (struct rlimit){16384, old.rlim_max};
	/* Chunks whose bytes are there already; only the index cannot grow. */
	for (uint64_t i = 1; i < 100; i++) {
		struct chunk_digest d = cache_chunk_digest(&m.id, i, m.bytes + i * CHUNK_SIZE, CHUNK_SIZE);

		cache_put_chunk(b->cache, &m.id, m.size, i, &d);
	}
	setrlimit(RLIMIT_FSIZE, &none);
	cache_flush(b->cache);
	cache_stats(b->cache, &s);
	assert_true(s.write_errors > 0);
	assert_int_equal(nr_present(b, &m.id, m.size), 100);
	setrlimit(RLIMIT_FSIZE, &old);
	cache_flush(b->cache);
	assert_int_equal(nr_present(b, &m.id, m.size), 100);
	reopen(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 100);
	free(m.bytes);
}

/* Several threads at once; the outcome is the sum of what they did. */
#define CREW 4
#define CREW_CHUNKS 150

/* One chunk more than they put: complete it would be proven, and it has no content. */
#define CREW_SIZE (((uint64_t)CREW * CREW_CHUNKS + 1) * CHUNK_SIZE)

struct crew {
	struct box *b;
	struct blob_id id;
	unsigned nr;
};

static void *crew_main(void *arg)
{
	struct crew *w = arg;
	struct chunk_digest d = {{0}};
	struct cache_stats s;
	char key[32];

	for (unsigned i = 0; i < CREW_CHUNKS; i++) {
		uint64_t idx = (uint64_t)i * CREW + w->nr;

		memcpy(d.bytes, &idx, sizeof(idx));
		cache_put_chunk(w->b->cache, &w->id, CREW_SIZE, idx, &d);
		cache_touch(w->b->cache, &w->id, idx / EXTENT_CHUNKS);
		if (i % 16 == 0) {
			snprintf(key, sizeof(key), "%u/%u", w->nr, i);
			cache_put_doc(w->b->cache, DOC_REFS, key, &idx, sizeof(idx));
			free(doc_of(w->b, DOC_REFS, key).bytes);
			free(rows_of(w->b, &w->id, CREW_SIZE));
			cache_stats(w->b->cache, &s);
			close(cache_open_data(w->b->cache, &w->id, CREW_SIZE, true));
		}
		if (i % 50 == 0)
			cache_flush(w->b->cache);
	}
	return NULL;
}

static void many_threads_lose_nothing(void **state)
{
	struct box *b = *state;
	struct blob_id id = fake_id(10);
	struct crew crew[CREW];
	pthread_t threads[CREW];

	open_box(b);
	close(cache_open_data(b->cache, &id, CREW_SIZE, true));
	for (unsigned i = 0; i < CREW; i++) {
		crew[i] = (struct crew){b, id, i};
		assert_int_equal(pthread_create(&threads[i], NULL, crew_main, &crew[i]), 0);
	}
	for (unsigned i = 0; i < CREW; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(nr_present(b, &id, CREW_SIZE), CREW * CREW_CHUNKS);
	reopen(b);
	assert_int_equal(nr_present(b, &id, CREW_SIZE), CREW * CREW_CHUNKS);
}

int main(void)
{
#define BOX_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_box, teardown_box)
	const struct CMUnitTest tests[] = {
		BOX_TEST(opens_and_opens_again),
		BOX_TEST(rows_show_chunks_before_and_after_the_commit),
		BOX_TEST(counts_bytes),
		BOX_TEST(the_last_word_about_a_chunk_counts),
		BOX_TEST(another_size_is_another_content),
		BOX_TEST(nonsense_is_not_recorded),
		BOX_TEST(a_second_opener_is_told_who_is_first),
		BOX_TEST(refuses_directories_that_are_not_ours),
		BOX_TEST(a_kill_loses_only_the_last_second),
		BOX_TEST(a_kill_voids_seals),
		BOX_TEST(keeps_documents),
		BOX_TEST(old_documents_go),
		BOX_TEST(large_documents_survive),
		BOX_TEST(strange_data_files_are_replaced),
		BOX_TEST(a_disk_that_takes_nothing_stops_nobody),
		BOX_TEST(many_threads_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

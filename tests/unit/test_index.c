// SPDX-License-Identifier: Apache-2.0
/* Damaged, foreign and newer index files: the cache opens, or says why not, and never believes what is not so. */
#include "test_cache.h"

#include <glob.h>

#include "../../cache/index_int.h"

#define BLOBS 3

static void index_path(const struct box *b, char *out, size_t size)
{
	snprintf(out, size, "%s/index.db", b->dir);
}

static void write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(io_write(fd, bytes, len), 0);
	close(fd);
}

static bool stands_aside(const struct box *b)
{
	char pattern[128];
	glob_t found;
	bool yes;

	snprintf(pattern, sizeof(pattern), "%s/index.db.broken-*", b->dir);
	yes = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	return yes;
}

static void a_foreign_file_is_moved_aside(void **state)
{
	static const char *const texts[] = {"this is not a database", "", "SQLite format 3", "SQLite format 3\0........"};
	struct box *b = *state;
	struct made m = make_blob(60, CHUNK_SIZE);
	char path[128];

	index_path(b, path, sizeof(path));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_file(path, texts[i], i == 3 ? 24 : strlen(texts[i]));
		open_box(b);
		store_blob(b, &m);
		cache_flush(b->cache);
		assert_int_equal(nr_present(b, &m.id, m.size), 1);
		reopen(b);
		assert_int_equal(nr_present(b, &m.id, m.size), 1);
		close_box(b);
		if (i != 1)
			assert_true(stands_aside(b));
	}
	free(m.bytes);
}

static void another_programs_database_is_moved_aside(void **state)
{
	static const char *const sql[] = {
		"CREATE TABLE t(x); PRAGMA application_id = 7",
		"CREATE TABLE t(x)",
		"PRAGMA application_id = 1751541363; PRAGMA user_version = 1; CREATE VIEW blob AS SELECT 1 AS nr",
		"PRAGMA application_id = 1751541363; PRAGMA user_version = 0",
	};
	struct box *b = *state;
	char cmd[512];

	for (size_t i = 0; i < ARRAY_SIZE(sql); i++) {
		snprintf(cmd, sizeof(cmd), "rm -f %s/index.db; sqlite3 %s/index.db '%s' >/dev/null", b->dir, b->dir, sql[i]);
		if (system(cmd) != 0)
			skip();
		open_box(b);
		assert_true(stands_aside(b));
		close_box(b);
	}
}

static void a_newer_format_is_left_alone(void **state)
{
	struct box *b = *state;
	struct err err = {0};
	char cmd[256], path[128];
	AUTO_BUF before = {0}, after = {0};

	index_path(b, path, sizeof(path));
	snprintf(cmd, sizeof(cmd), "sqlite3 %s/index.db 'PRAGMA application_id = 1751541363; PRAGMA user_version = 3; CREATE TABLE t(x)'", b->dir);
	if (system(cmd) != 0)
		skip();
	assert_int_equal(io_read_file(path, 1 << 20, &before), 0);
	assert_int_equal(try_open(b, &err), -EPROTO);
	assert_non_null(strstr(err.text, "newer"));
	assert_false(stands_aside(b));
	assert_int_equal(io_read_file(path, 1 << 20, &after), 0);
	assert_memory_equal(before.data + 100, after.data + 100, 900);
}

/* Format 1 had no pins: the rest stays as it is. */
static void format_1_is_brought_up(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(62, CHUNK_SIZE);
	struct cache_pin_blob blob = {m.id, m.size};
	struct answer doc;
	char cmd[512];

	open_box(b);
	store_blob(b, &m);
	cache_put_doc(b->cache, DOC_REPO, "key", "value", 5);
	close_box(b);
	snprintf(cmd, sizeof(cmd), "sqlite3 %s/index.db 'DROP TABLE pin_blob; DROP TABLE pin; PRAGMA user_version = 1'", b->dir);
	if (system(cmd) != 0)
		skip();
	open_box(b);
	assert_false(stands_aside(b));
	assert_int_equal(nr_present(b, &m.id, m.size), 1);
	doc = doc_of(b, DOC_REPO, "key");
	assert_int_equal(doc.r, 0);
	free(doc.bytes);
	assert_int_equal(cache_put_pin(b->cache, "k", "", 0, &blob, 1), 0);
	reopen(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 1);
	assert_int_equal(cache_drop_pins(b->cache, "k", true), 1);
	snprintf(cmd, sizeof(cmd), "test $(sqlite3 %s/index.db 'PRAGMA user_version') = 2", b->dir);
	close_box(b);
	assert_int_equal(system(cmd), 0);
	free(m.bytes);
}

static void a_link_is_no_index(void **state)
{
	struct box *b = *state;
	char path[128], other[128];
	struct stat st;

	index_path(b, path, sizeof(path));
	snprintf(other, sizeof(other), "%s/precious", b->dir);
	write_file(other, "precious", 8);
	assert_int_equal(symlink(other, path), 0);
	open_box(b);
	assert_int_equal(lstat(path, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(stat(other, &st), 0);
	assert_int_equal(st.st_size, 8);
}

static void data_files_of_a_lost_index_go(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(61, CHUNK_SIZE);
	char path[256], index[128];

	open_box(b);
	store_blob(b, &m);
	close_box(b);
	index_path(b, index, sizeof(index));
	write_file(index, "garbage garbage garbage", 23);
	data_path(b, &m.id, path, sizeof(path));
	open_box(b);
	for (int i = 0; i < 1000 && access(path, F_OK) == 0; i++)
		usleep(10000);
	assert_int_not_equal(access(path, F_OK), 0);
	free(m.bytes);
}

/* --- mutations --- */

struct pristine {
	struct made blobs[BLOBS];
	struct buf index;
};

static void make_pristine(struct box *b, struct pristine *p)
{
	char path[128];

	open_box(b);
	for (unsigned i = 0; i < BLOBS; i++) {
		p->blobs[i] = make_blob(70 + i, (2 + 40 * i) * CHUNK_SIZE + i);
		store_blob(b, &p->blobs[i]);
	}
	for (unsigned i = 0; i < 20; i++) {
		char key[32];

		snprintf(key, sizeof(key), "key/%u", i);
		cache_put_doc(b->cache, DOC_TREE, key, p->blobs[0].bytes, 1000 * (size_t)i);
	}
	assert_true(wait_for(b, &b->watch.sealed, BLOBS));
	close_box(b);
	index_path(b, path, sizeof(path));
	assert_int_equal(io_read_file(path, 64 << 20, &p->index), 0);
}

/* True if the data file had to be written again, so that no seal can hold. */
static bool restore_data(struct box *b, const struct made *m)
{
	char path[256];
	struct stat st;

	data_path(b, &m->id, path, sizeof(path));
	if (stat(path, &st) == 0 && (uint64_t)st.st_size == m->size && (uint64_t)st.st_blocks * 512 >= m->size)
		return false;
	*strrchr(path, '/') = '\0';
	(void)mkdir(path, 0700);
	data_path(b, &m->id, path, sizeof(path));
	write_file(path, m->bytes, m->size);
	return true;
}

/* What is said to be there is, or its digest tells. */
static void check_rows(struct box *b, const struct made *m, bool rewritten, unsigned *right, unsigned *wrong)
{
	AUTO_FREE struct cache_rows *rows = rows_of(b, &m->id, m->size);
	uint64_t last = UINT64_MAX;

	if (rewritten)
		assert_false(rows->sealed);
	for (size_t i = 0; i < rows->nr; i++) {
		const struct cache_extent *e = &rows->extents[i];

		assert_true(last == UINT64_MAX || e->idx > last);
		last = e->idx;
		for (unsigned n = 0; n < EXTENT_CHUNKS; n++) {
			uint64_t idx = e->idx * EXTENT_CHUNKS + n, off = idx * CHUNK_SIZE;
			struct chunk_digest d;

			if (!(e->present >> n & 1))
				continue;
			assert_true(off < m->size);
			d = cache_chunk_digest(&m->id, idx, m->bytes + off, (size_t)min_u64(CHUNK_SIZE, m->size - off));
			if (!memcmp(&d, &e->digests[n], sizeof(d)))
				(*right)++;
			else
				(*wrong)++;
		}
	}
}

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static void mutate(struct buf *index, uint64_t *seed)
{
	unsigned kind = (unsigned)(next_random(seed) % 8);
	size_t off = (size_t)(next_random(seed) % index->len), len;

	switch (kind) {
	case 0: /* the header and the schema */
		index->data[off % 100] = (char)next_random(seed);
		break;
	case 1:
		index->data[off % 4096] = (char)next_random(seed);
		break;
	case 2: /* a page's own header */
		index->data[off / 4096 * 4096 + off % 12] = (char)next_random(seed);
		break;
	case 3:
		len = min_u64(next_random(seed) % 4096, index->len - off);
		memset(index->data + off, 0, len);
		break;
	case 4:
		index->len = off;
		break;
	case 5: /* a page in another's place */
		memmove(index->data + off / 4096 * 4096, index->data + next_random(seed) % (index->len / 4096) * 4096, 4096);
		break;
	default:
		index->data[off] ^= (char)(1 << next_random(seed) % 8);
		break;
	}
}

static void mutations_are_survived(void **state)
{
	struct box *b = *state;
	struct pristine p = {0};
	const char *times = getenv("HFFS_MUTATIONS"), *seeded = getenv("HFFS_SEED");
	unsigned nr = times ? (unsigned)strtoul(times, NULL, 10) : 150, right = 0, wrong = 0, refused = 0;
	uint64_t seed = seeded ? strtoull(seeded, NULL, 10) : 20261121;
	bool rewritten[BLOBS] = {0};
	char path[128];

	make_pristine(b, &p);
	index_path(b, path, sizeof(path));
	log_set_level((enum log_level)-1);
	for (unsigned i = 0; i < nr; i++) {
		AUTO_BUF index = {0};
		struct answer a;
		int r;

		buf_add(&index, p.index.data, p.index.len);
		mutate(&index, &seed);
		if (next_random(&seed) % 2)
			mutate(&index, &seed);
		write_file(path, index.data, index.len);
		for (unsigned n = 0; n < BLOBS; n++)
			rewritten[n] |= restore_data(b, &p.blobs[n]);
		r = try_open(b, NULL);
		if (r == -EPROTO) {
			refused++;
			continue;
		}
		if (r < 0)
			fail_msg("mutation %u: %d", i, r);
		for (unsigned n = 0; n < BLOBS; n++)
			check_rows(b, &p.blobs[n], rewritten[n], &right, &wrong);
		answer_init(&a);
		cache_want_keys(b->cache, DOC_TREE, "", on_key, on_keys, &a);
		answer_wait(&a);
		assert_true(a.r == 0 || a.r == -EIO);
		buf_done(&a.keys);
		a = doc_of(b, DOC_TREE, "key/7");
		assert_true(a.r == 0 || a.r == -ENOENT || a.r == -EIO);
		free(a.bytes);
		store_chunk(b, &p.blobs[1], 5);
		cache_drop_chunk(b->cache, &p.blobs[2].id, p.blobs[2].size, 70);
		cache_flush(b->cache);
		close_box(b);
	}
	print_message("%u mutations: %u refused, %u digests right, %u wrong\n", nr, refused, right, wrong);
	assert_true(refused < nr / 10 + 2);
	assert_true(right > 0);
	for (unsigned n = 0; n < BLOBS; n++)
		free(p.blobs[n].bytes);
	buf_done(&p.index);
}

/* --- the table layer --- */

static void extents_keep_their_bits(void **state)
{
	struct box *b = *state;
	struct index *ix;
	struct index_blob blob, found;
	struct blob_id id = fake_id(1);
	uint64_t size = 200 * (uint64_t)CHUNK_SIZE - 1, patterns[] = {1, 1ull << 63, 0x8000000000000001, ~0ull, 0x00ff00000000f0f0};
	struct cache_extent e = {0}, got;
	enum index_end last;
	char path[128];

	index_path(b, path, sizeof(path));
	assert_int_equal(index_open(path, &ix, &last, NULL), 0);
	assert_int_equal(last, INDEX_TORN);
	assert_int_equal(index_begin(ix), 0);
	assert_int_equal(index_add_blob(ix, &id, size, &blob), 0);
	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		e.idx = 2;
		e.present = patterns[i];
		for (unsigned n = 0; n < EXTENT_CHUNKS; n++)
			memset(&e.digests[n], (int)n + 1, sizeof(e.digests[n]));
		assert_int_equal(index_put_extent(ix, &blob, &e, 5), 0);
		assert_int_equal(index_find_extent(ix, &blob, 2, &got), 0);
		assert_int_equal(got.present, e.present);
		for (unsigned n = 0; n < EXTENT_CHUNKS; n++)
			if (e.present >> n & 1)
				assert_memory_equal(&got.digests[n], &e.digests[n], sizeof(e.digests[n]));
	}
	e.idx = 3;
	e.present = 1ull << 8;
	assert_int_equal(index_put_extent(ix, &blob, &e, 5), 0);
	assert_int_equal(index_find_extent(ix, &blob, 3, &got), -ESTALE);
	assert_int_equal(index_find_extent(ix, &blob, 4, &got), -ENOENT);
	assert_int_equal(index_commit(ix), 0);
	assert_int_equal(index_find_blob(ix, &id, &found), 0);
	assert_int_equal(found.size, size);
	assert_false(found.sealed);
	index_close(ix, INDEX_UNSCRUBBED);
	assert_int_equal(index_open(path, &ix, &last, NULL), 0);
	assert_int_equal(last, INDEX_UNSCRUBBED);
	index_close(ix, INDEX_CLEAN);
	assert_int_equal(index_open(path, &ix, &last, NULL), 0);
	assert_int_equal(last, INDEX_CLEAN);
	index_close(ix, INDEX_TORN);
	assert_int_equal(index_open(path, &ix, &last, NULL), 0);
	assert_int_equal(last, INDEX_TORN);
	index_close(ix, INDEX_TORN);
}

static void bytes_of_extents(void **state)
{
	static const struct {
		uint64_t size, idx, present, bytes;
	} rows[] = {
		{1, 0, 1, 1},
		{CHUNK_SIZE, 0, 1, CHUNK_SIZE},
		{CHUNK_SIZE + 1, 0, 3, CHUNK_SIZE + 1},
		{CHUNK_SIZE + 1, 0, 1, CHUNK_SIZE},
		{CHUNK_SIZE + 1, 0, 2, 1},
		{EXTENT_SIZE, 0, ~0ull, EXTENT_SIZE},
		{EXTENT_SIZE + 9, 1, 1, 9},
		{EXTENT_SIZE + 9, 0, ~0ull, EXTENT_SIZE},
		{5, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(index_extent_bytes(rows[i].size, rows[i].idx, rows[i].present), rows[i].bytes);
}

int main(void)
{
#define BOX_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_box, teardown_box)
	const struct CMUnitTest tests[] = {
		BOX_TEST(a_foreign_file_is_moved_aside),
		BOX_TEST(another_programs_database_is_moved_aside),
		BOX_TEST(a_newer_format_is_left_alone),
		BOX_TEST(format_1_is_brought_up),
		BOX_TEST(a_link_is_no_index),
		BOX_TEST(data_files_of_a_lost_index_go),
		BOX_TEST(mutations_are_survived),
		BOX_TEST(extents_keep_their_bits),
		cmocka_unit_test(bytes_of_extents),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

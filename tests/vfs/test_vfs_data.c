// SPDX-License-Identifier: Apache-2.0
/* Opening and reading: permissions, ends of files, handles that go while a read is under way. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

#include <hffs/thread.h>
#include <hffs/tunables.h>

static int setup(void **state)
{
	const struct vfs_config config = {.fetch = fake_fetch(), .catalog = fake_catalog(), .endpoint = "https://hub.example"};
	struct vfs *v = NULL;

	fake_reset();
	assert_int_equal(vfs_new(&config, &v), 0);
	*state = v;
	return 0;
}

static int teardown(void **state)
{
	fake_reset();
	vfs_free(*state);
	assert_int_equal(fake_blobs(), 0);
	return 0;
}

static void on_lookup(void *ctx, int r, const struct vfs_entry *e, const struct err *err)
{
	(void)err;
	assert_int_equal(r, 0);
	*(uint64_t *)ctx = e->node;
}

static uint64_t node_of(struct vfs *v, const char *name)
{
	const char *const path[] = {"acme", "tiny", COMMIT_A, name};
	uint64_t node = NODE_ROOT_ID;

	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		vfs_lookup(v, node, path[i], on_lookup, &node);
	return node;
}

struct result {
	atomic_uint times;
	int r;
	size_t len;
	uint8_t bytes[4096];
};

static void on_read(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct result *res = ctx;

	(void)err;
	res->r = r;
	res->len = span ? span_len(span) : 0;
	if (span && res->len <= sizeof(res->bytes))
		assert_int_equal(span_read(span, res->bytes), 0);
	atomic_fetch_add(&res->times, 1);
}

static void opens_for_reading_only(void **state)
{
	static const int refused[] = {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_RDONLY | O_CREAT};
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	uint64_t node = node_of(v, "config.json");

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_int_equal(vfs_open(v, node, refused[i], &f, NULL), -EROFS);
	assert_int_equal(vfs_open(v, node_of(v, "sub"), O_RDONLY, &f, NULL), -EISDIR);
	assert_int_equal(vfs_open(v, 4711, O_RDONLY, &f, NULL), -ESTALE);
	assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
	assert_int_equal(fake_blobs(), 1);
	vfs_release(f);
	assert_int_equal(fake_blobs(), 0);
}

static void a_gated_file_is_refused_at_open(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	struct err err = {0};

	fake_masked(true);
	assert_int_equal(vfs_open(v, node_of(v, "model.safetensors"), O_RDONLY, &f, &err), -EACCES);
	assert_non_null(strstr(err.text, "acme/tiny"));
	assert_non_null(strstr(err.text, "model.safetensors"));
	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &f, &err), -EACCES);
	assert_int_equal(vfs_open(v, node_of(v, "empty"), O_RDONLY, &f, &err), 0);
	vfs_release(f);
	assert_int_equal(vfs_open(v, node_of(v, "README.md"), O_RDONLY, &f, &err), 0);
	vfs_release(f);
}

static int read_once(struct vfs *v, struct vfs_file *f)
{
	struct vfs_read op;
	struct result res = {0};

	(void)v;
	vfs_read(&op, f, 0, 10, on_read, &res);
	assert_int_equal(atomic_load(&res.times), 1);
	assert_int_equal(res.len, res.r == 0 ? 10 : 0);
	return res.r;
}

static struct vfs_file *open_model(struct vfs *v)
{
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(v, node_of(v, "model.safetensors"), O_RDONLY, &f, NULL), 0);
	fake_asked();
	return f;
}

/* Somebody has cached it: whoever reads it first asks the Hub for a byte. */
static void cached_private_bytes_need_the_hubs_leave(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f;

	fake_private(-EACCES);
	fake_on_disk(4096);
	f = open_model(v);
	assert_int_equal(read_once(v, f), -EACCES);
	assert_int_equal(fake_asked(), 1);
	fake_private(0);
	assert_int_equal(read_once(v, f), 0);
	assert_int_equal(fake_asked(), 1);
	fake_private(-EACCES); /* a later refusal does not take it away */
	assert_int_equal(read_once(v, f), 0);
	vfs_release(f);
	f = open_model(v);
	assert_int_equal(read_once(v, f), 0);
	assert_int_equal(fake_asked(), 0);
	vfs_release(f);
}

/* Nothing is cached: bytes that come are the proof, and no other request is made. */
static void fetched_private_bytes_are_leave_enough(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f;

	fake_private(-EACCES);
	f = open_model(v);
	fake_reads_fail(-EACCES);
	assert_int_equal(read_once(v, f), -EACCES);
	fake_reads_fail(0);
	assert_int_equal(read_once(v, f), 0);
	fake_on_disk(4096);
	assert_int_equal(read_once(v, f), 0);
	assert_int_equal(fake_asked(), 0);
	vfs_release(f);
}

static void public_bytes_need_no_leave(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f;

	fake_on_disk(4096);
	f = open_model(v);
	assert_int_equal(read_once(v, f), 0);
	assert_int_equal(fake_asked(), 0);
	vfs_release(f);
}

static void granted_access_is_noticed(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	uint64_t before;

	fake_masked(true);
	before = node_of(v, "config.json");
	assert_int_equal(vfs_open(v, before, O_RDONLY, &f, NULL), -EACCES);
	fake_masked(false);
	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &f, NULL), 0);
	vfs_release(f);
	assert_int_equal(vfs_open(v, before, O_RDONLY, &f, NULL), -EACCES);
}

static void reads_whole_and_up_to_the_end(void **state)
{
	static const struct {
		uint64_t off;
		size_t len, want;
	} rows[] = {{0, 4096, 100}, {10, 20, 20}, {99, 4096, 1}, {100, 10, 0}, {1ull << 40, 10, 0}};
	struct vfs *v = *state;
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &f, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct result res = {0};
		struct vfs_read op;

		assert_int_equal(vfs_read_len(f, rows[i].off, rows[i].len), rows[i].want);
		vfs_read(&op, f, rows[i].off, rows[i].len, on_read, &res);
		assert_int_equal(res.times, 1);
		assert_int_equal(res.r, 0);
		assert_int_equal(res.len, rows[i].want);
		for (size_t k = 0; k < res.len; k++)
			assert_int_equal(res.bytes[k], fake_byte(rows[i].off + k));
	}
	vfs_release(f);
}

static void an_empty_file_has_no_blob(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	struct result res = {0};
	struct vfs_read op;

	assert_int_equal(vfs_open(v, node_of(v, "empty"), O_RDONLY, &f, NULL), 0);
	assert_int_equal(fake_blobs(), 0);
	vfs_read(&op, f, 0, 10, on_read, &res);
	assert_int_equal(res.times, 1);
	assert_int_equal(res.len, 0);
	vfs_release(f);
}

static void errors_arrive_as_they_are(void **state)
{
	static const int errors[] = {-EIO, -ESTALE, -EBADMSG, -ETIMEDOUT, -ECANCELED};
	struct vfs *v = *state;
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &f, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
		struct result res = {0};
		struct vfs_read op;

		fake_reads_fail(errors[i]);
		vfs_read(&op, f, 0, 10, on_read, &res);
		assert_int_equal(res.r, errors[i]);
	}
	vfs_release(f);
}

static void a_read_outlives_its_handle(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	struct result res = {0};
	struct vfs_read op;

	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &f, NULL), 0);
	fake_hold();
	vfs_read(&op, f, 0, 10, on_read, &res);
	vfs_release(f);
	assert_int_equal(fake_blobs(), 1);
	fake_answer();
	assert_int_equal(res.times, 1);
	assert_int_equal(res.bytes[3], fake_byte(3));
	assert_int_equal(fake_blobs(), 0);
}

static void the_end_gives_the_blobs_back(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *a = NULL, *b = NULL;
	struct vfs_stats st;

	assert_int_equal(vfs_open(v, node_of(v, "config.json"), O_RDONLY, &a, NULL), 0);
	assert_int_equal(vfs_open(v, node_of(v, "empty"), O_RDONLY, &b, NULL), 0);
	vfs_stats(v, &st);
	assert_int_equal(st.open_files, 2);
	vfs_drop_files(v);
	assert_int_equal(fake_blobs(), 0);
	vfs_stats(v, &st);
	assert_int_equal(st.open_files, 0);
}

static uint64_t blocks(struct vfs *v, uint64_t node)
{
	struct vfs_entry e;

	assert_int_equal(vfs_getattr(v, node, &e), 0);
	return (uint64_t)e.attr.st_blocks;
}

static void what_was_read_is_told_once(void **state)
{
	struct vfs *v = *state;
	uint64_t node = node_of(v, "model.safetensors"), told[8];
	struct vfs_file *f = NULL;
	struct result res = {0};
	struct vfs_read op;

	assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
	fake_cached(256 << 10);
	assert_int_equal(vfs_take_grown(v, told, 8), 0);
	vfs_read(&op, f, 0, 10, on_read, &res);
	assert_int_equal(vfs_take_grown(v, told, 8), 1);
	assert_int_equal(told[0], node);
	assert_int_equal(blocks(v, node), 512);
	vfs_read(&op, f, 0, 10, on_read, &res);
	assert_int_equal(vfs_take_grown(v, told, 8), 0);
	fake_cached(512 << 10);
	vfs_release(f);
	assert_int_equal(vfs_take_grown(v, told, 8), 1);
	assert_int_equal(blocks(v, node), 1024);
}

static void count_push(void *ctx)
{
	++*(unsigned *)ctx;
}

static void read_at(struct vfs_file *f, uint64_t off, size_t len)
{
	struct result res = {0};
	struct vfs_read op;

	vfs_read(&op, f, off, len, on_read, &res);
	assert_int_equal(res.r, 0);
}

static void expect_push(struct vfs *v, uint64_t node, uint64_t chunk)
{
	static uint8_t bytes[CHUNK_SIZE];
	uint64_t told = 0, off = 0;
	size_t len = 0;

	assert_true(vfs_take_push(v, bytes, &told, &off, &len));
	assert_int_equal(told, node);
	assert_int_equal(off, chunk * CHUNK_SIZE);
	assert_int_equal(len, CHUNK_SIZE);
	assert_int_equal(bytes[77], fake_byte(off + 77));
	assert_false(vfs_take_push(v, bytes, &told, &off, &len));
}

static void what_is_swept_in_is_pushed_to_who_reads_the_file(void **state)
{
	unsigned asked = 0;
	const struct vfs_config config = {.fetch = fake_fetch(), .catalog = fake_catalog(), .endpoint = "https://hub.example",
					  .push = count_push, .push_ctx = &asked};
	struct vfs *v = NULL;
	struct vfs_file *f = NULL, *direct = NULL;
	uint64_t node;

	(void)state;
	assert_int_equal(vfs_new(&config, &v), 0);
	node = node_of(v, "model.safetensors");
	assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
	fake_cached(3000000);
	fake_sweep(3); /* nobody has read of it */
	assert_int_equal(asked, 0);
	read_at(f, 0, 128 << 10);
	fake_sweep(3);
	assert_int_equal(asked, 1);
	expect_push(v, node, 3);
	/* The queue ends; and a reader past the page cache has no use for it. */
	for (uint64_t i = 0; i < 1000; i++)
		fake_sweep(4);
	assert_in_range(asked, 2, 100);
	vfs_drop_files(v);
	assert_int_equal(fake_blobs(), 0);
	asked = 0;
	assert_int_equal(vfs_open(v, node, O_RDONLY | O_DIRECT, &direct, NULL), 0);
	read_at(direct, 0, 128 << 10);
	fake_sweep(3);
	assert_int_equal(asked, 0);
	vfs_free(v);
	fake_sweep(3); /* nobody hears of it */
	assert_int_equal(fake_blobs(), 0);
}

static void chunks_read_by_the_page_are_pushed(void **state)
{
	static uint8_t bytes[CHUNK_SIZE];
	unsigned asked = 0;
	const struct vfs_config config = {.fetch = fake_fetch(), .catalog = fake_catalog(), .endpoint = "https://hub.example",
					  .push = count_push, .push_ctx = &asked};
	struct vfs *v = NULL;
	struct vfs_file *f = NULL;
	uint64_t node, told = 0, off = 0;
	size_t len = 0;

	(void)state;
	assert_int_equal(vfs_new(&config, &v), 0);
	node = node_of(v, "model.safetensors");
	assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
	fake_cached(3000000);
	/* Pages here and there, and whole reads, ask for nothing. */
	for (uint64_t i = 0; i < 8; i++)
		read_at(f, i * CHUNK_SIZE + 4096, 4096);
	read_at(f, 0, 128 << 10);
	read_at(f, 128 << 10, 128 << 10);
	assert_int_equal(asked, 0);
	assert_false(vfs_take_push(v, bytes, &told, &off, &len));
	/* The second page of a chunk does, once. */
	for (int i = 0; i < 5; i++)
		read_at(f, 2 * CHUNK_SIZE + 4096u * (unsigned)i, 4096);
	read_at(f, 11 * CHUNK_SIZE, 4096);
	read_at(f, 11 * CHUNK_SIZE + 8192, 4096);
	assert_int_equal(asked, 2);
	assert_true(vfs_take_push(v, bytes, &told, &off, &len));
	assert_int_equal(told, node);
	assert_int_equal(off, 2 * CHUNK_SIZE + 8 * 4096); /* what is close behind the page is left to its reader */
	assert_int_equal(off + len, 3 * CHUNK_SIZE);
	assert_int_equal(bytes[77], fake_byte(off + 77));
	assert_true(vfs_take_push(v, bytes, &told, &off, &len));
	assert_int_equal(off, 11 * CHUNK_SIZE + 10 * 4096);
	assert_int_equal(off + len, 3000000); /* the file ends in it */
	assert_false(vfs_take_push(v, bytes, &told, &off, &len));
	/* Who goes on into the next chunk gets it at its first page, and the one behind it. */
	read_at(f, 3 * CHUNK_SIZE, 4096);
	assert_int_equal(asked, 3);
	assert_true(vfs_take_push(v, bytes, &told, &off, &len));
	assert_int_equal(off, 3 * CHUNK_SIZE + 8 * 4096);
	assert_true(vfs_take_push(v, bytes, &told, &off, &len));
	assert_int_equal(off, 4 * CHUNK_SIZE);
	assert_int_equal(len, CHUNK_SIZE);
	assert_false(vfs_take_push(v, bytes, &told, &off, &len));
	/* What is not here is not waited for, and the end forgets what is left. */
	fake_cached(0);
	read_at(f, 7 * CHUNK_SIZE + 8192, 4096);
	assert_int_equal(asked, 4);
	assert_false(vfs_take_push(v, bytes, &told, &off, &len));
	read_at(f, 6 * CHUNK_SIZE + 8192, 4096);
	assert_int_equal(asked, 5);
	vfs_drop_files(v);
	assert_int_equal(fake_blobs(), 0);
	vfs_free(v);
}

/* Many handles and another thread that answers: for the thread sanitizer. */
static void readers_meet_answers_of_another_thread(void **state)
{
	enum { NR = 300 };
	static struct result results[NR];
	static struct vfs_read ops[NR];
	struct vfs *v = *state;
	uint64_t node = node_of(v, "model.safetensors"), told[8];
	unsigned done = 0;

	fake_thread();
	memset(results, 0, sizeof(results));
	for (unsigned i = 0; i < NR; i++) {
		struct vfs_file *f = NULL;

		assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
		vfs_read(&ops[i], f, i * 4096, 4096, on_read, &results[i]);
		(void)vfs_take_grown(v, told, 8);
		vfs_release(f);
	}
	while (done < NR) {
		done = 0;
		for (unsigned i = 0; i < NR; i++)
			done += atomic_load(&results[i].times);
	}
	fake_reset(); /* joins it */
	for (unsigned i = 0; i < NR; i++)
		assert_int_equal(results[i].bytes[5], fake_byte(i * 4096 + 5));
	assert_int_equal(fake_blobs(), 0);
}

static void names_of_a_wrong_content_are_told(void **state)
{
	struct vfs *v = *state;
	uint64_t node = node_of(v, "model.safetensors"), told[8];

	assert_int_equal(vfs_take_spoiled(v, told, 8), 0);
	fake_spoil("0100000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(vfs_take_spoiled(v, told, 8), 1);
	assert_int_equal(told[0], node);
	fake_spoil("ff00000000000000000000000000000000000000000000000000000000000000");
	assert_int_equal(vfs_take_spoiled(v, told, 8), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(opens_for_reading_only),
		TEST(a_gated_file_is_refused_at_open),
		TEST(cached_private_bytes_need_the_hubs_leave),
		TEST(fetched_private_bytes_are_leave_enough),
		TEST(public_bytes_need_no_leave),
		TEST(granted_access_is_noticed),
		TEST(reads_whole_and_up_to_the_end),
		TEST(an_empty_file_has_no_blob),
		TEST(errors_arrive_as_they_are),
		TEST(a_read_outlives_its_handle),
		TEST(the_end_gives_the_blobs_back),
		TEST(what_was_read_is_told_once),
		TEST(names_of_a_wrong_content_are_told),
		TEST(what_is_swept_in_is_pushed_to_who_reads_the_file),
		TEST(chunks_read_by_the_page_are_pushed),
		TEST(readers_meet_answers_of_another_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* What is learned of a blob while its bytes pass: tensor tables, ZIP directories, shard indexes, on workers, without a request of its own. */
#include "../unit/unit.h"

#include "fakes.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hffs/buf.h>
#include <hffs/thread.h>

#include "ahead_int.h"

#define SOON_MS 20000

static struct fetch *fetch;
static struct fake_file file;

static void open_fetch(void)
{
	struct fetch_config config = {.data_deadline_ms = 60000, .disk_workers = 2};
	struct err err = {0};

	assert_int_equal(fetch_open(&config, &fetch, &err), 0);
}

static int begin(void **state)
{
	(void)state;
	open_fetch();
	return 0;
}

static int end(void **state)
{
	(void)state;
	fetch_close(fetch);
	atomic_store(&fake_faults.no_disk, 0);
	atomic_store(&fake_file, NULL);
	return 0;
}

struct wait {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	int r;
};

static void ended(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct wait *w = ctx;

	(void)span;
	(void)err;
	LOCK_SCOPE(&w->lock);
	w->r = r;
	w->done = true;
	pthread_cond_signal(&w->wake);
}

static void read_at(struct blob *b, uint64_t off, size_t len)
{
	struct wait w = {.lock = PTHREAD_MUTEX_INITIALIZER};

	cond_init(&w.wake);
	blob_read(b, off, len, ended, &w);
	LOCK_SCOPE(&w.lock);
	while (!w.done)
		assert_true(cond_wait_ms(&w.wake, &w.lock, SOON_MS));
	assert_int_equal(w.r, 0);
}

/* Waits until no worker looks and it is so; what is needed is returned. */
static uint64_t settled(struct blob *b, enum learn_state state)
{
	for (unsigned i = 0; i < SOON_MS; i++) {
		pthread_mutex_lock(&b->lock);
		bool is = b->learn.state == state;
		uint64_t need = b->learn.need;
		pthread_mutex_unlock(&b->lock);
		if (is)
			return need;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	fail_msg("it did not come to state %d", state);
	return 0;
}

/* Waits until so many bytes are asked for. */
static void needs(struct blob *b, uint64_t need)
{
	for (unsigned i = 0; settled(b, LEARN_WAITS) != need; i++) {
		assert_true(i < SOON_MS);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void put(struct buf *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(b, (char)(value >> 8 * i));
}

static void pad(struct buf *b, size_t len)
{
	while (b->len < len)
		buf_addc(b, ' ');
}

/* The Hub has this file; its id is its digest, for its one chunk may be proven by it. */
static struct blob *offer(const struct buf *content, const char *path)
{
	struct object_ref ref = {.path = path, .size = content->len, .id = {.algo = BLOB_SHA256}};
	struct blob *b;

	snprintf(ref.repo.name, sizeof(ref.repo.name), "org/name");
	assert_int_equal(digest_sha256(content->data, content->len, ref.id.bytes), 0);
	file = (struct fake_file){ref.id.bytes[0], content->data};
	atomic_store(&fake_file, &file);
	b = blob_get(fetch, &ref);
	assert_non_null(b);
	return b;
}

/* A header of `header` bytes with one tensor, and data to the end of `size`. */
static void put_safetensors(struct buf *b, size_t header, size_t size)
{
	put(b, header, 8);
	buf_addf(b, "{\"w\":{\"dtype\":\"U8\",\"shape\":[%zu],\"data_offsets\":[0,%zu]}}", size - header - 8, size - header - 8);
	pad(b, size);
}

/* `texts` tokens of 24 bytes, one tensor. */
static void put_gguf(struct buf *b, unsigned texts)
{
	buf_adds(b, "GGUF");
	put(b, 3, 4), put(b, 1, 8), put(b, 1, 8);
	put(b, 1, 8), buf_adds(b, "t"), put(b, 9, 4), put(b, 8, 4), put(b, texts, 8);
	for (unsigned i = 0; i < texts; i++)
		put(b, 16, 8), buf_adds(b, "0123456789abcdef");
	put(b, 1, 8), buf_adds(b, "w"), put(b, 1, 4), put(b, 1, 8), put(b, 0, 4), put(b, 0, 8);
	pad(b, (b->len + 31) / 32 * 32 + 4);
}

/* `nr` members that share the bytes before the directory, which has 54 bytes for each of them. */
static void put_zip(struct buf *b, unsigned nr, size_t data)
{
	size_t each = data / nr;

	buf_adds(b, "PK\003\004");
	pad(b, data);
	for (unsigned i = 0; i < nr; i++) {
		put(b, 0x02014b50, 4), put(b, 0, 8), put(b, 0, 8), put(b, each - 60, 4), put(b, each - 60, 4), put(b, 8, 2), put(b, 0, 8);
		put(b, 0, 4), put(b, i * each, 4);
		buf_addf(b, "d/%06u", i);
	}
	put(b, 0x06054b50, 4), put(b, 0, 4), put(b, nr, 2), put(b, nr, 2), put(b, 54 * nr, 4), put(b, data, 4), put(b, 0, 2);
}

/* Waits until the prefetcher knows so many parts of it. */
static void knows_parts(struct blob *b, uint32_t nr)
{
	for (unsigned i = 0; ahead_nr_parts(b) != nr; i++) {
		assert_true(i < SOON_MS);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void learns_the_members_of_a_zip_file_from_its_end(void **state)
{
	static const unsigned members[] = {2, 10000}; /* the directory of so many takes more than two chunks */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		AUTO_BUF content = {0};
		struct blob *b;
		uint64_t last;

		put_zip(&content, members[i], 4 * CHUNK_SIZE);
		last = (content.len - 1) / CHUNK_SIZE;
		b = offer(&content, "pytorch_model.bin");
		read_at(b, 0, 4);
		needs(b, content.len);
		for (uint64_t idx = last; idx >= 4; idx--) {
			assert_int_equal(ahead_nr_parts(b), 0);
			read_at(b, idx * CHUNK_SIZE, 4);
		}
		settled(b, LEARN_OVER);
		knows_parts(b, members[i]);
		assert_int_equal(fake_hub_requests(), 1 + (last - 3));
		assert_null(learn_table(b));
		blob_put(b);
		fetch_close(fetch);
		open_fetch();
	}
}

static void learns_a_table_from_the_first_read(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct blob *b;

	(void)state;
	put_safetensors(&content, 1000, 4 * CHUNK_SIZE);
	b = offer(&content, "model.safetensors");
	assert_null(learn_table(b));
	read_at(b, 0, 100);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	assert_int_equal(t->tensors[0].off, 1008);
	assert_int_equal(t->tensors[0].len, 4 * CHUNK_SIZE - 1008);
	blob_put(b);
}

static void waits_for_a_long_header_without_fetching_it(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct blob *b;
	uint64_t requests;

	(void)state;
	put_safetensors(&content, 3 * CHUNK_SIZE, 6 * CHUNK_SIZE);
	b = offer(&content, "model.safetensors");
	read_at(b, 0, 100);
	requests = fake_hub_requests();
	needs(b, 3 * CHUNK_SIZE + 8);
	assert_int_equal(fake_hub_requests(), requests);
	assert_null(learn_table(b));
	read_at(b, 3 * CHUNK_SIZE, 1);
	read_at(b, 2 * CHUNK_SIZE, 1);
	needs(b, 3 * CHUNK_SIZE + 8);
	read_at(b, CHUNK_SIZE, 1);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	blob_put(b);
}

/* What was given up is waited for again; until then nothing is believed. */
static void waits_for_evicted_chunks(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct fake_run run;
	struct blob *b;

	(void)state;
	put_safetensors(&content, 2 * CHUNK_SIZE, 4 * CHUNK_SIZE);
	b = offer(&content, "evicted.safetensors");
	read_at(b, 0, 100);
	needs(b, 2 * CHUNK_SIZE + 8);
	while (!fake_cache_ask(fetch_cache(fetch), &b->id, 0, 1, false, &run)) /* it may still be on its way to the disk */
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	fake_cache_punch(fetch_cache(fetch), &run);
	fake_cache_tell(fetch_cache(fetch), &run);
	read_at(b, CHUNK_SIZE, 1);
	read_at(b, 2 * CHUNK_SIZE, 1);
	needs(b, 2 * CHUNK_SIZE + 8);
	assert_null(learn_table(b));
	read_at(b, 0, 1);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	blob_put(b);
}

static void learns_without_a_disk(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct blob *b;

	(void)state;
	atomic_store(&fake_faults.no_disk, 1000);
	put_safetensors(&content, CHUNK_SIZE, 3 * CHUNK_SIZE);
	b = offer(&content, "diskless.safetensors");
	read_at(b, 0, 1);
	read_at(b, CHUNK_SIZE, 1);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	blob_put(b);
}

static void learns_a_growing_header(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct blob *b;

	(void)state;
	put_gguf(&content, 100000);
	b = offer(&content, "model.gguf");
	read_at(b, 0, 1);
	for (unsigned i = 0; ahead_header(b) <= 8 * 100000; i++) { /* the lengths of the texts, at least */
		assert_true(i < SOON_MS);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	/* and their bytes, as long again or more */
	assert_in_range(ahead_header(b), 16 * 100000, content.len);
	for (uint64_t off = 0; off < content.len; off += CHUNK_SIZE)
		read_at(b, off, 1);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	assert_int_equal(tensor_table_value(t, "t")->nr, 100000);
	assert_int_equal(t->tensors[0].off + 4, content.len);
	blob_put(b);
}

static void gives_up_quietly(void **state)
{
	static const struct {
		uint64_t header;
		const char *text;
	} rows[] = {{4000, "{\"w\":{}}"}, {UINT64_MAX, "{"}, {(16 << 20) + 1, "{"}, {4000, "plain"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_BUF content = {0};
		struct blob *b;

		put(&content, rows[i].header, 8);
		buf_adds(&content, rows[i].text);
		pad(&content, 2 * CHUNK_SIZE + i);
		b = offer(&content, "model.safetensors");
		read_at(b, 0, 100);
		settled(b, LEARN_OVER);
		assert_null(learn_table(b));
		assert_null(learn_shards(b));
		read_at(b, CHUNK_SIZE, 100);
		blob_put(b);
	}
}

static void learns_an_index_when_all_of_it_is_here(void **state)
{
	static const size_t sizes[] = {1000, 2 * CHUNK_SIZE + 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		AUTO(shard_index_unref) struct shard_index *x = NULL;
		AUTO_BUF content = {0};
		struct blob *b;

		buf_adds(&content, "{\"weight_map\":{\"w\":\"model-1.safetensors\"}}");
		pad(&content, sizes[i]);
		b = offer(&content, "sub/model.safetensors.index.json");
		for (uint64_t off = 0; off < content.len; off += CHUNK_SIZE) {
			assert_null(learn_shards(b));
			read_at(b, off, 1);
		}
		settled(b, LEARN_OVER);
		x = learn_shards(b);
		assert_non_null(x);
		assert_string_equal(x->shards[shard_index_find(x, "w")->shard], "model-1.safetensors");
		assert_null(learn_table(b));
		blob_put(b);
	}
}

static void learns_from_an_earlier_run(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF content = {0};
	struct blob *b;

	(void)state;
	put_safetensors(&content, 2 * CHUNK_SIZE, 5 * CHUNK_SIZE);
	b = offer(&content, "old.safetensors");
	for (uint64_t off = 0; off < content.len; off += CHUNK_SIZE)
		read_at(b, off, 1);
	blob_put(b);
	fetch_close(fetch);
	open_fetch();
	b = offer(&content, "old.safetensors");
	assert_null(learn_table(b));
	read_at(b, 4 * CHUNK_SIZE, 1); /* far from the header */
	read_at(b, 4 * CHUNK_SIZE, 1); /* the first may have come before the index rows */
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_non_null(t);
	assert_int_equal(fake_hub_requests(), 0);
	blob_put(b);
}

static void forgets_what_wrong_bytes_said(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL, *again = NULL;
	AUTO_BUF content = {0};
	struct fake_run run;
	struct blob *b;

	(void)state;
	put_safetensors(&content, 2000, 2 * CHUNK_SIZE);
	b = offer(&content, "wrong.safetensors");
	read_at(b, 0, 1);
	read_at(b, CHUNK_SIZE, 1);
	settled(b, LEARN_OVER);
	t = learn_table(b);
	assert_true(fake_cache_ask(fetch_cache(fetch), &b->id, 0, 2, true, &run));
	fake_cache_punch(fetch_cache(fetch), &run);
	fake_cache_tell(fetch_cache(fetch), &run);
	assert_null(learn_table(b));
	assert_int_equal(t->nr, 1);
	read_at(b, 0, 1);
	settled(b, LEARN_OVER);
	again = learn_table(b);
	assert_non_null(again);
	assert_ptr_not_equal(t, again);
	blob_put(b);
}

/* The blob ends in memory with a look under way: nothing leaks, nothing hangs. */
static void closes_while_looking(void **state)
{
	AUTO_BUF content = {0};
	struct blob *b;

	(void)state;
	put_gguf(&content, 50000);
	b = offer(&content, "closing.gguf");
	for (uint64_t off = 0; off < content.len; off += CHUNK_SIZE)
		read_at(b, off, 1);
	blob_put(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(learns_a_table_from_the_first_read, begin, end),
		cmocka_unit_test_setup_teardown(waits_for_a_long_header_without_fetching_it, begin, end),
		cmocka_unit_test_setup_teardown(waits_for_evicted_chunks, begin, end),
		cmocka_unit_test_setup_teardown(learns_the_members_of_a_zip_file_from_its_end, begin, end),
		cmocka_unit_test_setup_teardown(learns_without_a_disk, begin, end),
		cmocka_unit_test_setup_teardown(learns_a_growing_header, begin, end),
		cmocka_unit_test_setup_teardown(gives_up_quietly, begin, end),
		cmocka_unit_test_setup_teardown(learns_an_index_when_all_of_it_is_here, begin, end),
		cmocka_unit_test_setup_teardown(learns_from_an_earlier_run, begin, end),
		cmocka_unit_test_setup_teardown(forgets_what_wrong_bytes_said, begin, end),
		cmocka_unit_test_setup_teardown(closes_while_looking, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

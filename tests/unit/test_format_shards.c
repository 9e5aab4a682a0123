// SPDX-License-Identifier: Apache-2.0
/* The index of a model in shards. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/format.h>
#include <hffs/io.h>

/* In memory that ends where the text does. */
static int parse(const char *text, size_t len, struct shard_index **out, struct err *err)
{
	AUTO_FREE char *copy = malloc(len + !len);

	memcpy(copy, text, len);
	return shard_index_parse(copy, len, out, err);
}

static void reads_an_index(void **state)
{
	static const char text[] = "{\"metadata\": {\"total_size\": 12, \"x\": [{}]}, \"weight_map\": {\"l.10\": \"m-10.bin\", \"l.9\": \"m-2.bin\","
				   "\"a\": \"m-10.bin\", \"\\u0062\": \"m-1.bin\"}}\n";
	AUTO(shard_index_unref) struct shard_index *x = NULL, *again = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(parse(text, strlen(text), &x, &err), 0);
	assert_int_equal(x->nr, 4);
	assert_int_equal(x->nr_shards, 3);
	assert_string_equal(x->shards[0], "m-1.bin");
	assert_string_equal(x->shards[1], "m-2.bin");
	assert_string_equal(x->shards[2], "m-10.bin");
	assert_string_equal(x->tensors[2].name, "l.9");
	assert_string_equal(x->tensors[3].name, "l.10");
	assert_int_equal(shard_index_find(x, "l.9")->shard, 1);
	assert_int_equal(shard_index_find(x, "l.10")->shard, 2);
	assert_int_equal(shard_index_find(x, "a")->shard, 2);
	assert_int_equal(shard_index_find(x, "b")->shard, 0);
	assert_null(shard_index_find(x, "c"));
	again = shard_index_ref(x);
	assert_ptr_equal(x, again);
	for (size_t len = 0; len + 2 < sizeof(text); len++) {
		struct shard_index *cut = NULL;

		assert_int_equal(parse(text, len, &cut, &err), -EBADMSG);
	}
}

static void refuses_an_index(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{"{}", "no weight_map"},
		{"[]", "object"},
		{"{\"weight_map\":[]}", "malformed"},
		{"{\"weight_map\":{},\"weight_map\":{}}", "twice"},
		{"{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}", "twice"},
		{"{\"weight_map\":{\"a\":1}}", "names to names"},
		{"{\"weight_map\":{\"a\":\"\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"..\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"/etc/passwd\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"sub/x\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"..\\/x\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"x\\u0000y\"}}", "names the file"},
		{"{\"weight_map\":{\"a\":\"\xff\"}}", "names to names"},
		{"{\"weight_map\":{\"a\":\"x\"}} {", "object"},
	};
	AUTO_FREE char *large = NULL;
	struct shard_index *x = NULL;
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int r = parse(rows[i].text, strlen(rows[i].text), &x, &err);

		if (r != -EBADMSG || !strstr(err.text, rows[i].why))
			fail_msg("%s: %d \"%s\"", rows[i].text, r, err.text);
	}
	large = calloc(1, SHARD_INDEX_MAX + 1);
	assert_int_equal(shard_index_parse(large, SHARD_INDEX_MAX + 1, &x, &err), -EFBIG);
}

static void reads_a_real_index(void **state)
{
	static const char path[] = HFFS_EXAMPLES "/hub/hffs/tiny-tales/model.safetensors.index.json";
	AUTO(shard_index_unref) struct shard_index *x = NULL;
	AUTO_BUF file = {0};
	struct err err = {0};

	(void)state;
	assert_int_equal(io_read_file(path, 1 << 24, &file), 0);
	assert_int_equal(parse(file.data, file.len, &x, &err), 0);
	assert_int_equal(x->nr_shards, 2);
	assert_string_equal(x->shards[0], "model-00001-of-00002.safetensors");
	assert_int_equal(shard_index_find(x, "model.embed_tokens.weight")->shard, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_an_index),
		cmocka_unit_test(refuses_an_index),
		cmocka_unit_test(reads_a_real_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

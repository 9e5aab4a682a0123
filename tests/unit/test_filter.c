// SPDX-License-Identifier: Apache-2.0
/* Which paths may be seen, and which contents run code: tables. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/filter.h>
#include <hffs/format.h>

static void test_filter(void **state)
{
	static const struct {
		const char *allow[2], *deny[2], *path;
		bool hidden;
	} rows[] = {
		{{0}, {0}, "a", false},
		{{"*.json"}, {0}, "config.json", false},
		{{"*.json"}, {0}, "sub/config.json", false}, /* '*' also matches '/' */
		{{"*.json"}, {0}, "config.json.bin", true},
		{{"*.json", "*.md"}, {0}, "README.md", false},
		{{0}, {"*.bin"}, "a/b.bin", true},
		{{0}, {"*.bin"}, "a/b.bin2", false},
		{{0}, {"onnx/"}, "onnx/model.onnx", true},
		{{0}, {"onnx/"}, "onnx", false},
		{{0}, {"onnx/"}, "a/onnx/x", false},
		{{"*.json"}, {"secret*"}, "secret.json", true}, /* deny wins */
		{{0}, {"[ab].txt"}, "b.txt", true},
		{{0}, {"[ab].txt"}, "c.txt", false},
		{{0}, {".*"}, ".gitattributes", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct filter f = {0};

		for (size_t k = 0; k < 2; k++) {
			if (rows[i].allow[k])
				assert_int_equal(patterns_add(&f.allow, rows[i].allow[k]), 0);
			if (rows[i].deny[k])
				assert_int_equal(patterns_add(&f.deny, rows[i].deny[k]), 0);
		}
		assert_int_equal(filter_is_empty(&f), !rows[i].allow[0] && !rows[i].deny[0]);
		if (filter_hides(&f, rows[i].path) != rows[i].hidden)
			fail_msg("row %zu: %s", i, rows[i].path);
		patterns_done(&f.allow);
		patterns_done(&f.deny);
	}
}

static void test_directories(void **state)
{
	static const struct {
		const char *path;
		bool hidden;
	} rows[] = {{"onnx", true}, {"onnx/deeper", true}, {"onnxx", false}, {"a/onnx", false}, {"a", false}, {"a/b", true}, {"a/b/c", true}};
	struct filter f = {0};

	(void)state;
	assert_int_equal(patterns_add(&f.allow, "*.json"), 0); /* anything may be in a directory */
	assert_int_equal(patterns_add(&f.deny, "onnx/"), 0);
	assert_int_equal(patterns_add(&f.deny, "a/b/"), 0);
	assert_int_equal(patterns_add(&f.deny, "*"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (filter_hides_dir(&f, rows[i].path) != rows[i].hidden)
			fail_msg("%s", rows[i].path);
	patterns_done(&f.allow);
	patterns_done(&f.deny);
}

static void test_no_pattern(void **state)
{
	struct patterns p = {0};

	(void)state;
	assert_int_equal(patterns_add(&p, ""), -EINVAL);
	assert_int_equal(p.nr, 0);
}

static void test_names(void **state)
{
	static const struct {
		const char *path;
		bool pickle;
	} rows[] = {
		{"pytorch_model.bin", true}, {"a/b.PT", true},	    {"x.pth", true},	 {"x.ckpt", true},   {"x.pkl", true},
		{"x.pickle", true},	     {"x.joblib", true},    {"x.bin.md", false}, {"x.json", false},  {"model.safetensors", false},
		{"model.gguf", false},	     {"bin", false},	    {"x.npy", false},	 {"x.pt/y", false}, {"", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (pickle_is_name(rows[i].path) != rows[i].pickle)
			fail_msg("%s", rows[i].path);
}

static void test_contents(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum pickle_look look;
	} rows[] = {
		{"", 0, PICKLE_NO},
		{"\x80", 1, PICKLE_NO},
		{"\x80\x02}", 3, PICKLE_YES},
		{"\x80\x04\x95", 3, PICKLE_YES},
		{"\x80\x05\x95", 3, PICKLE_YES},
		{"\x80\x06\x95", 3, PICKLE_NO},
		{"\x80\x80\x80", 3, PICKLE_NO},
		{"PK\x03\x04....", 8, PICKLE_IF_IN_ZIP},
		{"{\"a\": 1}", 8, PICKLE_NO},
		{"GGUF\x03\0\0\0", 8, PICKLE_NO},
	};
	static const struct {
		const char *header;
		enum pickle_look look;
	} arrays[] = {
		{"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }\n", PICKLE_NO},
		{"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n", PICKLE_YES},
		{"{'descr': 'O', 'shape': (3,), }\n", PICKLE_YES},
		{"{'descr': [('Open', '<f8'), ('x', '|O8')], 'shape': (3,), }\n", PICKLE_YES},
		{"{'descr': [('Open', '<f8')], 'shape': (3,), }\n", PICKLE_NO},
	};
	char tar[512] = "storages";

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (pickle_look(rows[i].bytes, rows[i].len) != rows[i].look)
			fail_msg("row %zu", i);
	for (size_t i = 0; i < ARRAY_SIZE(arrays); i++)
		for (int wide = 0; wide < 2; wide++) {
			size_t len = strlen(arrays[i].header), at = wide ? 12 : 10;
			uint8_t bytes[256] = "\x93NUMPY";

			bytes[6] = wide ? 2 : 1;
			bytes[8] = (uint8_t)len;
			memcpy(bytes + at, arrays[i].header, len);
			if (pickle_look(bytes, at + len) != arrays[i].look)
				fail_msg("array %zu", i);
			assert_int_equal(pickle_look(bytes, at + len - 1), PICKLE_YES); /* cut short: nobody knows */
			assert_int_equal(pickle_look(bytes, at - 1), wide ? PICKLE_YES : PICKLE_NO);
		}
	memcpy(tar + 257, "ustar", 5);
	assert_int_equal(pickle_look(tar, sizeof(tar)), PICKLE_YES);
	assert_int_equal(pickle_look(tar, 261), PICKLE_NO);
	memcpy(tar, "README.md", 10);
	assert_int_equal(pickle_look(tar, sizeof(tar)), PICKLE_NO);
}

static void test_zip_entries(void **state)
{
	static const struct {
		const char *name;
		bool pickle;
	} rows[] = {{"archive/data.pkl", true}, {"x.PICKLE", true}, {"archive/data/0", false}, {"a.pkl/b", false}, {"weights.bin", false}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zip_entry e[2] = {{.name = "version"}, {.name = rows[i].name}};
		struct zip_directory z = {.nr = 2, .entries = e};

		if (pickle_in_zip(&z) != rows[i].pickle)
			fail_msg("%s", rows[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filter),	 cmocka_unit_test(test_directories), cmocka_unit_test(test_no_pattern),  cmocka_unit_test(test_names),
		cmocka_unit_test(test_contents), cmocka_unit_test(test_zip_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

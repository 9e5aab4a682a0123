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

#define BYTES(text) (text), sizeof(text) - 1

/* Programs without a head: what they get to, wherever memory ends. */
static void test_opcodes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum pickle_step step;
	} rows[] = {
		/* What Python writes of os.system("x") in protocols 0 and 1, and of plain data. */
		{BYTES("cposix\nsystem\np0\n(Vx\np1\ntp2\nRp3\n."), PICKLE_RUNS},
		{BYTES("cposix\nsystem\nq\0(X\1\0\0\0xq\1tq\2Rq\3."), PICKLE_RUNS},
		{BYTES("(dp0\nVa\np1\n(lp2\nI1\naF2.5\naNas."), PICKLE_HARMLESS},
		{BYTES("}q\0X\1\0\0\0aq\1]q\2(K\1G@\4\0\0\0\0\0\0Nes."), PICKLE_HARMLESS},
		/* Other ways to a call. */
		{BYTES("(S'x'\nios\nsystem\n."), PICKLE_RUNS},
		{BYTES("(cos\nsystem\nS'x'\no."), PICKLE_RUNS},
		{BYTES("cos\nsystem\n)\x81."), PICKLE_RUNS},
		{BYTES("cos\nsystem\n)}\x92."), PICKLE_RUNS},
		{BYTES("\x8c\2os\x8c\6system\x93)R."), PICKLE_RUNS},
		{BYTES("\x82\7)R."), PICKLE_RUNS},
		{BYTES("ca\nB\n)b"), PICKLE_RUNS},
		{BYTES("cos\nsystem\n."), PICKLE_RUNS},
		{BYTES("\x80\1cos\nsystem\n."), PICKLE_RUNS},
		{BYTES("L119547037146038801333356L\n.cos\nsystem\n)R."), PICKLE_RUNS}, /* behind a harmless one */
		{BYTES("(((011cos\nsystem\n)R"), PICKLE_RUNS},
		{BYTES("\x95\3\0\0\0\0\0\0\0N0."), PICKLE_UNDECIDED},
		/* Where the true machine stops before. */
		{BYTES("\x95\4\0\0\0\0\0\0\0N0."), PICKLE_HARMLESS},
		{BYTES("\x80\6cos\nsystem\n)R."), PICKLE_HARMLESS},
		{BYTES("cos\nsystem\nR."), PICKLE_HARMLESS},
		{BYTES("cos\nsystem\n(R."), PICKLE_HARMLESS},
		{BYTES("cos\nsystem\n)"), PICKLE_HARMLESS},
		{BYTES("c\nsystem\n)R."), PICKLE_HARMLESS},
		{BYTES("cos \nsystem\n)R."), PICKLE_HARMLESS},
		{BYTES("ios\nsystem\n."), PICKLE_HARMLESS},
		{BYTES("11cos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("T\xff\xff\xff\xff" "cos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("U\40cos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("\x8e\xff\xff\xff\xff\xff\xff\xff\xff" "cos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("Sx\ncos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("S'\ncos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("Ix\ncos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("Ff\ncos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("Px\ncos\nsystem\n)R"), PICKLE_HARMLESS},
		{BYTES("NNR."), PICKLE_HARMLESS}, /* nothing to call */
		/* Texts. */
		{BYTES("cat\ndog\nbird\nhorse\n"), PICKLE_HARMLESS},
		{BYTES("import os\nsystem\n"), PICKLE_HARMLESS},
		{BYTES("(c) 2026\nsomebody\n"), PICKLE_HARMLESS},
		{BYTES("class A:\n    pass\n"), PICKLE_HARMLESS},
		{BYTES("Version 1\nVersion 2\n"), PICKLE_HARMLESS},
		{BYTES("Names\n"), PICKLE_HARMLESS},
		{BYTES("The text"), PICKLE_HARMLESS},
		{BYTES("1\n2\n"), PICKLE_HARMLESS},
		{BYTES("GGUF\3\0\0\0"), PICKLE_HARMLESS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t piece = 32; piece <= 64; piece += 32) {
			struct pickle_walk w = {0};
			enum pickle_step step = PICKLE_MORE;

			while (step == PICKLE_MORE) {
				size_t n = (size_t)min_u64(piece, rows[i].len - w.off);
				AUTO_FREE char *copy = malloc(n);

				memcpy(copy, rows[i].bytes + w.off, n);
				step = pickle_walk(&w, copy, n, rows[i].len);
			}
			if (step != rows[i].step)
				fail_msg("row %zu '%s': %d, not %d", i, rows[i].bytes, (int)step, (int)rows[i].step);
		}
}

/* What cannot be followed is told, and a long argument is passed over without being read. */
static void test_opcodes_have_limits(void **state)
{
	static const char skip[] = "X\0\0\0\x10", call[] = "cos\nsystem\n)R.";
	const uint64_t size = 5 + 0x10000000 + sizeof(call) - 1;
	struct pickle_walk w = {0};
	char marks[PICKLE_MARKS_MAX + 2], digits[100];

	(void)state;
	assert_int_equal(pickle_walk(&w, skip, sizeof(skip) - 1, size), PICKLE_MORE);
	assert_int_equal(w.off, 5 + 0x10000000);
	assert_int_equal(pickle_walk(&w, call, sizeof(call) - 1, size), PICKLE_RUNS);
	w = (struct pickle_walk){0};
	memset(marks, '(', sizeof(marks));
	assert_int_equal(pickle_walk(&w, marks, sizeof(marks), sizeof(marks)), PICKLE_UNDECIDED);
	w = (struct pickle_walk){0};
	memset(digits, '1', sizeof(digits));
	digits[0] = 'I';
	assert_int_equal(pickle_walk(&w, digits, sizeof(digits), 1000), PICKLE_UNDECIDED); /* no end of the line in all that was read */
	w = (struct pickle_walk){0};
	digits[0] = 'V';
	assert_int_equal(pickle_walk(&w, digits, sizeof(digits), 1000), PICKLE_MORE);
	assert_int_equal(w.off, sizeof(digits));
	assert_int_equal(pickle_walk(&w, "1\ncos\nsystem\n)R", 16, 1000), PICKLE_RUNS);
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
		cmocka_unit_test(test_opcodes), cmocka_unit_test(test_opcodes_have_limits), cmocka_unit_test(test_contents), cmocka_unit_test(test_zip_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

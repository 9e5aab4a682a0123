// SPDX-License-Identifier: Apache-2.0
/* LFS pointers, .gitattributes, UTF-8. */
#include "unit.h"

#include <string.h>

#include <hffs/digest.h>
#include <hffs/utf8.h>

#include "../../serve/lfs_int.h"

#define SHA "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"
#define HEAD "version https://git-lfs.github.com/spec/v1\n"

static void formats_a_pointer(void **state)
{
	uint8_t sha[32];
	char text[256];

	(void)state;
	assert_int_equal(hex_parse(SHA, 64, sha), 0);
	assert_int_equal(lfs_format_pointer(sha, 528, text), 128);
	assert_string_equal(text, HEAD "oid sha256:" SHA "\nsize 528\n");
	assert_int_equal(lfs_format_pointer(sha, 5000000000, text), 135);
}

static void parses_pointers(void **state)
{
	static const struct {
		const char *text;
		bool is_pointer;
		uint64_t size;
	} rows[] = {
		{HEAD "oid sha256:" SHA "\nsize 528\n", true, 528},
		{HEAD "oid sha256:" SHA "\nsize 528", true, 528},
		{HEAD "ext-0-foo sha256:" SHA "\noid sha256:" SHA "\nsize 1\n", true, 1},
		{HEAD "oid sha256:" SHA "\nsize 18446744073709551615\n", true, UINT64_MAX},
		{HEAD "oid sha256:" SHA "\nsize 18446744073709551616\n", false, 0},
		{HEAD "oid sha256:" SHA "\nsize -1\n", false, 0},
		{HEAD "oid sha256:" SHA "\nsize 5x\n", false, 0},
		{HEAD "oid sha256:" SHA "\n", false, 0},
		{HEAD "oid sha256:a02376\nsize 5\n", false, 0},
		{HEAD "size 5\n", false, 0},
		{HEAD, false, 0},
		{"# a file that speaks of\n" HEAD "oid sha256:" SHA "\nsize 528\n", false, 0},
		{"", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t sha[32];
		uint64_t size = 0;

		if (lfs_parse_pointer(rows[i].text, strlen(rows[i].text), sha, &size) != rows[i].is_pointer)
			fail_msg("row %zu", i);
		if (rows[i].is_pointer)
			assert_true(size == rows[i].size);
	}
}

static void matches_patterns(void **state)
{
	static const struct {
		const char *pattern, *path;
		bool matches;
	} rows[] = {
		{"*.bin", "w.bin", true},
		{"*.bin", "a/b/w.bin", true},
		{"*.bin", "w.bin.txt", false},
		{"*.bin.*", "w.bin.txt", true},
		{"*tfevents*", "logs/events.out.tfevents.1", true},
		{"saved_model/**/*", "saved_model/a/b", true},
		{"saved_model/**/*", "saved_model/a", true},
		{"saved_model/**/*", "saved_model", false},
		{"saved_model/**/*", "x/saved_model/a", false},
		{"**/x.txt", "x.txt", true},
		{"**/x.txt", "a/b/x.txt", true},
		{"a/**", "a/b/c", true},
		{"a/**", "a", false},
		{"/a.txt", "a.txt", true},
		{"/a.txt", "b/a.txt", false},
		{"a/*.txt", "a/b.txt", true},
		{"a/*.txt", "a/b/c.txt", false},
		{"*.tar.*", "x.tar.gz", true},
		{"a[[:space:]]b", "a b", true},
		{"[ab].txt", "b.txt", true},
		{"?.txt", "ab.txt", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (attrs_match(rows[i].pattern, rows[i].path) != rows[i].matches)
			fail_msg("%s on %s", rows[i].pattern, rows[i].path);
}

static void reads_attributes(void **state)
{
	static const char text[] = "# comment\n*.dat filter=lfs diff=lfs merge=lfs -text\n\"a b.txt\" filter=lfs\n"
				   "*.txt text\nkeep.bin -filter\n  *.raw\tfilter=lfs\r\n*.zip !filter\nbroken";
	struct attrs a;

	(void)state;
	assert_int_equal(attrs_parse(text, strlen(text), &a), 0);
	assert_int_equal(a.nr, 5);
	assert_true(lfs_wants(&a, "x/y.dat"));
	assert_true(lfs_wants(&a, "a b.txt"));
	assert_false(lfs_wants(&a, "c.txt"));
	assert_false(lfs_wants(&a, "keep.bin"));
	assert_true(lfs_wants(&a, "other.bin"));
	assert_true(lfs_wants(&a, "y.raw"));
	assert_false(lfs_wants(&a, "y.zip"));
	assert_true(lfs_wants(&a, "model.safetensors"));
	assert_false(lfs_wants(&a, "config.json"));
	assert_false(lfs_wants(&a, "bin"));
	assert_false(lfs_wants(&a, "x.bin/y"));
	attrs_done(&a);
}

static void knows_utf8(void **state)
{
	(void)state;
	assert_true(utf8_is_valid("plain \xc3\xbc \xe6\x97\xa5 \xf0\x9f\x98\x80"));
	assert_true(utf8_is_valid(""));
	assert_false(utf8_is_valid("\xff"));
	assert_false(utf8_is_valid("\xc3"));
	assert_false(utf8_is_valid("\xc0\xaf"));
	assert_false(utf8_is_valid("\xed\xa0\x80"));
	assert_false(utf8_is_valid("\xf4\x90\x80\x80"));
	assert_false(utf8_is_valid("\xe6\x97"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats_a_pointer), cmocka_unit_test(parses_pointers), cmocka_unit_test(matches_patterns),
		cmocka_unit_test(reads_attributes),  cmocka_unit_test(knows_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

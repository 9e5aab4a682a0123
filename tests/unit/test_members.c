// SPDX-License-Identifier: Apache-2.0
/* base/members.c and base/utf8.c: strings of JSON with their escapes, items of arrays, what bytes are characters. */
#include <errno.h>
#include <string.h>

#include <hffs/members.h>
#include <hffs/utf8.h>

#include "unit.h"

static void test_strings(void **state)
{
	static const struct {
		const char *json, *text;
		size_t len; /* 0: malformed */
	} rows[] = {
		{"\"abc\"", "abc", 3},
		{"\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t", 9},
		{"\"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6},
		{"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", 4},
		{"\"x\\u0000y\"", "x\0y", 3},
		{"\"\xc3\xa9\"", "\xc3\xa9", 2},
		{"\"\\ud83d\"", "", 0},
		{"\"\\ud83dx\\ude00\"", "", 0},
		{"\"\\ude00\"", "", 0},
		{"\"\\u12g4\"", "", 0},
		{"\"\\u12\"", "", 0},
		{"\"\\x\"", "", 0},
		{"\"\xc3\"", "", 0},
		{"\"\xed\xa0\x80\"", "", 0},
		{"\"a\nb\"", "", 0},
		{"\"abc", "", 0},
		{"\"", "", 0},
		{"12", "", 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_BUF out = {0};
		struct slice s = {rows[i].json, strlen(rows[i].json)};
		int r = slice_text(&s, &out);

		assert_int_equal(r, rows[i].len ? 0 : -EBADMSG);
		if (r == 0) {
			assert_int_equal(out.len, rows[i].len);
			assert_memory_equal(out.data, rows[i].text, rows[i].len);
		}
	}
}

static void test_items(void **state)
{
	static const struct {
		const char *json;
		int nr, r;
	} rows[] = {
		{"[]", 0, 0}, {" [ 1 , \"a,]\" , [2,[3]] , {\"x\":[4]} ] ", 4, 0}, {"[1 2]", 1, -EBADMSG}, {"[1,]", 1, -EBADMSG},
		{"[1", 1, -EBADMSG}, {"[1]x", 1, -EBADMSG}, {"{}", 0, -EBADMSG}, {"", 0, -EBADMSG}, {"[\"a]", 0, -EBADMSG},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct members m;
		struct slice value;
		int r, nr = 0;

		members_init(&m, rows[i].json, strlen(rows[i].json));
		while ((r = items_next(&m, &value)) > 0)
			nr++;
		assert_int_equal(r, rows[i].r);
		assert_int_equal(nr, rows[i].nr);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *json;
		int r;
		uint32_t value;
	} rows[] = {{"0", 0, 0},        {"17", 0, 17},       {"4294967295", 0, UINT32_MAX}, {"4294967296", -EBADMSG, 0}, {"-1", -EBADMSG, 0},
		    {"1.0", -EBADMSG, 0}, {"01", -EBADMSG, 0}, {"", -EBADMSG, 0},             {"99999999999999999999", -EBADMSG, 0}};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct slice s = {rows[i].json, strlen(rows[i].json)};
		uint32_t value = 0;

		assert_int_equal(slice_u32(&s, &value), rows[i].r);
		assert_int_equal(value, rows[i].value);
	}
}

/* The rows of table 3-8 of Unicode 15, and the limits of table 3-7. */
static void test_utf8(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum utf8_found found;
		size_t taken;
	} rows[] = {
		{"a", 1, UTF8_CHAR, 1}, {"\xc3\xa9", 2, UTF8_CHAR, 2}, {"\xe2\x82\xac", 3, UTF8_CHAR, 3}, {"\xf4\x8f\xbf\xbf", 4, UTF8_CHAR, 4},
		{"\xc3", 1, UTF8_CUT, 1}, {"\xe2\x82", 2, UTF8_CUT, 2}, {"\xf0\x9f\x98", 3, UTF8_CUT, 3},
		{"\xc0\xaf", 2, UTF8_BAD, 1}, {"\x80", 1, UTF8_BAD, 1}, {"\xe0\x80\xbf", 3, UTF8_BAD, 1}, {"\xf0\x81\x82", 3, UTF8_BAD, 1},
		{"\xe1\x80\xe2", 3, UTF8_BAD, 2}, {"\xf0\x91\x92\xf1", 4, UTF8_BAD, 3}, {"\xed\xa0\x80", 3, UTF8_BAD, 1},
		{"\xf4\x90\x80\x80", 4, UTF8_BAD, 1}, {"\xf5\x80", 2, UTF8_BAD, 1}, {"\xe2" "a", 2, UTF8_BAD, 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t taken = 0;

		assert_int_equal(utf8_next(rows[i].bytes, rows[i].len, &taken), rows[i].found);
		assert_int_equal(taken, rows[i].taken);
		if (rows[i].found == UTF8_CHAR) {
			char again[4];

			assert_int_equal(utf8_put(utf8_get(rows[i].bytes, &taken), again), rows[i].len);
			assert_memory_equal(again, rows[i].bytes, rows[i].len);
		}
		assert_int_equal(utf8_is_valid_n(rows[i].bytes, rows[i].len), rows[i].found == UTF8_CHAR);
	}
	assert_true(utf8_is_valid_n("12345678\0\xc3\xa9", 11));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_strings), cmocka_unit_test(test_items), cmocka_unit_test(test_numbers),
					   cmocka_unit_test(test_utf8)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Request targets, queries, byte ranges. */
#include "unit.h"

#include <string.h>

#include "../../serve/route_int.h"

static void hub_targets(void **state)
{
	static const struct {
		const char *target;
		enum route_kind kind;
		enum repo_kind repo;
		const char *id, *rev, *path;
	} rows[] = {
		{"/api/models/acme/tiny", ROUTE_INFO, REPO_MODEL, "acme/tiny", "", ""},
		{"/api/models/gpt2", ROUTE_INFO, REPO_MODEL, "gpt2", "", ""},
		{"/api/models/gpt2/revision/main?expand=sha", ROUTE_INFO, REPO_MODEL, "gpt2", "main", ""},
		{"/api/datasets/a/b/revision/refs%2Fpr%2F1", ROUTE_INFO, REPO_DATASET, "a/b", "refs/pr/1", ""},
		{"/api/models/a/b/revision", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/models/a/b/revision/refs/pr/1", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/spaces/a/b/tree/main", ROUTE_TREE, REPO_SPACE, "a/b", "main", ""},
		{"/api/spaces/a/b/tree/main/", ROUTE_TREE, REPO_SPACE, "a/b", "main", ""},
		{"/api/models/a/b/tree/main/sub/dir", ROUTE_TREE, REPO_MODEL, "a/b", "main", "sub/dir"},
		{"/api/models/a/b/tree/main/sub%2Fdir%20x?recursive=1", ROUTE_TREE, REPO_MODEL, "a/b", "main", "sub/dir x"},
		{"/api/models/gpt2/tree/main/x", ROUTE_TREE, REPO_MODEL, "gpt2", "main", "x"},
		{"/api/models/a/b/paths-info/v1", ROUTE_PATHS_INFO, REPO_MODEL, "a/b", "v1", ""},
		{"/api/models/a/b/refs", ROUTE_REFS, REPO_MODEL, "a/b", "", ""},
		{"/api/models/a/b/commits/main", ROUTE_COMMITS, REPO_MODEL, "a/b", "main", ""},
		{"/api/models/a/b/treesize/main/x", ROUTE_TREESIZE, REPO_MODEL, "a/b", "main", "x"},
		{"/api/models/a/b/auth-check", ROUTE_AUTH_CHECK, REPO_MODEL, "a/b", "", ""},
		{"/api/models/a/b/other", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/models/../b", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/models/%2e%2e/b", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/models?author=a", ROUTE_LIST, REPO_MODEL, "", "", ""},
		{"/api/models/", ROUTE_LIST, REPO_MODEL, "", "", ""},
		{"/api/kernels/a/b", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"/api/whoami-v2", ROUTE_WHOAMI, REPO_NONE, "", "", ""},
		{"/api/organizations/acme/overview", ROUTE_OVERVIEW, REPO_NONE, "acme", "", ""},
		{"/api/users/acme/overview", ROUTE_OVERVIEW, REPO_NONE, "acme", "", ""},
		{"/api/users/acme", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"/a/b/resolve/main/x/y%23%3F%25.txt", ROUTE_RESOLVE, REPO_MODEL, "a/b", "main", "x/y#?%.txt"},
		{"/gpt2/resolve/main/x", ROUTE_RESOLVE, REPO_MODEL, "gpt2", "main", "x"},
		{"/datasets/a/b/resolve/refs%2Fconvert%2Fparquet/x?download=true", ROUTE_RESOLVE, REPO_DATASET, "a/b", "refs/convert/parquet", "x"},
		{"/spaces/a/b/raw/main/x", ROUTE_RAW, REPO_SPACE, "a/b", "main", "x"},
		{"/a/b/resolve/main/%00", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/a/b/resolve/main/%zz", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/a/b/blob/main/x", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/api/resolve-cache/models/a/b/0123456789012345678901234567890123456789/x%20y?k=", ROUTE_RESOLVE_CACHE, REPO_MODEL, "a/b",
		 "0123456789012345678901234567890123456789", "x y"},
		{"/api/resolve-cache/models/b/0123456789012345678901234567890123456789/x", ROUTE_RESOLVE_CACHE, REPO_MODEL, "b",
		 "0123456789012345678901234567890123456789", "x"},
		{"/api/resolve-cache/models/a/b/main/x", ROUTE_NONE, REPO_MODEL, "", "", ""},
		{"/", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"*", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"//", ROUTE_NONE, REPO_NONE, "", "", ""},
		{"/cdn/x/y", ROUTE_NONE, REPO_NONE, "", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct route r;

		route_parse(rows[i].target, false, &r);
		if (r.kind != rows[i].kind)
			fail_msg("%s is %d", rows[i].target, (int)r.kind);
		if (r.kind == ROUTE_NONE)
			continue;
		assert_int_equal(r.repo, rows[i].repo);
		assert_string_equal(r.id, rows[i].id);
		assert_string_equal(r.rev, rows[i].rev);
		assert_string_equal(r.path, rows[i].path);
	}
}

static void bare_refs_and_id_place(void **state)
{
	struct route r;

	(void)state;
	route_parse("/a/b/resolve/refs/pr/1/x", false, &r);
	assert_int_equal(r.kind, ROUTE_RESOLVE);
	assert_true(r.bare_refs);
	route_parse("/a/b/resolve/refs%2Fpr%2F1/x", false, &r);
	assert_false(r.bare_refs);
	route_parse("/datasets/Ab/cD/resolve/main/x?q=1", false, &r);
	assert_int_equal(r.id_off, 10);
	assert_int_equal(r.id_len, 5);
	assert_string_equal(r.query, "q=1");
}

static void content_targets(void **state)
{
	struct route r;

	(void)state;
	route_parse("/cdn/0123/abcd?Expires=1&Signature=2", true, &r);
	assert_int_equal(r.kind, ROUTE_CDN);
	assert_string_equal(r.id, "0123");
	assert_string_equal(r.rev, "abcd");
	route_parse("/a/b/resolve/main/x", true, &r);
	assert_int_equal(r.kind, ROUTE_NONE);
	route_parse("/cdn/0123/abcd/more", true, &r);
	assert_int_equal(r.kind, ROUTE_NONE);
}

static void queries(void **state)
{
	const char *q = "a=1&b=x+y%2Bz&a=2&empty=&flag&bad=%zz&t=true";
	char value[16];

	(void)state;
	assert_true(query_get(q, "a", value, sizeof(value)));
	assert_string_equal(value, "1");
	assert_true(query_get(q, "b", value, sizeof(value)));
	assert_string_equal(value, "x y+z");
	assert_true(query_get(q, "empty", value, sizeof(value)));
	assert_string_equal(value, "");
	assert_true(query_get(q, "flag", value, sizeof(value)));
	assert_false(query_get(q, "bad", value, sizeof(value)));
	assert_false(query_get(q, "none", value, sizeof(value)));
	assert_false(query_get("long=01234567890123456", "long", value, sizeof(value)));
	assert_true(query_is_true(q, "t"));
	assert_true(query_is_true(q, "a"));
	assert_false(query_is_true(q, "b"));
	assert_int_equal(query_u64(q, "a", 7), 1);
	assert_int_equal(query_u64(q, "b", 7), 7);
	assert_int_equal(query_u64("n=-1", "n", 7), 7);
}

static void every_pair(void **state)
{
	const char *form = "paths=a%2Fb&paths=c&&expand=false";
	char name[16], value[16];

	(void)state;
	assert_true(query_next(&form, name, sizeof(name), value, sizeof(value)));
	assert_string_equal(value, "a/b");
	assert_true(query_next(&form, name, sizeof(name), value, sizeof(value)));
	assert_string_equal(value, "c");
	assert_true(query_next(&form, name, sizeof(name), value, sizeof(value)));
	assert_string_equal(name, "expand");
	assert_false(query_next(&form, name, sizeof(name), value, sizeof(value)));
}

static void ranges(void **state)
{
	static const struct {
		const char *value;
		uint64_t size;
		enum range_kind kind;
		uint64_t off, len;
	} rows[] = {
		{NULL, 10, RANGE_WHOLE, 0, 0},
		{"bytes=0-0", 10, RANGE_PART, 0, 1},
		{"bytes=2-5", 10, RANGE_PART, 2, 4},
		{"Bytes=2-5", 10, RANGE_PART, 2, 4},
		{"bytes=2-", 10, RANGE_PART, 2, 8},
		{"bytes=2-99", 10, RANGE_PART, 2, 8},
		{"bytes=2-18446744073709551615", 10, RANGE_PART, 2, 8},
		{"bytes=-3", 10, RANGE_PART, 7, 3},
		{"bytes=-30", 10, RANGE_PART, 0, 10},
		{"bytes=-0", 10, RANGE_BEYOND, 0, 0},
		{"bytes=10-", 10, RANGE_BEYOND, 0, 0},
		{"bytes=0-0", 0, RANGE_BEYOND, 0, 0},
		{"bytes=5-4", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0--1", 10, RANGE_WHOLE, 0, 0},
		{"bytes=0-1,3-4", 10, RANGE_WHOLE, 0, 0},
		{"bytes=", 10, RANGE_WHOLE, 0, 0},
		{"bytes=x-y", 10, RANGE_WHOLE, 0, 0},
		{"items=0-1", 10, RANGE_WHOLE, 0, 0},
		{"bytes=99999999999999999999-", 10, RANGE_WHOLE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t off = 0, len = 0;

		if (range_parse(rows[i].value, rows[i].size, &off, &len) != rows[i].kind)
			fail_msg("%s of %llu", rows[i].value, (unsigned long long)rows[i].size);
		assert_int_equal(off, rows[i].off);
		assert_int_equal(len, rows[i].len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hub_targets), cmocka_unit_test(bare_refs_and_id_place), cmocka_unit_test(content_targets),
		cmocka_unit_test(queries),     cmocka_unit_test(every_pair),             cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

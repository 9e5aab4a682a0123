// SPDX-License-Identifier: Apache-2.0
/* The Hub's headers and JSON. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>

#include "../../hub/parse_int.h"

#define HEX40 "1f0c6a6f3f5d3f0f8a8f1d0b7f8f0c2f9d1e2a3b"
#define HEX64 "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"
#define MASKED "****************************************************************"

static void finds_the_next_page(void **state)
{
	static const struct {
		const char *value;
		int r;
		const char *want;
	} rows[] = {
		{"<https://h/x?cursor=a>; rel=\"next\"", 1, "https://h/x?cursor=a"},
		{"<https://h/x>;rel=next", 1, "https://h/x"},
		{"<https://h/x> ; REL = \"NEXT\"", 1, "https://h/x"},
		{"</a>; rel=\"prev\", </b>; rel=\"next\"", 1, "/b"},
		{"</a>; title=\"a, b; rel=next\"; rel=\"last\", </b?c=1,2>; rel=\"next\"", 1, "/b?c=1,2"},
		{"</b>; rel=\"prev next\"", 1, "/b"},
		{"</b>; rel=\"nextish\"", 0, NULL},
		{"<https://h/token>; rel=\"xet-auth\", <https://c/r>; rel=\"xet-reconstruction-info\"", 0, NULL},
		{"</b>", 0, NULL},
		{"</b>; rel", 0, NULL},
		{"", 0, NULL},
		{" , ", 0, NULL},
		{"/b; rel=\"next\"", -EBADMSG, NULL},
		{"</b; rel=\"next\"", -EBADMSG, NULL},
		{"</b>; rel=\"next", -EBADMSG, NULL},
		{"</b>; rel=\"prev\" x </c>; rel=\"next\"", -EBADMSG, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = NULL;

		if (parse_link_next(rows[i].value, &got) != rows[i].r)
			fail_msg("row %zu", i);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
	}
}

static void reads_rate_limits(void **state)
{
	static const struct {
		const char *value;
		int r;
		uint64_t left, reset_s;
	} rows[] = {
		{"\"api\";r=487;t=123", 0, 487, 123},
		{"\"api\" ; r = 0 ; t = 5", 0, 0, 5},
		{"\"api\";t=7;r=3", 0, 3, 7},
		{"\"api\";q=500;r=3;w=300;t=7", 0, 3, 7},
		{"\"api\";r=9;t=1, \"resolvers\";r=2;t=8", 0, 2, 8},
		{"\"api\";r=0;t=999999999", 0, 0, 3600},
		{"\"api\";r=1", -EINVAL, 0, 0},
		{"\"api\";reset=1;t=2", -EINVAL, 0, 0},
		{"\"api\";r=x;t=2", -EINVAL, 0, 0},
		{"\"api\";r=99999999999999999999999;t=2", -EINVAL, 0, 0},
		{"", -EINVAL, 0, 0},
	};
	uint64_t s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rate_limit rl = {0};

		if (parse_rate_limit(rows[i].value, &rl) != rows[i].r || rl.left != rows[i].left || rl.reset_s != rows[i].reset_s)
			fail_msg("row %zu", i);
	}
	assert_int_equal(parse_retry_after("120", 0, &s), 0);
	assert_int_equal(s, 120);
	assert_int_equal(parse_retry_after("99999", 0, &s), 0);
	assert_int_equal(s, 3600);
	assert_int_equal(parse_retry_after("Sat, 28 Nov 2026 15:31:51 GMT", 1795879811, &s), 0);
	assert_int_equal(s, 100);
	assert_int_equal(parse_retry_after("Sat, 28 Nov 2026 15:31:51 GMT", 1795879912, &s), 0);
	assert_int_equal(s, 0);
	assert_int_equal(parse_retry_after("Sat, 28 Nov 2026 15:31:51 GMT", INT64_MIN / 2, &s), 0);
	assert_int_equal(s, 3600);
	assert_int_equal(parse_retry_after("soon", 0, &s), -EINVAL);
	assert_int_equal(parse_retry_after("-1", 0, &s), -EINVAL);
	assert_int_equal(parse_retry_after("", 0, &s), -EINVAL);
}

static void reads_content_ranges(void **state)
{
	static const char *const bad[] = {
		"bytes */528", "bytes 0-99/*", "bytes 5-4/528", "bytes 0-528/528", "bytes 0-99", "0-99/528", "bytes 0-99/528x", "bytes -1-99/528",
		"items 0-99/528", "bytes 0-99999999999999999999/528", "bytes=0-99/528", "", "b",
	};
	struct content_range c;

	(void)state;
	assert_int_equal(parse_content_range("bytes 0-99/528", &c), 0);
	assert_true(c.first == 0 && c.last == 99 && c.total == 528);
	assert_int_equal(parse_content_range("Bytes  10-10/9007199254740992", &c), 0);
	assert_true(c.first == 10 && c.last == 10 && c.total == 9007199254740992);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_content_range(bad[i], &c), -EINVAL);
}

static void reads_etags(void **state)
{
	static const struct {
		const char *value;
		int algo;
	} rows[] = {
		{"\"" HEX40 "\"", BLOB_SHA1_GIT}, {"W/\"" HEX40 "\"", BLOB_SHA1_GIT}, {HEX40, BLOB_SHA1_GIT}, {"\"" HEX64 "\"", BLOB_SHA256},
		{"\"" MASKED "\"", 0},		  {"\"abc\"", 0},		      {"", 0},			    {"\"", 0},
		{"\"\"", 0},			  {"\"" HEX64 "0\"", 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct blob_id id = {0};

		assert_int_equal(parse_etag(rows[i].value, &id), rows[i].algo ? 0 : -EINVAL);
		assert_int_equal(id.algo, rows[i].algo);
	}
}

static void knows_how_long_addresses_live(void **state)
{
	static const struct {
		const char *url;
		uint64_t want_ms;
	} rows[] = {
		{"https://c/x?response=a&Expires=1003600&Signature=s", 3540000},
		{"https://c/x?expires=1000100", 90000}, /* short: less a tenth */
		{"https://c/x?Expires=1000000", 0},
		{"https://c/x?Expires=5", 0},
		{"https://c/x?Expires=99999999999", 24 * 3600000ull - 60000},
		{"https://c/x?X-Amz-Date=19700112T134640Z&X-Amz-Expires=3600", 3540000},
		{"https://c/x?X-Goog-Expires=3600&X-Goog-Date=19700112T134640Z", 3540000},
		{"https://c/x?X-Amz-Expires=3600", 3000000},
		{"https://c/x?NotExpires=1003600", 3000000},
		{"https://c/x?Expires=soon", 3000000},
		{"https://c/Expires=1003600", 3000000},
		{"https://c/x", 3000000},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (parse_location_ttl_ms(rows[i].url, 1000000) != rows[i].want_ms)
			fail_msg("row %zu: %llu", i, (unsigned long long)parse_location_ttl_ms(rows[i].url, 1000000));
}

static void reads_info(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *name;
		int64_t mtime_s;
		bool gated;
	} rows[] = {
		{"{\"id\":\"New/name\",\"sha\":\"" HEX40 "\",\"gated\":\"manual\",\"lastModified\":\"2026-01-31T09:08:07.000Z\"}", 0, "New/name", 1769850487, true},
		{"{\"sha\":\"" HEX40 "\"}", 0, "acme/tiny", 0, false},
		{"{\"id\":null,\"sha\":\"" HEX40 "\",\"gated\":false,\"lastModified\":null,\"private\":\"x\"}", 0, "acme/tiny", 0, false},
		{"{\"sha\":\"" HEX40 "\",\"lastModified\":\"yesterday\",\"siblings\":[{\"rfilename\":\"x\"}],\"gated\":true}", 0, "acme/tiny", 0, true},
		{"{\"id\":\"gpt2\",\"sha\":\"" HEX40 "\"}", 0, "gpt2", 0, false},
		{"{\"id\":\"../x\",\"sha\":\"" HEX40 "\"}", -EBADMSG, NULL, 0, false},
		{"{\"id\":7,\"sha\":\"" HEX40 "\"}", -EBADMSG, NULL, 0, false},
		{"{\"id\":\"acme/tiny\"}", -EBADMSG, NULL, 0, false},
		{"{\"id\":\"acme/tiny\",\"sha\":null}", -EBADMSG, NULL, 0, false},
		{"{\"id\":\"acme/tiny\",\"sha\":\"main\"}", -EBADMSG, NULL, 0, false},
		{"[]", -EBADMSG, NULL, 0, false},
		{"<html>", -EBADMSG, NULL, 0, false},
		{"", -EBADMSG, NULL, 0, false},
	};
	struct repo_id asked;

	(void)state;
	assert_int_equal(repo_id_set(&asked, REPO_DATASET, "acme/tiny", 9), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hub_info info;
		struct err err = {0};

		if (parse_info(rows[i].text, strlen(rows[i].text), &asked, &info, &err) != rows[i].r)
			fail_msg("row %zu: %s", i, err.text);
		if (rows[i].r < 0)
			continue;
		assert_string_equal(info.repo.name, rows[i].name);
		assert_int_equal(info.repo.kind, REPO_DATASET);
		assert_string_equal(info.commit, HEX40);
		assert_int_equal(info.mtime_s, rows[i].mtime_s);
		assert_int_equal(info.is_gated, rows[i].gated);
	}
}

static void reads_what_a_repository_says_of_itself(void **state)
{
	static const char full[] =
		"{\"sha\":\"" HEX40 "\",\"gated\":\"auto\",\"tags\":[\"safetensors\",\"license:apache-2.0\",\"license:mit\","
		"\"base_model:org/one\",\"base_model:quantized:org/one\",\"base_model:org/two\",7,null],"
		"\"safetensors\":{\"parameters\":{\"BF16\":5,\"F32\":7},\"total\":1234567890123},\"pipeline_tag\":\"text-generation\","
		"\"library_name\":\"transformers\",\"config\":{\"tokenizer_config\":{\"chat_template\":\"{{x}}\"}}}";
	static const char odd[] =
		"{\"sha\":\"" HEX40 "\",\"gated\":true,\"tags\":[\"license:a\\u001bb\",\"base_model:a b\"],\"safetensors\":null,"
		"\"pipeline_tag\":7,\"library_name\":\"a b\",\"config\":{\"tokenizer_config\":{}}}";
	struct repo_id asked;
	struct hub_info info;
	AUTO_BUF many = {0};

	(void)state;
	assert_int_equal(repo_id_set(&asked, REPO_MODEL, "acme/tiny", 9), 0);
	assert_int_equal(parse_info(full, strlen(full), &asked, &info, NULL), 0);
	assert_string_equal(info.card.gated, "auto");
	assert_string_equal(info.card.license, "apache-2.0");
	assert_string_equal(info.card.base_model, "org/one org/two");
	assert_true(info.card.params == 1234567890123);
	assert_string_equal(info.card.relation, "quantized");
	assert_string_equal(info.card.task, "text-generation");
	assert_string_equal(info.card.library, "transformers");
	assert_string_equal(info.card.dtypes, "BF16:5 F32:7");
	assert_string_equal(info.card.chat_template, "yes");
	assert_int_equal(parse_info(odd, strlen(odd), &asked, &info, NULL), 0);
	assert_string_equal(info.card.gated, "true");
	assert_string_equal(info.card.license, "");
	assert_string_equal(info.card.base_model, "");
	assert_true(info.card.params == 0);
	assert_string_equal(info.card.task, "");
	assert_string_equal(info.card.library, "");
	assert_string_equal(info.card.dtypes, "");
	assert_string_equal(info.card.chat_template, "no");
	buf_adds(&many, "{\"sha\":\"" HEX40 "\",\"tags\":[\"\"");
	for (int i = 0; i < 100; i++)
		buf_addf(&many, ",\"base_model:organisation/name-%d\"", i);
	buf_adds(&many, "]}");
	assert_int_equal(parse_info(many.data, many.len, &asked, &info, NULL), 0);
	assert_true(strlen(info.card.base_model) < sizeof(info.card.base_model));
	assert_string_equal(info.card.gated, "");
}

static void reads_trees(void **state)
{
	static const char text[] =
		"[{\"type\":\"directory\",\"oid\":\"" HEX40 "\",\"size\":0,\"path\":\"onnx\"},"
		"{\"type\":\"file\",\"oid\":\"" HEX40 "\",\"size\":13,\"path\":\"hello.txt\",\"lastCommit\":{\"id\":\"x\"},\"lfs\":null},"
		"{\"type\":\"unknown\",\"oid\":\"x\",\"path\":\"submodule\"},"
		"{\"type\":\"file\",\"oid\":\"" HEX40 "\",\"size\":134,\"path\":\"w.bin\",\"xetHash\":\"" HEX64 "\",\"lfs\":{\"oid\":\"" HEX64 "\",\"size\":528,\"pointerSize\":128}},"
		"{\"type\":\"file\",\"oid\":\"" HEX40 "\",\"size\":5,\"path\":\"m.bin\",\"xetHash\":\"" MASKED "\",\"lfs\":{\"oid\":\"" MASKED "\",\"size\":9007199254740992}},"
		"{\"type\":\"file\",\"oid\":\"" MASKED "\",\"size\":5,\"path\":\"a\\u0000b\"},"
		"{\"type\":\"file\",\"size\":5,\"path\":\"../x\"}]";
	struct parsed p = {0};

	(void)state;
	assert_int_equal(parse_tree(text, strlen(text), &p, NULL), 0);
	assert_int_equal(p.nr, 6);
	assert_int_equal(p.entries[0].type, ENTRY_DIR);
	assert_int_equal(p.entries[0].id.algo, 0);
	assert_int_equal(p.entries[1].size, 13);
	assert_int_equal(p.entries[1].id.algo, BLOB_SHA1_GIT);
	assert_false(p.entries[1].is_lfs);
	assert_string_equal(p.entries[2].path, "w.bin");
	assert_int_equal(p.entries[2].size, 528);
	assert_int_equal(p.entries[2].id.algo, BLOB_SHA256);
	assert_true(p.entries[2].is_lfs);
	assert_true(p.entries[2].has_xet && p.entries[2].xet[0] == p.entries[2].id.bytes[0]);
	assert_false(p.entries[1].has_xet || p.entries[3].has_xet);
	assert_true(p.entries[3].size == 9007199254740992 && p.entries[3].id.algo == 0 && p.entries[3].is_lfs);
	assert_int_equal(p.entries[4].id.algo, 0);
	assert_string_equal(p.entries[4].path, "a//////b");
	assert_string_equal(p.entries[5].path, "../x"); /* the reader of a listing refuses it */
	parsed_done(&p);
}

static void refuses_malformed_trees(void **state)
{
	static const char *const bad[] = {
		"{\"error\":\"x\"}",
		"[7]",
		"[null]",
		"[{\"type\":\"file\",\"size\":1}]",
		"[{\"type\":\"file\",\"size\":1,\"path\":7}]",
		"[{\"path\":\"x\",\"size\":1}]",
		"[{\"type\":\"file\",\"path\":\"x\"}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":-1}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":1.5}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":1e30}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":9007199254740994}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":\"5\"}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":null}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":5,\"lfs\":7}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":5,\"lfs\":{\"size\":-5}}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":5,\"lfs\":{\"oid\":\"" HEX40 "\",\"size\":5}}]",
		"[{\"type\":\"file\",\"path\":\"x\",\"size\":5}",
		"[] []",
	};
	char deep[202];
	struct parsed p = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (parse_tree(bad[i], strlen(bad[i]), &p, NULL) != -EBADMSG)
			fail_msg("row %zu", i);
	memset(deep, '[', 100);
	memset(deep + 100, ']', 100);
	assert_int_equal(parse_tree(deep, 200, &p, NULL), -EBADMSG);
	assert_int_equal(parse_tree("[]", PARSE_PAGE_MAX + 1, &p, NULL), -EMSGSIZE);
	assert_int_equal(parse_tree("[]", 2, &p, NULL), 0);
	assert_int_equal(p.nr, 0);
	parsed_done(&p);
}

static void reads_dates(void **state)
{
	static const char *const wrong[] = {"", "now", "Sat, 28 Nov 2026 15:31:51", "Sat, 28 Nov 2026 15:31:51 CET", "28 Nov 2026 15:31:51 GMT",
					    "Saturday, 28-Nov-26 15:31:51 GMT x", "Sat, 28 Nov 2026 25:31:51 GMT"};
	int64_t s = 7;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse_http_date(wrong[i], &s), -EINVAL);
	assert_int_equal(s, 7);
	assert_int_equal(parse_http_date("Sat, 28 Nov 2026 15:31:51 GMT", &s), 0);
	assert_int_equal(s, 1795879911);
}

static void reads_who_somebody_is(void **state)
{
	static const char *const wrong[] = {"", "[]", "{}", "{\"name\":1}", "{\"name\":\"\"}"};
	const char *bare = "{\"name\":\"some\\u001bbody\"}", *full = "{\"name\":\"me\",\"auth\":{\"accessToken\":{\"role\":\"read\"}}}";
	struct hub_whoami who = {0};
	struct err err = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_int_equal(parse_whoami(wrong[i], strlen(wrong[i]), &who, &err), -EBADMSG);
	assert_int_equal(parse_whoami(bare, strlen(bare), &who, &err), 0);
	assert_string_equal(who.name, "some\\x1bbody");
	assert_string_equal(who.role, "");
	assert_int_equal(parse_whoami(full, strlen(full), &who, &err), 0);
	assert_string_equal(who.name, "me");
	assert_string_equal(who.role, "read");
}

static void reads_refs(void **state)
{
	static const char text[] =
		"{\"branches\":[{\"name\":\"main\",\"ref\":\"refs/heads/main\",\"targetCommit\":\"" HEX40 "\"}],"
		"\"converts\":[{\"name\":\"parquet\",\"ref\":\"refs/convert/parquet\",\"targetCommit\":\"" HEX40 "\"}],"
		"\"tags\":[{\"name\":\"v1.0\",\"ref\":\"refs/tags/v1.0\",\"targetCommit\":\"" HEX40 "\"}],"
		"\"pullRequests\":[{\"name\":\"1\",\"ref\":\"refs/pr/1\",\"targetCommit\":\"" HEX40 "\"}]}";
	static const char *const names[] = {"main", "v1.0", "refs/convert/parquet", "refs/pr/1"};
	static const char *const bad[] = {
		"{}", "[]", "{\"branches\":{}}", "{\"branches\":[],\"tags\":7}", "{\"branches\":[{\"name\":\"main\",\"targetCommit\":\"x\"}]}",
		"{\"branches\":[{\"targetCommit\":\"" HEX40 "\"}]}",
	};
	struct parsed p = {0};

	(void)state;
	assert_int_equal(parse_refs(text, strlen(text), &p, NULL), 0);
	assert_int_equal(p.nr, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_string_equal(p.refs[i].name, names[i]);
		assert_string_equal(p.refs[i].commit, HEX40);
		assert_int_equal(p.refs[i].is_tag, i == 1);
	}
	parsed_done(&p);
	assert_int_equal(parse_refs("{\"branches\":[],\"tags\":null}", 27, &p, NULL), 0);
	assert_int_equal(p.nr, 0);
	parsed_done(&p);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(parse_refs(bad[i], strlen(bad[i]), &p, NULL), -EBADMSG);
}

static void reads_repos(void **state)
{
	static const char text[] = "[{\"id\":\"acme/a\",\"likes\":3},{\"id\":\"acme/../b\"},{\"id\":\"acme/c\"}]";
	struct parsed p = {0};

	(void)state;
	assert_int_equal(parse_repos(text, strlen(text), REPO_SPACE, &p, NULL), 0);
	assert_int_equal(p.nr, 2);
	assert_string_equal(p.repos[1].name, "acme/c");
	assert_int_equal(p.repos[1].kind, REPO_SPACE);
	parsed_done(&p);
	assert_int_equal(parse_repos("[{\"modelId\":\"x\"}]", 17, REPO_MODEL, &p, NULL), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_next_page),	  cmocka_unit_test(reads_rate_limits),
		cmocka_unit_test(reads_content_ranges),	  cmocka_unit_test(reads_etags),
		cmocka_unit_test(knows_how_long_addresses_live), cmocka_unit_test(reads_info),
		cmocka_unit_test(reads_what_a_repository_says_of_itself),
		cmocka_unit_test(reads_trees),		  cmocka_unit_test(refuses_malformed_trees),
		cmocka_unit_test(reads_dates),		  cmocka_unit_test(reads_who_somebody_is),
		cmocka_unit_test(reads_refs),		  cmocka_unit_test(reads_repos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

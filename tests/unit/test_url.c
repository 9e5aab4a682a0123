// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include <hffs/url.h>

static void parses_and_refuses(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *host;
		unsigned port;
		const char *path;
	} rows[] = {
		{"https://huggingface.co", 0, "huggingface.co", 443, ""},
		{"http://127.0.0.1:8080/a?b=c", 0, "127.0.0.1", 8080, "/a?b=c"},
		{"HTTPS://Hub.Example.:443/x", 0, "hub.example", 443, "/x"},
		{"http://[::1]:9/x", 0, "::1", 9, "/x"},
		{"http://[::1]x/", -22, NULL, 0, NULL},
		{"https://user@host/", -22, NULL, 0, NULL},
		{"https://good\\@evil/", -22, NULL, 0, NULL},
		{"https://host:0/", -22, NULL, 0, NULL},
		{"https://host:65536/", -22, NULL, 0, NULL},
		{"https:///path", -22, NULL, 0, NULL},
		{"file:///etc/passwd", -22, NULL, 0, NULL},
		{"https://host/a b", -22, NULL, 0, NULL},
		{"https://host/a\nb", -22, NULL, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct url u;
		int r = url_parse(rows[i].text, &u);

		assert_int_equal(r, rows[i].r);
		if (r < 0)
			continue;
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_string_equal(u.path, rows[i].path);
	}
}

static void resolves_references(void **state)
{
	static const struct {
		const char *base, *ref, *want;
	} rows[] = {
		{"http://h:1/a/b?q", "/c?d=%2F", "http://h:1/c?d=%2F"},
		{"http://h:1/a/b?q", "c", "http://h:1/a/c"},
		{"http://h:1", "c", "http://h:1/c"},
		{"http://h:1/a/b?q", "?x", "http://h:1/a/b?x"},
		{"https://h/a", "//other/x", "https://other/x"},
		{"https://h/a", "http://other:5/x", "http://other:5/x"},
		{"https://h/a", "file:///etc/passwd", NULL},
		{"https://h/a", "//u@other/x", NULL},
		{"https://h/a", "/x y", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = url_resolve(rows[i].base, rows[i].ref);

		if (!rows[i].want)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
}

static void encodes_and_decodes(void **state)
{
	AUTO_BUF b = {0};
	char out[64];

	(void)state;
	url_encode(&b, "refs/pr/1 #?%+&\xc3\xa9~", false);
	assert_string_equal(b.data, "refs%2Fpr%2F1%20%23%3F%25%2B%26%C3%A9~");
	assert_int_equal(url_decode(b.data, b.len, out, sizeof(out)), 18);
	assert_string_equal(out, "refs/pr/1 #?%+&\xc3\xa9~");
	buf_clear(&b);
	url_encode(&b, "a b/c", true);
	assert_string_equal(b.data, "a%20b/c");
	assert_int_equal(url_decode("%zz", 3, out, sizeof(out)), -22);
	assert_int_equal(url_decode("%4", 2, out, sizeof(out)), -22);
	assert_int_equal(url_decode("%00", 3, out, sizeof(out)), -22);
	assert_int_equal(url_decode("abcd", 4, out, 4), -22);
	assert_int_equal(url_decode("%41", 3, out, 2), 1);
}

static void compares_origins(void **state)
{
	struct url a, b;

	(void)state;
	url_parse("https://h/x", &a);
	url_parse("https://H.:443/y", &b);
	assert_true(url_same_origin(&a, &b));
	url_parse("http://h/x", &b);
	assert_false(url_same_origin(&a, &b));
	url_parse("https://h:444/x", &b);
	assert_false(url_same_origin(&a, &b));
	url_parse("https://h.evil/x", &b);
	assert_false(url_same_origin(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_and_refuses),
		cmocka_unit_test(resolves_references),
		cmocka_unit_test(encodes_and_decodes),
		cmocka_unit_test(compares_origins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

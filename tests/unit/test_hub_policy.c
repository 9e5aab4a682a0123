// SPDX-License-Identifier: Apache-2.0
/* What hub/ decides without a network: redirects, where the token goes, addresses, what a failure means. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "../../hub/addr_int.h"
#include "../../hub/redirect_int.h"
#include "../../hub/status_int.h"

static void redirects_are_chosen(void **state)
{
	static const struct {
		const char *endpoint, *from, *location;
		unsigned made;
		bool is_api;
		const char *want; /* NULL: refused */
	} rows[] = {
		{"https://hub", "https://hub/a/resolve/x", "/api/resolve-cache/x?e=%22", 1, false, "https://hub/api/resolve-cache/x?e=%22"},
		{"https://hub", "https://hub/a", "https://cdn/x?Signature=s", 5, false, "https://cdn/x?Signature=s"},
		{"https://hub", "https://hub/a", "https://cdn/x", 6, false, NULL},
		{"https://hub", "https://hub/a", "http://hub/a", 1, false, NULL},
		{"https://hub", "https://hub/a", "http://127.0.0.1/a", 1, false, NULL},
		{"http://hub", "http://hub/a", "http://cdn/a", 1, false, "http://cdn/a"},
		{"http://hub", "http://hub/a", "https://cdn/a", 1, false, "https://cdn/a"},
		{"https://hub", "https://hub/a", "file:///etc/passwd", 1, false, NULL},
		{"https://hub", "https://hub/a", "ftp://hub/a", 1, false, NULL},
		{"https://hub", "https://hub/a", "https://user@cdn/a", 1, false, NULL},
		{"https://hub", "https://hub/a", "https://cdn/a b", 1, false, NULL},
		{"https://hub", "https://hub/a", "https://cdn/\r\nX: y", 1, false, NULL},
		{"http://mirror:8080", "http://mirror:8080/a", "https://huggingface.co/api/x?y", 1, true, "http://mirror:8080/api/x?y"},
		{"https://mirror", "https://mirror/a", "https://huggingface.co/api/x?y", 1, false, "https://huggingface.co/api/x?y"},
		{"https://huggingface.co", "https://huggingface.co/a", "https://huggingface.co/b", 1, true, "https://huggingface.co/b"},
		{"https://mirror", "https://mirror/a", "https://huggingface.co.evil/b", 1, true, "https://huggingface.co.evil/b"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *got = NULL;
		struct err err = {0};
		int r = redirect_choose(rows[i].endpoint, rows[i].from, rows[i].location, rows[i].made, rows[i].is_api, &got, &err);

		if (r != (rows[i].want ? 0 : -EIO))
			fail_msg("row %zu: %d", i, r);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
		else
			assert_true(err.text[0] && !strchr(err.text, '?'));
	}
}

static void token_goes_nowhere_else(void **state)
{
	static const struct {
		const char *endpoint, *url;
		bool may;
	} rows[] = {
		{"https://hub", "https://hub/a", true},
		{"https://hub", "https://HUB.:443/a", true},
		{"https://hub", "https://hub:444/a", false},
		{"https://hub", "http://hub/a", false},
		{"https://hub", "https://hub.evil/a", false},
		{"https://hub", "https://evil/hub", false},
		{"https://hub", "https://hub@evil/", false},
		{"https://hub", "https://hub\\@evil/", false},
		{"https://hub", "https://sub.hub/", false},
		{"http://hub", "http://hub/a", false}, /* not encrypted */
		{"http://127.0.0.1:80", "http://127.0.0.1/a", true},
		{"http://127.9.9.9:80", "http://127.9.9.9/a", true},
		{"http://localhost:5", "http://localhost:5/a", true},
		{"http://localhost:5", "http://127.0.0.1:5/a", false},
		{"http://[::1]:5", "http://[::1]:5/a", true},
		{"http://localhost.evil:5", "http://localhost.evil:5/a", false},
		{"http://127.0.0.1.evil", "http://127.0.0.1.evil/a", false},
		{"http://10.0.0.1", "http://10.0.0.1/a", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (token_may_go(rows[i].endpoint, rows[i].url) != rows[i].may)
			fail_msg("row %zu", i);
}

static void private_addresses_are_known(void **state)
{
	static const char *const not_public[] = {
		"0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1", "198.18.0.1",
		"224.0.0.1", "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
		"", "hub", "1.2.3",
	};
	static const char *const public[] = {
		"1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "192.169.0.1", "223.255.255.255",
		"2600:9000::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
	};
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct sockaddr other = {.sa_family = AF_UNIX};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(not_public); i++)
		if (addr_is_public_text(not_public[i]))
			fail_msg("%s", not_public[i]);
	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		if (!addr_is_public_text(public[i]))
			fail_msg("%s", public[i]);
	inet_pton(AF_INET, "192.168.0.1", &a.sin_addr);
	assert_true(addr_is_private((struct sockaddr *)&a));
	inet_pton(AF_INET, "8.8.8.8", &a.sin_addr);
	assert_false(addr_is_private((struct sockaddr *)&a));
	assert_true(addr_is_private(&other));
}

/* What a proxy would connect to is known by the name alone. */
static void private_hosts_are_known(void **state)
{
	static const char *const private[] = {"localhost", "a.localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001", "10.1.2.3",
					      "169.254.169.254", "::1", "fd00::1", "::ffff:10.0.0.1"};
	static const char *const public[] = {"huggingface.co", "localhost.example", "8.8.8.8", "2606:4700::1", "10.example"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(private); i++)
		if (!host_is_private(private[i]))
			fail_msg("%s", private[i]);
	for (size_t i = 0; i < ARRAY_SIZE(public); i++)
		if (host_is_private(public[i]))
			fail_msg("%s", public[i]);
}

static void statuses_mean(void **state)
{
	static const struct {
		int status;
		const char *code;
		bool is_content, is_foreign, had_token, was_seen;
		int r;
		bool retry;
		enum hub_fault fault;
	} rows[] = {
		{401, NULL, false, false, false, false, -ENOENT, false, FAULT_ABSENT},
		{401, NULL, false, false, false, true, -EACCES, false, FAULT_AUTH},
		{401, NULL, false, false, true, false, -EACCES, false, FAULT_AUTH},
		{401, NULL, true, false, false, false, -EACCES, false, FAULT_AUTH},
		{401, "GatedRepo", false, false, false, false, -EACCES, false, FAULT_AUTH},
		{403, "GatedRepo", true, false, true, true, -EACCES, false, FAULT_AUTH},
		{403, NULL, true, false, true, true, -EACCES, false, FAULT_AUTH},
		{403, NULL, true, true, false, true, -EIO, true, FAULT_AUTH},
		{404, NULL, true, true, false, true, -ESTALE, true, FAULT_ABSENT},
		{410, NULL, true, true, false, true, -ESTALE, true, FAULT_ABSENT},
		{404, "EntryNotFound", true, false, false, true, -ESTALE, false, FAULT_ABSENT},
		{404, "RepoNotFound", false, false, true, true, -ENOENT, false, FAULT_ABSENT},
		{404, "RevisionNotFound", false, false, true, true, -ENOENT, false, FAULT_ABSENT},
		{404, "EntryNotFound", false, false, true, true, -ENOENT, false, FAULT_ABSENT},
		{410, NULL, true, false, false, false, -ESTALE, false, FAULT_ABSENT},
		{400, NULL, false, false, false, false, -EIO, false, FAULT_OTHER},
		{408, NULL, false, false, false, false, -ETIMEDOUT, true, FAULT_TIMEOUT},
		{416, NULL, true, true, false, false, -EIO, true, FAULT_OTHER},
		{429, NULL, true, false, false, false, -ETIMEDOUT, true, FAULT_RATE},
		{500, NULL, false, false, false, false, -ETIMEDOUT, true, FAULT_SERVER},
		{504, NULL, true, true, false, false, -ETIMEDOUT, true, FAULT_SERVER},
		{204, NULL, false, false, false, false, -EBADMSG, true, FAULT_MALFORMED},
		{304, NULL, true, false, false, false, -EBADMSG, true, FAULT_MALFORMED},
		{999, NULL, true, false, false, false, -EBADMSG, true, FAULT_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct status_facts f = {
			.status = rows[i].status,
			.code = rows[i].code,
			.what = "acme/tiny",
			.page = "https://hub/acme/tiny",
			.is_content = rows[i].is_content,
			.is_foreign = rows[i].is_foreign,
			.had_token = rows[i].had_token,
			.was_seen = rows[i].was_seen,
		};
		struct hub_result res;
		enum hub_fault fault = status_of_answer(&f, &res);

		if (res.r != rows[i].r || res.retry != rows[i].retry || fault != rows[i].fault)
			fail_msg("row %zu: %d %s", i, res.r, res.err.text);
		assert_non_null(strstr(res.err.text, "acme/tiny"));
		assert_int_equal(res.err.code, res.r);
		assert_string_equal(res.code, rows[i].code ? rows[i].code : "");
	}
}

/* Anonymous callers get the same answer for what is private and for what is not there; but what was seen was public. */
static void sentence_knows_what_was_seen(void **state)
{
	struct status_facts f = {.status = 401, .what = "acme/tiny", .page = "", .was_seen = true};
	struct hub_result res;

	(void)state;
	(void)status_of_answer(&f, &res);
	assert_int_equal(res.r, -EACCES);
	assert_non_null(strstr(res.err.text, "gone, or has become private"));
	f.was_seen = false;
	(void)status_of_answer(&f, &res);
	assert_int_equal(res.r, -ENOENT);
	assert_non_null(strstr(res.err.text, "absent or private"));
}

static void transport_failures_mean(void **state)
{
	static const struct {
		int from, r;
		bool retry;
	} rows[] = {
		{-ETIMEDOUT, -ETIMEDOUT, true}, {-EHOSTUNREACH, -ETIMEDOUT, true}, {-ECONNREFUSED, -ETIMEDOUT, true}, {-ECONNRESET, -ETIMEDOUT, true},
		{-EBUSY, -ETIMEDOUT, true},
		{-EBADMSG, -EBADMSG, true},	{-EKEYREJECTED, -EIO, false},	   {-EPERM, -EIO, false},	      {-ENOMEM, -ENOMEM, false},
		{-ECANCELED, -ECANCELED, false}, {-EINVAL, -EIO, false},
	};
	struct err cause = {0};

	(void)state;
	err_set(&cause, -EIO, "cdn: certificate has expired");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hub_result res;

		status_of_transport(rows[i].from, &cause, "acme/tiny", &res);
		assert_int_equal(res.r, rows[i].r);
		assert_int_equal(res.retry, rows[i].retry);
		assert_string_equal(res.err.text, "acme/tiny: cdn: certificate has expired");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(redirects_are_chosen),
		cmocka_unit_test(token_goes_nowhere_else),
		cmocka_unit_test(private_addresses_are_known),
		cmocka_unit_test(private_hosts_are_known),
		cmocka_unit_test(statuses_mean),
		cmocka_unit_test(sentence_knows_what_was_seen),
		cmocka_unit_test(transport_failures_mean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

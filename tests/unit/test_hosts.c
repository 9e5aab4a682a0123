// SPDX-License-Identifier: Apache-2.0
/* Hosts that fail: who may ask them, and where they are while nobody can say. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "../../hub/hosts_int.h"

#define A "https://hub.test/api/models/a"
#define B "https://hub.test/api/models/b"

static struct host *host(struct hosts *hs)
{
	return hosts_find(hs, A, 1000);
}

static void note(struct host *h, enum host_news news, const char *url, uint64_t began, uint64_t now)
{
	struct err err = {-ETIMEDOUT, "hub.test is ill"};

	host_note(h, &(struct host_event){.news = news, .url = url, .began = began, .err = &err, .address = "192.0.2.1"}, now);
}

static void fail_often(struct host *h, enum host_news news, const char *url, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		note(h, news, url, 2000 + i, 2000 + i);
}

static void five_failures_leave_one_at_a_time(void **state)
{
	struct hosts hs = {0};
	struct host *h = host(&hs);

	(void)state;
	fail_often(h, HOST_SILENT, A, 4);
	assert_int_equal(host_turn(h, A, 2010), 0);
	assert_int_equal(host_wait_ms(h, A, 2010), 0);
	note(h, HOST_SILENT, A, 2010, 2010);
	assert_true(host_wait_ms(h, B, 2010) >= 500);
	assert_true(host_turn(h, B, 2010) > 2010);
	assert_true(host_turn(h, B, 2509) > 2509);
	assert_int_equal(host_turn(h, B, 2510), 0); /* this one asks */
	assert_true(host_turn(h, A, 2510) > 2510);
	assert_true(host_turn(h, A, 5000) > 5000);
	note(h, HOST_SILENT, B, 2510, 5000);
	assert_true(host_turn(h, A, 5499) > 5499);
	assert_int_equal(host_turn(h, A, 5500), 0);
	note(h, HOST_ANSWERED, A, 5500, 5600);
	assert_int_equal(host_turn(h, A, 5600), 0);
	assert_int_equal(host_turn(h, B, 5600), 0);
	assert_int_equal(host_wait_ms(h, A, 5600), 0);
}

static void who_asks_may_not_come_back(void **state)
{
	struct hosts hs = {0};
	struct host *h = host(&hs);

	(void)state;
	fail_often(h, HOST_SILENT, A, 5);
	assert_int_equal(host_turn(h, A, 3000), 0);
	assert_true(host_turn(h, A, 32999) > 32999);
	assert_int_equal(host_turn(h, A, 33000), 0);
	note(h, HOST_NO_NEWS, A, 33000, 33001); /* cancelled: the next one may */
	assert_int_equal(host_turn(h, A, 33001), 0);
}

static void failures_of_one_path_are_its_own(void **state)
{
	struct hosts hs = {0};
	struct host *h = host(&hs);

	(void)state;
	fail_often(h, HOST_TROUBLED, A, 9);
	assert_true(host_turn(h, A, 2100) > 2100);
	assert_true(host_turn(h, A "?x=1", 2100) > 2100);
	assert_int_equal(host_turn(h, B, 2100), 0);
	assert_int_equal(host_wait_ms(h, B, 2100), 0);
	note(h, HOST_TROUBLED, B, 2100, 2100);
	assert_true(host_turn(h, B, 2101) > 2101); /* so it is all of it */
}

static void answers_after_it_began_excuse_a_failure(void **state)
{
	struct hosts hs = {0};
	struct host *h = host(&hs);

	(void)state;
	note(h, HOST_ANSWERED, A, 2500, 2600);
	fail_often(h, HOST_SILENT, A, 32);
	assert_int_equal(host_turn(h, A, 2700), 0);
}

static void last_address_stands_in(void **state)
{
	struct hosts hs = {0};
	struct host *h = host(&hs);

	(void)state;
	note(h, HOST_NO_LOOKUP, A, 2000, 2000);
	assert_null(host_address(h, 2000)); /* none is known */
	note(h, HOST_ANSWERED, A, 2100, 2100);
	assert_null(host_address(h, 2100));
	note(h, HOST_NO_LOOKUP, A, 2200, 2200);
	assert_string_equal(host_address(h, 2200), "192.0.2.1");
	assert_string_equal(host_address(h, 62199), "192.0.2.1");
	assert_null(host_address(h, 62200)); /* then it is looked up again */
	note(h, HOST_NO_LOOKUP, A, 62200, 62200);
	note(h, HOST_SILENT, A, 62300, 62300);
	assert_null(host_address(h, 62300)); /* and when nobody is there */
}

static void hosts_are_told_apart(void **state)
{
	struct hosts hs = {0};
	struct host *first = hosts_find(&hs, "https://h0.test/", 1);

	(void)state;
	assert_ptr_equal(hosts_find(&hs, "https://h0.test:443/x?y", 2), first);
	assert_ptr_not_equal(hosts_find(&hs, "http://h0.test/", 3), first);
	assert_null(hosts_find(&hs, "ftp://h0.test/", 3));
	for (unsigned i = 1; i < HOSTS_MAX; i++) {
		char url[64];

		snprintf(url, sizeof(url), "https://h%u.test/", i);
		hosts_find(&hs, url, 10 + i);
		assert_ptr_equal(hosts_find(&hs, "https://h0.test/", 10 + i), first);
	}
	assert_int_equal(host_turn(NULL, A, 1), 0);
	assert_int_equal(host_wait_ms(NULL, A, 1), 0);
	assert_null(host_address(NULL, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(five_failures_leave_one_at_a_time),
		cmocka_unit_test(who_asks_may_not_come_back),
		cmocka_unit_test(failures_of_one_path_are_its_own),
		cmocka_unit_test(answers_after_it_began_excuse_a_failure),
		cmocka_unit_test(last_address_stands_in),
		cmocka_unit_test(hosts_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

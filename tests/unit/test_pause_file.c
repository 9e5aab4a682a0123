// SPDX-License-Identifier: Apache-2.0
/* Pauses in a file: what is believed, for how long, after clocks have jumped, and what is not. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/pause_file.h>

#define T0 1000000 /* seconds since 1970 */

static char dir[] = "/tmp/hffs-pauses-XXXXXX";

static void add_line(void *ctx, const char *host, unsigned port, uint64_t left_ms)
{
	buf_addf(ctx, "%s:%u %llu\n", host, port, (unsigned long long)left_ms);
}

/* What a process that has not looked yet reads. */
static void expect(int r, const char *want)
{
	struct pause_stamp stamp = {0};
	AUTO_BUF got = {0};

	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), r);
	assert_string_equal(got.data ? got.data : "", want);
}

static void write_file(const char *text, mode_t mode)
{
	AUTO_FREE char *path = str_printf("%s/" PAUSE_FILE_NAME, dir);

	assert_int_equal(io_replace_file(path, text, strlen(text), mode), 0);
}

static int begin(void **state)
{
	(void)state;
	clock_fake(5000, T0);
	return 0;
}

static int end(void **state)
{
	AUTO_FREE char *path = str_printf("%s/" PAUSE_FILE_NAME, dir);

	(void)state;
	(void)unlink(path); /* not every test writes one */
	return 0;
}

static int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	(void)state;
	clock_fake(UINT64_MAX, 0);
	return rmdir(dir);
}

static void what_was_put_is_read(void **state)
{
	(void)state;
	expect(-ENOENT, "");
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 90000), 0);
	assert_int_equal(pause_file_put(dir, "cdn.example", 8080, 5000), 0);
	expect(0, "hub.example:443 90000\ncdn.example:8080 5000\n");
	clock_fake(5000, T0 + 10);
	expect(0, "hub.example:443 80000\n");
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 1000), 0); /* never shorter */
	expect(0, "hub.example:443 80000\n");
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 100000), 0);
	expect(0, "hub.example:443 100000\n");
	clock_fake(5000, T0 + 200);
	expect(0, "");
}

static void an_hour_is_the_most(void **state)
{
	(void)state;
	assert_int_equal(pause_file_put(dir, "hub.example", 443, UINT64_MAX), 0);
	expect(0, "hub.example:443 3600000\n");
	clock_fake(5000, T0 + 3599);
	expect(0, "hub.example:443 1000\n");
	write_file("{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":1,\"from_ms\":0,\"until_ms\":9000000000000000}]}", 0600);
	expect(0, "");
}

static void a_clock_that_jumps_back_ends_it(void **state)
{
	(void)state;
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 90000), 0);
	clock_fake(5000, T0 - 1);
	expect(0, "");
}

static void the_same_file_is_read_once(void **state)
{
	struct pause_stamp stamp = {0};
	AUTO_BUF got = {0};

	(void)state;
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 90000), 0);
	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), 0);
	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), 1);
	assert_string_equal(got.data, "hub.example:443 90000\n");
	assert_int_equal(pause_file_put(dir, "cdn.example", 443, 90000), 0);
	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), 0);
	write_file("x", 0600);
	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), -EBADMSG);
	assert_int_equal(pause_file_load(dir, &stamp, add_line, &got), 1);
}

static void damage_is_not_believed(void **state)
{
	static const char *const texts[] = {
		"", "{}", "[]", "{\"v\":2,\"pauses\":[]}", "{\"v\":1}", "{\"v\":1,\"pauses\":{}}", "{\"v\":1,\"pauses\":[1]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":0,\"from_ms\":1000000000,\"until_ms\":1000001000}]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":65536,\"from_ms\":1000000000,\"until_ms\":1000001000}]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"\",\"port\":1,\"from_ms\":1000000000,\"until_ms\":1000001000}]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":1,\"from_ms\":-1,\"until_ms\":1000001000}]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":1,\"until_ms\":1000001000}]}",
		"{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":1,\"from_ms\":1000000000,\"until_ms\":1000001",
	};
	AUTO_BUF large = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		write_file(texts[i], 0600);
		expect(-EBADMSG, "");
	}
	write_file("{\"v\":1,\"pauses\":[{\"host\":\"h\",\"port\":1,\"from_ms\":1000000001,\"until_ms\":1000000000}]}", 0600);
	expect(0, "");
	for (int i = 0; i < 20000; i++)
		buf_addc(&large, ' ');
	write_file(large.data, 0600);
	expect(-EBADMSG, "");
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 1000), 0);
	expect(0, "hub.example:443 1000\n");
}

static void others_cannot_have_written_it(void **state)
{
	AUTO_FREE char *path = str_printf("%s/" PAUSE_FILE_NAME, dir);

	(void)state;
	assert_int_equal(pause_file_put(dir, "hub.example", 443, 1000), 0);
	assert_int_equal(chmod(path, 0602), 0);
	expect(-EPERM, "");
	if (geteuid() == 0) {
		assert_int_equal(chmod(path, 0600), 0);
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		expect(-EPERM, "");
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	expect(-ELOOP, "");
}

static void there_are_sixteen_at_most(void **state)
{
	AUTO_BUF want = {0};
	char host[16];

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		snprintf(host, sizeof(host), "h%u", i);
		assert_int_equal(pause_file_put(dir, host, 443, 1000 + i), 0);
	}
	for (unsigned i = 16; i < 20; i++)
		buf_addf(&want, "h%u:443 %u\n", i, 1000 + i);
	for (unsigned i = 4; i < 16; i++)
		buf_addf(&want, "h%u:443 %u\n", i, 1000 + i);
	expect(0, want.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_put_is_read, begin, end),
		cmocka_unit_test_setup_teardown(an_hour_is_the_most, begin, end),
		cmocka_unit_test_setup_teardown(a_clock_that_jumps_back_ends_it, begin, end),
		cmocka_unit_test_setup_teardown(the_same_file_is_read_once, begin, end),
		cmocka_unit_test_setup_teardown(damage_is_not_believed, begin, end),
		cmocka_unit_test_setup_teardown(others_cannot_have_written_it, begin, end),
		cmocka_unit_test_setup_teardown(there_are_sixteen_at_most, begin, end),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

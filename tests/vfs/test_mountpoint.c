// SPDX-License-Identifier: Apache-2.0
/* The kernel's list of mounts, and directories that will not do. */
#include "fake.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mountpoint_int.h"

static void lines_are_parsed_with_their_escapes(void **state)
{
	static const struct {
		const char *line;
		int r;
		const char *dir, *type, *source;
	} rows[] = {
		{"42 27 0:39 / /mnt/hf ro,nosuid - fuse.hffs hub ro,user_id=0\n", 0, "/mnt/hf", "fuse.hffs", "hub"},
		{"1 2 8:1 /sub /a\\040b\\134c rw shared:1 master:2 - ext4 /dev/sda\\0111 rw", 0, "/a b\\c", "ext4", "/dev/sda\t1"},
		{"1 2 8:1 / /plain\\9 rw - ext4 none rw", 0, "/plain\\9", "ext4", "none"},
		{"1 2 8:1 / /x rw", -EINVAL, NULL, NULL, NULL},
		{"1 2 8 / /x rw - a b c", -EINVAL, NULL, NULL, NULL},
		{"", -EINVAL, NULL, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct mount_line line;

		assert_int_equal(mount_line_parse(rows[i].line, &line), rows[i].r);
		if (rows[i].r < 0)
			continue;
		assert_string_equal(line.dir, rows[i].dir);
		assert_string_equal(line.type, rows[i].type);
		assert_string_equal(line.source, rows[i].source);
	}
}

static void finds_what_is_mounted(void **state)
{
	struct mount_line line;

	(void)state;
	assert_true(mountpoint_find("/proc", &line));
	assert_string_equal(line.type, "proc");
	assert_false(mountpoint_find("/proc/self", &line));
}

static void refuses_what_cannot_be_mounted_on(void **state)
{
	char dir[] = "/tmp/hffs-test-XXXXXX", file[64], absent[64];
	char *out = NULL;
	struct err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/file", dir);
	snprintf(absent, sizeof(absent), "%s/absent", dir);
	assert_int_equal(mountpoint_prepare(dir, false, &out, &err), 0);
	assert_int_equal(out[0], '/');
	free(out);
	fclose(fopen(file, "w"));
	assert_int_equal(mountpoint_prepare(absent, false, &out, &err), -ENOENT);
	assert_non_null(strstr(err.text, "absent"));
	assert_int_equal(mountpoint_prepare(file, false, &out, &err), -ENOTDIR);
	assert_int_equal(mountpoint_prepare(dir, false, &out, &err), -ENOTEMPTY);
	assert_int_equal(mountpoint_prepare(dir, true, &out, &err), 0);
	free(out);
	unlink(file);
	rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_parsed_with_their_escapes),
		cmocka_unit_test(finds_what_is_mounted),
		cmocka_unit_test(refuses_what_cannot_be_mounted_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Who may go to the disk, by the time that others took. */
#include "unit.h"

#include <hffs/clock.h>

#include "../../fetch/disk_int.h"

static void slow_one_sends_others_away(void **state)
{
	struct disk *d = disk_new(2);
	unsigned a, b, c;

	(void)state;
	clock_fake(10000, 1);
	assert_true(disk_enter(d, false, &a));
	clock_fake(11999, 1);
	assert_true(disk_enter(d, false, &b));
	disk_look(d);
	assert_false(disk_is_slow(d));
	disk_leave(d, b);

	clock_fake(12000, 1);
	disk_look(d);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, false, &b));
	assert_false(disk_enter(d, true, &b)); /* somebody still waits */

	clock_fake(15000, 1);
	disk_leave(d, a);
	assert_false(disk_enter(d, false, &a)); /* it rests */
	assert_true(disk_enter(d, true, &a));
	clock_fake(16999, 1);
	disk_leave(d, a);
	assert_false(disk_is_slow(d));
	assert_true(disk_enter(d, false, &c)); /* the trial went well */
	disk_leave(d, c);
	disk_free(d);
	clock_fake(UINT64_MAX, 0);
}

static void rest_ends_by_itself(void **state)
{
	struct disk *d = disk_new(1);
	unsigned a;

	(void)state;
	clock_fake(10000, 1);
	assert_true(disk_enter(d, false, &a));
	clock_fake(13000, 1);
	disk_leave(d, a);
	disk_look(d);
	assert_true(disk_is_slow(d));
	clock_fake(22999, 1);
	disk_look(d);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, false, &a));
	clock_fake(23000, 1);
	disk_look(d);
	assert_false(disk_is_slow(d));
	assert_true(disk_enter(d, false, &a));
	disk_leave(d, a);
	disk_free(d);
	clock_fake(UINT64_MAX, 0);
}

/* What began before the disk was found slow, and ends in time, says nothing. */
static void quick_one_of_before_changes_nothing(void **state)
{
	struct disk *d = disk_new(2);
	unsigned a, b;

	(void)state;
	clock_fake(10000, 1);
	assert_true(disk_enter(d, false, &a));
	clock_fake(11500, 1);
	assert_true(disk_enter(d, false, &b));
	clock_fake(12500, 1);
	disk_leave(d, a);
	disk_leave(d, b);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, false, &a));
	disk_free(d);
	clock_fake(UINT64_MAX, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_one_sends_others_away),
		cmocka_unit_test(rest_ends_by_itself),
		cmocka_unit_test(quick_one_of_before_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

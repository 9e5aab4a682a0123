// SPDX-License-Identifier: Apache-2.0
/* Who may go to the disk, by the time that others took. */
#include "unit.h"

#include <stdatomic.h>
#include <unistd.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

#include "../../fetch/disk_int.h"

static void slow_one_sends_others_away(void **state)
{
	struct disk *d = disk_new(2);
	unsigned a, b, c;

	(void)state;
	clock_fake(10000, 1);
	assert_true(disk_enter(d, DISK_WRITE, &a));
	clock_fake(11999, 1);
	assert_true(disk_enter(d, DISK_WRITE, &b));
	disk_look(d);
	assert_false(disk_is_slow(d));
	disk_leave(d, b);

	clock_fake(12000, 1);
	disk_look(d);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, DISK_WRITE, &b));
	assert_false(disk_enter(d, DISK_TRIAL, &b)); /* somebody still waits */

	clock_fake(15000, 1);
	disk_leave(d, a);
	assert_false(disk_enter(d, DISK_WRITE, &a)); /* it rests */
	assert_true(disk_enter(d, DISK_TRIAL, &a));
	clock_fake(16999, 1);
	disk_leave(d, a);
	assert_false(disk_is_slow(d));
	assert_true(disk_enter(d, DISK_WRITE, &c)); /* the trial went well */
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
	assert_true(disk_enter(d, DISK_WRITE, &a));
	clock_fake(13000, 1);
	disk_leave(d, a);
	disk_look(d);
	assert_true(disk_is_slow(d));
	clock_fake(22999, 1);
	disk_look(d);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, DISK_WRITE, &a));
	clock_fake(23000, 1);
	disk_look(d);
	assert_false(disk_is_slow(d));
	assert_true(disk_enter(d, DISK_WRITE, &a));
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
	assert_true(disk_enter(d, DISK_WRITE, &a));
	clock_fake(11500, 1);
	assert_true(disk_enter(d, DISK_WRITE, &b));
	clock_fake(12500, 1);
	disk_leave(d, a);
	disk_leave(d, b);
	assert_true(disk_is_slow(d));
	assert_false(disk_enter(d, DISK_WRITE, &a));
	disk_free(d);
	clock_fake(UINT64_MAX, 0);
}

static void reads_have_places_of_their_own(void **state)
{
	struct disk *d = disk_new(4);
	unsigned a, b, c, e;

	(void)state;
	clock_fake(10000, 1);
	assert_true(disk_enter(d, DISK_WRITE, &a));
	assert_true(disk_enter(d, DISK_WRITE, &b));
	assert_true(disk_enter(d, DISK_READ, &c));
	assert_true(disk_enter(d, DISK_READ, &e));
	assert_true(a != b && c != e && c != a && c != b && e != a && e != b);
	disk_leave(d, a);
	assert_true(disk_enter(d, DISK_READ, &a)); /* those of writes, too, while nobody writes */
	for (unsigned i = 0; i < 4; i++)
		disk_leave(d, i);
	disk_free(d);
	clock_fake(UINT64_MAX, 0);
}

struct writer {
	struct disk *disk;
	atomic_bool is_in;
};

static void *write_third(void *arg)
{
	struct writer *w = arg;
	unsigned place;

	if (!disk_enter(w->disk, DISK_WRITE, &place))
		return NULL;
	atomic_store(&w->is_in, true);
	disk_leave(w->disk, place);
	return NULL;
}

static void third_write_waits(void **state)
{
	struct writer w = {.disk = disk_new(4)};
	unsigned a, b;
	pthread_t thread;

	(void)state;
	assert_true(disk_enter(w.disk, DISK_WRITE, &a));
	assert_true(disk_enter(w.disk, DISK_WRITE, &b));
	assert_int_equal(thread_start(&thread, "third", write_third, &w), 0);
	usleep(50000);
	assert_false(atomic_load(&w.is_in));
	disk_leave(w.disk, b);
	pthread_join(thread, NULL);
	assert_true(atomic_load(&w.is_in));
	disk_leave(w.disk, a);
	disk_free(w.disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_one_sends_others_away),
		cmocka_unit_test(rest_ends_by_itself),
		cmocka_unit_test(quick_one_of_before_changes_nothing),
		cmocka_unit_test(reads_have_places_of_their_own),
		cmocka_unit_test(third_write_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

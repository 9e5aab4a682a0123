// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "../../fetch/plan_int.h"

static void ranges_follow_run_and_room(void **state)
{
	static const struct {
		uint64_t run;
		unsigned room;
		uint64_t want;
	} rows[] = {
		{1, 12, 1},    /* a single chunk is a request */
		{3, 12, 3},    /* short runs stay whole */
		{8, 12, 4},    /* but not below the least range */
		{60, 12, 5},   /* a long run is spread over the connections */
		{192, 12, 16}, /* up to the largest range */
		{1000, 1, 16}, {5, 0, 5}, {100, 0, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(plan_range(rows[i].run, rows[i].room), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ranges_follow_run_and_room)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

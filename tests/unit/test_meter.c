// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <hffs/meter.h>

static void is_the_average_of_two_seconds(void **state)
{
	struct meter m = {0};

	(void)state;
	assert_int_equal(meter_rate(&m, 5000), 0);
	for (uint64_t ms = 10000; ms < 14000; ms += 10)
		meter_add(&m, ms, 1000);
	assert_int_equal(meter_rate(&m, 13999), 100000);
	assert_int_equal(meter_rate(&m, 14999), 50000); /* half of them are too old */
	assert_int_equal(meter_rate(&m, 16000), 0);
	meter_add(&m, 1000000, 500);
	assert_int_equal(meter_rate(&m, 1000100), 250);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(is_the_average_of_two_seconds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <hffs/retry.h>

static void delays_double_and_stop_growing(void **state)
{
	static const struct {
		unsigned tries;
		uint64_t wait_ms;
		uint32_t random;
		uint64_t want;
	} rows[] = {
		{1, 0, 0, 0},
		{1, 0, UINT32_MAX, 250},
		{2, 0, UINT32_MAX, 500},
		{3, 0, UINT32_MAX, 1000},
		{6, 0, UINT32_MAX, 8000},
		{7, 0, UINT32_MAX, 8000},
		{4000000000u, 0, UINT32_MAX, 8000},
		{3, 0, 1u << 31, 500},
		{1, 3000, UINT32_MAX, 3000},
		{6, 3000, UINT32_MAX, 8000},
		{0, 0, UINT32_MAX, 250},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(retry_delay_ms(rows[i].tries, rows[i].wait_ms, rows[i].random), rows[i].want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(delays_double_and_stop_growing)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

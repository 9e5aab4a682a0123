// SPDX-License-Identifier: Apache-2.0
/* The decision what to give up: tables of states and candidates. */
#include "unit.h"

#include <hffs/auto.h>

#include "../../cache/evict_int.h"

#define MIB ((uint64_t)1 << 20)

static void needs_what_is_over_the_limits(void **state)
{
	static const struct {
		struct evict_state s;
		uint64_t need;
	} rows[] = {
		{{0, 100 * MIB, 900 * MIB, 10 * MIB, false}, 0},
		{{100 * MIB, 100 * MIB, 900 * MIB, 10 * MIB, false}, 0},
		{{101 * MIB, 100 * MIB, 900 * MIB, 10 * MIB, false}, 6 * MIB},
		{{50 * MIB, 100 * MIB, 4 * MIB, 10 * MIB, false}, 7 * MIB},
		{{50 * MIB, 100 * MIB, 10 * MIB, 10 * MIB, false}, 0},
		{{5 * MIB, 100 * MIB, 0, 10 * MIB, false}, 5 * MIB},
		{{500 * MIB, 1000 * MIB, 900 * MIB, 0, true}, 64 * MIB},
		{{10 * MIB, 1000 * MIB, 900 * MIB, 0, true}, 10 * MIB},
		{{0, 0, 0, UINT64_MAX / 2, true}, 0},
		{{1000 * MIB, 0, 900 * MIB, 0, false}, 1000 * MIB},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (evict_need(&rows[i].s) / MIB != rows[i].need / MIB)
			fail_msg("row %zu: %llu", i, (unsigned long long)evict_need(&rows[i].s));
}

static void takes_the_oldest_and_joins_neighbours(void **state)
{
	struct evict_candidate c[] = {{7, 2, 16}, {5, 9, 16}, {7, 1, 4}, {7, 3, 16}, {5, 8, 16}};
	struct evict_run runs[ARRAY_SIZE(c)];

	(void)state;
	assert_int_equal(evict_choose(c, ARRAY_SIZE(c), 0, runs), 0);
	assert_int_equal(evict_choose(c, ARRAY_SIZE(c), 40, runs), 2);
	assert_int_equal(runs[0].blob, 5);
	assert_int_equal(runs[0].first, 9);
	assert_int_equal(runs[0].nr, 1);
	assert_int_equal(runs[1].blob, 7);
	assert_int_equal(runs[1].first, 1);
	assert_int_equal(runs[1].nr, 3);
	assert_int_equal(runs[1].bytes, 36);
}

static void takes_all_when_all_is_too_little(void **state)
{
	struct evict_candidate c[] = {{1, 0, 1}, {2, 0, 1}, {3, 0, 0}};
	struct evict_run runs[ARRAY_SIZE(c)];

	(void)state;
	assert_int_equal(evict_choose(c, ARRAY_SIZE(c), UINT64_MAX, runs), 3);
	assert_int_equal(evict_choose(c, 0, 5, runs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(needs_what_is_over_the_limits),
		cmocka_unit_test(takes_the_oldest_and_joins_neighbours),
		cmocka_unit_test(takes_all_when_all_is_too_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

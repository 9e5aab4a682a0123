// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <hffs/tunables.h>

#include "../../fetch/pace_int.h"
#include "../../fetch/plan_int.h"

static void ranges_follow_run_and_room(void **state)
{
	static const struct {
		uint64_t run;
		unsigned room;
		uint64_t most, want;
	} rows[] = {
		{1, 12, 16, 1},    /* a single chunk is a request */
		{3, 12, 16, 3},    /* short runs stay whole */
		{8, 12, 16, 4},    /* but not below the least range */
		{60, 12, 16, 5},   /* a long run is spread over the connections */
		{5, 2, 16, 5},     /* a rest of one chunk is no request of its own */
		{192, 4, 16, 16},  /* up to the largest range */
		{192, 12, 4, 4},
		{1000, 1, 16, 16},
		{5, 0, 16, 5},
		{100, 0, 16, 16},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(plan_range(rows[i].run, rows[i].room, 4, rows[i].most), rows[i].want);
}

static void feed(struct pace *p, unsigned times, uint64_t latency_us, uint64_t rate_bps)
{
	uint64_t bytes = 4000000;

	while (times--)
		pace_note(p, latency_us, bytes, bytes * 1000000 / rate_bps);
}

static void a_near_fast_server_needs_few_short_requests(void **state)
{
	struct pace p = {0};

	(void)state;
	feed(&p, 50, 500, 400000000);
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_MIN);
	assert_int_equal(pace_range(&p), PACE_RANGE_MIN);
}

static void a_far_server_gets_many_long_requests(void **state)
{
	struct pace p = {0};

	(void)state;
	feed(&p, 50, 20000, 100000000);
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_WIDE);
	assert_true(pace_range(&p) >= 20); /* 6 MB: three times 20 ms */
}

static void more_requests_are_for_fast_connections(void **state)
{
	struct pace p = {0};

	(void)state;
	feed(&p, 50, 20000, 20000000);
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_MAX);
	feed(&p, 50, 20000, 100000000);
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_WIDE);
	feed(&p, 50, 20000, 20000000); /* the link is full */
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_MAX);
}

static void what_is_ordered_comes_nearly_in_order(void **state)
{
	struct pace p = {0};

	(void)state;
	feed(&p, 50, 20000, 50000000);
	assert_true(pace_range(&p) >= 10);
	assert_int_equal(pace_ordered(&p), PACE_RANGE_MIN);
	p = (struct pace){0};
	feed(&p, 50, 20000, 100000000);
	assert_in_range(pace_ordered(&p) * PACE_PARALLEL_WIDE * CHUNK_SIZE, 1, PACE_AHEAD_MAX);
	p = (struct pace){0};
	feed(&p, 50, 150000, 50000000); /* so far away that short requests would cost the link */
	assert_int_equal(pace_ordered(&p), pace_range(&p));
}

static void queueing_of_our_own_is_not_latency(void **state)
{
	struct pace p = {0};

	(void)state;
	for (int i = 0; i < 20; i++) {
		feed(&p, 9, 15000, 120000000);
		feed(&p, 1, 800, 120000000);
	}
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_NEAR);
	assert_int_equal(pace_range(&p), PACE_RANGE_MIN);
}

static void a_change_of_the_path_is_noticed(void **state)
{
	struct pace p = {0};

	(void)state;
	feed(&p, 100, 800, 400000000);
	feed(&p, 100, 40000, 50000000);
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_WIDE);
	assert_true(pace_range(&p) > PACE_RANGE_MIN);
}

static void nothing_known_is_a_moderate_start(void **state)
{
	struct pace p = {0};

	(void)state;
	assert_int_equal(pace_parallel(&p), PACE_PARALLEL_MIN);
	assert_int_equal(pace_range(&p), PACE_RANGE_MIN);
	feed(&p, 1, 1, UINT64_MAX / 8000000000000ull);
	assert_true(pace_range(&p) <= PACE_RANGE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_follow_run_and_room),
		cmocka_unit_test(a_near_fast_server_needs_few_short_requests),
		cmocka_unit_test(a_far_server_gets_many_long_requests),
		cmocka_unit_test(more_requests_are_for_fast_connections),
		cmocka_unit_test(what_is_ordered_comes_nearly_in_order),
		cmocka_unit_test(queueing_of_our_own_is_not_latency),
		cmocka_unit_test(a_change_of_the_path_is_noticed),
		cmocka_unit_test(nothing_known_is_a_moderate_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

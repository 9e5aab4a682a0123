// SPDX-License-Identifier: Apache-2.0
/* Workers: every item once, parts where they may begin, from one thread to more than there are cores, with pauses and without. */
#include "unit.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "../../infer/kernels_int.h"

#define ITEMS 1000

struct seen {
	unsigned char times[ITEMS];
	size_t grain;
	unsigned threads;
	_Atomic unsigned inside[8]; /* by thread */
	_Atomic unsigned wrong;
};

static void look(void *ctx, size_t begin, size_t end, unsigned thread)
{
	struct seen *s = ctx;

	if (begin >= end || begin % s->grain || thread >= s->threads || atomic_fetch_add(&s->inside[thread], 1))
		atomic_fetch_add(&s->wrong, 1);
	for (size_t i = begin; i < end; i++)
		s->times[i]++;
	atomic_fetch_sub(&s->inside[thread], 1);
}

static void one_run(struct crew *p, size_t n, size_t grain)
{
	struct seen s = {.grain = grain, .threads = crew_threads(p)};

	crew_run(p, n, grain, look, &s);
	assert_int_equal(atomic_load(&s.wrong), 0);
	for (size_t i = 0; i < ITEMS; i++)
		if (s.times[i] != (i < n))
			fail_msg("%zu items by %zu: item %zu was done %u times", n, grain, i, s.times[i]);
}

static void every_item_is_done_once(void **state)
{
	static const size_t counts[] = {0, 1, 2, 3, 7, 8, 9, 64, 255, 999, 1000}, grains[] = {1, 2, 3, 16, 64, 1000};

	(void)state;
	for (unsigned threads = 1; threads <= 4; threads++) {
		AUTO(crew_free) struct crew *p = NULL;

		assert_int_equal(crew_new(threads, &p), 0);
		assert_int_equal(crew_threads(p), threads);
		for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
			for (size_t j = 0; j < ARRAY_SIZE(grains); j++)
				one_run(p, counts[i], grains[j]);
	}
}

/* What one loop writes the next one reads on other threads, without a lock of ours: the crew orders them. */
static void shift(void *ctx, size_t begin, size_t end, unsigned thread)
{
	uint32_t *v = ctx;

	(void)thread;
	for (size_t i = begin; i < end; i++)
		v[ITEMS + i] = v[ITEMS - 1 - i] + 1;
}

static void a_loop_sees_what_the_one_before_wrote(void **state)
{
	AUTO(crew_free) struct crew *p = NULL;
	uint32_t v[2 * ITEMS] = {0};

	(void)state;
	assert_int_equal(crew_new(3, &p), 0);
	for (unsigned round = 1; round <= 2000; round++) {
		crew_run(p, ITEMS, 10, shift, v);
		for (size_t i = 0; i < ITEMS; i += 97)
			assert_int_equal(v[ITEMS + i], round);
		memcpy(v, v + ITEMS, sizeof(v) / 2);
	}
}

struct held {
	_Atomic size_t done;
	_Atomic bool alone;
};

/* Who has the first part keeps it in hand until all others are done. */
static void hold(void *ctx, size_t begin, size_t end, unsigned thread)
{
	struct held *h = ctx;

	(void)thread;
	for (int ms = 0; begin == 0 && atomic_load(&h->done) < ITEMS - end; ms++) {
		if (ms == 10000) {
			atomic_store(&h->alone, true);
			break;
		}
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	atomic_fetch_add(&h->done, end - begin);
}

static void others_do_the_share_of_one_who_is_held_up(void **state)
{
	(void)state;
	for (unsigned threads = 2; threads <= 4; threads++) {
		AUTO(crew_free) struct crew *p = NULL;
		struct held h = {0};

		assert_int_equal(crew_new(threads, &p), 0);
		crew_run(p, ITEMS, 1, hold, &h);
		assert_int_equal(atomic_load(&h.done), ITEMS);
		assert_false(atomic_load(&h.alone));
	}
}

static void sleepers_are_woken(void **state)
{
	AUTO(crew_free) struct crew *p = NULL;

	(void)state;
	assert_int_equal(crew_new(3, &p), 0);
	for (int round = 0; round < 20; round++) {
		/* Longer than workers look for work before they sleep. */
		nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
		one_run(p, 100, 1);
	}
}

static double cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void idle_workers_sleep(void **state)
{
	AUTO(crew_free) struct crew *p = NULL;
	double before;

	(void)state;
	assert_int_equal(crew_new(4, &p), 0);
	one_run(p, 100, 1);
	before = cpu_s();
	nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
	assert_true(cpu_s() - before < 0.1);
}

static void no_threads_is_refused(void **state)
{
	struct crew *p = NULL;

	(void)state;
	assert_true(crew_new(0, &p) < 0);
	assert_true(crew_new(1u << 20, &p) < 0);
	assert_null(p);
	crew_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_item_is_done_once),
		cmocka_unit_test(a_loop_sees_what_the_one_before_wrote),
		cmocka_unit_test(others_do_the_share_of_one_who_is_held_up),
		cmocka_unit_test(sleepers_are_woken),
		cmocka_unit_test(idle_workers_sleep),
		cmocka_unit_test(no_threads_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

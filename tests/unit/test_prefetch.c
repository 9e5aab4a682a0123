// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include "../../fetch/prefetch_int.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define SIZE (2048 * MIB)
#define WINDOW (48 * MIB)

/* One read of a file of SIZE bytes; gives the bytes asked for in advance. */
static uint64_t note(struct prefetch *p, uint64_t off, uint64_t len)
{
	const struct prefetch_read r = {.off = off, .len = len, .now_ms = p->tick};
	struct prefetch_want wants[PREFETCH_WANTS_MAX];
	unsigned nr = prefetch_note(p, &r, &(struct prefetch_limits){.ahead = WINDOW}, wants, PREFETCH_WANTS_MAX);
	uint64_t asked = 0;

	for (unsigned i = 0; i < nr; i++) {
		assert_true(wants[i].off + wants[i].len <= p->size);
		asked += wants[i].len;
	}
	return asked;
}

/* Reads [off, off + len) in pieces; gives the bytes asked for in advance. */
static uint64_t read_in_order(struct prefetch *p, uint64_t off, uint64_t len, uint64_t piece)
{
	uint64_t asked = 0;

	for (uint64_t at = off; at < off + len; at += piece)
		asked += note(p, at, piece);
	return asked;
}

static void one_read_brings_nothing(void **state)
{
	struct prefetch p = {.size = SIZE};

	(void)state;
	assert_int_equal(note(&p, 0, 128 * KIB), 0);
}

static void a_header_brings_at_most_itself_again(void **state)
{
	struct prefetch p = {.size = SIZE};

	(void)state;
	/* Of the header itself too: its later half is asked for while its first is read. */
	assert_true(read_in_order(&p, 0, MIB, 128 * KIB) <= 2 * MIB);
}

static void a_long_read_reaches_the_window_and_stays_there(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t read = 256 * MIB, asked = read_in_order(&p, 0, read, 256 * KIB);

	(void)state;
	/* Everything was asked for in advance but the beginning, and never more than the window beyond the reader. */
	assert_true(asked <= read + WINDOW);
	assert_true(asked >= read + WINDOW - 8 * MIB);
}

static void nothing_is_asked_beyond_the_end(void **state)
{
	struct prefetch p = {.size = 10 * MIB};

	(void)state;
	assert_true(read_in_order(&p, 0, 10 * MIB, MIB) >= 8 * MIB);
}

static void random_reads_bring_nothing(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t asked = 0, x = 12345;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		x = x * 6364136223846793005ull + 1442695040888963407ull;
		asked += note(&p, (x >> 33) % (SIZE - MIB), 4 * KIB);
	}
	/* Chance puts a few reads near another; what they bring is bounded by what they read. */
	assert_true(asked < MIB);
}

static void eight_places_are_eight_streams(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t asked = 0;

	(void)state;
	for (uint64_t at = 0; at < 32 * MIB; at += 256 * KIB)
		for (uint64_t stream = 0; stream < 8; stream++)
			asked += note(&p, stream * 200 * MIB + at, 256 * KIB);
	assert_true(asked >= 8 * 32 * MIB);
}

static void out_of_order_requests_stay_one_stream(void **state)
{
	static const unsigned order[] = {1, 0, 3, 2, 5, 4, 7, 6};
	struct prefetch p = {.size = SIZE};
	unsigned used = 0;

	(void)state;
	for (uint64_t base = 0; base < 64; base += 8)
		for (unsigned i = 0; i < 8; i++)
			(void)note(&p, (base + order[i]) * 256 * KIB, 256 * KIB);
	for (unsigned i = 0; i < PREFETCH_HEADS; i++)
		used += p.heads[i].used != 0;
	assert_int_equal(used, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_read_brings_nothing),
		cmocka_unit_test(a_header_brings_at_most_itself_again),
		cmocka_unit_test(a_long_read_reaches_the_window_and_stays_there),
		cmocka_unit_test(nothing_is_asked_beyond_the_end),
		cmocka_unit_test(random_reads_bring_nothing),
		cmocka_unit_test(eight_places_are_eight_streams),
		cmocka_unit_test(out_of_order_requests_stay_one_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

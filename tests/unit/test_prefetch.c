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

/* From the beginning, or behind a first chunk that came with the file's size. */
static void some_megabytes_of_a_beginning_bring_half_of_it(void **state)
{
	(void)state;
	for (uint64_t from = 0; from <= 256 * KIB; from += 256 * KIB) {
		struct prefetch p = {.size = SIZE};
		uint64_t read = 7 * MIB - from, asked = read_in_order(&p, from, read, 128 * KIB);

		assert_true(asked >= read && asked <= read + read / 2);
	}
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

static uint64_t next_random(uint64_t *x)
{
	*x = *x * 6364136223846793005ull + 1442695040888963407ull;
	return *x >> 33;
}

static void the_first_request_of_a_known_run_brings_the_rest_and_no_more(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t x = 1;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		uint64_t off = next_random(&x) % 2047 * MIB, first = note(&p, off, 256 * KIB), rest = 0;

		for (uint64_t at = 256 * KIB; at < MIB; at += 256 * KIB)
			rest += note(&p, off + at, 256 * KIB);
		if (i >= 16 && first) /* else it was next to one of the last */
			assert_int_equal(first, 768 * KIB);
		if (i >= 16 && first)
			assert_int_equal(rest, 0);
	}
}

/* One read; gives whether a want of this class came of it, and the last of them. */
static bool note_class(struct prefetch *p, uint64_t off, uint64_t len, uint64_t now_ms, enum prefetch_class class, struct prefetch_want *last)
{
	const struct prefetch_read r = {.off = off, .len = len, .now_ms = now_ms, .hit = true};
	struct prefetch_want wants[PREFETCH_WANTS_MAX];
	unsigned nr = prefetch_note(p, &r, &(struct prefetch_limits){.ahead = WINDOW}, wants, PREFETCH_WANTS_MAX);
	bool found = false;

	for (unsigned i = 0; i < nr; i++)
		if (wants[i].class == class) {
			*last = wants[i];
			found = true;
		}
	return found;
}

/* Blocks of 1 MiB touched in no order; of a mapping, where a fault reads around itself, or by read(). */
static unsigned touch_blocks(struct prefetch *p, bool mapped, struct prefetch_want *sweep)
{
	uint64_t x = 1, around = mapped ? 128 * KIB : 0;
	unsigned sweeps = 0;

	for (unsigned i = 0; i < 100; i++) {
		uint64_t off = (1 + next_random(&x) % 2046) * MIB - around;

		for (uint64_t at = 0; at < MIB + around; at += 256 * KIB)
			sweeps += note_class(p, off + at, 256 * KIB, i, PREFETCH_SWEEP, sweep);
	}
	return sweeps;
}

/* Many threads begin at once: their first reads look like runs of their own, until they go on. */
static void runs_that_seemed_short_are_learned_anew(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t asked = 0;

	(void)state;
	for (uint64_t i = 0; i < 16; i++)
		(void)note(&p, 1000 * MIB + i * 10 * MIB, 256 * KIB);
	for (uint64_t i = 0; i < 20; i++) {
		asked = note(&p, (i * 37 % 100) * 10 * MIB, 256 * KIB);
		(void)read_in_order(&p, (i * 37 % 100) * 10 * MIB + 256 * KIB, 768 * KIB, 256 * KIB);
	}
	assert_int_equal(asked, 768 * KIB);
}

/* Blocks, with the readahead behind them; two threads hand over the last two requests the other way round. */
static void readahead_may_come_before_the_last_request_of_a_block(void **state)
{
	struct prefetch p = {.size = SIZE};

	(void)state;
	for (uint64_t i = 0; i < 40; i++) {
		uint64_t off = i * 37 % 100 * 10 * MIB, asked = read_in_order(&p, off, 768 * KIB, 256 * KIB);

		if (i >= 8)
			assert_true(prefetch_is_overrun(&p, off + MIB, 256 * KIB));
		asked += note(&p, off + MIB, 256 * KIB);
		asked += note(&p, off + 768 * KIB, 256 * KIB);
		if (i >= 8)
			assert_int_equal(asked, 768 * KIB);
	}
}

static void a_shuffled_mapping_is_swept_until_its_reader_stops(void **state)
{
	struct prefetch p = {.size = SIZE};
	struct prefetch_want sweep = {0};

	(void)state;
	assert_int_equal(touch_blocks(&p, true, &sweep), 1);
	assert_int_equal(sweep.off, 0);
	assert_int_equal(sweep.len, SIZE);
	assert_true(prefetch_keeps(&p, 0, SIZE, PREFETCH_SWEEP, 99 + PREFETCH_SWEEP_MS));
	assert_false(prefetch_keeps(&p, 0, SIZE, PREFETCH_SWEEP, 100 + PREFETCH_SWEEP_MS));
	assert_true(note_class(&p, 5 * MIB, 256 * KIB, 1000, PREFETCH_SWEEP, &sweep));
}

static void random_preads_of_blocks_are_no_sweep(void **state)
{
	struct prefetch p = {.size = SIZE};
	struct prefetch_want sweep;

	(void)state;
	assert_int_equal(touch_blocks(&p, false, &sweep), 0);
}

static void a_silent_reader_loses_what_was_not_begun_and_gets_it_again(void **state)
{
	struct prefetch p = {.size = SIZE};
	uint64_t now;

	(void)state;
	(void)read_in_order(&p, 0, 64 * MIB, 256 * KIB);
	now = p.read_ms;
	assert_true(prefetch_keeps(&p, 72 * MIB, MIB, PREFETCH_STREAM, now + PREFETCH_IDLE_MS));
	assert_false(prefetch_keeps(&p, 72 * MIB, MIB, PREFETCH_STREAM, now + PREFETCH_IDLE_MS + 1));
	assert_true(note(&p, 64 * MIB, 256 * KIB) >= 32 * MIB);
}

static void no_budget_brings_nothing(void **state)
{
	struct prefetch p = {.size = SIZE};
	const struct prefetch_limits none = {0};
	struct prefetch_want wants[PREFETCH_WANTS_MAX];

	(void)state;
	for (uint64_t at = 0; at < 32 * MIB; at += MIB)
		assert_int_equal(prefetch_note(&p, &(struct prefetch_read){.off = at, .len = MIB}, &none, wants, PREFETCH_WANTS_MAX), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_read_brings_nothing),
		cmocka_unit_test(a_header_brings_at_most_itself_again),
		cmocka_unit_test(some_megabytes_of_a_beginning_bring_half_of_it),
		cmocka_unit_test(a_long_read_reaches_the_window_and_stays_there),
		cmocka_unit_test(nothing_is_asked_beyond_the_end),
		cmocka_unit_test(random_reads_bring_nothing),
		cmocka_unit_test(eight_places_are_eight_streams),
		cmocka_unit_test(out_of_order_requests_stay_one_stream),
		cmocka_unit_test(the_first_request_of_a_known_run_brings_the_rest_and_no_more),
		cmocka_unit_test(runs_that_seemed_short_are_learned_anew),
		cmocka_unit_test(readahead_may_come_before_the_last_request_of_a_block),
		cmocka_unit_test(a_shuffled_mapping_is_swept_until_its_reader_stops),
		cmocka_unit_test(random_preads_of_blocks_are_no_sweep),
		cmocka_unit_test(a_silent_reader_loses_what_was_not_begun_and_gets_it_again),
		cmocka_unit_test(no_budget_brings_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A request that may wait is answered exactly once. The request below plays libfuse: it has a lock of its own that is held around
 * the interrupt's callback, is freed with its answer, and calls back at once where an interrupt came before watch().
 */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <hffs/clock.h>

#include "parked_int.h"

struct request {
	struct parked parked;
	pthread_mutex_t lock; /* libfuse's of the request */
	atomic_bool is_watched; /* cleared by the answer, too: it frees libfuse's request */
	bool was_interrupted;
	atomic_uint answers;
	atomic_int answer;
	atomic_uint frees;
};

static struct request *of(struct parked *p)
{
	return container_of(p, struct request, parked);
}

static void watch(struct parked *p)
{
	struct request *q = of(p);
	LOCK_SCOPE(&q->lock);

	q->is_watched = true;
	if (q->was_interrupted)
		parked_interrupt(p);
}

static void unwatch(struct parked *p)
{
	LOCK_SCOPE(&of(p)->lock);
	of(p)->is_watched = false;
}

static void answer(struct request *q, int r)
{
	atomic_store(&q->is_watched, false);
	atomic_store(&q->answer, r);
	atomic_fetch_add(&q->answers, 1);
}

static void refuse(struct parked *p, int r)
{
	answer(of(p), r);
}

static void release(struct parked *p)
{
	atomic_fetch_add(&of(p)->frees, 1);
}

static const struct parked_ops parking = {watch, unwatch, refuse, release};

/* The kernel's INTERRUPT, on whatever thread. */
static void interrupt(struct request *q)
{
	LOCK_SCOPE(&q->lock);
	q->was_interrupted = true;
	if (atomic_load(&q->is_watched))
		parked_interrupt(&q->parked);
}

static void begin(struct parked_list *l, struct request *q, bool is_data, uint64_t deadline_ms)
{
	memset(q, 0, sizeof(*q));
	pthread_mutex_init(&q->lock, NULL);
	parked_begin(l, &q->parked, is_data, deadline_ms);
}

static void done(struct request *q)
{
	if (parked_claim(&q->parked)) {
		answer(q, 0);
		parked_answered(&q->parked);
	}
	parked_end(&q->parked);
}

static void expect(struct request *q, int r, unsigned frees)
{
	assert_int_equal(atomic_load(&q->answers), 1);
	assert_int_equal(atomic_load(&q->answer), r);
	assert_int_equal(atomic_load(&q->frees), frees);
}

static int setup(void **state)
{
	static struct parked_list list;

	parked_list_init(&list, &parking);
	*state = &list;
	return 0;
}

static int teardown(void **state)
{
	struct parked_list *l = *state;

	assert_int_equal(l->nr, 0);
	assert_int_equal(l->unanswered, 0);
	assert_int_equal(l->data_calls, 0);
	assert_null(l->first);
	parked_list_done(l);
	clock_fake(UINT64_MAX, 0);
	return 0;
}

static void an_answer_at_once_is_never_parked(void **state)
{
	struct request q;

	begin(*state, &q, true, UINT64_MAX);
	done(&q);
	assert_int_equal(q.frees, 0);
	parked_wait(&q.parked);
	expect(&q, 0, 1);
}

static void an_answer_later(void **state)
{
	struct request q;

	begin(*state, &q, false, UINT64_MAX);
	parked_wait(&q.parked);
	assert_int_equal(parked_nr(*state), 1);
	done(&q);
	expect(&q, 0, 1);
}

static void an_interrupt_answers_and_the_callback_only_frees(void **state)
{
	struct request q;

	begin(*state, &q, true, UINT64_MAX);
	parked_wait(&q.parked);
	interrupt(&q);
	expect(&q, -EINTR, 0);
	interrupt(&q);
	done(&q);
	expect(&q, -EINTR, 1);
}

static void an_interrupt_before_parking(void **state)
{
	struct request q;

	begin(*state, &q, true, UINT64_MAX);
	interrupt(&q);
	parked_wait(&q.parked);
	expect(&q, -EINTR, 0);
	assert_int_equal(parked_nr(*state), 0);
	done(&q);
	expect(&q, -EINTR, 1);
}

static void an_interrupt_after_the_answer(void **state)
{
	struct request q;

	begin(*state, &q, false, UINT64_MAX);
	done(&q);
	interrupt(&q);
	parked_wait(&q.parked);
	expect(&q, 0, 1);
}

static void a_deadline_passes(void **state)
{
	struct request q, none;

	begin(*state, &q, false, 1000);
	parked_wait(&q.parked);
	begin(*state, &none, false, UINT64_MAX);
	parked_wait(&none.parked);
	parked_expire(*state, 999);
	assert_int_equal(q.answers, 0);
	parked_expire(*state, 1000);
	expect(&q, -ETIMEDOUT, 0);
	parked_expire(*state, UINT64_MAX);
	assert_int_equal(none.answers, 0);
	done(&q);
	done(&none);
	expect(&q, -ETIMEDOUT, 1);
	expect(&none, 0, 1);
}

static void the_end_refuses_what_waits_and_what_comes(void **state)
{
	struct request waiting, later, quick;

	begin(*state, &waiting, false, UINT64_MAX);
	parked_wait(&waiting.parked);
	parked_close(*state);
	expect(&waiting, -ECANCELED, 0);
	begin(*state, &later, true, UINT64_MAX);
	parked_wait(&later.parked);
	expect(&later, -ECANCELED, 0);
	begin(*state, &quick, true, UINT64_MAX);
	done(&quick);
	parked_wait(&quick.parked);
	expect(&quick, 0, 1);
	assert_false(parked_drain(*state, 1)); /* a read has not called back */
	done(&later);
	assert_true(parked_drain(*state, 1));
	done(&waiting);
}

/* --- everybody at once --- */

struct race {
	struct parked_list *list;
	struct request *requests;
	unsigned nr;
	atomic_uint begun;
};

static void *race_callbacks(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < race->nr; i++) {
		while (atomic_load(&race->begun) <= i)
			;
		done(&race->requests[i]);
	}
	return NULL;
}

static void *race_interrupts(void *arg)
{
	struct race *race = arg;

	for (unsigned i = 0; i < race->nr; i++) {
		while (atomic_load(&race->begun) <= i)
			;
		interrupt(&race->requests[i]);
	}
	return NULL;
}

static void *race_deadlines(void *arg)
{
	struct race *race = arg;

	while (atomic_load(&race->begun) < race->nr)
		parked_expire(race->list, 5000);
	parked_close(race->list);
	return NULL;
}

static void everybody_at_once_answers_once(void **state)
{
	enum { NR = 20000 };
	struct race race = {.list = *state, .nr = NR, .requests = calloc(NR, sizeof(struct request))};
	pthread_t threads[3];
	unsigned seen[3] = {0};

	assert_non_null(race.requests);
	assert_int_equal(thread_start(&threads[0], "callbacks", race_callbacks, &race), 0);
	assert_int_equal(thread_start(&threads[1], "interrupts", race_interrupts, &race), 0);
	assert_int_equal(thread_start(&threads[2], "deadlines", race_deadlines, &race), 0);
	for (unsigned i = 0; i < NR; i++) {
		begin(*state, &race.requests[i], i % 2, i % 3 ? UINT64_MAX : 1);
		atomic_store(&race.begun, i + 1);
		parked_wait(&race.requests[i].parked);
	}
	for (unsigned i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	for (unsigned i = 0; i < NR; i++) {
		int r = atomic_load(&race.requests[i].answer);

		expect(&race.requests[i], r, 1);
		seen[r == 0 ? 0 : r == -EINTR ? 1 : 2]++;
	}
	print_message("answered %u, interrupted %u, refused %u\n", seen[0], seen[1], seen[2]);
	free(race.requests);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_answer_at_once_is_never_parked),
		TEST(an_answer_later),
		TEST(an_interrupt_answers_and_the_callback_only_frees),
		TEST(an_interrupt_before_parking),
		TEST(an_interrupt_after_the_answer),
		TEST(a_deadline_passes),
		TEST(the_end_refuses_what_waits_and_what_comes),
		TEST(everybody_at_once_answers_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Workers for one loop at a time. A token of a small model is some two hundred short loops, so to begin and to end one costs about a
 * microsecond where workers are awake: they look for the next one for a short while before they sleep on a futex.
 *
 * `gate` is the whole state: the loop's number, whether it is open, and how many workers are inside. A worker enters an open gate by
 * counting itself in; the caller closes the gate when no part is left and waits for those inside only. So a worker whose core is
 * taken away holds nobody up, unless it has a part in hand: parts are small, and taken one by one.
 *
 * Each thread has a share of the loop, whether it came or not, and goes through it from the front, so that it reads one stretch of
 * memory: to begin somewhere else costs as much as some kilobytes. Who is done takes half of what is left of another's share, from the
 * back.
 *
 * Members of the loop are written by the caller while the gate is closed and nobody is inside, and read inside only.
 */
#include "kernels_int.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>

#include <hffs/thread.h>

#define THREADS_MAX 1024u
#define SPINS 3000        /* looks before sleeping: some 50 us, longer than what lies between two loops of a token */
#define PARTS_A_THREAD 16 /* of its share: what a disturbed core can hold up is a part */

#define GATE_OPEN (UINT64_C(1) << 31)
#define GATE_INSIDE (GATE_OPEN - 1)
#define GATE_NUMBER(gate) ((uint32_t)((gate) >> 32))

struct worker {
	struct crew *crew;
	pthread_t thread;
	unsigned idx;
};

struct share {
	_Alignas(64) _Atomic uint64_t left; /* what nobody took: grains [left >> 32, left & UINT32_MAX) */
};

struct crew {
	_Alignas(64) _Atomic uint64_t gate; /* number << 32, GATE_OPEN, workers inside */
	_Atomic uint32_t bell;              /* rung when a gate opens; workers sleep on it */
	_Atomic uint32_t sleepers;
	_Atomic uint32_t last_out; /* rung when the last worker leaves a closed gate; the caller sleeps on it */
	_Atomic bool caller_sleeps;
	_Atomic bool quit;

	_Alignas(64) size_t n, grain;
	uint32_t part; /* grains that are taken at once */
	void (*run)(void *ctx, size_t begin, size_t end, unsigned thread);
	void *ctx;

	unsigned nr; /* workers, without the caller */
	struct worker *workers;
	struct share *shares; /* one for each thread; the caller's is the first */
};

#if defined(__x86_64__) || defined(__i386__)
static inline void relax(void)
{
	__builtin_ia32_pause();
}
#elif defined(__aarch64__)
static inline void relax(void)
{
	__asm__ volatile("yield");
}
#else
static inline void relax(void)
{
}
#endif

/* Returns at once if *word is not `seen`; may return for no reason. */
static void futex_sleep(_Atomic uint32_t *word, uint32_t seen)
{
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word, int nr)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

static uint64_t range(uint32_t begin, uint32_t end)
{
	return (uint64_t)begin << 32 | end;
}

/* The first grains of a share. */
static bool take_part(struct crew *c, struct share *own, uint32_t *begin, uint32_t *end)
{
	uint64_t left = atomic_load_explicit(&own->left, memory_order_relaxed);
	uint32_t last;

	do {
		*begin = (uint32_t)(left >> 32);
		last = (uint32_t)left;
		if (*begin >= last)
			return false;
		*end = last - *begin < c->part ? last : *begin + c->part;
	} while (!atomic_compare_exchange_weak_explicit(&own->left, &left, range(*end, last), memory_order_relaxed, memory_order_relaxed));
	return true;
}

/* The latter half of another share becomes this one, which is empty. */
static bool take_half(struct share *own, struct share *other)
{
	uint64_t left = atomic_load_explicit(&other->left, memory_order_relaxed);
	uint32_t begin, middle, last;

	do {
		begin = (uint32_t)(left >> 32);
		last = (uint32_t)left;
		if (begin >= last)
			return false;
		middle = begin + (last - begin) / 2;
	} while (!atomic_compare_exchange_weak_explicit(&other->left, &left, range(begin, middle), memory_order_relaxed, memory_order_relaxed));
	atomic_store_explicit(&own->left, range(middle, last), memory_order_relaxed);
	return true;
}

static bool take_from_others(struct crew *c, unsigned thread)
{
	for (unsigned i = thread + 1; i <= thread + c->nr; i++)
		if (take_half(&c->shares[thread], &c->shares[i % (c->nr + 1)]))
			return true;
	return false;
}

static void run_parts(struct crew *c, unsigned thread)
{
	uint32_t begin, end;

	do
		while (take_part(c, &c->shares[thread], &begin, &end))
			c->run(c->ctx, begin * c->grain, min_u64(c->n, end * c->grain), thread);
	while (take_from_others(c, thread));
}

static void leave(struct crew *c)
{
	uint64_t gate = atomic_fetch_sub(&c->gate, 1) - 1;

	if (gate & (GATE_OPEN | GATE_INSIDE))
		return;
	atomic_fetch_add(&c->last_out, 1);
	if (atomic_load(&c->caller_sleeps))
		futex_wake(&c->last_out, 1);
}

/* True if this worker is inside now: the gate is open, and not the one that it came from. */
static bool enter(struct crew *c, uint32_t *number)
{
	uint64_t gate = atomic_load_explicit(&c->gate, memory_order_acquire);

	while ((gate & GATE_OPEN) && GATE_NUMBER(gate) != *number)
		if (atomic_compare_exchange_weak(&c->gate, &gate, gate + 1)) {
			*number = GATE_NUMBER(gate);
			return true;
		}
	return false;
}

static void sleep_until_rung(struct crew *c, uint32_t number)
{
	uint32_t seen = atomic_load(&c->bell);
	uint64_t gate;

	atomic_fetch_add(&c->sleepers, 1);
	gate = atomic_load(&c->gate);
	if (!((gate & GATE_OPEN) && GATE_NUMBER(gate) != number) && !atomic_load(&c->quit))
		futex_sleep(&c->bell, seen);
	atomic_fetch_sub(&c->sleepers, 1);
}

static void *work(void *arg)
{
	const struct worker *w = arg;
	struct crew *c = w->crew;
	uint32_t number = 0;

	for (int spins = 0; !atomic_load_explicit(&c->quit, memory_order_relaxed);) {
		if (enter(c, &number)) {
			run_parts(c, w->idx);
			leave(c);
			spins = 0;
		} else if (++spins < SPINS) {
			relax();
		} else {
			sleep_until_rung(c, number);
			spins = 0;
		}
	}
	return NULL;
}

static void wake_workers(struct crew *c)
{
	atomic_fetch_add(&c->bell, 1);
	if (atomic_load(&c->sleepers))
		futex_wake(&c->bell, INT_MAX);
}

static void wait_for_those_inside(struct crew *c)
{
	for (int spins = 0; spins < SPINS; spins++) {
		if (!(atomic_load_explicit(&c->gate, memory_order_acquire) & GATE_INSIDE))
			return;
		relax();
	}
	atomic_store(&c->caller_sleeps, true);
	for (;;) {
		uint32_t seen = atomic_load(&c->last_out);

		if (!(atomic_load(&c->gate) & GATE_INSIDE))
			break;
		futex_sleep(&c->last_out, seen);
	}
	atomic_store(&c->caller_sleeps, false);
}

/* Shares differ by a grain at most. */
static void share_out(struct crew *c, size_t n, size_t grain)
{
	size_t grains = (n - 1) / grain + 1, threads = c->nr + 1;

	assert(grains <= UINT32_MAX);
	c->n = n;
	c->grain = grain;
	c->part = (uint32_t)((grains - 1) / (threads * PARTS_A_THREAD) + 1);
	for (size_t i = 0; i < threads; i++)
		atomic_store_explicit(&c->shares[i].left, range((uint32_t)(grains * i / threads), (uint32_t)(grains * (i + 1) / threads)),
				      memory_order_relaxed);
}

void crew_run(struct crew *c, size_t n, size_t grain, void (*run)(void *ctx, size_t begin, size_t end, unsigned thread), void *ctx)
{
	uint64_t number = GATE_NUMBER(atomic_load_explicit(&c->gate, memory_order_relaxed));

	assert(grain);
	if (!n)
		return;
	if (!c->nr || n <= grain) {
		run(ctx, 0, n, 0);
		return;
	}
	share_out(c, n, grain);
	c->run = run;
	c->ctx = ctx;
	number = (number + 1) & UINT32_MAX;
	atomic_store(&c->gate, number << 32 | GATE_OPEN);
	wake_workers(c);
	run_parts(c, 0);
	atomic_fetch_and(&c->gate, ~GATE_OPEN);
	wait_for_those_inside(c);
}

unsigned crew_threads(const struct crew *c)
{
	return c->nr + 1;
}

int crew_new(unsigned n, struct crew **out)
{
	AUTO(crew_free) struct crew *c = NULL;
	int r;

	if (!n || n > THREADS_MAX)
		return -EINVAL;
	c = aligned_alloc(_Alignof(struct crew), sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct crew){0};
	c->workers = calloc(n, sizeof(*c->workers));
	c->shares = aligned_alloc(_Alignof(struct share), n * sizeof(*c->shares));
	if (!c->workers || !c->shares)
		return -ENOMEM;
	for (; c->nr < n - 1; c->nr++) {
		struct worker *w = &c->workers[c->nr];
		char name[16];

		*w = (struct worker){.crew = c, .idx = c->nr + 1};
		(void)snprintf(name, sizeof(name), "infer-%u", w->idx); /* cut is fine: for people who look */
		r = thread_start(&w->thread, name, work, w);
		if (r < 0)
			return r;
	}
	*out = TAKE(c);
	return 0;
}

void crew_free(struct crew *c)
{
	if (!c)
		return;
	atomic_store(&c->quit, true);
	atomic_fetch_add(&c->bell, 1);
	futex_wake(&c->bell, INT_MAX);
	for (unsigned i = 0; i < c->nr; i++)
		pthread_join(c->workers[i].thread, NULL);
	free(c->workers);
	free(c->shares);
	free(c);
}

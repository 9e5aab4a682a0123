// SPDX-License-Identifier: Apache-2.0
/* The places at the disk: who came when, and what follows from the time that it takes. */
#include "disk_int.h"

#include <stdatomic.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/thread.h>

#define DISK_SLOW_MS 2000 /* as the log says it */
#define DISK_REST_MS 10000
#define DISK_SAY_MS 60000 /* between two lines in the log */
#define DISK_FAILURES 3   /* so many reads that fail within this time, and it is passed by for as long */
#define DISK_FAILURES_MS 60000
/*
 * ext4 lets one at a time write past the page cache into a file that has no blocks there yet; more of them wait for its lock and keep
 * processors busy with that: four took 1.1 times as long as two, for a fast link on two processors. More places than these are for reads.
 */
#define WRITES_MAX 2
#define WATCHED_MAX 16 /* readers at once whose time is taken */

struct disk {
	pthread_mutex_t lock; /* guards the next lines */
	pthread_cond_t left;
	uint64_t slow_ms;       /* when a call was last found to take too long */
	uint64_t rests_until_ms;
	uint64_t said_ms;
	uint64_t failed_ms[DISK_FAILURES], failed_until_ms; /* a ring of the last failures; the rest that followed */
	unsigned nr_failed;
	unsigned nr;       /* places; WATCHED_MAX more behind them are readers', which nobody waits for */
	uint64_t *came_ms; /* of each; 0: free */
	atomic_bool is_slow;
};

struct disk *disk_new(unsigned places)
{
	struct disk *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->came_ms = calloc(places + WATCHED_MAX, sizeof(*d->came_ms));
	if (!d->came_ms) {
		free(d);
		return NULL;
	}
	d->nr = places;
	pthread_mutex_init(&d->lock, NULL);
	cond_init(&d->left);
	return d;
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	pthread_cond_destroy(&d->left);
	pthread_mutex_destroy(&d->lock);
	free(d->came_ms);
	free(d);
}

static void rest_locked(struct disk *d, uint64_t now, uint64_t rest_ms, const char *why)
{
	d->slow_ms = now;
	d->rests_until_ms = max_u64(d->rests_until_ms, now + rest_ms);
	atomic_store(&d->is_slow, true);
	if (d->said_ms && now - d->said_ms < DISK_SAY_MS)
		return;
	d->said_ms = now;
	log_warn("the cache's disk %s: it is passed by for a while", why);
}

static void found_slow_locked(struct disk *d, uint64_t now)
{
	rest_locked(d, now, DISK_REST_MS, "takes more than 2 s to answer");
}

/* When the oldest of those that are there will have been there for too long; UINT64_MAX: nobody is. */
static uint64_t patience_locked(const struct disk *d)
{
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < d->nr + WATCHED_MAX; i++)
		if (d->came_ms[i])
			oldest = min_u64(oldest, d->came_ms[i] + DISK_SLOW_MS);
	return oldest;
}

/* Reads begin with the last ones, which are theirs alone. d->nr: none. */
static unsigned free_place_locked(const struct disk *d, enum disk_use use)
{
	for (unsigned n = 0; n < d->nr && (use == DISK_READ || n < WRITES_MAX); n++) {
		unsigned i = use == DISK_READ ? d->nr - 1 - n : n;

		if (!d->came_ms[i])
			return i;
	}
	return d->nr;
}

bool disk_enter(struct disk *d, enum disk_use use, unsigned *place)
{
	LOCK_SCOPE(&d->lock);

	for (;;) {
		uint64_t now = clock_mono_ms(), patience = patience_locked(d);
		unsigned i = free_place_locked(d, use);

		if (patience <= now)
			found_slow_locked(d, now);
		if (patience <= now || (use != DISK_TRIAL && now < d->rests_until_ms))
			return false;
		if (i < d->nr) {
			d->came_ms[i] = now ? now : 1;
			*place = i;
			return true;
		}
		(void)cond_wait_ms(&d->left, &d->lock, patience - now);
	}
}

void disk_leave(struct disk *d, unsigned place)
{
	LOCK_SCOPE(&d->lock);
	uint64_t now = clock_mono_ms(), came_ms = d->came_ms[place];

	d->came_ms[place] = 0;
	if (now - came_ms >= DISK_SLOW_MS) {
		found_slow_locked(d, now);
	} else if (came_ms >= d->slow_ms && now >= d->failed_until_ms) {
		d->rests_until_ms = 0;
		atomic_store(&d->is_slow, false);
	}
	pthread_cond_broadcast(&d->left); /* not everyone can use this place */
}

void disk_failed(struct disk *d)
{
	uint64_t now = clock_mono_ms(), *oldest;
	LOCK_SCOPE(&d->lock);

	oldest = &d->failed_ms[d->nr_failed++ % DISK_FAILURES];
	if (*oldest && now - *oldest < DISK_FAILURES_MS) {
		d->failed_until_ms = now + DISK_FAILURES_MS;
		rest_locked(d, now, DISK_FAILURES_MS, "does not give back what it has");
	}
	*oldest = now;
}

unsigned disk_watch(struct disk *d)
{
	uint64_t now = clock_mono_ms();
	unsigned i = d->nr;
	LOCK_SCOPE(&d->lock);

	while (i < d->nr + WATCHED_MAX && d->came_ms[i])
		i++;
	if (i < d->nr + WATCHED_MAX)
		d->came_ms[i] = now ? now : 1;
	return i;
}

void disk_unwatch(struct disk *d, unsigned place)
{
	uint64_t now = clock_mono_ms();
	LOCK_SCOPE(&d->lock);

	if (place == d->nr + WATCHED_MAX)
		return;
	if (now - d->came_ms[place] >= DISK_SLOW_MS)
		found_slow_locked(d, now);
	d->came_ms[place] = 0;
}

void disk_look(struct disk *d)
{
	LOCK_SCOPE(&d->lock);
	uint64_t now = clock_mono_ms();

	if (patience_locked(d) <= now)
		found_slow_locked(d, now);
	else if (now >= d->rests_until_ms)
		atomic_store(&d->is_slow, false);
}

bool disk_is_slow(const struct disk *d)
{
	return atomic_load_explicit(&d->is_slow, memory_order_relaxed);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A plain folder over time. Each state that a scan found is kept, so that a client that has begun with a commit can finish with
 * it as far as its files are still there. Kept are LIVE_STATES_MAX states, fewer where they are large; the oldest go first.
 * Scans come at most once a second, and looking for files takes a tenth of the time at most. A file found changed asks for an
 * earlier scan.
 */
#include "live_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

#include "folder_int.h"

#define SCAN_EVERY_MS 1000
#define SCAN_SHARE 10         /* a scan is not repeated before this many times its own duration without hashing */
#define SCAN_SOON_MS 200      /* the least between two scans */
#define ENTRIES_MAX 2000000   /* entries kept in all states together, except that two states are always kept */

struct live {
	char *dir, *state_dir;
	pthread_mutex_t lock;
	pthread_cond_t scanned;
	struct listing *states[LIVE_STATES_MAX]; /* newest first */
	size_t nr;
	bool scanning;
	uint64_t next_scan_ms, soonest_scan_ms;
	const atomic_bool *stop;
};

struct live *live_new(const char *dir, const char *state_dir, const atomic_bool *stop)
{
	struct live *v = calloc(1, sizeof(*v));

	if (!v)
		return NULL;
	pthread_mutex_init(&v->lock, NULL);
	cond_init(&v->scanned);
	v->stop = stop;
	v->dir = strdup(dir);
	v->state_dir = state_dir ? strdup(state_dir) : NULL;
	if (!v->dir || (state_dir && !v->state_dir)) {
		live_free(v);
		return NULL;
	}
	return v;
}

void live_free(struct live *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->nr; i++)
		listing_unref(v->states[i]);
	pthread_cond_destroy(&v->scanned);
	pthread_mutex_destroy(&v->lock);
	free(v->dir);
	free(v->state_dir);
	free(v);
}

static void drop_oldest_locked(struct live *v)
{
	listing_unref(v->states[--v->nr]);
}

/* Takes l. A state seen before moves to the front, with its present stamps. */
static void add_state_locked(struct live *v, struct listing *l)
{
	size_t entries = l->nr, keep = 1;

	for (size_t i = 0; i < v->nr; i++) {
		if (memcmp(v->states[i]->commit, l->commit, sizeof(l->commit)) != 0)
			continue;
		listing_unref(v->states[i]);
		memmove(&v->states[i], &v->states[i + 1], (v->nr - i - 1) * sizeof(v->states[0]));
		v->nr--;
		break;
	}
	if (v->nr == LIVE_STATES_MAX)
		drop_oldest_locked(v);
	memmove(&v->states[1], &v->states[0], v->nr * sizeof(v->states[0]));
	v->states[0] = l;
	v->nr++;
	while (keep < v->nr && (keep < 2 || entries + v->states[keep]->nr <= ENTRIES_MAX))
		entries += v->states[keep++]->nr;
	while (v->nr > keep)
		drop_oldest_locked(v);
}

/* Scans without the lock; `scanning` is ours. */
static int scan(struct live *v, struct listing *prev, struct err *err)
{
	struct listing *l = NULL;
	int r = folder_scan(v->dir, v->state_dir, v->stop, prev, &l, err);
	LOCK_SCOPE(&v->lock);

	v->scanning = false;
	v->soonest_scan_ms = clock_mono_ms() + SCAN_SOON_MS;
	v->next_scan_ms = clock_mono_ms() + max_u64(l ? l->walk_ms * SCAN_SHARE : 0, SCAN_EVERY_MS);
	if (r == 0)
		add_state_locked(v, l);
	pthread_cond_broadcast(&v->scanned);
	return r;
}

/* True if the caller is to scan; else *out is the newest state. */
static bool begin_scan(struct live *v, struct listing **out)
{
	LOCK_SCOPE(&v->lock);

	while (v->scanning && v->nr == 0)
		pthread_cond_wait(&v->scanned, &v->lock);
	*out = v->nr ? listing_ref(v->states[0]) : NULL;
	if (*out && (v->scanning || clock_mono_ms() < v->next_scan_ms))
		return false;
	v->scanning = true;
	return true;
}

int live_newest(struct live *v, struct listing **out, struct err *err)
{
	AUTO(listing_unref) struct listing *prev = NULL;
	int r;

	if (!begin_scan(v, &prev)) {
		*out = TAKE(prev);
		return 0;
	}
	r = scan(v, prev, err);
	if (r < 0)
		return r;
	LOCK_SCOPE(&v->lock);
	*out = listing_ref(v->states[0]);
	return 0;
}

struct listing *live_find(struct live *v, const char *hex)
{
	LOCK_SCOPE(&v->lock);

	for (size_t i = 0; i < v->nr; i++)
		if (!strncmp(v->states[i]->commit_hex, hex, strlen(hex)))
			return listing_ref(v->states[i]);
	return NULL;
}

size_t live_all(struct live *v, struct listing **out, size_t max)
{
	size_t n;
	LOCK_SCOPE(&v->lock);

	n = v->nr < max ? v->nr : max;
	for (size_t i = 0; i < n; i++)
		out[i] = listing_ref(v->states[i]);
	return n;
}

int live_rescan(struct live *v, struct listing **out, struct err *err)
{
	uint64_t now = clock_mono_ms(), soonest;

	pthread_mutex_lock(&v->lock);
	soonest = v->soonest_scan_ms;
	v->next_scan_ms = min_u64(v->next_scan_ms, soonest);
	pthread_mutex_unlock(&v->lock);
	if (now < soonest)
		(void)usleep((useconds_t)(soonest - now) * 1000); /* SCAN_SOON_MS at most, on this request's own thread */
	return live_newest(v, out, err);
}

/* Where the same bytes are now; the descriptor, or -ESTALE. */
static int open_elsewhere(struct live *v, const struct entry *e)
{
	AUTO(listing_unref) struct listing *newest = NULL;
	const struct entry *now;
	int r = live_rescan(v, &newest, NULL);

	if (r < 0)
		return r;
	now = e->is_lfs ? listing_find_sha256(newest, e->sha256) : listing_find(newest, e->path);
	if (!now || now->is_dir || memcmp(now->oid, e->oid, sizeof(e->oid)) != 0)
		return -ESTALE;
	return folder_open(v->dir, now);
}

int live_open(struct live *v, const struct entry *e)
{
	int fd = folder_open(v->dir, e);

	return fd == -ESTALE || fd == -ENOENT ? open_elsewhere(v, e) : fd;
}

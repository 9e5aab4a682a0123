// SPDX-License-Identifier: Apache-2.0
/*
 * A blob that goes takes its chunks off the lists first, so the blob of a chunk on a list is there as long as the lists are
 * locked; an only copy has a reference to it. Giving up goes from a list to the blob, against the order of locks: there it only
 * tries the blob's lock, and who is busy is passed over.
 */
#include "hot_int.h"

#include <hffs/clock.h>

#define SPENT_KEPT 240 /* read through; the prover comes later: when the front jumps over what came before it, by tens of MiB */
#define FRESH_MS 2000 /* what came lately is about to be read */
#define ONLY_KEPT 48  /* refused by the disk; enough for readers that take a chunk in small pieces */

struct hot_list {
	struct chunk_buf *oldest, *newest;
	unsigned nr;
};

struct hot {
	pthread_mutex_t lock; /* guards the lists, and chunk_buf->{older, newer, place} */
	struct hot_list lists[HOT_LISTS];
};

struct hot *hot_new(void)
{
	struct hot *h = calloc(1, sizeof(*h));

	if (h)
		pthread_mutex_init(&h->lock, NULL);
	return h;
}

/* --- lists --- */

static void unlink_chunk(struct hot *h, struct chunk_buf *c)
{
	struct hot_list *l = &h->lists[c->place];

	if (c->place == HOT_NOWHERE)
		return;
	*(c->older ? &c->older->newer : &l->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &l->newest) = c->older;
	l->nr--;
	c->place = HOT_NOWHERE;
}

static void move_chunk(struct chunk_buf *c, enum hot_place place)
{
	struct hot *h = c->blob->fetch->hot;
	struct hot_list *l = &h->lists[place];
	LOCK_SCOPE(&h->lock);

	unlink_chunk(h, c);
	c->place = place;
	if (place == HOT_NOWHERE)
		return;
	c->placed_ms = clock_mono_ms();
	c->older = l->newest;
	c->newer = NULL;
	*(l->newest ? &l->newest->newer : &l->oldest) = c;
	l->newest = c;
	l->nr++;
}

static void unlink_from_blob_locked(struct blob *b, const struct chunk_buf *c)
{
	struct chunk_buf **at = &b->hot;

	while (*at != c)
		at = &(*at)->next_hot;
	*at = c->next_hot;
}

/* --- a blob's chunks --- */

void hot_add_locked(struct blob *b, struct chunk_buf *c)
{
	c->is_storing = true;
	c->is_queued = true;
	c->is_taken = false;
	c->taken = 0;
	c->place = HOT_NOWHERE;
	c->next_hot = b->hot;
	b->hot = c;
}

void hot_settle_locked(struct chunk_buf *c, bool is_on_disk)
{
	c->is_storing = false;
	if (!is_on_disk)
		(void)blob_ref(c->blob);
	move_chunk(c, !is_on_disk ? HOT_ONLY : c->taken >= c->len || c->is_ordered ? HOT_SPENT : HOT_STORED);
}

struct chunk_buf *hot_find_locked(const struct blob *b, uint64_t idx)
{
	struct chunk_buf *c = b->hot;

	while (c && c->idx != idx)
		c = c->next_hot;
	return c;
}

bool hot_is_storing_locked(const struct blob *b, uint64_t idx)
{
	const struct chunk_buf *c = hot_find_locked(b, idx);

	return c && c->is_storing;
}

void hot_taken_locked(struct chunk_buf *c, uint64_t bytes)
{
	c->taken += bytes;
	if (c->place == HOT_STORED && c->taken >= c->len)
		move_chunk(c, HOT_SPENT);
}

static void drop_locked(struct blob *b, struct chunk_buf *c)
{
	bool was_only = c->place == HOT_ONLY;

	unlink_from_blob_locked(b, c);
	move_chunk(c, HOT_NOWHERE);
	chunk_buf_unref(c);
	if (was_only)
		blob_put(b); /* not the last one: the caller has another */
}

void hot_drop_locked(struct blob *b, uint64_t idx)
{
	struct chunk_buf *c = hot_find_locked(b, idx);

	if (c)
		drop_locked(b, c);
}

void hot_drop_all(struct blob *b)
{
	LOCK_SCOPE(&b->lock);
	while (b->hot)
		drop_locked(b, b->hot);
}

/* --- giving up --- */

/*
 * Where giving up begins: with the oldest; but of chunks that came for a reader who has not got to them yet, with the newest, as it
 * is farthest from him.
 */
static bool begins_with_newest(const struct hot *h, enum hot_place place)
{
	const struct chunk_buf *oldest = h->lists[place].oldest;

	return place == HOT_STORED && oldest && clock_mono_ms() - oldest->placed_ms < FRESH_MS;
}

/* Takes a chunk whose blob is not busy off this list, with its blob's lock held. NULL: none. */
static struct chunk_buf *pick(struct hot *h, enum hot_place place)
{
	bool is_newest;
	LOCK_SCOPE(&h->lock);

	is_newest = begins_with_newest(h, place);
	for (struct chunk_buf *c = is_newest ? h->lists[place].newest : h->lists[place].oldest; c; c = is_newest ? c->older : c->newer) {
		if (pthread_mutex_trylock(&c->blob->lock) != 0)
			continue;
		unlink_chunk(h, c);
		unlink_from_blob_locked(c->blob, c);
		return c;
	}
	return NULL;
}

static bool give_up(struct hot *h, enum hot_place place)
{
	struct chunk_buf *c = pick(h, place);
	struct aftermath a = {0};
	struct blob *b;

	if (!c)
		return false;
	b = c->blob;
	if (place == HOT_ONLY)
		blob_lost_locked(b, c->idx, &a);
	pthread_mutex_unlock(&b->lock);
	chunk_buf_unref(c);
	if (place == HOT_ONLY) {
		blob_settle(b, &a);
		blob_put(b);
	}
	return true;
}

/* The list's reference to the blob becomes the caller's. */
struct chunk_buf *hot_take_only(struct hot *h)
{
	LOCK_SCOPE(&h->lock);

	for (struct chunk_buf *c = h->lists[HOT_ONLY].oldest; c; c = c->newer) {
		if (pthread_mutex_trylock(&c->blob->lock) != 0)
			continue;
		if (c->is_queued) { /* one job each */
			pthread_mutex_unlock(&c->blob->lock);
			continue;
		}
		unlink_chunk(h, c);
		c->is_storing = true;
		chunk_buf_ref(c);
		pthread_mutex_unlock(&c->blob->lock);
		return c;
	}
	return NULL;
}

static unsigned count(struct hot *h, enum hot_place place)
{
	LOCK_SCOPE(&h->lock);
	return h->lists[place].nr;
}

uint64_t hot_refused_ahead(struct hot *h)
{
	return count(h, HOT_ONLY) ? (uint64_t)ONLY_KEPT / 2 * CHUNK_SIZE : 0;
}

void hot_trim(struct hot *h)
{
	while (count(h, HOT_SPENT) > SPENT_KEPT && give_up(h, HOT_SPENT))
		;
	while (count(h, HOT_ONLY) > ONLY_KEPT && give_up(h, HOT_ONLY))
		;
}

bool hot_reclaim(struct hot *h)
{
	return give_up(h, HOT_SPENT) || give_up(h, HOT_STORED);
}

void hot_stop(struct hot *h)
{
	while (h && give_up(h, HOT_ONLY))
		;
}

void hot_free(struct hot *h)
{
	if (!h)
		return;
	pthread_mutex_destroy(&h->lock);
	free(h);
}

struct chunk_buf *hot_borrow(struct fetch *f, const struct blob_id *id, uint64_t idx)
{
	struct blob *b = blob_find(f, id);
	struct chunk_buf *c = NULL;

	if (!b)
		return NULL;
	pthread_mutex_lock(&b->lock);
	if (idx < b->nr && b->state[idx] == CHUNK_PRESENT)
		c = hot_find_locked(b, idx);
	if (c)
		chunk_buf_ref(c);
	pthread_mutex_unlock(&b->lock);
	blob_put(b);
	return c;
}

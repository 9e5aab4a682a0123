// SPDX-License-Identifier: Apache-2.0
/*
 * Pins: blobs that are never evicted, in the index by id, so that they hold for what comes later, too. They change on the keeper's
 * thread, in transactions of their own, while whoever wants that waits: a wish that was granted is on disk.
 */
#include "cache_int.h"

#include <errno.h>
#include <string.h>


#define KEY_MAX 2048

struct change {
	const char *key;
	bool exact;
	const void *bytes;
	size_t len;
	const struct cache_pin_blob *blobs;
	size_t nr;
};

int pins_load(struct cache *c)
{
	uint64_t bytes = 0, cached;
	int r = index_load_pinned(c->index, &bytes, &cached);
	LOCK_SCOPE(&c->stats_lock);

	if (r == 0)
		c->stats.bytes_pinned = bytes;
	return r;
}

/* An index that cannot be read evicts nothing that might be pinned. */
bool pins_have(struct cache *c, const struct blob_id *id)
{
	int r = c->broken ? -EBADMSG : index_is_pinned(c->index, id);

	if (r < 0)
		(void)keeper_index_failed(c, r); /* noted there */
	return r != 0;
}

/* One transaction around a change: what it returned, or -EIO. */
static int commit_change(struct cache *c, const struct change *ch, int (*fn)(struct cache *c, const struct change *ch))
{
	int r = c->broken ? -EIO : index_begin(c->index), changed = 0;

	if (r == 0) {
		changed = fn(c, ch);
		r = changed < 0 ? changed : index_commit(c->index);
	}
	if (r < 0)
		index_rollback(c->index);
	r = keeper_index_failed(c, r);
	if (r == 0)
		r = keeper_index_failed(c, pins_load(c));
	if (r < 0)
		return r == -ENOMEM ? r : -EIO;
	return changed;
}

static int put(struct cache *c, const struct change *ch)
{
	return index_put_pin(c->index, ch->key, strlen(ch->key), ch->bytes, ch->len, ch->blobs, ch->nr);
}

static int drop(struct cache *c, const struct change *ch)
{
	return index_drop_pins(c->index, ch->key, strlen(ch->key), ch->exact);
}

static int put_pin(struct cache *c, void *arg)
{
	return commit_change(c, arg, put);
}

static int drop_pins(struct cache *c, void *arg)
{
	return commit_change(c, arg, drop);
}

int cache_put_pin(struct cache *c, const char *key, const void *bytes, size_t len, const struct cache_pin_blob *blobs, size_t nr)
{
	struct change ch = {.key = key, .bytes = bytes, .len = len, .blobs = blobs, .nr = nr};

	if (!*key || strlen(key) > KEY_MAX)
		return -ENAMETOOLONG;
	return cache_call(c, put_pin, &ch);
}

int cache_drop_pins(struct cache *c, const char *key, bool exact)
{
	struct change ch = {.key = key, .exact = exact};

	return cache_call(c, drop_pins, &ch);
}

struct pin_listing {
	cache_pin_each *each;
	void *ctx;
};

static int list_pins(struct cache *c, void *arg)
{
	const struct pin_listing *l = arg;
	int r = c->broken ? -EIO : keeper_index_failed(c, index_list_pins(c->index, l->each, l->ctx));

	return r == 0 || r == -ENOMEM ? r : -EIO;
}

int cache_list_pins(struct cache *c, cache_pin_each *each, void *ctx)
{
	struct pin_listing l = {each, ctx};

	return cache_call(c, list_pins, &l);
}

// SPDX-License-Identifier: Apache-2.0
/* See ahead_int.h. A family lives as long as it has members; members of one model find each other by a key made of their path. */
#include "ahead_int.h"

#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>

#define KEY_MAX (REPO_NAME_MAX + COMMIT_MAX + 512)

struct named_family {
	struct prefetch_family *family;
	char key[];
};

struct ahead {
	pthread_mutex_t lock; /* guards the rest, and blob->prefetch of every blob */
	struct map families;  /* struct named_family by key */
};

struct ahead *ahead_new(void)
{
	struct ahead *h = calloc(1, sizeof(*h));

	if (h)
		pthread_mutex_init(&h->lock, NULL);
	return h;
}

void ahead_free(struct ahead *h)
{
	if (!h)
		return;
	map_done(&h->families);
	pthread_mutex_destroy(&h->lock);
	free(h);
}

/* --- families --- */

static struct blob *blob_of(struct prefetch *p)
{
	return container_of(p, struct blob, prefetch);
}

static struct named_family *add_family_locked(struct ahead *h, const char *key, size_t len)
{
	struct named_family *n = calloc(1, sizeof(*n) + len + 1);

	if (!n)
		return NULL;
	memcpy(n->key, key, len);
	n->family = prefetch_family_new();
	if (n->family && map_put(&h->families, n->key, len, n) == 0)
		return n;
	prefetch_family_free(n->family);
	free(n);
	return NULL;
}

/* Without memory the blob stays alone. */
static void join_locked(struct ahead *h, struct blob *b, const char *key, uint32_t ordinal)
{
	size_t len = strlen(key);
	struct named_family *n = map_find(&h->families, key, len);

	if (!n)
		n = add_family_locked(h, key, len);
	if (n)
		prefetch_join(&b->prefetch, n->family, ordinal);
}

static void free_family_locked(struct ahead *h, struct prefetch_family *f)
{
	struct named_family *n;
	size_t i = 0;

	while ((n = map_next(&h->families, &i)) && n->family != f)
		;
	if (n)
		map_del(&h->families, n->key, strlen(n->key));
	free(n);
	prefetch_family_free(f);
}

void ahead_join(struct blob *b, const struct object_ref *from)
{
	struct ahead *h = b->fetch->ahead;
	char key[KEY_MAX];
	uint32_t ordinal;
	size_t len = (size_t)snprintf(key, sizeof(key), "%d/%s@%s/", (int)from->repo.kind, from->repo.name, from->commit);

	if (len >= sizeof(key) || !prefetch_shard_name(from->path, key + len, sizeof(key) - len, &ordinal))
		return;
	LOCK_SCOPE(&h->lock);
	join_locked(h, b, key, ordinal);
}

void ahead_leave(struct blob *b)
{
	struct ahead *h = b->fetch->ahead;
	struct prefetch_family *f;
	LOCK_SCOPE(&h->lock);

	f = b->prefetch.family;
	prefetch_leave(&b->prefetch);
	if (f && prefetch_family_is_empty(f))
		free_family_locked(h, f);
}

/* A file that is no shard is a family of its own: its digest is its key. */
void ahead_learned(struct blob *b, const struct prefetch_part *parts, size_t nr)
{
	struct ahead *h = b->fetch->ahead;
	char hex[BLOB_ID_HEX_MAX];
	LOCK_SCOPE(&h->lock);

	if (!b->prefetch.family) {
		blob_id_format(&b->id, hex);
		join_locked(h, b, hex, 0);
	}
	if (b->prefetch.family)
		(void)prefetch_set_parts(&b->prefetch, parts, nr); /* without memory: no parts */
}

void ahead_expect(struct blob *b, uint64_t end)
{
	LOCK_SCOPE(&b->fetch->ahead->lock);
	prefetch_expect(&b->prefetch, end);
}

uint64_t ahead_header(struct blob *b)
{
	LOCK_SCOPE(&b->fetch->ahead->lock);
	return b->prefetch.header;
}

uint32_t ahead_nr_parts(struct blob *b)
{
	LOCK_SCOPE(&b->fetch->ahead->lock);
	return b->prefetch.nr_parts;
}

/* --- reads --- */

static enum want_class class_of(enum prefetch_class c)
{
	return c == PREFETCH_PROBE ? WANT_PROBE : c == PREFETCH_STREAM ? WANT_STREAM : WANT_SWEEP;
}

static enum prefetch_class class_from(enum want_class c)
{
	return c == WANT_PROBE ? PREFETCH_PROBE : c == WANT_STREAM ? PREFETCH_STREAM : PREFETCH_SWEEP;
}

/* Gives the reference to b back. */
static void want(struct blob *b, const struct prefetch_want *w)
{
	struct aftermath a = {.ahead = class_of(w->class), .ahead_bytes = w->ahead};
	uint64_t first = w->off / CHUNK_SIZE, last = (w->off + w->len - 1) / CHUNK_SIZE;
	bool ready;

	pthread_mutex_lock(&b->lock);
	ready = b->ready && !b->quarantined;
	if (ready && w->class != PREFETCH_SWEEP)
		blob_want_locked(b, first, last, false, &a);
	pthread_mutex_unlock(&b->lock);
	if (ready && w->class == PREFETCH_SWEEP)
		sched_want_ahead(b->fetch->sched, b, first, last, WANT_SWEEP, w->ahead);
	blob_settle(b, &a);
	blob_put(b);
}

void ahead_read(struct blob *b, uint64_t off, uint64_t len, bool hit, bool direct)
{
	struct ahead *h = b->fetch->ahead;
	struct prefetch_read r = {.off = off, .len = len, .now_ms = clock_mono_ms(), .hit = hit, .direct = direct};
	struct prefetch_limits limits = sched_note_read(b->fetch->sched, len);
	struct prefetch_want wants[PREFETCH_WANTS_MAX];
	struct blob *of[PREFETCH_WANTS_MAX];
	unsigned nr;

	pthread_mutex_lock(&h->lock);
	nr = prefetch_note(&b->prefetch, &r, &limits, wants, ARRAY_SIZE(wants));
	for (unsigned i = 0; i < nr; i++)
		of[i] = blob_ref_open(blob_of(wants[i].of)); /* of others only what somebody has open */
	pthread_mutex_unlock(&h->lock);
	for (unsigned i = 0; i < nr; i++)
		if (of[i])
			want(of[i], &wants[i]);
}

bool ahead_is_overrun(struct blob *b, uint64_t off, uint64_t len)
{
	LOCK_SCOPE(&b->fetch->ahead->lock);
	return prefetch_is_overrun(&b->prefetch, off, len);
}

bool ahead_keeps(struct blob *b, uint64_t first, uint64_t last, enum want_class class)
{
	uint64_t off = first * CHUNK_SIZE, end = min_u64((last + 1) * CHUNK_SIZE, b->size);
	LOCK_SCOPE(&b->fetch->ahead->lock);

	return prefetch_keeps(&b->prefetch, off, end - off, class_from(class), clock_mono_ms());
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Chunks that the disk refused stay in memory until BYPASS_CHUNKS newer ones came: enough for readers that take a chunk in small
 * pieces, bounded whatever is read.
 */
#include "fetch_int.h"

struct bypass {
	pthread_mutex_t lock;
	unsigned next; /* the oldest entry */
	struct {
		struct blob *blob; /* a reference; NULL: free */
		uint64_t idx;
	} ring[BYPASS_CHUNKS];
};

struct bypass *bypass_new(void)
{
	struct bypass *y = calloc(1, sizeof(*y));

	if (y)
		pthread_mutex_init(&y->lock, NULL);
	return y;
}

static void forget(struct blob *b, uint64_t idx)
{
	struct memory_chunk **at, *m = NULL;
	struct aftermath a = {0};

	pthread_mutex_lock(&b->lock);
	for (at = &b->memory; *at; at = &(*at)->next)
		if ((*at)->idx == idx) {
			m = *at;
			*at = m->next;
			break;
		}
	if (m && b->state[idx] == CHUNK_MEMORY)
		blob_lost_locked(b, idx, &a);
	pthread_mutex_unlock(&b->lock);
	if (m)
		chunk_buf_unref(m->buf);
	free(m);
	blob_settle(b, &a);
	blob_put(b);
}

void bypass_add(struct bypass *y, struct blob *b, uint64_t idx)
{
	struct blob *old;
	uint64_t old_idx;

	blob_ref(b);
	pthread_mutex_lock(&y->lock);
	old = y->ring[y->next].blob;
	old_idx = y->ring[y->next].idx;
	y->ring[y->next].blob = b;
	y->ring[y->next].idx = idx;
	y->next = (y->next + 1) % BYPASS_CHUNKS;
	pthread_mutex_unlock(&y->lock);
	if (old)
		forget(old, old_idx);
}

void bypass_free(struct bypass *y)
{
	if (!y)
		return;
	for (unsigned i = 0; i < BYPASS_CHUNKS; i++)
		if (y->ring[i].blob)
			forget(y->ring[i].blob, y->ring[i].idx);
	pthread_mutex_destroy(&y->lock);
	free(y);
}

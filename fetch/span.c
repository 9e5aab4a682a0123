// SPDX-License-Identifier: Apache-2.0
/*
 * Where a reply finds its bytes: the data file, or chunks that stayed in memory. A span holds its chunks from the moment it is
 * filled, under the blob's lock, to its release: eviction waits for the holds of its epoch.
 */
#include "fetch_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/io.h>

struct data_file *data_file_ref(struct data_file *d)
{
	if (d)
		atomic_fetch_add(&d->refs, 1);
	return d;
}

void data_file_unref(struct data_file *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	close(d->fd);
	free(d);
}

static struct chunk_buf *find_memory_locked(const struct blob *b, uint64_t idx)
{
	for (const struct memory_chunk *m = b->memory; m; m = m->next)
		if (m->idx == idx)
			return m->buf;
	return NULL;
}

void span_fill_locked(struct blob *b, uint64_t off, size_t len, struct span *s)
{
	*s = (struct span){.blob = b, .off = off, .len = len, .epoch = b->epoch, .data = data_file_ref(b->data)};
	b->holds[b->epoch]++;
	if (!b->memory)
		return;
	for (uint64_t i = off / CHUNK_SIZE; i <= (off + len - 1) / CHUNK_SIZE; i++) {
		if (b->state[i] != CHUNK_MEMORY)
			continue;
		s->memory[s->nr_memory] = (struct memory_chunk){.idx = i, .buf = find_memory_locked(b, i)};
		chunk_buf_ref(s->memory[s->nr_memory++].buf);
	}
}

void span_release(struct span *s)
{
	struct blob *b = s->blob;

	pthread_mutex_lock(&b->lock);
	if (--b->holds[s->epoch] == 0 && s->epoch != b->epoch)
		pthread_cond_broadcast(&b->drained);
	pthread_mutex_unlock(&b->lock);
	for (unsigned i = 0; i < s->nr_memory; i++)
		chunk_buf_unref(s->memory[i].buf);
	data_file_unref(s->data);
}

size_t span_len(const struct span *s)
{
	return s->len;
}

/* The disk could not give back what it took: every chunk of the span that was on it is a miss from now on. */
static void span_lost(const struct span *s)
{
	struct blob *b = s->blob;
	struct aftermath a = {0};

	for (uint64_t i = s->off / CHUNK_SIZE; i <= (s->off + s->len - 1) / CHUNK_SIZE; i++) {
		cache_drop_chunk(b->fetch->cache, &b->id, b->size, i);
		pthread_mutex_lock(&b->lock);
		if (b->state[i] == CHUNK_PRESENT && b->data == s->data)
			blob_lost_locked(b, i, &a);
		pthread_mutex_unlock(&b->lock);
	}
	blob_settle(b, &a);
}

static const struct chunk_buf *span_memory(const struct span *s, uint64_t idx)
{
	for (unsigned i = 0; i < s->nr_memory; i++)
		if (s->memory[i].idx == idx)
			return s->memory[i].buf;
	return NULL;
}

int span_read(const struct span *s, void *out)
{
	uint8_t *p = out;
	uint64_t off = s->off, end = s->off + s->len;

	while (off < end) {
		const struct chunk_buf *memory = span_memory(s, off / CHUNK_SIZE);
		uint64_t part = s->nr_memory ? min_u64(end, (off / CHUNK_SIZE + 1) * CHUNK_SIZE) - off : end - off;

		if (memory) {
			memcpy(p, memory->bytes + off % CHUNK_SIZE, part);
		} else if (!s->data || io_pread(s->data->fd, p, part, off) < 0) {
			span_lost(s);
			return -EIO;
		}
		off += part;
		p += part;
	}
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Where a reply finds its bytes: the data file, or chunks that are still in memory. A span holds its chunks from the moment it is
 * filled, under the blob's lock, to its release: eviction waits for the holds of its epoch.
 */
#include "disk_int.h"
#include "hot_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/io.h>

#define DIRECT_READ_MIN (128u << 10) /* below it one trip to the disk costs more than a copy */

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
	if (d->direct_fd >= 0)
		close(d->direct_fd);
	pthread_mutex_destroy(&d->ask_lock);
	free(d);
}

void span_fill_locked(struct blob *b, uint64_t off, size_t len, struct span *s)
{
	*s = (struct span){.blob = b, .off = off, .len = len, .epoch = b->epoch, .data = data_file_ref(b->data)};
	b->holds[b->epoch]++;
	for (uint64_t i = off / CHUNK_SIZE; b->hot && i <= (off + len - 1) / CHUNK_SIZE; i++) {
		struct chunk_buf *c = hot_find_locked(b, i);

		if (!c)
			continue;
		chunk_buf_ref(c);
		s->hot[s->nr_hot++] = c;
	}
}

/* The part of chunk idx that lies in the span: its length, and where it begins in the chunk. */
static size_t part_of(const struct span *s, uint64_t idx, size_t *at)
{
	uint64_t from = max_u64(s->off, idx * CHUNK_SIZE), to = min_u64(s->off + s->len, (idx + 1) * CHUNK_SIZE);

	*at = from - idx * CHUNK_SIZE;
	return to - from;
}

void span_release(struct span *s)
{
	struct blob *b = s->blob;

	pthread_mutex_lock(&b->lock);
	if (--b->holds[s->epoch] == 0 && s->epoch != b->epoch)
		pthread_cond_broadcast(&b->drained);
	for (unsigned i = 0; i < s->nr_hot; i++) {
		size_t at;

		hot_taken_locked(s->hot[i], part_of(s, s->hot[i]->idx, &at));
	}
	pthread_mutex_unlock(&b->lock);
	for (unsigned i = 0; i < s->nr_hot; i++)
		chunk_buf_unref(s->hot[i]);
	data_file_unref(s->data);
	if (s->nr_hot)
		hot_trim(b->fetch->hot);
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

	disk_failed(b->fetch->disk);
	for (uint64_t i = s->off / CHUNK_SIZE; i <= (s->off + s->len - 1) / CHUNK_SIZE; i++) {
		cache_drop_chunk(b->fetch->cache, &b->id, b->size, i);
		pthread_mutex_lock(&b->lock);
		if (b->state[i] == CHUNK_PRESENT && b->data == s->data)
			blob_lost_locked(b, i, &a);
		pthread_mutex_unlock(&b->lock);
	}
	blob_settle(b, &a);
}

static const struct chunk_buf *span_hot(const struct span *s, uint64_t idx)
{
	for (unsigned i = 0; i < s->nr_hot; i++)
		if (s->hot[i]->idx == idx)
			return s->hot[i];
	return NULL;
}

unsigned span_pieces(const struct span *s, struct iovec *out)
{
	unsigned nr = 0;

	for (uint64_t i = s->off / CHUNK_SIZE; i <= (s->off + s->len - 1) / CHUNK_SIZE; i++) {
		const struct chunk_buf *c = span_hot(s, i);
		size_t at, len = part_of(s, i, &at);

		if (!c)
			return 0;
		out[nr++] = (struct iovec){c->bytes + at, len};
	}
	return nr;
}

static bool is_aligned(uint64_t n)
{
	return n % DIRECT_ALIGN == 0;
}

/*
 * Past the page cache where that can be: what is read goes into the reader's pages, and a second copy would cost more than the
 * reading. Few bytes come with their neighbours' page.
 */
static int read_disk(const struct data_file *d, uint8_t *out, size_t len, uint64_t off)
{
	int r = -EINVAL;

	if (d->direct_fd >= 0 && !atomic_load(&d->is_paged) && len >= DIRECT_READ_MIN && is_aligned(off) && is_aligned(len) && is_aligned((uintptr_t)out))
		r = io_pread(d->direct_fd, out, len, off);
	return r == -EINVAL ? io_pread(d->fd, out, len, off) : r;
}

static int read_watched(const struct span *s, uint8_t *out, size_t len, uint64_t off)
{
	struct disk *disk = s->blob->fetch->disk;
	unsigned place = disk_watch(disk);
	int r = read_disk(s->data, out, len, off);

	disk_unwatch(disk, place);
	return r;
}

int span_read(const struct span *s, void *out)
{
	uint8_t *p = out;
	uint64_t off = s->off, end = s->off + s->len;

	while (off < end) {
		const struct chunk_buf *hot = span_hot(s, off / CHUNK_SIZE);
		uint64_t part = s->nr_hot ? min_u64(end, (off / CHUNK_SIZE + 1) * CHUNK_SIZE) - off : end - off;

		if (hot) {
			memcpy(p, hot->bytes + off % CHUNK_SIZE, part);
		} else if (!s->data || read_watched(s, p, part, off) < 0 || data_file_has_lost(s->blob, s->data)) {
			span_lost(s);
			return -EIO;
		}
		off += part;
		p += part;
	}
	return 0;
}

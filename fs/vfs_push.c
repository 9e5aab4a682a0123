// SPDX-License-Identifier: Apache-2.0
/*
 * Readers that the kernel does not help: of a mapping with MADV_RANDOM, or a descriptor with POSIX_FADV_RANDOM, it asks for one page
 * at a time, and each costs a request. The second such request in a chunk says that this reader will want more of it: the notify
 * thread then pushes the whole chunk into the kernel's page cache. One alone says nothing, so reads here and there push nothing. A
 * reader that goes on into the next chunk gets that one at its first page, and more and more of those behind it.
 *
 * A file that is read in no order is fetched as a whole beside its readers, faster than they read. What came that way goes into the page
 * cache while it is in memory: later it would have to be read back from the disk.
 */
#include "vfs_int.h"

#include <hffs/tunables.h>

#define AHEAD_MAX 7 /* chunks beyond the one that is read, of a reader that goes on and on */
/*
 * Behind the page that is read, so much is left to the reader: the kernel takes each page's lock to store it, and who pushes right
 * behind a reader waits for every one of its requests.
 */
#define LEAD_BYTES (8u * 4096)
#define PAGE_BYTES 4096u /* the least that a read asks for but at a file's end; where pages are larger, nothing is pushed */

/* A slot of paged[] says of one chunk: its index and what was seen; 0: nothing. */
enum paged { PAGED_ONCE = 1, PAGED_QUEUED = 2 };

static uint32_t paged_value(uint64_t chunk, enum paged seen)
{
	return (uint32_t)(chunk << 2) | seen; /* wraps behind 2^30 chunks, 256 TiB */
}

static _Atomic uint32_t *paged_slot(struct vfs_file *f, uint64_t chunk)
{
	return &f->paged[chunk % PAGED_SLOTS];
}

static bool is_queued(struct vfs_file *f, uint64_t chunk)
{
	return atomic_load_explicit(paged_slot(f, chunk), memory_order_relaxed) == paged_value(chunk, PAGED_QUEUED);
}

/* A full queue: the notify thread is behind, and pages are asked for, as without it. */
static bool add_push_locked(struct vfs_file *f, const struct vfs_push *p)
{
	struct vfs *v = f->vfs;

	if (v->nr_pushes == PUSHES_KEPT)
		return false;
	atomic_fetch_add(&f->refs, 1);
	v->pushes[v->nr_pushes++] = *p;
	return true;
}

static bool ask_push(struct vfs_file *f, uint64_t chunk, uint32_t skip)
{
	struct vfs *v = f->vfs;

	if (chunk * CHUNK_SIZE + skip >= f->size || skip >= CHUNK_SIZE || is_queued(f, chunk))
		return false;
	LOCK_SCOPE(&v->lock);
	if (!add_push_locked(f, &(struct vfs_push){f, chunk, skip, true}))
		return false;
	atomic_store_explicit(paged_slot(f, chunk), paged_value(chunk, PAGED_QUEUED), memory_order_relaxed);
	return true;
}

/* Was a page of this chunk read before? */
static bool note_page(struct vfs_file *f, uint64_t chunk)
{
	uint32_t once = paged_value(chunk, PAGED_ONCE);

	return atomic_exchange_explicit(paged_slot(f, chunk), once, memory_order_relaxed) == once;
}

void push_note(struct vfs_file *f, uint64_t off, size_t len)
{
	uint64_t chunk = off / CHUNK_SIZE;
	unsigned ahead = 0;
	bool asked;

	if (len > PAGE_BYTES || !f->vfs->push || f->is_direct || is_queued(f, chunk))
		return;
	if (chunk && is_queued(f, chunk - 1))
		ahead = min_u64(2 * atomic_load_explicit(&f->push_ahead, memory_order_relaxed) + 1, AHEAD_MAX);
	else if (!note_page(f, chunk))
		return;
	atomic_store_explicit(&f->push_ahead, ahead, memory_order_relaxed);
	asked = ask_push(f, chunk, off % CHUNK_SIZE + LEAD_BYTES);
	for (unsigned i = 1; i <= ahead; i++)
		asked = ask_push(f, chunk + i, 0) || asked;
	if (asked)
		f->vfs->push(f->vfs->push_ctx);
}

/* Somebody who reads it through us, from the page cache. */
static struct vfs_file *find_reader_locked(struct vfs *v, const struct blob *b)
{
	struct vfs_file *f = v->files;

	while (f && (f->blob != b || f->is_direct || f->passed || atomic_load(&f->needs_grant) || !atomic_load(&f->ever_read)))
		f = f->next;
	return f;
}

void push_swept(void *ctx, const struct blob *b, uint64_t idx)
{
	struct vfs *v = ctx;
	struct vfs_file *f;
	bool asked;

	pthread_mutex_lock(&v->lock);
	f = find_reader_locked(v, b);
	asked = f && add_push_locked(f, &(struct vfs_push){f, idx, 0, false});
	pthread_mutex_unlock(&v->lock);
	if (asked)
		v->push(v->push_ctx);
}

static bool take_push(struct vfs *v, struct vfs_push *out)
{
	LOCK_SCOPE(&v->lock);

	if (!v->nr_pushes)
		return false;
	*out = v->pushes[0];
	v->nr_pushes--;
	for (size_t i = 0; i < v->nr_pushes; i++)
		v->pushes[i] = v->pushes[i + 1];
	return true;
}

void push_drop(struct vfs *v)
{
	struct vfs_push p;

	while (take_push(v, &p))
		vfs_file_unref(p.file);
}

bool vfs_take_push(struct vfs *v, void *out, uint64_t *node, uint64_t *off, size_t *len)
{
	struct vfs_push p;

	while (take_push(v, &p)) {
		uint64_t at = p.chunk * CHUNK_SIZE + p.skip;
		size_t n = (size_t)min_u64(CHUNK_SIZE - p.skip, p.file->size - at);
		uint64_t id = p.file->node->id;
		int r = blob_copy(p.file->blob, at, n, p.is_read, out);

		if (r < 0) /* gone meanwhile, or not yet here: at the next page again */
			atomic_store_explicit(paged_slot(p.file, p.chunk), 0, memory_order_relaxed);
		vfs_file_unref(p.file);
		if (r < 0)
			continue;
		*node = id;
		*off = at;
		*len = n;
		return true;
	}
	return false;
}

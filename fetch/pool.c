// SPDX-License-Identifier: Apache-2.0
/*
 * A fixed number of chunk buffers. The last given is the first taken, so memory that was never needed is never touched.
 */
#include "pool_int.h"

#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE (2u << 20)

struct pool {
	pthread_mutex_t lock;
	struct chunk_buf *free_list; /* guarded by lock, as used */
	unsigned used;
	bool is_touched; /* since it was trimmed */
	unsigned nr;
	void (*given)(void *ctx);
	void *ctx;
	uint8_t *memory;
	struct chunk_buf bufs[];
};

/*
 * In large pages, where the system gives them to who asks: then a write past the page cache pins a chunk at once and not page by
 * page, which took a tenth of its processor time.
 */
static uint8_t *memory_new(size_t len)
{
	void *memory = NULL;

	if (posix_memalign(&memory, LARGE_PAGE, len))
		return NULL;
	(void)madvise(memory, len, MADV_HUGEPAGE); /* a wish */
	return memory;
}

struct pool *pool_new(unsigned nr, void (*given)(void *ctx), void *ctx)
{
	struct pool *p = calloc(1, sizeof(*p) + nr * sizeof(p->bufs[0]));

	if (!p)
		return NULL;
	p->memory = memory_new((size_t)nr * CHUNK_SIZE);
	if (!p->memory) {
		free(p);
		return NULL;
	}
	pthread_mutex_init(&p->lock, NULL);
	p->nr = nr;
	p->given = given;
	p->ctx = ctx;
	for (unsigned i = nr; i-- > 0;) {
		p->bufs[i].pool = p;
		p->bufs[i].bytes = p->memory + (size_t)i * CHUNK_SIZE;
		p->bufs[i].next_free = p->free_list;
		p->free_list = &p->bufs[i];
	}
	return p;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	free(p->memory);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct chunk_buf *pool_take(struct pool *p)
{
	struct chunk_buf *c;
	LOCK_SCOPE(&p->lock);

	c = p->free_list;
	if (!c)
		return NULL;
	p->free_list = c->next_free;
	p->used++;
	p->is_touched = true;
	atomic_store(&c->refs, 1);
	c->blob = NULL;
	c->len = 0;
	c->is_swept = false;
	c->is_ordered = false;
	return c;
}

void chunk_buf_ref(struct chunk_buf *c)
{
	atomic_fetch_add(&c->refs, 1);
}

static void give(struct chunk_buf *c)
{
	struct pool *p = c->pool;

	pthread_mutex_lock(&p->lock);
	c->next_free = p->free_list;
	p->free_list = c;
	p->used--;
	pthread_mutex_unlock(&p->lock);
	p->given(p->ctx);
}

void chunk_buf_unref(struct chunk_buf *c)
{
	if (c && atomic_fetch_sub(&c->refs, 1) == 1)
		give(c);
}

void pool_trim(struct pool *p)
{
	LOCK_SCOPE(&p->lock);
	if (p->used || !p->is_touched)
		return;
	(void)madvise(p->memory, (size_t)p->nr * CHUNK_SIZE, MADV_DONTNEED); /* it stays ours if it fails */
	p->is_touched = false;
}

void pool_count(struct pool *p, uint64_t *used, uint64_t *max)
{
	LOCK_SCOPE(&p->lock);
	*used = p->used;
	*max = p->nr;
}

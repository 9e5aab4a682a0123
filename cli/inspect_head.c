// SPDX-License-Identifier: Apache-2.0
/*
 * The header of a data file, which is less than a chunk: what is cached of it is taken from there, the rest comes by ranges of its own and is
 * not kept. Its length is known from the first bytes, or, of GGUF, only at its end: then a long range is begun, and paused whenever what the
 * parser asked for is here. When it has all, the range is cut off.
 */
#include "inspect_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/thread.h>

#define TRIES_MAX 3
#define PAUSE_MAX_MS 2000

struct head {
	const struct head_source *from;
	const char *path;
	uint64_t size;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	uint8_t *bytes;
	uint64_t have, limit; /* no byte at limit or behind it is taken now */
	unsigned nr_ranges;
	struct object_get *get; /* NULL: no range is under way */
	struct hub_result result;
};

static ssize_t take_bytes(void *ctx, uint64_t off, const void *bytes, size_t len)
{
	struct head *h = ctx;
	size_t n;
	LOCK_SCOPE(&h->lock);

	(void)off; /* in order */
	n = (size_t)min_u64(len, h->limit - h->have);
	memcpy(h->bytes + h->have, bytes, n);
	h->have += n;
	if (h->have == h->limit)
		pthread_cond_signal(&h->wake);
	return (ssize_t)n;
}

static void range_ended(void *ctx, const struct hub_result *res)
{
	struct head *h = ctx;
	LOCK_SCOPE(&h->lock);

	h->result = *res;
	h->get = NULL;
	pthread_cond_signal(&h->wake);
}

/*
 * How far the range shall go that brings the bytes up to need. What a GGUF is known to have is about a third of it, while its vocabulary is
 * read; a guess that was too short is followed by one that is never.
 */
static uint64_t range_end(const struct head *h, uint64_t need)
{
	if (!h->nr_ranges || format_sniff(h->bytes, h->have) != FORMAT_GGUF)
		return need;
	return min_u64(h->size, h->nr_ranges == 1 ? 3 * need + LOOK_HEADER_FIRST : FORMAT_HEADER_MAX);
}

/* Waits until the limit is reached, or the range has ended. */
static int wait_range(struct head *h)
{
	LOCK_SCOPE(&h->lock);
	while (h->get && h->have < h->limit)
		pthread_cond_wait(&h->wake, &h->lock);
	return h->have >= h->limit ? 0 : h->result.r ? h->result.r : -EAGAIN;
}

static int start_range(struct head *h, uint64_t need, struct err *err)
{
	static const struct object_sink sink = {.bytes = take_bytes, .done = range_ended};
	int r;
	LOCK_SCOPE(&h->lock); /* its end waits until get is known here */

	if (h->get || h->have >= need)
		return 0;
	r = object_want(h->from->hub, &h->from->object, h->have, range_end(h, need) - h->have, &sink, h, &h->get);
	h->nr_ranges += r == 0;
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int grow(struct head *h, uint64_t need)
{
	uint8_t *more;
	LOCK_SCOPE(&h->lock);

	more = realloc(h->bytes, need);
	if (!more)
		return -ENOMEM;
	h->bytes = more;
	h->limit = need;
	if (h->get)
		object_resume(h->get);
	return 0;
}

/* Bytes up to need come over the network. */
static int fetch_bytes(struct head *h, uint64_t need, struct err *err)
{
	int r = grow(h, need);

	for (unsigned tries = 0; r == 0; tries++) {
		r = start_range(h, need, err);
		if (r < 0)
			return r;
		r = wait_range(h);
		if (r == 0)
			return 0;
		if (r != -EAGAIN && (!h->result.retry || tries + 1 == TRIES_MAX))
			return err_set(err, r, "%s: %s", h->path, err_text(&h->result.err));
		if (r != -EAGAIN)
			usleep((useconds_t)min_u64(h->result.wait_ms, PAUSE_MAX_MS) * 1000);
		r = 0;
	}
	return r;
}

static int head_more(struct head *h, uint64_t need, struct err *err)
{
	int r = -EBADMSG;

	if (need <= h->from->cached) {
		r = grow(h, need);
		if (r == 0)
			r = h->from->load(h->from->ctx, h->have, (size_t)(need - h->have), h->bytes + h->have);
		if (r == 0)
			h->have = need;
	}
	return r == 0 ? 0 : fetch_bytes(h, need, err); /* what has decayed is fetched */
}

static void head_done(struct head *h)
{
	pthread_mutex_lock(&h->lock);
	if (h->get)
		object_cancel(h->get);
	while (h->get)
		pthread_cond_wait(&h->wake, &h->lock);
	pthread_mutex_unlock(&h->lock);
	free(h->bytes);
}

static int read_head(struct head *h, struct tensor_table **out, struct err *err)
{
	uint64_t need = min_u64(h->size, LOOK_HEADER_FIRST);
	struct err why = {0};
	int r;

	do {
		r = head_more(h, need, err);
		if (r < 0)
			return r;
		r = tensor_table_parse(h->bytes, h->have, h->size, FORMAT_HEADER_MAX, out, &need, &why);
	} while (r == -EAGAIN);
	return r < 0 ? err_set(err, r, "%s: %s", h->path, err_text(&why)) : 0;
}

int head_read(const struct head_source *from, struct tensor_table **out, uint64_t *beyond, struct err *err)
{
	struct head h = {.from = from, .path = from->object.path, .size = from->object.size, .lock = PTHREAD_MUTEX_INITIALIZER,
			 .wake = PTHREAD_COND_INITIALIZER};
	int r = read_head(&h, out, err);

	if (r == 0)
		*beyond = h.have > from->cached ? h.have - min_u64(h.have, (*out)->data_off) : 0;
	head_done(&h);
	return r;
}

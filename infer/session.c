// SPDX-License-Identifier: Apache-2.0
/*
 * A text in the making. Its tokens are remembered beside the cache, because what the cache holds can become wrong: longrope turns
 * keys by other angles once the text is longer than the model's original context, and then all of it is computed again.
 *   cached <= pos: keys and values of [0, cached) are right; those up to pos are computed with the next call.
 */
#include "model_int.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "rope_int.h"

#define CONTEXT_DEFAULT 4096u

struct session {
	struct model *m;
	struct work *work;
	struct cache cache;
	size_t cache_bytes; /* of keys, and of values */
	uint32_t *ids;
	uint32_t pos, cached;
	bool long_rope;   /* the cache was computed so */
	uint32_t longest; /* tokens of the text when parts of the cache were computed: dynamic ropes looked at it */
};

/* Pages that nothing was written to cost nothing. */
static int cache_new(struct session *s, struct err *err)
{
	const struct model_config *c = &s->m->config;
	uint64_t bytes = s->cache.half ? sizeof(uint16_t) : sizeof(float);

	if (__builtin_mul_overflow(bytes, (uint64_t)c->layers * c->kv_heads * c->head_dim, &bytes) ||
	    __builtin_mul_overflow(bytes, (uint64_t)s->cache.context, &bytes) || bytes > SIZE_MAX / 4)
		return err_set(err, -EOVERFLOW, "keys and values of %u positions are more than can be addressed", s->cache.context);
	s->cache_bytes = (size_t)bytes;
	s->cache.k = mmap(NULL, s->cache_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	s->cache.v = mmap(NULL, s->cache_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->cache.k == MAP_FAILED || s->cache.v == MAP_FAILED)
		return err_set(err, -ENOMEM, "there is no memory for keys and values of %u positions (2 times %llu bytes)", s->cache.context,
			       (unsigned long long)bytes);
	return 0;
}

int session_new(struct model *m, uint32_t context, struct session **out, struct err *err)
{
	AUTO(session_free) struct session *s = NULL;
	const struct model_config *c = &m->config;
	int r;

	if (c->encoder)
		return err_set(err, -ENOTSUP, "%s makes embeddings of texts; it does not continue them", c->architecture);
	context = context ? context : c->context < CONTEXT_DEFAULT ? c->context : CONTEXT_DEFAULT;
	if (context > CONTEXT_MAX || (c->learned_positions && context > c->context))
		return err_set(err, -EINVAL, "a context of %u positions is more than the model has (%u)", context, c->context);
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	*s = (struct session){.m = m, .cache = {MAP_FAILED, MAP_FAILED, context, m->options.kv == KV_F16}};
	s->ids = calloc(context, sizeof(*s->ids));
	r = s->ids ? work_new(m, work_block(c), &s->work) : -ENOMEM;
	if (r == 0)
		r = cache_new(s, err);
	if (r < 0)
		return r == -ENOMEM ? err_set(err, r, "there is no memory for a text of %u positions", context) : r;
	*out = TAKE(s);
	return 0;
}

void session_free(struct session *s)
{
	if (!s)
		return;
	if (s->cache.k != MAP_FAILED)
		(void)munmap(s->cache.k, s->cache_bytes); /* memory of ours */
	if (s->cache.v != MAP_FAILED)
		(void)munmap(s->cache.v, s->cache_bytes);
	work_free(s->work);
	free(s->ids);
	free(s);
}

uint32_t session_pos(const struct session *s)
{
	return s->pos;
}

uint32_t session_context(const struct session *s)
{
	return s->cache.context;
}

void session_truncate(struct session *s, uint32_t pos)
{
	s->pos = pos < s->pos ? pos : s->pos;
	s->cached = s->pos < s->cached ? s->pos : s->cached;
	/* Keys that were turned for a longer text are not those of this one. */
	if (s->m->config.rope.type == ROPE_DYNAMIC && s->longest > s->m->config.rope.original_context && s->pos < s->longest)
		s->cached = 0;
	if (!s->cached)
		s->longest = 0;
}

static int check_ids(const struct session *s, const uint32_t *ids, size_t n, struct err *err)
{
	uint32_t vocabulary = s->m->config.vocabulary;

	if (n > s->cache.context - s->pos)
		return err_set(err, -EOVERFLOW, "the text has more than %u tokens, for which there is room%s", s->cache.context,
			       s->cache.context < s->m->config.context ? "; --context makes it larger" : "");
	for (size_t i = 0; i < n; i++)
		if (ids[i] >= vocabulary)
			return err_set(err, -EINVAL, "%u is not a token of this model, which has %u", ids[i], vocabulary);
	return 0;
}

/* Computes [s->cached, end) in blocks. Logits are due for tokens from s->pos on. */
static int run(struct session *s, uint32_t end, enum logits_of which, float *logits, struct err *err)
{
	uint32_t vocabulary = s->m->config.vocabulary, at = s->cached;
	int r = 0;

	while (r == 0 && at < end) {
		uint32_t stop = at < s->pos ? s->pos : end, n = stop - at < s->work->tokens ? stop - at : s->work->tokens;
		struct block b = {.w = s->work, .cache = &s->cache, .ids = s->ids + at, .n = n, .first = at, .total = end};

		if (at >= s->pos && which == LOGITS_ALL) {
			b.which = LOGITS_ALL;
			b.logits = logits + (size_t)(at - s->pos) * vocabulary;
		} else if (at + n == end && which == LOGITS_LAST) {
			b.which = LOGITS_LAST;
			b.logits = logits;
		}
		r = forward_block(s->m, &b, err);
		if (r == 0) {
			at += n;
			s->cached = at < s->pos ? at : s->pos; /* what is behind counts when all is done */
		}
	}
	return r;
}

int session_eval(struct session *s, const uint32_t *ids, size_t n, enum logits_of which, float *logits, struct err *err)
{
	int r = check_ids(s, ids, n, err);
	bool long_rope;
	uint32_t end;

	if (r < 0 || !n)
		return r;
	end = s->pos + (uint32_t)n;
	memcpy(s->ids + s->pos, ids, n * sizeof(*ids));
	long_rope = rope_is_long(&s->m->config.rope, end);
	if (long_rope != s->long_rope) {
		s->cached = 0;
		s->long_rope = long_rope;
	}
	s->longest = end > s->longest ? end : s->longest;
	r = run(s, end, logits ? which : LOGITS_NONE, logits, err);
	if (r == 0)
		s->pos = s->cached = end;
	return r;
}

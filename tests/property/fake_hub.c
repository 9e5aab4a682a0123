// SPDX-License-Identifier: Apache-2.0
/* A Hub in memory: one thread hands over ranges, some of them wrongly. */
#include "fakes.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include <hffs/http.h>
#include <hffs/thread.h>

#include "catalog_int.h"

#define PIECE 65536

struct fake_faults fake_faults;
fake_answer_fn *_Atomic fake_hub_answer;
const struct fake_file *_Atomic fake_file;
atomic_bool fake_hub_hold;
atomic_int fake_hub_hold_of = -1;

struct object_get {
	struct object_get *next;
	uint8_t name;
	uint64_t off, end;
	const struct object_sink *sink;
	void *ctx;
	atomic_bool cancelled;
	bool fails, retry; /* with r, when off has come to stop */
	int r;
	uint64_t stop;
	bool slow;
};

struct hub {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	struct object_get *gets;
	bool stop;
	void (*tick)(void *arg);
	void *tick_arg;
	uint32_t seed;
	atomic_ullong bytes, requests;
};

static struct hub *the_hub; /* one a test program */

uint8_t fake_byte(uint8_t name, uint64_t n)
{
	return (uint8_t)(name + n * 31 + (n >> 8) * 17 + (n >> 18) * 101);
}

void fake_fill(uint8_t name, uint64_t off, uint8_t *out, size_t len)
{
	const struct fake_file *file = atomic_load(&fake_file);

	if (file && file->name == name) {
		memcpy(out, file->bytes + off, len);
		return;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = fake_byte(name, off + i);
}

uint32_t fake_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

uint64_t fake_hub_bytes(void)
{
	return atomic_load(&the_hub->bytes);
}

uint64_t fake_hub_requests(void)
{
	return atomic_load(&the_hub->requests);
}

static void end(struct object_get *g, int r)
{
	struct hub_result res = {.r = r, .retry = g->retry};

	err_set(&res.err, r, "fake");
	g->sink->done(g->ctx, &res);
	free(g);
}

/* One step of one transfer. True: it ended. */
static bool step(struct hub *h, struct object_get *g)
{
	uint8_t piece[PIECE] = {0};
	size_t len = min_u64(g->slow ? 3000 : PIECE, g->end - g->off);
	ssize_t n;

	if (!g->cancelled && (atomic_load(&fake_hub_hold) || atomic_load(&fake_hub_hold_of) == g->name)) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		return false;
	}
	if (g->cancelled || (g->fails && g->off >= g->stop)) {
		end(g, g->cancelled ? -ECANCELED : g->r);
		return true;
	}
	if (g->fails)
		len = min_u64(len, g->stop - g->off);
	fake_fill(g->name, g->off, piece, len);
	n = g->sink->bytes(g->ctx, g->off, piece, len);
	if (n < 0) {
		end(g, (int)n);
		return true;
	}
	g->off += (uint64_t)n;
	atomic_fetch_add(&h->bytes, (unsigned long long)n);
	if ((size_t)n < len)
		return false; /* paused; a resume may already have come, so it is only slowed down */
	if (g->off < g->end)
		return false;
	end(g, 0);
	return true;
}

static struct object_get *take(struct hub *h)
{
	struct object_get *g = h->gets, **at = &h->gets;

	if (!g)
		return NULL;
	for (unsigned n = fake_random(&h->seed) % 4; n && (*at)->next; n--)
		at = &(*at)->next;
	g = *at;
	*at = g->next;
	return g;
}

static void *net(void *arg)
{
	struct hub *h = arg;
	unsigned turns = 0;

	pthread_mutex_lock(&h->lock);
	while (!h->stop || h->gets) {
		struct object_get *g = take(h);

		if (!g)
			(void)cond_wait_ms(&h->wake, &h->lock, 5);
		pthread_mutex_unlock(&h->lock);
		if (g && !step(h, g)) {
			pthread_mutex_lock(&h->lock);
			g->next = h->gets;
			h->gets = g;
			pthread_mutex_unlock(&h->lock);
		}
		if (!g || ++turns % 64 == 0)
			h->tick(h->tick_arg);
		pthread_mutex_lock(&h->lock);
	}
	pthread_mutex_unlock(&h->lock);
	return NULL;
}

int hub_open(const struct hub_config *config, struct hub **out, struct err *err)
{
	struct hub *h = calloc(1, sizeof(*h));

	(void)config;
	(void)err;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->wake);
	*out = the_hub = h;
	return 0;
}

void hub_close(struct hub *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	for (struct object_get *g = h->gets; g; g = g->next)
		g->cancelled = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	free(h);
}

bool hub_is_offline(const struct hub *h)
{
	(void)h;
	return false;
}

struct http *hub_http(struct hub *h)
{
	return (struct http *)(void *)h;
}

void http_set_tick(struct http *http, unsigned period_ms, void (*fn)(void *arg), void *arg)
{
	struct hub *h = (struct hub *)(void *)http;

	(void)period_ms;
	h->tick = fn;
	h->tick_arg = arg;
	thread_start(&h->thread, "fake-net", net, h);
}

bool hub_is_paused(struct hub *h)
{
	(void)h;
	return false;
}

static void roll(struct hub *h, uint64_t len, struct fake_answer *how)
{
	uint32_t dice = fake_random(&h->seed) % 1000;

	if (dice < fake_faults.cut)
		*how = (struct fake_answer){-ETIMEDOUT, true, min_u64(len, PIECE)};
	else if (dice < fake_faults.cut + fake_faults.refuse)
		*how = (struct fake_answer){-ETIMEDOUT, true, 0};
}

int object_want(struct hub *h, const struct object_ref *ref, uint64_t off, uint64_t len, const struct object_sink *sink, void *ctx,
		struct object_get **out)
{
	struct object_get *g = calloc(1, sizeof(*g));
	fake_answer_fn *answer = atomic_load(&fake_hub_answer);
	struct fake_answer how = {0};

	*g = (struct object_get){.name = ref->id.bytes[0], .off = off, .end = off + len, .sink = sink, .ctx = ctx};
	*out = g;
	pthread_mutex_lock(&h->lock);
	if (answer)
		answer(ref, off, len, &how);
	else
		roll(h, len, &how);
	g->fails = how.r < 0;
	g->r = how.r;
	g->retry = how.retry;
	g->stop = off + how.after;
	g->slow = fake_random(&h->seed) % 1000 < fake_faults.slow;
	g->next = h->gets;
	h->gets = g;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	atomic_fetch_add(&h->requests, 1);
	return 0;
}

void object_resume(struct object_get *g)
{
	(void)g; /* step() tries again by itself */
}

void object_cancel(struct object_get *g)
{
	pthread_mutex_lock(&the_hub->lock);
	g->cancelled = true;
	pthread_mutex_unlock(&the_hub->lock);
}

int catalog_open(const struct catalog_config *config, struct catalog **out)
{
	(void)config;
	*out = NULL;
	return 0;
}

void catalog_cancel(struct catalog *c)
{
	(void)c;
}

void catalog_free(struct catalog *c)
{
	(void)c;
}

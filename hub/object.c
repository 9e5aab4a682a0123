// SPDX-License-Identifier: Apache-2.0
/*
 * Ranged GETs of objects: their life from object_want() to done(), who may use a connection, and who asks where an object is.
 * What an answer means is object_answer.c's.
 */
#include "object_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/url.h>

#define RENEWALS_MAX 4 /* at once; others are made when the next range of their object begins */

static void get_free(struct object_get *g)
{
	hop_done(&g->hop);
	free(g->path);
	free(g->what);
	free(g->range);
	free(g);
}
AUTO_DEFINE(struct object_get *, get_free)

/* --- lists and slots --- */

static void list_add(struct object_get ***tail, struct object_get *g)
{
	g->next = NULL;
	**tail = g;
	*tail = &g->next;
}

static void list_remove(struct object_get **head, struct object_get ***tail, struct object_get *g)
{
	for (struct object_get **p = head; *p; p = &(*p)->next) {
		if (*p != g)
			continue;
		*p = g->next;
		if (!*p)
			*tail = p;
		return;
	}
}

static void serve_queue(struct objects *o, unsigned max)
{
	if (o->is_serving)
		return;
	o->is_serving = true;
	while (o->queue && o->running < max) {
		struct object_get *g = o->queue;

		list_remove(&o->queue, &o->queue_tail, g);
		o->running++;
		g->has_slot = true;
		get_send(g);
	}
	o->is_serving = false;
}

void get_leave_slot(struct object_get *g)
{
	struct objects *o = g->hub->objects;

	if (!g->has_slot)
		return;
	g->has_slot = false;
	o->running--;
	serve_queue(o, g->hub->connections_max);
}

/* --- the end --- */

/* The sink hears last; only then is the task taken out, so that a wish that races with the end finds g still there. */
static void get_end(struct object_get *g)
{
	g->sink.done(g->ctx, &g->res);
	http_unpost(g->hub->http, &g->task);
	get_free(g);
}

void get_wake_waiters(struct location *l)
{
	struct object_get *g = l->waiters, *next;

	l->waiters = NULL;
	l->waiters_tail = &l->waiters;
	for (; g; g = next) {
		next = g->next;
		get_locate(g);
	}
}

static void fail_waiters(struct location *l, const struct hub_result *res)
{
	struct object_get *g = l->waiters, *next;

	l->waiters = NULL;
	l->waiters_tail = &l->waiters;
	for (; g; g = next) {
		next = g->next;
		g->res = *res;
		location_leave(l);
		get_end(g);
	}
}

/*
 * g resolves no longer. Who waits shares a failure, so that a server in trouble is asked once and not once for each reader; but
 * the wish of one reader to stop is no failure for the others.
 */
static void leave_location(struct object_get *g)
{
	struct location *l = g->loc;

	if (!l)
		return;
	g->loc = NULL;
	if (g->state == GET_WAITING)
		list_remove(&l->waiters, &l->waiters_tail, g);
	if (l->resolver != g) {
		location_leave(l);
		return;
	}
	l->resolver = NULL;
	if (g->res.r < 0 && g->is_renewal)
		location_postpone_renewal(l, clock_mono_ms());
	if (g->res.r < 0 && !location_is_usable(l, clock_mono_ms()) && !atomic_load(&g->is_cancelled))
		fail_waiters(l, &g->res);
	else
		get_wake_waiters(l);
	location_leave(l);
}

/* At a host that is down its own pace counts, not how often it was tried. */
static void keep_pace(struct object_get *g)
{
	if (g->res.r != -ETIMEDOUT || !g->res.retry || !g->host_wait_ms)
		return;
	g->res.is_paced = true;
	g->res.wait_ms = max_u64(g->res.wait_ms, g->host_wait_ms);
}

void get_finish(struct object_get *g)
{
	struct objects *o = g->hub->objects;

	keep_pace(g);
	if (g->state == GET_QUEUED && !g->has_slot)
		list_remove(&o->queue, &o->queue_tail, g);
	o->renewing -= g->is_renewal;
	leave_location(g);
	get_leave_slot(g);
	get_end(g);
}

void get_fail(struct object_get *g, int r, const char *why)
{
	g->res = (struct hub_result){.r = r};
	err_set(&g->res.err, r, "%s: %s", g->what, why);
	get_finish(g);
}

/* --- the beginning --- */

/* The four files that anybody may read of a gated repository. [Hub answers recorded in 2026-08] */
bool object_is_open_to_all(const char *path)
{
	static const char *const names[] = {"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(path, names[i]))
			return true;
	return false;
}

static void get_go(struct object_get *g, char *url, bool deny_private)
{
	struct objects *o = g->hub->objects;

	if (hop_begin(&g->hop, url) < 0) {
		get_fail(g, -ENOMEM, "out of memory");
		return;
	}
	g->hop.deny_private = deny_private;
	g->state = GET_QUEUED;
	list_add(&o->queue_tail, g);
	serve_queue(o, g->hub->connections_max);
}

static char *resolve_url(const struct object_get *g)
{
	struct buf b = {0};

	buf_addf(&b, "%s/%s%s/resolve/%s/", g->hub->endpoint, repo_kind_prefix(g->ref.repo.kind), g->ref.repo.name, g->ref.commit);
	url_encode(&b, g->ref.path, true);
	return buf_take(&b);
}

static void get_attend(struct http_task *t);

static int get_new(struct hub *h, const struct object_ref *ref, uint64_t off, uint64_t len, struct object_get **out)
{
	AUTO(get_free) struct object_get *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->task.fn = get_attend;
	g->hub = h;
	g->ref = *ref;
	g->off = off;
	g->len = len;
	g->what = str_printf("%s%s/%s", repo_kind_prefix(ref->repo.kind), ref->repo.name, ref->path);
	g->range = str_printf("Range: bytes=%llu-%llu", (unsigned long long)off, (unsigned long long)(off + len - 1));
	if (!g->what || !g->range)
		return -ENOMEM;
	*out = TAKE(g);
	return 0;
}

static ssize_t waste_bytes(void *ctx, uint64_t off, const void *bytes, size_t len)
{
	(void)ctx, (void)off, (void)bytes;
	return (ssize_t)len;
}

static void forget_end(void *ctx, const struct hub_result *res)
{
	(void)ctx, (void)res; /* the location knows */
}

/*
 * Asks where like's object is found next. Takes no slot, so that it neither waits for ranges nor holds one up. When it cannot be
 * begun, the next range tries again.
 */
static void renew(struct location *l, const struct object_get *like)
{
	static const struct object_sink sink = {waste_bytes, forget_end};
	struct objects *o = like->hub->objects;
	struct object_get *g;

	if (o->renewing >= RENEWALS_MAX || get_new(like->hub, &like->ref, 0, 1, &g) < 0)
		return;
	g->sink = sink;
	g->ref.path = g->path = strdup(like->ref.path);
	if (!g->path || hop_begin(&g->hop, resolve_url(g)) < 0) {
		get_free(g);
		return;
	}
	g->is_renewal = true;
	g->loc = l;
	l->users++;
	l->resolver = g;
	o->renewing++;
	get_send(g);
}

void get_locate(struct object_get *g)
{
	struct location *l = g->loc;
	uint64_t now = clock_mono_ms();

	if (location_is_usable(l, now) && !g->is_renewal) {
		if (location_wants_renewal(l, now))
			renew(l, g);
		g->is_remembered = true;
		g->is_known = l->is_known;
		get_go(g, strdup(l->url), l->deny_private);
		return;
	}
	if (l->resolver && l->resolver != g) {
		g->state = GET_WAITING;
		list_add(&l->waiters_tail, g);
		return;
	}
	l->resolver = g;
	g->is_remembered = false;
	g->is_known = false;
	get_go(g, resolve_url(g), false);
}

static void get_begin(struct object_get *g)
{
	if (hub_is_offline(g->hub)) {
		get_fail(g, -ETIMEDOUT, "offline, and these bytes are not in the cache");
		return;
	}
	if (!object_is_open_to_all(g->ref.path) && hub_is_denied(g->hub, &g->ref.repo, true, &g->res)) {
		get_finish(g);
		return;
	}
	token_watch(g->hub);
	g->loc = location_ensure(&g->hub->objects->locations, &g->ref);
	if (g->loc)
		get_locate(g);
	else
		get_fail(g, -ENOMEM, "out of memory");
}

static void get_attend(struct http_task *t)
{
	struct object_get *g = container_of(t, struct object_get, task);
	bool is_resumed = atomic_exchange(&g->is_resumed, false);

	if (g->state == GET_REREAD && !atomic_load(&g->has_reread))
		return; /* the deferred thread has it, and posts again */
	if (atomic_load(&g->is_cancelled)) {
		if (g->rq)
			http_cancel(g->hub->http, g->rq);
		else
			get_fail(g, -ECANCELED, "cancelled");
	} else if (g->state == GET_NEW) {
		get_begin(g);
	} else if (g->state == GET_REREAD) {
		get_end_reread(g);
	} else if (is_resumed && g->rq) {
		http_resume(g->hub->http, g->rq);
	}
}

int object_want(struct hub *h, const struct object_ref *ref, uint64_t off, uint64_t len, const struct object_sink *sink, void *ctx,
		struct object_get **out)
{
	struct object_get *g;
	int r;

	if (atomic_load(&h->closing))
		return -ECANCELED;
	r = get_new(h, ref, off, len, &g);
	if (r < 0)
		return r;
	g->sink = *sink;
	g->ctx = ctx;
	if (out)
		*out = g; /* before it can end */
	r = http_post(h->http, &g->task);
	if (r < 0)
		get_free(g);
	return r;
}

void object_resume(struct object_get *g)
{
	atomic_store(&g->is_resumed, true);
	(void)http_post(g->hub->http, &g->task); /* once the net thread has ended there is no g left */
}

void object_cancel(struct object_get *g)
{
	atomic_store(&g->is_cancelled, true);
	(void)http_post(g->hub->http, &g->task); /* as above */
}

int objects_open(struct hub *h)
{
	h->objects = calloc(1, sizeof(*h->objects));
	if (!h->objects)
		return -ENOMEM;
	h->objects->queue_tail = &h->objects->queue;
	return 0;
}

void objects_close(struct hub *h)
{
	if (!h->objects)
		return;
	locations_done(&h->objects->locations);
	free(h->objects);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Ranged GETs of objects, and where they are found.
 *
 * An object_get belongs to the net thread: other threads set a flag and post its task. It is in one of these states:
 *   NEW      posted, not yet looked at          WAITING  another one resolves this object's location
 *   QUEUED   knows its address, waits for a connection        RUNNING  a request is under way
 *   REREAD   a deferred thread reads the token file again
 * An address that was found is remembered as soon as the headers that name it are there, and those who wait for it go on then.
 * Bytes go to the sink only after the headers of their answer were found to be those of the range and object asked for.
 */
#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/url.h>

#include "client_int.h"
#include "content_int.h"
#include "location_int.h"
#include "redirect_int.h"
#include "status_int.h"

#define WASTE_MAX (64u << 10) /* bytes read of a body that is not content, to keep its connection */

enum get_state { GET_NEW, GET_WAITING, GET_QUEUED, GET_RUNNING, GET_REREAD };

struct object_get {
	struct http_task task;
	struct hub *hub;
	_Atomic bool is_cancelled, is_resumed, has_reread;
	/* set when made */
	struct object_ref ref;
	uint64_t off, len;
	struct object_sink sink;
	void *ctx;
	char *what, *range; /* as sentences name it; its Range header */
	/* the net thread's own */
	struct object_get *next; /* in a list of waiters, or in the queue */
	enum get_state state;
	struct location *loc;
	struct hop hop;
	struct http_request *rq;
	bool has_slot;       /* counts among the connections */
	bool is_remembered;  /* began at a remembered location */
	bool was_refreshed;  /* a remembered one was refused once */
	bool is_known;       /* an answer named the object */
	bool is_next;        /* the answer redirects; hop.url is where */
	bool is_delivering;  /* the body is the range */
	bool has_more;       /* and goes on behind it */
	bool tried_reread;
	bool is_refused; /* by the headers, as res says */
	int sink_r;
	uint64_t got, wasted;
	struct hub_result res;
	bool token_changed; /* written by the deferred thread before has_reread */
};

struct objects {
	struct locations locations;
	unsigned running;
	struct object_get *queue, **queue_tail;
	bool is_serving;
};

static void get_locate(struct object_get *g);

static void get_free(struct object_get *g)
{
	hop_done(&g->hop);
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

static void get_send(struct object_get *g);

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

static void leave_slot(struct object_get *g)
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

/* Those who wait for a location go on: with it if it is known now, else one of them resolves it. */
static void wake_waiters(struct location *l)
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
	if (l->resolver != g)
		return;
	l->resolver = NULL;
	if (g->res.r < 0 && !location_is_usable(l, clock_mono_ms()) && !atomic_load(&g->is_cancelled))
		fail_waiters(l, &g->res);
	else
		wake_waiters(l);
}

static void get_finish(struct object_get *g)
{
	struct objects *o = g->hub->objects;

	if (g->state == GET_QUEUED && !g->has_slot)
		list_remove(&o->queue, &o->queue_tail, g);
	leave_location(g);
	leave_slot(g);
	get_end(g);
}

static void get_fail(struct object_get *g, int r, const char *why)
{
	g->res = (struct hub_result){.r = r};
	err_set(&g->res.err, r, "%s: %s", g->what, why);
	get_finish(g);
}

/* --- what http calls --- */

static void read_headers(const struct http_answer *a, struct content_headers *c)
{
	*c = (struct content_headers){
		.status = a->status,
		.commit = http_answer_header(a, "X-Repo-Commit"),
		.linked_etag = http_answer_header(a, "X-Linked-ETag"),
		.linked_size = http_answer_header(a, "X-Linked-Size"),
		.etag = http_answer_header(a, "ETag"),
		.range = http_answer_header(a, "Content-Range"),
		.encoding = http_answer_header(a, "Content-Encoding"),
		.length = http_answer_header(a, "Content-Length"),
		.type = http_answer_header(a, "Content-Type"),
	};
}

/* Ends the request after its headers; what they said was wrong. */
static int refuse(struct object_get *g, int r, bool retry, const struct http_answer *a, const struct err *err)
{
	g->is_refused = true;
	g->res = (struct hub_result){.r = r, .retry = retry, .status = a->status};
	err_set(&g->res.err, r, "%s: %s", g->what, err_text(err));
	hub_note_fault(g->hub, retry ? FAULT_MALFORMED : FAULT_OTHER, &g->res.err);
	return r;
}

/* The address of g's next or present request is where this object is found. */
static int remember(struct object_get *g, const struct http_answer *a)
{
	struct location *l = g->loc;
	int r;

	if (l->resolver != g)
		return 0;
	r = location_set(l, g->hop.url, clock_mono_ms(), clock_wall_s());
	if (r < 0)
		return refuse(g, r, false, a, &(struct err){.code = r});
	l->deny_private = g->hop.deny_private;
	l->is_known = g->is_known;
	l->resolver = NULL;
	wake_waiters(l);
	return 0;
}

static int take_redirect(struct object_get *g, const struct http_answer *a)
{
	struct err err = {0};
	int r = hop_follow(g->hub, &g->hop, a, false, &err);

	if (r < 0)
		return refuse(g, r, false, a, &err);
	g->is_next = true;
	if (is_on_endpoint(g->hub->endpoint, g->hop.url))
		return 0; /* a renamed repository, or the Hub's own cache: the end of the chain will show */
	return remember(g, a);
}

static int on_headers(void *ctx, const struct http_answer *a)
{
	struct object_get *g = ctx;
	struct content_headers c;
	struct err err = {0};
	int r = 0;

	read_headers(a, &c);
	if (!g->hop.is_foreign && a->status < 400)
		r = content_check_identity(&c, &g->ref, &err);
	if (r < 0)
		return refuse(g, r, true, a, &err);
	g->is_known = g->is_known || r > 0;
	if (status_is_redirect(a->status))
		return take_redirect(g, a);
	if (a->status != 200 && a->status != 206)
		return 0;
	r = content_check_range(&c, &g->ref, g->off, g->len, g->is_known, &g->has_more, &err);
	if (r < 0)
		return refuse(g, r, true, a, &err);
	g->is_delivering = true;
	return remember(g, a);
}

static ssize_t waste(struct object_get *g, size_t len)
{
	g->wasted += len;
	return g->wasted > WASTE_MAX ? -EMSGSIZE : (ssize_t)len;
}

static void count_bytes(struct hub *h, size_t len)
{
	LOCK_SCOPE(&h->lock);
	h->bytes_fetched += len;
}

/* What is behind the range is not read: the connection is given up instead. */
static ssize_t on_body(void *ctx, const void *bytes, size_t len)
{
	struct object_get *g = ctx;
	size_t n = (size_t)min_u64(len, g->len - g->got);
	ssize_t taken;

	if (!g->is_delivering)
		return waste(g, len);
	if (n == 0)
		return -EOVERFLOW;
	taken = g->sink.bytes(g->ctx, g->off + g->got, bytes, n);
	if (taken < 0) {
		g->sink_r = (int)taken;
		return taken;
	}
	g->got += (uint64_t)taken;
	count_bytes(g->hub, (size_t)taken);
	if (g->got == g->len && (g->has_more || n < len))
		return -EOVERFLOW;
	return taken;
}

static void judge_transport(struct object_get *g, int r, const struct err *err)
{
	enum hub_fault fault = status_of_transport(r, err, g->what, &g->res);

	if (r != -ECANCELED)
		hub_note_fault(g->hub, fault, &g->res.err);
	if (r == -EHOSTUNREACH || r == -ECONNREFUSED || r == -EKEYREJECTED || r == -EPERM)
		location_forget(g->loc); /* that host is no good; the Hub may name another */
}

static void end_of_content(struct object_get *g, int r, const struct err *err)
{
	if (g->got == g->len) {
		g->res = (struct hub_result){.status = 206};
	} else if (r < 0) {
		judge_transport(g, r, err);
	} else {
		g->res = (struct hub_result){.r = -EIO, .retry = true, .status = 206};
		err_set(&g->res.err, -EIO, "%s: the answer ended after %llu of %llu bytes", g->what, (unsigned long long)g->got,
			(unsigned long long)g->len);
		hub_note_fault(g->hub, FAULT_MALFORMED, &g->res.err);
	}
	get_finish(g);
}

/* The four files that anybody may read of a gated repository. [Hub answers recorded in 2026-08] */
static bool is_open_to_all(const char *path)
{
	static const char *const names[] = {"README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(path, names[i]))
			return true;
	return false;
}

static void reread_token(void *arg)
{
	struct object_get *g = arg;
	struct hub *h = g->hub;

	g->token_changed = token_reload(&h->token);
	if (g->token_changed)
		hub_forget_denials(h);
	atomic_store(&g->has_reread, true);
	(void)http_post(h->http, &g->task); /* cannot fail while the net thread is held */
	http_release(h->http);
}

/* An address that is refused, or says that the range does not exist, is worth another look at the Hub. */
static bool is_about_location(int status)
{
	return status == 401 || status == 403 || status == 404 || status == 410 || status == 416;
}

static void end_of_refusal(struct object_get *g, const struct http_answer *a)
{
	struct location *l = g->loc;

	if (is_about_location(a->status) && l->url && !strcmp(l->url, g->hop.url))
		location_forget(l); /* unless another one has found a newer address meanwhile */
	if (is_about_location(a->status) && g->is_remembered && !g->was_refreshed) {
		g->was_refreshed = true;
		leave_slot(g);
		get_locate(g);
		return;
	}
	hop_judge(g->hub, &g->hop, a, &g->ref.repo, g->what, true, &g->res);
	if (a->status == 401 && !g->hop.is_foreign && !g->tried_reread) {
		g->tried_reread = true;
		g->state = GET_REREAD;
		http_hold(g->hub->http);
		hub_defer(g->hub, reread_token, g);
		return;
	}
	if (g->res.r == -EACCES && !is_open_to_all(g->ref.path))
		hub_note_denied(g->hub, &g->ref.repo, true, &g->res);
	get_finish(g);
}

static void on_done(void *ctx, int r, const struct http_answer *a, const struct err *err)
{
	struct object_get *g = ctx;

	g->rq = NULL;
	if (atomic_load(&g->is_cancelled) || r == -ECANCELED) {
		get_fail(g, -ECANCELED, "cancelled");
	} else if (g->sink_r < 0) {
		get_fail(g, g->sink_r, "the reader stopped");
	} else if (g->is_refused) {
		location_forget(g->loc);
		get_finish(g);
	} else if (g->is_delivering) {
		end_of_content(g, r, err);
	} else if (g->is_next) {
		get_send(g);
	} else if (r < 0 && r != -EMSGSIZE) {
		judge_transport(g, r, err);
		get_finish(g);
	} else {
		end_of_refusal(g, a);
	}
}

/* --- the beginning --- */

static void get_send(struct object_get *g)
{
	const char *headers[] = {g->range, "Accept-Encoding: identity", NULL};
	struct http_ask ask = {
		.headers = headers,
		.http1_only = true,
		.headers_done = on_headers,
		.body = on_body,
		.done = on_done,
		.ctx = g,
	};
	int r;

	g->state = GET_RUNNING;
	g->is_next = g->is_delivering = g->has_more = false;
	g->wasted = 0;
	r = hop_send(g->hub, &g->hop, &ask, &g->rq);
	if (r < 0)
		get_fail(g, r, "cannot ask the Hub");
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

/* Goes to where the object is, if that is known, or asks, unless another one does. */
static void get_locate(struct object_get *g)
{
	struct location *l = g->loc;

	if (location_is_usable(l, clock_mono_ms())) {
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
	if (!is_open_to_all(g->ref.path) && hub_is_denied(g->hub, &g->ref.repo, true, &g->res)) {
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

static void end_of_reread(struct object_get *g)
{
	if (!g->token_changed) {
		if (g->res.r == -EACCES && !is_open_to_all(g->ref.path))
			hub_note_denied(g->hub, &g->ref.repo, true, &g->res);
		get_finish(g);
		return;
	}
	leave_slot(g);
	get_locate(g);
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
		end_of_reread(g);
	} else if (is_resumed && g->rq) {
		http_resume(g->hub->http, g->rq);
	}
}

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

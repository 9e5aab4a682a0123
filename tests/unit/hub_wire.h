/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A scripted HTTP server on loopback for tests of hub/: each connection has a thread, each request goes to the test's own
 * function, which writes the bytes of the answer; heads of requests are kept. And calls of hub/ that wait for their result.
 */
#ifndef HFFS_TESTS_HUB_WIRE_H
#define HFFS_TESTS_HUB_WIRE_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/hub.h>
#include <hffs/thread.h>

#define WIRE_SEEN_MAX 256
#define WIRE_CONNS_MAX 256
#define COMMIT_A "1f0c6a6f3f5d3f0f8a8f1d0b7f8f0c2f9d1e2a3b"
#define COMMIT_B "2f0c6a6f3f5d3f0f8a8f1d0b7f8f0c2f9d1e2a3b"
#define SHA_A "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"
#define SHA_B "b02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"

struct wire;
struct wire_rq {
	struct wire *w;
	int fd;
	unsigned idx; /* of this request at its server, from 0 */
	char target[1024];
	char head[4096];
	bool has_range;
	uint64_t first, last;
};
/* Answers; false closes the connection. */
typedef bool wire_reply(struct wire_rq *rq);

struct wire {
	int fd, stop[2]; /* the listener; a byte in stop ends everything */
	unsigned port;
	pthread_t thread;
	pthread_t conns[WIRE_CONNS_MAX];
	int fds[WIRE_CONNS_MAX];
	unsigned nr_conns;
	_Atomic(wire_reply *) reply;
	struct wire *other;
	pthread_mutex_t lock;
	pthread_cond_t gate;
	bool is_open; /* the gate that wire_wait_gate() waits at */
	unsigned nr_seen;
	struct wire_rq seen[WIRE_SEEN_MAX];
};

static inline unsigned char wire_byte(uint64_t off)
{
	return (unsigned char)(off * 2654435761u >> 13);
}

static inline const char *wire_header(const struct wire_rq *rq, const char *name, char *out, size_t size)
{
	const char *p = rq->head;
	size_t n = strlen(name);

	while ((p = strstr(p, "\r\n"))) {
		p += 2;
		if (strncasecmp(p, name, n) || p[n] != ':')
			continue;
		p += n + 1 + (p[n + 1] == ' ');
		snprintf(out, size, "%.*s", (int)strcspn(p, "\r"), p);
		return out;
	}
	return NULL;
}

static inline void wire_send(int fd, const void *bytes, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = send(fd, (const char *)bytes + done, len - done, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		done += (size_t)n;
	}
}

/* "{status line and headers}" with a Content-Length and the body. */
static inline bool wire_text(struct wire_rq *rq, const char *head, const char *body)
{
	char *all = str_printf("HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head, strlen(body), body);

	wire_send(rq->fd, all, strlen(all));
	free(all);
	return true;
}

/* The pattern's bytes from off on. */
static inline void wire_content(int fd, uint64_t off, uint64_t len)
{
	unsigned char block[8192];

	while (len) {
		size_t n = len < sizeof(block) ? (size_t)len : sizeof(block);

		for (size_t i = 0; i < n; i++)
			block[i] = wire_byte(off + i);
		wire_send(fd, block, n);
		off += n;
		len -= n;
	}
}

/* A right 206 for the range asked; headers: more lines, each with its end. */
static inline bool wire_range(struct wire_rq *rq, uint64_t size, const char *headers)
{
	char head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes %llu-%llu/%llu\r\nContent-Length: %llu\r\n%s\r\n",
		 (unsigned long long)rq->first, (unsigned long long)rq->last, (unsigned long long)size,
		 (unsigned long long)(rq->last - rq->first + 1), headers);
	wire_send(rq->fd, head, strlen(head));
	wire_content(rq->fd, rq->first, rq->last - rq->first + 1);
	return true;
}

static inline void wire_open_gate(struct wire *w)
{
	LOCK_SCOPE(&w->lock);
	w->is_open = true;
	pthread_cond_broadcast(&w->gate);
}

static inline void wire_wait_gate(struct wire *w)
{
	LOCK_SCOPE(&w->lock);
	while (!w->is_open)
		pthread_cond_wait(&w->gate, &w->lock);
}

static inline unsigned wire_seen(struct wire *w)
{
	LOCK_SCOPE(&w->lock);
	return w->nr_seen;
}

/* Waits until the server has seen nr requests. */
static inline void wire_wait_seen(struct wire *w, unsigned nr)
{
	LOCK_SCOPE(&w->lock);
	while (w->nr_seen < nr)
		pthread_cond_wait(&w->gate, &w->lock);
}

static inline unsigned wire_seen_with(struct wire *w, const char *part)
{
	unsigned nr = 0;
	LOCK_SCOPE(&w->lock);

	for (unsigned i = 0; i < w->nr_seen; i++)
		nr += strstr(w->seen[i].target, part) != NULL;
	return nr;
}

/* Reads one request head; false at the end of the connection. */
static inline bool wire_read(struct wire_rq *rq)
{
	size_t len = 0;
	char value[128];
	unsigned long long a, b;

	rq->has_range = false;
	while (len + 1 < sizeof(rq->head)) {
		struct pollfd p[2] = {{rq->fd, POLLIN, 0}, {rq->w->stop[0], POLLIN, 0}};

		if (poll(p, 2, -1) < 0 || p[1].revents || recv(rq->fd, rq->head + len, 1, 0) != 1)
			return false;
		rq->head[++len] = '\0';
		if (len >= 4 && !memcmp(rq->head + len - 4, "\r\n\r\n", 4))
			break;
	}
	sscanf(rq->head, "%*s %1023s", rq->target);
	if (wire_header(rq, "Range", value, sizeof(value)) && sscanf(value, "bytes=%llu-%llu", &a, &b) == 2) {
		rq->has_range = true;
		rq->first = a;
		rq->last = b;
	}
	return true;
}

static inline void *wire_conn(void *arg)
{
	struct wire_rq rq = *(struct wire_rq *)arg;

	free(arg);
	while (wire_read(&rq)) {
		pthread_mutex_lock(&rq.w->lock);
		rq.idx = rq.w->nr_seen;
		if (rq.w->nr_seen < WIRE_SEEN_MAX)
			rq.w->seen[rq.w->nr_seen++] = rq;
		pthread_cond_broadcast(&rq.w->gate);
		pthread_mutex_unlock(&rq.w->lock);
		if (!atomic_load(&rq.w->reply)(&rq))
			break;
	}
	shutdown(rq.fd, SHUT_RDWR);
	return NULL;
}

static inline void *wire_accept(void *arg)
{
	struct wire *w = arg;

	for (;;) {
		struct pollfd p[2] = {{w->fd, POLLIN, 0}, {w->stop[0], POLLIN, 0}};
		struct wire_rq *rq;
		int fd;

		if (poll(p, 2, -1) < 0 || p[1].revents)
			return NULL;
		fd = accept(w->fd, NULL, NULL);
		if (fd < 0 || w->nr_conns == WIRE_CONNS_MAX)
			return NULL;
		rq = calloc(1, sizeof(*rq));
		rq->w = w;
		rq->fd = fd;
		w->fds[w->nr_conns] = fd;
		thread_start(&w->conns[w->nr_conns++], "wire", wire_conn, rq);
	}
}

static inline struct wire *wire_open(wire_reply *reply)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	atomic_store(&w->reply, reply);
	pthread_mutex_init(&w->lock, NULL);
	cond_init(&w->gate);
	w->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(w->fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(w->fd, 128), 0);
	assert_int_equal(getsockname(w->fd, (struct sockaddr *)&a, &len), 0);
	assert_int_equal(pipe(w->stop), 0);
	w->port = ntohs(a.sin_port);
	thread_start(&w->thread, "wire-accept", wire_accept, w);
	return w;
}

static inline void wire_close(struct wire *w)
{
	wire_open_gate(w);
	wire_send(w->stop[1], "", 0);
	assert_int_equal(write(w->stop[1], "x", 1), 1);
	pthread_join(w->thread, NULL);
	for (unsigned i = 0; i < w->nr_conns; i++)
		shutdown(w->fds[i], SHUT_RDWR);
	for (unsigned i = 0; i < w->nr_conns; i++) {
		pthread_join(w->conns[i], NULL);
		close(w->fds[i]);
	}
	close(w->fd);
	close(w->stop[0]);
	close(w->stop[1]);
	pthread_cond_destroy(&w->gate);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- a deferring thread --- */

struct job {
	struct queue_item item;
	void (*fn)(void *arg);
	void *arg;
};
struct deferrer {
	struct queue queue;
	pthread_t thread;
};

static inline void *deferrer_run(void *arg)
{
	struct deferrer *d = arg;
	struct queue_item *i;

	while ((i = queue_pop(&d->queue))) {
		struct job j = *container_of(i, struct job, item);

		free(i);
		j.fn(j.arg);
	}
	return NULL;
}

static inline void deferrer_defer(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct deferrer *d = ctx;
	struct job *j = calloc(1, sizeof(*j));

	j->fn = fn;
	j->arg = arg;
	assert_true(queue_push(&d->queue, &j->item));
}

static inline struct deferrer *deferrer_open(void)
{
	struct deferrer *d = calloc(1, sizeof(*d));

	queue_init(&d->queue);
	thread_start(&d->thread, "deferrer", deferrer_run, d);
	return d;
}

static inline void deferrer_close(struct deferrer *d)
{
	queue_close(&d->queue);
	pthread_join(d->thread, NULL);
	queue_done(&d->queue);
	free(d);
}

/* --- a Hub, a storage on another port, and a client of both --- */

struct world {
	struct wire *hub, *cdn;
	struct deferrer *deferrer;
	struct hub *client;
	char endpoint[64];
};

static inline void world_open(struct world *w, wire_reply *hub, wire_reply *cdn, struct hub_config *config)
{
	struct hub_config c = config ? *config : (struct hub_config){.token = "hf_canary"};
	struct err err = {0};

	memset(w, 0, sizeof(*w));
	w->hub = wire_open(hub);
	w->cdn = wire_open(cdn ? cdn : hub);
	w->hub->other = w->cdn;
	w->cdn->other = w->hub;
	w->deferrer = deferrer_open();
	snprintf(w->endpoint, sizeof(w->endpoint), "http://127.0.0.1:%u", w->hub->port);
	c.endpoint = w->endpoint;
	c.defer = deferrer_defer;
	c.defer_ctx = w->deferrer;
	assert_int_equal(hub_open(&c, &w->client, &err), 0);
}

static inline void world_close(struct world *w)
{
	hub_close(w->client);
	deferrer_close(w->deferrer);
	wire_close(w->hub);
	wire_close(w->cdn);
}

/* --- calls that wait --- */

struct fetch {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct object_get *get;
	uint64_t next;  /* offset expected */
	uint64_t bytes; /* taken */
	uint64_t room;  /* how many more it takes before it pauses */
	bool is_wrong;
	int stop; /* returned by the sink once it has taken a byte; 0: none */
	unsigned done;
	struct hub_result res;
};

static inline ssize_t fetch_bytes(void *ctx, uint64_t off, const void *bytes, size_t len)
{
	struct fetch *f = ctx;
	LOCK_SCOPE(&f->lock);

	if (f->stop && f->bytes)
		return f->stop;
	if (len > f->room)
		len = (size_t)f->room;
	f->is_wrong |= off != f->next;
	for (size_t i = 0; i < len; i++)
		f->is_wrong |= ((const unsigned char *)bytes)[i] != wire_byte(off + i);
	f->next += len;
	f->bytes += len;
	f->room -= len;
	pthread_cond_broadcast(&f->wake);
	return (ssize_t)len;
}

static inline void fetch_done(void *ctx, const struct hub_result *res)
{
	struct fetch *f = ctx;
	LOCK_SCOPE(&f->lock);

	f->done++;
	f->res = *res;
	pthread_cond_broadcast(&f->wake);
}

#define OBJECT_SIZE 1000000u

static inline struct object_ref fetch_ref(void)
{
	struct object_ref ref = {.commit = COMMIT_A, .path = "dir/w b#.bin", .size = OBJECT_SIZE};

	assert_int_equal(repo_id_set(&ref.repo, REPO_MODEL, "acme/tiny", 9), 0);
	assert_int_equal(blob_id_parse(SHA_A, &ref.id), 0);
	return ref;
}

static inline void fetch_init(struct fetch *f)
{
	memset(f, 0, sizeof(*f));
	pthread_mutex_init(&f->lock, NULL);
	cond_init(&f->wake);
	f->room = UINT64_MAX;
}

static inline void fetch_start_ref(struct fetch *f, struct hub *h, const struct object_ref *ref, uint64_t off, uint64_t len)
{
	static const struct object_sink sink = {fetch_bytes, fetch_done};

	f->next = off;
	assert_int_equal(object_want(h, ref, off, len, &sink, f, &f->get), 0);
}

static inline void fetch_start(struct fetch *f, struct hub *h, uint64_t off, uint64_t len)
{
	struct object_ref ref = fetch_ref();

	fetch_start_ref(f, h, &ref, off, len);
}

static inline void fetch_wait(struct fetch *f)
{
	LOCK_SCOPE(&f->lock);
	while (!f->done)
		pthread_cond_wait(&f->wake, &f->lock);
	assert_int_equal(f->done, 1);
	assert_false(f->is_wrong);
}

static inline int fetch_now(struct fetch *f, struct hub *h, uint64_t off, uint64_t len)
{
	fetch_init(f);
	fetch_start(f, h, off, len);
	fetch_wait(f);
	return f->res.r;
}

/* Any API call: how it ended, and what it brought in one line of text. */
struct answer {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned done, pages;
	struct hub_result res;
	struct hub_info info;
	char text[1024];
};

static inline void answer_init(struct answer *a)
{
	memset(a, 0, sizeof(*a));
	pthread_mutex_init(&a->lock, NULL);
	cond_init(&a->wake);
}

static inline void answer_end(struct answer *a, const struct hub_result *res)
{
	a->done++;
	a->res = *res;
	pthread_cond_broadcast(&a->wake);
}

static inline void answer_info(void *ctx, const struct hub_result *res, const struct hub_info *info)
{
	struct answer *a = ctx;
	LOCK_SCOPE(&a->lock);

	if (info)
		a->info = *info;
	assert_true(!info == (res->r != 0));
	answer_end(a, res);
}

static inline void answer_tree(void *ctx, const struct hub_result *res, const struct hub_entry *entries, size_t nr, bool more)
{
	struct answer *a = ctx;
	LOCK_SCOPE(&a->lock);

	a->pages++;
	for (size_t i = 0; i < nr; i++)
		snprintf(a->text + strlen(a->text), sizeof(a->text) - strlen(a->text), "%s ", entries[i].path);
	if (!more)
		answer_end(a, res);
}

static inline void answer_wait(struct answer *a)
{
	LOCK_SCOPE(&a->lock);
	while (!a->done)
		pthread_cond_wait(&a->wake, &a->lock);
	assert_int_equal(a->done, 1);
}

static inline struct repo_id repo_of(const char *name)
{
	struct repo_id id;

	assert_int_equal(repo_id_set(&id, REPO_MODEL, name, strlen(name)), 0);
	return id;
}

static inline int info_now(struct answer *a, struct hub *h, const char *name)
{
	struct repo_id id = repo_of(name);

	answer_init(a);
	hub_want_info(h, &id, NULL, answer_info, a);
	answer_wait(a);
	return a->res.r;
}

static inline int tree_now(struct answer *a, struct hub *h)
{
	struct repo_id id = repo_of("acme/tiny");

	answer_init(a);
	hub_want_tree(h, &id, COMMIT_A, "", true, answer_tree, a);
	answer_wait(a);
	return a->res.r;
}

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP through libmicrohttpd: this file is its only user. Each connection has a thread, which may block: for a folder being
 * hashed, for git, for sendfile. One large file goes out as fast as from a pool of epoll threads (2.5 GB/s to one curl over
 * loopback), where a request that hashes would hold up all others of its thread.
 */
#include "serve_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/log.h>

#include <microhttpd.h>

#define IDLE_TIMEOUT_S 120
#define CONNECTIONS_MAX 8192
#define MEMORY_PER_CONNECTION (64u * 1024) /* bounds request line and headers */
#define STACK_SIZE (512u * 1024)
#define BODY_MAX (16u << 20)  /* of a request */
#define HOOK_BLOCK (64u << 10) /* bytes read at once where a hook looks on */

struct http {
	struct MHD_Daemon *daemon;
	struct serve *serve;
	bool cdn;
};

/* One request, from its first line to its end. */
struct exchange {
	struct http *http;
	struct MHD_Connection *connection;
	struct serve_request req;
	char *target;
	bool too_large;
};

/* A body that a hook looks at while it is sent. */
struct watched {
	struct serve *serve;
	struct exchange *exchange;
	struct serve_response resp;
};

static const char *get_header(const struct serve_request *req, const char *name)
{
	const struct exchange *x = req->impl;

	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* The raw target comes only here; libmicrohttpd hands out the same pointer with each later call. */
static void *begin_exchange(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct exchange *x = calloc(1, sizeof(*x));

	if (!x)
		return NULL;
	x->http = cls;
	x->connection = connection;
	x->target = strdup(uri);
	x->req.cdn = x->http->cdn;
	x->req.header = get_header;
	x->req.impl = x;
	return x;
}

static void end_exchange(void *cls, struct MHD_Connection *connection, void **ptr, enum MHD_RequestTerminationCode how)
{
	const struct http *h = cls;
	struct exchange *x = *ptr;

	(void)connection;
	(void)how; /* an end is an end */
	if (!x)
		return;
	if (h->serve->hook && h->serve->hook->done)
		h->serve->hook->done(h->serve->hook->ctx, &x->req);
	buf_done(&x->req.body);
	free(x->target);
	free(x);
	*ptr = NULL;
}

static void note_connection(void *cls, struct MHD_Connection *connection, void **ptr, enum MHD_ConnectionNotificationCode code)
{
	const struct http *h = cls;

	(void)connection;
	(void)ptr;
	if (h->serve->hook && h->serve->hook->connected)
		h->serve->hook->connected(h->serve->hook->ctx, code == MHD_CONNECTION_NOTIFY_STARTED);
}

static void add_headers(struct MHD_Response *m, const struct serve_response *resp)
{
	for (size_t i = 0; i < resp->nr_headers; i++)
		if (MHD_add_response_header(m, resp->headers[i].name, resp->headers[i].value) == MHD_NO)
			log_debug("the header %s cannot be sent", resp->headers[i].name);
}

/* The product's way: memory or a descriptor goes to libmicrohttpd, which frees or closes it. */
static struct MHD_Response *make_plain(struct serve_response *resp)
{
	struct MHD_Response *m;

	if (resp->fd >= 0) {
		m = MHD_create_response_from_fd_at_offset64(resp->len, resp->fd, resp->off);
		if (m)
			resp->fd = -1;
		return m;
	}
	m = MHD_create_response_from_buffer(resp->body.len, resp->body.len ? resp->body.data : NULL, MHD_RESPMEM_MUST_FREE);
	if (m && resp->body.len)
		resp->body = (struct buf){0};
	return m;
}

static int read_body(const struct serve_response *resp, uint64_t pos, char *out, size_t len)
{
	if (resp->fd < 0) {
		memcpy(out, resp->body.data + pos, len);
		return 0;
	}
	return io_pread(resp->fd, out, len, resp->off + pos);
}

static void flip_bytes(const struct serve_faults *f, uint64_t pos, char *out, size_t len)
{
	for (size_t i = 0; f->flip_every && i < len; i++)
		if ((pos + i) % f->flip_every == 0)
			out[i] = (char)~out[i];
}

static ssize_t send_watched(void *cls, uint64_t pos, char *out, size_t max)
{
	struct watched *w = cls;
	const struct serve_hook *hook = w->serve->hook;
	const struct serve_faults *f = &w->resp.faults;
	uint64_t size = response_size(&w->resp), end = size + f->extra;
	size_t len = (size_t)min_u64(max, HOOK_BLOCK);

	if (f->cut && pos >= f->cut_after)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (f->cut && f->cut_after < end)
		end = f->cut_after;
	if (pos >= end)
		return MHD_CONTENT_READER_END_OF_STREAM;
	len = (size_t)min_u64(len, (pos < size ? min_u64(size, end) : end) - pos);
	if (hook->sending)
		len = hook->sending(hook->ctx, &w->exchange->req, len);
	if (pos >= size)
		memset(out, 'x', len);
	else if (read_body(&w->resp, pos, out, len) < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	flip_bytes(f, pos, out, len);
	return (ssize_t)len;
}

static void free_watched(void *cls)
{
	struct watched *w = cls;

	response_done(&w->resp);
	free(w);
}

static struct MHD_Response *make_watched(struct exchange *x, struct serve_response *resp)
{
	struct watched *w = calloc(1, sizeof(*w));
	uint64_t size = resp->faults.no_length ? MHD_SIZE_UNKNOWN : response_size(resp) + resp->faults.extra;
	struct MHD_Response *m;

	if (!w)
		return NULL;
	w->serve = x->http->serve;
	w->exchange = x;
	w->resp = *resp;
	response_init(resp);
	m = MHD_create_response_from_callback(size, HOOK_BLOCK, send_watched, w, free_watched);
	if (!m) {
		free_watched(w);
		return NULL;
	}
	if (w->resp.faults.extra) {
		char length[24];

		snprintf(length, sizeof(length), "%llu", (unsigned long long)response_size(&w->resp));
		MHD_set_response_options(m, MHD_RF_INSANITY_HEADER_CONTENT_LENGTH, MHD_RO_END);
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_LENGTH, length); /* a test notices if it is missing */
	}
	add_headers(m, &w->resp);
	return m;
}

static enum MHD_Result send_response(struct exchange *x, struct serve_response *resp)
{
	int status = resp->status;
	struct MHD_Response *m;
	enum MHD_Result sent;

	if (resp->faults.drop)
		return MHD_NO;
	if (x->http->serve->hook) {
		m = make_watched(x, resp);
	} else {
		m = make_plain(resp);
		if (m)
			add_headers(m, resp);
	}
	if (!m)
		return MHD_NO;
	sent = MHD_queue_response(x->connection, (unsigned)status, m);
	MHD_destroy_response(m);
	return sent;
}

static void answer_exchange(struct exchange *x, struct serve_response *resp)
{
	struct serve *s = x->http->serve;
	const struct serve_hook *hook = s->hook;

	route_parse(x->target, x->http->cdn, &x->req.route);
	if (hook && hook->before && hook->before(hook->ctx, &x->req, resp))
		return;
	if (x->too_large)
		answer_error(&x->req, resp, 413, NULL, "The request body is too large");
	else
		answer_request(s, &x->req, resp);
	if (hook && hook->after)
		hook->after(hook->ctx, &x->req, resp);
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
			      const char *data, size_t *len, void **ptr)
{
	struct exchange *x = *ptr;
	struct serve_response resp;
	enum MHD_Result sent;

	(void)cls;
	(void)url;
	(void)version;
	if (!x || !x->target)
		return MHD_NO;
	if (!x->req.method) { /* the first call: only the headers are there */
		x->req.method = method;
		x->req.target = x->target;
		x->req.conn = (uint64_t)(uintptr_t)connection;
		return MHD_YES;
	}
	if (*len) {
		x->too_large |= x->req.body.len + *len > BODY_MAX;
		if (!x->too_large)
			buf_add(&x->req.body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	response_init(&resp);
	answer_exchange(x, &resp);
	sent = send_response(x, &resp);
	response_done(&resp);
	return sent;
}

/* The target stays as it was sent; route.c decodes. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

static void log_http(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void log_http(void *cls, const char *fmt, va_list ap)
{
	char text[256];

	(void)cls;
	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

int server_open(struct serve *s, int listen_fd, bool cdn, struct http **out, struct err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;

	if (!h) {
		(void)close(listen_fd); /* nobody has connected */
		return -ENOMEM;
	}
	h->serve = s;
	h->cdn = cdn;
	h->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, h, MHD_OPTION_NOTIFY_CONNECTION, note_connection, h,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
		MHD_OPTION_END);
	if (!h->daemon) {
		(void)close(listen_fd); /* nobody has connected */
		free(h);
		return err_set(err, -EIO, "the HTTP server cannot be started");
	}
	*out = h;
	return 0;
}

void server_close(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->daemon);
	free(h);
}

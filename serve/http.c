// SPDX-License-Identifier: Apache-2.0
/*
 * HTTP through libmicrohttpd: this file is its only user. Each connection has a thread, which may block: for a folder being
 * hashed, for git, for a slow client. A file is read and sent in blocks, each followed by a look whether the file has changed,
 * so that no byte of another content leaves. That is also faster (4 GB/s to one curl over loopback) than libmicrohttpd's way
 * with sendfile() (2.5 GB/s), which besides spins for ever when the file gets shorter meanwhile.
 *
 * What is answered is the handler's to say; this file knows no page.
 */
#include "serve_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <hffs/io.h>
#include <hffs/log.h>

#include <microhttpd.h>

#include "hash_int.h"

#define IDLE_TIMEOUT_S 120
#define CONNECTIONS_MAX 8192
#define MEMORY_PER_CONNECTION (64u * 1024) /* bounds request line and headers */
#define STACK_SIZE (512u * 1024)
#define BODY_MAX (16u << 20)  /* of a request */
#define STREAM_BLOCK 16384u   /* most of a stream that is asked for at once */
#define SEND_BLOCK (256u << 10) /* bytes of a file read and sent at once; measured: 64 KiB 3.3, 128 KiB 4.2, 256 KiB 4.5 GB/s */

struct http {
	struct MHD_Daemon *daemon;
	struct http_handler handler;
	const struct serve_hook *hook;
	bool cdn;
};

/* One request, from its first line to its end. */
struct exchange {
	struct http *http;
	struct MHD_Connection *connection;
	struct serve_request req;
	char *target;
};

/* A body on its way: a file, a stream, or where there is a hook any. */
struct sender {
	const struct serve_hook *hook;
	struct exchange *exchange;
	struct serve_response resp;
	struct stamp stamp; /* of the file when it was opened */
};

static const char *get_header(const struct serve_request *req, const char *name)
{
	const struct exchange *x = req->impl;

	return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

/* Takes nothing of what is there to be read: that may be the next request. */
static bool is_gone(const struct serve_request *req)
{
	const struct exchange *x = req->impl;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	char byte;
	ssize_t n = info ? recv(info->connect_fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) : 1;

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
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
	x->req.is_gone = is_gone;
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
	if (h->hook && h->hook->done)
		h->hook->done(h->hook->ctx, &x->req);
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
	if (h->hook && h->hook->connected)
		h->hook->connected(h->hook->ctx, code == MHD_CONNECTION_NOTIFY_STARTED);
}

static void add_headers(struct MHD_Response *m, const struct serve_response *resp)
{
	for (size_t i = 0; i < resp->nr_headers; i++)
		if (MHD_add_response_header(m, resp->headers[i].name, resp->headers[i].value) == MHD_NO)
			log_debug("the header %s cannot be sent", resp->headers[i].name);
}

/* Bytes at hand go to libmicrohttpd, which frees them. */
static struct MHD_Response *make_from_memory(struct serve_response *resp)
{
	struct MHD_Response *m =
		MHD_create_response_from_buffer(resp->body.len, resp->body.len ? resp->body.data : NULL, MHD_RESPMEM_MUST_FREE);

	if (m && resp->body.len)
		resp->body = (struct buf){0};
	if (m)
		add_headers(m, resp);
	return m;
}

static bool is_unchanged(const struct sender *s)
{
	struct stamp now;
	struct stat st;

	if (fstat(s->resp.fd, &st) < 0)
		return false;
	now = hash_stamp(&st);
	return memcmp(&now, &s->stamp, sizeof(now)) == 0;
}

/* Bytes of a file that changed while they were read are not sent. */
static int read_body(const struct sender *s, uint64_t pos, char *out, size_t len)
{
	int r;

	if (s->resp.fd < 0) {
		memcpy(out, s->resp.body.data + pos, len);
		return 0;
	}
	r = io_pread(s->resp.fd, out, len, s->resp.off + pos);
	return r < 0 ? r : is_unchanged(s) ? 0 : -ESTALE;
}

static void flip_bytes(const struct serve_faults *f, uint64_t pos, char *out, size_t len)
{
	for (size_t i = 0; f->flip_every && i < len; i++)
		if ((pos + i) % f->flip_every == 0)
			out[i] = (char)~out[i];
}

static ssize_t send_some(void *cls, uint64_t pos, char *out, size_t max)
{
	struct sender *s = cls;
	const struct serve_hook *hook = s->hook;
	const struct serve_faults *f = &s->resp.faults;
	uint64_t size = response_size(&s->resp), end = size + f->extra;
	size_t len;

	if (f->cut && pos >= f->cut_after)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (f->cut && f->cut_after < end)
		end = f->cut_after;
	if (pos >= end)
		return MHD_CONTENT_READER_END_OF_STREAM;
	len = (size_t)min_u64(max, (pos < size ? min_u64(size, end) : end) - pos);
	if (hook && hook->sending)
		len = hook->sending(hook->ctx, &s->exchange->req, len);
	if (pos >= size)
		memset(out, 'x', len);
	else if (read_body(s, pos, out, len) < 0)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	flip_bytes(f, pos, out, len);
	return (ssize_t)len;
}

static void free_sender(void *cls)
{
	struct sender *s = cls;

	response_done(&s->resp);
	free(s);
}

/* Takes what is in resp. */
static struct sender *sender_new(struct exchange *x, struct serve_response *resp)
{
	struct sender *s = calloc(1, sizeof(*s));
	struct stat st;

	if (!s)
		return NULL;
	s->hook = x->http->hook;
	s->exchange = x;
	s->resp = *resp;
	if (resp->fd >= 0 && fstat(resp->fd, &st) == 0)
		s->stamp = hash_stamp(&st);
	response_init(resp);
	return s;
}

static struct MHD_Response *make_from_sender(struct exchange *x, struct serve_response *resp)
{
	struct sender *s = sender_new(x, resp);
	uint64_t size = s ? response_size(&s->resp) + s->resp.faults.extra : 0;
	size_t block = (size_t)(size > SEND_BLOCK ? SEND_BLOCK : size ? size : 1);
	struct MHD_Response *m;

	if (!s)
		return NULL;
	m = MHD_create_response_from_callback(s->resp.faults.no_length ? MHD_SIZE_UNKNOWN : size, block, send_some, s, free_sender);
	if (!m) {
		free_sender(s);
		return NULL;
	}
	if (s->resp.faults.extra) {
		char length[24];

		snprintf(length, sizeof(length), "%llu", (unsigned long long)response_size(&s->resp));
		MHD_set_response_options(m, MHD_RF_INSANITY_HEADER_CONTENT_LENGTH, MHD_RO_END);
		(void)MHD_add_response_header(m, MHD_HTTP_HEADER_CONTENT_LENGTH, length); /* a test notices if it is missing */
	}
	add_headers(m, &s->resp);
	return m;
}

/*
 * The time a handler takes is none in which the client was idle: the count of the timeout begins anew when it is set after it was
 * off. [libmicrohttpd, connection.c, MHD_set_connection_option()]
 */
static void was_busy(struct exchange *x)
{
	(void)MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, 0u);
	(void)MHD_set_connection_option(x->connection, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)IDLE_TIMEOUT_S); /* at worst it ends early */
}

static ssize_t read_stream(void *cls, uint64_t pos, char *out, size_t max)
{
	struct sender *s = cls;
	ssize_t n = s->resp.stream->read(s->resp.stream->ctx, out, max);

	(void)pos;
	was_busy(s->exchange);
	if (n == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	return n < 0 ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

/* Sent in chunks as they are made. */
static struct MHD_Response *make_from_stream(struct exchange *x, struct serve_response *resp)
{
	struct sender *s = sender_new(x, resp);
	struct MHD_Response *m = s ? MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_stream, s, free_sender) : NULL;

	if (!m && s)
		free_sender(s);
	if (m)
		add_headers(m, &s->resp);
	return m;
}

static struct MHD_Response *make_response(struct exchange *x, struct serve_response *resp)
{
	if (resp->stream)
		return make_from_stream(x, resp);
	return resp->fd >= 0 || x->http->hook ? make_from_sender(x, resp) : make_from_memory(resp);
}

static enum MHD_Result send_response(struct exchange *x, struct serve_response *resp)
{
	int status = resp->status;
	struct MHD_Response *m;
	enum MHD_Result sent;

	if (resp->faults.drop)
		return MHD_NO;
	m = make_response(x, resp);
	if (!m)
		return MHD_NO;
	sent = MHD_queue_response(x->connection, (unsigned)status, m);
	MHD_destroy_response(m);
	return sent;
}

static void answer_exchange(struct exchange *x, struct serve_response *resp)
{
	const struct http *h = x->http;
	const struct serve_hook *hook = h->hook;

	route_parse(x->target, h->cdn, &x->req.route);
	if (hook && hook->before && hook->before(hook->ctx, &x->req, resp))
		return;
	h->handler.answer(h->handler.ctx, &x->req, resp);
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
		x->req.too_large |= x->req.body.len + *len > BODY_MAX;
		if (!x->req.too_large)
			buf_add(&x->req.body, data, *len);
		*len = 0;
		return MHD_YES;
	}
	response_init(&resp);
	answer_exchange(x, &resp);
	was_busy(x);
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

int server_open(const struct server_config *config, struct http **out, struct err *err)
{
	struct http *h = calloc(1, sizeof(*h));
	unsigned flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG;

	if (!h) {
		(void)close(config->listen_fd); /* nobody has connected */
		return -ENOMEM;
	}
	h->handler = config->handler;
	h->hook = config->hook;
	h->cdn = config->cdn;
	h->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_http, NULL, MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
		MHD_OPTION_URI_LOG_CALLBACK, begin_exchange, h, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, end_exchange, h, MHD_OPTION_NOTIFY_CONNECTION, note_connection, h,
		MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_TIMEOUT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONNECTION, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
		MHD_OPTION_END);
	if (!h->daemon) {
		(void)close(config->listen_fd); /* nobody has connected */
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

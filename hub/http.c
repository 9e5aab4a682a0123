// SPDX-License-Identifier: Apache-2.0
/*
 * The one libcurl multi handle and the net thread; no other file knows libcurl.
 *
 * A request is owned by the net thread from http_start() on: other threads only put its task into the inbox, with a flag that
 * says why. It is in one of these states, known to the net thread only:
 *   NEW      in the inbox            DELAYED  waits for not_before          RUNNING  libcurl has it
 * After done() its task is taken out of the inbox and it is freed, so a wish that races with the end is lost, not run.
 * libcurl's own redirects, cookies, netrc and retries stay off: what a hop may carry is decided above.
 */
#include "http_int.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/url.h>

#include "addr_int.h"

#define CONNECT_TIMEOUT_MS 10000L
#define SLOW_BYTES_S 1024L /* a transfer below this for so long is dead */
#define SLOW_S 15L
#define HEADERS_MAX (256u << 10) /* bytes of all headers of one answer */
#define CONTENT_BUFFER (512L << 10)
#define HANDLES_KEPT 64
#define SLEEP_MOST_MS 60000
#define TASKS_A_ROUND 1024
#define CLOSING_POLL_MS 10

enum rq_state { RQ_NEW, RQ_DELAYED, RQ_RUNNING };
enum rq_wish { WISH_RESUME = 1, WISH_CANCEL = 2 };

struct http_request {
	struct http_task task;
	struct http *h;
	_Atomic unsigned wishes;
	/* the net thread's own from here on */
	struct http_request *next, *prev;
	enum rq_state state;
	struct http_ask ask; /* url, headers and post are not used */
	char *url, *post;
	struct curl_slist *lines;
	CURL *easy;
	struct buf head; /* headers: name NUL value NUL ... */
	int status;
	bool head_over; /* what comes now are trailers */
	bool denied;    /* an address was refused */
	int end;        /* what a callback ended the request with; 0: none did */
	size_t skip;    /* bytes of the block that is offered again which were taken before the pause */
	uint64_t body_len;
	char ip[64];
	char error[CURL_ERROR_SIZE];
};

struct http {
	pthread_t thread;
	bool started, stopped; /* by the thread that opens and closes */
	struct inbox inbox;
	CURLM *multi;
	CURLSH *share;
	char *user_agent;
	_Atomic bool closing;

	pthread_mutex_t lock;
	struct http_stats stats;
	void (*tick)(void *arg);
	void *tick_arg;
	unsigned tick_ms;

	/* the net thread's own */
	struct http_request *requests;
	CURL *idle[HANDLES_KEPT];
	unsigned nr_idle;
	uint64_t due_ms;  /* no delay or deadline ends before */
	uint64_t tick_at; /* clock_mono_ms() of the next tick */
};

/* --- what libcurl calls --- */

static void take_status(struct http_request *rq, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	const char *end = line + len;
	int status = 0;

	for (space = space ? space + 1 : end; space < end && *space >= '0' && *space <= '9' && status < 1000; space++)
		status = status * 10 + (*space - '0');
	rq->status = status;
	buf_clear(&rq->head);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static int take_header(struct http_request *rq, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value, *end = line + len;

	if (rq->head.len + len > HEADERS_MAX || memchr(line, '\0', len))
		return -EBADMSG;
	if (!colon)
		return 0;
	for (value = colon + 1; value < end && is_blank(*value); value++)
		;
	while (end > value && is_blank(end[-1]))
		end--;
	buf_add(&rq->head, line, (size_t)(colon - line));
	buf_addc(&rq->head, '\0');
	buf_add(&rq->head, value, (size_t)(end - value));
	buf_addc(&rq->head, '\0');
	return rq->head.failed ? -ENOMEM : 0;
}

const char *http_answer_header(const struct http_answer *a, const char *name)
{
	const struct buf *head = &a->rq->head;
	const char *found = NULL;

	for (const char *p = head->data, *end = p + head->len; p && p < end;) {
		const char *value = p + strlen(p) + 1;

		if (!strcasecmp(p, name))
			found = value;
		p = value + strlen(value) + 1;
	}
	return found;
}

static struct http_answer answer_of(struct http_request *rq)
{
	return (struct http_answer){rq->status, rq, rq->url, rq->ip, rq->body_len};
}

static void note_address(struct http_request *rq)
{
	char *ip = NULL;

	if (curl_easy_getinfo(rq->easy, CURLINFO_PRIMARY_IP, &ip) == CURLE_OK && ip)
		snprintf(rq->ip, sizeof(rq->ip), "%s", ip);
}

static int end_of_head(struct http_request *rq)
{
	struct http_answer a;

	if (rq->status < 200)
		return 0; /* an interim answer; the real one follows */
	rq->head_over = true;
	note_address(rq);
	a = answer_of(rq);
	return rq->ask.headers_done ? rq->ask.headers_done(rq->ask.ctx, &a) : 0;
}

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct http_request *rq = arg;
	int r = 0;

	(void)one;
	if (rq->head_over)
		return len;
	if (len >= 5 && !memcmp(line, "HTTP/", 5))
		take_status(rq, line, len);
	else if (len <= 2 && is_blank(line[0]))
		r = end_of_head(rq);
	else
		r = take_header(rq, line, len);
	if (r >= 0)
		return len;
	rq->end = r;
	return 0;
}

/*
 * libcurl takes all of a block or none: a pause after a part of it means that the whole block is offered again, perhaps cut
 * anew, so the part is counted and skipped. [curl docs CURLOPT_WRITEFUNCTION, 2026-08]
 */
static size_t on_body(char *bytes, size_t one, size_t len, void *arg)
{
	struct http_request *rq = arg;
	size_t skip = rq->skip < len ? rq->skip : len;
	ssize_t n;

	(void)one;
	if (skip == len) {
		rq->skip -= len;
		return len;
	}
	n = rq->ask.body ? rq->ask.body(rq->ask.ctx, bytes + skip, len - skip) : (ssize_t)(len - skip);
	if (n < 0) {
		rq->end = (int)n;
		return 0;
	}
	rq->body_len += (uint64_t)n;
	if ((size_t)n >= len - skip) {
		rq->skip = 0;
		return len;
	}
	rq->skip = skip + (size_t)n;
	return CURL_WRITEFUNC_PAUSE;
}

static curl_socket_t on_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct http_request *rq = arg;

	(void)purpose;
	if (rq->ask.deny_private && addr_is_private(&to->addr)) {
		rq->denied = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* --- one request --- */

static void request_free(struct http_request *rq)
{
	curl_slist_free_all(rq->lines);
	free(rq->url);
	free(rq->post);
	buf_done(&rq->head);
	free(rq);
}
AUTO_DEFINE(struct http_request *, request_free)

static void request_attend(struct http_task *t);

static int copy_lines(struct http_request *rq, const char *const *lines)
{
	for (; lines && *lines; lines++) {
		struct curl_slist *longer = strpbrk(*lines, "\r\n") ? NULL : curl_slist_append(rq->lines, *lines);

		if (!longer)
			return strpbrk(*lines, "\r\n") ? -EINVAL : -ENOMEM;
		rq->lines = longer;
	}
	return 0;
}

static int request_new(struct http *h, const struct http_ask *ask, struct http_request **out)
{
	AUTO(request_free) struct http_request *rq = calloc(1, sizeof(*rq));
	int r;

	if (!rq)
		return -ENOMEM;
	rq->h = h;
	rq->task.fn = request_attend;
	rq->ask = *ask;
	rq->ask.url = NULL;
	rq->ask.headers = NULL;
	rq->ask.post = NULL;
	rq->url = strdup(ask->url);
	rq->post = ask->post ? strdup(ask->post) : NULL;
	if (!rq->url || (ask->post && !rq->post))
		return -ENOMEM;
	r = copy_lines(rq, ask->headers);
	if (r < 0)
		return r;
	*out = TAKE(rq);
	return 0;
}

/* CURLOPT_PROTOCOLS_STR came with 7.85.0 and CURLOPT_PROTOCOLS is deprecated since. [curl docs, 2026-08] */
#if LIBCURL_VERSION_NUM >= 0x075500
static void allow_http_only(CURL *e)
{
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
}
#else
static void allow_http_only(CURL *e)
{
	curl_easy_setopt(e, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
	curl_easy_setopt(e, CURLOPT_REDIR_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}
#endif

static void set_callbacks(CURL *e, struct http_request *rq)
{
	curl_easy_setopt(e, CURLOPT_PRIVATE, rq);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, rq->error);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, rq);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, rq);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, on_socket);
	curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, rq);
}

static void set_options(CURL *e, struct http_request *rq)
{
	allow_http_only(e);
	curl_easy_setopt(e, CURLOPT_URL, rq->url);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_SHARE, rq->h->share);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, rq->h->user_agent);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, rq->lines);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, SLOW_BYTES_S);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, SLOW_S);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	if (rq->ask.http1_only) {
		curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		curl_easy_setopt(e, CURLOPT_BUFFERSIZE, CONTENT_BUFFER);
	} else {
		curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	}
	if (rq->post)
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, rq->post);
}

static void request_end(struct http_request *rq, int r, const struct err *err);

static void request_launch(struct http_request *rq)
{
	struct http *h = rq->h;
	struct err err = {0};

	rq->easy = h->nr_idle ? h->idle[--h->nr_idle] : curl_easy_init();
	if (rq->easy) {
		set_options(rq->easy, rq);
		set_callbacks(rq->easy, rq);
	}
	if (!rq->easy || curl_multi_add_handle(h->multi, rq->easy) != CURLM_OK) {
		request_end(rq, err_set(&err, -ENOMEM, "out of memory for a request"), &err);
		return;
	}
	rq->state = RQ_RUNNING;
	LOCK_SCOPE(&h->lock);
	h->stats.requests++;
	h->stats.running++;
}

static void leave_curl(struct http_request *rq)
{
	struct http *h = rq->h;
	long connects = 0;

	(void)curl_easy_getinfo(rq->easy, CURLINFO_NUM_CONNECTS, &connects); /* a statistic */
	if (rq->state == RQ_RUNNING)
		curl_multi_remove_handle(h->multi, rq->easy);
	curl_easy_reset(rq->easy);
	if (h->nr_idle < HANDLES_KEPT)
		h->idle[h->nr_idle++] = rq->easy;
	else
		curl_easy_cleanup(rq->easy);
	rq->easy = NULL;
	LOCK_SCOPE(&h->lock);
	h->stats.connections += connects > 0 ? (uint64_t)connects : 0;
	h->stats.running -= rq->state == RQ_RUNNING;
}

/* The only place where a request ends. Not inside a callback of libcurl. */
static void request_end(struct http_request *rq, int r, const struct err *err)
{
	struct http *h = rq->h;
	struct http_answer a;

	if (rq->easy)
		leave_curl(rq);
	if (rq->next)
		rq->next->prev = rq->prev;
	if (rq->prev)
		rq->prev->next = rq->next;
	else if (h->requests == rq)
		h->requests = rq->next;
	a = answer_of(rq);
	rq->ask.done(rq->ask.ctx, r, &a, err);
	http_unpost(h, &rq->task);
	request_free(rq);
}

static const char *host_of(const char *url, struct url *u)
{
	return url_parse(url, u) == 0 ? u->host : "the address";
}

static bool is_tls_refusal(CURLcode code, const char *error)
{
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_NOTFOUND:
	case CURLE_USE_SSL_FAILED:
		return true;
	case CURLE_SSL_CONNECT_ERROR: /* also a connection that is cut while it shakes hands: that is the network's */
		return !strstr(error, "SYSCALL") && !strstr(error, "reset") && !strstr(error, "unexpected eof");
	default:
		return false;
	}
}

/* How libcurl's failures read as errno; hub/status.c says what follows from each. */
static int errno_of(CURLcode code, const struct http_request *rq)
{
	if (rq->denied)
		return -EPERM;
	if (is_tls_refusal(code, rq->error))
		return -EKEYREJECTED;
	switch (code) {
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_COULDNT_CONNECT:
		return -ECONNREFUSED;
	case CURLE_URL_MALFORMAT:
		return -EINVAL;
	case CURLE_UNSUPPORTED_PROTOCOL: /* bytes without a status line: HTTP/0.9 */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
		return -EBADMSG;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PROXY:
		return -ECONNRESET;
	default:
		return -EIO;
	}
}

static void request_complete(struct http_request *rq, CURLcode code)
{
	struct err err = {0};
	struct url u;
	int r = 0;

	if (rq->end)
		r = err_set(&err, rq->end, "the transfer from %s was stopped", host_of(rq->url, &u));
	else if (code != CURLE_OK && rq->denied)
		r = err_set(&err, -EPERM, "%s has a private address, and a public host led there", host_of(rq->url, &u));
	else if (code != CURLE_OK)
		r = err_set(&err, errno_of(code, rq), "%s: %s", host_of(rq->url, &u), rq->error[0] ? rq->error : curl_easy_strerror(code));
	request_end(rq, r, &err);
}

/* --- the net thread --- */

static void note_due(struct http *h, const struct http_request *rq, bool is_waiting)
{
	if (is_waiting)
		h->due_ms = min_u64(h->due_ms, rq->ask.not_before_ms);
	if (rq->ask.deadline_ms)
		h->due_ms = min_u64(h->due_ms, rq->ask.deadline_ms);
}

static void request_begin(struct http_request *rq)
{
	struct http *h = rq->h;
	bool is_waiting = rq->ask.not_before_ms > clock_mono_ms();

	rq->next = h->requests;
	if (rq->next)
		rq->next->prev = rq;
	h->requests = rq;
	rq->state = RQ_DELAYED;
	note_due(h, rq, is_waiting);
	if (!is_waiting)
		request_launch(rq);
}

static void request_resume(struct http_request *rq)
{
	CURLcode code = curl_easy_pause(rq->easy, CURLPAUSE_CONT); /* may offer bytes before it returns */

	if (code != CURLE_OK)
		request_complete(rq, code);
}

static void request_attend(struct http_task *t)
{
	struct http_request *rq = container_of(t, struct http_request, task);
	unsigned wishes = atomic_exchange(&rq->wishes, 0);
	struct err err = {0};

	if ((wishes & WISH_CANCEL) || atomic_load(&rq->h->closing))
		request_end(rq, err_set(&err, -ECANCELED, "cancelled"), &err);
	else if (rq->state == RQ_NEW)
		request_begin(rq);
	else if ((wishes & WISH_RESUME) && rq->state == RQ_RUNNING)
		request_resume(rq);
}

/* Starts what has waited long enough and ends what has waited too long. */
static void serve_due(struct http *h, uint64_t now)
{
	struct http_request *next;

	h->due_ms = UINT64_MAX;
	for (struct http_request *rq = h->requests; rq; rq = next) {
		bool is_waiting = rq->state == RQ_DELAYED && rq->ask.not_before_ms > now;
		struct err err = {0};
		struct url u;

		next = rq->next;
		if (rq->ask.deadline_ms && rq->ask.deadline_ms <= now) {
			request_end(rq, err_set(&err, -ETIMEDOUT, "no answer from %s in time", host_of(rq->url, &u)), &err);
			continue;
		}
		note_due(h, rq, is_waiting);
		if (rq->state == RQ_DELAYED && !is_waiting)
			request_launch(rq);
	}
}

static void cancel_all(struct http *h)
{
	struct err err = {0};

	err_set(&err, -ECANCELED, "shutting down");
	while (h->requests)
		request_end(h->requests, -ECANCELED, &err);
}

/* Runs the tick where it is due; milliseconds until the next one. */
static uint64_t serve_tick(struct http *h, uint64_t now)
{
	void (*fn)(void *);
	void *arg;
	unsigned period;

	pthread_mutex_lock(&h->lock);
	fn = h->tick;
	arg = h->tick_arg;
	period = h->tick_ms;
	pthread_mutex_unlock(&h->lock);
	if (!fn)
		return SLEEP_MOST_MS;
	if (now >= h->tick_at) {
		h->tick_at = now + period;
		fn(arg);
	}
	return h->tick_at - now;
}

static void serve_messages(struct http *h)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->multi, &left))) {
		struct http_request *rq = NULL;

		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &rq);
		request_complete(rq, m->data.result);
	}
}

/* Runs tasks; false if there are more than one round should take. */
static bool serve_inbox(struct http *h)
{
	struct http_task *t;

	for (unsigned i = 0; i < TASKS_A_ROUND; i++) {
		t = inbox_take(&h->inbox);
		if (!t)
			return true;
		t->fn(t);
	}
	return false;
}

static void *net_thread(void *arg)
{
	struct http *h = arg;

	for (;;) {
		bool is_idle = serve_inbox(h);
		uint64_t now, sleep_ms;
		int running;

		if (atomic_load(&h->closing)) {
			cancel_all(h);
			if (inbox_close_empty(&h->inbox))
				return NULL;
			curl_multi_poll(h->multi, NULL, 0, CLOSING_POLL_MS, NULL);
			continue;
		}
		now = clock_mono_ms();
		if (now >= h->due_ms)
			serve_due(h, now);
		sleep_ms = serve_tick(h, now);
		curl_multi_perform(h->multi, &running);
		serve_messages(h);
		if (!is_idle || h->due_ms <= now)
			sleep_ms = 0;
		else
			sleep_ms = min_u64(sleep_ms, h->due_ms - now);
		curl_multi_poll(h->multi, NULL, 0, (int)min_u64(sleep_ms, SLEEP_MOST_MS), NULL);
	}
}

/* --- for other threads --- */

int http_post(struct http *h, struct http_task *t)
{
	bool first;
	int r = inbox_post(&h->inbox, t, &first);

	if (first)
		curl_multi_wakeup(h->multi);
	return r;
}

void http_unpost(struct http *h, struct http_task *t)
{
	inbox_unpost(&h->inbox, t);
}

void http_hold(struct http *h)
{
	inbox_hold(&h->inbox);
}

void http_release(struct http *h)
{
	inbox_release(&h->inbox);
}

int http_start(struct http *h, const struct http_ask *ask, struct http_request **out)
{
	struct http_request *rq;
	int r;

	if (atomic_load(&h->closing))
		return -ECANCELED;
	r = request_new(h, ask, &rq);
	if (r < 0)
		return r;
	if (out)
		*out = rq; /* before it can end */
	r = http_post(h, &rq->task);
	if (r < 0)
		request_free(rq);
	return r;
}

static void request_wish(struct http *h, struct http_request *rq, enum rq_wish wish)
{
	atomic_fetch_or(&rq->wishes, (unsigned)wish);
	(void)http_post(h, &rq->task); /* once the thread has ended there is no request left */
}

void http_resume(struct http *h, struct http_request *rq)
{
	request_wish(h, rq, WISH_RESUME);
}

void http_cancel(struct http *h, struct http_request *rq)
{
	request_wish(h, rq, WISH_CANCEL);
}

void http_set_tick(struct http *h, unsigned period_ms, void (*fn)(void *arg), void *arg)
{
	pthread_mutex_lock(&h->lock);
	h->tick = fn;
	h->tick_arg = arg;
	h->tick_ms = period_ms ? period_ms : 1;
	pthread_mutex_unlock(&h->lock);
	curl_multi_wakeup(h->multi);
}

void http_stats(struct http *h, struct http_stats *out)
{
	LOCK_SCOPE(&h->lock);
	*out = h->stats;
}

/* --- opening and closing --- */

static void http_free(struct http *h)
{
	while (h->nr_idle)
		curl_easy_cleanup(h->idle[--h->nr_idle]);
	if (h->multi)
		curl_multi_cleanup(h->multi);
	if (h->share)
		curl_share_cleanup(h->share);
	inbox_done(&h->inbox);
	pthread_mutex_destroy(&h->lock);
	free(h->user_agent);
	free(h);
}
AUTO_DEFINE(struct http *, http_free)

static void init_curl(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT); /* handles cannot be made where this failed: seen there */
}

static int init_multi(struct http *h, unsigned connections_max)
{
	h->multi = curl_multi_init();
	h->share = curl_share_init();
	if (!h->multi || !h->share)
		return -ENOMEM;
	/* Used by the net thread alone, so it needs no locks: TLS sessions outlive the handle that made them. */
	curl_share_setopt(h->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
	curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 2L * connections_max);
	curl_multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)connections_max);
	return 0;
}

int http_open(const struct http_config *config, struct http **out, struct err *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	AUTO(http_free) struct http *h = calloc(1, sizeof(*h));
	int r;

	if (!h)
		return -ENOMEM;
	pthread_once(&once, init_curl);
	inbox_init(&h->inbox);
	pthread_mutex_init(&h->lock, NULL);
	h->due_ms = UINT64_MAX;
	h->user_agent = strdup(config->user_agent ? config->user_agent : "hffs/" HFFS_VERSION);
	if (!h->user_agent || init_multi(h, config->connections_max ? config->connections_max : 64) < 0)
		return err_set(err, -ENOMEM, "out of memory for the network");
	r = thread_start(&h->thread, "hffs-net", net_thread, h);
	if (r < 0)
		return err_set(err, r, "cannot start the network thread");
	h->started = true;
	*out = TAKE(h);
	return 0;
}

void http_stop(struct http *h)
{
	if (!h->started || h->stopped)
		return;
	atomic_store(&h->closing, true);
	curl_multi_wakeup(h->multi);
	pthread_join(h->thread, NULL);
	h->stopped = true;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	http_stop(h);
	http_free(h);
}

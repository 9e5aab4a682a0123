// SPDX-License-Identifier: Apache-2.0
/* One request as libcurl sees it: its options, what libcurl calls for it, how its end reads as errno. Net thread only, but for making. */
#include "http_request_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <hffs/url.h>

#include "addr_int.h"

#define CONNECT_TIMEOUT_MS 10000L
#define SLOW_BYTES_S 1024L /* a transfer below this for so long is dead */
#define SLOW_S 15L
#define HEADERS_MAX (256u << 10) /* bytes of all headers of one answer */
#define CONTENT_BUFFER (128L << 10) /* copied from while it is in the processor's cache; libcurl has one for each connection */

/* --- making it --- */

void request_free(struct http_request *rq)
{
	curl_slist_free_all(rq->lines);
	curl_slist_free_all(rq->connect_to);
	free(rq->url);
	free(rq->post);
	buf_done(&rq->head);
	free(rq);
}

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

int request_new(const struct http_ask *ask, struct http_request **out)
{
	AUTO(request_free) struct http_request *rq = calloc(1, sizeof(*rq));
	struct url u;
	int r;

	if (!rq)
		return -ENOMEM;
	rq->ask = *ask;
	rq->port = url_parse(ask->url, &u) == 0 ? u.port : 0;
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

struct http_answer request_answer(struct http_request *rq)
{
	return (struct http_answer){
		.status = rq->status, .rq = rq, .url = rq->url, .ip = rq->ip, .is_proxied = rq->is_proxied, .body_len = rq->body_len};
}

/*
 * libcurl decides about proxies, and tells which one it took from 8.7.0 on only. It connects to the URL's own port or to a proxy's,
 * so another port is a proxy's. A proxy on the URL's own port passes for the host itself, for which the rules are stricter.
 */
static bool is_proxy_port(const struct http_request *rq, unsigned port)
{
	return rq->port && port != rq->port;
}

static void note_address(struct http_request *rq)
{
	char *ip = NULL;
	long port = 0;

	if (curl_easy_getinfo(rq->easy, CURLINFO_PRIMARY_PORT, &port) == CURLE_OK && port)
		rq->is_proxied = is_proxy_port(rq, (unsigned)port);
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
	request_answered(rq);
	a = request_answer(rq);
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
	request_took(rq, len);
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
	rq->is_proxied = is_proxy_port(rq, addr_port(&to->addr));
	if (rq->ask.deny_private && !rq->is_proxied && addr_is_private(&to->addr)) {
		rq->denied = true;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* --- its options --- */

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

static void set_options(CURL *e, const struct http_request *rq)
{
	allow_http_only(e);
	curl_easy_setopt(e, CURLOPT_URL, rq->url);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A request that ends while its name is being looked up does not wait for that. [curl lib/asyn-thread.c Curl_resolver_kill(), 7.88] */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
#endif
	curl_easy_setopt(e, CURLOPT_NOPROGRESS, 1L);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	if (rq->ask.no_proxy)
		curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
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
		/* Calls that come together share one connection if its TLS handshake says HTTP/2. In plain http only an answer would tell. */
		curl_easy_setopt(e, CURLOPT_PIPEWAIT, (long)!strncmp(rq->url, "https:", 6));
		curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	}
	if (rq->post)
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, rq->post);
}

/* Instead of the system's, not beside them: so it is with curl and with Python's clients. A proxy is judged by the same ones. */
static void set_certificates(CURL *e, const struct http_common *common)
{
	if (!common->ca)
		return;
	curl_easy_setopt(e, CURLOPT_CAINFO, common->ca_is_dir ? NULL : common->ca);
	curl_easy_setopt(e, CURLOPT_CAPATH, common->ca_is_dir ? common->ca : NULL);
	curl_easy_setopt(e, CURLOPT_PROXY_CAINFO, common->ca_is_dir ? NULL : common->ca);
	curl_easy_setopt(e, CURLOPT_PROXY_CAPATH, common->ca_is_dir ? common->ca : NULL);
}

/* For any name: the request has one only, and its certificate is still that name's. */
static void set_address(struct http_request *rq, const char *address)
{
	char text[HOST_ADDRESS_MAX + 8];

	snprintf(text, sizeof(text), strchr(address, ':') ? "::[%s]:" : "::%s:", address);
	rq->connect_to = curl_slist_append(NULL, text); /* without it the name is looked up */
	curl_easy_setopt(rq->easy, CURLOPT_CONNECT_TO, rq->connect_to);
}

void request_setup(struct http_request *rq, const struct http_common *common, const char *address)
{
	set_options(rq->easy, rq);
	set_callbacks(rq->easy, rq);
	set_certificates(rq->easy, common);
	curl_easy_setopt(rq->easy, CURLOPT_SHARE, common->share);
	curl_easy_setopt(rq->easy, CURLOPT_USERAGENT, common->user_agent);
	if (address)
		set_address(rq, address);
}

/* --- how it ended --- */

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

/* A proxy that will not connect us, with its status; 0: it is not that, or may pass. */
static int proxy_refusal(const struct http_request *rq)
{
	long status = 0;

	(void)curl_easy_getinfo(rq->easy, CURLINFO_HTTP_CONNECTCODE, &status); /* 0 without a CONNECT */
	return status >= 400 && status < 500 && status != 408 && status != 429 ? (int)status : 0;
}

/* libcurl's own words, unless they repeat a proxy's address with its password. [libcurl 7.88 url.c parse_proxy] */
static const char *words_of(const struct http_request *rq, CURLcode code)
{
	bool is_unfit = !rq->error[0] || strchr(rq->error, '@');

	return is_unfit ? curl_easy_strerror(code) : rq->error;
}

static const char *advice(CURLcode code)
{
	return code == CURLE_PEER_FAILED_VERIFICATION ? " (ca_file= names other certificates to trust)" : "";
}

/* Nothing was sent, because the time for that was over first. */
static bool is_connected(const struct http_request *rq)
{
	curl_off_t us = 0;

	return curl_easy_getinfo(rq->easy, CURLINFO_PRETRANSFER_TIME_T, &us) == CURLE_OK && us > 0;
}

/* A lookup that takes too long ends like a connection that does. */
static bool is_unresolved(const struct http_request *rq, CURLcode code)
{
	curl_off_t us = 0;

	if (code != CURLE_OPERATION_TIMEDOUT || rq->is_connected || rq->connect_to)
		return code == CURLE_COULDNT_RESOLVE_HOST;
	return curl_easy_getinfo(rq->easy, CURLINFO_NAMELOOKUP_TIME_T, &us) == CURLE_OK && us == 0;
}

/* A transfer that stalls is no news: what it waits for may be slow, and others are not. */
enum host_news request_news(const struct http_request *rq, int r)
{
	if (rq->is_unresolved)
		return HOST_NO_LOOKUP;
	if (rq->head_over && (r == 0 || rq->end || rq->body_len))
		return rq->status == 408 || rq->status >= 500 ? HOST_TROUBLED : HOST_ANSWERED;
	if (r == -ECONNRESET)
		return HOST_TROUBLED;
	return r == -EHOSTUNREACH || r == -ECONNREFUSED || (r == -ETIMEDOUT && !rq->is_connected) ? HOST_SILENT : HOST_NO_NEWS;
}

int request_verdict(struct http_request *rq, CURLcode code, struct err *err)
{
	bool is_proxied = rq->is_proxied || code == CURLE_COULDNT_RESOLVE_PROXY;
	struct url u;
	int status;

	if (rq->end)
		return err_set(err, rq->end, "the transfer from %s was stopped", host_of(rq->url, &u));
	if (code == CURLE_OK)
		return 0;
	rq->is_connected = is_connected(rq);
	rq->is_unresolved = is_unresolved(rq, code);
	if (rq->denied)
		return err_set(err, -EPERM, "%s has a private address, and a public host led there", host_of(rq->url, &u));
	status = proxy_refusal(rq);
	if (status)
		return err_set(err, -EPROTO, "the proxy refuses to connect to %s (HTTP %d)%s", host_of(rq->url, &u), status,
			       status == 407 ? ": it wants a user and a password" : "");
	return err_set(err, errno_of(code, rq), "%s%s: %s%s", host_of(rq->url, &u), is_proxied ? ", through a proxy" : "",
		       words_of(rq, code), advice(code));
}

int request_too_late(const struct http_request *rq, const struct host *host, struct err *err)
{
	struct url u;

	if (rq->state == RQ_DELAYED && host && host->failures)
		return err_set(err, -ETIMEDOUT, "%s", host->err.text);
	return err_set(err, -ETIMEDOUT, "no answer from %s in time", host_of(rq->url, &u));
}

// SPDX-License-Identifier: Apache-2.0
/* The net thread by itself: one request after the other, its ends, its clock. */
#include "hub_wire.h"

#include <hffs/http.h>

struct seen {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct http *h;
	unsigned done, heads;
	int r, status, refuse; /* refuse: what headers_done() returns */
	uint64_t body_len;
	uint64_t done_ms;
	char ip[64], warning[64];
	struct err err;
};

static int on_head(void *ctx, const struct http_answer *a)
{
	struct seen *s = ctx;
	const char *warning = http_answer_header(a, "x-hf-warning");
	LOCK_SCOPE(&s->lock);

	s->heads++;
	snprintf(s->ip, sizeof(s->ip), "%s", a->ip);
	snprintf(s->warning, sizeof(s->warning), "%s", warning ? warning : "");
	assert_null(http_answer_header(a, "X-Absent"));
	return s->refuse;
}

static ssize_t on_bytes(void *ctx, const void *bytes, size_t len)
{
	(void)ctx;
	(void)bytes;
	return (ssize_t)len;
}

static void on_end(void *ctx, int r, const struct http_answer *a, const struct err *err)
{
	struct seen *s = ctx;
	LOCK_SCOPE(&s->lock);

	s->done++;
	s->r = r;
	s->status = a->status;
	s->body_len = a->body_len;
	s->err = *err;
	s->done_ms = clock_mono_ms();
	pthread_cond_broadcast(&s->wake);
}

static struct http *net_open(struct http_config *config)
{
	struct http *h = NULL;

	assert_int_equal(http_open(config ? config : &(struct http_config){.user_agent = "hffs/test"}, &h, NULL), 0);
	return h;
}

static void seen_init(struct seen *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	cond_init(&s->wake);
}

static struct http_request *start(struct http *h, struct seen *s, struct wire *w, struct http_ask *ask)
{
	struct http_request *rq = NULL;
	char url[64];

	snprintf(url, sizeof(url), "http://127.0.0.1:%u/a/../b?c=%%2f", w->port);
	ask->url = url;
	ask->headers_done = on_head;
	ask->body = on_bytes;
	ask->done = on_end;
	ask->ctx = s;
	assert_int_equal(http_start(h, ask, &rq), 0);
	return rq;
}

static int finish(struct seen *s)
{
	LOCK_SCOPE(&s->lock);
	while (!s->done)
		pthread_cond_wait(&s->wake, &s->lock);
	assert_int_equal(s->done, 1);
	return s->r;
}

static bool says_hello(struct wire_rq *rq)
{
	wire_send(rq->fd, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 40);
	return wire_text(rq, "200 OK\r\nX-HF-Warning: first\r\nx-hf-warning:  topic; text\t", "hello");
}

static void sends_what_it_is_given(void **state)
{
	static const char *const headers[] = {"X-One: 1", NULL};
	struct http_ask ask = {.headers = headers};
	struct wire *w = wire_open(says_hello);
	struct http *h = net_open(NULL);
	struct http_stats stats;
	struct seen s;
	char value[64];

	(void)state;
	seen_init(&s);
	start(h, &s, w, &ask);
	assert_int_equal(finish(&s), 0);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.body_len, 5);
	assert_int_equal(s.heads, 1);
	assert_string_equal(s.ip, "127.0.0.1");
	assert_string_equal(s.warning, "topic; text");
	assert_string_equal(w->seen[0].target, "/a/../b?c=%2f");
	assert_string_equal(wire_header(&w->seen[0], "X-One", value, sizeof(value)), "1");
	assert_string_equal(wire_header(&w->seen[0], "User-Agent", value, sizeof(value)), "hffs/test");
	assert_string_equal(wire_header(&w->seen[0], "Accept-Encoding", value, sizeof(value)), "gzip");

	ask.post = "paths=a";
	ask.http1_only = true;
	seen_init(&s);
	start(h, &s, w, &ask);
	assert_int_equal(finish(&s), 0);
	assert_int_equal(strncmp(w->seen[1].head, "POST ", 5), 0);
	assert_null(wire_header(&w->seen[1], "Accept-Encoding", value, sizeof(value)));
	http_stats(h, &stats);
	assert_int_equal(stats.requests, 2);
	assert_int_equal(stats.connections, 1);
	assert_int_equal(stats.running, 0);
	http_close(h);
	wire_close(w);
}

static void refuses_headers_with_line_breaks(void **state)
{
	static const char *const headers[] = {"X-One: 1\r\nX-Two: 2", NULL};
	struct http_ask ask = {.url = "http://127.0.0.1:1/", .headers = headers, .done = on_end};
	struct http *h = net_open(NULL);

	(void)state;
	assert_int_equal(http_start(h, &ask, NULL), -EINVAL);
	http_close(h);
}

static void private_addresses_can_be_refused(void **state)
{
	struct http_ask ask = {.deny_private = true};
	struct wire *w = wire_open(says_hello);
	struct http *h = net_open(NULL);
	struct seen s;

	(void)state;
	seen_init(&s);
	start(h, &s, w, &ask);
	assert_int_equal(finish(&s), -EPERM);
	assert_int_equal(s.status, 0);
	assert_int_equal(wire_seen(w), 0);
	assert_non_null(strstr(s.err.text, "private"));
	http_close(h);
	wire_close(w);
}

static void headers_can_end_a_request(void **state)
{
	struct http_ask ask = {0};
	struct wire *w = wire_open(says_hello);
	struct http *h = net_open(NULL);
	struct seen s;

	(void)state;
	seen_init(&s);
	s.refuse = -EXDEV;
	start(h, &s, w, &ask);
	assert_int_equal(finish(&s), -EXDEV);
	assert_int_equal(s.status, 200);
	assert_int_equal(s.body_len, 0);
	http_close(h);
	wire_close(w);
}

static bool says_nothing(struct wire_rq *rq)
{
	wire_wait_gate(rq->w);
	return false;
}

static void delays_and_deadlines_hold(void **state)
{
	uint64_t now = clock_mono_ms();
	struct http_ask late = {.not_before_ms = now + 150}, never = {.not_before_ms = now + 60000, .deadline_ms = now + 100}, dead = {.deadline_ms = now + 100};
	struct wire *w = wire_open(says_hello), *silent = wire_open(says_nothing);
	struct http *h = net_open(NULL);
	struct seen a, b, c;

	(void)state;
	seen_init(&a);
	seen_init(&b);
	seen_init(&c);
	start(h, &a, w, &late);
	start(h, &b, w, &never);
	start(h, &c, silent, &dead);
	assert_int_equal(finish(&b), -ETIMEDOUT);
	assert_int_equal(finish(&c), -ETIMEDOUT);
	assert_non_null(strstr(c.err.text, "127.0.0.1"));
	assert_true(c.done_ms - now >= 100 && c.done_ms - now < 5000);
	assert_int_equal(finish(&a), 0);
	assert_true(a.done_ms - now >= 150);
	assert_int_equal(wire_seen(w), 1);
	http_close(h);
	wire_close(silent);
	wire_close(w);
}

static uint64_t until(void *ctx, const char *url)
{
	const _Atomic uint64_t *end = ctx;

	assert_non_null(strstr(url, "127.0.0.1"));
	return atomic_load(end);
}

/* A pause that is announced while a request waits for something else holds it too, and costs it none of its time. */
static void pauses_hold_what_waits(void **state)
{
	uint64_t now;
	_Atomic uint64_t end = 0;
	struct http_config config = {.paused_until = until, .paused_ctx = &end};
	struct wire *w = wire_open(says_hello);
	struct http *h = net_open(&config);
	struct seen s;

	(void)state;
	seen_init(&s);
	now = clock_mono_ms();
	start(h, &s, w, &(struct http_ask){.not_before_ms = now + 500, .deadline_ms = now + 2000});
	atomic_store(&end, now + 2500);
	assert_int_equal(finish(&s), 0);
	assert_in_range(s.done_ms, now + 2500, now + 60000);
	http_close(h);
	wire_close(w);
}

/* Five times nothing, then an answer whose body does not end, then others. */
static bool recovers_slowly(struct wire_rq *rq)
{
	if (rq->idx < 5)
		return false;
	if (rq->idx > 5)
		return wire_text(rq, "200 OK", "hello");
	wire_send(rq->fd, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbegun", 46);
	wire_wait_gate(rq->w);
	return false;
}

/* A host that failed is asked by one; its headers are enough for the others. */
static void first_answer_frees_the_others(void **state)
{
	struct http_ask impatient = {.http1_only = true}, patient = {.http1_only = true, .is_patient = true};
	struct wire *w = wire_open(recovers_slowly);
	struct http *h = net_open(NULL);
	struct seen s, slow, other;
	uint64_t began;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		seen_init(&s);
		start(h, &s, w, &impatient);
		assert_int_equal(finish(&s), -ECONNRESET);
	}
	seen_init(&s);
	start(h, &s, w, &impatient);
	assert_int_equal(finish(&s), -EBUSY);
	assert_non_null(strstr(s.err.text, "127.0.0.1"));
	assert_int_equal(wire_seen(w), 5);
	began = clock_mono_ms();
	seen_init(&slow);
	start(h, &slow, w, &patient);
	wire_wait_seen(w, 6);
	seen_init(&other);
	start(h, &other, w, &patient);
	assert_int_equal(finish(&other), 0);
	assert_int_equal(other.status, 200);
	assert_true(clock_mono_ms() - began < 5000);
	assert_int_equal(slow.done, 0);
	wire_open_gate(w);
	assert_int_equal(finish(&slow), -ECONNRESET);
	http_close(h);
	wire_close(w);
}

static void requests_can_be_cancelled(void **state)
{
	struct http_ask run = {0}, wait = {.not_before_ms = clock_mono_ms() + 60000};
	struct wire *w = wire_open(says_nothing);
	struct http *h = net_open(NULL);
	struct http_request *ra, *rb;
	struct seen a, b, c;

	(void)state;
	seen_init(&a);
	seen_init(&b);
	seen_init(&c);
	ra = start(h, &a, w, &run);
	rb = start(h, &b, w, &wait);
	start(h, &c, w, &run);
	wire_wait_seen(w, 2);
	http_resume(h, ra); /* does no harm */
	http_cancel(h, ra);
	http_cancel(h, rb); /* once: it may have ended */
	assert_int_equal(finish(&a), -ECANCELED);
	assert_int_equal(finish(&b), -ECANCELED);
	http_close(h);
	assert_int_equal(c.done, 1);
	assert_int_equal(c.r, -ECANCELED);
	wire_close(w);
}

static void connections_are_bounded(void **state)
{
	struct http_config config = {.connections_max = 3};
	struct http_ask ask = {.http1_only = true};
	struct wire *w = wire_open(says_hello);
	struct http *h = net_open(&config);
	struct http_stats stats;
	struct seen s[40];

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++) {
		seen_init(&s[i]);
		start(h, &s[i], w, &ask);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(s); i++)
		assert_int_equal(finish(&s[i]), 0);
	http_stats(h, &stats);
	assert_in_range(stats.connections, 1, 3);
	http_close(h);
	wire_close(w);
}

static void count_tick(void *arg)
{
	struct seen *s = arg;
	LOCK_SCOPE(&s->lock);

	s->heads++;
	pthread_cond_broadcast(&s->wake);
}

static void ticks_come(void **state)
{
	struct http *h = net_open(NULL);
	struct seen s;

	(void)state;
	seen_init(&s);
	http_set_tick(h, 5, count_tick, &s);
	pthread_mutex_lock(&s.lock);
	while (s.heads < 5)
		pthread_cond_wait(&s.wake, &s.lock);
	pthread_mutex_unlock(&s.lock);
	http_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_what_it_is_given),
		cmocka_unit_test(refuses_headers_with_line_breaks),
		cmocka_unit_test(private_addresses_can_be_refused),
		cmocka_unit_test(headers_can_end_a_request),
		cmocka_unit_test(delays_and_deadlines_hold),
		cmocka_unit_test(pauses_hold_what_waits),
		cmocka_unit_test(first_answer_frees_the_others),
		cmocka_unit_test(requests_can_be_cancelled),
		cmocka_unit_test(connections_are_bounded),
		cmocka_unit_test(ticks_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

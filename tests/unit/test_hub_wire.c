// SPDX-License-Identifier: Apache-2.0
/* Content over the wire: redirects, the token, locations, ranges, backpressure, ends. */
#include "hub_wire.h"

#include <unistd.h>

#define KNOWN "X-Repo-Commit: " COMMIT_A "\r\nX-Linked-Size: 1000000\r\nX-Linked-ETag: \"" SHA_A "\"\r\n"

static bool to_cdn(struct wire_rq *rq, const char *headers, const char *query)
{
	char head[1024];

	snprintf(head, sizeof(head), "302 Found\r\n%sLocation: http://127.0.0.1:%u/cdn/x%s", headers, rq->w->other->port, query);
	return wire_text(rq, head, "Found. Redirecting to the storage");
}

static bool hub_signed(struct wire_rq *rq)
{
	return to_cdn(rq, KNOWN, "?Signature=secret");
}

static bool cdn_range(struct wire_rq *rq)
{
	return wire_range(rq, OBJECT_SIZE, "ETag: \"644c9efb3477fa0383b3481b6123ae9567c033716069ef708952ad1477dc9399\"\r\n");
}

static void token_goes_to_the_endpoint_only(void **state)
{
	struct world w;
	struct fetch f;
	char value[256];

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	assert_int_equal(fetch_now(&f, w.client, 1000, 500000), 0);
	assert_int_equal(f.bytes, 500000);
	assert_int_equal(wire_seen(w.hub), 1);
	assert_int_equal(wire_seen(w.cdn), 1);
	assert_string_equal(w.hub->seen[0].target, "/acme/tiny/resolve/" COMMIT_A "/dir/w%20b%23.bin");
	assert_string_equal(wire_header(&w.hub->seen[0], "Authorization", value, sizeof(value)), "Bearer hf_canary");
	assert_string_equal(wire_header(&w.hub->seen[0], "Range", value, sizeof(value)), "bytes=1000-500999");
	assert_string_equal(wire_header(&w.hub->seen[0], "Accept-Encoding", value, sizeof(value)), "identity");
	assert_null(strstr(w.cdn->seen[0].head, "canary"));
	assert_null(wire_header(&w.cdn->seen[0], "Authorization", value, sizeof(value)));
	assert_string_equal(w.cdn->seen[0].target, "/cdn/x?Signature=secret");
	assert_string_equal(wire_header(&w.cdn->seen[0], "Accept-Encoding", value, sizeof(value)), "identity");
	world_close(&w);
}

static void location_and_connection_are_kept(void **state)
{
	struct world w;
	struct fetch f;
	struct hub_stats s;

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(fetch_now(&f, w.client, i * 1000, 1000), 0);
	assert_int_equal(wire_seen(w.hub), 1);
	assert_int_equal(wire_seen(w.cdn), 20);
	hub_stats(w.client, &s);
	assert_int_equal(s.requests, 21);
	assert_int_equal(s.connections, 2);
	assert_int_equal(s.bytes_fetched, 20000);
	world_close(&w);
}

#define RENEWAL_WALL_S 1800000000

/* The first address lives for an hour; the next one is held back at the gate. */
static bool hub_renews(struct wire_rq *rq)
{
	if (rq->idx == 0)
		return to_cdn(rq, KNOWN, "?v=old&Expires=1800003600");
	wire_wait_gate(rq->w);
	return to_cdn(rq, KNOWN, "?v=new&Expires=1800007200");
}

/* Near the end of an address one request asks for the next, and nobody waits for it; then the next one is used. */
static void location_is_renewed_ahead(void **state)
{
	struct world w;
	struct fetch f, many[20];

	(void)state;
	clock_fake(1000000, RENEWAL_WALL_S);
	world_open(&w, hub_renews, cdn_range, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	clock_fake(1000000 + 55 * 60000, RENEWAL_WALL_S + 55 * 60);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		fetch_init(&many[i]);
		fetch_start(&many[i], w.client, i * 1000, 1000);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		fetch_wait(&many[i]);
		assert_int_equal(many[i].res.r, 0);
	}
	wire_wait_seen(w.hub, 2);
	assert_int_equal(wire_seen_with(w.cdn, "v=old"), 21);
	assert_int_equal(wire_seen_with(w.cdn, "v=new"), 0);
	wire_open_gate(w.hub);
	while (wire_seen_with(w.cdn, "v=new") == 0)
		assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);
	clock_fake(UINT64_MAX, 0);
}

static bool hub_renews_badly(struct wire_rq *rq)
{
	if (rq->idx == 0)
		return to_cdn(rq, KNOWN, "?v=old&Expires=1800003600");
	return wire_text(rq, "503 Service Unavailable", "");
}

/* A renewal that fails leaves the address that still serves, and is not tried again at once. */
static void failed_renewal_changes_nothing(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	clock_fake(1000000, RENEWAL_WALL_S);
	world_open(&w, hub_renews_badly, cdn_range, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	for (unsigned minutes = 52; minutes < 58; minutes += 3) {
		unsigned seen = wire_seen(w.hub);

		clock_fake(1000000 + minutes * 60000, RENEWAL_WALL_S + minutes * 60);
		for (unsigned i = 0; i < 20; i++) {
			assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
			usleep(5000); /* the failure arrives meanwhile */
		}
		wire_wait_seen(w.hub, seen + 1);
		assert_int_equal(wire_seen(w.hub), seen + 1);
	}
	assert_int_equal(wire_seen_with(w.cdn, "v=old"), 41);
	world_close(&w);
	clock_fake(UINT64_MAX, 0);
}

/* One that is under way is cancelled with all else. */
static void close_ends_a_renewal(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	clock_fake(1000000, RENEWAL_WALL_S);
	world_open(&w, hub_renews, cdn_range, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	clock_fake(1000000 + 55 * 60000, RENEWAL_WALL_S + 55 * 60);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	wire_wait_seen(w.hub, 2);
	clock_fake(UINT64_MAX, 0);
	hub_close(w.client);
	wire_open_gate(w.hub);
	deferrer_close(w.deferrer);
	wire_close(w.hub);
	wire_close(w.cdn);
}

static bool hub_direct(struct wire_rq *rq)
{
	if (!strncmp(rq->target, "/api/resolve-cache/", 19))
		return wire_range(rq, OBJECT_SIZE, "X-Repo-Commit: " COMMIT_A "\r\n");
	return wire_text(rq, "307 Temporary Redirect\r\nX-Repo-Commit: " COMMIT_A "\r\nLocation: /api/resolve-cache/models/x?etag=%22b%22",
			 "Temporary Redirect");
}

static void relative_redirects_keep_the_token(void **state)
{
	struct world w;
	struct fetch f;
	char value[256];

	(void)state;
	world_open(&w, hub_direct, NULL, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, OBJECT_SIZE), 0);
	assert_int_equal(fetch_now(&f, w.client, 5, 6), 0);
	assert_int_equal(wire_seen(w.hub), 3);
	assert_string_equal(w.hub->seen[2].target, "/api/resolve-cache/models/x?etag=%22b%22");
	for (unsigned i = 0; i < 3; i++)
		assert_string_equal(wire_header(&w.hub->seen[i], "Authorization", value, sizeof(value)), "Bearer hf_canary");
	world_close(&w);
}

static bool hub_loop(struct wire_rq *rq)
{
	return wire_text(rq, "302 Found\r\nLocation: /again?token=hidden", "");
}

static void redirect_loop_ends_after_six_requests(void **state)
{
	struct world w;
	struct fetch f;
	struct answer a;

	(void)state;
	world_open(&w, hub_loop, NULL, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 10), -EIO);
	assert_false(f.res.retry);
	assert_int_equal(wire_seen(w.hub), 6);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -EIO);
	assert_int_equal(wire_seen(w.hub), 12);
	world_close(&w);
}

static const char *refused_target;

static bool hub_refused_target(struct wire_rq *rq)
{
	char head[256];

	snprintf(head, sizeof(head), "302 Found\r\nLocation: %s", refused_target);
	return wire_text(rq, head, "");
}

static void other_schemes_are_refused(void **state)
{
	static const char *const targets[] = {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "http://u:p@127.0.0.1/x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		struct world w;
		struct fetch f;

		refused_target = targets[i];
		world_open(&w, hub_refused_target, NULL, NULL);
		assert_int_equal(fetch_now(&f, w.client, 0, 10), -EIO);
		assert_int_equal(wire_seen(w.hub), 1);
		world_close(&w);
	}
}

static bool hub_signed_anew(struct wire_rq *rq)
{
	char query[64];

	snprintf(query, sizeof(query), "?Signature=%u", rq->idx);
	return to_cdn(rq, KNOWN, query);
}

/* The second use of a signature is one too many. */
static bool cdn_expires(struct wire_rq *rq)
{
	if (rq->idx == 1)
		return wire_text(rq, "403 Forbidden", "SignatureError");
	return cdn_range(rq);
}

static void refused_location_is_resolved_again(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_signed_anew, cdn_expires, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	assert_int_equal(fetch_now(&f, w.client, 1000, 1000), 0);
	assert_int_equal(fetch_now(&f, w.client, 2000, 1000), 0);
	assert_int_equal(wire_seen(w.hub), 2);
	assert_int_equal(wire_seen(w.cdn), 4);
	assert_string_equal(w.cdn->seen[3].target, "/cdn/x?Signature=1");
	world_close(&w);
}

static bool cdn_refuses(struct wire_rq *rq)
{
	return wire_text(rq, "403 Forbidden", "SignatureError");
}

static void fresh_location_that_is_refused_fails(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_signed_anew, cdn_refuses, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EIO);
	assert_true(f.res.retry);
	assert_null(strstr(f.res.err.text, "Signature="));
	assert_int_equal(wire_seen(w.hub), 1);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EIO);
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);
}

static bool hub_signed_gate(struct wire_rq *rq)
{
	wire_wait_gate(rq->w);
	return hub_signed(rq);
}

static void many_ranges_resolve_once(void **state)
{
	struct world w;
	struct fetch f[40];

	(void)state;
	world_open(&w, hub_signed_gate, cdn_range, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		fetch_init(&f[i]);
		fetch_start(&f[i], w.client, i * 1000, 1000);
	}
	wire_wait_seen(w.hub, 1);
	wire_open_gate(w.hub);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		fetch_wait(&f[i]);
		assert_int_equal(f[i].res.r, 0);
		assert_int_equal(f[i].bytes, 1000);
	}
	assert_int_equal(wire_seen(w.hub), 1);
	assert_int_equal(wire_seen(w.cdn), 40);
	world_close(&w);
}

/* The redirect's headers come; its body does not, until the gate opens. */
static bool hub_slow_body(struct wire_rq *rq)
{
	char head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 302 Found\r\n" KNOWN "Location: http://127.0.0.1:%u/cdn/x\r\nContent-Length: 5\r\n\r\n",
		 rq->w->other->port);
	wire_send(rq->fd, head, strlen(head));
	wire_wait_gate(rq->w);
	wire_send(rq->fd, "Found", 5);
	return true;
}

static void waiters_go_on_with_the_headers(void **state)
{
	struct world w;
	struct fetch a, b;

	(void)state;
	world_open(&w, hub_slow_body, cdn_range, NULL);
	fetch_init(&a);
	fetch_start(&a, w.client, 0, 1000);
	wire_wait_seen(w.hub, 1);
	assert_int_equal(fetch_now(&b, w.client, 1000, 1000), 0);
	wire_open_gate(w.hub);
	fetch_wait(&a);
	assert_int_equal(a.res.r, 0);
	assert_int_equal(wire_seen(w.hub), 1);
	world_close(&w);
}

static void cancelled_resolver_hands_over(void **state)
{
	struct world w;
	struct fetch f[3];

	(void)state;
	world_open(&w, hub_signed_gate, cdn_range, NULL);
	for (unsigned i = 0; i < 3; i++) {
		fetch_init(&f[i]);
		fetch_start(&f[i], w.client, 0, 1000);
	}
	wire_wait_seen(w.hub, 1);
	object_cancel(f[1].get); /* waits for the location */
	fetch_wait(&f[1]);
	assert_int_equal(f[1].res.r, -ECANCELED);
	object_cancel(f[0].get); /* resolves it */
	fetch_wait(&f[0]);
	assert_int_equal(f[0].res.r, -ECANCELED);
	wire_open_gate(w.hub);
	fetch_wait(&f[2]);
	assert_int_equal(f[2].res.r, 0);
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);
}

static bool hub_refuses_all(struct wire_rq *rq)
{
	wire_wait_gate(rq->w);
	return wire_text(rq, "503 Service Unavailable", "<html>");
}

static void waiters_share_a_failure(void **state)
{
	struct world w;
	struct fetch f[30];

	(void)state;
	world_open(&w, hub_refuses_all, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		fetch_init(&f[i]);
		fetch_start(&f[i], w.client, 0, 1000);
	}
	wire_wait_seen(w.hub, 1);
	wire_open_gate(w.hub);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		fetch_wait(&f[i]);
		assert_int_equal(f[i].res.r, -ETIMEDOUT);
		assert_true(f[i].res.retry);
	}
	assert_in_range(wire_seen(w.hub), 1, 3);
	world_close(&w);
}

/* --- answers that are not what was asked for --- */

static const char *bad_head; /* the storage's answer; a body of the pattern from 100 on follows */
static size_t bad_len;

static bool cdn_bad(struct wire_rq *rq)
{
	wire_send(rq->fd, bad_head, strlen(bad_head));
	wire_content(rq->fd, 100, bad_len);
	return false;
}

static void wrong_answers_are_refused(void **state)
{
	static const struct {
		const char *head;
		size_t len;
		int r;
		uint64_t bytes;
	} rows[] = {
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Length: 1000\r\n\r\n", 1000, 0, 1000},
		{"HTTP/1.1 206 x\r\ncontent-range: BYTES 100-1099/1000000\r\n\r\n", 1000, 0, 1000},
		/* short: Content-Length kept, not kept, none */
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Length: 600\r\n\r\n", 600, -EIO, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Length: 1000\r\n\r\n", 600, -ETIMEDOUT, 600},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\n\r\n", 600, -EIO, 600},
		/* long: what was asked for is there */
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Length: 5000\r\n\r\n", 5000, 0, 1000},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\n\r\n", 500000, 0, 1000},
		/* another part, another size, no word about it */
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 101-1100/1000000\r\nContent-Length: 1000\r\n\r\n", 1000, -EIO, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1098/1000000\r\nContent-Length: 999\r\n\r\n", 999, -EIO, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/999999\r\nContent-Length: 1000\r\n\r\n", 1000, -EIO, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/*\r\nContent-Length: 1000\r\n\r\n", 1000, -EBADMSG, 0},
		{"HTTP/1.1 206 x\r\nContent-Length: 1000\r\n\r\n", 1000, -EBADMSG, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Type: multipart/byteranges; boundary=x\r\n\r\n", 1000, -EIO, 0},
		/* the whole file */
		{"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", 1000000, -EIO, 0},
		/* compressed */
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Encoding: gzip\r\n\r\n", 1000, -EIO, 0},
		{"HTTP/1.1 206 x\r\nContent-Range: bytes 100-1099/1000000\r\nContent-Encoding: identity\r\n\r\n", 1000, 0, 1000},
		/* other statuses */
		{"HTTP/1.1 204 x\r\n\r\n", 0, -EBADMSG, 0},
		{"HTTP/1.1 304 x\r\n\r\n", 0, -EBADMSG, 0},
		{"HTTP/1.1 416 x\r\nContent-Range: bytes */1000000\r\nContent-Length: 0\r\n\r\n", 0, -EIO, 0},
		{"HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", 0, -ETIMEDOUT, 0},
		{"", 0, -ETIMEDOUT, 0},
		{"bytes without any head", 0, -EBADMSG, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;
		struct fetch f;

		bad_head = rows[i].head;
		bad_len = rows[i].len;
		world_open(&w, hub_signed, cdn_bad, NULL);
		if (fetch_now(&f, w.client, 100, 1000) != rows[i].r)
			fail_msg("row %zu: %d '%s'", i, f.res.r, f.res.err.text);
		assert_int_equal(f.bytes, rows[i].bytes);
		assert_int_equal(f.res.retry, rows[i].r < 0);
		world_close(&w);
	}
}

static const char *hub_head; /* the Hub's direct answer to a request for the first 1000 of 1000 bytes */

static bool hub_plain(struct wire_rq *rq)
{
	char head[1024];

	snprintf(head, sizeof(head), "HTTP/1.1 %s\r\nContent-Length: 1000\r\n\r\n", hub_head);
	wire_send(rq->fd, head, strlen(head));
	wire_content(rq->fd, 0, 1000);
	return true;
}

static void other_objects_are_refused(void **state)
{
	static const struct {
		const char *head;
		int r;
	} rows[] = {
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A, 0},
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A "\r\nETag: W/\"" SHA_A "\"", 0},
		{"200 OK\r\nX-Linked-Etag: \"" SHA_A "\"", 0},
		{"206 x\r\nContent-Range: bytes 0-999/1000", 0}, /* a mirror without names */
		/* a git blob id, another kind of name than the one known */
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A "\r\nETag: \"" COMMIT_B "\"", 0},
		{"200 OK\r\nX-Repo-Commit: " COMMIT_B, -EIO},
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A "\r\nETag: \"" SHA_B "\"", -EIO},
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A "\r\nX-Linked-ETag: \"" SHA_B "\"\r\nETag: \"" SHA_A "\"", -EIO},
		{"200 OK\r\nX-Repo-Commit: " COMMIT_A "\r\nX-Linked-Size: 1001", -EIO},
		{"206 x\r\nX-Repo-Commit: " COMMIT_B "\r\nContent-Range: bytes 0-999/1000", -EIO},
		/* a login page */
		{"200 OK\r\nContent-Type: text/html", -EBADMSG},
		{"200 OK\r\nContent-Type: text/html\r\nETag: \"" SHA_A "\"", -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct object_ref ref = fetch_ref();
		struct world w;
		struct fetch f;

		ref.size = 1000;
		hub_head = rows[i].head;
		world_open(&w, hub_plain, NULL, NULL);
		fetch_init(&f);
		fetch_start_ref(&f, w.client, &ref, 0, 1000);
		fetch_wait(&f);
		if (f.res.r != rows[i].r)
			fail_msg("row %zu: %d '%s'", i, f.res.r, f.res.err.text);
		assert_int_equal(f.bytes, rows[i].r ? 0 : 1000);
		assert_int_equal(f.res.retry, rows[i].r < 0);
		world_close(&w);
	}
}

static bool hub_swapped(struct wire_rq *rq)
{
	return to_cdn(rq, "X-Repo-Commit: " COMMIT_A "\r\nX-Linked-ETag: \"" SHA_B "\"\r\n", "");
}

static void redirect_of_another_object_is_refused(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_swapped, cdn_range, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EIO);
	assert_true(f.res.retry);
	assert_int_equal(wire_seen(w.cdn), 0);
	world_close(&w);
}

/* --- backpressure and ends --- */

static void reader_that_is_full_pauses(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	fetch_init(&f);
	f.room = 10000;
	fetch_start(&f, w.client, 0, OBJECT_SIZE);
	for (uint64_t want = 10000; want < OBJECT_SIZE; want += 33333) {
		pthread_mutex_lock(&f.lock);
		while (f.bytes < want)
			pthread_cond_wait(&f.wake, &f.lock);
		assert_int_equal(f.bytes, want);
		f.room = 33333;
		pthread_mutex_unlock(&f.lock);
		object_resume(f.get);
	}
	fetch_wait(&f);
	assert_int_equal(f.res.r, 0);
	assert_int_equal(f.bytes, OBJECT_SIZE);
	world_close(&w);
}

static void paused_transfer_can_be_cancelled(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	fetch_init(&f);
	f.room = 10000;
	fetch_start(&f, w.client, 0, OBJECT_SIZE);
	pthread_mutex_lock(&f.lock);
	while (f.bytes < 10000)
		pthread_cond_wait(&f.wake, &f.lock);
	pthread_mutex_unlock(&f.lock);
	object_cancel(f.get);
	fetch_wait(&f);
	assert_int_equal(f.res.r, -ECANCELED);
	assert_int_equal(f.bytes, 10000);
	world_close(&w);
}

static void reader_that_stops_ends_the_transfer(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	fetch_init(&f);
	f.stop = -ENOSPC;
	fetch_start(&f, w.client, 0, OBJECT_SIZE);
	fetch_wait(&f);
	assert_int_equal(f.res.r, -ENOSPC);
	assert_false(f.res.retry);
	world_close(&w);
}

static bool cdn_stalls(struct wire_rq *rq)
{
	wire_wait_gate(rq->w);
	return false;
}

static void close_ends_everything(void **state)
{
	struct hub_config config = {.connections_max = 4};
	struct object_ref ref = fetch_ref(), other = fetch_ref();
	struct world w;
	struct fetch f[20];
	struct answer a;
	struct repo_id id = repo_of("acme/tiny");

	(void)state;
	world_open(&w, hub_signed_gate, cdn_stalls, &config);
	other.path = "other";
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		fetch_init(&f[i]);
		fetch_start_ref(&f[i], w.client, i % 2 ? &ref : &other, 0, 1000);
	}
	wire_wait_seen(w.hub, 2);
	wire_open_gate(w.hub);
	wire_wait_seen(w.cdn, 4);
	usleep(50000);
	assert_int_equal(wire_seen(w.cdn), 4); /* the others are queued */
	answer_init(&a);
	hub_want_info(w.client, &id, "slow", answer_info, &a);
	hub_close(w.client);
	for (unsigned i = 0; i < ARRAY_SIZE(f); i++) {
		assert_int_equal(f[i].done, 1);
		assert_int_equal(f[i].res.r, -ECANCELED);
	}
	assert_int_equal(a.done, 1);
	deferrer_close(w.deferrer);
	wire_close(w.hub);
	wire_close(w.cdn);
}

static void cancel_races_with_the_end(void **state)
{
	struct world w;

	(void)state;
	world_open(&w, hub_signed, cdn_range, NULL);
	for (unsigned i = 0; i < 200; i++) {
		struct fetch f;

		fetch_init(&f);
		fetch_start(&f, w.client, 0, 1000 + i);
		for (volatile unsigned spin = 0; spin < i * 200; spin++)
			;
		pthread_mutex_lock(&f.lock); /* "before done()": by our own lock */
		if (!f.done)
			object_cancel(f.get);
		pthread_mutex_unlock(&f.lock);
		fetch_wait(&f);
		assert_true(f.res.r == 0 || f.res.r == -ECANCELED);
	}
	world_close(&w);
}

static void close_races_with_starts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 30; i++) {
		struct world w;
		struct fetch f[8];

		world_open(&w, hub_signed, cdn_range, NULL);
		for (unsigned j = 0; j < 8; j++) {
			fetch_init(&f[j]);
			fetch_start(&f[j], w.client, 0, 100000);
		}
		if (i % 2)
			fetch_wait(&f[i % 8]);
		hub_close(w.client);
		for (unsigned j = 0; j < 8; j++)
			assert_int_equal(f[j].done, 1);
		deferrer_close(w.deferrer);
		wire_close(w.hub);
		wire_close(w.cdn);
	}
}

/* --- access --- */

static void offline_asks_nothing(void **state)
{
	struct hub_config config = {.offline = true};
	struct world w;
	struct fetch f;
	struct answer a;

	(void)state;
	world_open(&w, hub_signed, cdn_range, &config);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -ETIMEDOUT);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_int_equal(wire_seen(w.hub), 0);
	world_close(&w);
}

static bool hub_forbids(struct wire_rq *rq)
{
	return wire_text(rq, "403 Forbidden\r\nX-Error-Code: GatedRepo\r\nX-Error-Message: Access to model acme/tiny is restricted", "restricted");
}

static void refusal_is_remembered(void **state)
{
	struct world w;
	struct fetch f;
	struct object_ref ref = fetch_ref();
	char page[128];

	(void)state;
	world_open(&w, hub_forbids, NULL, NULL);
	snprintf(page, sizeof(page), "%s/acme/tiny", w.endpoint);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EACCES);
		assert_non_null(strstr(f.res.err.text, page));
		assert_string_equal(f.res.code, "GatedRepo");
	}
	assert_int_equal(wire_seen(w.hub), 1);
	ref.path = "README.md"; /* open to all, even where the rest is not */
	fetch_init(&f);
	fetch_start_ref(&f, w.client, &ref, 0, 1000);
	fetch_wait(&f);
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);
}

static bool hub_has_lost_it(struct wire_rq *rq)
{
	return wire_text(rq, "404 Not Found\r\nX-Error-Code: EntryNotFound\r\nX-Repo-Commit: " COMMIT_A, "Entry not found");
}

static void listed_file_that_is_gone_is_stale(void **state)
{
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_has_lost_it, NULL, NULL);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -ESTALE);
	assert_false(f.res.retry);
	world_close(&w);
}

static bool hub_limits(struct wire_rq *rq)
{
	if (rq->idx == 0)
		return wire_text(rq, "429 Too Many Requests\r\nRateLimit: \"resolvers\";r=0;t=0\r\nRetry-After: 900", "");
	return hub_signed(rq);
}

static void rate_limit_pauses_everybody(void **state)
{
	struct world w;
	struct fetch f;
	uint64_t before;

	(void)state;
	world_open(&w, hub_limits, cdn_range, NULL);
	before = clock_mono_ms();
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -ETIMEDOUT);
	assert_true(f.res.retry);
	assert_in_range(f.res.wait_ms, 1, 1000);
	assert_in_range(hub_pause_left_ms(w.client), 1, 1000);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	assert_true(clock_mono_ms() - before >= 1000);
	world_close(&w);
}

static bool hub_signed_without_api(struct wire_rq *rq)
{
	return strncmp(rq->target, "/api/", 5) ? hub_signed(rq) : wire_text(rq, "404 Not Found", "");
}

/* What goes between this process and others. */
struct shared {
	atomic_uint told, port;
	_Atomic uint64_t told_ms, heard_ms;
};

static void shared_tell(void *ctx, const char *host, unsigned port, uint64_t left_ms)
{
	struct shared *s = ctx;

	assert_string_equal(host, "127.0.0.1");
	assert_int_equal(port, atomic_load(&s->port));
	atomic_store(&s->told_ms, left_ms);
	atomic_fetch_add(&s->told, 1);
}

static void shared_look(void *ctx, hub_heard *heard, void *heard_ctx)
{
	struct shared *s = ctx;

	if (atomic_load(&s->heard_ms))
		heard(heard_ctx, "127.0.0.1", atomic_load(&s->port), atomic_load(&s->heard_ms));
}

static void rate_limit_is_told_once(void **state)
{
	struct shared s = {0};
	struct hub_config config = {.share = {shared_tell, shared_look, &s}};
	struct world w;
	struct fetch f;

	(void)state;
	world_open(&w, hub_limits, cdn_range, &config);
	atomic_store(&s.port, w.hub->port);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -ETIMEDOUT);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	world_close(&w);
	assert_int_equal(atomic_load(&s.told), 1);
	assert_in_range(atomic_load(&s.told_ms), 500, 1000);
}

/* Who starts after another process was told asks nothing until the pause is over, and does not tell what is known. */
static void rate_limit_of_another_process_is_kept(void **state)
{
	struct shared s = {0};
	struct hub_config config = {.share = {shared_tell, shared_look, &s}};
	struct err err = {0};
	struct world w;
	struct answer a;
	uint64_t before;

	(void)state;
	world_open(&w, hub_signed_without_api, cdn_range, &config);
	hub_close(w.client);
	atomic_store(&s.port, w.hub->port);
	atomic_store(&s.heard_ms, 700);
	config.endpoint = w.endpoint;
	config.defer = deferrer_defer;
	config.defer_ctx = w.deferrer;
	before = clock_mono_ms();
	assert_int_equal(hub_open(&config, &w.client, &err), 0);
	assert_in_range(hub_pause_left_ms(w.client), 1, 700);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ENOENT);
	assert_true(clock_mono_ms() - before >= 700);
	assert_int_equal(wire_seen(w.hub), 1);
	world_close(&w);
	assert_int_equal(atomic_load(&s.told), 0);
}

static bool cdn_limits(struct wire_rq *rq)
{
	if (rq->idx == 0)
		return wire_text(rq, "429 Too Many Requests\r\nRetry-After: 0", "");
	return cdn_range(rq);
}

/* The storage's 429 pauses the storage, for all its ranges, and not the endpoint. */
static void rate_limit_of_the_storage_is_its_own(void **state)
{
	struct world w;
	struct fetch f, many[5];
	struct answer a;
	uint64_t before;

	(void)state;
	world_open(&w, hub_signed_without_api, cdn_limits, NULL);
	before = clock_mono_ms();
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -ETIMEDOUT);
	assert_in_range(f.res.wait_ms, 1, 1000);
	assert_int_equal(hub_pause_left_ms(w.client), 0);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		fetch_init(&many[i]);
		fetch_start(&many[i], w.client, i * 1000, 1000);
	}
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ENOENT);
	assert_int_equal(wire_seen(w.cdn), 1);
	for (unsigned i = 0; i < ARRAY_SIZE(many); i++) {
		fetch_wait(&many[i]);
		assert_int_equal(many[i].res.r, 0);
	}
	assert_true(clock_mono_ms() - before >= 1000);
	assert_int_equal(wire_seen(w.cdn), 6);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(token_goes_to_the_endpoint_only),
		cmocka_unit_test(location_and_connection_are_kept),
		cmocka_unit_test(location_is_renewed_ahead),
		cmocka_unit_test(failed_renewal_changes_nothing),
		cmocka_unit_test(close_ends_a_renewal),
		cmocka_unit_test(relative_redirects_keep_the_token),
		cmocka_unit_test(redirect_loop_ends_after_six_requests),
		cmocka_unit_test(other_schemes_are_refused),
		cmocka_unit_test(refused_location_is_resolved_again),
		cmocka_unit_test(fresh_location_that_is_refused_fails),
		cmocka_unit_test(many_ranges_resolve_once),
		cmocka_unit_test(waiters_go_on_with_the_headers),
		cmocka_unit_test(cancelled_resolver_hands_over),
		cmocka_unit_test(waiters_share_a_failure),
		cmocka_unit_test(wrong_answers_are_refused),
		cmocka_unit_test(other_objects_are_refused),
		cmocka_unit_test(redirect_of_another_object_is_refused),
		cmocka_unit_test(reader_that_is_full_pauses),
		cmocka_unit_test(paused_transfer_can_be_cancelled),
		cmocka_unit_test(reader_that_stops_ends_the_transfer),
		cmocka_unit_test(close_ends_everything),
		cmocka_unit_test(cancel_races_with_the_end),
		cmocka_unit_test(close_races_with_starts),
		cmocka_unit_test(offline_asks_nothing),
		cmocka_unit_test(refusal_is_remembered),
		cmocka_unit_test(listed_file_that_is_gone_is_stale),
		cmocka_unit_test(rate_limit_pauses_everybody),
		cmocka_unit_test(rate_limit_is_told_once),
		cmocka_unit_test(rate_limit_of_another_process_is_kept),
		cmocka_unit_test(rate_limit_of_the_storage_is_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

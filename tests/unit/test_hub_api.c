// SPDX-License-Identifier: Apache-2.0
/* Calls of the JSON API over the wire: retries, pages, the rate limit, the token file. */
#include "hub_wire.h"

#include <fcntl.h>
#include <unistd.h>

#define JSON_OK "200 OK\r\nContent-Type: application/json; charset=utf-8"
#define INFO_TEXT                                                                                                      \
	"{\"_id\":\"65a0b1c2d3e4f5a6b7c8d9e0\",\"id\":\"Acme/tiny\",\"sha\":\"" COMMIT_A                               \
	"\",\"lastModified\":\"2026-01-31T09:08:07.000Z\",\"private\":false,\"gated\":\"auto\",\"disabled\":false}"

static bool info_ok(struct wire_rq *rq)
{
	return wire_text(rq, JSON_OK, INFO_TEXT);
}

static void info_is_asked_and_read(void **state)
{
	struct world w;
	struct answer a;
	char value[256];

	(void)state;
	world_open(&w, info_ok, NULL, NULL);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), 0);
	assert_string_equal(a.info.commit, COMMIT_A);
	assert_string_equal(a.info.repo.name, "Acme/tiny");
	assert_int_equal(a.info.mtime_s, 1769850487);
	assert_true(a.info.is_gated);
	assert_false(a.info.is_private);
	assert_string_equal(w.hub->seen[0].target, "/api/models/acme/tiny/revision/main?expand=sha&expand=lastModified&expand=gated"
						   "&expand=private&expand=disabled&expand=tags&expand=safetensors"
						   "&expand=pipeline_tag&expand=library_name&expand=config");
	assert_string_equal(wire_header(&w.hub->seen[0], "Authorization", value, sizeof(value)), "Bearer hf_canary");
	world_close(&w);
}

struct who {
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool is_there;
	struct hub_result res;
	struct hub_whoami is;
};

static void who_came(void *ctx, const struct hub_result *res, const struct hub_whoami *is)
{
	struct who *w = ctx;
	LOCK_SCOPE(&w->lock);

	w->res = *res;
	w->is = *is;
	w->is_there = true;
	pthread_cond_signal(&w->came);
}

static void ask_who(struct hub *h, struct who *w)
{
	*w = (struct who){.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
	hub_want_whoami(h, who_came, w);
	LOCK_SCOPE(&w->lock);
	while (!w->is_there)
		pthread_cond_wait(&w->came, &w->lock);
}

static bool knows_the_first_only(struct wire_rq *rq)
{
	if (rq->idx)
		return wire_text(rq, "401 Unauthorized\r\nDate: soon", "{\"error\":\"Invalid username or password.\"}");
	return wire_text(rq, JSON_OK "\r\nDate: Sat, 28 Nov 2026 15:31:51 GMT", "{\"name\":\"tester\",\"auth\":{\"accessToken\":{\"role\":\"read\"}}}");
}

static void the_token_has_an_owner(void **state)
{
	struct world w;
	struct who who;

	(void)state;
	world_open(&w, knows_the_first_only, NULL, NULL);
	ask_who(w.client, &who);
	assert_int_equal(who.res.r, 0);
	assert_string_equal(who.is.name, "tester");
	assert_int_equal(who.is.date_s, 1795879911);
	assert_string_equal(w.hub->seen[0].target, "/api/whoami-v2");
	ask_who(w.client, &who);
	assert_int_equal(who.res.status, 401);
	assert_string_equal(who.is.name, "");
	assert_int_equal(who.is.date_s, 0);
	world_close(&w);
}

static bool info_moved(struct wire_rq *rq)
{
	if (strstr(rq->target, "/old/"))
		return wire_text(rq, "307 Temporary Redirect\r\nLocation: https://huggingface.co/api/models/Acme/tiny/revision/main", "");
	return info_ok(rq);
}

static void hub_addresses_move_to_the_endpoint(void **state)
{
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, info_moved, NULL, NULL);
	assert_int_equal(info_now(&a, w.client, "old/name"), 0);
	assert_string_equal(a.info.repo.name, "Acme/tiny");
	assert_string_equal(w.hub->seen[1].target, "/api/models/Acme/tiny/revision/main");
	world_close(&w);
}

/* Five kinds of trouble, then an answer. */
static bool info_trouble(struct wire_rq *rq)
{
	switch (rq->idx) {
	case 0:
		return false;
	case 1:
		return wire_text(rq, "503 Service Unavailable", "<html>");
	case 2:
		return wire_text(rq, JSON_OK, "{\"id\":\"acme/ti");
	case 3:
		return wire_text(rq, "200 OK\r\nContent-Type: text/html", "<html>log in</html>");
	default:
		return info_ok(rq);
	}
}

static void trouble_is_tried_again(void **state)
{
	struct world w;
	struct answer a;
	struct hub_stats s;

	(void)state;
	world_open(&w, info_trouble, NULL, NULL);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), 0);
	assert_int_equal(wire_seen(w.hub), 5);
	hub_stats(w.client, &s);
	assert_int_equal(s.faults[FAULT_SERVER], 1);
	assert_int_equal(s.faults[FAULT_NETWORK], 1);
	assert_int_equal(s.faults[FAULT_MALFORMED], 2);
	assert_true(s.last_error_s > 0);
	assert_non_null(strstr(s.last_error, "acme/tiny"));
	world_close(&w);
}

static bool always_503(struct wire_rq *rq)
{
	return wire_text(rq, "503 Service Unavailable", "");
}

static void retries_end_with_the_deadline(void **state)
{
	struct hub_config config = {.names_deadline_ms = 1200};
	struct world w;
	struct answer a;
	uint64_t before;

	(void)state;
	world_open(&w, always_503, NULL, &config);
	before = clock_mono_ms();
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_true(a.res.retry);
	assert_true(clock_mono_ms() - before < 3000);
	assert_true(wire_seen(w.hub) >= 2);
	world_close(&w);
}

static bool never_answers(struct wire_rq *rq)
{
	wire_wait_gate(rq->w);
	return false;
}

static void silence_ends_with_the_deadline(void **state)
{
	struct hub_config config = {.names_deadline_ms = 400};
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, never_answers, NULL, &config);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	world_close(&w);
}

static void nobody_there_is_a_timeout(void **state)
{
	struct hub_config config = {.names_deadline_ms = 500};
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, info_ok, NULL, &config);
	hub_close(w.client);
	config.endpoint = "http://127.0.0.1:1";
	config.defer = deferrer_defer;
	config.defer_ctx = w.deferrer;
	assert_int_equal(hub_open(&config, &w.client, NULL), 0);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_non_null(strstr(a.res.err.text, "127.0.0.1"));
	world_close(&w);
}

static const char *first_head;

static bool ok_behind_the_first(struct wire_rq *rq)
{
	return rq->idx == 0 ? wire_text(rq, first_head, "") : info_ok(rq);
}

/* The first answer asks to wait for a second; then there is the right one. */
static void assert_waited_out(const char *head, struct hub_config *config)
{
	struct world w;
	struct answer a;
	uint64_t before;

	first_head = head;
	world_open(&w, ok_behind_the_first, NULL, config);
	before = clock_mono_ms();
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), 0);
	assert_true(clock_mono_ms() - before >= 1000);
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);
}

static void rate_limit_is_waited_out(void **state)
{
	struct hub_config config = {.names_deadline_ms = 500}; /* the pause stops the deadline's clock */

	(void)state;
	assert_waited_out("429 Too Many Requests\r\nRateLimit: \"api\";r=0;t=0", &config);
}

static bool limits_for_long(struct wire_rq *rq)
{
	return wire_text(rq, "429 Too Many Requests\r\nRateLimit: \"api\";r=0;t=3000", "");
}

static void long_rate_limit_is_told_at_once(void **state)
{
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, limits_for_long, NULL, NULL);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_true(a.res.retry);
	assert_in_range(a.res.wait_ms, 2990000, 3001000);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_int_equal(wire_seen(w.hub), 1);
	world_close(&w);
}

static void retry_after_of_a_503_is_waited_for(void **state)
{
	(void)state;
	assert_waited_out("503 Service Unavailable\r\nRetry-After: 1", NULL);
}

static bool unavailable_for_long(struct wire_rq *rq)
{
	return wire_text(rq, "503 Service Unavailable\r\nDate: Sat, 28 Nov 2026 15:31:51 GMT\r\nRetry-After: Sat, 28 Nov 2026 15:41:51 GMT", "");
}

/* Unlike a rate limit it does not stop the deadline's clock: who would be late anyway hears it at once. */
static void a_503_for_long_is_told_at_once(void **state)
{
	struct hub_config config = {.names_deadline_ms = 30000};
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, unavailable_for_long, NULL, &config);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -ETIMEDOUT);
	assert_true(a.res.retry);
	assert_int_equal(a.res.wait_ms, 60000);
	assert_int_equal(wire_seen(w.hub), 1);
	world_close(&w);
}

/* --- pages --- */

static const char *link_text; /* of the first page; "%u" is the port */

static bool tree_pages(struct wire_rq *rq)
{
	char head[512], link[256];

	if (strstr(rq->target, "cursor=2"))
		return wire_text(rq, JSON_OK, "[{\"type\":\"file\",\"oid\":\"" COMMIT_A "\",\"size\":1,\"path\":\"b\"}]");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(link, sizeof(link), link_text, rq->w->port);
#pragma GCC diagnostic pop
	snprintf(head, sizeof(head), JSON_OK "\r\nLink: %s", link);
	return wire_text(rq, head, "[{\"type\":\"directory\",\"oid\":\"" COMMIT_A "\",\"size\":0,\"path\":\"a\"}]");
}

static void listings_are_followed_to_the_end(void **state)
{
	static const char *const links[] = {
		"<http://127.0.0.1:%u/api/models/acme/tiny/tree/x?recursive=true&cursor=2>; rel=\"next\"",
		"</api/models/acme/tiny/tree/x?cursor=2>; rel=next",
		"<https://huggingface.co/api/models/acme/tiny/tree/x?cursor=2>;rel=\"next\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct world w;
		struct answer a;

		link_text = links[i];
		world_open(&w, tree_pages, NULL, NULL);
		assert_int_equal(tree_now(&a, w.client), 0);
		assert_string_equal(a.text, "a b ");
		assert_int_equal(a.pages, 2);
		assert_string_equal(w.hub->seen[0].target, "/api/models/acme/tiny/tree/" COMMIT_A "?recursive=true&expand=false");
		assert_int_equal(wire_seen(w.hub), 2);
		world_close(&w);
	}
}

static void a_listing_ends_at_its_limit_of_pages(void **state)
{
	struct repo_id id = repo_of("acme/tiny");
	struct world w;
	struct answer a;

	(void)state;
	link_text = "</api/models/acme/tiny/tree/x?cursor=2>; rel=next";
	world_open(&w, tree_pages, NULL, NULL);
	answer_init(&a);
	hub_want_tree_within(w.client, &id, COMMIT_A, "", true, 1, answer_tree, &a);
	answer_wait(&a);
	assert_int_equal(a.res.r, -E2BIG);
	assert_int_equal(wire_seen(w.hub), 1);
	answer_init(&a);
	hub_want_tree_within(w.client, &id, COMMIT_A, "", true, 2, answer_tree, &a);
	answer_wait(&a);
	assert_int_equal(a.res.r, 0);
	assert_string_equal(a.text, "a b ");
	world_close(&w);
}

static void listings_that_cannot_be_whole_fail(void **state)
{
	static const char *const links[] = {
		"<http://localhost:%u/api/models/acme/tiny/tree/x?cursor=2>; rel=\"next\"",
		"<http://evil.example/x?cursor=2>; rel=\"next\"",
		"<file:///x?cursor=2>; rel=\"next\"",
		"<http://127.0.0.1:%u/api/models/acme/tiny/tree/" COMMIT_A "?recursive=true&expand=false>; rel=\"next\"",
		"</x?cursor=2; rel=\"next\"",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
		struct world w;
		struct answer a;

		link_text = links[i];
		world_open(&w, tree_pages, NULL, NULL);
		assert_true(tree_now(&a, w.client) < 0);
		assert_int_equal(a.res.r, i == 4 ? -EBADMSG : -EIO);
		assert_string_equal(a.text, "");
		assert_int_equal(wire_seen(w.hub), 1);
		world_close(&w);
	}
}

static bool loops_on_page_two(struct wire_rq *rq)
{
	char head[512];

	snprintf(head, sizeof(head), JSON_OK "\r\nLink: </api/x?cursor=%u>; rel=\"next\"", rq->idx % 3);
	return wire_text(rq, head, "[]");
}

static void paging_loop_is_found(void **state)
{
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, loops_on_page_two, NULL, NULL);
	assert_int_equal(tree_now(&a, w.client), -EIO);
	assert_int_equal(wire_seen(w.hub), 4);
	world_close(&w);
}

static bool endless_page(struct wire_rq *rq)
{
	char block[4096];

	memset(block, ' ', sizeof(block));
	wire_send(rq->fd, "HTTP/1.1 200 OK\r\n\r\n", 19);
	for (unsigned i = 0; i < 4096; i++)
		wire_send(rq->fd, block, sizeof(block));
	return false;
}

static void huge_page_is_refused(void **state)
{
	struct world w;
	struct answer a;

	(void)state;
	world_open(&w, endless_page, NULL, NULL);
	assert_int_equal(tree_now(&a, w.client), -EBADMSG);
	assert_false(a.res.retry);
	assert_non_null(strstr(a.res.err.text, "8 MiB"));
	world_close(&w);
}

/* --- access --- */

static const char *refusal;

static bool refuses(struct wire_rq *rq)
{
	return wire_text(rq, refusal, "{\"error\":\"no\"}");
}

static void refusals_say_why(void **state)
{
	static const struct {
		const char *token, *head;
		int r;
		unsigned requests; /* of two calls */
		const char *sentence;
	} rows[] = {
		{NULL, "401 Unauthorized", -ENOENT, 2, "acme/tiny is absent or private: set HF_TOKEN"},
		{"hf_x", "401 Unauthorized\r\nX-Error-Message: Invalid credentials in Authorization header", -EACCES, 1, "refuses the token"},
		{NULL, "401 Unauthorized\r\nX-Error-Code: GatedRepo", -EACCES, 1, "/acme/tiny and set HF_TOKEN"},
		{"hf_x", "403 Forbidden\r\nX-Error-Code: GatedRepo", -EACCES, 1, "acme/tiny is gated: ask for access at http://127.0.0.1:"},
		{"hf_x", "403 Forbidden\r\nX-Error-Message: Access to this resource is disabled.", -EACCES, 1, "is disabled."},
		{"hf_x", "404 Not Found\r\nX-Error-Code: RepoNotFound", -ENOENT, 2, "not visible with this token"},
		{NULL, "404 Not Found\r\nX-Error-Code: RevisionNotFound", -ENOENT, 2, "no such revision"},
		{NULL, "400 Bad Request", -EIO, 2, "HTTP status 400"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hub_config config = {.token = rows[i].token};
		struct world w;
		struct answer a;

		refusal = rows[i].head;
		world_open(&w, refuses, NULL, &config);
		assert_int_equal(info_now(&a, w.client, "acme/tiny"), rows[i].r);
		assert_int_equal(info_now(&a, w.client, "acme/tiny"), rows[i].r);
		assert_int_equal(wire_seen(w.hub), rows[i].requests);
		if (!strstr(a.res.err.text, rows[i].sentence))
			fail_msg("row %zu: '%s'", i, a.res.err.text);
		assert_false(a.res.retry);
		world_close(&w);
	}
}

static char token_path[] = "/tmp/hffs-token-XXXXXX";

static void write_token(const char *text)
{
	AUTO_FD int fd = open(token_path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
}

static bool wants_new_token(struct wire_rq *rq)
{
	char value[256];

	if (!wire_header(rq, "Authorization", value, sizeof(value)) || strcmp(value, "Bearer hf_new") != 0)
		return wire_text(rq, "401 Unauthorized\r\nX-Error-Message: Invalid credentials in Authorization header", "");
	if (strstr(rq->target, "/resolve/"))
		return wire_range(rq, OBJECT_SIZE, "X-Repo-Commit: " COMMIT_A "\r\n");
	return info_ok(rq);
}

static void token_file_is_read_again_after_a_401(void **state)
{
	struct hub_config config = {.token_file = token_path};
	struct world w;
	struct answer a;
	struct fetch f;
	char before[17], after[17];

	(void)state;
	write_token("hf_old\r\n");
	world_open(&w, wants_new_token, NULL, &config);
	hub_identity(w.client, (const uint8_t *)"0123456789abcdef", before);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), -EACCES);
	assert_int_equal(wire_seen(w.hub), 1);
	write_token(" hf_new\n");
	assert_int_equal(info_now(&a, w.client, "acme/other"), 0);
	assert_int_equal(wire_seen(w.hub), 3);
	assert_int_equal(info_now(&a, w.client, "acme/tiny"), 0); /* the refusal is forgotten with the old token */
	hub_identity(w.client, (const uint8_t *)"0123456789abcdef", after);
	assert_string_not_equal(before, after);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0);
	world_close(&w);

	write_token("hf_old");
	world_open(&w, wants_new_token, NULL, &config);
	write_token("hf_new");
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), 0); /* content reads it again too */
	assert_int_equal(wire_seen(w.hub), 2);
	world_close(&w);

	write_token("hf_old");
	world_open(&w, wants_new_token, NULL, &config);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EACCES);
	assert_int_equal(fetch_now(&f, w.client, 0, 1000), -EACCES);
	assert_int_equal(wire_seen(w.hub), 1);
	world_close(&w);
}

static void bad_tokens_are_not_used(void **state)
{
	static const char *const bad[] = {"hf_a\r\nX-Evil: 1", "hf a", "hf_\x01", "hf_\xc3\xa9"};
	struct hub_config config = {.endpoint = "http://127.0.0.1:1"};
	struct hub *h = NULL;
	char id[17];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = {0};

		config.token = bad[i];
		assert_int_equal(hub_open(&config, &h, &err), -EINVAL);
		assert_null(strstr(err.text, "hf"));
	}
	config.token = NULL;
	config.token_file = token_path;
	write_token(bad[0]);
	assert_int_equal(hub_open(&config, &h, NULL), 0);
	hub_identity(h, (const uint8_t *)"0123456789abcdef", id);
	assert_string_equal(id, "0000000000000000");
	hub_close(h);
}

/* --- close --- */

static void close_ends_calls(void **state)
{
	struct world w;
	struct answer a[5];
	struct repo_id id = repo_of("acme/tiny");

	(void)state;
	world_open(&w, never_answers, NULL, NULL);
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		answer_init(&a[i]);
		if (i % 2)
			hub_want_info(w.client, &id, "refs/pr/1", answer_info, &a[i]);
		else
			hub_want_tree(w.client, &id, COMMIT_A, "sub dir/x", false, answer_tree, &a[i]);
	}
	wire_wait_seen(w.hub, 5);
	assert_int_equal(wire_seen_with(w.hub, "/revision/refs%2Fpr%2F1?"), 2);
	assert_int_equal(wire_seen_with(w.hub, "/tree/" COMMIT_A "/sub%20dir/x?recursive=false"), 3);
	hub_close(w.client);
	for (unsigned i = 0; i < ARRAY_SIZE(a); i++) {
		assert_int_equal(a[i].done, 1);
		assert_int_equal(a[i].res.r, -ECANCELED);
	}
	deferrer_close(w.deferrer);
	wire_close(w.hub);
	wire_close(w.cdn);
}

static int make_token_file(void **state)
{
	int fd = mkstemp(token_path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_token_file(void **state)
{
	(void)state;
	return unlink(token_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_is_asked_and_read), cmocka_unit_test(the_token_has_an_owner),
		cmocka_unit_test(hub_addresses_move_to_the_endpoint),
		cmocka_unit_test(trouble_is_tried_again),
		cmocka_unit_test(retries_end_with_the_deadline),
		cmocka_unit_test(silence_ends_with_the_deadline),
		cmocka_unit_test(nobody_there_is_a_timeout),
		cmocka_unit_test(rate_limit_is_waited_out),
		cmocka_unit_test(long_rate_limit_is_told_at_once),
		cmocka_unit_test(retry_after_of_a_503_is_waited_for),
		cmocka_unit_test(a_503_for_long_is_told_at_once),
		cmocka_unit_test(listings_are_followed_to_the_end),
		cmocka_unit_test(a_listing_ends_at_its_limit_of_pages),
		cmocka_unit_test(listings_that_cannot_be_whole_fail),
		cmocka_unit_test(paging_loop_is_found),
		cmocka_unit_test(huge_page_is_refused),
		cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(token_file_is_read_again_after_a_401),
		cmocka_unit_test(bad_tokens_are_not_used),
		cmocka_unit_test(close_ends_calls),
	};

	return cmocka_run_group_tests(tests, make_token_file, remove_token_file);
}

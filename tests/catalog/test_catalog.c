// SPDX-License-Identifier: Apache-2.0
/* What the catalog answers, when it asks, and what it remembers. */
#include "unit.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/thread.h>

#include "catalog_int.h"
#include "fakes.h"

#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SHA_A "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"
#define TTL_MS 300000
#define WALL_S 1800000000

static uint64_t now_ms;

static void pass_ms(uint64_t ms)
{
	now_ms += ms;
	clock_fake(now_ms, (int64_t)(WALL_S + now_ms / 1000));
}

static struct catalog *open_catalog(uint64_t ttl_ms)
{
	struct catalog_config config = {.hub = fake_hub(), .cache = fake_cache(), .ref_ttl_ms = ttl_ms};
	struct catalog *c = NULL;

	assert_int_equal(catalog_open(&config, &c), 0);
	return c;
}

static void close_catalog(struct catalog *c)
{
	catalog_cancel(c);
	catalog_free(c);
}
AUTO_DEFINE(struct catalog *, close_catalog)

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_LEVEL_ERROR);
	fake_reset();
	now_ms = 10000000;
	pass_ms(0);
	return 0;
}

static const struct repo_id tiny = {REPO_MODEL, "acme/tiny"};

/* What came of a want. */
struct got {
	atomic_int times;
	int r;
	struct revision rev;
	struct tree *tree;
	char names[1024]; /* "a b c" */
	size_t nr;
	struct err err;
};

static void got_revision(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	if (r == 0)
		g->rev = *rev;
	else
		assert_null(rev);
	g->err = *err;
	assert_int_equal(err->code, r);
	assert_true(r == 0 || err->text[0]);
	g->times++;
}

static void got_known(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct got *g = ctx;

	(void)err; /* "unknown" needs no sentence */
	g->r = r;
	if (r == 0)
		g->rev = *rev;
	g->times++;
}

static void got_tree(void *ctx, int r, struct tree *tree, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	g->tree = tree;
	g->err = *err;
	assert_true((r == 0) == (tree != NULL));
	assert_true(r == 0 || err->text[0]);
	g->times++;
}

static void add_name(struct got *g, const char *name)
{
	size_t len = strlen(g->names);

	snprintf(g->names + len, sizeof(g->names) - len, "%s%s", len ? " " : "", name);
}

static void got_refs(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	g->nr = nr;
	g->err = *err;
	for (size_t i = 0; i < nr; i++)
		add_name(g, refs[i].name);
	g->times++;
}

static void got_names(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	g->nr = nr;
	g->err = *err;
	for (size_t i = 0; i < nr; i++)
		add_name(g, names[i]);
	g->times++;
}

/* One want, answered by the Hub with a commit if it is asked at all; true if it was. */
static bool revision_asks(struct catalog *c, const char *rev, const char *commit, struct got *g)
{
	unsigned before = fake_hub_calls(FAKE_INFO);

	*g = (struct got){0};
	catalog_want_revision(c, &tiny, rev, got_revision, g);
	if (fake_hub_calls(FAKE_INFO) == before) {
		assert_int_equal(g->times, 1);
		return false;
	}
	if (commit)
		fake_answer_info("acme/tiny", commit, 1234);
	return true;
}

/* --- revisions --- */

static void one_request_however_many_ask(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got got[100] = {0};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(got); i++)
		catalog_want_revision(c, &tiny, i % 2 ? "main" : NULL, got_revision, &got[i]);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 1);
	assert_int_equal(got[0].times, 0);
	fake_answer_info("acme/tiny", COMMIT_A, 1234);
	for (size_t i = 0; i < ARRAY_SIZE(got); i++) {
		assert_int_equal(got[i].times, 1);
		assert_int_equal(got[i].r, 0);
		assert_string_equal(got[i].rev.commit, COMMIT_A);
		assert_string_equal(got[i].rev.repo.name, "acme/tiny");
		assert_int_equal(got[i].rev.mtime_s, 1234);
		assert_int_equal(got[i].rev.ttl_ms, TTL_MS);
	}
}

static void a_branch_is_believed_for_its_time(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	pass_ms(TTL_MS - 1);
	assert_false(revision_asks(c, "main", COMMIT_B, &g));
	assert_string_equal(g.rev.commit, COMMIT_A);
	assert_int_equal(g.rev.ttl_ms, 1);
	pass_ms(1);
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
}

static void time_to_live_none_and_endless(void **state)
{
	struct catalog *c = open_catalog(0);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	assert_int_equal(g.rev.ttl_ms, 0);
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	assert_false(revision_asks(c, COMMIT_B, NULL, &g));
	close_catalog(c);
	c = open_catalog(UINT64_MAX);
	pass_ms((uint64_t)400 * 86400 * 1000);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
	assert_true(g.rev.ttl_ms == UINT64_MAX);
	close_catalog(c);
}

static void a_resolved_branch_confirms_its_commit(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, NULL, COMMIT_A, &g));
	assert_false(revision_asks(c, COMMIT_A, NULL, &g));
	assert_int_equal(g.rev.mtime_s, 1234);
	assert_true(g.rev.ttl_ms == UINT64_MAX);
	close_catalog(c);
	c = open_catalog(TTL_MS);
	pass_ms(TTL_MS * 1000);
	assert_false(revision_asks(c, COMMIT_A, NULL, &g)); /* from its document, for ever */
	assert_true(revision_asks(c, COMMIT_B, COMMIT_B, &g));
	assert_false(revision_asks(c, COMMIT_B, NULL, &g));
	close_catalog(c);
}

static void a_restart_goes_on_with_stored_answers(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	close_catalog(c);
	c = open_catalog(TTL_MS);
	pass_ms(TTL_MS - 1000);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_A);
	assert_int_equal(g.rev.mtime_s, 1234);
	assert_int_equal(g.rev.ttl_ms, 1000);
	close_catalog(c);
	c = open_catalog(TTL_MS);
	pass_ms(1000);
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	close_catalog(c);
}

static void a_document_from_the_future_is_old(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	close_catalog(c);
	c = open_catalog(TTL_MS);
	clock_fake(now_ms, WALL_S);
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	close_catalog(c);
}

static void damaged_documents_are_misses(void **state)
{
	struct catalog *c;
	struct got g;

	(void)state;
	for (size_t at = 0; at < 200; at++) {
		c = open_catalog(TTL_MS);
		revision_asks(c, "main", COMMIT_A, &g);
		close_catalog(c);
		fake_spoil_docs(DOC_REVISION, at);
		c = open_catalog(TTL_MS);
		revision_asks(c, "main", COMMIT_A, &g);
		assert_int_equal(g.r, 0);
		assert_int_equal(strlen(g.rev.commit), 40);
		close_catalog(c);
		fake_reset();
	}
}

static void without_the_hub_the_last_answer_stays(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g, h = {0};

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	pass_ms(TTL_MS);
	assert_true(revision_asks(c, "main", NULL, &g));
	fake_fail(-ETIMEDOUT, 0, true, "no route to hub.test");
	assert_int_equal(g.r, 0);
	assert_string_equal(g.rev.commit, COMMIT_A);
	/* Known to be out of reach: nobody waits, now and then one request looks whether it is back. */
	pass_ms(2000);
	catalog_want_revision(c, &tiny, "main", got_revision, &h);
	assert_int_equal(h.times, 1);
	assert_string_equal(h.rev.commit, COMMIT_A);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 3);
	pass_ms(60000);
	assert_false(revision_asks(c, "main", NULL, &g)); /* while that one is under way */
	fake_fail(-ETIMEDOUT, 0, true, "no route to hub.test");
	catalog_want_revision(c, &tiny, "main", got_revision, &h);
	fake_fail(-ETIMEDOUT, 0, true, "no route to hub.test");
	pass_ms(1999);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_int_equal(fake_hub_calls(FAKE_INFO), 4);
	pass_ms(1);
	catalog_want_revision(c, &tiny, "main", got_revision, &h);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 5);
	fake_fail(-ETIMEDOUT, 0, true, "no route to hub.test");
	pass_ms(30000); /* long ago: it is worth a wait again */
	assert_true(revision_asks(c, "main", NULL, &g));
	assert_int_equal(g.times, 0);
	fake_answer_info("acme/tiny", COMMIT_B, 1234);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
	assert_int_equal(h.times, 3);
}

static void offline_answers_at_once(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	close_catalog(c);
	c = open_catalog(TTL_MS);
	hub_set_offline(fake_hub(), true);
	pass_ms(TTL_MS * 100);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_A);
	assert_int_equal(g.rev.ttl_ms, 0);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_true(revision_asks(c, "other", NULL, &g)); /* the Hub makes the sentence */
	fake_fail(-ETIMEDOUT, 0, false, "offline");
	assert_int_equal(g.r, -ETIMEDOUT);
	assert_string_equal(g.err.text, "offline");
	close_catalog(c);
}

static void network_failures_are_not_remembered(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g[20] = {0}, again;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(g); i++)
		catalog_want_revision(c, &tiny, "main", got_revision, &g[i]);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 1);
	fake_fail(-ETIMEDOUT, 503, true, "busy");
	for (size_t i = 0; i < ARRAY_SIZE(g); i++)
		assert_int_equal(g[i].r, -ETIMEDOUT);
	assert_true(revision_asks(c, "main", COMMIT_A, &again));
	assert_int_equal(again.r, 0);
}

static void absence_is_remembered_a_minute(void **state)
{
	static const struct {
		int r, status;
	} rows[] = {{-ENOENT, 404}, {-ENOENT, 401}, {-EACCES, 403}};
	struct got g;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);

		assert_true(revision_asks(c, "gone", NULL, &g));
		fake_fail(rows[i].r, rows[i].status, false, "said the Hub");
		assert_int_equal(g.r, rows[i].r);
		pass_ms(59999);
		assert_false(revision_asks(c, "gone", NULL, &g));
		assert_int_equal(g.r, rows[i].r);
		assert_string_equal(g.err.text, "said the Hub");
		pass_ms(1);
		assert_true(revision_asks(c, "gone", COMMIT_A, &g));
		assert_int_equal(g.r, 0);
		fake_reset();
	}
}

static void a_known_branch_can_vanish(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "dev", COMMIT_A, &g));
	pass_ms(TTL_MS);
	assert_true(revision_asks(c, "dev", NULL, &g));
	fake_fail(-ENOENT, 404, false, "");
	assert_int_equal(g.r, -ENOENT);
	assert_non_null(strstr(g.err.text, "acme/tiny@dev"));
	assert_false(revision_asks(c, COMMIT_A, NULL, &g)); /* the commit stays */
	pass_ms(60000);
	assert_true(revision_asks(c, "dev", NULL, &g));
	fake_fail(-ETIMEDOUT, 0, true, "away");
	assert_int_equal(g.r, -ETIMEDOUT); /* what vanished is no last answer */
	close_catalog(c);
	c = open_catalog(UINT64_MAX);
	assert_true(revision_asks(c, "dev", COMMIT_B, &g));
	close_catalog(c);
}

static void a_bad_token_does_not_hide_what_is_known(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	for (int i = 0; i < 2; i++) {
		pass_ms(TTL_MS);
		assert_true(revision_asks(c, "main", NULL, &g));
		fake_fail(i ? -EACCES : -ENOENT, 401, false, "wrong token");
		assert_int_equal(g.r, 0);
		assert_string_equal(g.rev.commit, COMMIT_A);
		pass_ms(59999);
		assert_false(revision_asks(c, "main", NULL, &g)); /* and no storm of requests */
		pass_ms(1);
	}
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
}

static void another_commit_is_refused(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, COMMIT_A, COMMIT_B, &g));
	assert_int_equal(g.r, -EIO);
	assert_true(revision_asks(c, COMMIT_A, COMMIT_A, &g));
	assert_int_equal(g.r, 0);
	assert_true(revision_asks(c, "main", "not a commit", &g));
	assert_int_equal(g.r, -EIO);
}

static void a_renamed_repository_is_known_by_both_names(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct repo_id old = {REPO_MODEL, "gpt2"}, now = {REPO_MODEL, "openai-community/gpt2"};
	struct got g = {0};

	(void)state;
	catalog_want_revision(c, &old, NULL, got_revision, &g);
	fake_answer_info(now.name, COMMIT_A, 5);
	assert_string_equal(g.rev.repo.name, now.name);
	catalog_want_revision(c, &now, "main", got_revision, &g);
	catalog_want_revision(c, &now, COMMIT_A, got_revision, &g);
	catalog_want_revision(c, &old, "main", got_revision, &g);
	assert_int_equal(g.times, 4);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 1);
	catalog_forget(c, &now);
	catalog_want_revision(c, &old, "main", got_revision, &g);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 2);
}

static void finds_in_memory_only(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct revision rev;
	struct got g;

	(void)state;
	assert_false(catalog_find_revision(c, &tiny, NULL, &rev));
	revision_asks(c, "main", COMMIT_A, &g);
	pass_ms(TTL_MS * 2);
	assert_true(catalog_find_revision(c, &tiny, NULL, &rev));
	assert_string_equal(rev.commit, COMMIT_A);
	assert_int_equal(rev.ttl_ms, 0);
	assert_true(catalog_find_revision(c, &tiny, COMMIT_A, &rev));
	assert_true(rev.ttl_ms == UINT64_MAX);
	assert_false(catalog_find_revision(c, &tiny, "", &rev));
	assert_int_equal(fake_hub_calls(FAKE_INFO), 1);
}

static void what_is_forgotten_is_asked_again(void **state)
{
	struct catalog *c = open_catalog(UINT64_MAX);
	struct repo_id other = {REPO_MODEL, "acme/tin"};
	struct got g, h = {0}, last = {0};
	struct fake_call *old;

	(void)state;
	revision_asks(c, "main", COMMIT_A, &g);
	catalog_forget(c, &other);
	assert_false(revision_asks(c, "main", NULL, &g));
	catalog_forget(c, &tiny);
	assert_false(revision_asks(c, COMMIT_A, NULL, &g));
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
	/* An answer that was on its way when it was forgotten is not remembered. */
	catalog_forget(c, NULL);
	catalog_want_revision(c, &tiny, "main", got_revision, &h);
	catalog_forget(c, NULL);
	g = (struct got){0};
	catalog_want_revision(c, &tiny, "main", got_revision, &g);
	assert_int_equal(fake_hub_calls(FAKE_INFO), 4);
	old = fake_take_call(true);
	catalog_forget(c, NULL);
	catalog_want_revision(c, &tiny, "main", got_revision, &last);
	fake_answer_info("acme/tiny", COMMIT_A, 1);
	assert_int_equal(g.times, 1);
	assert_int_equal(last.times, 0);
	catalog_want_revision(c, &tiny, "main", got_revision, &last); /* still joins the one that was not forgotten */
	assert_int_equal(fake_hub_calls(FAKE_INFO), 5);
	fake_answer_info("acme/tiny", COMMIT_B, 1);
	assert_int_equal(last.times, 2);
	assert_string_equal(last.rev.commit, COMMIT_B);
	fake_answer_call(old, "acme/tiny", COMMIT_A, 1);
	assert_int_equal(h.times, 1);
	assert_string_equal(h.rev.commit, COMMIT_A);
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_B);
	/* Absence is forgotten, too; and documents that memory had not seen yet. */
	revision_asks(c, "x", NULL, &g);
	fake_fail(-ENOENT, 404, false, "");
	catalog_forget(c, &tiny);
	assert_true(revision_asks(c, "x", COMMIT_A, &g));
	close_catalog(c);
	c = open_catalog(UINT64_MAX);
	catalog_forget(c, &tiny);
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	close_catalog(c);
}

static void cancelling_ends_every_wait(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0}, t = {0}, r = {0}, n = {0}, late = {0};
	struct revision rev;

	(void)state;
	catalog_want_revision(c, &tiny, "main", got_revision, &g);
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &t);
	catalog_want_refs(c, &tiny, got_refs, &r);
	catalog_want_repos(c, REPO_MODEL, "acme", got_names, &n);
	catalog_cancel(c);
	fake_close();
	assert_int_equal(g.r, -ECANCELED);
	assert_int_equal(t.r, -ECANCELED);
	assert_int_equal(r.r, -ECANCELED);
	assert_int_equal(n.r, -ECANCELED);
	catalog_want_revision(c, &tiny, "main", got_revision, &late);
	assert_int_equal(late.r, -ECANCELED);
	catalog_cancel(c);
	fake_answer_info("acme/tiny", COMMIT_A, 1); /* comes too late */
	for (int i = 0; i < 2; i++)
		fake_fail(-ECANCELED, 0, false, "closing");
	assert_false(catalog_find_revision(c, &tiny, "main", &rev));
	assert_int_equal(fake_docs(DOC_REVISION), 0);
	assert_int_equal(fake_late_calls(), 0);
	assert_int_equal(g.times + t.times + r.times + n.times + late.times, 5);
	catalog_free(c); /* one call was never answered */
}

static void names_that_cannot_be_are_refused(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};
	char rev[REPO_REV_MAX + 1];

	(void)state;
	memset(rev, 'x', sizeof(rev) - 1);
	rev[sizeof(rev) - 1] = '\0';
	catalog_want_revision(c, &tiny, rev, got_revision, &g);
	assert_int_equal(g.r, -ENOENT);
	catalog_want_revision(c, &tiny, "", got_revision, &g);
	assert_int_equal(g.r, -ENOENT);
	catalog_want_tree(c, &tiny, "main", got_tree, &g);
	assert_int_equal(g.r, -ENOENT);
	catalog_want_repos(c, REPO_MODEL, "a/b", got_names, &g);
	assert_int_equal(g.r, -ENOENT);
	assert_int_equal(g.times, 4);
}

static void memory_is_bounded(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct revision rev;
	struct got g;
	char name[32];

	(void)state;
	fake_set_read_only(true);
	for (int i = 0; i < 12000; i++) {
		snprintf(name, sizeof(name), "branch-%d", i);
		revision_asks(c, name, COMMIT_A, &g);
	}
	assert_false(catalog_find_revision(c, &tiny, "branch-0", &rev));
	assert_true(catalog_find_revision(c, &tiny, "branch-11999", &rev));
}

/* --- identities --- */

static void identities_do_not_share(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(revision_asks(c, "main", COMMIT_A, &g));
	fake_set_identity("1111111111111111");
	assert_true(revision_asks(c, "main", NULL, &g));
	/* The token changes while the Hub is asked: whose answer is it? */
	fake_set_identity("2222222222222222");
	fake_answer_info("acme/tiny", COMMIT_B, 1);
	assert_int_equal(g.r, 0);
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	fake_set_identity("1111111111111111");
	assert_true(revision_asks(c, "main", COMMIT_B, &g));
	fake_set_identity("0000000000000000");
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_string_equal(g.rev.commit, COMMIT_A);
}

/* --- trees --- */

static void send_page(struct fake_call *call, const char *path, bool masked, bool more)
{
	struct hub_result res = {.status = 200};
	struct hub_entry e = {.type = ENTRY_FILE, .path = path, .size = 7, .is_lfs = true};

	if (!masked)
		assert_int_equal(blob_id_parse(SHA_A, &e.id), 0);
	call->done.tree(call->ctx, &res, &e, 1, more);
}

/* One want, answered with two pages; true if the Hub was asked. */
static bool tree_asks(struct catalog *c, const char *commit, bool masked, struct got *g)
{
	struct fake_call *call;

	*g = (struct got){0};
	catalog_want_tree(c, &tiny, commit, got_tree, g);
	call = fake_take_call(false);
	if (call) {
		send_page(call, "b/one", false, true);
		assert_int_equal(g->times, 0);
		send_page(call, "a", masked, false);
		free(call);
	}
	assert_int_equal(g->times, 1);
	if (g->r == 0) {
		assert_int_equal(tree_nr(g->tree), 4);
		assert_non_null(tree_find_path(g->tree, "b/one"));
		tree_unref(TAKE(g->tree));
	}
	return call != NULL;
}

static void a_listing_is_asked_for_once(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(tree_asks(c, COMMIT_A, false, &g));
	assert_false(tree_asks(c, COMMIT_A, false, &g));
	pass_ms(TTL_MS * 1000);
	assert_false(tree_asks(c, COMMIT_A, false, &g));
	close_catalog(c);
	c = open_catalog(TTL_MS);
	assert_false(tree_asks(c, COMMIT_A, false, &g));
	assert_int_equal(fake_docs(DOC_TREE), 1);
	close_catalog(c);
	fake_spoil_docs(DOC_TREE, 30);
	c = open_catalog(TTL_MS);
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g);
	fake_fail(-ETIMEDOUT, 0, true, "away");
	assert_int_equal(g.r, -ETIMEDOUT);
	assert_int_equal(fake_docs(DOC_TREE), 0);
	assert_true(tree_asks(c, COMMIT_A, false, &g)); /* damaged: asked again, stored again */
	close_catalog(c);
	c = open_catalog(TTL_MS);
	assert_false(tree_asks(c, COMMIT_A, false, &g));
	close_catalog(c);
}

static void an_incomplete_listing_is_never_used(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct hub_result res = {.r = -EIO, .status = 200};
	struct got g[10] = {0}, again;
	struct fake_call *call;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(g); i++)
		catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g[i]);
	call = fake_take_call(false);
	send_page(call, "a", false, true);
	err_set(&res.err, -EIO, "the next page is on another host");
	call->done.tree(call->ctx, &res, NULL, 0, false);
	free(call);
	for (size_t i = 0; i < ARRAY_SIZE(g); i++) {
		assert_int_equal(g[i].times, 1);
		assert_int_equal(g[i].r, -EIO);
		assert_string_equal(g[i].err.text, "the next page is on another host");
	}
	assert_int_equal(fake_docs(DOC_TREE), 0);
	assert_true(tree_asks(c, COMMIT_A, false, &again));
}

static void a_masked_listing_is_soon_asked_again(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g;

	(void)state;
	assert_true(tree_asks(c, COMMIT_A, true, &g));
	assert_int_equal(fake_docs(DOC_TREE), 0);
	pass_ms(5 * 60000 - 1);
	assert_false(tree_asks(c, COMMIT_A, true, &g));
	pass_ms(1);
	assert_true(tree_asks(c, COMMIT_A, false, &g));
	assert_int_equal(fake_docs(DOC_TREE), 1);
	pass_ms(5 * 60000);
	assert_false(tree_asks(c, COMMIT_A, false, &g));
}

static void an_absent_listing_is_remembered_a_minute(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g);
	fake_fail(-ENOENT, 404, false, "no such commit");
	assert_int_equal(g.r, -ENOENT);
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g);
	assert_int_equal(g.times, 2);
	assert_string_equal(g.err.text, "no such commit");
	pass_ms(60000);
	assert_true(tree_asks(c, COMMIT_A, false, &g));
}

static void old_trees_leave_memory(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	char commit[COMMIT_MAX];
	unsigned loads;
	struct got g;

	(void)state;
	for (int i = 0; i < 65; i++) {
		snprintf(commit, sizeof(commit), "%040x", i);
		assert_true(tree_asks(c, commit, false, &g));
	}
	loads = fake_doc_loads();
	assert_false(tree_asks(c, commit, false, &g));
	assert_int_equal(fake_doc_loads(), loads);
	snprintf(commit, sizeof(commit), "%040x", 0);
	assert_false(tree_asks(c, commit, false, &g));
	assert_int_equal(fake_doc_loads(), loads + 1);
}

/* --- large commits --- */

static void got_part(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	g->tree = tree;
	g->nr = is_whole;
	g->err = *err;
	assert_true((r == 0) == (tree != NULL));
	for (uint32_t i = 1; tree && i < tree_nr(tree); i++)
		add_name(g, tree_name(tree, tree_entry(tree, i)));
	tree_unref(TAKE(g->tree));
	g->times++;
}

/* Answers the oldest call, which is to be this one, with files at these paths; NULL: more pages than it wanted. */
static void answer_part(const char *path, bool recursive, unsigned pages_max, const char *const *paths)
{
	struct hub_result res = {.status = 200};
	struct fake_call *call = fake_take_call(true);

	assert_string_equal(call->path, path);
	assert_int_equal(call->kind == FAKE_TREE && call->recursive, recursive);
	assert_int_equal(call->pages_max, pages_max);
	for (; paths && *paths; paths++)
		send_page(call, *paths, false, true);
	if (!paths)
		res.r = err_set(&res.err, -E2BIG, "too many pages");
	call->done.tree(call->ctx, &res, NULL, 0, false);
	free(call);
}

static void a_small_commit_is_listed_as_a_whole(void **state)
{
	static const char *const paths[] = {"a", "d/b", NULL};
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	answer_part("", true, 20, paths);
	assert_string_equal(g.names, "a d b");
	assert_int_equal(g.nr, true);
	g = (struct got){0};
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g); /* the same, and no other request */
	assert_int_equal(g.times, 1);
	tree_unref(g.tree);
	close_catalog(c);
	c = open_catalog(TTL_MS);
	g = (struct got){0};
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	assert_int_equal(g.times, 1);
	assert_int_equal(g.nr, true);
	close_catalog(c);
}

static void a_large_commit_is_listed_by_directory(void **state)
{
	static const char *const root[] = {"a", "d/not-of-it", "e", NULL}, *const d[] = {"x/d/b", "x/d/c", "y/d/b", NULL};
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	answer_part("", true, 20, NULL);
	answer_part("", false, 20, root);
	assert_string_equal(g.names, "a e");
	assert_int_equal(g.nr, false);
	g = (struct got){0};
	catalog_want_listing(c, &tiny, COMMIT_A, "x/d", got_part, &g);
	answer_part("x/d", false, 20, d);
	assert_string_equal(g.names, "b c");
	for (int i = 0; i < 2; i++) { /* from memory, then from documents */
		g = (struct got){0};
		catalog_want_listing(c, &tiny, COMMIT_A, "x/d", got_part, &g);
		assert_string_equal(g.names, "b c");
		g = (struct got){0};
		catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
		assert_string_equal(g.names, "a e");
		g = (struct got){0};
		catalog_want_listed_commits(c, &tiny, got_names, &g);
		assert_string_equal(g.names, COMMIT_A);
		close_catalog(c);
		c = open_catalog(TTL_MS);
	}
	close_catalog(c);
}

static void a_smaller_limit_is_not_remembered(void **state)
{
	static const char *const root[] = {"a", NULL}, *const all[] = {"a", "d/b", NULL};
	struct catalog_config config = {.hub = fake_hub(), .cache = fake_cache(), .ref_ttl_ms = TTL_MS, .large_pages = 1};
	struct catalog *c;
	struct got g = {0};

	(void)state;
	assert_int_equal(catalog_open(&config, &c), 0);
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	answer_part("", true, 1, NULL);
	answer_part("", false, 1, root);
	assert_string_equal(g.names, "a");
	assert_int_equal(g.nr, false);
	close_catalog(c);
	c = open_catalog(TTL_MS);
	g = (struct got){0};
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	answer_part("", true, 20, all);
	assert_int_equal(g.nr, true);
	close_catalog(c);
}

static void a_wide_directory_is_asked_for_by_the_entry(void **state)
{
	static const char *const one[] = {"w/one", NULL}, *const none[] = {NULL}, *const all[] = {"w/a", "w/b", NULL};
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	catalog_want_listing(c, &tiny, COMMIT_A, "w", got_part, &g);
	answer_part("w", false, 20, NULL);
	assert_int_equal(g.r, -E2BIG);
	g = (struct got){0};
	catalog_want_path(c, &tiny, COMMIT_A, "w/one", got_part, &g);
	answer_part("w/one", false, 0, one);
	assert_string_equal(g.names, "one");
	g = (struct got){0};
	catalog_want_path(c, &tiny, COMMIT_A, "w/none", got_part, &g);
	answer_part("w/none", false, 0, none);
	assert_int_equal(g.r, -ENOENT);
	g = (struct got){0};
	catalog_want_dir(c, &tiny, COMMIT_A, "w", got_part, &g);
	answer_part("w", false, 0, all);
	assert_string_equal(g.names, "a b");
	g = (struct got){0};
	catalog_want_listing(c, &tiny, COMMIT_A, "w", got_part, &g); /* now it is here, and as good as any */
	assert_string_equal(g.names, "a b");
	close_catalog(c);
}

static void a_directory_that_fails_is_no_directory(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	catalog_want_listing(c, &tiny, COMMIT_A, "", got_part, &g);
	fake_fail(-ETIMEDOUT, 0, true, "away");
	assert_int_equal(g.r, -ETIMEDOUT);
	g = (struct got){0};
	catalog_want_listing(c, &tiny, COMMIT_A, "x", got_part, &g);
	catalog_cancel(c);
	assert_int_equal(g.r, -ECANCELED);
	free(fake_take_call(false));
	g = (struct got){0};
	catalog_want_path(c, &tiny, "main", "x", got_part, &g);
	assert_int_equal(g.r, -ENOENT);
	catalog_free(c);
}

/* --- who may have what is cached --- */

static void got_grant(void *ctx, int r, const struct err *err)
{
	struct got *g = ctx;

	g->r = r;
	g->err = *err;
	g->times++;
}

/* One want; the Hub, if it is asked, ends with r. True if it was. */
static bool grant_asks(struct catalog *c, const char *path, int r, bool retry, struct got *g)
{
	struct object_ref from = {.repo = tiny, .commit = COMMIT_A, .path = path, .size = 528};
	struct hub_result res = {.r = r, .status = 403, .retry = retry};
	struct fake_call *call;
	bool was_asked = false;

	assert_int_equal(blob_id_parse(SHA_A, &from.id), 0);
	*g = (struct got){0};
	catalog_want_grant(c, &from, got_grant, g);
	if (r < 0)
		err_set(&res.err, r, "the Hub says no");
	while ((call = fake_take_call(false))) {
		assert_int_equal(call->kind, FAKE_BYTES);
		assert_string_equal(call->path, path);
		call->done.bytes(call->ctx, &res);
		free(call);
		was_asked = true;
	}
	assert_int_equal(g->times, 1);
	return was_asked;
}

static void what_the_hub_gave_once_may_be_had(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct blob_id id, other = {.algo = BLOB_SHA256};
	struct got g;

	(void)state;
	assert_int_equal(blob_id_parse(SHA_A, &id), 0);
	assert_true(grant_asks(c, "a/b c", -EACCES, false, &g));
	assert_int_equal(g.r, -EACCES);
	assert_string_equal(g.err.text, "the Hub says no");
	assert_false(catalog_has_grant(c, &tiny, &id));
	assert_true(grant_asks(c, "a/b c", -EIO, true, &g)); /* three times */
	assert_int_equal(g.r, -ETIMEDOUT);
	assert_true(grant_asks(c, "a/b c", 0, false, &g));
	assert_int_equal(g.r, 0);
	for (int i = 0; i < 2; i++) { /* from memory, then from documents */
		assert_false(grant_asks(c, "other/path", -EACCES, false, &g));
		assert_int_equal(g.r, 0);
		assert_true(catalog_has_grant(c, &tiny, &id));
		assert_false(catalog_has_grant(c, &tiny, &other));
		close_catalog(c);
		c = open_catalog(TTL_MS);
	}
	/* Not by another token. */
	fake_set_identity("1111111111111111");
	assert_false(catalog_has_grant(c, &tiny, &id));
	assert_true(grant_asks(c, "a/b c", -EACCES, false, &g));
	assert_int_equal(g.r, -EACCES);
	catalog_note_grant(c, &tiny, &id);
	assert_false(grant_asks(c, "a/b c", -EACCES, false, &g));
	close_catalog(c);
	c = open_catalog(TTL_MS);
	assert_false(grant_asks(c, "a/b c", -EACCES, false, &g));
	assert_int_equal(g.r, 0);
	close_catalog(c);
}

/* --- refs, organisations, what was used --- */

static void answer_refs(void)
{
	struct hub_ref refs[] = {
		{"main", COMMIT_A, false}, {"v1.0", COMMIT_B, true}, {"refs/pr/1", COMMIT_B, false}, {"../x", COMMIT_B, false},
	};
	struct hub_result res = {.status = 200};
	struct fake_call *call = fake_take_call(true);

	assert_int_equal(call->kind, FAKE_REFS);
	call->done.refs(call->ctx, &res, refs, ARRAY_SIZE(refs));
	free(call);
}

static void refs_are_believed_stored_and_confirm(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0}, rev;

	(void)state;
	revision_asks(c, NULL, COMMIT_A, &rev);
	catalog_want_refs(c, &tiny, got_refs, &g);
	answer_refs();
	assert_string_equal(g.names, "main v1.0 refs/pr/1");
	catalog_want_refs(c, &tiny, got_refs, &g);
	assert_int_equal(g.times, 2);
	assert_int_equal(fake_hub_calls(FAKE_REFS), 1);
	assert_false(revision_asks(c, "refs/pr/1", NULL, &rev));
	assert_string_equal(rev.rev.commit, COMMIT_B);
	assert_false(revision_asks(c, COMMIT_A, NULL, &rev));
	assert_int_equal(rev.rev.mtime_s, 1234);
	g = (struct got){0};
	catalog_want_used(c, REPO_MODEL, "acme/tiny", got_names, &g);
	assert_string_equal(g.names, COMMIT_A); /* nobody used the others */
	assert_true(revision_asks(c, COMMIT_B, NULL, &rev)); /* exists; its time is asked for, */
	fake_fail(-ETIMEDOUT, 0, true, "away");              /* but it can do without */
	assert_int_equal(rev.r, 0);
	assert_string_equal(rev.rev.commit, COMMIT_B);
	close_catalog(c);
	c = open_catalog(TTL_MS);
	g = (struct got){0};
	catalog_want_refs(c, &tiny, got_refs, &g);
	assert_string_equal(g.names, "main v1.0 refs/pr/1");
	pass_ms(TTL_MS);
	g = (struct got){0};
	catalog_want_refs(c, &tiny, got_refs, &g);
	fake_fail(-ETIMEDOUT, 0, true, "away");
	assert_string_equal(g.names, "main v1.0 refs/pr/1");
	catalog_forget(c, &tiny);
	pass_ms(60000);
	catalog_want_refs(c, &tiny, got_refs, &g);
	answer_refs();
	assert_int_equal(fake_hub_calls(FAKE_REFS), 3);
	close_catalog(c);
}

static void repositories_of_an_organisation(void **state)
{
	AUTO(close_catalog) struct catalog *c = open_catalog(TTL_MS);
	struct repo_id page1[] = {{REPO_MODEL, "acme/tiny"}, {REPO_MODEL, "acme/big"}, {REPO_MODEL, "other/x"}};
	struct repo_id page2[] = {{REPO_MODEL, "Acme/more"}, {REPO_DATASET, "acme/data"}, {REPO_MODEL, "acme/big"}};
	struct hub_result res = {.status = 200};
	struct got g = {0};
	struct fake_call *call;

	(void)state;
	catalog_want_repos(c, REPO_MODEL, "acme", got_names, &g);
	call = fake_take_call(true);
	call->done.repos(call->ctx, &res, page1, ARRAY_SIZE(page1), true);
	call->done.repos(call->ctx, &res, page2, ARRAY_SIZE(page2), false);
	free(call);
	assert_string_equal(g.names, "big more tiny");
	pass_ms(5 * 60000 - 1);
	catalog_want_repos(c, REPO_MODEL, "acme", got_names, &g);
	assert_int_equal(g.times, 2);
	pass_ms(1);
	catalog_want_repos(c, REPO_MODEL, "acme", got_names, &g);
	assert_int_equal(fake_hub_calls(FAKE_REPOS), 2);
	g.names[0] = '\0';
	fake_fail(-ETIMEDOUT, 0, true, "away");
	assert_string_equal(g.names, "big more tiny");
}

static void expect_known(struct catalog *c, const struct repo_id *repo, const char *rev, const char *commit)
{
	struct got g = {0};

	catalog_want_known(c, repo, rev, got_known, &g);
	assert_int_equal(g.times, 1);
	assert_int_equal(g.r, commit ? 0 : -ENOENT);
	if (commit)
		assert_string_equal(g.rev.commit, commit);
}

static void what_can_be_shown_without_the_hub(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct repo_id beta = {REPO_MODEL, "beta/m"}, bare = {REPO_MODEL, "gpt2"};
	struct got g = {0};

	(void)state;
	revision_asks(c, "main", COMMIT_A, &g);
	revision_asks(c, "release/1", COMMIT_B, &g);
	tree_asks(c, COMMIT_A, false, &g);
	catalog_want_revision(c, &beta, NULL, got_revision, &g); /* used, but not listed */
	fake_answer_info("beta/m", COMMIT_B, 1);
	catalog_want_revision(c, &bare, NULL, got_revision, &g);
	fake_answer_info("gpt2", COMMIT_B, 1);
	for (int i = 0; i < 2; i++) { /* from memory and documents, then from documents */
		unsigned calls = fake_hub_calls(FAKE_INFO) + fake_hub_calls(FAKE_TREE) + fake_hub_calls(FAKE_REFS);

		g = (struct got){0};
		catalog_want_listed_repos(c, REPO_MODEL, got_names, &g);
		assert_string_equal(g.names, "acme/tiny");
		g = (struct got){0};
		catalog_want_listed_repos(c, REPO_DATASET, got_names, &g);
		assert_string_equal(g.names, "");
		g = (struct got){0};
		catalog_want_listed_commits(c, &tiny, got_names, &g);
		assert_string_equal(g.names, COMMIT_A);
		g = (struct got){0};
		catalog_want_listed_commits(c, &beta, got_names, &g);
		assert_string_equal(g.names, "");
		g = (struct got){0};
		catalog_want_used_revisions(c, &tiny, got_names, &g);
		assert_string_equal(g.names, "main release/1");
		g = (struct got){0};
		catalog_want_used_revisions(c, &bare, got_names, &g); /* a name of one part is a repository here */
		assert_string_equal(g.names, "main");
		pass_ms(TTL_MS * 2); /* however old */
		expect_known(c, &tiny, "main", COMMIT_A);
		expect_known(c, &tiny, "release/1", COMMIT_B);
		expect_known(c, &tiny, COMMIT_B, COMMIT_B);
		expect_known(c, &tiny, "v9", NULL);
		assert_int_equal(fake_hub_calls(FAKE_INFO) + fake_hub_calls(FAKE_TREE) + fake_hub_calls(FAKE_REFS), calls);
		close_catalog(c);
		c = open_catalog(TTL_MS);
	}
	close_catalog(c);
}

/* It is a document from then on, so that the next daemon knows it without the Hub. */
static void a_ref_is_stored_when_it_is_used(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct got g = {0};

	(void)state;
	revision_asks(c, NULL, COMMIT_A, &g);
	catalog_want_refs(c, &tiny, got_refs, &g);
	answer_refs();
	g = (struct got){0};
	catalog_want_used_revisions(c, &tiny, got_names, &g);
	assert_string_equal(g.names, "main");
	pass_ms(TTL_MS / 2);
	assert_false(revision_asks(c, "v1.0", NULL, &g));
	g = (struct got){0};
	catalog_want_used_revisions(c, &tiny, got_names, &g);
	assert_string_equal(g.names, "main v1.0");
	close_catalog(c);
	c = open_catalog(TTL_MS);
	expect_known(c, &tiny, "v1.0", COMMIT_B);
	expect_known(c, &tiny, "refs/pr/1", NULL);
	pass_ms(TTL_MS / 2); /* it ages from when the Hub said it */
	assert_true(revision_asks(c, "v1.0", COMMIT_B, &g));
	close_catalog(c);
}

static void what_was_used(void **state)
{
	struct catalog *c = open_catalog(TTL_MS);
	struct repo_id beta = {REPO_MODEL, "beta/m"}, data = {REPO_DATASET, "org/data"}, bare = {REPO_MODEL, "gpt2"};
	struct got g = {0};

	(void)state;
	revision_asks(c, "main", COMMIT_A, &g);
	revision_asks(c, "v1", COMMIT_B, &g);
	catalog_want_revision(c, &beta, NULL, got_revision, &g);
	fake_answer_info("beta/m", COMMIT_A, 1);
	catalog_want_revision(c, &data, NULL, got_revision, &g);
	fake_answer_info("org/data", COMMIT_A, 1);
	catalog_want_revision(c, &bare, NULL, got_revision, &g);
	fake_answer_info("gpt2", COMMIT_A, 1);
	for (int i = 0; i < 2; i++) { /* from memory and documents, then from documents */
		g = (struct got){0};
		catalog_want_used(c, REPO_MODEL, NULL, got_names, &g);
		assert_string_equal(g.names, "acme beta");
		g = (struct got){0};
		catalog_want_used(c, REPO_DATASET, NULL, got_names, &g);
		assert_string_equal(g.names, "org");
		g = (struct got){0};
		catalog_want_used(c, REPO_SPACE, NULL, got_names, &g);
		assert_string_equal(g.names, "");
		assert_int_equal(g.r, 0);
		g = (struct got){0};
		catalog_want_used(c, REPO_MODEL, "acme/tiny", got_names, &g);
		assert_string_equal(g.names, COMMIT_A " " COMMIT_B);
		g = (struct got){0};
		catalog_want_repos(c, REPO_MODEL, "acme", got_names, &g);
		fake_fail(-ETIMEDOUT, 0, true, "away");
		assert_string_equal(g.names, "tiny");
		g = (struct got){0};
		catalog_want_repos(c, REPO_MODEL, "nobody", got_names, &g);
		fake_fail(-ETIMEDOUT, 0, true, "away");
		assert_int_equal(g.r, -ETIMEDOUT);
		assert_string_equal(g.err.text, "away");
		close_catalog(c);
		c = open_catalog(TTL_MS);
	}
	fake_set_identity("1111111111111111");
	g = (struct got){0};
	catalog_want_used(c, REPO_MODEL, NULL, got_names, &g);
	assert_string_equal(g.names, "");
	close_catalog(c);
}

/* --- threads --- */

struct posted {
	struct queue_item item;
	void (*fn)(void *arg);
	void *arg;
};

static void post(void *ctx, void (*fn)(void *arg), void *arg)
{
	struct posted *p = malloc(sizeof(*p));

	*p = (struct posted){.fn = fn, .arg = arg};
	assert_true(queue_push(ctx, &p->item));
}

static void *worker(void *arg)
{
	struct queue_item *item;

	while ((item = queue_pop(arg))) {
		struct posted *p = container_of(item, struct posted, item);

		p->fn(p->arg);
		free(p);
	}
	return NULL;
}

/* Answers everything until told to stop. */
static void *answerer(void *arg)
{
	atomic_bool *stop = arg;
	struct hub_result res = {.status = 200};
	unsigned n = 0;

	while (!atomic_load(stop)) {
		struct fake_call *call = fake_take_call(false);
		struct hub_info info = {.repo = tiny, .commit = COMMIT_A, .mtime_s = 1};

		if (!call) {
			sched_yield();
			continue;
		}
		if (call->kind == FAKE_TREE) {
			send_page(call, "a", false, true);
			send_page(call, "b", n++ % 2, false);
		} else if (call->kind == FAKE_INFO) {
			if (strlen(call->rev) == 40)
				memcpy(info.commit, call->rev, COMMIT_MAX);
			call->done.info(call->ctx, &res, &info);
		}
		free(call);
	}
	return NULL;
}

struct asker {
	struct catalog *c;
	unsigned seed;
	atomic_uint done;
};

static void count_revision(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	(void)err;
	assert_true(r == 0 ? rev->commit[0] != '\0' : r == -ECANCELED);
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void count_tree(void *ctx, int r, struct tree *tree, const struct err *err)
{
	(void)err;
	assert_true(r == 0 ? tree_nr(tree) == 3 : r == -ECANCELED);
	tree_unref(tree);
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

static void count_names(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	(void)err;
	assert_true(r == 0 || r == -ECANCELED);
	for (size_t i = 0; i < nr; i++)
		assert_true(names[i][0] != '\0');
	atomic_fetch_add((atomic_uint *)ctx, 1);
}

#define ASKS 3000

static void *ask(void *arg)
{
	struct asker *a = arg;
	char commit[COMMIT_MAX], rev[16];

	for (unsigned i = 0; i < ASKS; i++) {
		unsigned n = a->seed = a->seed * 1103515245 + 12345;

		n >>= 8;
		snprintf(commit, sizeof(commit), "%040x", n % 100);
		snprintf(rev, sizeof(rev), "b%u", n % 50);
		if (n % 7 == 0)
			catalog_want_tree(a->c, &tiny, commit, count_tree, &a->done);
		else if (n % 97 == 1)
			catalog_want_used(a->c, REPO_MODEL, NULL, count_names, &a->done);
		else
			catalog_want_revision(a->c, &tiny, n % 3 ? rev : commit, count_revision, &a->done);
		if (n % 101 == 2)
			catalog_forget(a->c, &tiny);
	}
	return NULL;
}

static void many_threads_are_each_answered_once(void **state)
{
	struct queue queue;
	struct catalog_config config = {.hub = fake_hub(), .cache = fake_cache(), .ref_ttl_ms = 1, .post = post, .post_ctx = &queue};
	pthread_t threads[6], answering, workers[2];
	struct asker askers[6] = {0};
	atomic_bool stop = false;
	struct catalog *c;

	(void)state;
	clock_fake(UINT64_MAX, 0);
	queue_init(&queue);
	assert_int_equal(catalog_open(&config, &c), 0);
	assert_int_equal(thread_start(&answering, "answer", answerer, &stop), 0);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		assert_int_equal(thread_start(&workers[i], "worker", worker, &queue), 0);
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++) {
		askers[i].c = c;
		askers[i].seed = (unsigned)i * 7919;
		assert_int_equal(thread_start(&threads[i], "ask", ask, &askers[i]), 0);
	}
	for (size_t i = 0; i + 1 < ARRAY_SIZE(askers); i++)
		pthread_join(threads[i], NULL);
	catalog_cancel(c); /* perhaps while the last one still asks */
	fake_close();
	pthread_join(threads[ARRAY_SIZE(askers) - 1], NULL);
	atomic_store(&stop, true);
	pthread_join(answering, NULL);
	queue_close(&queue);
	for (size_t i = 0; i < ARRAY_SIZE(workers); i++)
		pthread_join(workers[i], NULL);
	for (size_t i = 0; i < ARRAY_SIZE(askers); i++)
		assert_int_equal(atomic_load(&askers[i].done), ASKS);
	assert_int_equal(fake_late_calls(), 0);
	catalog_free(c);
	queue_done(&queue);
	fake_reset();
}

struct canceller {
	struct catalog *c;
	struct got got;
	atomic_bool done;
};

static void *ask_once(void *arg)
{
	struct canceller *a = arg;

	catalog_want_refs(a->c, &tiny, got_refs, &a->got);
	return NULL;
}

static void *cancel(void *arg)
{
	struct canceller *a = arg;

	catalog_cancel(a->c);
	atomic_store(&a->done, true);
	return NULL;
}

static void cancelling_waits_for_calls_under_way(void **state)
{
	struct canceller a = {.c = open_catalog(TTL_MS)};
	pthread_t asking, cancelling;

	(void)state;
	fake_hold(true);
	assert_int_equal(thread_start(&asking, "ask", ask_once, &a), 0);
	while (!fake_is_held())
		sched_yield();
	assert_int_equal(thread_start(&cancelling, "cancel", cancel, &a), 0);
	while (a.got.times == 0) /* the waiter ends at once */
		sched_yield();
	usleep(20000); /* time for a mistake to show */
	assert_false(atomic_load(&a.done));
	fake_hold(false);
	pthread_join(cancelling, NULL);
	pthread_join(asking, NULL);
	assert_int_equal(a.got.r, -ECANCELED);
	catalog_free(a.c);
}

/* --- a lock --- */

static const char lock_text[] =
	"{\"hffs_lock\": 1, \"repositories\": ["
	"{\"repository\": \"acme/tiny\", \"revision\": \"main\", \"commit\": \"" COMMIT_A "\", \"files\": ["
	"{\"path\": \"a/x\", \"size\": 7, \"digest\": \"sha256:" SHA_A "\"}]},"
	"{\"repository\": \"acme/tiny\", \"revision\": \"v1\", \"commit\": \"" COMMIT_A "\", \"files\": ["
	"{\"path\": \"b\", \"size\": 8, \"digest\": \"sha256:" SHA_A "\"}]},"
	"{\"repository\": \"acme/zoo\", \"revision\": \"" COMMIT_B "\", \"commit\": \"" COMMIT_B "\", \"files\": []},"
	"{\"repository\": \"datasets/corp/d\", \"revision\": \"main\", \"commit\": \"" COMMIT_B "\", \"files\": []}]}";

static void load_lock(struct lockfile *l)
{
	struct err err = {0};

	if (lockfile_parse(lock_text, strlen(lock_text), l, &err) < 0)
		fail_msg("%s", err.text);
}

static struct catalog *open_locked(const struct lockfile *l)
{
	struct catalog_config config = {.hub = fake_hub(), .cache = fake_cache(), .lockfile = l};
	struct catalog *c = NULL;

	assert_int_equal(catalog_open(&config, &c), 0);
	return c;
}

static void a_lock_is_all_there_is(void **state)
{
	AUTO_LOCKFILE l = {0};
	AUTO(close_catalog) struct catalog *c = NULL;
	const struct repo_id zoo = {REPO_MODEL, "acme/zoo"}, absent = {REPO_MODEL, "acme/absent"};
	static const struct {
		const char *rev, *commit;
	} revs[] = {{NULL, COMMIT_A}, {"main", COMMIT_A}, {"v1", COMMIT_A}, {COMMIT_A, COMMIT_A}, {"v2", NULL}, {COMMIT_B, NULL}};
	struct revision rev;
	struct got g;

	(void)state;
	load_lock(&l);
	c = open_locked(&l);
	for (size_t i = 0; i < ARRAY_SIZE(revs); i++) {
		assert_false(revision_asks(c, revs[i].rev, NULL, &g));
		assert_int_equal(g.r, revs[i].commit ? 0 : -ENOENT);
		assert_int_equal(catalog_find_revision(c, &tiny, revs[i].rev, &rev), revs[i].commit != NULL);
		if (revs[i].commit)
			assert_string_equal(g.rev.commit, revs[i].commit);
		else
			assert_non_null(strstr(g.err.text, "not in the lock file"));
	}
	catalog_forget(c, NULL); /* there is nothing to ask again */
	assert_false(revision_asks(c, "main", NULL, &g));
	assert_int_equal(g.rev.ttl_ms, UINT64_MAX);

	g = (struct got){0};
	catalog_want_refs(c, &tiny, got_refs, &g);
	assert_string_equal(g.names, "main v1");
	g = (struct got){0};
	catalog_want_refs(c, &zoo, got_refs, &g); /* its commit is no ref */
	assert_int_equal(g.r, 0);
	assert_int_equal(g.nr, 0);
	g = (struct got){0};
	catalog_want_refs(c, &absent, got_refs, &g);
	assert_int_equal(g.r, -ENOENT);
	g = (struct got){0};
	catalog_want_repos(c, REPO_MODEL, "acme", got_names, &g);
	assert_string_equal(g.names, "tiny zoo");
	g = (struct got){0};
	catalog_want_used(c, REPO_MODEL, NULL, got_names, &g);
	assert_string_equal(g.names, "acme");
	g = (struct got){0};
	catalog_want_used(c, REPO_DATASET, NULL, got_names, &g);
	assert_string_equal(g.names, "corp");
	g = (struct got){0};
	catalog_want_used(c, REPO_MODEL, "acme/tiny", got_names, &g);
	assert_string_equal(g.names, COMMIT_A);
	g = (struct got){0};
	catalog_want_listed_commits(c, &tiny, got_names, &g);
	assert_string_equal(g.names, COMMIT_A);
	g = (struct got){0};
	catalog_want_used_revisions(c, &tiny, got_names, &g);
	assert_string_equal(g.names, "main v1");
	g = (struct got){0};
	catalog_want_listed_repos(c, REPO_MODEL, got_names, &g);
	assert_string_equal(g.names, "acme/tiny acme/zoo");
	g = (struct got){0};
	catalog_want_known(c, &tiny, "v2", got_revision, &g);
	assert_int_equal(g.r, -ENOENT);
	assert_int_equal(fake_hub_calls(FAKE_INFO) + fake_hub_calls(FAKE_TREE) + fake_hub_calls(FAKE_REFS) + fake_hub_calls(FAKE_REPOS), 0);
}

static void a_lock_lists_what_it_names_of_a_commit(void **state)
{
	AUTO_LOCKFILE l = {0};
	AUTO(close_catalog) struct catalog *c = NULL;
	const struct tree_entry *e;
	struct got g = {0};

	(void)state;
	load_lock(&l);
	c = open_locked(&l);
	catalog_want_tree(c, &tiny, COMMIT_A, got_tree, &g);
	assert_int_equal(g.r, 0);
	assert_int_equal(tree_nr(g.tree), 4); /* the root, a, a/x, b */
	e = tree_find_path(g.tree, "a/x");
	assert_non_null(e);
	assert_int_equal(e->size, 7);
	assert_int_equal(e->id.algo, BLOB_SHA256);
	assert_non_null(tree_find_path(g.tree, "b")); /* locked as another revision of the same commit */
	tree_unref(g.tree);
	g = (struct got){0};
	catalog_want_tree(c, &tiny, COMMIT_B, got_tree, &g);
	assert_int_equal(g.r, -ENOENT);
	assert_int_equal(fake_hub_calls(FAKE_TREE), 0);
}

static void a_lock_is_held_against_the_listing(void **state)
{
	static const struct {
		const char *path;
		uint64_t size;
		uint8_t first; /* byte of the digest; 0: hidden */
		const char *says;
	} listings[] = {
		{"a/x", 7, 0xa0, NULL},
		{"a/x", 7, 0, NULL},
		{"a/x", 8, 0xa0, "7 bytes, but the Hub lists 8"},
		{"a/x", 7, 0xa1, "but the Hub lists sha256:a1"},
		{"a/y", 7, 0xa0, "no file 'a/x'"},
		{"a/x/z", 7, 0xa0, "no file 'a/x'"},
	};
	AUTO_LOCKFILE l = {0};

	(void)state;
	load_lock(&l);
	for (size_t i = 0; i < ARRAY_SIZE(listings); i++) {
		struct hub_entry e = {.type = ENTRY_FILE, .path = listings[i].path, .size = listings[i].size};
		AUTO(tree_builder_free) struct tree_builder *b = tree_builder_new();
		AUTO(tree_unref) struct tree *t = NULL;
		struct err err = {0};
		int r;

		if (listings[i].first) {
			assert_int_equal(blob_id_parse(SHA_A, &e.id), 0);
			e.id.bytes[0] = listings[i].first;
		}
		assert_int_equal(tree_builder_add(b, &e, 1), 0);
		assert_int_equal(tree_builder_finish(b, &t), 0);
		r = lock_entry_check(&l.entries[0], t, NULL, &err);
		assert_int_equal(r, listings[i].says ? -EBADMSG : 0);
		if (listings[i].says && !strstr(err.text, listings[i].says))
			fail_msg("it says '%s', not '%s'", err.text, listings[i].says);
	}
}

/* To compare, the Hub's own listing can be had all the same. */
static void a_locked_catalog_can_ask_for_the_true_listing(void **state)
{
	AUTO_LOCKFILE l = {0};
	AUTO(close_catalog) struct catalog *c = NULL;
	struct got g = {0};

	(void)state;
	load_lock(&l);
	c = open_locked(&l);
	catalog_want_hub_tree(c, &tiny, COMMIT_A, got_tree, &g);
	assert_int_equal(fake_hub_calls(FAKE_TREE), 1);
	fake_fail(-ENOENT, 404, false, "there is no such repository");
	assert_int_equal(g.r, -ENOENT);
}

#define TEST(fn) cmocka_unit_test_setup(fn, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_request_however_many_ask),
		TEST(a_branch_is_believed_for_its_time),
		TEST(time_to_live_none_and_endless),
		TEST(a_resolved_branch_confirms_its_commit),
		TEST(a_restart_goes_on_with_stored_answers),
		TEST(a_document_from_the_future_is_old),
		TEST(damaged_documents_are_misses),
		TEST(without_the_hub_the_last_answer_stays),
		TEST(offline_answers_at_once),
		TEST(network_failures_are_not_remembered),
		TEST(absence_is_remembered_a_minute),
		TEST(a_known_branch_can_vanish),
		TEST(a_bad_token_does_not_hide_what_is_known),
		TEST(another_commit_is_refused),
		TEST(a_renamed_repository_is_known_by_both_names),
		TEST(finds_in_memory_only),
		TEST(what_is_forgotten_is_asked_again),
		TEST(cancelling_ends_every_wait),
		TEST(names_that_cannot_be_are_refused),
		TEST(memory_is_bounded),
		TEST(identities_do_not_share),
		TEST(a_listing_is_asked_for_once),
		TEST(an_incomplete_listing_is_never_used),
		TEST(a_masked_listing_is_soon_asked_again),
		TEST(an_absent_listing_is_remembered_a_minute),
		TEST(old_trees_leave_memory),
		TEST(refs_are_believed_stored_and_confirm),
		TEST(repositories_of_an_organisation),
		TEST(a_ref_is_stored_when_it_is_used),
		TEST(a_small_commit_is_listed_as_a_whole),
		TEST(a_large_commit_is_listed_by_directory),
		TEST(a_smaller_limit_is_not_remembered),
		TEST(a_wide_directory_is_asked_for_by_the_entry),
		TEST(a_directory_that_fails_is_no_directory),
		TEST(what_the_hub_gave_once_may_be_had),
		TEST(what_was_used),
		TEST(a_lock_is_all_there_is),
		TEST(a_lock_lists_what_it_names_of_a_commit),
		TEST(a_lock_is_held_against_the_listing),
		TEST(a_locked_catalog_can_ask_for_the_true_listing),
		TEST(what_can_be_shown_without_the_hub),
		TEST(cancelling_waits_for_calls_under_way),
		TEST(many_threads_are_each_answered_once),
	};
	int r = cmocka_run_group_tests(tests, NULL, NULL);

	fake_reset();
	return r;
}

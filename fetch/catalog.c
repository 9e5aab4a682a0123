// SPDX-License-Identifier: Apache-2.0
/*
 * What the names of the Hub stand for: memory, and the inquiries that fill it. Which steps one takes is in catalog_named.c,
 * catalog_tree.c and catalog_used.c; here they are asked and forgotten.
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

/* --- the Hub's health --- */

bool result_is_refused(const struct hub_result *res)
{
	return res->r == -EACCES || (res->r == -ENOENT && (res->status == 401 || res->status == 403));
}

bool result_is_absent(const struct hub_result *res)
{
	return res->r == -ENOENT && !result_is_refused(res);
}

bool catalog_is_offline(struct catalog *c)
{
	bool is_away;

	if (!catalog_enter(c))
		return true;
	is_away = hub_is_offline(c->hub);
	catalog_leave(c);
	return is_away;
}

void catalog_note_answer(struct catalog *c)
{
	bool was_gone;

	{
		LOCK_SCOPE(&c->lock);
		was_gone = c->is_gone;
		c->is_gone = false;
	}
	if (was_gone)
		log_info("%s answers again", c->endpoint);
}

void catalog_note_failure(struct catalog *c, const struct hub_result *res)
{
	bool was_gone;

	if (res->r != -ETIMEDOUT && !res->retry)
		return;
	{
		LOCK_SCOPE(&c->lock);
		was_gone = c->is_gone;
		c->is_gone = true;
		c->gone_ms = clock_mono_ms();
	}
	if (!was_gone)
		log_warn("%s cannot be asked (%s): names stand for what they did when it last answered", c->endpoint,
			 err_text(&res->err));
}

/* --- calls into hub and cache --- */

bool catalog_enter(struct catalog *c)
{
	LOCK_SCOPE(&c->lock);
	c->calls += !c->cancelled;
	return !c->cancelled;
}

void catalog_leave(struct catalog *c)
{
	LOCK_SCOPE(&c->lock);
	if (--c->calls == 0 && c->cancelled)
		pthread_cond_broadcast(&c->idle);
}

/* --- asking --- */

/* While the Hub is out of reach it is asked now and then, and nobody waits for that. */
static bool is_time_to_probe_locked(struct catalog *c, const char *key)
{
	uint64_t now = clock_mono_ms();

	if (now - c->probe_ms < PROBE_MS || map_find(&c->inquiries, key, strlen(key)))
		return false;
	c->probe_ms = now;
	return true;
}

/* What catalog_ask() has to do after it looked around under the lock. */
struct asking {
	enum inquiry_kind kind;
	const struct repo_id *repo;
	const char *rev, *key;
	bool is_offline;
	struct outcome outcome;
	bool is_answered;
	struct inquiry *start;
};

static int ask_inquiry_locked(struct catalog *c, struct asking *a, bool is_probe, union done done, void *ctx)
{
	AUTO(inquiry_free) struct inquiry *fresh = NULL;
	struct inquiry *q = map_find(&c->inquiries, a->key, strlen(a->key));

	if (!q)
		q = fresh = inquiry_new(c, a->kind, a->repo, a->rev, a->key);
	if (!q || (!is_probe && inquiry_add_waiter_locked(q, done, ctx) < 0))
		return -ENOMEM;
	if (!fresh)
		return 0;
	if (inquiry_link_locked(fresh) < 0)
		return -ENOMEM;
	fresh->is_probe = is_probe;
	c->probes += is_probe;
	a->start = TAKE(fresh);
	return 0;
}

static int ask_locked(struct catalog *c, struct asking *a, union done done, void *ctx)
{
	enum found found;

	if (c->cancelled)
		return -ECANCELED;
	found = memory_find_locked(c, a->kind, a->key, a->is_offline, &a->outcome);
	a->is_answered = found != FOUND_NOTHING;
	if (found == FOUND_STALE && !a->is_offline && is_time_to_probe_locked(c, a->key))
		(void)ask_inquiry_locked(c, a, true, done, ctx); /* without memory for it the next one asks */
	return a->is_answered ? 0 : ask_inquiry_locked(c, a, false, done, ctx);
}

void catalog_ask(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, union done done,
		 void *ctx)
{
	char key[KEY_MAX];
	struct asking a = {.kind = kind, .repo = repo, .rev = rev, .key = key};
	int r = key_format(c, kind, repo, kind == INQUIRY_REVISION && !rev ? "main" : rev, key);

	a.is_offline = catalog_is_offline(c);
	if (r == 0) {
		LOCK_SCOPE(&c->lock);
		r = ask_locked(c, &a, done, ctx);
	}
	if (r < 0) {
		a.is_answered = true;
		outcome_fail(&a.outcome, r, NULL, repo->name);
	}
	if (a.start)
		inquiry_start(a.start);
	if (a.is_answered && a.outcome.is_unstored)
		revision_store(c, key, &a.outcome.rev);
	if (a.is_answered)
		outcome_give(&a.outcome, kind, done, ctx);
	outcome_done(&a.outcome);
}

/* --- forgetting --- */

static bool is_of_commit(enum inquiry_kind kind)
{
	return kind == INQUIRY_TREE || kind == INQUIRY_LISTING || kind == INQUIRY_DIR || kind == INQUIRY_PATH ||
	       kind == INQUIRY_GRANT;
}

uint64_t catalog_ref_ttl_ms(const struct catalog *c)
{
	return c->ref_ttl_ms;
}

void catalog_forget(struct catalog *c, const struct repo_id *repo)
{
	LOCK_SCOPE(&c->lock);
	c->forgot_s = clock_wall_s();
	for (struct lru_node *n = lru_first(&c->known); n; n = lru_next(&c->known, n))
		known_forget_locked(container_of(n, struct known, node), repo);
	for (struct inquiry *q = c->all; q; q = q->next)
		if (!is_of_commit(q->kind) && q->kind != INQUIRY_USED && q->kind != INQUIRY_KNOWN && key_is_of(q->key, repo))
			inquiry_detach_locked(q);
}

/* --- beginning and end --- */

int catalog_open(const struct catalog_config *config, struct catalog **out)
{
	struct catalog *c = calloc(1, sizeof(*c));

	if (!c)
		return -ENOMEM;
	c->endpoint = strdup(hub_endpoint(config->hub));
	if (!c->endpoint) {
		free(c);
		return -ENOMEM;
	}
	memcpy(c->salt, cache_salt(config->cache), sizeof(c->salt));
	c->hub = config->hub;
	c->cache = config->cache;
	c->lockfile = config->lockfile;
	c->filter = config->filter;
	c->ref_ttl_ms = config->ref_ttl_ms;
	c->large_pages = config->large_pages ? config->large_pages : LARGE_PAGES;
	c->post = config->post;
	c->post_ctx = config->post_ctx;
	c->forgot_s = INT64_MIN;
	pthread_mutex_init(&c->lock, NULL);
	cond_init(&c->idle);
	memory_init(c);
	*out = c;
	return 0;
}

/* Takes the waiters of one inquiry that has any; false: there is none. */
static bool take_waiters(struct catalog *c, struct waiter **out, enum inquiry_kind *kind)
{
	LOCK_SCOPE(&c->lock);
	c->cancelled = true;
	for (struct inquiry *q = c->all; q; q = q->next)
		if (q->waiters) {
			*out = TAKE(q->waiters);
			*kind = q->kind;
			q->tail = &q->waiters;
			return true;
		}
	return false;
}

void catalog_cancel(struct catalog *c)
{
	struct outcome over = {.r = -ECANCELED};
	struct waiter *waiters;
	enum inquiry_kind kind;

	err_set(&over.err, -ECANCELED, "the mount is shutting down");
	while (take_waiters(c, &waiters, &kind))
		waiters_end(waiters, kind, &over);
	LOCK_SCOPE(&c->lock);
	while (c->calls)
		pthread_cond_wait(&c->idle, &c->lock);
}

void catalog_free(struct catalog *c)
{
	if (!c)
		return;
	while (c->all) {
		struct inquiry *q = c->all;

		inquiry_unlink_locked(q);
		inquiry_free(q);
	}
	lru_done(&c->known);
	lru_done(&c->trees);
	map_done(&c->inquiries);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->idle);
	free(c->endpoint);
	free(c);
}

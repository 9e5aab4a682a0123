// SPDX-License-Identifier: Apache-2.0
/*
 * What the names of the Hub stand for: memory, and the jobs that fill it. Which steps a job takes is in catalog_named.c,
 * catalog_tree.c and catalog_used.c; here is what all of them share.
 */
#include "catalog_job_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

/* --- answers --- */

void answer_done(struct answer *a)
{
	listing_unref(TAKE(a->listing));
	tree_unref(TAKE(a->tree));
}

int answer_fail(struct answer *a, int r, const struct err *err, const char *what)
{
	answer_done(a);
	a->r = r;
	if (err && err->text[0])
		a->err = *err;
	else
		err_set(&a->err, r, "%s: %s", what, strerror(-r));
	a->err.code = r;
	return r;
}

static void answer_give(const struct answer *a, enum job_kind kind, union done done, void *ctx)
{
	const struct listing *l = a->listing;

	switch (kind) {
	case JOB_REVISION:
		done.revision(ctx, a->r, a->r < 0 ? NULL : &a->rev, &a->err);
		break;
	case JOB_TREE:
		done.tree(ctx, a->r, a->r < 0 ? NULL : tree_ref(a->tree), &a->err);
		break;
	case JOB_REFS:
		done.refs(ctx, a->r, a->r < 0 ? NULL : l->known, a->r < 0 ? 0 : l->nr, &a->err);
		break;
	case JOB_REPOS:
	case JOB_USED:
		done.names(ctx, a->r, a->r < 0 ? NULL : l->names, a->r < 0 ? 0 : l->nr, &a->err);
		break;
	}
}

/* --- keys --- */

static int add_tail(char out[KEY_MAX], int len, const struct repo_id *repo, const char *rev)
{
	int n;

	if (len < 0 || len >= KEY_MAX)
		return -ENAMETOOLONG;
	n = snprintf(out + len, (size_t)(KEY_MAX - len), "%s/%s%s%s", repo_kind_plural(repo->kind), repo->name, rev ? "\n" : "",
		     rev ? rev : "");
	return n < KEY_MAX - len ? 0 : -ENAMETOOLONG;
}

/* Who asks: false when nobody may any more. */
static bool find_identity(struct catalog *c, char out[17])
{
	if (!catalog_enter(c))
		return false;
	hub_identity(c->hub, c->salt, out);
	catalog_leave(c);
	return true;
}

int key_format(struct catalog *c, enum job_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX])
{
	char identity[17];

	if (!find_identity(c, identity))
		return -ECANCELED;
	return add_tail(out, snprintf(out, KEY_MAX, "%c%s\n%s\n", kind, c->endpoint, identity), repo, rev);
}

int key_derive(const struct job *j, enum job_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX])
{
	memcpy(out, j->key, j->prefix_len);
	out[0] = (char)kind;
	return add_tail(out, (int)j->prefix_len, repo, rev);
}

/* Length of "<letter><endpoint>\n<identity>\n". */
static size_t key_prefix_len(const char *key)
{
	const char *end = strchr(key, '\n');

	end = end ? strchr(end + 1, '\n') : NULL;
	return end ? (size_t)(end - key) + 1 : 0;
}

bool job_is_current(const struct job *j)
{
	char identity[17];

	return find_identity(j->c, identity) &&
	       !memcmp(j->key + j->prefix_len - 1 - strlen(identity), identity, strlen(identity));
}

void job_describe(const struct job *j, char out[DESCRIBE_MAX])
{
	snprintf(out, DESCRIBE_MAX, "%s%s%s%s", repo_kind_prefix(j->repo.kind), j->repo.name, j->rev[0] ? "@" : "", j->rev);
}

/* --- memory --- */

static void known_free(struct lru_node *n)
{
	struct known *k = container_of(n, struct known, node);

	listing_unref(k->listing);
	free(k->negative_text);
	free(k);
}

static void kept_tree_free(struct lru_node *n)
{
	struct kept_tree *k = container_of(n, struct kept_tree, node);

	tree_unref(k->tree);
	free(k);
}

struct known *known_find_locked(struct catalog *c, const char *key)
{
	struct lru_node *n = lru_find(&c->known, key);

	return n ? container_of(n, struct known, node) : NULL;
}

struct known *known_make_locked(struct catalog *c, const char *key)
{
	struct known *k = known_find_locked(c, key);

	if (k)
		return k;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	if (lru_put(&c->known, &k->node, key, sizeof(*k) + strlen(key)) < 0) {
		free(k);
		return NULL;
	}
	return k;
}

void known_set_negative_locked(struct catalog *c, const char *key, int r, const char *text)
{
	struct known *k = known_make_locked(c, key);

	if (!k)
		return;
	free(k->negative_text);
	k->negative_text = strdup(text);
	k->negative = r;
	k->negative_until_ms = clock_mono_ms() + NEGATIVE_MS;
}

uint64_t fresh_until(uint64_t ttl_ms, uint64_t age_ms)
{
	if (ttl_ms == UINT64_MAX)
		return UINT64_MAX;
	if (age_ms >= ttl_ms)
		return 0;
	return min_u64(clock_mono_ms() + (ttl_ms - age_ms), UINT64_MAX - 1);
}

uint64_t fresh_left(uint64_t fresh_until_ms)
{
	uint64_t now = clock_mono_ms();

	if (fresh_until_ms == UINT64_MAX)
		return UINT64_MAX;
	return fresh_until_ms > now ? fresh_until_ms - now : 0;
}

static enum found find_tree_locked(struct catalog *c, const char *key, struct answer *out)
{
	struct lru_node *n = lru_find(&c->trees, key);
	struct kept_tree *kept = n ? container_of(n, struct kept_tree, node) : NULL;

	if (!kept)
		return FOUND_NOTHING;
	if (clock_mono_ms() >= kept->until_ms) {
		lru_drop(&c->trees, n);
		return FOUND_NOTHING;
	}
	out->tree = tree_ref(kept->tree);
	return FOUND_FRESH;
}

static bool hub_seems_gone_locked(const struct catalog *c)
{
	return c->is_gone && (c->probes > 0 || clock_mono_ms() - c->gone_ms < GONE_MS);
}

enum found memory_find_locked(struct catalog *c, enum job_kind kind, const char *key, bool is_offline, struct answer *out)
{
	struct known *k = kind == JOB_USED ? NULL : known_find_locked(c, key);
	uint64_t now = clock_mono_ms();
	bool is_fresh;

	*out = (struct answer){0};
	if (kind == JOB_TREE && find_tree_locked(c, key, out) == FOUND_FRESH)
		return FOUND_FRESH;
	if (k && now < k->negative_until_ms) {
		out->r = err_set(&out->err, k->negative, "%s", k->negative_text ? k->negative_text : strerror(-k->negative));
		return FOUND_FRESH;
	}
	if (!k || !k->has)
		return FOUND_NOTHING;
	is_fresh = now < k->fresh_until_ms;
	if (!is_fresh && !is_offline && !hub_seems_gone_locked(c))
		return FOUND_NOTHING;
	out->rev = k->rev;
	out->rev.ttl_ms = fresh_left(k->fresh_until_ms);
	out->listing = k->listing ? listing_ref(k->listing) : NULL;
	return is_fresh ? FOUND_FRESH : FOUND_STALE;
}

/* --- the Hub's health --- */

bool result_is_refused(const struct hub_result *res)
{
	return res->r == -EACCES || (res->r == -ENOENT && (res->status == 401 || res->status == 403));
}

bool result_is_absent(const struct hub_result *res)
{
	return res->r == -ENOENT && !result_is_refused(res);
}

bool hub_is_away(struct catalog *c)
{
	bool is_away;

	if (!catalog_enter(c))
		return true;
	is_away = hub_is_offline(c->hub);
	catalog_leave(c);
	return is_away;
}

void hub_note_answer(struct catalog *c)
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

void hub_note_failure(struct catalog *c, const struct hub_result *res)
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

/* --- jobs --- */

static void job_free(struct job *j)
{
	while (j->waiters) {
		struct waiter *w = j->waiters;

		j->waiters = w->next;
		free(w);
	}
	answer_done(&j->answer);
	tree_builder_free(j->builder);
	listing_maker_done(&j->maker);
	buf_done(&j->doc);
	free(j->key);
	free(j);
}
AUTO_DEFINE(struct job *, job_free)

static struct job *job_new(struct catalog *c, enum job_kind kind, const struct repo_id *repo, const char *rev, const char *key)
{
	AUTO(job_free) struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->c = c;
	j->kind = kind;
	j->repo = *repo;
	j->is_default = kind == JOB_REVISION && !rev;
	snprintf(j->rev, sizeof(j->rev), "%s", j->is_default ? "main" : rev ? rev : "");
	j->tail = &j->waiters;
	j->key = strdup(key);
	j->prefix_len = key_prefix_len(key);
	return j->key ? TAKE(j) : NULL;
}

static int job_add_waiter(struct job *j, union done done, void *ctx)
{
	struct waiter *w = malloc(sizeof(*w));

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){NULL, done, ctx};
	*j->tail = w;
	j->tail = &w->next;
	return 0;
}

static int job_link_locked(struct job *j)
{
	struct catalog *c = j->c;

	if (map_put(&c->jobs, j->key, strlen(j->key), j) < 0)
		return -ENOMEM;
	j->next = c->all;
	if (j->next)
		j->next->prev = j;
	c->all = j;
	return 0;
}

static void job_detach_locked(struct job *j)
{
	if (!j->is_detached)
		map_del(&j->c->jobs, j->key, strlen(j->key));
	j->is_detached = true;
}

static void job_unlink_locked(struct job *j)
{
	struct catalog *c = j->c;

	job_detach_locked(j);
	if (j->prev)
		j->prev->next = j->next;
	else
		c->all = j->next;
	if (j->next)
		j->next->prev = j->prev;
	if (j->is_probe)
		c->probes--;
}

static void waiters_end(struct waiter *w, enum job_kind kind, const struct answer *a)
{
	while (w) {
		struct waiter *next = w->next;

		answer_give(a, kind, w->done, w->ctx);
		free(w);
		w = next;
	}
}

void job_end(struct job *j)
{
	struct waiter *waiters;

	{
		LOCK_SCOPE(&j->c->lock);
		job_unlink_locked(j);
		waiters = TAKE(j->waiters);
	}
	waiters_end(waiters, j->kind, &j->answer);
	job_free(j);
}

void job_end_with(struct job *j, int r, const struct err *err)
{
	char what[DESCRIBE_MAX];

	job_describe(j, what);
	answer_fail(&j->answer, r, err, what);
	job_end(j);
}

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

bool job_enter(struct job *j)
{
	bool ok = catalog_enter(j->c);

	if (!ok)
		job_end_with(j, -ECANCELED, NULL);
	return ok;
}

static void job_run(void *arg)
{
	struct job *j = arg;

	j->step(j);
}

void job_post(struct job *j, void (*step)(struct job *j))
{
	struct catalog *c = j->c;

	j->step = step;
	if (c->post)
		c->post(c->post_ctx, job_run, j);
	else
		job_run(j);
}

static void doc_loaded(void *ctx, int r, const void *bytes, size_t len, int64_t stored_s)
{
	struct job *j = ctx;

	(void)stored_s; /* the document says itself when the Hub said so */
	if (r == 0)
		buf_add(&j->doc, bytes, len);
	j->doc_r = r == 0 && j->doc.failed ? -ENOMEM : r;
	job_post(j, j->step);
}

void job_load_doc(struct job *j, enum doc_kind kind, void (*step)(struct job *j))
{
	struct catalog *c = j->c;

	j->step = step;
	if (!job_enter(j))
		return;
	cache_want_doc(c->cache, kind, j->key + 1, doc_loaded, j);
	catalog_leave(c);
}

void job_put_doc(struct job *j, enum doc_kind kind, const char *key, const struct buf *bytes)
{
	if (bytes->failed || !catalog_enter(j->c))
		return;
	cache_put_doc(j->c->cache, kind, key + 1, bytes->data, bytes->len);
	catalog_leave(j->c);
}

void job_drop_doc(struct job *j, enum doc_kind kind)
{
	if (!catalog_enter(j->c))
		return;
	cache_drop_doc(j->c->cache, kind, j->key + 1);
	catalog_leave(j->c);
}

static void job_start(struct job *j)
{
	switch (j->kind) {
	case JOB_REVISION:
	case JOB_REFS:
	case JOB_REPOS:
		named_start(j);
		break;
	case JOB_TREE:
		tree_start(j);
		break;
	case JOB_USED:
		used_start(j);
		break;
	}
}

/* While the Hub is out of reach it is asked now and then, and nobody waits for that. */
static bool is_time_to_probe_locked(struct catalog *c, const char *key)
{
	uint64_t now = clock_mono_ms();

	if (now - c->probe_ms < PROBE_MS || map_find(&c->jobs, key, strlen(key)))
		return false;
	c->probe_ms = now;
	return true;
}

/* What catalog_ask() has to do after it looked around under the lock. */
struct asking {
	enum job_kind kind;
	const struct repo_id *repo;
	const char *rev, *key;
	bool is_offline;
	struct answer answer;
	bool is_answered;
	struct job *start;
};

static int ask_job_locked(struct catalog *c, struct asking *a, bool is_probe, union done done, void *ctx)
{
	AUTO(job_free) struct job *fresh = NULL;
	struct job *j = map_find(&c->jobs, a->key, strlen(a->key));

	if (!j)
		j = fresh = job_new(c, a->kind, a->repo, a->rev, a->key);
	if (!j || (!is_probe && job_add_waiter(j, done, ctx) < 0))
		return -ENOMEM;
	if (!fresh)
		return 0;
	if (job_link_locked(fresh) < 0)
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
	found = memory_find_locked(c, a->kind, a->key, a->is_offline, &a->answer);
	a->is_answered = found != FOUND_NOTHING;
	if (found == FOUND_STALE && !a->is_offline && is_time_to_probe_locked(c, a->key))
		(void)ask_job_locked(c, a, true, done, ctx); /* without memory for it the next one asks */
	return a->is_answered ? 0 : ask_job_locked(c, a, false, done, ctx);
}

void catalog_ask(struct catalog *c, enum job_kind kind, const struct repo_id *repo, const char *rev, union done done, void *ctx)
{
	char key[KEY_MAX];
	struct asking a = {.kind = kind, .repo = repo, .rev = rev, .key = key};
	int r = key_format(c, kind, repo, kind == JOB_REVISION && !rev ? "main" : rev, key);

	a.is_offline = hub_is_away(c);
	if (r == 0) {
		LOCK_SCOPE(&c->lock);
		r = ask_locked(c, &a, done, ctx);
	}
	if (r < 0) {
		a.is_answered = true;
		answer_fail(&a.answer, r, NULL, repo->name);
	}
	if (a.start)
		job_start(a.start);
	if (a.is_answered)
		answer_give(&a.answer, kind, done, ctx);
	answer_done(&a.answer);
}

/* --- forgetting --- */

static bool key_is_of(const char *key, const struct repo_id *repo)
{
	char mark[REPO_NAME_MAX + 16];

	if (!repo)
		return true;
	snprintf(mark, sizeof(mark), "\n%s/%s\n", repo_kind_plural(repo->kind), repo->name);
	return strstr(key, mark) != NULL;
}

static bool repo_equal(const struct repo_id *a, const struct repo_id *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name);
}

static void known_forget(struct known *k, const struct repo_id *repo)
{
	bool is_revision = k->node.key[0] == JOB_REVISION;

	if (!key_is_of(k->node.key, repo) && !(is_revision && k->has && repo_equal(&k->rev.repo, repo)))
		return;
	k->negative_until_ms = 0;
	if (!is_revision || !name_is_commit(strrchr(k->node.key, '\n') + 1, strlen(strrchr(k->node.key, '\n') + 1)))
		k->fresh_until_ms = 0;
}

void catalog_forget(struct catalog *c, const struct repo_id *repo)
{
	LOCK_SCOPE(&c->lock);
	c->forgot_s = clock_wall_s();
	for (struct lru_node *n = lru_first(&c->known); n; n = lru_next(&c->known, n))
		known_forget(container_of(n, struct known, node), repo);
	for (struct job *j = c->all; j; j = j->next)
		if (j->kind != JOB_TREE && j->kind != JOB_USED && key_is_of(j->key, repo))
			job_detach_locked(j);
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
	c->ref_ttl_ms = config->ref_ttl_ms;
	c->post = config->post;
	c->post_ctx = config->post_ctx;
	c->forgot_s = INT64_MIN;
	pthread_mutex_init(&c->lock, NULL);
	cond_init(&c->idle);
	lru_init(&c->known, KNOWN_MAX, KNOWN_COST_MAX, known_free);
	lru_init(&c->trees, TREES_MAX, TREES_COST_MAX, kept_tree_free);
	*out = c;
	return 0;
}

/* Takes the waiters of one job that has any; false: there is none. */
static bool take_waiters(struct catalog *c, struct waiter **out, enum job_kind *kind)
{
	LOCK_SCOPE(&c->lock);
	c->cancelled = true;
	for (struct job *j = c->all; j; j = j->next)
		if (j->waiters) {
			*out = TAKE(j->waiters);
			*kind = j->kind;
			j->tail = &j->waiters;
			return true;
		}
	return false;
}

void catalog_cancel(struct catalog *c)
{
	struct answer over = {.r = -ECANCELED};
	struct waiter *waiters;
	enum job_kind kind;

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
		struct job *j = c->all;

		job_unlink_locked(j);
		job_free(j);
	}
	lru_done(&c->known);
	lru_done(&c->trees);
	map_done(&c->jobs);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->idle);
	free(c->endpoint);
	free(c);
}

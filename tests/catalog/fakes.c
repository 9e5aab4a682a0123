// SPDX-License-Identifier: Apache-2.0
#include "fakes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

struct doc {
	struct doc *next;
	enum doc_kind kind;
	char *key;
	char *bytes;
	size_t len;
	int64_t stored_s;
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct fake_call *calls, **tail;
	unsigned nr[FAKE_KINDS], loads;
	struct doc *docs; /* by key */
	char identity[17];
	bool offline, read_only, closed, hold, held;
	unsigned late;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

struct hub *fake_hub(void)
{
	return (struct hub *)(void *)&fake;
}

struct cache *fake_cache(void)
{
	return (struct cache *)(void *)&fake;
}

/* Every function of hub.h and cache.h begins with this, under the lock. */
static void note_call_locked(void)
{
	fake.late += fake.closed;
}

static void doc_free(struct doc *d)
{
	free(d->key);
	free(d->bytes);
	free(d);
}

void fake_reset(void)
{
	LOCK_SCOPE(&fake.lock);
	while (fake.calls) {
		struct fake_call *call = fake.calls;

		fake.calls = call->next;
		free(call);
	}
	while (fake.docs) {
		struct doc *d = fake.docs;

		fake.docs = d->next;
		doc_free(d);
	}
	fake.tail = &fake.calls;
	memset(fake.nr, 0, sizeof(fake.nr));
	fake.loads = 0;
	fake.offline = fake.read_only = fake.closed = false;
	fake.late = 0;
	snprintf(fake.identity, sizeof(fake.identity), "0000000000000000");
}

void fake_set_identity(const char *identity)
{
	LOCK_SCOPE(&fake.lock);
	snprintf(fake.identity, sizeof(fake.identity), "%s", identity);
}

void fake_set_read_only(bool read_only)
{
	LOCK_SCOPE(&fake.lock);
	fake.read_only = read_only;
}

void fake_close(void)
{
	LOCK_SCOPE(&fake.lock);
	fake.closed = true;
}

unsigned fake_late_calls(void)
{
	LOCK_SCOPE(&fake.lock);
	return fake.late;
}

void fake_hold(bool hold)
{
	LOCK_SCOPE(&fake.lock);
	fake.hold = hold;
	pthread_cond_broadcast(&fake.wake);
}

bool fake_is_held(void)
{
	LOCK_SCOPE(&fake.lock);
	return fake.held;
}

unsigned fake_hub_calls(enum fake_kind kind)
{
	LOCK_SCOPE(&fake.lock);
	return fake.nr[kind];
}

unsigned fake_doc_loads(void)
{
	LOCK_SCOPE(&fake.lock);
	return fake.loads;
}

unsigned fake_docs(enum doc_kind kind)
{
	unsigned nr = 0;
	LOCK_SCOPE(&fake.lock);

	for (struct doc *d = fake.docs; d; d = d->next)
		nr += d->kind == kind;
	return nr;
}

void fake_spoil_docs(enum doc_kind kind, size_t at)
{
	LOCK_SCOPE(&fake.lock);
	for (struct doc *d = fake.docs; d; d = d->next)
		if (d->kind == kind && at < d->len)
			d->bytes[at] ^= 0x40;
}

struct fake_call *fake_take_call(bool wait)
{
	struct fake_call *call;
	LOCK_SCOPE(&fake.lock);

	while (wait && !fake.calls)
		if (!cond_wait_ms(&fake.wake, &fake.lock, 5000))
			break;
	call = fake.calls;
	if (!call)
		return NULL;
	fake.calls = call->next;
	if (!fake.calls)
		fake.tail = &fake.calls;
	return call;
}

void fake_answer_call(struct fake_call *call, const char *repo, const char *commit, int64_t mtime_s)
{
	struct hub_result res = {.status = 200};
	struct hub_info info = {.mtime_s = mtime_s};

	snprintf(info.commit, sizeof(info.commit), "%s", commit);
	if (repo_id_set(&info.repo, call->repo.kind, repo, strlen(repo)) == 0)
		call->done.info(call->ctx, &res, &info);
	free(call);
}

void fake_answer_info(const char *repo, const char *commit, int64_t mtime_s)
{
	fake_answer_call(fake_take_call(true), repo, commit, mtime_s);
}

void fake_fail(int r, int status, bool retry, const char *text)
{
	struct fake_call *call = fake_take_call(true);
	struct hub_result res = {.r = r, .status = status, .retry = retry};

	err_set(&res.err, r, "%s", text);
	switch (call->kind) {
	case FAKE_INFO:
		call->done.info(call->ctx, &res, NULL);
		break;
	case FAKE_TREE:
	case FAKE_PATH:
		call->done.tree(call->ctx, &res, NULL, 0, false);
		break;
	case FAKE_REFS:
		call->done.refs(call->ctx, &res, NULL, 0);
		break;
	case FAKE_REPOS:
		call->done.repos(call->ctx, &res, NULL, 0, false);
		break;
	}
	free(call);
}

/* --- hub.h --- */

const char *hub_endpoint(const struct hub *h)
{
	LOCK_SCOPE(&fake.lock);
	(void)h;
	note_call_locked();
	return "https://hub.test";
}

void hub_identity(struct hub *h, const uint8_t salt[16], char out[17])
{
	LOCK_SCOPE(&fake.lock);
	(void)h;
	(void)salt;
	note_call_locked();
	memcpy(out, fake.identity, 17);
}

bool hub_is_offline(const struct hub *h)
{
	LOCK_SCOPE(&fake.lock);
	(void)h;
	note_call_locked();
	return fake.offline;
}

void hub_set_offline(struct hub *h, bool offline)
{
	LOCK_SCOPE(&fake.lock);
	(void)h;
	fake.offline = offline;
}

static void record(struct fake_call call, const char *rev)
{
	struct fake_call *c = malloc(sizeof(*c));
	LOCK_SCOPE(&fake.lock);

	note_call_locked();
	*c = call;
	c->next = NULL;
	snprintf(c->rev, sizeof(c->rev), "%s", rev ? rev : "");
	*fake.tail = c;
	fake.tail = &c->next;
	fake.nr[call.kind]++;
	pthread_cond_broadcast(&fake.wake);
	while (fake.hold) {
		fake.held = true;
		pthread_cond_wait(&fake.wake, &fake.lock);
	}
	fake.held = false;
}

void hub_want_info(struct hub *h, const struct repo_id *repo, const char *rev, hub_info_done *done, void *ctx)
{
	(void)h;
	record((struct fake_call){.kind = FAKE_INFO, .repo = *repo, .done.info = done, .ctx = ctx}, rev);
}

void hub_want_tree(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
		   hub_tree_page *page, void *ctx)
{
	hub_want_tree_within(h, repo, commit, path, recursive, 0, page, ctx);
}

void hub_want_tree_within(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
			  unsigned pages_max, hub_tree_page *page, void *ctx)
{
	struct fake_call call = {.kind = FAKE_TREE, .repo = *repo, .done.tree = page, .ctx = ctx};

	(void)h;
	snprintf(call.path, sizeof(call.path), "%s", path);
	call.recursive = recursive;
	call.pages_max = pages_max;
	record(call, commit);
}

void hub_want_path(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, hub_tree_page *page, void *ctx)
{
	struct fake_call call = {.kind = FAKE_PATH, .repo = *repo, .done.tree = page, .ctx = ctx};

	(void)h;
	snprintf(call.path, sizeof(call.path), "%s", path);
	record(call, commit);
}

void hub_want_refs(struct hub *h, const struct repo_id *repo, hub_refs_done *done, void *ctx)
{
	(void)h;
	record((struct fake_call){.kind = FAKE_REFS, .repo = *repo, .done.refs = done, .ctx = ctx}, NULL);
}

void hub_want_repos(struct hub *h, enum repo_kind kind, const char *author, hub_repos_page *page, void *ctx)
{
	struct repo_id org = {.kind = kind};

	(void)h;
	snprintf(org.name, sizeof(org.name), "%s", author);
	record((struct fake_call){.kind = FAKE_REPOS, .repo = org, .done.repos = page, .ctx = ctx}, NULL);
}

/* --- cache.h --- */

const uint8_t *cache_salt(const struct cache *c)
{
	static const uint8_t salt[16] = {1};
	LOCK_SCOPE(&fake.lock);

	(void)c;
	note_call_locked();
	return salt;
}

static struct doc **find_doc(enum doc_kind kind, const char *key)
{
	struct doc **at = &fake.docs;

	while (*at && (strcmp((*at)->key, key) < 0 || (!strcmp((*at)->key, key) && (*at)->kind != kind)))
		at = &(*at)->next;
	return at;
}

static bool is_doc(const struct doc *d, enum doc_kind kind, const char *key)
{
	return d && d->kind == kind && !strcmp(d->key, key);
}

void cache_drop_doc(struct cache *c, enum doc_kind kind, const char *key)
{
	LOCK_SCOPE(&fake.lock);
	struct doc **at = find_doc(kind, key), *d = *at;

	(void)c;
	note_call_locked();
	if (!is_doc(d, kind, key))
		return;
	*at = d->next;
	doc_free(d);
}

void cache_put_doc(struct cache *c, enum doc_kind kind, const char *key, const void *bytes, size_t len)
{
	struct doc *d, **at;

	cache_drop_doc(c, kind, key);
	LOCK_SCOPE(&fake.lock);
	if (fake.read_only)
		return;
	d = malloc(sizeof(*d));
	*d = (struct doc){.kind = kind, .key = strdup(key), .bytes = malloc(len + 1), .len = len, .stored_s = clock_wall_s()};
	memcpy(d->bytes, bytes, len);
	at = find_doc(kind, key);
	d->next = *at;
	*at = d;
}

void cache_want_doc(struct cache *c, enum doc_kind kind, const char *key, cache_doc_done *done, void *ctx)
{
	AUTO_FREE char *bytes = NULL;
	size_t len = 0;

	(void)c;
	{
		LOCK_SCOPE(&fake.lock);
		struct doc *d = *find_doc(kind, key);

		note_call_locked();
		fake.loads++;
		if (is_doc(d, kind, key)) {
			bytes = malloc(d->len + 1);
			len = d->len;
			memcpy(bytes, d->bytes, len);
		}
	}
	done(ctx, bytes ? 0 : -ENOENT, bytes, len, 0);
}

void cache_want_keys(struct cache *c, enum doc_kind kind, const char *prefix, cache_key_each *each, void (*done)(void *ctx, int r),
		     void *ctx)
{
	(void)c;
	{
		LOCK_SCOPE(&fake.lock);
		note_call_locked();
		for (struct doc *d = fake.docs; d; d = d->next)
			if (d->kind == kind && !strncmp(d->key, prefix, strlen(prefix)))
				each(ctx, d->key, d->stored_s);
	}
	done(ctx, 0);
}

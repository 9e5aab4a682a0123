// SPDX-License-Identifier: Apache-2.0
/* One waiter a call, on the caller's stack: the callback comes exactly once, and the wait lasts until then. */
#include "wait_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

#define MOVED_MS 5000 /* how long a verb waits for a name that it could do without */

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	int r;
	struct err *err;
	void *out;
};

#define WAITER(error, result)                                                                                          \
	{                                                                                                              \
		.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .err = (error), .out = (result)   \
	}

static void waiter_wake(struct waiter *w, int r, const struct err *err)
{
	LOCK_SCOPE(&w->lock);
	if (r < 0 && w->err) {
		*w->err = err ? *err : (struct err){0};
		w->err->code = r;
	}
	w->r = r;
	w->done = true;
	pthread_cond_signal(&w->wake);
}

static int waiter_wait(struct waiter *w)
{
	LOCK_SCOPE(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->wake, &w->lock);
	return w->r;
}

static void on_revision(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct waiter *w = ctx;

	if (r == 0)
		*(struct revision *)w->out = *rev;
	waiter_wake(w, r, err);
}

int wait_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_revision(c, repo, rev, on_revision, &w);
	return waiter_wait(&w);
}

/* A question whose answer may come when nobody waits any more: who is last frees it. */
struct patient {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_left; /* by one of the two */
	bool is_known;
	struct repo_id repo;
};

/* The lock is held, and given up. */
static void patient_leave_locked(struct patient *p)
{
	bool is_last = p->is_left;

	p->is_left = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	if (is_last) {
		pthread_cond_destroy(&p->wake);
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
}

static void on_moved(void *ctx, int r, const struct revision *rev, const struct err *err)
{
	struct patient *p = ctx;

	(void)err; /* then the name stays what it is */
	pthread_mutex_lock(&p->lock);
	p->is_known = r == 0;
	if (r == 0)
		p->repo = rev->repo;
	patient_leave_locked(p);
}

/* Asks the Hub where repo lives: false if it does not say so in time. */
static bool ask_moved(struct catalog *c, const struct repo_id *repo, struct repo_id *out)
{
	uint64_t end = clock_mono_ms() + MOVED_MS, now;
	struct patient *p = calloc(1, sizeof(*p));
	bool is_known;

	if (!p || cond_init(&p->wake) < 0) {
		free(p);
		return false;
	}
	pthread_mutex_init(&p->lock, NULL);
	catalog_want_revision(c, repo, NULL, on_moved, p);
	pthread_mutex_lock(&p->lock);
	while (!p->is_left && (now = clock_mono_ms()) < end)
		(void)cond_wait_ms(&p->wake, &p->lock, end - now);
	is_known = p->is_known;
	if (is_known)
		*out = p->repo;
	patient_leave_locked(p);
	return is_known;
}

bool wait_moved(struct catalog *c, const struct repo_id *repo, struct repo_id *out)
{
	struct revision rev;

	if (catalog_find_revision(c, repo, NULL, &rev))
		*out = rev.repo;
	else if (!ask_moved(c, repo, out))
		return false;
	return strcmp(out->name, repo->name) != 0;
}

int wait_known(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_known(c, repo, rev, on_revision, &w);
	return waiter_wait(&w);
}

static void on_tree(void *ctx, int r, struct tree *tree, const struct err *err)
{
	struct waiter *w = ctx;

	if (r == 0)
		*(struct tree **)w->out = tree;
	waiter_wake(w, r, err);
}

int wait_tree(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_tree(c, repo, commit, on_tree, &w);
	return waiter_wait(&w);
}

int wait_listing(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_hub_tree(c, repo, commit, on_tree, &w);
	return waiter_wait(&w);
}

struct top {
	struct tree **tree;
	bool *whole;
};

static void on_top(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err)
{
	struct waiter *w = ctx;
	const struct top *top = w->out;

	if (r == 0) {
		*top->tree = tree;
		*top->whole = is_whole;
	}
	waiter_wake(w, r, err);
}

int wait_top(struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out, bool *whole, struct err *err)
{
	struct top top = {out, whole};
	struct waiter w = WAITER(err, &top);

	catalog_want_listing(c, repo, commit, "", on_top, &w);
	return waiter_wait(&w);
}

int wait_path(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, struct tree **out, struct err *err)
{
	bool whole;
	struct top top = {out, &whole};
	struct waiter w = WAITER(err, &top);

	catalog_want_path(c, repo, commit, path, on_top, &w);
	return waiter_wait(&w);
}

static void on_grant(void *ctx, int r, const struct err *err)
{
	waiter_wake(ctx, r, err);
}

int wait_grant(struct catalog *c, const struct object_ref *from, struct err *err)
{
	struct waiter w = WAITER(err, NULL);

	catalog_want_grant(c, from, on_grant, &w);
	return waiter_wait(&w);
}

static void on_here(void *ctx, int r, const struct span *span, const struct err *err)
{
	(void)span; /* nothing is read */
	waiter_wake(ctx, r, err);
}

int wait_ensure(struct blob *b, uint64_t off, uint64_t len, struct err *err)
{
	struct waiter w = WAITER(err, NULL);

	blob_ensure(b, off, len, on_here, &w);
	return waiter_wait(&w);
}

static void on_rows(void *ctx, int r, struct cache_rows *rows)
{
	struct waiter *w = ctx;

	if (r == 0)
		*(struct cache_rows **)w->out = rows;
	waiter_wake(w, r, NULL);
}

int wait_rows(struct cache *c, const struct blob_id *id, uint64_t size, struct cache_rows **out)
{
	struct waiter w = WAITER(NULL, out);

	cache_want_rows(c, id, size, on_rows, &w);
	return waiter_wait(&w);
}

static void on_names(void *ctx, int r, const char *const *names, size_t nr, const struct err *err)
{
	struct waiter *w = ctx;
	struct buf *out = w->out;

	for (size_t i = 0; r == 0 && i < nr; i++) {
		buf_adds(out, names[i]);
		buf_addc(out, '\n');
	}
	waiter_wake(w, r == 0 && out->failed ? -ENOMEM : r, err);
}

int wait_names(struct catalog *c, enum repo_kind kind, const char *org, struct buf *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	if (org)
		catalog_want_repos(c, kind, org, on_names, &w);
	else
		catalog_want_used(c, kind, NULL, on_names, &w);
	return waiter_wait(&w);
}

int wait_used(struct catalog *c, enum repo_kind kind, const char *org, struct buf *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_used(c, kind, org, on_names, &w);
	return waiter_wait(&w);
}

int wait_used_revisions(struct catalog *c, const struct repo_id *repo, struct buf *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_used_revisions(c, repo, on_names, &w);
	return waiter_wait(&w);
}

int wait_listed_commits(struct catalog *c, const struct repo_id *repo, struct buf *out, struct err *err)
{
	struct waiter w = WAITER(err, out);

	catalog_want_listed_commits(c, repo, on_names, &w);
	return waiter_wait(&w);
}

/* What is to be done with each ref, on the thread that brings them. */
struct ref_taker {
	void (*each)(void *ctx, const struct known_ref *ref);
	void *ctx;
};

static void on_refs(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err)
{
	struct waiter *w = ctx;
	const struct ref_taker *t = w->out;

	for (size_t i = 0; r == 0 && i < nr; i++)
		t->each(t->ctx, &refs[i]);
	waiter_wake(w, r, err);
}

int wait_refs(struct catalog *c, const struct repo_id *repo, void (*each)(void *ctx, const struct known_ref *ref), void *ctx,
	      struct err *err)
{
	struct ref_taker t = {each, ctx};
	struct waiter w = WAITER(err, &t);

	catalog_want_refs(c, repo, on_refs, &w);
	return waiter_wait(&w);
}

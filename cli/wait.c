// SPDX-License-Identifier: Apache-2.0
/* One waiter a call, on the caller's stack: the callback comes exactly once, and the wait lasts until then. */
#include "wait_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/thread.h>

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

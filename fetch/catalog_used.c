// SPDX-License-Identifier: Apache-2.0
/*
 * What this machine has used: read off the keys of stored revisions and listings, and of what is in memory, for the present
 * endpoint and identity. A key goes on behind the inquiry's prefix as "<kind>/<org>/<name>\n<revision or commit>".
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>

/* What is asked for, where it is not what catalog_want_used() gives: q->rev. */
#define WANT_LISTED "listed"       /* repositories, or commits of one, whose listing is here */
#define WANT_REVISIONS "revisions" /* of a repository, but no commits */

static bool is_wanted(const struct inquiry *q, const char *what)
{
	return !strcmp(q->rev, what);
}

/* Is a repository asked about? Else an organisation, or all. */
static bool is_of_repo(const struct inquiry *q)
{
	return strchr(q->repo.name, '/') || (q->rev[0] && q->repo.name[0]);
}

/* What the names begin with: "<kind>/", "<kind>/<org>/" or "<kind>/<org>/<name>\n". */
static int used_prefix(const struct inquiry *q, char out[KEY_MAX])
{
	const char *end = is_of_repo(q) ? "\n" : q->repo.name[0] ? "/" : "";
	int n = snprintf(out, KEY_MAX, "%.*s%s/%s%s", (int)q->prefix_len, q->key, repo_kind_plural(q->repo.kind), q->repo.name, end);

	return n < KEY_MAX ? 0 : -ENAMETOOLONG;
}

/* The directories of large commits are "<commit>/<path>". */
static size_t commit_len(const char *rest)
{
	size_t len = strlen(rest);

	return len >= COMMIT_MAX && rest[COMMIT_MAX - 1] == '/' && name_is_commit(rest, COMMIT_MAX - 1) ? COMMIT_MAX - 1 : len;
}

/* rest: a key behind the prefix. */
static void add_used(struct inquiry *q, const char *rest)
{
	size_t line = strcspn(rest, "\n"), part = strcspn(rest, "/\n");

	if (is_of_repo(q)) { /* commits of a repository, or other revisions */
		size_t len = commit_len(rest);

		if (name_is_commit(rest, len) != is_wanted(q, WANT_REVISIONS))
			roster_add(&q->maker, rest, len);
	} else if (is_wanted(q, WANT_LISTED)) {
		if (rest[part] == '/')
			roster_add(&q->maker, rest, line);
	} else if (q->repo.name[0]) { /* repositories of an organisation */
		if (part == line && name_is_repo_part(rest, line))
			roster_add(&q->maker, rest, line);
	} else if (rest[part] == '/' && name_is_repo_part(rest, part)) { /* organisations */
		roster_add(&q->maker, rest, part);
	}
}

static void add_from_memory(struct inquiry *q, const char *prefix)
{
	struct catalog *c = q->c;
	size_t len = strlen(prefix);
	LOCK_SCOPE(&c->lock);

	for (struct lru_node *n = lru_first(&c->trees); n && !is_wanted(q, WANT_REVISIONS); n = lru_next(&c->trees, n))
		if (!strncmp(n->key + 1, prefix + 1, len - 1))
			add_used(q, n->key + len);
	for (struct lru_node *n = lru_first(&c->known); n && !is_wanted(q, WANT_LISTED); n = lru_next(&c->known, n)) {
		const struct known *k = container_of(n, struct known, node);

		if (n->key[0] == INQUIRY_REVISION && k->has && !k->is_thin && !k->is_unstored && !strncmp(n->key + 1, prefix + 1, len - 1))
			add_used(q, n->key + len);
	}
}

static void used_end(struct inquiry *q)
{
	struct roster *l = roster_make_names(&q->maker);

	if (!l) {
		inquiry_end_with(q, -ENOMEM, NULL);
		return;
	}
	if (l->nr == 0 && q->outcome.r < 0) { /* the Hub's error is the better answer */
		roster_unref(l);
		inquiry_end(q);
		return;
	}
	outcome_done(&q->outcome);
	q->outcome = (struct outcome){.roster = l};
	inquiry_end(q);
}

static void key_found(void *ctx, const char *key, int64_t stored_s)
{
	struct inquiry *q = ctx;
	char prefix[KEY_MAX];

	(void)stored_s;
	if (used_prefix(q, prefix) == 0 && strlen(key) > strlen(prefix + 1))
		add_used(q, key + strlen(prefix + 1));
}

static void want_keys(struct inquiry *q, enum doc_kind kind, void (*done)(void *ctx, int r))
{
	struct catalog *c = q->c;
	char prefix[KEY_MAX];
	int r = used_prefix(q, prefix);

	if (r < 0) {
		inquiry_end_with(q, r, NULL);
		return;
	}
	if (!inquiry_enter(q))
		return;
	cache_want_keys(c->cache, kind, prefix + 1, key_found, done, q);
	catalog_leave(c);
}

static void trees_listed(void *ctx, int r)
{
	struct inquiry *q = ctx;

	(void)r; /* a list that is short because of the disk is still of use */
	inquiry_post(q, used_end);
}

static void revisions_step(struct inquiry *q)
{
	if (is_wanted(q, WANT_REVISIONS))
		used_end(q);
	else
		want_keys(q, DOC_TREE, trees_listed);
}

static void revisions_listed(void *ctx, int r)
{
	(void)r; /* as above */
	inquiry_post(ctx, revisions_step);
}

void inquiry_start_used(struct inquiry *q)
{
	char prefix[KEY_MAX];

	if (used_prefix(q, prefix) == 0)
		add_from_memory(q, prefix);
	if (is_wanted(q, WANT_LISTED))
		want_keys(q, DOC_TREE, trees_listed);
	else
		want_keys(q, DOC_REVISION, revisions_listed);
}

void catalog_want_used(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	struct repo_id id = {.kind = kind};
	struct err err = {0};

	if (!org || strlen(org) < sizeof(id.name)) {
		snprintf(id.name, sizeof(id.name), "%s", org ? org : "");
		if (c->lockfile)
			lock_give_names(c, !org ? LOCK_ORGS : strchr(org, '/') ? LOCK_COMMITS : LOCK_REPOS, &id, done, ctx);
		else
			catalog_ask(c, INQUIRY_USED, &id, NULL, (union done){.names = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s is not the name of a repository", org);
	done(ctx, -ENOENT, NULL, 0, &err);
}

void catalog_want_listed_repos(struct catalog *c, enum repo_kind kind, names_done *done, void *ctx)
{
	struct repo_id all = {.kind = kind};

	if (c->lockfile)
		lock_give_names(c, LOCK_FULL_NAMES, &all, done, ctx);
	else
		catalog_ask(c, INQUIRY_USED, &all, WANT_LISTED, (union done){.names = done}, ctx);
}

void catalog_want_listed_commits(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx)
{
	if (c->lockfile)
		lock_give_names(c, LOCK_COMMITS, repo, done, ctx);
	else
		catalog_ask(c, INQUIRY_USED, repo, WANT_LISTED, (union done){.names = done}, ctx);
}

void catalog_want_used_revisions(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx)
{
	if (c->lockfile)
		lock_give_names(c, LOCK_REVISIONS, repo, done, ctx);
	else
		catalog_ask(c, INQUIRY_USED, repo, WANT_REVISIONS, (union done){.names = done}, ctx);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What this machine has used: read off the keys of stored revisions and listings, and of what is in memory, for the present
 * endpoint and identity. A key goes on behind the job's prefix as "<kind>/<org>/<name>\n<revision or commit>".
 */
#include "catalog_job_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>

/* What the names begin with: "<kind>/", "<kind>/<org>/" or "<kind>/<org>/<name>\n". */
static int used_prefix(const struct job *j, char out[KEY_MAX])
{
	bool is_repo = strchr(j->repo.name, '/') != NULL;
	const char *end = is_repo ? "\n" : j->repo.name[0] ? "/" : "";
	int n = snprintf(out, KEY_MAX, "%.*s%s/%s%s", (int)j->prefix_len, j->key, repo_kind_plural(j->repo.kind), j->repo.name, end);

	return n < KEY_MAX ? 0 : -ENAMETOOLONG;
}

/* rest: a key behind the prefix. */
static void add_used(struct job *j, const char *rest)
{
	size_t line = strcspn(rest, "\n"), part = strcspn(rest, "/\n");

	if (strchr(j->repo.name, '/')) { /* commits of a repository */
		if (name_is_commit(rest, strlen(rest)))
			listing_add(&j->maker, rest, strlen(rest));
	} else if (j->repo.name[0]) { /* repositories of an organisation */
		if (part == line && name_is_repo_part(rest, line))
			listing_add(&j->maker, rest, line);
	} else if (rest[part] == '/' && name_is_repo_part(rest, part)) { /* organisations */
		listing_add(&j->maker, rest, part);
	}
}

static void add_from_memory(struct job *j, const char *prefix)
{
	struct catalog *c = j->c;
	size_t len = strlen(prefix);
	LOCK_SCOPE(&c->lock);

	for (struct lru_node *n = lru_first(&c->known); n; n = lru_next(&c->known, n)) {
		const struct known *k = container_of(n, struct known, node);

		if (n->key[0] == JOB_REVISION && k->has && !k->is_thin && !strncmp(n->key + 1, prefix + 1, len - 1))
			add_used(j, n->key + len);
	}
}

static void used_end(struct job *j)
{
	struct listing *l = listing_make_names(&j->maker);

	if (!l) {
		job_end_with(j, -ENOMEM, NULL);
		return;
	}
	if (l->nr == 0 && j->answer.r < 0) { /* the Hub's error is the better answer */
		listing_unref(l);
		job_end(j);
		return;
	}
	answer_done(&j->answer);
	j->answer = (struct answer){.listing = l};
	job_end(j);
}

static void key_found(void *ctx, const char *key, int64_t stored_s)
{
	struct job *j = ctx;
	char prefix[KEY_MAX];

	(void)stored_s;
	if (used_prefix(j, prefix) == 0 && strlen(key) > strlen(prefix + 1))
		add_used(j, key + strlen(prefix + 1));
}

static void want_keys(struct job *j, enum doc_kind kind, void (*done)(void *ctx, int r))
{
	struct catalog *c = j->c;
	char prefix[KEY_MAX];
	int r = used_prefix(j, prefix);

	if (r < 0) {
		job_end_with(j, r, NULL);
		return;
	}
	if (!job_enter(j))
		return;
	cache_want_keys(c->cache, kind, prefix + 1, key_found, done, j);
	catalog_leave(c);
}

static void trees_listed(void *ctx, int r)
{
	struct job *j = ctx;

	(void)r; /* a list that is short because of the disk is still of use */
	job_post(j, used_end);
}

static void revisions_step(struct job *j)
{
	want_keys(j, DOC_TREE, trees_listed);
}

static void revisions_listed(void *ctx, int r)
{
	(void)r; /* as above */
	job_post(ctx, revisions_step);
}

void used_start(struct job *j)
{
	char prefix[KEY_MAX];

	if (used_prefix(j, prefix) == 0)
		add_from_memory(j, prefix);
	want_keys(j, DOC_REVISION, revisions_listed);
}

void catalog_want_used(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	struct repo_id id = {.kind = kind};
	struct err err = {0};

	if (!org || strlen(org) < sizeof(id.name)) {
		snprintf(id.name, sizeof(id.name), "%s", org ? org : "");
		catalog_ask(c, JOB_USED, &id, NULL, (union done){.names = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s is not the name of a repository", org);
	done(ctx, -ENOENT, NULL, 0, &err);
}

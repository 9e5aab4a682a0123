// SPDX-License-Identifier: Apache-2.0
/* Two small maps, which are looked through for what is no longer worth keeping when they grow. */
#include "shown_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>

struct shown_revision {
	struct repo_id repo;
	char commit[COMMIT_MAX];
	size_t key_len;
	char key[];
};

struct shown_commit {
	unsigned files_open;
	uint64_t used_ms; /* the last open or close */
	size_t key_len;
	char key[];
};

/* Caller frees; NULL: no memory. */
static char *make_key(const struct repo_id *repo, const char *what)
{
	return str_printf("%s/%s@%s", repo_kind_plural(repo->kind), repo->name, what);
}

static bool is_in_use(const struct shown_commit *c, uint64_t now)
{
	return c->files_open || now - c->used_ms < KEEP_AFTER_MS;
}

static struct shown_commit *find_commit(const struct shown *s, const struct repo_id *repo, const char *commit)
{
	AUTO_FREE char *key = make_key(repo, commit);

	return key ? map_find(&s->commits, key, strlen(key)) : NULL;
}

static bool is_read(const struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now)
{
	const struct shown_commit *c = find_commit(s, repo, commit);

	return c && is_in_use(c, now);
}

static void drop_commit(struct shown *s, struct shown_commit *c)
{
	map_del(&s->commits, c->key, c->key_len);
	free(c);
}

static void drop_revision(struct shown *s, struct shown_revision *v)
{
	map_del(&s->revisions, v->key, v->key_len);
	free(v);
}

static void prune(struct shown *s, uint64_t now)
{
	struct shown_revision *v;
	struct shown_commit *c;
	size_t i = 0;

	while ((v = map_next(&s->revisions, &i)))
		if (!is_read(s, &v->repo, v->commit, now))
			drop_revision(s, v);
	i = 0;
	while ((c = map_next(&s->commits, &i)))
		if (!is_in_use(c, now))
			drop_commit(s, c);
}

void shown_done(struct shown *s)
{
	struct shown_revision *v;
	struct shown_commit *c;
	size_t i = 0;

	while ((v = map_next(&s->revisions, &i)))
		drop_revision(s, v);
	i = 0;
	while ((c = map_next(&s->commits, &i)))
		drop_commit(s, c);
	map_done(&s->revisions);
	map_done(&s->commits);
}

static struct shown_commit *add_commit(struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now)
{
	AUTO_FREE char *key = make_key(repo, commit);
	size_t len = key ? strlen(key) : 0;
	struct shown_commit *c = key ? calloc(1, sizeof(*c) + len + 1) : NULL;

	if (!c)
		return NULL;
	if (s->commits.nr >= SHOWN_MAX)
		prune(s, now);
	memcpy(c->key, key, len);
	c->key_len = len;
	if (map_put(&s->commits, c->key, len, c) < 0) {
		free(c);
		return NULL;
	}
	return c;
}

int shown_open(struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now)
{
	struct shown_commit *c = find_commit(s, repo, commit);

	c = c ? c : add_commit(s, repo, commit, now);
	if (!c)
		return -ENOMEM;
	c->files_open++;
	c->used_ms = now;
	return 0;
}

void shown_close(struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now)
{
	struct shown_commit *c = find_commit(s, repo, commit);

	if (!c)
		return; /* no memory for its key, and it counts as open a while longer than it is */
	c->files_open--;
	c->used_ms = now;
}

static void note_revision(struct shown *s, const struct repo_id *repo, const char *key, const char *commit, uint64_t now)
{
	size_t len = strlen(key);
	struct shown_revision *v = calloc(1, sizeof(*v) + len + 1);

	if (!v)
		return;
	if (s->revisions.nr >= SHOWN_MAX)
		prune(s, now);
	v->repo = *repo;
	snprintf(v->commit, sizeof(v->commit), "%s", commit);
	memcpy(v->key, key, len);
	v->key_len = len;
	if (map_put(&s->revisions, v->key, len, v) < 0)
		free(v);
}

const char *shown_choose(struct shown *s, const struct repo_id *repo, const char *rev, const char *commit, uint64_t now)
{
	AUTO_FREE char *key = make_key(repo, rev);
	struct shown_revision *v = key ? map_find(&s->revisions, key, strlen(key)) : NULL;

	if (v && strcmp(v->commit, commit) != 0 && is_read(s, repo, v->commit, now))
		return v->commit;
	if (v)
		snprintf(v->commit, sizeof(v->commit), "%s", commit);
	else if (key)
		note_revision(s, repo, key, commit, now);
	return commit;
}

void shown_forget(struct shown *s, const struct repo_id *repo)
{
	struct shown_revision *v;
	size_t i = 0;

	while ((v = map_next(&s->revisions, &i)))
		if (!repo || (v->repo.kind == repo->kind && !strcmp(v->repo.name, repo->name)))
			drop_revision(s, v);
}

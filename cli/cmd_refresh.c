// SPDX-License-Identifier: Apache-2.0
/* hffs refresh: tells the daemons of mounts to ask again what branches and tags stand for. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "cli_int.h"
#include "control_int.h"
#include "mounts_int.h"

#define ANSWER_MS 10000 /* the daemon only forgets, but of a name that it does not know it asks the Hub, for 5 s at most */

static int help(void)
{
	printf("usage: hffs refresh [PATH|REPO]\n\n"
	       "Branches and tags are asked for again when next used, and move even while somebody reads the old commit. Of one repository,\n"
	       "of the one that PATH (with a '/' or '.' in front) lies in, of the whole mount at PATH, or of all mounts of this user.\n\n"
	       "  -h, --help  this page\n");
	return EXIT_OK;
}

/* What is meant: dir NULL: every mount; name "": every repository. */
struct target {
	char *dir;
	char name[REPO_NAME_MAX + 16];
};

/* The mount that the path (absolute, without links) lies in; NULL if none. */
static const struct mount_entry *find_around(const struct mounts *m, const char *path)
{
	const struct mount_entry *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < m->nr; i++) {
		size_t n = strlen(m->entries[i].dir);

		if (strncmp(path, m->entries[i].dir, n) != 0 || (path[n] && path[n] != '/') || n < best_len)
			continue;
		best = &m->entries[i];
		best_len = n;
	}
	return best;
}

static int find_path(const struct mounts *m, const char *text, struct target *t, struct err *err)
{
	AUTO_FREE char *real = realpath(text, NULL);
	const struct mount_entry *e;
	ssize_t n;

	if (!real)
		return err_set(err, -errno, "%s: %s", text, strerror(errno));
	e = find_around(m, real);
	if (!e)
		return err_set(err, -EINVAL, "%s is in no hffs mount", text);
	n = getxattr(real, "user.hffs.repo", t->name, sizeof(t->name) - 1);
	t->name[n > 0 ? n : 0] = '\0';
	t->dir = strdup(e->dir);
	return t->dir ? 0 : err_set(err, -ENOMEM, "out of memory");
}

static int find_target(const struct mounts *m, const char *text, struct target *t, struct err *err)
{
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	int r;

	if (!text)
		return 0;
	if (*text == '/' || *text == '.')
		return find_path(m, text, t, err);
	r = repo_parse(text, &repo, rev, err);
	if (r == 0)
		snprintf(t->name, sizeof(t->name), "%s%s", repo_kind_prefix(repo.kind), repo.name);
	return r;
}

static int refresh_one(struct mount_entry *e, const char *name, struct err *err)
{
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	const char *cache;

	mount_entry_ask(e);
	if (e->r < 0)
		return err_set(err, e->r, "%s: %s", e->dir, mount_entry_trouble(e));
	cache = json_get_string(json_get(e->status, "cache"), "dir");
	if (!cache)
		return err_set(err, -ENODATA, "%s does not say where its cache is", e->dir);
	buf_adds(&request, "{\"do\":\"refresh\"");
	if (*name) {
		buf_adds(&request, ",\"repo\":");
		buf_add_json(&request, name);
	}
	buf_addc(&request, '}');
	return request.failed ? -ENOMEM : control_ask(cache, CONTROL_SOCKET, request.data, ANSWER_MS, &answer, err);
}

/* All that fit the target. Of all mounts those of other users are passed by; somebody must have been told, though. */
static int refresh_all(struct mounts *m, const struct target *t, struct err *err)
{
	size_t told = 0;
	int r = 0;

	for (size_t i = 0; i < m->nr; i++) {
		struct mount_entry *e = &m->entries[i];
		struct err why = {0};
		int one;

		if (t->dir && strcmp(t->dir, e->dir))
			continue;
		one = refresh_one(e, t->name, &why);
		told += one == 0;
		if (one < 0 && r == 0)
			r = err_set(err, one, "%s", err_text(&why));
	}
	if (told)
		return 0;
	return r < 0 ? r : err_set(err, -ENOENT, "there is no hffs mount");
}

static int refresh(const char *text, struct err *err)
{
	AUTO_MOUNTS mounts = {0};
	struct target t = {0};
	int r = mounts_load(&mounts, err);

	if (r == 0)
		r = find_target(&mounts, text, &t, err);
	if (r == 0)
		r = refresh_all(&mounts, &t, err);
	free(t.dir);
	return r;
}

int cmd_refresh(int argc, char **argv)
{
	static const struct option longs[] = {{"help", no_argument, NULL, 'h'}, {0}};
	struct err err = {0};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		return say_usage("refresh", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc - optind > 1)
		return say_usage("refresh", "one PATH or REPO at a time");
	r = refresh(argv[optind], &err);
	return r < 0 ? say_failed("refresh", r, &err) : EXIT_OK;
}

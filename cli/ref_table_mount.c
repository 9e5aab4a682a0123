// SPDX-License-Identifier: Apache-2.0
/*
 * Rows from a mount, without asking its daemon for more than any reader of directories may: symlinks to commits in the repository's
 * directory; where that cannot be listed, files that hold a commit in .hub. Which are tags is an attribute of the directory.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <hffs/name.h>
#include <hffs/scheme.h>

#include "ref_table_int.h"

#define TAGS_MAX ((size_t)64 << 10) /* the kernel passes on no attribute that is longer */

struct walk {
	struct ref_table *table;
	char *tags; /* "\nv1.0\nv1.1\n"; NULL: unknown */
};

static bool is_tag(const struct walk *w, const char *name)
{
	AUTO_FREE char *line = str_printf("\n%s\n", name);

	return line && w->tags && strstr(w->tags, line);
}

/* The commit that the symlink, or the file, stands for. */
static bool read_commit(int dir_fd, const char *name, bool is_link, char commit[COMMIT_MAX])
{
	char text[PATH_MAX];
	const char *last;
	AUTO_FD int fd = is_link ? -1 : openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = is_link ? readlinkat(dir_fd, name, text, sizeof(text) - 1) : fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	last = strrchr(text, '/');
	last = last ? last + 1 : text;
	if (!name_is_commit(last, strlen(last)))
		return false;
	memcpy(commit, last, COMMIT_MAX);
	return true;
}

static int walk_dir(struct walk *w, int parent_fd, const char *name, const char *prefix, struct err *err);

static int walk_entry(struct walk *w, int dir_fd, const struct dirent *e, const char *prefix, struct err *err)
{
	AUTO_FREE char *name = str_printf("%s%s%s", prefix, *prefix ? "/" : "", e->d_name);
	enum ref_sort sort;
	char commit[COMMIT_MAX];
	int r = 0;

	if (!name)
		return err_set(err, -ENOMEM, "out of memory");
	if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || strlen(name) >= REPO_REV_MAX)
		return 0;
	if (e->d_type == DT_DIR) {
		bool is_wanted = !name_is_commit(name, strlen(name)) && (w->table->with_pulls || strcmp(name, "refs/pr"));

		return is_wanted ? walk_dir(w, dir_fd, e->d_name, name, err) : 0;
	}
	sort = is_tag(w, name) ? REF_SORT_TAG : w->tags ? REF_SORT_BRANCH : REF_SORT_UNKNOWN;
	if (read_commit(dir_fd, e->d_name, e->d_type == DT_LNK, commit))
		r = ref_table_add(w->table, name, commit, sort);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int open_dir(int parent_fd, const char *name, DIR **out)
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r;

	*out = fd < 0 ? NULL : fdopendir(fd);
	r = *out ? 0 : -errno;
	if (!*out && fd >= 0)
		(void)close(fd); /* nothing was done with it */
	return r;
}

static int walk_dir(struct walk *w, int parent_fd, const char *name, const char *prefix, struct err *err)
{
	const struct dirent *e;
	DIR *dir;
	int r = open_dir(parent_fd, name, &dir);

	if (r < 0)
		return err_set(err, r, "%s: %s", name, strerror(-r));
	while (r == 0 && (errno = 0, e = readdir(dir)))
		r = walk_entry(w, dirfd(dir), e, prefix, err);
	if (r == 0 && errno)
		r = err_set(err, -errno, "%s: %s", name, strerror(errno));
	(void)closedir(dir);
	return r;
}

/* Known once the directory was opened. A daemon of another version has no such attribute. */
static char *load_tags(const char *dir)
{
	AUTO_FREE char *text = malloc(TAGS_MAX + 2);
	ssize_t n;

	if (!text)
		return NULL;
	*text = '\n';
	n = getxattr(dir, "user.hffs.tags", text + 1, TAGS_MAX);
	if (n < 0)
		return NULL;
	text[n + 1] = '\0';
	return TAKE(text);
}

static int walk_repo(struct ref_table *t, const char *dir, struct err *err)
{
	struct walk w = {.table = t};
	DIR *opened;
	int r = open_dir(AT_FDCWD, dir, &opened);

	if (r < 0)
		return err_set(err, r, "%s: %s", dir, strerror(-r));
	(void)closedir(opened);
	w.tags = load_tags(dir);
	r = walk_dir(&w, AT_FDCWD, dir, "", err);
	free(w.tags);
	return r;
}

/* Without the Hub: revisions that this machine has used and can show. */
static bool walk_used(struct ref_table *t, const char *hub_dir)
{
	AUTO_FREE char *dir = str_printf("%s/refs", hub_dir);
	struct walk w = {.table = t};

	return dir && walk_dir(&w, AT_FDCWD, dir, "", NULL) == 0 && t->nr > 0;
}

static void list_commits(const char *hub_dir, struct buf *out)
{
	AUTO_FREE char *path = str_printf("%s/snapshots", hub_dir);
	const struct dirent *e;
	DIR *dir;

	if (!path || open_dir(AT_FDCWD, path, &dir) < 0)
		return; /* nothing of it is here */
	while ((e = readdir(dir)))
		buf_addf(out, "%s\n", e->d_name);
	(void)closedir(dir);
}

int ref_table_from_mount(struct ref_table *t, const char *top, const struct repo_id *repo, struct err *err)
{
	AUTO_FREE char *dir = str_printf("%s%s%s", top, repo_kind_prefix(repo->kind), repo->name), *hub_dir = NULL;
	AUTO_BUF hub_name = {0}, commits = {0};
	struct repo_id canonical = *repo;
	char rev[REPO_REV_MAX];
	int r = dir ? walk_repo(t, dir, &t->why) : -ENOMEM;
	ssize_t n = r == 0 ? getxattr(dir, "user.hffs.repo", t->repo, sizeof(t->repo) - 1) : -1;

	if (r == 0 && n < 0)
		return err_set(err, -ENOENT, "%s is an organisation, not a repository", repo->name);
	t->repo[n > 0 ? n : 0] = '\0';
	if (n <= 0)
		snprintf(t->repo, sizeof(t->repo), "%s%s", repo_kind_prefix(repo->kind), repo->name);
	(void)repo_parse(t->repo, &canonical, rev, NULL); /* what was asked for is as good a name */
	scheme_hub_name(&hub_name, &canonical);
	hub_dir = hub_name.failed ? NULL : str_printf("%s" SCHEME_HUB_NAME "/%s", top, hub_name.data);
	if (!hub_dir)
		return err_set(err, -ENOMEM, "out of memory");
	t->is_partial = r < 0 && !ref_error_is_final(r) && walk_used(t, hub_dir);
	if (r < 0 && !t->is_partial)
		return err_set(err, r, "%s", err_text(&t->why));
	list_commits(hub_dir, &commits);
	ref_table_finish(t, &commits);
	return 0;
}

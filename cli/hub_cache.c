// SPDX-License-Identifier: Apache-2.0
/* Reading and writing the official client's cache. [huggingface_hub file_download.py, "hf cache" guide, 2026-08] */
#include "hub_cache_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hffs/io.h>
#include <hffs/name.h>
#include <hffs/utf8.h>

#define COPY_BYTES (1u << 20)
#define SNAPSHOT_DEPTH_MAX 64

/* --- names --- */

int hub_cache_parse_name(const char *name, struct repo_id *out)
{
	for (int k = 0; k < REPO_KINDS; k++) {
		const char *plural = repo_kind_plural((enum repo_kind)k);
		size_t len = strlen(plural);
		char full[REPO_NAME_MAX];
		char *dashes;

		if (strncmp(name, plural, len) != 0 || strncmp(name + len, "--", 2) != 0)
			continue;
		if (snprintf(full, sizeof(full), "%s", name + len + 2) >= (int)sizeof(full))
			return -EINVAL;
		dashes = strstr(full, "--");
		if (dashes) {
			*dashes = '/';
			memmove(dashes + 1, dashes + 2, strlen(dashes + 2) + 1);
		}
		return repo_id_set(out, (enum repo_kind)k, full, strlen(full));
	}
	return -EINVAL;
}

void hub_cache_add_name(struct buf *out, const struct repo_id *repo)
{
	buf_adds(out, repo_kind_plural(repo->kind));
	buf_adds(out, "--");
	for (const char *p = repo->name; *p; p++)
		buf_adds(out, *p == '/' ? "--" : (char[]){*p, '\0'});
}

/* --- reading --- */

/* Calls each() for the names in a directory; one that is not there has none. */
static int each_name(const char *dir, int (*each)(void *ctx, const char *dir, const char *name), void *ctx, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return errno == ENOENT ? 0 : err_set(err, -errno, "cannot list %s: %s", dir, strerror(errno));
	while (r == 0 && (errno = 0, e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = each(ctx, dir, e->d_name);
	if (r == 0 && errno)
		r = err_set(err, -errno, "cannot list %s: %s", dir, strerror(errno));
	(void)closedir(d); /* read only */
	return r;
}

struct blob_walk {
	int (*each)(void *ctx, const char *path, const struct blob_id *id);
	void *ctx;
	size_t *strangers;
};

static int on_blob(void *ctx, const char *dir, const char *name)
{
	const struct blob_walk *w = ctx;
	AUTO_FREE char *path = NULL;
	struct blob_id id;
	const char *dot = strchr(name, '.');

	if (dot && strstr(dot, "incomplete"))
		return 0; /* a download that was interrupted: its own program knows what it is worth */
	if (blob_id_parse(name, &id) < 0) {
		++*w->strangers;
		return 0;
	}
	path = str_printf("%s/%s", dir, name);
	return path ? w->each(w->ctx, path, &id) : -ENOMEM;
}

int hub_cache_each_blob(const char *repo_dir, int (*each)(void *ctx, const char *path, const struct blob_id *id), void *ctx,
			size_t *strangers, struct err *err)
{
	AUTO_FREE char *dir = str_printf("%s/blobs", repo_dir);
	struct blob_walk w = {each, ctx, strangers};

	return dir ? each_name(dir, on_blob, &w, err) : -ENOMEM;
}

struct snapshot_walk {
	const char *repo_dir;
	size_t root_len; /* of the snapshot's directory, with its slash */
	struct lock_entry *entry;
	size_t *copies;
	unsigned depth;
	struct err *err;
};

/* A link's last component names the content, if that is among the blobs. */
static int add_link(struct snapshot_walk *w, const char *full)
{
	char target[PATH_MAX];
	ssize_t n = readlink(full, target, sizeof(target) - 1);
	AUTO_FREE char *blob = NULL;
	const char *name;
	struct blob_id id;
	struct stat st;

	if (n < 0)
		return 0;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (blob_id_parse(name, &id) < 0)
		return 0;
	blob = str_printf("%s/blobs/%s", w->repo_dir, name);
	if (!blob)
		return -ENOMEM;
	if (lstat(blob, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return lock_entry_add(w->entry, full + w->root_len, (uint64_t)st.st_size, &id, NULL) == -ENOMEM ? -ENOMEM : 0;
}

static int on_snapshot_name(void *ctx, const char *dir, const char *name)
{
	struct snapshot_walk *w = ctx;
	AUTO_FREE char *full = str_printf("%s/%s", dir, name);
	struct stat st;
	int r;

	if (!full)
		return -ENOMEM;
	if (lstat(full, &st) < 0)
		return 0;
	if (S_ISLNK(st.st_mode))
		return add_link(w, full);
	if (S_ISREG(st.st_mode))
		++*w->copies;
	if (!S_ISDIR(st.st_mode) || w->depth == SNAPSHOT_DEPTH_MAX)
		return 0;
	w->depth++;
	r = each_name(full, on_snapshot_name, w, w->err);
	w->depth--;
	return r;
}

static int add_entry(const char *repo_dir, const struct repo_id *repo, const char *rev, const char *commit, struct lockfile *out,
		     size_t *copies, struct err *err)
{
	AUTO_FREE char *dir = str_printf("%s/snapshots/%s", repo_dir, commit);
	struct lock_entry e = {.repo = *repo};
	struct snapshot_walk w = {.repo_dir = repo_dir, .entry = &e, .copies = copies, .err = err};
	int r;

	if (!dir)
		return -ENOMEM;
	snprintf(e.rev, sizeof(e.rev), "%s", rev);
	snprintf(e.commit, sizeof(e.commit), "%s", commit);
	w.root_len = strlen(dir) + 1;
	r = each_name(dir, on_snapshot_name, &w, err);
	if (r == 0 && e.nr)
		r = lockfile_put(out, &e, err);
	lock_entry_done(&e);
	return r;
}

struct ref_walk {
	const char *repo_dir;
	const struct repo_id *repo;
	size_t root_len; /* of refs/ */
	struct lockfile *out;
	size_t *copies;
	unsigned depth;
	struct err *err;
};

static int on_ref(void *ctx, const char *dir, const char *name)
{
	struct ref_walk *w = ctx;
	AUTO_FREE char *full = str_printf("%s/%s", dir, name);
	AUTO_BUF text = {0};
	struct stat st;
	int r;

	if (!full)
		return -ENOMEM;
	if (lstat(full, &st) < 0)
		return 0;
	if (S_ISDIR(st.st_mode) && w->depth < SNAPSHOT_DEPTH_MAX) {
		w->depth++;
		r = each_name(full, on_ref, w, w->err);
		w->depth--;
		return r;
	}
	if (!S_ISREG(st.st_mode) || io_read_file(full, 64, &text) < 0 || !text.data)
		return 0;
	text.data[strcspn(text.data, "\n")] = '\0';
	if (!name_is_commit(text.data, strlen(text.data)) || strlen(full + w->root_len) >= REPO_REV_MAX ||
	    !utf8_is_valid(full + w->root_len))
		return 0;
	return add_entry(w->repo_dir, w->repo, full + w->root_len, text.data, w->out, w->copies, w->err);
}

static int on_commit(void *ctx, const char *dir, const char *name)
{
	struct ref_walk *w = ctx;

	(void)dir; /* it is snapshots/ */
	if (!name_is_commit(name, strlen(name)))
		return 0;
	for (size_t i = 0; i < w->out->nr; i++) {
		const struct lock_entry *e = &w->out->entries[i];

		if (e->repo.kind == w->repo->kind && !strcmp(e->repo.name, w->repo->name) && !strcmp(e->commit, name))
			return 0; /* a ref has it */
	}
	return add_entry(w->repo_dir, w->repo, name, name, w->out, w->copies, w->err);
}

int hub_cache_add_entries(const char *repo_dir, const struct repo_id *repo, struct lockfile *out, size_t *copies, struct err *err)
{
	AUTO_FREE char *refs = str_printf("%s/refs", repo_dir), *snapshots = str_printf("%s/snapshots", repo_dir);
	struct ref_walk w = {.repo_dir = repo_dir, .repo = repo, .out = out, .copies = copies, .err = err};
	int r;

	if (!refs || !snapshots)
		return -ENOMEM;
	w.root_len = strlen(refs) + 1;
	r = each_name(refs, on_ref, &w, err);
	return r < 0 ? r : each_name(snapshots, on_commit, &w, err);
}

/* --- writing --- */

static int copy_bytes(int from, int to, uint64_t size)
{
	AUTO_FREE char *bytes = malloc(COPY_BYTES);
	int r = bytes ? 0 : -ENOMEM;

	if (r == 0 && ioctl(to, FICLONE, from) == 0)
		return 0;
	for (uint64_t off = 0; r == 0 && off < size;) {
		size_t len = (size_t)min_u64(COPY_BYTES, size - off);

		r = io_pread(from, bytes, len, off);
		if (r == 0)
			r = io_pwrite(to, bytes, len, off);
		off += len;
	}
	return r;
}

/* Makes the directories of a file's path. */
static int make_parents(const char *path)
{
	AUTO_FREE char *dir = strdup(path);
	char *slash = dir ? strrchr(dir, '/') : NULL;

	if (!dir)
		return -ENOMEM;
	if (!slash)
		return 0;
	*slash = '\0';
	return io_make_dirs(dir, 0755);
}

/* Beside it, then renamed: what has the name is whole. */
static int write_blob(const char *path, const char *beside, int from, uint64_t size)
{
	AUTO_FD int fd = open(beside, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : copy_bytes(from, fd, size);

	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(beside); /* it may not even exist */
	return r;
}

int hub_cache_put_blob(const char *repo_dir, const struct blob_id *id, int fd, uint64_t size, struct err *err)
{
	char hex[BLOB_ID_HEX_MAX];
	AUTO_FREE char *path = NULL, *beside = NULL;
	struct stat st;
	int r;

	blob_id_format(id, hex);
	path = str_printf("%s/blobs/%s", repo_dir, hex);
	beside = str_printf("%s/blobs/%s.%ld.incomplete", repo_dir, hex, (long)getpid());
	if (!path || !beside)
		return err_set(err, -ENOMEM, "out of memory");
	if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size == size)
		return 0;
	r = make_parents(path);
	if (r == 0)
		r = write_blob(path, beside, fd, size);
	return r < 0 ? err_set(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

int hub_cache_put_link(const char *repo_dir, const char *commit, const char *path, const struct blob_id *id, struct err *err)
{
	char hex[BLOB_ID_HEX_MAX], now[PATH_MAX];
	AUTO_FREE char *full = str_printf("%s/snapshots/%s/%s", repo_dir, commit, path);
	AUTO_FREE char *beside = str_printf("%s/snapshots/%s/%s.%ld.tmp", repo_dir, commit, path, (long)getpid());
	AUTO_BUF target = {0};
	ssize_t n;
	int r;

	blob_id_format(id, hex);
	buf_adds(&target, "../../");
	for (const char *p = path; *p; p++)
		buf_adds(&target, *p == '/' ? "../" : "");
	buf_addf(&target, "blobs/%s", hex);
	if (!full || !beside || target.failed)
		return err_set(err, -ENOMEM, "out of memory");
	n = readlink(full, now, sizeof(now));
	if (n == (ssize_t)target.len && !memcmp(now, target.data, target.len))
		return 0;
	r = make_parents(full);
	if (r == 0 && (symlink(target.data, beside) < 0 || rename(beside, full) < 0)) {
		r = -errno;
		(void)unlink(beside); /* it may not even exist */
	}
	return r < 0 ? err_set(err, r, "cannot make the link %s: %s", full, strerror(-r)) : 0;
}

int hub_cache_put_ref(const char *repo_dir, const char *rev, const char *commit, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/refs/%s", repo_dir, rev);
	int r;

	if (!strcmp(rev, commit))
		return 0;
	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	r = make_parents(path);
	if (r == 0)
		r = io_replace_file(path, commit, strlen(commit), 0644);
	return r < 0 ? err_set(err, r, "cannot write %s: %s", path, strerror(-r)) : 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A plain folder as a repository. Its commit is a real git commit id over a real git tree, without author or time: the same
 * content is the same commit on every machine.
 */
#include "folder_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/name.h>
#include <hffs/utf8.h>

#include "hash_int.h"
#include "lfs_int.h"
#include "state_int.h"

#define SAVE_EVERY (8ull << 30)        /* bytes hashed between two savings of the state: a restart loses no more */
#define ATTRIBUTES_SIZE_MAX (64u << 10) /* a longer .gitattributes is read so far */

struct scan {
	const char *dir;
	int root;
	const atomic_bool *stop;
	struct listing *listing;
	struct attrs attrs;
};

/* The place inside the folder that a link leads to, caller frees; NULL if it leads out or nowhere. */
static char *resolve_link(const struct scan *s, const char *path, struct stat *st)
{
	AUTO_FREE char *full = str_printf("%s/%s", s->dir, path);
	AUTO_FREE char *real = full ? realpath(full, NULL) : NULL;
	size_t len = strlen(s->dir);
	AUTO_FD int fd = -1;

	if (!real || strncmp(real, s->dir, len) != 0 || real[len] != '/')
		return NULL;
	fd = hash_open_below(s->root, real + len + 1);
	if (fd < 0 || fstat(fd, st) < 0)
		return NULL;
	return strdup(real + len + 1);
}

static int add_file(struct scan *s, const char *path, const struct stat *st, char *target)
{
	struct entry *e = listing_add(s->listing, path, strlen(path));

	if (!e) {
		free(target);
		return -ENOMEM;
	}
	e->target = target;
	e->stamp = hash_stamp(st);
	e->size = e->stamp.size;
	e->is_lfs = e->size >= LFS_SIZE_MIN || (e->size > 0 && lfs_wants(&s->attrs, path));
	return 0;
}

static int scan_dir(struct scan *s, int fd, const char *path, unsigned depth);

static int scan_name(struct scan *s, int dir, const char *parent, const char *name, unsigned depth)
{
	AUTO_FREE char *path = *parent ? str_printf("%s/%s", parent, name) : strdup(name);
	struct stat st;
	int fd;

	if (!path)
		return -ENOMEM;
	if (!utf8_is_valid(name) || strlen(path) >= PATH_MAX || !strcmp(name, ".git") || !strcmp(path, ".cache/huggingface"))
		return 0;
	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0; /* gone meanwhile */
	if (S_ISREG(st.st_mode))
		return add_file(s, path, &st, NULL);
	if (S_ISLNK(st.st_mode)) {
		char *target = resolve_link(s, path, &st);

		return target ? add_file(s, path, &st, target) : 0;
	}
	if (!S_ISDIR(st.st_mode) || depth >= NAME_DEPTH_MAX)
		return 0;
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? 0 : scan_dir(s, fd, path, depth + 1);
}

/* Takes fd. */
static int scan_dir(struct scan *s, int fd, const char *path, unsigned depth)
{
	DIR *d = fdopendir(fd);
	struct dirent *de;
	int r = 0;

	if (!d) {
		(void)close(fd); /* opened for reading */
		return -ENOMEM;
	}
	while (r == 0 && (de = readdir(d)))
		if (name_is_safe(de->d_name, strlen(de->d_name)))
			r = scan_name(s, fd, path, de->d_name, depth);
	(void)closedir(d); /* opened for reading */
	return r;
}

static void read_attributes(struct scan *s)
{
	AUTO_FREE char *text = malloc(ATTRIBUTES_SIZE_MAX);
	AUTO_FD int fd = hash_open_below(s->root, ".gitattributes");
	ssize_t n = fd < 0 || !text ? -1 : pread(fd, text, ATTRIBUTES_SIZE_MAX, 0);

	if (n > 0)
		(void)attrs_parse(text, (size_t)n, &s->attrs); /* out of memory: the usual endings */
}

/* Takes the digests of the same file, unchanged, out of the listing before. */
static bool copy_digest(const struct listing *prev, struct entry *e)
{
	const struct entry *old = prev ? listing_find(prev, e->path) : NULL;

	if (!old || old->is_dir || !old->is_settled || old->is_lfs != e->is_lfs || memcmp(&old->stamp, &e->stamp, sizeof(e->stamp)) != 0)
		return false;
	memcpy(e->oid, old->oid, sizeof(e->oid));
	memcpy(e->sha256, old->sha256, sizeof(e->sha256));
	e->is_hashed = e->is_settled = true;
	return true;
}

/* Hashes what has no digest yet, in portions, and saves the state after each. */
static int hash_missing(struct scan *s, const char *state_dir)
{
	AUTO_FREE struct entry **pending = calloc(s->listing->nr + 1, sizeof(*pending));
	uint64_t bytes = 0;
	size_t nr = 0;

	if (!pending)
		return -ENOMEM;
	for (size_t i = 0; i < s->listing->nr; i++) {
		struct entry *e = &s->listing->entries[i];

		if (e->is_hashed)
			continue;
		pending[nr++] = e;
		bytes += e->size;
		if (bytes < SAVE_EVERY)
			continue;
		hash_entries(s->root, pending, nr, s->stop);
		state_store(state_dir, s->dir, s->listing);
		nr = 0;
		bytes = 0;
	}
	if (nr == 0)
		return 0;
	hash_entries(s->root, pending, nr, s->stop);
	state_store(state_dir, s->dir, s->listing);
	return *s->stop ? -ECANCELED : 0;
}

/* Digests from the listing before, else from the state on disk, else from the bytes. */
static int fill_digests(struct scan *s, const char *state_dir, const struct listing *prev)
{
	AUTO(state_free) struct state *state = prev ? NULL : state_load(state_dir, s->dir);

	for (size_t i = 0; i < s->listing->nr; i++) {
		struct entry *e = &s->listing->entries[i];

		if (!copy_digest(prev, e) && state_find(state, e))
			e->is_hashed = e->is_settled = true;
	}
	return hash_missing(s, state_dir);
}

/* A file that could not be hashed is changing or unreadable: this state of the folder is without it. */
static void drop_unhashed(struct listing *l)
{
	size_t nr = 0;

	for (size_t i = 0; i < l->nr; i++) {
		if (l->entries[i].is_hashed) {
			l->entries[nr++] = l->entries[i];
			continue;
		}
		free(l->entries[i].path);
		free(l->entries[i].target);
	}
	l->nr = nr;
}

static int make_pointer_ids(struct listing *l)
{
	for (size_t i = 0; i < l->nr; i++) {
		struct entry *e = &l->entries[i];

		if (e->is_lfs && lfs_pointer_id(e->sha256, e->size, e->oid) < 0)
			return -EIO;
	}
	return 0;
}

static int make_commit(struct listing *l)
{
	char tree[41], text[256], object[300];
	uint8_t commit[20];
	size_t len, head;

	for (size_t i = 0; i < l->nr; i++)
		if (!l->entries[i].is_dir && l->entries[i].stamp.mtime_ns / 1000000000 > l->date_s)
			l->date_s = l->entries[i].stamp.mtime_ns / 1000000000;
	hex_format(l->tree, 20, tree);
	len = (size_t)snprintf(text, sizeof(text),
			       "tree %s\nauthor hffs <> 0 +0000\ncommitter hffs <> 0 +0000\n\nA folder as it is\n", tree);
	head = (size_t)snprintf(object, sizeof(object), "commit %zu", len) + 1;
	memcpy(object + head, text, len);
	if (digest_sha1(object, head + len, commit) < 0)
		return -EIO;
	listing_set_commit(l, commit);
	return 0;
}

static int scan_all(struct scan *s, const char *state_dir, const struct listing *prev)
{
	int fd = openat(s->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t start = clock_mono_ms();
	int r = fd < 0 ? -errno : 0;

	if (r == 0)
		read_attributes(s);
	if (r == 0)
		r = scan_dir(s, fd, "", 0);
	s->listing->walk_ms = clock_mono_ms() - start;
	if (r == 0)
		r = fill_digests(s, state_dir, prev);
	if (r < 0)
		return r;
	drop_unhashed(s->listing);
	r = make_pointer_ids(s->listing);
	if (r == 0)
		r = listing_add_dirs(s->listing);
	if (r == 0)
		r = listing_finish(s->listing);
	if (r == 0)
		r = listing_make_trees(s->listing);
	return r < 0 ? r : make_commit(s->listing);
}

int folder_scan(const char *dir, const char *state_dir, const atomic_bool *stop, const struct listing *prev, struct listing **out,
		struct err *err)
{
	AUTO(listing_unref) struct listing *l = listing_new();
	AUTO_FD int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct scan s = {.dir = dir, .root = root, .stop = stop, .listing = l};
	int r;

	if (root < 0)
		return err_set(err, -errno, "cannot open the folder %s", dir);
	if (!l)
		return -ENOMEM;
	r = scan_all(&s, state_dir, prev);
	attrs_done(&s.attrs);
	if (r < 0)
		return err_set(err, r, "cannot list the folder %s", dir);
	*out = TAKE(l);
	return 0;
}

int folder_open(const char *dir, const struct entry *e)
{
	AUTO_FD int root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO_FD int fd = root < 0 ? -errno : hash_open_below(root, e->target ? e->target : e->path);
	struct stamp now;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	now = hash_stamp(&st);
	return memcmp(&now, &e->stamp, sizeof(now)) == 0 ? take_fd(&fd) : -ESTALE;
}

// SPDX-License-Identifier: Apache-2.0
/* Lists of paths for ls and pull. */
#include "listing_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/filter.h>

/* Takes over the path. */
static int add_entry(struct listing *l, char *path, uint64_t size, const struct blob_id *id, bool is_dir)
{
	if (!path)
		return -ENOMEM;
	if (l->nr == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct listing_entry *more = reallocarray(l->entries, cap, sizeof(*more));

		if (!more) {
			free(path);
			return -ENOMEM;
		}
		l->entries = more;
		l->cap = cap;
	}
	l->entries[l->nr] = (struct listing_entry){.path = path, .size = size, .is_dir = is_dir};
	if (id)
		l->entries[l->nr].id = *id;
	l->nr++;
	return 0;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct listing_entry *)a)->path, ((const struct listing_entry *)b)->path);
}

static void sort_entries(struct listing *l)
{
	if (l->nr)
		qsort(l->entries, l->nr, sizeof(l->entries[0]), compare_entries);
}

/* --- from a tree --- */

static int add_of_tree(struct listing *l, const struct tree *t, const struct tree_entry *e)
{
	AUTO_BUF path = {0};

	tree_path(t, e, &path);
	return add_entry(l, buf_take(&path), e->size, e->type == ENTRY_FILE ? &e->id : NULL, e->type == ENTRY_DIR);
}

static bool is_inside(const struct tree *t, const struct tree_entry *e, uint32_t dir)
{
	while (e->parent != dir) {
		if (e->parent == 0)
			return false;
		e = tree_entry(t, e->parent);
	}
	return true;
}

int listing_from_tree(struct listing *l, const struct tree *t, const char *below, bool recursive, struct err *err)
{
	const struct tree_entry *top = *below ? tree_find_path(t, below) : tree_entry(t, 0);
	int r = 0;

	if (!top)
		return err_set(err, -ENOENT, "there is no '%s'", below);
	if (top->type == ENTRY_FILE)
		return add_of_tree(l, t, top);
	if (recursive)
		for (uint32_t i = 1; r == 0 && i < tree_nr(t); i++)
			r = is_inside(t, tree_entry(t, i), tree_idx(t, top)) ? add_of_tree(l, t, tree_entry(t, i)) : 0;
	else
		for (uint32_t i = 0; r == 0 && i < top->nr; i++)
			r = add_of_tree(l, t, tree_entry(t, top->first + i));
	sort_entries(l);
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

/* --- from a directory --- */

static int add_dir(struct listing *l, int parent_fd, const char *name, const char *prefix, bool recursive, struct err *err);

static int add_child(struct listing *l, int dir_fd, const char *name, const char *prefix, bool recursive, struct err *err)
{
	AUTO_FREE char *path = *prefix ? str_printf("%s/%s", prefix, name) : strdup(name);
	bool is_dir;
	struct stat st;
	int r;

	if (!path)
		return err_set(err, -ENOMEM, "out of memory");
	if (fstatat(dir_fd, name, &st, 0) < 0)
		return err_set(err, -errno, "cannot look at %s: %s", path, strerror(errno));
	is_dir = S_ISDIR(st.st_mode);
	r = add_entry(l, strdup(path), is_dir ? 0 : (uint64_t)st.st_size, NULL, is_dir);
	if (r < 0)
		return err_set(err, r, "out of memory");
	return is_dir && recursive ? add_dir(l, dir_fd, name, path, true, err) : 0;
}

static int add_dir(struct listing *l, int parent_fd, const char *name, const char *prefix, bool recursive, struct err *err)
{
	AUTO_FD int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *e;
	DIR *dir;
	int r = 0;

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_set(err, -errno, "cannot list %s: %s", *prefix ? prefix : name, strerror(errno));
	fd = -1; /* the stream's now */
	while (r == 0 && (errno = 0, e = readdir(dir)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			r = add_child(l, dirfd(dir), e->d_name, prefix, recursive, err);
	if (r == 0 && errno)
		r = err_set(err, -errno, "cannot list %s: %s", *prefix ? prefix : name, strerror(errno));
	(void)closedir(dir);
	return r;
}

int listing_from_dir(struct listing *l, const char *dir, const char *below, bool recursive, struct err *err)
{
	AUTO_FREE char *top = *below ? str_printf("%s/%s", dir, below) : strdup(dir);
	struct stat st;
	int r;

	if (!top)
		return err_set(err, -ENOMEM, "out of memory");
	if (stat(top, &st) < 0)
		return err_set(err, -errno, "%s: %s", top, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		r = add_entry(l, strdup(below), (uint64_t)st.st_size, NULL, false);
		return r < 0 ? err_set(err, r, "out of memory") : 0;
	}
	r = add_dir(l, AT_FDCWD, top, below, recursive, err);
	sort_entries(l);
	return r;
}

/* --- both --- */

void listing_keep_files(struct listing *l, char *const *patterns, size_t nr)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->nr; i++) {
		struct listing_entry *e = &l->entries[i];
		bool keep = nr == 0;

		for (size_t p = 0; p < nr && !keep; p++)
			keep = pattern_matches(patterns[p], e->path);
		if (keep && !e->is_dir)
			l->entries[kept++] = *e;
		else
			free(e->path);
	}
	l->nr = kept;
}

int listing_take(struct listing *l, struct listing *from)
{
	struct listing_entry *more = reallocarray(l->entries, l->nr + from->nr + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	if (from->nr)
		memcpy(more + l->nr, from->entries, from->nr * sizeof(*more));
	l->entries = more;
	l->nr += from->nr;
	l->cap = l->nr + 1;
	from->nr = 0;
	return 0;
}

uint64_t listing_bytes(const struct listing *l)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < l->nr; i++)
		bytes += l->entries[i].size;
	return bytes;
}

void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->entries[i].path);
	free(l->entries);
	*l = (struct listing){0};
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The files of one commit. Entries are sorted so that a directory stands directly before everything in it; a directory knows
 * where its content ends, so one level is walked without looking at what lies deeper, and a page starts by binary search.
 */
#include "listing_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/digest.h>

struct listing *listing_new(void)
{
	struct listing *l = calloc(1, sizeof(*l));

	if (l)
		l->refs = 1;
	return l;
}

struct listing *listing_ref(struct listing *l)
{
	atomic_fetch_add(&l->refs, 1);
	return l;
}

void listing_unref(struct listing *l)
{
	if (!l || atomic_fetch_sub(&l->refs, 1) > 1)
		return;
	for (size_t i = 0; i < l->nr; i++) {
		free(l->entries[i].path);
		free(l->entries[i].target);
	}
	free(l->entries);
	map_done(&l->by_sha256);
	free(l);
}

struct entry *listing_add(struct listing *l, const char *path, size_t len)
{
	struct entry *e;

	if (l->nr == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 64;

		e = reallocarray(l->entries, cap, sizeof(*e));
		if (!e)
			return NULL;
		l->entries = e;
		l->cap = cap;
	}
	e = &l->entries[l->nr];
	memset(e, 0, sizeof(*e));
	e->path = strndup(path, len);
	if (!e->path)
		return NULL;
	l->nr++;
	return e;
}

static int rank(char c)
{
	return c == '\0' ? 0 : c == '/' ? 1 : (unsigned char)c + 1;
}

int listing_compare(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return rank(*a) - rank(*b);
}

static int compare_entries(const void *a, const void *b)
{
	return listing_compare(((const struct entry *)a)->path, ((const struct entry *)b)->path);
}

static bool is_inside(const char *dir, size_t dir_len, const char *path)
{
	return !strncmp(path, dir, dir_len) && path[dir_len] == '/';
}

static void sort(struct listing *l)
{
	if (l->nr)
		qsort(l->entries, l->nr, sizeof(*l->entries), compare_entries);
}

int listing_add_dirs(struct listing *l)
{
	size_t files = l->nr;

	sort(l);
	for (size_t i = 0; i < files; i++) {
		const char *path = l->entries[i].path;

		for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
			size_t len = (size_t)(slash - path);
			struct entry *dir;

			if (i && is_inside(path, len, l->entries[i - 1].path))
				continue;
			dir = listing_add(l, path, len);
			if (!dir)
				return -ENOMEM;
			dir->is_dir = true;
		}
	}
	return 0;
}

int listing_finish(struct listing *l)
{
	sort(l);
	for (size_t i = l->nr; i-- > 0;) {
		struct entry *e = &l->entries[i];
		size_t len = strlen(e->path);

		e->end = i + 1;
		while (e->is_dir && e->end < l->nr && is_inside(e->path, len, l->entries[e->end].path))
			e->end = l->entries[e->end].end;
		if (!e->is_dir)
			l->size += e->size;
		if (e->is_lfs && map_put(&l->by_sha256, e->sha256, 32, e) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* git sorts a tree as if directory names ended in a slash. [git, tree.c: base_name_compare] */
static int compare_in_tree(const void *a, const void *b)
{
	const struct entry *const *x = a, *const *y = b;
	const char *p = (*x)->path, *q = (*y)->path;

	while (*p && *p == *q) {
		p++;
		q++;
	}
	return (unsigned char)(*p || !(*x)->is_dir ? *p : '/') - (unsigned char)(*q || !(*y)->is_dir ? *q : '/');
}

static int make_tree(const struct listing *l, size_t first, size_t end, uint8_t out[20])
{
	AUTO_FREE const struct entry **children = NULL;
	AUTO_BUF body = {0}, object = {0};
	size_t nr = 0;

	children = calloc(end - first + 1, sizeof(void *));
	if (!children)
		return -ENOMEM;
	for (size_t i = first; i < end; i = l->entries[i].end)
		children[nr++] = &l->entries[i];
	qsort(children, nr, sizeof(void *), compare_in_tree);
	for (size_t i = 0; i < nr; i++) {
		const char *slash = strrchr(children[i]->path, '/');

		buf_addf(&body, "%s %s", children[i]->is_dir ? "40000" : "100644", slash ? slash + 1 : children[i]->path);
		buf_addc(&body, '\0');
		buf_add(&body, children[i]->oid, 20);
	}
	buf_addf(&object, "tree %zu", body.len);
	buf_addc(&object, '\0');
	buf_add(&object, body.data, body.len);
	if (body.failed || object.failed)
		return -ENOMEM;
	return digest_sha1(object.data, object.len, out);
}

int listing_make_trees(struct listing *l)
{
	/* Backwards, so that what is in a directory has its id before the directory. */
	for (size_t i = l->nr; i-- > 0;) {
		struct entry *e = &l->entries[i];
		int r = e->is_dir ? make_tree(l, i + 1, e->end, e->oid) : 0;

		if (r < 0)
			return r;
	}
	return make_tree(l, 0, l->nr, l->tree);
}

void listing_set_commit(struct listing *l, const uint8_t commit[20])
{
	memcpy(l->commit, commit, 20);
	hex_format(commit, 20, l->commit_hex);
}

size_t listing_after(const struct listing *l, const char *path)
{
	size_t lo = 0, hi = l->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (listing_compare(l->entries[mid].path, path) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct entry *listing_find(const struct listing *l, const char *path)
{
	size_t i = listing_after(l, path);

	return i && !strcmp(l->entries[i - 1].path, path) ? &l->entries[i - 1] : NULL;
}

const struct entry *listing_find_sha256(const struct listing *l, const uint8_t sha256[32])
{
	return map_find(&l->by_sha256, sha256, 32);
}

int walk_init(struct walk *w, const struct listing *l, const char *dir, bool recursive, const char *cursor)
{
	*w = (struct walk){.listing = l, .end = l->nr, .recursive = recursive};
	if (*dir) {
		const struct entry *e = listing_find(l, dir);

		if (!e || !e->is_dir)
			return -ENOENT;
		w->i = (size_t)(e - l->entries) + 1;
		w->end = e->end;
	}
	if (*cursor) {
		const struct entry *last = recursive ? NULL : listing_find(l, cursor);
		size_t i = last ? last->end : listing_after(l, cursor);

		w->i = i > w->i ? i : w->i;
	}
	return 0;
}

const struct entry *walk_next(struct walk *w)
{
	const struct entry *e;

	if (w->i >= w->end)
		return NULL;
	e = &w->listing->entries[w->i];
	w->i = w->recursive ? w->i + 1 : e->end;
	return e;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A git repository: commits to listings, and the bytes of its files. Listings are kept by commit, the most recently used
 * first; they never change.
 */
#include "git_int.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/name.h>
#include <hffs/thread.h>
#include <hffs/utf8.h>

#include "child_int.h"
#include "lfs_int.h"
#include "objects_int.h"
#include "ref_cache_int.h"

#define LISTINGS_MAX 64
#define RECORD_MAX 16384      /* one line of git's own output */
#define POINTER_MIN 100       /* no pointer is shorter: version, oid and size lines */

struct git {
	char *dir; /* the git directory itself */
	struct objects *objects;
	struct ref_cache refs;
	pthread_mutex_t build_lock; /* one listing is built at a time */
	pthread_mutex_t lock;
	struct listing *listings[LISTINGS_MAX]; /* most recently used first */
	size_t nr_listings;
};

static bool exists(const char *dir, const char *name, mode_t type)
{
	AUTO_FREE char *path = str_printf("%s/%s", dir, name);
	struct stat st;

	return path && stat(path, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

static bool is_git_dir(const char *dir)
{
	return exists(dir, "HEAD", S_IFREG) && exists(dir, "objects", S_IFDIR) && exists(dir, "refs", S_IFDIR);
}

/* The git directory of dir, caller frees; NULL if there is none. */
static char *find_git_dir(const char *dir)
{
	AUTO_FREE char *inner = str_printf("%s/.git", dir);

	if (inner && is_git_dir(inner))
		return TAKE(inner);
	return is_git_dir(dir) ? strdup(dir) : NULL;
}

bool git_is_repo(const char *dir)
{
	AUTO_FREE char *found = find_git_dir(dir);

	return found != NULL;
}

struct git *git_new(const char *dir)
{
	AUTO(git_free) struct git *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	pthread_mutex_init(&g->build_lock, NULL);
	pthread_mutex_init(&g->lock, NULL);
	g->dir = find_git_dir(dir);
	g->objects = g->dir ? objects_new(g->dir) : NULL;
	ref_cache_init(&g->refs, g->dir, g->objects);
	return g->objects ? TAKE(g) : NULL;
}

void git_free(struct git *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->nr_listings; i++)
		listing_unref(g->listings[i]);
	ref_cache_done(&g->refs);
	objects_free(g->objects);
	pthread_mutex_destroy(&g->lock);
	pthread_mutex_destroy(&g->build_lock);
	free(g->dir);
	free(g);
}

/* Moves the kept listing to the front. */
static struct listing *find_listing(struct git *g, const char *commit)
{
	LOCK_SCOPE(&g->lock);

	for (size_t i = 0; i < g->nr_listings; i++) {
		struct listing *l = g->listings[i];

		if (strcmp(l->commit_hex, commit) != 0)
			continue;
		memmove(&g->listings[1], &g->listings[0], i * sizeof(l));
		g->listings[0] = l;
		return listing_ref(l);
	}
	return NULL;
}

static void keep_listing(struct git *g, struct listing *l)
{
	LOCK_SCOPE(&g->lock);

	if (g->nr_listings == LISTINGS_MAX)
		listing_unref(g->listings[--g->nr_listings]);
	memmove(&g->listings[1], &g->listings[0], g->nr_listings * sizeof(l));
	g->listings[0] = listing_ref(l);
	g->nr_listings++;
}

/* "mode SP type SP id SP size TAB path" of ls-tree -l. What is neither blob nor tree (a submodule) is not shown. */
static int parse_tree_line(const char *line, struct listing *l)
{
	char type[16], id[65], size[24];
	const char *path = strchr(line, '\t');
	struct entry *e;
	bool is_dir;

	if (!path || sscanf(line, "%*o %15s %64[0-9a-f] %23s", type, id, size) != 3)
		return -EBADMSG;
	path++;
	is_dir = !strcmp(type, "tree");
	if ((!is_dir && strcmp(type, "blob") != 0) || !utf8_is_valid(path) || !name_is_safe_path(path, strlen(path)))
		return 0;
	e = listing_add(l, path, strlen(path));
	if (!e)
		return -ENOMEM;
	e->is_dir = is_dir;
	e->size = is_dir ? 0 : strtoull(size, NULL, 10);
	return strlen(id) == 40 ? hex_parse(id, 40, e->oid) : -ENOTSUP;
}

static int load_tree(struct git *g, const char *commit, struct listing *l)
{
	const char *args[] = {"ls-tree", "-r", "-t", "-l", "-z", "--full-tree", commit, NULL};
	struct child c = CHILD_NONE;
	AUTO_BUF line = {0};
	int r = child_start(g->dir, args, false, &c);

	if (r < 0)
		return r;
	while ((r = child_read_until(&c, '\0', RECORD_MAX, &line)) == 0) {
		r = parse_tree_line(line.data, l);
		if (r < 0)
			break;
		buf_clear(&line);
	}
	if (child_end(&c) != 0 || r != -ENODATA)
		return r == -ENODATA ? -EIO : r;
	return 0;
}

/* Small blobs that are LFS pointers become the files they stand for. */
static int read_pointers(struct git *g, struct listing *l)
{
	AUTO_BUF text = {0};

	for (size_t i = 0; i < l->nr; i++) {
		struct entry *e = &l->entries[i];
		int r;

		if (e->is_dir || e->size < POINTER_MIN || e->size > LFS_POINTER_MAX)
			continue;
		buf_clear(&text);
		r = git_read_blob(g, e->oid, &text);
		if (r < 0)
			return r;
		e->is_lfs = lfs_parse_pointer(text.data, text.len, e->sha256, &e->size);
	}
	return 0;
}

static int build_listing(struct git *g, const char *commit, struct listing **out)
{
	AUTO(listing_unref) struct listing *l = listing_new();
	char id[41];
	uint8_t bytes[20];
	int r;

	if (!l)
		return -ENOMEM;
	r = objects_find_commit(g->objects, commit, id, &l->date_s);
	if (r < 0)
		return r;
	if (strcmp(id, commit) != 0 || hex_parse(commit, 40, bytes) < 0)
		return -ENOENT; /* the id of a tag object */
	listing_set_commit(l, bytes);
	r = load_tree(g, commit, l);
	if (r == 0)
		r = read_pointers(g, l);
	if (r == 0)
		r = listing_finish(l);
	if (r < 0)
		return r;
	*out = TAKE(l);
	return 0;
}

int git_listing(struct git *g, const char *rev, struct listing **out, struct err *err)
{
	char commit[41];
	struct listing *l;
	int r = ref_cache_resolve(&g->refs, rev, commit, err);

	if (r < 0)
		return r;
	l = find_listing(g, commit);
	if (!l) {
		LOCK_SCOPE(&g->build_lock);

		l = find_listing(g, commit); /* who held the lock may have built it */
		r = l ? 0 : build_listing(g, commit, &l);
		if (r == -ENOENT)
			return r;
		if (r < 0)
			return err_set(err, r, "git cannot list commit %s of %s", commit, g->dir);
		keep_listing(g, l);
	}
	*out = l;
	return 0;
}

struct listing *git_find_content(struct git *g, const uint8_t sha256[32], const struct entry **e)
{
	LOCK_SCOPE(&g->lock);

	for (size_t i = 0; i < g->nr_listings; i++) {
		*e = listing_find_sha256(g->listings[i], sha256);
		if (*e)
			return listing_ref(g->listings[i]);
	}
	return NULL;
}

int git_read_blob(struct git *g, const uint8_t oid[20], struct buf *out)
{
	char name[41], id[41], type[16];

	hex_format(oid, 20, name);
	return objects_read(g->objects, name, id, type, out);
}

int git_open_lfs(struct git *g, const uint8_t sha256[32], uint64_t size)
{
	AUTO_FREE char *path = NULL;
	AUTO_FD int fd = -1;
	struct stat st;
	char hex[65];

	hex_format(sha256, 32, hex);
	path = str_printf("%s/lfs/objects/%.2s/%.2s/%s", g->dir, hex, hex + 2, hex);
	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (uint64_t)st.st_size != size)
		return -ENOENT;
	return take_fd(&fd);
}

int git_refs(struct git *g, struct refs *out, struct err *err)
{
	return ref_cache_get(&g->refs, out, err);
}

const char *git_dir(const struct git *g)
{
	return g->dir;
}

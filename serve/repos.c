// SPDX-License-Identifier: Apache-2.0
/*
 * The repositories below the served directory. A name reaches the disk only after name_is_repo_part(), so it is one safe
 * component. A directory that is replaced by another becomes a new repository; the old object stays for requests that have it.
 */
#include "repo_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <hffs/digest.h>
#include <hffs/name.h>
#include <hffs/thread.h>

#include "route_int.h"

struct slot {
	struct repo repo;
	char *key; /* kind and id */
	dev_t dev;
	ino_t ino;
	bool is_git;
	struct slot *next; /* all that ever were */
};

struct repos {
	char *dir, *state_dir;
	const struct serve_source *source; /* of what dir has not, or (dir NULL) of all; may be NULL */
	atomic_bool stop;
	pthread_mutex_t lock;
	struct map by_key, by_db_id;
	struct slot *all;
};

int repos_open(const char *dir, const struct serve_source *source, const char *state_dir, struct repos **out, struct err *err)
{
	AUTO(repos_close) struct repos *rs = calloc(1, sizeof(*rs));
	struct stat st;

	if (!rs)
		return -ENOMEM;
	pthread_mutex_init(&rs->lock, NULL);
	rs->source = source;
	if (!dir) {
		*out = TAKE(rs);
		return 0;
	}
	rs->dir = realpath(dir, NULL);
	if (!rs->dir)
		return err_set(err, -errno, "the directory to serve, %s, cannot be opened: %s", dir, strerror(errno));
	if (stat(rs->dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "%s is not a directory", dir);
	rs->state_dir = state_dir ? strdup(state_dir) : NULL;
	if (state_dir && !rs->state_dir)
		return -ENOMEM;
	*out = TAKE(rs);
	return 0;
}

void repos_stop(struct repos *rs)
{
	rs->stop = true;
}

static void slot_free(struct slot *s)
{
	git_free(s->repo.git);
	live_free(s->repo.live);
	stock_free(s->repo.stock);
	free(s->repo.id);
	free(s->repo.dir);
	free(s->key);
	free(s);
}
AUTO_DEFINE(struct slot *, slot_free)

void repos_close(struct repos *rs)
{
	if (!rs)
		return;
	while (rs->all) {
		struct slot *s = rs->all;

		rs->all = s->next;
		slot_free(s);
	}
	map_done(&rs->by_key);
	map_done(&rs->by_db_id);
	pthread_mutex_destroy(&rs->lock);
	free(rs->dir);
	free(rs->state_dir);
	free(rs);
}

/* The directory that holds the organisations of a kind, caller frees. */
static char *kind_dir(const struct repos *rs, enum repo_kind kind)
{
	return kind == REPO_MODEL ? strdup(rs->dir) : str_printf("%s/%s", rs->dir, route_collection(kind));
}

/* First parts of paths that mean something else, so they are no organisations of models. */
static bool is_reserved(enum repo_kind kind, const char *name)
{
	static const char *const words[] = {"api", "buckets", "cdn", "datasets", "kernels", "models", "spaces"};

	for (size_t i = 0; kind == REPO_MODEL && i < ARRAY_SIZE(words); i++)
		if (!strcasecmp(name, words[i]))
			return true;
	return false;
}

/* Has the directory regular files of its own, other than hidden ones? */
static bool holds_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	bool found = false;

	if (!d)
		return false;
	while (!found && (de = readdir(d))) {
		struct stat st;

		found = de->d_name[0] != '.' && fstatat(dirfd(d), de->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
	}
	(void)closedir(d); /* opened for reading */
	return found;
}

/* A name without organisation is a repository only if it looks like one itself. */
static bool is_repo_dir(const char *dir, const char *id)
{
	return strchr(id, '/') ? true : git_is_repo(dir) || holds_files(dir);
}

/* The entry of dir that equals name but for case; false if there is none. */
static bool find_spelling(const char *dir, const char *name, char *out, size_t size)
{
	DIR *d = opendir(dir);
	struct dirent *de;
	bool found = false;

	if (!d)
		return false;
	while (!found && (de = readdir(d)))
		if (!strcasecmp(de->d_name, name) && strlen(de->d_name) < size) {
			memcpy(out, de->d_name, strlen(de->d_name) + 1);
			found = true;
		}
	(void)closedir(d); /* opened for reading */
	return found;
}

static int find_canonical(const char *root, const char *id, char canonical[ROUTE_ID_MAX])
{
	char part[ROUTE_ID_MAX], org[ROUTE_ID_MAX], name[ROUTE_ID_MAX];
	const char *slash = strchr(id, '/');
	AUTO_FREE char *dir = NULL;
	struct stat st;

	snprintf(part, sizeof(part), "%.*s", (int)strcspn(id, "/"), id);
	if (!find_spelling(root, part, org, sizeof(org)))
		return -ENOENT;
	if (!slash) {
		snprintf(canonical, ROUTE_ID_MAX, "%s", org);
	} else {
		dir = str_printf("%s/%s", root, org);
		if (!dir || !find_spelling(dir, slash + 1, name, sizeof(name)) ||
		    snprintf(canonical, ROUTE_ID_MAX, "%s/%s", org, name) >= ROUTE_ID_MAX)
			return -ENOENT;
	}
	free(dir);
	dir = str_printf("%s/%s", root, canonical);
	if (!dir || stat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || !is_repo_dir(dir, canonical) || !strcmp(id, canonical))
		return -ENOENT;
	return -EXDEV;
}

static void make_db_id(enum repo_kind kind, const char *id, char out[25])
{
	AUTO_FREE char *text = str_printf("%s/%s", route_collection(kind), id);
	uint8_t sha[20] = {0};

	if (text)
		(void)digest_sha1(text, strlen(text), sha); /* cannot fail on memory; zeros would still be an id */
	hex_format(sha, 12, out);
}

static struct slot *slot_of_source(const struct repos *rs, enum repo_kind kind, const char *id)
{
	AUTO(slot_free) struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->repo.kind = kind;
	s->repo.id = strdup(id);
	s->key = str_printf("%s/%s", route_collection(kind), id);
	s->repo.stock = stock_new(rs->source, route_collection(kind), id);
	make_db_id(kind, id, s->repo.db_id);
	return s->repo.id && s->key && s->repo.stock ? TAKE(s) : NULL;
}

static struct slot *slot_new(const struct repos *rs, enum repo_kind kind, const char *id, const char *dir, const struct stat *st)
{
	AUTO(slot_free) struct slot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->repo.kind = kind;
	s->repo.id = strdup(id);
	s->repo.dir = realpath(dir, NULL);
	s->key = str_printf("%s/%s", route_collection(kind), id);
	s->dev = st->st_dev;
	s->ino = st->st_ino;
	s->is_git = git_is_repo(dir);
	if (!s->repo.id || !s->repo.dir || !s->key)
		return NULL;
	make_db_id(kind, id, s->repo.db_id);
	if (s->is_git)
		s->repo.git = git_new(s->repo.dir);
	else
		s->repo.live = live_new(s->repo.dir, rs->state_dir, &rs->stop);
	return s->repo.git || s->repo.live ? TAKE(s) : NULL;
}

static struct slot *find_slot(struct repos *rs, const char *key, const struct stat *st, bool is_git)
{
	struct slot *s;
	LOCK_SCOPE(&rs->lock);

	s = map_find(&rs->by_key, key, strlen(key));
	return s && s->dev == st->st_dev && s->ino == st->st_ino && s->is_git == is_git ? s : NULL;
}

/* Two requests may both have made a slot: the later one replaces the earlier, which stays for who has it. */
static int add_slot(struct repos *rs, struct slot *s)
{
	LOCK_SCOPE(&rs->lock);

	s->next = rs->all;
	rs->all = s;
	if (map_put(&rs->by_key, s->key, strlen(s->key), s) < 0 || map_put(&rs->by_db_id, s->repo.db_id, 24, s) < 0)
		return -ENOMEM;
	return 0;
}

static int find_in_source(struct repos *rs, enum repo_kind kind, const char *id, struct repo **out)
{
	AUTO_FREE char *key = str_printf("%s/%s", route_collection(kind), id);
	static const struct stat none;
	struct slot *s;
	int r = key ? rs->source->find(rs->source->ctx, route_collection(kind), id) : -ENOMEM;

	if (r < 0)
		return r;
	s = find_slot(rs, key, &none, false);
	if (!s) {
		s = slot_of_source(rs, kind, id);
		r = s ? add_slot(rs, s) : -ENOMEM;
	}
	if (r == 0)
		*out = &s->repo;
	return r;
}

static int find_in_dir(struct repos *rs, enum repo_kind kind, const char *id, struct repo **out, char canonical[ROUTE_ID_MAX])
{
	AUTO_FREE char *root = kind_dir(rs, kind), *dir = root ? str_printf("%s/%s", root, id) : NULL;
	AUTO_FREE char *key = str_printf("%s/%s", route_collection(kind), id);
	char org[ROUTE_ID_MAX];
	struct slot *s;
	struct stat st;
	int r;

	if (!dir || !key)
		return -ENOMEM;
	snprintf(org, sizeof(org), "%.*s", (int)strcspn(id, "/"), id);
	if (is_reserved(kind, org))
		return -ENOENT;
	if (stat(dir, &st) < 0 || !S_ISDIR(st.st_mode) || !is_repo_dir(dir, id))
		return find_canonical(root, id, canonical);
	s = find_slot(rs, key, &st, git_is_repo(dir));
	if (!s) {
		s = slot_new(rs, kind, id, dir, &st);
		r = s ? add_slot(rs, s) : -ENOMEM;
		if (r < 0)
			return r;
	}
	*out = &s->repo;
	return 0;
}

int repos_find(struct repos *rs, enum repo_kind kind, const char *id, struct repo **out, char canonical[ROUTE_ID_MAX])
{
	int r = rs->dir ? find_in_dir(rs, kind, id, out, canonical) : -ENOENT;

	return r == -ENOENT && rs->source ? find_in_source(rs, kind, id, out) : r;
}

struct repo *repos_find_db_id(struct repos *rs, const char *db_id)
{
	struct slot *s;
	LOCK_SCOPE(&rs->lock);

	s = strlen(db_id) == 24 ? map_find(&rs->by_db_id, db_id, 24) : NULL;
	return s ? &s->repo : NULL;
}

/* Ids being collected. */
struct ids {
	char **list;
	size_t nr, cap;
};

static int ids_add(struct ids *ids, char *id)
{
	if (!id)
		return -ENOMEM;
	if (ids->nr == ids->cap) {
		char **more = reallocarray(ids->list, ids->cap ? ids->cap * 2 : 64, sizeof(*more));

		if (!more) {
			free(id);
			return -ENOMEM;
		}
		ids->list = more;
		ids->cap = ids->cap ? ids->cap * 2 : 64;
	}
	ids->list[ids->nr++] = id;
	return 0;
}

/* Adds "org/name" for each directory in root/org. */
static int list_org(const char *root, const char *org, struct ids *ids)
{
	AUTO_FREE char *dir = str_printf("%s/%s", root, org);
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *de;
	int r = 0;

	if (!d)
		return dir ? 0 : -ENOMEM;
	while (r == 0 && (de = readdir(d))) {
		struct stat st;

		if (name_is_repo_part(de->d_name, strlen(de->d_name)) && fstatat(dirfd(d), de->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode))
			r = ids_add(ids, str_printf("%s/%s", org, de->d_name));
	}
	(void)closedir(d); /* opened for reading */
	return r;
}

static int list_kind(enum repo_kind kind, const char *root, struct ids *ids)
{
	DIR *d = opendir(root);
	struct dirent *de;
	int r = 0;

	if (!d)
		return 0;
	while (r == 0 && (de = readdir(d))) {
		AUTO_FREE char *dir = str_printf("%s/%s", root, de->d_name);

		if (!name_is_repo_part(de->d_name, strlen(de->d_name)) || is_reserved(kind, de->d_name))
			continue;
		if (!dir)
			r = -ENOMEM;
		else if (is_repo_dir(dir, de->d_name))
			r = ids_add(ids, strdup(de->d_name));
		else
			r = list_org(root, de->d_name, ids);
	}
	(void)closedir(d); /* opened for reading */
	return r;
}

static int add_source_id(void *ctx, const char *id)
{
	return ids_add(ctx, strdup(id));
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_dir(struct repos *rs, enum repo_kind kind, const char *author, struct ids *ids)
{
	AUTO_FREE char *root = kind_dir(rs, kind);

	if (!root)
		return -ENOMEM;
	if (!author)
		return list_kind(kind, root, ids);
	if (!name_is_repo_part(author, strlen(author)) || is_reserved(kind, author))
		return 0;
	return list_org(root, author, ids);
}

/* Each once, in order. */
static void sort_ids(struct ids *ids)
{
	size_t nr = 0;

	if (ids->nr)
		qsort(ids->list, ids->nr, sizeof(*ids->list), compare_ids);
	for (size_t i = 0; i < ids->nr; i++) {
		if (nr && !strcmp(ids->list[nr - 1], ids->list[i]))
			free(ids->list[i]);
		else
			ids->list[nr++] = ids->list[i];
	}
	ids->nr = nr;
}

int repos_list(struct repos *rs, enum repo_kind kind, const char *author, char ***out, size_t *nr)
{
	struct ids ids = {0};
	int r = rs->dir ? list_dir(rs, kind, author, &ids) : 0;

	if (r == 0 && rs->source)
		r = rs->source->list(rs->source->ctx, route_collection(kind), author, add_source_id, &ids, NULL);
	if (r < 0) {
		repos_free_ids(ids.list, ids.nr);
		return r;
	}
	sort_ids(&ids);
	*out = ids.list;
	*nr = ids.nr;
	return 0;
}

void repos_free_ids(char **ids, size_t nr)
{
	for (size_t i = 0; i < nr; i++)
		free(ids[i]);
	free(ids);
}

static int found_one(void *ctx, const char *id)
{
	(void)ctx, (void)id;
	return 1;
}

static bool has_org_in_source(struct repos *rs, const char *org)
{
	for (enum repo_kind kind = REPO_MODEL; kind <= REPO_SPACE; kind++)
		if (rs->source->list(rs->source->ctx, route_collection(kind), org, found_one, NULL, NULL) == 1)
			return true;
	return false;
}

bool repos_has_org(struct repos *rs, const char *org)
{
	if (rs->source && has_org_in_source(rs, org))
		return true;
	for (enum repo_kind kind = REPO_MODEL; rs->dir && kind <= REPO_SPACE; kind++) {
		AUTO_FREE char *root = kind_dir(rs, kind), *dir = root ? str_printf("%s/%s", root, org) : NULL;
		struct stat st;

		if (dir && !is_reserved(kind, org) && stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			return true;
	}
	return false;
}

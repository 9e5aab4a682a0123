// SPDX-License-Identifier: Apache-2.0
/* Lock files: from a mount its extended attributes tell commit and digests, so that both ways give the same bytes. */
#include "lock_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/xattr.h>

#include <hffs/name.h>

#include "mounts_int.h"
#include "wait_int.h"

/* --- an entry --- */

static int choose(struct listing *files, const struct lock_wish *wish, struct err *err)
{
	size_t had = files->nr;

	listing_keep_files(files, wish->patterns, wish->nr_patterns);
	if (files->nr == 0)
		return err_set(err, -ENOENT, had ? "no file of %s matches" : "%s has no files", wish->repo_text);
	return 0;
}

static int fill(struct lock_entry *e, const struct lock_wish *wish, const struct repo_id *repo, const char *commit,
		const struct listing *files, struct err *err)
{
	int r = 0;

	e->repo = *repo;
	if (strcasecmp(wish->repo.name, repo->name))
		memcpy(e->also, wish->repo.name, sizeof(e->also));
	memcpy(e->rev, wish->rev, sizeof(e->rev));
	memcpy(e->commit, commit, COMMIT_MAX);
	for (size_t i = 0; r == 0 && i < files->nr; i++) {
		const struct listing_entry *f = &files->entries[i];

		if (!f->id.algo)
			r = err_set(err, -EACCES, "%s: the Hub hides the digest of %s: ask for access on its page and set HF_TOKEN",
				    wish->repo_text, f->path);
		else
			r = lock_entry_add(e, f->path, f->size, &f->id, err);
	}
	if (r < 0)
		lock_entry_done(e);
	return r;
}

/* --- through a mount --- */

/* One attribute as text; -ENODATA where there is none. */
static int get_text(const char *path, const char *name, char *out, size_t size)
{
	ssize_t n = getxattr(path, name, out, size - 1);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	return 0;
}

static int load_digest(const char *dir, struct listing_entry *e, struct err *err)
{
	AUTO_FREE char *full = str_printf("%s/%s", dir, e->path);
	char hex[BLOB_ID_HEX_MAX];
	int r = full ? get_text(full, "user.hffs.sha256", hex, sizeof(hex)) : -ENOMEM;

	if (r == -ENODATA)
		r = get_text(full, "user.hffs.oid", hex, sizeof(hex));
	if (r == -ENODATA)
		return 0; /* a gate hides it */
	if (r == 0)
		r = blob_id_parse(hex, &e->id);
	return r < 0 ? err_set(err, r, "%s: cannot ask for its digest: %s", e->path, strerror(-r)) : 0;
}

/* Where the repository was renamed, the mount says under which name it lives. */
static int repo_of_dir(const char *dir, struct repo_id *repo, char commit[COMMIT_MAX], struct err *err)
{
	char name[REPO_NAME_MAX + 16], rev[REPO_REV_MAX];
	int r = get_text(dir, "user.hffs.commit", commit, COMMIT_MAX);

	if (r == 0)
		r = get_text(dir, "user.hffs.repo", name, sizeof(name));
	if (r < 0 || !name_is_commit(commit, strlen(commit)) || repo_parse(name, repo, rev, NULL) < 0)
		return err_set(err, r < 0 ? r : -EBADMSG, "%s does not say which commit it is", dir);
	return 0;
}

static int make_through_mount(const char *dir, const struct lock_wish *wish, struct lock_entry *out, struct err *err)
{
	AUTO_FREE char *commit_dir = realpath(dir, NULL); /* a branch may move meanwhile */
	AUTO_LISTING files = {0};
	char commit[COMMIT_MAX];
	struct repo_id repo;
	int r;

	if (!commit_dir)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	r = listing_from_dir(&files, commit_dir, "", true, err); /* a mount of one repository may know its commit only now */
	if (r == 0)
		r = choose(&files, wish, err);
	if (r == 0)
		r = repo_of_dir(commit_dir, &repo, commit, err);
	for (size_t i = 0; r == 0 && i < files.nr; i++)
		r = load_digest(commit_dir, &files.entries[i], err);
	return r < 0 ? r : fill(out, wish, &repo, commit, &files, err);
}

/* --- in this process --- */

static int make_with(struct catalog *c, const struct lock_wish *wish, struct lock_entry *out, struct err *err)
{
	AUTO(tree_unref) struct tree *tree = NULL;
	AUTO_LISTING files = {0};
	struct revision rev;
	int r = wait_revision(c, &wish->repo, wish->rev, &rev, err);

	if (r == 0)
		r = wait_tree(c, &rev.repo, rev.commit, &tree, err);
	if (r == 0)
		r = listing_from_tree(&files, tree, "", true, err);
	if (r == 0)
		r = choose(&files, wish, err);
	return r < 0 ? r : fill(out, wish, &rev.repo, rev.commit, &files, err);
}

static int make_here(const struct config *c, const struct lock_wish *wish, struct lock_entry *out, struct err *err)
{
	struct fetch_config config;
	struct fetch *f;
	int r;

	config_quiet_log(c);
	config_fetch(c, &config);
	r = fetch_open(&config, &f, err);
	if (r < 0)
		return r;
	r = make_with(fetch_catalog(f), wish, out, err);
	fetch_close(f);
	return r;
}

int lock_make(const struct config *c, const struct lock_wish *wish, struct lock_entry *out, struct err *err)
{
	AUTO_FREE char *dir = mounts_find_repo(c, &wish->repo, wish->rev);

	return dir ? make_through_mount(dir, wish, out, err) : make_here(c, wish, out, err);
}

/* --- the file --- */

int lock_write(const char *path, struct lock_entry *e, struct err *err)
{
	AUTO_FREE char *real = realpath(path, NULL); /* a link to it stays a link */
	AUTO_LOCKFILE l = {0};
	int r = real ? lockfile_load(real, &l, err) : 0;

	if (r == 0)
		r = lockfile_put(&l, e, err);
	return r < 0 ? r : lockfile_store(&l, real ? real : path, err);
}

/* --- at a mount --- */

static int check_entry(const struct lock_entry *e, struct catalog *c, const struct filter *filter, bool *silent, struct err *err)
{
	AUTO(tree_unref) struct tree *tree = NULL;
	struct err why = {0};
	int r = wait_listing(c, &e->repo, e->commit, &tree, &why);

	if (r == 0)
		return lock_entry_check(e, tree, filter, err);
	*silent = r == -ETIMEDOUT;
	log_warn("%s@%s is locked, but cannot be compared with the Hub: %s; what is cached of it can be read", e->repo.name, e->rev,
		 err_text(&why));
	return 0;
}

int lock_check(const struct config *c, struct fetch *f, struct err *err)
{
	struct err why = {0};
	bool silent = false;
	int r = 0;

	for (size_t i = 0; r == 0 && !silent && i < c->locked.nr; i++)
		r = check_entry(&c->locked.entries[i], fetch_catalog(f), &c->filter, &silent, &why);
	return r < 0 ? err_set(err, r, "the lock file %s does not hold: %s", c->lock, err_text(&why)) : 0;
}

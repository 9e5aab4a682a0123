// SPDX-License-Identifier: Apache-2.0
/*
 * The catalog of a mount that is locked: every answer is made from the lock file, without a request. What it does not name is not
 * there. Bytes are judged by its digests, since they are those of the trees made here.
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/name.h>

static bool is_of(const struct lock_entry *e, const struct repo_id *repo)
{
	return e->repo.kind == repo->kind && !strcmp(e->repo.name, repo->name);
}

static const char *sentence_of(int r)
{
	return r == -ENOMEM ? "out of memory" : "it is not in the lock file";
}

static int fail(struct err *err, int r, const struct repo_id *repo, const char *rev)
{
	return err_set(err, r, "%s%s%s%s: %s", repo_kind_prefix(repo->kind), repo->name, rev ? "@" : "", rev ? rev : "",
		       sentence_of(r));
}

bool lock_find_revision(const struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out)
{
	struct repo_id locked;
	const struct lock_entry *e = lockfile_find_repo(c->lockfile, repo, &locked) ? lockfile_find(c->lockfile, &locked, rev) : NULL;

	if (!e)
		return false;
	*out = (struct revision){.repo = e->repo, .ttl_ms = UINT64_MAX};
	memcpy(out->commit, e->commit, COMMIT_MAX);
	return true;
}

void lock_give_revision(const struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct err err = {0};
	struct revision found;

	if (lock_find_revision(c, repo, rev, &found))
		done(ctx, 0, &found, &err);
	else
		done(ctx, fail(&err, -ENOENT, repo, rev), NULL, &err);
}

static int add_files(struct tree_builder *b, const struct lock_entry *e, const struct filter *filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->nr; i++) {
		const struct lock_file *f = &e->files[i];
		struct hub_entry entry = {
			.type = ENTRY_FILE, .path = f->path, .size = f->size, .id = f->id, .is_lfs = f->id.algo == BLOB_SHA256};

		r = filter && filter_hides(filter, f->path) ? 0 : tree_builder_add(b, &entry, 1);
	}
	return r;
}

/* All that the lock names of a commit, whatever revisions it was locked as. */
static int make_tree(const struct catalog *c, const struct repo_id *repo, const char *commit, struct tree **out)
{
	const struct lockfile *l = c->lockfile;
	AUTO(tree_builder_free) struct tree_builder *b = tree_builder_new();
	bool is_there = false;
	int r = b ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < l->nr; i++)
		if (is_of(&l->entries[i], repo) && !strcmp(l->entries[i].commit, commit)) {
			is_there = true;
			r = add_files(b, &l->entries[i], c->filter);
		}
	if (r < 0 || !is_there)
		return r < 0 ? r : -ENOENT;
	return tree_builder_finish(b, out);
}

void lock_give_tree(const struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx)
{
	struct tree *tree = NULL;
	struct err err = {0};
	int r = make_tree(c, repo, commit, &tree);

	done(ctx, r < 0 ? fail(&err, r, repo, commit) : 0, tree, &err);
}

void lock_give_part(const struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done,
		    void *ctx)
{
	struct tree *tree = NULL;
	struct err err = {0};
	int r = *path ? -ENOENT : make_tree(c, repo, commit, &tree);

	done(ctx, r < 0 ? fail(&err, r, repo, commit) : 0, tree, true, &err);
}

/* --- names --- */

static void give_made(struct roster *made, enum inquiry_kind kind, union done done, void *ctx)
{
	struct outcome o = {.roster = made};

	if (!made)
		(void)err_set(&o.err, o.r = -ENOMEM, "out of memory"); /* both are set, which is what we want */
	outcome_give(&o, kind, done, ctx);
	outcome_done(&o);
}

void lock_give_refs(const struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	const struct lockfile *l = c->lockfile;
	struct roster_maker m = {0};
	struct err err = {0};
	bool is_there = false;

	for (size_t i = 0; i < l->nr; i++) {
		const struct lock_entry *e = &l->entries[i];

		if (!is_of(e, repo))
			continue;
		is_there = true;
		if (!name_is_commit(e->rev, strlen(e->rev)))
			roster_add_ref(&m, e->rev, e->commit, false);
	}
	if (is_there)
		give_made(roster_make_refs(&m), INQUIRY_REFS, (union done){.refs = done}, ctx);
	else
		done(ctx, fail(&err, -ENOENT, repo, NULL), NULL, 0, &err);
	roster_maker_done(&m);
}

/* The name that an entry stands for; NULL: none. */
static const char *name_in(const struct lock_entry *e, enum lock_names what, const struct repo_id *of, size_t *len)
{
	const char *slash = strchr(e->repo.name, '/'), *name = NULL;
	size_t org = slash ? (size_t)(slash - e->repo.name) : 0;
	bool is_it = !strcmp(of->name, e->repo.name);

	*len = 0;
	if (what == LOCK_ORGS && slash) {
		*len = org;
		return e->repo.name;
	}
	if (what == LOCK_REPOS && slash && strlen(of->name) == org && !strncmp(of->name, e->repo.name, org))
		name = slash + 1;
	else if (what == LOCK_FULL_NAMES && slash)
		name = e->repo.name;
	else if (what == LOCK_COMMITS && is_it)
		name = e->commit;
	else if (what == LOCK_REVISIONS && is_it && !name_is_commit(e->rev, strlen(e->rev)))
		name = e->rev;
	*len = name ? strlen(name) : 0;
	return name;
}

void lock_give_names(const struct catalog *c, enum lock_names what, const struct repo_id *of, names_done *done, void *ctx)
{
	const struct lockfile *l = c->lockfile;
	struct roster_maker m = {0};

	for (size_t i = 0; i < l->nr; i++) {
		size_t len;
		const char *name = l->entries[i].repo.kind == of->kind ? name_in(&l->entries[i], what, of, &len) : NULL;

		if (name)
			roster_add(&m, name, len);
	}
	give_made(roster_make_names(&m), INQUIRY_USED, (union done){.names = done}, ctx);
	roster_maker_done(&m);
}

/* --- against the Hub's listing --- */

int lock_entry_check(const struct lock_entry *e, const struct tree *t, const struct filter *filter, struct err *err)
{
	char locked[LOCK_DIGEST_MAX], listed[LOCK_DIGEST_MAX];

	for (size_t i = 0; i < e->nr; i++) {
		const struct lock_file *f = &e->files[i];
		const struct tree_entry *found = tree_find_path(t, f->path);

		if (filter && filter_hides(filter, f->path))
			continue;
		if (!found || found->type != ENTRY_FILE)
			return err_set(err, -EBADMSG, "%s@%s: the Hub's listing of the commit %.12s has no file '%s', which is locked",
				       e->repo.name, e->rev, e->commit, f->path);
		if (found->id.algo && !blob_id_equal(&found->id, &f->id))
			return err_set(err, -EBADMSG, "%s@%s: '%s' is locked as %.23s..., but the Hub lists %.23s... for the same commit",
				       e->repo.name, e->rev, f->path, lock_digest_format(&f->id, locked),
				       lock_digest_format(&found->id, listed));
		if (found->size != f->size)
			return err_set(err, -EBADMSG, "%s@%s: '%s' is locked with %llu bytes, but the Hub lists %llu for the same commit",
				       e->repo.name, e->rev, f->path, (unsigned long long)f->size, (unsigned long long)found->size);
	}
	return 0;
}

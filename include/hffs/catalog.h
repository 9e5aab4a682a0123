/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "What is at this path?" from memory, else from stored documents, else from the Hub; remembers what is not there. One request
 * however many ask; without network the last known answer is given. done() comes exactly once: on the calling thread when memory
 * knows, else on a worker. Results are borrowed until done() returns unless said otherwise.
 */
#ifndef HFFS_CATALOG_H
#define HFFS_CATALOG_H

#include <hffs/fetch.h>
#include <hffs/lockfile.h>
#include <hffs/tree.h>

struct catalog;

struct revision {
	struct repo_id repo; /* canonical: where the repository lives now */
	char commit[COMMIT_MAX];
	int64_t mtime_s; /* of the commit; 0 if unknown */
	uint64_t ttl_ms; /* how long this may be believed from now; UINT64_MAX for a commit */
	bool is_gated, is_private;
	struct hub_card card; /* of the repository at this revision */
};
typedef void revision_done(void *ctx, int r, const struct revision *rev, const struct err *err);
/*
 * What a revision stands for. rev NULL: the repository itself (its default branch). Believed for ref_ttl, but a commit for ever.
 * -ENOENT (remembered 60 s), -EACCES (60 s), -ETIMEDOUT, ... with a sentence.
 */
void catalog_want_revision(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx);
/* The same from memory only, fresh or not: false if nothing is known. */
bool catalog_find_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out);
/* How long a branch is believed; UINT64_MAX: for ever. */
uint64_t catalog_ref_ttl_ms(const struct catalog *c);
/* Forgets what branches and tags of repo stand for (NULL: of all), so that the next want asks the Hub. */
void catalog_forget(struct catalog *c, const struct repo_id *repo);

/* The complete listing of a commit. tree: a reference that the callee owns (tree_unref()). */
typedef void tree_done(void *ctx, int r, struct tree *tree, const struct err *err);
void catalog_want_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx);

/* What the Hub lists of it, also where the catalog is locked (fetch_config.lock): to compare. */
void catalog_want_hub_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx);

/*
 * Has a commit's listing every file of the entry, with its size and digest? 0, or -EBADMSG with a sentence. A digest that the Hub
 * hides is no contradiction; what the filter (NULL: none) hides is not looked at.
 */
struct filter;
int lock_entry_check(const struct lock_entry *e, const struct tree *t, const struct filter *filter, struct err *err);

/*
 * What is in a directory of a commit ("": its root), for who shows one directory at a time. is_whole (of the root only): tree is the
 * complete listing of the commit. Else the commit is large, tree has the entries of that directory alone, named by their last part,
 * and nothing below the directories among them. -E2BIG: this directory alone is large; want it with all its pages, or its entries one
 * by one. tree: a reference that the callee owns.
 */
typedef void part_done(void *ctx, int r, struct tree *tree, bool is_whole, const struct err *err);
void catalog_want_listing(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done,
			  void *ctx);
/* The same for a directory of a large commit, however many pages it has. */
void catalog_want_dir(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx);
/* One entry of a commit by its path, as a tree of that entry alone, named by its last part. -ENOENT: there is none. */
void catalog_want_path(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx);

/*
 * May the present identity have a content of a private or gated repository that somebody has cached? Yes, for good, once the Hub has
 * given it bytes of it under a path of that repository: has: that is in memory; want: memory, document, else one byte is asked for;
 * done(0), or what the Hub said; note: it just has.
 */
typedef void grant_done(void *ctx, int r, const struct err *err);
bool catalog_has_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id);
void catalog_want_grant(struct catalog *c, const struct object_ref *from, grant_done *done, void *ctx);
void catalog_note_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id);

struct known_ref {
	char *name;
	char commit[COMMIT_MAX];
	bool is_tag;
};
typedef void refs_done(void *ctx, int r, const struct known_ref *refs, size_t nr, const struct err *err);
/* Branches, tags, converts, pull requests of the Hub, believed for ref_ttl. */
void catalog_want_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx);
/* The same from memory only, fresh or not: false, and no done(), if nothing is known. A lock file does not know what is a tag. */
bool catalog_find_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx);

typedef void names_done(void *ctx, int r, const char *const *names, size_t nr, const struct err *err);
/* Public (and with the token's eyes private) repositories of an organisation: last parts of their names. Believed for 5 minutes.
 * Without network: those that this machine has used. */
void catalog_want_repos(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx);
/* Organisations (org NULL), or full commits of a repository (org is "org/name"), that this machine has used. */
void catalog_want_used(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx);
/*
 * What can be shown without the Hub: "org/name" of repositories with at least one listing here; commits of a repository whose
 * listing is here; revisions of a repository that were used and are no commits. Never a request.
 */
void catalog_want_listed_repos(struct catalog *c, enum repo_kind kind, names_done *done, void *ctx);
void catalog_want_listed_commits(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx);
void catalog_want_used_revisions(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx);
/* What a revision stood for when it was last asked for, however long ago: memory or document, never a request. -ENOENT: unknown. */
void catalog_want_known(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx);

#endif

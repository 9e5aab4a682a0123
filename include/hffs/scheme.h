/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name in the mounted tree stands for, by its spelling alone, and where symlinks point:
 *   /<org>/<name>/<revision>/<path>, /datasets/<org>/..., /spaces/<org>/...
 *   /.hub/models--<org>--<name>/{refs,blobs,snapshots,.no_exist}, datasets--..., spaces--...: the layout of the Hugging Face cache
 * Pure: what exists is the catalog's to say.
 */
#ifndef HFFS_SCHEME_H
#define HFFS_SCHEME_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/digest.h>
#include <hffs/repo.h>

enum place {
	PLACE_NONE,     /* nothing can have this name here */
	PLACE_KIND,     /* "datasets", "spaces" in the root */
	PLACE_HUB,      /* ".hub" in the root */
	PLACE_ORG,      /* an organisation, or a user */
	PLACE_REPO,     /* a repository of it */
	PLACE_COMMIT,   /* 40 hex digits */
	PLACE_REVISION, /* a branch or a tag; perhaps only the beginning of some ("release" of "release/1") */
	PLACE_REFS,     /* "refs", "refs/pr", "refs/convert": the beginning of revisions and none itself */
};

/* A name in the root; *kind is written for PLACE_KIND. */
enum place scheme_in_root(const char *name, enum repo_kind *kind);
/* A name in a kind's directory. */
enum place scheme_in_kind(const char *name);
/*
 * A name in the root or in a kind's directory that has been a repository without organisation, from the time when there were such
 * (gpt2, datasets/squad). Others may have been, too: then it turns out when nothing is found in the organisation.
 */
bool scheme_is_old_name(enum repo_kind kind, const char *name);
/* A name in an organisation; *repo is written for PLACE_REPO. */
enum place scheme_in_org(enum repo_kind kind, const char *org, const char *name, struct repo_id *repo);
/*
 * A name in a repository or below a beginning of its revisions (prefix "refs/pr"; "" in the repository itself). rev: the whole
 * revision, "%2F" in the name read as a slash; written unless PLACE_NONE.
 */
enum place scheme_in_repo(const char *prefix, const char *name, char rev[REPO_REV_MAX]);

/* No "%2F" in it: only such names can be directories of revisions, so that a symlink's way up is as long as its prefix. */
bool scheme_is_plain(const char *name);

/* A revision's next component below prefix: its length, 0 if rev is not below prefix; *is_dir: more components follow. */
size_t scheme_ref_child(const char *rev, const char *prefix, const char **child, bool *is_dir);

/* Target of a symlink in an organisation's directory (depth 1), or beside it (0), to where repo lives; of one below prefix in a repository to a commit. */
void scheme_repo_target(struct buf *out, unsigned depth, const struct repo_id *repo);
void scheme_commit_target(struct buf *out, const char *prefix, const char *commit);
/*
 * The layout of the Hugging Face cache: "models--org--name", and what a pointer file points to from `depth` directories below its
 * snapshot. [huggingface_hub file_download.py repo_folder_name(), _get_pointer_path()]
 */
enum place scheme_in_hub(const char *name, struct repo_id *repo); /* PLACE_REPO (then *repo is written) or PLACE_NONE */
void scheme_hub_name(struct buf *out, const struct repo_id *repo);
void scheme_pointer_target(struct buf *out, unsigned depth, const struct blob_id *id);
#define SCHEME_HUB_NAME ".hub"

/* True if repo has a place in the tree: an organisation and a name. */
bool scheme_has_place(const struct repo_id *repo);

/* Inode numbers: stable across mounts, made of every name from the endpoint down. Never 0. */
uint64_t scheme_root_ino(const char *endpoint);
uint64_t scheme_ino(uint64_t parent, const char *name, size_t len);
/* The same number as going down from the root name by name. */
uint64_t scheme_commit_ino(uint64_t root, const struct repo_id *repo, const char *commit);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lock files: which files of which commits a job uses, with sizes and digests, as text that is fit for git. The format is
 * docs/LOCK-FORMAT.md. What is read is bytes from outside: checked as a whole, or refused with a sentence.
 */
#ifndef HFFS_LOCKFILE_H
#define HFFS_LOCKFILE_H

#include <stdbool.h>

#include <hffs/buf.h>
#include <hffs/digest.h>
#include <hffs/err.h>
#include <hffs/repo.h>

#define LOCKFILE_MAX ((size_t)64 << 20) /* bytes that are read */

struct lock_file {
	char *path; /* safe, from the root of the repository */
	uint64_t size;
	struct blob_id id;
};
/* One revision of one repository. */
struct lock_entry {
	struct repo_id repo;
	char rev[REPO_REV_MAX];  /* as it was named when it was locked: a branch, a tag, or the commit itself */
	char commit[COMMIT_MAX];
	char also[REPO_NAME_MAX]; /* another name that the user had for it: of one part, or from before a rename; "": none */
	struct lock_file *files; /* by path, in byte order */
	size_t nr, cap;
};
struct lockfile {
	struct lock_entry *entries; /* by kind and name, then revision */
	size_t nr;
};

void lockfile_done(struct lockfile *l);
static inline void lockfile_done_auto(struct lockfile *l)
{
	lockfile_done(l);
}
#define AUTO_LOCKFILE __attribute__((cleanup(lockfile_done_auto))) struct lockfile
void lock_entry_done(struct lock_entry *e);

/* Appends a file, copied. -EINVAL with a sentence: a path that is not safe or no UTF-8, a size beyond 2^53, no digest; -ENOMEM. */
int lock_entry_add(struct lock_entry *e, const char *path, uint64_t size, const struct blob_id *id, struct err *err);
/*
 * Takes over an entry in the place of the one of the same repository and revision, whose other name it inherits; the others stay. Sorts the files. -EINVAL with a
 * sentence: a path twice, or a file of the same commit that another entry has with another digest; -ENOMEM. Then e is still the
 * caller's.
 */
int lockfile_put(struct lockfile *l, struct lock_entry *e, struct err *err);
/* The entry of a revision (its name, or a commit of any entry); NULL. rev NULL: "main", else the first of the repository. */
const struct lock_entry *lockfile_find(const struct lockfile *l, const struct repo_id *repo, const char *rev);
/* Which of its repositories is meant: by the very name, in another case (which the Hub ignores), or by another name. False: none. */
bool lockfile_find_repo(const struct lockfile *l, const struct repo_id *asked, struct repo_id *out);
/* "sha256:<hex>" or "git-sha1:<hex>". */
#define LOCK_DIGEST_MAX (BLOB_ID_HEX_MAX + 10)
const char *lock_digest_format(const struct blob_id *id, char out[LOCK_DIGEST_MAX]);
int lock_digest_parse(const char *text, struct blob_id *out); /* 0 or -EINVAL; NULL is none */

/* The text of a lock file: the same contents give the same bytes. Check out->failed. */
void lockfile_format(const struct lockfile *l, struct buf *out);
/* -EBADMSG with a sentence that names what is wrong; -ENOMEM. */
int lockfile_parse(const char *text, size_t len, struct lockfile *out, struct err *err);
/* Reads a file. The sentence names it. -ENOENT and the like, and as above. */
int lockfile_load(const char *path, struct lockfile *out, struct err *err);
/* Replaces the file as a whole: afterwards it is the old one or the new one. */
int lockfile_store(const struct lockfile *l, const char *path, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of a git repository by name, through one long-lived `git cat-file --batch`. */
#ifndef HFFS_SERVE_OBJECTS_INT_H
#define HFFS_SERVE_OBJECTS_INT_H

#include <hffs/buf.h>

struct objects;

struct objects *objects_new(const char *git_dir); /* NULL when out of memory; starts nothing yet */
void objects_free(struct objects *o);
AUTO_DEFINE(struct objects *, objects_free)

/*
 * Appends the content of the object of that name ("<id>", "<ref>^{commit}"; no line breaks) and says its id and type. -ENOENT
 * if there is none or the abbreviation is ambiguous; -ENOTSUP for ids that are not SHA-1; -EIO if git fails twice. Callers wait
 * for each other: there is one conversation.
 */
int objects_read(struct objects *o, const char *name, char id[41], char type[16], struct buf *content);
/* The commit behind a name that git understands, and the committer's time unless date_s is NULL. Errors as above. */
int objects_find_commit(struct objects *o, const char *name, char commit[41], int64_t *date_s);

#endif

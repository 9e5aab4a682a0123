/* SPDX-License-Identifier: Apache-2.0 */
/* Which repository: kind and name. Used by every layer above base. */
#ifndef HFFS_REPO_H
#define HFFS_REPO_H

#include <hffs/auto.h>

enum repo_kind { REPO_MODEL, REPO_DATASET, REPO_SPACE, REPO_KINDS };

#define REPO_NAME_MAX 194 /* two parts of 96, '/', NUL */
#define REPO_REV_MAX 512
#define COMMIT_MAX 41 /* 40 lowercase hex digits, NUL */

struct repo_id {
	enum repo_kind kind;
	char name[REPO_NAME_MAX]; /* "org/name", or "name" for one without organisation */
};

/* "models", "datasets", "spaces": the API's collection. */
const char *repo_kind_plural(enum repo_kind kind);
/* "", "datasets/", "spaces/": before the name in web addresses, and in the mounted tree. */
const char *repo_kind_prefix(enum repo_kind kind);
/* Checks "org/name" or "name" by the rules of repository ids and copies it. 0 or -EINVAL. */
int repo_id_set(struct repo_id *id, enum repo_kind kind, const char *name, size_t len);
/*
 * What a user writes: [datasets/|spaces/]org/name[@rev], or an address pasted from a browser
 * (https://host/[datasets/|spaces/]org/name[/tree/rev|/blob/rev/path|/resolve/rev/path]). rev becomes "main" where there is
 * none. 0, or -EINVAL with a sentence.
 */
struct err;
int repo_parse(const char *text, struct repo_id *id, char rev[REPO_REV_MAX], struct err *err);

#endif

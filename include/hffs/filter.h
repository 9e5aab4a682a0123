/* SPDX-License-Identifier: Apache-2.0 */
/* Which paths of repositories may be seen: patterns of a user. Pure. */
#ifndef HFFS_FILTER_H
#define HFFS_FILTER_H

#include <stdbool.h>

#include <hffs/auto.h>

struct patterns {
	char **list;
	size_t nr;
};
/* Adds a copy. 0, -ENOMEM; -EINVAL: "" is no pattern. */
int patterns_add(struct patterns *p, const char *text);
void patterns_done(struct patterns *p);

/* fnmatch(3), in which '*' also matches '/'; "dir/" means all below it. */
bool pattern_matches(const char *pattern, const char *path);

struct filter {
	struct patterns allow; /* if there are any, a path must match one of them */
	struct patterns deny;  /* and none of these */
};
bool filter_is_empty(const struct filter *f);
/* Is this file not to be seen? Directories are as visible as what is in them. */
bool filter_hides(const struct filter *f, const char *path);
/* Is this directory denied with all that may be in it? */
bool filter_hides_dir(const struct filter *f, const char *path);

#endif

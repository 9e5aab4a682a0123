/* SPDX-License-Identifier: Apache-2.0 */
/* The hffs mounts of this machine, as the kernel lists them and as they answer for themselves. */
#ifndef HFFS_MOUNTS_INT_H
#define HFFS_MOUNTS_INT_H

#include <stdbool.h>

#include <hffs/json.h>
#include <hffs/repo.h>

#include "config_int.h"

struct mount_entry {
	char *dir, *source;
	int r;               /* once asked: 0, or why it does not answer: -ENOTCONN (its daemon is gone), -EACCES (not ours to enter), ... */
	char *status_text;   /* one JSON object, NULL unless r == 0 */
	struct json *status; /* the same, parsed */
};
struct mounts {
	struct mount_entry *entries;
	size_t nr;
};

/* Every hffs mount, in the order of mounting; of those on one directory the one on top. Asks none of them. */
int mounts_load(struct mounts *out, struct err *err);
/* Asks each, or the one, for its status. While a mount is asked it is in use, so only those that matter are. */
void mounts_ask(struct mounts *m);
void mount_entry_ask(struct mount_entry *e);
void mounts_done(struct mounts *m);
static inline void mounts_done_auto(struct mounts *m)
{
	mounts_done(m);
}
#define AUTO_MOUNTS __attribute__((cleanup(mounts_done_auto))) struct mounts

/* The mount at exactly this directory (absolute), NULL if none. */
struct mount_entry *mounts_find(const struct mounts *m, const char *dir);
/* Why it does not answer, in words. */
const char *mount_entry_trouble(const struct mount_entry *e);
/* Process id of its daemon, 0 if unknown. */
long mount_entry_pid(const struct mount_entry *e);

/*
 * The directory under which a mount that this user may read shows the repository (or what else `below` names in the whole tree):
 * caller frees. NULL: there is none with the endpoint and, where one was chosen, the cache of the configuration.
 */
char *mounts_find_repo(const struct config *c, const struct repo_id *repo, const char *rev);
/* The cache of such a mount, if this user may change it. */
char *mounts_find_cache(const struct config *c);
char *mounts_find_below(const struct config *c, const char *below);

/* What the mount that shows dir says of itself: asked of dir and the directories above. *out: caller frees. -ENOTSUP: it is in none. */
int mount_dir_status(const char *dir, struct json **out);

/* The directory as mountinfo shows it: absolute, without links, also where a dead mount cannot be entered. NULL with errno. */
char *mount_dir_resolve(const char *dir);

/* Ends the mount at dir; lazy: it goes now, and what is open works on. -EBUSY, without a sentence: it is in use. */
int mount_dir_unmount(const char *dir, bool lazy, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which commit each revision was last shown to stand for, and which commits are being read. Nodes cannot remember that: the kernel
 * forgets them when it is short of memory, which is when a large model is loaded.
 *
 * Guarded by the vfs's lock. Times are clock_mono_ms().
 */
#ifndef HFFS_FS_SHOWN_INT_H
#define HFFS_FS_SHOWN_INT_H

#include <stdbool.h>

#include <hffs/map.h>
#include <hffs/repo.h>

#define KEEP_AFTER_MS (60u * 1000) /* a commit counts as being read so long after its last open or close */
#define SHOWN_MAX 1024		   /* of either kind; beyond it those go that nobody is reading */

/* {0}: nothing. */
struct shown {
	struct map revisions; /* "models/org/name@rev" to struct shown_revision */
	struct map commits;   /* "models/org/name@commit" to struct shown_commit */
};

void shown_done(struct shown *s);
/* Files of a commit are opened and closed. -ENOMEM: not counted, and it must not be closed. */
int shown_open(struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now);
void shown_close(struct shown *s, const struct repo_id *repo, const char *commit, uint64_t now);
/*
 * The commit that a revision is to be shown as, now that it stands for that one: the one that it was shown as before if that is
 * being read. Borrowed until the next call. What cannot be remembered, without memory, is shown as it is.
 */
const char *shown_choose(struct shown *s, const struct repo_id *repo, const char *rev, const char *commit, uint64_t now);
/* From now on the revisions of repo (NULL: of all) may move, whoever reads. */
void shown_forget(struct shown *s, const struct repo_id *repo);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to make files complete: by reading them through a mount, or by wanting their blobs in this process. */
#ifndef HFFS_PULL_INT_H
#define HFFS_PULL_INT_H

#include <errno.h>

#include <hffs/catalog.h>

#include "config_int.h"
#include "handover_int.h"
#include "listing_int.h"
#include "progress_int.h"

struct pull_plan {
	const struct listing *files;
	unsigned jobs; /* files at once */
	struct progress *progress;
	bool (*is_interrupted)(void);
	const struct handover *handover; /* of pull_by_blobs(), which ends when it is wanted; NULL: nobody can ask */
};

/*
 * Reads every file below dir from end to end. 0, -EINTR when interrupted (threads may still be reading: end the process), or the
 * first failure; the other files are still tried, unless the failure is one that they would share.
 */
int pull_by_reading(const struct pull_plan *plan, const char *dir, struct err *err);
/* Makes the blobs of the files complete and waits until they are proven. Everything is put back when it returns. -EINTR: interrupted. */
int pull_by_blobs(const struct pull_plan *plan, struct fetch *f, const struct revision *rev, struct err *err);

/*
 * Makes the files complete, through a mount that shows them, else in this process, as 'hffs pull' does. repo_text: REPO@REV. -EINTR:
 * interrupted.
 */
int pull_repo(const struct config *c, const char *repo_text, char *const *patterns, size_t nr_patterns, bool quiet, struct err *err);

#define PULL_NO_ROOM "it came, but the cache has no room to keep it: see cache_size and keep_free, and the disk"
#define PULL_TOO_LARGE "the files are larger than the cache may be: not all were kept; see cache_size"

/* Would the next file fail alike? */
static inline bool pull_failure_is_shared(int r)
{
	return r == -EACCES || r == -ETIMEDOUT || r == -ENOTCONN || r == -ECANCELED || r == -ENOMEM || r == -ENOSPC;
}

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The process behind a mount. */
#ifndef HFFS_DAEMON_INT_H
#define HFFS_DAEMON_INT_H

#include <sys/types.h>

#include <hffs/repo.h>

#include "config_int.h"

struct daemon_plan {
	const struct config *config;
	const char *dir;    /* absolute, without links */
	const char *source; /* as the user wrote it */
	const struct repo_id *repo; /* one repository at dir itself; NULL: the whole tree */
	const char *rev;
	bool foreground; /* serve in this process until unmounted */
	/*
	 * A mount for the process that starts it: ends with it, or at SIGTERM, once nobody else uses it; then this directory, made for it
	 * with dir below, is removed with all that is in it. It is made only if the Hub knows first at first_rev. Where mounting itself
	 * fails daemon_start() gives -ENODEV. NULL: a mount for all.
	 */
	const char *private_dir;
	const struct repo_id *first;
	const char *first_rev;
	pid_t *child;    /* out: the process behind the mount; may be NULL */
};

/*
 * Makes the mount. 0: it answers (in front: it served and is unmounted again). Otherwise -errno and the sentence; then nothing
 * is mounted and no process is left. Call it before any thread is started.
 */
int daemon_start(const struct daemon_plan *plan, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The tree as a FUSE mount: mounting, the FUSE threads, the end. */
#ifndef HFFS_MOUNT_H
#define HFFS_MOUNT_H

#include <hffs/catalog.h>

struct mount;

struct mount_config {
	const char *dir;
	const char *source;      /* first field of /proc/mounts; "hub" or "org/name@rev" */
	const struct repo_id *one_repo; /* one repository at dir itself; NULL: the whole tree */
	const char *one_rev;
	const struct revision *one; /* what that stands for; NULL: not known yet */
	bool allow_other;
	bool stable;
	bool safe;               /* files that run code when they are loaded cannot be opened */
	long uid, gid; /* -1: the mounter's */
	unsigned umask;
	uint64_t names_deadline_ms;
	const char *fuse_options; /* further options for libfuse ("a,b=c"), NULL if none */
	/* Called once on a FUSE thread when the kernel has answered INIT: the mount works. */
	void (*ready)(void *ctx);
	void *ready_ctx;
	/* The attribute user.hffs.status of the root: appends what `hffs status` shows, as one JSON object. Any FUSE thread; must not
	 * wait for network. */
	void (*status)(void *ctx, struct buf *out);
	void *status_ctx;
};

/* Checks the mount point and mounts it (detaching a dead mount left behind there first). Starts no thread. */
int mount_open(const struct mount_config *config, struct mount **out, struct err *err);
/* Serves until unmounted or mount_stop(): starts its threads, blocks. 0 on a clean end, -errno. fetch is borrowed. */
int mount_run(struct mount *m, struct fetch *fetch, struct err *err);
/* Any thread, also from a signal handler's thread: ends mount_run() within 5 s. */
void mount_stop(struct mount *m);
/* Unmounts if still mounted. After mount_run() has returned, before or after fetch_close(): answers of the catalog that come late
 * find what they need. */
void mount_free(struct mount *m);
/* Any thread: revisions of repo (NULL: of all) are looked up again when next used, and move even under a reader. The catalog must
 * be told first (catalog_forget()). */
void mount_refresh(struct mount *m, const struct repo_id *repo);

struct mount_stats {
	uint64_t lookups, reads, bytes_read, open_files, nodes, parked;
	bool passthrough; /* complete files are read past us */
	char last_error[ERR_TEXT_MAX];
	int64_t last_error_s;
};
void mount_stats(struct mount *m, struct mount_stats *out);

/* Where the helper is that mounts for users without root: caller frees, NULL if there is none. */
char *mount_find_fusermount(void);
/* Does this errno, of a call for something in a mount, say that its daemon is gone? Requests that were on their way get another one. */
bool mount_error_is_dead(int error);
/* Which libfuse this program runs with: "3.14.0". */
const char *mount_fuse_version(void);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* The directory to mount at: what is there now, whether it will do, and how to get a mount away from it. */
#ifndef HFFS_FS_MOUNTPOINT_INT_H
#define HFFS_FS_MOUNTPOINT_INT_H

#include <limits.h>
#include <stdbool.h>

#include <hffs/err.h>

/* One line of /proc/self/mountinfo. */
struct mount_line {
	unsigned major, minor;
	char dir[PATH_MAX];
	char type[64];
	char source[256];
};
/* Pure; octal escapes are undone. 0, -EINVAL. */
int mount_line_parse(const char *line, struct mount_line *out);

/* The mount on top of dir (an absolute path without links): false if there is none. Asks the kernel's list, not the mount. */
bool mountpoint_find(const char *dir, struct mount_line *out);
/*
 * Makes dir absolute (caller frees *out) and checks that it can be mounted on; a dead hffs mount there is detached first. 0; or
 * -ENOENT, -ENOTDIR, -ENOTEMPTY (unless allowed), -EBUSY (an hffs mount is there), ... with a sentence.
 */
int mountpoint_prepare(const char *dir, bool may_have_files, char **out, struct err *err);
/* Is there a way for this user to mount at all? 0, or -errno with a sentence. */
int mountpoint_check_fuse(struct err *err);
/* Takes away the mount at dir, lazily. 0 or -errno. */
int mountpoint_detach(const char *dir);

#endif

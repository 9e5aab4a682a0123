/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FUSE passthrough (Linux 6.9, CAP_SYS_ADMIN): the kernel reads an open file of ours by itself. What of it the headers of older
 * systems lack stands here; it is the kernel's ABI. [include/uapi/linux/fuse.h, 7.40]
 */
#ifndef HFFS_FS_PASSTHROUGH_INT_H
#define HFFS_FS_PASSTHROUGH_INT_H

#include "ops_int.h"

#define INIT_EXT ((uint64_t)1 << 30)
#define INIT_PASSTHROUGH ((uint64_t)1 << 37)
/*
 * On the wire: our own mount included. More would allow a data file on overlayfs, and forbid overlayfs on top of our mount.
 * [Linux 6.18 fs/fuse/inode.c process_init_reply(), fs/overlayfs/super.c]
 */
#define PASSTHROUGH_DEPTH 1

/* Tries once with fd, a regular file where the data files are. False: the kernel, our rights or the file system do not allow it. */
bool passthrough_try(struct ops *o, int fd);
/* For vfs_config: an id for the file, or -errno; and its end. ctx: struct ops. */
int passthrough_open(void *ctx, int fd);
void passthrough_close(void *ctx, int id);
/* Answers an OPEN: fi and the id. 0 or -errno, as fuse_reply_open(). */
int passthrough_reply(fuse_req_t req, const struct fuse_file_info *fi, int id);

#endif

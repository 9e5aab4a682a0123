/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the kernel: unpacked, handed to the vfs, answered. What mount.c and the session share with ops.c. */
#ifndef HFFS_FS_OPS_INT_H
#define HFFS_FS_OPS_INT_H

#ifndef FUSE_USE_VERSION
#define FUSE_USE_VERSION 312
#endif
#include <fuse_lowlevel.h>

#include <hffs/vfs.h>

#include "parked_int.h"

#define DATA_CAP_MS (10u * 60 * 1000) /* no read waits longer, whatever progress it makes */

/* libfuse's userdata. Lives until its owner and every callback under way have let go. */
struct ops {
	struct vfs *vfs; /* owned; set before the first request */
	struct parked_list parked;
	uint64_t names_deadline_ms; /* UINT64_MAX: no deadline at all, of data neither */
	uint64_t generation;        /* of node ids: another one each mount, so that an old NFS handle is not taken for a new node */
	bool is_stable;             /* symlinks move in place: no targets in the kernel */
	atomic_bool is_up;          /* the kernel's INIT has come */
	atomic_bool is_announced;   /* and its answer has gone out */
	uint64_t init_unique;       /* the number of that request, and the flags it offered: one thread only */
	uint64_t init_flags;
	int device_fd;              /* of the session, borrowed; -1 before and after it */
	atomic_uint refs;
};

struct ops *ops_new(uint64_t names_deadline_ms); /* NULL: no memory */
void ops_unref(struct ops *o);

/* The table for libfuse. Its init is session_init() of session.c. */
extern const struct fuse_lowlevel_ops ops_table;
void session_init(void *userdata, struct fuse_conn_info *conn);

#endif

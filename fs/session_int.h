/* SPDX-License-Identifier: Apache-2.0 */
/* The libfuse session of a mount: its options, its settings, and the handshake with the kernel. */
#ifndef HFFS_FS_SESSION_INT_H
#define HFFS_FS_SESSION_INT_H

#include "ops_int.h"

struct session_options {
	const char *dir;    /* absolute */
	const char *source; /* first field of /proc/mounts */
	bool allow_other;
	const char *more; /* "a,b=c" for libfuse; NULL if none */
};
/* Mounts. What libfuse and fusermount3 say on stderr becomes the sentence. 0 or -errno. */
int session_open(const struct session_options *options, struct ops *ops, struct fuse_session **out, struct err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A request that may wait, and how any request fails. */
#ifndef HFFS_FS_REQUEST_INT_H
#define HFFS_FS_REQUEST_INT_H

#include "ops_int.h"

struct request {
	struct parked parked;
	struct ops *ops; /* a reference */
	fuse_req_t req;  /* ours until it is answered */
	const char *verb;
	uint64_t node;
	uint64_t off; /* of a read, and the length of its answer */
	size_t len;
	unsigned disk_failures; /* of a read: how often the cache's disk could not give back what it had */
	struct vfs_read read;
	struct fuse_file_info fi; /* of opendir */
};

/*
 * Around a call that may finish later: begin, call, parked_wait(); in its done(), parked_claim(), answer, parked_answered(),
 * parked_end(). NULL: no memory, and that was answered.
 */
struct request *request_begin(fuse_req_t req, const char *verb, uint64_t node, bool is_data);
/* Answers with an error. */
void request_error(struct request *q, int r, const struct err *err);
/* The same for a request that did not wait. node: whose user.hffs.last_error it becomes. */
void reply_error(struct ops *o, fuse_req_t req, const char *verb, uint64_t node, int r, const struct err *err);

/* READ_MAX bytes that belong to this thread, freed when it ends; NULL: no memory. */
char *thread_buffer(void);

static inline struct ops *ops_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}
static inline struct vfs *vfs_of(fuse_req_t req)
{
	return ops_of(req)->vfs;
}

#endif

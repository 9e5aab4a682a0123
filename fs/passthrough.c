// SPDX-License-Identifier: Apache-2.0
/*
 * The three steps of passthrough: INIT agrees on it (session.c), an ioctl gives an id for a file, the answer to OPEN names the id.
 * The last is made here byte for byte, so that it is the same with libraries that know nothing of it (before 3.17).
 */
#include "passthrough_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include <hffs/log.h>

#define REPLY_PASSTHROUGH (1u << 7)

struct backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};
#define IOC_BACKING_OPEN _IOW(229, 1, struct backing_map)
#define IOC_BACKING_CLOSE _IOW(229, 2, uint32_t)

struct open_reply {
	uint64_t fh;
	uint32_t flags;
	int32_t backing_id;
};
_Static_assert(sizeof(struct backing_map) == 16 && sizeof(struct open_reply) == 16, "the kernel's layout");

int passthrough_open(void *ctx, int fd)
{
	const struct ops *o = ctx;
	struct backing_map map = {.fd = fd};
	int id = ioctl(o->device_fd, IOC_BACKING_OPEN, &map);

	return id > 0 ? id : id < 0 ? -errno : -EIO;
}

void passthrough_close(void *ctx, int id)
{
	const struct ops *o = ctx;
	uint32_t which = (uint32_t)id;

	if (o->device_fd >= 0) /* else the kernel has closed them all */
		(void)ioctl(o->device_fd, IOC_BACKING_CLOSE, &which);
}

/* The kernel opens the file with the reader's own flags: one that refuses O_DIRECT would refuse readers that we do not. */
static bool can_be_direct(int fd)
{
	char path[64];
	AUTO_FD int direct = -1;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	return direct >= 0;
}

bool passthrough_try(struct ops *o, int fd)
{
	int id = passthrough_open(o, fd);

	if (id < 0) {
		log_debug("the kernel does not read files past us: %s", strerror(-id));
		return false;
	}
	passthrough_close(o, id);
	if (!can_be_direct(fd)) {
		log_debug("the file system of the cache has no O_DIRECT: no file is read past us");
		return false;
	}
	log_debug("complete files are read past us");
	return true;
}

/* No KEEP_CACHE: pages of earlier handles would lie there for nothing, and the kernel refuses the pair. */
int passthrough_reply(fuse_req_t req, const struct fuse_file_info *fi, int id)
{
	const struct open_reply out = {.fh = fi->fh, .flags = REPLY_PASSTHROUGH, .backing_id = id};

	return fuse_reply_buf(req, (const char *)&out, sizeof(out));
}

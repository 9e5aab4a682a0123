// SPDX-License-Identifier: Apache-2.0
/* A look at a cache that this process does not open. SQLite's head: a magic, big-endian numbers at 60 and 68. [sqlite.org fileformat2, 2026-08] */
#include <hffs/cache.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/buf.h>
#include <hffs/io.h>

#include "index_int.h"

#define HEAD 100
#define AT_USER_VERSION 60
#define AT_APPLICATION_ID 68

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

int cache_peek_format(const char *dir)
{
	AUTO_FREE char *path = str_printf("%s/index.db", dir);
	AUTO_FD int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
	uint8_t head[HEAD];
	uint32_t app, format;
	struct stat st;
	int r;

	if (fd < 0)
		return !path ? -ENOMEM : errno == ENOENT ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size == 0)
		return -EAGAIN;
	r = S_ISREG(st.st_mode) ? io_pread(fd, head, sizeof(head), 0) : -EBADMSG;
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	app = be32(head + AT_APPLICATION_ID);
	format = be32(head + AT_USER_VERSION);
	if (memcmp(head, "SQLite format 3", 16) != 0 || (app != APPLICATION_ID && (app || format)) || format > INT32_MAX)
		return -EBADMSG;
	return app ? (int)format : -EAGAIN;
}

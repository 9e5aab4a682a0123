// SPDX-License-Identifier: Apache-2.0
/* Proven data files of a cache, for reading beside who has it: they never change. [docs/CACHE-FORMAT.md, section 2] */
#include "data_file_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <hffs/buf.h>

int data_file_open_proven(const char *cache, const struct blob_id *id, uint64_t size)
{
	char hex[BLOB_ID_HEX_MAX];
	AUTO_FREE char *path = NULL;
	AUTO_FD int fd = -1;
	struct stat st;

	if (!size)
		return open("/dev/null", O_RDONLY | O_CLOEXEC);
	blob_id_format(id, hex);
	path = str_printf("%s/blobs/%.2s/%s", cache, hex, hex);
	if (!path)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return errno == ENOENT ? -ENODATA : -errno;
	return S_ISREG(st.st_mode) && !(st.st_mode & 0222) && (uint64_t)st.st_size == size ? take_fd(&fd) : -ENODATA;
}

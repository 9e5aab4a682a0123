// SPDX-License-Identifier: Apache-2.0
/*
 * A disk that fails, or takes its time: preloaded into hffs, it stands before the calls that reach data files, those below blobs/.
 * The file that HFFS_TEST_DISK names steers it while hffs runs. It has any of these words, each with a number:
 *   read=ERRNO write=ERRNO sync=ERRNO      the call fails
 *   read-ms=MS write-ms=MS                 it takes so much longer
 *   no-direct=1                            nothing is written past the page cache
 *   no-locks=1                             every lock is granted, of any file
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_data_file(int fd)
{
	char link[64], path[4096];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	return strstr(path, "/blobs/") != NULL;
}

/* The number behind a word of the control file; 0: it is not there. */
static int control(const char *word)
{
	const char *name = getenv("HFFS_TEST_DISK"), *found;
	char text[256] = "", wanted[32];
	int fd = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;

	if (fd < 0)
		return 0;
	if (syscall(SYS_read, fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	(void)close(fd); /* read only */
	snprintf(wanted, sizeof(wanted), "%s=", word);
	found = strstr(text, wanted);
	return found ? (int)strtol(found + strlen(wanted), NULL, 10) : 0;
}

/* True: the call fails, and errno says how. */
static bool fails(int fd, const char *error, const char *delay)
{
	int ms, code;

	if (!is_data_file(fd))
		return false;
	ms = delay ? control(delay) : 0;
	if (ms > 0)
		usleep((useconds_t)ms * 1000);
	code = control(error);
	if (code)
		errno = code;
	return code != 0;
}

ssize_t pread64(int fd, void *buf, size_t len, off64_t off)
{
	return fails(fd, "read", "read-ms") ? -1 : syscall(SYS_pread64, fd, buf, len, off);
}

ssize_t pwritev64(int fd, const struct iovec *iov, int nr, off64_t off)
{
	if (control("no-direct") && fcntl(fd, F_GETFL) & O_DIRECT) {
		errno = EINVAL;
		return -1;
	}
	return fails(fd, "write", "write-ms") ? -1 : syscall(SYS_pwritev, fd, iov, nr, off, 0);
}

int fdatasync(int fd)
{
	return fails(fd, "sync", NULL) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int flock(int fd, int operation)
{
	return control("no-locks") ? 0 : (int)syscall(SYS_flock, fd, operation);
}

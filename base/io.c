// SPDX-License-Identifier: Apache-2.0
/* Whole reads and writes, atomic replacement, directories, locks, and the units that options use. */
#include <hffs/io.h>

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

int io_pread(int fd, void *bytes, size_t len, uint64_t off)
{
	char *p = bytes;

	while (len) {
		ssize_t n = pread(fd, p, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ENODATA;
		p += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

int io_pwritev(int fd, struct iovec *iov, unsigned nr, uint64_t off)
{
	while (nr) {
		ssize_t n = pwritev(fd, iov, (int)nr, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		off += (uint64_t)n;
		for (; nr && (size_t)n >= iov->iov_len; iov++, nr--)
			n -= (ssize_t)iov->iov_len;
		if (nr)
			*iov = (struct iovec){(char *)iov->iov_base + n, iov->iov_len - (size_t)n};
	}
	return 0;
}

int io_pwrite(int fd, const void *bytes, size_t len, uint64_t off)
{
	return io_pwritev(fd, &(struct iovec){(void *)(uintptr_t)bytes, len}, len > 0, off);
}

/* Behind the last byte there is nothing to wait for. */
int io_refused_later(int fd)
{
	if (sync_file_range(fd, INT64_MAX - 1, 1, SYNC_FILE_RANGE_WAIT_BEFORE) == 0)
		return 0;
	return errno == ENOSYS || errno == ESPIPE || errno == EINVAL ? 0 : -errno; /* nobody tells */
}

int io_write(int fd, const void *bytes, size_t len)
{
	const char *p = bytes;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int io_read_file(const char *path, size_t max, struct buf *b)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (;;) {
		ssize_t n;

		if (buf_reserve(b, 65536) < 0)
			return -ENOMEM;
		n = read(fd, b->data + b->len, 65536);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		b->len += (size_t)n;
		b->data[b->len] = '\0';
		if (b->len > max)
			return -EFBIG;
	}
}

static int write_synced(const char *path, const void *bytes, size_t len, mode_t mode)
{
	AUTO_FD int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, mode);
	int r;

	if (fd < 0)
		return -errno;
	r = io_write(fd, bytes, len);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	return r;
}

int io_replace_file(const char *path, const void *bytes, size_t len, mode_t mode)
{
	char beside[PATH_MAX];
	int r;

	if (snprintf(beside, sizeof(beside), "%s.%ld.tmp", path, (long)getpid()) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	r = write_synced(beside, bytes, len, mode);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(beside); /* it may not even exist */
	return r;
}

int io_make_dirs(const char *path, mode_t mode)
{
	char part[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0 || len >= sizeof(part))
		return -ENAMETOOLONG;
	memcpy(part, path, len + 1);
	for (char *slash = part + 1;; slash++) {
		slash += strcspn(slash, "/");
		bool last = *slash == '\0';

		*slash = '\0';
		if (mkdir(part, mode) < 0 && errno != EEXIST && errno != EISDIR) {
			int e = errno;

			/* An unreadable or read-only parent is fine as long as the directory is there. */
			if (stat(part, &st) < 0)
				return -e;
		}
		if (last)
			break;
		*slash = '/';
	}
	if (stat(path, &st) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int io_lock_file(const char *path)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return take_fd(&fd);
}

uint64_t io_raise_descriptor_limit(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0)
		return UINT64_MAX;
	rl.rlim_cur = rl.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &rl); /* raising to what is allowed cannot fail */
	return rl.rlim_max;
}

int io_disk_space(const char *path, uint64_t *free_bytes, uint64_t *size_bytes)
{
	struct statvfs sv;

	if (statvfs(path, &sv) < 0)
		return -errno;
	*free_bytes = (uint64_t)sv.f_bavail * sv.f_frsize;
	*size_bytes = (uint64_t)sv.f_blocks * sv.f_frsize;
	return 0;
}

/* A number of at most 15 digits before and after a point; *end is what follows. */
static int parse_number(const char *text, double *value, const char **end)
{
	size_t whole = strspn(text, "0123456789");
	size_t part = text[whole] == '.' ? strspn(text + whole + 1, "0123456789") : 0;

	if (whole == 0 || whole > 15 || part > 15)
		return -EINVAL;
	*value = strtod(text, NULL);
	*end = text + whole + (text[whole] == '.' ? part + 1 : 0);
	return 0;
}

int io_parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMGTP";
	double value;
	const char *end, *unit;

	if (parse_number(text, &value, &end) < 0)
		return -EINVAL;
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (unit) {
		value *= (double)(1ull << (10 * (unit - units + 1)));
		end++;
		if (*end == 'i' && (end[1] == 'B' || end[1] == 'b'))
			end++;
	}
	if (*end == 'B' || *end == 'b')
		end++;
	if (*end || value >= 9e18)
		return -EINVAL;
	*out = (uint64_t)value;
	return 0;
}

int io_parse_time_ms(const char *text, uint64_t *out)
{
	static const struct {
		const char *unit;
		double ms;
	} units[] = {{"", 1e3}, {"ms", 1}, {"s", 1e3}, {"m", 6e4}, {"min", 6e4}, {"h", 36e5}, {"d", 864e5}};
	double value;
	const char *end;

	if (!strcasecmp(text, "inf")) {
		*out = UINT64_MAX;
		return 0;
	}
	if (parse_number(text, &value, &end) < 0)
		return -EINVAL;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(end, units[i].unit)) {
			*out = (uint64_t)(value * units[i].ms);
			return 0;
		}
	return -EINVAL;
}

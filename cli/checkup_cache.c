// SPDX-License-Identifier: Apache-2.0
/* The cache's directory, without opening the cache: a daemon may have it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <hffs/io.h>

#include "checkup_int.h"
#include "cli_int.h"

#define TRIAL_SIZE ((off_t)4 << 20)
#define TRIAL_AT ((off_t)2 << 20)

/* --- the disk --- */

static const char *fs_name(const char *dir)
{
	static const struct {
		uint32_t magic; /* <linux/magic.h> */
		const char *name;
	} known[] = {
		{0xef53, "ext4"},	{0x58465342, "xfs"},	 {0x9123683e, "btrfs"}, {0x794c7630, "overlayfs"}, {0x01021994, "tmpfs"},
		{0x6969, "NFS"},	{0xff534d42, "CIFS"},	 {0xfe534d42, "SMB"},	{0x65735546, "FUSE"},	   {0x2fc12fc1, "ZFS"},
		{0xf2f52010, "F2FS"},	{0x01021997, "9p"},	 {0x4d44, "FAT"},
	};
	struct statfs st;

	if (statfs(dir, &st) < 0)
		return "an unknown file system";
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if ((uint32_t)st.f_type == known[i].magic)
			return known[i].name;
	return "another file system";
}

/* A file without a name, or one that loses its name at once. */
static int open_trial(const char *dir)
{
	AUTO_FREE char *path = NULL;
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0)
		return fd;
	path = str_printf("%s/trial-XXXXXX", dir);
	fd = path ? mkostemp(path, O_CLOEXEC) : -1;
	if (fd >= 0)
		(void)unlink(path); /* it is empty, and says what it is */
	return fd;
}

static bool has_direct(int fd)
{
	AUTO_FREE char *path = str_printf("/proc/self/fd/%d", fd);
	AUTO_FD int direct = path ? open(path, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;

	return direct >= 0;
}

/* What of the things that the cache builds on the file system cannot do; "" all is well. */
static const char *try_disk(const char *dir)
{
	AUTO_FD int fd = open_trial(dir);
	uint8_t page[4096] = {1};
	struct stat st;

	if (fd < 0 || ftruncate(fd, TRIAL_SIZE) < 0 || io_pwrite(fd, page, sizeof(page), (uint64_t)TRIAL_AT) < 0 || fstat(fd, &st) < 0)
		return "a file cannot be written";
	if ((off_t)st.st_blocks * 512 >= TRIAL_SIZE)
		return "no sparse files: each file takes its whole size at once";
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, TRIAL_AT, sizeof(page)) < 0)
		return "no holes can be made: parts of files that are given up still take room";
	return has_direct(fd) ? "" : "no O_DIRECT: what is stored goes through the page cache";
}

static void check_disk(struct checkup *c, const struct config *config, const char *dir, bool is_writable)
{
	char free_text[SAY_BYTES_MAX], size_text[SAY_BYTES_MAX], most_text[SAY_BYTES_MAX], keep_text[SAY_BYTES_MAX];
	const char *missing = is_writable ? try_disk(dir) : "";
	uint64_t free_bytes, size, most, keep;

	if (io_disk_space(dir, &free_bytes, &size) < 0) {
		checkup_add(c, HEALTH_BROKEN, "disk", "%s does not say how large it is: %s", dir, strerror(errno));
		return;
	}
	most = config->cache_size ? config->cache_size : size / 10 * 9;
	keep = config->keep_free == UINT64_MAX ? size / 20 : config->keep_free;
	checkup_add(c, *missing || free_bytes < keep ? HEALTH_NOTE : HEALTH_OK, "disk",
		    "%s, %s of %s free; hffs takes %s at most and leaves %s free%s%s%s", fs_name(dir), say_bytes(free_bytes, free_text),
		    say_bytes(size, size_text), say_bytes(most, most_text), say_bytes(keep, keep_text), *missing ? "; " : "", missing,
		    free_bytes < keep ? "; less is free already, so nothing new is kept" : "");
}

/* --- the directory --- */

/* It will be made: can it? */
static void check_future(struct checkup *c, const struct config *config)
{
	AUTO_FREE char *parent = strdup(config->cache);
	char *at = parent;

	while (at && access(at, F_OK) < 0 && strcmp(at, "/"))
		at = dirname(at);
	if (!at)
		return;
	if (access(at, W_OK | X_OK) < 0) {
		checkup_add(c, HEALTH_BROKEN, "cache", "%s cannot be made in %s: %s; name another one with cache=DIR", config->cache, at,
			    strerror(errno));
		return;
	}
	checkup_add(c, HEALTH_OK, "cache", "%s is made when it is first used", config->cache);
	check_disk(c, config, at, false);
}

static void check_format(struct checkup *c, const char *dir)
{
	int format = cache_peek_format(dir);

	if (format == -EBADMSG)
		checkup_add(c, HEALTH_NOTE, "cache", "%s: its index is damaged or foreign, and begins anew when it is next used", dir);
	else if (format == -EAGAIN)
		checkup_add(c, HEALTH_OK, "cache", "%s, in its first use", dir);
	else if (format < 0)
		checkup_add(c, HEALTH_BROKEN, "cache", "%s: its index cannot be read: %s", dir, strerror(-format));
	else if (format > CACHE_FORMAT)
		checkup_add(c, HEALTH_BROKEN, "cache", "%s has format %d, of a newer hffs; this one knows %d: name another one with cache=DIR", dir,
			    format, CACHE_FORMAT);
	else if (format == 0)
		checkup_add(c, HEALTH_OK, "cache", "%s, empty", dir);
	else
		checkup_add(c, HEALTH_OK, "cache", "%s, format %d", dir, format);
}

void check_cache(struct checkup *c, const struct config *config)
{
	const char *dir = config->cache;
	bool is_writable;
	struct stat st;

	if (stat(dir, &st) < 0 && errno == ENOENT) {
		check_future(c, config);
		return;
	}
	if (access(dir, R_OK | X_OK) < 0) {
		checkup_add(c, HEALTH_BROKEN, "cache", "%s: %s; name another one with cache=DIR", dir, strerror(errno));
		return;
	}
	is_writable = access(dir, W_OK) == 0;
	if (!S_ISDIR(st.st_mode))
		checkup_add(c, HEALTH_BROKEN, "cache", "%s is no directory", dir);
	else if (st.st_uid != geteuid() && is_writable)
		checkup_add(c, HEALTH_BROKEN, "cache", "%s belongs to another user: name one of your own with cache=DIR", dir);
	else if (st.st_mode & (S_IWGRP | S_IWOTH))
		checkup_add(c, HEALTH_BROKEN, "cache", "others may write to %s: 'chmod go-w %s'", dir, dir);
	else if (!is_writable && errno != EROFS)
		checkup_add(c, HEALTH_BROKEN, "cache", "%s is not writable: %s", dir, strerror(errno));
	else
		check_format(c, dir);
	check_disk(c, config, dir, is_writable);
}

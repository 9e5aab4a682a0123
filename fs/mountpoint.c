// SPDX-License-Identifier: Apache-2.0
/*
 * The directory to mount at. What is mounted where is read from /proc/self/mountinfo, because a path on a dead or hanging mount
 * must not be touched more than needed.
 */
#include "mountpoint_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <hffs/buf.h>
#include <hffs/log.h>
#include <hffs/mount.h>

#define FSTYPE "fuse.hffs"
#define DETACH_MAX 8 /* dead mounts on top of each other, one from each crash */

/* --- the kernel's list --- */

static int octal(const char *p)
{
	int v = 0;

	for (int i = 0; i < 3; i++) {
		if (p[i] < '0' || p[i] > '7')
			return -1;
		v = v * 8 + (p[i] - '0');
	}
	return v <= 255 ? v : -1;
}

/* One field up to a blank, "\040" undone. Gives what follows the blank, or NULL if the field does not fit. */
static const char *take_field(const char *p, char *out, size_t size)
{
	size_t n = 0;

	while (*p && *p != ' ' && *p != '\n') {
		int c = *p == '\\' ? octal(p + 1) : -1;

		if (n + 1 >= size)
			return NULL;
		out[n++] = c >= 0 ? (char)c : *p;
		p += c >= 0 ? 4 : 1;
	}
	out[n] = '\0';
	return *p == ' ' ? p + 1 : p;
}

/* "36 35 98:0 /root /dir rw,noatime master:1 - type source options" [proc_pid_mountinfo(5)] */
int mount_line_parse(const char *line, struct mount_line *out)
{
	const char *p = line;
	int n = 0;

	if (sscanf(p, "%*d %*d %u:%u %n", &out->major, &out->minor, &n) != 2 || !n)
		return -EINVAL;
	p += n;
	p += strcspn(p, " ");
	p = *p ? take_field(p + 1, out->dir, sizeof(out->dir)) : NULL;
	p = p ? strstr(p, " - ") : NULL;
	p = p ? take_field(p + 3, out->type, sizeof(out->type)) : NULL;
	p = p ? take_field(p, out->source, sizeof(out->source)) : NULL;
	return p ? 0 : -EINVAL;
}

bool mountpoint_find(const char *dir, struct mount_line *out)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	struct mount_line line;
	bool is_found = false;
	char *text = NULL;
	size_t cap = 0;

	if (!f)
		return false;
	while (getline(&text, &cap, f) > 0)
		if (mount_line_parse(text, &line) == 0 && !strcmp(line.dir, dir)) {
			*out = line; /* later ones lie on top */
			is_found = true;
		}
	free(text);
	fclose(f);
	return is_found;
}

/* --- taking a mount away --- */

extern char **environ;

static int run_fusermount(const char *dir)
{
	AUTO_FREE char *name = strdup("fusermount3"), *how = strdup("-uqz"), *end = strdup("--"), *where = strdup(dir);
	char *argv[] = {name, how, end, where, NULL};
	int status;
	pid_t pid;

	if (!name || !how || !end || !where)
		return -ENOMEM;
	if (posix_spawnp(&pid, name, NULL, NULL, argv, environ) != 0)
		return -ENOENT;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int mountpoint_detach(const char *dir)
{
	if (umount2(dir, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	return errno == EPERM ? run_fusermount(dir) : -errno;
}

/* --- checks --- */

bool mount_error_is_dead(int error)
{
	return error == ENOTCONN || error == ECONNABORTED;
}

/* Attributes may be the kernel's memory of a daemon that is gone; statfs always asks it. */
static bool is_dead(const char *dir)
{
	struct statfs st;

	return statfs(dir, &st) < 0 && mount_error_is_dead(errno);
}

/* realpath(), also where the last component is a dead mount, which nobody can ask. */
static char *canonical(const char *dir)
{
	AUTO_FREE char *copy = NULL, *base_copy = NULL, *parent = NULL;
	char *path = realpath(dir, NULL);

	if (path || !mount_error_is_dead(errno))
		return path;
	copy = strdup(dir);
	base_copy = strdup(dir);
	if (!copy || !base_copy)
		return NULL;
	parent = realpath(dirname(copy), NULL);
	return parent ? str_printf("%s/%s", strcmp(parent, "/") != 0 ? parent : "", basename(base_copy)) : NULL;
}

static int clear_dead(const char *dir, struct err *err)
{
	struct mount_line top;

	for (int i = 0; i < DETACH_MAX && mountpoint_find(dir, &top); i++) {
		int r;

		if (!is_dead(dir))
			return strcmp(top.type, FSTYPE) != 0 ? 0 : err_set(err, -EBUSY, "hffs is already mounted at %s", dir);
		if (strcmp(top.type, FSTYPE) != 0)
			return err_set(err, -ENOTCONN, "a dead mount (%s) is at %s: unmount it first", top.type, dir);
		r = mountpoint_detach(dir);
		if (r < 0)
			return err_set(err, r, "the dead mount at %s cannot be detached: %s", dir, strerror(-r));
		log_info("detached a dead mount at %s", dir);
	}
	return 0;
}

static int check_empty(const char *dir, struct err *err)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return err_set(err, -errno, "cannot look into %s: %s", dir, strerror(errno));
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = err_set(err, -ENOTEMPTY, "%s is not empty: mount at an empty directory, or with -o nonempty", dir);
	closedir(d);
	return r;
}

int mountpoint_prepare(const char *dir, bool may_have_files, char **out, struct err *err)
{
	AUTO_FREE char *path = canonical(dir);
	struct stat st;
	int r;

	if (!path && errno == ENOENT)
		return err_set(err, -ENOENT, "%s does not exist: make the directory first", dir);
	if (!path)
		return err_set(err, -errno, "cannot mount at %s: %s", dir, strerror(errno));
	r = clear_dead(path, err);
	if (r < 0)
		return r;
	if (stat(path, &st) < 0)
		return err_set(err, -errno, "cannot mount at %s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "%s is not a directory", path);
	if (!may_have_files) {
		r = check_empty(path, err);
		if (r < 0)
			return r;
	}
	*out = TAKE(path);
	return 0;
}

char *mount_find_fusermount(void)
{
	const char *path = getenv("PATH");
	AUTO_FREE char *dirs = str_printf("/usr/bin:/bin:/usr/local/bin:%s", path ? path : "");
	char *save = NULL;

	for (char *d = dirs ? strtok_r(dirs, ":", &save) : NULL; d; d = strtok_r(NULL, ":", &save)) {
		AUTO_FREE char *file = str_printf("%s/fusermount3", d);

		if (file && access(file, X_OK) == 0)
			return TAKE(file);
	}
	return NULL;
}

int mountpoint_check_fuse(struct err *err)
{
	AUTO_FREE char *helper = mount_find_fusermount();
	AUTO_FD int fd = -1;

	if (access("/dev/fuse", F_OK) < 0)
		return err_set(err, -ENODEV,
			       "there is no /dev/fuse: load the fuse module, or give the container --device /dev/fuse");
	if (geteuid() != 0)
		return helper ? 0 : err_set(err, -ENOENT, "fusermount3 is missing: install the package fuse3, or mount as root");
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "cannot open /dev/fuse: %s", strerror(errno));
	return 0;
}

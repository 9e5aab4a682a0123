// SPDX-License-Identifier: Apache-2.0
/* Taking a mount away: root asks the kernel, others fusermount3. */
#include "mounts_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

static int umount_as_root(const char *dir, bool lazy, struct err *err)
{
	if (umount2(dir, UMOUNT_NOFOLLOW | (lazy ? MNT_DETACH : 0)) == 0)
		return 0;
	if (errno == EBUSY)
		return -EBUSY;
	return err_set(err, -errno, "cannot unmount %s: %s", dir, strerror(errno));
}

/* What the child wrote, its first line. */
static void read_line(int fd, char *out, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len + 1 < size && (n = read(fd, out + len, size - len - 1)) > 0)
		len += (size_t)n;
	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void exec_fusermount(const char *dir, bool lazy, int out)
{
	static const char *const names[] = {"fusermount3", "fusermount"};

	(void)dup2(out, 2); /* both are open */
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (lazy)
			execlp(names[i], names[i], "-u", "-z", "--", dir, (char *)NULL);
		else
			execlp(names[i], names[i], "-u", "--", dir, (char *)NULL);
	}
	fprintf(stderr, "fusermount3 is not installed\n");
	_exit(127);
}

static int umount_as_user(const char *dir, bool lazy, struct err *err)
{
	char said[256];
	int ends[2], status = 0;
	pid_t child;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_set(err, -errno, "cannot make a pipe: %s", strerror(errno));
	child = fork();
	if (child == 0)
		exec_fusermount(dir, lazy, ends[1]);
	(void)close(ends[1]);
	read_line(ends[0], said, sizeof(said));
	(void)close(ends[0]);
	if (child < 0)
		return err_set(err, -EAGAIN, "cannot start a process");
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (strstr(said, "busy"))
		return -EBUSY;
	if (strstr(said, "not found in")) /* among the mounts that are this user's [fuse 3.14 util/fusermount.c] */
		return err_set(err, -EPERM, "cannot unmount %s: another user mounted it", dir);
	return err_set(err, -EPERM, "cannot unmount %s: %s", dir, said);
}

int mount_dir_unmount(const char *dir, bool lazy, struct err *err)
{
	return geteuid() == 0 ? umount_as_root(dir, lazy, err) : umount_as_user(dir, lazy, err);
}

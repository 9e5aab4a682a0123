// SPDX-License-Identifier: Apache-2.0
/*
 * hffs umount. It waits for the daemon's end, by a pidfd taken before, so that the cache is free when it returns.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include <hffs/mount.h>

#include "cli_int.h"
#include "mounts_int.h"

#define BUSY_TRIES 10
#define BUSY_WAIT_US 50000
#define DAEMON_END_MS 15000 /* its own limit is 5 s; a slow disk may take longer over the last commit */

static int help(void)
{
	printf("usage: hffs umount [-l] DIR\n\n"
	       "Ends the mount at DIR, also one whose daemon is gone, and waits until its daemon has ended.\n\n"
	       "  -l, --lazy  detach now; open files work until they are closed\n"
	       "  -h, --help  this page\n");
	return EXIT_OK;
}

static int wait_for_end(int pidfd, long pid, struct err *err)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int r;

	do
		r = poll(&p, 1, DAEMON_END_MS);
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return err_set(err, -ETIMEDOUT, "it is unmounted, but its daemon, process %ld, has not ended yet", pid);
	return 0;
}

/* Somebody who only looks, such as 'hffs status', is gone in a moment; who stays is told of. */
static int umount_patiently(const char *dir, bool lazy, struct err *err)
{
	for (int tries = 0; tries < BUSY_TRIES; tries++) {
		int r = mount_dir_unmount(dir, lazy, err);

		if (r != -EBUSY)
			return r;
		usleep(BUSY_WAIT_US);
	}
	return err_set(err, -EBUSY, "%s is in use ('fuser -vm %s' says by whom); 'hffs umount -l %s' detaches it now", dir, dir, dir);
}

static int end_mount(const struct mount_entry *e, bool lazy, struct err *err)
{
	long pid = mount_entry_pid(e);
	AUTO_FD int pidfd = pid ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1; /* the wrapper is of glibc 2.36 */
	bool detach = lazy || mount_error_is_dead(-e->r);
	int r = umount_patiently(e->dir, detach, err);

	if (r < 0 || lazy || pidfd < 0)
		return r;
	return wait_for_end(pidfd, pid, err);
}

int cmd_umount(int argc, char **argv)
{
	static const struct option longs[] = {{"lazy", no_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'}, {0}};
	AUTO_FREE char *dir = NULL;
	AUTO_MOUNTS mounts = {0};
	struct mount_entry *e;
	struct err err = {0};
	bool lazy = false;
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "lh", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		if (c != 'l')
			return say_usage("umount", "'%s' is not understood", argv[optind - 1]);
		lazy = true;
	}
	if (argc - optind != 1)
		return say_usage("umount", argc > optind ? "one DIR at a time" : "DIR is missing");
	dir = mount_dir_resolve(argv[optind]);
	r = mounts_load(&mounts, &err);
	if (r < 0)
		return say_failed("umount", r, &err);
	e = dir ? mounts_find(&mounts, dir) : NULL;
	if (e)
		mount_entry_ask(e);
	r = e ? end_mount(e, lazy, &err) : err_set(&err, -EINVAL, "%s is no hffs mount", argv[optind]);
	return r < 0 ? say_failed("umount", r, &err) : EXIT_OK;
}

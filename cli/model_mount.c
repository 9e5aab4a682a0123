// SPDX-License-Identifier: Apache-2.0
/*
 * A mount for one process: a daemon as every mount has, on the cache of this user, at a directory of its own. It shows the whole Hub,
 * so that a second process, which cannot have the same cache, can read other repositories through it. The kernel tells the daemon when
 * this process is gone, however it went.
 */
#include "model_dir_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "daemon_int.h"
#include "mounts_int.h"

#define END_WAIT_US 20000
#define END_TRIES 250 /* 5 s; the mount may be in use by others, and the daemon may commit to a slow disk */

static int make_dirs(struct private_mount *m, struct err *err)
{
	AUTO_FREE char *temp = config_temp_dir();
	AUTO_FREE char *base = temp ? str_printf("%s/hffs-run.XXXXXX", temp) : NULL;

	if (!base)
		return err_set(err, -ENOMEM, "out of memory");
	if (!mkdtemp(base))
		return err_set(err, -errno, "cannot make the directory %s: %s", base, strerror(errno));
	m->base = realpath(base, NULL);
	m->dir = m->base ? str_printf("%s/hub", m->base) : NULL;
	if (!m->dir || mkdir(m->dir, 0700) < 0) {
		int r = m->dir ? -errno : -ENOMEM;

		(void)rmdir(base); /* empty */
		return err_set(err, r, "cannot make a directory in %s: %s", temp, strerror(-r));
	}
	return 0;
}

int private_mount_open(struct private_mount *m, const struct config *config, const struct repo_id *repo, const char *rev, struct err *err)
{
	struct config own = *config; /* borrows */
	struct daemon_plan plan = {.config = &own, .source = "hub", .first = repo, .first_rev = rev};
	struct private_mount made = {0};
	int r;

	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return err_set(err, -ENODEV, "there is no /dev/fuse that this user may open");
	r = make_dirs(&made, err);
	if (r < 0) {
		free(made.base);
		free(made.dir);
		return r;
	}
	own.allow_other = false;
	own.uid = own.gid = -1;
	own.umask = 0;
	plan.dir = made.dir;
	plan.private_dir = made.base;
	plan.child = &made.child;
	r = daemon_start(&plan, err);
	if (r < 0) {
		private_mount_done(&made);
		return r;
	}
	*m = made;
	return 0;
}

/* True once the process has ended. */
static bool wait_for_end(pid_t child)
{
	for (int tries = 0; tries < END_TRIES; tries++) {
		pid_t r = waitpid(child, NULL, WNOHANG);

		if (r == child || (r < 0 && errno != EINTR))
			return true;
		usleep(END_WAIT_US);
	}
	return false;
}

void private_mount_done(struct private_mount *m)
{
	bool ended = true;

	if (m->child) {
		(void)kill(m->child, SIGTERM); /* it may have ended already */
		ended = wait_for_end(m->child);
	}
	/* Not so when others use it: then the daemon clears up after them. */
	if (m->dir && ended) {
		if (rmdir(m->dir) < 0 && errno != ENOENT)
			(void)mount_dir_unmount(m->dir, true, NULL); /* its daemon was killed */
		model_view_remove(m->base);
	}
	free(m->base);
	free(m->dir);
	*m = (struct private_mount){0};
}

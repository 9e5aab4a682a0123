// SPDX-License-Identifier: Apache-2.0
/* hffs mount, and mount.hffs for mount(8): arguments to a plan, checks that need no daemon, then the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/mount.h>

#include "cli_int.h"
#include "daemon_int.h"
#include "mounts_int.h"

static int help(void)
{
	printf("usage: hffs mount [-f] [-o OPTION[,OPTION...]] [SOURCE] DIR\n\n"
	       "Shows the Hub at DIR. SOURCE is 'hub' (all of it, the default) or a repository, ORG/NAME[@REV], to have it at DIR itself.\n"
	       "Returns when the mount answers.\n\n"
	       "  -f, --foreground  stay in front; log to stderr\n"
	       "  -o OPTION         one setting or several, as below; may be repeated\n"
	       "  -h, --help        this page\n\n"
	       "Options, also names in hffs.conf:\n");
	options_help(stdout);
	return EXIT_OK;
}

/* A mount point is a directory; a dead mount left behind there is fine, a live one is not. */
static int check_dir(const char *dir, struct err *err)
{
	AUTO_MOUNTS mounts = {0};
	struct mount_entry *e;
	struct stat st;
	int r;

	if (stat(dir, &st) < 0 && !mount_error_is_dead(errno))
		return err_set(err, -errno, "cannot mount at %s: %s", dir, strerror(errno));
	r = mounts_load(&mounts, err);
	if (r < 0)
		return r;
	e = mounts_find(&mounts, dir);
	if (e)
		mount_entry_ask(e);
	if (e && e->r == 0)
		return err_set(err, -EBUSY, "hffs is mounted at %s already, by process %ld", dir, mount_entry_pid(e));
	if (!e && !S_ISDIR(st.st_mode))
		return err_set(err, -ENOTDIR, "cannot mount at %s: it is not a directory", dir);
	return 0;
}

/* True if the path, or what of it exists, lies at or below dir. */
static bool is_below(const char *path, const char *dir)
{
	AUTO_FREE char *part = strdup(path);
	AUTO_FREE char *real = NULL;
	size_t len = strlen(dir);

	while (part && !(real = realpath(part, NULL))) {
		char *slash = strrchr(part, '/');

		if (!slash || slash == part)
			return false;
		*slash = '\0';
	}
	return real && !strncmp(real, dir, len) && (real[len] == '/' || !real[len] || !strcmp(dir, "/"));
}

static int check_plan(const struct daemon_plan *plan, struct err *err)
{
	int r = check_dir(plan->dir, err);

	if (r < 0)
		return r;
	if (is_below(plan->config->cache, plan->dir))
		return err_set(err, -EINVAL, "the cache %s is inside the mount point %s", plan->config->cache, plan->dir);
	if (plan->config->log && is_below(plan->config->log, plan->dir))
		return err_set(err, -EINVAL, "the log %s is inside the mount point %s", plan->config->log, plan->dir);
	if (access("/dev/fuse", F_OK) < 0)
		return err_set(err, -ENODEV, "there is no /dev/fuse: load the kernel module fuse, or give the container the device");
	return 0;
}

static int start(struct daemon_plan *plan, const char *dir, struct err *err)
{
	AUTO_FREE char *real = mount_dir_resolve(dir);
	int r;

	if (!real)
		return err_set(err, -errno, "cannot mount at %s: %s", dir, strerror(errno));
	plan->dir = real;
	r = check_plan(plan, err);
	if (r == 0)
		r = daemon_start(plan, err);
	plan->dir = NULL;
	return r;
}

/* What both entries do once arguments are known. failed: the exit code of a mount that did not come about. */
static int mount_source(const char *source, const char *dir, const struct options *options, bool foreground, int failed)
{
	AUTO_CONFIG config = {0};
	struct daemon_plan plan = {.config = &config, .source = source, .foreground = foreground};
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("mount", r, &err);
	if (strcmp(source, "hub")) {
		if (repo_parse(source, &repo, rev, &err) < 0)
			return say_usage("mount", "%s; or 'hub' for all of it", err_text(&err));
		plan.repo = &repo;
		plan.rev = rev;
	}
	r = start(&plan, dir, &err);
	if (r < 0)
		say_failed("mount", r, &err);
	return r < 0 ? failed : EXIT_OK;
}

int cmd_mount(int argc, char **argv)
{
	static const struct option longs[] = {
		{"foreground", no_argument, NULL, 'f'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct options options = {0};
	bool foreground = false;
	int c, nr;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "fho:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		if (c == 'f')
			foreground = true;
		else if (c != 'o')
			return say_usage("mount", "'%s' is not understood", argv[optind - 1]);
		else if (!options_add(&options, optarg))
			return say_usage("mount", "there are too many -o");
	}
	nr = argc - optind;
	if (nr < 1 || nr > 2)
		return say_usage("mount", nr ? "there is something behind DIR: '%s'" : "DIR is missing", nr ? argv[optind + 2] : "");
	return mount_source(nr == 2 ? argv[optind] : "hub", argv[argc - 1], &options, foreground, EXIT_FAILED);
}

/* mount -N: into another mount namespace, given as a file of /proc. [mount(8), "External helpers"] */
static int enter_namespace(const char *path)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 || setns(fd, CLONE_NEWNS) < 0 ? -errno : 0;
}

/* mount(8) takes a source for a path where a file of that name happens to be, and makes it absolute: undone here. */
static const char *original_source(const char *source)
{
	AUTO_FREE char *here = getcwd(NULL, 0);
	size_t len = here && strcmp(here, "/") ? strlen(here) : 0;

	return *source == '/' && here && !strncmp(source, here, len) && source[len] == '/' ? source + len + 1 : source;
}

int cmd_mount_helper(int argc, char **argv)
{
	struct options options = {.of_mount8 = true};
	const char *source, *dir;
	bool fake = false;
	int c, r;

	if (argc < 3 || argv[1][0] == '-' || argv[2][0] == '-')
		return say_usage("mount", "mount.hffs is called by mount(8): mount -t hffs hub DIR"), EXIT_FAILED;
	source = original_source(argv[1]);
	dir = argv[2];
	opterr = 0;
	optind = 3;
	while ((c = getopt(argc, argv, "sfnvN:o:t:")) != -1) {
		if (c == 's')
			options.sloppy = true;
		else if (c == 'f')
			fake = true;
		else if (c == 'o' && !options_add(&options, optarg))
			return say_usage("mount", "there are too many -o"), EXIT_FAILED;
		else if (c == '?')
			return say_usage("mount", "'%s' is not understood", argv[optind - 1]), EXIT_FAILED;
		else if (c == 'N' && (r = enter_namespace(optarg)) < 0)
			return say_usage("mount", "cannot enter the namespace %s: %s", optarg, strerror(-r)), EXIT_FAILED;
	}
	if (fake)
		return EXIT_OK;
	r = mount_source(source, dir, &options, false, EXIT_MOUNT_FAILED);
	return r == EXIT_USAGE ? EXIT_FAILED : r; /* to mount(8) 1 is wrong usage, and 2 a system error */
}

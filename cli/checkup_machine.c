// SPDX-License-Identifier: Apache-2.0
/* The machine: what FUSE needs, and what is mounted. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <hffs/io.h>
#include <hffs/mount.h>

#include "checkup_int.h"
#include "mounts_int.h"

#define FUSE_CONF "/etc/fuse.conf"
#define FUSE_CONF_MAX 65536
#define FUSE_DEVICE makedev(10, 229) /* Documentation/admin-guide/devices.txt */

static void check_kernel(struct checkup *c)
{
	const unsigned passing[] = {6, 9};
	unsigned major = 0, minor = 0;
	struct utsname u;
	bool can_pass;

	if (uname(&u) < 0 || sscanf(u.release, "%u.%u", &major, &minor) != 2) {
		checkup_add(c, HEALTH_NOTE, "kernel", "it does not say which version it is");
		return;
	}
	can_pass = major > passing[0] || (major == passing[0] && minor >= passing[1]);
	checkup_add(c, HEALTH_OK, "kernel", "Linux %s: complete files are read %s", u.release,
		    !can_pass        ? "through hffs; from 6.9 on root's mounts leave that to the kernel" :
		    geteuid() == 0 ? "by the kernel alone, unless the cache is on overlayfs" :
				     "through hffs; for root's mounts by the kernel alone");
}

static void check_libfuse(struct checkup *c)
{
	const char *version = mount_fuse_version();
	unsigned major = 0, minor = 0;
	bool is_old = sscanf(version, "%u.%u", &major, &minor) == 2 && (major < 3 || (major == 3 && minor < 14));

	checkup_add(c, is_old ? HEALTH_NOTE : HEALTH_OK, "libfuse", "%s%s", version,
		    is_old ? ": before 3.14 lookups in one directory wait for each other, and all reads go through hffs" : "");
}

/* Users without root do not open it themselves: fusermount3 does. */
static void check_device(struct checkup *c)
{
	AUTO_FD int fd = -1;
	struct stat st;

	if (stat("/dev/fuse", &st) < 0) {
		checkup_add(c, HEALTH_BROKEN, "fuse",
			    "there is no /dev/fuse: load the kernel module ('modprobe fuse'), or give the container --device /dev/fuse");
		return;
	}
	if (!S_ISCHR(st.st_mode) || st.st_rdev != FUSE_DEVICE) {
		checkup_add(c, HEALTH_BROKEN, "fuse", "/dev/fuse is not the device 10:229: 'mknod /dev/fuse c 10 229' makes that");
		return;
	}
	fd = geteuid() == 0 ? open("/dev/fuse", O_RDWR | O_CLOEXEC) : -1;
	if (geteuid() == 0 && fd < 0)
		checkup_add(c, HEALTH_BROKEN, "fuse", "/dev/fuse cannot be opened: %s; the kernel lacks FUSE, or a container forbids it",
			    strerror(errno));
	else
		checkup_add(c, HEALTH_OK, "fuse", "/dev/fuse is there");
}

static void check_fusermount(struct checkup *c)
{
	AUTO_FREE char *path = mount_find_fusermount();
	bool is_root = geteuid() == 0;
	struct stat st;

	if (!path)
		checkup_add(c, is_root ? HEALTH_NOTE : HEALTH_BROKEN, "fusermount3",
			    "missing: %s; the package fuse3 has it", is_root ? "only root can mount" : "this user cannot mount");
	else if (stat(path, &st) < 0 || !(st.st_mode & S_ISUID) || st.st_uid != 0)
		checkup_add(c, is_root ? HEALTH_NOTE : HEALTH_BROKEN, "fusermount3",
			    "%s is not set-user-ID root, so only root can mount: 'chmod u+s %s' as root", path, path);
	else
		checkup_add(c, HEALTH_OK, "fusermount3", "%s", path);
}

/* A line of its own, blanks around. [mount.fuse3(8)] */
static bool has_line(char *text, const char *word)
{
	char *line;

	while ((line = strsep(&text, "\n"))) {
		size_t len;

		line += strspn(line, " \t");
		len = strcspn(line, " \t\r#");
		if (len == strlen(word) && !strncmp(line, word, len))
			return true;
	}
	return false;
}

static void check_allow_other(struct checkup *c, const struct config *config)
{
	AUTO_BUF text = {0};

	if (!config->allow_other || geteuid() == 0)
		return;
	if (io_read_file(FUSE_CONF, FUSE_CONF_MAX, &text) == 0 && text.data && has_line(text.data, "user_allow_other"))
		checkup_add(c, HEALTH_OK, "allow_other", FUSE_CONF " allows it");
	else
		checkup_add(c, HEALTH_BROKEN, "allow_other", FUSE_CONF " has no line 'user_allow_other': root adds it, or mount without allow_other");
}

/* Where mount(8) looks. */
static void check_helper(struct checkup *c)
{
	static const char *const paths[] = {"/sbin/mount.hffs", "/usr/sbin/mount.hffs"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (access(paths[i], X_OK) == 0) {
			checkup_add(c, HEALTH_OK, "mount.hffs", "%s", paths[i]);
			return;
		}
	checkup_add(c, HEALTH_NOTE, "mount.hffs", "not in /sbin: 'hffs mount' works, 'mount -t hffs', fstab and systemd do not");
}

void check_machine(struct checkup *c, const struct config *config)
{
	check_kernel(c);
	check_libfuse(c);
	check_device(c);
	check_fusermount(c);
	check_helper(c);
	check_allow_other(c, config);
}

/* --- mounts --- */

/* What the kernel reads ahead at the mount, in KiB; 0: unknown. */
static unsigned readahead_kib(const char *dir)
{
	AUTO_FREE char *path = NULL;
	AUTO_BUF text = {0};
	unsigned kib = 0;
	struct stat st;

	if (stat(dir, &st) < 0)
		return 0;
	path = str_printf("/sys/class/bdi/%u:%u/read_ahead_kb", major(st.st_dev), minor(st.st_dev));
	if (!path || io_read_file(path, 64, &text) < 0 || sscanf(text.data, "%u", &kib) != 1)
		return 0;
	return kib;
}

static void check_answer(struct checkup *c, const struct mount_entry *e)
{
	AUTO_FREE char *ahead = NULL;
	unsigned kib = readahead_kib(e->dir);

	ahead = kib ? str_printf(", the kernel reads %u KiB ahead", kib) : strdup("");
	checkup_add(c, HEALTH_OK, "mount", "%s answers; complete files are read %s%s", e->dir,
		    json_get_bool(json_get(e->status, "mount"), "passthrough", json_get_bool(e->status, "passthrough", false)) ?
			    "by the kernel alone" :
			    "through hffs",
		    ahead ? ahead : "");
}

/* Of another user, or of another version: somebody else's matter. */
static bool is_foreign(int r)
{
	return r == -EACCES || r == -EPERM || r == -ENODATA || r == -ENOTSUP;
}

void check_mounts(struct checkup *c)
{
	AUTO_MOUNTS m = {0};
	struct err err = {0};

	if (mounts_load(&m, &err) < 0) {
		checkup_add(c, HEALTH_BROKEN, "mount", "%s", err_text(&err));
		return;
	}
	mounts_ask(&m);
	for (size_t i = 0; i < m.nr; i++) {
		const struct mount_entry *e = &m.entries[i];

		if (e->r == 0)
			check_answer(c, e);
		else
			checkup_add(c, is_foreign(e->r) ? HEALTH_NOTE : HEALTH_BROKEN, "mount", "%s: %s", e->dir, mount_entry_trouble(e));
	}
	if (m.nr == 0)
		checkup_add(c, HEALTH_OK, "mount", "there is none");
}

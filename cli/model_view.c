// SPDX-License-Identifier: Apache-2.0
/*
 * A directory of links, for what is read by path but lies elsewhere. A link to a descriptor goes through /proc/self, so it is good in
 * this process alone, and good for as long as the descriptor is open, whatever becomes of the file's name.
 */
#include "model_dir_int.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/io.h>

int model_view_open(struct model_view *v, const char *base, struct err *err)
{
	AUTO_FREE char *temp = config_temp_dir();
	AUTO_FREE char *dir = base ? str_printf("%s/view", base) : temp ? str_printf("%s/hffs-view.XXXXXX", temp) : NULL;

	if (!dir)
		return err_set(err, -ENOMEM, "out of memory");
	if (base ? mkdir(dir, 0700) < 0 : !mkdtemp(dir))
		return err_set(err, -errno, "cannot make the directory %s: %s", dir, strerror(errno));
	*v = (struct model_view){.dir = TAKE(dir)};
	return 0;
}

/* "1_Pooling" of "1_Pooling/config.json". */
static int make_parent(const char *path)
{
	AUTO_FREE char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!slash)
		return -ENOMEM;
	*slash = '\0';
	return io_make_dirs(parent, 0700);
}

int model_view_add_path(struct model_view *v, const char *name, const char *target, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/%s", v->dir, name);
	int r = path ? make_parent(path) : -ENOMEM;

	if (r == 0 && symlink(target, path) < 0)
		r = -errno;
	return r < 0 ? err_set(err, r, "cannot make a link in %s: %s", v->dir, strerror(-r)) : 0;
}

int model_view_add_fd(struct model_view *v, const char *name, int fd, struct err *err)
{
	int *more = reallocarray(v->fds, v->nr + 1, sizeof(*more));
	char target[32];

	if (!more) {
		(void)close(fd); /* opened for reading */
		return err_set(err, -ENOMEM, "out of memory");
	}
	v->fds = more;
	v->fds[v->nr++] = fd;
	snprintf(target, sizeof(target), "/proc/self/fd/%d", fd);
	return model_view_add_path(v, name, target, err);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
	(void)st;
	(void)flag;
	(void)at;
	(void)remove(path); /* a directory in a place for such things may stay */
	return 0;
}

void model_view_remove(const char *dir)
{
	(void)nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS | FTW_MOUNT); /* as above */
}

void model_view_done(struct model_view *v)
{
	if (v->dir)
		model_view_remove(v->dir);
	for (size_t i = 0; i < v->nr; i++)
		(void)close(v->fds[i]); /* opened for reading */
	free(v->fds);
	free(v->dir);
	*v = (struct model_view){0};
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hosts asked to be left alone, for other processes to read: the small file "pauses" in a directory. It needs no lock and no open
 * cache. Any thread; both calls touch the disk.
 */
#ifndef HFFS_PAUSE_FILE_H
#define HFFS_PAUSE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include <hffs/auto.h>

#define PAUSE_FILE_NAME "pauses"
#define PAUSE_SHARED_MAX_MS (3600ull * 1000) /* a longer one is cut to this when it is written, and not believed when it is read */

/* As which file it was read; zero before the first time. */
struct pause_stamp {
	struct timespec mtime;
	ino_t ino;
};
typedef void pause_each(void *ctx, const char *host, unsigned port, uint64_t left_ms);
/*
 * each() for every pause that is not over. 0; 1: it is the file that *stamp stands for, and was not read; -ENOENT: there is none;
 * -EPERM: another user could have written it; -EBADMSG: damaged; or -errno of the disk.
 */
int pause_file_load(const char *dir, struct pause_stamp *stamp, pause_each *each, void *ctx);
/* Adds a pause, or makes it longer; what is over is left out. The directory must be there. 0, -errno. */
int pause_file_put(const char *dir, const char *host, unsigned port, uint64_t left_ms);

#endif

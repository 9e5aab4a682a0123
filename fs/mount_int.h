/* SPDX-License-Identifier: Apache-2.0 */
/* A mount, as its parts see it: its life (mount.c), the FUSE threads (threads.c), the notify thread (notify.c). */
#ifndef HFFS_FS_MOUNT_INT_H
#define HFFS_FS_MOUNT_INT_H

#include <hffs/mount.h>

#include "mountpoint_int.h"
#include "session_int.h"

/* Requests are parked, never threads: a few keep two directions of memory copies busy. */
#define THREADS_MIN 4
#define THREADS_MAX 8

struct stale_name {
	struct stale_name *next;
	uint64_t dir;
	char name[]; /* with its NUL */
};

struct mount {
	struct mount_config config; /* the strings below are ours */
	char *dir, *source, *one_rev, *fuse_options;
	struct repo_id one_repo;
	struct revision one;

	struct ops *ops; /* a reference */
	struct fetch *fetch; /* borrowed, while it runs */
	struct fuse_session *session;
	struct mount_line where; /* major 0, minor 0 if it was not found */
	int stop_fd, halt_fd;    /* eventfds: the mount shall end; the FUSE threads shall */
	atomic_bool is_ready, is_tuned, is_halted;
	atomic_int failed; /* what a FUSE thread ended with */
	pthread_t threads[THREADS_MAX], notifier;
	unsigned nr_threads;

	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	bool is_running; /* ops->vfs is there */
	bool is_ending;
	struct stale_name *stale;
	bool has_push; /* vfs_take_push() has something */
};

/* Makes an eventfd readable. */
void signal_fd(int fd);

/* Starts the FUSE threads, fewer where there are not enough; they end by themselves when the connection does (then stop_fd is
 * signalled) or by threads_stop(). 0 or -errno. */
int threads_start(struct mount *m);
void threads_stop(struct mount *m);

int notify_start(struct mount *m);
void notify_stop(struct mount *m);
void notify_push(void *mount); /* wakes it for vfs_take_push() */

#endif

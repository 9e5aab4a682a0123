/* SPDX-License-Identifier: Apache-2.0 */
/* git as a child process, and its output read piece by piece. */
#ifndef HFFS_SERVE_CHILD_INT_H
#define HFFS_SERVE_CHILD_INT_H

#include <stdbool.h>
#include <sys/types.h>

#include <hffs/buf.h>

/* {.pid = 0, .in = -1, .out = -1} is none. The process must ignore SIGPIPE: a child may be gone when it is written to. */
struct child {
	pid_t pid;
	int in, out; /* its standard input (-1: /dev/null) and output; its errors go nowhere */
	char *bytes; /* read ahead */
	size_t pos, len;
};

#define CHILD_NONE ((struct child){.in = -1, .out = -1})

/*
 * Starts git on a repository, with the arguments of args (NULL-terminated), without a shell, and with an environment in which
 * neither the user's settings nor those of the repository make it run anything else. 0 or -errno.
 */
int child_start(const char *git_dir, const char *const *args, bool with_input, struct child *out);
/* Ends it, whatever it is doing. Its exit status if it had closed its output by itself, else -1. */
int child_end(struct child *c);

/* Appends what comes before the delimiter, which is taken. 0, -ENODATA at the end of the output, -EMSGSIZE beyond max bytes. */
int child_read_until(struct child *c, char delimiter, size_t max, struct buf *out);
/* Appends exactly len bytes: 0, -ENODATA, -ENOMEM. */
int child_read(struct child *c, size_t len, struct buf *out);

#endif

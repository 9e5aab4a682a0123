// SPDX-License-Identifier: Apache-2.0
/*
 * The FUSE threads. Each asks the device without blocking and waits in epoll where there was nothing, so that it can be told to
 * stop without a signal; libfuse's own loop cancels its threads.
 */
#include "mount_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include <hffs/log.h>

#include "passthrough_int.h"

/* 256 KiB requests: nearly as fast as larger ones, and what lazy loaders fetch in vain stays small. [docs/DESIGN.md, measured] */
#define READ_AHEAD_KB "256"

void signal_fd(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return; /* full: it is readable already */
}

/* As root: the kernel's own readahead of this mount. The answer to INIT resets it, so not before something else was asked. */
static void tune_readahead(struct mount *m)
{
	char path[96];
	AUTO_FD int fd = -1;

	if (geteuid() != 0 || (!m->where.major && !m->where.minor))
		return;
	snprintf(path, sizeof(path), "/sys/class/bdi/%u:%u/read_ahead_kb", m->where.major, m->where.minor);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, READ_AHEAD_KB, strlen(READ_AHEAD_KB)) < 0)
		log_debug("%s: %s: reads stay at the kernel's default size", path, strerror(errno));
}

static void try_passthrough(struct mount *m)
{
	AUTO_FD int sample = cache_open_sample(fetch_cache(m->fetch));

	vfs_let_pass(m->ops->vfs, sample >= 0 && passthrough_try(m->ops, sample));
}

/* The kernel has the answer to INIT. */
static void get_ready(struct mount *m)
{
	try_passthrough(m);
	if (m->config.ready)
		m->config.ready(m->config.ready_ctx);
}

static void after_request(struct mount *m)
{
	if (!atomic_load_explicit(&m->is_ready, memory_order_relaxed)) {
		if (atomic_load(&m->ops->is_up) && !atomic_exchange(&m->is_ready, true))
			get_ready(m);
	} else if (!atomic_load_explicit(&m->is_tuned, memory_order_relaxed)) {
		if (!atomic_exchange(&m->is_tuned, true))
			tune_readahead(m);
	}
}

/* EPOLLEXCLUSIVE: one request wakes one thread. */
static int make_epoll(struct mount *m)
{
	struct epoll_event device = {.events = EPOLLIN | EPOLLEXCLUSIVE, .data.fd = fuse_session_fd(m->session)};
	struct epoll_event halt = {.events = EPOLLIN, .data.fd = m->halt_fd};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (epoll_ctl(fd, EPOLL_CTL_ADD, device.data.fd, &device) < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, halt.data.fd, &halt) < 0) {
		int r = -errno;

		close(fd);
		return r;
	}
	return fd;
}

/* Waits for a request; false when the threads shall stop. */
static bool wait_request(struct mount *m, int epoll_fd)
{
	struct epoll_event event[2];
	int n = epoll_wait(epoll_fd, event, 2, -1);

	for (int i = 0; i < n; i++)
		if (event[i].data.fd == m->halt_fd)
			return false;
	return n >= 0 || errno == EINTR;
}

/* One request, or none; -errno when the connection is broken, -ENODEV when it is over. */
static int serve_one(struct mount *m, struct fuse_buf *buf)
{
	int n = fuse_session_receive_buf(m->session, buf);

	if (n == -EAGAIN || n == -EINTR)
		return 0;
	if (n <= 0)
		return n ? n : -ENODEV;
	fuse_session_process_buf(m->session, buf);
	after_request(m);
	return fuse_session_exited(m->session) ? -ENODEV : 1;
}

static void *serve(void *arg)
{
	struct mount *m = arg;
	struct fuse_buf buf = {0};
	int epoll_fd = make_epoll(m), r = epoll_fd < 0 ? epoll_fd : 0;

	while (r >= 0 && !atomic_load_explicit(&m->is_halted, memory_order_relaxed)) {
		r = serve_one(m, &buf);
		if (r == 0 && !wait_request(m, epoll_fd))
			break;
	}
	if (r < 0) {
		atomic_store(&m->failed, r);
		signal_fd(m->stop_fd);
	}
	if (epoll_fd >= 0)
		close(epoll_fd);
	free(buf.mem);
	return NULL;
}

static unsigned threads_wanted(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < THREADS_MIN ? THREADS_MIN : n > THREADS_MAX ? THREADS_MAX : (unsigned)n;
}

/* Fewer than wanted will do. */
int threads_start(struct mount *m)
{
	unsigned nr = threads_wanted();

	while (m->nr_threads < nr) {
		int r = thread_start(&m->threads[m->nr_threads], "fuse", serve, m);

		if (r < 0 && m->nr_threads == 0)
			return r;
		if (r < 0)
			break;
		m->nr_threads++;
	}
	return 0;
}

/* Those that wait see halt_fd; those that never wait, because readers never pause, see the flag. */
void threads_stop(struct mount *m)
{
	atomic_store(&m->is_halted, true);
	signal_fd(m->halt_fd);
	while (m->nr_threads)
		pthread_join(m->threads[--m->nr_threads], NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Pull through a mount: plain reads, several files at once. The mount keeps what was read. */
#include "pull_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <hffs/thread.h>

#define READ_BYTES (1u << 20)
#define THREADS_MAX 64
#define LOOK_MS 100
#define KEPT_TRIES 100 /* 2 s in all */
#define KEPT_PAUSE_US 20000

struct reading {
	const struct pull_plan *plan;
	const char *dir;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	size_t next;
	unsigned running;
	uint64_t bytes;
	int r;
	struct err err;
};

/* of_file: other files may fare better, whatever it was. */
static void note_failure(struct reading *g, int r, bool of_file, const char *path, const char *reason)
{
	LOCK_SCOPE(&g->lock);
	if (g->r == 0)
		g->r = err_set(&g->err, r, "%s: %s", path, reason);
	if (!of_file && pull_failure_is_shared(r))
		g->next = g->plan->files->nr;
}

/* What the mount says of the failure, else the errno's words. */
static void fail_file(struct reading *g, int r, bool of_file, const char *path, const char *full)
{
	char said[ERR_TEXT_MAX];
	ssize_t n = getxattr(full, "user.hffs.last_error", said, sizeof(said) - 1);

	said[n > 0 ? n : 0] = '\0';
	note_failure(g, r, of_file, path, n > 0 ? said : strerror(-r));
}

static int read_whole(struct reading *g, int fd, uint64_t size, char *bytes)
{
	uint64_t off = 0;

	while (off < size) {
		ssize_t n = pread(fd, bytes, READ_BYTES, (off_t)off);

		if (n < 0 && errno == EINTR && !g->plan->is_interrupted())
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		off += (uint64_t)n;
		LOCK_SCOPE(&g->lock);
		g->bytes += (uint64_t)n;
	}
	/* Nobody here looks at the pages again. */
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

/* Has the mount kept what it gave? One that does not say is believed. */
static bool is_kept(int fd, uint64_t size)
{
	char text[24];
	ssize_t n = fgetxattr(fd, "user.hffs.cached", text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = '\0';
	return n <= 0 || strtoull(text, NULL, 10) >= size;
}

/* Readers have a chunk before the disk has: what came last may be on its way there. */
static bool becomes_kept(const struct reading *g, int fd, uint64_t size)
{
	for (int tries = 0; tries < KEPT_TRIES && !g->plan->is_interrupted(); tries++) {
		if (is_kept(fd, size))
			return true;
		usleep(KEPT_PAUSE_US);
	}
	return is_kept(fd, size);
}

/* The kernel may have given the pages that it still had: then they are asked of the mount once more. */
static int read_kept(struct reading *g, int fd, uint64_t size, char *bytes)
{
	int r = read_whole(g, fd, size, bytes);

	if (r < 0 || becomes_kept(g, fd, size))
		return r;
	pthread_mutex_lock(&g->lock);
	g->bytes -= size;
	pthread_mutex_unlock(&g->lock);
	r = read_whole(g, fd, size, bytes);
	return r < 0 || becomes_kept(g, fd, size) ? r : -ENOSPC;
}

static void read_file(struct reading *g, const struct listing_entry *e, char *bytes)
{
	AUTO_FREE char *full = str_printf("%s/%s", g->dir, e->path);
	AUTO_FD int fd = full ? open(full, O_RDONLY | O_CLOEXEC) : -1;
	int r;

	if (!full) {
		note_failure(g, -ENOMEM, false, e->path, "out of memory");
		return;
	}
	r = fd < 0 ? -errno : read_kept(g, fd, e->size, bytes);
	if (r == -ENOSPC) {
		note_failure(g, r, false, e->path, PULL_NO_ROOM);
		return;
	}
	if (r < 0) {
		fail_file(g, r, fd < 0 && r == -EACCES, e->path, full); /* a safe mount refuses single files */
		return;
	}
	LOCK_SCOPE(&g->lock);
	progress_file(g->plan->progress, e->path, e->size);
}

static const struct listing_entry *take_next(struct reading *g)
{
	LOCK_SCOPE(&g->lock);
	return g->next < g->plan->files->nr ? &g->plan->files->entries[g->next++] : NULL;
}

static void *read_files(void *arg)
{
	struct reading *g = arg;
	AUTO_FREE char *bytes = malloc(READ_BYTES);
	const struct listing_entry *e;

	if (!bytes)
		note_failure(g, -ENOMEM, false, g->dir, "out of memory");
	while (bytes && (e = take_next(g)))
		read_file(g, e, bytes);
	LOCK_SCOPE(&g->lock);
	g->running--;
	pthread_cond_signal(&g->wake);
	return NULL;
}

/* Watches until all threads are done; false when interrupted. */
static bool watch(struct reading *g)
{
	LOCK_SCOPE(&g->lock);
	while (g->running) {
		if (g->plan->is_interrupted())
			return false;
		(void)cond_wait_ms(&g->wake, &g->lock, LOOK_MS);
		progress_show(g->plan->progress, g->bytes);
	}
	return true;
}

int pull_by_reading(const struct pull_plan *plan, const char *dir, struct err *err)
{
	struct reading g = {.plan = plan, .dir = dir, .lock = PTHREAD_MUTEX_INITIALIZER};
	pthread_t threads[THREADS_MAX];
	unsigned nr = 0;
	int r = cond_init(&g.wake);

	if (r < 0)
		return err_set(err, r, "out of memory");
	g.running = (unsigned)min_u64(min_u64(plan->jobs, THREADS_MAX), plan->files->nr);
	for (unsigned wanted = g.running; nr < wanted; nr++) {
		r = thread_start(&threads[nr], "pull", read_files, &g);
		if (r < 0) {
			LOCK_SCOPE(&g.lock);
			g.running -= wanted - nr;
			break;
		}
	}
	if (r < 0 && nr == 0)
		return err_set(err, r, "cannot start a thread: %s", strerror(-r));
	if (!watch(&g))
		return -EINTR;
	for (unsigned i = 0; i < nr; i++)
		pthread_join(threads[i], NULL);
	return g.r < 0 ? err_set(err, g.r, "%s", err_text(&g.err)) : 0;
}

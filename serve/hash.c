// SPDX-License-Identifier: Apache-2.0
/*
 * Digests of files of a plain folder. A digest is believed while inode, size, mtime and ctime stay. Where the file changed
 * just before it was hashed, a later change within the same tick of the file system's clock would not be seen: such a digest
 * is not "settled", and the next scan makes it again.
 */
#include "hash_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include <hffs/digest.h>
#include <hffs/name.h>
#include <hffs/thread.h>

#define THREADS_MAX 8
#define READ_SIZE (256u << 10) /* bytes read at once: they are still in the second-level cache when they are hashed */
#define LOOK_EVERY (64ull << 20) /* bytes hashed between two looks whether the file is being written */
#define SETTLE_NS 50000000    /* several ticks of any file system's clock */

struct stamp hash_stamp(const struct stat *st)
{
	return (struct stamp){.ino = st->st_ino,
			      .size = (uint64_t)st->st_size,
			      .mtime_ns = st->st_mtim.tv_sec * 1000000000LL + st->st_mtim.tv_nsec,
			      .ctime_ns = st->st_ctim.tv_sec * 1000000000LL + st->st_ctim.tv_nsec};
}

/* Opens a regular file below root without following any link. */
int hash_open_below(int root, const char *path)
{
	AUTO_FD int dir = -1;
	AUTO_FD int fd = -1;
	const char *slash;
	struct stat st;

	while ((slash = strchr(path, '/'))) {
		char name[NAME_LEN_MAX + 1];
		int next;

		if ((size_t)(slash - path) >= sizeof(name))
			return -ENOENT;
		memcpy(name, path, (size_t)(slash - path));
		name[slash - path] = '\0';
		next = openat(dir >= 0 ? dir : root, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0)
			return -errno;
		if (dir >= 0)
			(void)close(dir); /* O_PATH */
		dir = next;
		path = slash + 1;
	}
	fd = openat(dir >= 0 ? dir : root, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	return S_ISREG(st.st_mode) ? take_fd(&fd) : -ENOENT;
}

static bool has_changed(int fd, const struct stamp *stamp)
{
	struct stamp now;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return true;
	now = hash_stamp(&st);
	return memcmp(&now, stamp, sizeof(now)) != 0;
}

/* Reads fd to its end into the digest of the file of this stamp. 0, -ESTALE if it changes, -ECANCELED, or -errno. */
static int hash_fd(int fd, const struct stamp *stamp, enum blob_algo algo, const atomic_bool *stop, struct blob_id *out)
{
	AUTO_FREE char *bytes = malloc(READ_SIZE);
	AUTO(digest_free) struct digest *d = digest_new(algo, stamp->size);
	uint64_t seen = 0, look_at = LOOK_EVERY;

	if (!bytes || !d)
		return -ENOMEM;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* a hint */
	for (;;) {
		ssize_t n = read(fd, bytes, READ_SIZE);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		seen += (uint64_t)n;
		if (seen > stamp->size || (seen >= look_at && has_changed(fd, stamp)))
			return -ESTALE;
		if (*stop)
			return -ECANCELED;
		if (seen >= look_at)
			look_at += LOOK_EVERY;
		if (digest_update(d, bytes, (size_t)n) < 0)
			return -EIO;
	}
	return seen == stamp->size && !has_changed(fd, stamp) ? digest_final(d, out) : -ESTALE;
}

static int64_t wall_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

static int hash_entry(int root, struct entry *e, const atomic_bool *stop)
{
	AUTO_FD int fd = hash_open_below(root, e->target ? e->target : e->path);
	int64_t settled_before = wall_ns() - SETTLE_NS;
	struct blob_id id = {0};
	int r;

	if (fd < 0)
		return fd;
	r = hash_fd(fd, &e->stamp, e->is_lfs ? BLOB_SHA256 : BLOB_SHA1_GIT, stop, &id);
	if (r < 0)
		return r;
	memcpy(e->is_lfs ? e->sha256 : e->oid, id.bytes, e->is_lfs ? 32 : 20);
	e->is_settled = e->stamp.ctime_ns < settled_before && e->stamp.mtime_ns < settled_before;
	e->is_hashed = true;
	return 0;
}

/* Files to hash, shared by the threads that do it; each entry is one thread's. */
struct hashing {
	int root;
	struct entry **pending;
	size_t nr;
	const atomic_bool *stop;
	atomic_size_t next;
};

static void *hash_thread(void *arg)
{
	struct hashing *h = arg;
	size_t i;

	while (!*h->stop && (i = atomic_fetch_add(&h->next, 1)) < h->nr)
		(void)hash_entry(h->root, h->pending[i], h->stop); /* a failed one stays without is_hashed */
	return NULL;
}

static size_t choose_threads(size_t nr)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = cpus > 1 ? (size_t)cpus : 1;

	n = n > THREADS_MAX ? THREADS_MAX : n;
	return nr < n ? nr : n;
}

void hash_entries(int root, struct entry **pending, size_t nr, const atomic_bool *stop)
{
	struct hashing h = {.root = root, .pending = pending, .nr = nr, .stop = stop};
	pthread_t threads[THREADS_MAX];
	size_t want = choose_threads(nr), started = 0;

	/* This thread is one of them. */
	while (started + 1 < want && thread_start(&threads[started], "hash", hash_thread, &h) == 0)
		started++;
	hash_thread(&h);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
}

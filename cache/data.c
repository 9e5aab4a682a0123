// SPDX-License-Identifier: Apache-2.0
/*
 * Data files. A name below blobs/ is opened only without following links, and used only if it is a regular file of our own, with
 * one name, of the blob's size; anything else under the name is replaced. What the bytes are worth is for digests to say.
 *
 * That a file is fixed stands in its mode, not in the index: a mapping may outlive the daemon, the index, and its descriptor.
 */
#include "data_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include <hffs/buf.h>
#include <hffs/cache.h>
#include <hffs/io.h>
#include <hffs/map.h>
#include <hffs/thread.h>
#include <hffs/tunables.h>

struct mark {
	struct blob_id id;
	bool claimed; /* somebody makes or removes the file now; else: only seen */
};

struct data {
	int blobs_fd;
	pthread_mutex_t lock; /* guards marks and remember */
	pthread_cond_t released;
	struct map marks; /* by id */
	bool remember;
};

struct data_name {
	char folder[3];
	char file[BLOB_ID_HEX_MAX];
};

static struct data_name name_of(const struct blob_id *id)
{
	struct data_name n;

	blob_id_format(id, n.file);
	memcpy(n.folder, n.file, 2);
	n.folder[2] = '\0';
	return n;
}

char *cache_data_path(const char *dir, const struct blob_id *id)
{
	struct data_name n = name_of(id);

	return str_printf("%s/blobs/%s/%s", dir, n.folder, n.file);
}

int data_new(int dir_fd, struct data **out)
{
	struct data *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (mkdirat(dir_fd, "blobs", 0700) < 0 && errno != EEXIST) {
		int e = errno;

		free(d);
		return -e;
	}
	d->blobs_fd = openat(dir_fd, "blobs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->blobs_fd < 0) {
		int e = errno;

		free(d);
		return -e;
	}
	pthread_mutex_init(&d->lock, NULL);
	cond_init(&d->released);
	*out = d;
	return 0;
}

void data_free(struct data *d)
{
	if (!d)
		return;
	data_forget_seen(d);
	map_done(&d->marks);
	(void)close(d->blobs_fd); /* a directory: nothing to lose */
	pthread_cond_destroy(&d->released);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* --- claims --- */

static struct mark *find_mark_locked(struct data *d, const struct blob_id *id)
{
	return map_find(&d->marks, id, sizeof(*id));
}

static struct mark *add_mark_locked(struct data *d, const struct blob_id *id)
{
	struct mark *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->id = *id;
	if (map_put(&d->marks, &m->id, sizeof(m->id), m) < 0) {
		free(m);
		return NULL;
	}
	return m;
}

static void del_mark_locked(struct data *d, struct mark *m)
{
	map_del(&d->marks, &m->id, sizeof(m->id));
	free(m);
}

/* Waits for another claim to end; a making or removing takes no longer than the file system does. */
static int claim(struct data *d, const struct blob_id *id)
{
	struct mark *m;
	LOCK_SCOPE(&d->lock);

	while ((m = find_mark_locked(d, id)) && m->claimed)
		pthread_cond_wait(&d->released, &d->lock);
	if (!m)
		m = add_mark_locked(d, id);
	if (!m)
		return -ENOMEM;
	m->claimed = true;
	return 0;
}

static void release(struct data *d, const struct blob_id *id, bool seen)
{
	struct mark *m;
	LOCK_SCOPE(&d->lock);

	m = find_mark_locked(d, id);
	m->claimed = false;
	if (!seen || !d->remember)
		del_mark_locked(d, m);
	pthread_cond_broadcast(&d->released);
}

bool data_claim(struct data *d, const struct blob_id *id)
{
	struct mark *m;
	LOCK_SCOPE(&d->lock);

	if (find_mark_locked(d, id))
		return false;
	m = add_mark_locked(d, id);
	if (!m)
		return false;
	m->claimed = true;
	return true;
}

void data_release(struct data *d, const struct blob_id *id)
{
	release(d, id, false);
}

void data_remember_seen(struct data *d)
{
	LOCK_SCOPE(&d->lock);
	d->remember = true;
}

void data_forget_seen(struct data *d)
{
	struct mark *m;
	size_t i = 0;
	LOCK_SCOPE(&d->lock);

	d->remember = false;
	while ((m = map_next(&d->marks, &i)))
		if (!m->claimed)
			del_mark_locked(d, m);
}

int data_note_seen(struct data *d, const struct blob_id *id)
{
	LOCK_SCOPE(&d->lock);
	if (!d->remember || find_mark_locked(d, id))
		return 0;
	return add_mark_locked(d, id) ? 0 : -ENOMEM;
}

/* --- files --- */

/* The folder of a data file; made if asked. What stands there and is no folder is removed first. */
static int open_folder(struct data *d, const char *folder, bool make)
{
	for (int tries = 0;; tries++) {
		int fd = openat(d->blobs_fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		if (!make && (errno == ENOTDIR || errno == ELOOP))
			return -ENOENT; /* whatever that is, no data file is in it */
		if (!make || tries == 2)
			return -errno;
		if ((errno == ENOTDIR || errno == ELOOP) && unlinkat(d->blobs_fd, folder, 0) < 0)
			return -errno;
		if (mkdirat(d->blobs_fd, folder, 0700) < 0 && errno != EEXIST)
			return -errno;
	}
}

static bool is_sound(const struct stat *st, uint64_t size)
{
	return S_ISREG(st->st_mode) && st->st_uid == geteuid() && st->st_nlink == 1 && (uint64_t)st->st_size == size;
}

bool data_is_fixed(const struct stat *st)
{
	return !(st->st_mode & S_IWUSR);
}

static int remove_name(int folder, const char *file)
{
	if (unlinkat(folder, file, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR && unlinkat(folder, file, AT_REMOVEDIR) == 0)
		return 0;
	return -errno;
}

static int make_file(int folder, const char *file, uint64_t size)
{
	AUTO_FD int fd = openat(folder, file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int e;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) == 0)
		return take_fd(&fd);
	e = errno;
	(void)unlinkat(folder, file, 0); /* the error is told already */
	return -e;
}

/* Errors of open() that say what stands there, not how the machine is. */
static bool is_wrong_file(int e)
{
	return e == ELOOP || e == EISDIR || e == ENXIO || e == ENODEV || e == EACCES || e == EPERM;
}

/* O_NONBLOCK: a fifo or device under the name must not make us wait. It means nothing for regular files. */
static int open_sound(int folder, const char *file, int flags, uint64_t size, struct stat *st)
{
	AUTO_FD int fd = openat(folder, file, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0)
		return is_wrong_file(errno) ? -EBADMSG : -errno;
	if (fstat(fd, st) < 0)
		return -errno;
	return is_sound(st, size) ? take_fd(&fd) : -EBADMSG;
}

/* What is there, if it will do: for writing while it may change, else for reading alone. */
static int open_existing(int folder, const char *file, uint64_t size, bool to_write)
{
	struct stat st;
	AUTO_FD int fd = open_sound(folder, file, O_RDONLY, size, &st);
	int r;

	if (fd < 0)
		return fd;
	if (data_is_fixed(&st))
		return to_write ? -EBADMSG : take_fd(&fd);
	r = open_sound(folder, file, O_RDWR, size, &st);
	return r == -EROFS && !to_write ? take_fd(&fd) : r;
}

static int open_claimed(struct data *d, const struct blob_id *id, uint64_t size, bool to_write)
{
	struct data_name n = name_of(id);
	AUTO_FD int folder = open_folder(d, n.folder, true);
	int fd, r;

	if (folder < 0)
		return folder;
	fd = open_existing(folder, n.file, size, to_write);
	if (fd != -ENOENT && fd != -EBADMSG)
		return fd;
	r = remove_name(folder, n.file);
	return r < 0 ? r : make_file(folder, n.file, size);
}

int data_open(struct data *d, const struct blob_id *id, uint64_t size, bool to_write)
{
	int fd, r;

	if (!blob_id_len(id) || size > INT64_MAX)
		return -EINVAL;
	r = claim(d, id);
	if (r < 0)
		return r;
	fd = open_claimed(d, id, size, to_write);
	release(d, id, true);
	return fd;
}

int data_find(struct data *d, const struct blob_id *id, uint64_t size, struct stat *st)
{
	struct data_name n = name_of(id);
	AUTO_FD int folder = open_folder(d, n.folder, false);
	struct stat own;

	if (folder < 0)
		return folder;
	return open_sound(folder, n.file, O_RDONLY, size, st ? st : &own);
}

int data_fix(struct data *d, const struct blob_id *id, uint64_t size, struct stat *st)
{
	struct stat now;
	AUTO_FD int fd = data_find(d, id, size, &now);

	if (fd < 0)
		return fd;
	if (now.st_ino != st->st_ino || now.st_mtim.tv_sec != st->st_mtim.tv_sec || now.st_mtim.tv_nsec != st->st_mtim.tv_nsec)
		return -ESTALE;
	if (!data_is_fixed(&now) && fchmod(fd, S_IRUSR) < 0)
		return -errno;
	if (size > EXTENT_SIZE)
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); /* advice: else it is read in pages as small as they were written */
	return fstat(fd, st) < 0 ? -errno : 0;
}

bool data_may_change(struct data *d, const struct blob_id *id)
{
	struct data_name n = name_of(id);
	AUTO_FD int folder = open_folder(d, n.folder, false);
	struct stat st;

	return folder < 0 || fstatat(folder, n.file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) || !data_is_fixed(&st);
}

/* Counts what is there under a name, and removes it unless the tally is dry. */
static int tally_name(int folder, const char *file, struct data_tally *tally)
{
	struct stat st;

	if (tally && fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		tally->files++;
		tally->bytes += (uint64_t)st.st_blocks * 512;
	}
	return tally && tally->dry ? 0 : remove_name(folder, file);
}

uint64_t data_disk_bytes(struct data *d, const struct blob_id *id)
{
	struct data_name n = name_of(id);
	char path[sizeof(n.folder) + sizeof(n.file)];
	struct stat st;

	(void)snprintf(path, sizeof(path), "%s/%s", n.folder, n.file);
	if (fstatat(d->blobs_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return 0;
	return min_u64((uint64_t)st.st_blocks * 512, (uint64_t)st.st_size);
}

int data_drop_claimed(struct data *d, const struct blob_id *id, struct data_tally *tally)
{
	struct data_name n = name_of(id);
	AUTO_FD int folder = open_folder(d, n.folder, false);

	if (folder < 0)
		return folder == -ENOENT ? 0 : folder;
	return tally_name(folder, n.file, tally);
}

int data_drop(struct data *d, const struct blob_id *id)
{
	int r = claim(d, id);

	if (r < 0)
		return r;
	r = data_drop_claimed(d, id, NULL);
	release(d, id, false);
	return r;
}

static int punch(int fd, uint64_t off, uint64_t len)
{
	while (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* Whatever regular file of ours is there, for writing; -EPERM: a fixed one. */
static int open_for_holes(struct data *d, const struct blob_id *id, struct stat *st)
{
	struct data_name n = name_of(id);
	AUTO_FD int folder = open_folder(d, n.folder, false);
	AUTO_FD int fd = -1;

	if (folder < 0)
		return folder;
	fd = openat(folder, n.file, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, st) < 0)
		return -errno;
	if (data_is_fixed(st))
		return -EPERM;
	return S_ISREG(st->st_mode) && st->st_nlink == 1 ? take_fd(&fd) : -EBADMSG;
}

int data_punch(struct data *d, const struct blob_id *id, uint64_t off, uint64_t len)
{
	struct stat st;
	AUTO_FD int fd = open_for_holes(d, id, &st);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return punch(fd, off, len);
}

static bool has_bit(const uint64_t *bits, uint64_t n)
{
	return bits[n / 64] >> (n % 64) & 1;
}

/* The part of [from, to) that no present chunk covers, punched in runs. Both are multiples of a chunk. */
static int punch_absent_in(int fd, uint64_t from, uint64_t to, const uint64_t *present, struct data_tally *tally)
{
	for (uint64_t off = from; off < to;) {
		uint64_t end = off;
		int r;

		while (end < to && !has_bit(present, end / CHUNK_SIZE))
			end += CHUNK_SIZE;
		if (end == off) {
			off += CHUNK_SIZE;
			continue;
		}
		r = tally && tally->dry ? 0 : punch(fd, off, end - off);
		if (r < 0)
			return r;
		if (tally)
			tally->bytes += end - off;
		off = end;
	}
	return 0;
}

int data_punch_absent(struct data *d, const struct blob_id *id, uint64_t size, const uint64_t *present, struct data_tally *tally)
{
	struct stat st;
	AUTO_FD int fd = open_for_holes(d, id, &st);
	uint64_t end = (size + CHUNK_SIZE - 1) / CHUNK_SIZE * CHUNK_SIZE;

	if (fd < 0)
		return fd;
	for (off_t off = 0; (uint64_t)off < size;) {
		off_t data = lseek(fd, off, SEEK_DATA), hole;
		int r;

		if (data < 0)
			return errno == ENXIO ? 0 : -errno; /* only a hole is left */
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0)
			return -errno;
		r = punch_absent_in(fd, (uint64_t)data / CHUNK_SIZE * CHUNK_SIZE,
				    min_u64(((uint64_t)hole + CHUNK_SIZE - 1) / CHUNK_SIZE * CHUNK_SIZE, end), present, tally);
		if (r < 0)
			return r;
		off = hole;
	}
	return 0;
}

void data_set_direct(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		(void)fcntl(fd, F_SETFL, on ? flags | O_DIRECT : flags & ~O_DIRECT); /* without it: through the page cache */
}

int data_read_past(int fd, void *bytes, size_t len, uint64_t off)
{
	int r = len % DIRECT_ALIGN ? -EINVAL : io_pread(fd, bytes, len, off);

	if (r != -EINVAL)
		return r;
	data_set_direct(fd, false);
	return io_pread(fd, bytes, len, off);
}

int data_space(struct data *d, uint64_t *free_bytes, uint64_t *size_bytes)
{
	struct statvfs sv;

	if (fstatvfs(d->blobs_fd, &sv) < 0)
		return -errno;
	*free_bytes = (uint64_t)sv.f_bavail * sv.f_frsize;
	*size_bytes = (uint64_t)sv.f_blocks * sv.f_frsize;
	return 0;
}

static int list_folder(DIR *dir, int folder, const char *prefix, struct data_tally *tally, int (*each)(void *ctx, const struct blob_id *id), void *ctx)
{
	struct dirent *de;

	while ((de = readdir(dir))) {
		struct blob_id id;
		int r;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if (blob_id_parse(de->d_name, &id) < 0 || strncmp(de->d_name, prefix, 2) != 0) {
			(void)tally_name(folder, de->d_name, tally); /* a stranger that cannot be removed stays */
			continue;
		}
		r = each(ctx, &id);
		if (r < 0)
			return r;
	}
	return 0;
}

int data_list(struct data *d, unsigned xx, struct data_tally *tally, int (*each)(void *ctx, const struct blob_id *id), void *ctx)
{
	char name[3];
	int fd, r;
	DIR *dir;

	snprintf(name, sizeof(name), "%02x", xx & 0xff);
	fd = open_folder(d, name, false);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	dir = fdopendir(fd);
	if (!dir) {
		r = -errno;
		(void)close(fd); /* a directory */
		return r;
	}
	r = list_folder(dir, fd, name, tally, each, ctx);
	(void)closedir(dir); /* a directory */
	return r;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Data files in the hands of readers. A sealed blob's file never changes again, so the kernel may give it to readers as it is. It
 * may be removed meanwhile: they keep what they have, and the cache is told how much of its disk that is until the last of them
 * closes. A mapping that outlives its descriptor is seen by nobody; the file system keeps its bytes.
 */
#include "fetch_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <hffs/clock.h>

#define TOUCH_ALL_S 300 /* the cache hears of the use of a whole blob so often */

struct backing {
	struct blob *blob;      /* a reference */
	struct data_file *data; /* a reference, counted in data->backings */
};

/* Everything is there, proven, and not about to go. */
static bool is_ready_locked(const struct blob *b)
{
	return b->ready && b->sealed && !b->quarantined && b->bytes_present == b->size && !b->evicting_nr && b->data &&
	       !atomic_load(&b->data->has_lost);
}

/* Open for reading alone and without write permission: whoever writes to the blob begins a new file. */
static bool is_fixed_fd(int fd)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && fstat(fd, &st) == 0 && !(st.st_mode & S_IWUSR) && st.st_nlink == 1;
}

static bool is_fixed(const struct data_file *d)
{
	return is_fixed_fd(d->fd) && (d->direct_fd < 0 || is_fixed_fd(d->direct_fd));
}

static bool is_touch_due_locked(struct blob *b)
{
	uint32_t now = (uint32_t)(clock_mono_ms() / 1000);

	if (b->touched_all_s && now - b->touched_all_s < TOUCH_ALL_S)
		return false;
	b->touched_all_s = now ? now : 1;
	return true;
}

int blob_open_backing(struct blob *b, struct backing **out)
{
	struct backing *k = malloc(sizeof(*k));
	bool touch = false;

	if (!k)
		return -ENOMEM;
	*k = (struct backing){.blob = b};
	pthread_mutex_lock(&b->lock);
	if (is_ready_locked(b) && is_fixed(b->data)) {
		k->data = data_file_ref(b->data);
		k->data->backings++;
		touch = is_touch_due_locked(b);
	}
	pthread_mutex_unlock(&b->lock);
	if (!k->data) {
		free(k);
		return -EAGAIN;
	}
	(void)blob_ref(b); /* k->blob, until it is closed */
	if (touch)
		cache_touch_all(b->fetch->cache, &b->id);
	*out = k;
	return 0;
}

int backing_fd(const struct backing *k)
{
	return k->data->fd;
}

void backing_close(struct backing *k)
{
	struct blob *b = k->blob;
	bool touch, was_last_of_removed;

	pthread_mutex_lock(&b->lock);
	was_last_of_removed = --k->data->backings == 0 && k->data->is_removed;
	touch = !k->data->is_removed && is_touch_due_locked(b);
	pthread_mutex_unlock(&b->lock);
	data_file_unref(k->data);
	if (was_last_of_removed)
		cache_note_held(b->fetch->cache, -(int64_t)b->size);
	if (touch)
		cache_touch_all(b->fetch->cache, &b->id);
	blob_put(b);
	free(k);
}

uint64_t backing_let_go_locked(struct blob *b)
{
	if (!b->data || !b->data->backings)
		return 0;
	b->data->is_removed = true;
	return b->size;
}

bool backing_is_held_locked(const struct blob *b)
{
	return b->data && b->data->backings;
}

/* The data file for reading alone, with these flags besides; -1: it is not this one any more, or cannot be opened so. */
static int open_fixed(struct blob *b, const struct stat *data, int flags)
{
	AUTO_FD int fd = cache_open_data(b->fetch->cache, &b->id, b->size, false);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_ino != data->st_ino)
		return -1;
	return !flags || fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | flags) == 0 ? take_fd(&fd) : -1;
}

/* Descriptors are replaced where they are: readers and workers go on with the same file. */
static void replace(int fd, int by)
{
	if (fd >= 0 && by >= 0)
		(void)dup3(by, fd, O_CLOEXEC); /* else it is not handed out */
}

void backing_prepare(struct blob *b)
{
	AUTO_FD int plain = -1, direct = -1;
	struct data_file *d;
	struct stat st;

	pthread_mutex_lock(&b->lock);
	d = data_file_ref(b->data);
	pthread_mutex_unlock(&b->lock);
	if (d && fstat(d->fd, &st) == 0) {
		plain = open_fixed(b, &st, 0);
		direct = d->direct_fd < 0 ? -1 : open_fixed(b, &st, O_DIRECT);
		replace(d->direct_fd, direct);
		replace(d->fd, plain);
	}
	data_file_unref(d);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * What workers do with a chunk: one that arrived goes to the readers that wait for it, then to the disk; one known from an earlier
 * run is read and checked. A blob of one chunk is proven whole before anybody sees it. A disk that refuses only means: not cached.
 */
#include "disk_int.h"
#include "hot_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/log.h>

#define BACKLOG_MAX 128     /* chunks that wait for the disk */
#define DIRECT_SLOW_US 1000 /* a chunk past the page cache, on average: a disk of less than half a GB a second, as two go at once */
#define DIRECT_PART 32      /* of the average is the last one */
#define BEHIND_MS 10000     /* that a disk is taken to be slower than the network, once it was */
#define PROVE_AT_ONCE 8 /* chunks; then the job queues again, behind others */
#define RUN_MAX 4 /* chunks: a write of 1 MiB takes half the processor time of four, and a fifth less time */
#define SAY_REFUSED_MS 60000 /* between two lines in the log */

/* --- chunks that arrived --- */

/* The same file once more, past the page cache. -1: the file system has no such way, or the name is another file by now. */
static int open_direct(struct blob *b, int fd)
{
	AUTO_FD int direct = cache_open_data(b->fetch->cache, &b->id, b->size, false);
	struct stat st, same;
	int flags;

	if (direct < 0 || fstat(fd, &st) < 0 || fstat(direct, &same) < 0 || st.st_ino != same.st_ino)
		return -1;
	flags = fcntl(direct, F_GETFL);
	return flags >= 0 && fcntl(direct, F_SETFL, flags | O_DIRECT) == 0 ? take_fd(&direct) : -1;
}

void data_file_sealed(struct data_file *d)
{
	if (!d)
		return;
	(void)posix_fadvise(d->fd, 0, 0, POSIX_FADV_NORMAL); /* advice: slower without */
	atomic_store(&d->is_paged, false);                   /* the disk has it all */
	atomic_store(&d->may_lose, false);
}

bool data_file_has_lost(struct blob *b, struct data_file *d)
{
	if (!atomic_load(&d->may_lose))
		return atomic_load(&d->has_lost); /* sealed meanwhile: the cache has still to hear of it */
	LOCK_SCOPE(&d->ask_lock);
	if (!atomic_load(&d->has_lost) && io_refused_later(d->fd) < 0) {
		atomic_store(&d->has_lost, true);
		cache_distrust(b->fetch->cache, &b->id, b->size);
	}
	return atomic_load(&d->has_lost);
}

/* Until it is sealed only what is asked for is read back: the kernel must not read ahead over holes that are being filled. */
static struct data_file *make_data(struct blob *b, bool to_write)
{
	struct data_file *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fd = cache_open_data(b->fetch->cache, &b->id, b->size, to_write);
	if (d->fd < 0) {
		int r = d->fd;

		free(d);
		errno = -r;
		return NULL;
	}
	(void)posix_fadvise(d->fd, 0, 0, POSIX_FADV_RANDOM);
	d->direct_fd = open_direct(b, d->fd);
	pthread_mutex_init(&d->ask_lock, NULL);
	atomic_init(&d->refs, 2); /* the blob's and the caller's */
	return d;
}

struct data_file *store_open_data(struct blob *b)
{
	struct data_file *d;
	bool is_known;
	LOCK_SCOPE(&b->open_lock);

	pthread_mutex_lock(&b->lock);
	d = data_file_ref(b->data);
	is_known = b->ready;
	pthread_mutex_unlock(&b->lock);
	if (d)
		return d;
	/* Before its rows are known the file is opened for what they say; afterwards because there is something to write. */
	d = make_data(b, is_known);
	if (!d)
		return NULL;
	pthread_mutex_lock(&b->lock);
	b->data = d;
	pthread_mutex_unlock(&b->lock);
	return d;
}

/* Is the content of a one-chunk blob what its name says? Larger ones are proven by the cache when complete. */
static bool is_blob(const struct blob *b, const void *bytes, size_t len)
{
	AUTO(digest_free) struct digest *d = NULL;
	struct blob_id id;

	if (b->nr != 1)
		return true;
	d = digest_new(b->id.algo, b->size);
	return d && digest_update(d, bytes, len) == 0 && digest_final(d, &id) == 0 && blob_id_equal(&id, &b->id);
}

/* Wrong bytes of the right length: fetched once more, then nobody gets this blob any more. */
static void spoiled(struct blob *b, uint64_t idx)
{
	struct aftermath a = {0};
	struct err err = {0};
	const char *path;

	pthread_mutex_lock(&b->lock);
	path = blob_name_locked(b);
	b->quarantined = ++b->spoiled > 1;
	blob_set_state_locked(b, idx, CHUNK_ABSENT);
	if (b->quarantined) {
		err_set(&err, -EBADMSG, "%s: the bytes that the Hub sends are not those of its own digest", path);
		blob_fail_locked(b, idx, idx, -EBADMSG, &err, &a);
	} else if (blob_is_awaited_locked(b, idx)) {
		blob_want_locked(b, idx, idx, true, &a);
	}
	pthread_mutex_unlock(&b->lock);
	log_warn("%s: received bytes differ from the Hub's digest", path);
	blob_settle(b, &a);
}

/* The cache may punch this chunk at any moment, whatever we do with it. */
static bool is_forced_out_locked(const struct blob *b, uint64_t idx)
{
	return b->evicting_forced && blob_is_evicting_locked(b, idx);
}

static void tell_swept(const struct blob *b, uint64_t idx)
{
	struct fetch *f = b->fetch;
	LOCK_SCOPE(&f->swept_lock);

	if (f->swept)
		f->swept(f->swept_ctx, b, idx);
}

/* The chunk is in memory: readers that waited for it are served. False: the cache wants it gone. */
static bool arrived(struct blob *b, struct chunk_buf *c)
{
	struct aftermath a = {0};
	bool ok, is_news;

	pthread_mutex_lock(&b->lock);
	ok = !is_forced_out_locked(b, c->idx);
	is_news = ok && c->is_swept && !blob_is_awaited_locked(b, c->idx);
	if (ok) {
		chunk_buf_ref(c);
		hot_add_locked(b, c);
		blob_set_state_locked(b, c->idx, CHUNK_MEMORY);
		blob_arrived_locked(b, c->idx, &a);
	} else {
		blob_lost_locked(b, c->idx, &a);
	}
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
	if (is_news)
		tell_swept(b, c->idx);
	return ok;
}

/* Chunks that lie behind each other, written with one call. */
struct write_run {
	struct chunk_buf *chunks[RUN_MAX]; /* references */
	unsigned nr;
};

/* The chunk, if it waits to be written; of whole pages, so that the page cache is not needed for its sake. */
static struct chunk_buf *find_waiting_locked(const struct blob *b, uint64_t idx)
{
	struct chunk_buf *c = hot_find_locked(b, idx);

	return c && c->is_queued && !c->is_taken && c->len == CHUNK_SIZE ? c : NULL;
}

/* c, and those of its neighbours that wait as well; nothing, if a neighbour took c with it or the blob has given it up. */
static void take_run(struct blob *b, struct chunk_buf *c, struct write_run *run)
{
	uint64_t first = c->idx;
	struct chunk_buf *n;
	bool was_taken;
	LOCK_SCOPE(&b->lock);

	was_taken = c->is_taken;
	c->is_queued = c->is_taken = false;
	run->nr = 0;
	if (was_taken || hot_find_locked(b, c->idx) != c)
		return;
	while (c->len == CHUNK_SIZE && first && c->idx - first < RUN_MAX - 1 && find_waiting_locked(b, first - 1))
		first--;
	while (run->nr < RUN_MAX && (n = first + run->nr == c->idx ? c : find_waiting_locked(b, first + run->nr))) {
		chunk_buf_ref(n);
		n->is_taken = n != c;
		run->chunks[run->nr++] = n;
	}
}

static bool is_whole_pages(const struct write_run *run)
{
	return run->chunks[run->nr - 1]->len % DIRECT_ALIGN == 0;
}

static int write_run_to(int fd, const struct write_run *run)
{
	struct iovec iov[RUN_MAX];

	for (unsigned i = 0; i < run->nr; i++)
		iov[i] = (struct iovec){run->chunks[i]->bytes, run->chunks[i]->len};
	return io_pwritev(fd, iov, run->nr, run->chunks[0]->idx * CHUNK_SIZE);
}

/* Past the page cache, and how long it takes. */
static int write_direct(struct fetch *f, const struct data_file *data, const struct write_run *run)
{
	uint64_t begin_us = clock_mono_us(), average = atomic_load(&f->direct_us);
	int r = write_run_to(data->direct_fd, run);

	/* Of two at once one may be lost. */
	atomic_store(&f->direct_us, average - average / DIRECT_PART + (clock_mono_us() - begin_us) / run->nr / DIRECT_PART);
	return r;
}

/*
 * Does the disk take less than the network brings? For a while then, whatever waits: a write past the page cache would wait for what the
 * page cache has by now, and hold up all others of its file.
 */
static bool disk_is_behind(struct fetch *f)
{
	uint64_t now = clock_mono_ms();

	if (atomic_load(&f->chunks_storing) > BACKLOG_MAX && atomic_load(&f->direct_us) > DIRECT_SLOW_US)
		atomic_store(&f->behind_until_ms, now + BEHIND_MS);
	return now < atomic_load(&f->behind_until_ms);
}

/*
 * Past the page cache, which costs a tenth of the processor time; unless the disk is slower than the network, when the page
 * cache takes what it can, or for a rest that is no whole page. Many may also wait because others need the processors: the page cache
 * would make that worse.
 */
static int write_bytes(struct fetch *f, struct data_file *data, const struct write_run *run)
{
	int r = -EINVAL;

	if (atomic_load(&data->has_lost))
		return -EIO;
	if (disk_is_behind(f))
		atomic_store(&data->is_paged, true);
	else if (data->direct_fd >= 0 && is_whole_pages(run))
		r = write_direct(f, data, run);
	if (r != -EINVAL)
		return r;
	atomic_store(&data->may_lose, true);
	return write_run_to(data->fd, run);
}

/* -EBUSY: the disk is passed by. *data is the file that it was tried with, a reference, or NULL. */
static int write_chunks(struct blob *b, struct chunk_buf *c, bool trial, struct write_run *run, struct data_file **data)
{
	struct fetch *f = b->fetch;
	unsigned place;
	bool entered = disk_enter(f->disk, trial ? DISK_TRIAL : DISK_WRITE, &place);
	int r = 0;

	*data = NULL;
	take_run(b, c, run); /* others may have come while it waited */
	if (!entered)
		return -EBUSY;
	if (run->nr) {
		*data = store_open_data(b);
		r = *data ? write_bytes(f, *data, run) : -errno;
	}
	disk_leave(f->disk, place);
	return r;
}

/* One line in a while: on a full cache it is nothing special. */
static void say_refused(struct fetch *f, int r)
{
	uint64_t now = clock_mono_ms(), said = atomic_load(&f->refused_said_ms);

	if (r == -EBUSY || (said && now - said < SAY_REFUSED_MS) || !atomic_compare_exchange_strong(&f->refused_said_ms, &said, now))
		return;
	log_warn("the cache's disk takes nothing (%s): what is read stays in memory for a while, and is not kept", strerror(-r));
}

/* Written to this data file; but if the blob has begun another one meanwhile, the bytes went nowhere. */
static void written_locked(struct blob *b, const struct data_file *data, struct chunk_buf *c, struct aftermath *a)
{
	if (b->data != data || is_forced_out_locked(b, c->idx)) {
		blob_lost_locked(b, c->idx, a);
		return;
	}
	/* Recorded before anybody can evict it: the order of the cache's own queue then is right. */
	cache_put_chunk(b->fetch->cache, &b->id, b->size, c->idx, &c->digest);
	blob_set_state_locked(b, c->idx, CHUNK_PRESENT);
	hot_settle_locked(c, true);
	blob_stored_locked(b, c->idx, a);
}

/* The disk refused: the only copy stays in memory for a while. */
static void refused_locked(struct blob *b, struct chunk_buf *c, struct aftermath *a)
{
	hot_settle_locked(c, false);
	blob_stored_locked(b, c->idx, a);
	atomic_fetch_add(&b->fetch->chunks_bypassed, 1);
}

static void settle_locked(struct blob *b, const struct write_run *run, int r, const struct data_file *data, struct aftermath *a)
{
	for (unsigned i = 0; i < run->nr; i++) {
		struct chunk_buf *c = run->chunks[i];

		if (hot_find_locked(b, c->idx) == c && r == 0)
			written_locked(b, data, c, a);
		else if (hot_find_locked(b, c->idx) == c)
			refused_locked(b, c, a);
	}
	pthread_cond_broadcast(&b->drained);
}

/* 0: it is on the disk; or why not. */
static int write_and_settle(struct blob *b, struct chunk_buf *c, bool trial)
{
	struct aftermath a = {0};
	struct data_file *data;
	struct write_run run;
	int r = write_chunks(b, c, trial, &run, &data);

	if (r < 0)
		say_refused(b->fetch, r);
	if (r < 0 && r != -EBUSY)
		cache_need_space(b->fetch->cache);
	pthread_mutex_lock(&b->lock);
	settle_locked(b, &run, r, data, &a);
	pthread_mutex_unlock(&b->lock);
	data_file_unref(data);
	blob_settle(b, &a);
	for (unsigned i = 0; i < run.nr; i++)
		chunk_buf_unref(run.chunks[i]);
	hot_trim(b->fetch->hot);
	sched_buffer_given(&b->fetch->sched); /* it may be given up now */
	return r;
}

static void stored(struct chunk_buf *c)
{
	struct blob *b = c->blob;

	atomic_fetch_sub(&b->fetch->chunks_storing, 1);
	chunk_buf_unref(c);
	blob_put(b);
}

static void run_write(struct job *job)
{
	struct chunk_buf *c = container_of(job, struct chunk_buf, job);

	(void)write_and_settle(c->blob, c, false); /* then it is tried again later */
	stored(c);
}

/* Readers never wait for what others have to write. */
static void run_arrived(struct job *job)
{
	struct chunk_buf *c = container_of(job, struct chunk_buf, job);
	struct blob *b = c->blob;

	if (!is_blob(b, c->bytes, c->len)) {
		spoiled(b, c->idx);
		stored(c);
	} else if (arrived(b, c)) {
		c->job.run = run_write;
		workers_run(b->fetch->disk_workers, &c->job);
	} else {
		stored(c);
	}
}

void store_chunk(struct chunk_buf *c)
{
	atomic_fetch_add(&c->blob->fetch->chunks_storing, 1);
	c->job.run = run_arrived;
	workers_run(c->blob->fetch->workers, &c->job);
}

/* Once one of them is taken, the others have a chance. */
static void run_store_again(struct job *job)
{
	struct chunk_buf *c = container_of(job, struct chunk_buf, job);
	struct fetch *f = c->blob->fetch;
	int r = write_and_settle(c->blob, c, true);

	stored(c);
	if (r == 0)
		store_refused(f);
}

void store_refused(struct fetch *f)
{
	struct chunk_buf *c = atomic_load(&f->closed) ? NULL : hot_take_only(f->hot);

	if (!c)
		return;
	atomic_fetch_add(&f->chunks_storing, 1);
	c->job.run = run_store_again;
	workers_run(f->disk_workers, &c->job);
}

/* --- chunks of an earlier run --- */

static const struct chunk_digest *find_digest_locked(const struct blob *b, uint64_t idx)
{
	size_t lo = 0, hi = b->rows ? b->rows->nr : 0;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct cache_extent *x = &b->rows->extents[mid];

		if (x->idx == idx / EXTENT_CHUNKS)
			return &x->digests[idx % EXTENT_CHUNKS];
		if (x->idx < idx / EXTENT_CHUNKS)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

enum proof { PROOF_NONE, PROOF_WRONG, PROOF_RIGHT };

static bool is_chunk(struct blob *b, const struct data_file *data, uint64_t idx, void *bytes)
{
	const struct chunk_digest *want;
	struct chunk_digest have, expected;
	size_t len = blob_chunk_len(b, idx);

	pthread_mutex_lock(&b->lock);
	want = find_digest_locked(b, idx);
	if (want)
		expected = *want;
	pthread_mutex_unlock(&b->lock);
	if (!want || !data)
		return false;
	if (io_pread(data->fd, bytes, len, idx * CHUNK_SIZE) < 0) {
		disk_failed(b->fetch->disk);
		return false;
	}
	have = cache_chunk_digest(&b->id, idx, bytes, len);
	return digest_equal_ct(&have, &expected, sizeof(have));
}

/* None: the disk is passed by, and nothing is known of the chunk. *data as in write_chunk(). */
static enum proof look_at_chunk(struct blob *b, uint64_t idx, void *bytes, struct data_file **data)
{
	bool only_here = hub_is_offline(b->fetch->hub); /* then nobody else has it, and it is waited for */
	unsigned place;
	bool ok;

	*data = NULL;
	if (!only_here && !disk_enter(b->fetch->disk, DISK_READ, &place))
		return PROOF_NONE;
	*data = store_open_data(b);
	ok = is_chunk(b, *data, idx, bytes);
	if (!only_here)
		disk_leave(b->fetch->disk, place);
	return ok ? PROOF_RIGHT : PROOF_WRONG;
}

static void prove(struct blob *b, uint64_t idx, void *bytes)
{
	struct aftermath a = {0};
	struct data_file *data;
	enum proof proof = look_at_chunk(b, idx, bytes, &data);

	if (proof == PROOF_WRONG)
		cache_drop_chunk(b->fetch->cache, &b->id, b->size, idx);
	pthread_mutex_lock(&b->lock);
	if (b->state[idx] == CHUNK_PROVING && proof == PROOF_RIGHT && b->data == data && !is_forced_out_locked(b, idx)) {
		blob_set_state_locked(b, idx, CHUNK_PRESENT);
		blob_arrived_locked(b, idx, &a);
		blob_stored_locked(b, idx, &a);
	} else if (b->state[idx] == CHUNK_PROVING) {
		b->sealed = false;
		blob_lost_locked(b, idx, &a);
	}
	pthread_cond_broadcast(&b->drained);
	pthread_mutex_unlock(&b->lock);
	data_file_unref(data);
	blob_settle(b, &a);
}

static void run_prove(struct job *job)
{
	struct prove_job *j = container_of(job, struct prove_job, job);
	struct blob *b = j->blob;
	AUTO_FREE void *bytes = malloc(CHUNK_SIZE);
	struct aftermath a = {0};

	for (unsigned n = 0; n < PROVE_AT_ONCE && bytes && j->first <= j->last; n++)
		prove(b, j->first++, bytes);
	if (!bytes) { /* fetched again instead */
		pthread_mutex_lock(&b->lock);
		for (; j->first <= j->last; j->first++)
			blob_lost_locked(b, j->first, &a);
		pthread_mutex_unlock(&b->lock);
		blob_settle(b, &a);
	}
	if (j->first <= j->last) {
		workers_run(b->fetch->disk_workers, &j->job);
		return;
	}
	free(j);
	blob_put(b);
}

struct prove_job *prove_job_new(struct blob *b, uint64_t first, uint64_t last)
{
	struct prove_job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->job.run = run_prove;
	j->first = first;
	j->last = last;
	j->blob = blob_ref(b);
	return j;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Opens the directory, owns its lock, wires index, data files, prover and keeper; and the calls of other threads, each of which
 * appends a job and is gone. docs/CACHE-FORMAT.md describes the directory.
 */
#include "cache_int.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/log.h>

/* A process that was just killed may still be ending: its lock goes with its last thread. */
#define LOCK_TRIES 40
#define LOCK_PAUSE_US 20000
#define INBOX_MAX 65536 /* jobs: 8 MiB, or 16 GiB of content that a dead disk keeps from being recorded */

#define ASIDE_PREFIX "index.db.broken-"

static const char tag[] = "Signature: 8a477f597d28d172789f06886806bc55\n"
			  "# A cache of hffs. Whatever is in it can be fetched again.\n"
			  "# https://bford.info/cachedir/\n";

/* --- jobs --- */

void job_list_init(struct job_list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->nr = 0;
}

void job_append(struct job_list *l, struct job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
	l->nr++;
}

struct job *job_take(struct job_list *l)
{
	struct job *j = l->head;

	if (!j)
		return NULL;
	l->head = j->next;
	if (!l->head)
		l->tail = &l->head;
	l->nr--;
	return j;
}

struct job *job_new(enum job_kind kind, const char *key)
{
	size_t len = key ? strlen(key) : 0;
	struct job *j = calloc(1, sizeof(*j) + len + 1);

	if (!j)
		return NULL;
	j->kind = kind;
	if (len)
		memcpy(j->key, key, len);
	return j;
}

bool cache_post(struct cache *c, struct job *j)
{
	LOCK_SCOPE(&c->lock);
	if (c->inbox.nr >= INBOX_MAX)
		return false;
	job_append(&c->inbox, j);
	if (c->inbox.nr == 1)
		pthread_cond_signal(&c->wake);
	return true;
}

void cache_post_urgent(struct cache *c, struct job *j)
{
	LOCK_SCOPE(&c->lock);
	job_append(&c->urgent, j);
	pthread_cond_signal(&c->wake);
}

void cache_count(struct cache *c, uint64_t *counter, uint64_t nr)
{
	LOCK_SCOPE(&c->stats_lock);
	*counter += nr;
}

/* A job about a blob. False: it was not posted, which is counted. */
static bool post_blob(struct cache *c, enum job_kind kind, const struct blob_id *id, uint64_t size, uint64_t idx,
		      const struct chunk_digest *digest)
{
	struct job *j = job_new(kind, NULL);

	if (j) {
		j->id = *id;
		j->size = size;
		j->idx = idx;
		if (digest)
			j->digest = *digest;
		if (cache_post(c, j))
			return true;
	}
	free(j);
	cache_count(c, &c->stats.write_errors, 1);
	return false;
}

void cache_post_proof(void *ctx, const struct proof_result *res)
{
	struct cache *c = ctx;
	struct job *j = job_new(JOB_PROVED, NULL);

	if (j)
		j->proof = malloc(sizeof(*j->proof));
	if (j && j->proof) {
		*j->proof = *res;
		if (cache_post(c, j))
			return;
	}
	if (j)
		free(j->proof);
	free(j);
	free(res->rows);
	prover_cancel(c->prover, &res->id);
}

/* --- calls --- */

void cache_want_rows(struct cache *c, const struct blob_id *id, uint64_t size, cache_rows_done *done, void *ctx)
{
	struct job *j = job_new(JOB_ROWS, NULL);

	if (!j) {
		done(ctx, -ENOMEM, NULL);
		return;
	}
	j->id = *id;
	j->size = size;
	j->rows_done = done;
	j->ctx = ctx;
	cache_post_urgent(c, j);
}

int cache_open_data(struct cache *c, const struct blob_id *id, uint64_t size, bool to_write)
{
	return data_open(c->data, id, size, to_write);
}

uint64_t cache_disk_bytes(struct cache *c, const struct blob_id *id)
{
	return data_disk_bytes(c->data, id);
}

static bool is_chunk(const struct blob_id *id, uint64_t size, uint64_t idx)
{
	return blob_id_len(id) && idx < chunks_of(size) && idx / EXTENT_CHUNKS <= INDEX_IDX_MAX;
}

/* The job comes before the note: a proof that is complete must find its chunks recorded. */
void cache_put_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx, const struct chunk_digest *digest)
{
	if (is_chunk(id, size, idx) && post_blob(c, JOB_PUT, id, size, idx, digest))
		prover_note(c->prover, id, size, idx);
}

void cache_drop_chunk(struct cache *c, const struct blob_id *id, uint64_t size, uint64_t idx)
{
	if (!is_chunk(id, size, idx))
		return;
	prover_cancel(c->prover, id);
	(void)post_blob(c, JOB_DROP, id, size, idx, NULL); /* else its digest fails once more after the next start */
}

void cache_touch(struct cache *c, const struct blob_id *id, uint64_t extent_idx)
{
	if (blob_id_len(id) && extent_idx <= INDEX_IDX_MAX)
		(void)post_blob(c, JOB_USE, id, 0, extent_idx, NULL); /* else it only looks older than it is */
}

void cache_touch_all(struct cache *c, const struct blob_id *id)
{
	if (blob_id_len(id))
		(void)post_blob(c, JOB_USE, id, 0, BATCH_ALL, NULL); /* as above */
}

void cache_note_held(struct cache *c, int64_t bytes)
{
	LOCK_SCOPE(&c->stats_lock);
	c->stats.bytes_held += (uint64_t)bytes;
}

int cache_open_sample(struct cache *c)
{
	AUTO_FREE char *path = str_printf("%s/lock", c->dir);
	int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) : -1;

	return fd >= 0 ? fd : path ? -errno : -ENOMEM;
}

void cache_need_space(struct cache *c)
{
	LOCK_SCOPE(&c->lock);
	c->space_asked = true;
	pthread_cond_signal(&c->wake);
}

void cache_distrust(struct cache *c, const struct blob_id *id, uint64_t size)
{
	prover_cancel(c->prover, id);
	if (blob_id_len(id))
		(void)post_blob(c, JOB_DISTRUST, id, size, 0, NULL); /* else nothing is read from it in this run, and digests tell in the next */
}

void cache_want_proof(struct cache *c, const struct blob_id *id, uint64_t size)
{
	if (blob_id_len(id))
		(void)post_blob(c, JOB_WANT_PROOF, id, size, 0, NULL); /* else it stays unsealed */
}

void cache_stats(struct cache *c, struct cache_stats *out)
{
	LOCK_SCOPE(&c->stats_lock);
	*out = c->stats;
}

void cache_flush(struct cache *c)
{
	bool flushed = false;
	struct job j = {.kind = JOB_FLUSH, .flushed = &flushed};
	LOCK_SCOPE(&c->lock);

	job_append(&c->inbox, &j);
	pthread_cond_signal(&c->wake);
	while (!flushed)
		pthread_cond_wait(&c->flushed, &c->lock);
}

int cache_call(struct cache *c, keeper_call *fn, void *arg)
{
	bool over = false;
	int r = 0;
	struct job j = {.kind = JOB_CALL, .call = {fn, arg, &r, &over}};
	LOCK_SCOPE(&c->lock);

	job_append(&c->inbox, &j);
	pthread_cond_signal(&c->wake);
	while (!over)
		pthread_cond_wait(&c->flushed, &c->lock);
	return r;
}

const uint8_t *cache_salt(const struct cache *c)
{
	return c->salt;
}

/* --- the directory --- */

static int check_dir(const char *dir, struct err *err)
{
	struct stat st;
	int r = io_make_dirs(dir, 0700);

	if (r == -EROFS)
		return err_set(err, r, "cannot make the cache directory %s: the file system is read-only", dir);
	if (r < 0)
		return err_set(err, r == -EPERM ? -EACCES : r, "cannot make the cache directory %s: %s", dir, strerror(-r));
	if (stat(dir, &st) < 0)
		return err_set(err, -errno, "cannot look at the cache directory %s", dir);
	if (st.st_uid != geteuid())
		return err_set(err, -EACCES, "the cache directory %s belongs to another user (%u)", dir, (unsigned)st.st_uid);
	if (st.st_mode & 022)
		return err_set(err, -EACCES, "others may write to the cache directory %s: chmod go-w it first", dir);
	return 0;
}

static int say_busy(const char *dir, const char *lock, struct err *err)
{
	AUTO_BUF pid = {0};

	if (io_read_file(lock, 64, &pid) < 0 || pid.len == 0)
		return err_set(err, -EBUSY, "another process uses the cache %s: end it, or take another with -o cache=DIR", dir);
	pid.data[strcspn(pid.data, "\n")] = '\0';
	return err_set(err, -EBUSY, "process %s uses the cache %s: end it, or take another with -o cache=DIR", pid.data, dir);
}

/* A lock that lets a second one in, as some file systems have it, keeps nobody out. */
static bool is_lock_idle(const char *path)
{
	AUTO_FD int second = io_lock_file(path);

	return second >= 0;
}

static int lock_dir(struct cache *c, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/lock", c->dir);
	char pid[32];
	int n = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid()), fd;

	if (!path)
		return -ENOMEM;
	for (int tries = 0; (fd = io_lock_file(path)) == -EWOULDBLOCK && tries < LOCK_TRIES; tries++)
		usleep(LOCK_PAUSE_US);
	if (fd == -EWOULDBLOCK)
		return say_busy(c->dir, path, err);
	if (fd == -EROFS) { /* nobody can change it, so nobody has to be kept out */
		c->is_read_only = true;
		return 0;
	}
	if (fd == -EACCES || fd == -EPERM)
		return err_set(err, -EACCES, "the cache %s is not writable", c->dir);
	if (fd < 0)
		return err_set(err, fd, "cannot lock the cache %s: %s", c->dir, strerror(-fd));
	c->lock_fd = fd;
	if (is_lock_idle(path))
		log_warn("locks have no effect on the file system of the cache %s: see to it that nobody else uses it", c->dir);
	/* The pid is for people; a full disk must not keep the cache closed. */
	if (ftruncate(fd, 0) < 0 || io_pwrite(fd, pid, (size_t)n, 0) < 0)
		log_debug("the lock of %s does not name its process", c->dir);
	return 0;
}

static void write_tag(const char *dir)
{
	AUTO_FREE char *path = str_printf("%s/CACHEDIR.TAG", dir);
	AUTO_FD int fd = -1;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)io_write(fd, tag, sizeof(tag) - 1); /* backups would only be larger */
}

/* What was set aside earlier: only the last is kept. */
static void remove_aside(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *de;

	if (!d)
		return;
	while ((de = readdir(d)))
		if (!strncmp(de->d_name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)))
			(void)unlinkat(dirfd(d), de->d_name, 0); /* it would only take room */
	(void)closedir(d); /* a directory */
}

int index_file_set_aside(const char *dir)
{
	AUTO_FREE char *path = str_printf("%s/index.db", dir);
	AUTO_FREE char *wal = str_printf("%s/index.db-wal", dir);
	AUTO_FREE char *aside = str_printf("%s/" ASIDE_PREFIX "%lld", dir, (long long)clock_wall_s());

	if (!path || !wal || !aside)
		return -ENOMEM;
	remove_aside(dir);
	if (rename(path, aside) < 0 && errno != ENOENT)
		return -errno;
	if (unlink(wal) < 0 && errno != ENOENT)
		return -errno;
	return 0;
}

static int open_index(struct cache *c, enum index_end *last_end, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/index.db", c->dir);
	struct err cause = {0};
	struct stat st;
	int r;

	if (!path)
		return -ENOMEM;
	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
		r = err_set(&cause, -EBADMSG, "not a regular file");
	else if (c->is_read_only)
		r = index_open_copy(path, &c->index, last_end, &cause);
	else
		r = index_open(path, &c->index, last_end, &cause);
	if (c->is_read_only && r == -ENOENT)
		return err_set(err, -EROFS, "there is no cache in %s, and its file system is read-only", c->dir);
	if (r == -EBADMSG && !c->is_read_only) {
		log_warn("the index of the cache %s is damaged (%s): it begins anew, empty", c->dir, err_text(&cause));
		r = index_file_set_aside(c->dir);
		if (r == 0)
			r = index_open(path, &c->index, last_end, &cause);
	}
	if (r == -EPROTO)
		return err_set(err, r, "%s", err_text(&cause));
	if (r < 0)
		return err_set(err, r, "cannot open the index of the cache %s: %s", c->dir, cause.text[0] ? cause.text : strerror(-r));
	memcpy(c->salt, index_salt(c->index), sizeof(c->salt));
	return 0;
}

static int load_totals(struct cache *c)
{
	struct index_totals t;
	int r = index_load_totals(c->index, &t);

	if (r < 0)
		return r;
	c->stats.bytes_cached = t.bytes;
	c->stats.blobs = t.blobs;
	c->stats.blobs_sealed = t.sealed;
	return pins_load(c);
}

/* Damage that shows only when the totals are read is as good a reason to begin anew. */
static int open_index_totals(struct cache *c, enum index_end *last_end, struct err *err)
{
	int r = open_index(c, last_end, err);

	if (r < 0)
		return r;
	r = load_totals(c);
	if (r != -EBADMSG || c->is_read_only)
		return r;
	log_warn("the index of the cache %s is damaged: it begins anew, empty", c->dir);
	index_close(TAKE(c->index), INDEX_TORN);
	r = index_file_set_aside(c->dir);
	if (r == 0)
		r = open_index(c, last_end, err);
	return r < 0 ? r : load_totals(c);
}

static int open_data(struct cache *c, struct err *err)
{
	AUTO_FD int fd = open(c->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = fd < 0 ? -errno : data_new(fd, &c->data);

	return r < 0 ? err_set(err, r, "cannot open the data files of the cache %s: %s", c->dir, strerror(-r)) : 0;
}

static void set_limits(struct cache *c, const struct cache_config *config)
{
	uint64_t disk_free = UINT64_MAX, disk_size = UINT64_MAX / 2;

	if (data_space(c->data, &disk_free, &disk_size) == 0) {
		c->stats.disk_free = disk_free;
		c->stats.disk_size = disk_size;
	}
	c->size_max = config->size_max ? config->size_max : disk_size / 100 * 90;
	c->keep_free = config->keep_free != UINT64_MAX ? config->keep_free : disk_size / 100 * 5;
	c->stats.size_max = c->size_max;
	c->stats.keep_free = c->keep_free;
}

/* --- open and close --- */

static struct cache *cache_new(const struct cache_config *config)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->dir = strdup(config->dir);
	c->lock_fd = -1;
	c->events = config->events;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->stats_lock, NULL);
	cond_init(&c->wake);
	cond_init(&c->flushed);
	job_list_init(&c->urgent);
	job_list_init(&c->inbox);
	job_list_init(&c->results);
	job_list_init(&c->calls);
	job_list_init(&c->flushes);
	return c;
}

static void cache_free(struct cache *c)
{
	index_close(c->index, INDEX_TORN);
	batch_clear(&c->batch);
	scrub_done(&c->scrub);
	prover_free(c->prover);
	data_free(c->data);
	if (c->lock_fd >= 0)
		(void)close(c->lock_fd); /* unlocks */
	pthread_cond_destroy(&c->flushed);
	pthread_cond_destroy(&c->wake);
	pthread_mutex_destroy(&c->stats_lock);
	pthread_mutex_destroy(&c->lock);
	free(c->dir);
	free(c);
}
AUTO_DEFINE(struct cache *, cache_free)

static int start_threads(struct cache *c, struct err *err)
{
	int r = prover_new(c->data, &c->events, cache_post_proof, c, &c->prover);

	if (r == 0)
		r = thread_start(&c->keeper, "hffs-keeper", keeper_main, c);
	if (r < 0)
		return err_set(err, r, "cannot start the cache's threads: %s", strerror(-r));
	c->keeper_started = true;
	if (!c->is_read_only && prover_start(c->prover) < 0)
		log_warn("no thread for proofs: nothing will be sealed");
	return 0;
}

int cache_open(const struct cache_config *config, struct cache **out, struct err *err)
{
	AUTO(cache_free) struct cache *c = cache_new(config);
	enum index_end last_end = INDEX_TORN;
	int r;

	if (!c || !c->dir)
		return -ENOMEM;
	r = check_dir(c->dir, err);
	if (r == 0)
		r = lock_dir(c, err);
	if (r == 0)
		r = open_index_totals(c, &last_end, err);
	if (r == 0)
		r = open_data(c, err);
	if (r < 0)
		return r;
	set_limits(c, config);
	c->holds_back = config->scrub != SCRUB_IF_DUE;
	if (c->is_read_only) {
		log_warn("the cache %s is on a read-only file system: what is there is used, and nothing is kept", c->dir);
		scrub_done(&c->scrub);
	} else {
		write_tag(c->dir);
		scrub_start(c, config->scrub, last_end != INDEX_CLEAN);
	}
	r = start_threads(c, err);
	if (r < 0)
		return r;
	*out = TAKE(c);
	return 0;
}

static void say_stop(struct cache *c)
{
	LOCK_SCOPE(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
}

void cache_close(struct cache *c)
{
	if (!c)
		return;
	prover_stop(c->prover);
	say_stop(c);
	pthread_join(c->keeper, NULL);
	cache_free(c);
}

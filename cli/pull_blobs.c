// SPDX-License-Identifier: Apache-2.0
/*
 * Pull in this process. A file goes WAITING -> FETCHING (its blob is wanted) -> PROVING (all chunks are here; the cache proves
 * the whole) -> COMPLETE or FAILED. Only the main thread moves files on; callbacks leave their result and wake it.
 */
#include "pull_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/thread.h>

#define LOOK_MS 100
#define BYPASSED_MAX 200 /* chunks that the disk refused; a moment without room does not end a pull */
/* A proof is read from the local disk: slower than this the disk has other troubles, and the file is complete anyway. */
#define PROOF_BYTES_PER_MS 20000
#define PROOF_MIN_MS 30000

enum file_state { FILE_WAITING, FILE_FETCHING, FILE_PROVING, FILE_COMPLETE, FILE_FAILED };

struct pull;

struct file {
	struct pull *pull;
	const struct listing_entry *entry;
	enum file_state state;
	struct object_ref from;
	struct blob *blob;
	uint64_t proof_end_ms;
	bool again; /* what had come was dropped, and is being fetched once more */
	bool answered; /* guarded by pull->lock, as the two below */
	int r;
	struct err err;
};

struct pull {
	const struct pull_plan *plan;
	struct fetch *fetch;
	struct file *files;
	size_t nr, next, open; /* next to start; FETCHING and PROVING ones are in front of it */
	unsigned fetching;
	uint64_t bytes_complete;
	int r;
	struct err err;
	pthread_mutex_t lock;
	pthread_cond_t wake;
};

static void on_here(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct file *file = ctx;
	struct pull *p = file->pull;

	(void)span; /* there is none: nothing is read */
	LOCK_SCOPE(&p->lock);
	file->r = r;
	if (r < 0 && err)
		file->err = *err;
	file->err.code = r;
	file->answered = true;
	pthread_cond_signal(&p->wake);
}

static void file_close(struct pull *p, struct file *file, enum file_state state)
{
	if (file->blob)
		blob_put(TAKE(file->blob));
	file->state = state;
	if (state == FILE_COMPLETE) {
		p->bytes_complete += file->entry->size;
		progress_file(p->plan->progress, file->entry->path, file->entry->size);
	}
}

static void file_fail(struct pull *p, struct file *file, int r, const char *reason)
{
	file_close(p, file, FILE_FAILED);
	if (p->r == 0)
		p->r = err_set(&p->err, r, "%s: %s", file->entry->path, reason);
	if (pull_failure_is_shared(r))
		p->next = p->nr;
}

static void file_fetch(struct pull *p, struct file *file)
{
	file->state = FILE_FETCHING;
	file->answered = false;
	p->fetching++;
	blob_ensure(file->blob, 0, file->entry->size, on_here, file);
}

static void file_start(struct pull *p, struct file *file)
{
	if (file->entry->size == 0) {
		file_close(p, file, FILE_COMPLETE);
		return;
	}
	if (file->entry->id.algo == 0) {
		AUTO_FREE char *why = str_printf("the Hub hides its digest: ask for access at %s/%s%s, and set HF_TOKEN", hub_endpoint(fetch_hub(p->fetch)),
						 repo_kind_prefix(file->from.repo.kind), file->from.repo.name);

		file_fail(p, file, -EACCES, why ? why : "the Hub hides its digest");
		return;
	}
	file->blob = blob_get(p->fetch, &file->from);
	if (!file->blob) {
		file_fail(p, file, -ENOMEM, "out of memory");
		return;
	}
	file_fetch(p, file);
}

static void file_fetched(struct pull *p, struct file *file)
{
	p->fetching--;
	if (file->r < 0) {
		file_fail(p, file, file->r, err_text(&file->err));
		return;
	}
	file->state = FILE_PROVING;
	file->proof_end_ms = clock_mono_ms() + PROOF_MIN_MS + file->entry->size / PROOF_BYTES_PER_MS;
	cache_want_proof(fetch_cache(p->fetch), &file->entry->id, file->entry->size);
}

/* Bytes that were proven wrong, or found no room, are not in the cache any more. */
static void file_dropped(struct pull *p, struct file *file)
{
	if (file->again) {
		file_fail(p, file, -ENOSPC, PULL_NO_ROOM);
		return;
	}
	file->again = true;
	file_fetch(p, file);
}

static void file_prove(struct pull *p, struct file *file)
{
	struct blob_info info;

	blob_info(file->blob, &info);
	if (info.quarantined)
		file_fail(p, file, -EBADMSG, "its bytes are not what the Hub's digest says, twice");
	else if (info.bytes_cached < info.size)
		file_dropped(p, file);
	else if (info.sealed || clock_mono_ms() >= file->proof_end_ms)
		file_close(p, file, FILE_COMPLETE);
}

static bool file_answered(struct pull *p, const struct file *file)
{
	LOCK_SCOPE(&p->lock);
	return file->answered;
}

/* Moves on what can be; p->open is the first file not yet closed. */
static void step_files(struct pull *p)
{
	for (size_t i = p->open; i < p->nr; i++) {
		struct file *file = &p->files[i];

		if (file->state == FILE_WAITING)
			break;
		if (file->state == FILE_FETCHING && file_answered(p, file))
			file_fetched(p, file);
		if (file->state == FILE_PROVING)
			file_prove(p, file);
		if (i == p->open && file->state >= FILE_COMPLETE)
			p->open++;
	}
}

static void start_files(struct pull *p)
{
	while (p->next < p->nr && p->fetching < p->plan->jobs)
		file_start(p, &p->files[p->next++]);
}

static uint64_t bytes_here(const struct pull *p)
{
	uint64_t bytes = p->bytes_complete;

	for (size_t i = p->open; i < p->nr && p->files[i].state != FILE_WAITING; i++)
		if (p->files[i].blob) {
			struct blob_info info;

			blob_info(p->files[i].blob, &info);
			bytes += min_u64(info.bytes_cached, info.size);
		}
	return bytes;
}

/* A disk that refuses goes on refusing: what comes is dropped from memory and would be fetched again and again. */
static bool is_disk_full(struct pull *p)
{
	struct fetch_stats st;

	fetch_stats(p->fetch, &st);
	if (st.chunks_bypassed <= BYPASSED_MAX)
		return false;
	if (p->r == 0)
		p->r = err_set(&p->err, -ENOSPC, "%s", PULL_NO_ROOM);
	return true;
}

static bool is_running(const struct pull *p)
{
	return p->next < p->nr || (p->open < p->nr && p->files[p->open].state != FILE_WAITING);
}

static bool is_stopped(const struct pull *p)
{
	return p->plan->is_interrupted() || handover_is_wanted(p->plan->handover);
}

static void run(struct pull *p)
{
	while (is_running(p) && !is_stopped(p) && !is_disk_full(p)) {
		start_files(p);
		step_files(p);
		progress_show(p->plan->progress, bytes_here(p));
		if (!is_running(p))
			break;
		LOCK_SCOPE(&p->lock);
		(void)cond_wait_ms(&p->wake, &p->lock, LOOK_MS);
	}
}

/* Interrupted: fetching ends with -ECANCELED, then every blob can be put. */
static void abandon(struct pull *p)
{
	fetch_cancel(p->fetch);
	for (size_t i = p->open; i < p->nr; i++) {
		struct file *file = &p->files[i];

		while (file->state == FILE_FETCHING && !file_answered(p, file)) {
			LOCK_SCOPE(&p->lock);
			(void)cond_wait_ms(&p->wake, &p->lock, LOOK_MS);
		}
		if (file->blob)
			blob_put(TAKE(file->blob));
	}
}

/* Files that were complete go again, to make room for the later ones. */
static void check_kept(struct pull *p)
{
	struct cache_stats st;

	cache_stats(fetch_cache(p->fetch), &st);
	if (p->r == 0 && listing_bytes(p->plan->files) > st.size_max)
		p->r = err_set(&p->err, -ENOSPC, PULL_TOO_LARGE);
}

static void make_files(struct pull *p, const struct revision *rev)
{
	for (size_t i = 0; i < p->nr; i++) {
		struct file *file = &p->files[i];

		file->pull = p;
		file->entry = &p->plan->files->entries[i];
		file->from = (struct object_ref){
			.repo = rev->repo, .path = file->entry->path, .size = file->entry->size, .id = file->entry->id};
		memcpy(file->from.commit, rev->commit, sizeof(file->from.commit));
	}
}

int pull_by_blobs(const struct pull_plan *plan, struct fetch *f, const struct revision *rev, struct err *err)
{
	AUTO_FREE struct file *files = calloc(plan->files->nr, sizeof(*files));
	struct pull p = {.plan = plan, .fetch = f, .files = files, .nr = plan->files->nr, .lock = PTHREAD_MUTEX_INITIALIZER};

	if (!files || cond_init(&p.wake) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	make_files(&p, rev);
	run(&p);
	if (is_running(&p)) {
		abandon(&p);
		if (p.r == -ENOSPC && !is_stopped(&p))
			return err_set(err, p.r, "%s", err_text(&p.err));
		return err_set(err, -EINTR, "interrupted");
	}
	check_kept(&p);
	cache_flush(fetch_cache(f));
	return p.r < 0 ? err_set(err, p.r, "%s", err_text(&p.err)) : 0;
}

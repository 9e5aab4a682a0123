// SPDX-License-Identifier: Apache-2.0
/*
 * An open blob: chunk states, parked readers, holds. enum chunk_state (fetch_int.h) names the states.
 *
 * A read looks at its chunks under the lock. All there: a hold is taken and done() called at once. Else the reader is parked, its
 * missing chunks become WANTED (or, known from an earlier run, PROVING), and whoever brings the last of them completes it.
 *
 * Holds are counted by epoch: eviction marks chunks, begins a new epoch and waits until the replies of the old one are out, so
 * a reply never races with a hole and new replies never wait.
 */
#include "ahead_int.h"
#include "disk_int.h"
#include "hot_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>

#define TOUCH_S 60
/*
 * A read() that failed in readahead is asked for again by the kernel, page by page: it has had its deadline. [mm/filemap.c,
 * Linux 6.18] So for GAVE_UP_MS after a reader gave up, and until a byte comes, others of the blob wait for GRACE_MS only.
 */
#define GAVE_UP_MS 5000
#define LOSSES_SPARE 64 /* chunks that may go again while others are ensured, besides as many as are ensured */
#define GRACE_MS 1000

const char *blob_name(struct blob *b)
{
	LOCK_SCOPE(&b->lock);
	return blob_name_locked(b);
}

size_t blob_chunk_len(const struct blob *b, uint64_t idx)
{
	return (size_t)min_u64(CHUNK_SIZE, b->size - idx * CHUNK_SIZE);
}

static bool on_disk(enum chunk_state s)
{
	return s == CHUNK_PRESENT || s == CHUNK_UNPROVEN || s == CHUNK_PROVING || s == CHUNK_EVICTING;
}

static bool in_flight(enum chunk_state s)
{
	return s == CHUNK_WANTED || s == CHUNK_FETCHING;
}

/* Can it be handed out? Who ensures waits until it is stored. */
static bool is_here_locked(const struct blob *b, uint64_t idx, bool ensure)
{
	if (b->state[idx] == CHUNK_MEMORY)
		return !ensure || !hot_is_storing_locked(b, idx);
	return b->state[idx] == CHUNK_PRESENT;
}

void blob_set_state_locked(struct blob *b, uint64_t idx, enum chunk_state state)
{
	enum chunk_state old = b->state[idx];

	if (on_disk(old) && !on_disk(state))
		b->bytes_present -= blob_chunk_len(b, idx);
	if (!on_disk(old) && on_disk(state))
		b->bytes_present += blob_chunk_len(b, idx);
	if (in_flight(old) && !in_flight(state))
		atomic_fetch_sub(&b->fetch->chunks_in_flight, 1);
	if (!in_flight(old) && in_flight(state))
		atomic_fetch_add(&b->fetch->chunks_in_flight, 1);
	b->state[idx] = (uint8_t)state;
	if (b->hot && state != CHUNK_PRESENT && state != CHUNK_MEMORY)
		hot_drop_locked(b, idx);
}

static uint64_t count_missing_locked(const struct blob *b, uint64_t first, uint64_t last, bool ensure)
{
	uint64_t missing = 0;

	for (uint64_t i = first; i <= last; i++)
		missing += !is_here_locked(b, i, ensure);
	return missing;
}

bool blob_is_awaited_locked(const struct blob *b, uint64_t idx)
{
	for (const struct reader *r = b->readers; r; r = r->next)
		if (idx >= r->first && idx <= r->last)
			return true;
	return false;
}

bool blob_is_evicting_locked(const struct blob *b, uint64_t idx)
{
	return idx - b->evicting_first < b->evicting_nr;
}

/* --- aftermath: what must happen without the lock --- */

static void complete(struct blob *b, struct reader *r)
{
	atomic_fetch_sub(&b->fetch->readers_parked, 1);
	if (r->r < 0) {
		r->done(r->ctx, r->r, NULL, &r->err);
	} else if (r->ensure) {
		r->done(r->ctx, 0, NULL, NULL);
	} else {
		r->done(r->ctx, 0, &r->span, NULL);
		span_release(&r->span);
	}
	free(r);
}

void blob_settle(struct blob *b, struct aftermath *a)
{
	struct prove_job *proof;
	struct reader *r;

	if (a->urgent)
		sched_want(b->fetch->sched, b, a->urgent_first, a->urgent_last, a->overrun ? WANT_OVERRUN : WANT_URGENT);
	if (a->background && a->ahead)
		sched_want_ahead(b->fetch->sched, b, a->background_first, a->background_last, a->ahead, a->ahead_bytes);
	else if (a->background)
		sched_want(b->fetch->sched, b, a->background_first, a->background_last, WANT_STREAM);
	while ((proof = a->proofs)) {
		a->proofs = proof->next;
		workers_run(b->fetch->disk_workers, &proof->job);
	}
	learn_run(TAKE(a->learn));
	while ((r = a->completed)) {
		a->completed = r->next;
		complete(b, r);
	}
}

static void add_range(bool *set, uint64_t *first, uint64_t *last, uint64_t idx)
{
	*first = *set ? min_u64(*first, idx) : idx;
	*last = *set ? max_u64(*last, idx) : idx;
	*set = true;
}

/* The run of UNPROVEN chunks from idx on becomes PROVING. Gives its last chunk. */
static uint64_t want_proof_locked(struct blob *b, uint64_t idx, uint64_t last, struct aftermath *a)
{
	struct prove_job *job;
	uint64_t end = idx;

	while (end < last && b->state[end + 1] == CHUNK_UNPROVEN)
		end++;
	job = prove_job_new(b, idx, end);
	for (uint64_t i = idx; i <= end; i++)
		blob_set_state_locked(b, i, job ? CHUNK_PROVING : CHUNK_ABSENT); /* without memory: fetched again */
	if (!job)
		return idx - 1;
	job->next = a->proofs;
	a->proofs = job;
	return end;
}

void blob_want_locked(struct blob *b, uint64_t first, uint64_t last, bool urgent, struct aftermath *a)
{
	for (uint64_t i = first; i <= last; i++) {
		if (b->state[i] == CHUNK_UNPROVEN) {
			i = want_proof_locked(b, i, last, a);
			continue;
		}
		if (blob_is_evicting_locked(b, i))
			continue; /* looked at again behind it */
		if (b->state[i] != CHUNK_ABSENT && !(urgent && b->state[i] == CHUNK_WANTED))
			continue;
		blob_set_state_locked(b, i, CHUNK_WANTED);
		if (urgent)
			add_range(&a->urgent, &a->urgent_first, &a->urgent_last, i);
		else
			add_range(&a->background, &a->background_first, &a->background_last, i);
	}
}

/* Takes the reader at *at out of the parked list and puts it behind the completed ones. */
static void finish_locked(struct blob *b, struct reader **at, struct aftermath *a)
{
	struct reader *r = *at, **end = &a->completed;

	*at = r->next;
	if (b->readers_tail == &r->next)
		b->readers_tail = at;
	if (r->r == 0 && !r->ensure)
		span_fill_locked(b, r->off, r->len, &r->span);
	while (*end)
		end = &(*end)->next;
	r->next = NULL;
	*end = r;
}

/* Counts again; a complete reader moves to the aftermath and true is returned. */
static bool recheck_locked(struct blob *b, struct reader **at, struct aftermath *a)
{
	struct reader *r = *at;

	r->missing = count_missing_locked(b, r->first, r->last, r->ensure);
	if (r->missing) {
		blob_want_locked(b, r->first, r->last, !r->ensure, a);
		return false;
	}
	finish_locked(b, at, a);
	return true;
}

void blob_recheck_locked(struct blob *b, struct aftermath *a)
{
	struct reader **at = &b->readers;

	while (*at)
		if (!recheck_locked(b, at, a))
			at = &(*at)->next;
}

/* One chunk fewer is missing to these readers. */
static void came_locked(struct blob *b, uint64_t idx, bool ensure, struct aftermath *a)
{
	struct reader **at = &b->readers;

	while (*at) {
		struct reader *r = *at;
		bool last = r->ensure == ensure && idx >= r->first && idx <= r->last && --r->missing == 0;

		if (last && r->ensure)
			finish_locked(b, at, a);
		else if (!last || !recheck_locked(b, at, a))
			at = &(*at)->next;
	}
}

void blob_arrived_locked(struct blob *b, uint64_t idx, struct aftermath *a)
{
	learn_note_locked(b, idx, a);
	came_locked(b, idx, false, a);
}

void blob_stored_locked(struct blob *b, uint64_t idx, struct aftermath *a)
{
	came_locked(b, idx, true, a);
}

void blob_fail_locked(struct blob *b, uint64_t first, uint64_t last, int r, const struct err *err, struct aftermath *a)
{
	struct reader **at = &b->readers;

	while (r < 0 && *at) {
		if ((*at)->first > last || (*at)->last < first) {
			at = &(*at)->next;
			continue;
		}
		(*at)->r = r;
		(*at)->err = *err;
		finish_locked(b, at, a);
	}
}

void blob_tick_locked(struct blob *b, uint64_t now_ms, uint64_t idle_ms, uint64_t deadline_ms, struct aftermath *a)
{
	struct reader **at = &b->readers;

	while (*at) {
		struct reader *r = *at;
		uint64_t parked_ms = now_ms > r->parked_ms ? now_ms - r->parked_ms : 0;

		r->waited_ms += idle_ms;
		if (deadline_ms == UINT64_MAX || (r->waited_ms < deadline_ms && (r->ensure || parked_ms < HARD_CAP_MS))) {
			at = &r->next;
			continue;
		}
		r->r = err_set(&r->err, -ETIMEDOUT, "%s: no data for %llu s%s%s", blob_name_locked(b),
			       (unsigned long long)(parked_ms / 1000), b->fault.text[0] ? ": " : "", b->fault.text);
		b->gave_up_ms = now_ms;
		b->gave_up_bytes = b->bytes_arrived;
		finish_locked(b, at, a);
	}
}

void blob_note_loss_locked(struct blob *b, uint64_t idx, struct aftermath *a)
{
	struct reader **at = &b->readers;

	while (*at) {
		struct reader *r = *at;

		if (!r->ensure || idx < r->first || idx > r->last || r->lost++ <= r->last - r->first + LOSSES_SPARE) {
			at = &r->next;
			continue;
		}
		r->r = err_set(&r->err, -EIO, "%s: the cache has no room for all of it", blob_name_locked(b));
		finish_locked(b, at, a);
	}
}

void blob_lost_locked(struct blob *b, uint64_t idx, struct aftermath *a)
{
	blob_set_state_locked(b, idx, CHUNK_ABSENT);
	blob_note_loss_locked(b, idx, a);
	for (struct reader *r = b->readers; r; r = r->next)
		if (idx >= r->first && idx <= r->last)
			r->missing = count_missing_locked(b, r->first, r->last, r->ensure);
	if (blob_is_awaited_locked(b, idx))
		blob_want_locked(b, idx, idx, true, a);
}

/* --- reading --- */

int blob_refuse_locked(const struct blob *b, struct err *err)
{
	if (atomic_load(&b->fetch->closed))
		return err_set(err, -ECANCELED, "the mount is shutting down");
	if (b->quarantined)
		return err_set(err, -EBADMSG, "%s: the bytes that the Hub sends are not those of its own digest",
			       blob_name_locked(b));
	return 0;
}

static struct reader *reader_new(uint64_t off, uint64_t len, bool ensure, read_done *done, void *ctx)
{
	struct reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->off = off;
	r->len = len;
	r->first = off / CHUNK_SIZE;
	r->last = (off + len - 1) / CHUNK_SIZE;
	r->ensure = ensure;
	r->parked_ms = clock_mono_ms();
	r->done = done;
	r->ctx = ctx;
	return r;
}

static void park_locked(struct blob *b, struct reader *r, struct aftermath *a)
{
	r->next = NULL;
	*b->readers_tail = r;
	b->readers_tail = &r->next;
	atomic_fetch_add(&b->fetch->readers_parked, 1);
	if (b->gave_up_ms && b->bytes_arrived == b->gave_up_bytes && r->parked_ms - b->gave_up_ms < GAVE_UP_MS)
		r->waited_ms = b->fetch->config.data_deadline_ms - min_u64(GRACE_MS, b->fetch->config.data_deadline_ms);
	if (!b->ready)
		return;
	r->missing = count_missing_locked(b, r->first, r->last, r->ensure);
	blob_want_locked(b, r->first, r->last, !r->ensure, a);
}

/*
 * Is this readahead over the end of what is read? The kernel asks for it when the program comes to the request before it, so the one
 * before that was answered; a program that begins to read there for itself comes at any time. At the end of the file it would not
 * be seen that the program takes it: the kernel has nothing to ask for behind.
 */
static bool is_overrun_locked(const struct blob *b, uint64_t off, uint64_t len, bool may_be)
{
	return may_be && off > len && off + len < b->size && is_here_locked(b, (off - len - 1) / CHUNK_SIZE, false);
}

/* What was taken for readahead is read on behind: the kernel asks for more when its first page is touched. */
static void urge_locked(struct blob *b, uint64_t off, struct aftermath *a)
{
	for (struct reader *r = b->readers; r; r = r->next)
		if (r->is_overrun && r->off + r->len == off) {
			r->is_overrun = false;
			blob_want_locked(b, r->first, r->last, true, a);
		}
}

/* True if the cache should hear now that this extent is in use. */
static bool touch_locked(struct blob *b, uint64_t extent)
{
	uint32_t now = (uint32_t)(clock_mono_ms() / 1000);

	if (b->touched_s[extent] && now - b->touched_s[extent] < TOUCH_S)
		return false;
	b->touched_s[extent] = now ? now : 1;
	return true;
}

/*
 * The disk is passed by: what is on it and not in memory comes from the Hub. Its rows stay, and it is written again. Not of a sealed
 * blob, whose file cannot be: there a reader waits for the disk.
 */
static void pass_by_disk_locked(struct blob *b, uint64_t first, uint64_t last)
{
	if (b->sealed)
		return;
	for (uint64_t i = first; i <= last; i++)
		if (b->state[i] == CHUNK_PRESENT && !hot_find_locked(b, i))
			blob_set_state_locked(b, i, CHUNK_ABSENT);
}

static void read_blob(struct blob *b, uint64_t off, size_t len, bool is_direct, read_done *done, void *ctx)
{
	uint64_t first = off / CHUNK_SIZE, last = (off + len - 1) / CHUNK_SIZE;
	struct sched *sched = b->fetch->sched;
	struct aftermath a = {0};
	struct span span;
	struct err err = {0};
	struct reader *r = NULL;
	bool hit = false, touch = false, ready = false, may_overrun = !is_direct && ahead_is_overrun(b, off, len);
	int refused;

	pthread_mutex_lock(&b->lock);
	refused = blob_refuse_locked(b, &err);
	if (refused == 0 && b->ready) {
		touch = touch_locked(b, first / EXTENT_CHUNKS);
		if (disk_is_slow(b->fetch->disk) && !hub_is_offline(b->fetch->hub))
			pass_by_disk_locked(b, first, last);
		hit = count_missing_locked(b, first, last, false) == 0;
		if (hit)
			span_fill_locked(b, off, len, &span);
	}
	if (refused == 0 && !hit) {
		r = reader_new(off, len, false, done, ctx);
		if (r) {
			r->is_overrun = a.overrun = is_overrun_locked(b, off, len, may_overrun);
			park_locked(b, r, &a);
		} else {
			refused = err_set(&err, -ENOMEM, "out of memory");
		}
	}
	ready = refused == 0 && b->ready;
	if (ready && !a.overrun)
		urge_locked(b, off, &a);
	if (ready)
		learn_look_locked(b, &a);
	pthread_mutex_unlock(&b->lock);
	if (ready)
		(void)blob_ref(b); /* done() may give back the caller's */

	atomic_fetch_add(hit ? &b->fetch->read_hits : &b->fetch->read_misses, 1);
	if (touch)
		cache_touch(b->fetch->cache, &b->id, first / EXTENT_CHUNKS);
	sched_hold(sched);
	blob_settle(b, &a);
	if (refused < 0)
		done(ctx, refused, NULL, &err);
	if (hit) {
		done(ctx, 0, &span, NULL);
		span_release(&span);
	}
	if (ready) {
		ahead_read(b, off, len, hit, is_direct);
		blob_put(b);
	}
	sched_release(sched);
}

void blob_read(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx)
{
	read_blob(b, off, len, false, done, ctx);
}

void blob_read_direct(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx)
{
	read_blob(b, off, len, true, done, ctx);
}

int blob_copy(struct blob *b, uint64_t off, size_t len, bool is_read, void *out)
{
	struct span span;
	int r;

	pthread_mutex_lock(&b->lock);
	r = blob_refuse_locked(b, NULL);
	if (r == 0 && (!b->ready || count_missing_locked(b, off / CHUNK_SIZE, (off + len - 1) / CHUNK_SIZE, false)))
		r = -EAGAIN;
	if (r == 0)
		span_fill_locked(b, off, len, &span);
	pthread_mutex_unlock(&b->lock);
	if (r < 0)
		return r;
	r = span_read(&span, out);
	span_release(&span);
	if (r == 0 && is_read)
		ahead_read(b, off, len, true, false);
	return r;
}

void blob_ensure(struct blob *b, uint64_t off, uint64_t len, read_done *done, void *ctx)
{
	struct reader *r = reader_new(off, len, true, done, ctx);
	struct aftermath a = {0};
	struct err err = {0};
	bool complete_now = false;
	int refused;

	pthread_mutex_lock(&b->lock);
	refused = blob_refuse_locked(b, &err);
	if (refused == 0 && !r)
		refused = err_set(&err, -ENOMEM, "out of memory");
	if (refused == 0) {
		complete_now = b->ready && count_missing_locked(b, r->first, r->last, true) == 0;
		if (!complete_now)
			park_locked(b, r, &a);
	}
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
	if (refused < 0 || complete_now) {
		free(r);
		done(ctx, refused, NULL, refused < 0 ? &err : NULL);
	}
}

void blob_info(struct blob *b, struct blob_info *out)
{
	LOCK_SCOPE(&b->lock);
	*out = (struct blob_info){b->size, b->bytes_present, b->sealed, b->quarantined};
}

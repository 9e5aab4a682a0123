// SPDX-License-Identifier: Apache-2.0
/* Single orders of events that chance brings about rarely: eviction against fetching, requests that fail, long waits. */
#include "../unit/unit.h"

#include "disk_int.h"
#include "fakes.h"
#include "hot_int.h"
#include "sched_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/thread.h>

#define SOON_MS 20000
#define NOT_YET_MS 150

static struct fetch *fetch;

struct reading {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	int r;
	struct err err;
	uint8_t name;
	uint64_t off;
	size_t len; /* 0: nothing is handed out */
	bool right;
};

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){.tv_nsec = (long)ms * 1000000}, NULL);
}

/* Waits until everything is stored, and gives the memory back. */
static void forget_memory(void)
{
	while (atomic_load(&fetch->chunks_storing))
		pause_ms(1);
	while (hot_reclaim(fetch->hot))
		;
}

static void reading_ended(void *ctx, int r, const struct span *span, const struct err *err)
{
	struct reading *p = ctx;
	AUTO_FREE uint8_t *got = calloc(1, p->len + 1), *want = calloc(1, p->len + 1);

	p->r = r == 0 && span ? span_read(span, got) : r;
	if (err)
		p->err = *err;
	fake_fill(p->name, p->off, want, p->len);
	p->right = p->r == 0 && !memcmp(got, want, p->len);
	LOCK_SCOPE(&p->lock);
	p->done = true;
	pthread_cond_signal(&p->wake);
}

static void reading_begin(struct reading *p, struct blob *b, uint8_t name, uint64_t off, size_t len)
{
	*p = (struct reading){.lock = PTHREAD_MUTEX_INITIALIZER, .name = name, .off = off, .len = len};
	cond_init(&p->wake);
	blob_read(b, off, len, reading_ended, p);
}

static void ensure_begin(struct reading *p, struct blob *b, uint64_t len)
{
	*p = (struct reading){.lock = PTHREAD_MUTEX_INITIALIZER};
	cond_init(&p->wake);
	blob_ensure(b, 0, len, reading_ended, p);
}

static bool has_ended(struct reading *p, uint64_t within_ms)
{
	LOCK_SCOPE(&p->lock);

	while (!p->done)
		if (!cond_wait_ms(&p->wake, &p->lock, within_ms))
			break;
	return p->done;
}

static void assert_right(struct blob *b, uint8_t name, uint64_t off, size_t len)
{
	static struct reading p;

	reading_begin(&p, b, name, off, len);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, 0);
	assert_true(p.right);
}

static struct object_ref ref_of(uint8_t name, uint64_t size)
{
	struct object_ref ref = {.path = "file", .size = size, .id = {.algo = BLOB_SHA256}};

	ref.id.bytes[0] = name;
	snprintf(ref.repo.name, sizeof(ref.repo.name), "org/name");
	return ref;
}

static void open_with(unsigned connections)
{
	struct fetch_config config = {.data_deadline_ms = 60000, .hub.connections_max = connections, .disk_workers = 2};
	struct err err = {0};

	assert_int_equal(fetch_open(&config, &fetch, &err), 0);
}

static int begin(void **state)
{
	(void)state;
	open_with(0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	atomic_store(&fake_hub_hold, false);
	atomic_store(&fake_hub_hold_of, -1);
	atomic_store(&fake_hold_rows, false);
	atomic_store(&fake_hub_answer, NULL);
	atomic_store(&fake_faults.no_disk, 0);
	clock_fake(UINT64_MAX, 0);
	fetch_close(fetch);
	return 0;
}

/* --- eviction --- */

/* A chunk that the disk lost is not fetched into a hole that is still to come, also when more runs were asked for since. */
static void two_runs_of_a_round(void **state)
{
	struct object_ref ref = ref_of(1, 3 * EXTENT_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	struct cache *c = fetch_cache(fetch);
	struct fake_run runs[2];
	static struct reading p;

	(void)state;
	assert_right(b, 1, 0, 100);
	assert_right(b, 1, 2 * EXTENT_SIZE, 100);
	forget_memory();
	assert_int_equal(ftruncate(fake_cache_fd(c, &ref.id), 0), 0);
	reading_begin(&p, b, 1, 0, 100);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, -EIO);
	assert_int_equal(ftruncate(fake_cache_fd(c, &ref.id), (off_t)ref.size), 0);
	assert_true(fake_cache_ask(c, &ref.id, 0, EXTENT_CHUNKS, false, &runs[0]));
	runs[0].present[0] = true; /* the keeper has not yet heard of the loss */
	assert_true(fake_cache_ask(c, &ref.id, 2 * EXTENT_CHUNKS, EXTENT_CHUNKS, false, &runs[1]));
	reading_begin(&p, b, 1, 0, 100);
	assert_false(has_ended(&p, NOT_YET_MS));
	fake_cache_punch(c, &runs[0]);
	fake_cache_punch(c, &runs[1]);
	fake_cache_tell(c, &runs[0]);
	fake_cache_tell(c, &runs[1]);
	assert_true(has_ended(&p, SOON_MS));
	assert_true(p.right);
	assert_right(b, 1, 0, 100);
	assert_right(b, 1, 2 * EXTENT_SIZE, 100);
	blob_put(b);
}

static void *ask_by_force(void *arg)
{
	struct fake_run *run = arg;

	assert_true(fake_cache_ask(fetch_cache(fetch), &run->id, run->first, run->nr, true, run));
	return NULL;
}

/* What arrives while its place is given up by force is not handed out from there. */
static void forced_while_it_arrives(void **state)
{
	struct object_ref ref = ref_of(2, 2 * EXTENT_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	struct fake_run run = {.id = ref.id, .first = 0, .nr = 1};
	static struct reading p;
	pthread_t thread;

	(void)state;
	assert_right(b, 2, EXTENT_SIZE, 100);
	atomic_store(&fake_hub_hold, true);
	reading_begin(&p, b, 2, 0, 100);
	assert_int_equal(thread_start(&thread, "force", ask_by_force, &run), 0);
	pthread_join(thread, NULL);
	atomic_store(&fake_hub_hold, false);
	assert_false(has_ended(&p, NOT_YET_MS));
	run.present[0] = true;
	fake_cache_punch(fetch_cache(fetch), &run);
	fake_cache_tell(fetch_cache(fetch), &run);
	assert_true(has_ended(&p, SOON_MS));
	assert_true(p.right);
	assert_right(b, 2, 0, 100);
	blob_put(b);
}

/* The news of an eviction that was agreed before the blob was in memory brings no request ahead of the rows. */
static void evicted_before_the_rows(void **state)
{
	struct object_ref ref = ref_of(3, 2 * EXTENT_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	struct fake_run run = {.id = ref.id, .first = EXTENT_CHUNKS, .nr = EXTENT_CHUNKS};
	static struct reading p;

	(void)state;
	assert_right(b, 3, 0, 100);
	blob_put(b);
	fetch_close(fetch);
	open_with(0);
	atomic_store(&fake_hold_rows, true);
	b = blob_get(fetch, &ref);
	reading_begin(&p, b, 3, 0, 100);
	fake_cache_tell(fetch_cache(fetch), &run);
	pause_ms(NOT_YET_MS);
	assert_int_equal(fake_hub_requests(), 0);
	fake_cache_answer_rows(fetch_cache(fetch));
	assert_true(has_ended(&p, SOON_MS));
	assert_true(p.right);
	assert_int_equal(fake_hub_requests(), 0);
	blob_put(b);
}

/* --- requests that fail --- */

static void fail_all(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out)
{
	(void)from;
	(void)off;
	(void)len;
	*out = (struct fake_answer){-EIO, true, 0};
}

static void wait_for_requests(uint64_t nr)
{
	for (unsigned i = 0; i < SOON_MS && fake_hub_requests() < nr; i++)
		pause_ms(1);
	assert_true(fake_hub_requests() >= nr);
}

/* Readers at places far from each other: as many requests at once. */
static void burst_begin(struct reading *p, unsigned nr, struct blob *b, uint8_t name)
{
	for (unsigned i = 0; i < nr; i++)
		reading_begin(&p[i], b, name, i * 30 * (uint64_t)CHUNK_SIZE, 100);
	wait_for_requests(nr);
}

static void burst_end(struct reading *p, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		assert_true(has_ended(&p[i], SOON_MS));
		assert_int_equal(p[i].r, 0);
		assert_true(p[i].right);
	}
}

/* An order does not grow while it waits. */
static void orders_use_all_connections(void **state)
{
	struct object_ref ref = ref_of(77, 300 * (uint64_t)CHUNK_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	static struct reading p;

	(void)state;
	atomic_store(&fake_hub_hold, true);
	ensure_begin(&p, b, ref.size);
	wait_for_requests(PACE_PARALLEL_MIN);
	atomic_store(&fake_hub_hold, false);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, 0);
	blob_put(b);
}

/* One fault of the Hub under many requests at once is one failed try, not as many as there were requests. */
static void burst_is_one_failure(void **state)
{
	struct object_ref ref = ref_of(4, 300 * (uint64_t)CHUNK_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	static struct reading p[8];

	(void)state;
	atomic_store(&fake_hub_answer, fail_all);
	atomic_store(&fake_hub_hold, true);
	burst_begin(p, ARRAY_SIZE(p), b, 4);
	pause_ms(NOT_YET_MS);
	atomic_store(&fake_hub_answer, NULL);
	atomic_store(&fake_hub_hold, false);
	burst_end(p, ARRAY_SIZE(p));
	blob_put(b);
}

static void trickle(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out)
{
	(void)from;
	(void)off;
	*out = (struct fake_answer){-ETIMEDOUT, true, min_u64(len, 1000)};
}

/* Bytes that lead to no chunk are no progress: the pauses between tries grow all the same. */
static void trickle_is_no_success(void **state)
{
	struct object_ref ref = ref_of(5, 10 * (uint64_t)CHUNK_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	static struct reading p;

	(void)state;
	atomic_store(&fake_hub_answer, trickle);
	reading_begin(&p, b, 5, 0, 100);
	assert_false(has_ended(&p, 3000));
	assert_true(fake_hub_requests() < 13);
	fetch_cancel(fetch);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, -ECANCELED);
	blob_put(b);
}

static void fail_chunk_5(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out)
{
	uint64_t bad = 5 * CHUNK_SIZE;

	(void)from;
	if (off <= bad && off + len > bad)
		*out = (struct fake_answer){-ETIMEDOUT, true, bad - off};
}

/* A part of a blob that cannot be had is not asked for more often because other parts arrive. */
static void others_do_not_hurry_retries(void **state)
{
	struct object_ref ref = ref_of(6, 4 * EXTENT_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	static struct reading p;
	uint64_t others = 0, end_ms = clock_mono_ms() + 3000;

	(void)state;
	atomic_store(&fake_hub_answer, fail_chunk_5);
	reading_begin(&p, b, 6, 5 * CHUNK_SIZE, 100);
	for (uint64_t idx = 8; idx < ref.size / CHUNK_SIZE && clock_mono_ms() < end_ms; idx += 2, others++) {
		assert_right(b, 6, idx * CHUNK_SIZE, 100);
		pause_ms(20);
	}
	assert_false(has_ended(&p, 1));
	assert_true(fake_hub_requests() < others + 13);
	fetch_cancel(fetch);
	assert_true(has_ended(&p, SOON_MS));
	blob_put(b);
}

static void refuse_gone(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out)
{
	(void)off;
	(void)len;
	if (!strcmp(from->path, "gone"))
		*out = (struct fake_answer){-ESTALE, false, 0};
}

/* Many requests that fail on one path of a blob: the other path is asked before anybody hears of it. */
static void other_source_after_a_burst(void **state)
{
	struct object_ref ref = ref_of(7, 300 * (uint64_t)CHUNK_SIZE), gone = ref;
	struct blob *b = blob_get(fetch, &ref), *same;
	static struct reading p[8];

	(void)state;
	gone.path = "gone";
	same = blob_get(fetch, &gone);
	assert_ptr_equal(b, same);
	atomic_store(&fake_hub_answer, refuse_gone);
	atomic_store(&fake_hub_hold, true);
	burst_begin(p, ARRAY_SIZE(p), b, 7);
	atomic_store(&fake_hub_hold, false);
	burst_end(p, ARRAY_SIZE(p));
	blob_put(b);
	blob_put(same);
}

/* --- waits --- */

/* Bringing a large file takes as long as it takes. */
static void ensure_outlasts_the_cap(void **state)
{
	struct object_ref ref = ref_of(8, 100 * (uint64_t)CHUNK_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	static struct reading p;
	uint64_t now = clock_mono_ms();

	(void)state;
	clock_fake(now, 0);
	atomic_store(&fake_hub_hold, true);
	ensure_begin(&p, b, ref.size);
	wait_for_requests(1);
	clock_fake(now + 3600000, 0);
	assert_false(has_ended(&p, NOT_YET_MS));
	atomic_store(&fake_hub_hold, false);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, 0);
	blob_put(b);
}

/* A disk that keeps nothing cannot make a large file present: that is said, not tried for ever. */
static void ensure_without_room_ends(void **state)
{
	struct object_ref ref = ref_of(1, 3 * EXTENT_SIZE);
	struct blob *b;
	static struct reading p;

	(void)state;
	ref.id.bytes[1] = 1;
	atomic_store(&fake_faults.no_disk, 1000); /* before the data file can be opened */
	b = blob_get(fetch, &ref);
	ensure_begin(&p, b, ref.size);
	assert_true(has_ended(&p, SOON_MS));
	assert_int_equal(p.r, -EIO);
	blob_put(b);
}

/* --- a disk that is slower than the network --- */

/* Reads and stores a chunk while so many others wait for the disk. */
static void store_behind(struct blob *b, uint8_t name, uint64_t idx, unsigned others)
{
	atomic_fetch_add(&fetch->chunks_storing, others);
	assert_right(b, name, idx * CHUNK_SIZE, CHUNK_SIZE);
	while (atomic_load(&fetch->chunks_storing) > others)
		pause_ms(1);
	atomic_fetch_sub(&fetch->chunks_storing, others);
}

/* Many that wait for a quick disk wait for a processor, and page cache is not what helps; a slow one's chunks go there, and come back from there. */
static void a_slow_disk_gets_the_page_cache(void **state)
{
	struct object_ref ref = ref_of(30, 200 * (uint64_t)CHUNK_SIZE);
	struct blob *b = blob_get(fetch, &ref);
	uint64_t behind;

	(void)state;
	atomic_store(&fetch->direct_us, 100);
	store_behind(b, 30, 0, 1000);
	assert_true(!atomic_load(&b->data->is_paged) || atomic_load(&fetch->direct_us) > 1000); /* or this disk just stood still */
	behind = atomic_load(&fetch->behind_until_ms);
	atomic_store(&fetch->direct_us, 5000);
	store_behind(b, 30, 70, 0);
	assert_int_equal(atomic_load(&fetch->behind_until_ms), behind); /* few wait */
	atomic_store(&fetch->direct_us, 5000);
	store_behind(b, 30, 140, 1000);
	assert_true(atomic_load(&b->data->is_paged));
	forget_memory();
	assert_right(b, 30, 0, CHUNK_SIZE);
	assert_right(b, 30, 140 * (uint64_t)CHUNK_SIZE, CHUNK_SIZE);
	blob_put(b);
}

/* --- chunks that wait for the disk together --- */

/* Calls of this process that write. 0: the system does not count. */
static uint64_t count_writes(void)
{
	AUTO_BUF text = {0};
	const char *found;

	if (io_read_file("/proc/self/io", 4096, &text) < 0)
		return 0;
	found = strstr(text.data, "syscw: ");
	return found ? strtoull(found + strlen("syscw: "), NULL, 10) : 0;
}

/* They are written with one call, up to four, and each is as if it had been alone. */
static void neighbours_are_written_together(void **state)
{
	struct object_ref ref = ref_of(31, 13 * (uint64_t)CHUNK_SIZE - 5);
	struct blob *b = blob_get(fetch, &ref);
	unsigned places[2];
	uint64_t writes;

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_true(disk_enter(fetch->disk, DISK_WRITE, &places[i]));
	assert_right(b, 31, 0, 4 * CHUNK_SIZE);
	assert_right(b, 31, 9 * CHUNK_SIZE, 4 * CHUNK_SIZE - 5);
	assert_right(b, 31, 4 * CHUNK_SIZE, 4 * CHUNK_SIZE);
	assert_right(b, 31, 8 * CHUNK_SIZE, CHUNK_SIZE);
	writes = count_writes();
	for (unsigned i = 0; i < 2; i++)
		disk_leave(fetch->disk, places[i]);
	forget_memory();
	assert_in_range(count_writes() - writes, writes ? 4 : 0, 6);
	for (uint64_t i = 0; i < b->nr; i++)
		assert_int_equal(b->state[i], CHUNK_PRESENT);
	assert_right(b, 31, 0, 8 * CHUNK_SIZE);
	assert_right(b, 31, 8 * CHUNK_SIZE, 5 * CHUNK_SIZE - 5);
	blob_put(b);
}

/* --- what is asked for ahead of readers --- */

static struct {
	atomic_uint nr;
	atomic_ullong chunks[16];
} asked;

static void note_request(const struct object_ref *from, uint64_t off, uint64_t len, struct fake_answer *out)
{
	(void)from;
	(void)len;
	(void)out;
	asked.chunks[atomic_fetch_add(&asked.nr, 1) % ARRAY_SIZE(asked.chunks)] = off / CHUNK_SIZE;
}

static void want_probe(struct blob *b, uint64_t idx, uint64_t ahead)
{
	struct aftermath a = {.ahead = WANT_PROBE, .ahead_bytes = ahead};

	pthread_mutex_lock(&b->lock);
	blob_want_locked(b, idx, idx, false, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
}

/* One of two connections is for readers; what waits for the other one is asked for by its nearness. */
static void the_nearest_is_asked_for_first(void **state)
{
	static const uint64_t nearest[] = {80, 40, 60, 20};
	struct object_ref ref = ref_of(9, 100 * (uint64_t)CHUNK_SIZE);
	static struct reading p;
	struct blob *b;

	(void)state;
	fetch_close(fetch);
	open_with(2);
	atomic_store(&asked.nr, 0);
	atomic_store(&fake_hub_answer, note_request);
	b = blob_get(fetch, &ref);
	assert_right(b, 9, 0, 100);
	atomic_store(&fake_hub_hold, true);
	reading_begin(&p, b, 9, 10 * (uint64_t)CHUNK_SIZE, 100);
	wait_for_requests(2);
	want_probe(b, 20, 50 << 20);
	want_probe(b, 40, 10 << 20);
	want_probe(b, 60, 20 << 20);
	want_probe(b, 80, 0);
	assert_int_equal(fake_hub_requests(), 2);
	atomic_store(&fake_hub_hold, false);
	wait_for_requests(6);
	assert_true(has_ended(&p, SOON_MS));
	for (unsigned i = 0; i < ARRAY_SIZE(nearest); i++)
		assert_int_equal(asked.chunks[2 + i], nearest[i]);
	blob_put(b);
}

static void want_ahead(struct blob *b, uint64_t idx)
{
	struct aftermath a = {.ahead = WANT_STREAM, .ahead_bytes = idx * CHUNK_SIZE};

	pthread_mutex_lock(&b->lock);
	blob_want_locked(b, idx, idx, false, &a);
	pthread_mutex_unlock(&b->lock);
	blob_settle(b, &a);
}

/* Readers keep all connections, and bring themselves what was queued for them: the queue does not stay full for that. */
static void used_wants_do_not_end_prefetch(void **state)
{
	enum { QUEUED = 850 }; /* more than may be queued */
	struct object_ref held_ref = ref_of(11, 10 * (uint64_t)CHUNK_SIZE), ref = ref_of(12, 1000 * (uint64_t)CHUNK_SIZE);
	static struct reading p;
	struct blob *held, *b;

	(void)state;
	fetch_close(fetch);
	open_with(2);
	atomic_store(&fake_hub_hold_of, 11);
	held = blob_get(fetch, &held_ref);
	reading_begin(&p, held, 11, 0, 100);
	wait_for_requests(1);
	b = blob_get(fetch, &ref);
	assert_right(b, 12, 0, 100);
	for (uint64_t i = 1; i < QUEUED; i++)
		want_ahead(b, i);
	assert_int_equal(sched_note_read(fetch->sched, 0).ahead, 0);
	for (uint64_t i = 1; i < QUEUED; i++)
		assert_right(b, 12, i * CHUNK_SIZE, 100);
	pause_ms(30);
	assert_true(sched_note_read(fetch->sched, 0).ahead > 0);
	atomic_store(&fake_hub_hold_of, -1);
	assert_true(has_ended(&p, SOON_MS));
	blob_put(held);
	blob_put(b);
}

/* A sweep of a large file leaves readers their windows, and its chunks to whoever wants them sooner. */
static void a_sweep_is_in_nobodys_way(void **state)
{
	struct object_ref ref = ref_of(10, 2000 * (uint64_t)CHUNK_SIZE);
	static struct reading p;
	struct blob *b;

	(void)state;
	fetch_close(fetch);
	open_with(2);
	b = blob_get(fetch, &ref);
	assert_right(b, 10, 0, 100);
	b->prefetch.sweeping = true;
	atomic_store(&fake_hub_hold, true);
	reading_begin(&p, b, 10, 10 * (uint64_t)CHUNK_SIZE, 100);
	wait_for_requests(2);
	sched_want_ahead(fetch->sched, b, 0, b->nr - 1, WANT_SWEEP, 0);
	assert_true(sched_note_read(fetch->sched, 0).ahead > 0);
	atomic_store(&asked.nr, 0);
	atomic_store(&fake_hub_answer, note_request);
	want_probe(b, 1500, 0);
	atomic_store(&fake_hub_hold, false);
	assert_true(has_ended(&p, SOON_MS));
	wait_for_requests(4);
	assert_int_equal(asked.chunks[0], 1500);
	assert_int_equal(asked.chunks[1], 1);
	blob_put(b);
}

enum { BLOCK = 4 }; /* chunks */

/* As the kernel reads a block of 1 MiB for a program: in windows, and one beyond. */
static void read_block(struct blob *b, uint8_t name, uint64_t first, size_t window, bool beyond)
{
	uint64_t off = first * CHUNK_SIZE, end = off + BLOCK * CHUNK_SIZE;

	for (; off < end + (beyond ? window : 0); off += window)
		assert_right(b, name, off, window);
}

/* A blob with one connection, of which a block was read every second, and this one up to its end. */
static struct blob *read_in_blocks(uint8_t name, uint64_t last, size_t window, uint64_t *now)
{
	static const uint64_t blocks[] = {40, 120, 80, 200, 160, 240};
	struct object_ref ref = ref_of(name, 1001 * (uint64_t)CHUNK_SIZE);
	struct blob *b;

	fetch_close(fetch);
	open_with(1);
	b = blob_get(fetch, &ref);
	*now = clock_mono_ms();
	for (unsigned i = 0; i < ARRAY_SIZE(blocks); i++) {
		clock_fake(*now += 1000, 0);
		read_block(b, name, blocks[i], window, true);
	}
	clock_fake(*now += 1000, 0);
	read_block(b, name, last, window, false);
	return b;
}

struct overrun {
	struct reading before, itself, behind, after;
};

static bool is_idle(struct sched *s)
{
	LOCK_SCOPE(&s->lock);
	return s->running == 0;
}

/* The connection is held, and then so many bytes behind the block, of chunk idx, are asked for. */
static void ask_behind(struct overrun *o, struct blob *b, uint8_t name, uint64_t idx, size_t len)
{
	uint64_t requests;

	while (!is_idle(fetch->sched))
		pause_ms(1);
	requests = fake_hub_requests();
	atomic_store(&fake_hub_hold, true);
	reading_begin(&o->before, b, name, 600 * (uint64_t)CHUNK_SIZE, CHUNK_SIZE);
	wait_for_requests(requests + 1);
	memset(&asked, 0, sizeof(asked));
	atomic_store(&fake_hub_answer, note_request);
	reading_begin(&o->itself, b, name, idx * CHUNK_SIZE, len);
}

static void overrun_begin(struct overrun *o, struct blob *b, uint8_t name, uint64_t idx, size_t len)
{
	ask_behind(o, b, name, idx, len);
	assert_false(has_ended(&o->itself, 0));
}

/* Another reader comes, the connection is free: is the window fetched first? */
static bool overrun_came_first(struct overrun *o, struct blob *b, uint8_t name, uint64_t idx)
{
	reading_begin(&o->after, b, name, 700 * (uint64_t)CHUNK_SIZE, CHUNK_SIZE);
	atomic_store(&fake_hub_hold, false);
	assert_true(has_ended(&o->before, SOON_MS) && has_ended(&o->itself, SOON_MS) && has_ended(&o->after, SOON_MS));
	assert_true(o->itself.right && o->after.right);
	for (unsigned i = 0; i < ARRAY_SIZE(asked.chunks); i++)
		if (asked.chunks[i] == idx || asked.chunks[i] == 700)
			return asked.chunks[i] == idx;
	fail_msg("neither was asked for");
	return false;
}

/* What the kernel reads behind the end of blocks nobody waits for: readers come first. */
static void readahead_over_an_end_waits(void **state)
{
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(13, 400, CHUNK_SIZE, &now);

	(void)state;
	overrun_begin(&o, b, 13, 404, CHUNK_SIZE);
	assert_false(overrun_came_first(&o, b, 13, 404));
	blob_put(b);
}

/* Unless its first page is touched, when the kernel asks for more. */
static void readahead_that_is_read_on_is_urgent(void **state)
{
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(14, 400, CHUNK_SIZE, &now);

	(void)state;
	overrun_begin(&o, b, 14, 404, CHUNK_SIZE);
	reading_begin(&o.behind, b, 14, 405 * (uint64_t)CHUNK_SIZE, CHUNK_SIZE);
	assert_true(overrun_came_first(&o, b, 14, 404));
	assert_true(has_ended(&o.behind, SOON_MS));
	blob_put(b);
}

/* Or it has waited for long: somebody may touch a page in its middle. */
static void readahead_does_not_wait_for_ever(void **state)
{
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(15, 400, CHUNK_SIZE, &now);

	(void)state;
	overrun_begin(&o, b, 15, 404, CHUNK_SIZE);
	clock_fake(now + 1000, 0);
	pause_ms(100); /* for ticks, which the Hub's thread makes */
	assert_true(overrun_came_first(&o, b, 15, 404));
	blob_put(b);
}

/* Or it is shorter than what came before: a program asked for it that wants no readahead. */
static void a_short_read_behind_a_block_is_urgent(void **state)
{
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(17, 400, CHUNK_SIZE, &now);

	(void)state;
	overrun_begin(&o, b, 17, 404, 64 << 10);
	assert_true(overrun_came_first(&o, b, 17, 404));
	blob_put(b);
}

/* Or it ends the file: the kernel has nothing to ask for when it is touched. */
static void readahead_of_the_end_is_urgent(void **state)
{
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(16, 996, CHUNK_SIZE, &now);

	(void)state;
	overrun_begin(&o, b, 16, 1000, CHUNK_SIZE);
	assert_true(overrun_came_first(&o, b, 16, 1000));
	blob_put(b);
}

/* Who reads page by page gets no readahead: a page behind each block is read by the program, and foreseen. */
static void a_page_behind_blocks_is_foreseen(void **state)
{
	enum { PAGE = 4096 };
	static struct overrun o;
	uint64_t now;
	struct blob *b = read_in_blocks(18, 400, PAGE, &now);

	(void)state;
	ask_behind(&o, b, 18, 404, PAGE);
	assert_true(has_ended(&o.itself, SOON_MS)); /* the Hub answers nobody meanwhile */
	atomic_store(&fake_hub_hold, false);
	assert_true(has_ended(&o.before, SOON_MS));
	blob_put(b);
}

/* Few connections leave something for background wants. */
static void few_connections(void **state)
{
	struct object_ref ref = ref_of(2, 20 * (uint64_t)CHUNK_SIZE);
	static struct reading p;
	struct blob *b;

	(void)state;
	ref.id.bytes[1] = 1;
	for (unsigned nr = 1; nr < 6; nr++) {
		fetch_close(fetch);
		open_with(nr);
		ref.id.bytes[1]++;
		b = blob_get(fetch, &ref);
		ensure_begin(&p, b, ref.size);
		assert_true(has_ended(&p, 3000));
		assert_int_equal(p.r, 0);
		blob_put(b);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(two_runs_of_a_round, begin, end),
		cmocka_unit_test_setup_teardown(forced_while_it_arrives, begin, end),
		cmocka_unit_test_setup_teardown(evicted_before_the_rows, begin, end),
		cmocka_unit_test_setup_teardown(orders_use_all_connections, begin, end),
		cmocka_unit_test_setup_teardown(burst_is_one_failure, begin, end),
		cmocka_unit_test_setup_teardown(trickle_is_no_success, begin, end),
		cmocka_unit_test_setup_teardown(others_do_not_hurry_retries, begin, end),
		cmocka_unit_test_setup_teardown(other_source_after_a_burst, begin, end),
		cmocka_unit_test_setup_teardown(ensure_outlasts_the_cap, begin, end),
		cmocka_unit_test_setup_teardown(ensure_without_room_ends, begin, end),
		cmocka_unit_test_setup_teardown(a_slow_disk_gets_the_page_cache, begin, end),
		cmocka_unit_test_setup_teardown(neighbours_are_written_together, begin, end),
		cmocka_unit_test_setup_teardown(the_nearest_is_asked_for_first, begin, end),
		cmocka_unit_test_setup_teardown(used_wants_do_not_end_prefetch, begin, end),
		cmocka_unit_test_setup_teardown(a_sweep_is_in_nobodys_way, begin, end),
		cmocka_unit_test_setup_teardown(readahead_over_an_end_waits, begin, end),
		cmocka_unit_test_setup_teardown(readahead_that_is_read_on_is_urgent, begin, end),
		cmocka_unit_test_setup_teardown(readahead_does_not_wait_for_ever, begin, end),
		cmocka_unit_test_setup_teardown(a_short_read_behind_a_block_is_urgent, begin, end),
		cmocka_unit_test_setup_teardown(readahead_of_the_end_is_urgent, begin, end),
		cmocka_unit_test_setup_teardown(a_page_behind_blocks_is_foreseen, begin, end),
		cmocka_unit_test_setup_teardown(few_connections, begin, end),
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

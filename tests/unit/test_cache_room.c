// SPDX-License-Identifier: Apache-2.0
/* Eviction, and what a scrub finds: limits, order, refusals, bytes given back to the disk. */
#include "test_cache.h"

#include <sys/mount.h>

#include <hffs/clock.h>

#define MIB ((uint64_t)1 << 20)

static uint64_t disk_bytes(const struct box *b, const struct blob_id *id)
{
	char path[256];
	struct stat st;

	data_path(b, id, path, sizeof(path));
	return stat(path, &st) == 0 ? (uint64_t)st.st_blocks * 512 : UINT64_MAX;
}

static uint64_t cached_bytes(struct box *b)
{
	struct cache_stats s;

	cache_stats(b->cache, &s);
	return s.bytes_cached;
}

/* Eviction runs after the commit that flush waits for: one more flush waits for it too. */
static void flush_twice(struct box *b)
{
	cache_flush(b->cache);
	cache_flush(b->cache);
}

static void the_least_recently_used_goes_first(void **state)
{
	struct box *b = *state;
	struct made m[3];
	int64_t now = clock_wall_s();

	b->size_max = 40 * MIB;
	open_box(b);
	for (int i = 0; i < 3; i++) {
		clock_fake(1000, now - 100 + 30 * i);
		m[i] = make_blob(20 + (uint64_t)i, 16 * MIB);
		store_blob(b, &m[i]);
		flush_twice(b);
		if (i == 1) {
			clock_fake(1000, now - 50);
			cache_touch(b->cache, &m[0].id, 0);
			flush_twice(b);
		}
	}
	clock_fake(UINT64_MAX, 0);
	assert_int_equal(nr_present(b, &m[0].id, m[0].size), 64);
	assert_int_equal(nr_present(b, &m[1].id, m[1].size), 0);
	assert_int_equal(nr_present(b, &m[2].id, m[2].size), 64);
	assert_int_equal(disk_bytes(b, &m[1].id), UINT64_MAX);
	assert_int_equal(cached_bytes(b), 32 * MIB);
	assert_true(count_of(b, &b->watch.evicted) >= 1);
	for (int i = 0; i < 3; i++)
		free(m[i].bytes);
}

struct pins {
	char keys[256]; /* "key=cached/size key=..." */
};

static void note_pin(void *ctx, const struct cache_pin *pin)
{
	struct pins *p = ctx;
	size_t len = strlen(p->keys);

	assert_int_equal(pin->len, 3);
	assert_memory_equal(pin->bytes, "doc", 3);
	snprintf(p->keys + len, sizeof(p->keys) - len, "%s%s=%llu/%llu", len ? " " : "", pin->key,
		 (unsigned long long)(pin->cached / MIB), (unsigned long long)(pin->size / MIB));
}

static void assert_pins(struct box *b, const char *wanted, uint64_t pinned)
{
	struct pins p = {0};
	struct cache_stats s;

	assert_int_equal(cache_list_pins(b->cache, note_pin, &p), 0);
	assert_string_equal(p.keys, wanted);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_pinned / MIB, pinned);
}

/* Eviction that found nothing to give up rests for a moment. */
static bool goes(struct box *b, const struct made *m)
{
	for (int i = 0; i < 500 && nr_present(b, &m->id, m->size); i++) {
		usleep(10000);
		flush_twice(b);
	}
	return nr_present(b, &m->id, m->size) == 0;
}

/* The oldest, whole and in part, sealed or not, known before or not: what is pinned stays, and what is not goes in its place. */
static void what_is_pinned_stays(void **state)
{
	struct box *b = *state;
	struct made m[3];
	struct cache_pin_blob blobs[2];
	int64_t now = clock_wall_s();

	b->size_max = 40 * MIB;
	open_box(b);
	for (int i = 0; i < 3; i++)
		m[i] = make_blob(70 + (uint64_t)i, 16 * MIB);
	blobs[0] = (struct cache_pin_blob){m[0].id, m[0].size};
	blobs[1] = (struct cache_pin_blob){m[2].id, m[2].size};
	assert_int_equal(cache_put_pin(b->cache, "a", "doc", 3, blobs, 1), 0);
	for (int i = 0; i < 3; i++) {
		clock_fake(1000, now - 100 + 30 * i);
		store_blob(b, &m[i]);
		flush_twice(b);
	}
	clock_fake(UINT64_MAX, 0);
	assert_int_equal(nr_present(b, &m[0].id, m[0].size), 64);
	assert_int_equal(nr_present(b, &m[1].id, m[1].size), 0);
	assert_int_equal(nr_present(b, &m[2].id, m[2].size), 64);
	assert_pins(b, "a=16/16", 16);

	/* After a start, with a limit that is below what is pinned: nothing pinned goes, all else does. */
	assert_int_equal(cache_put_pin(b->cache, "b", "doc", 3, blobs, 2), 0);
	assert_pins(b, "a=16/16 b=32/32", 32);
	b->size_max = 8 * MIB;
	reopen(b);
	assert_pins(b, "a=16/16 b=32/32", 32);
	store_blob(b, &m[1]);
	assert_true(goes(b, &m[1]));
	assert_int_equal(nr_present(b, &m[0].id, m[0].size), 64);
	assert_int_equal(nr_present(b, &m[2].id, m[2].size), 64);

	/* A blob stays as long as one pin has it. */
	assert_int_equal(cache_drop_pins(b->cache, "b", true), 1);
	assert_true(goes(b, &m[2]));
	assert_int_equal(nr_present(b, &m[0].id, m[0].size), 64);
	for (int i = 0; i < 3; i++)
		free(m[i].bytes);
}

static void pins_go_by_key_and_by_its_beginning(void **state)
{
	struct box *b = *state;
	struct cache_pin_blob blobs[2] = {{fake_id(1), MIB}, {fake_id(1), MIB}};
	static const char *const keys[] = {"r\n", "r\na\n", "r\nab\n", "s\n"};

	open_box(b);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		assert_int_equal(cache_put_pin(b->cache, keys[i], "doc", 3, blobs, 2), 0);
	assert_pins(b, "r\n=0/1 r\na\n=0/1 r\nab\n=0/1 s\n=0/1", 1);
	assert_int_equal(cache_drop_pins(b->cache, "r\na", true), 0);
	assert_int_equal(cache_drop_pins(b->cache, "r\na\n", false), 1);
	assert_int_equal(cache_drop_pins(b->cache, "r\n", true), 1);
	assert_int_equal(cache_drop_pins(b->cache, "r\n", false), 1);
	assert_int_equal(cache_drop_pins(b->cache, "%", false), 0);
	assert_pins(b, "s\n=0/1", 1);
	assert_int_equal(cache_put_pin(b->cache, "", "doc", 3, blobs, 2), -ENAMETOOLONG);
	assert_int_equal(cache_put_pin(b->cache, "s\n", "doc", 3, blobs, 0), 0); /* replaces */
	assert_pins(b, "s\n=0/0", 0);
}

static void part_of_a_blob_leaves_a_hole(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(23, 48 * MIB);
	struct cache_rows *rows;
	uint64_t before;

	b->size_max = 40 * MIB;
	open_box(b);
	store_blob(b, &m);
	flush_twice(b);
	assert_true(cached_bytes(b) > 16 * MIB && cached_bytes(b) <= b->size_max);
	assert_int_equal(nr_present(b, &m.id, m.size) * CHUNK_SIZE, cached_bytes(b));
	assert_true(disk_bytes(b, &m.id) <= cached_bytes(b) + MIB);
	before = cached_bytes(b);
	rows = rows_of(b, &m.id, m.size);
	assert_false(rows->sealed);
	free(rows);
	reopen(b);
	assert_int_equal(cached_bytes(b), before);
	assert_int_equal(nr_present(b, &m.id, m.size) * CHUNK_SIZE, before);
	free(m.bytes);
}

static void what_is_refused_stays(void **state)
{
	struct box *b = *state;
	struct made pinned = make_blob(24, 16 * MIB), other = make_blob(25, 32 * MIB);

	b->size_max = 40 * MIB;
	b->watch.refused = pinned.id;
	open_box(b);
	store_blob(b, &pinned);
	cache_flush(b->cache);
	store_blob(b, &other);
	flush_twice(b);
	assert_int_equal(nr_present(b, &pinned.id, pinned.size), 64);
	assert_true(cached_bytes(b) > 16 * MIB && cached_bytes(b) <= b->size_max);
	free(pinned.bytes);
	free(other.bytes);
}

static void a_cache_of_refusals_only_grows(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(26, 32 * MIB);

	b->size_max = 10 * MIB;
	b->watch.refuse = true;
	open_box(b);
	store_blob(b, &m);
	flush_twice(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 128);
	assert_true(count_of(b, &b->watch.evict_asked) > 0);
	assert_int_equal(count_of(b, &b->watch.evicted), 0);
	free(m.bytes);
}

static void space_is_made_when_the_disk_refuses(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(27, 80 * MIB);

	open_box(b);
	store_blob(b, &m);
	cache_flush(b->cache);
	cache_need_space(b->cache);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_true(cached_bytes(b) <= 16 * MIB);
	free(m.bytes);
}

static void keeps_the_disk_free(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(28, 8 * MIB);

	b->keep_free = (uint64_t)1 << 60;
	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(cached_bytes(b), 0);
	free(m.bytes);
}

static void an_evicted_blob_can_come_back(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(29, 4 * MIB + 5);

	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	cache_need_space(b->cache);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 2));
	assert_true(is_sealed(b, &m));
	free(m.bytes);
}

/* Part of it is the oldest there is: all of it goes, and whoever has the file open or mapped keeps every byte. */
static void a_sealed_blob_goes_as_a_whole(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(35, 34 * MIB), other = make_blob(36, 10 * MIB);
	AUTO_FREE uint8_t *got = malloc(m.size);
	struct stat st;
	int fd;

	b->size_max = 40 * MIB;
	open_box(b);
	clock_fake(1000, clock_wall_s() - 50);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	clock_fake(UINT64_MAX, 0);
	fd = cache_open_data(b->cache, &m.id, m.size, false);
	store_blob(b, &other);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	assert_int_equal(cached_bytes(b), 10 * MIB);
	assert_int_equal(disk_bytes(b, &m.id), UINT64_MAX);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_nlink, 0);
	assert_int_equal(io_pread(fd, got, m.size, 0), 0);
	assert_memory_equal(got, m.bytes, m.size);
	close(fd);
	close_box(b);
	open_box(b); /* no row was left without its blob: this end was clean */
	assert_true(is_sealed(b, &other) || wait_for(b, &b->watch.sealed, 2));
	free(m.bytes);
	free(other.bytes);
}

/* Its space would not come back: younger ones go instead; only where all is held, what is held goes for the limit's sake. */
static void what_is_held_goes_last(void **state)
{
	struct box *b = *state;
	struct made held = make_blob(37, 20 * MIB), other = make_blob(38, 18 * MIB), third = make_blob(39, 10 * MIB);

	b->size_max = 40 * MIB;
	open_box(b);
	store_blob(b, &held);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	b->watch.held = held.id;
	store_blob(b, &other);
	assert_true(wait_for(b, &b->watch.sealed, 2));
	store_blob(b, &third);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(nr_present(b, &other.id, other.size), 0);
	assert_int_equal(nr_present(b, &held.id, held.size), 80);
	close_box(b);
	b->size_max = 4 * MIB;
	open_box(b);
	cache_touch(b->cache, &third.id, 0);
	assert_true(wait_for(b, &b->watch.evicted, 3));
	flush_twice(b);
	assert_int_equal(nr_present(b, &held.id, held.size), 0);
	free(held.bytes);
	free(other.bytes);
	free(third.bytes);
}

/* keep_free asks for more than there is; but what is held will be free, and giving up more would not bring it sooner. */
static void held_bytes_count_as_free(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(40, 8 * MIB);
	struct cache_stats s;

	open_box(b);
	store_blob(b, &m);
	flush_twice(b);
	cache_stats(b->cache, &s);
	close_box(b);
	b->keep_free = s.disk_free + ((uint64_t)1 << 40);
	open_box(b);
	cache_note_held(b->cache, (int64_t)1 << 41);
	cache_touch(b->cache, &m.id, 0);
	flush_twice(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 32);
	cache_note_held(b->cache, -((int64_t)1 << 41));
	cache_touch(b->cache, &m.id, 0);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	free(m.bytes);
}

/* One extent of it was used last of all: then none of it is old. */
static void a_sealed_blob_is_as_old_as_its_last_use(void **state)
{
	struct box *b = *state;
	struct made used = make_blob(44, 17 * MIB), other = make_blob(45, 17 * MIB), last = make_blob(46, 8 * MIB);
	int64_t now = clock_wall_s();

	b->size_max = 40 * MIB;
	open_box(b);
	clock_fake(1000, now - 100);
	store_blob(b, &used);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	clock_fake(1000, now - 70);
	store_blob(b, &other);
	assert_true(wait_for(b, &b->watch.sealed, 2));
	clock_fake(1000, now - 40);
	cache_touch(b->cache, &used.id, 1);
	flush_twice(b);
	clock_fake(UINT64_MAX, 0);
	store_blob(b, &last);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(nr_present(b, &used.id, used.size), 68);
	assert_int_equal(nr_present(b, &other.id, other.size), 0);
	free(used.bytes);
	free(other.bytes);
	free(last.bytes);
}

static void a_whole_blob_is_touched_at_once(void **state)
{
	struct box *b = *state;
	struct made old = make_blob(41, 17 * MIB), young = make_blob(42, 17 * MIB), last = make_blob(43, 8 * MIB);
	int64_t now = clock_wall_s();

	b->size_max = 40 * MIB;
	open_box(b);
	clock_fake(1000, now - 100);
	store_blob(b, &old);
	flush_twice(b);
	clock_fake(1000, now - 70);
	store_blob(b, &young);
	flush_twice(b);
	clock_fake(1000, now - 40);
	cache_touch_all(b->cache, &old.id);
	flush_twice(b);
	clock_fake(UINT64_MAX, 0);
	store_blob(b, &last);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	assert_int_equal(nr_present(b, &old.id, old.size), 68);
	assert_true(nr_present(b, &young.id, young.size) < 68);
	free(old.bytes);
	free(young.bytes);
	free(last.bytes);
}

/* A real full disk: a small tmpfs, where we may mount one. */
static bool mount_small(const struct box *b)
{
	return mount("tmpfs", b->dir, "tmpfs", MS_NOSUID | MS_NODEV, "size=12m,mode=0700") == 0;
}

/* False: the disk is full; then room is asked for, and made before this returns. */
static bool store_or_ask(struct box *b, const struct made *m, uint64_t idx)
{
	uint64_t off = idx * CHUNK_SIZE;
	struct chunk_digest d = cache_chunk_digest(&m->id, idx, m->bytes + off, CHUNK_SIZE);
	int fd = cache_open_data(b->cache, &m->id, m->size, true), r;

	assert_true(fd >= 0);
	r = io_pwrite(fd, m->bytes + off, CHUNK_SIZE, off);
	close(fd);
	if (r == 0) {
		cache_put_chunk(b->cache, &m->id, m->size, idx, &d);
		return true;
	}
	assert_int_equal(r, -ENOSPC);
	cache_need_space(b->cache);
	flush_twice(b);
	return false;
}

static void a_full_disk_takes_new_chunks_again(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(35, 40 * MIB);
	unsigned refused = 0;
	struct cache_stats s;

	if (!mount_small(b))
		skip();
	open_box(b);
	for (uint64_t i = 0; i < nr_chunks(m.size); i++)
		if (!store_or_ask(b, &m, i)) {
			refused++;
			assert_true(store_or_ask(b, &m, i));
		}
	cache_stats(b->cache, &s);
	assert_true(refused > 0);
	assert_true(s.evicted_bytes > 0);
	cache_need_space(b->cache);
	flush_twice(b);
	assert_true(store_or_ask(b, &m, 0));
	cache_flush(b->cache);
	reopen(b);
	assert_true(nr_present(b, &m.id, m.size) > 0);
	close_box(b);
	umount(b->dir);
	free(m.bytes);
}

static void opens_on_a_full_disk(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(36, MIB);
	char path[128];
	int fd;

	if (!mount_small(b))
		skip();
	open_box(b);
	store_blob(b, &m);
	close_box(b);
	snprintf(path, sizeof(path), "%s/ballast", b->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, m.bytes, 4096) > 0)
		;
	close(fd);
	open_box(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 4);
	close_box(b);
	umount(b->dir);
	free(m.bytes);
}

/* Nothing can be written before room was made, not even that it was made. */
static void what_a_full_disk_gave_up_is_not_counted(void **state)
{
	struct box *b = *state;
	struct made m = make_blob(37, 8 * MIB);
	struct cache_stats s;
	char path[128];
	int fd;

	if (!mount_small(b))
		skip();
	open_box(b);
	store_blob(b, &m);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	close_box(b);
	snprintf(path, sizeof(path), "%s/ballast", b->dir);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	while (write(fd, m.bytes, 4096) > 0)
		;
	close(fd);
	open_box(b);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_cached, m.size);
	cache_need_space(b->cache);
	assert_true(wait_for(b, &b->watch.evicted, 1));
	flush_twice(b);
	cache_stats(b->cache, &s);
	assert_int_equal(s.bytes_cached, 0);
	assert_int_equal(s.blobs, 0);
	assert_int_equal(s.blobs_sealed, 0);
	reopen(b);
	assert_int_equal(nr_present(b, &m.id, m.size), 0);
	close_box(b);
	umount(b->dir);
	free(m.bytes);
}

static void make_read_only(struct box *b, bool read_only)
{
	assert_int_equal(mount("tmpfs", b->dir, "tmpfs", MS_REMOUNT | (read_only ? MS_RDONLY : 0), "size=12m,mode=0700"), 0);
}

static void an_empty_read_only_directory_is_refused(void **state)
{
	struct box *b = *state;
	struct err err = {0};

	if (!mount_small(b))
		skip();
	make_read_only(b, true);
	assert_int_equal(try_open(b, &err), -EROFS);
	assert_non_null(strstr(err.text, "read-only"));
	umount(b->dir);
}

static int read_first(struct box *b, const struct made *m, uint8_t *out)
{
	AUTO_FD int fd = cache_open_data(b->cache, &m->id, m->size, false);

	return fd < 0 ? fd : io_pread(fd, out, CHUNK_SIZE, 0);
}

/* What is there is used, though it was not proven and nothing of the sort can be done; what is new finds no place. */
static void a_read_only_directory_is_used_as_it_is(void **state)
{
	struct box *b = *state;
	struct made whole = make_blob(47, MIB), part = make_blob(48, 2 * MIB), other = make_blob(49, MIB);
	uint8_t *bytes = malloc(CHUNK_SIZE);
	struct cache_stats s;

	if (!mount_small(b))
		skip();
	open_box(b);
	store_blob(b, &whole);
	assert_true(wait_for(b, &b->watch.sealed, 1));
	assert_true(store_or_ask(b, &part, 0));
	close_box(b);
	make_read_only(b, true);
	b->keep_free = 100 * MIB; /* which it cannot give */
	for (unsigned run = 0; run < 2; run++) {
		open_box(b);
		assert_int_equal(nr_present(b, &whole.id, whole.size), 4);
		assert_int_equal(nr_present(b, &part.id, part.size), 1);
		assert_int_equal(read_first(b, &whole, bytes), 0);
		assert_memory_equal(bytes, whole.bytes, CHUNK_SIZE);
		assert_int_equal(read_first(b, &part, bytes), 0);
		assert_memory_equal(bytes, part.bytes, CHUNK_SIZE);
		assert_int_equal(cache_open_data(b->cache, &other.id, other.size, true), -EROFS);
		cache_need_space(b->cache);
		flush_twice(b);
		cache_stats(b->cache, &s);
		assert_int_equal(s.bytes_cached, MIB + CHUNK_SIZE);
		assert_int_equal(s.blobs_sealed, 1);
		close_box(b);
	}
	make_read_only(b, false);
	b->keep_free = 0;
	open_box(b);
	assert_int_equal(nr_present(b, &whole.id, whole.size), 4);
	assert_true(store_or_ask(b, &other, 0));
	close_box(b);
	umount(b->dir);
	free(bytes);
	free(whole.bytes);
	free(part.bytes);
	free(other.bytes);
}

/* --- scrub --- */

/* As after a kill: the lock is released, the index not closed. */
static void forget_clean_end(struct box *b)
{
	char cmd[256];

	close_box(b);
	snprintf(cmd, sizeof(cmd), "sqlite3 %s/index.db \"UPDATE meta SET value = x'30' WHERE key = 'clean'\" >/dev/null", b->dir);
	if (system(cmd) != 0)
		skip();
}

/* The scrub is over when the file that it removes is gone. */
static bool wait_gone(const struct box *b, const struct blob_id *id)
{
	for (int i = 0; i < 1000; i++) {
		if (disk_bytes(b, id) == UINT64_MAX)
			return true;
		usleep(10000);
	}
	return false;
}

static void a_scrub_gives_back_what_no_row_names(void **state)
{
	struct box *b = *state;
	struct made known = make_blob(30, 32 * MIB);
	struct blob_id last = fake_id(31);
	struct chunk_digest d = {{0}};
	char path[256];
	int fd;

	memset(last.bytes, 0xff, 32);
	open_box(b);
	fd = cache_open_data(b->cache, &known.id, known.size, true);
	assert_int_equal(io_pwrite(fd, known.bytes, known.size, 0), 0);
	close(fd);
	d = cache_chunk_digest(&known.id, 3, known.bytes + 3 * CHUNK_SIZE, CHUNK_SIZE);
	cache_put_chunk(b->cache, &known.id, known.size, 3, &d);
	close(cache_open_data(b->cache, &last, 77, true));
	forget_clean_end(b);
	data_path(b, &known.id, path, sizeof(path));
	assert_int_equal(disk_bytes(b, &known.id), known.size);
	open_box(b);
	assert_true(wait_gone(b, &last));
	assert_int_equal(disk_bytes(b, &known.id), CHUNK_SIZE);
	assert_int_equal(nr_present(b, &known.id, known.size), 1);
	fd = open(path, O_RDONLY);
	assert_int_equal(io_pread(fd, known.bytes, CHUNK_SIZE, 3 * CHUNK_SIZE), 0);
	close(fd);
	free(known.bytes);
}

static void a_scrub_forgets_rows_without_files(void **state)
{
	struct box *b = *state;
	struct made gone = make_blob(32, 2 * MIB), cut = make_blob(33, 2 * MIB);
	struct blob_id last = fake_id(31);
	char path[256];

	memset(last.bytes, 0xff, 32);
	open_box(b);
	store_chunk(b, &gone, 0);
	store_chunk(b, &cut, 0);
	close(cache_open_data(b->cache, &last, 77, true));
	forget_clean_end(b);
	data_path(b, &gone.id, path, sizeof(path));
	assert_int_equal(unlink(path), 0);
	data_path(b, &cut.id, path, sizeof(path));
	assert_int_equal(truncate(path, 1000), 0);
	open_box(b);
	assert_true(wait_gone(b, &last));
	assert_int_equal(disk_bytes(b, &cut.id), UINT64_MAX);
	assert_int_equal(cached_bytes(b), 0);
	assert_int_equal(nr_present(b, &gone.id, gone.size), 0);
	free(gone.bytes);
	free(cut.bytes);
}

static void a_scrub_leaves_what_this_run_opened(void **state)
{
	struct box *b = *state;
	struct blob_id last = fake_id(31), mine = fake_id(34);
	char path[256];

	memset(last.bytes, 0xff, 32);
	memset(mine.bytes, 0xfe, 32);
	open_box(b);
	for (uint64_t i = 0; i < 300; i++) {
		struct blob_id id = fake_id(1000 + i);

		close(cache_open_data(b->cache, &id, 5, true));
	}
	close(cache_open_data(b->cache, &last, 77, true));
	close(cache_open_data(b->cache, &mine, 77, true));
	forget_clean_end(b);
	open_box(b);
	close(cache_open_data(b->cache, &mine, 77, true));
	assert_true(wait_gone(b, &last));
	data_path(b, &mine, path, sizeof(path));
	assert_int_equal(access(path, F_OK), 0);
}

int main(void)
{
#define BOX_TEST(fn) cmocka_unit_test_setup_teardown(fn, setup_box, teardown_box)
	const struct CMUnitTest tests[] = {
		BOX_TEST(the_least_recently_used_goes_first),
		BOX_TEST(what_is_pinned_stays),
		BOX_TEST(pins_go_by_key_and_by_its_beginning),
		BOX_TEST(part_of_a_blob_leaves_a_hole),
		BOX_TEST(what_is_refused_stays),
		BOX_TEST(a_cache_of_refusals_only_grows),
		BOX_TEST(space_is_made_when_the_disk_refuses),
		BOX_TEST(keeps_the_disk_free),
		BOX_TEST(an_evicted_blob_can_come_back),
		BOX_TEST(a_sealed_blob_goes_as_a_whole),
		BOX_TEST(what_is_held_goes_last),
		BOX_TEST(held_bytes_count_as_free),
		BOX_TEST(a_sealed_blob_is_as_old_as_its_last_use),
		BOX_TEST(a_whole_blob_is_touched_at_once),
		BOX_TEST(a_full_disk_takes_new_chunks_again),
		BOX_TEST(opens_on_a_full_disk),
		BOX_TEST(what_a_full_disk_gave_up_is_not_counted),
		BOX_TEST(an_empty_read_only_directory_is_refused),
		BOX_TEST(a_read_only_directory_is_used_as_it_is),
		BOX_TEST(a_scrub_gives_back_what_no_row_names),
		BOX_TEST(a_scrub_forgets_rows_without_files),
		BOX_TEST(a_scrub_leaves_what_this_run_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

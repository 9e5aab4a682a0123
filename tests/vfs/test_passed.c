// SPDX-License-Identifier: Apache-2.0
/* Files that are read past us: who is passed when, and that one node never mixes two ways of reading. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <hffs/thread.h>

#define MODEL "0100000000000000000000000000000000000000000000000000000000000000" /* content of model.safetensors */

static atomic_int ids; /* of fake_pass() */

static struct vfs *make_vfs(bool is_stable)
{
	const struct vfs_config config = {
		.fetch = fake_fetch(),
		.catalog = fake_catalog(),
		.endpoint = "https://hub.example",
		.is_stable = is_stable,
		.pass = fake_pass,
		.unpass = fake_unpass,
		.pass_ctx = &ids,
	};
	struct vfs *v = NULL;

	fake_reset();
	atomic_store(&ids, 0);
	assert_int_equal(vfs_new(&config, &v), 0);
	vfs_let_pass(v, true);
	return v;
}

static int setup(void **state)
{
	*state = make_vfs(false);
	return 0;
}

static int setup_stable(void **state)
{
	*state = make_vfs(true);
	return 0;
}

static int teardown(void **state)
{
	vfs_free(*state);
	assert_int_equal(fake_backings(), 0);
	assert_int_equal(fake_blobs(), 0);
	fake_reset();
	return 0;
}

static void on_lookup(void *ctx, int r, const struct vfs_entry *e, const struct err *err)
{
	(void)err;
	assert_int_equal(r, 0);
	*(struct vfs_entry *)ctx = *e;
}

static struct vfs_entry look(struct vfs *v)
{
	const char *const path[] = {"acme", "tiny", COMMIT_A, "model.safetensors"};
	struct vfs_entry e = {.node = NODE_ROOT_ID};

	for (size_t i = 0; i < ARRAY_SIZE(path); i++)
		vfs_lookup(v, e.node, path[i], on_lookup, &e);
	return e;
}

static struct vfs_file *must_open(struct vfs *v, uint64_t node)
{
	struct vfs_file *f = NULL;

	assert_int_equal(vfs_open(v, node, O_RDONLY, &f, NULL), 0);
	return f;
}

static void count_name(void *ctx, uint64_t dir, const char *name)
{
	assert_int_not_equal(dir, 0);
	assert_string_equal(name, "model.safetensors");
	++*(unsigned *)ctx;
}

static unsigned take_sealed(struct vfs *v)
{
	unsigned nr = 0;

	vfs_take_sealed(v, count_name, &nr);
	return nr;
}

static void a_sealed_file_is_passed_at_once(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node, told[4];
	struct vfs_file *a, *b;
	struct vfs_entry e;

	fake_seal(MODEL, true);
	a = must_open(v, node);
	b = must_open(v, node);
	assert_int_equal(vfs_passed(a), 1);
	assert_int_equal(vfs_passed(b), 1);
	assert_int_equal(fake_backings(), 1);
	assert_int_equal(take_sealed(v), 0);
	assert_int_equal(look(v).node, node);
	assert_int_equal(vfs_take_grown(v, told, 4), 1);
	assert_int_equal(vfs_getattr(v, node, &e), 0);
	assert_true(e.attr.st_blocks * 512 >= e.attr.st_size);
	vfs_release(a);
	assert_int_equal(fake_backings(), 1);
	vfs_release(b);
	assert_int_equal(fake_backings(), 0);
}

static void who_reads_meanwhile_goes_on_beside(void **state)
{
	struct vfs *v = *state;
	struct vfs_entry old = look(v), fresh;
	struct vfs_file *before = must_open(v, old.node), *again, *after;

	fake_seal(MODEL, true);
	assert_int_equal(take_sealed(v), 1);
	assert_int_equal(take_sealed(v), 0);
	again = must_open(v, old.node); /* the kernel has not heard of it yet */
	assert_int_equal(vfs_passed(again), 0);
	fresh = look(v);
	assert_int_not_equal(fresh.node, old.node);
	assert_int_equal(fresh.attr.st_ino, old.attr.st_ino);
	after = must_open(v, fresh.node);
	assert_int_equal(vfs_passed(before), 0);
	assert_int_equal(vfs_passed(after), 1);
	assert_int_equal(look(v).node, fresh.node);
	vfs_release(before);
	vfs_release(again);
	vfs_release(after);
}

static void nobody_reading_needs_no_other_node(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node;
	struct vfs_file *f = must_open(v, node);

	vfs_release(f);
	fake_seal(MODEL, true);
	assert_int_equal(take_sealed(v), 0);
	assert_int_equal(look(v).node, node);
	f = must_open(v, node);
	assert_int_equal(vfs_passed(f), 1);
	vfs_release(f);
}

/* An overlay on top knows the node: it stays, and the first handle after the last one is passed. */
static void a_stable_node_stays(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node;
	struct vfs_file *f = must_open(v, node), *second;

	fake_seal(MODEL, true);
	assert_int_equal(take_sealed(v), 0);
	assert_int_equal(look(v).node, node);
	second = must_open(v, node);
	assert_int_equal(vfs_passed(second), 0);
	vfs_release(f);
	vfs_release(second);
	f = must_open(v, node);
	assert_int_equal(vfs_passed(f), 1);
	vfs_release(f);
}

static void an_evicted_file_stays_with_who_has_it(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node;
	struct vfs_file *a, *b;

	fake_seal(MODEL, true);
	a = must_open(v, node);
	fake_seal(MODEL, false);
	b = must_open(v, node);
	assert_int_equal(vfs_passed(b), vfs_passed(a));
	vfs_release(a);
	vfs_release(b);
	a = must_open(v, node);
	assert_int_equal(vfs_passed(a), 0);
	vfs_release(a);
}

static void wrong_bytes_are_not_opened_again(void **state)
{
	struct vfs *v = *state;
	struct vfs_entry old = look(v), fresh;
	struct vfs_file *a, *b = NULL;
	uint64_t told[4];

	fake_seal(MODEL, true);
	a = must_open(v, old.node);
	assert_int_equal(vfs_passed(a), 1);
	fake_seal(MODEL, false);
	fake_spoil(MODEL);
	assert_int_equal(vfs_take_spoiled(v, told, 4), 1);
	assert_int_equal(vfs_open(v, old.node, O_RDONLY, &b, NULL), -ESTALE);
	fresh = look(v);
	assert_int_not_equal(fresh.node, old.node);
	assert_int_equal(fresh.attr.st_ino, old.attr.st_ino);
	b = must_open(v, fresh.node);
	assert_int_equal(vfs_passed(b), 0);
	vfs_release(a);
	a = must_open(v, old.node);
	assert_int_equal(vfs_passed(a), 0);
	vfs_release(a);
	vfs_release(b);
}

static void wrong_bytes_of_a_stable_node_are_waited_out(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node, told[4];
	struct vfs_file *a, *b = NULL;

	fake_seal(MODEL, true);
	a = must_open(v, node);
	fake_seal(MODEL, false);
	fake_spoil(MODEL);
	assert_int_equal(vfs_take_spoiled(v, told, 4), 1);
	assert_int_equal(look(v).node, node);
	assert_int_equal(vfs_open(v, node, O_RDONLY, &b, NULL), -ESTALE);
	vfs_release(a);
	a = must_open(v, node);
	assert_int_equal(vfs_passed(a), 0);
	vfs_release(a);
}

static void what_cannot_be_passed_is_read_through_us(void **state)
{
	struct vfs *v = *state;
	uint64_t node = look(v).node;
	struct vfs_file *f;

	fake_seal(MODEL, true);
	atomic_store(&ids, -EPERM);
	f = must_open(v, node);
	assert_int_equal(vfs_passed(f), 0);
	assert_int_equal(fake_backings(), 0);
	vfs_release(f);
	atomic_store(&ids, 0);
	vfs_let_pass(v, false);
	f = must_open(v, node);
	assert_int_equal(vfs_passed(f), 0);
	fake_seal(MODEL, true);
	assert_int_equal(take_sealed(v), 0);
	vfs_release(f);
	vfs_let_pass(v, true);
	f = must_open(v, node);
	assert_int_equal(vfs_passed(f), 1);
	vfs_drop_files(v);
}

/* Handles that are open at a time on one node, by how they read; whoever holds one looks whether the other kind is there, too. */
#define NODES 4096
static struct {
	atomic_int passed, through;
} open_now[NODES];

static atomic_uint openers;

static void *open_and_close(void *arg)
{
	struct vfs *v = arg;

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t node = look(v).node;
		struct vfs_file *f = must_open(v, node);
		bool passed = vfs_passed(f);

		assert_true(node < NODES);
		atomic_fetch_add(passed ? &open_now[node].passed : &open_now[node].through, 1);
		assert_int_equal(atomic_load(passed ? &open_now[node].through : &open_now[node].passed), 0);
		atomic_fetch_sub(passed ? &open_now[node].passed : &open_now[node].through, 1);
		vfs_release(f);
	}
	atomic_fetch_sub(&openers, 1);
	return NULL;
}

static void no_node_mixes_two_ways(void **state)
{
	struct vfs *v = *state;
	pthread_t threads[4];

	(void)look(v); /* the catalog of the tests answers one thread; from now on all is in memory but the commit */
	atomic_store(&openers, ARRAY_SIZE(threads));
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(thread_start(&threads[i], "opener", open_and_close, v), 0);
	while (atomic_load(&openers)) {
		fake_seal(MODEL, true);
		(void)take_sealed(v);
		sched_yield(); /* somebody opens it now */
		fake_seal(MODEL, false);
	}
	fake_seal(MODEL, true); /* for openers whom a busy machine has not let run yet */
	(void)take_sealed(v);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_true(atomic_load(&ids) > 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define STABLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_stable, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sealed_file_is_passed_at_once),
		TEST(who_reads_meanwhile_goes_on_beside),
		TEST(nobody_reading_needs_no_other_node),
		STABLE_TEST(a_stable_node_stays),
		TEST(an_evicted_file_stays_with_who_has_it),
		TEST(wrong_bytes_are_not_opened_again),
		STABLE_TEST(wrong_bytes_of_a_stable_node_are_waited_out),
		TEST(what_cannot_be_passed_is_read_through_us),
		TEST(no_node_mixes_two_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

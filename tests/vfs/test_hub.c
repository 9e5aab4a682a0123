// SPDX-License-Identifier: Apache-2.0
/* .hub: the layout of the Hugging Face cache, as programs that know it go through it. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/scheme.h>

#define TINY ".hub/models--acme--tiny"
/* Contents of the fake's listing: config.json, empty, model.safetensors, sub/deep/a b#c.txt. */
#define CONFIG "0000000000000000000000000000000000000000"
#define EMPTY "0200000000000000000000000000000000000000"
#define MODEL "0100000000000000000000000000000000000000000000000000000000000000"
#define DEEP "0400000000000000000000000000000000000000"

static struct vfs *make(bool is_stable)
{
	struct vfs_config config = {
		.fetch = fake_fetch(), .catalog = fake_catalog(), .endpoint = "https://hub.example", .is_stable = is_stable,
	};
	struct vfs *v = NULL;

	assert_int_equal(vfs_new(&config, &v), 0);
	return v;
}

static int setup(void **state)
{
	fake_reset();
	*state = make(false);
	fake_asked();
	return 0;
}

static int setup_stable(void **state)
{
	fake_reset();
	*state = make(true);
	fake_asked();
	return 0;
}

static int teardown(void **state)
{
	vfs_free(*state);
	clock_fake(UINT64_MAX, 0);
	fake_reset();
	return 0;
}

struct answer {
	unsigned times;
	int r;
	struct vfs_entry e;
};

static void on_lookup(void *ctx, int r, const struct vfs_entry *e, const struct err *err)
{
	struct answer *a = ctx;

	(void)err;
	a->times++;
	a->r = r;
	if (e)
		a->e = *e;
}

static struct answer look(struct vfs *v, uint64_t dir, const char *name)
{
	struct answer a = {0};

	vfs_lookup(v, dir, name, on_lookup, &a);
	assert_int_equal(a.times, 1);
	return a;
}

static struct answer walk(struct vfs *v, const char *path)
{
	struct answer a = {.e.node = NODE_ROOT_ID};

	while (*path && a.r == 0) {
		size_t n = strcspn(path, "/");
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		a = look(v, a.e.node, name);
		path += n + (path[n] == '/');
	}
	return a;
}

static void expect_link(struct vfs *v, const char *path, const char *target)
{
	struct answer a = walk(v, path);
	AUTO_BUF b = {0};

	assert_int_equal(a.r, 0);
	assert_true(S_ISLNK(a.e.attr.st_mode));
	assert_int_equal(vfs_readlink(v, a.e.node, &b), 0);
	assert_string_equal(b.data, target);
	assert_int_equal(a.e.attr.st_size, strlen(target));
}

static void expect_absent(struct vfs *v, const char *path)
{
	assert_int_equal(walk(v, path).r, -ENOENT);
}

/* The text of a file of our own making. */
static void expect_text(struct vfs *v, const char *path, const char *text)
{
	struct answer a = walk(v, path);
	struct vfs_file *f = NULL;
	size_t len = 4096;
	const char *got;

	assert_int_equal(a.r, 0);
	assert_true(S_ISREG(a.e.attr.st_mode));
	assert_int_equal(a.e.attr.st_size, strlen(text));
	assert_int_equal(a.e.attr.st_blocks, *text ? 8 : 0);
	assert_int_equal(vfs_open(v, a.e.node, O_RDONLY, &f, NULL), 0);
	got = vfs_text(f, 0, &len);
	assert_non_null(got);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(got, text, len);
	len = 100;
	(void)vfs_text(f, 4096, &len);
	assert_int_equal(len, 0);
	vfs_release(f);
	assert_int_equal(vfs_open(v, a.e.node, O_RDWR, &f, NULL), -EROFS);
}

/* "a b c" of a directory, in order, with '/' behind directories and '@' behind symlinks. */
static void on_opendir(void *ctx, int r, struct vfs_dir *d, const struct err *err)
{
	(void)err;
	assert_int_equal(r, 0);
	*(struct vfs_dir **)ctx = d;
}

static void expect_list(struct vfs *v, const char *path, const char *names)
{
	struct vfs_dir *d = NULL;
	struct vfs_dirent de;
	AUTO_BUF list = {0};

	vfs_opendir(v, walk(v, path).e.node, on_opendir, &d);
	assert_non_null(d);
	buf_adds(&list, "");
	for (uint64_t pos = 2; vfs_dir_entry(d, pos, &de); pos++) {
		struct vfs_entry e;

		buf_addf(&list, "%s%s%s", pos > 2 ? " " : "", de.name, de.type == S_IFDIR ? "/" : de.type == S_IFLNK ? "@" : "");
		vfs_dir_look(d, pos, &e);
		if (e.node) { /* what comes with the listing is what a lookup gives */
			assert_int_equal(e.attr.st_mode & S_IFMT, de.type);
			assert_int_equal(e.attr.st_ino, de.ino);
		}
	}
	assert_string_equal(list.data, names);
	vfs_closedir(d);
}

static void repositories_are_found_by_name(void **state)
{
	struct vfs *v = *state;

	assert_true(S_ISDIR(walk(v, TINY).e.attr.st_mode));
	assert_true(S_ISDIR(walk(v, ".hub/datasets--acme--data").e.attr.st_mode));
	expect_link(v, ".hub/models--old--name", "models--acme--tiny");
	expect_absent(v, ".hub/models--acme--none");
	assert_int_equal(walk(v, ".hub/models--acme--secret").r, -EACCES);
	assert_int_equal(walk(v, ".hub/models--acme--slow").r, -ETIMEDOUT);
	fake_asked();
	expect_absent(v, ".hub/.locks");
	expect_absent(v, ".hub/CACHEDIR.TAG");
	expect_absent(v, ".hub/version.txt");
	expect_absent(v, ".hub/models--a--b--c");
	expect_absent(v, ".hub/kernels--acme--tiny");
	expect_absent(v, ".hub/acme");
	assert_int_equal(fake_asked(), 0);
	expect_absent(v, TINY "/trees");
	expect_list(v, ".hub", "datasets--acme--data/ models--acme--tiny/");
	expect_list(v, TINY, "blobs/ refs/ snapshots/");
}

static void references_are_files_of_40_bytes(void **state)
{
	struct vfs *v = *state;

	expect_text(v, TINY "/refs/main", COMMIT_A);
	expect_text(v, TINY "/refs/v1", COMMIT_B);
	expect_text(v, TINY "/refs/release/1", COMMIT_B);
	expect_text(v, TINY "/refs/release%2F1", COMMIT_B);
	expect_text(v, TINY "/refs/refs/pr/3", COMMIT_B);
	expect_absent(v, TINY "/refs/none");
	expect_absent(v, TINY "/refs/refs/pr/4");
	walk(v, TINY "/refs");
	fake_asked();
	expect_absent(v, TINY "/refs/" COMMIT_A); /* asked for 31 times by one load */
	assert_int_equal(fake_asked(), 1); /* by the way there, not by the name */
	/* Of those that were used, the ones whose commit can be shown. */
	expect_list(v, TINY "/refs", "main");
	fake_revision("acme/tiny", "refs/pr/3", 0, COMMIT_A);
	expect_list(v, TINY "/refs", "main refs/");
	expect_list(v, TINY "/refs/refs", "pr/");
	expect_list(v, TINY "/refs/refs/pr", "3");
}

static void snapshots_point_to_blobs(void **state)
{
	struct vfs *v = *state;
	struct answer file, blob;

	expect_link(v, TINY "/snapshots/" COMMIT_A "/config.json", "../../blobs/" CONFIG);
	expect_link(v, TINY "/snapshots/" COMMIT_A "/model.safetensors", "../../blobs/" MODEL);
	expect_link(v, TINY "/snapshots/" COMMIT_A "/sub/deep/a b#c.txt", "../../../../blobs/" DEEP);
	expect_absent(v, TINY "/snapshots/" COMMIT_A "/none");
	expect_absent(v, TINY "/snapshots/main");
	expect_list(v, TINY "/snapshots", COMMIT_A "/");
	expect_list(v, TINY "/snapshots/" COMMIT_A, "README.md@ config.json@ empty@ model.safetensors@ sub/");
	fake_asked();
	blob = walk(v, TINY "/blobs/" MODEL);
	assert_int_equal(blob.r, 0);
	assert_true(S_ISREG(blob.e.attr.st_mode));
	assert_int_equal(blob.e.attr.st_size, 3000000);
	assert_int_equal(walk(v, TINY "/blobs/" EMPTY).e.attr.st_size, 0);
	file = walk(v, "acme/tiny/" COMMIT_A "/model.safetensors");
	assert_int_not_equal(file.e.attr.st_ino, blob.e.attr.st_ino);
	expect_list(v, TINY "/blobs", MODEL " " EMPTY);
}

static void a_blob_is_read_by_its_path(void **state)
{
	struct vfs *v = *state;
	struct answer a;
	struct vfs_file *f = NULL;
	AUTO_BUF path = {0}, repo = {0};
	size_t len = 10;

	walk(v, TINY "/snapshots/" COMMIT_A "/config.json");
	a = walk(v, TINY "/blobs/" MODEL);
	assert_int_equal(vfs_open(v, a.e.node, O_RDONLY, &f, NULL), 0);
	assert_null(vfs_text(f, 0, &len));
	assert_int_equal(fake_blobs(), 1);
	vfs_release(f);
	assert_int_equal(vfs_getxattr(v, a.e.node, "user.hffs.path", &path), 0);
	assert_string_equal(path.data, "model.safetensors");
	assert_int_equal(vfs_getxattr(v, walk(v, TINY "/refs/main").e.node, "user.hffs.repo", &repo), 0);
	assert_string_equal(repo.data, "acme/tiny");
	assert_int_equal(vfs_open(v, walk(v, TINY "/snapshots/" COMMIT_A "/config.json").e.node, O_RDONLY, &f, NULL), -ELOOP);
}

/* A path that somebody has kept: no listing is in use, those of this machine are looked through. */
static void a_blob_is_found_without_its_snapshot(void **state)
{
	struct vfs *v = *state;

	assert_int_equal(walk(v, TINY "/blobs/" MODEL).e.attr.st_size, 3000000);
	fake_asked();
	assert_int_equal(walk(v, TINY "/blobs/" CONFIG).e.attr.st_size, 100);
	assert_int_equal(fake_asked(), 1); /* for the repository */
	expect_absent(v, TINY "/blobs/ffffffffffffffffffffffffffffffffffffffff");
	expect_absent(v, TINY "/blobs/" CONFIG ".incomplete");
	fake_trees_fail(-ETIMEDOUT);
	expect_absent(v, ".hub/datasets--acme--data/blobs/" CONFIG);
}

static void no_exist_has_what_the_listing_has_not(void **state)
{
	struct vfs *v = *state;

	expect_text(v, TINY "/.no_exist/" COMMIT_A "/adapter_config.json", "");
	expect_absent(v, TINY "/.no_exist/" COMMIT_A "/config.json");
	expect_text(v, TINY "/.no_exist/" COMMIT_A "/sub/none.json", "");
	expect_absent(v, TINY "/.no_exist/" COMMIT_A "/sub/deep/a b#c.txt");
	expect_absent(v, TINY "/.no_exist/main");
	expect_list(v, TINY "/.no_exist/" COMMIT_A, "");
	fake_asked();
	fake_trees_fail(-ETIMEDOUT);
	assert_int_equal(walk(v, ".hub/datasets--acme--data/.no_exist/" COMMIT_A "/x").r, -ENOENT); /* no such commit */
	fake_revision("acme/big", COMMIT_B, 0, COMMIT_B);
	assert_int_equal(walk(v, ".hub/models--acme--big/.no_exist/" COMMIT_B "/x").r, -ETIMEDOUT); /* nobody knows */
}

static void a_reference_moves_as_a_symlink_does(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;
	struct answer before = walk(v, TINY "/refs/main"), after;

	clock_fake(1000000, 1);
	walk(v, TINY "/snapshots/" COMMIT_A "/config.json");
	assert_int_equal(vfs_open(v, walk(v, TINY "/blobs/" MODEL).e.node, O_RDONLY, &f, NULL), 0);
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	expect_text(v, TINY "/refs/main", COMMIT_A); /* somebody reads the old one */
	expect_link(v, "acme/tiny/main", COMMIT_A); /* and its other name says the same */
	vfs_release(f);
	clock_fake(1000000 + 61000, 62);
	after = walk(v, TINY "/refs/main");
	assert_int_not_equal(before.e.node, after.e.node); /* the kernel may keep the pages of either */
	assert_int_equal(before.e.attr.st_ino, after.e.attr.st_ino);
	expect_text(v, TINY "/refs/main", COMMIT_B);
}

static void a_stable_reference_changes_in_place(void **state)
{
	struct vfs *v = *state;
	struct answer before = walk(v, TINY "/refs/main");
	struct vfs_file *f = NULL;
	size_t len = 40;

	assert_int_equal(vfs_open(v, before.e.node, O_RDONLY, &f, NULL), 0);
	assert_false(vfs_is_fixed(f));
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	assert_int_equal(walk(v, TINY "/refs/main").e.node, before.e.node);
	assert_memory_equal(vfs_text(f, 0, &len), COMMIT_A, 40); /* as it was when it was opened */
	vfs_release(f);
	expect_text(v, TINY "/refs/main", COMMIT_B);
}

static void a_masked_file_is_refused_by_name(void **state)
{
	struct vfs *v = *state;
	struct answer a;
	struct vfs_file *f = NULL;
	struct err err = {0};

	fake_masked(true);
	a = walk(v, TINY "/snapshots/" COMMIT_A "/model.safetensors");
	assert_int_equal(a.r, 0);
	assert_true(S_ISREG(a.e.attr.st_mode));
	assert_int_equal(vfs_open(v, a.e.node, O_RDONLY, &f, &err), -EACCES);
	assert_non_null(strstr(err.text, "gated"));
	/* Access is granted: the commit is another node, with another listing. */
	fake_masked(false);
	expect_link(v, TINY "/snapshots/" COMMIT_A "/model.safetensors", "../../blobs/" MODEL);
}

/* Nobody could tell where in a large commit a content is listed: its files are there themselves. */
static void a_large_commit_has_files_in_place_of_pointers(void **state)
{
	struct vfs *v = *state;

	expect_list(v, ".hub/models--acme--large/snapshots/" COMMIT_A, "d1/ top.txt wide/");
	expect_list(v, ".hub/models--acme--large/snapshots/" COMMIT_A "/d1", "a b");
	assert_int_equal(walk(v, ".hub/models--acme--large/snapshots/" COMMIT_A "/wide/x").e.attr.st_size, 10);
	expect_text(v, ".hub/models--acme--large/.no_exist/" COMMIT_A "/none", "");
	expect_absent(v, ".hub/models--acme--large/.no_exist/" COMMIT_A "/top.txt");
	expect_absent(v, ".hub/models--acme--large/.no_exist/" COMMIT_A "/d1/none");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define STABLE_TEST(f) cmocka_unit_test_setup_teardown(f, setup_stable, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(repositories_are_found_by_name),
		TEST(references_are_files_of_40_bytes),
		TEST(snapshots_point_to_blobs),
		TEST(a_blob_is_read_by_its_path),
		TEST(a_blob_is_found_without_its_snapshot),
		TEST(no_exist_has_what_the_listing_has_not),
		TEST(a_reference_moves_as_a_symlink_does),
		STABLE_TEST(a_stable_reference_changes_in_place),
		TEST(a_masked_file_is_refused_by_name),
		TEST(a_large_commit_has_files_in_place_of_pointers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

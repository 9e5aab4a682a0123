// SPDX-License-Identifier: Apache-2.0
/* Names, directories, symlinks and extended attributes, as the kernel would ask for them. */
#include "fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/scheme.h>

static struct vfs *make_vfs(const char *one, const char *rev, bool is_stable)
{
	struct repo_id repo;
	struct vfs_config config = {
		.fetch = fake_fetch(), .catalog = fake_catalog(), .endpoint = "https://hub.example", .uid = 7, .gid = 8, .is_stable = is_stable,
	};
	struct vfs *v = NULL;

	if (one) {
		assert_int_equal(repo_id_set(&repo, REPO_MODEL, one, strlen(one)), 0);
		config.one_repo = &repo;
		config.one_rev = rev;
	}
	assert_int_equal(vfs_new(&config, &v), 0);
	return v;
}

static struct vfs *make(const char *one, const char *rev)
{
	return make_vfs(one, rev, false);
}

static int setup(void **state)
{
	fake_reset();
	*state = make(NULL, NULL);
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
	bool has_entry;
};

static void on_lookup(void *ctx, int r, const struct vfs_entry *e, const struct err *err)
{
	struct answer *a = ctx;

	(void)err;
	a->times++;
	a->r = r;
	a->has_entry = e != NULL;
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

	while (*path) {
		size_t n = strcspn(path, "/");
		char name[256];

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		a = look(v, a.e.node, name);
		if (a.r < 0)
			return a;
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

static void organisations_cost_no_request(void **state)
{
	struct vfs *v = *state;
	static const char *const absent[] = {".git", ".hubs", "a b", "-x", "x--y", "autorun.git"};

	for (size_t i = 0; i < ARRAY_SIZE(absent); i++) {
		struct answer a = look(v, NODE_ROOT_ID, absent[i]);

		assert_int_equal(a.r, -ENOENT);
		assert_true(a.has_entry);
		assert_int_equal(a.e.node, 0);
		assert_true(a.e.entry_ms > 3600 * 1000);
	}
	assert_true(S_ISDIR(look(v, NODE_ROOT_ID, "acme").e.attr.st_mode));
	assert_true(S_ISDIR(look(v, NODE_ROOT_ID, "datasets").e.attr.st_mode));
	assert_int_equal(walk(v, "datasets/acme").r, 0);
	assert_int_equal(walk(v, "acme/.git").r, -ENOENT);
	assert_int_equal(walk(v, "acme/x y").r, -ENOENT);
	assert_int_equal(fake_asked(), 0);
}

static void repositories_are_what_the_catalog_says(void **state)
{
	struct vfs *v = *state;
	struct answer a = walk(v, "acme/tiny");

	assert_int_equal(a.r, 0);
	assert_int_equal(a.e.attr.st_mode, S_IFDIR | 0555);
	assert_int_equal(a.e.attr.st_uid, 7);
	assert_int_equal(a.e.attr.st_gid, 8);
	a = walk(v, "acme/nothing");
	assert_int_equal(a.r, -ENOENT);
	assert_true(a.e.entry_ms && a.e.entry_ms <= 60000);
	assert_int_equal(walk(v, "acme/secret").r, -EACCES);
	a = walk(v, "acme/slow");
	assert_int_equal(a.r, -ETIMEDOUT);
	assert_false(a.has_entry);
	assert_int_equal(walk(v, "datasets/acme/data").r, 0);
	assert_int_equal(walk(v, "spaces/acme/data").r, -ENOENT);
	assert_int_equal(walk(v, "acme/data").r, -ENOENT);
	expect_link(v, "old/name", "../acme/tiny");
}

static void revisions_are_symlinks_to_commits(void **state)
{
	struct vfs *v = *state;

	fake_ttl(1234);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	assert_int_equal(walk(v, "acme/tiny/main").e.entry_ms, 1234);
	assert_int_equal(walk(v, "acme/tiny/main").e.attr_ms, 1234);
	expect_link(v, "acme/tiny/v1", COMMIT_B);
	expect_link(v, "acme/tiny/release/1", "../" COMMIT_B);
	expect_link(v, "acme/tiny/release%2F1", COMMIT_B);
	expect_link(v, "acme/tiny/refs/pr/3", "../../" COMMIT_B);
	expect_link(v, "acme/tiny/refs%2Fpr%2f3", COMMIT_B);
	assert_true(S_ISDIR(walk(v, "acme/tiny/release").e.attr.st_mode));
	assert_int_equal(walk(v, "acme/tiny/absent").r, -ENOENT);
	assert_int_equal(walk(v, "acme/tiny/refs/pr/4").r, -ENOENT);
	fake_asked();
	assert_int_equal(look(v, walk(v, "acme/tiny").e.node, "a b").r, -ENOENT);
	assert_int_equal(fake_asked(), 1); /* of the walk */
}

static void old_names_are_symlinks(void **state)
{
	struct vfs *v = *state;

	fake_moved("gpt2", "openai-community/gpt2");
	fake_moved("datasets/squad", "rajpurkar/squad");
	expect_link(v, "gpt2", "openai-community/gpt2");
	expect_link(v, "datasets/squad", "rajpurkar/squad");
	/* The Hub does not say so: then it is an organisation like any other. */
	assert_true(S_ISDIR(walk(v, "t5-small").e.attr.st_mode));
	fake_revision("roberta-base", "", -ETIMEDOUT, "");
	assert_true(S_ISDIR(walk(v, "roberta-base").e.attr.st_mode));
	fake_revision("ctrl", "", 0, COMMIT_A); /* it still lives there, and has no place in the tree */
	assert_true(S_ISDIR(walk(v, "ctrl").e.attr.st_mode));
}

/* Nobody knows all old names: one shows when nothing is found in it, and the kernel walks the path again. */
static void an_unknown_old_name_is_found_out(void **state)
{
	struct vfs *v = *state;
	struct answer org;

	fake_moved("legacy", "acme/tiny");
	org = walk(v, "legacy");
	assert_true(S_ISDIR(org.e.attr.st_mode));
	assert_int_equal(look(v, org.e.node, "main").r, -ESTALE);
	expect_link(v, "legacy", "acme/tiny");
	assert_int_equal(walk(v, "acme/none").r, -ENOENT); /* an organisation is none */
}

static void a_failed_list_of_revisions_is_not_absence(void **state)
{
	struct vfs *v = *state;

	fake_refs_fail(-ETIMEDOUT);
	assert_int_equal(walk(v, "acme/tiny/release").r, -ETIMEDOUT);
	fake_refs_fail(0);
	assert_int_equal(walk(v, "acme/tiny/release").r, 0);
	/* The name cannot be asked for, but the list of revisions is known. */
	fake_revision("acme/tiny", "release", -ETIMEDOUT, "");
	assert_true(S_ISDIR(walk(v, "acme/tiny/release").e.attr.st_mode));
	fake_revision("acme/tiny", "other", -ETIMEDOUT, "");
	assert_int_equal(walk(v, "acme/tiny/other").r, -ETIMEDOUT);
}

static void a_commit_is_a_complete_listing(void **state)
{
	struct vfs *v = *state;
	struct answer a = walk(v, "acme/tiny/" COMMIT_A);
	uint64_t commit = a.e.node;

	assert_int_equal(a.e.attr.st_mode, S_IFDIR | 0555);
	assert_int_equal(a.e.attr.st_nlink, 1);
	assert_int_equal(a.e.attr.st_mtim.tv_sec, 1000000);
	assert_true(a.e.entry_ms >= 3600 * 1000);
	fake_asked();
	a = look(v, commit, "model.safetensors");
	assert_int_equal(fake_asked(), 1);
	assert_int_equal(a.e.attr.st_mode, S_IFREG | 0444);
	assert_int_equal(a.e.attr.st_size, 3000000);
	assert_int_equal(a.e.attr.st_blocks, 8);
	assert_int_equal(a.e.attr.st_mtim.tv_sec, 1000000);
	assert_int_equal(look(v, commit, "empty").e.attr.st_blocks, 0);
	a = look(v, commit, "adapter_config.json");
	assert_int_equal(a.r, -ENOENT);
	assert_true(a.e.entry_ms >= 3600 * 1000);
	assert_int_equal(look(v, look(v, commit, "sub").e.node, "deep").r, 0);
	assert_int_equal(look(v, look(v, commit, "config.json").e.node, "x").r, -ENOTDIR);
	assert_int_equal(fake_asked(), 0);
	assert_int_equal(look(v, 12345, "x").r, -ESTALE);
	assert_int_equal(walk(v, "acme/tiny/cccccccccccccccccccccccccccccccccccccccc").r, -ENOENT);
}

static void a_listing_that_fails_is_not_absence(void **state)
{
	struct vfs *v = *state;

	fake_trees_fail(-EIO);
	assert_int_equal(walk(v, "acme/tiny/" COMMIT_A "/x").r, -EIO);
	fake_trees_fail(-ENOENT);
	assert_int_equal(walk(v, "acme/tiny/" COMMIT_A "/x").r, -EIO);
	fake_trees_fail(0);
	assert_int_equal(walk(v, "acme/tiny/" COMMIT_A "/x").r, -ENOENT);
}

static void inode_numbers_come_from_names(void **state)
{
	struct vfs *v = *state, *other = make(NULL, NULL), *one = make("acme/tiny", "main");
	uint64_t ino = walk(v, "acme/tiny/" COMMIT_A "/sub/deep").e.attr.st_ino;
	struct answer again = walk(v, "acme/tiny/" COMMIT_A "/sub/deep");

	assert_int_equal(again.e.attr.st_ino, ino);
	walk(other, "datasets/acme/data");
	assert_int_equal(walk(other, "acme/tiny/" COMMIT_A "/sub/deep").e.attr.st_ino, ino);
	assert_int_equal(walk(one, "sub/deep").e.attr.st_ino, ino);
	assert_true(walk(v, "acme/tiny/" COMMIT_B "/sub/deep").e.attr.st_ino != ino);
	vfs_free(other);
	vfs_free(one);
}

static void forgotten_nodes_go_with_their_parents(void **state)
{
	struct vfs *v = *state;
	struct vfs_stats st;
	uint64_t org = look(v, NODE_ROOT_ID, "acme").e.node, repo = look(v, org, "tiny").e.node;
	uint64_t commit = look(v, repo, COMMIT_A).e.node, file = look(v, commit, "config.json").e.node;

	assert_int_equal(look(v, commit, "config.json").e.node, file);
	vfs_forget(v, org, 1);
	vfs_forget(v, repo, 1);
	vfs_forget(v, commit, 1);
	vfs_forget(v, file, 1);
	vfs_stats(v, &st);
	assert_int_equal(st.nodes, 5);
	vfs_forget(v, file, 1);
	vfs_stats(v, &st);
	assert_int_equal(st.nodes, 1);
	assert_int_equal(look(v, file, ".").r, -ESTALE);
}

static void a_branch_does_not_move_under_a_reader(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f;
	struct answer a;

	clock_fake(1000000, 2000);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	assert_int_equal(vfs_open(v, walk(v, "acme/tiny/" COMMIT_A "/config.json").e.node, O_RDONLY, &f, NULL), 0);
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	clock_fake(2000000, 3000);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	a = walk(v, "acme/tiny/main");
	assert_true(a.e.entry_ms <= 5000);
	vfs_release(f);
	clock_fake(2000000 + 59000, 3059);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	clock_fake(2000000 + 61000, 3061);
	assert_int_equal(walk(v, "acme/tiny/main").e.attr.st_ino, a.e.attr.st_ino);
	assert_true(walk(v, "acme/tiny/main").e.node != a.e.node); /* the kernel has kept the target of the other */
	expect_link(v, "acme/tiny/main", COMMIT_B);
}

/* The kernel is short of memory, and forgets every node that is not open. */
static void nor_when_its_nodes_are_forgotten(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f;
	struct answer a, main;

	clock_fake(1000000, 2000);
	main = walk(v, "acme/tiny/main");
	a = walk(v, "acme/tiny/" COMMIT_A "/config.json");
	assert_int_equal(vfs_open(v, a.e.node, O_RDONLY, &f, NULL), 0);
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	vfs_forget(v, main.e.node, 1);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	vfs_release(f);
	for (uint64_t id = NODE_ROOT_ID + 1; id < 1000; id++)
		vfs_forget(v, id, 1000);
	clock_fake(1000000 + 59000, 2059);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	clock_fake(1000000 + 61000, 2061);
	expect_link(v, "acme/tiny/main", COMMIT_B);
}

static void a_stable_symlink_moves_in_place(void **state)
{
	struct vfs *v = make_vfs(NULL, NULL, true);
	uint64_t node = walk(v, "acme/tiny/main").e.node;

	(void)state;
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	expect_link(v, "acme/tiny/main", COMMIT_B);
	assert_int_equal(walk(v, "acme/tiny/main").e.node, node);
	vfs_free(v);
}

static void count_stale(void *ctx, uint64_t dir, const char *name)
{
	(void)dir;
	if (!strcmp(name, "main"))
		++*(unsigned *)ctx;
}

static void a_refresh_moves_it_all_the_same(void **state)
{
	struct vfs *v = *state;
	struct repo_id repo = {REPO_MODEL, "acme/tiny"}, other = {REPO_DATASET, "acme/tiny"};
	struct vfs_file *f;
	unsigned stale = 0;

	expect_link(v, "acme/tiny/main", COMMIT_A);
	assert_int_equal(vfs_open(v, walk(v, "acme/tiny/" COMMIT_A "/config.json").e.node, O_RDONLY, &f, NULL), 0);
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	vfs_refresh(v, &other, count_stale, &stale);
	assert_int_equal(stale, 0);
	expect_link(v, "acme/tiny/main", COMMIT_A);
	vfs_refresh(v, &repo, count_stale, &stale);
	assert_int_equal(stale, 1);
	expect_link(v, "acme/tiny/main", COMMIT_B);
	vfs_release(f);
}

/* --- directories --- */

static void on_opendir(void *ctx, int r, struct vfs_dir *d, const struct err *err)
{
	(void)err;
	if (r < 0)
		*(int *)ctx = r;
	else
		*(struct vfs_dir **)((char *)ctx + 8) = d;
}

static struct vfs_dir *open_dir(struct vfs *v, uint64_t node)
{
	struct {
		int r;
		struct vfs_dir *d;
	} out = {0};

	vfs_opendir(v, node, on_opendir, &out);
	assert_int_equal(out.r, 0);
	assert_non_null(out.d);
	return out.d;
}

static void expect_names(struct vfs *v, const char *path, const char *want, bool is_fixed)
{
	struct vfs_dir *d = open_dir(v, walk(v, path).e.node);
	struct vfs_dirent de;
	AUTO_BUF got = {0};

	for (uint64_t pos = 0; vfs_dir_entry(d, pos, &de); pos++)
		buf_addf(&got, "%s%s ", de.name, S_ISDIR(de.type) ? "/" : S_ISLNK(de.type) ? "@" : "");
	assert_string_equal(got.data, want);
	assert_int_equal(vfs_dir_is_fixed(d), is_fixed);
	vfs_closedir(d);
}

static void on_stale(void *ctx, int r, struct vfs_dir *d, const struct err *err)
{
	(void)err;
	assert_null(d);
	*(int *)ctx = r;
}

static void an_old_name_that_is_listed_is_found_out(void **state)
{
	struct vfs *v = *state;
	int r = 0;

	fake_moved("empty", "acme/tiny");
	vfs_opendir(v, walk(v, "empty").e.node, on_stale, &r);
	assert_int_equal(r, -ESTALE);
	expect_link(v, "empty", "acme/tiny");
	expect_names(v, "nothing", "./ ../ ", false); /* an organisation without repositories */
}

static void directories_list_what_is_known(void **state)
{
	struct vfs *v = *state;

	expect_names(v, "", "./ ../ acme/ datasets/ old/ spaces/ ", false);
	expect_names(v, "acme", "./ ../ big/ tiny/ ", false);
	expect_names(v, "acme/tiny", "./ ../ " COMMIT_B "/ main@ refs/ release/ v1@ ", false);
	expect_names(v, "acme/tiny/release", "./ ../ 1@ 2@ ", false);
	expect_names(v, "acme/tiny/refs", "./ ../ pr/ ", false);
	expect_names(v, "acme/tiny/" COMMIT_A, "./ ../ README.md config.json empty model.safetensors sub/ ", true);
	expect_names(v, "acme/tiny/" COMMIT_A "/sub", "./ ../ deep/ ", true);
}

static void a_file_is_no_directory(void **state)
{
	struct vfs *v = *state;
	struct {
		int r;
		struct vfs_dir *d;
	} out = {0};

	vfs_opendir(v, walk(v, "acme/tiny/" COMMIT_A "/empty").e.node, on_opendir, &out);
	assert_int_equal(out.r, -ENOTDIR);
	fake_refs_fail(-ETIMEDOUT);
	vfs_opendir(v, walk(v, "acme/tiny").e.node, on_opendir, &out);
	assert_int_equal(out.r, -ETIMEDOUT);
	vfs_opendir(v, 999, on_opendir, &out);
	assert_int_equal(out.r, -ESTALE);
}

static void positions_stay_and_entries_need_no_request(void **state)
{
	struct vfs *v = *state;
	uint64_t many = walk(v, "acme/big/" COMMIT_A "/many").e.node;
	struct vfs_dir *d = open_dir(v, many);
	struct vfs_dirent de;
	struct vfs_entry e;
	uint64_t nr = 0;

	fake_asked();
	while (vfs_dir_entry(d, nr, &de))
		nr++;
	assert_int_equal(nr, 2002);
	assert_true(vfs_dir_entry(d, 1002, &de));
	assert_string_equal(de.name, "01000");
	vfs_dir_look(d, 1002, &e);
	assert_int_equal(e.attr.st_size, 1000);
	assert_int_equal(e.attr.st_ino, de.ino);
	assert_int_equal(look(v, many, "01000").e.node, e.node);
	vfs_forget(v, e.node, 2);
	assert_int_equal(look(v, e.node, ".").r, -ESTALE);
	vfs_dir_look(d, 0, &e);
	assert_int_equal(e.node, 0);
	vfs_dir_look(d, 5000, &e);
	assert_int_equal(e.node, 0);
	assert_int_equal(fake_asked(), 0);
	vfs_closedir(d);
}

static void an_open_directory_is_a_snapshot(void **state)
{
	struct vfs *v = *state;
	uint64_t repo = walk(v, "acme/tiny").e.node;
	struct vfs_dir *d = open_dir(v, repo);
	struct vfs_dirent de;
	struct vfs_entry e;

	fake_refs_fail(-EIO);
	assert_true(vfs_dir_entry(d, 3, &de));
	assert_string_equal(de.name, "main");
	vfs_dir_look(d, 3, &e); /* a symlink comes with its target */
	assert_true(S_ISLNK(e.attr.st_mode));
	vfs_dir_look(d, 2, &e); /* a commit must be asked for */
	assert_int_equal(e.node, 0);
	vfs_closedir(d);
}

/* The list of revisions may be older than the last lookup of one. */
static void a_listing_does_not_move_a_symlink_back(void **state)
{
	struct vfs *v = *state;
	uint64_t repo = walk(v, "acme/tiny").e.node;
	struct vfs_dir *d;
	struct vfs_entry e;

	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	expect_link(v, "acme/tiny/main", COMMIT_B);
	d = open_dir(v, repo);
	vfs_dir_look(d, 3, &e);
	expect_link(v, "acme/tiny/main", COMMIT_B);
	assert_int_equal(look(v, repo, "main").e.node, e.node);
	vfs_closedir(d);
}

/* --- one repository --- */

static void one_repository_is_pinned_at_the_first_lookup(void **state)
{
	struct vfs *v = make("acme/tiny", "main");
	struct vfs_entry e;

	(void)state;
	fake_asked();
	assert_int_equal(vfs_getattr(v, NODE_ROOT_ID, &e), 0);
	assert_int_equal(e.attr_ms, 0);
	assert_int_equal(fake_asked(), 0);
	assert_int_equal(walk(v, "config.json").e.attr.st_size, 100);
	fake_revision("acme/tiny", "main", 0, COMMIT_B);
	expect_names(v, "", "./ ../ README.md config.json empty model.safetensors sub/ ", true);
	assert_int_equal(vfs_getattr(v, NODE_ROOT_ID, &e), 0);
	assert_int_equal(e.attr.st_mtim.tv_sec, 1000000);
	assert_int_equal(fake_asked(), 2);
	vfs_free(v);
}

/* --- extended attributes --- */

static void expect_xattr(struct vfs *v, const char *path, const char *name, int r, const char *want)
{
	AUTO_BUF b = {0};

	assert_int_equal(vfs_getxattr(v, walk(v, path).e.node, name, &b), r);
	if (r == 0)
		assert_string_equal(b.data, want);
}

/* Whatever is listed can be had. */
static void expect_listed(struct vfs *v, const char *path, size_t nr)
{
	AUTO_BUF names = {0};
	size_t found = 0;

	assert_int_equal(vfs_listxattr(v, walk(v, path).e.node, &names), 0);
	for (size_t at = 0; at < names.len; at += strlen(names.data + at) + 1, found++) {
		AUTO_BUF value = {0};

		assert_int_equal(vfs_getxattr(v, walk(v, path).e.node, names.data + at, &value), 0);
	}
	assert_int_equal(found, nr);
}

static void blocks_tell_what_an_earlier_run_has_cached(void **state)
{
	struct vfs *v = *state;
	uint64_t commit;

	fake_on_disk(1 << 20);
	commit = walk(v, "acme/tiny/" COMMIT_A).e.node;
	assert_int_equal(look(v, commit, "model.safetensors").e.attr.st_blocks, 2048);
	assert_int_equal(look(v, commit, "empty").e.attr.st_blocks, 0);
	fake_on_disk(0);
	assert_int_equal(look(v, commit, "model.safetensors").e.attr.st_blocks, 2048); /* looked up once a node */
	assert_int_equal(look(v, commit, "config.json").e.attr.st_blocks, 8);
}

#define LARGE "acme/large/" COMMIT_A

static void a_large_commit_is_listed_by_directory(void **state)
{
	struct vfs *v = *state;

	assert_int_equal(walk(v, LARGE "/top.txt").e.attr.st_size, 7);
	fake_asked();
	expect_names(v, LARGE, "./ ../ d1/ top.txt wide/ ", true);
	assert_true(S_ISDIR(walk(v, LARGE "/d1").e.attr.st_mode));
	assert_int_equal(walk(v, LARGE "/none").r, -ENOENT);
	assert_int_equal(fake_asked(), 6); /* for repository and commit, thrice: the kernel would remember them */
	assert_int_equal(walk(v, LARGE "/d1/a").e.attr.st_size, 8);
	assert_int_equal(fake_asked(), 3); /* and once for the directory */
	assert_int_equal(walk(v, LARGE "/d1/none").r, -ENOENT);
	expect_names(v, LARGE "/d1", "./ ../ a b ", true);
	assert_int_equal(fake_asked(), 4);
	expect_xattr(v, LARGE "/d1/b", "user.hffs.path", 0, "d1/b");
	expect_xattr(v, LARGE "/d1/b", "user.hffs.commit", 0, COMMIT_A);
	expect_xattr(v, LARGE "/d1", "user.hffs.commit", 0, COMMIT_A);
	expect_xattr(v, LARGE "/d1", "user.hffs.license", 0, "mit");
	expect_xattr(v, LARGE "/d1/b", "user.hffs.url", 0, "https://hub.example/acme/large/resolve/" COMMIT_A "/d1/b");
}

static void entries_of_a_wide_directory_are_looked_up_alone(void **state)
{
	struct vfs *v = *state;
	struct answer file, again;
	struct vfs_file *f = NULL;
	uint64_t wide = walk(v, LARGE "/wide").e.node;

	fake_asked();
	file = look(v, wide, "x");
	assert_int_equal(file.e.attr.st_size, 10);
	assert_int_equal(fake_asked(), 2); /* that it is wide, and the entry */
	assert_true(S_ISDIR(look(v, wide, "dir1").e.attr.st_mode));
	assert_int_equal(look(v, wide, "none").r, -ENOENT);
	assert_int_equal(fake_asked(), 2);
	again = look(v, wide, "x");
	assert_int_equal(again.e.node, file.e.node);
	expect_xattr(v, LARGE "/wide/x", "user.hffs.path", 0, "wide/x");
	assert_int_equal(vfs_open(v, file.e.node, O_RDONLY, &f, NULL), 0);
	vfs_release(f);
	fake_asked();
	expect_names(v, LARGE "/wide", "./ ../ a b ", true); /* who reads all of it waits for all of it */
	assert_int_equal(look(v, wide, "a").e.attr.st_size, 8);
	fake_trees_fail(-ETIMEDOUT);
	assert_int_equal(look(v, wide, "y").r, -ENOENT); /* and then it is complete */
}

/* The branch stays while a file far below in a large commit is read. */
static void a_large_commit_counts_its_readers(void **state)
{
	struct vfs *v = *state;
	struct vfs_file *f = NULL;

	fake_revision("acme/large", "main", 0, COMMIT_A);
	expect_link(v, "acme/large/main", COMMIT_A);
	assert_int_equal(vfs_open(v, walk(v, LARGE "/d1/a").e.node, O_RDONLY, &f, NULL), 0);
	fake_revision("acme/large", "main", 0, COMMIT_B);
	expect_link(v, "acme/large/main", COMMIT_A);
	vfs_release(f);
}

static void attributes_are_ours_only(void **state)
{
	struct vfs *v = *state;
	const char *file = "acme/tiny/" COMMIT_A "/model.safetensors", *deep = "acme/tiny/" COMMIT_A "/sub/deep/a b#c.txt";
	AUTO_BUF names = {0};

	expect_xattr(v, file, "security.selinux", -EOPNOTSUPP, NULL);
	expect_xattr(v, file, "user.other", -EOPNOTSUPP, NULL);
	expect_xattr(v, file, "user.hffs.nothing", -ENODATA, NULL);
	expect_xattr(v, file, "user.hffs.repo", 0, "acme/tiny");
	expect_xattr(v, file, "user.hffs.commit", 0, COMMIT_A);
	expect_xattr(v, file, "user.hffs.path", 0, "model.safetensors");
	expect_xattr(v, file, "user.hffs.size", 0, "3000000");
	expect_xattr(v, file, "user.hffs.oid", -ENODATA, NULL);
	expect_xattr(v, file, "user.hffs.sha256", 0, "0100000000000000000000000000000000000000000000000000000000000000");
	expect_xattr(v, deep, "user.hffs.oid", 0, "0400000000000000000000000000000000000000");
	expect_xattr(v, deep, "user.hffs.url", 0,
		     "https://hub.example/acme/tiny/resolve/" COMMIT_A "/sub/deep/a%20b%23c.txt");
	expect_xattr(v, file, "user.hffs.cached", 0, "0");
	expect_xattr(v, file, "user.hffs.verified", 0, "no");
	fake_cached(1000);
	expect_xattr(v, file, "user.hffs.cached", 0, "1000");
	expect_xattr(v, file, "user.hffs.last_error", -ENODATA, NULL);
	expect_xattr(v, file, "user.hffs.xet", 0, "ab00000000000000000000000000000000000000000000000000000000000000");
	expect_xattr(v, deep, "user.hffs.xet", -ENODATA, NULL);
	expect_listed(v, file, 9);
	expect_listed(v, "acme/tiny/" COMMIT_A, 7); /* repo, commit, and five of the card */
	expect_listed(v, "datasets/acme/data", 3);
	expect_xattr(v, "datasets/acme/data", "user.hffs.tags", 0, "v1\n");
	fake_refs_fail(-ETIMEDOUT);
	expect_xattr(v, "datasets/acme/data", "user.hffs.tags", -ENODATA, NULL);
	expect_listed(v, "datasets/acme/data", 2);
	fake_refs_fail(0);
	expect_listed(v, "", 0);
	vfs_note_error(v, walk(v, file).e.node, "it broke");
	expect_xattr(v, file, "user.hffs.last_error", 0, "it broke");
	expect_listed(v, file, 10);
	expect_xattr(v, deep, "user.hffs.last_error", -ENODATA, NULL);
	expect_xattr(v, "datasets/acme/data", "user.hffs.repo", 0, "datasets/acme/data");
	expect_xattr(v, "acme/tiny", "user.hffs.commit", -ENODATA, NULL);
	expect_xattr(v, "acme/tiny/" COMMIT_A, "user.hffs.commit", 0, COMMIT_A);
	for (int i = 0; i < 2; i++) {
		const char *dir = i ? "acme/tiny" : "acme/tiny/" COMMIT_A;

		expect_xattr(v, dir, "user.hffs.license", 0, "mit");
		expect_xattr(v, dir, "user.hffs.base_model", 0, "org/base");
		expect_xattr(v, dir, "user.hffs.params", 0, "42");
		expect_xattr(v, dir, "user.hffs.dtypes", 0, "F32:42");
		expect_xattr(v, dir, "user.hffs.task", -ENODATA, NULL);
		expect_xattr(v, dir, "user.hffs.gated", 0, "false");
	}
	expect_xattr(v, "datasets/acme/data", "user.hffs.license", -ENODATA, NULL);
	expect_xattr(v, file, "user.hffs.license", -ENODATA, NULL);
	expect_xattr(v, "", "user.hffs.repo", -ENODATA, NULL);
	expect_xattr(v, "", "user.hffs.status", -ENODATA, NULL);
	assert_int_equal(vfs_listxattr(v, walk(v, "acme/tiny").e.node, &names), 0);
	assert_true(names.len > sizeof("user.hffs.repo"));
	assert_int_equal(fake_blobs(), 0);
}

static void the_file_system_is_the_cache(void **state)
{
	struct statvfs st;

	vfs_statfs(*state, &st);
	assert_int_equal(st.f_blocks * st.f_frsize, 40960);
	assert_int_equal(st.f_bfree * st.f_frsize, 36864);
	assert_int_equal(st.f_namemax, 255);
}

/* --- answers that come later --- */

static void a_waiting_lookup_keeps_its_directory(void **state)
{
	struct vfs *v = *state;
	uint64_t org = look(v, NODE_ROOT_ID, "acme").e.node;
	struct answer a = {0}, b = {0};
	struct vfs_stats st;

	fake_hold();
	vfs_lookup(v, org, "tiny", on_lookup, &a);
	vfs_lookup(v, org, "tiny", on_lookup, &b);
	vfs_forget(v, org, 1); /* as after an interrupt */
	assert_int_equal(a.times + b.times, 0);
	fake_answer();
	assert_int_equal(a.times + b.times, 2);
	assert_int_equal(a.e.node, b.e.node);
	vfs_forget(v, a.e.node, 2);
	vfs_stats(v, &st);
	assert_int_equal(st.nodes, 1);
}

static void two_listings_of_one_commit_become_one(void **state)
{
	struct vfs *v = *state;
	uint64_t commit = walk(v, "acme/tiny/" COMMIT_A).e.node;
	struct answer a = {0}, b = {0};

	fake_hold();
	vfs_lookup(v, commit, "sub", on_lookup, &a);
	vfs_lookup(v, commit, "sub", on_lookup, &b);
	fake_answer();
	assert_int_equal(a.e.node, b.e.node);
	assert_int_equal(a.r + b.r, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(organisations_cost_no_request),
		TEST(repositories_are_what_the_catalog_says),
		TEST(revisions_are_symlinks_to_commits),
		TEST(old_names_are_symlinks),
		TEST(an_unknown_old_name_is_found_out),
		TEST(an_old_name_that_is_listed_is_found_out),
		TEST(a_failed_list_of_revisions_is_not_absence),
		TEST(a_commit_is_a_complete_listing),
		TEST(a_listing_that_fails_is_not_absence),
		TEST(inode_numbers_come_from_names),
		TEST(forgotten_nodes_go_with_their_parents),
		TEST(a_branch_does_not_move_under_a_reader),
		TEST(nor_when_its_nodes_are_forgotten),
		TEST(a_stable_symlink_moves_in_place),
		TEST(a_refresh_moves_it_all_the_same),
		TEST(directories_list_what_is_known),
		TEST(a_file_is_no_directory),
		TEST(positions_stay_and_entries_need_no_request),
		TEST(an_open_directory_is_a_snapshot),
		TEST(a_listing_does_not_move_a_symlink_back),
		TEST(one_repository_is_pinned_at_the_first_lookup),
		TEST(blocks_tell_what_an_earlier_run_has_cached),
		TEST(a_large_commit_is_listed_by_directory),
		TEST(entries_of_a_wide_directory_are_looked_up_alone),
		TEST(a_large_commit_counts_its_readers),
		TEST(attributes_are_ours_only),
		TEST(the_file_system_is_the_cache),
		TEST(a_waiting_lookup_keeps_its_directory),
		TEST(two_listings_of_one_commit_become_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

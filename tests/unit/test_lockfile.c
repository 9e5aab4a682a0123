// SPDX-License-Identifier: Apache-2.0
/* Lock files: the same contents give the same bytes, what was written is read, and anything else is refused with a sentence. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/lockfile.h>

#define SHA "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"
#define OID "b45ef6fec89518d314f546fd6c3025367b721684"
#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static struct lock_entry entry(enum repo_kind kind, const char *name, const char *rev, const char *commit)
{
	struct lock_entry e = {.repo = {.kind = kind}};

	snprintf(e.repo.name, sizeof(e.repo.name), "%s", name);
	snprintf(e.rev, sizeof(e.rev), "%s", rev);
	snprintf(e.commit, sizeof(e.commit), "%s", commit);
	return e;
}

static int add(struct lock_entry *e, const char *path, uint64_t size, const char *hex, struct err *err)
{
	struct blob_id id = {0};

	if (*hex)
		assert_int_equal(blob_id_parse(hex, &id), 0);
	return lock_entry_add(e, path, size, &id, err);
}

static void put(struct lockfile *l, struct lock_entry e)
{
	assert_int_equal(lockfile_put(l, &e, NULL), 0);
	assert_null(e.files); /* taken over */
}

static void make(struct lockfile *l, bool backwards)
{
	struct lock_entry model = entry(REPO_MODEL, "org/model", "main", COMMIT_A), data = entry(REPO_DATASET, "org/a", "v1", COMMIT_B);

	assert_int_equal(add(&model, backwards ? "a b" : "z/\u00fc\n\"", backwards ? 7 : 0, backwards ? SHA : OID, NULL), 0);
	assert_int_equal(add(&model, backwards ? "z/\u00fc\n\"" : "a b", backwards ? 0 : 7, backwards ? OID : SHA, NULL), 0);
	put(l, backwards ? data : model);
	put(l, backwards ? model : data);
}

static void test_same_bytes(void **state)
{
	static const char wanted[] =
		"{\n\t\"hffs_lock\": 1,\n\t\"repositories\": [\n\t\t{\n\t\t\t\"repository\": \"org/model\",\n\t\t\t\"revision\": \"main\",\n"
		"\t\t\t\"commit\": \"" COMMIT_A "\",\n\t\t\t\"files\": [\n"
		"\t\t\t\t{\"path\": \"a b\", \"size\": 7, \"digest\": \"sha256:" SHA "\"},\n"
		"\t\t\t\t{\"path\": \"z/\u00fc\\u000a\\\"\", \"size\": 0, \"digest\": \"git-sha1:" OID "\"}\n\t\t\t]\n\t\t},\n"
		"\t\t{\n\t\t\t\"repository\": \"datasets/org/a\",\n\t\t\t\"revision\": \"v1\",\n\t\t\t\"commit\": \"" COMMIT_B
		"\",\n\t\t\t\"files\": []\n\t\t}\n\t]\n}\n";

	(void)state;
	for (int backwards = 0; backwards < 2; backwards++) {
		AUTO_LOCKFILE l = {0}, again = {0};
		AUTO_BUF text = {0}, more = {0};

		make(&l, backwards);
		lockfile_format(&l, &text);
		assert_string_equal(text.data, wanted);
		assert_int_equal(lockfile_parse(text.data, text.len, &again, NULL), 0);
		lockfile_format(&again, &more);
		assert_string_equal(more.data, wanted);
	}
}

/* The other name is written, read, inherited by the next lock of that revision, and found; as is another case. */
static void test_other_names(void **state)
{
	struct lock_entry first = entry(REPO_MODEL, "org/Model", "main", COMMIT_A), second = entry(REPO_MODEL, "org/Model", "main", COMMIT_B),
			  third = entry(REPO_MODEL, "new/owner", "main", COMMIT_A);
	static const char *const known[] = {"org/Model", "ORG/model", "model", "MODEL"}, *const unknown[] = {"org/mode", "org/model2", "other/model"};
	AUTO_LOCKFILE l = {0}, again = {0};
	AUTO_BUF text = {0};
	struct repo_id found;

	(void)state;
	snprintf(first.also, sizeof(first.also), "model");
	put(&l, first);
	put(&l, second);
	lockfile_format(&l, &text);
	assert_non_null(strstr(text.data, "\"repository\": \"org/Model\",\n\t\t\t\"also\": \"model\",\n\t\t\t\"revision\": \"main\""));
	assert_non_null(strstr(text.data, COMMIT_B));
	assert_int_equal(lockfile_parse(text.data, text.len, &again, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		struct repo_id asked = entry(REPO_MODEL, known[i], "", "").repo;

		assert_true(lockfile_find_repo(&again, &asked, &found));
		assert_string_equal(found.name, "org/Model");
		asked.kind = REPO_DATASET;
		assert_false(lockfile_find_repo(&again, &asked, &found));
	}
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct repo_id asked = entry(REPO_MODEL, unknown[i], "", "").repo;

		assert_false(lockfile_find_repo(&again, &asked, &found));
	}
	snprintf(third.also, sizeof(third.also), "model"); /* the name went to another repository */
	put(&again, third);
	assert_false(lockfile_find_repo(&again, &(struct repo_id){REPO_MODEL, "model"}, &found));
	assert_true(lockfile_find_repo(&again, &(struct repo_id){REPO_MODEL, "new/owner"}, &found));
}

static void test_empty(void **state)
{
	AUTO_LOCKFILE l = {0};
	AUTO_BUF text = {0};

	(void)state;
	lockfile_format(&l, &text);
	assert_string_equal(text.data, "{\n\t\"hffs_lock\": 1,\n\t\"repositories\": []\n}\n");
	assert_int_equal(lockfile_parse(text.data, text.len, &l, NULL), 0);
	assert_int_equal(l.nr, 0);
}

static void test_find(void **state)
{
	AUTO_LOCKFILE l = {0};
	struct repo_id model = {REPO_MODEL, "org/model"}, other = {REPO_DATASET, "org/model"};

	(void)state;
	put(&l, entry(REPO_MODEL, "org/model", "v2", COMMIT_B));
	assert_string_equal(lockfile_find(&l, &model, NULL)->rev, "v2");
	put(&l, entry(REPO_MODEL, "org/model", "main", COMMIT_A));
	assert_string_equal(lockfile_find(&l, &model, NULL)->rev, "main");
	assert_string_equal(lockfile_find(&l, &model, COMMIT_B)->rev, "v2");
	assert_null(lockfile_find(&l, &model, "v3"));
	assert_null(lockfile_find(&l, &other, "main"));
	put(&l, entry(REPO_MODEL, "org/model", "main", COMMIT_B)); /* locked again: it moved */
	assert_int_equal(l.nr, 2);
	assert_string_equal(lockfile_find(&l, &model, "main")->commit, COMMIT_B);
}

static void test_what_no_lock_can_hold(void **state)
{
	AUTO_LOCKFILE l = {0};
	struct lock_entry e = entry(REPO_MODEL, "org/model", "main", COMMIT_A), twice = e, other = entry(REPO_MODEL, "org/model", "v1", COMMIT_A);
	struct err err = {0};

	(void)state;
	assert_int_equal(add(&e, "../x", 1, SHA, &err), -EINVAL);
	assert_int_equal(add(&e, "/x", 1, SHA, &err), -EINVAL);
	assert_int_equal(add(&e, "x\xff", 1, SHA, &err), -EINVAL);
	assert_int_equal(add(&e, "x", ((uint64_t)1 << 53) + 1, SHA, &err), -EINVAL);
	assert_int_equal(add(&e, "x", 1, "", &err), -EINVAL);
	assert_non_null(strstr(err.text, "no digest"));
	assert_int_equal(e.nr, 0);
	assert_int_equal(add(&twice, "x", 1, SHA, &err), 0);
	assert_int_equal(add(&twice, "x", 1, SHA, &err), 0);
	assert_int_equal(lockfile_put(&l, &twice, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'x' twice"));
	lock_entry_done(&twice);

	/* One commit, two contents. */
	assert_int_equal(add(&e, "a", 1, SHA, &err), 0);
	assert_int_equal(add(&e, "x", 1, SHA, &err), 0);
	assert_int_equal(lockfile_put(&l, &e, &err), 0);
	assert_int_equal(add(&other, "x", 2, SHA, &err), 0);
	assert_int_equal(lockfile_put(&l, &other, &err), -EINVAL);
	assert_non_null(strstr(err.text, "another for"));
	assert_int_equal(l.nr, 1);
	lock_entry_done(&other);
}

#define FILE_A "{\"path\": \"a\", \"size\": 7, \"digest\": \"sha256:" SHA "\"}"
#define REPO(name, rev, commit, files) \
	"{\"repository\": \"" name "\", \"revision\": \"" rev "\", \"commit\": \"" commit "\", \"files\": " files "}"
#define LOCK(repos) "{\"hffs_lock\": 1, \"repositories\": [" repos "]}"

static void test_refused(void **state)
{
	static const char *const texts[][2] = {
		{"", "not JSON"},
		{"[]", "hffs_lock"},
		{"{}", "hffs_lock"},
		{"{\"hffs_lock\": 2, \"repositories\": []}", "version 2"},
		{"{\"hffs_lock\": 1}", "lacks 'repositories'"},
		{"{\"hffs_lock\": 1, \"hffs_lock\": 1, \"repositories\": []}", "twice"},
		{"{\"hffs_lock\": 1, \"repositories\": {}}", "not a list"},
		{"{\"hffs_lock\": 1, \"repositories\": [], \"more\": 1}", "'more'"},
		{LOCK("1"), "not an object"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[]")) " x", "not JSON"},
		{LOCK(REPO("a/b/c", "main", COMMIT_A, "[]")), "'a/b/c' is not a repository"},
		{LOCK(REPO("org/m@x", "main", COMMIT_A, "[]")), "'org/m@x' is not a repository"},
		{LOCK(REPO("org/m", "../x", COMMIT_A, "[]")), "'../x' is not a revision"},
		{LOCK(REPO("org/m", "", COMMIT_A, "[]")), "not a revision"},
		{LOCK(REPO("org/m\", \"also\": \"a/b/c", "main", COMMIT_A, "[]")), "'a/b/c' is not another name"},
		{LOCK(REPO("org/m\", \"also\": \"ORG/m", "main", COMMIT_A, "[]")), "'ORG/m' is not another name"},
		{LOCK(REPO("org/m\", \"also\": \"datasets/m", "main", COMMIT_A, "[]")), "'datasets/m' is not another name"},
		{LOCK(REPO("org/m\", \"also\": \"m\", \"also\": \"m", "main", COMMIT_A, "[]")), "twice"},
		{LOCK(REPO("org/m", "main", "abc", "[]")), "'abc' is not a commit"},
		{LOCK(REPO("org/m", COMMIT_B, COMMIT_A, "[]")), "locked as the commit"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "{}")), "'files' is not a list"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[]") "," REPO("org/m", "main", COMMIT_B, "[]")), "org/m@main is there twice"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[" FILE_A "," FILE_A "]")), "'a' twice"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a\", \"size\": 7}]")), "lacks 'digest'"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": 1, \"size\": 7, \"digest\": \"sha256:" SHA "\"}]")), "not text"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a\", \"size\": -7, \"digest\": \"sha256:" SHA "\"}]")), "size of 'a'"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a\", \"size\": 7, \"digest\": \"sha256:" OID "\"}]")), "digest of 'a'"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a\", \"size\": 7, \"digest\": \"md5:" OID "\"}]")), "digest of 'a'"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a/../b\", \"size\": 7, \"digest\": \"sha256:" SHA "\"}]")), "no path"},
		{LOCK(REPO("org/m", "main", COMMIT_A, "[{\"path\": \"a\\u0000b/..\", \"size\": 7, \"digest\": \"sha256:" SHA "\"}]")), "no path"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct lockfile l = {0};
		struct err err = {0};

		assert_int_equal(lockfile_parse(texts[i][0], strlen(texts[i][0]), &l, &err), -EBADMSG);
		if (!strstr(err.text, texts[i][1]))
			fail_msg("%s: it says '%s', not '%s'", texts[i][0], err.text, texts[i][1]);
		assert_null(l.entries);
	}
}

/* Cut anywhere, it is refused: no beginning of a lock passes for a lock. */
static void test_cut(void **state)
{
	AUTO_LOCKFILE l = {0};
	AUTO_BUF text = {0};

	(void)state;
	make(&l, false);
	lockfile_format(&l, &text);
	for (size_t len = 0; len + 1 < text.len; len++) { /* without the last newline it is whole */
		AUTO_LOCKFILE half = {0};

		assert_int_equal(lockfile_parse(text.data, len, &half, NULL), -EBADMSG);
	}
}

static void test_files(void **state)
{
	char dir[] = "/tmp/hffs-lockfile.XXXXXX", path[64];
	AUTO_LOCKFILE l = {0}, again = {0};
	struct err err = {0};

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(lockfile_load(path, &again, &err), -ENOENT);
	assert_non_null(strstr(err.text, path));
	make(&l, false);
	assert_int_equal(lockfile_store(&l, path, &err), 0);
	assert_int_equal(lockfile_load(path, &again, &err), 0);
	assert_int_equal(again.nr, 2);
	assert_int_equal(io_replace_file(path, "{", 1, 0644), 0);
	assert_int_equal(lockfile_load(path, &again, &err), -EBADMSG);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(lockfile_store(&l, "/nowhere/at/all", &err), -ENOENT);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_empty),   cmocka_unit_test(test_find),
		cmocka_unit_test(test_what_no_lock_can_hold), cmocka_unit_test(test_refused), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_files), cmocka_unit_test(test_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

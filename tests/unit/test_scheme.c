// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <string.h>

#include <hffs/scheme.h>

#define HEX "0123456789abcdef0123456789abcdef01234567"

static void names_above_repositories(void **state)
{
	static const struct {
		const char *name;
		enum place place;
		enum repo_kind kind;
	} rows[] = {
		{"datasets", PLACE_KIND, REPO_DATASET}, {"spaces", PLACE_KIND, REPO_SPACE}, {"dataset", PLACE_ORG, 0},
		{"models", PLACE_ORG, 0},		{"openai-community", PLACE_ORG, 0}, {".Trash", PLACE_NONE, 0},
		{".hub", PLACE_HUB, 0},			{".hub2", PLACE_NONE, 0},	    {"models--a--b", PLACE_NONE, 0},
		{".", PLACE_NONE, 0},			{"a b", PLACE_NONE, 0},		    {"", PLACE_NONE, 0},
	};
	struct repo_id repo;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum repo_kind kind = REPO_MODEL;

		assert_int_equal(scheme_in_root(rows[i].name, &kind), rows[i].place);
		if (rows[i].place == PLACE_KIND)
			assert_int_equal(kind, rows[i].kind);
	}
	assert_int_equal(scheme_in_kind("datasets"), PLACE_ORG);
	assert_int_equal(scheme_in_org(REPO_SPACE, "a", "b", &repo), PLACE_REPO);
	assert_string_equal(repo.name, "a/b");
	assert_int_equal(repo.kind, REPO_SPACE);
	assert_int_equal(scheme_in_org(REPO_MODEL, "a", "b.git", &repo), PLACE_NONE);
}

static void names_in_repositories(void **state)
{
	static const struct {
		const char *prefix, *name;
		enum place place;
		const char *rev;
	} rows[] = {
		{"", "main", PLACE_REVISION, "main"},
		{"", HEX, PLACE_COMMIT, HEX},
		{"refs", HEX, PLACE_REVISION, "refs/" HEX},
		{"", "0123456789ABCDEF0123456789ABCDEF01234567", PLACE_REVISION, "0123456789ABCDEF0123456789ABCDEF01234567"},
		{"", "refs", PLACE_REFS, "refs"},
		{"refs", "pr", PLACE_REFS, "refs/pr"},
		{"refs", "convert", PLACE_REFS, "refs/convert"},
		{"refs/pr", "3", PLACE_REVISION, "refs/pr/3"},
		{"", "refs%2Fpr%2f3", PLACE_REVISION, "refs/pr/3"},
		{"", "refs%2Fpr", PLACE_NONE, NULL},
		{"", "%2Fmain", PLACE_NONE, NULL},
		{"", "main%2F", PLACE_NONE, NULL},
		{"", "a%2F%2Fb", PLACE_NONE, NULL},
		{"", "a%2Fb%2Fc", PLACE_REVISION, "a/b/c"},
		{"", "100%25", PLACE_REVISION, "100%25"},
		{"", ".gitattributes", PLACE_NONE, NULL},
		{"", "a..b", PLACE_NONE, NULL},
		{"", "..", PLACE_NONE, NULL},
		{"", "x.lock", PLACE_NONE, NULL},
		{"", "-x", PLACE_NONE, NULL},
		{"", "a b", PLACE_NONE, NULL},
		{"", "a\nb", PLACE_NONE, NULL},
		{"", "v1.0*", PLACE_NONE, NULL},
		{"", "stable@{1}", PLACE_NONE, NULL},
		{"", "v1.0-rc1", PLACE_REVISION, "v1.0-rc1"},
	};
	char rev[REPO_REV_MAX], longest[REPO_REV_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(scheme_in_repo(rows[i].prefix, rows[i].name, rev), rows[i].place);
		if (rows[i].rev)
			assert_string_equal(rev, rows[i].rev);
	}
	memset(longest, 'x', sizeof(longest));
	longest[REPO_REV_MAX] = '\0';
	assert_int_equal(scheme_in_repo("refs", longest, rev), PLACE_NONE);
	assert_int_equal(scheme_in_repo(longest, "x", rev), PLACE_NONE);
}

static void revisions_below_a_prefix(void **state)
{
	static const struct {
		const char *rev, *prefix, *child;
		bool is_dir;
	} rows[] = {
		{"main", "", "main", false},	  {"release/1", "", "release", true},	{"release/1", "release", "1", false},
		{"release/1", "rel", NULL, false}, {"release", "release", NULL, false}, {"refs/pr/3", "refs", "pr", true},
		{"refs/pr/3", "refs/pr", "3", false},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *child;
		bool is_dir;
		size_t len = scheme_ref_child(rows[i].rev, rows[i].prefix, &child, &is_dir);

		assert_int_equal(len, rows[i].child ? strlen(rows[i].child) : 0);
		if (!len)
			continue;
		assert_memory_equal(child, rows[i].child, len);
		assert_int_equal(is_dir, rows[i].is_dir);
	}
}

static void symlinks_are_relative(void **state)
{
	struct repo_id repo = {REPO_MODEL, "new/name"};
	static const char *const rows[][2] = {{"", HEX}, {"release", "../" HEX}, {"refs/pr", "../../" HEX}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_BUF b = {0};

		scheme_commit_target(&b, rows[i][0], HEX);
		assert_string_equal(b.data, rows[i][1]);
	}
	AUTO_BUF b = {0};
	scheme_repo_target(&b, 1, &repo);
	assert_string_equal(b.data, "../new/name");
	buf_clear(&b);
	scheme_repo_target(&b, 0, &repo);
	assert_string_equal(b.data, "new/name");
	assert_true(scheme_is_old_name(REPO_MODEL, "gpt2"));
	assert_true(scheme_is_old_name(REPO_MODEL, "albert-base-v1")); /* the ends of the lists */
	assert_true(scheme_is_old_name(REPO_MODEL, "xlnet-large-cased"));
	assert_true(scheme_is_old_name(REPO_DATASET, "ag_news"));
	assert_true(scheme_is_old_name(REPO_DATASET, "yelp_review_full"));
	assert_false(scheme_is_old_name(REPO_DATASET, "gpt2"));
	assert_false(scheme_is_old_name(REPO_MODEL, "openai-community"));
	assert_false(scheme_is_old_name(REPO_SPACE, "gpt2"));
	assert_true(scheme_has_place(&repo));
	strcpy(repo.name, "gpt2");
	assert_false(scheme_has_place(&repo));
}

static void names_of_the_cache_layout(void **state)
{
	static const struct {
		const char *name;
		enum repo_kind kind;
		const char *repo; /* NULL: none */
	} rows[] = {
		{"models--org--name", REPO_MODEL, "org/name"},
		{"datasets--org--na-me.v1_x", REPO_DATASET, "org/na-me.v1_x"},
		{"spaces--o--n", REPO_SPACE, "o/n"},
		{"models--gpt2", REPO_MODEL, "gpt2"},
		{"models--a--b--c", 0, NULL},
		{"models----b", 0, NULL},
		{"models--a--", 0, NULL},
		{"models--a---b", 0, NULL},
		{"models--", 0, NULL},
		{"models-a", 0, NULL},
		{"model--a--b", 0, NULL},
		{"kernels--a--b", 0, NULL},
		{"models--..--b", 0, NULL},
		{".locks", 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_BUF back = {0};
		struct repo_id repo;

		assert_int_equal(scheme_in_hub(rows[i].name, &repo), rows[i].repo ? PLACE_REPO : PLACE_NONE);
		if (!rows[i].repo)
			continue;
		assert_int_equal(repo.kind, rows[i].kind);
		assert_string_equal(repo.name, rows[i].repo);
		scheme_hub_name(&back, &repo);
		assert_string_equal(back.data, rows[i].name);
	}
}

static void pointers_climb_out_of_their_folders(void **state)
{
	static const char *const rows[] = {"../../blobs/" HEX, "../../../blobs/" HEX, "../../../../blobs/" HEX};
	struct blob_id id;

	(void)state;
	assert_int_equal(blob_id_parse(HEX, &id), 0);
	for (unsigned depth = 0; depth < ARRAY_SIZE(rows); depth++) {
		AUTO_BUF target = {0};

		scheme_pointer_target(&target, depth, &id);
		assert_string_equal(target.data, rows[depth]);
	}
}

static void inode_numbers_go_down_name_by_name(void **state)
{
	struct repo_id model = {REPO_MODEL, "o/n"}, data = {REPO_DATASET, "o/n"};
	uint64_t root = scheme_root_ino("https://hub"), ino = scheme_ino(root, "datasets", 8);

	(void)state;
	ino = scheme_ino(scheme_ino(scheme_ino(ino, "o", 1), "n", 1), HEX, 40);
	assert_int_equal(scheme_commit_ino(root, &data, HEX), ino);
	assert_true(scheme_commit_ino(root, &model, HEX) != ino);
	assert_true(scheme_root_ino("https://other") != root);
	assert_true(root != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_above_repositories),
		cmocka_unit_test(names_in_repositories),
		cmocka_unit_test(revisions_below_a_prefix),
		cmocka_unit_test(symlinks_are_relative),
		cmocka_unit_test(names_of_the_cache_layout),
		cmocka_unit_test(pointers_climb_out_of_their_folders),
		cmocka_unit_test(inode_numbers_go_down_name_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/err.h>
#include <hffs/repo.h>

static void reads_what_users_write(void **state)
{
	static const struct {
		const char *text;
		enum repo_kind kind;
		const char *name, *rev; /* NULL: refused */
	} rows[] = {
		{"org/name", REPO_MODEL, "org/name", "main"},
		{"gpt2", REPO_MODEL, "gpt2", "main"},
		{"datasets/org/name@v1", REPO_DATASET, "org/name", "v1"},
		{"spaces/org/name", REPO_SPACE, "org/name", "main"},
		{"models/org/name", REPO_MODEL, "org/name", "main"},
		{"org/name@refs/pr/3", REPO_MODEL, "org/name", "refs/pr/3"},
		{"org/name@refs%2Fpr%2f3", REPO_MODEL, "org/name", "refs/pr/3"},
		{"org/name@100%", REPO_MODEL, "org/name", "100%"},
		{"https://huggingface.co/org/name", REPO_MODEL, "org/name", "main"},
		{"https://huggingface.co/datasets/org/name/tree/release%2Fv2", REPO_DATASET, "org/name", "release/v2"},
		{"https://huggingface.co/org/name/blob/v1.0/config.json", REPO_MODEL, "org/name", "v1.0"},
		{"org/name@", 0, NULL, NULL},
		{"org/name/extra", 0, NULL, NULL},
		{"models/datasets/name", 0, NULL, NULL},
		{"datasets/spaces/org/name", 0, NULL, NULL},
		{"org/na--me", 0, NULL, NULL},
		{"../x", 0, NULL, NULL},
		{"", 0, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct repo_id id;
		char rev[REPO_REV_MAX];
		struct err err = {0};
		int r = repo_parse(rows[i].text, &id, rev, &err);

		assert_int_equal(r, rows[i].name ? 0 : -EINVAL);
		if (r < 0) {
			assert_true(err.text[0]);
			continue;
		}
		assert_int_equal(id.kind, rows[i].kind);
		assert_string_equal(id.name, rows[i].name);
		assert_string_equal(rev, rows[i].rev);
	}
}

static void a_long_revision_is_refused(void **state)
{
	char text[REPO_REV_MAX + 32] = "org/name@", rev[REPO_REV_MAX];
	struct repo_id id;

	(void)state;
	memset(text + 9, 'a', REPO_REV_MAX - 1);
	assert_int_equal(repo_parse(text, &id, rev, NULL), 0);
	text[9 + REPO_REV_MAX - 1] = 'a';
	assert_int_equal(repo_parse(text, &id, rev, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_users_write),
		cmocka_unit_test(a_long_revision_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Listings: order, directories, pages, git ids. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/digest.h>

#include "../../serve/listing_int.h"

static struct listing *make(const char *const *paths, size_t nr)
{
	struct listing *l = listing_new();

	assert_non_null(l);
	for (size_t i = 0; i < nr; i++) {
		struct entry *e = listing_add(l, paths[i], strlen(paths[i]));

		assert_non_null(e);
		e->size = i + 1;
		assert_int_equal(hex_parse("e69de29bb2d1d6434b8b29ae775ad8c2e48c5391", 40, e->oid), 0);
	}
	assert_int_equal(listing_add_dirs(l), 0);
	assert_int_equal(listing_finish(l), 0);
	return l;
}

static const char *const paths[] = {"a/y", "a-b", "a/x/1", "z", "a.b", "a/x/2", "b/c/d/e"};

static void directories_come_before_their_content(void **state)
{
	static const char *const expected[] = {"a", "a/x", "a/x/1", "a/x/2", "a/y", "a-b", "a.b", "b", "b/c", "b/c/d", "b/c/d/e", "z"};
	AUTO(listing_unref) struct listing *l = make(paths, ARRAY_SIZE(paths));

	(void)state;
	assert_int_equal(l->nr, ARRAY_SIZE(expected));
	for (size_t i = 0; i < l->nr; i++)
		assert_string_equal(l->entries[i].path, expected[i]);
	assert_int_equal(l->entries[0].end, 5);
	assert_int_equal(l->entries[1].end, 4);
	assert_int_equal(l->entries[7].end, 11);
	assert_int_equal(l->size, 1 + 2 + 3 + 4 + 5 + 6 + 7);
}

static void finds(void **state)
{
	AUTO(listing_unref) struct listing *l = make(paths, ARRAY_SIZE(paths));

	(void)state;
	for (size_t i = 0; i < l->nr; i++)
		assert_ptr_equal(listing_find(l, l->entries[i].path), &l->entries[i]);
	assert_null(listing_find(l, ""));
	assert_null(listing_find(l, "a/"));
	assert_null(listing_find(l, "../a"));
	assert_null(listing_find(l, "a/x/3"));
}

/* All paths of dir in pages of `page`, separated by blanks; the cursor is the last path of a page. */
static void assert_pages(const struct listing *l, const char *dir, bool recursive, size_t page, const char *expected)
{
	char cursor[64] = "";
	AUTO_BUF all = {0};
	size_t nr;

	do {
		const struct entry *e = NULL;
		struct walk w;

		assert_int_equal(walk_init(&w, l, dir, recursive, cursor), 0);
		for (nr = 0; nr < page && (e = walk_next(&w)); nr++) {
			buf_addf(&all, "%s ", e->path);
			strncpy(cursor, e->path, sizeof(cursor) - 1);
		}
	} while (nr == page);
	assert_string_equal(all.len ? all.data : "", expected);
}

static void walks_in_pages(void **state)
{
	AUTO(listing_unref) struct listing *l = make(paths, ARRAY_SIZE(paths));
	struct walk w;

	(void)state;
	for (size_t page = 1; page < 14; page++) {
		assert_pages(l, "", false, page, "a a-b a.b b z ");
		assert_pages(l, "", true, page, "a a/x a/x/1 a/x/2 a/y a-b a.b b b/c b/c/d b/c/d/e z ");
		assert_pages(l, "a", false, page, "a/x a/y ");
		assert_pages(l, "a", true, page, "a/x a/x/1 a/x/2 a/y ");
		assert_pages(l, "b/c", true, page, "b/c/d b/c/d/e ");
	}
	assert_int_equal(walk_init(&w, l, "z", false, ""), -ENOENT);
	assert_int_equal(walk_init(&w, l, "none", false, ""), -ENOENT);
	/* a cursor that is gone, as after a branch has moved */
	assert_int_equal(walk_init(&w, l, "", false, "a0"), 0);
	assert_string_equal(walk_next(&w)->path, "b");
}

/* Reference: git write-tree over empty files of these names. */
static void tree_ids_are_those_of_git(void **state)
{
	static const char *const names[] = {"a/x", "a.b", "a-b", "b"};
	AUTO(listing_unref) struct listing *l = make(names, ARRAY_SIZE(names));
	char hex[41];

	(void)state;
	assert_int_equal(listing_make_trees(l), 0);
	hex_format(l->tree, 20, hex);
	assert_string_equal(hex, "149da073a7d2d2a80d57736ff0065549e52f91a2");
}

static void an_empty_folder_is_the_empty_tree(void **state)
{
	AUTO(listing_unref) struct listing *l = make(NULL, 0);
	char hex[41];

	(void)state;
	assert_int_equal(listing_make_trees(l), 0);
	hex_format(l->tree, 20, hex);
	assert_string_equal(hex, "4b825dc642cb6eb9a060e54bf8d69288fbee4904");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(directories_come_before_their_content), cmocka_unit_test(finds), cmocka_unit_test(walks_in_pages),
		cmocka_unit_test(tree_ids_are_those_of_git), cmocka_unit_test(an_empty_folder_is_the_empty_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

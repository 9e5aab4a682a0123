// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <hffs/node.h>

static void nodes_are_found_by_id_and_name(void **state)
{
	struct nodes t;
	struct node *a, *b;

	(void)state;
	assert_int_equal(nodes_init(&t, NODE_ROOT, 99), 0);
	assert_ptr_equal(node_find(&t, NODE_ROOT_ID), t.root);
	a = node_add(&t, t.root, NODE_ORG, "abc", 3, NULL);
	node_look(a);
	b = node_add(&t, a, NODE_REFS, "abcdef", 3, NULL);
	node_look(b);
	assert_string_equal(b->name, "abc");
	assert_ptr_equal(node_find(&t, a->id), a);
	assert_ptr_equal(node_find_child(&t, t.root, "abc", 3), a);
	assert_ptr_equal(node_find_child(&t, a, "abcxyz", 3), b);
	assert_null(node_find_child(&t, a, "ab", 2));
	assert_null(node_find(&t, 77));
	assert_true(a->ino != b->ino && a->id != b->id);
	nodes_done(&t);
}

static void the_path_of_a_node(void **state)
{
	struct nodes t;
	struct node *a, *b;
	AUTO_BUF path = {0};

	(void)state;
	nodes_init(&t, NODE_ROOT, 99);
	a = node_add(&t, t.root, NODE_ORG, "org", 3, NULL);
	b = node_add(&t, a, NODE_REFS, "name", 4, NULL);
	node_look(b);
	node_path(b, &path);
	assert_string_equal(path.data, "org/name");
	nodes_done(&t);
}

static void a_node_lives_while_something_counts_it(void **state)
{
	struct nodes t;
	struct node *a, *b;
	uint64_t ida, idb;

	(void)state;
	nodes_init(&t, NODE_ROOT, 99);
	a = node_add(&t, t.root, NODE_ORG, "a", 1, NULL);
	node_look(a);
	node_look(a);
	b = node_add(&t, a, NODE_REFS, "b", 1, NULL);
	node_look(b);
	ida = a->id;
	idb = b->id;
	node_forget(&t, a, 2);
	assert_non_null(node_find(&t, ida)); /* its child */
	node_pin(b);
	node_forget(&t, b, 100);
	assert_non_null(node_find(&t, idb));
	node_unpin(&t, b);
	assert_null(node_find(&t, idb));
	assert_null(node_find(&t, ida));
	assert_int_equal(t.nr, 1);
	node_forget(&t, t.root, 5);
	assert_non_null(node_find(&t, NODE_ROOT_ID));
	nodes_done(&t);
}

static void a_new_type_takes_the_name(void **state)
{
	struct nodes t;
	struct node *link, *dir;

	(void)state;
	nodes_init(&t, NODE_ROOT, 99);
	link = node_add(&t, t.root, NODE_LINK, "x", 1, NULL);
	node_look(link);
	dir = node_add(&t, t.root, NODE_ORG, "x", 1, NULL);
	node_look(dir);
	assert_ptr_equal(node_find_child(&t, t.root, "x", 1), dir);
	assert_ptr_equal(node_find(&t, link->id), link);
	assert_int_equal(link->ino, dir->ino);
	node_forget(&t, link, 1);
	assert_ptr_equal(node_find_child(&t, t.root, "x", 1), dir);
	assert_int_equal(t.nr, 2);
	nodes_done(&t);
}

static void sites_go_with_their_owner(void **state)
{
	struct repo_id repo = {REPO_MODEL, "o/n"};
	struct site *s = site_new(&repo, "");
	struct nodes t;
	struct node *n;

	(void)state;
	nodes_init(&t, NODE_ROOT, 99);
	n = node_add(&t, t.root, NODE_REPO, "n", 1, site_ref(s));
	node_look(n);
	assert_int_equal(s->refs, 2);
	node_forget(&t, n, 1);
	assert_int_equal(s->refs, 1);
	site_unref(s);
	nodes_done(&t);
}

static void many_nodes(void **state)
{
	enum { NR = 20000 };
	struct nodes t;

	(void)state;
	nodes_init(&t, NODE_ROOT, 99);
	for (int i = 0; i < NR; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		node_look(node_add(&t, t.root, NODE_ORG, name, strlen(name), NULL));
	}
	assert_int_equal(t.nr, NR + 1);
	for (int i = 0; i < NR; i++) {
		char name[16];
		struct node *n;

		snprintf(name, sizeof(name), "n%d", i);
		n = node_find_child(&t, t.root, name, strlen(name));
		assert_non_null(n);
		assert_ptr_equal(node_find(&t, n->id), n);
		if (i % 2)
			node_forget(&t, n, 1);
	}
	assert_int_equal(t.nr, NR / 2 + 1);
	nodes_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_found_by_id_and_name),
		cmocka_unit_test(the_path_of_a_node),
		cmocka_unit_test(a_node_lives_while_something_counts_it),
		cmocka_unit_test(a_new_type_takes_the_name),
		cmocka_unit_test(sites_go_with_their_owner),
		cmocka_unit_test(many_nodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* Where objects were found: what is remembered, and for how long. */
#include "unit.h"

#include <stdio.h>

#include "../../hub/location_int.h"

static struct object_ref ref_of(char *path, size_t size, unsigned n)
{
	struct object_ref ref = {.path = path, .size = 1};

	snprintf(path, size, "file-%u", n);
	snprintf(ref.repo.name, sizeof(ref.repo.name), "org/name");
	return ref;
}

/* A transfer keeps the location it goes by, however many others are asked for meanwhile; the others make room. */
static void location_in_use_stays(void **state)
{
	struct locations ls = {0};
	char path[32];
	struct object_ref ref = ref_of(path, sizeof(path), 0);
	struct location *used = location_ensure(&ls, &ref), *l;

	(void)state;
	assert_non_null(used);
	assert_int_equal(location_set(used, "http://127.0.0.1/x", 0, 0), 0);
	for (unsigned i = 1; i < LOCATIONS_MAX + 100; i++) {
		ref = ref_of(path, sizeof(path), i);
		l = location_ensure(&ls, &ref);
		assert_non_null(l);
		location_leave(l);
	}
	assert_true(ls.map.nr <= LOCATIONS_MAX);
	assert_string_equal(used->url, "http://127.0.0.1/x");
	ref = ref_of(path, sizeof(path), 0);
	assert_ptr_equal(location_ensure(&ls, &ref), used);
	locations_done(&ls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(location_in_use_stays)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
	assert_int_equal(location_set(used, "http://127.0.0.1/x", true, 0, 0), 0);
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

/* In the last quarter of its life, ten minutes at most; after a failure not at once; never while somebody asks, or where nothing ends. */
static void addresses_are_renewed_in_time(void **state)
{
	struct locations ls = {0};
	char path[32];
	struct object_ref ref = ref_of(path, sizeof(path), 0);
	struct location *l = location_ensure(&ls, &ref);
	uint64_t end;

	(void)state;
	assert_non_null(l);
	assert_false(location_wants_renewal(l, 0));
	assert_int_equal(location_set(l, "http://cdn/x?Expires=1040", true, 5000, 1000), 0);
	end = l->until_ms;
	assert_in_range(end, 5000 + 30000, 5000 + 40000);
	assert_false(location_wants_renewal(l, 5000));
	assert_false(location_wants_renewal(l, 5000 + (end - 5000) * 3 / 4 - 1));
	assert_true(location_wants_renewal(l, 5000 + (end - 5000) * 3 / 4));
	assert_true(location_is_usable(l, 5000 + (end - 5000) * 3 / 4));
	l->resolver = (struct object_get *)&ls; /* anybody */
	assert_false(location_wants_renewal(l, end - 1));
	l->resolver = NULL;
	location_postpone_renewal(l, end - 8000);
	assert_false(location_wants_renewal(l, end - 6001));
	assert_true(location_wants_renewal(l, end - 6000));
	location_postpone_renewal(l, end - 10);
	assert_false(location_wants_renewal(l, end + 989));

	assert_int_equal(location_set(l, "http://cdn/x?Expires=11000", true, 0, 1000), 0);
	assert_false(location_wants_renewal(l, l->until_ms - 600001));
	assert_true(location_wants_renewal(l, l->until_ms - 600000));
	assert_int_equal(location_set(l, "http://hub/x", false, 0, 1000), 0);
	assert_false(location_wants_renewal(l, l->until_ms));
	location_leave(l);
	locations_done(&ls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(location_in_use_stays), cmocka_unit_test(addresses_are_renewed_in_time)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

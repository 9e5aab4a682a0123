// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include <hffs/digest.h>

static void expect_hex(struct chunk_digest d, const char *hex)
{
	char got[2 * sizeof(d.bytes) + 1];

	hex_format(d.bytes, sizeof(d.bytes), got);
	assert_string_equal(got, hex);
}

/* What is in caches by now; of nothing as xxHash's own documents have it. */
static void a_chunk_has_the_digest_of_the_format(void **state)
{
	(void)state;
	expect_hex(digest_chunk("", 0, 0), "99aa06d3014798d86001c324468d497f");
	assert_memory_not_equal(digest_chunk("abc", 3, 1).bytes, digest_chunk("abc", 3, 2).bytes, 16);
}

/* The lengths at which xxHash goes another way, in pieces of every kind, one chunk after another. */
static void pieces_have_the_digest_of_the_whole(void **state)
{
	static const size_t lens[] = {1, 3, 4, 8, 9, 16, 17, 128, 129, 240, 241, 256, 257, 512, 1024, 1025, 65536, 262143, 262144};
	static const size_t pieces[] = {1, 7, 64, 255, 256, 257, 1000, 16384, 262144};
	AUTO_FREE uint8_t *bytes = malloc(262144);
	AUTO(chunk_hash_free) struct chunk_hash *h = chunk_hash_new();

	(void)state;
	assert_non_null(bytes);
	assert_non_null(h);
	for (size_t i = 0; i < 262144; i++)
		bytes[i] = (uint8_t)(i * 167 >> 3);
	for (size_t l = 0; l < sizeof(lens) / sizeof(*lens); l++)
		for (size_t p = 0; p < sizeof(pieces) / sizeof(*pieces); p++) {
			struct chunk_digest whole = digest_chunk(bytes, lens[l], l * 31 + p), got;

			chunk_hash_begin(h, l * 31 + p);
			for (size_t at = 0; at < lens[l]; at += pieces[p])
				chunk_hash_update(h, bytes + at, pieces[p] < lens[l] - at ? pieces[p] : lens[l] - at);
			got = chunk_hash_final(h);
			assert_memory_equal(got.bytes, whole.bytes, sizeof(got.bytes));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_chunk_has_the_digest_of_the_format),
		cmocka_unit_test(pieces_have_the_digest_of_the_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

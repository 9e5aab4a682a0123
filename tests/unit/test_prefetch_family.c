// SPDX-License-Identifier: Apache-2.0
/* Tensors: which ones come next, in which shard, how much of each. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "../../fetch/prefetch_int.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define WINDOW (32 * MIB)
#define HEADER (16 * KIB + 8)
#define TENSOR (8 * MIB)
#define LAYERS 16

/* Layers in the order of strings (0, 1, 10, 11 ..), three tensors each, the second half of them in a second shard. */
struct fixture {
	struct prefetch_family *family;
	struct prefetch shards[2];
	uint64_t asked[2][LAYERS * 3]; /* bytes of each tensor, by its place in the shard */
	unsigned wants;
	uint64_t now_ms;
};

static const char *const kinds[] = {"down", "gate", "up"};

static const char *layer_name(unsigned i, char name[8])
{
	static const unsigned order[LAYERS] = {0, 1, 10, 11, 12, 13, 14, 15, 2, 3, 4, 5, 6, 7, 8, 9};

	(void)snprintf(name, 8, "%u", order[i]);
	return name;
}

static void begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->family = prefetch_family_new();
	assert_non_null(f->family);
	for (unsigned s = 0; s < 2; s++) {
		struct prefetch_part parts[LAYERS / 2 * 3];
		char names[LAYERS / 2 * 3][48], layer[8];
		unsigned nr = 0;

		f->shards[s].size = HEADER + ARRAY_SIZE(parts) * TENSOR;
		prefetch_join(&f->shards[s], f->family, s + 1);
		for (unsigned i = 0; i < LAYERS / 2; i++)
			for (unsigned k = 0; k < 3; k++, nr++) {
				(void)snprintf(names[nr], sizeof(names[nr]), "model.layers.%s.mlp.%s", layer_name(s * LAYERS / 2 + i, layer), kinds[k]);
				parts[nr] = (struct prefetch_part){names[nr], HEADER + nr * TENSOR, TENSOR};
			}
		assert_int_equal(prefetch_set_parts(&f->shards[s], parts, nr), 0);
	}
}

static void end(struct fixture *f)
{
	prefetch_leave(&f->shards[0]);
	assert_false(prefetch_family_is_empty(f->family));
	prefetch_leave(&f->shards[1]);
	assert_true(prefetch_family_is_empty(f->family));
	prefetch_family_free(f->family);
}

static void note(struct fixture *f, unsigned shard, uint64_t off, uint64_t len, enum prefetch_class class)
{
	const struct prefetch_read r = {.off = off, .len = len, .now_ms = f->now_ms += 5, .hit = true};
	struct prefetch_want wants[PREFETCH_WANTS_MAX];
	unsigned nr = prefetch_note(&f->shards[shard], &r, &(struct prefetch_limits){.ahead = WINDOW}, wants, PREFETCH_WANTS_MAX);

	for (unsigned i = 0; i < nr; i++) {
		unsigned of = (unsigned)(wants[i].of - f->shards);
		uint64_t at = wants[i].off, last = at + wants[i].len;

		assert_true(of < 2 && wants[i].len && last <= wants[i].of->size);
		f->wants += wants[i].class == class;
		while (wants[i].class == class && at < last) {
			uint64_t t = at < HEADER ? 0 : (at - HEADER) / TENSOR, stop = min_u64(last, HEADER + (t + 1) * TENSOR);

			f->asked[of][t] += stop - at;
			at = stop;
		}
	}
}

/* A thread that touches the first len bytes of a tensor through a mapping. */
static void touch(struct fixture *f, unsigned shard, unsigned tensor, uint64_t len)
{
	uint64_t start = HEADER + tensor * TENSOR, end = start + len, at = start > 128 * KIB ? start / 4096 * 4096 - 128 * KIB : 0;

	for (; at < end; at += 256 * KIB)
		note(f, shard, at, 256 * KIB, len > MIB ? PREFETCH_STREAM : PREFETCH_PROBE);
}

static void views_bring_first_pages_and_no_bodies(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 3; i < 9; i++)
		touch(&f, 0, i, 4 * KIB);
	assert_true(f.wants > 0);
	for (unsigned i = 9; i < LAYERS / 2 * 3; i++)
		assert_in_range(f.asked[0][i], 128 * KIB, 288 * KIB); /* its own pages, those before the next one, the header */
	for (unsigned i = 0; i < LAYERS / 2 * 3 - 9; i++)
		assert_in_range(f.asked[1][i], 128 * KIB, 288 * KIB); /* its own pages, those before the next one, the header */
	end(&f);
}

static void bodies_in_file_order_go_on_in_the_next_shard(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	/* Whole tensors, every second read of which hits what was asked for. */
	for (unsigned i = 12; i < 22; i++)
		touch(&f, 0, i, TENSOR);
	assert_true(f.asked[0][23] >= TENSOR - MIB);
	assert_true(f.asked[1][0] >= TENSOR - MIB);
	end(&f);
}

static void bodies_backwards_are_foreseen(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 20; i > 12; i--)
		touch(&f, 0, i, TENSOR);
	assert_true(f.asked[0][12] >= TENSOR - MIB);
	assert_true(f.asked[0][11] >= TENSOR - MIB);
	assert_int_equal(f.asked[1][0], 0);
	end(&f);
}

/* memcpy() touches the end of what it copies first; the page is also the first one of the tensor behind it. */
static void an_end_that_is_touched_first_brings_its_tensor(void **state)
{
	static const unsigned order[] = {3, 12, 7, 18};
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++) {
		uint64_t end = (HEADER + (order[i] + 1) * TENSOR) / 4096 * 4096;

		note(&f, 0, end - 128 * KIB, 256 * KIB, PREFETCH_STREAM);
		if (i + 1 < ARRAY_SIZE(order))
			touch(&f, 0, order[i], TENSOR);
	}
	assert_in_range(f.asked[0][18], TENSOR - MIB, TENSOR);
	assert_int_equal(f.asked[0][19], 0);
	end(&f);
}

static void a_shard_that_was_left_takes_no_window(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 4; i < 7; i++)
		touch(&f, 1, i, TENSOR);
	for (unsigned i = 0; i < 9; i++)
		touch(&f, 0, i, TENSOR);
	for (unsigned i = 9; i < 12; i++)
		assert_true(f.asked[0][i] >= TENSOR - MIB);
	end(&f);
}

static void a_slice_is_expected_of_the_next_of_its_kind(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 18; i++)
		touch(&f, 0, i, TENSOR / 4);
	for (unsigned i = 18; i < 21; i++)
		assert_in_range(f.asked[0][i], MIB, TENSOR / 2);
	end(&f);
}

static void reads_in_the_middle_of_tensors_bring_no_others(void **state)
{
	static const unsigned order[] = {3, 11, 7, 20, 1, 15, 9, 18, 5, 13};
	struct fixture f;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		for (uint64_t at = 3 * MIB; at < 4 * MIB; at += 256 * KIB)
			note(&f, 0, HEADER / 4096 * 4096 + order[i] * TENSOR + at, 256 * KIB, PREFETCH_STREAM);
	for (unsigned i = 0; i < 24; i++)
		assert_true(f.asked[0][i] <= 2 * MIB);
	assert_int_equal(f.asked[0][4] + f.asked[0][8] + f.asked[0][12] + f.asked[1][0], 0);
	end(&f);
}

static void a_member_that_leaves_is_asked_for_nothing(void **state)
{
	struct fixture f;
	unsigned wants;

	(void)state;
	begin(&f);
	for (unsigned i = 0; i < 3; i++)
		touch(&f, 1, i, TENSOR);
	touch(&f, 1, 3, TENSOR / 2);
	prefetch_leave(&f.shards[1]);
	wants = f.wants;
	memset(f.asked, 0, sizeof(f.asked));
	for (unsigned i = 12; i < 24; i++)
		touch(&f, 0, i, TENSOR);
	assert_true(f.wants > wants);
	assert_int_equal(f.asked[1][4] + f.asked[1][5] + f.asked[1][6], 0);
	prefetch_leave(&f.shards[0]);
	prefetch_family_free(f.family);
}

static void parts_outside_of_the_blob_are_left_out(void **state)
{
	struct prefetch_family *f = prefetch_family_new();
	struct prefetch p = {.size = MIB};
	const struct prefetch_part parts[] = {{"a", MIB, 1}, {"b", 0, UINT64_MAX}, {"c", UINT64_MAX, 2}, {"d", 8, 0}, {"e", 16, 32}};

	(void)state;
	assert_non_null(f);
	prefetch_join(&p, f, 0);
	assert_int_equal(prefetch_set_parts(&p, parts, ARRAY_SIZE(parts)), 0);
	assert_int_equal(p.nr_parts, 1);
	assert_int_equal(p.body, 16);
	prefetch_leave(&p);
	prefetch_family_free(f);
}

static void names_of_shards(void **state)
{
	static const struct {
		const char *path, *key;
		uint32_t ordinal;
	} rows[] = {
		{"model-00002-of-00004.safetensors", "model-of-00004.safetensors", 2},
		{"a/b/q4-00012-of-00030.gguf", "a/b/q4-of-00030.gguf", 12},
		{"model.safetensors", NULL, 0},
		{"model-0002-of-00004.safetensors", NULL, 0},
		{"model-00002-of-000041.safetensors", NULL, 0},
		{"00002-of-00004", NULL, 0},
		{"a-of-b", NULL, 0},
		{"model-00002-of-00004/x", NULL, 0},
	};
	char key[64];
	uint32_t ordinal;

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(prefetch_shard_name(rows[i].path, key, sizeof(key), &ordinal), rows[i].key != NULL);
		if (!rows[i].key)
			continue;
		assert_string_equal(key, rows[i].key);
		assert_int_equal(ordinal, rows[i].ordinal);
	}
	assert_false(prefetch_shard_name("model-00002-of-00004.safetensors", key, 8, &ordinal));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_bring_first_pages_and_no_bodies),
		cmocka_unit_test(bodies_in_file_order_go_on_in_the_next_shard),
		cmocka_unit_test(bodies_backwards_are_foreseen),
		cmocka_unit_test(an_end_that_is_touched_first_brings_its_tensor),
		cmocka_unit_test(a_shard_that_was_left_takes_no_window),
		cmocka_unit_test(a_slice_is_expected_of_the_next_of_its_kind),
		cmocka_unit_test(reads_in_the_middle_of_tensors_bring_no_others),
		cmocka_unit_test(a_member_that_leaves_is_asked_for_nothing),
		cmocka_unit_test(parts_outside_of_the_blob_are_left_out),
		cmocka_unit_test(names_of_shards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: Apache-2.0
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/filter.h>
#include <hffs/name.h>
#include <hffs/tree.h>

/* Sanitizers are slow, and their figures say nothing. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEASURED 50000
#else
#define MEASURED 1000000
#endif

#define OID_A "b45ef6fec89518d314f546fd6c3025367b721684"
#define SHA_A "a02376c0a645134a7b7f8f8bb5daaac7653d561ab45699d4b3786d3a9ebf9dea"

static struct hub_entry file(const char *path, uint64_t size)
{
	struct hub_entry e = {.type = ENTRY_FILE, .path = path, .size = size};

	assert_int_equal(blob_id_parse(OID_A, &e.id), 0);
	return e;
}

static struct hub_entry lfs(const char *path, uint64_t size)
{
	struct hub_entry e = {.type = ENTRY_FILE, .path = path, .size = size, .is_lfs = true};

	assert_int_equal(blob_id_parse(SHA_A, &e.id), 0);
	return e;
}

static struct hub_entry dir(const char *path)
{
	return (struct hub_entry){.type = ENTRY_DIR, .path = path};
}

static struct tree *build(const struct hub_entry *entries, size_t nr)
{
	AUTO(tree_builder_free) struct tree_builder *b = tree_builder_new();
	struct tree *t = NULL;

	assert_non_null(b);
	assert_int_equal(tree_builder_add(b, entries, nr), 0);
	assert_int_equal(tree_builder_finish(b, &t), 0);
	return t;
}

/* Everything that the header promises about any tree. */
static void check(const struct tree *t)
{
	uint32_t nr = tree_nr(t), next = 1;

	assert_int_equal(tree_entry(t, 0)->type, ENTRY_DIR);
	for (uint32_t i = 0; i < nr; i++) {
		const struct tree_entry *e = tree_entry(t, i), *before;
		AUTO_BUF path = {0};

		assert_int_equal(tree_idx(t, e), i);
		assert_int_equal(strlen(tree_name(t, e)), e->name_len);
		tree_path(t, e, &path);
		assert_ptr_equal(tree_find_path(t, path.data), e);
		if (i > 0) {
			assert_true(e->parent < i);
			assert_true(name_is_safe_path(path.data, path.len));
			assert_ptr_equal(tree_find(t, e->parent, tree_name(t, e), e->name_len), e);
		}
		if (e->type == ENTRY_FILE) {
			assert_true(e->id.algo <= BLOB_SHA256);
			assert_true(e->size <= (uint64_t)1 << 53);
			assert_int_equal(e->nr, 0);
			continue;
		}
		assert_int_equal(e->first, next);
		next += e->nr;
		assert_true(next <= nr);
		for (uint32_t k = e->first; k < e->first + e->nr; k++) {
			assert_int_equal(tree_entry(t, k)->parent, i);
			before = k > e->first ? tree_entry(t, k - 1) : NULL;
			assert_true(!before || strcmp(tree_name(t, before), tree_name(t, tree_entry(t, k))) < 0);
		}
	}
	assert_int_equal(next, nr);
}

static void an_empty_listing_is_a_root(void **state)
{
	AUTO(tree_unref) struct tree *t = build(NULL, 0);

	(void)state;
	check(t);
	assert_int_equal(tree_nr(t), 1);
	assert_ptr_equal(tree_find_path(t, ""), tree_entry(t, 0));
	assert_null(tree_find_path(t, "a"));
}

static void makes_missing_directories_and_sorts(void **state)
{
	struct hub_entry entries[] = {
		lfs("z.bin", 528), file("sub/deep/b", 2), dir("onnx"), file("sub/a", 1), file("a.txt", 13), file("sub.txt", 0),
		file("onnx/m", 4), file("sub/deep/a", 3), file("A", 5), file("\xc3\xa9", 6),
	};
	static const char *const root[] = {"A", "a.txt", "onnx", "sub", "sub.txt", "z.bin", "\xc3\xa9"};
	AUTO(tree_unref) struct tree *t = build(entries, ARRAY_SIZE(entries));
	const struct tree_entry *e;

	(void)state;
	check(t);
	assert_int_equal(tree_nr(t), 1 + 10 + 2);
	assert_int_equal(tree_hidden(t), 0);
	assert_false(tree_is_masked(t));
	assert_int_equal(tree_entry(t, 0)->nr, ARRAY_SIZE(root));
	for (uint32_t i = 0; i < ARRAY_SIZE(root); i++)
		assert_string_equal(tree_name(t, tree_entry(t, tree_entry(t, 0)->first + i)), root[i]);
	e = tree_find_path(t, "sub/deep/b");
	assert_non_null(e);
	assert_int_equal(e->size, 2);
	assert_int_equal(e->id.algo, BLOB_SHA1_GIT);
	e = tree_find_path(t, "z.bin");
	assert_int_equal(e->size, 528);
	assert_int_equal(e->is_lfs, 1);
	assert_int_equal(e->id.algo, BLOB_SHA256);
	assert_int_equal(tree_find_path(t, "sub/deep")->type, ENTRY_DIR);
	assert_null(tree_find_path(t, "sub/deep/c"));
	assert_null(tree_find_path(t, "sub/deep/"));
	assert_null(tree_find_path(t, "sub//deep"));
	assert_null(tree_find_path(t, "/sub"));
	assert_null(tree_find_path(t, "a.txt/x"));
}

static void files_are_found_by_content(void **state)
{
	enum { NR = 3000 };
	static char paths[NR][32];
	static struct hub_entry entries[NR];
	AUTO(tree_unref) struct tree *t = NULL;
	struct blob_id none = {.algo = BLOB_SHA256}, id;

	(void)state;
	for (uint32_t i = 0; i < NR; i++) {
		snprintf(paths[i], sizeof(paths[i]), "d%u/%05u", i % 7, i);
		entries[i] = lfs(paths[i], i);
		memcpy(entries[i].id.bytes, &(uint32_t){i / 2 + 1}, 4); /* each content twice */
	}
	entries[0].id = (struct blob_id){0}; /* hidden */
	t = build(entries, NR);
	for (uint32_t i = 1; i < NR; i++) {
		const struct tree_entry *e = tree_find_blob(t, &entries[i].id);

		assert_non_null(e);
		assert_true(blob_id_equal(&e->id, &entries[i].id));
		assert_int_equal(tree_depth(t, e), 1);
	}
	id = entries[NR - 1].id;
	assert_ptr_equal(tree_find_blob(t, &id), tree_find_blob(t, &entries[NR - 2].id));
	assert_null(tree_find_blob(t, &none));
	assert_null(tree_find_blob(t, &(struct blob_id){0}));
	assert_int_equal(tree_depth(t, tree_entry(t, 0)), 0);
	assert_int_equal(tree_depth(t, tree_find_path(t, "d0")), 0);
}

static void a_directory_wins_over_its_twin(void **state)
{
	struct hub_entry entries[] = {
		file("a", 1), file("a/b", 2),           /* the file first */
		file("c/d", 3), file("c", 4),           /* the directory first */
		dir("e"), file("e", 5),
		file("f", 6), dir("f"),
		dir("g"), dir("g"),                     /* said twice: nothing is lost */
		file("h", 7), file("h", 8),             /* the last stays */
	};
	AUTO(tree_unref) struct tree *t = build(entries, ARRAY_SIZE(entries));
	static const char *const dirs[] = {"a", "c", "e", "f", "g"};

	(void)state;
	check(t);
	assert_int_equal(tree_hidden(t), 5);
	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		assert_int_equal(tree_find_path(t, dirs[i])->type, ENTRY_DIR);
		assert_int_equal(tree_find_path(t, dirs[i])->size, 0);
		assert_int_equal(tree_find_path(t, dirs[i])->id.algo, 0);
	}
	assert_false(tree_is_masked(t));
	assert_int_equal(tree_find_path(t, "a/b")->size, 2);
	assert_int_equal(tree_find_path(t, "c/d")->size, 3);
	assert_int_equal(tree_find_path(t, "h")->size, 8);
}

static char *repeat(const char *part, size_t times, const char *tail)
{
	struct buf b = {0};

	for (size_t i = 0; i < times; i++)
		buf_adds(&b, part);
	buf_adds(&b, tail);
	return buf_take(&b);
}

static void unsafe_names_are_hidden_and_counted(void **state)
{
	AUTO_FREE char *long_ok = repeat("n", 255, ""), *long_bad = repeat("n", 256, "");
	AUTO_FREE char *deep_ok = repeat("d/", 511, "x"), *deep_bad = repeat("d/", 512, "y");
	const char *const bad[] = {"../x", "/x", "a//b", "", ".", "..", "a/.", "a/../b", "a/", long_bad, deep_bad};
	const char *const good[] = {"...", "a\\b", "C:", "CON", "x\n\x01\x7f", "\xff\xfe", " ", "a b/#?%+&", "..x", "Case", "case",
				    ".gitattributes", long_ok, deep_ok};
	struct hub_entry entries[ARRAY_SIZE(bad) + ARRAY_SIZE(good) + 1];
	AUTO(tree_unref) struct tree *t = NULL;
	size_t nr = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		entries[nr++] = file(bad[i], 1);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		entries[nr++] = file(good[i], 2);
	entries[nr++] = file("huge", ((uint64_t)1 << 53) + 1);
	t = build(entries, nr);
	check(t);
	assert_int_equal(tree_hidden(t), ARRAY_SIZE(bad) + 1);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(tree_find_path(t, good[i])->size, 2);
}

static void masked_digests_are_noticed(void **state)
{
	struct hub_entry entries[] = {lfs("w", 9), file("README.md", 1)};

	(void)state;
	entries[0].id = (struct blob_id){0};
	AUTO(tree_unref) struct tree *t = build(entries, 2);
	assert_true(tree_is_masked(t));
	assert_int_equal(tree_find_path(t, "w")->size, 9);
}

static struct tree *sample(void)
{
	struct hub_entry entries[] = {
		lfs("model-00001.safetensors", (uint64_t)1 << 53), file("config.json", 600), file("onnx/deep/x.onnx", 7), dir("empty"),
		file("onnx/y", 0), file("../hidden", 1), lfs("masked", 5), file("a\nb", 3),
	};

	entries[6].id = (struct blob_id){0};
	return build(entries, ARRAY_SIZE(entries));
}

static void assert_same(const struct tree *a, const struct tree *b)
{
	assert_int_equal(tree_nr(a), tree_nr(b));
	assert_int_equal(tree_hidden(a), tree_hidden(b));
	assert_int_equal(tree_is_masked(a), tree_is_masked(b));
	assert_int_equal(tree_bytes(a), tree_bytes(b));
	for (uint32_t i = 0; i < tree_nr(a); i++) {
		assert_memory_equal(tree_entry(a, i), tree_entry(b, i), sizeof(struct tree_entry));
		assert_string_equal(tree_name(a, tree_entry(a, i)), tree_name(b, tree_entry(b, i)));
	}
}

static void stores_and_loads(void **state)
{
	AUTO(tree_unref) struct tree *t = sample(), *again = NULL;
	AUTO_BUF bytes = {0};

	(void)state;
	assert_int_equal(tree_store(t, &bytes), 0);
	assert_int_equal(tree_load(bytes.data, bytes.len, &again), 0);
	check(again);
	assert_same(t, again);
	assert_true(tree_is_masked(again));
}

/* Loads bytes from an allocation of exactly their length, so that a sanitizer sees every step beyond it. */
static int load_exactly(const void *bytes, size_t len)
{
	AUTO_FREE char *copy = malloc(len ? len : 1);
	AUTO(tree_unref) struct tree *t = NULL;
	int r;

	if (len)
		memcpy(copy, bytes, len);
	r = tree_load(copy, len, &t);
	if (r == 0)
		check(t);
	else
		assert_int_equal(r, -EBADMSG);
	return r;
}

static void sign(struct buf *bytes)
{
	uint64_t sum = digest_hash64(bytes->data, bytes->len - 8, 0);

	memcpy(bytes->data + bytes->len - 8, &sum, 8); /* the tests run on little-endian machines */
}

static const char *xet_of(const struct tree *t, const char *path, char hex[65])
{
	const uint8_t *xet = tree_xet(t, tree_find_path(t, path));

	if (!xet)
		return "none";
	hex_format(xet, 32, hex);
	return hex;
}

static struct hub_entry with_xet(const char *path, uint8_t first)
{
	struct hub_entry e = lfs(path, 528);

	e.has_xet = true;
	e.xet[0] = first;
	return e;
}

static void xet_hashes_stay_with_their_files(void **state)
{
	struct hub_entry entries[] = {
		with_xet("z", 1), lfs("plain", 5), with_xet("a/b", 2), file("git", 1),
		with_xet("twice", 3), with_xet("twice", 4),   /* the last one counts */
		with_xet("lost", 5), lfs("lost", 6),          /* also where it has none */
		with_xet("both", 7), file("both/x", 1),       /* a directory has none */
	};
	AUTO(tree_unref) struct tree *t = build(entries, ARRAY_SIZE(entries)), *again = NULL;
	AUTO_BUF bytes = {0};
	char hex[65];

	(void)state;
	assert_int_equal(tree_store(t, &bytes), 0);
	assert_int_equal(tree_load(bytes.data, bytes.len, &again), 0);
	for (int i = 0; i < 2; i++) {
		const struct tree *one = i ? again : t;

		check(one);
		assert_string_equal(xet_of(one, "z", hex), "0100000000000000000000000000000000000000000000000000000000000000");
		assert_string_equal(xet_of(one, "a/b", hex), "0200000000000000000000000000000000000000000000000000000000000000");
		assert_string_equal(xet_of(one, "twice", hex), "0400000000000000000000000000000000000000000000000000000000000000");
		assert_string_equal(xet_of(one, "plain", hex), "none");
		assert_string_equal(xet_of(one, "git", hex), "none");
		assert_string_equal(xet_of(one, "lost", hex), "none");
		assert_string_equal(xet_of(one, "both", hex), "none");
		assert_string_equal(xet_of(one, "", hex), "none");
	}
	for (size_t len = 0; len < bytes.len; len++) { /* cut anywhere, signed or not */
		AUTO_BUF cut = {0};
		struct tree *none = NULL;

		buf_add(&cut, bytes.data, len);
		assert_int_equal(tree_load(cut.data ? cut.data : "", cut.len, &none), -EBADMSG);
	}
}

/* As version 1 wrote it: the same without hashes. */
static void an_older_form_is_read(void **state)
{
	struct hub_entry entries[] = {lfs("a", 528), file("b/c", 2)};
	AUTO(tree_unref) struct tree *t = build(entries, ARRAY_SIZE(entries)), *again = NULL;
	AUTO_BUF bytes = {0};

	(void)state;
	assert_int_equal(tree_store(t, &bytes), 0);
	bytes.data[8] = 1;
	sign(&bytes);
	assert_int_equal(tree_load(bytes.data, bytes.len, &again), 0);
	assert_same(t, again);
	bytes.data[8] = 3;
	sign(&bytes);
	tree_unref(again);
	again = NULL;
	assert_int_equal(tree_load(bytes.data, bytes.len, &again), -EBADMSG);
}

static void refuses_every_truncation(void **state)
{
	AUTO(tree_unref) struct tree *t = sample();
	AUTO_BUF bytes = {0};

	(void)state;
	assert_int_equal(tree_store(t, &bytes), 0);
	for (size_t len = 0; len < bytes.len; len++) {
		AUTO_BUF cut = {0};

		assert_int_equal(load_exactly(bytes.data, len), -EBADMSG);
		if (len < 8)
			continue;
		buf_add(&cut, bytes.data, len);
		sign(&cut); /* with a sum that is right */
		assert_int_equal(load_exactly(cut.data, cut.len), -EBADMSG);
	}
	buf_addc(&bytes, 'x');
	assert_int_equal(load_exactly(bytes.data, bytes.len), -EBADMSG);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33);
}

static void mutations_never_make_a_wrong_tree(void **state)
{
	AUTO(tree_unref) struct tree *t = sample();
	AUTO_BUF bytes = {0};
	uint64_t seed = 20260101;
	size_t accepted = 0;

	(void)state;
	assert_int_equal(tree_store(t, &bytes), 0);
	for (int i = 0; i < 20000; i++) {
		AUTO_BUF bad = {0};

		buf_add(&bad, bytes.data, bytes.len);
		bad.data[next_random(&seed) % bad.len] ^= (char)(1 + next_random(&seed) % 255);
		assert_int_equal(load_exactly(bad.data, bad.len), -EBADMSG);
		sign(&bad); /* behind the sum every field is checked, too */
		accepted += load_exactly(bad.data, bad.len) == 0;
	}
	print_message("%zu of 20000 signed mutations were other valid trees\n", accepted);
	assert_true(accepted > 0);
}

static void shuffle(uint32_t *order, uint32_t nr)
{
	uint64_t seed = 7;

	for (uint32_t i = nr - 1; i > 0; i--) {
		uint32_t k = next_random(&seed) % (i + 1), tmp = order[i];

		order[i] = order[k];
		order[k] = tmp;
	}
}

static long peak_kib(void)
{
	AUTO_FREE char *line = NULL;
	size_t size = 0;
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && getline(&line, &size, f) > 0)
		if (sscanf(line, "VmHWM: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}

static void reset_peak(void)
{
	FILE *f = fopen("/proc/self/clear_refs", "we");

	if (f) {
		fputs("5", f);
		fclose(f);
	}
}

/* Pages of a thousand, as the Hub sends them. */
static void add_pages(struct tree_builder *b, bool flat, const uint32_t *order, uint32_t nr)
{
	char paths[1000][64];
	struct hub_entry page[1000];

	for (uint32_t i = 0; i < nr; i += 1000) {
		for (uint32_t k = 0; k < 1000; k++) {
			uint32_t n = order[i + k];

			snprintf(paths[k], sizeof(paths[k]), "data/%04u%ctrain-%07u-of-01000.parquet", n / 1000, flat ? '-' : '/',
				 n);
			page[k] = lfs(paths[k], n);
		}
		assert_int_equal(tree_builder_add(b, page, 1000), 0);
	}
}

static void measure(const char *what, bool flat, bool shuffled)
{
	AUTO(tree_builder_free) struct tree_builder *b = tree_builder_new();
	AUTO(tree_unref) struct tree *t = NULL, *again = NULL;
	uint32_t nr = MEASURED;
	AUTO_FREE uint32_t *order = calloc(nr, sizeof(*order));
	AUTO_BUF bytes = {0};
	uint64_t t0, t1, t2, t3;
	long before, peak;

	for (uint32_t i = 0; i < nr; i++)
		order[i] = i;
	if (shuffled)
		shuffle(order, nr);
	reset_peak();
	before = peak_kib();
	t0 = clock_mono_us();
	add_pages(b, flat, order, nr);
	assert_int_equal(tree_builder_finish(b, &t), 0);
	t1 = clock_mono_us();
	peak = peak_kib();
	assert_int_equal(tree_store(t, &bytes), 0);
	t2 = clock_mono_us();
	assert_int_equal(tree_load(bytes.data, bytes.len, &again), 0);
	t3 = clock_mono_us();
	print_message("%u entries, %s: build %llu ms, peak %ld MiB, tree %zu MiB; store %llu ms, %zu MiB; load %llu ms\n", nr, what,
		      (unsigned long long)(t1 - t0) / 1000, (peak - before) / 1024, tree_bytes(t) >> 20,
		      (unsigned long long)(t2 - t1) / 1000, bytes.len >> 20, (unsigned long long)(t3 - t2) / 1000);
	assert_true(tree_nr(t) >= nr);
	assert_same(t, again);
}

static void a_million_entries(void **state)
{
	(void)state;
	measure("directories of 1,000 in order", false, false);
	measure("directories of 1,000 shuffled", false, true);
	measure("one directory shuffled", true, true);
}

static char *paths_of(const struct tree *t)
{
	AUTO_BUF all = {0};

	for (uint32_t i = 1; i < tree_nr(t); i++) {
		AUTO_BUF path = {0};

		tree_path(t, tree_entry(t, i), &path);
		buf_addf(&all, "%s%s ", path.data, tree_entry(t, i)->type == ENTRY_DIR ? "/" : "");
	}
	return buf_take(&all);
}

static void test_filtered(void **state)
{
	struct hub_entry entries[] = {file("a.json", 1), lfs("a.bin", 2), dir("sub"), lfs("sub/b.bin", 3), dir("onnx"), file("onnx/c.json", 4)};
	static const struct {
		const char *allow, *deny, *dir, *paths;
	} rows[] = {
		{NULL, "*.bin", NULL, "a.json onnx/ onnx/c.json "}, /* what is empty goes */
		{"*.json", NULL, NULL, "a.json onnx/ onnx/c.json "},
		{"*.json", "onnx/", NULL, "a.json "},
		{"*.none", NULL, NULL, ""},
		{NULL, "x/onnx/", "x", "a.bin a.json sub/ sub/b.bin "},
		{"x/*.json", NULL, "x", "a.json onnx/ sub/ onnx/c.json "}, /* nobody knows what is in a directory */
	};
	AUTO(tree_unref) struct tree *t = build(entries, ARRAY_SIZE(entries));

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tree_unref) struct tree *shown = NULL;
		AUTO_FREE char *paths = NULL;
		struct filter f = {0};

		if (rows[i].allow)
			assert_int_equal(patterns_add(&f.allow, rows[i].allow), 0);
		if (rows[i].deny)
			assert_int_equal(patterns_add(&f.deny, rows[i].deny), 0);
		assert_int_equal(tree_filter(t, rows[i].dir, &f, &shown), 0);
		check(shown);
		paths = paths_of(shown);
		if (strcmp(paths, rows[i].paths))
			fail_msg("row %zu: '%s'", i, paths);
		patterns_done(&f.allow);
		patterns_done(&f.deny);
	}
	assert_int_equal(tree_find_path(t, "a.bin")->id.algo, BLOB_SHA256); /* the whole is as it was */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_listing_is_a_root),
		cmocka_unit_test(makes_missing_directories_and_sorts),
		cmocka_unit_test(xet_hashes_stay_with_their_files),
		cmocka_unit_test(an_older_form_is_read),
		cmocka_unit_test(files_are_found_by_content),
		cmocka_unit_test(a_directory_wins_over_its_twin),
		cmocka_unit_test(unsafe_names_are_hidden_and_counted),
		cmocka_unit_test(masked_digests_are_noticed),
		cmocka_unit_test(stores_and_loads),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(mutations_never_make_a_wrong_tree),
		cmocka_unit_test(test_filtered),
		cmocka_unit_test(a_million_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

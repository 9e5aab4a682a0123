// SPDX-License-Identifier: Apache-2.0
/* Formats that are read from their end: the directory of ZIP files, the footer of parquet files. */
#include "unit.h"

#include "format_bytes.h"

/* The last len bytes, in memory that begins and ends there. */
static int parse_tail(const struct buf *file, size_t len, struct zip_directory **out, uint64_t *from, struct err *err)
{
	AUTO_FREE char *copy = malloc(len + !len);

	if (len)
		memcpy(copy, file->data + file->len - len, len);
	return zip_directory_parse(copy, len, file->len, 1 << 20, out, from, err);
}

static int parse_zip(const struct buf *file, struct zip_directory **out, struct err *err)
{
	uint64_t from = file->len, have;
	int r;

	do {
		have = file->len - from;
		r = parse_tail(file, have, out, &from, err);
		if (r == -EAGAIN && from >= file->len - have)
			return -EINVAL;
	} while (r == -EAGAIN);
	return r;
}

#define NAME "a/data/0"

static void put_local(struct buf *b, const char *data)
{
	put(b, 0x04034b50, 4), put(b, 0, 14), put(b, strlen(data), 4), put(b, strlen(data), 4), put(b, strlen(NAME), 2), put(b, 0, 2);
	buf_adds(b, NAME), buf_adds(b, data);
}

static void put_entry(struct buf *b, uint64_t off, uint64_t size, bool wide)
{
	put(b, 0x02014b50, 4), put(b, 0, 6), put(b, 0, 2), put(b, 0, 8);
	put(b, size, 4), put(b, size, 4), put(b, strlen(NAME), 2), put(b, wide ? 4 + 3 + 4 + 8 : 0, 2), put(b, 0, 2), put(b, 0, 8);
	put(b, wide ? UINT32_MAX : off, 4);
	buf_adds(b, NAME);
	if (wide)
		put(b, 0x7777, 2), put(b, 3, 2), put(b, 0, 3), put(b, 1, 2), put(b, 8, 2), put(b, off, 8);
}

static void put_end64(struct buf *b, uint64_t nr, uint64_t len, uint64_t off)
{
	size_t at = b->len;

	put(b, 0x06064b50, 4), put(b, 44, 8), put(b, 45, 2), put(b, 45, 2), put(b, 0, 8);
	put(b, nr, 8), put(b, nr, 8), put(b, len, 8), put(b, off, 8);
	put(b, 0x07064b50, 4), put(b, 0, 4), put(b, at, 8), put(b, 1, 4);
}

static void put_end(struct buf *b, uint64_t nr, uint64_t len, uint64_t off, const char *comment)
{
	put(b, 0x06054b50, 4), put(b, 0, 4), put(b, nr, 2), put(b, nr, 2), put(b, len, 4), put(b, off, 4), put(b, strlen(comment), 2);
	buf_adds(b, comment);
}

static void put_zip(struct buf *b, bool wide, const char *comment)
{
	size_t second, directory;

	put_local(b, "first");
	second = b->len;
	put_local(b, "second!");
	directory = b->len;
	put_entry(b, second, 7, wide);
	put_entry(b, 0, 5, false);
	size_t len = b->len - directory;

	if (wide)
		put_end64(b, 2, len, directory);
	put_end(b, wide ? UINT16_MAX : 2, wide ? UINT32_MAX : len, wide ? UINT32_MAX : directory, comment);
}

static void reads_a_directory(void **state)
{
	static const char *const comments[] = {"", "a comment", "PK\005\006 that looks like an end record"};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_SIZE(comments); i++) {
		AUTO(zip_directory_free) struct zip_directory *z = NULL;
		AUTO_BUF file = {0};
		struct err err = {0};

		put_zip(&file, i % 2, comments[i / 2]);
		assert_int_equal(parse_zip(&file, &z, &err), 0);
		assert_int_equal(z->nr, 2);
		assert_int_equal(z->entries[0].off, 0);
		assert_int_equal(z->entries[0].packed, 5);
		assert_int_equal(z->entries[1].off, 30 + 8 + 5);
		assert_int_equal(z->entries[1].size, 7);
		assert_string_equal(z->entries[1].name, NAME);
		assert_memory_equal(file.data + z->off, "PK\001\002", 4);
	}
}

static void survives_every_cut_and_change(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		AUTO_BUF file = {0};
		struct err err = {0};
		uint64_t from;

		put_zip(&file, wide, "");
		for (size_t len = 0; len <= file.len; len++) {
			AUTO(zip_directory_free) struct zip_directory *z = NULL;
			int r = parse_tail(&file, len, &z, &from, &err);

			assert_true(r == 0 || (r == -EAGAIN && from < file.len - len));
		}
		for (size_t i = 0; i < file.len * 8; i++) {
			AUTO(zip_directory_free) struct zip_directory *z = NULL;
			int r;

			file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
			r = parse_zip(&file, &z, &err);
			assert_true(r == 0 || r == -EBADMSG || r == -ENOTSUP);
			for (uint32_t n = 0; z && n < z->nr; n++)
				assert_true(z->entries[n].off + 30 + z->entries[n].packed <= z->off);
			file.data[i / 8] = (char)(file.data[i / 8] ^ 1 << i % 8);
		}
	}
}

static void refuses_directories(void **state)
{
	enum { SHORT, NO_END, TOO_MANY, NOT_BEFORE_END, OUTSIDE, OVERLAP, DISKS, NO_END64, FAR_END64, LARGE, CASES };
	static const struct {
		int r;
		const char *why;
	} rows[CASES] = {
		[SHORT] = {-EBADMSG, "short"}, [NO_END] = {-EBADMSG, "no end record"}, [TOO_MANY] = {-EBADMSG, "more entries"},
		[NOT_BEFORE_END] = {-EBADMSG, "not where"}, [OUTSIDE] = {-EBADMSG, "outside"}, [OVERLAP] = {-EBADMSG, "one another"},
		[DISKS] = {-ENOTSUP, "disk"}, [NO_END64] = {-EBADMSG, "missing"}, [FAR_END64] = {-EBADMSG, "zip64"}, [LARGE] = {-EFBIG, "bytes"},
	};

	(void)state;
	for (int c = 0; c < CASES; c++) {
		AUTO(zip_directory_free) struct zip_directory *z = NULL;
		AUTO_BUF b = {0};
		struct err err = {0};
		size_t directory, len;
		int r;

		if (c != SHORT)
			put_local(&b, "x"), put_local(&b, "y");
		directory = b.len;
		put_entry(&b, 0, c == OUTSIDE ? 1000 : 1, false);
		put_entry(&b, c == OVERLAP ? 30 : 39, 1, false);
		len = b.len - directory;
		if (c == SHORT)
			buf_clear(&b), buf_adds(&b, "PK");
		if (c == FAR_END64)
			put_end64(&b, 2, len, directory), b.data[b.len - 12]++;
		if (c == LARGE)
			put(&b, 0, (1 << 20) + 100);
		if (c != SHORT && c != NO_END)
			put_end(&b, c == TOO_MANY ? 3 : c == NO_END64 ? UINT16_MAX : 2, c == LARGE ? len + (1 << 20) + 100 : len,
				directory - (c == NOT_BEFORE_END), "");
		if (c == DISKS)
			b.data[b.len - 18] = 1;
		r = parse_zip(&b, &z, &err);
		if (r != rows[c].r || !strstr(err.text, rows[c].why))
			fail_msg("case %d: %d \"%s\"", c, r, err.text);
	}
}

static void finds_parquet_footers(void **state)
{
	static const struct {
		const char *tail;
		uint64_t file_size, off;
		int r;
	} rows[] = {
		{"\x64\0\0\0PAR1", 112, 4, 0},       {"\x64\0\0\0PARE", 1112, 1004, 0}, {"\x64\0\0\0PAR1", 111, 0, -EBADMSG},
		{"\0\0\0\0PAR1", 112, 0, -EBADMSG}, {"\xff\xff\xff\xffPAR1", 112, 0, -EBADMSG}, {"\x64\0\0\0PAR2", 112, 0, -EBADMSG},
		{"\x64\0\0\0PAR1", 8, 0, -EBADMSG},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t off = 0, len = 0;
		struct err err = {0};

		assert_int_equal(parquet_footer_parse((const uint8_t *)rows[i].tail, rows[i].file_size, &off, &len, &err), rows[i].r);
		assert_int_equal(off, rows[i].off);
		assert_int_equal(len, rows[i].r ? 0 : 100);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_directory),
		cmocka_unit_test(survives_every_cut_and_change),
		cmocka_unit_test(refuses_directories),
		cmocka_unit_test(finds_parquet_footers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

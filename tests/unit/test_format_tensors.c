// SPDX-License-Identifier: Apache-2.0
/* Tensor tables of safetensors and GGUF: what is read, and what is refused. */
#include "unit.h"

#include <stdio.h>

#include <hffs/io.h>

#include "format_bytes.h"

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"
#define B "\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[24,32]}"

static void knows_formats_by_first_bytes(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		enum format format;
	} rows[] = {
		{"\x20\0\0\0\0\0\0\0{", 9, FORMAT_SAFETENSORS}, {"\x20\0\0\0\0\0\0\0{", 8, FORMAT_NONE},
		{"\x20\0\0\0\0\0\0\0[", 9, FORMAT_NONE},        {"\1\0\0\0\0\0\0\0{", 9, FORMAT_NONE},
		{"\x20\0\0\0\0\0\0\1{", 9, FORMAT_NONE},        {"\0\xe1\xf5\5\0\0\0\0{", 9, FORMAT_SAFETENSORS},
		{"\1\xe1\xf5\5\0\0\0\0{", 9, FORMAT_NONE},      {"GGUF", 4, FORMAT_GGUF},
		{"GGU", 3, FORMAT_NONE},                        {"PK\3\4", 4, FORMAT_ZIP},
		{"PK\5\6", 4, FORMAT_ZIP},                      {"PKxx", 4, FORMAT_NONE},
		{"PAR1", 4, FORMAT_PARQUET},                    {"{\"a\": 1}", 8, FORMAT_NONE},
		{"", 0, FORMAT_NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(format_sniff(rows[i].bytes, rows[i].len), rows[i].format);
}

static void orders_names_naturally(void **state)
{
	static const char *const sorted[] = {
		"", "0", "00", "1", "a", "a.1", "a.1.b", "a.02", "a.2", "a.10", "a.18446744073709551616", "a.18446744073709551617", "ab", "b",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			int r = tensor_name_compare(sorted[i], sorted[j]);

			assert_int_equal((r > 0) - (r < 0), (i > j) - (i < j));
		}
}

static int parse_header(const char *header, size_t data, struct tensor_table **out, struct err *err)
{
	AUTO_BUF file = {0};
	unsigned steps;

	put_safetensors(&file, header, data);
	return parse_file(&file, out, &steps, err);
}

static void reads_safetensors(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	struct err err = {0};
	const struct tensor *b;

	(void)state;
	assert_int_equal(parse_header("{ \"__metadata__\" : {\"format\":\"p\\u0074\",\"x\":\"\"}, \"layers.10.w\":{\"shape\":[],\"dtype\":"
				      "\"BF16\",\"data_offsets\":[0,2]},\"layers.9.w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\""
				      ":[2,26],\"new\":{\"x\":[1]}},\"none\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[26,26]}} \n ",
				      26, &t, &err), 0);
	assert_int_equal(t->nr, 3);
	assert_int_equal(t->format, FORMAT_SAFETENSORS);
	assert_int_equal(t->data_off + 26, t->file_size);
	assert_string_equal(t->tensors[0].name, "layers.10.w");
	assert_int_equal(t->tensors[0].n_dims, 0);
	b = tensor_table_find(t, "layers.9.w");
	assert_ptr_equal(b, &t->tensors[1]);
	assert_int_equal(b->off, t->data_off + 2);
	assert_int_equal(b->len, 24);
	assert_int_equal(b->type, TENSOR_F32);
	assert_int_equal(b->n_dims, 2);
	assert_int_equal(b->shape[0], 2);
	assert_int_equal(b->shape[1], 3);
	assert_null(tensor_table_find(t, "layers.9"));
	assert_null(tensor_table_find(t, "__metadata__"));
	assert_int_equal(t->order[TENSOR_BY_PLACE][1], 1);
	assert_int_equal(t->order[TENSOR_NATURAL][0], 1);
	assert_int_equal(t->rank[TENSOR_NATURAL][0], 1);
	assert_int_equal(t->order[TENSOR_BY_NAME][0], 0);
	assert_string_equal(tensor_table_value(t, "format")->text, "pt");
	assert_string_equal(tensor_table_value(t, "x")->text, "");
	assert_null(tensor_table_value(t, "y"));
	assert_int_equal(tensor_table_at(t, 0), 0);
	assert_int_equal(tensor_table_at(t, t->data_off + 1), 0);
	assert_int_equal(tensor_table_at(t, t->data_off + 2), 1);
	assert_int_equal(tensor_table_at(t, t->file_size - 1), 1);
	assert_int_equal(tensor_table_at(t, t->file_size), 3);
}

/* Each is refused, for this reason. */
static void refuses_safetensors(void **state)
{
	static const struct {
		const char *header;
		size_t data;
		int r;
		const char *why;
	} rows[] = {
		{"{" A "," B "}", 32, 0, ""},
		{"{" A "," B "}", 31, -EBADMSG, "behind the end"},
		{"{" A "," B "}", 33, -EBADMSG, "the file has 33"},
		{"{}", 0, 0, ""},
		{"{}", 1, -EBADMSG, "the file has 1"},
		{"{" B "}", 32, -EBADMSG, "hole"},
		{"{" A "," A "}", 24, -EBADMSG, "lies over"},
		{"{\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]},\"z\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0,
		 -EBADMSG, "twice"},
		{"{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, -EBADMSG, "twice"},
		{"{\"__metadata__\":{},\"__metadata__\":{}}", 0, -EBADMSG, "twice"},
		{"{\"__metadata__\":{\"a\":1}}", 0, -EBADMSG, "metadata"},
		{"{\"__metadata__\":[]}", 0, -EBADMSG, "metadata"},
		{"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[23,32]}}", 32, -EBADMSG, "lies over"},
		{"{" A ",\"b\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[24,33]}}", 33, -EBADMSG, "ask for 8"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0, -EBADMSG, "too large"},
		{"{\"a\":{\"dtype\":\"F64\",\"shape\":[9007199254740992,1024],\"data_offsets\":[0,0]}}", 0, -EBADMSG, "too large"},
		{"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}", 2, -EBADMSG, "whole blocks"},
		{"{\"a\":{\"dtype\":\"F4\",\"shape\":[4],\"data_offsets\":[0,2]}}", 2, 0, ""},
		{"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3, 0, ""},
		{"{\"a\":{\"dtype\":\"Q4_0\",\"shape\":[32],\"data_offsets\":[0,18]}}", 18, -ENOTSUP, "not known"},
		{"{\"a\":{\"dtype\":\"U9\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, -ENOTSUP, "not known"},
		{"{\"a\":{\"dtype\":8,\"shape\":[1],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1.5],\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":{\"x\":1},\"data_offsets\":[0,1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,18446744073709551617]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":{\"dtype\":\"U8\",\"shape\":[1]}}", 1, -EBADMSG, "entry"},
		{"{\"a\":[]}", 0, -EBADMSG, "entry"},
		{"{\"a\":nul}", 0, -EBADMSG, "entry"},
		{"{" A, 24, -EBADMSG, "JSON"},
		{"{" A ",}", 24, -EBADMSG, "JSON"},
		{"{" A "}x", 24, -EBADMSG, "JSON"},
		{"{" A "}{}", 24, -EBADMSG, "JSON"},
		{"{" A " " B "}", 32, -EBADMSG, "JSON"},
		{"{a:1}", 0, -EBADMSG, "JSON"},
		{"{\"a\" 1}", 0, -EBADMSG, "JSON"},
		{"{\"a\":}", 0, -EBADMSG, "JSON"},
		{"{\"a", 0, -EBADMSG, "JSON"},
		{"{\"a\\", 0, -EBADMSG, "JSON"},
		{"{\"a\\\"", 0, -EBADMSG, "JSON"},
		{"{\"a\n\":1}", 0, -EBADMSG, "JSON"},
		{"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, -EBADMSG, "JSON"},
		{"{\"\\ud800\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", 0, -EBADMSG, "JSON"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tensor_table_unref) struct tensor_table *t = NULL;
		struct err err = {0};

		if (parse_header(rows[i].header, rows[i].data, &t, &err) != rows[i].r || !strstr(err.text, rows[i].why))
			fail_msg("%s: \"%s\"", rows[i].header, err.text);
		assert_true((t != NULL) == (rows[i].r == 0));
	}
}

static void refuses_deep_and_long_headers(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF file = {0}, many = {0};
	struct err err = {0};
	uint64_t need = 0;

	(void)state;
	for (int depth = 60; depth <= 100; depth += 40) {
		AUTO(tensor_table_unref) struct tensor_table *deep = NULL;
		AUTO_BUF header = {0};

		buf_adds(&header, "{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":");
		for (int i = 0; i < 2 * depth; i++)
			buf_addc(&header, i < depth ? '[' : ']');
		buf_adds(&header, "}}");
		assert_int_equal(parse_header(header.data, 1, &deep, &err), depth < 64 ? 0 : -EBADMSG);
	}
	buf_adds(&many, "{\"a\":{\"dtype\":\"U8\",\"shape\":[1");
	for (int i = 0; i < TENSOR_DIMS_MAX; i++)
		buf_adds(&many, ",1");
	buf_adds(&many, "],\"data_offsets\":[0,1]}}");
	assert_int_equal(parse_header(many.data, 1, &t, &err), -EBADMSG);

	/* The length alone decides: before a byte of the header is here. */
	put(&file, 1000, 8);
	buf_adds(&file, "{}");
	assert_int_equal(tensor_table_parse(file.data, file.len, 5000, 999, &t, &need, &err), -EFBIG);
	assert_int_equal(tensor_table_parse(file.data, file.len, 5000, 1000, &t, &need, &err), -EAGAIN);
	assert_int_equal(need, 1008);
	assert_int_equal(tensor_table_parse(file.data, file.len, 1007, 1000, &t, &need, &err), -EBADMSG);
	file.data[7] = '\xff';
	assert_int_equal(tensor_table_parse(file.data, file.len, UINT64_MAX, UINT64_MAX, &t, &need, &err), -ENOTSUP);
	assert_int_equal(tensor_table_parse("GGUX56789", 9, 100, 100, &t, &need, &err), -ENOTSUP);
	assert_int_equal(tensor_table_parse("GGU", 3, 3, 100, &t, &need, &err), -ENOTSUP);
	assert_int_equal(tensor_table_parse("GGU", 3, 4, 100, &t, &need, &err), -EAGAIN);
	assert_int_equal(need, 4);
}

/* --- GGUF --- */

static void put_key(struct buf *b, const char *key, uint32_t type)
{
	put_text(b, key);
	put(b, type, 4);
}

static void put_info(struct buf *b, const char *name, unsigned n_dims, const uint64_t *dims, uint32_t type, uint64_t off)
{
	put_text(b, name);
	put(b, n_dims, 4);
	for (unsigned i = 0; i < n_dims; i++)
		put(b, dims[i], 8);
	put(b, type, 4);
	put(b, off, 8);
}

static void put_start(struct buf *b, uint32_t version, uint64_t tensors, uint64_t values)
{
	buf_adds(b, "GGUF");
	put(b, version, 4);
	put(b, tensors, 8);
	put(b, values, 8);
}

static void put_padding(struct buf *b, size_t to, size_t more)
{
	while (b->len % to)
		buf_addc(b, 0);
	for (size_t i = 0; i < more; i++)
		buf_addc(b, 'd');
}

/* One value of each kind and two tensors; gives the length of the header without its padding. */
static size_t put_gguf(struct buf *b)
{
	size_t header;

	put_start(b, 3, 2, 9);
	put_key(b, "u8", 0), put(b, 200, 1);
	put_key(b, "i16", 3), put(b, 0xfffe, 2);
	put_key(b, "f32", 6), put(b, 0x3fc00000, 4);
	put_key(b, "f64", 12), put(b, 0xc000000000000000, 8);
	put_key(b, "yes", 7), put(b, 1, 1);
	put_key(b, "general.name", 8), put_text(b, "tiny");
	put_key(b, "general.alignment", 4), put(b, 64, 4);
	put_key(b, "tokens", 9), put(b, 8, 4), put(b, 3, 8), put_text(b, "a"), put_text(b, ""), put_text(b, "ccc");
	put_key(b, "nested", 9), put(b, 9, 4), put(b, 2, 8), put(b, 5, 4), put(b, 1, 8), put(b, 7, 4), put(b, 8, 4), put(b, 0, 8);
	put_info(b, "blk.10.w", 2, (uint64_t[]){64, 3}, 2, 0); /* Q4_0: 6 blocks of 18 */
	put_info(b, "blk.9.w", 1, (uint64_t[]){5}, 0, 128);
	header = b->len;
	put_padding(b, 64, 128 + 20);
	return header;
}

static void reads_gguf(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF file = {0};
	size_t header = put_gguf(&file);
	const struct format_value *v;
	struct err err = {0};
	unsigned steps;

	(void)state;
	assert_int_equal(parse_file(&file, &t, &steps, &err), 0);
	assert_int_equal(t->data_off, (header + 63) / 64 * 64);
	assert_int_equal(t->nr, 2);
	assert_int_equal(t->tensors[0].len, 108);
	assert_int_equal(t->tensors[0].type, TENSOR_Q4_0);
	assert_int_equal(t->tensors[0].shape[0], 3);
	assert_int_equal(t->tensors[0].shape[1], 64);
	assert_int_equal(t->tensors[1].off, t->data_off + 128);
	assert_int_equal(t->tensors[1].len, 20);
	assert_int_equal(t->order[TENSOR_NATURAL][0], 1);
	assert_int_equal(tensor_table_at(t, t->data_off + 108), 1);
	assert_int_equal(tensor_table_value(t, "u8")->u, 200);
	assert_int_equal(tensor_table_value(t, "i16")->i, -2);
	assert_true(tensor_table_value(t, "f32")->f == 1.5);
	assert_true(tensor_table_value(t, "f64")->f == -2.0);
	assert_int_equal(tensor_table_value(t, "yes")->type, FORMAT_BOOL);
	assert_int_equal(tensor_table_value(t, "yes")->u, 1);
	v = tensor_table_value(t, "general.name");
	assert_string_equal(v->text, "tiny");
	assert_memory_equal(file.data + v->off, "tiny", 4);
	v = tensor_table_value(t, "tokens");
	assert_int_equal(v->type, FORMAT_ARRAY);
	assert_int_equal(v->item, FORMAT_TEXT);
	assert_int_equal(v->nr, 3);
	assert_int_equal(v->len, 3 * 8 + 4);
	assert_memory_equal(file.data + v->off + 8, "a", 1);
	assert_int_equal(tensor_table_value(t, "nested")->item, FORMAT_ARRAY);
}

/* At every length: enough is enough, too little asks for more but never for more than there is, a cut file is refused. */
static void survives_every_cut(void **state)
{
	AUTO_BUF gguf = {0}, safetensors = {0};
	struct {
		struct buf *file;
		size_t header;
	} files[] = {{&gguf, put_gguf(&gguf)}, {&safetensors, 8 + strlen("{" A "," B "}")}};

	(void)state;
	put_safetensors(&safetensors, "{" A "," B "}", 32);
	for (size_t f = 0; f < ARRAY_SIZE(files); f++)
		for (size_t len = 0; len <= files[f].file->len; len++) {
			AUTO(tensor_table_unref) struct tensor_table *t = NULL, *cut = NULL;
			uint64_t need = 0;
			struct err err = {0};
			int r = parse_prefix(files[f].file, len, files[f].file->len, &t, &need, &err);

			assert_int_equal(r, len < files[f].header ? -EAGAIN : 0);
			assert_true(r == 0 || (need > len && need <= files[f].header));
			r = parse_prefix(files[f].file, len, len, &cut, &need, &err);
			assert_int_equal(r < 0 && r != -EAGAIN, len < files[f].file->len);
		}
}

/* Every byte changed in a few ways: no answer is wrong, as long as there is one and nothing is read beyond the end. */
static void survives_every_change(void **state)
{
	static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x7f};
	AUTO_BUF gguf = {0}, safetensors = {0};
	struct buf *files[] = {&gguf, &safetensors};

	(void)state;
	put_gguf(&gguf);
	put_safetensors(&safetensors, "{\"__metadata__\":{\"k\":\"v\"}," A "," B "}", 32);
	for (size_t f = 0; f < ARRAY_SIZE(files); f++)
		for (size_t i = 0; i < files[f]->len * ARRAY_SIZE(changes); i++) {
			AUTO(tensor_table_unref) struct tensor_table *t = NULL;
			char *byte = &files[f]->data[i / ARRAY_SIZE(changes)], was = *byte;
			uint64_t need = 0;
			struct err err = {0};
			int r;

			*byte = (char)(*byte ^ changes[i % ARRAY_SIZE(changes)]);
			r = parse_prefix(files[f], files[f]->len, files[f]->len, &t, &need, &err);
			*byte = was;
			assert_true(r == 0 ? t && !err.text[0] : r != -EAGAIN && err.text[0]);
			for (uint32_t n = 0; t && n < t->nr; n++)
				assert_true(t->tensors[n].off >= t->data_off && t->tensors[n].off + t->tensors[n].len <= t->file_size);
		}
}

static void refuses_gguf(void **state)
{
	enum { HUGE_TENSORS, HUGE_VALUES, TENSORS_TOO_MANY, VERSION_1, VERSION_4, OTHER_ENDIAN, TYPE, TRUTH, LONG_KEY, NUL_KEY, TWICE_KEY,
	       HUGE_ARRAY, HUGE_TEXTS, DEEP, ALIGNMENT_0, ALIGNMENT_3, ALIGNMENT_TYPE, DIMS, TENSOR_TYPE, ROWS, OVERFLOW_SHAPE, TWICE, OVERLAP,
	       OUTSIDE, WRAP, UNALIGNED, CASES };
	static const struct {
		int r;
		const char *why;
	} rows[CASES] = {
		[HUGE_TENSORS] = {-EBADMSG, "counts"}, [HUGE_VALUES] = {-EBADMSG, "counts"}, [TENSORS_TOO_MANY] = {-EBADMSG, "room"},
		[VERSION_1] = {-ENOTSUP, "version 1"}, [VERSION_4] = {-ENOTSUP, "version 4"}, [OTHER_ENDIAN] = {-ENOTSUP, "version"},
		[TYPE] = {-EBADMSG, "type 13"}, [TRUTH] = {-EBADMSG, "truth"}, [LONG_KEY] = {-EBADMSG, "a name has"},
		[NUL_KEY] = {-EBADMSG, "NUL"}, [TWICE_KEY] = {-EBADMSG, "twice"}, [HUGE_ARRAY] = {-EBADMSG, "items"},
		[HUGE_TEXTS] = {-EBADMSG, "room"}, [DEEP] = {-EBADMSG, "nested"}, [ALIGNMENT_0] = {-EBADMSG, "alignment"},
		[ALIGNMENT_3] = {-EBADMSG, "alignment"}, [ALIGNMENT_TYPE] = {-EBADMSG, "alignment"}, [DIMS] = {-EBADMSG, "dimensions"},
		[TENSOR_TYPE] = {-ENOTSUP, "type 4"}, [ROWS] = {-EBADMSG, "rows"}, [OVERFLOW_SHAPE] = {-EBADMSG, "too large"},
		[TWICE] = {-EBADMSG, "twice"}, [OVERLAP] = {-EBADMSG, "lies over"}, [OUTSIDE] = {-EBADMSG, "behind the end"},
		[WRAP] = {-EBADMSG, "behind the end"}, [UNALIGNED] = {-EBADMSG, "aligned"},
	};

	(void)state;
	for (int c = 0; c < CASES; c++) {
		AUTO(tensor_table_unref) struct tensor_table *t = NULL;
		AUTO_BUF b = {0};
		struct err err = {0};
		unsigned steps;
		bool values = c >= TYPE && c <= ALIGNMENT_TYPE;

		put_start(&b, c == VERSION_1 ? 1 : c == VERSION_4 ? 4 : c == OTHER_ENDIAN ? 3u << 24 : 2,
			  c == HUGE_TENSORS ? UINT64_MAX : c == TENSORS_TOO_MANY ? 1000 : c == TWICE || c == OVERLAP ? 2 : c >= DIMS,
			  c == HUGE_VALUES ? UINT64_MAX : c == TWICE_KEY ? 2 : values);
		switch (c) {
		case TYPE: put_key(&b, "k", 13), put(&b, 0, 1); break;
		case TRUTH: put_key(&b, "k", 7), put(&b, 2, 1); break;
		case LONG_KEY: put(&b, 65536, 8); break;
		case NUL_KEY: put(&b, 2, 8), buf_add(&b, "a", 2), put(&b, 0, 5); break;
		case TWICE_KEY: put_key(&b, "k", 0), put(&b, 1, 1), put_key(&b, "k", 0), put(&b, 1, 1); break;
		case HUGE_ARRAY: put_key(&b, "k", 9), put(&b, 10, 4), put(&b, UINT64_MAX / 4, 8); break;
		case HUGE_TEXTS: put_key(&b, "k", 9), put(&b, 8, 4), put(&b, UINT64_MAX / 8, 8); break;
		case DEEP:
			put_key(&b, "k", 9);
			for (int i = 0; i < 5; i++)
				put(&b, 9, 4), put(&b, 1, 8);
			put(&b, 0, 4), put(&b, 0, 8);
			break;
		case ALIGNMENT_0: put_key(&b, "general.alignment", 4), put(&b, 0, 4); break;
		case ALIGNMENT_3: put_key(&b, "general.alignment", 4), put(&b, 3, 4); break;
		case ALIGNMENT_TYPE: put_key(&b, "general.alignment", 10), put(&b, 32, 8); break;
		case DIMS: put_info(&b, "t", 5, (uint64_t[]){1, 1, 1, 1, 1}, 0, 0); break;
		case TENSOR_TYPE: put_info(&b, "t", 1, (uint64_t[]){32}, 4, 0); break;
		case ROWS: put_info(&b, "t", 2, (uint64_t[]){16, 2}, 2, 0); break;
		case OVERFLOW_SHAPE: put_info(&b, "t", 2, (uint64_t[]){1ull << 32, 1ull << 32}, 0, 0); break;
		case TWICE: put_info(&b, "t", 1, (uint64_t[]){1}, 0, 0), put_info(&b, "t", 1, (uint64_t[]){1}, 0, 32); break;
		case OVERLAP: put_info(&b, "t", 1, (uint64_t[]){9}, 0, 0), put_info(&b, "u", 1, (uint64_t[]){1}, 0, 32); break;
		case OUTSIDE: put_info(&b, "t", 1, (uint64_t[]){1000}, 0, 0); break;
		case WRAP: put_info(&b, "t", 1, (uint64_t[]){8}, 0, UINT64_MAX - 31); break;
		case UNALIGNED: put_info(&b, "t", 1, (uint64_t[]){1}, 0, 8); break;
		default: break;
		}
		put_padding(&b, 32, 200);
		int r = parse_file(&b, &t, &steps, &err);

		if (r != rows[c].r || !strstr(err.text, rows[c].why))
			fail_msg("case %d: %d \"%s\"", c, r, err.text);
	}
}

/* A vocabulary makes the header long: a reader who asks again and again is told in few steps. */
static void asks_for_a_long_header_in_few_steps(void **state)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	AUTO_BUF b = {0};
	struct err err = {0};
	unsigned steps;
	uint64_t need;

	(void)state;
	put_start(&b, 3, 1, 2);
	put_key(&b, "long", 8), put(&b, 2000, 8);
	for (int i = 0; i < 2000; i++)
		buf_addc(&b, 'x');
	put_key(&b, "tokens", 9), put(&b, 8, 4), put(&b, 20000, 8);
	for (int i = 0; i < 20000; i++)
		put_text(&b, "some token");
	put_info(&b, "t", 1, (uint64_t[]){1}, 0, 0);
	size_t header = b.len;
	put_padding(&b, 32, 4);
	assert_int_equal(parse_file(&b, &t, &steps, &err), 0);
	assert_true(steps < 40);
	assert_null(tensor_table_value(t, "long")->text);
	assert_int_equal(tensor_table_value(t, "long")->len, 2000);
	assert_true(t->memory < 4096);
	assert_int_equal(tensor_table_parse(b.data, b.len, b.len, header - 1, &t, &need, &err), -EFBIG);
}

static void is_compact(void **state)
{
	static const struct {
		unsigned nr;
		size_t most;
	} rows[] = {{300, 65536}, {100000, 20000000}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tensor_table_unref) struct tensor_table *t = NULL;
		AUTO_BUF header = {0};
		struct err err = {0};

		for (unsigned n = 0; n < rows[i].nr; n++)
			buf_addf(&header, "%s\"model.layers.%u.self_attn.q_proj.weight\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[%u,%u]}",
				 n ? "," : "{", n, n * 2, n * 2 + 2);
		buf_addc(&header, '}');
		assert_int_equal(parse_header(header.data, rows[i].nr * 2, &t, &err), 0);
		assert_int_equal(t->nr, rows[i].nr);
		assert_true(t->memory < rows[i].most);
		for (unsigned n = 0; n < rows[i].nr; n++) {
			assert_int_equal(t->order[TENSOR_NATURAL][n], n);
			assert_int_equal(t->rank[TENSOR_BY_NAME][t->order[TENSOR_BY_NAME][n]], n);
		}
	}
}

static void reads_a_real_model(void **state)
{
	static const char path[] = HFFS_EXAMPLES "/hub/hffs/tiny-tales/model-00001-of-00002.safetensors";
	AUTO(tensor_table_unref) struct tensor_table *t = NULL, *again = NULL;
	AUTO_BUF file = {0};
	struct err err = {0};
	unsigned steps;

	(void)state;
	assert_int_equal(io_read_file(path, 1 << 24, &file), 0);
	assert_int_equal(parse_file(&file, &t, &steps, &err), 0);
	assert_int_equal(steps, 2); /* its length, its header */
	assert_string_equal(tensor_table_value(t, "format")->text, "pt");
	assert_non_null(tensor_table_find(t, "model.embed_tokens.weight"));
	again = tensor_table_ref(t);
	assert_ptr_equal(again, t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(knows_formats_by_first_bytes),
		cmocka_unit_test(orders_names_naturally),
		cmocka_unit_test(reads_safetensors),
		cmocka_unit_test(refuses_safetensors),
		cmocka_unit_test(refuses_deep_and_long_headers),
		cmocka_unit_test(reads_gguf),
		cmocka_unit_test(survives_every_cut),
		cmocka_unit_test(survives_every_change),
		cmocka_unit_test(refuses_gguf),
		cmocka_unit_test(asks_for_a_long_header_in_few_steps),
		cmocka_unit_test(is_compact),
		cmocka_unit_test(reads_a_real_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

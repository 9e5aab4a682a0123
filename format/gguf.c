// SPDX-License-Identifier: Apache-2.0
/*
 * GGUF 2 and 3, little-endian: counts, metadata values, tensor infos, padding, tensors. [ggml docs/gguf.md, 2026-08]
 *
 * Nothing in it says how long the header is. What is known at each point is how many bytes must still follow at least: a text has
 * 8 bytes of length, a value at least 13, a tensor info at least 24. So a count that cannot be true is refused before anything is
 * allocated for it, and who has a part only is told of a next part that is surely there and roughly twice as long.
 */
#include "table_int.h"

#include <errno.h>
#include <string.h>

#include "bytes_int.h"
#include "type_int.h"

#define START 24       /* magic, version, both counts */
#define VALUE_MIN 13   /* length of the key, type, a byte */
#define TENSOR_MIN 24  /* length of the name, dimensions, type, offset */
#define TEXT_MIN 8
#define ARRAY_MIN 12   /* type and number of items */
#define DEPTH_MAX 4    /* of arrays in arrays */
#define NAME_MAX_BYTES 65535
#define DIMS_MAX 4     /* [ggml.h, GGML_MAX_DIMS] */
#define ALIGNMENT 32   /* unless general.alignment says otherwise */
#define ALIGNMENT_MAX (1u << 20)

enum value_type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, VALUE_TYPES };

static const struct {
	uint8_t bytes; /* at least */
	uint8_t type;  /* enum format_value_type */
} value_types[VALUE_TYPES] = {
	[U8] = {1, FORMAT_UINT}, [I8] = {1, FORMAT_INT}, [U16] = {2, FORMAT_UINT}, [I16] = {2, FORMAT_INT}, [U32] = {4, FORMAT_UINT},
	[I32] = {4, FORMAT_INT}, [F32] = {4, FORMAT_FLOAT}, [BOOL] = {1, FORMAT_BOOL}, [STRING] = {TEXT_MIN, FORMAT_TEXT},
	[ARRAY] = {ARRAY_MIN, FORMAT_ARRAY}, [U64] = {8, FORMAT_UINT}, [I64] = {8, FORMAT_INT}, [F64] = {8, FORMAT_FLOAT},
};

struct cursor {
	const uint8_t *bytes;
	uint64_t len, pos;
	uint64_t rest; /* bytes that must follow behind what is taken next, at least */
	uint64_t file_size, header_max;
	uint64_t need;
	struct err *err;
};

/* Are n more bytes here, and can the rest be? -EAGAIN with c->need, -EBADMSG, -EFBIG. */
static int require(struct cursor *c, uint64_t n)
{
	uint64_t total;

	if (__builtin_add_overflow(c->pos, n, &total) || __builtin_add_overflow(total, c->rest, &total) || total > c->file_size)
		return err_set(c->err, -EBADMSG, "the header says more than the file has room for");
	if (total > c->header_max)
		return err_set(c->err, -EFBIG, "the header has more than %llu bytes", (unsigned long long)c->header_max);
	c->need = total;
	return n > c->len - c->pos ? -EAGAIN : 0;
}

static int take(struct cursor *c, uint64_t n, const uint8_t **out)
{
	int r = require(c, n);

	if (r < 0)
		return r;
	*out = c->bytes + c->pos;
	c->pos += n;
	return 0;
}

static int take_u32(struct cursor *c, uint32_t *out)
{
	const uint8_t *p;
	int r = take(c, 4, &p);

	if (r == 0)
		*out = get_le32(p);
	return r;
}

static int take_u64(struct cursor *c, uint64_t *out)
{
	const uint8_t *p;
	int r = take(c, 8, &p);

	if (r == 0)
		*out = get_le64(p);
	return r;
}

static int take_text(struct cursor *c, const uint8_t **out, uint64_t *len)
{
	int r = take_u64(c, len);

	return r < 0 ? r : take(c, *len, out);
}

/* A key or the name of a tensor. */
static int take_name(struct cursor *c, const char **out, size_t *len)
{
	const uint8_t *p;
	uint64_t n;
	int r = take_u64(c, &n);

	if (r == 0 && n > NAME_MAX_BYTES)
		return err_set(c->err, -EBADMSG, "a name has %llu bytes", (unsigned long long)n);
	if (r == 0)
		r = take(c, n, &p);
	if (r < 0)
		return r;
	if (memchr(p, '\0', n))
		return err_set(c->err, -EBADMSG, "a name holds a NUL byte");
	*out = (const char *)p;
	*len = n;
	return 0;
}

/* --- metadata values --- */

static int take_value_type(struct cursor *c, uint32_t *type)
{
	int r = take_u32(c, type);

	return r == 0 && *type >= VALUE_TYPES ? err_set(c->err, -EBADMSG, "a metadata value has type %u", *type) : r;
}

static int take_number(struct cursor *c, uint32_t type, struct format_value *v)
{
	const uint8_t *p;
	uint32_t bits;
	int r = take(c, value_types[type].bytes, &p);

	if (r < 0)
		return r;
	switch ((enum value_type)type) {
	case U8: v->u = *p; break;
	case I8: v->i = (int8_t)*p; break;
	case U16: v->u = get_le16(p); break;
	case I16: v->i = (int16_t)get_le16(p); break;
	case U32: v->u = get_le32(p); break;
	case I32: v->i = (int32_t)get_le32(p); break;
	case U64: v->u = get_le64(p); break;
	case I64: v->i = (int64_t)get_le64(p); break;
	case F32: {
		float f;

		bits = get_le32(p);
		memcpy(&f, &bits, sizeof(f));
		v->f = (double)f;
		break;
	}
	case F64:
		v->u = get_le64(p);
		memcpy(&v->f, &(uint64_t){v->u}, sizeof(v->f));
		break;
	default: /* BOOL */
		v->u = *p;
		if (v->u > 1)
			return err_set(c->err, -EBADMSG, "a truth value is %u", *p);
	}
	return 0;
}

static int skip_items(struct cursor *c, uint32_t type, uint64_t nr, unsigned depth);

static int take_array_head(struct cursor *c, uint32_t *type, uint64_t *nr)
{
	int r = take_value_type(c, type);

	return r < 0 ? r : take_u64(c, nr);
}

static int skip_array(struct cursor *c, unsigned depth)
{
	uint32_t type;
	uint64_t nr;
	int r = take_array_head(c, &type, &nr);

	return r < 0 ? r : skip_items(c, type, nr, depth + 1);
}

/* Passes over texts that are here whole, at most nr, and gives their number. Vocabularies have a million of them. */
static uint64_t skip_texts_here(struct cursor *c, uint64_t nr)
{
	uint64_t pos = c->pos, n, len;

	for (n = 0; n < nr && c->len - pos >= TEXT_MIN; n++) {
		len = get_le64(c->bytes + pos);
		if (len > c->len - pos - TEXT_MIN)
			break;
		pos += TEXT_MIN + len;
	}
	c->pos = pos;
	return n;
}

/*
 * Items of their own length, one after the other; what the later ones take at least is part of the rest meanwhile. With each text the
 * sum of place and rest grows, or stays: that it is not too large needs to be asked behind many of them only.
 */
static int skip_long_items(struct cursor *c, uint32_t type, uint64_t nr, unsigned depth)
{
	uint64_t least = value_types[type].bytes, here = type == STRING ? skip_texts_here(c, nr) : 0;
	int r;

	nr -= here;
	c->rest += nr * least;
	r = require(c, 0);
	for (; nr && r == 0; nr--) {
		const uint8_t *p;
		uint64_t len;

		c->rest -= least;
		r = type == STRING ? take_text(c, &p, &len) : skip_array(c, depth);
	}
	return r;
}

static int skip_items(struct cursor *c, uint32_t type, uint64_t nr, unsigned depth)
{
	const uint8_t *p;
	uint64_t bytes;
	int r;

	if (depth > DEPTH_MAX)
		return err_set(c->err, -EBADMSG, "arrays are nested too deeply");
	if (__builtin_mul_overflow(nr, (uint64_t)value_types[type].bytes, &bytes))
		return err_set(c->err, -EBADMSG, "an array has %llu items", (unsigned long long)nr);
	if (type != STRING && type != ARRAY)
		return take(c, bytes, &p);
	r = require(c, bytes);
	return r < 0 ? r : skip_long_items(c, type, nr, depth);
}

static int take_array(struct cursor *c, struct format_value *v)
{
	uint32_t type;
	int r = take_array_head(c, &type, &v->nr);

	if (r < 0)
		return r;
	v->item = value_types[type].type;
	v->item_bytes = type == STRING || type == ARRAY ? 0 : value_types[type].bytes;
	v->off = c->pos;
	r = skip_items(c, type, v->nr, 1);
	v->len = c->pos - v->off;
	return r;
}

static int take_value(struct cursor *c, struct table_builder *b, uint64_t *alignment)
{
	struct format_value v = {0};
	const uint8_t *text = NULL;
	const char *key;
	size_t key_len;
	uint32_t type;
	int r = take_name(c, &key, &key_len);

	if (r == 0)
		r = take_value_type(c, &type);
	if (r < 0)
		return r;
	v.type = value_types[type].type;
	if (type == STRING)
		r = take_text(c, &text, &v.len);
	else if (type == ARRAY)
		r = take_array(c, &v);
	else
		r = take_number(c, type, &v);
	if (r < 0)
		return r;
	if (type == STRING)
		v.off = c->pos - v.len;
	if (key_len == strlen("general.alignment") && !memcmp(key, "general.alignment", key_len))
		*alignment = type == U32 ? v.u : 0;
	return builder_add_value(b, key, key_len, (const char *)text, (size_t)(text ? v.len : 0), &v, c->err);
}

/* --- tensors --- */

static int take_tensor(struct cursor *c, struct table_builder *b)
{
	struct raw_tensor t = {0};
	uint64_t shape[DIMS_MAX] = {0};
	uint32_t n_dims, type;
	const char *name;
	size_t name_len;
	int r = take_name(c, &name, &name_len);

	if (r == 0)
		r = take_u32(c, &n_dims);
	if (r == 0 && n_dims > DIMS_MAX)
		r = err_set(c->err, -EBADMSG, "tensor %.*s has %u dimensions", (int)min_u64(name_len, 200), name, n_dims);
	for (uint32_t i = 0; r == 0 && i < n_dims; i++)
		r = take_u64(c, &shape[n_dims - 1 - i]); /* the innermost comes first */
	if (r == 0)
		r = take_u32(c, &type);
	if (r == 0)
		r = take_u64(c, &t.off);
	if (r < 0)
		return r;
	if (tensor_type_of_ggml(type) < 0)
		return err_set(c->err, -ENOTSUP, "tensor %.*s: elements of type %u are not known", (int)min_u64(name_len, 200), name, type);
	t.type = (uint8_t)tensor_type_of_ggml(type);
	t.n_dims = (uint8_t)n_dims;
	if (n_dims && shape[n_dims - 1] % tensor_type_info(t.type)->block)
		return err_set(c->err, -EBADMSG, "tensor %.*s: its rows are not whole blocks", (int)min_u64(name_len, 200), name);
	return builder_add_tensor(b, name, name_len, &t, shape, c->err);
}

static int check_alignment(const struct table_builder *b, uint64_t alignment, struct err *err)
{
	const struct raw_tensor *t = (const void *)b->tensors.data;

	if (!alignment || alignment & (alignment - 1) || alignment > ALIGNMENT_MAX)
		return err_set(err, -EBADMSG, "general.alignment is not a power of two");
	for (size_t i = 0; i < b->tensors.len / sizeof(*t); i++)
		if (t[i].off % alignment)
			return err_set(err, -EBADMSG, "tensor %.200s is not aligned", b->names.data + t[i].name);
	return 0;
}

/* --- the whole --- */

static int take_start(struct cursor *c, uint64_t *tensors, uint64_t *values)
{
	const uint8_t *p;
	uint32_t version;
	int r = take(c, START, &p);

	if (r < 0)
		return r;
	version = get_le32(p + 4);
	if (version != 2 && version != 3)
		return err_set(c->err, -ENOTSUP, "GGUF version %u is not known", version);
	*tensors = get_le64(p + 8);
	*values = get_le64(p + 16);
	if (*tensors > TENSORS_MAX || *values > FORMAT_VALUES_MAX)
		return err_set(c->err, -EBADMSG, "the header counts %llu tensors and %llu values", (unsigned long long)*tensors,
			       (unsigned long long)*values);
	return 0;
}

static int take_all(struct cursor *c, struct table_builder *b, uint64_t *alignment)
{
	uint64_t tensors = 0, values = 0;
	int r = take_start(c, &tensors, &values);

	c->rest = tensors * TENSOR_MIN + values * VALUE_MIN;
	if (r == 0)
		r = require(c, 0);
	for (; values && r == 0; values--) {
		c->rest -= VALUE_MIN;
		r = take_value(c, b, alignment);
	}
	for (; tensors && r == 0; tensors--) {
		c->rest -= TENSOR_MIN;
		r = take_tensor(c, b);
	}
	return r;
}

int gguf_parse(const uint8_t *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
	       uint64_t *need, struct err *err)
{
	AUTO_BUILDER b = {.format = FORMAT_GGUF, .file_size = file_size};
	struct cursor c = {.bytes = bytes, .len = len, .file_size = file_size, .header_max = header_max, .err = err};
	uint64_t alignment = ALIGNMENT;
	int r = take_all(&c, &b, &alignment);

	if (r == -EAGAIN)
		*need = c.need;
	if (r == 0)
		r = check_alignment(&b, alignment, err);
	if (r < 0)
		return r;
	/* A file without tensors may end without padding. */
	b.data_off = min_u64((c.pos + alignment - 1) / alignment * alignment, file_size);
	return table_build(&b, out, err);
}

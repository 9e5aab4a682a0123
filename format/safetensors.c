// SPDX-License-Identifier: Apache-2.0
/*
 * safetensors: the header's length in 8 bytes, a JSON object, the tensors. What is accepted is what the reference reader accepts:
 * offsets without overlap or hole up to the end of the file, lengths that are those of type and shape. [safetensors tensor.rs,
 * Metadata::validate, 2026-08] Stricter: a name is there once (its README asks for that).
 */
#include "table_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/json.h>
#include <hffs/members.h>

#include "bytes_int.h"
#include "type_int.h"

#define PREFIX 8
#define ENTRY_MAX 65536 /* bytes of JSON of one tensor, without its name */

struct entry {
	int type;
	unsigned n_dims;
	uint64_t shape[TENSOR_DIMS_MAX], begin, end;
	bool has_type, has_shape, has_place;
};

static int read_type(struct entry *e, const struct json *value)
{
	const char *name = json_string(value);

	if (!name || e->has_type)
		return -EBADMSG;
	e->has_type = true;
	e->type = tensor_type_of_safetensors(name);
	return e->type < 0 ? -ENOTSUP : 0;
}

static int read_shape(struct entry *e, const struct json *value)
{
	if (!json_is_array(value) || e->has_shape)
		return -EBADMSG;
	e->has_shape = true;
	for (const struct json *d = json_first(value); d; d = json_next(d))
		if (e->n_dims == TENSOR_DIMS_MAX || json_u64(d, &e->shape[e->n_dims++]) < 0)
			return -EBADMSG;
	return 0;
}

static int read_place(struct entry *e, const struct json *value)
{
	const struct json *begin = json_first(value), *end = json_next(begin);

	if (!json_is_array(value) || e->has_place || !end || json_next(end))
		return -EBADMSG;
	e->has_place = true;
	return json_u64(begin, &e->begin) < 0 || json_u64(end, &e->end) < 0 || e->end < e->begin ? -EBADMSG : 0;
}

static int read_entry(struct entry *e, const struct json *value)
{
	if (!json_is_object(value))
		return -EBADMSG;
	for (const struct json *m = json_first(value); m; m = json_next(m)) {
		const char *key = json_key(m);
		int r = 0;

		if (!strcmp(key, "dtype"))
			r = read_type(e, m);
		else if (!strcmp(key, "shape"))
			r = read_shape(e, m);
		else if (!strcmp(key, "data_offsets"))
			r = read_place(e, m);
		if (r < 0)
			return r;
	}
	return e->has_type && e->has_shape && e->has_place ? 0 : -EBADMSG;
}

static int add_tensor(struct table_builder *b, const char *name, const struct slice *value, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct entry e = {0};
	struct raw_tensor t;
	int r = json_parse(value->at, value->len, ENTRY_MAX, &j, NULL);

	if (r == 0)
		r = read_entry(&e, j);
	if (r == -ENOMEM)
		return r;
	if (r == -ENOTSUP)
		return err_set(err, r, "tensor %.200s: elements of its type are not known", name);
	if (r < 0)
		return err_set(err, -EBADMSG, "tensor %.200s: its entry in the header is malformed", name);
	t = (struct raw_tensor){.off = e.begin, .type = (uint8_t)e.type, .n_dims = (uint8_t)e.n_dims};
	r = builder_add_tensor(b, name, strlen(name), &t, e.shape, err);
	if (r == 0 && t.len != e.end - e.begin)
		r = err_set(err, -EBADMSG, "tensor %.200s has %llu bytes, its type and shape ask for %llu", name,
			    (unsigned long long)(e.end - e.begin), (unsigned long long)t.len);
	return r;
}

static int add_metadata(struct table_builder *b, const char *header, const struct slice *object, struct err *err)
{
	struct members m;
	struct slice key, value;
	int r;

	members_init(&m, object->at, object->len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		AUTO(json_free) struct json *k = NULL, *v = NULL;
		struct format_value place = {.type = FORMAT_TEXT, .off = PREFIX + (uint64_t)(value.at - header), .len = value.len};

		r = slice_string(&key, SIZE_MAX, &k);
		if (r == 0)
			r = slice_string(&value, SIZE_MAX, &v);
		if (r < 0)
			break;
		r = builder_add_value(b, json_string(k), strlen(json_string(k)), json_string(v), strlen(json_string(v)), &place, err);
		if (r < 0)
			return r;
	}
	return r == -ENOMEM || r == 0 ? r : err_set(err, -EBADMSG, "the metadata of the header is malformed");
}

static int add_members(struct table_builder *b, const char *header, size_t len, struct err *err)
{
	struct members m;
	struct slice key, value;
	bool metadata = false;
	int r;

	members_init(&m, header, len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		AUTO(json_free) struct json *name = NULL;

		r = slice_string(&key, SIZE_MAX, &name);
		if (r < 0)
			break;
		if (strcmp(json_string(name), "__metadata__") != 0)
			r = add_tensor(b, json_string(name), &value, err);
		else
			r = metadata ? err_set(err, -EBADMSG, "__metadata__ is there twice") : add_metadata(b, header, &value, err);
		metadata = metadata || !strcmp(json_string(name), "__metadata__");
		if (r < 0)
			return r;
	}
	return r == -ENOMEM || r == 0 ? r : err_set(err, -EBADMSG, "the header is not a JSON object");
}

int safetensors_parse(const uint8_t *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
		      uint64_t *need, struct err *err)
{
	AUTO_BUILDER b = {.format = FORMAT_SAFETENSORS, .file_size = file_size};
	uint64_t header = get_le64(bytes);
	int r;

	if (file_size < PREFIX || header > file_size - PREFIX)
		return err_set(err, -EBADMSG, "the header ends behind the end of the file");
	if (header > header_max)
		return err_set(err, -EFBIG, "the header has %llu bytes; at most %llu are read", (unsigned long long)header,
			       (unsigned long long)header_max);
	if (len < PREFIX + header) {
		*need = PREFIX + header;
		return -EAGAIN;
	}
	b.data_off = PREFIX + header;
	r = add_members(&b, (const char *)bytes + PREFIX, (size_t)header, err);
	return r < 0 ? r : table_build(&b, out, err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The table of tensors, whatever format it came from: one block of memory, never changed once it is made.
 *
 * All lengths and offsets are checked here, when everything is known: sorted by place, each tensor must begin where the one
 * before it has ended or later, and the last one must end inside of the file.
 */
#include "table_int.h"

#include <errno.h>
#include <string.h>

#include "type_int.h"

/* --- building --- */

void builder_done(struct table_builder *b)
{
	buf_done(&b->names);
	buf_done(&b->shapes);
	buf_done(&b->tensors);
	buf_done(&b->values);
}

uint32_t builder_add_name(struct table_builder *b, const char *text, size_t len)
{
	size_t at = b->names.len;

	buf_add(&b->names, text, len);
	buf_addc(&b->names, '\0');
	return (uint32_t)at; /* headers are shorter than 4 GiB */
}

int builder_add_tensor(struct table_builder *b, const char *name, size_t name_len, struct raw_tensor *t, const uint64_t *shape,
		       struct err *err)
{
	if (b->tensors.len / sizeof(*t) >= TENSORS_MAX)
		return err_set(err, -EBADMSG, "there are more than %u tensors", TENSORS_MAX);
	if (!tensor_type_bytes(t->type, shape, t->n_dims, &t->len))
		return err_set(err, -EBADMSG, "tensor %.*s: its shape is too large, or not whole blocks of %s", (int)min_u64(name_len, 200),
			       name, tensor_type_info(t->type)->name);
	t->name = builder_add_name(b, name, name_len);
	t->shape = (uint32_t)(b->shapes.len / sizeof(*shape));
	buf_add(&b->shapes, shape, t->n_dims * sizeof(*shape));
	buf_add(&b->tensors, t, sizeof(*t));
	return b->names.failed || b->shapes.failed || b->tensors.failed ? -ENOMEM : 0;
}

int builder_add_value(struct table_builder *b, const char *key, size_t key_len, const char *text, size_t text_len,
		      const struct format_value *v, struct err *err)
{
	struct raw_value raw = {.value = *v, .text = UINT32_MAX};

	if (b->values.len / sizeof(raw) >= FORMAT_VALUES_MAX)
		return err_set(err, -EBADMSG, "there are more than %u metadata values", FORMAT_VALUES_MAX);
	raw.key = builder_add_name(b, key, key_len);
	if (text && text_len <= FORMAT_TEXT_KEPT && !memchr(text, '\0', text_len))
		raw.text = builder_add_name(b, text, text_len);
	buf_add(&b->values, &raw, sizeof(raw));
	return b->names.failed || b->values.failed ? -ENOMEM : 0;
}

static int by_place(const void *pa, const void *pb)
{
	const struct raw_tensor *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return a->name < b->name ? -1 : a->name > b->name; /* as the header has them */
}

static int check_places(const struct table_builder *b, const struct raw_tensor *t, size_t nr, struct err *err)
{
	uint64_t end = 0, room = b->file_size - b->data_off;
	bool dense = b->format == FORMAT_SAFETENSORS; /* [safetensors README, "no holes"] */

	for (size_t i = 0; i < nr; i++) {
		const char *name = b->names.data + t[i].name;

		if (t[i].off < end)
			return err_set(err, -EBADMSG, "tensor %.200s lies over the one before it", name);
		if (t[i].off > room || t[i].len > room - t[i].off)
			return err_set(err, -EBADMSG, "tensor %.200s ends behind the end of the file", name);
		if (dense && t[i].off != end)
			return err_set(err, -EBADMSG, "there is a hole before tensor %.200s", name);
		end = t[i].off + t[i].len;
	}
	if (dense && end != room)
		return err_set(err, -EBADMSG, "the tensors take %llu bytes, the file has %llu for them", (unsigned long long)end,
			       (unsigned long long)room);
	return 0;
}

/* --- the finished block --- */

static int compare_natural(const void *a, const void *b, void *tensors)
{
	const struct tensor *t = tensors;

	return tensor_name_compare(t[*(const uint32_t *)a].name, t[*(const uint32_t *)b].name);
}

static int compare_bytes(const void *a, const void *b, void *tensors)
{
	const struct tensor *t = tensors;

	return strcmp(t[*(const uint32_t *)a].name, t[*(const uint32_t *)b].name);
}

static int compare_keys(const void *a, const void *b)
{
	return strcmp(((const struct format_value *)a)->key, ((const struct format_value *)b)->key);
}

/* The parts of the block in its order, each aligned by what comes before it. */
struct parts {
	struct tensor_table *table;
	struct tensor *tensors;
	struct format_value *values;
	uint64_t *shapes;
	uint32_t *order[TENSOR_ORDERS], *rank[TENSOR_ORDERS];
	char *names;
};

static bool allocate(const struct table_builder *b, size_t nr, size_t nr_values, struct parts *p)
{
	size_t size = sizeof(*p->table) + nr * sizeof(*p->tensors) + nr_values * sizeof(*p->values) + b->shapes.len +
		      5 * nr * sizeof(uint32_t) + b->names.len;
	char *at = calloc(1, size);

	p->table = (void *)at;
	if (!at)
		return false;
	p->table->memory = size;
	p->tensors = (void *)(at += sizeof(*p->table));
	p->values = (void *)(at += nr * sizeof(*p->tensors));
	p->shapes = (void *)(at += nr_values * sizeof(*p->values));
	p->order[TENSOR_BY_PLACE] = p->rank[TENSOR_BY_PLACE] = (void *)(at += b->shapes.len);
	for (unsigned o = TENSOR_NATURAL; o < TENSOR_ORDERS; o++) {
		p->order[o] = (void *)(at += nr * sizeof(uint32_t));
		p->rank[o] = (void *)(at += nr * sizeof(uint32_t));
	}
	p->names = at + nr * sizeof(uint32_t);
	if (b->names.len)
		memcpy(p->names, b->names.data, b->names.len);
	if (b->shapes.len)
		memcpy(p->shapes, b->shapes.data, b->shapes.len);
	return true;
}

static void fill_tensors(const struct table_builder *b, const struct raw_tensor *raw, struct parts *p)
{
	for (uint32_t i = 0; i < p->table->nr; i++)
		p->tensors[i] = (struct tensor){b->data_off + raw[i].off, raw[i].len, p->names + raw[i].name, p->shapes + raw[i].shape,
						raw[i].type, raw[i].n_dims};
}

static void fill_orders(struct parts *p)
{
	uint32_t nr = p->table->nr;

	for (unsigned o = 0; o < TENSOR_ORDERS; o++) {
		for (uint32_t i = 0; i < nr; i++)
			p->order[o][i] = i;
		if (o != TENSOR_BY_PLACE && nr)
			qsort_r(p->order[o], nr, sizeof(uint32_t), o == TENSOR_NATURAL ? compare_natural : compare_bytes, p->tensors);
		for (uint32_t n = 0; n < nr; n++)
			p->rank[o][p->order[o][n]] = n;
		p->table->order[o] = p->order[o];
		p->table->rank[o] = p->rank[o];
	}
}

static void fill_values(const struct raw_value *raw, struct parts *p)
{
	for (uint32_t i = 0; i < p->table->nr_values; i++) {
		p->values[i] = raw[i].value;
		p->values[i].key = p->names + raw[i].key;
		if (raw[i].value.type == FORMAT_TEXT)
			p->values[i].text = raw[i].text == UINT32_MAX ? NULL : p->names + raw[i].text;
	}
	if (p->table->nr_values)
		qsort(p->values, p->table->nr_values, sizeof(*p->values), compare_keys);
}

static int check_names(const struct parts *p, struct err *err)
{
	const uint32_t *order = p->order[TENSOR_BY_NAME];

	for (uint32_t n = 1; n < p->table->nr; n++)
		if (!strcmp(p->tensors[order[n - 1]].name, p->tensors[order[n]].name))
			return err_set(err, -EBADMSG, "tensor %.200s is there twice", p->tensors[order[n]].name);
	for (uint32_t n = 1; n < p->table->nr_values; n++)
		if (!strcmp(p->values[n - 1].key, p->values[n].key))
			return err_set(err, -EBADMSG, "metadata value %.200s is there twice", p->values[n].key);
	return 0;
}

int table_build(struct table_builder *b, struct tensor_table **out, struct err *err)
{
	AUTO_FREE struct tensor_table *made = NULL;
	struct raw_tensor *raw = (void *)b->tensors.data;
	size_t nr = b->tensors.len / sizeof(*raw), nr_values = b->values.len / sizeof(struct raw_value);
	struct parts p;
	int r;

	if (nr)
		qsort(raw, nr, sizeof(*raw), by_place);
	r = check_places(b, raw, nr, err);
	if (r < 0)
		return r;
	if (!allocate(b, nr, nr_values, &p))
		return -ENOMEM;
	made = p.table;
	made->refs = 1;
	made->format = b->format;
	made->nr = (uint32_t)nr;
	made->nr_values = (uint32_t)nr_values;
	made->file_size = b->file_size;
	made->data_off = b->data_off;
	made->tensors = p.tensors;
	made->values = p.values;
	fill_tensors(b, raw, &p);
	fill_values((void *)b->values.data, &p);
	fill_orders(&p);
	r = check_names(&p, err);
	if (r < 0)
		return r;
	*out = TAKE(made);
	return 0;
}

/* --- use --- */

int tensor_table_parse(const void *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
		       uint64_t *need, struct err *err)
{
	len = (size_t)min_u64(len, file_size);
	header_max = min_u64(header_max, FORMAT_HEADER_MAX);
	if (len < FORMAT_SNIFF_BYTES && len < file_size) {
		*need = min_u64(FORMAT_SNIFF_BYTES, file_size);
		return -EAGAIN;
	}
	switch (format_sniff(bytes, len)) {
	case FORMAT_SAFETENSORS:
		return safetensors_parse(bytes, len, file_size, header_max, out, need, err);
	case FORMAT_GGUF:
		return gguf_parse(bytes, len, file_size, header_max, out, need, err);
	default:
		return err_set(err, -ENOTSUP, "neither a safetensors nor a GGUF file");
	}
}

static unsigned *refs_of(const struct tensor_table *t)
{
	return (unsigned *)(uintptr_t)&t->refs; /* the one member that changes */
}

struct tensor_table *tensor_table_ref(const struct tensor_table *t)
{
	if (t)
		__atomic_fetch_add(refs_of(t), 1, __ATOMIC_RELAXED);
	return (struct tensor_table *)(uintptr_t)t;
}

void tensor_table_unref(const struct tensor_table *t)
{
	if (t && __atomic_fetch_sub(refs_of(t), 1, __ATOMIC_ACQ_REL) == 1)
		free((void *)(uintptr_t)t);
}

uint32_t tensor_table_at(const struct tensor_table *t, uint64_t off)
{
	uint32_t lo = 0, hi = t->nr;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (t->tensors[mid].off + t->tensors[mid].len <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	while (lo < t->nr && t->tensors[lo].len == 0)
		lo++;
	return lo;
}

const struct tensor *tensor_table_find(const struct tensor_table *t, const char *name)
{
	uint32_t lo = 0, hi = t->nr;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const struct tensor *at = &t->tensors[t->order[TENSOR_BY_NAME][mid]];
		int r = strcmp(at->name, name);

		if (r == 0)
			return at;
		if (r < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

const struct format_value *tensor_table_value(const struct tensor_table *t, const char *key)
{
	struct format_value wanted = {.key = key};

	return t->nr_values ? bsearch(&wanted, t->values, t->nr_values, sizeof(wanted), compare_keys) : NULL;
}

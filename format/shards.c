// SPDX-License-Identifier: Apache-2.0
/*
 * The index of a model in shards, as transformers writes it: {"metadata": ..., "weight_map": {tensor: file}}. The names are made up
 * by whoever uploaded them: a shard is a plain file name in the folder of the index, or the whole index is refused.
 */
#include <hffs/format.h>

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/map.h>
#include <hffs/members.h>
#include <hffs/name.h>

struct shard {
	char *name;
	uint32_t id; /* by first mention */
};

struct raw_entry {
	size_t name; /* position in names */
	uint32_t shard;
};

struct builder {
	struct buf names, entries;
	struct shard *shards;
	uint32_t nr_shards, room;
	struct map by_name; /* to id + 1 */
	bool has_map;
};

static void builder_done(struct builder *b)
{
	for (uint32_t i = 0; i < b->nr_shards; i++)
		free(b->shards[i].name);
	free(b->shards);
	map_done(&b->by_name);
	buf_done(&b->names);
	buf_done(&b->entries);
}

static int add_shard(struct builder *b, const char *name, size_t len)
{
	struct shard *s;

	if (b->nr_shards == SHARDS_MAX)
		return -EBADMSG;
	if (b->nr_shards == b->room) {
		s = realloc(b->shards, (b->room * 2 + 16) * sizeof(*s));
		if (!s)
			return -ENOMEM;
		b->shards = s;
		b->room = b->room * 2 + 16;
	}
	s = &b->shards[b->nr_shards];
	*s = (struct shard){strdup(name), b->nr_shards};
	if (!s->name)
		return -ENOMEM;
	b->nr_shards++;
	return map_put(&b->by_name, s->name, len, (void *)((uintptr_t)s->id + 1));
}

static int find_shard(struct builder *b, const char *name, uint32_t *id)
{
	size_t len = strlen(name);
	uintptr_t found = (uintptr_t)map_find(&b->by_name, name, len);
	int r = 0;

	if (!found) {
		r = add_shard(b, name, len);
		found = b->nr_shards;
	}
	if (r == 0)
		*id = (uint32_t)(found - 1);
	return r;
}

static int add_entry(struct builder *b, const struct slice *key, const struct slice *value, struct err *err)
{
	AUTO(json_free) struct json *k = NULL, *v = NULL;
	struct raw_entry e = {.name = b->names.len};
	int r = slice_string(key, SIZE_MAX, &k);

	if (r == 0)
		r = slice_string(value, SIZE_MAX, &v);
	if (r < 0)
		return r == -ENOMEM ? r : err_set(err, -EBADMSG, "weight_map does not map names to names");
	if (!name_is_safe(json_string(v), strlen(json_string(v))))
		return err_set(err, -EBADMSG, "weight_map names the file %.200s", json_string(v));
	r = find_shard(b, json_string(v), &e.shard);
	if (r < 0)
		return r == -ENOMEM ? r : err_set(err, r, "there are more than %u shards", SHARDS_MAX);
	buf_add(&b->names, json_string(k), strlen(json_string(k)) + 1);
	buf_add(&b->entries, &e, sizeof(e));
	return b->names.failed || b->entries.failed ? -ENOMEM : 0;
}

static int add_entries(struct builder *b, const struct slice *object, struct err *err)
{
	struct members m;
	struct slice key, value;
	int r;

	if (b->has_map)
		return err_set(err, -EBADMSG, "weight_map is there twice");
	b->has_map = true;
	members_init(&m, object->at, object->len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		r = add_entry(b, &key, &value, err);
		if (r < 0)
			return r;
	}
	return r == 0 ? 0 : err_set(err, r, "weight_map is malformed");
}

static int compare_shards(const void *a, const void *b)
{
	return tensor_name_compare(((const struct shard *)a)->name, ((const struct shard *)b)->name);
}

static int compare_tensors(const void *a, const void *b)
{
	return tensor_name_compare(((const struct shard_tensor *)a)->name, ((const struct shard_tensor *)b)->name);
}

/* Names of shards to the end of the block; where each stands now, by id. */
static void fill_shards(const struct builder *b, const char **shards, char *names, uint32_t *place)
{
	for (uint32_t i = 0; i < b->nr_shards; i++) {
		size_t len = strlen(b->shards[i].name) + 1;

		memcpy(names, b->shards[i].name, len);
		shards[i] = names;
		place[b->shards[i].id] = i;
		names += len;
	}
}

static size_t shard_names_len(const struct builder *b)
{
	size_t len = 0;

	for (uint32_t i = 0; i < b->nr_shards; i++)
		len += strlen(b->shards[i].name) + 1;
	return len;
}

/* One block: the index, tensors, pointers to shard names, names of tensors, names of shards. */
static int finish(struct builder *b, struct shard_index **out, struct err *err)
{
	const struct raw_entry *e = (const void *)b->entries.data;
	size_t nr = b->entries.len / sizeof(*e);
	size_t size = sizeof(**out) + nr * sizeof(struct shard_tensor) + b->nr_shards * sizeof(char *) + b->names.len + shard_names_len(b);
	AUTO_FREE uint32_t *place = calloc(b->nr_shards + 1u, sizeof(*place));
	AUTO_FREE struct shard_index *x = calloc(1, size);
	struct shard_tensor *tensors;
	const char **shards;
	char *names;

	if (!x || !place)
		return -ENOMEM;
	tensors = (void *)(x + 1);
	shards = (void *)(tensors + nr);
	names = (void *)(shards + b->nr_shards);
	*x = (struct shard_index){1, (uint32_t)nr, b->nr_shards, size, shards, tensors};
	if (nr) {
		memcpy(names, b->names.data, b->names.len);
		qsort(b->shards, b->nr_shards, sizeof(*b->shards), compare_shards);
	}
	fill_shards(b, shards, names + b->names.len, place);
	for (size_t i = 0; i < nr; i++)
		tensors[i] = (struct shard_tensor){names + e[i].name, place[e[i].shard]};
	if (nr)
		qsort(tensors, nr, sizeof(*tensors), compare_tensors);
	for (size_t i = 1; i < nr; i++)
		if (!strcmp(tensors[i - 1].name, tensors[i].name))
			return err_set(err, -EBADMSG, "tensor %.200s is there twice", tensors[i].name);
	*out = TAKE(x);
	return 0;
}

static int add_members(struct builder *b, const char *text, size_t len, struct err *err)
{
	struct members m;
	struct slice key, value;
	int r;

	members_init(&m, text, len);
	while ((r = members_next(&m, &key, &value)) > 0) {
		AUTO(json_free) struct json *name = NULL;

		r = slice_string(&key, SIZE_MAX, &name);
		if (r < 0)
			break;
		if (!strcmp(json_string(name), "weight_map")) {
			r = add_entries(b, &value, err);
			if (r < 0)
				return r;
		}
	}
	if (r == 0 && !b->has_map)
		return err_set(err, -EBADMSG, "there is no weight_map");
	return r == 0 || r == -ENOMEM ? r : err_set(err, -EBADMSG, "the index is not a JSON object");
}

int shard_index_parse(const void *bytes, size_t len, struct shard_index **out, struct err *err)
{
	__attribute__((cleanup(builder_done))) struct builder b = {0};
	int r;

	if (len > SHARD_INDEX_MAX)
		return err_set(err, -EFBIG, "the index has %zu bytes; at most %u are read", len, SHARD_INDEX_MAX);
	r = add_members(&b, bytes, len, err);
	return r < 0 ? r : finish(&b, out, err);
}

struct shard_index *shard_index_ref(const struct shard_index *x)
{
	struct shard_index *mine = (struct shard_index *)(uintptr_t)x;

	if (x)
		__atomic_fetch_add(&mine->refs, 1, __ATOMIC_RELAXED);
	return mine;
}

void shard_index_unref(const struct shard_index *x)
{
	struct shard_index *mine = (struct shard_index *)(uintptr_t)x;

	if (x && __atomic_fetch_sub(&mine->refs, 1, __ATOMIC_ACQ_REL) == 1)
		free(mine);
}

const struct shard_tensor *shard_index_find(const struct shard_index *x, const char *tensor)
{
	struct shard_tensor wanted = {.name = tensor};

	return x->nr ? bsearch(&wanted, x->tensors, x->nr, sizeof(wanted), compare_tensors) : NULL;
}

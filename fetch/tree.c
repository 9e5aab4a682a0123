// SPDX-License-Identifier: Apache-2.0
/*
 * The listing of one commit: from the pages of the Hub to an immutable tree, to bytes for the cache, and back.
 *
 * The builder keeps entries in order of arrival, names without their directories, and a hash table of (parent, name), so
 * that missing directories, duplicates and twins are settled as they come. Finishing numbers the entries breadth first,
 * each directory's children sorted by bytes. A listing of a million files costs about 200 MiB while it is built.
 *
 * Stored form, little-endian: "hffstree", u32 version, u32 entries, u32 hidden, u32 bytes of names (each with a NUL); then the
 * entries by number, the root first with an empty name:
 *     u8 flags (1 directory, 2 LFS, blob algorithm << 2, 16 has a Xet hash), u8 length of the name, the name,
 *     file: u64 size, the digest (20, 32 or 0 bytes by algorithm), with flag 16 the Xet hash (32 bytes);  directory: u32 children
 * and a u64 XXH3 of all that. Parents, offsets and first children follow from the order, so they cannot be wrong.
 */
#include "tree_int.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include <hffs/filter.h>
#include <hffs/name.h>

#define SIZE_MOST ((uint64_t)1 << 53) /* what JSON numbers carry exactly */

struct tree {
	_Atomic uint32_t refs;
	uint32_t nr, hidden;
	bool is_masked;
	struct tree_entry *entries;
	char *names;
	uint32_t names_len;
	struct xet *xets; /* by entry: few files have one */
	uint32_t nr_xets;
	struct by_blob *_Atomic by_blob; /* NULL until somebody looks for a content */
};

struct xet {
	uint32_t entry;
	uint8_t hash[32];
};

struct arrived_xet {
	uint32_t entry, nr; /* of the builder; the count so far */
	bool is_none;       /* this path came before, and now without a hash */
	uint8_t hash[32];
};

/* Files by content: entries in open addressing, a power of two of slots; 0: free. */
struct by_blob {
	uint32_t cap;
	uint32_t slots[];
};

struct tree_builder {
	struct tree_entry *entries; /* by arrival; 0 is the root */
	uint32_t nr, cap;
	struct buf names;
	uint32_t *slots; /* entries by (parent, name); 0: free */
	uint32_t slots_cap;
	uint32_t hidden;
	struct buf xets;     /* struct arrived_xet */
	struct buf dir_path; /* of the last entry's directory: listings come grouped */
	uint32_t dir;
};

static int bytes_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r ? r : (a_len > b_len) - (a_len < b_len);
}

/* --- building --- */

struct tree_builder *tree_builder_new(void)
{
	AUTO(tree_builder_free) struct tree_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->cap = 256;
	b->slots_cap = 512;
	b->entries = calloc(b->cap, sizeof(*b->entries));
	b->slots = calloc(b->slots_cap, sizeof(*b->slots));
	if (!b->entries || !b->slots)
		return NULL;
	b->entries[0].type = ENTRY_DIR;
	b->nr = 1;
	return TAKE(b);
}

void tree_builder_free(struct tree_builder *b)
{
	if (!b)
		return;
	free(b->entries);
	free(b->slots);
	buf_done(&b->names);
	buf_done(&b->xets);
	buf_done(&b->dir_path);
	free(b);
}

/* Where (parent, name) is in the hash table, or the free slot for it. */
static uint32_t *builder_slot(struct tree_builder *b, uint32_t parent, const char *name, size_t len)
{
	uint32_t i = (uint32_t)digest_hash64(name, len, parent) & (b->slots_cap - 1);

	for (;; i = (i + 1) & (b->slots_cap - 1)) {
		const struct tree_entry *e = &b->entries[b->slots[i]];

		if (!b->slots[i])
			return &b->slots[i];
		if (e->parent == parent && e->name_len == len && !memcmp(b->names.data + e->name_off, name, len))
			return &b->slots[i];
	}
}

static int builder_grow_slots(struct tree_builder *b)
{
	uint32_t *slots = calloc((size_t)b->slots_cap * 2, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	free(b->slots);
	b->slots = slots;
	b->slots_cap *= 2;
	for (uint32_t i = 1; i < b->nr; i++) {
		const struct tree_entry *e = &b->entries[i];

		*builder_slot(b, e->parent, b->names.data + e->name_off, e->name_len) = i;
	}
	return 0;
}

static int builder_make_room(struct tree_builder *b)
{
	struct tree_entry *entries;

	if (b->nr >= TREE_ENTRIES_MAX)
		return -EFBIG;
	if (b->nr >= b->slots_cap / 4 * 3 && builder_grow_slots(b) < 0)
		return -ENOMEM;
	if (b->nr < b->cap)
		return 0;
	entries = realloc(b->entries, (size_t)b->cap * 2 * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	b->entries = entries;
	b->cap *= 2;
	return 0;
}

/* The entry called name below parent; made as an empty directory if missing, and then *made is set. */
static int builder_child(struct tree_builder *b, uint32_t parent, const char *name, size_t len, bool *made, uint32_t *out)
{
	uint32_t *slot = builder_slot(b, parent, name, len);
	int r;

	*made = *slot == 0;
	if (*slot) {
		*out = *slot;
		return 0;
	}
	r = builder_make_room(b);
	if (r < 0)
		return r;
	buf_add(&b->names, name, len);
	if (b->names.failed)
		return -ENOMEM;
	b->entries[b->nr] = (struct tree_entry){
		.type = ENTRY_DIR,
		.parent = parent,
		.name_off = (uint32_t)(b->names.len - len),
		.name_len = (uint32_t)len,
	};
	*builder_slot(b, parent, name, len) = b->nr;
	*out = b->nr++;
	return 0;
}

/* A directory wins over a file of its name. */
static void builder_make_dir(struct tree_builder *b, uint32_t idx)
{
	struct tree_entry *e = &b->entries[idx];

	if (e->type == ENTRY_DIR)
		return;
	e->type = ENTRY_DIR;
	e->size = 0;
	e->id = (struct blob_id){0};
	e->is_lfs = 0;
	b->hidden++;
}

/* The directory of this path, made with its parents where missing. */
static int builder_dir(struct tree_builder *b, const char *path, size_t len, uint32_t *out)
{
	uint32_t dir = 0;
	bool made;

	if (b->dir_path.len == len && (len == 0 || !memcmp(b->dir_path.data, path, len))) {
		*out = b->dir;
		return 0;
	}
	for (size_t off = 0, part; off < len; off += part + 1) {
		const char *slash = memchr(path + off, '/', len - off);
		int r;

		part = slash ? (size_t)(slash - path) - off : len - off;
		r = builder_child(b, dir, path + off, part, &made, &dir);
		if (r < 0)
			return r;
		builder_make_dir(b, dir);
	}
	buf_clear(&b->dir_path);
	buf_add(&b->dir_path, path, len);
	if (b->dir_path.failed) {
		buf_clear(&b->dir_path);
		b->dir = 0;
		return -ENOMEM;
	}
	b->dir = dir;
	*out = dir;
	return 0;
}

static void builder_set_file(struct tree_builder *b, uint32_t idx, const struct hub_entry *from, bool made)
{
	struct tree_entry *e = &b->entries[idx];

	if (!made)
		b->hidden++;
	if (!made && e->type == ENTRY_DIR)
		return;
	e->type = ENTRY_FILE;
	e->size = from->size;
	e->id = from->id;
	e->is_lfs = from->is_lfs;
}

static int builder_add_xet(struct tree_builder *b, uint32_t idx, const struct hub_entry *from, bool made)
{
	struct arrived_xet x = {.entry = idx, .nr = (uint32_t)(b->xets.len / sizeof(x)), .is_none = !from->has_xet};

	if (!from->has_xet && made)
		return 0;
	memcpy(x.hash, from->xet, sizeof(x.hash));
	buf_add(&b->xets, &x, sizeof(x));
	return b->xets.failed ? -ENOMEM : 0;
}

static int builder_add_entry(struct tree_builder *b, const struct hub_entry *e)
{
	size_t len = strlen(e->path);
	const char *slash = memrchr(e->path, '/', len);
	size_t dir_len = slash ? (size_t)(slash - e->path) : 0, name_off = slash ? dir_len + 1 : 0;
	uint32_t dir, idx;
	bool made;
	int r;

	if (!name_is_safe_path(e->path, len) || e->size > SIZE_MOST) {
		b->hidden++;
		return 0;
	}
	r = builder_dir(b, e->path, dir_len, &dir);
	if (r < 0)
		return r;
	r = builder_child(b, dir, e->path + name_off, len - name_off, &made, &idx);
	if (r < 0)
		return r;
	if (e->type == ENTRY_DIR) {
		builder_make_dir(b, idx);
		return 0;
	}
	builder_set_file(b, idx, e, made);
	return builder_add_xet(b, idx, e, made);
}

int tree_builder_add(struct tree_builder *b, const struct hub_entry *entries, size_t nr)
{
	for (size_t i = 0; i < nr; i++) {
		int r = builder_add_entry(b, &entries[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int builder_compare(const void *a, const void *b, void *ctx)
{
	const struct tree_builder *builder = ctx;
	const struct tree_entry *x = &builder->entries[*(const uint32_t *)a], *y = &builder->entries[*(const uint32_t *)b];

	return bytes_compare(builder->names.data + x->name_off, x->name_len, builder->names.data + y->name_off, y->name_len);
}

static void builder_sort(struct tree_builder *b, uint32_t *children, uint32_t nr)
{
	for (uint32_t i = 1; i < nr; i++)
		if (builder_compare(&children[i - 1], &children[i], b) > 0) {
			qsort_r(children, nr, sizeof(*children), builder_compare, b);
			return;
		}
}

/* Children by parent in order[]: those of entry i are order[first, first + nr). */
static void builder_group(struct tree_builder *b, uint32_t *order)
{
	uint32_t end = 0;

	for (uint32_t i = 0; i < b->nr; i++)
		b->entries[i].nr = 0;
	for (uint32_t i = 1; i < b->nr; i++)
		b->entries[b->entries[i].parent].nr++;
	for (uint32_t i = 0; i < b->nr; i++)
		b->entries[i].first = end += b->entries[i].nr;
	for (uint32_t i = b->nr - 1; i > 0; i--)
		order[--b->entries[b->entries[i].parent].first] = i;
	for (uint32_t i = 0; i < b->nr; i++)
		builder_sort(b, order + b->entries[i].first, b->entries[i].nr);
}

static void tree_copy_name(struct tree *t, struct tree_entry *e, const char *name)
{
	memcpy(t->names + t->names_len, name, e->name_len);
	t->names[t->names_len + e->name_len] = '\0';
	e->name_off = t->names_len;
	t->names_len += e->name_len + 1;
}

static void tree_note_masked(struct tree *t, const struct tree_entry *e)
{
	if (e->type == ENTRY_FILE && e->id.algo == 0)
		t->is_masked = true;
}

/* Numbers the entries breadth first. from[i] becomes the builder's number of entry i. */
static void builder_number(const struct tree_builder *b, const uint32_t *order, uint32_t *from, struct tree *t)
{
	uint32_t next = 1;

	from[0] = 0;
	for (uint32_t i = 0; i < b->nr; i++) {
		const struct tree_entry *old = &b->entries[from[i]];
		struct tree_entry *e = &t->entries[i];
		uint32_t parent = e->parent; /* set when its directory was numbered */

		*e = *old;
		e->parent = parent;
		e->first = e->type == ENTRY_DIR ? next : 0;
		tree_copy_name(t, e, b->names.data ? b->names.data + old->name_off : "");
		tree_note_masked(t, e);
		for (uint32_t k = 0; k < old->nr; k++) {
			from[next] = order[old->first + k];
			t->entries[next++].parent = i;
		}
	}
	assert(next == b->nr);
}

static void tree_free(struct tree *t)
{
	free(atomic_load(&t->by_blob));
	free(t->xets);
	free(t->entries);
	free(t->names);
	free(t);
}
AUTO_DEFINE(struct tree *, tree_free)

/* A tree of one reference with room for nr entries and their names, each with its NUL. */
static struct tree *tree_new(uint32_t nr, uint32_t hidden, size_t names_len)
{
	AUTO(tree_free) struct tree *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	atomic_init(&t->refs, 1);
	t->nr = nr;
	t->hidden = hidden;
	t->entries = calloc(nr, sizeof(*t->entries));
	t->names = malloc(names_len ? names_len : 1);
	return t->entries && t->names ? TAKE(t) : NULL;
}

static int by_arrival(const void *a, const void *b)
{
	const struct arrived_xet *x = a, *y = b;

	if (x->entry != y->entry)
		return x->entry < y->entry ? -1 : 1;
	return (x->nr > y->nr) - (x->nr < y->nr);
}

/* Numbers of arrival become those of the tree, sorted; of a path that came twice the last one counts, of a directory none. */
static int builder_take_xets(struct tree_builder *b, const uint32_t *from, struct tree *t)
{
	AUTO_FREE uint32_t *to = NULL;
	struct arrived_xet *xets = (struct arrived_xet *)(void *)b->xets.data;
	size_t nr = b->xets.len / sizeof(*xets);

	if (!nr)
		return 0;
	to = calloc(b->nr, sizeof(*to));
	t->xets = calloc(nr, sizeof(*t->xets));
	if (!to || !t->xets)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->nr; i++)
		to[from[i]] = i;
	for (size_t i = 0; i < nr; i++)
		xets[i].entry = to[xets[i].entry];
	qsort(xets, nr, sizeof(*xets), by_arrival);
	for (size_t i = 0; i < nr; i++) {
		bool is_last = i + 1 == nr || xets[i + 1].entry != xets[i].entry;

		if (!is_last || xets[i].is_none || t->entries[xets[i].entry].type != ENTRY_FILE)
			continue;
		t->xets[t->nr_xets].entry = xets[i].entry;
		memcpy(t->xets[t->nr_xets++].hash, xets[i].hash, sizeof(xets[i].hash));
	}
	return 0;
}

int tree_builder_finish(struct tree_builder *b, struct tree **out)
{
	AUTO_FREE uint32_t *order = NULL, *from = NULL;
	AUTO(tree_free) struct tree *t = NULL;

	free(TAKE(b->slots)); /* memory is tightest now */
	order = calloc(b->nr, sizeof(*order));
	from = calloc(b->nr, sizeof(*from));
	t = tree_new(b->nr, b->hidden, b->names.len + b->nr);
	if (!order || !from || !t)
		return -ENOMEM;
	builder_group(b, order);
	builder_number(b, order, from, t);
	if (builder_take_xets(b, from, t) < 0)
		return -ENOMEM;
	*out = TAKE(t);
	return 0;
}

/* --- asking --- */

struct tree *tree_ref(struct tree *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void tree_unref(struct tree *t)
{
	if (t && atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) == 1)
		tree_free(t);
}

uint32_t tree_nr(const struct tree *t)
{
	return t->nr;
}

uint32_t tree_hidden(const struct tree *t)
{
	return t->hidden;
}

bool tree_is_masked(const struct tree *t)
{
	return t->is_masked;
}

size_t tree_bytes(const struct tree *t)
{
	return sizeof(*t) + (size_t)t->nr * sizeof(*t->entries) + t->names_len + t->nr_xets * sizeof(*t->xets);
}

const struct tree_entry *tree_entry(const struct tree *t, uint32_t idx)
{
	assert(idx < t->nr);
	return &t->entries[idx];
}

const char *tree_name(const struct tree *t, const struct tree_entry *e)
{
	return t->names + e->name_off;
}

static int by_entry(const void *a, const void *b)
{
	const struct xet *x = a, *y = b;

	return (x->entry > y->entry) - (x->entry < y->entry);
}

const uint8_t *tree_xet(const struct tree *t, const struct tree_entry *e)
{
	struct xet key = {.entry = tree_idx(t, e)};
	const struct xet *x = t->nr_xets ? bsearch(&key, t->xets, t->nr_xets, sizeof(key), by_entry) : NULL;

	return x ? x->hash : NULL;
}

/* Where this content is in the table, or the free slot for it. */
static uint32_t *blob_slot(const struct tree *t, struct by_blob *by, const struct blob_id *id)
{
	uint32_t i = (uint32_t)digest_hash64(id, sizeof(*id), 0) & (by->cap - 1);

	while (by->slots[i] && !blob_id_equal(&t->entries[by->slots[i]].id, id))
		i = (i + 1) & (by->cap - 1);
	return &by->slots[i];
}

static struct by_blob *index_blobs(const struct tree *t)
{
	struct by_blob *by;
	uint32_t cap = 16;

	while (cap / 2 < t->nr)
		cap *= 2;
	by = calloc(1, sizeof(*by) + (size_t)cap * sizeof(by->slots[0]));
	if (!by)
		return NULL;
	by->cap = cap;
	for (uint32_t i = 1; i < t->nr; i++) {
		uint32_t *slot = t->entries[i].id.algo ? blob_slot(t, by, &t->entries[i].id) : NULL;

		if (slot && !*slot)
			*slot = i;
	}
	return by;
}

const struct tree_entry *tree_find_blob(struct tree *t, const struct blob_id *id)
{
	struct by_blob *by = atomic_load_explicit(&t->by_blob, memory_order_acquire), *made;
	uint32_t idx;

	if (!by) {
		made = index_blobs(t);
		if (!made)
			return NULL;
		if (atomic_compare_exchange_strong(&t->by_blob, &by, made))
			by = made;
		else
			free(made); /* somebody else was faster */
	}
	idx = *blob_slot(t, by, id);
	return idx ? &t->entries[idx] : NULL;
}

unsigned tree_depth(const struct tree *t, const struct tree_entry *e)
{
	unsigned depth = 0;

	while (e->parent) {
		e = &t->entries[e->parent];
		depth++;
	}
	return depth;
}

uint32_t tree_idx(const struct tree *t, const struct tree_entry *e)
{
	return (uint32_t)(e - t->entries);
}

const struct tree_entry *tree_find(const struct tree *t, uint32_t dir, const char *name, size_t len)
{
	const struct tree_entry *d = tree_entry(t, dir);
	uint32_t low = d->first, high = d->first + d->nr;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct tree_entry *e = &t->entries[mid];
		int r = bytes_compare(name, len, tree_name(t, e), e->name_len);

		if (r == 0)
			return e;
		if (r < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const struct tree_entry *tree_find_path(const struct tree *t, const char *path)
{
	const struct tree_entry *e = &t->entries[0];

	while (*path) {
		size_t len = strcspn(path, "/");

		e = e->type == ENTRY_DIR ? tree_find(t, tree_idx(t, e), path, len) : NULL;
		if (!e || !path[len])
			return e;
		path += len + 1;
		if (!*path)
			return NULL; /* "a/" names nothing here */
	}
	return e;
}

void tree_path(const struct tree *t, const struct tree_entry *e, struct buf *out)
{
	const struct tree_entry *up[NAME_DEPTH_MAX];
	size_t nr = 0;

	for (; e != t->entries && nr < NAME_DEPTH_MAX; e = &t->entries[e->parent])
		up[nr++] = e;
	buf_add(out, "", 0);
	while (nr) {
		const struct tree_entry *part = up[--nr];

		buf_add(out, tree_name(t, part), part->name_len);
		if (nr)
			buf_addc(out, '/');
	}
}

/* --- bytes --- */

#define MAGIC "hffstree"
#define MAGIC_LEN 8
#define VERSION 2 /* 1 knew no Xet hashes, and is read as it is */
#define HEAD_LEN (MAGIC_LEN + 4 * 4)
#define SUM_LEN 8
#define ENTRY_LEN_LEAST 6 /* flags, length of the name, children */
#define FLAG_DIR 1
#define FLAG_LFS 2
#define ALGO_SHIFT 2
#define ALGO_MASK 3
#define FLAG_XET 16

static void add_u32(struct buf *b, uint32_t v)
{
	v = htole32(v);
	buf_add(b, &v, sizeof(v));
}

static void add_u64(struct buf *b, uint64_t v)
{
	v = htole64(v);
	buf_add(b, &v, sizeof(v));
}

static void store_entry(const struct tree *t, const struct tree_entry *e, struct buf *out)
{
	bool is_dir = e->type == ENTRY_DIR;
	const uint8_t *xet = is_dir ? NULL : tree_xet(t, e);

	buf_addc(out, (char)((is_dir ? FLAG_DIR : 0) | (e->is_lfs ? FLAG_LFS : 0) | e->id.algo << ALGO_SHIFT | (xet ? FLAG_XET : 0)));
	buf_addc(out, (char)e->name_len);
	buf_add(out, tree_name(t, e), e->name_len);
	if (is_dir) {
		add_u32(out, e->nr);
		return;
	}
	add_u64(out, e->size);
	buf_add(out, e->id.bytes, blob_id_len(&e->id));
	if (xet)
		buf_add(out, xet, sizeof(t->xets->hash));
}

static size_t stored_len(const struct tree *t)
{
	size_t len = HEAD_LEN + SUM_LEN + t->names_len + t->nr_xets * sizeof(t->xets->hash); /* a name's NUL makes up for its length byte */

	for (uint32_t i = 0; i < t->nr; i++) {
		const struct tree_entry *e = &t->entries[i];

		len += 1 + (e->type == ENTRY_DIR ? 4 : 8 + blob_id_len(&e->id));
	}
	return len;
}

int tree_store(const struct tree *t, struct buf *out)
{
	size_t begin = out->len, len = stored_len(t);

	if (buf_reserve(out, len) < 0)
		return -ENOMEM;
	buf_add(out, MAGIC, MAGIC_LEN);
	add_u32(out, VERSION);
	add_u32(out, t->nr);
	add_u32(out, t->hidden);
	add_u32(out, t->names_len);
	for (uint32_t i = 0; i < t->nr; i++)
		store_entry(t, &t->entries[i], out);
	add_u64(out, digest_hash64(out->data + begin, out->len - begin, 0));
	assert(out->failed || out->len - begin == len);
	return out->failed ? -ENOMEM : 0;
}

/* Bytes left to read. */
struct reader {
	const uint8_t *at, *end;
};

static int take(struct reader *in, void *out, size_t len)
{
	if ((size_t)(in->end - in->at) < len)
		return -EBADMSG;
	memcpy(out, in->at, len);
	in->at += len;
	return 0;
}

static int take_u8(struct reader *in, uint8_t *out)
{
	return take(in, out, 1);
}

static int take_u32(struct reader *in, uint32_t *out)
{
	int r = take(in, out, sizeof(*out));

	*out = r < 0 ? 0 : le32toh(*out);
	return r;
}

static int take_u64(struct reader *in, uint64_t *out)
{
	int r = take(in, out, sizeof(*out));

	*out = r < 0 ? 0 : le64toh(*out);
	return r;
}

/* Where loading stands: entries below `next` have a parent. */
struct loading {
	struct tree *t;
	struct reader in;
	uint32_t names_len; /* as the head says */
	uint32_t next, parent;
	uint32_t depth, level_end;
};

static int load_name(struct loading *l, uint32_t i, struct tree_entry *e)
{
	const char *name = (const char *)l->in.at;
	const struct tree_entry *before = &l->t->entries[i ? i - 1 : 0];
	uint8_t len;

	if (take_u8(&l->in, &len) < 0 || (size_t)(l->in.end - l->in.at) < len)
		return -EBADMSG;
	name = (const char *)l->in.at;
	l->in.at += len;
	if (i == 0 ? len != 0 : !name_is_safe(name, len))
		return -EBADMSG;
	if (l->names_len - l->t->names_len < (uint32_t)len + 1)
		return -EBADMSG;
	if (i > l->t->entries[e->parent].first &&
	    bytes_compare(tree_name(l->t, before), before->name_len, name, len) >= 0)
		return -EBADMSG;
	e->name_len = len;
	tree_copy_name(l->t, e, name);
	return 0;
}

static int load_dir(struct loading *l, struct tree_entry *e)
{
	e->type = ENTRY_DIR;
	if (take_u32(&l->in, &e->nr) < 0 || e->nr > l->t->nr - l->next)
		return -EBADMSG;
	e->first = l->next;
	l->next += e->nr;
	return 0;
}

/* Doubles; entries come in order, so the table is sorted. */
static int load_xet(struct loading *l, const struct tree_entry *e)
{
	struct tree *t = l->t;
	struct xet *grown;

	if ((t->nr_xets & (t->nr_xets - 1)) == 0) {
		grown = reallocarray(t->xets, t->nr_xets ? (size_t)t->nr_xets * 2 : 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		t->xets = grown;
	}
	t->xets[t->nr_xets].entry = tree_idx(t, e);
	return take(&l->in, t->xets[t->nr_xets++].hash, sizeof(t->xets->hash));
}

static int load_file(struct loading *l, struct tree_entry *e, uint8_t flags)
{
	e->type = ENTRY_FILE;
	e->is_lfs = (flags & FLAG_LFS) != 0;
	e->id.algo = flags >> ALGO_SHIFT & ALGO_MASK;
	if (flags >= FLAG_XET * 2 || e->id.algo > BLOB_SHA256 || take_u64(&l->in, &e->size) < 0 || e->size > SIZE_MOST)
		return -EBADMSG;
	tree_note_masked(l->t, e);
	if (take(&l->in, e->id.bytes, blob_id_len(&e->id)) < 0)
		return -EBADMSG;
	return flags & FLAG_XET ? load_xet(l, e) : 0;
}

/* Entry i is a child of the first directory whose range it lies in; none: nobody listed it. */
static int load_parent(struct loading *l, uint32_t i)
{
	const struct tree_entry *entries = l->t->entries;

	if (i >= l->next)
		return -EBADMSG;
	while (i >= entries[l->parent].first + entries[l->parent].nr)
		l->parent++;
	if (i == l->level_end) {
		l->level_end = l->next;
		l->depth++;
	}
	return l->depth > NAME_DEPTH_MAX ? -EBADMSG : 0;
}

static int load_entry(struct loading *l, uint32_t i)
{
	struct tree_entry *e = &l->t->entries[i];
	uint8_t flags;
	int r;

	if (i > 0) {
		r = load_parent(l, i);
		if (r < 0)
			return r;
		e->parent = l->parent;
	}
	if (take_u8(&l->in, &flags) < 0 || ((flags & FLAG_DIR) && flags != FLAG_DIR) || (i == 0 && flags != FLAG_DIR))
		return -EBADMSG;
	r = load_name(l, i, e);
	if (r < 0)
		return r;
	return flags & FLAG_DIR ? load_dir(l, e) : load_file(l, e, flags);
}

static int load_head(struct reader *in, uint32_t *nr, uint32_t *hidden, uint32_t *names_len)
{
	char magic[MAGIC_LEN];
	uint32_t version;

	if (take(in, magic, MAGIC_LEN) < 0 || memcmp(magic, MAGIC, MAGIC_LEN) != 0)
		return -EBADMSG;
	if (take_u32(in, &version) < 0 || version < 1 || version > VERSION)
		return -EBADMSG;
	if (take_u32(in, nr) < 0 || take_u32(in, hidden) < 0 || take_u32(in, names_len) < 0)
		return -EBADMSG;
	/* What is said must fit into what is there, before memory is taken for it. */
	if (*nr == 0 || *nr > TREE_ENTRIES_MAX || *nr > (size_t)(in->end - in->at) / ENTRY_LEN_LEAST)
		return -EBADMSG;
	return *names_len > (size_t)(in->end - in->at) ? -EBADMSG : 0;
}

int tree_load(const void *bytes, size_t len, struct tree **out)
{
	struct reader sum = {(const uint8_t *)bytes + (len >= SUM_LEN ? len - SUM_LEN : 0), (const uint8_t *)bytes + len};
	struct loading l = {.in = {bytes, sum.at}, .next = 1, .level_end = 1};
	AUTO(tree_free) struct tree *t = NULL;
	uint64_t digest;
	uint32_t nr, hidden;
	int r;

	if (len < HEAD_LEN + SUM_LEN || take_u64(&sum, &digest) < 0 || digest != digest_hash64(bytes, len - SUM_LEN, 0))
		return -EBADMSG;
	r = load_head(&l.in, &nr, &hidden, &l.names_len);
	if (r < 0)
		return r;
	t = l.t = tree_new(nr, hidden, l.names_len);
	if (!t)
		return -ENOMEM;
	for (uint32_t i = 0; i < nr; i++) {
		r = load_entry(&l, i);
		if (r < 0)
			return r;
	}
	if (l.next != nr || l.in.at != l.in.end || t->names_len != l.names_len)
		return -EBADMSG;
	*out = TAKE(t);
	return 0;
}

/* --- filtering --- */

static int add_visible(struct tree_builder *b, const struct tree *t, const char *dir, const struct tree_entry *e, const struct filter *f)
{
	const uint8_t *xet = tree_xet(t, e);
	AUTO_BUF path = {0};
	size_t above = dir && *dir ? strlen(dir) + 1 : 0;
	struct hub_entry entry = {.type = e->type, .size = e->size, .id = e->id, .is_lfs = e->is_lfs, .has_xet = xet != NULL};

	if (above)
		buf_addf(&path, "%s/", dir);
	tree_path(t, e, &path);
	if (path.failed)
		return -ENOMEM;
	if (e->type == ENTRY_FILE ? filter_hides(f, path.data) : filter_hides_dir(f, path.data))
		return 0;
	entry.path = path.data + above;
	if (xet)
		memcpy(entry.xet, xet, sizeof(entry.xet));
	return tree_builder_add(b, &entry, 1);
}

int tree_filter(const struct tree *t, const char *dir, const struct filter *f, struct tree **out)
{
	AUTO(tree_builder_free) struct tree_builder *b = tree_builder_new();
	struct tree *made;
	int r = b ? 0 : -ENOMEM;

	for (uint32_t i = 1; r == 0 && i < t->nr; i++)
		if (dir || t->entries[i].type == ENTRY_FILE)
			r = add_visible(b, t, dir, &t->entries[i], f);
	if (r == 0)
		r = tree_builder_finish(b, &made);
	if (r < 0)
		return r;
	made->is_masked = t->is_masked; /* a gate stays one, whatever is seen of it */
	*out = made;
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Headers of model files, read as their bytes pass. A blob waits until the chunks of [from, need) can be read; then a worker copies
 * them, piece by piece under a hold as every reader does, and parses. The parser may ask for more: the range grows, and the blob
 * waits again. First come the few bytes that tell the format, so that all other files cost nothing. Most formats have their table
 * at the file's beginning; that of a ZIP file, as torch and numpy write it, is at its end.
 *
 * Chunks of an earlier run are proven for it, but absent ones are never fetched. Whatever goes wrong ends in LEARN_OVER without a
 * table: malformed headers are the reader's to complain about.
 */
#include "ahead_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/log.h>

#define HEADER_MAX (16u << 20) /* bytes; normal ones have 10 KiB to 10 MiB (a GGUF file with its vocabulary) */
#define GGUF_UNCOUNTED 3 /* times what is known to be missing */
#define INDEX_SUFFIX ".index.json"

struct learn_job {
	struct job job;
	struct blob *blob; /* a reference */
};

struct found {
	int r;
	uint64_t from, need;
	uint64_t likely; /* where a header ends, most likely; at least need */
	bool is_zip;
	struct tensor_table *table;
	struct shard_index *shards;
	struct zip_directory *zip;
};

/* What a worker looks at: bytes [from, end) of the blob. */
struct sight {
	uint64_t from, end;
	bool index, zip;
};

static bool is_index_locked(const struct blob *b)
{
	for (unsigned i = 0; i < b->nr_sources; i++) {
		const char *path = b->sources[i].path;
		size_t len = strlen(path), suffix = strlen(INDEX_SUFFIX);

		if (len >= suffix && !strcmp(path + len - suffix, INDEX_SUFFIX))
			return true;
	}
	return false;
}

static void begin_locked(struct blob *b)
{
	struct learn *l = &b->learn;

	l->index = is_index_locked(b);
	l->need = l->index ? b->size : min_u64(b->size, FORMAT_SNIFF_BYTES);
	if (l->index && b->size > SHARD_INDEX_MAX)
		l->state = LEARN_OVER;
}

/* --- when --- */

static bool can_read(enum chunk_state s)
{
	return s == CHUNK_PRESENT || s == CHUNK_MEMORY;
}

/* Can all chunks of [from, end) be read? Those of an earlier run are asked for a proof, if no other is missing. */
static bool are_here_locked(struct blob *b, uint64_t from, uint64_t end, struct aftermath *a)
{
	uint64_t first = from / CHUNK_SIZE, last = (end - 1) / CHUNK_SIZE;
	bool all = true, unproven = false;

	for (uint64_t i = first; i <= last; i++) {
		enum chunk_state s = b->state[i];

		if (!can_read(s) && s != CHUNK_UNPROVEN && s != CHUNK_PROVING)
			return false;
		all = all && can_read(s);
		unproven = unproven || s == CHUNK_UNPROVEN;
	}
	if (unproven)
		blob_want_locked(b, first, last, false, a);
	return all;
}

static void run_look(struct job *job);

void learn_look_locked(struct blob *b, struct aftermath *a)
{
	struct learn_job *j;

	if (b->learn.state != LEARN_WAITS)
		return;
	if (!b->learn.need)
		begin_locked(b);
	if (b->learn.state != LEARN_WAITS || !are_here_locked(b, b->learn.from, b->learn.need, a))
		return;
	j = calloc(1, sizeof(*j));
	if (!j)
		return; /* the next chunk or read asks again */
	j->job.run = run_look;
	j->blob = blob_ref(b);
	b->learn.state = LEARN_RUNS;
	a->learn = j;
}

void learn_note_locked(struct blob *b, uint64_t idx, struct aftermath *a)
{
	const struct learn *l = &b->learn;

	if (l->state == LEARN_WAITS && (!l->need || (idx >= l->from / CHUNK_SIZE && idx <= (l->need - 1) / CHUNK_SIZE)))
		learn_look_locked(b, a);
}

void learn_run(struct learn_job *j)
{
	if (j)
		workers_run(j->blob->fetch->workers, &j->job);
}

/* --- a look, on a worker --- */

/* What is read for the next look: whole chunks, so that a header that grows is not asked for byte by byte. */
static struct sight sight_locked(const struct blob *b)
{
	const struct learn *l = &b->learn;
	struct sight s = {l->from / CHUNK_SIZE * CHUNK_SIZE, l->need, l->index, l->zip};

	if (l->need > FORMAT_SNIFF_BYTES)
		s.end = min_u64(b->size, (l->need + CHUNK_SIZE - 1) / CHUNK_SIZE * CHUNK_SIZE);
	return s;
}

/*
 * What a GGUF header lacks is texts, mostly, of which the parser counts the lengths alone, 8 bytes each. They are nearly as long, and behind a
 * vocabulary there is a list of its types, and one of merges that is longer than itself.
 */
static int parse_table(const struct blob *b, const void *bytes, size_t len, enum format format, struct found *f, struct err *err)
{
	int r = tensor_table_parse(bytes, len, b->size, HEADER_MAX, &f->table, &f->need, err);

	if (r == -EAGAIN)
		f->likely = f->need + (format == FORMAT_GGUF ? GGUF_UNCOUNTED * (f->need - len) : 0);
	return r;
}

static int parse_begin(const struct blob *b, const void *bytes, size_t len, struct found *f, struct err *err)
{
	enum format format = format_sniff(bytes, len);

	if (format != FORMAT_ZIP)
		return parse_table(b, bytes, len, format, f, err);
	f->is_zip = true;
	f->from = b->size - 1;
	f->need = b->size;
	return -EAGAIN;
}

static int parse_zip(const struct blob *b, const void *bytes, size_t len, struct found *f, struct err *err)
{
	f->is_zip = true;
	f->need = b->size;
	return zip_directory_parse(bytes, len, b->size, HEADER_MAX, &f->zip, &f->from, err);
}

static void parse(struct blob *b, const void *bytes, const struct sight *s, struct found *f)
{
	size_t len = (size_t)(s->end - s->from);
	struct err err = {0};

	if (s->index)
		f->r = shard_index_parse(bytes, len, &f->shards, &err);
	else
		f->r = s->zip ? parse_zip(b, bytes, len, f, &err) : parse_begin(b, bytes, len, f, &err);
	if (f->r == -EBADMSG || f->r == -EFBIG)
		log_debug("%s: nothing is learned from it: %s", blob_name(b), err.text);
}

/* As much as one read may have: a long span would hold up eviction. -ESTALE: it was evicted meanwhile. */
static int copy_piece(struct blob *b, uint64_t off, size_t len, void *out)
{
	struct span span;
	bool here = true;
	int r;

	pthread_mutex_lock(&b->lock);
	for (uint64_t i = off / CHUNK_SIZE; i <= (off + len - 1) / CHUNK_SIZE; i++)
		here = here && can_read(b->state[i]);
	if (here)
		span_fill_locked(b, off, len, &span);
	pthread_mutex_unlock(&b->lock);
	if (!here)
		return -ESTALE;
	r = span_read(&span, out);
	span_release(&span);
	return r;
}

static void look(struct blob *b, const struct sight *s, struct found *f)
{
	size_t len = (size_t)(s->end - s->from);
	AUTO_FREE char *bytes = malloc(len);

	f->r = bytes ? 0 : -ENOMEM;
	for (size_t off = 0; off < len && f->r == 0; off += READ_MAX)
		f->r = copy_piece(b, s->from + off, (size_t)min_u64(READ_MAX, len - off), bytes + off);
	if (f->r == 0)
		parse(b, bytes, s, f);
}

static void take_locked(struct blob *b, struct found *f, struct aftermath *a)
{
	struct learn *l = &b->learn;

	if (l->stale || f->r == -ESTALE) {
		*l = (struct learn){0}; /* from the start, when the chunks are back */
		zip_directory_free(TAKE(f->zip));
	} else if (f->r == -EAGAIN) {
		l->state = LEARN_WAITS;
		l->zip = f->is_zip;
		l->from = f->from;
		l->need = f->need;
	} else {
		l->state = LEARN_OVER;
		l->table = TAKE(f->table);
		l->shards = TAKE(f->shards);
	}
	learn_look_locked(b, a);
}

/* The prefetcher takes a copy of what it needs. Without memory it does without. */
static void tell_tensors(struct blob *b, const struct tensor_table *t)
{
	AUTO_FREE struct prefetch_part *parts = calloc(t->nr, sizeof(*parts));

	for (uint32_t i = 0; parts && i < t->nr; i++)
		parts[i] = (struct prefetch_part){t->tensors[i].name, t->tensors[i].off, t->tensors[i].len};
	if (parts)
		ahead_learned(b, parts, t->nr);
}

/* How long a local header is, only that header says: a member goes to where the next one begins, and its header is part of it. */
static void tell_members(struct blob *b, const struct zip_directory *z)
{
	AUTO_FREE struct prefetch_part *parts = calloc(z->nr, sizeof(*parts));

	for (uint32_t i = 0; parts && i < z->nr; i++) {
		const struct zip_entry *e = &z->entries[i];
		uint64_t end = i + 1 < z->nr ? z->entries[i + 1].off : z->off;

		parts[i] = (struct prefetch_part){e->name, e->off, end - e->off};
	}
	if (parts)
		ahead_learned(b, parts, z->nr);
}

static void tell_ahead(struct blob *b, const struct tensor_table *t, const struct zip_directory *z)
{
	if (t && t->nr)
		tell_tensors(b, t);
	if (z && z->nr)
		tell_members(b, z);
}

static void found_done(struct found *f)
{
	tensor_table_unref(f->table);
	shard_index_unref(f->shards);
	zip_directory_free(f->zip);
}

static void run_look(struct job *job)
{
	struct learn_job *j = container_of(job, struct learn_job, job);
	struct blob *b = j->blob;
	struct tensor_table *table;
	struct found f = {0};
	struct aftermath a = {0};
	struct sight s;

	pthread_mutex_lock(&b->lock);
	s = sight_locked(b);
	pthread_mutex_unlock(&b->lock);
	look(b, &s, &f);
	pthread_mutex_lock(&b->lock);
	take_locked(b, &f, &a);
	table = tensor_table_ref(b->learn.table);
	pthread_mutex_unlock(&b->lock);
	tell_ahead(b, table, f.zip);
	ahead_expect(b, f.r == -EAGAIN ? f.likely : 0);
	tensor_table_unref(table);
	found_done(&f);
	blob_settle(b, &a);
	blob_put(b);
	free(j);
}

/* --- what is known --- */

void learn_forget_locked(struct blob *b)
{
	struct learn *l = &b->learn;

	tensor_table_unref(TAKE(l->table));
	shard_index_unref(TAKE(l->shards));
	l->stale = l->state == LEARN_RUNS;
	if (!l->stale)
		*l = (struct learn){0};
}

void learn_done(struct learn *l)
{
	tensor_table_unref(l->table);
	shard_index_unref(l->shards);
}

struct tensor_table *learn_table(struct blob *b)
{
	LOCK_SCOPE(&b->lock);
	return tensor_table_ref(b->learn.table);
}

struct shard_index *learn_shards(struct blob *b)
{
	LOCK_SCOPE(&b->lock);
	return shard_index_ref(b->learn.shards);
}

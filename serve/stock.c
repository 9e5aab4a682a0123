// SPDX-License-Identifier: Apache-2.0
/*
 * Listings of commits that a source has, kept for a while: a commit never changes. The commit's id is the source's own; ids of
 * directories are made here, and those of LFS pointers, since a source knows contents by their digests alone.
 */
#include "stock_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/thread.h>

#include "lfs_int.h"

#define KEPT_MAX 8 /* listings of one repository */

struct stock {
	const struct serve_source *source;
	const char *collection;
	char *id;
	pthread_mutex_t lock; /* of the rest */
	struct listing *kept[KEPT_MAX]; /* newest first */
	size_t nr;
};

struct stock *stock_new(const struct serve_source *source, const char *collection, const char *id)
{
	struct stock *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->source = source;
	s->collection = collection;
	s->id = strdup(id);
	if (s->id)
		return s;
	stock_free(s);
	return NULL;
}

void stock_free(struct stock *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->nr; i++)
		listing_unref(s->kept[i]);
	pthread_mutex_destroy(&s->lock);
	free(s->id);
	free(s);
}

/* --- listings --- */

static struct listing *find_kept(struct stock *s, const char *commit)
{
	LOCK_SCOPE(&s->lock);

	for (size_t i = 0; i < s->nr; i++)
		if (!strcmp(s->kept[i]->commit_hex, commit))
			return listing_ref(s->kept[i]);
	return NULL;
}

static void keep(struct stock *s, struct listing *l)
{
	LOCK_SCOPE(&s->lock);

	if (s->nr == KEPT_MAX)
		listing_unref(s->kept[--s->nr]);
	memmove(s->kept + 1, s->kept, s->nr * sizeof(s->kept[0]));
	s->kept[0] = listing_ref(l);
	s->nr++;
}

static int add_file(void *ctx, const char *path, uint64_t size, const struct blob_id *id)
{
	struct entry *e = listing_add(ctx, path, strlen(path));

	if (!e)
		return -ENOMEM;
	e->size = size;
	e->is_lfs = id->algo == BLOB_SHA256;
	if (!e->is_lfs) {
		memcpy(e->oid, id->bytes, sizeof(e->oid));
		return 0;
	}
	memcpy(e->sha256, id->bytes, sizeof(e->sha256));
	return lfs_pointer_id(e->sha256, size, e->oid);
}

static int make_listing(struct stock *s, const char *commit, int64_t date_s, struct listing **out, struct err *err)
{
	AUTO(listing_unref) struct listing *l = listing_new();
	uint8_t bytes[20];
	int r;

	if (!l)
		return -ENOMEM;
	if (hex_parse(commit, 40, bytes) < 0)
		return -EIO;
	r = s->source->files(s->source->ctx, s->collection, s->id, commit, add_file, l, err);
	if (r == 0)
		r = listing_add_dirs(l);
	if (r == 0)
		r = listing_finish(l);
	if (r == 0)
		r = listing_make_trees(l);
	if (r < 0)
		return r;
	l->date_s = date_s;
	listing_set_commit(l, bytes);
	*out = TAKE(l);
	return 0;
}

int stock_listing(struct stock *s, const char *rev, struct listing **out, struct err *err)
{
	AUTO(listing_unref) struct listing *l = NULL;
	char commit[41];
	int64_t date_s = 0;
	int r = s->source->resolve(s->source->ctx, s->collection, s->id, rev, commit, &date_s, err);

	if (r < 0)
		return r;
	l = find_kept(s, commit);
	if (!l) {
		r = make_listing(s, commit, date_s, &l, err);
		if (r < 0)
			return r;
		keep(s, l);
	}
	*out = TAKE(l);
	return 0;
}

struct listing *stock_find_content(struct stock *s, const uint8_t sha256[32], const struct entry **e)
{
	LOCK_SCOPE(&s->lock);

	for (size_t i = 0; i < s->nr; i++) {
		const struct entry *found = listing_find_sha256(s->kept[i], sha256);

		if (found) {
			*e = found;
			return listing_ref(s->kept[i]);
		}
	}
	return NULL;
}

int stock_open(struct stock *s, const struct entry *e)
{
	struct blob_id id = {.algo = e->is_lfs ? BLOB_SHA256 : BLOB_SHA1_GIT};

	memcpy(id.bytes, e->is_lfs ? e->sha256 : e->oid, blob_id_len(&id));
	return s->source->open(s->source->ctx, &id, e->size);
}

/* --- refs --- */

static int add_ref(void *ctx, const char *name, const char *commit, bool is_tag)
{
	static const struct {
		const char *prefix;
		enum ref_kind kind;
		bool whole;
	} kinds[] = {{"refs/convert/", REF_CONVERT, false}, {"refs/pr/", REF_PULL, true}};
	AUTO_FREE char *full = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kinds[i].prefix);

		if (!strncmp(name, kinds[i].prefix, len))
			return refs_add(ctx, kinds[i].kind, kinds[i].whole ? name : name + len, name, commit);
	}
	full = str_printf("refs/%s/%s", is_tag ? "tags" : "heads", name);
	return full ? refs_add(ctx, is_tag ? REF_TAG : REF_BRANCH, name, full, commit) : -ENOMEM;
}

int stock_refs(struct stock *s, struct refs *out, struct err *err)
{
	struct refs refs = {0};
	int r = s->source->refs(s->source->ctx, s->collection, s->id, add_ref, &refs, err);

	if (r < 0) {
		refs_done(&refs);
		return r;
	}
	*out = refs;
	return 0;
}

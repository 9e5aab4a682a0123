// SPDX-License-Identifier: Apache-2.0
/*
 * Pins, as whoever has the cache carries them out. A pin is a revision of a repository with patterns; what it keeps is the contents
 * that these stood for when it was pinned. Its key, one part a line: endpoint, repository, revision, each pattern.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>

#include "keep_int.h"
#include "listing_int.h"
#include "wait_int.h"

#define PATTERNS_MAX 256

/* What a request names. */
struct wish {
	struct repo_id repo;
	const char *rev;                 /* NULL: any */
	char *patterns[PATTERNS_MAX];
	size_t nr;
};

static void wish_done(struct wish *w)
{
	for (size_t i = 0; i < w->nr; i++)
		free(w->patterns[i]);
}
#define AUTO_WISH __attribute__((cleanup(wish_done))) struct wish

static int parse_wish(const struct json *request, struct wish *w, struct err *err)
{
	const char *name = json_get_string(request, "repo");
	char rev[REPO_REV_MAX];
	int r = name ? repo_parse(name, &w->repo, rev, err) : err_set(err, -EINVAL, "no repository is named");

	if (r < 0)
		return r;
	w->rev = json_get_string(request, "revision");
	if (w->rev && (!*w->rev || strchr(w->rev, '\n') || strlen(w->rev) >= REPO_REV_MAX))
		return err_set(err, -EINVAL, "'%s' is not a revision", w->rev);
	for (const struct json *g = json_first(json_get(request, "globs")); g; g = json_next(g)) {
		const char *text = json_string(g);

		if (!text || !*text || strchr(text, '\n'))
			return err_set(err, -EINVAL, "'%s' is not a pattern for a pin", text ? text : "");
		if (w->nr == PATTERNS_MAX)
			return err_set(err, -EINVAL, "a pin has at most %d patterns", PATTERNS_MAX);
		w->patterns[w->nr] = strdup(text);
		if (!w->patterns[w->nr++])
			return err_set(err, -ENOMEM, "out of memory");
	}
	return 0;
}

static void format_key(struct fetch *f, const struct wish *w, struct buf *out)
{
	buf_addf(out, "%s\n%s%s\n", hub_endpoint(fetch_hub(f)), repo_kind_prefix(w->repo.kind), w->repo.name);
	if (w->rev)
		buf_addf(out, "%s\n", w->rev);
	for (size_t i = 0; i < w->nr; i++)
		buf_addf(out, "%s\n", w->patterns[i]);
}

/* --- pin --- */

static int list_blobs(const struct listing *files, struct cache_pin_blob **out, size_t *nr, struct err *err)
{
	AUTO_FREE struct cache_pin_blob *blobs = calloc(files->nr, sizeof(*blobs));

	if (!blobs)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < files->nr; i++) {
		const struct listing_entry *e = &files->entries[i];

		if (!e->id.algo)
			return err_set(err, -EACCES, "the Hub hides the digest of %s: ask for access on its page and set HF_TOKEN", e->path);
		if (e->size)
			blobs[(*nr)++] = (struct cache_pin_blob){e->id, e->size};
	}
	*out = TAKE(blobs);
	return 0;
}

static int find_files(struct fetch *f, struct wish *w, struct revision *rev, struct listing *files, struct err *err)
{
	AUTO(tree_unref) struct tree *tree = NULL;
	int r = wait_revision(fetch_catalog(f), &w->repo, w->rev, rev, err);

	if (r == 0)
		r = wait_tree(fetch_catalog(f), &rev->repo, rev->commit, &tree, err);
	if (r == 0)
		r = listing_from_tree(files, tree, "", true, err);
	if (r < 0)
		return r;
	w->repo = rev->repo; /* under the name that it has today */
	listing_keep_files(files, w->patterns, w->nr);
	return files->nr ? 0 : err_set(err, -ENOENT, "no file of %s@%s matches", w->repo.name, w->rev);
}

/* What a pin says of itself when pins are listed. */
static void format_doc(const struct wish *w, const char *commit, struct buf *out)
{
	buf_adds(out, "\"repository\":");
	AUTO_FREE char *name = str_printf("%s%s", repo_kind_prefix(w->repo.kind), w->repo.name);

	if (!name) {
		out->failed = 1;
		return;
	}
	buf_add_json(out, name);
	keep_add_text(out, "revision", w->rev);
	keep_add_text(out, "commit", commit);
	buf_adds(out, ",\"globs\":[");
	for (size_t i = 0; i < w->nr; i++) {
		buf_adds(out, i ? "," : "");
		buf_add_json(out, w->patterns[i]);
	}
	buf_addc(out, ']');
}

static void add_number(struct buf *out, const char *key, uint64_t value)
{
	buf_addf(out, ",\"%s\":%" PRIu64, key, value);
}

static void add_limits(struct fetch *f, struct buf *answer)
{
	struct cache_stats st;

	cache_stats(fetch_cache(f), &st);
	add_number(answer, "bytes_pinned", st.bytes_pinned);
	add_number(answer, "size_max", st.size_max);
}

static int said(struct err *err, int r)
{
	if (r == -ENAMETOOLONG)
		return err_set(err, r, "there are too many patterns for one pin");
	return err_set(err, r, "the cache cannot write down its pins: %s", strerror(-r));
}

int keep_pin(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	AUTO_FREE struct cache_pin_blob *blobs = NULL;
	AUTO_LISTING files = {0};
	AUTO_BUF key = {0}, doc = {0};
	AUTO_WISH w = {0};
	struct revision rev;
	size_t nr = 0;
	int r = parse_wish(request, &w, err);

	if (r == 0 && !w.rev)
		r = err_set(err, -EINVAL, "no revision is named");
	if (r == 0)
		r = find_files(f, &w, &rev, &files, err);
	if (r == 0)
		r = list_blobs(&files, &blobs, &nr, err);
	if (r < 0)
		return r;
	format_key(f, &w, &key);
	format_doc(&w, rev.commit, &doc);
	if (key.failed || doc.failed)
		return err_set(err, -ENOMEM, "out of memory");
	r = cache_put_pin(fetch_cache(f), key.data, doc.data, doc.len, blobs, nr);
	if (r < 0)
		return said(err, r);
	keep_add_text(answer, "commit", rev.commit);
	add_number(answer, "files", files.nr);
	add_number(answer, "bytes", listing_bytes(&files));
	add_limits(f, answer);
	return 0;
}

/* --- unpin --- */

/* How many; or -errno with a sentence. */
static int drop_pins(struct fetch *f, const struct wish *w, struct err *err)
{
	AUTO_BUF key = {0};
	int r;

	format_key(f, w, &key);
	if (key.failed)
		return err_set(err, -ENOMEM, "out of memory");
	r = cache_drop_pins(fetch_cache(f), key.data, w->nr != 0);
	return r < 0 ? said(err, r) : r;
}

int keep_unpin(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	AUTO_WISH w = {0};
	struct repo_id moved;
	int r = parse_wish(request, &w, err);

	if (r == 0 && w.nr && !w.rev)
		r = err_set(err, -EINVAL, "no revision is named");
	if (r < 0)
		return r;
	r = drop_pins(f, &w, err);
	if (r == 0 && wait_moved(fetch_catalog(f), &w.repo, &moved)) {
		w.repo = moved;
		r = drop_pins(f, &w, err);
	}
	if (r < 0)
		return r;
	add_number(answer, "unpinned", (uint64_t)r);
	return 0;
}

/* --- pins --- */

struct list_pins {
	struct buf *out;
	const char *endpoint;
	bool any;
};

/* A document is one of ours only if it reads as one: a damaged one is shown as what its key says. */
static void add_pin(void *ctx, const struct cache_pin *pin)
{
	struct list_pins *l = ctx;
	size_t endpoint = strcspn(pin->key, "\n");
	AUTO_FREE char *shown = strndup(pin->key, endpoint);
	AUTO_BUF text = {0};
	struct json *j = NULL;

	buf_addc(&text, '{');
	buf_add(&text, pin->bytes, pin->len);
	buf_addc(&text, '}');
	if (text.failed || !shown) {
		l->out->failed = 1;
		return;
	}
	buf_adds(l->out, l->any ? ",{" : "{");
	if (json_parse(text.data, text.len, text.len, &j, NULL) == 0)
		buf_add(l->out, pin->bytes, pin->len);
	else
		buf_adds(l->out, "\"repository\":null");
	json_free(j);
	keep_add_text(l->out, "endpoint", shown);
	add_number(l->out, "contents", pin->files);
	add_number(l->out, "bytes", pin->size);
	add_number(l->out, "bytes_cached", pin->cached);
	buf_addc(l->out, '}');
	l->any = true;
}

int keep_pins(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	struct list_pins l = {.out = answer};
	int r;

	(void)request; /* it has nothing to say */
	buf_adds(answer, ",\"pins\":[");
	r = cache_list_pins(fetch_cache(f), add_pin, &l);
	if (r < 0)
		return err_set(err, r, "the cache cannot read its pins: %s", strerror(-r));
	buf_addc(answer, ']');
	add_limits(f, answer);
	return 0;
}

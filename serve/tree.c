// SPDX-License-Identifier: Apache-2.0
/* Listings: whole trees in pages, and single paths. [docs/PROTOCOL.md, tree listing] */
#include "serve_int.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/json.h>

#include "lfs_int.h"

#define PAGE_MAX 1000
#define PAGE_EXPANDED 50
#define PAGE_EXPANDED_MAX 100
#define BODY_MAX (16u << 20)

static void add_last_commit(struct buf *b, const struct commit *c)
{
	char date[32];

	clock_format_iso8601(c->date_s, date);
	buf_addf(b, ",\"lastCommit\":{\"id\":\"%s\",\"title\":", c->id);
	buf_add_json(b, c->title);
	buf_addf(b, ",\"date\":\"%s\"}", date);
}

static void add_entry(struct buf *b, const struct entry *e, const struct commit *last)
{
	char oid[41], sha256[65], pointer[256];

	hex_format(e->oid, 20, oid);
	buf_addf(b, "{\"type\":\"%s\",\"oid\":\"%s\",\"size\":%" PRIu64 ",\"path\":", e->is_dir ? "directory" : "file", oid,
		 e->is_dir ? 0 : e->size);
	buf_add_json(b, e->path);
	if (e->is_lfs) {
		hex_format(e->sha256, 32, sha256);
		buf_addf(b, ",\"lfs\":{\"oid\":\"%s\",\"size\":%" PRIu64 ",\"pointerSize\":%zu}", sha256, e->size,
			 lfs_format_pointer(e->sha256, e->size, pointer));
	}
	if (last && last->id[0])
		add_last_commit(b, last);
	if (last && !e->is_dir)
		buf_adds(b, ",\"securityFileStatus\":null");
	buf_addc(b, '}');
}

/* Answers with these entries; with the last commit of each if `expand`. */
static void answer_entries(const struct serve_request *req, struct repo *repo, const struct listing *l,
			   const struct entry *const *list, size_t nr, bool expand, struct serve_response *resp)
{
	struct commits last = {0};
	AUTO_BUF b = {0};
	struct err err = {0};
	int r = 0;

	if (expand)
		r = repo_last_commits(repo, l, list, nr, &last, &err);
	if (r < 0) {
		answer_failure(req, resp, r, &err);
		return;
	}
	buf_addc(&b, '[');
	for (size_t i = 0; i < nr; i++) {
		if (i)
			buf_addc(&b, ',');
		add_entry(&b, list[i], expand ? &last.list[i] : NULL);
	}
	buf_addc(&b, ']');
	commits_done(&last);
	answer_json(resp, &b);
}

static size_t choose_page(const char *query, bool expand)
{
	uint64_t most = expand ? PAGE_EXPANDED_MAX : PAGE_MAX;
	uint64_t limit = query_u64(query, "limit", expand ? PAGE_EXPANDED : PAGE_MAX);

	return (size_t)(limit == 0 ? 1 : min_u64(limit, most));
}

void tree_answer(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	const struct entry *list[PAGE_MAX], *e;
	const char *query = req->route.query;
	bool expand = query_is_true(query, "expand");
	char cursor[ROUTE_PATH_MAX];
	size_t page = choose_page(query, expand), nr = 0;
	struct walk w;

	if (!l)
		return;
	if (!cursor_parse(query, cursor, sizeof(cursor))) {
		answer_error(req, resp, 400, NULL, "Invalid cursor");
		return;
	}
	if (walk_init(&w, l, req->route.path, query_is_true(query, "recursive"), cursor) < 0) {
		response_add(resp, "X-Repo-Commit", "%s", l->commit_hex);
		answer_error(req, resp, 404, "EntryNotFound", "%s does not exist on \"%s\"", req->route.path, req->route.rev);
		return;
	}
	while (nr < page && (e = walk_next(&w)))
		list[nr++] = e;
	answer_entries(req, repo, l, list, nr, expand, resp);
	if (nr == page && walk_next(&w))
		answer_next_page(s, req, resp, list[nr - 1]->path);
}

void tree_answer_size(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	const char *path = req->route.path;
	const struct entry *e;
	uint64_t size = 0;
	AUTO_BUF b = {0};
	struct walk w;

	if (!l)
		return;
	if (walk_init(&w, l, path, true, "") < 0) {
		response_add(resp, "X-Repo-Commit", "%s", l->commit_hex);
		answer_error(req, resp, 404, "EntryNotFound", "Entry not found");
		return;
	}
	while ((e = walk_next(&w)))
		size += e->is_dir ? 0 : e->size;
	buf_adds(&b, "{\"path\":");
	buf_add_json(&b, *path ? path : "/");
	buf_addf(&b, ",\"size\":%" PRIu64 "}", size);
	answer_json(resp, &b);
}

/* Entries that were asked for by path. */
struct wanted {
	const struct listing *listing;
	const struct entry **list;
	size_t nr, cap;
	bool expand;
};

static int wanted_add(struct wanted *w, const char *path)
{
	const struct entry *e = listing_find(w->listing, path);

	if (!e)
		return 0;
	if (w->nr == w->cap) {
		const struct entry **more = reallocarray(w->list, w->cap ? w->cap * 2 : 64, sizeof(*more));

		if (!more)
			return -ENOMEM;
		w->list = more;
		w->cap = w->cap ? w->cap * 2 : 64;
	}
	w->list[w->nr++] = e;
	return 0;
}

static int read_json(struct wanted *w, const struct buf *body)
{
	AUTO(json_free) struct json *j = NULL;
	const struct json *paths;
	int r = json_parse(body->data, body->len, BODY_MAX, &j, NULL);

	if (r < 0)
		return r;
	w->expand = json_get_bool(j, "expand", false);
	paths = json_get(j, "paths");
	if (json_string(paths))
		return wanted_add(w, json_string(paths));
	for (const struct json *p = json_first(paths); p && r == 0; p = json_next(p))
		if (json_string(p))
			r = wanted_add(w, json_string(p));
	return r;
}

static int read_form(struct wanted *w, const struct buf *body)
{
	const char *form = body->data;
	size_t size = 3 * ROUTE_PATH_MAX;
	AUTO_FREE char *value = malloc(size);
	char name[64];
	int r = 0;

	if (!value)
		return -ENOMEM;
	while (r == 0 && query_next(&form, name, sizeof(name), value, size)) {
		if (!strcmp(name, "paths") || !strcmp(name, "paths[]"))
			r = wanted_add(w, value);
		else if (!strcmp(name, "expand"))
			w->expand = !strcasecmp(value, "true") || !strcmp(value, "1");
	}
	return r;
}

void paths_info_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	const char *type = req->header(req, "Content-Type");
	struct wanted w = {.listing = l};
	int r = 0;

	if (!l)
		return;
	if (req->body.len && type && !strncasecmp(type, "application/json", 16))
		r = read_json(&w, &req->body);
	else if (req->body.len)
		r = read_form(&w, &req->body);
	if (r == -EBADMSG || r == -EMSGSIZE)
		answer_error(req, resp, 400, NULL, "The body is not what paths-info takes");
	else if (r < 0)
		answer_failure(req, resp, r, NULL);
	else
		answer_entries(req, repo, l, w.list, w.nr, w.expand, resp);
	free(w.list);
}

// SPDX-License-Identifier: Apache-2.0
/* Lists of repositories, by organisation and name, and what is known of an organisation. */
#include "serve_int.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#define PAGE_DEFAULT 500
#define PAGE_MAX 1000

/* Every `search` is a part of the id, whatever its case. */
static bool is_searched(const char *query, const char *id)
{
	char name[64], value[ROUTE_ID_MAX];

	while (query_next(&query, name, sizeof(name), value, sizeof(value)))
		if (!strcmp(name, "search") && !strcasestr(id, value))
			return false;
	return true;
}

/* Appends one repository; one that vanished meanwhile is left out, which is not an error. */
static int add_repo(struct serve *s, const struct serve_request *req, const char *id, bool full, struct buf *b)
{
	AUTO(listing_unref) struct listing *l = NULL;
	char canonical[ROUTE_ID_MAX];
	struct repo *repo;
	int r = repos_find(s->repos, req->route.repo, id, &repo, canonical);

	if (r == -ENOENT || r == -EXDEV)
		return 0;
	if (r == 0 && full)
		r = repo_listing(repo, "main", &l, NULL);
	if (r < 0 && r != -ENOENT)
		return r;
	if (b->len > 1)
		buf_addc(b, ',');
	info_add_json(b, req, repo, l, query_is_true(req->route.query, "full"));
	return 0;
}

/* Do the fields asked for need the files of each repository? */
static bool needs_listing(const char *query)
{
	static const char *const fields[] = {"sha", "siblings", "usedStorage"};
	char name[64], value[64];

	while (query_next(&query, name, sizeof(name), value, sizeof(value)))
		for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
			if ((!strcmp(name, "expand") || !strcmp(name, "expand[]")) && !strcmp(value, fields[i]))
				return true;
	return false;
}

static int list_page(struct serve *s, const struct serve_request *req, char *const *ids, size_t nr, struct serve_response *resp)
{
	const char *query = req->route.query;
	uint64_t page = min_u64(query_u64(query, "limit", PAGE_DEFAULT), PAGE_MAX), shown = 0;
	uint64_t skip = query_u64(query, "skip", 0);
	bool full = query_is_true(query, "full") || needs_listing(query);
	const char *last = NULL;
	char cursor[ROUTE_ID_MAX];
	AUTO_BUF b = {0};

	if (!cursor_parse(query, cursor, sizeof(cursor))) {
		answer_error(req, resp, 400, NULL, "Invalid cursor");
		return 0;
	}
	page = page ? page : 1;
	buf_addc(&b, '[');
	for (size_t i = 0; i < nr; i++) {
		int r;

		if (strcmp(ids[i], cursor) <= 0 || !is_searched(query, ids[i]))
			continue;
		if (!*cursor && skip) {
			skip--;
			continue;
		}
		if (shown == page) {
			answer_next_page(s, req, resp, last);
			break;
		}
		r = add_repo(s, req, ids[i], full, &b);
		if (r < 0)
			return r;
		last = ids[i];
		shown++;
	}
	buf_addc(&b, ']');
	answer_json(resp, &b);
	return 0;
}

void list_answer(struct serve *s, const struct serve_request *req, struct serve_response *resp)
{
	char author[ROUTE_ID_MAX];
	bool has_author = query_get(req->route.query, "author", author, sizeof(author));
	char **ids = NULL;
	size_t nr = 0;
	int r = repos_list(s->repos, req->route.repo, has_author ? author : NULL, &ids, &nr);

	if (r == 0)
		r = list_page(s, req, ids, nr, resp);
	if (r < 0)
		answer_failure(req, resp, r, NULL);
	repos_free_ids(ids, nr);
}

void list_answer_overview(struct serve *s, const struct serve_request *req, struct serve_response *resp)
{
	static const struct {
		enum repo_kind kind;
		const char *field;
	} counts[] = {{REPO_MODEL, "numModels"}, {REPO_DATASET, "numDatasets"}, {REPO_SPACE, "numSpaces"}};
	const char *org = req->route.id;
	AUTO_BUF b = {0};

	if (!repos_has_org(s->repos, org)) {
		answer_error(req, resp, 404, NULL, "This organization or user does not exist");
		return;
	}
	buf_addf(&b, "{\"_id\":\"%024x\",\"name\":\"%s\",\"user\":\"%s\",\"fullname\":\"%s\",\"avatarUrl\":\"\",\"type\":\"%s\"", 0, org, org, org,
		 strncmp(req->target, "/api/users/", 11) ? "org" : "user");
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		char **ids = NULL;
		size_t nr = 0;

		if (repos_list(s->repos, counts[i].kind, org, &ids, &nr) == 0)
			buf_addf(&b, ",\"%s\":%zu", counts[i].field, nr);
		repos_free_ids(ids, nr);
	}
	buf_addc(&b, '}');
	answer_json(resp, &b);
}

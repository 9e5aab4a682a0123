// SPDX-License-Identifier: Apache-2.0
/* Branches, tags, pull requests, converted data; and the history of a revision. */
#include "serve_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>

#define COMMITS_PAGE 50
#define COMMITS_PAGE_MAX 1000

static void add_refs(struct buf *b, const struct refs *refs, enum ref_kind kind, const char *field)
{
	const char *comma = "";

	buf_addf(b, "%s\"%s\":[", b->len > 1 ? "," : "", field);
	for (size_t i = 0; i < refs->nr; i++) {
		const struct ref *r = &refs->list[i];

		if (r->kind != kind)
			continue;
		buf_addf(b, "%s{\"name\":", comma);
		buf_add_json(b, r->name);
		buf_adds(b, ",\"ref\":");
		buf_add_json(b, r->full);
		buf_addf(b, ",\"targetCommit\":\"%s\"}", r->commit);
		comma = ",";
	}
	buf_addc(b, ']');
}

void refs_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	struct refs refs = {0};
	struct err err = {0};
	AUTO_BUF b = {0};
	int r = repo_refs(repo, &refs, &err);

	if (r < 0) {
		answer_failure(req, resp, r, &err);
		return;
	}
	buf_addc(&b, '{');
	add_refs(&b, &refs, REF_BRANCH, "branches");
	add_refs(&b, &refs, REF_CONVERT, "converts");
	add_refs(&b, &refs, REF_TAG, "tags");
	if (query_is_true(req->route.query, "include_prs"))
		add_refs(&b, &refs, REF_PULL, "pullRequests");
	buf_addc(&b, '}');
	refs_done(&refs);
	answer_json(resp, &b);
}

static void add_commit(struct buf *b, const struct commit *c)
{
	char date[32];

	clock_format_iso8601(c->date_s, date);
	buf_addf(b, "{\"id\":\"%s\",\"title\":", c->id);
	buf_add_json(b, c->title);
	buf_adds(b, ",\"message\":");
	buf_add_json(b, c->message);
	buf_addf(b, ",\"authors\":[{\"user\":");
	buf_add_json(b, c->author);
	buf_addf(b, "}],\"date\":\"%s\"}", date);
}

void commits_answer(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	uint64_t page = min_u64(query_u64(req->route.query, "limit", COMMITS_PAGE), COMMITS_PAGE_MAX);
	struct commits commits = {0};
	char cursor[32], *end = cursor;
	struct err err = {0};
	AUTO_BUF b = {0};
	uint64_t skip = 0;
	int r;

	if (!l)
		return;
	if (cursor_parse(req->route.query, cursor, sizeof(cursor)) && *cursor)
		skip = strtoull(cursor, &end, 10);
	if (*end || skip > INT32_MAX) {
		answer_error(req, resp, 400, NULL, "Invalid cursor");
		return;
	}
	page = page ? page : 1;
	r = repo_commits(repo, l, skip, page + 1, &commits, &err); /* one more tells whether there is a next page */
	if (r < 0) {
		answer_failure(req, resp, r, &err);
		return;
	}
	buf_addc(&b, '[');
	for (size_t i = 0; i < commits.nr && i < page; i++) {
		if (i)
			buf_addc(&b, ',');
		add_commit(&b, &commits.list[i]);
	}
	buf_addc(&b, ']');
	answer_json(resp, &b);
	if (commits.nr > page) {
		snprintf(cursor, sizeof(cursor), "%" PRIu64, skip + page);
		answer_next_page(s, req, resp, cursor);
	}
	commits_done(&commits);
}

// SPDX-License-Identifier: Apache-2.0
/* Repository information: the call that turns a revision into a commit. [docs/PROTOCOL.md, repository information] */
#include "serve_int.h"

#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/clock.h>
#include <hffs/digest.h>

#include "about_int.h"
#include "lfs_int.h"

/* Which fields the answer has: all usual ones, or those that the query names. */
struct fields {
	const char *query;
	bool listed;
};

static bool is_expand(const char *name)
{
	return !strcmp(name, "expand") || !strcmp(name, "expand[]");
}

static struct fields fields_of(const char *query)
{
	struct fields f = {.query = query};
	char name[64], value[64];

	while (query_next(&query, name, sizeof(name), value, sizeof(value)))
		f.listed |= is_expand(name);
	return f;
}

/* `usual`: is it there when nothing is listed? */
static bool wants(const struct fields *f, const char *field, bool usual)
{
	const char *query = f->query;
	char name[64], value[64];

	if (!f->listed)
		return usual;
	while (query_next(&query, name, sizeof(name), value, sizeof(value)))
		if (is_expand(name) && !strcmp(value, field))
			return true;
	return false;
}

static void add_date(struct buf *b, const char *field, int64_t date_s)
{
	char text[32];

	clock_format_iso8601(date_s, text);
	buf_addf(b, ",\"%s\":\"%s\"", field, text);
}

static void add_blob(struct buf *b, const struct entry *e)
{
	char oid[41], sha256[65], pointer[256];

	hex_format(e->oid, 20, oid);
	buf_addf(b, ",\"size\":%" PRIu64 ",\"blobId\":\"%s\"", e->size, oid);
	if (!e->is_lfs)
		return;
	hex_format(e->sha256, 32, sha256);
	buf_addf(b, ",\"lfs\":{\"sha256\":\"%s\",\"size\":%" PRIu64 ",\"pointerSize\":%zu}", sha256, e->size,
		 lfs_format_pointer(e->sha256, e->size, pointer));
}

static void add_siblings(struct buf *b, const struct listing *l, bool blobs)
{
	const char *comma = "";

	buf_adds(b, ",\"siblings\":[");
	for (size_t i = 0; i < l->nr; i++) {
		const struct entry *e = &l->entries[i];

		if (e->is_dir)
			continue;
		buf_addf(b, "%s{\"rfilename\":", comma);
		buf_add_json(b, e->path);
		if (blobs)
			add_blob(b, e);
		buf_addc(b, '}');
		comma = ",";
	}
	buf_addc(b, ']');
}

/* The fields that need no listing. */
static void add_plain(struct buf *b, const struct fields *f, const struct repo *repo)
{
	static const struct {
		const char *name, *json;
	} constants[] = {
		{"private", "false"}, {"gated", "false"}, {"disabled", "false"}, {"downloads", "0"}, {"likes", "0"},
	};
	const char *slash = strchr(repo->id, '/');

	buf_addf(b, "{\"_id\":\"%s\",\"id\":\"%s\"", repo->db_id, repo->id);
	if (repo->kind == REPO_MODEL && wants(f, "modelId", true))
		buf_addf(b, ",\"modelId\":\"%s\"", repo->id);
	if (slash && wants(f, "author", true))
		buf_addf(b, ",\"author\":\"%.*s\"", (int)(slash - repo->id), repo->id);
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (wants(f, constants[i].name, true))
			buf_addf(b, ",\"%s\":%s", constants[i].name, constants[i].json);
	if (repo->kind == REPO_SPACE && wants(f, "sdk", true))
		buf_adds(b, ",\"sdk\":\"static\"");
}

/* A word of the card under its own name. */
static void add_word(struct buf *b, const struct json *card, const char *key)
{
	const char *word = json_get_string(card, key);

	if (!word)
		return;
	buf_addf(b, ",\"%s\":", key);
	buf_add_json(b, word);
}

/* What the files say. Lists of repositories have nothing of it. */
static void add_about(struct buf *b, const struct fields *f, struct repo *repo, const struct listing *l)
{
	static const char *const of_card[] = {"tags", "cardData", "pipeline_tag", "library_name"};
	bool is_model = repo->kind == REPO_MODEL, wants_card = false;
	AUTO_BUF front = {0};
	AUTO(json_free) struct json *card = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(of_card); i++)
		wants_card |= wants(f, of_card[i], true);
	if (wants_card)
		card = about_read_card(repo, l, &front);
	if (wants(f, "tags", true))
		about_add_tags(b, l, card);
	if (wants(f, "cardData", true))
		buf_addf(b, ",\"cardData\":%s", card ? front.data : "null");
	if (is_model && wants(f, "pipeline_tag", true))
		add_word(b, card, "pipeline_tag");
	if (is_model && wants(f, "library_name", true))
		add_word(b, card, "library_name");
	if (is_model && wants(f, "config", true))
		about_add_config(b, repo, l);
	if (is_model && wants(f, "safetensors", true))
		about_add_parameters(b, repo, l);
}

/* A date for lists, which do not wait until a folder is hashed. */
static int64_t folder_date(const struct repo *repo)
{
	struct stat st;

	return repo->dir && stat(repo->dir, &st) == 0 ? st.st_mtim.tv_sec : 0;
}

void info_add_json(struct buf *b, const struct serve_request *req, struct repo *repo, const struct listing *l, bool full)
{
	struct fields f = fields_of(req->route.query);
	int64_t date_s = l ? l->date_s : folder_date(repo);

	add_plain(b, &f, repo);
	if (l && req->route.kind == ROUTE_INFO)
		add_about(b, &f, repo, l);
	else if (wants(&f, "tags", true))
		buf_adds(b, ",\"tags\":[]");
	if (l && wants(&f, "sha", true))
		buf_addf(b, ",\"sha\":\"%s\"", l->commit_hex);
	if (wants(&f, "lastModified", true))
		add_date(b, "lastModified", date_s);
	if (wants(&f, "createdAt", true))
		add_date(b, "createdAt", date_s);
	if (l && wants(&f, "siblings", full))
		add_siblings(b, l, query_is_true(req->route.query, "blobs"));
	if (l && wants(&f, "usedStorage", full))
		buf_addf(b, ",\"usedStorage\":%" PRIu64, l->size);
	buf_addc(b, '}');
}

void info_answer(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	const char *rev = req->route.rev[0] ? req->route.rev : "main";
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, rev, resp);
	AUTO_BUF b = {0};

	if (!l)
		return;
	info_add_json(&b, req, repo, l, true);
	answer_json(resp, &b);
}

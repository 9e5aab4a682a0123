// SPDX-License-Identifier: Apache-2.0
/*
 * Bytes: resolve sends to where they are, resolve-cache has the regular files, the content origin the LFS files, raw what git
 * holds. A file whose bytes are no longer those of the commit asked for is missing, never wrong.
 */
#include "serve_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include <hffs/digest.h>
#include <hffs/log.h>
#include <hffs/url.h>

/* The entry of a file; NULL after answering EntryNotFound. A directory is not found either. */
static const struct entry *find_file(const struct serve_request *req, const struct listing *l, struct serve_response *resp)
{
	const struct entry *e = listing_find(l, req->route.path);

	response_add(resp, "X-Repo-Commit", "%s", l->commit_hex);
	if (e && !e->is_dir)
		return e;
	answer_error(req, resp, 404, "EntryNotFound", "Entry not found");
	return NULL;
}

static void answer_gone(const struct serve_request *req, struct serve_response *resp, int r)
{
	if (r == -ENODATA) /* no code: the commit has it, and nobody is to remember that it has not */
		answer_error(req, resp, 404, NULL, "This file is not complete in the cache that is served");
	else if (r == -ENOENT || r == -ESTALE)
		answer_error(req, resp, 404, "EntryNotFound", "Entry not found");
	else
		answer_failure(req, resp, r, NULL);
}

static const char *choose_type(const char *path)
{
	static const char *const text[] = {"txt", "md", "json", "jsonl", "yaml", "yml", "py", "csv", "tsv", "jinja", "cfg", "toml", "xml"};
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');

	if (!strcmp(name, ".gitattributes") || !strcmp(name, "LICENSE"))
		return "text/plain; charset=utf-8";
	for (size_t i = 0; dot && i < ARRAY_SIZE(text); i++)
		if (!strcasecmp(dot + 1, text[i]))
			return "text/plain; charset=utf-8";
	return "application/octet-stream";
}

static void add_disposition(struct serve_response *resp, const char *path, bool download)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	AUTO_FREE char *ascii = strdup(name);
	AUTO_BUF encoded = {0};

	url_encode(&encoded, name, false);
	if (!ascii || encoded.failed)
		return;
	for (char *c = ascii; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e || *c == '"' || *c == '\\')
			*c = '?';
	response_add(resp, "Content-Disposition", "%s; filename*=UTF-8''%s; filename=\"%s\";", download ? "attachment" : "inline", encoded.data,
		     ascii);
}

/* Does a list of etags (If-None-Match) name this one? Weak comparison. */
static bool etag_is_listed(const char *list, const char *etag)
{
	size_t len = strlen(etag);

	while (list && *list) {
		size_t n;

		list += strspn(list, " \t,");
		if (!strncmp(list, "W/", 2))
			list += 2;
		n = strcspn(list, ",");
		if (*list == '*' || (n >= len + 2 && list[0] == '"' && !strncmp(list + 1, etag, len) && list[len + 1] == '"'))
			return true;
		list += n;
	}
	return false;
}

/* Cuts the body, which is whole, to the range asked for. */
static void apply_range(const struct serve_request *req, struct serve_response *resp, const char *etag)
{
	const char *if_range = req->header(req, "If-Range"), *range = req->header(req, "Range");
	uint64_t size = response_size(resp), off = 0, len = 0;
	enum range_kind kind;

	if (if_range && (if_range[0] != '"' || !etag_is_listed(if_range, etag)))
		range = NULL;
	kind = range_parse(range, size, &off, &len);
	if (kind == RANGE_WHOLE)
		return;
	if (size == 0) { /* whole, as a server may; @huggingface/hub 2.17 asks for bytes=0-0 and takes the size from here, of any 2xx */
		response_add(resp, "Content-Range", "bytes */0");
		return;
	}
	if (kind == RANGE_BEYOND) {
		if (resp->fd >= 0)
			(void)close(resp->fd); /* opened for reading */
		resp->fd = -1;
		buf_clear(&resp->body);
		resp->status = 416;
		response_add(resp, "Content-Range", "bytes */%" PRIu64, size);
		return;
	}
	resp->status = 206;
	response_add(resp, "Content-Range", "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, off, off + len - 1, size);
	if (resp->fd >= 0) {
		resp->off = off;
		resp->len = len;
	} else {
		memmove(resp->body.data, resp->body.data + off, len);
		resp->body.len = len;
	}
}

/* Answers with the whole of what was opened, or a part of it, or 304. */
static void answer_bytes(const struct serve_request *req, struct serve_response *resp, const char *etag)
{
	struct stat st;

	if (resp->fd >= 0) {
		resp->off = 0;
		resp->len = fstat(resp->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	}
	response_add(resp, "ETag", "\"%s\"", etag);
	response_add(resp, "Accept-Ranges", "bytes");
	if (etag_is_listed(req->header(req, "If-None-Match"), etag)) {
		if (resp->fd >= 0)
			(void)close(resp->fd); /* opened for reading */
		resp->fd = -1;
		buf_clear(&resp->body);
		resp->status = 304;
		return;
	}
	apply_range(req, resp, etag);
}

static void answer_file(const struct serve_request *req, struct repo *repo, const struct entry *e, struct serve_response *resp)
{
	char etag[65];
	int r = repo_open_entry(repo, e, &resp->fd, &resp->body);

	if (r < 0) {
		answer_gone(req, resp, r);
		return;
	}
	hex_format(e->is_lfs ? e->sha256 : e->oid, e->is_lfs ? 32 : 20, etag);
	response_add(resp, "Content-Type", "%s", choose_type(e->path));
	add_disposition(resp, e->path, query_is_true(req->route.query, "download"));
	answer_bytes(req, resp, etag);
}

/* 302 to the content origin. */
static void redirect_to_cdn(const struct serve *s, const struct serve_request *req, const struct repo *repo, const struct entry *e,
			    struct serve_response *resp)
{
	AUTO_FREE char *origin = answer_origin(s, req);
	AUTO_BUF url = {0};
	struct url u;
	char sha256[65];

	if (s->cdn_url)
		buf_adds(&url, s->cdn_url);
	else if (origin && url_parse(origin, &u) == 0)
		buf_addf(&url, strchr(u.host, ':') ? "http://[%s]:%u" : "http://%s:%u", u.host, s->cdn_port);
	sign_url(s, repo->db_id, e->sha256, &url);
	if (url.failed) {
		answer_failure(req, resp, -ENOMEM, NULL);
		return;
	}
	hex_format(e->sha256, 32, sha256);
	response_add(resp, "X-Linked-Size", "%" PRIu64, e->size);
	response_add(resp, "X-Linked-ETag", "\"%s\"", sha256);
	response_add(resp, "Accept-Ranges", "bytes");
	answer_redirect(resp, 302, url.data);
}

/* 307 to the cache of regular files; the query is no more than a key. */
static void redirect_to_cache(const struct serve_request *req, const struct repo *repo, const struct listing *l, const struct entry *e,
			      struct serve_response *resp)
{
	AUTO_FREE char *asked = strndup(req->target, url_shown_len(req->target));
	AUTO_BUF url = {0};
	char oid[41];

	hex_format(e->oid, 20, oid);
	buf_addf(&url, "/api/resolve-cache/%s/%s/%s/", route_collection(repo->kind), repo->id, l->commit_hex);
	url_encode(&url, e->path, true);
	buf_addc(&url, '?');
	url_encode(&url, asked ? asked : "", false);
	buf_addf(&url, "=&etag=%%22%s%%22", oid);
	if (url.failed)
		answer_failure(req, resp, -ENOMEM, NULL);
	else
		answer_redirect(resp, 307, url.data);
}

void content_resolve(struct serve *s, const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = NULL;
	const struct entry *e;
	int r;

	if (req->route.bare_refs) {
		answer_error(req, resp, 404, "RevisionNotFound", "Invalid rev id: refs");
		return;
	}
	l = answer_listing(req, repo, req->route.rev, resp);
	e = l ? find_file(req, l, resp) : NULL;
	if (!e)
		return;
	r = repo_check_entry(repo, e);
	if (r < 0)
		answer_gone(req, resp, r);
	else if (e->is_lfs)
		redirect_to_cdn(s, req, repo, e, resp);
	else if (req->direct)
		answer_file(req, repo, e, resp);
	else
		redirect_to_cache(req, repo, l, e, resp);
}

void content_resolve_cache(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	const struct entry *e = l ? find_file(req, l, resp) : NULL;

	if (e)
		answer_file(req, repo, e, resp);
}

void content_raw(const struct serve_request *req, struct repo *repo, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = answer_listing(req, repo, req->route.rev, resp);
	const struct entry *e = l ? find_file(req, l, resp) : NULL;
	struct stat st;
	int r;

	if (!e)
		return;
	r = repo_open_raw(repo, e, &resp->fd, &resp->body);
	if (r < 0) {
		answer_gone(req, resp, r);
		return;
	}
	if (resp->fd >= 0)
		resp->len = fstat(resp->fd, &st) == 0 ? (uint64_t)st.st_size : 0;
	response_add(resp, "Content-Type", "%s", e->is_lfs ? "text/plain; charset=utf-8" : choose_type(e->path));
	add_disposition(resp, e->path, false);
}

void content_cdn(struct serve *s, const struct serve_request *req, struct serve_response *resp)
{
	AUTO(listing_unref) struct listing *l = NULL;
	const struct entry *e = NULL;
	struct repo *repo;
	uint8_t sha256[32];
	int r = sign_check(s, &req->route, sha256);

	if (r < 0) {
		answer_error(req, resp, 403, NULL, r == -ETIMEDOUT ? "SignatureError: expired" : "SignatureError: invalid signature");
		response_drop(resp, "X-Error-Message");
		return;
	}
	repo = repos_find_db_id(s->repos, req->route.id);
	l = repo ? repo_find_content(repo, sha256, &e) : NULL;
	r = l ? repo_open_entry(repo, e, &resp->fd, &resp->body) : -ENOENT;
	if (r < 0) {
		answer_gone(req, resp, r);
		return;
	}
	response_add(resp, "Content-Type", "application/octet-stream");
	answer_bytes(req, resp, req->route.rev);
}

// SPDX-License-Identifier: Apache-2.0
/* Changes to the bodies of answers. */
#include "hub.h"

#include <string.h>
#include <strings.h>

#include <hffs/io.h>
#include <hffs/json.h>

#include <zlib.h>

static void mask_after(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *p = text; (p = strstr(p, key)); p += len)
		if (strspn(p + len, "0123456789abcdef") == 64)
			memset(p + len, '*', 64);
}

void body_mask(struct serve_response *resp)
{
	if (resp->fd >= 0 || resp->body.len == 0)
		return;
	mask_after(resp->body.data, "\"oid\":\"");
	mask_after(resp->body.data, "\"sha256\":\"");
}

void hub_set_body(struct serve_response *resp, struct buf *b)
{
	buf_done(&resp->body);
	resp->body = *b;
	*b = (struct buf){0};
}

void body_replace(struct serve_response *resp, const char *from, const char *to)
{
	const char *text = resp->body.data, *hit;
	AUTO_BUF b = {0};

	if (resp->fd >= 0 || resp->body.len == 0)
		return;
	while ((hit = strstr(text, from))) {
		buf_add(&b, text, (size_t)(hit - text));
		buf_adds(&b, to);
		text = hit + strlen(from);
	}
	buf_adds(&b, text);
	hub_set_body(resp, &b);
}

/* A listing is an array; the new entry comes first, so that every client meets it. */
void body_add_entry(struct serve_response *resp, const char *path_json, const char *type)
{
	AUTO_BUF b = {0};

	if (resp->body.len < 2 || resp->body.data[0] != '[')
		return;
	buf_addf(&b, "[{\"type\":\"%s\",\"oid\":\"e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\",\"size\":0,\"path\":\"%s\"}%s", type, path_json,
		 resp->body.len > 2 ? "," : "");
	buf_add(&b, resp->body.data + 1, resp->body.len - 1);
	hub_set_body(resp, &b);
}

void body_repeat_entry(struct serve_response *resp, bool as_directory)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_FREE char *path = NULL, *inner = NULL;
	AUTO_BUF quoted = {0};

	if (resp->body.len == 0 || json_parse(resp->body.data, resp->body.len, SIZE_MAX, &j, NULL) < 0 || json_size(j) == 0)
		return;
	buf_add_json(&quoted, json_get_string(json_first(j), "path"));
	if (quoted.failed || quoted.len < 2)
		return;
	inner = strndup(quoted.data + 1, quoted.len - 2);
	path = as_directory ? str_printf("%s/inside", inner) : strdup(inner);
	if (!inner || !path)
		return;
	body_add_entry(resp, path, "file");
	if (as_directory)
		body_add_entry(resp, inner, "directory");
}

void body_set_sha(struct serve_response *resp, const char *sha)
{
	char *at = resp->body.len ? strstr(resp->body.data, "\"sha\":\"") : NULL;

	if (at && strlen(sha) == 40)
		memcpy(at + 7, sha, 40);
}

void body_drop_repo(struct serve_response *resp, const char *id)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_BUF b = {0};

	if (resp->body.len == 0 || json_parse(resp->body.data, resp->body.len, SIZE_MAX, &j, NULL) < 0 || !json_is_array(j))
		return;
	buf_addc(&b, '[');
	for (const struct json *e = json_first(j); e; e = json_next(e)) {
		const char *this_id = json_get_string(e, "id");
		AUTO_FREE char *text = json_print(e);

		if (text && this_id && strcasecmp(this_id, id) != 0)
			buf_addf(&b, "%s%s", b.len > 1 ? "," : "", text);
	}
	buf_addc(&b, ']');
	hub_set_body(resp, &b);
}

/* The Hub's CDN compresses text where the request allows it. */
bool body_wants_gzip(const struct serve_request *req)
{
	static const char *const endings[] = {".json", ".txt", ".md", ".py", ".yaml", ".yml", ".csv", ".jinja", ".gitattributes"};
	const char *accept = req->header(req, "Accept-Encoding");
	size_t len = strlen(req->route.path);

	if (!accept || !strcasestr(accept, "gzip"))
		return false;
	if (req->route.kind != ROUTE_RESOLVE_CACHE && req->route.kind != ROUTE_RESOLVE)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
		if (len >= strlen(endings[i]) && !strcmp(req->route.path + len - strlen(endings[i]), endings[i]))
			return true;
	return false;
}

static int read_all(struct serve_response *resp, struct buf *b)
{
	if (resp->fd < 0) {
		buf_add(b, resp->body.data, resp->body.len);
		return 0;
	}
	if (buf_reserve(b, resp->len) < 0)
		return -1;
	if (io_pread(resp->fd, b->data, resp->len, resp->off) < 0)
		return -1;
	b->len = resp->len;
	return 0;
}

/* 200, compressed, without a length, with a weak etag. */
void body_gzip(struct serve_response *resp)
{
	const char *etag = response_header(resp, "ETag");
	AUTO_FREE char *weak = etag ? str_printf("W/%s", etag) : NULL;
	AUTO_BUF plain = {0};
	AUTO_BUF packed = {0};
	z_stream z = {0};

	if (resp->status != 200 || read_all(resp, &plain) < 0 || deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return;
	if (buf_reserve(&packed, deflateBound(&z, plain.len)) == 0) {
		z.next_in = (Bytef *)plain.data;
		z.avail_in = (uInt)plain.len;
		z.next_out = (Bytef *)packed.data;
		z.avail_out = (uInt)packed.cap;
		if (deflate(&z, Z_FINISH) == Z_STREAM_END)
			packed.len = z.total_out;
	}
	deflateEnd(&z);
	if (packed.len == 0)
		return;
	if (resp->fd >= 0)
		(void)close(resp->fd); /* opened for reading */
	resp->fd = -1;
	hub_set_body(resp, &packed);
	response_drop(resp, "ETag");
	response_drop(resp, "Accept-Ranges");
	if (weak)
		response_add(resp, "ETag", "%s", weak);
	response_add(resp, "Content-Encoding", "gzip");
	response_add(resp, "Vary", "Accept-Encoding");
	resp->faults.no_length = true;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Request targets. Matching happens on the raw path, split on '/', and each part is decoded once afterwards: an encoded slash
 * belongs to its part. An id has one part when a marker follows its first. [docs/PROTOCOL.md, routes]
 */
#include "route_int.h"

#include <stdio.h>
#include <string.h>

#include <hffs/name.h>
#include <hffs/url.h>

/* A part of the raw target. */
struct part {
	const char *text;
	size_t len;
};

/* The parts not yet looked at; `rest` starts at the next one and ends before the query. */
struct parts {
	const char *rest, *end;
};

static const struct {
	enum repo_kind kind;
	const char *collection, *prefix, *word;
} kinds[] = {
	{REPO_MODEL, "models", "", "model"},
	{REPO_DATASET, "datasets", "datasets/", "dataset"},
	{REPO_SPACE, "spaces", "spaces/", "space"},
};

const char *route_collection(enum repo_kind kind)
{
	return kinds[kind - REPO_MODEL].collection;
}

const char *route_prefix(enum repo_kind kind)
{
	return kinds[kind - REPO_MODEL].prefix;
}

const char *route_word(enum repo_kind kind)
{
	return kinds[kind - REPO_MODEL].word;
}

/* False at the end. "a/" has two parts, the second empty. */
static bool parts_next(struct parts *p, struct part *out)
{
	const char *slash;

	if (!p->rest)
		return false;
	slash = memchr(p->rest, '/', (size_t)(p->end - p->rest));
	out->text = p->rest;
	out->len = (size_t)((slash ? slash : p->end) - p->rest);
	p->rest = slash ? slash + 1 : NULL;
	return true;
}

static bool part_is(const struct part *p, const char *word)
{
	return p->len == strlen(word) && !memcmp(p->text, word, p->len);
}

static bool part_decode(const struct part *p, char *out, size_t size)
{
	return p->len && url_decode(p->text, p->len, out, size) > 0;
}

/* What may follow an id under /api/{collection}/. */
static const struct {
	const char *word;
	enum route_kind kind;
	bool rev, path;
} api_markers[] = {
	{"revision", ROUTE_INFO, true, false},          {"tree", ROUTE_TREE, true, true},
	{"treesize", ROUTE_TREESIZE, true, true},       {"paths-info", ROUTE_PATHS_INFO, true, false},
	{"refs", ROUTE_REFS, false, false},             {"commits", ROUTE_COMMITS, true, false},
	{"auth-check", ROUTE_AUTH_CHECK, false, false},
};

static int find_api_marker(const struct part *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(api_markers); i++)
		if (part_is(p, api_markers[i].word))
			return (int)i;
	return -1;
}

static int find_collection(const struct part *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (part_is(p, kinds[i].collection))
			return (int)i;
	return -1;
}

/* The id of one part, or of two when b is given. */
static bool take_id(struct route *r, const char *target, const struct part *a, const struct part *b)
{
	char org[ROUTE_ID_MAX / 2], name[ROUTE_ID_MAX / 2] = "";
	const char *end = b ? b->text + b->len : a->text + a->len;

	if (!part_decode(a, org, sizeof(org)) || (b && !part_decode(b, name, sizeof(name))))
		return false;
	if (!name_is_repo_part(org, strlen(org)) || (b && !name_is_repo_part(name, strlen(name))))
		return false;
	r->id_off = (size_t)(a->text - target);
	r->id_len = (size_t)(end - a->text);
	(void)snprintf(r->id, sizeof(r->id), "%s%s%s", org, b ? "/" : "", name); /* both halves fit */
	return true;
}

/* The rest as a path. Empty parts in front and behind are dropped, "" is the root. */
static bool take_path(struct route *r, const struct parts *p)
{
	size_t len;

	if (!p->rest || p->rest == p->end)
		return true;
	if (url_decode(p->rest, (size_t)(p->end - p->rest), r->path, sizeof(r->path)) < 0)
		return false;
	len = strlen(r->path);
	while (len && r->path[len - 1] == '/')
		r->path[--len] = '\0';
	return true;
}

static bool parse_api_repo(struct route *r, const char *target, struct parts *p)
{
	struct part a, b = {0}, next;
	bool two;
	int m = -1;

	if (!parts_next(p, &a) || a.len == 0) {
		r->kind = ROUTE_LIST;
		return true;
	}
	two = parts_next(p, &b);
	if (two)
		m = find_api_marker(&b);
	if (two && m >= 0)
		two = false;
	else if (two && parts_next(p, &next) && (m = find_api_marker(&next)) < 0)
		return false;
	if (!take_id(r, target, &a, two ? &b : NULL))
		return false;
	if (m < 0) {
		r->kind = ROUTE_INFO;
		return true;
	}
	r->kind = api_markers[m].kind;
	if (api_markers[m].rev && (!parts_next(p, &next) || !part_decode(&next, r->rev, sizeof(r->rev))))
		return false;
	if (api_markers[m].path)
		return take_path(r, p);
	return !p->rest;
}

/* resolve-cache/{collection}/{id}/{commit}/{path}: the commit tells how long the id is. */
static bool parse_resolve_cache(struct route *r, const char *target, struct parts *p)
{
	struct part kind, a, b, rev;
	int k;

	if (!parts_next(p, &kind) || (k = find_collection(&kind)) < 0 || !parts_next(p, &a) || !parts_next(p, &b))
		return false;
	r->kind = ROUTE_RESOLVE_CACHE;
	r->repo = kinds[k].kind;
	if (name_is_commit(b.text, b.len))
		return take_id(r, target, &a, NULL) && part_decode(&b, r->rev, sizeof(r->rev)) && take_path(r, p);
	return parts_next(p, &rev) && name_is_commit(rev.text, rev.len) && take_id(r, target, &a, &b) &&
	       part_decode(&rev, r->rev, sizeof(r->rev)) && take_path(r, p);
}

static bool parse_api(struct route *r, const char *target, struct parts *p)
{
	struct part first, name, last;
	int k;

	if (!parts_next(p, &first))
		return false;
	k = find_collection(&first);
	if (k >= 0) {
		r->repo = kinds[k].kind;
		return parse_api_repo(r, target, p);
	}
	if (part_is(&first, "resolve-cache"))
		return parse_resolve_cache(r, target, p);
	if (part_is(&first, "whoami-v2")) {
		r->kind = ROUTE_WHOAMI;
		return !p->rest;
	}
	if (!part_is(&first, "organizations") && !part_is(&first, "users"))
		return false;
	r->kind = ROUTE_OVERVIEW;
	return parts_next(p, &name) && parts_next(p, &last) && part_is(&last, "overview") && !p->rest &&
	       part_decode(&name, r->id, sizeof(r->id)) && name_is_repo_part(r->id, strlen(r->id));
}

static enum route_kind find_content_marker(const struct part *p)
{
	return part_is(p, "resolve") ? ROUTE_RESOLVE : part_is(p, "raw") ? ROUTE_RAW : ROUTE_NONE;
}

/* {prefix}{id}/resolve/{rev}/{path}, the same with raw; first is what parts_next() gave first. */
static bool parse_content(struct route *r, const char *target, struct part first, struct parts *p)
{
	struct part second, marker;
	int k = find_collection(&first);

	r->repo = REPO_MODEL;
	if (k > 0) {
		r->repo = kinds[k].kind;
		if (!parts_next(p, &first))
			return false;
	}
	if (!parts_next(p, &second))
		return false;
	r->kind = find_content_marker(&second);
	if (r->kind != ROUTE_NONE) {
		if (!take_id(r, target, &first, NULL))
			return false;
	} else if (!parts_next(p, &marker) || (r->kind = find_content_marker(&marker)) == ROUTE_NONE ||
		   !take_id(r, target, &first, &second)) {
		return false;
	}
	if (!parts_next(p, &marker) || !part_decode(&marker, r->rev, sizeof(r->rev)))
		return false;
	r->bare_refs = part_is(&marker, "refs");
	return take_path(r, p);
}

/* cdn/{database id}/{hash} */
static bool parse_cdn(struct route *r, struct parts *p)
{
	struct part word, id, hash;

	r->kind = ROUTE_CDN;
	return parts_next(p, &word) && part_is(&word, "cdn") && parts_next(p, &id) && parts_next(p, &hash) && !p->rest &&
	       part_decode(&id, r->id, sizeof(r->id)) && part_decode(&hash, r->rev, sizeof(r->rev));
}

static bool parse_hub(struct route *r, const char *target, struct parts *p)
{
	struct part first;

	if (!parts_next(p, &first))
		return false;
	return part_is(&first, "api") ? parse_api(r, target, p) : parse_content(r, target, first, p);
}

void route_parse(const char *target, bool cdn, struct route *r)
{
	const char *end = target + strcspn(target, "?#");
	struct parts p = {target + 1, end};

	memset(r, 0, offsetof(struct route, path) + 1);
	r->bare_refs = false;
	r->id_off = r->id_len = 0;
	r->query = *end == '?' ? end + 1 : "";
	if (target[0] != '/' || !(cdn ? parse_cdn(r, &p) : parse_hub(r, target, &p)))
		r->kind = ROUTE_NONE;
}

// SPDX-License-Identifier: Apache-2.0
/* The calls of the Hub's JSON API: addresses in, structs out. How a call is asked, retried and paged is call.c's. */
#include <errno.h>
#include <string.h>

#include <hffs/url.h>

#include "call_int.h"

/* Functions that deliver know the type of the callback that was stored. */
typedef void any_callback(void);
#define STORE(fn) ((any_callback *)(fn))
#define CALLBACK(type, c) ((type *)(c)->done)

/* rev is for sentences; NULL where none was asked for. */
static struct call *call_new(const struct repo_id *repo, const char *rev, void *ctx)
{
	struct call *c = calloc(1, sizeof(*c));
	char shown[REPO_SHOWN_MAX];

	if (!c)
		return NULL;
	repo_shown(repo, shown);
	c->what = str_printf("%s%s%s", shown, rev ? "@" : "", rev ? rev : "");
	if (!c->what) {
		free(c);
		return NULL;
	}
	c->repo = *repo;
	c->is_about_repo = true;
	c->ctx = ctx;
	return c;
}

static void set_no_memory(struct hub_result *res)
{
	*res = (struct hub_result){.r = -ENOMEM};
	err_set(&res->err, -ENOMEM, "out of memory");
}

/* "{endpoint}/api/models/acme/x" */
static void add_repo_url(struct buf *b, const struct hub *h, const struct repo_id *repo)
{
	buf_addf(b, "%s/api/%s/%s", h->endpoint, repo_kind_plural(repo->kind), repo->name);
}

/* --- info --- */

static int take_info(struct call *c, const char *text, size_t len, struct err *err)
{
	return parse_info(text, len, &c->repo, &c->info, err);
}

static void deliver_info(struct call *c, bool more)
{
	(void)more;
	CALLBACK(hub_info_done, c)(c->ctx, &c->res, c->res.r == 0 ? &c->info : NULL);
}

void hub_want_info(struct hub *h, const struct repo_id *repo, const char *rev, hub_info_done *done, void *ctx)
{
	struct call *c = call_new(repo, rev && strcmp(rev, "main") != 0 ? rev : NULL, ctx);
	struct buf url = {0};

	if (!c) {
		struct hub_result res;

		set_no_memory(&res);
		done(ctx, &res, NULL);
		return;
	}
	c->done = STORE(done);
	c->take = take_info;
	c->deliver = deliver_info;
	add_repo_url(&url, h, repo);
	buf_adds(&url, "/revision/");
	url_encode(&url, rev ? rev : "main", false); /* one path segment: "refs/pr/1" with bare slashes is RevisionNotFound */
	buf_adds(&url, "?expand=sha&expand=lastModified&expand=gated&expand=private&expand=disabled&expand=tags");
	if (repo->kind == REPO_MODEL)
		buf_adds(&url, "&expand=safetensors&expand=pipeline_tag&expand=library_name&expand=config"); /* others refuse the words */
	call_start(h, c, buf_take(&url));
}

/* --- tree --- */

static int take_tree(struct call *c, const char *text, size_t len, struct err *err)
{
	return parse_tree(text, len, &c->parsed, err);
}

static void deliver_tree(struct call *c, bool more)
{
	CALLBACK(hub_tree_page, c)(c->ctx, &c->res, c->parsed.entries, c->parsed.nr, more);
}

/* NULL: no memory, which was told. */
static struct call *tree_call_new(const struct repo_id *repo, hub_tree_page *page, void *ctx)
{
	struct call *c = call_new(repo, NULL, ctx);
	struct hub_result res;

	if (!c) {
		set_no_memory(&res);
		page(ctx, &res, NULL, 0, false);
		return NULL;
	}
	c->done = STORE(page);
	c->take = take_tree;
	c->deliver = deliver_tree;
	return c;
}

void hub_want_tree(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
		   hub_tree_page *page, void *ctx)
{
	hub_want_tree_within(h, repo, commit, path, recursive, 0, page, ctx);
}

/* "paths-info" takes a form, or JSON. [huggingface_hub hf_api.py get_paths_info, 2026-08] */
void hub_want_path(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, hub_tree_page *page, void *ctx)
{
	struct call *c = tree_call_new(repo, page, ctx);
	struct buf url = {0}, form = {0};

	if (!c)
		return;
	buf_adds(&form, "expand=false&paths=");
	url_encode(&form, path, false);
	c->post = buf_take(&form);
	add_repo_url(&url, h, repo);
	buf_addf(&url, "/paths-info/%s", commit);
	if (!c->post)
		buf_done(&url);
	call_start(h, c, c->post ? buf_take(&url) : NULL);
}

void hub_want_tree_within(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
			  unsigned pages_max, hub_tree_page *page, void *ctx)
{
	struct call *c = tree_call_new(repo, page, ctx);
	struct buf url = {0};

	if (!c)
		return;
	c->has_pages = true;
	c->pages_max = pages_max;
	add_repo_url(&url, h, repo);
	buf_addf(&url, "/tree/%s%s", commit, *path ? "/" : "");
	url_encode(&url, path, true);
	buf_addf(&url, "?recursive=%s&expand=false", recursive ? "true" : "false");
	call_start(h, c, buf_take(&url));
}

/* --- refs --- */

static int take_refs(struct call *c, const char *text, size_t len, struct err *err)
{
	return parse_refs(text, len, &c->parsed, err);
}

static void deliver_refs(struct call *c, bool more)
{
	(void)more;
	CALLBACK(hub_refs_done, c)(c->ctx, &c->res, c->parsed.refs, c->parsed.nr);
}

void hub_want_refs(struct hub *h, const struct repo_id *repo, hub_refs_done *done, void *ctx)
{
	struct call *c = call_new(repo, NULL, ctx);
	struct buf url = {0};

	if (!c) {
		struct hub_result res;

		set_no_memory(&res);
		done(ctx, &res, NULL, 0);
		return;
	}
	c->done = STORE(done);
	c->take = take_refs;
	c->deliver = deliver_refs;
	add_repo_url(&url, h, repo);
	buf_adds(&url, "/refs?include_prs=1");
	call_start(h, c, buf_take(&url));
}

/* --- who the token stands for --- */

static int take_whoami(struct call *c, const char *text, size_t len, struct err *err)
{
	return parse_whoami(text, len, &c->whoami, err);
}

static void deliver_whoami(struct call *c, bool more)
{
	(void)more;
	c->whoami.date_s = c->date_s;
	CALLBACK(hub_whoami_done, c)(c->ctx, &c->res, &c->whoami);
}

void hub_want_whoami(struct hub *h, hub_whoami_done *done, void *ctx)
{
	const struct repo_id nobody = {0};
	struct call *c = call_new(&nobody, NULL, ctx);

	if (c) {
		free(c->what);
		c->what = strdup(h->endpoint);
	}
	if (!c || !c->what) {
		const struct hub_whoami who = {0};
		struct hub_result res;

		free(c);
		set_no_memory(&res);
		done(ctx, &res, &who);
		return;
	}
	c->is_about_repo = false;
	c->done = STORE(done);
	c->take = take_whoami;
	c->deliver = deliver_whoami;
	call_start(h, c, str_printf("%s/api/whoami-v2", h->endpoint));
}

/* --- repositories of an organisation --- */

static int take_repos(struct call *c, const char *text, size_t len, struct err *err)
{
	return parse_repos(text, len, c->repo.kind, &c->parsed, err);
}

static void deliver_repos(struct call *c, bool more)
{
	CALLBACK(hub_repos_page, c)(c->ctx, &c->res, c->parsed.repos, c->parsed.nr, more);
}

void hub_want_repos(struct hub *h, enum repo_kind kind, const char *author, hub_repos_page *page, void *ctx)
{
	struct repo_id who = {.kind = kind};
	struct call *c;
	struct buf url = {0};

	strncpy(who.name, author, sizeof(who.name) - 1); /* for sentences only */
	c = call_new(&who, NULL, ctx);
	if (!c) {
		struct hub_result res;

		set_no_memory(&res);
		page(ctx, &res, NULL, 0, false);
		return;
	}
	c->is_about_repo = false;
	c->done = STORE(page);
	c->take = take_repos;
	c->deliver = deliver_repos;
	c->has_pages = true;
	buf_addf(&url, "%s/api/%s?author=", h->endpoint, repo_kind_plural(kind));
	url_encode(&url, author, false);
	buf_adds(&url, "&limit=500");
	call_start(h, c, buf_take(&url));
}

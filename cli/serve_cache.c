// SPDX-License-Identifier: Apache-2.0
/*
 * hffs serve without a folder, or behind one: what the cache knows, as a source of repositories. The catalog answers offline, from stored documents
 * alone; of contents only whole, proven data files are sent. A listing that is not stored makes its commit unknown; a file that is not
 * complete is listed, since a commit has it, but cannot be had.
 *
 * What was private or gated when it was last seen is not there unless told otherwise: who is asked here has no token to judge by.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/serve.h>

#include "cli_int.h"
#include "cmd_serve.h"
#include "data_file_int.h"
#include "serve_cache_int.h"
#include "wait_int.h"

struct shop {
	const struct config *config;
	struct fetch *fetch;
	bool with_private;
};

/* What is not stored is not here, whatever the reason. */
static int judge(const struct shop *s, int r, const struct revision *rev)
{
	if (r < 0)
		return r == -ENOMEM || r == -ECANCELED ? r : -ENOENT;
	return (rev->is_private || rev->is_gated) && !s->with_private ? -ENOENT : 0;
}

static int find_revision(const struct shop *s, const struct repo_id *repo, const char *name, struct revision *rev)
{
	int r = judge(s, wait_revision(fetch_catalog(s->fetch), repo, name, rev, NULL), rev);

	return r == 0 && strcmp(rev->repo.name, repo->name) != 0 ? -ENOENT : r; /* a former name; the Hub would send elsewhere */
}

static enum repo_kind kind_of(const char *collection)
{
	for (int k = REPO_DATASET; k < REPO_KINDS; k++)
		if (!strcmp(collection, repo_kind_plural((enum repo_kind)k)))
			return (enum repo_kind)k;
	return REPO_MODEL;
}

static int to_repo(const char *collection, const char *id, struct repo_id *out)
{
	return repo_id_set(out, kind_of(collection), id, strlen(id)) < 0 ? -ENOENT : 0;
}

/* Its default branch is known, or at least a commit that was used. */
static int find_any(const struct shop *s, const struct repo_id *repo)
{
	AUTO_BUF commits = {0};
	struct revision rev;
	char *rest, *commit;
	int r = find_revision(s, repo, NULL, &rev);

	if (r != -ENOENT)
		return r;
	r = wait_used(fetch_catalog(s->fetch), repo->kind, repo->name, &commits, NULL);
	for (rest = r == 0 ? commits.data : NULL; rest && (commit = strsep(&rest, "\n"));)
		if (*commit && find_revision(s, repo, commit, &rev) == 0)
			return 0;
	return -ENOENT;
}

static int find(void *ctx, const char *collection, const char *id)
{
	struct repo_id repo;
	int r = to_repo(collection, id, &repo);

	return r < 0 ? r : find_any(ctx, &repo);
}

static int list_org(const struct shop *s, const char *collection, const char *org, int (*each)(void *each_ctx, const char *id), void *each_ctx)
{
	AUTO_BUF names = {0};
	char *rest, *name;
	int r = wait_used(fetch_catalog(s->fetch), kind_of(collection), org, &names, NULL);

	for (rest = r == 0 ? names.data : NULL; r == 0 && rest && (name = strsep(&rest, "\n"));) {
		AUTO_FREE char *id = str_printf("%s/%s", org, name);
		struct repo_id repo;

		if (!id)
			return -ENOMEM;
		if (*name && to_repo(collection, id, &repo) == 0 && find_any(s, &repo) == 0)
			r = each(each_ctx, id);
	}
	return r;
}

static int list(void *ctx, const char *collection, const char *author, int (*each)(void *each_ctx, const char *id), void *each_ctx,
		struct err *err)
{
	const struct shop *s = ctx;
	AUTO_BUF orgs = {0};
	char *rest, *org;
	int r;

	if (author)
		return list_org(s, collection, author, each, each_ctx);
	r = wait_used(fetch_catalog(s->fetch), kind_of(collection), NULL, &orgs, err);
	for (rest = r == 0 ? orgs.data : NULL; r == 0 && rest && (org = strsep(&rest, "\n"));)
		if (*org)
			r = list_org(s, collection, org, each, each_ctx);
	return r;
}

/* "main", "refs/heads/main", "HEAD" are one; so are a tag and its full name. */
static const char *plain_name(const char *rev)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/tags/"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(rev, prefixes[i], strlen(prefixes[i])))
			return rev + strlen(prefixes[i]);
	return strcmp(rev, "HEAD") ? rev : "main";
}

static int resolve(void *ctx, const char *collection, const char *id, const char *name, char commit[COMMIT_MAX], int64_t *date_s, struct err *err)
{
	struct revision rev;
	struct repo_id repo;
	int r = to_repo(collection, id, &repo);

	(void)err; /* "there is no such revision" says it */
	if (r == 0)
		r = find_revision(ctx, &repo, plain_name(name), &rev);
	if (r < 0)
		return r;
	memcpy(commit, rev.commit, COMMIT_MAX);
	*date_s = rev.mtime_s;
	return 0;
}

struct ref_list {
	int (*each)(void *each_ctx, const char *name, const char *commit, bool is_tag);
	void *each_ctx;
	int r;
	bool any;
};

static void on_ref(void *ctx, const struct known_ref *ref)
{
	struct ref_list *l = ctx;

	l->any = true;
	if (l->r == 0)
		l->r = l->each(l->each_ctx, ref->name, ref->commit, ref->is_tag);
}

static int refs(void *ctx, const char *collection, const char *id,
		int (*each)(void *each_ctx, const char *name, const char *commit, bool is_tag), void *each_ctx, struct err *err)
{
	const struct shop *s = ctx;
	struct ref_list l = {.each = each, .each_ctx = each_ctx};
	struct revision rev;
	struct repo_id repo;
	int r = to_repo(collection, id, &repo);

	(void)err; /* as above */
	if (r == 0)
		r = find_any(s, &repo);
	if (r < 0)
		return r;
	r = wait_refs(fetch_catalog(s->fetch), &repo, on_ref, &l, NULL);
	if (r == 0 && l.any)
		return l.r;
	return find_revision(s, &repo, NULL, &rev) == 0 ? each(each_ctx, "main", rev.commit, false) : 0; /* all that is known */
}

static int files(void *ctx, const char *collection, const char *id, const char *commit,
		 int (*each)(void *each_ctx, const char *path, uint64_t size, const struct blob_id *id), void *each_ctx, struct err *err)
{
	const struct shop *s = ctx;
	AUTO(tree_unref) struct tree *tree = NULL;
	struct repo_id repo;
	int r = to_repo(collection, id, &repo);

	(void)err; /* as above */
	if (r == 0)
		r = wait_tree(fetch_catalog(s->fetch), &repo, commit, &tree, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : -ENOENT;
	for (uint32_t i = 1; r == 0 && i < tree_nr(tree); i++) {
		const struct tree_entry *e = tree_entry(tree, i);
		AUTO_BUF path = {0};

		if (e->type != ENTRY_FILE || !e->id.algo)
			continue;
		tree_path(tree, e, &path);
		r = path.failed ? -ENOMEM : each(each_ctx, path.data, e->size, &e->id);
	}
	return r;
}

static int open_content(void *ctx, const struct blob_id *id, uint64_t size)
{
	const struct shop *s = ctx;

	return data_file_open_proven(s->config->cache, id, size);
}

static int say_cache_trouble(int r, const struct err *err)
{
	fprintf(stderr, "hffs serve: %s%s\n", err->text[0] ? err->text : strerror(-r),
		r == -EBUSY ? "; what it has is served when its mount is ended, or from another cache=DIR" : "");
	return EXIT_FAILED;
}

static int serve_it(struct serve_config *c, const struct serve_cache_options *o, int (*serve)(const struct serve_config *c))
{
	AUTO_CONFIG config = {0};
	struct shop shop = {.config = &config, .with_private = o->with_private};
	const struct serve_source source = {&shop, list, find, resolve, refs, files, open_content};
	struct fetch_config fetch;
	struct err err = {0};
	int r = config_load(&o->options, &config, &err), code;

	if (r < 0)
		return say_failed_config("serve", r, &err);
	config_quiet_log(&config);
	config_fetch(&config, &fetch);
	fetch.hub.offline = true;
	fetch.ref_ttl_ms = UINT64_MAX;
	r = fetch_open(&fetch, &shop.fetch, &err);
	if (r < 0)
		return say_cache_trouble(r, &err);
	c->source = &source;
	code = serve(c);
	fetch_close(shop.fetch);
	return code;
}

int cmd_serve(int argc, char **argv)
{
	return cmd_serve_with(argc, argv, NULL, serve_it);
}

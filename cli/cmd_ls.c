// SPDX-License-Identifier: Apache-2.0
/* hffs ls: a directory of a repository, or the repositories of an organisation; through a mount, else in this process. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>
#include <hffs/url.h>

#include "cli_int.h"
#include "listing_int.h"
#include "mounts_int.h"
#include "wait_int.h"

struct ls_args {
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	char *path;         /* inside the repository, "" is its root */
	bool one_part;      /* one name alone: an organisation, or a repository without one */
	bool details, human, recursive;
};

static int help(void)
{
	printf("usage: hffs ls [-l] [-H] [-R] [-o OPTION[,OPTION...]] REPO[@REV][:PATH]\n"
	       "       hffs ls [-o OPTION[,OPTION...]] [datasets/|spaces/]ORG\n\n"
	       "Lists a directory of a repository, or the repositories of an organisation. ORG/NAME/PATH is understood too. Through a mount that\n"
	       "shows the same Hub where there is one, else with the cache of this user.\n\n"
	       "  -l, --long       with sizes\n"
	       "  -H, --human      sizes in kB, MB, GB\n"
	       "  -R, --recursive  all below\n"
	       "  -o OPTION        settings, as for 'hffs mount'\n"
	       "  -h, --help       this page\n");
	return EXIT_OK;
}

/* --- what is meant --- */

/* Where the path begins in what the user wrote: behind ':', or behind the second part of a name without '@'. NULL: no path. */
static char *find_path(char *text)
{
	struct url u;
	char *name, *cut;

	if (url_parse(text, &u) == 0)
		return NULL;
	cut = strchr(text, ':');
	if (cut)
		return cut;
	if (strchr(text, '@'))
		return NULL;
	name = text;
	for (int k = REPO_DATASET; k < REPO_KINDS; k++)
		if (!strncmp(text, repo_kind_prefix((enum repo_kind)k), strlen(repo_kind_prefix((enum repo_kind)k))))
			name = text + strlen(repo_kind_prefix((enum repo_kind)k));
	cut = strchr(name, '/');
	return cut ? strchr(cut + 1, '/') : NULL;
}

static char *take_path(char *text)
{
	char *cut = find_path(text), *path;
	size_t len;

	if (!cut)
		return strdup("");
	*cut = '\0';
	path = cut + 1 + strspn(cut + 1, "/");
	for (len = strlen(path); len && path[len - 1] == '/'; len--)
		path[len - 1] = '\0';
	return strdup(path);
}

static int parse_target(const char *target, struct ls_args *args, struct err *err)
{
	AUTO_FREE char *text = strdup(target);
	int r;

	if (!text || !(args->path = take_path(text)))
		return err_set(err, -ENOMEM, "out of memory");
	r = repo_parse(text, &args->repo, args->rev, err);
	if (r < 0)
		return r;
	if (*args->path && !name_is_safe_path(args->path, strlen(args->path)))
		return err_set(err, -EINVAL, "'%s' is no path inside a repository", args->path);
	args->one_part = !strchr(args->repo.name, '/') && !strpbrk(target, "@:");
	return 0;
}

/* --- what is printed --- */

static void print_entry(const struct listing_entry *e, const struct ls_args *args)
{
	const char *slash = args->recursive ? NULL : strrchr(e->path, '/');
	char shown[4096], size[SAY_BYTES_MAX];

	err_escape(shown, sizeof(shown), slash ? slash + 1 : e->path);
	if (args->details && e->is_dir)
		printf("%14s  ", "-");
	else if (args->details && args->human)
		printf("%14s  ", say_bytes(e->size, size));
	else if (args->details)
		printf("%14" PRIu64 "  ", e->size);
	printf("%s%s\n", shown, e->is_dir ? "/" : "");
}

static void print_listing(const struct listing *l, const struct ls_args *args)
{
	for (size_t i = 0; i < l->nr; i++)
		print_entry(&l->entries[i], args);
}

/* --- in this process --- */

static int list_repo(struct catalog *c, const struct ls_args *args, struct err *err)
{
	AUTO_LISTING listing = {0};
	struct revision rev;
	struct tree *tree;
	int r = wait_revision(c, &args->repo, args->rev, &rev, err);

	if (r == 0)
		r = wait_tree(c, &rev.repo, rev.commit, &tree, err);
	if (r < 0)
		return r;
	r = listing_from_tree(&listing, tree, args->path, args->recursive, err);
	tree_unref(tree);
	if (r == 0)
		print_listing(&listing, args);
	return r;
}

/* A name of one part is first an organisation; one that has nothing is asked for as a repository. */
static int list_with(struct catalog *c, const struct ls_args *args, struct err *err)
{
	AUTO_BUF names = {0};
	int r = 0;

	if (args->one_part)
		r = wait_names(c, args->repo.kind, args->repo.name, &names, err);
	if (r == 0 && names.len) {
		fputs(names.data, stdout);
		return 0;
	}
	if (r == 0 || r == -ENOENT)
		r = list_repo(c, args, err);
	return r;
}

static int list_here(const struct config *config, const struct ls_args *args, struct err *err)
{
	struct fetch_config fc;
	struct fetch *f;
	int r;

	config_quiet_log(config);
	config_fetch(config, &fc);
	r = fetch_open(&fc, &f, err);
	if (r < 0)
		return r;
	r = list_with(fetch_catalog(f), args, err);
	fetch_close(f);
	return r;
}

/* --- through a mount --- */

static int list_names_of_dir(const char *dir, struct err *err)
{
	static const struct ls_args names_only = {0};
	AUTO_LISTING listing = {0};
	int r = listing_from_dir(&listing, dir, "", false, err);

	for (size_t i = 0; r == 0 && i < listing.nr; i++) {
		listing.entries[i].is_dir = false;
		print_entry(&listing.entries[i], &names_only);
	}
	return r;
}

static int list_dir(const char *dir, const struct ls_args *args, struct err *err)
{
	AUTO_LISTING listing = {0};
	int r = listing_from_dir(&listing, dir, args->path, args->recursive, err);

	if (r == 0)
		print_listing(&listing, args);
	return r;
}

/* In the tree a repository without organisation is a link, and an organisation a directory. */
static char *find_org_dir(const struct config *config, const struct ls_args *args)
{
	AUTO_FREE char *below = str_printf("%s%s", repo_kind_prefix(args->repo.kind), args->repo.name);
	AUTO_FREE char *dir = below ? mounts_find_below(config, below) : NULL;
	char link[2];

	return dir && readlink(dir, link, sizeof(link)) < 0 ? TAKE(dir) : NULL;
}

static int list(const struct config *config, const struct ls_args *args, struct err *err)
{
	AUTO_FREE char *org_dir = args->one_part ? find_org_dir(config, args) : NULL;
	AUTO_FREE char *dir = org_dir ? NULL : mounts_find_repo(config, &args->repo, args->rev);

	if (org_dir)
		return list_names_of_dir(org_dir, err);
	return dir ? list_dir(dir, args, err) : list_here(config, args, err);
}

static int ls(const struct options *options, struct ls_args *args, const char *target)
{
	AUTO_CONFIG config = {0};
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r == 0)
		r = parse_target(target, args, &err);
	if (r < 0)
		return say_failed_config("ls", r, &err);
	r = list(&config, args, &err);
	if (r < 0)
		return say_failed("ls", r, &err);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int cmd_ls(int argc, char **argv)
{
	static const struct option longs[] = {{"long", no_argument, NULL, 'l'},
					      {"human", no_argument, NULL, 'H'},
					      {"recursive", no_argument, NULL, 'R'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct ls_args args = {0};
	struct options options = {0};
	int c, code;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hHlo:R", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.details |= c == 'l';
		args.human |= c == 'H';
		args.recursive |= c == 'R';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("ls", "there are too many -o");
		if (c == '?')
			return say_usage("ls", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc - optind != 1)
		return say_usage("ls", argc > optind ? "one REPO at a time" : "REPO is missing");
	code = ls(&options, &args, argv[optind]);
	free(args.path);
	return code;
}

// SPDX-License-Identifier: Apache-2.0
/* hffs refs: what revisions a repository has, and the commits they stand for; through a mount, else in this process. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "mounts_int.h"
#include "ref_table_int.h"

struct refs_args {
	struct repo_id repo;
	bool with_pulls, as_json;
};

static int help(void)
{
	printf("usage: hffs refs [-p] [--json] [-o OPTION[,OPTION...]] REPO\n\n"
	       "Branches, tags and converts of a repository: the commit that each stands for, what it is, 'cached' where the commit's listing is in\n"
	       "the cache, and its name. Through a mount that shows the same Hub where there is one, else with the cache of this user.\n\n"
	       "  -p, --pull-requests  pull requests, too\n"
	       "      --json           one JSON object\n"
	       "  -o OPTION            settings, as for 'hffs mount'\n"
	       "  -h, --help           this page\n");
	return EXIT_OK;
}

/* --- what is printed --- */

static const char *const sort_names[] = {[REF_SORT_BRANCH] = "branch",
					 [REF_SORT_TAG] = "tag",
					 [REF_SORT_UNKNOWN] = "unknown",
					 [REF_SORT_CONVERT] = "convert",
					 [REF_SORT_PULL] = "pull_request"};

static void print_text(const struct ref_table *t)
{
	for (size_t i = 0; i < t->nr; i++) {
		const struct ref_row *row = &t->rows[i];
		const char *sort = row->sort == REF_SORT_PULL ? "pr" : row->sort == REF_SORT_UNKNOWN ? "-" : sort_names[row->sort];
		char shown[4 * REPO_REV_MAX];

		err_escape(shown, sizeof(shown), row->name);
		printf("%s  %-7s  %-6s  %s\n", row->commit, sort, row->is_cached ? "cached" : "-", shown);
	}
}

static int print_json(const struct ref_table *t)
{
	AUTO_BUF out = {0};

	buf_adds(&out, "{\"repo\":");
	buf_add_json(&out, t->repo);
	buf_addf(&out, ",\"complete\":%s,\"refs\":[", t->is_partial ? "false" : "true");
	for (size_t i = 0; i < t->nr; i++) {
		const struct ref_row *row = &t->rows[i];

		buf_addf(&out, "%s{\"name\":", i ? "," : "");
		buf_add_json(&out, row->name);
		buf_addf(&out, ",\"kind\":\"%s\",\"commit\":\"%s\",\"cached\":%s}", sort_names[row->sort], row->commit,
			 row->is_cached ? "true" : "false");
	}
	buf_adds(&out, "]}");
	if (out.failed)
		return -ENOMEM;
	puts(out.data);
	return 0;
}

static int print_table(const struct ref_table *t, bool as_json)
{
	if (t->is_partial)
		fprintf(stderr, "hffs refs: %s; these are the revisions that were used here\n", err_text(&t->why));
	if (as_json)
		return print_json(t);
	print_text(t);
	return 0;
}

/* --- where it comes from --- */

static int load_here(struct ref_table *t, const struct config *config, const struct refs_args *args, struct err *err)
{
	struct fetch_config fc;
	struct fetch *f;
	int r;

	config_quiet_log(config);
	config_fetch(config, &fc);
	r = fetch_open(&fc, &f, err);
	if (r < 0)
		return r;
	r = ref_table_from_catalog(t, fetch_catalog(f), &args->repo, config->lock != NULL, err);
	fetch_close(f);
	return r;
}

static int parse_target(const char *target, struct refs_args *args, struct err *err)
{
	char rev[REPO_REV_MAX];

	if (!strstr(target, "://") && strchr(target, '@'))
		return err_set(err, -EINVAL, "'%s': all revisions of a repository are listed; none is named", target);
	return repo_parse(target, &args->repo, rev, err);
}

static int refs(const struct options *options, struct refs_args *args, const char *target)
{
	AUTO_REF_TABLE table = {.with_pulls = args->with_pulls};
	AUTO_CONFIG config = {0};
	AUTO_FREE char *top = NULL;
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r == 0)
		r = parse_target(target, args, &err);
	if (r < 0)
		return say_failed_config("refs", r, &err);
	top = mounts_find_below(&config, "");
	r = top ? ref_table_from_mount(&table, top, &args->repo, &err) : load_here(&table, &config, args, &err);
	if (r == 0)
		r = print_table(&table, args->as_json);
	if (r < 0)
		return say_failed("refs", r, &err);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

int cmd_refs(int argc, char **argv)
{
	static const struct option longs[] = {{"pull-requests", no_argument, NULL, 'p'},
					      {"json", no_argument, NULL, 'j'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct refs_args args = {0};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hpo:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.with_pulls |= c == 'p';
		args.as_json |= c == 'j';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("refs", "there are too many -o");
		if (c == '?')
			return say_usage("refs", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc - optind != 1)
		return say_usage("refs", argc > optind ? "one REPO at a time" : "REPO is missing");
	return refs(&options, &args, argv[optind]);
}

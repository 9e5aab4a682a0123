// SPDX-License-Identifier: Apache-2.0
/* hffs inspect: what a repository is, what it needs and what to beware of, before anything large is fetched. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "inspect_int.h"
#include "mounts_int.h"

#define REPOS_MAX 2
#define EXIT_PARTLY 3 /* some of it could not be looked at, and was named */

struct inspect {
	struct config config;
	struct fetch *fetch; /* of this process; NULL until it is needed, as the next */
	struct hub *hub;     /* beside a mount */
	unsigned nr;
	struct look looks[REPOS_MAX];
	struct verdict verdicts[REPOS_MAX];
	struct err errors[REPOS_MAX]; /* of those that could not be looked at: code is not 0 */
};

static int help(void)
{
	printf("usage: hffs inspect [--json] [-o OPTION[,OPTION...]] REPO[@REV] [REPO[@REV]]\n\n"
	       "Tells what a repository is before it is downloaded: kind, licence, gate, base model, what its card says, files, parameters, memory,\n"
	       "what can load it, and what to beware of; of two repositories side by side. That takes less than 10 requests each, and at most 64 KiB\n"
	       "beside the card and the headers of the weights. Through a mount that shows the same Hub where there is one, else with the cache of\n"
	       "this user.\n\n"
	       "  --json      one JSON object; of two repositories an array\n"
	       "  -o OPTION   settings, as for 'hffs mount'\n"
	       "  -h, --help  this page\n\n"
	       "Exit status: 0 all was seen; 1 a repository could not be looked at; 2 wrong usage; 3 some of it could not be looked at, and is named.\n");
	return EXIT_OK;
}

/* --- one repository --- */

static int open_own(struct inspect *in, const struct look *l, struct source **out, struct err *err)
{
	struct fetch_config fc;
	int r = 0;

	config_fetch(&in->config, &fc);
	fc.listing_pages = LOOK_LISTING_PAGES;
	if (!in->fetch)
		r = fetch_open(&fc, &in->fetch, err);
	return r < 0 ? r : source_open_own(in->fetch, &l->repo, l->rev, out, err);
}

static int open_mounted(struct inspect *in, const char *dir, struct source **out, struct err *err)
{
	struct fetch_config fc;
	int r = 0;

	config_fetch(&in->config, &fc);
	if (!in->hub)
		r = hub_open(&fc.hub, &in->hub, err);
	return r < 0 ? r : source_open_mount(dir, in->hub, out, err);
}

static int open_source(struct inspect *in, const struct look *l, struct source **out, struct err *err)
{
	AUTO_FREE char *dir = mounts_find_repo(&in->config, &l->repo, l->rev);

	config_quiet_log(&in->config);
	return dir ? open_mounted(in, dir, out, err) : open_own(in, l, out, err);
}

static void look_at(struct inspect *in, unsigned i)
{
	AUTO(source_close) struct source *s = NULL;
	struct err *err = &in->errors[i];
	int r = open_source(in, &in->looks[i], &s, err);

	if (r == 0)
		r = look_gather(&in->looks[i], s, err);
	err->code = r;
	if (r == 0)
		verdict_make(&in->looks[i], in->config.endpoint, &in->verdicts[i]);
}

/* --- what is printed --- */

static void print_text(const struct inspect *in)
{
	const struct look *looks[REPOS_MAX];
	const struct verdict *verdicts[REPOS_MAX];
	unsigned nr = 0;

	for (unsigned i = 0; i < in->nr; i++)
		if (in->errors[i].code == 0) {
			looks[nr] = &in->looks[i];
			verdicts[nr++] = &in->verdicts[i];
		}
	if (nr)
		look_print(looks, verdicts, nr);
}

static void add_failure(const struct look *l, const struct err *err, struct buf *out)
{
	buf_addf(out, "{\"repository\":\"%s%s\",\"revision\":", repo_kind_prefix(l->repo.kind), l->repo.name);
	buf_add_json(out, l->rev);
	buf_adds(out, ",\"error\":");
	buf_add_json(out, err_text(err));
	buf_addc(out, '}');
}

static int print_json(const struct inspect *in)
{
	AUTO_BUF out = {0};

	buf_adds(&out, in->nr > 1 ? "[" : "");
	for (unsigned i = 0; i < in->nr; i++) {
		buf_adds(&out, i ? "," : "");
		if (in->errors[i].code)
			add_failure(&in->looks[i], &in->errors[i], &out);
		else
			look_add_json(&in->looks[i], &in->verdicts[i], &out);
	}
	buf_adds(&out, in->nr > 1 ? "]\n" : "\n");
	if (out.failed)
		return -ENOMEM;
	fputs(out.data, stdout);
	return 0;
}

static int show(const struct inspect *in, bool json)
{
	int code = EXIT_OK;

	if (!json)
		print_text(in);
	else if (print_json(in) < 0)
		return EXIT_FAILED;
	if (fflush(stdout))
		return EXIT_FAILED;
	for (unsigned i = 0; i < in->nr; i++) {
		if (in->errors[i].code)
			code = say_failed("inspect", in->errors[i].code, &in->errors[i]);
		else if (in->looks[i].is_partly && code == EXIT_OK)
			code = EXIT_PARTLY;
	}
	return code;
}

/* --- all of it --- */

static int inspect(const struct options *options, char **repos, unsigned nr, bool json)
{
	struct inspect *in = calloc(1, sizeof(*in));
	struct err err = {0};
	int r = in ? config_load(options, &in->config, &err) : -ENOMEM, code;

	for (unsigned i = 0; r == 0 && i < nr; i++)
		r = repo_parse(repos[i], &in->looks[i].repo, in->looks[i].rev, &err);
	if (r == 0) {
		in->nr = nr;
		for (unsigned i = 0; i < nr; i++)
			look_at(in, i);
		code = show(in, json);
	} else {
		code = say_failed_config("inspect", r, &err);
	}
	for (unsigned i = 0; in && i < nr; i++)
		look_done(&in->looks[i]);
	if (in) {
		fetch_close(in->fetch);
		if (in->hub)
			hub_close(in->hub);
		config_done(&in->config);
	}
	free(in);
	return code;
}

int cmd_inspect(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct options options = {0};
	bool json = false;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		json |= c == 'j';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("inspect", "there are too many -o");
		if (c == '?')
			return say_usage("inspect", "'%s' is not understood", argv[optind - 1]);
	}
	if (optind == argc)
		return say_usage("inspect", "REPO is missing");
	if (argc - optind > REPOS_MAX)
		return say_usage("inspect", "at most two REPOs at a time");
	return inspect(&options, argv + optind, (unsigned)(argc - optind), json);
}

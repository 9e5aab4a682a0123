// SPDX-License-Identifier: Apache-2.0
/* hffs pin and hffs unpin: what is kept in the cache; and hffs pin --lock, which writes it down for others. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/url.h>

#include "cli_int.h"
#include "keep_int.h"
#include "lock_int.h"

struct pin_args {
	struct lock_wish wish; /* repo_text NULL: nothing is named */
	const char *lock;
	bool quiet;
};

static int help_pin(void)
{
	printf("usage: hffs pin [-q] [-o OPTION[,OPTION...]] [REPO[@REV] [GLOB...]]\n"
	       "       hffs pin [-q] [-o OPTION[,OPTION...]] --lock FILE REPO[@REV] [GLOB...]\n\n"
	       "Keeps the files of a repository in the cache, or those that match a GLOB ('*' also matches '/'): what the revision stands for now\n"
	       "is never evicted, whether it is here or comes later. Nothing is fetched: 'hffs pull' does that. Alone it lists what is pinned.\n"
	       "With --lock nothing is pinned, but commit, paths, sizes and digests are written into FILE, beside what else is in it.\n\n"
	       "  -l, --lock FILE  write or change a lock file, for 'hffs mount -o lock=FILE' and 'hffs verify FILE'\n"
	       "  -q, --quiet      only what fails\n"
	       "  -o OPTION        settings, as for 'hffs mount'\n"
	       "  -h, --help       this page\n");
	return EXIT_OK;
}

static int help_unpin(void)
{
	printf("usage: hffs unpin [-q] [-o OPTION[,OPTION...]] REPO[@REV] [GLOB...]\n\n"
	       "Takes pins away: that of REPO, REV and exactly these GLOBs; without GLOB all of REPO and REV; without REV all of REPO. What was\n"
	       "pinned stays in the cache until its room is needed.\n\n"
	       "  -q, --quiet  only what fails\n"
	       "  -o OPTION    settings, as for 'hffs mount'\n"
	       "  -h, --help   this page\n");
	return EXIT_OK;
}

/* --- requests --- */

static void format_request(struct buf *out, const char *word, const struct lock_wish *w, bool with_rev)
{
	AUTO_FREE char *name = str_printf("%s%s", repo_kind_prefix(w->repo.kind), w->repo.name);

	buf_addf(out, "{\"do\":\"%s\"", word);
	keep_add_text(out, "repo", name ? name : "");
	if (with_rev)
		keep_add_text(out, "revision", w->rev);
	buf_adds(out, ",\"globs\":[");
	for (size_t i = 0; i < w->nr_patterns; i++) {
		buf_adds(out, i ? "," : "");
		buf_add_json(out, w->patterns[i]);
	}
	buf_adds(out, "]}");
}

static uint64_t number(const struct json *j, const char *key)
{
	uint64_t value = 0;

	return json_get_u64(j, key, &value) == 0 ? value : 0;
}

/* More is pinned than the cache may hold: that is no failure, but it will not be what was wished for. */
static void warn_of_limit(const struct json *answer)
{
	uint64_t pinned = number(answer, "bytes_pinned"), most = number(answer, "size_max");
	char a[SAY_BYTES_MAX], b[SAY_BYTES_MAX];

	if (pinned > most)
		fprintf(stderr, "hffs pin: %s are pinned, but the cache may hold %s: not all of it will stay; see cache_size\n",
			say_bytes(pinned, a), say_bytes(most, b));
}

/* --- pin --- */

static int pin(struct keep *k, const struct pin_args *args, struct err *err)
{
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	char bytes[SAY_BYTES_MAX];
	const char *commit;
	uint64_t files;
	int r;

	format_request(&request, "pin", &args->wish, true);
	r = keep_ask(k, &request, &answer, err);
	if (r < 0)
		return r;
	commit = json_get_string(answer, "commit");
	files = number(answer, "files");
	if (!args->quiet)
		printf("%" PRIu64 " %s of %.12s, %s: pinned\n", files, files == 1 ? "file" : "files", commit ? commit : "?",
		       say_bytes(number(answer, "bytes"), bytes));
	warn_of_limit(answer);
	return 0;
}

static void print_pin(const struct json *p)
{
	const char *repo = json_get_string(p, "repository"), *rev = json_get_string(p, "revision"), *commit = json_get_string(p, "commit");
	char bytes[SAY_BYTES_MAX], cached[SAY_BYTES_MAX], shown[1024];

	if (!repo || !rev || !commit) {
		printf("a pin that cannot be read: 'hffs unpin' its repository, and pin it again\n");
		return;
	}
	err_escape(shown, sizeof(shown), rev);
	printf("%s@%s", repo, shown);
	for (const struct json *g = json_first(json_get(p, "globs")); g; g = json_next(g)) {
		err_escape(shown, sizeof(shown), json_string(g) ? json_string(g) : "");
		printf(" '%s'", shown);
	}
	printf("  %.12s  %s, %s here\n", commit, say_bytes(number(p, "bytes"), bytes), say_bytes(number(p, "bytes_cached"), cached));
}

static int list_pins(struct keep *k, struct err *err)
{
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	int r;

	buf_adds(&request, "{\"do\":\"pins\"}");
	r = keep_ask(k, &request, &answer, err);
	if (r < 0)
		return r;
	for (const struct json *p = json_first(json_get(answer, "pins")); p; p = json_next(p))
		print_pin(p);
	warn_of_limit(answer);
	return 0;
}

static int write_lock(const struct config *c, const struct pin_args *args, struct err *err)
{
	struct lock_entry e = {0};
	char bytes[SAY_BYTES_MAX];
	uint64_t sum = 0;
	size_t nr;
	int r = lock_make(c, &args->wish, &e, err);

	for (size_t i = 0; r == 0 && i < e.nr; i++)
		sum += e.files[i].size;
	nr = e.nr;
	if (r == 0)
		r = lock_write(args->lock, &e, err);
	if (r == 0 && !args->quiet)
		printf("%zu %s of %.12s, %s: locked in %s\n", nr, nr == 1 ? "file" : "files", e.commit, say_bytes(sum, bytes), args->lock);
	lock_entry_done(&e);
	return r;
}

static int pin_or_list(const struct config *c, const struct pin_args *args, struct err *err)
{
	AUTO(keep_close) struct keep *k = NULL;
	int r;

	if (args->lock)
		return write_lock(c, args, err);
	r = keep_open(c, &k, err);
	if (r < 0)
		return r;
	return args->wish.repo_text ? pin(k, args, err) : list_pins(k, err);
}

/* --- unpin --- */

static int unpin(const struct config *c, const struct pin_args *args, struct err *err)
{
	AUTO(keep_close) struct keep *k = NULL;
	AUTO(json_free) struct json *answer = NULL;
	const char *text = args->wish.repo_text;
	struct url u;
	bool with_rev = args->wish.nr_patterns || strchr(text, '@') || url_parse(text, &u) == 0;
	AUTO_BUF request = {0};
	int r = keep_open(c, &k, err);

	if (r < 0)
		return r;
	format_request(&request, "unpin", &args->wish, with_rev);
	r = keep_ask(k, &request, &answer, err);
	if (r < 0)
		return r;
	if (number(answer, "unpinned") == 0)
		return err_set(err, -ENOENT, "%s is not pinned%s; 'hffs pin' lists what is", text,
			       args->wish.nr_patterns ? " with just these patterns" : "");
	if (!args->quiet)
		printf("%" PRIu64 " %s taken away\n", number(answer, "unpinned"), number(answer, "unpinned") == 1 ? "pin" : "pins");
	return 0;
}

/* --- both --- */

static int run(const char *verb, const struct options *options, struct pin_args *args,
	       int (*act)(const struct config *c, const struct pin_args *args, struct err *err))
{
	AUTO_CONFIG config = {0};
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config(verb, r, &err);
	if (args->wish.repo_text && repo_parse(args->wish.repo_text, &args->wish.repo, args->wish.rev, &err) < 0)
		return say_usage(verb, "%s", err_text(&err));
	r = act(&config, args, &err);
	if (r < 0)
		return say_failed(verb, r, &err);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

static void take_names(struct pin_args *args, int argc, char **argv)
{
	if (optind == argc)
		return;
	args->wish.repo_text = argv[optind];
	args->wish.patterns = argv + optind + 1;
	args->wish.nr_patterns = (size_t)(argc - optind - 1);
}

int cmd_pin(int argc, char **argv)
{
	static const struct option longs[] = {
		{"lock", required_argument, NULL, 'l'}, {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct pin_args args = {0};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hl:o:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help_pin();
		args.quiet |= c == 'q';
		if (c == 'l')
			args.lock = optarg;
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("pin", "there are too many -o");
		if (c == '?')
			return say_usage("pin", "'%s' is not understood", argv[optind - 1]);
	}
	take_names(&args, argc, argv);
	if (args.lock && !args.wish.repo_text)
		return say_usage("pin", "--lock needs a REPO to lock");
	return run("pin", &options, &args, pin_or_list);
}

int cmd_unpin(int argc, char **argv)
{
	static const struct option longs[] = {{"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct pin_args args = {0};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help_unpin();
		args.quiet |= c == 'q';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("unpin", "there are too many -o");
		if (c == '?')
			return say_usage("unpin", "'%s' is not understood", argv[optind - 1]);
	}
	take_names(&args, argc, argv);
	if (!args.wish.repo_text)
		return say_usage("unpin", "REPO is missing");
	return run("unpin", &options, &args, unpin);
}

// SPDX-License-Identifier: Apache-2.0
/* hffs gc: the limits of the cache applied now, and what nobody knows any more removed. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "keep_int.h"

struct gc_args {
	bool dry, quiet;
};

static int help(void)
{
	printf("usage: hffs gc [-nq] [-o OPTION[,OPTION...]]\n\n"
	       "Clears the cache up: what is beyond its limits is evicted now, the least recently used first and nothing that is pinned; what is on disk\n"
	       "and not in the index is removed. With -o cache_size=SIZE that is the limit, for this once.\n\n"
	       "  -n, --dry-run  only say what would go\n"
	       "  -q, --quiet    only what fails\n"
	       "  -o OPTION      settings, as for 'hffs mount'\n"
	       "  -h, --help     this page\n");
	return EXIT_OK;
}

static uint64_t number(const struct json *j, const char *key)
{
	uint64_t value = 0;

	return json_get_u64(j, key, &value) == 0 ? value : 0;
}

static void print_answer(const struct json *answer, const struct gc_args *args, bool is_daemon)
{
	char a[SAY_BYTES_MAX], b[SAY_BYTES_MAX];
	uint64_t files = number(answer, "orphan_files");

	printf(args->dry ? "%s would be evicted, %s are cached\n" : "%s evicted, %s are cached\n", say_bytes(number(answer, "evicted"), a),
	       say_bytes(number(answer, "bytes_cached"), b));
	if (is_daemon)
		printf("a daemon has the cache: files that nobody knows were looked for when it started\n");
	else
		printf("%" PRIu64 " %s that nobody knows, %s%s\n", files, files == 1 ? "file" : "files",
		       say_bytes(number(answer, "orphan_bytes"), a), args->dry ? "" : ": removed");
	if (json_get_bool(answer, "over", false))
		printf("that is still more than the limit: the rest is pinned, or in use\n");
}

static int gc(const struct config *c, const struct gc_args *args, struct err *err)
{
	AUTO(keep_close) struct keep *k = NULL;
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	int r = keep_open(c, &k, err);

	if (r < 0)
		return r;
	keep_set_scrub(k, args->dry ? SCRUB_DRY : SCRUB_THOROUGH);
	buf_addf(&request, "{\"do\":\"gc\",\"dry_run\":%s", args->dry ? "true" : "false");
	if (c->cache_size)
		buf_addf(&request, ",\"cache_size\":%" PRIu64, c->cache_size);
	buf_addc(&request, '}');
	r = keep_ask(k, &request, &answer, err);
	if (r == 0 && !args->quiet)
		print_answer(answer, args, keep_is_daemon(k));
	return r;
}

int cmd_gc(int argc, char **argv)
{
	static const struct option longs[] = {
		{"dry-run", no_argument, NULL, 'n'}, {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
	AUTO_CONFIG config = {0};
	struct gc_args args = {0};
	struct options options = {0};
	struct err err = {0};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hno:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.dry |= c == 'n';
		args.quiet |= c == 'q';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("gc", "there are too many -o");
		if (c == '?')
			return say_usage("gc", "'%s' is not understood", argv[optind - 1]);
	}
	if (optind < argc)
		return say_usage("gc", "'%s' is too much: it clears up the whole cache", argv[optind]);
	r = config_load(&options, &config, &err);
	if (r < 0)
		return say_failed_config("gc", r, &err);
	r = gc(&config, &args, &err);
	if (r < 0)
		return say_failed("gc", r, &err);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

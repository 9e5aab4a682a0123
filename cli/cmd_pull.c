// SPDX-License-Identifier: Apache-2.0
/* hffs pull: which files, by which way, and what to say of it. What came is kept, so the same command goes on where it ended. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cli_int.h"
#include "mounts_int.h"
#include "pull_int.h"
#include "wait_int.h"

#define JOBS_DEFAULT 4
#define JOBS_MAX 64

struct pull_args {
	const char *repo_text;
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	char *const *patterns;
	size_t nr_patterns;
	unsigned jobs;
	bool quiet;
};

/* Set by the handler: the one thing that a signal may do. */
static volatile sig_atomic_t interrupted;

static void on_signal(int nr)
{
	(void)nr;
	interrupted = 1;
}

static bool is_interrupted(void)
{
	return interrupted;
}

/* From here on a signal ends the transfer in good order; before, it just ends the program. */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int help(void)
{
	printf("usage: hffs pull [-q] [-j N] [-o OPTION[,OPTION...]] REPO[@REV] [GLOB...]\n\n"
	       "Makes the files of a repository complete, or those that match a GLOB ('*' also matches '/'). Through a mount that shows the same\n"
	       "Hub where there is one, else into the cache of this user. What came is kept: the same command goes on where it was interrupted.\n\n"
	       "  -j, --jobs N  files at once, 1 to 64 (4)\n"
	       "  -q, --quiet   only what fails\n"
	       "  -o OPTION     settings, as for 'hffs mount'\n"
	       "  -h, --help    this page\n");
	return EXIT_OK;
}

static void print_summary(const struct listing *files, const struct pull_args *args, const struct progress *p)
{
	char bytes[SAY_BYTES_MAX];

	if (!args->quiet)
		printf("%zu %s, %s: complete\n", p->files_done, files->nr == 1 ? "file" : "files", say_bytes(listing_bytes(files), bytes));
}

/* The files wanted, of what the repository has. */
static int choose_files(struct listing *files, const struct pull_args *args, struct err *err)
{
	size_t had = files->nr;

	listing_keep_files(files, args->patterns, args->nr_patterns);
	if (files->nr == 0)
		return err_set(err, -ENOENT, had ? "no file of %s matches" : "%s has no files", args->repo_text);
	return 0;
}

/* A mount tells as its size what its cache could hold now. */
static bool exceeds_mount(const struct listing *files, const char *dir)
{
	struct statvfs st;

	return statvfs(dir, &st) == 0 && listing_bytes(files) > (uint64_t)st.f_blocks * st.f_frsize;
}

/* The files are chosen; from here on progress is shown, and a signal ends the pull cleanly. */
static int begin(struct listing *files, const struct pull_args *args, struct progress *progress, struct err *err)
{
	int r = choose_files(files, args, err);

	if (r < 0)
		return r;
	progress_init(progress, listing_bytes(files), files->nr, args->quiet);
	catch_signals();
	return 0;
}

static int pull_through_mount(const struct pull_args *args, const char *dir, struct err *err)
{
	AUTO_LISTING files = {0};
	AUTO_FREE char *commit_dir = realpath(dir, NULL); /* a branch may move meanwhile */
	AUTO_FD int hold = -1; /* a mount that belongs to another program stays while somebody is in it */
	struct progress progress;
	struct pull_plan plan = {.files = &files, .jobs = args->jobs, .progress = &progress, .is_interrupted = is_interrupted};
	int r;

	if (!commit_dir)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	hold = open(commit_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (hold < 0)
		return err_set(err, -errno, "%s: %s", dir, strerror(errno));
	r = listing_from_dir(&files, commit_dir, "", true, err);
	if (r == 0)
		r = begin(&files, args, &progress, err);
	if (r < 0)
		return r;
	r = pull_by_reading(&plan, commit_dir, err);
	progress_end(&progress);
	if (r == -EINTR) {
		fprintf(stderr, "hffs pull: interrupted; what came is kept\n");
		_exit(EXIT_INTERRUPTED); /* threads still read */
	}
	if (r == 0 && exceeds_mount(&files, commit_dir))
		r = err_set(err, -ENOSPC, PULL_TOO_LARGE);
	if (r == 0)
		print_summary(&files, args, &progress);
	return r;
}

static int pull_with(struct fetch *f, const struct pull_args *args, struct err *err)
{
	AUTO_LISTING files = {0};
	struct progress progress;
	struct pull_plan plan = {.files = &files, .jobs = args->jobs, .progress = &progress, .is_interrupted = is_interrupted};
	struct revision rev;
	struct tree *tree = NULL;
	int r;

	r = wait_revision(fetch_catalog(f), &args->repo, args->rev, &rev, err);
	if (r == 0)
		r = wait_tree(fetch_catalog(f), &rev.repo, rev.commit, &tree, err);
	if (r < 0)
		return r;
	r = listing_from_tree(&files, tree, "", true, err);
	tree_unref(tree);
	if (r == 0)
		r = begin(&files, args, &progress, err);
	if (r < 0)
		return r;
	r = pull_by_blobs(&plan, f, &rev, err);
	progress_end(&progress);
	if (r == 0)
		print_summary(&files, args, &progress);
	return r;
}

static int pull_here(const struct config *c, const struct pull_args *args, struct err *err)
{
	struct fetch_config config;
	struct fetch *f;
	int r;

	config_quiet_log(c);
	config_fetch(c, &config);
	r = fetch_open(&config, &f, err);
	if (r < 0)
		return r;
	r = pull_with(f, args, err);
	fetch_close(f);
	return r;
}

static int pull(const struct options *options, struct pull_args *args)
{
	AUTO_CONFIG config = {0};
	AUTO_FREE char *dir = NULL;
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("pull", r, &err);
	if (repo_parse(args->repo_text, &args->repo, args->rev, &err) < 0)
		return say_usage("pull", "%s", err_text(&err));
	dir = mounts_find_repo(&config, &args->repo, args->rev);
	r = dir ? pull_through_mount(args, dir, &err) : pull_here(&config, args, &err);
	if (r == 0)
		return EXIT_OK;
	if (interrupted) {
		fprintf(stderr, "hffs pull: interrupted; what came is kept\n");
		return EXIT_INTERRUPTED;
	}
	return say_failed("pull", r, &err);
}

static int parse_jobs(const char *text, unsigned *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value < 1 || value > JOBS_MAX)
		return -EINVAL;
	*out = (unsigned)value;
	return 0;
}

int cmd_pull(int argc, char **argv)
{
	static const struct option longs[] = {
		{"jobs", required_argument, NULL, 'j'}, {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct pull_args args = {.jobs = JOBS_DEFAULT};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hj:o:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		if (c == 'q')
			args.quiet = true;
		else if (c == 'j' && parse_jobs(optarg, &args.jobs) < 0)
			return say_usage("pull", "'%s' is no number of jobs: 1 to %d", optarg, JOBS_MAX);
		else if (c == 'o' && !options_add(&options, optarg))
			return say_usage("pull", "there are too many -o");
		else if (c == '?')
			return say_usage("pull", "'%s' is not understood", argv[optind - 1]);
	}
	if (optind == argc)
		return say_usage("pull", "REPO is missing");
	args.repo_text = argv[optind];
	args.patterns = argv + optind + 1;
	args.nr_patterns = (size_t)(argc - optind - 1);
	return pull(&options, &args);
}

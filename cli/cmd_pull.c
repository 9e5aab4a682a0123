// SPDX-License-Identifier: Apache-2.0
/* hffs pull: which files, by which way, and what to say of it. What came is kept, so the same command goes on where it ended. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include <hffs/clock.h>

#include "cli_int.h"
#include "mounts_int.h"
#include "pull_int.h"
#include "pull_list_int.h"
#include "wait_int.h"

#define JOBS_DEFAULT 4
#define JOBS_MAX 64
#define FOLLOW_PAUSE_US 100000
#define FOLLOW_FIRST_MS 2000 /* in which a daemon takes the cache that it asked for */
#define FOLLOW_MS 30000      /* until its mount answers */

struct pull_args {
	const char *repo_text;
	struct repo_id repo;
	char rev[REPO_REV_MAX];
	char *const *patterns;
	size_t nr_patterns;
	unsigned jobs;
	bool quiet, named; /* named: the summary says which repository it is about */
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
	printf("usage: hffs pull [-q] [-j N] [-o OPTION[,OPTION...]] REPO[@REV] [GLOB...]\n"
	       "       hffs pull [-q] [-j N] [-o OPTION[,OPTION...]] --from-file LIST\n\n"
	       "Makes the files of a repository complete, or those that match a GLOB ('*' also matches '/'). Through a mount that shows the same\n"
	       "Hub where there is one, else into the cache of this user. What came is kept: the same command goes on where it was interrupted.\n\n"
	       "A LIST has REPO[@REV] [GLOB...] in each line, quotes as in a shell, and comments behind #. All lines are tried; what failed is said with\n"
	       "its line, and then the exit status is 1.\n\n"
	       "  -f, --from-file LIST  pull what a file lists; '-' is standard input\n"
	       "  -j, --jobs N          files at once, 1 to 64 (4)\n"
	       "  -q, --quiet           only what fails\n"
	       "  -o OPTION             settings, as for 'hffs mount'\n"
	       "  -h, --help            this page\n");
	return EXIT_OK;
}

static void print_summary(const struct listing *files, const struct pull_args *args, const struct progress *p)
{
	char bytes[SAY_BYTES_MAX];

	if (args->quiet)
		return;
	if (args->named)
		printf("%s: ", args->repo_text);
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

/* What pulls of this process share: one cache, one pause when the Hub asks for it. Opened when it is first needed. */
struct own {
	struct fetch *fetch;
	struct handover *handover;
};

static int pull_with(const struct own *own, const struct pull_args *args, struct err *err)
{
	AUTO_LISTING files = {0};
	struct fetch *f = own->fetch;
	struct progress progress;
	struct pull_plan plan = {
		.files = &files, .jobs = args->jobs, .progress = &progress, .is_interrupted = is_interrupted, .handover = own->handover};
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

static int own_open(struct own *own, const struct config *c, struct err *err)
{
	struct fetch_config config;
	int r;

	if (own->fetch)
		return 0;
	config_quiet_log(c);
	config_fetch(c, &config);
	r = fetch_open(&config, &own->fetch, err);
	if (r == 0)
		own->handover = handover_open(c, own->fetch);
	return r;
}

static void own_close(struct own *own)
{
	handover_close(TAKE(own->handover));
	fetch_close(TAKE(own->fetch));
}

/* A daemon has asked for the cache: waits for its mount (*dir), or until the cache is ours again because there will be none. */
static int follow(const struct config *c, const struct pull_args *args, struct own *own, char **dir, struct err *err)
{
	uint64_t begin, waited;
	int r = 0;

	own_close(own);
	begin = clock_mono_ms();
	if (!args->quiet)
		fprintf(stderr, "hffs pull: a mount takes over the cache; the rest goes through it\n");
	do {
		usleep(FOLLOW_PAUSE_US);
		*dir = mounts_find_repo(c, &args->repo, args->rev);
		waited = clock_mono_ms() - begin;
		if (!*dir && waited >= FOLLOW_FIRST_MS)
			r = own_open(own, c, err);
	} while (!*dir && !own->fetch && (r == 0 || r == -EBUSY) && waited < FOLLOW_MS && !interrupted);
	return *dir ? 0 : r;
}

/* A mount is looked for each time: it may show this repository alone. */
static int pull_one(const struct config *c, struct pull_args *args, struct own *own, struct err *err)
{
	AUTO_FREE char *dir = own->fetch ? NULL : mounts_find_repo(c, &args->repo, args->rev);
	int r = 0;

	while (!dir) {
		r = own_open(own, c, err);
		if (r == 0)
			r = pull_with(own, args, err);
		if (r == 0 || interrupted || !handover_is_wanted(own->handover))
			return r;
		r = follow(c, args, own, &dir, err);
		if (interrupted)
			return -EINTR;
		if (r < 0)
			return r;
	}
	return pull_through_mount(args, dir, err);
}

int pull_repo(const struct config *c, const char *repo_text, char *const *patterns, size_t nr_patterns, bool quiet, struct err *err)
{
	struct pull_args args = {
		.repo_text = repo_text, .patterns = patterns, .nr_patterns = nr_patterns, .jobs = JOBS_DEFAULT, .quiet = quiet};
	struct own own = {0};
	int r = repo_parse(repo_text, &args.repo, args.rev, err);

	if (r == 0)
		r = pull_one(c, &args, &own, err);
	own_close(&own);
	return r < 0 && interrupted ? -EINTR : r;
}

static int say_interrupted(void)
{
	fprintf(stderr, "hffs pull: interrupted; what came is kept\n");
	return EXIT_INTERRUPTED;
}

static int pull(const struct options *options, struct pull_args *args)
{
	AUTO_CONFIG config = {0};
	struct own own = {0};
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("pull", r, &err);
	if (repo_parse(args->repo_text, &args->repo, args->rev, &err) < 0)
		return say_usage("pull", "%s", err_text(&err));
	r = pull_one(&config, args, &own, &err);
	own_close(&own);
	if (r < 0)
		return interrupted ? say_interrupted() : say_failed("pull", r, &err);
	return fflush(stdout) ? EXIT_FAILED : EXIT_OK;
}

/* --- a list --- */

/* No line behind it could succeed. */
static bool ends_the_list(int r)
{
	return r == -ENOSPC || r == -ENOMEM || r == -ENOTCONN || r == -EBUSY;
}

static int pull_line(const struct config *c, const struct pull_args *all, const struct pull_line *line, struct own *own, struct err *err)
{
	struct pull_args args = *all;

	args.repo_text = line->words[0];
	args.patterns = line->words + 1;
	args.nr_patterns = line->nr_words - 1;
	args.named = true;
	if (repo_parse(args.repo_text, &args.repo, args.rev, err) < 0)
		return -EINVAL;
	return pull_one(c, &args, own, err);
}

/* How many lines failed, each said with its number. */
static size_t pull_lines(const struct config *c, const struct pull_args *all, const char *path, const struct pull_list *list)
{
	struct own own = {0};
	size_t failed = 0;

	for (size_t i = 0; i < list->nr && !interrupted; i++) {
		struct err err = {0};
		int r = pull_line(c, all, &list->lines[i], &own, &err);

		if (r == 0 || interrupted)
			continue;
		failed++;
		fflush(stdout);
		fprintf(stderr, "hffs pull: %s line %u: %s\n", path, list->lines[i].nr, err.text[0] ? err.text : strerror(-r));
		if (ends_the_list(r) && i + 1 < list->nr) {
			fprintf(stderr, "hffs pull: %zu lines behind it were not tried\n", list->nr - i - 1);
			break;
		}
	}
	own_close(&own);
	return failed;
}

static int pull_from_file(const struct options *options, const struct pull_args *args, const char *path)
{
	AUTO_CONFIG config = {0};
	AUTO_PULL_LIST list = {0};
	struct err err = {0};
	size_t failed;
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("pull", r, &err);
	r = pull_list_load(path, &list, &err);
	if (r < 0)
		return say_failed("pull", r, &err);
	failed = pull_lines(&config, args, path, &list);
	if (interrupted)
		return say_interrupted();
	return failed || fflush(stdout) ? EXIT_FAILED : EXIT_OK;
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
	static const struct option longs[] = {{"from-file", required_argument, NULL, 'f'},
					      {"jobs", required_argument, NULL, 'j'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	const char *list = NULL;
	struct pull_args args = {.jobs = JOBS_DEFAULT};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "f:hj:o:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		if (c == 'f')
			list = optarg;
		else if (c == 'q')
			args.quiet = true;
		else if (c == 'j' && parse_jobs(optarg, &args.jobs) < 0)
			return say_usage("pull", "'%s' is no number of jobs: 1 to %d", optarg, JOBS_MAX);
		else if (c == 'o' && !options_add(&options, optarg))
			return say_usage("pull", "there are too many -o");
		else if (c == '?')
			return say_usage("pull", "'%s' is not understood", argv[optind - 1]);
	}
	if (list)
		return optind < argc ? say_usage("pull", "with --from-file the list names what to pull, not '%s'", argv[optind])
				     : pull_from_file(&options, &args, list);
	if (optind == argc)
		return say_usage("pull", "REPO is missing");
	args.repo_text = argv[optind];
	args.patterns = argv + optind + 1;
	args.nr_patterns = (size_t)(argc - optind - 1);
	return pull(&options, &args);
}

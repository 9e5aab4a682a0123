// SPDX-License-Identifier: Apache-2.0
/* hffs cache: contents to and from the cache of the official client, without fetching what is here. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli_int.h"
#include "data_file_int.h"
#include "hub_cache_int.h"
#include "keep_int.h"
#include "lock_int.h"
#include "mounts_int.h"
#include "pull_int.h"

struct cache_args {
	const char *lock;
	bool quiet;
};

static int help(void)
{
	printf("usage: hffs cache import [-q] [-l FILE] [-o OPTION[,OPTION...]] [DIR]\n"
	       "       hffs cache export [-q] [-o OPTION[,OPTION...]] REPO[@REV] [GLOB...] DIR\n\n"
	       "import takes the contents of a cache of the official client (HF_HUB_CACHE if there is no DIR) into this one, without fetching. Each is\n"
	       "proven by its name first; what is something else is skipped and said. Listings are asked of the Hub when somebody looks; with --lock\n"
	       "what the snapshots show is written into a lock file, for 'hffs mount -o lock=FILE,offline'.\n"
	       "export makes the files of a repository complete, as 'hffs pull' does, and puts them into DIR in that layout, for the official client with\n"
	       "HF_HUB_CACHE=DIR. Where the file system can, they share their bytes with the cache.\n\n"
	       "  -l, --lock FILE  import: write a lock file, too\n"
	       "  -q, --quiet      only what fails\n"
	       "  -o OPTION        settings, as for 'hffs mount'\n"
	       "  -h, --help       this page\n");
	return EXIT_OK;
}

/* --- import --- */

struct import {
	struct keep *keep;
	size_t imported, here, wrong, strangers, copies;
	uint64_t bytes;
	struct blob_id *bad; /* those that are not what their names say, or could not be taken in */
	struct lockfile lock;
	struct err *err;
};

static int note_bad(struct import *im, const struct blob_id *id)
{
	struct blob_id *more = reallocarray(im->bad, im->wrong + 1, sizeof(*more));

	if (!more)
		return err_set(im->err, -ENOMEM, "out of memory");
	im->bad = more;
	more[im->wrong++] = *id;
	return 0;
}

static bool is_bad(const struct import *im, const struct blob_id *id)
{
	for (size_t i = 0; i < im->wrong; i++)
		if (blob_id_equal(&im->bad[i], id))
			return true;
	return false;
}

static void say_skipped(const char *path, const char *why)
{
	char shown[4096];

	fflush(stdout);
	err_escape(shown, sizeof(shown), path);
	fprintf(stderr, "hffs cache: %s is skipped: %s\n", shown, why);
}

/* No other content could be taken in after this. */
static bool ends_import(int r)
{
	return r == -ENOSPC || r == -ENOMEM || r == -ENOTCONN || r == -ECANCELED || r == -EBUSY;
}

static int import_blob(void *ctx, const char *path, const struct blob_id *id)
{
	struct import *im = ctx;
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	char digest[LOCK_DIGEST_MAX];
	struct err err = {0};
	struct stat st;
	int r;

	if (keep_stopped)
		return -ECANCELED;
	buf_adds(&request, "{\"do\":\"import\"");
	keep_add_text(&request, "path", path);
	keep_add_text(&request, "digest", lock_digest_format(id, digest));
	buf_addc(&request, '}');
	r = keep_ask(im->keep, &request, &answer, &err);
	if (r < 0 && ends_import(r))
		return err_set(im->err, r, "%s: %s", path, err_text(&err));
	if (r < 0) {
		say_skipped(path, err_text(&err));
		return note_bad(im, id);
	}
	*(json_get_bool(answer, "here", false) ? &im->here : &im->imported) += 1;
	im->bytes += stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
	return 0;
}

static int import_repo(struct import *im, const char *dir, const char *name)
{
	AUTO_FREE char *repo_dir = str_printf("%s/%s", dir, name);
	struct repo_id repo;
	struct err err = {0};
	int r;

	if (!repo_dir)
		return err_set(im->err, -ENOMEM, "out of memory");
	if (hub_cache_parse_name(name, &repo) < 0)
		return 0;
	r = hub_cache_each_blob(repo_dir, import_blob, im, &im->strangers, &err);
	if (r == 0)
		r = hub_cache_add_entries(repo_dir, &repo, &im->lock, &im->copies, &err);
	if (r == 0 || ends_import(r))
		return r;
	say_skipped(repo_dir, err.text[0] ? err.text : strerror(-r)); /* the other repositories are not to suffer from this one */
	return note_bad(im, &(struct blob_id){0});
}

static int import_dir(struct import *im, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return err_set(im->err, -errno, "cannot read the cache %s: %s", dir, strerror(errno));
	while (r == 0 && (errno = 0, e = readdir(d)))
		r = import_repo(im, dir, e->d_name);
	if (r == 0 && errno)
		r = err_set(im->err, -errno, "cannot read the cache %s: %s", dir, strerror(errno));
	(void)closedir(d); /* read only */
	return r;
}

/* What was taken in, beside what the file has of other repositories. */
static int write_lock(const struct import *im, const char *path, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < im->lock.nr; i++) {
		const struct lock_entry *e = &im->lock.entries[i];
		struct lock_entry good = {.repo = e->repo};

		memcpy(good.rev, e->rev, sizeof(good.rev));
		memcpy(good.commit, e->commit, sizeof(good.commit));
		for (size_t n = 0; r == 0 && n < e->nr; n++)
			if (!is_bad(im, &e->files[n].id))
				r = lock_entry_add(&good, e->files[n].path, e->files[n].size, &e->files[n].id, err);
		if (r == 0)
			r = lock_write(path, &good, err);
		lock_entry_done(&good);
	}
	return r;
}

static void print_import(const struct import *im)
{
	char bytes[SAY_BYTES_MAX];

	printf("%zu %s imported, %zu here before (%s), %zu skipped\n", im->imported, im->imported == 1 ? "file" : "files", im->here,
	       say_bytes(im->bytes, bytes), im->wrong);
	if (im->strangers)
		printf("%zu files are not named by a digest: not imported\n", im->strangers);
	if (im->copies)
		printf("%zu files of snapshots are copies, not links, so that nothing names their digest: not imported\n", im->copies);
}

static int import(const struct config *c, const struct cache_args *args, const char *dir, struct err *err)
{
	AUTO(keep_close) struct keep *k = NULL;
	AUTO_FREE char *real = realpath(dir, NULL);
	struct import im = {.err = err};
	int r;

	if (!real)
		return err_set(err, -errno, "cannot read the cache %s: %s", dir, strerror(errno));
	r = keep_open(c, &k, err);
	if (r < 0)
		return r;
	im.keep = k;
	keep_catch_signals();
	r = import_dir(&im, real);
	if (r == 0 && args->lock)
		r = write_lock(&im, args->lock, err);
	if (!args->quiet && (r == 0 || keep_stopped))
		print_import(&im);
	if (r == 0 && im.wrong)
		r = 1;
	free(im.bad);
	lockfile_done(&im.lock);
	return r;
}

static int run_import(const struct config *c, const struct cache_args *args, int argc, char **argv, struct err *err)
{
	AUTO_FREE char *own = argc ? NULL : config_hub_cache();

	if (!argc && !own)
		return err_set(err, -ENOMEM, "out of memory");
	return import(c, args, argc ? argv[0] : own, err);
}

/* --- export --- */

struct export {
	const struct lock_entry *entry;
	char *repo_dir;   /* to be filled */
	char *cache;      /* whose data files may be shared; NULL: none that this user may read */
	char *commit_dir; /* of a mount; NULL: none */
};

static void export_done(struct export *x)
{
	free(x->repo_dir);
	free(x->cache);
	free(x->commit_dir);
}

static int open_source(const struct export *x, const struct lock_file *f)
{
	AUTO_FREE char *path = NULL;
	int fd = x->cache ? data_file_open_proven(x->cache, &f->id, f->size) : -ENODATA;

	if (fd >= 0 || !x->commit_dir)
		return fd;
	path = str_printf("%s/%s", x->commit_dir, f->path);
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	return fd < 0 ? -errno : fd;
}

static int export_file(const struct export *x, const struct lock_file *f, struct err *err)
{
	AUTO_FD int fd = open_source(x, f);
	int r;

	if (fd < 0)
		return err_set(err, fd, "%s: the cache has no proven file of it%s%s", f->path, fd == -ENODATA ? "" : ": ",
			       fd == -ENODATA ? "" : strerror(-fd));
	r = hub_cache_put_blob(x->repo_dir, &f->id, fd, f->size, err);
	return r < 0 ? r : hub_cache_put_link(x->repo_dir, x->entry->commit, f->path, &f->id, err);
}

/* The ref last: what has one is all there. */
static int export_files(const struct export *x, struct err *err)
{
	const struct lock_entry *e = x->entry;
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->nr; i++)
		r = keep_stopped ? err_set(err, -EINTR, "interrupted; what is there is kept") : export_file(x, &e->files[i], err);
	return r < 0 ? r : hub_cache_put_ref(x->repo_dir, e->rev, e->commit, err);
}

static int find_places(struct export *x, const struct config *c, const struct lock_wish *wish, const char *dir, struct err *err)
{
	AUTO_BUF name = {0};

	buf_adds(&name, dir);
	buf_addc(&name, '/');
	hub_cache_add_name(&name, &x->entry->repo);
	x->repo_dir = buf_take(&name);
	x->commit_dir = mounts_find_repo(c, &x->entry->repo, x->entry->commit);
	if (!x->commit_dir)
		x->commit_dir = mounts_find_repo(c, &wish->repo, wish->rev); /* a mount of this one keeps its commit */
	x->cache = mounts_find_cache(c);
	if (!x->cache && !x->commit_dir)
		x->cache = strdup(c->cache);
	return x->repo_dir ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* By the commit, so that a branch that moves meanwhile changes nothing; a mount of one repository knows it by its revision only. */
static int complete(const struct config *c, const struct lock_entry *e, const struct lock_wish *wish, struct err *err)
{
	AUTO_FREE char *by_commit = mounts_find_repo(c, &e->repo, e->commit);
	AUTO_FREE char *by_rev = by_commit ? NULL : mounts_find_repo(c, &wish->repo, wish->rev);
	AUTO_FREE char *text = str_printf("%s%s@%s", repo_kind_prefix(e->repo.kind), e->repo.name, by_rev ? wish->rev : e->commit);

	return text ? pull_repo(c, text, wish->patterns, wish->nr_patterns, true, err) : err_set(err, -ENOMEM, "out of memory");
}

static int export(const struct config *c, const struct cache_args *args, const struct lock_wish *wish, const char *dir, struct err *err)
{
	__attribute__((cleanup(export_done))) struct export x = {0};
	struct lock_entry e = {0};
	char bytes[SAY_BYTES_MAX];
	uint64_t sum = 0;
	int r = lock_make(c, wish, &e, err);

	if (r == 0)
		r = complete(c, &e, wish, err);
	x.entry = &e;
	if (r == 0)
		r = find_places(&x, c, wish, dir, err);
	keep_catch_signals();
	if (r == 0)
		r = export_files(&x, err);
	for (size_t i = 0; i < e.nr; i++)
		sum += e.files[i].size;
	if (r == 0 && !args->quiet)
		printf("%zu %s of %.12s, %s: exported to %s\n", e.nr, e.nr == 1 ? "file" : "files", e.commit, say_bytes(sum, bytes), x.repo_dir);
	lock_entry_done(&e);
	return r;
}

static int run_export(const struct config *c, const struct cache_args *args, int argc, char **argv, struct err *err)
{
	struct lock_wish wish = {.repo_text = argv[0], .patterns = argv + 1, .nr_patterns = (size_t)argc - 2};
	int r = repo_parse(argv[0], &wish.repo, wish.rev, err);

	return r < 0 ? r : export(c, args, &wish, argv[argc - 1], err);
}

/* --- both --- */

static int run(const struct options *options, const struct cache_args *args, int argc, char **argv)
{
	AUTO_CONFIG config = {0};
	struct err err = {0};
	bool is_import = !strcmp(argv[0], "import");
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("cache", r, &err);
	r = (is_import ? run_import : run_export)(&config, args, argc - 1, argv + 1, &err);
	if (keep_stopped || r == -EINTR) {
		fprintf(stderr, "hffs cache: interrupted; what is there is kept\n");
		return EXIT_INTERRUPTED;
	}
	if (r < 0)
		return say_failed("cache", r, &err);
	return fflush(stdout) || r ? EXIT_FAILED : EXIT_OK;
}

int cmd_cache(int argc, char **argv)
{
	static const struct option longs[] = {
		{"lock", required_argument, NULL, 'l'}, {"quiet", no_argument, NULL, 'q'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct cache_args args = {0};
	struct options options = {0};
	int c, nr;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hl:o:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.quiet |= c == 'q';
		if (c == 'l')
			args.lock = optarg;
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("cache", "there are too many -o");
		if (c == '?')
			return say_usage("cache", "'%s' is not understood", argv[optind - 1]);
	}
	argv += optind;
	nr = argc - optind;
	if (nr == 0)
		return say_usage("cache", "'import' or 'export' is missing");
	if (!strcmp(argv[0], "import"))
		return nr > 2 ? say_usage("cache", "one DIR at a time") : run(&options, &args, nr, argv);
	if (strcmp(argv[0], "export"))
		return say_usage("cache", "'%s' is neither import nor export", argv[0]);
	if (args.lock)
		return say_usage("cache", "--lock is for import: 'hffs pin --lock' writes one of a repository");
	return nr < 3 ? say_usage("cache", nr == 1 ? "REPO is missing" : "DIR is missing") : run(&options, &args, nr, argv);
}

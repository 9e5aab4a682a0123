// SPDX-License-Identifier: Apache-2.0
/* hffs verify: what is cached, read once more from the disk and held against the digests of the Hub or of a lock file. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli_int.h"
#include "keep_int.h"
#include "lock_int.h"
#include "progress_int.h"

/* As those of fsck(8); they add up. */
enum verify_code { VERIFY_DROPPED = 1, VERIFY_LEFT = 4, VERIFY_ERROR = 8, VERIFY_USAGE = 16, VERIFY_INTERRUPTED = 32 };

struct verify_args {
	const char *what; /* NULL: all that is cached */
	char *const *patterns;
	size_t nr_patterns;
	bool look_only, complete, quiet;
};

/* What there is to look at. */
struct item {
	char *name; /* for people */
	struct blob_id id;
	uint64_t size;
};
struct items {
	struct item *all;
	size_t nr, cap;
};

/* What was found. */
struct tally {
	size_t proven, partial, absent, dropped, left, failed;
	uint64_t proven_bytes;
};

static int help(void)
{
	printf("usage: hffs verify [-cnq] [-o OPTION[,OPTION...]] [REPO[@REV] [GLOB...] | LOCKFILE]\n\n"
	       "Reads what is cached from the disk once more and proves it against the Hub's digests: the files of a repository, or those that match\n"
	       "a GLOB; the files of a lock file; alone, all that is cached. What is wrong is dropped from the cache, to be fetched again. Nothing is\n"
	       "fetched here but a listing that is not stored yet.\n\n"
	       "  -c, --complete  what is not here, or only in part, is an error, too\n"
	       "  -n, --no        look only: what is wrong stays\n"
	       "  -q, --quiet     only what is wrong\n"
	       "  -o OPTION       settings, as for 'hffs mount'\n"
	       "  -h, --help      this page\n\n"
	       "Exit status, as of fsck(8), added up: 0 nothing is wrong, 1 what was wrong is dropped, 4 something wrong is left, 8 it could not be\n"
	       "looked at, 16 wrong usage, 32 interrupted.\n");
	return EXIT_OK;
}

/* --- what to look at --- */

static void items_done(struct items *l)
{
	for (size_t i = 0; i < l->nr; i++)
		free(l->all[i].name);
	free(l->all);
}

/* Takes over the name. */
static int add_item(struct items *l, char *name, const struct blob_id *id, uint64_t size, struct err *err)
{
	if (name && l->nr == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;
		struct item *more = reallocarray(l->all, cap, sizeof(*more));

		l->cap = more ? cap : l->cap;
		l->all = more ? more : l->all;
	}
	if (!name || l->nr == l->cap) {
		free(name);
		return err_set(err, -ENOMEM, "out of memory");
	}
	l->all[l->nr++] = (struct item){name, *id, size};
	return 0;
}

static int add_entry(struct items *l, const struct lock_entry *e, struct err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < e->nr; i++)
		if (e->files[i].size)
			r = add_item(l, str_printf("%s%s@%s %s", repo_kind_prefix(e->repo.kind), e->repo.name, e->rev, e->files[i].path),
				     &e->files[i].id, e->files[i].size, err);
	return r;
}

static int add_lock(struct items *l, const char *path, struct err *err)
{
	AUTO_LOCKFILE lock = {0};
	int r = lockfile_load(path, &lock, err);

	for (size_t i = 0; r == 0 && i < lock.nr; i++)
		r = add_entry(l, &lock.entries[i], err);
	return r;
}

static int add_repo(struct items *l, const struct config *c, struct lock_wish *wish, struct err *err)
{
	struct lock_entry e = {0};
	int r = lock_make(c, wish, &e, err);

	if (r == 0)
		r = add_entry(l, &e, err);
	lock_entry_done(&e);
	return r;
}

static int add_some_blobs(struct items *l, const struct json *answer, struct err *err)
{
	int r = 0;

	for (const struct json *b = json_first(json_get(answer, "blobs")); r == 0 && b; b = json_next(b)) {
		const char *digest = json_get_string(b, "digest");
		struct blob_id id;
		uint64_t size;

		if (lock_digest_parse(digest, &id) == 0 && json_get_u64(b, "size", &size) == 0)
			r = add_item(l, strdup(digest), &id, size, err);
	}
	return r;
}

static int add_all(struct items *l, struct keep *k, struct err *err)
{
	uint64_t after = 0;
	int r;

	do {
		AUTO(json_free) struct json *answer = NULL;
		AUTO_BUF request = {0};

		buf_addf(&request, "{\"do\":\"blobs\",\"after\":%" PRIu64 "}", after);
		r = keep_ask(k, &request, &answer, err);
		if (r == 0)
			r = add_some_blobs(l, answer, err);
		after = 0;
		if (r == 0)
			(void)json_get_u64(answer, "after", &after); /* none: that was all */
	} while (r == 0 && after);
	return r;
}

/* A file is a lock file, and so is what is written as a path; all else names a repository. */
static bool is_path(const char *what)
{
	struct stat st;

	return *what == '/' || *what == '.' || *what == '~' || (stat(what, &st) == 0 && S_ISREG(st.st_mode));
}

/* --- looking --- */

static void say_item(const struct item *item, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void say_item(const struct item *item, const char *fmt, ...)
{
	char shown[4096];
	va_list ap;

	err_escape(shown, sizeof(shown), item->name);
	printf("%s: ", shown);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
}

static void judge(const struct item *item, const struct json *answer, const struct verify_args *args, struct tally *t)
{
	const char *verdict = json_get_string(answer, "verdict");
	bool dropped = json_get_bool(answer, "dropped", false);
	uint64_t bytes = 0, bad = 0;

	(void)json_get_u64(answer, "bytes", &bytes); /* 0 where there is none */
	(void)json_get_u64(answer, "bad_bytes", &bad);
	verdict = verdict ? verdict : "";
	if (!strcmp(verdict, "proven")) {
		t->proven++;
		t->proven_bytes += item->size;
		return;
	}
	if (!strcmp(verdict, "absent") || !strcmp(verdict, "partial")) {
		bool is_absent = *verdict == 'a';

		*(is_absent ? &t->absent : &t->partial) += 1;
		if (args->complete)
			say_item(item, is_absent ? "is not here" : "is here only in part: %" PRIu64 " of %" PRIu64 " bytes", bytes, item->size);
		return;
	}
	*(dropped ? &t->dropped : &t->left) += 1;
	if (!strcmp(verdict, "foreign"))
		say_item(item, "is not what its digest says%s", dropped ? ": dropped" : "");
	else
		say_item(item, "%" PRIu64 " bytes have changed on disk%s", bad, dropped ? ": dropped" : "");
}

static int look(struct keep *k, const struct item *item, const struct verify_args *args, struct tally *t)
{
	AUTO(json_free) struct json *answer = NULL;
	AUTO_BUF request = {0};
	char digest[LOCK_DIGEST_MAX];
	struct err err = {0};
	int r;

	buf_addf(&request, "{\"do\":\"audit\",\"digest\":\"%s\",\"size\":%" PRIu64 ",\"fix\":%s}", lock_digest_format(&item->id, digest),
		 item->size, args->look_only ? "false" : "true");
	r = keep_ask(k, &request, &answer, &err);
	if (r == 0) {
		judge(item, answer, args, t);
		return 0;
	}
	if (r == -ECANCELED)
		return r;
	t->failed++;
	say_item(item, "%s", err_text(&err));
	return r == -ENOTCONN ? r : 0; /* a daemon that is gone tells nothing of the others */
}

static void print_tally(const struct tally *t)
{
	char bytes[SAY_BYTES_MAX];

	printf("%zu %s proven (%s), %zu here in part, %zu not here, %zu wrong and dropped, %zu wrong and left", t->proven,
	       t->proven == 1 ? "file" : "files", say_bytes(t->proven_bytes, bytes), t->partial, t->absent, t->dropped, t->left);
	printf(t->failed ? ", %zu not to be looked at\n" : "\n", t->failed);
}

static int code_of(const struct tally *t, const struct verify_args *args)
{
	bool is_lacking = args->complete && (t->absent || t->partial || t->dropped);

	return (t->dropped ? VERIFY_DROPPED : 0) | (t->left || is_lacking ? VERIFY_LEFT : 0) | (t->failed ? VERIFY_ERROR : 0);
}

/* Of contents that several paths have, each is looked at once. */
static int by_id(const void *a, const void *b)
{
	const struct item *x = a, *y = b;
	int r = memcmp(&x->id, &y->id, sizeof(x->id));

	return r ? r : strcmp(x->name, y->name);
}

static void drop_twins(struct items *l)
{
	size_t kept = 0;

	if (!l->nr)
		return;
	qsort(l->all, l->nr, sizeof(l->all[0]), by_id);
	for (size_t i = 1; i < l->nr; i++) {
		if (blob_id_equal(&l->all[i].id, &l->all[kept].id))
			free(l->all[i].name);
		else
			l->all[++kept] = l->all[i];
	}
	l->nr = kept + 1;
}

static int look_at_all(struct keep *k, struct items *l, const struct verify_args *args)
{
	struct tally t = {0};
	struct progress progress;
	uint64_t total = 0, bytes = 0;
	int r = 0;

	drop_twins(l);
	for (size_t i = 0; i < l->nr; i++)
		total += l->all[i].size;
	progress_init(&progress, total, l->nr, args->quiet);
	keep_catch_signals();
	for (size_t i = 0; i < l->nr && r == 0 && !keep_stopped; i++) {
		r = look(k, &l->all[i], args, &t);
		bytes += l->all[i].size;
		progress.files_done++;
		progress_show(&progress, bytes);
	}
	progress_end(&progress);
	if (!args->quiet)
		print_tally(&t);
	if (fflush(stdout))
		return VERIFY_ERROR;
	return code_of(&t, args) | (keep_stopped ? VERIFY_INTERRUPTED : 0);
}

static int verify(const struct config *c, const struct verify_args *args, struct lock_wish *wish, struct err *err)
{
	AUTO(keep_close) struct keep *k = NULL;
	__attribute__((cleanup(items_done))) struct items items = {0};
	int r = 0;

	if (args->what && is_path(args->what))
		r = add_lock(&items, args->what, err);
	else if (args->what)
		r = add_repo(&items, c, wish, err);
	if (r == 0)
		r = keep_open(c, &k, err);
	if (r == 0 && !args->what)
		r = add_all(&items, k, err);
	return r < 0 ? r : look_at_all(k, &items, args);
}

static int start(const struct options *options, const struct verify_args *args)
{
	AUTO_CONFIG config = {0};
	struct lock_wish wish = {.repo_text = args->what, .patterns = args->patterns, .nr_patterns = args->nr_patterns};
	struct err err = {0};
	int r = config_load(options, &config, &err);

	if (r < 0)
		return say_failed_config("verify", r, &err) == EXIT_USAGE ? VERIFY_USAGE : VERIFY_ERROR;
	if (args->what && is_path(args->what) && args->nr_patterns)
		return say_usage("verify", "a lock file takes no GLOB"), VERIFY_USAGE;
	if (args->what && !is_path(args->what) && repo_parse(args->what, &wish.repo, wish.rev, &err) < 0)
		return say_usage("verify", "%s; or a lock file", err_text(&err)), VERIFY_USAGE;
	r = verify(&config, args, &wish, &err);
	return r < 0 ? (say_failed("verify", r, &err), VERIFY_ERROR) : r;
}

int cmd_verify(int argc, char **argv)
{
	static const struct option longs[] = {{"complete", no_argument, NULL, 'c'},
					      {"no", no_argument, NULL, 'n'},
					      {"quiet", no_argument, NULL, 'q'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct verify_args args = {0};
	struct options options = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "chno:q", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.complete |= c == 'c';
		args.look_only |= c == 'n';
		args.quiet |= c == 'q';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("verify", "there are too many -o"), VERIFY_USAGE;
		if (c == '?')
			return say_usage("verify", "'%s' is not understood", argv[optind - 1]), VERIFY_USAGE;
	}
	if (optind < argc) {
		args.what = argv[optind];
		args.patterns = argv + optind + 1;
		args.nr_patterns = (size_t)(argc - optind - 1);
	}
	return start(&options, &args);
}

// SPDX-License-Identifier: Apache-2.0
/* hffs status: what each mount says of itself, for people or as JSON. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "mounts_int.h"

static int help(void)
{
	printf("usage: hffs status [--json] [--watch] [DIR]\n\n"
	       "What is mounted, cached, on its way and how fast, and what last failed; of the mount at DIR, or of all.\n\n"
	       "      --json   one JSON object, {\"mounts\":[...]}\n"
	       "  -w, --watch  again every second, until interrupted\n"
	       "  -h, --help   this page\n");
	return EXIT_OK;
}

static uint64_t get_u64(const struct json *j, const char *key)
{
	uint64_t value = 0;

	return json_get_u64(j, key, &value) == 0 ? value : 0;
}

static void print_json_one(const struct mount_entry *e, struct buf *out)
{
	if (e->r == 0) {
		buf_adds(out, e->status_text);
		return;
	}
	buf_adds(out, "{\"dir\":");
	buf_add_json(out, e->dir);
	buf_adds(out, ",\"source\":");
	buf_add_json(out, e->source);
	buf_adds(out, ",\"error\":");
	buf_add_json(out, mount_entry_trouble(e));
	buf_addc(out, '}');
}

static int print_json(const struct mounts *m, const struct mount_entry *only)
{
	AUTO_BUF out = {0};
	bool first = true;

	buf_adds(&out, "{\"mounts\":[");
	for (size_t i = 0; i < m->nr; i++) {
		if (only && only != &m->entries[i])
			continue;
		if (!first)
			buf_addc(&out, ',');
		first = false;
		print_json_one(&m->entries[i], &out);
	}
	buf_adds(&out, "]}");
	if (out.failed)
		return -ENOMEM;
	puts(out.data);
	return 0;
}

/* Names, endpoints and errors come from elsewhere: none of their bytes may steer the terminal. */
static void print_line(const char *label, const char *text)
{
	char shown[1024];

	err_escape(shown, sizeof(shown), text);
	printf("  %-9s %s\n", label, shown);
}

static void print_cache(const struct json *s)
{
	const struct json *cache = json_get(s, "cache");
	char bytes[SAY_BYTES_MAX], most[SAY_BYTES_MAX], blank[SAY_BYTES_MAX];
	const char *dir = json_get_string(cache, "dir");

	printf("  cached    %s of %s at most, %" PRIu64 " blobs, %" PRIu64 " of them proven; disk has %s free\n",
	       say_bytes(get_u64(s, "bytes_cached"), bytes), say_bytes(get_u64(cache, "size_max"), most), get_u64(cache, "blobs"),
	       get_u64(cache, "blobs_sealed"), say_bytes(get_u64(cache, "disk_free"), blank));
	if (dir)
		print_line("cache", dir);
}

static void print_human_one(const struct mount_entry *e)
{
	const struct json *s = e->status;
	const char *endpoint = json_get_string(s, "endpoint"), *error = json_get_string(s, "last_error");
	char bytes[SAY_BYTES_MAX], rate[SAY_BYTES_MAX], since[SAY_TIME_MAX], shown[1024];
	uint64_t pause_ms = get_u64(s, "pause_ms");

	err_escape(shown, sizeof(shown), e->dir);
	if (e->r < 0) {
		printf("%s: %s\n", shown, mount_entry_trouble(e));
		return;
	}
	printf("%s, process %ld, for %s%s\n", shown, mount_entry_pid(e), say_time(get_u64(s, "uptime_s"), since),
	       json_get_bool(s, "offline", false) ? ", offline" : "");
	print_line("source", e->source);
	print_line("endpoint", endpoint ? endpoint : "");
	print_cache(s);
	printf("  fetched   %s in %" PRIu64 " requests; now %s/s, %" PRIu64 " chunks on their way, %" PRIu64 " readers wait\n",
	       say_bytes(get_u64(s, "bytes_fetched"), bytes), get_u64(s, "requests"), say_bytes(get_u64(s, "bytes_per_s"), rate),
	       get_u64(s, "chunks_in_flight"), get_u64(s, "readers_parked"));
	if (pause_ms)
		printf("  pause     the Hub asked for one: %s left\n", say_time(pause_ms / 1000 + 1, since));
	if (error)
		print_line("error", error);
}

static int print_human(const struct mounts *m, const struct mount_entry *only)
{
	for (size_t i = 0; i < m->nr; i++)
		if (!only || only == &m->entries[i])
			print_human_one(&m->entries[i]);
	if (m->nr == 0)
		puts("no hffs mount");
	return 0;
}

/* One look. dir NULL: all mounts. */
static int show(const char *dir, bool json, struct err *err)
{
	AUTO_FREE char *real = dir ? mount_dir_resolve(dir) : NULL;
	AUTO_MOUNTS mounts = {0};
	struct mount_entry *only = NULL;
	int r = mounts_load(&mounts, err);

	if (r < 0)
		return r;
	if (dir) {
		only = real ? mounts_find(&mounts, real) : NULL;
		if (!only)
			return err_set(err, -EINVAL, "%s is no hffs mount", dir);
		mount_entry_ask(only);
		if (only->r < 0)
			err_set(err, only->r, "%s: %s", dir, mount_entry_trouble(only));
	}
	if (!only)
		mounts_ask(&mounts);
	r = json ? print_json(&mounts, only) : print_human(&mounts, only);
	if (r == 0 && fflush(stdout))
		r = -errno;
	return r < 0 ? err_set(err, r, "cannot print: %s", strerror(-r)) : only ? only->r : 0;
}

static int watch(const char *dir, bool json, struct err *err)
{
	bool terminal = isatty(1) && !json;

	for (;;) {
		int r;

		if (terminal)
			printf("\x1b[H\x1b[J");
		r = show(dir, json, err);
		if (r < 0)
			return r;
		sleep(1);
	}
}

int cmd_status(int argc, char **argv)
{
	static const struct option longs[] = {
		{"json", no_argument, NULL, 'j'}, {"watch", no_argument, NULL, 'w'}, {"help", no_argument, NULL, 'h'}, {0}};
	bool json = false, again = false;
	struct err err = {0};
	const char *dir;
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "wh", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		if (c == 'j')
			json = true;
		else if (c == 'w')
			again = true;
		else
			return say_usage("status", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc - optind > 1)
		return say_usage("status", "one DIR at a time");
	dir = argv[optind];
	r = again ? watch(dir, json, &err) : show(dir, json, &err);
	return r < 0 ? say_failed("status", r, &err) : EXIT_OK;
}

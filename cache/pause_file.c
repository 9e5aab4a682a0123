// SPDX-License-Identifier: Apache-2.0
/*
 * {"v":1,"pauses":[{"host":H,"port":N,"from_ms":MS,"until_ms":MS}, ...]}, times by the wall clock since 1970; docs/CACHE-FORMAT.md.
 *
 * Clocks jump: a pause counts between its two times only, and these are an hour apart at most, so nobody waits for longer than that. Two
 * that write at once may lose one pause, whose host then tells it again.
 */
#include <hffs/pause_file.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/clock.h>
#include <hffs/io.h>
#include <hffs/json.h>

#define VERSION 1
#define FILE_MAX ((size_t)16 << 10)
#define ENTRIES_MAX 16
#define HOST_MAX 256

struct entry {
	char host[HOST_MAX];
	unsigned port;
	uint64_t from_ms, until_ms;
};
struct entries {
	struct entry of[ENTRIES_MAX];
	size_t nr;
};

static uint64_t now_ms(void)
{
	int64_t now = clock_wall_ms();

	return now > 0 ? (uint64_t)now : 0;
}

/* --- reading --- */

static bool is_now(const struct entry *e, uint64_t now)
{
	return e->from_ms <= now && now < e->until_ms && e->until_ms - e->from_ms <= PAUSE_SHARED_MAX_MS;
}

static int take_entry(const struct json *j, struct entry *e)
{
	const char *host = json_get_string(j, "host");
	uint64_t port;

	if (!host || !*host || strlen(host) >= sizeof(e->host))
		return -EBADMSG;
	if (json_get_u64(j, "port", &port) < 0 || port == 0 || port > 65535 || json_get_u64(j, "from_ms", &e->from_ms) < 0 ||
	    json_get_u64(j, "until_ms", &e->until_ms) < 0)
		return -EBADMSG;
	snprintf(e->host, sizeof(e->host), "%s", host);
	e->port = (unsigned)port;
	return 0;
}

/* Those that are not over. */
static int parse(const struct buf *text, struct entries *out)
{
	AUTO(json_free) struct json *j = NULL;
	struct entries found = {0};
	uint64_t version, now = now_ms();

	if (json_parse(text->data ? text->data : "", text->len, FILE_MAX, &j, NULL) < 0 || json_get_u64(j, "v", &version) < 0 ||
	    version != VERSION || !json_is_array(json_get(j, "pauses")))
		return -EBADMSG;
	for (const struct json *k = json_first(json_get(j, "pauses")); k; k = json_next(k)) {
		struct entry e;

		if (found.nr == ENTRIES_MAX || take_entry(k, &e) < 0)
			return -EBADMSG;
		if (is_now(&e, now))
			found.of[found.nr++] = e;
	}
	*out = found;
	return 0;
}

static int open_file(const char *dir, struct stat *st)
{
	AUTO_FREE char *path = str_printf("%s/" PAUSE_FILE_NAME, dir);
	AUTO_FD int fd = path ? open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;

	if (fd < 0 || fstat(fd, st) < 0)
		return path ? -errno : -ENOMEM;
	if (!S_ISREG(st->st_mode) || st->st_uid != geteuid() || (st->st_mode & (S_IWGRP | S_IWOTH)))
		return -EPERM;
	return take_fd(&fd);
}

static int read_entries(int fd, const struct stat *st, struct entries *out)
{
	AUTO_BUF text = {0};
	size_t len = (size_t)st->st_size;
	int r;

	if (st->st_size < 0 || len > FILE_MAX)
		return -EBADMSG;
	if (buf_reserve(&text, len + 1) < 0)
		return -ENOMEM;
	r = io_pread(fd, text.data, len, 0);
	if (r < 0)
		return r == -ENODATA ? -EBADMSG : r;
	text.len = len;
	return parse(&text, out);
}

static bool is_same_file(const struct pause_stamp *s, const struct stat *st)
{
	return s->ino == st->st_ino && s->mtime.tv_sec == st->st_mtim.tv_sec && s->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

int pause_file_load(const char *dir, struct pause_stamp *stamp, pause_each *each, void *ctx)
{
	struct entries found = {0};
	struct stat st;
	AUTO_FD int fd = open_file(dir, &st);
	uint64_t now = now_ms();
	int r;

	if (fd < 0)
		return fd;
	if (is_same_file(stamp, &st))
		return 1;
	r = read_entries(fd, &st, &found);
	*stamp = (struct pause_stamp){st.st_mtim, st.st_ino}; /* a damaged one is looked at once, too */
	for (size_t i = 0; r == 0 && i < found.nr; i++)
		if (found.of[i].until_ms > now)
			each(ctx, found.of[i].host, found.of[i].port, found.of[i].until_ms - now);
	return r;
}

/* --- writing --- */

/* The place of a host; a new one, or that of the pause that ends first. */
static struct entry *find_place(struct entries *all, const char *host, unsigned port)
{
	struct entry *first = &all->of[0];

	for (size_t i = 0; i < all->nr; i++) {
		if (all->of[i].port == port && !strcmp(all->of[i].host, host))
			return &all->of[i];
		first = all->of[i].until_ms < first->until_ms ? &all->of[i] : first;
	}
	if (all->nr < ENTRIES_MAX)
		first = &all->of[all->nr++];
	*first = (struct entry){.port = port};
	snprintf(first->host, sizeof(first->host), "%s", host);
	return first;
}

static void format(const struct entries *all, struct buf *out)
{
	buf_addf(out, "{\"v\":%d,\"pauses\":[", VERSION);
	for (size_t i = 0; i < all->nr; i++) {
		buf_adds(out, i ? ",{\"host\":" : "{\"host\":");
		buf_add_json(out, all->of[i].host);
		buf_addf(out, ",\"port\":%u,\"from_ms\":%" PRIu64 ",\"until_ms\":%" PRIu64 "}", all->of[i].port, all->of[i].from_ms,
			 all->of[i].until_ms);
	}
	buf_adds(out, "]}\n");
}

int pause_file_put(const char *dir, const char *host, unsigned port, uint64_t left_ms)
{
	AUTO_FREE char *path = str_printf("%s/" PAUSE_FILE_NAME, dir);
	AUTO_BUF text = {0};
	struct entries all = {0};
	struct entry *e;
	struct stat st;
	AUTO_FD int fd = open_file(dir, &st);
	uint64_t now = now_ms();

	if (fd >= 0)
		(void)read_entries(fd, &st, &all); /* a damaged one is replaced */
	e = find_place(&all, host, port);
	e->from_ms = now;
	e->until_ms = max_u64(e->until_ms, now + min_u64(left_ms, PAUSE_SHARED_MAX_MS));
	e->until_ms = min_u64(e->until_ms, now + PAUSE_SHARED_MAX_MS);
	format(&all, &text);
	if (!path || text.failed)
		return -ENOMEM;
	return io_replace_file(path, text.data, text.len, 0600);
}

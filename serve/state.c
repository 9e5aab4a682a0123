// SPDX-License-Identifier: Apache-2.0
/*
 * Remembered digests: a text file for each served folder, named by a hash of the folder's path. Its first line is
 * "hffs-serve 1 <path of the folder>", each other one "ino size mtime_ns ctime_ns digest path", paths percent-encoded, the
 * digest of 40 digits (git blob id) or 64 (SHA-256). It is replaced as a whole; losing it costs hashing once more.
 */
#include "state_int.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/url.h>

#define STATE_SIZE_MAX (1u << 30)

struct known {
	const char *path; /* still encoded; in text */
	struct stamp stamp;
	const char *hex; /* in text */
	size_t hex_len;
};

struct state {
	struct buf text;
	struct known *list;
	size_t nr, cap;
	struct map by_path;
};

static char *state_path(const char *state_dir, const char *dir)
{
	return str_printf("%s/%016" PRIx64, state_dir, digest_hash64(dir, strlen(dir), 0));
}

static char *state_header(const char *dir)
{
	AUTO_BUF b = {0};

	buf_adds(&b, "hffs-serve 1 ");
	url_encode(&b, dir, true);
	return buf_take(&b);
}

static bool parse_known(char *line, struct known *k)
{
	int hex_at = -1, hex_end = -1, path_at = -1;

	if (sscanf(line, "%" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64 " %n%*[0-9a-f]%n %n", &k->stamp.ino, &k->stamp.size,
		   &k->stamp.mtime_ns, &k->stamp.ctime_ns, &hex_at, &hex_end, &path_at) != 4 || path_at < 0)
		return false;
	k->hex = line + hex_at;
	k->hex_len = (size_t)(hex_end - hex_at);
	k->path = line + path_at;
	return *k->path && (k->hex_len == 40 || k->hex_len == 64);
}

static void parse_state(struct state *s, const char *dir)
{
	AUTO_FREE char *header = state_header(dir);
	char *save = NULL, *line = s->text.len ? strtok_r(s->text.data, "\n", &save) : NULL;

	if (!header || !line || strcmp(line, header) != 0)
		return;
	while ((line = strtok_r(NULL, "\n", &save))) {
		if (s->nr == s->cap) {
			struct known *more = reallocarray(s->list, s->cap ? s->cap * 2 : 256, sizeof(*more));

			if (!more)
				return;
			s->list = more;
			s->cap = s->cap ? s->cap * 2 : 256;
		}
		if (parse_known(line, &s->list[s->nr]))
			s->nr++;
	}
	for (size_t i = 0; i < s->nr; i++)
		if (map_put(&s->by_path, s->list[i].path, strlen(s->list[i].path), &s->list[i]) < 0)
			return;
}

struct state *state_load(const char *state_dir, const char *dir)
{
	AUTO_FREE char *path = state_dir ? state_path(state_dir, dir) : NULL;
	struct state *s = calloc(1, sizeof(*s));

	if (s && path && io_read_file(path, STATE_SIZE_MAX, &s->text) == 0)
		parse_state(s, dir);
	return s;
}

void state_free(struct state *s)
{
	if (!s)
		return;
	map_done(&s->by_path);
	free(s->list);
	buf_done(&s->text);
	free(s);
}

bool state_find(const struct state *s, struct entry *e)
{
	const struct known *k;
	AUTO_BUF key = {0};

	if (!s || s->nr == 0)
		return false;
	url_encode(&key, e->path, true);
	k = key.failed ? NULL : map_find(&s->by_path, key.data, key.len);
	if (!k || memcmp(&k->stamp, &e->stamp, sizeof(k->stamp)) != 0 || k->hex_len != (e->is_lfs ? 64 : 40))
		return false;
	return hex_parse(k->hex, k->hex_len, e->is_lfs ? e->sha256 : e->oid) == 0;
}

void state_store(const char *state_dir, const char *dir, const struct listing *l)
{
	AUTO_FREE char *path = state_dir ? state_path(state_dir, dir) : NULL, *header = state_header(dir);
	AUTO_BUF b = {0};
	int r;

	if (!path || !header)
		return;
	buf_addf(&b, "%s\n", header);
	for (size_t i = 0; i < l->nr; i++) {
		const struct entry *e = &l->entries[i];
		char hex[65];

		if (e->is_dir || !e->is_settled)
			continue;
		hex_format(e->is_lfs ? e->sha256 : e->oid, e->is_lfs ? 32 : 20, hex);
		buf_addf(&b, "%" PRIu64 " %" PRIu64 " %" PRId64 " %" PRId64 " %s ", e->stamp.ino, e->stamp.size, e->stamp.mtime_ns,
			 e->stamp.ctime_ns, hex);
		url_encode(&b, e->path, true);
		buf_addc(&b, '\n');
	}
	r = b.failed ? -1 : io_make_dirs(state_dir, 0700);
	if (r == 0)
		r = io_replace_file(path, b.data, b.len, 0600);
	if (r < 0)
		log_debug("the digests of %s could not be remembered in %s", dir, path);
}

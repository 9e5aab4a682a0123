// SPDX-License-Identifier: Apache-2.0
/* One repository, whether a plain folder or a git history: its revisions, refs, commits, and the bytes of its files. */
#include "repo_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "folder_int.h"
#include "lfs_int.h"

#define COMMIT_DIGITS_MIN 7 /* of an abbreviated commit */

static int live_listing(struct live *v, const char *rev, struct listing **out, struct err *err)
{
	AUTO(listing_unref) struct listing *newest = NULL;
	size_t len = strlen(rev);
	struct listing *l;
	int r;

	if (!strcmp(rev, "main") || !strcmp(rev, "HEAD") || !strcmp(rev, "refs/heads/main"))
		return live_newest(v, out, err);
	if (len < COMMIT_DIGITS_MIN || len > 40 || strspn(rev, "0123456789abcdef") != len)
		return -ENOENT;
	l = live_find(v, rev);
	if (!l) {
		r = live_newest(v, &newest, err);
		if (r < 0)
			return r;
		l = live_find(v, rev);
	}
	if (!l)
		return -ENOENT;
	*out = l;
	return 0;
}

int repo_listing(struct repo *r, const char *rev, struct listing **out, struct err *err)
{
	if (r->git)
		return git_listing(r->git, rev, out, err);
	if (r->stock)
		return stock_listing(r->stock, rev, out, err);
	return live_listing(r->live, rev, out, err);
}

/* Is the file still the one that was listed? */
static bool is_current(const struct repo *r, const struct entry *e)
{
	AUTO_FD int fd = folder_open(r->dir, e);

	return fd >= 0;
}

int repo_listing_for(struct repo *r, const char *rev, const char *path, struct listing **out, struct err *err)
{
	AUTO(listing_unref) struct listing *l = NULL;
	const struct entry *e;
	int code = repo_listing(r, rev, &l, err);

	if (code < 0)
		return code;
	e = r->live && strncmp(l->commit_hex, rev, strlen(rev)) != 0 ? listing_find(l, path) : NULL;
	if (e && !e->is_dir && !is_current(r, e)) {
		listing_unref(TAKE(l));
		code = live_rescan(r->live, &l, err);
		if (code < 0)
			return code;
	}
	*out = TAKE(l);
	return 0;
}

struct listing *repo_find_content(struct repo *r, const uint8_t sha256[32], const struct entry **e)
{
	struct listing *states[LIVE_STATES_MAX], *found = NULL;
	size_t nr;

	if (r->git)
		return git_find_content(r->git, sha256, e);
	if (r->stock)
		return stock_find_content(r->stock, sha256, e);
	nr = live_all(r->live, states, ARRAY_SIZE(states));
	for (size_t i = 0; i < nr; i++) {
		const struct entry *here = found ? NULL : listing_find_sha256(states[i], sha256);

		if (here) {
			found = states[i];
			*e = here;
		} else {
			listing_unref(states[i]);
		}
	}
	return found;
}

int repo_check_entry(struct repo *r, const struct entry *e)
{
	AUTO_FD int fd = -1;

	if (!r->stock)
		return 0;
	fd = stock_open(r->stock, e);
	return fd < 0 ? fd : 0;
}

int repo_open_entry(struct repo *r, const struct entry *e, int *fd, struct buf *b)
{
	int f;

	if (r->git && !e->is_lfs)
		return git_read_blob(r->git, e->oid, b);
	if (r->stock)
		f = stock_open(r->stock, e);
	else
		f = r->git ? git_open_lfs(r->git, e->sha256, e->size) : live_open(r->live, e);
	if (f < 0)
		return f;
	*fd = f;
	return 0;
}

int repo_open_raw(struct repo *r, const struct entry *e, int *fd, struct buf *b)
{
	char pointer[256];
	size_t len;

	if (r->git)
		return git_read_blob(r->git, e->oid, b);
	if (!e->is_lfs)
		return repo_open_entry(r, e, fd, b);
	len = lfs_format_pointer(e->sha256, e->size, pointer);
	buf_add(b, pointer, len);
	return b->failed ? -ENOMEM : 0;
}

int repo_refs(struct repo *r, struct refs *out, struct err *err)
{
	AUTO(listing_unref) struct listing *l = NULL;
	int e;

	if (r->git)
		return git_refs(r->git, out, err);
	if (r->stock)
		return stock_refs(r->stock, out, err);
	e = live_newest(r->live, &l, err);
	return e < 0 ? e : refs_add(out, REF_BRANCH, "main", "refs/heads/main", l->commit_hex);
}

static int add_state(struct commits *c, const struct listing *l, const char *title)
{
	struct commit *to = &c->list[c->nr++];

	memcpy(to->id, l->commit_hex, sizeof(to->id));
	to->date_s = l->date_s;
	to->author = strdup("hffs");
	to->title = strdup(title);
	to->message = strdup("");
	return to->author && to->title && to->message ? 0 : -ENOMEM;
}

/* Of a source nobody knows what was before, or who wrote it. */
static const char *title_of(const struct repo *r)
{
	return r->stock ? "A commit as it is known here" : "A folder as it is";
}

/* The states of a plain folder from that one on, each the parent of the one before it. */
static int list_states(struct live *v, const struct listing *from, size_t skip, size_t max, struct commits *out)
{
	struct listing *states[LIVE_STATES_MAX];
	size_t nr = live_all(v, states, ARRAY_SIZE(states)), first = 0;
	int r = 0;

	while (first < nr && strcmp(states[first]->commit_hex, from->commit_hex) != 0)
		first++;
	out->list = calloc(nr + 1, sizeof(*out->list));
	if (!out->list)
		r = -ENOMEM;
	for (size_t i = first + skip; r == 0 && i < nr && out->nr < max; i++)
		r = add_state(out, states[i], "A folder as it is");
	for (size_t i = 0; i < nr; i++)
		listing_unref(states[i]);
	return r;
}

static int list_one(const struct repo *r, const struct listing *l, size_t skip, size_t max, struct commits *out)
{
	out->list = calloc(1, sizeof(*out->list));
	if (!out->list)
		return -ENOMEM;
	return skip || !max ? 0 : add_state(out, l, title_of(r));
}

int repo_commits(struct repo *r, const struct listing *l, size_t skip, size_t max, struct commits *out, struct err *err)
{
	struct commits c = {0};
	int e;

	if (r->git)
		return git_commits(r->git, l->commit_hex, skip, max, out, err);
	e = r->stock ? list_one(r, l, skip, max, &c) : list_states(r->live, l, skip, max, &c);
	if (e < 0) {
		commits_done(&c);
		return e;
	}
	*out = c;
	return 0;
}

int repo_last_commits(struct repo *r, const struct listing *l, const struct entry *const *list, size_t nr, struct commits *out,
		      struct err *err)
{
	AUTO_FREE const char **paths = NULL;
	struct commits c = {0};
	int e = 0;

	if (r->git) {
		paths = calloc(nr + 1, sizeof(*paths));
		if (!paths)
			return -ENOMEM;
		for (size_t i = 0; i < nr; i++)
			paths[i] = list[i]->path;
		return git_last_commits(r->git, l->commit_hex, paths, nr, out, err);
	}
	c.list = calloc(nr + 1, sizeof(*c.list));
	if (!c.list)
		return -ENOMEM;
	while (c.nr < nr && e == 0)
		e = add_state(&c, l, title_of(r));
	if (e < 0) {
		commits_done(&c);
		return e;
	}
	*out = c;
	return 0;
}

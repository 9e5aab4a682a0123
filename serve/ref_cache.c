// SPDX-License-Identifier: Apache-2.0
/* The refs of a git repository: read again when they are a second old, and what a revision stands for. */
#include "ref_cache_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/name.h>
#include <hffs/thread.h>
#include <hffs/utf8.h>

#include "child_int.h"

#define REFS_FOR_MS 1000
#define RECORD_MAX 16384    /* one line of git's own output */
#define COMMIT_DIGITS_MIN 7 /* of an abbreviated commit */

void ref_cache_init(struct ref_cache *c, const char *git_dir, struct objects *objects)
{
	*c = (struct ref_cache){.git_dir = git_dir, .objects = objects};
	pthread_mutex_init(&c->lock, NULL);
}

void ref_cache_done(struct ref_cache *c)
{
	refs_done(&c->refs);
	pthread_mutex_destroy(&c->lock);
}

static const struct {
	const char *prefix;
	enum ref_kind kind;
	bool whole; /* its name is the whole ref */
} ref_kinds[] = {
	{"refs/heads/", REF_BRANCH, false},
	{"refs/tags/", REF_TAG, false},
	{"refs/convert/", REF_CONVERT, false},
	{"refs/pr/", REF_PULL, true},
};

/* One line of for-each-ref: id, type, type and id behind an annotated tag, name; by tabs. */
static int parse_ref(struct ref_cache *c, char *line, struct refs *out)
{
	char *field[5], commit[41];
	size_t nr = 0;
	int r;

	for (char *at = line; at && nr < 5; nr++) {
		field[nr] = at;
		at = strchr(at, '\t');
		if (at)
			*at++ = '\0';
	}
	if (nr < 5 || !utf8_is_valid(field[4]))
		return 0;
	if (!strcmp(field[1], "commit") && strlen(field[0]) == 40)
		memcpy(commit, field[0], 41);
	else if (!strcmp(field[2], "commit") && strlen(field[3]) == 40)
		memcpy(commit, field[3], 41);
	else if ((r = objects_find_commit(c->objects, field[0], commit, NULL)) < 0)
		return r == -ENOENT ? 0 : r; /* a tag of something else */
	for (size_t i = 0; i < ARRAY_SIZE(ref_kinds); i++) {
		size_t len = strlen(ref_kinds[i].prefix);

		if (!strncmp(field[4], ref_kinds[i].prefix, len))
			return refs_add(out, ref_kinds[i].kind, ref_kinds[i].whole ? field[4] : field[4] + len, field[4], commit);
	}
	return 0;
}

static const struct ref *find_ref(const struct refs *refs, enum ref_kind kind, const char *name)
{
	for (size_t i = 0; i < refs->nr; i++)
		if (refs->list[i].kind == kind && !strcmp(refs->list[i].name, name))
			return &refs->list[i];
	return NULL;
}

/* The default branch is `main` whatever the repository calls it, as on the Hub. */
static int add_main(struct ref_cache *c, struct refs *refs)
{
	char commit[41];
	int r;

	if (find_ref(refs, REF_BRANCH, "main"))
		return 0;
	r = objects_find_commit(c->objects, "HEAD", commit, NULL);
	if (r == -ENOENT)
		return 0; /* no commit yet */
	return r < 0 ? r : refs_add(refs, REF_BRANCH, "main", "refs/heads/main", commit);
}

static int load_refs(struct ref_cache *c, struct refs *out)
{
	static const char *const args[] = {
		"for-each-ref", "--format=%(objectname)%09%(objecttype)%09%(*objecttype)%09%(*objectname)%09%(refname)", "refs/heads", "refs/tags",
		"refs/convert", "refs/pr", NULL,
	};
	struct child git = CHILD_NONE;
	AUTO_BUF line = {0};
	int r = child_start(c->git_dir, args, false, &git);

	if (r < 0)
		return r;
	while ((r = child_read_until(&git, '\n', RECORD_MAX, &line)) == 0) {
		r = parse_ref(c, line.data, out);
		if (r < 0)
			break;
		buf_clear(&line);
	}
	if (child_end(&git) != 0 || r != -ENODATA)
		return r == -ENODATA ? -EIO : r;
	return add_main(c, out);
}

static int copy_refs(const struct refs *from, struct refs *to)
{
	int r = 0;

	for (size_t i = 0; i < from->nr && r == 0; i++)
		r = refs_add(to, from->list[i].kind, from->list[i].name, from->list[i].full, from->list[i].commit);
	return r;
}

int ref_cache_get(struct ref_cache *c, struct refs *out, struct err *err)
{
	struct refs copy = {0};
	int r = 0;
	LOCK_SCOPE(&c->lock);

	if (clock_mono_ms() >= c->until_ms) {
		struct refs fresh = {0};

		r = load_refs(c, &fresh);
		if (r < 0) {
			refs_done(&fresh);
			return err_set(err, r, "git cannot list the refs of %s", c->git_dir);
		}
		refs_done(&c->refs);
		c->refs = fresh;
		c->until_ms = clock_mono_ms() + REFS_FOR_MS;
	}
	r = copy_refs(&c->refs, &copy);
	if (r < 0) {
		refs_done(&copy);
		return r;
	}
	*out = copy;
	return 0;
}

/* A branch wins over a tag of its name. */
static bool choose_ref(const struct refs *refs, const char *rev, char commit[41])
{
	const struct ref *found = find_ref(refs, REF_BRANCH, rev);

	if (!found)
		found = find_ref(refs, REF_TAG, rev);
	for (size_t i = 0; !found && i < refs->nr; i++)
		if (!strcmp(refs->list[i].full, rev))
			found = &refs->list[i];
	if (found)
		memcpy(commit, found->commit, 41);
	return found != NULL;
}

int ref_cache_resolve(struct ref_cache *c, const char *rev, char commit[41], struct err *err)
{
	size_t len = strlen(rev);
	struct refs refs = {0};
	bool found;
	int r;

	if (name_is_commit(rev, len)) {
		memcpy(commit, rev, 41);
		return 0;
	}
	if (!strcmp(rev, "HEAD"))
		return objects_find_commit(c->objects, "HEAD", commit, NULL);
	r = ref_cache_get(c, &refs, err);
	if (r < 0)
		return r;
	found = choose_ref(&refs, rev, commit);
	refs_done(&refs);
	if (found)
		return 0;
	if (len < COMMIT_DIGITS_MIN || len > 40 || strspn(rev, "0123456789abcdef") != len)
		return -ENOENT;
	return objects_find_commit(c->objects, rev, commit, NULL);
}

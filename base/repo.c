// SPDX-License-Identifier: Apache-2.0
/* Repository names as users and the Hub write them. Pure. */
#include <hffs/repo.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/err.h>
#include <hffs/name.h>
#include <hffs/url.h>

static const struct {
	const char *plural, *prefix;
} kinds[REPO_KINDS] = {{"models", ""}, {"datasets", "datasets/"}, {"spaces", "spaces/"}};

const char *repo_kind_plural(enum repo_kind kind)
{
	return kinds[kind].plural;
}

const char *repo_kind_prefix(enum repo_kind kind)
{
	return kinds[kind].prefix;
}

int repo_id_set(struct repo_id *id, enum repo_kind kind, const char *name, size_t len)
{
	const char *slash = memchr(name, '/', len);
	size_t first = slash ? (size_t)(slash - name) : len;

	if (len >= sizeof(id->name) || !name_is_repo_part(name, first))
		return -EINVAL;
	if (slash && !name_is_repo_part(slash + 1, len - first - 1))
		return -EINVAL;
	id->kind = kind;
	memcpy(id->name, name, len);
	id->name[len] = '\0';
	return 0;
}

/* Skips the origin of a pasted address; gives the text itself where there is none. */
static const char *skip_origin(const char *text, bool *is_url)
{
	struct url u;

	*is_url = url_parse(text, &u) == 0;
	if (!*is_url)
		return text;
	return u.path + (*u.path == '/');
}

/* What follows the name of a pasted address: "tree/<rev>", "blob/<rev>/...", "resolve/<rev>/...", or nothing. */
static int parse_url_rest(const char *rest, char rev[REPO_REV_MAX])
{
	static const char *const markers[] = {"tree/", "blob/", "resolve/", "raw/", "commit/"};

	rest += *rest == '/';
	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		size_t n = strlen(markers[i]);

		if (!strncmp(rest, markers[i], n))
			return url_decode(rest + n, strcspn(rest + n, "/?#"), rev, REPO_REV_MAX) > 0 ? 0 : -EINVAL;
	}
	snprintf(rev, REPO_REV_MAX, "main");
	return 0;
}

/* "%2F" is a slash, as everywhere in names of revisions. rev has room for text. */
static void copy_revision(char rev[REPO_REV_MAX], const char *text)
{
	while (*text) {
		bool is_slash = !strncmp(text, "%2F", 3) || !strncmp(text, "%2f", 3);

		*rev++ = is_slash ? '/' : *text;
		text += is_slash ? 3 : 1;
	}
	*rev = '\0';
}

/* Behind a word such as "datasets/", whose kind is given; text itself if there is none. */
static const char *skip_kind(const char *text, enum repo_kind *kind)
{
	*kind = REPO_MODEL;
	for (int k = REPO_DATASET; k < REPO_KINDS; k++)
		if (!strncmp(text, kinds[k].prefix, strlen(kinds[k].prefix))) {
			*kind = (enum repo_kind)k;
			return text + strlen(kinds[k].prefix);
		}
	return !strncmp(text, "models/", 7) ? text + 7 : text;
}

int repo_parse(const char *text, struct repo_id *id, char rev[REPO_REV_MAX], struct err *err)
{
	enum repo_kind kind, other;
	struct repo_id parsed;
	bool is_url;
	const char *name = skip_kind(skip_origin(text, &is_url), &kind), *end;
	size_t org;

	org = strcspn(name, "/@?#");
	end = name[org] == '/' ? name + org + 1 + strcspn(name + org + 1, "/@?#") : name + org;
	if (skip_kind(name, &other) != name || repo_id_set(&parsed, kind, name, (size_t)(end - name)) < 0)
		return err_set(err, -EINVAL, "'%s' is not a repository: write ORG/NAME, datasets/ORG/NAME or spaces/ORG/NAME, with @REVISION if wanted", text);
	if (is_url) {
		if (parse_url_rest(end, rev) < 0)
			return err_set(err, -EINVAL, "'%s' names no revision that can be read", text);
	} else if (*end == '@' && end[1] && strlen(end + 1) < REPO_REV_MAX) {
		copy_revision(rev, end + 1);
	} else if (*end == '\0') {
		snprintf(rev, REPO_REV_MAX, "main");
	} else {
		return err_set(err, -EINVAL, "'%s' is not a repository: behind ORG/NAME only @REVISION may follow", text);
	}
	*id = parsed;
	return 0;
}

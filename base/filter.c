// SPDX-License-Identifier: Apache-2.0
#include <hffs/filter.h>

#include <errno.h>
#include <fnmatch.h>
#include <string.h>

int patterns_add(struct patterns *p, const char *text)
{
	char **more;
	char *copy;

	if (!*text)
		return -EINVAL;
	more = reallocarray(p->list, p->nr + 1, sizeof(*more));
	if (!more)
		return -ENOMEM;
	p->list = more;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	p->list[p->nr++] = copy;
	return 0;
}

void patterns_done(struct patterns *p)
{
	for (size_t i = 0; i < p->nr; i++)
		free(p->list[i]);
	free(p->list);
	*p = (struct patterns){0};
}

bool pattern_matches(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '/')
		return !strncmp(path, pattern, len);
	return fnmatch(pattern, path, 0) == 0;
}

static bool any_matches(const struct patterns *p, const char *path)
{
	for (size_t i = 0; i < p->nr; i++)
		if (pattern_matches(p->list[i], path))
			return true;
	return false;
}

bool filter_is_empty(const struct filter *f)
{
	return !f->allow.nr && !f->deny.nr;
}

bool filter_hides(const struct filter *f, const char *path)
{
	return (f->allow.nr && !any_matches(&f->allow, path)) || any_matches(&f->deny, path);
}

/* "a/" denies "a", "a/b" and all below. */
bool filter_hides_dir(const struct filter *f, const char *path)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < f->deny.nr; i++) {
		const char *pattern = f->deny.list[i];
		size_t n = strlen(pattern);

		if (pattern[n - 1] == '/' && n - 1 <= len && !strncmp(path, pattern, n - 1) && (path[n - 1] == '/' || !path[n - 1]))
			return true;
	}
	return false;
}

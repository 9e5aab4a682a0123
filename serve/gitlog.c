// SPDX-License-Identifier: Apache-2.0
/* The history of a git repository, from `git log`. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "child_int.h"
#include "git_int.h"

#define FIELD_MAX (1u << 20) /* a longer commit message is an error */

static int commits_add(struct commits *c, const char *id, const char *date, const char *author, const char *title, const char *message)
{
	struct commit *more = reallocarray(c->list, c->nr + 1, sizeof(*more)), *to;
	size_t len;

	if (!more)
		return -ENOMEM;
	c->list = more;
	to = &more[c->nr++];
	*to = (struct commit){
		.date_s = strtoll(date, NULL, 10), .author = strdup(author), .title = strdup(title), .message = strdup(message)};
	snprintf(to->id, sizeof(to->id), "%s", id);
	if (!to->author || !to->title || !to->message)
		return -ENOMEM;
	len = strlen(to->message);
	while (len && to->message[len - 1] == '\n')
		to->message[--len] = '\0';
	return 0;
}

/* Five fields, each ended by a NUL, and a line break. */
static int read_commit(struct child *c, struct commits *out)
{
	struct buf field[5] = {{0}};
	AUTO_BUF end = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(field) && r == 0; i++) {
		r = child_read_until(c, '\0', FIELD_MAX, &field[i]);
		if (r == 0)
			r = buf_reserve(&field[i], 0);
	}
	if (r == 0)
		r = child_read_until(c, '\n', 1, &end);
	if (r == 0)
		r = commits_add(out, field[0].data, field[1].data, field[2].data, field[3].data, field[4].data);
	for (size_t i = 0; i < ARRAY_SIZE(field); i++)
		buf_done(&field[i]);
	return r;
}

int git_commits(struct git *g, const char *commit, size_t skip, size_t max, struct commits *out, struct err *err)
{
	AUTO_FREE char *skip_arg = str_printf("--skip=%zu", skip), *max_arg = str_printf("--max-count=%zu", max);
	const char *args[] = {"log",   "--encoding=UTF-8", "--format=tformat:%H%x00%ct%x00%an%x00%s%x00%b%x00", "--no-color", "--no-decorate",
			      "--no-notes", skip_arg, max_arg, commit, "--", NULL};
	struct commits found = {0};
	struct child c = CHILD_NONE;
	int r = skip_arg && max_arg ? child_start(git_dir(g), args, false, &c) : -ENOMEM;

	if (r < 0)
		return r;
	while ((r = read_commit(&c, &found)) == 0)
		;
	if (child_end(&c) != 0 || r != -ENODATA) {
		commits_done(&found);
		return err_set(err, r == -ENODATA ? -EIO : r, "git cannot tell the history of %s", commit);
	}
	*out = found;
	return 0;
}

/* Paths whose last commit is looked for. */
struct search {
	const char *const *paths;
	size_t nr, missing;
	struct commits found; /* by place in paths */
};

/* Is name the path or below it? */
static bool touches(const char *name, const char *path)
{
	size_t len = strlen(path);

	return !strncmp(name, path, len) && (name[len] == '\0' || name[len] == '/');
}

static int note_name(struct search *s, const char *name, const char *id, const char *date, const char *title)
{
	for (size_t i = 0; i < s->nr; i++) {
		struct commit *c = &s->found.list[i];

		if (c->id[0] || !touches(name, s->paths[i]))
			continue;
		c->title = strdup(title);
		if (!c->title)
			return -ENOMEM;
		c->date_s = strtoll(date, NULL, 10);
		memcpy(c->id, id, 41);
		s->missing--;
	}
	return 0;
}

/*
 * Tokens ended by NUL: "\1" id "\2" date "\2" title for a commit, then the names it changed, the first after a line break. A file
 * called like such a head would be taken for one; it could only spoil its own line.
 */
static int search_log(struct child *c, struct search *s)
{
	char id[41] = "", date[24] = "";
	AUTO_BUF token = {0};
	AUTO_BUF title = {0};
	int r;

	while (s->missing && (r = child_read_until(c, '\0', FIELD_MAX, &token)) == 0) {
		const char *text = token.len ? token.data + (token.data[0] == '\n') : "";
		int at = 0;

		if (sscanf(text, "\1%40[0-9a-f]\2%23[0-9]\2%n", id, date, &at) == 2 && at) {
			buf_clear(&title);
			buf_adds(&title, text + at);
		} else if (*text && id[0]) {
			r = note_name(s, text, id, date, title.len ? title.data : "");
			if (r < 0)
				return r;
		}
		buf_clear(&token);
	}
	return s->missing == 0 || r == -ENODATA ? 0 : r;
}

int git_last_commits(struct git *g, const char *commit, const char *const *paths, size_t nr, struct commits *out, struct err *err)
{
	const char *args[] = {"log", "-z", "--encoding=UTF-8", "--format=%x01%H%x02%ct%x02%s", "--name-only", "--no-renames", "--no-color",
			      "--no-decorate", "--no-notes", "--no-ext-diff", "--no-textconv", commit, "--", NULL};
	struct search s = {.paths = paths, .nr = nr, .missing = nr};
	struct child c = CHILD_NONE;
	int r;

	s.found.list = calloc(nr + 1, sizeof(*s.found.list));
	s.found.nr = nr;
	if (!s.found.list)
		return -ENOMEM;
	r = child_start(git_dir(g), args, false, &c);
	if (r == 0)
		r = search_log(&c, &s);
	(void)child_end(&c); /* usually before its end: all was found */
	if (r < 0) {
		commits_done(&s.found);
		return err_set(err, r, "git cannot tell the history of %s", commit);
	}
	*out = s.found;
	return 0;
}

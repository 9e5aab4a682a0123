// SPDX-License-Identifier: Apache-2.0
/*
 * Lists for pull. Words are separated by blanks; '...' and "..." keep blanks and # in a word; behind a # that begins a word all is
 * comment. Nothing else has a meaning: no variables, no backslashes.
 */
#include "pull_list_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/io.h>

#define LIST_MAX ((size_t)16 << 20)
#define WORDS_MAX 1024 /* of a line */

static void line_done(struct pull_line *l)
{
	for (size_t i = 0; i < l->nr_words; i++)
		free(l->words[i]);
	free(l->words);
	*l = (struct pull_line){0};
}

void pull_list_done(struct pull_list *l)
{
	for (size_t i = 0; i < l->nr; i++)
		line_done(&l->lines[i]);
	free(l->lines);
	*l = (struct pull_list){0};
}

/* The word at *text, which moves behind it. -EINVAL: a quote has no end. */
static int parse_word(const char **text, struct buf *out)
{
	const char *p = *text;

	buf_adds(out, "");
	while (*p && !strchr(" \t\r", *p)) {
		const char *end;

		if (*p != '\'' && *p != '"') {
			buf_addc(out, *p++);
			continue;
		}
		end = strchr(p + 1, *p);
		if (!end)
			return -EINVAL;
		buf_add(out, p + 1, (size_t)(end - p - 1));
		p = end + 1;
	}
	*text = p;
	return out->failed ? -ENOMEM : 0;
}

static int add_word(struct pull_line *l, char *word)
{
	char **more = word ? reallocarray(l->words, l->nr_words + 1, sizeof(*more)) : NULL;

	if (!more) {
		free(word);
		return -ENOMEM;
	}
	l->words = more;
	more[l->nr_words++] = word;
	return 0;
}

static int parse_line(const char *text, struct pull_line *l)
{
	int r = 0;

	while (r == 0) {
		AUTO_BUF word = {0};

		text += strspn(text, " \t\r");
		if (!*text || *text == '#')
			return 0;
		if (l->nr_words == WORDS_MAX)
			return -E2BIG;
		r = parse_word(&text, &word);
		if (r == 0)
			r = add_word(l, buf_take(&word));
	}
	return r;
}

static int add_line(struct pull_list *list, struct pull_line *l)
{
	struct pull_line *more = reallocarray(list->lines, list->nr + 1, sizeof(*more));

	if (!more)
		return -ENOMEM;
	list->lines = more;
	more[list->nr++] = *l;
	*l = (struct pull_line){0};
	return 0;
}

static int parse(char *text, const char *path, struct pull_list *list, struct err *err)
{
	char *one;
	unsigned nr = 0;

	while ((one = strsep(&text, "\n"))) {
		struct pull_line l = {.nr = ++nr};
		int r = parse_line(one, &l);

		if (r == 0 && l.nr_words)
			r = add_line(list, &l);
		line_done(&l);
		if (r == -EINVAL)
			return err_set(err, r, "%s line %u: a quote has no end", path, nr);
		if (r == -E2BIG)
			return err_set(err, -EINVAL, "%s line %u: more than %d words", path, nr, WORDS_MAX);
		if (r < 0)
			return err_set(err, r, "out of memory");
	}
	return 0;
}

int pull_list_load(const char *path, struct pull_list *out, struct err *err)
{
	AUTO_PULL_LIST list = {0};
	AUTO_BUF text = {0};
	int r = io_read_file(strcmp(path, "-") ? path : "/dev/stdin", LIST_MAX, &text);

	if (r == -EFBIG)
		return err_set(err, r, "the list %s has more than %zu MiB", path, LIST_MAX >> 20);
	if (r < 0)
		return err_set(err, r, "cannot read the list %s: %s", path, strerror(-r));
	if (text.len && memchr(text.data, '\0', text.len))
		return err_set(err, -EINVAL, "the list %s is not text", path);
	r = text.data ? parse(text.data, path, &list, err) : 0;
	if (r < 0)
		return r;
	*out = list;
	list = (struct pull_list){0};
	return 0;
}

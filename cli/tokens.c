// SPDX-License-Identifier: Apache-2.0
/* Opening a tokenizer by the name of a model; lines from standard input to standard output. */
#include "tokens_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "model_dir_int.h"

int tokens_open(const char *verb, const char *model, const struct options *options, struct tokenizer **out, struct err *err)
{
	const struct model_dir_plan plan = {.verb = verb, .options = options, .only_text = true, .quiet = true};
	AUTO(model_dir_done) struct model_dir *dir = NULL;
	int r = model_dir_open(model, &plan, &dir, err);

	if (r < 0)
		return r;
	r = tokenizer_open(model_dir_path(dir), out, err);
	return r == -EINVAL ? -EBADMSG : r; /* the user's words were good */
}

int tokens_write(const struct buf *text, struct err *err)
{
	if (text->len && fwrite(text->data, 1, text->len, stdout) != text->len)
		return err_set(err, -EIO, "cannot write: %s", strerror(errno));
	if (fflush(stdout))
		return err_set(err, -EIO, "cannot write: %s", strerror(errno));
	return 0;
}

static int do_line(int (*one)(const void *ctx, const char *line, size_t len, struct buf *out, struct err *err), const void *ctx,
		   const char *line, size_t len, struct err *err)
{
	AUTO_BUF out = {0};
	int r;

	if (len && line[len - 1] == '\n')
		len--;
	r = one(ctx, line, len, &out, err);
	if (r < 0)
		return r;
	buf_addc(&out, '\n');
	return out.failed ? -ENOMEM : tokens_write(&out, err);
}

int tokens_each_line(int (*one)(const void *ctx, const char *line, size_t len, struct buf *out, struct err *err), const void *ctx,
		     struct err *err)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	uint64_t nr = 0;
	ssize_t len;

	while ((len = getline(&line, &room, stdin)) >= 0) {
		struct err why = {0};
		int r = do_line(one, ctx, line, (size_t)len, &why);

		nr++;
		if (r < 0)
			return err_set(err, r, "line %llu: %s", (unsigned long long)nr, why.text[0] ? why.text : strerror(-r));
	}
	return ferror(stdin) ? err_set(err, -EIO, "cannot read standard input: %s", strerror(errno)) : 0;
}

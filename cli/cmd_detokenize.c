// SPDX-License-Identifier: Apache-2.0
/* hffs detokenize: the numbers that a model writes to a text. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <hffs/members.h>

#include "cli_int.h"
#include "tokens_int.h"

struct detokenize_args {
	struct options options;
	const char *model;
	char *const *ids; /* as written */
	size_t nr;        /* 0: standard input */
	unsigned flags;
	bool json_lines;
};

static int help(void)
{
	printf("usage: hffs detokenize [--no-special] [-o OPTION[,OPTION...]] MODEL [ID...]\n"
	       "       hffs detokenize --json-lines [--no-special] [-o OPTION[,OPTION...]] MODEL\n\n"
	       "Prints the text of tokens, given as numbers here or on standard input, byte for byte: no line feed is added where the output is a\n"
	       "file. MODEL is REPO[@REV][:FILE.gguf], a directory with tokenizer.json, or a GGUF file.\n\n"
	       "  --json-lines  each line of standard input is a list of numbers; each of the output its text as a JSON string\n"
	       "  --no-special  without special tokens\n"
	       "  -o OPTION     settings, as for 'hffs mount'\n"
	       "  -h, --help    this page\n");
	return EXIT_OK;
}

static int parse_id(const char *text, size_t len, uint32_t *out, struct err *err)
{
	if (slice_u32(&(struct slice){text, len}, out) < 0)
		return err_set(err, -EBADMSG, "'%.*s' is no token's number", (int)min_u64(len, 40), text);
	return 0;
}

/* --- numbers to a text, each piece as soon as it is known --- */

struct writer {
	struct token_stream *stream;
	bool ends_line; /* was the last byte written a line feed? */
};

static int write_piece(struct writer *w, struct buf *piece, struct err *err)
{
	if (piece->failed)
		return -ENOMEM;
	if (!piece->len)
		return 0;
	w->ends_line = piece->data[piece->len - 1] == '\n';
	if (fwrite(piece->data, 1, piece->len, stdout) != piece->len)
		return err_set(err, -EIO, "cannot write: %s", strerror(errno));
	return 0;
}

static int write_id(struct writer *w, const char *text, size_t len, struct err *err)
{
	AUTO_BUF piece = {0};
	uint32_t id;
	int r = parse_id(text, len, &id, err);

	if (r == 0)
		r = token_stream_add(w->stream, id, &piece, err);
	return r < 0 ? r : write_piece(w, &piece, err);
}

static int write_words(struct writer *w, const char *line, struct err *err)
{
	static const char blanks[] = " \t\r\n";
	int r = 0;

	for (line += strspn(line, blanks); r == 0 && *line; line += strspn(line, blanks)) {
		size_t len = strcspn(line, blanks);

		r = write_id(w, line, len, err);
		line += len;
	}
	return r;
}

static int write_input(struct writer *w, struct err *err)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	int r = 0;

	while (r == 0 && getline(&line, &room, stdin) >= 0) {
		r = write_words(w, line, err);
		if (r == 0 && fflush(stdout))
			r = err_set(err, -EIO, "cannot write: %s", strerror(errno));
	}
	return r == 0 && ferror(stdin) ? err_set(err, -EIO, "cannot read standard input: %s", strerror(errno)) : r;
}

static int detokenize_text(const struct tokenizer *t, const struct detokenize_args *args, struct err *err)
{
	AUTO(token_stream_free) struct token_stream *stream = NULL;
	struct writer w = {0};
	AUTO_BUF rest = {0};
	int r = token_stream_new(t, args->flags, &stream);

	w.stream = stream;
	for (size_t i = 0; r == 0 && i < args->nr; i++)
		r = write_words(&w, args->ids[i], err);
	if (r == 0 && !args->nr)
		r = write_input(&w, err);
	if (r == 0)
		r = token_stream_end(stream, &rest, err);
	if (r == 0)
		r = write_piece(&w, &rest, err);
	if (r == 0 && !w.ends_line && isatty(STDOUT_FILENO))
		putchar('\n');
	return r == 0 && fflush(stdout) ? err_set(err, -EIO, "cannot write: %s", strerror(errno)) : r;
}

/* --- lines --- */

struct line_job {
	const struct tokenizer *t;
	unsigned flags;
};

static int parse_list(const char *line, size_t len, struct token_list *out, struct err *err)
{
	struct slice item;
	struct members m;
	int r;

	members_init(&m, line, len);
	while ((r = items_next(&m, &item)) > 0) {
		uint32_t id;

		r = parse_id(item.at, item.len, &id, err);
		if (r == 0)
			r = token_list_add(out, id);
		if (r < 0)
			return r;
	}
	return r < 0 ? err_set(err, r, "not a list of numbers") : 0;
}

static int detokenize_line(const void *ctx, const char *line, size_t len, struct buf *out, struct err *err)
{
	const struct line_job *job = ctx;
	struct token_list ids = {0};
	AUTO_BUF text = {0};
	int r = parse_list(line, len, &ids, err);

	if (r == 0)
		r = tokenizer_decode(job->t, ids.ids, ids.nr, job->flags, &text, err);
	if (r == 0)
		buf_add_json_n(out, text.data ? text.data : "", text.len);
	token_list_done(&ids);
	return r;
}

static int detokenize(const struct detokenize_args *args)
{
	AUTO(tokenizer_free) struct tokenizer *t = NULL;
	struct err err = {0};
	int r = tokens_open("detokenize", args->model, &args->options, &t, &err);

	if (r < 0)
		return say_failed_config("detokenize", r, &err);
	if (args->json_lines)
		r = tokens_each_line(detokenize_line, &(struct line_job){t, args->flags}, &err);
	else
		r = detokenize_text(t, args, &err);
	return r < 0 ? say_failed("detokenize", r, &err) : EXIT_OK;
}

int cmd_detokenize(int argc, char **argv)
{
	static const struct option longs[] = {{"json-lines", no_argument, NULL, 'l'},
					      {"no-special", no_argument, NULL, 'n'},
					      {"help", no_argument, NULL, 'h'},
					      {0}};
	struct detokenize_args args = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.json_lines |= c == 'l';
		args.flags |= c == 'n' ? DETOKENIZE_SKIP_SPECIAL : 0;
		if (c == 'o' && !options_add(&args.options, optarg))
			return say_usage("detokenize", "there are too many -o");
		if (c == '?')
			return say_usage("detokenize", "'%s' is not understood", argv[optind - 1]);
	}
	if (optind == argc)
		return say_usage("detokenize", "MODEL is missing");
	args.model = argv[optind];
	args.ids = argv + optind + 1;
	args.nr = (size_t)(argc - optind - 1);
	if (args.json_lines && args.nr)
		return say_usage("detokenize", "--json-lines takes its tokens from standard input");
	return detokenize(&args);
}

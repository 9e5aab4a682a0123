// SPDX-License-Identifier: Apache-2.0
/* hffs tokenize: a text to the numbers that a model reads. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include <hffs/members.h>

#include "cli_int.h"
#include "tokens_int.h"

struct tokenize_args {
	struct options options;
	const char *model, *text; /* text NULL: standard input */
	unsigned flags;
	bool json, json_lines;
};

static int help(void)
{
	printf("usage: hffs tokenize [--json] [--no-special] [--plain] [-o OPTION[,OPTION...]] MODEL [TEXT]\n"
	       "       hffs tokenize --json-lines [--no-special] [--plain] [-o OPTION[,OPTION...]] MODEL\n\n"
	       "Prints the tokens of TEXT, or of all that comes on standard input, as numbers. MODEL is REPO[@REV][:FILE.gguf], a directory with\n"
	       "tokenizer.json, or a GGUF file; of the model only the tokenizer is read.\n\n"
	       "  --json        tokens as a list of {\"id\": NUMBER, \"token\": TEXT}\n"
	       "  --json-lines  each line of standard input is a JSON string; each of the output the list of its tokens\n"
	       "  --no-special  without the tokens that begin and end a text\n"
	       "  --plain       special tokens that are written in the text are ordinary text\n"
	       "  -o OPTION     settings, as for 'hffs mount'\n"
	       "  -h, --help    this page\n");
	return EXIT_OK;
}

static void print_numbers(const struct token_list *tokens, const char *between, struct buf *out)
{
	for (size_t i = 0; i < tokens->nr; i++)
		buf_addf(out, "%s%u", i ? between : "", tokens->ids[i]);
}

static void print_tokens(const struct tokenizer *t, const struct token_list *tokens, struct buf *out)
{
	buf_addc(out, '[');
	for (size_t i = 0; i < tokens->nr; i++) {
		const char *text = tokenizer_token(t, tokens->ids[i]);

		buf_addf(out, "%s{\"id\": %u, \"token\": ", i ? ", " : "", tokens->ids[i]);
		buf_add_json(out, text ? text : "");
		buf_addc(out, '}');
	}
	buf_addc(out, ']');
}

/* --- a whole text --- */

static int read_input(struct buf *text, struct err *err)
{
	char part[65536];
	size_t n;

	while ((n = fread(part, 1, sizeof(part), stdin)) > 0) {
		buf_add(text, part, n);
		if (text->failed)
			return -ENOMEM;
	}
	return ferror(stdin) ? err_set(err, -EIO, "cannot read standard input: %s", strerror(errno)) : 0;
}

static int tokenize_text(const struct tokenizer *t, const struct tokenize_args *args, struct err *err)
{
	AUTO_BUF text = {0}, out = {0};
	struct token_list tokens = {0};
	int r = 0;

	if (args->text)
		buf_adds(&text, args->text);
	else
		r = read_input(&text, err);
	if (r == 0)
		r = tokenizer_encode(t, text.data ? text.data : "", text.len, args->flags, &tokens, err);
	if (r == 0 && args->json)
		print_tokens(t, &tokens, &out);
	else if (r == 0)
		print_numbers(&tokens, " ", &out);
	buf_addc(&out, '\n');
	token_list_done(&tokens);
	if (r < 0)
		return r;
	return out.failed ? -ENOMEM : tokens_write(&out, err);
}

/* --- lines --- */

struct line_job {
	const struct tokenizer *t;
	unsigned flags;
};

static int tokenize_line(const void *ctx, const char *line, size_t len, struct buf *out, struct err *err)
{
	const struct line_job *job = ctx;
	AUTO_BUF text = {0};
	struct token_list tokens = {0};
	int r = slice_text(&(struct slice){line, len}, &text);

	if (r == -EBADMSG)
		return err_set(err, r, "not a JSON string");
	if (r == 0)
		r = tokenizer_encode(job->t, text.data ? text.data : "", text.len, job->flags, &tokens, err);
	buf_addc(out, '[');
	print_numbers(&tokens, ",", out);
	buf_addc(out, ']');
	token_list_done(&tokens);
	return r;
}

static int tokenize(const struct tokenize_args *args)
{
	AUTO(tokenizer_free) struct tokenizer *t = NULL;
	struct err err = {0};
	int r = tokens_open("tokenize", args->model, &args->options, &t, &err);

	if (r < 0)
		return say_failed_config("tokenize", r, &err);
	if (args->json_lines)
		r = tokens_each_line(tokenize_line, &(struct line_job){t, args->flags}, &err);
	else
		r = tokenize_text(t, args, &err);
	return r < 0 ? say_failed("tokenize", r, &err) : EXIT_OK;
}

int cmd_tokenize(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},       {"json-lines", no_argument, NULL, 'l'},
					      {"no-special", no_argument, NULL, 'n'}, {"plain", no_argument, NULL, 'p'},
					      {"help", no_argument, NULL, 'h'},       {0}};
	struct tokenize_args args = {0};
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		args.json |= c == 'j';
		args.json_lines |= c == 'l';
		args.flags |= c == 'n' ? TOKENIZE_NO_SPECIAL : c == 'p' ? TOKENIZE_PLAIN : 0;
		if (c == 'o' && !options_add(&args.options, optarg))
			return say_usage("tokenize", "there are too many -o");
		if (c == '?')
			return say_usage("tokenize", "'%s' is not understood", argv[optind - 1]);
	}
	if (optind == argc)
		return say_usage("tokenize", "MODEL is missing");
	args.model = argv[optind];
	args.text = optind + 1 < argc ? argv[optind + 1] : NULL;
	if (argc - optind > 2)
		return say_usage("tokenize", "'%s' is too much: a TEXT with blanks wants quotes", argv[optind + 2]);
	if (args.json_lines && (args.text || args.json))
		return say_usage("tokenize", "--json-lines takes its texts from standard input, and goes without --json");
	return tokenize(&args);
}

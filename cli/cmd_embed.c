// SPDX-License-Identifier: Apache-2.0
/* hffs embed: texts to vectors. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "config_int.h"
#include "run_int.h"

enum { OPT_IDS = 256, OPT_JSON };

static int help(void)
{
	printf("usage: hffs embed [OPTION]... REPO[@REV]|DIR [TEXT]\n\n"
	       "Prints the embedding of a text, or without TEXT of each line of standard input: its numbers on one line.\n\n"
	       "      --json          {\"embedding\": [...]}, one object a line\n"
	       "      --ids N,N,...   the text as token ids\n"
	       "      --threads N     processors to use (all cores)\n"
	       "      --kernels NAME  scalar, avx2, avx512, neon (the best that the processor has)\n"
	       "  -o OPTION           settings, as for 'hffs mount'\n"
	       "  -h, --help          this page\n");
	return EXIT_OK;
}

static const struct option longs[] = {
	{"json", no_argument, NULL, OPT_JSON},        {"ids", required_argument, NULL, OPT_IDS}, {"threads", required_argument, NULL, 't'},
	{"kernels", required_argument, NULL, 'k'},    {"help", no_argument, NULL, 'h'},          {0},
};

/* --- one text --- */

static int print_embedding(struct runner *r, const float *values)
{
	AUTO_BUF out = {0};

	runner_end_progress(r);
	if (r->args->json) {
		buf_adds(&out, "{\"embedding\":");
		json_add_floats(&out, values, r->info->width);
		buf_addc(&out, '}');
		return print_json("embed", &out);
	}
	for (uint32_t i = 0; i < r->info->width; i++) {
		if (i)
			buf_addc(&out, ' ');
		json_add_number(&out, (double)values[i]);
	}
	return print_json("embed", &out);
}

static int embed_ids(struct runner *r, struct token_list *ids)
{
	AUTO_FREE float *values = calloc(r->info->width, sizeof(*values));
	struct err err = {0};
	int ret = values ? runner_embed(r, ids, values, &err) : err_set(&err, -ENOMEM, "out of memory");

	runner_end_progress(r);
	return ret < 0 ? say_failed("embed", ret, &err) : print_embedding(r, values);
}

static int embed_text(struct runner *r, const char *text, size_t len)
{
	struct token_list ids = {0};
	struct err err = {0};
	int code, ret = runner_encode_embed(r, text, len, &ids, &err);

	code = ret < 0 ? say_failed("embed", ret, &err) : embed_ids(r, &ids);
	token_list_done(&ids);
	return code;
}

static int embed_lines(struct runner *r)
{
	AUTO_FREE char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int code = EXIT_OK;

	while (code == EXIT_OK && (len = getline(&line, &room, stdin)) >= 0) {
		if (len > 0 && line[len - 1] == '\n')
			len--;
		code = embed_text(r, line, (size_t)len);
	}
	return code;
}

/* --- the verb --- */

static int embed(struct run_args *a)
{
	struct runner r;
	struct err err = {0};
	int code, ret = runner_open(&r, a, !a->has_ids, &err);

	if (ret < 0)
		return say_failed_config("embed", ret, &err);
	if (!r.info->embeds)
		code = say_failed("embed", err_set(&err, -ENOTSUP, "%s makes text and no embeddings: see 'hffs run'", a->what), &err);
	else if (a->has_ids)
		code = embed_ids(&r, &a->ids);
	else
		code = a->prompt ? embed_text(&r, a->prompt, strlen(a->prompt)) : embed_lines(&r);
	runner_close(&r);
	return code;
}

static int take_option(struct run_args *a, int option, const char *value, struct err *err)
{
	int r;

	if (option == OPT_JSON) {
		a->json = true;
		return 0;
	}
	if (option != OPT_IDS)
		return parse_model_option(a, option, value, err);
	r = parse_ids(value, &a->ids);
	if (r == -EINVAL)
		return err_set(err, r, "--ids takes token ids, as 1,2,3, not '%s'", value);
	a->has_ids = true;
	return r;
}

/* The exit code plus one; 0: go on. */
static int parse(int argc, char **argv, struct run_args *a, struct options *options)
{
	struct err err = {0};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) != -1) {
		if (c == 'h')
			return 1 + help();
		if (c == '?')
			return 1 + say_usage("embed", "'%s' is not understood, or its value is missing", argv[optind - 1]);
		if (c == 'o' && !options_add(options, optarg))
			return 1 + say_usage("embed", "there are too many -o");
		r = c == 'o' ? 0 : take_option(a, c, optarg, &err);
		if (r < 0)
			return 1 + say_failed_config("embed", r, &err);
	}
	if (optind == argc)
		return 1 + say_usage("embed", "REPO is missing");
	if (argc - optind > 2)
		return 1 + say_usage("embed", "one text at a time: quote it; '%s' is too much", argv[optind + 2]);
	a->what = argv[optind];
	a->prompt = argv[optind + 1];
	if (a->has_ids && a->prompt)
		return 1 + say_usage("embed", "--ids is the text: '%s' is too much", a->prompt);
	return 0;
}

int cmd_embed(int argc, char **argv)
{
	struct options options = {0};
	struct run_args args = {.verb = "embed", .options = &options};
	int r = parse(argc, argv, &args, &options);
	int code = r ? r - 1 : embed(&args);

	token_list_done(&args.ids);
	return code;
}

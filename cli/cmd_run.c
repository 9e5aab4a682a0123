// SPDX-License-Identifier: Apache-2.0
/* hffs run: options, and which of its works is wanted. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli_int.h"
#include "config_int.h"
#include "run_int.h"

enum {
	OPT_CHAT = 256, OPT_SYSTEM, OPT_TEMPERATURE, OPT_TOP_K, OPT_TOP_P, OPT_MIN_P, OPT_REPEAT_PENALTY, OPT_SEED, OPT_STOP, OPT_IDS, OPT_JSON,
	OPT_LOGITS, OPT_PERPLEXITY, OPT_WINDOW, OPT_BENCH, OPT_SERVE,
};

static int help(void)
{
	printf("usage: hffs run [OPTION]... REPO[@REV][:FILE.gguf]|DIR|FILE.gguf\n\n"
	       "Runs a language model on the processor, from the mapped files of a mount, of a directory, or of the cache. Begins to write when the\n"
	       "bytes that the first token needs have come. Without -p the prompt is read from standard input.\n\n"
	       "  -p, --prompt TEXT        the prompt\n"
	       "      --chat               a conversation, in the form that the model was made for; each line of input is a turn, -p the only one\n"
	       "      --system TEXT        what comes before the conversation\n"
	       "  -n, --tokens N           at most so many tokens (until the model ends, or its context is full)\n"
	       "      --temperature X      0 takes the most probable token always; 1 each as often as it is probable\n"
	       "      --top-k N            only the N most probable tokens; 0: all\n"
	       "      --top-p X            only the most probable ones that make up X of all, 0 to 1\n"
	       "      --min-p X            only those at least X times as probable as the first, 0 to 1\n"
	       "      --repeat-penalty X   above 1: what was there already is made less probable\n"
	       "      --seed N             the same seed gives the same text\n"
	       "      --stop TEXT          ends where this would be written; may be repeated\n"
	       "      --context N          room for so many tokens (what the model was made for, at most 4096)\n"
	       "      --kv TYPE            f16 or f32: how keys and values are remembered (f16)\n"
	       "      --threads N          processors to use (all cores)\n"
	       "      --kernels NAME       scalar, avx2, avx512, neon (the best that the processor has)\n"
	       "      --serve ADDR:PORT    an HTTP server with the interface of OpenAI's\n"
	       "      --json               one JSON object instead of text\n"
	       "      --ids N,N,...        the prompt as token ids\n"
	       "      --logits             the logits behind the prompt, as JSON, and no text\n"
	       "      --perplexity FILE    how well the model predicts a text\n"
	       "      --window N           in pieces of N tokens (the context, at most 2048)\n"
	       "      --bench              tokens per second\n"
	       "  -o OPTION                settings, as for 'hffs mount'\n"
	       "  -h, --help               this page\n");
	return EXIT_OK;
}

static const struct option longs[] = {
	{"prompt", required_argument, NULL, 'p'},
	{"chat", no_argument, NULL, OPT_CHAT},
	{"system", required_argument, NULL, OPT_SYSTEM},
	{"tokens", required_argument, NULL, 'n'},
	{"temperature", required_argument, NULL, OPT_TEMPERATURE},
	{"top-k", required_argument, NULL, OPT_TOP_K},
	{"top-p", required_argument, NULL, OPT_TOP_P},
	{"min-p", required_argument, NULL, OPT_MIN_P},
	{"repeat-penalty", required_argument, NULL, OPT_REPEAT_PENALTY},
	{"seed", required_argument, NULL, OPT_SEED},
	{"stop", required_argument, NULL, OPT_STOP},
	{"context", required_argument, NULL, 'c'},
	{"kv", required_argument, NULL, 'v'},
	{"threads", required_argument, NULL, 't'},
	{"kernels", required_argument, NULL, 'k'},
	{"serve", required_argument, NULL, OPT_SERVE},
	{"json", no_argument, NULL, OPT_JSON},
	{"ids", required_argument, NULL, OPT_IDS},
	{"logits", no_argument, NULL, OPT_LOGITS},
	{"perplexity", required_argument, NULL, OPT_PERPLEXITY},
	{"window", required_argument, NULL, OPT_WINDOW},
	{"bench", no_argument, NULL, OPT_BENCH},
	{"help", no_argument, NULL, 'h'},
	{0},
};

/* --- options --- */

static int take_number(const char *value, const char *name, double low, double high, double *out, bool *has, struct err *err)
{
	if (parse_number(value, low, high, out) < 0)
		return err_set(err, -EINVAL, "--%s takes a number from %g to %g, not '%s'", name, low, high, value);
	*has = true;
	return 0;
}

/* With a sign it has 63 bits. */
static int take_seed(struct run_args *a, const char *value, struct err *err)
{
	bool is_negative = *value == '-';
	const char *digits = value + is_negative;
	char *end;

	errno = 0;
	a->sample.seed = is_negative ? (uint64_t)strtoll(value, &end, 10) : strtoull(value, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno)
		return err_set(err, -EINVAL, "--seed takes a whole number of 64 bits, not '%s'", value);
	a->has_seed = true;
	return 0;
}

static int take_stop(struct run_args *a, const char *value, struct err *err)
{
	if (!*value || strlen(value) > STOP_BYTES_MAX)
		return err_set(err, -EINVAL, "--stop takes a text of 1 to %d bytes", STOP_BYTES_MAX);
	if (a->nr_stops == STOPS_MAX)
		return err_set(err, -EINVAL, "there are more than %d --stop", STOPS_MAX);
	a->stops[a->nr_stops++] = value;
	return 0;
}

static int take_sampling(struct run_args *a, int option, const char *value, struct err *err)
{
	struct sample_options *s = &a->sample;

	switch (option) {
	case OPT_TEMPERATURE:
		return take_number(value, "temperature", 0, 100, &s->temperature, &a->has_temperature, err);
	case OPT_TOP_P:
		return take_number(value, "top-p", 0, 1, &s->top_p, &a->has_top_p, err);
	case OPT_MIN_P:
		return take_number(value, "min-p", 0, 1, &s->min_p, &a->has_min_p, err);
	case OPT_REPEAT_PENALTY:
		return take_number(value, "repeat-penalty", 0.01, 100, &s->repeat_penalty, &a->has_repeat_penalty, err);
	case OPT_TOP_K:
		a->has_top_k = true;
		return parse_count(value, 0, UINT32_MAX, &s->top_k) < 0 ? err_set(err, -EINVAL, "--top-k takes a number of tokens, not '%s'", value) : 0;
	case OPT_SEED:
		return take_seed(a, value, err);
	case OPT_STOP:
		return take_stop(a, value, err);
	default:
		return 1;
	}
}

static int take_ids(struct run_args *a, const char *value, struct err *err)
{
	int r = parse_ids(value, &a->ids);

	if (r == -EINVAL)
		return err_set(err, r, "--ids takes token ids, as 1,2,3, not '%s'", value);
	a->has_ids = true;
	return r;
}

static int take_option(struct run_args *a, int option, const char *value, struct err *err)
{
	switch (option) {
	case 'p':
		a->prompt = value;
		return 0;
	case 'n':
		return parse_count(value, 1, UINT32_MAX, &a->tokens_max) < 0 ? err_set(err, -EINVAL, "'%s' is no number of tokens", value) : 0;
	case OPT_WINDOW:
		return parse_count(value, 2, 1u << 20, &a->window) < 0 ? err_set(err, -EINVAL, "--window takes 2 tokens or more, not '%s'", value) : 0;
	case OPT_CHAT:
		a->chat = true;
		return 0;
	case OPT_SYSTEM:
		a->system = value;
		return 0;
	case OPT_JSON:
		a->json = true;
		return 0;
	case OPT_LOGITS:
		a->logits = true;
		return 0;
	case OPT_BENCH:
		a->bench = true;
		return 0;
	case OPT_PERPLEXITY:
		a->perplexity = value;
		return 0;
	case OPT_SERVE:
		a->serve = value;
		return 0;
	case OPT_IDS:
		return take_ids(a, value, err);
	default:
		break;
	}
	return 1;
}

static int take_any(struct run_args *a, int option, const char *value, struct err *err)
{
	int r = take_option(a, option, value, err);

	if (r == 1)
		r = take_sampling(a, option, value, err);
	return r == 1 ? parse_model_option(a, option, value, err) : r;
}

/* Works that exclude each other, and options that mean nothing in one. */
static int check_args(const struct run_args *a, struct err *err)
{
	int works = a->chat + a->logits + a->bench + (a->perplexity != NULL) + (a->serve != NULL);

	if (works > 1)
		return err_set(err, -EINVAL, "only one of --chat, --logits, --perplexity, --bench and --serve at a time");
	if (a->has_ids && (a->prompt || a->chat || a->perplexity || a->bench || a->serve))
		return err_set(err, -EINVAL, "--ids is the prompt: it goes with --logits at most");
	if (a->system && !a->chat)
		return err_set(err, -EINVAL, "--system goes with --chat");
	if (a->window && !a->perplexity)
		return err_set(err, -EINVAL, "--window goes with --perplexity");
	if (a->chat && a->json && !a->prompt)
		return err_set(err, -EINVAL, "--chat with --json is one turn, which -p gives");
	if (a->prompt && (a->perplexity || a->bench || a->serve))
		return err_set(err, -EINVAL, "-p has no use here");
	return 0;
}

/* --- works --- */

static int work(struct runner *r)
{
	const struct run_args *a = r->args;

	if (a->serve)
		return run_serve(r);
	if (a->perplexity)
		return run_perplexity(r);
	if (a->bench)
		return run_bench(r);
	if (a->logits)
		return run_logits(r);
	return a->chat ? run_chat(r) : run_text(r);
}

static int run(struct run_args *a)
{
	struct runner r;
	struct err err = {0};
	int code, ret = runner_open(&r, a, !a->has_ids && !a->bench, &err);

	if (ret < 0)
		return say_failed_config("run", ret, &err);
	code = work(&r);
	if (fflush(stdout) && code == EXIT_OK)
		code = say_failed("run", err_set(&err, -EIO, "cannot write to standard output"), &err);
	runner_close(&r);
	return code;
}

/* The exit code plus one; 0: go on. */
static int parse(int argc, char **argv, struct run_args *a, struct options *options)
{
	struct err err = {0};
	int c, r;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "hn:o:p:", longs, NULL)) != -1) {
		if (c == 'h')
			return 1 + help();
		if (c == '?')
			return 1 + say_usage("run", "'%s' is not understood, or its value is missing", argv[optind - 1]);
		if (c == 'o' && !options_add(options, optarg))
			return 1 + say_usage("run", "there are too many -o");
		if (c == 'o')
			continue;
		r = take_any(a, c, optarg, &err);
		if (r < 0)
			return 1 + say_failed_config("run", r, &err);
	}
	if (argc - optind != 1)
		return 1 + say_usage("run", argc > optind ? "one model at a time; '%s' is too much" : "REPO is missing", argc > optind ? argv[optind + 1] : "");
	a->what = argv[optind];
	return check_args(a, &err) < 0 ? 1 + say_usage("run", "%s", err_text(&err)) : 0;
}

int cmd_run(int argc, char **argv)
{
	struct options options = {0};
	struct run_args args = {.verb = "run", .options = &options};
	int r = parse(argc, argv, &args, &options);
	int code = r ? r - 1 : run(&args);

	token_list_done(&args.ids);
	return code;
}

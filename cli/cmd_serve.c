// SPDX-License-Identifier: Apache-2.0
/* hffs serve: parses options, starts the server, waits for a signal. */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hffs/io.h>
#include <hffs/log.h>
#include <hffs/serve.h>

#include "cmd_serve.h"
#include "serve_cache_int.h"

static const char help[] =
	"usage: hffs serve [DIR] [OPTION]...\n"
	"\n"
	"Serves DIR as a read-only Hugging Face Hub. In it DIR/ORG/NAME is a model, DIR/datasets/ORG/NAME a dataset,\n"
	"DIR/spaces/ORG/NAME a Space; each a plain folder or a git repository. Without DIR it serves what the cache holds: the public\n"
	"repositories whose listings are stored, and their files that are complete and proven, without asking the Hub for anything.\n"
	"With --cache it serves both: from the cache what DIR has not.\n"
	"Prints the endpoint on its first line of output, for HF_ENDPOINT, and runs until SIGINT or SIGTERM.\n"
	"\n"
	"  --listen ADDR:PORT      the endpoint (default 127.0.0.1:8080; port 0 picks a free one)\n"
	"  --cdn-listen ADDR:PORT  where large files are sent from (default: the same address, a free port)\n"
	"  --cdn-url URL           what clients reach that by, if not by the host name they use for the endpoint\n"
	"  --url-ttl TIME          how long the URL of a large file is good (default 1h)\n"
	"  --state DIR             where digests are remembered (default $XDG_CACHE_HOME/hffs-serve, root: /var/cache/hffs-serve)\n"
	"  --cache                 beside DIR: what the cache holds as well\n"
	"  --private               of the cache: also private and gated repositories, to everybody who can reach the server\n"
	"  -o OPTION               of the cache: settings, as for 'hffs mount': whose cache, of which endpoint\n"
	"  --help                  this text\n";

static int usage_error(const char *what, const char *arg)
{
	fprintf(stderr, "hffs serve: %s%s%s%s; see hffs serve --help\n", what, arg ? " \"" : "", arg ? arg : "", arg ? "\"" : "");
	return 2;
}

static int parse_ttl(const char *text, struct serve_config *c)
{
	uint64_t ms;

	if (io_parse_time_ms(text, &ms) < 0 || ms < 1000 || ms / 1000 > INT32_MAX)
		return usage_error("--url-ttl takes a time from 1s on, not", text);
	c->url_ttl_s = ms / 1000;
	return 0;
}

/* 0: go on; otherwise the exit status plus one. */
static int parse_options(int argc, char **argv, struct serve_config *c, struct serve_cache_options *of_cache)
{
	static const struct option options[] = {
		{"listen", required_argument, NULL, 'l'},  {"cdn-listen", required_argument, NULL, 'c'},
		{"cdn-url", required_argument, NULL, 'u'}, {"url-ttl", required_argument, NULL, 't'},
		{"state", required_argument, NULL, 's'},   {"help", no_argument, NULL, 'h'},
		{"private", no_argument, NULL, 'p'},       {"cache", no_argument, NULL, 'b'},
		{NULL, 0, NULL, 0},
	};
	int opt;

	opterr = 0;
	optind = 0; /* from the start, whoever parsed before */
	while ((opt = getopt_long(argc, argv, "ho:", options, NULL)) != -1) {
		switch (opt) {
		case 'l':
			c->listen = optarg;
			break;
		case 'c':
			c->cdn_listen = optarg;
			break;
		case 'u':
			c->cdn_url = optarg;
			break;
		case 's':
			c->state_dir = optarg;
			break;
		case 't':
			if (parse_ttl(optarg, c))
				return 3;
			break;
		case 'b':
			of_cache->with_dir = true;
			break;
		case 'p':
			of_cache->with_private = true;
			break;
		case 'o':
			if (!options_add(&of_cache->options, optarg))
				return 1 + usage_error("there are too many -o", NULL);
			break;
		case 'h':
			fputs(help, stdout);
			return 1;
		default:
			return 1 + usage_error("unknown option, or one without its value:", argv[optind - 1]);
		}
	}
	if (argc - optind > 1)
		return 1 + usage_error("only one directory can be served; unexpected", argv[optind + 1]);
	if (optind < argc)
		c->dir = argv[optind];
	if (c->dir && !of_cache->with_dir && (of_cache->with_private || of_cache->options.nr))
		return 1 + usage_error("--private and -o are for the cache, not for a folder (--cache serves both):", c->dir);
	return 0;
}

static int serve_until_signal(const struct serve_config *c)
{
	struct serve *s = NULL;
	struct err err = {0};
	sigset_t set;
	int sig, r;

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before there are other threads */
	r = serve_open(c, &s, &err);
	if (r < 0) {
		fprintf(stderr, "hffs serve: %s\n", err.text[0] ? err.text : strerror(-r));
		return r == -EINVAL ? 2 : 1;
	}
	printf("%s\n", serve_endpoint(s));
	fflush(stdout);
	sigwait(&set, &sig);
	serve_close(s);
	return 0;
}

int cmd_serve_with(int argc, char **argv, const struct serve_hook *hook, serve_cache *from_cache)
{
	AUTO_FREE char *state_dir = config_cache_dir("hffs-serve"); /* where digests are remembered */
	struct serve_config c = {.listen = "127.0.0.1:8080", .state_dir = state_dir, .hook = hook};
	struct serve_cache_options of_cache = {0};
	int r = parse_options(argc, argv, &c, &of_cache);

	if (r)
		return r - 1;
	(void)io_raise_descriptor_limit(); /* every connection is a descriptor, and so is the file it sends */
	if (c.dir && !of_cache.with_dir)
		return serve_until_signal(&c);
	return from_cache ? from_cache(&c, &of_cache, serve_until_signal) : usage_error(c.dir ? "this server has no cache" : "DIR is missing", NULL);
}

// SPDX-License-Identifier: Apache-2.0
/* hffs doctor: looks at this machine, and says in a line each what is right and what is not. */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "checkup_int.h"
#include "cli_int.h"

static int help(void)
{
	printf("usage: hffs doctor [--json] [-o OPTION[,OPTION...]]\n\n"
	       "What is right on this machine, and what is not and what to do: FUSE, mounts, the cache and its disk, settings, the Hub, the clock,\n"
	       "the token. Changes nothing, and asks the Hub once. The exit status is 1 if something is broken.\n\n"
	       "      --json   one JSON object\n"
	       "  -o OPTION    settings, as for 'hffs mount'\n"
	       "  -h, --help   this page\n");
	return EXIT_OK;
}

/* --- findings --- */

void checkup_add(struct checkup *c, enum health health, const char *name, const char *fmt, ...)
{
	struct finding *more = reallocarray(c->findings, c->nr + 1, sizeof(*more));
	char *text = NULL;
	va_list ap;

	if (more)
		c->findings = more;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	if (!more || !text) {
		c->no_memory = true;
		free(text);
		return;
	}
	c->findings[c->nr++] = (struct finding){name, health, text};
}

void checkup_done(struct checkup *c)
{
	for (size_t i = 0; i < c->nr; i++)
		free(c->findings[i].text);
	free(c->findings);
	*c = (struct checkup){0};
}

static bool is_well(const struct checkup *c)
{
	for (size_t i = 0; i < c->nr; i++)
		if (c->findings[i].health == HEALTH_BROKEN)
			return false;
	return !c->no_memory;
}

/* --- what is printed --- */

static const char *const health_names[] = {[HEALTH_OK] = "ok", [HEALTH_NOTE] = "note", [HEALTH_BROKEN] = "broken"};

static void print_text(const struct checkup *c)
{
	for (size_t i = 0; i < c->nr; i++) {
		AUTO_FREE char *shown = malloc(4 * strlen(c->findings[i].text) + 8);

		if (!shown)
			return;
		err_escape(shown, 4 * strlen(c->findings[i].text) + 8, c->findings[i].text);
		printf("%-6s  %-12s %s\n", health_names[c->findings[i].health], c->findings[i].name, shown);
	}
}

static int print_json(const struct checkup *c)
{
	AUTO_BUF out = {0};

	buf_addf(&out, "{\"ok\":%s,\"checks\":[", is_well(c) ? "true" : "false");
	for (size_t i = 0; i < c->nr; i++) {
		buf_addf(&out, "%s{\"name\":\"%s\",\"state\":\"%s\",\"text\":", i ? "," : "", c->findings[i].name,
			 health_names[c->findings[i].health]);
		buf_add_json(&out, c->findings[i].text);
		buf_addc(&out, '}');
	}
	buf_adds(&out, "]}");
	if (out.failed)
		return -ENOMEM;
	puts(out.data);
	return 0;
}

/* Settings that cannot be read are a finding of their own; what needs none is looked at all the same. */
static void look(struct checkup *c, const struct options *options)
{
	AUTO_CONFIG config = {0};
	struct err err = {0};
	int r = config_load(options, &config, &err);

	config_quiet_log(&config);
	check_machine(c, &config);
	check_mounts(c);
	if (r < 0) {
		checkup_add(c, HEALTH_BROKEN, "settings", "%s", err_text(&err));
		return;
	}
	check_cache(c, &config);
	check_hub(c, &config);
}

int cmd_doctor(int argc, char **argv)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	AUTO_CHECKUP checkup = {0};
	struct options options = {0};
	const struct err none = {0};
	bool as_json = false;
	int c, r = 0;

	opterr = 0;
	while ((c = getopt_long(argc, argv, "ho:", longs, NULL)) != -1) {
		if (c == 'h')
			return help();
		as_json |= c == 'j';
		if (c == 'o' && !options_add(&options, optarg))
			return say_usage("doctor", "there are too many -o");
		if (c == '?')
			return say_usage("doctor", "'%s' is not understood", argv[optind - 1]);
	}
	if (argc > optind)
		return say_usage("doctor", "'%s': it takes no arguments", argv[optind]);
	look(&checkup, &options);
	if (as_json)
		r = print_json(&checkup);
	else
		print_text(&checkup);
	if (r < 0 || checkup.no_memory)
		return say_failed("doctor", -ENOMEM, &none);
	return fflush(stdout) || !is_well(&checkup) ? EXIT_FAILED : EXIT_OK;
}

// SPDX-License-Identifier: Apache-2.0
/* Requests to whoever has the cache: a daemon by its control socket, else this process. */
#include "keep_int.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "control_int.h"
#include "mounts_int.h"

#define NO_LIMIT_MS ((uint64_t)1 << 40) /* the user decides how long to wait */

struct keep {
	const struct config *config;
	char *daemon;        /* the cache that one has; NULL: none */
	struct fetch *fetch; /* ours; NULL until it is needed */
	enum cache_scrub scrub;
};

static const struct {
	const char *name;
	keep_run *run;
} words[] = {{"pin", keep_pin}, {"unpin", keep_unpin}, {"pins", keep_pins}, {"blobs", keep_blobs}, {"audit", keep_audit}, {"gc", keep_gc}, {"import", keep_import}};

volatile sig_atomic_t keep_stopped;

static void on_signal(int nr)
{
	(void)nr;
	keep_stopped = 1;
}

void keep_catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

void keep_add_text(struct buf *request, const char *key, const char *text)
{
	buf_addf(request, ",\"%s\":", key);
	buf_add_json(request, text);
}

/* The cache of a mount that shows what the configuration asks for, else the configuration's own, which a daemon may have as well. */
static char *find_daemon(const struct config *c)
{
	AUTO_FREE char *dir = mounts_find_cache(c);
	AUTO(json_free) struct json *answer = NULL;
	struct err err = {0};

	if (dir)
		return TAKE(dir);
	if (control_ask(c->cache, CONTROL_SOCKET, "{\"do\":\"pins\"}", NO_LIMIT_MS, &answer, &err) == -ENOTCONN)
		return NULL;
	return strdup(c->cache);
}

int keep_open(const struct config *c, struct keep **out, struct err *err)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (!k)
		return err_set(err, -ENOMEM, "out of memory");
	k->config = c;
	k->daemon = find_daemon(c);
	*out = k;
	return 0;
}

void keep_close(struct keep *k)
{
	fetch_close(k->fetch);
	free(k->daemon);
	free(k);
}

bool keep_is_daemon(const struct keep *k)
{
	return k->daemon != NULL;
}

void keep_set_scrub(struct keep *k, enum cache_scrub scrub)
{
	k->scrub = scrub;
}

static int open_here(struct keep *k, struct err *err)
{
	struct fetch_config config;

	if (k->fetch)
		return 0;
	config_quiet_log(k->config);
	config_fetch(k->config, &config);
	config.cache.scrub = k->scrub;
	config.filter = NULL;
	config.lock = NULL; /* what is kept or proven is the cache's, whatever a mount would show */
	return fetch_open(&config, &k->fetch, err);
}

int keep_do(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	const char *word = json_get_string(request, "do");

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (word && !strcmp(words[i].name, word))
			return words[i].run(f, request, answer, err);
	return err_set(err, -EINVAL, "there is no order '%s'", word ? word : "");
}

static int ask_here(struct keep *k, const struct buf *request, struct json **answer, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_BUF members = {0}, text = {0};
	int r = open_here(k, err);

	if (r == 0)
		r = json_parse(request->data, request->len, request->len, &j, err);
	if (r == 0)
		r = keep_do(k->fetch, j, &members, err);
	if (r < 0)
		return r;
	buf_adds(&text, "{\"ok\":true");
	buf_add(&text, members.data, members.len);
	buf_addc(&text, '}');
	if (members.failed || text.failed)
		return err_set(err, -ENOMEM, "out of memory");
	return json_parse(text.data, text.len, text.len, answer, err);
}

int keep_ask(struct keep *k, const struct buf *request, struct json **answer, struct err *err)
{
	if (request->failed)
		return err_set(err, -ENOMEM, "out of memory");
	if (k->daemon)
		return control_ask(k->daemon, CONTROL_SOCKET, request->data, NO_LIMIT_MS, answer, err);
	return ask_here(k, request, answer, err);
}

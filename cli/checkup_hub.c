// SPDX-License-Identifier: Apache-2.0
/*
 * Settings and the Hub. One request tells whether names are found, certificates fit, the clocks agree and the token is taken: who the token
 * stands for. It is not told to other processes if the Hub is tired of that question, which has a limit of its own; their pauses are kept.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/clock.h>
#include <hffs/hub.h>
#include <hffs/pause_file.h>
#include <hffs/thread.h>

#include "checkup_int.h"
#include "cli_int.h"

#define NAMES_MS 6000 /* with retries */
#define LOOK_MS 100
#define ANSWER_LOOKS 150
#define SKEW_MAX_S 300 /* signed addresses live for an hour, certificates begin some time */

/* --- settings --- */

static void check_settings(struct checkup *c, const struct config *config)
{
	AUTO_BUF files = {0}, proxies = {0};

	config_list_files(&files);
	checkup_add(c, HEALTH_OK, "settings", "%s", files.len ? files.data : "no hffs.conf is there; defaults, and the environment");
	if (config->offline)
		checkup_add(c, HEALTH_NOTE, "offline", "set: the Hub is never asked, only what is cached is there");
	config_list_proxies(&proxies);
	if (proxies.len)
		checkup_add(c, HEALTH_OK, "proxy", "%s", proxies.data);
}

/* --- the token, as far as this machine knows --- */

/* True if one is to be sent. */
static bool check_token_here(struct checkup *c, const struct config *config)
{
	struct stat st;

	if (config->token) {
		checkup_add(c, HEALTH_OK, "token", "found in the environment (%s)", config->token_variable);
		return true;
	}
	if (!config->token_file || (stat(config->token_file, &st) < 0 && errno == ENOENT && !config->token_file_chosen)) {
		checkup_add(c, HEALTH_OK, "token", "none: public repositories only");
		return false;
	}
	if (access(config->token_file, R_OK) < 0) {
		checkup_add(c, HEALTH_BROKEN, "token", "%s: %s; 'hf auth login' writes one, or name it with token_file=FILE", config->token_file,
			    strerror(errno));
		return false;
	}
	if (stat(config->token_file, &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
		checkup_add(c, HEALTH_NOTE, "token", "found in %s, which others may read: 'chmod go-r %s'", config->token_file, config->token_file);
	else
		checkup_add(c, HEALTH_OK, "token", "found in %s", config->token_file);
	return true;
}

/* --- the request --- */

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t came;
	bool is_there;
	struct hub_result res;
	struct hub_whoami who;
};

static void on_answer(void *ctx, const struct hub_result *res, const struct hub_whoami *who)
{
	struct answer *a = ctx;
	LOCK_SCOPE(&a->lock);

	a->res = *res;
	a->who = *who;
	a->is_there = true;
	pthread_cond_signal(&a->came);
}

static void look_for_pauses(void *ctx, hub_heard *heard, void *heard_ctx)
{
	const struct config *const *config = ctx;
	const char *const dirs[] = {(*config)->cache, (*config)->user_cache};

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
		struct pause_stamp stamp = {0};

		(void)pause_file_load(dirs[i], &stamp, heard, heard_ctx); /* without it the Hub says it */
	}
}

static void ask(struct hub *h, struct answer *a)
{
	hub_want_whoami(h, on_answer, a);
	LOCK_SCOPE(&a->lock);
	for (unsigned i = 0; i < ANSWER_LOOKS && !a->is_there && !hub_pause_left_ms(h); i++)
		(void)cond_wait_ms(&a->came, &a->lock, LOOK_MS); /* a pause is waited out by the call, and not by us */
}

static void check_clock(struct checkup *c, int64_t date_s)
{
	int64_t ahead = clock_wall_s() - date_s;
	char text[SAY_TIME_MAX];

	if (date_s == 0)
		return;
	if (ahead > SKEW_MAX_S || ahead < -SKEW_MAX_S)
		checkup_add(c, HEALTH_BROKEN, "clock", "it is %s %s the Hub's: certificates and signed addresses may seem to have ended; set it",
			    say_time((uint64_t)(ahead < 0 ? -ahead : ahead), text), ahead < 0 ? "behind" : "ahead of");
	else
		checkup_add(c, HEALTH_OK, "clock", "as the Hub's");
}

static void check_answer(struct checkup *c, const struct config *config, const struct answer *a, bool has_token, uint64_t pause_ms)
{
	const struct hub_result *res = &a->res;
	char text[SAY_TIME_MAX];

	if (pause_ms || res->status == 429)
		checkup_add(c, HEALTH_NOTE, "endpoint", "%s asked to be left alone: %s are left", config->endpoint, say_time(pause_ms / 1000 + 1, text));
	else if (res->r < 0 && (res->status == 0 || res->status >= 500 || res->r == -EBADMSG || res->r == -ECANCELED))
		checkup_add(c, HEALTH_BROKEN, "endpoint", "%s%s", res->r == -ECANCELED ? "it does not answer" : err_text(&res->err),
			    res->status ? "" : "; see whether the network is up, or needs a proxy (https_proxy)");
	else
		checkup_add(c, HEALTH_OK, "endpoint", "%s answers", config->endpoint);
	if (res->status)
		check_clock(c, a->who.date_s);
	if (!has_token || pause_ms || res->status == 0 || res->status >= 500)
		return;
	if (res->r == 0)
		checkup_add(c, HEALTH_OK, "token", "accepted: it is %s's%s%s", a->who.name, *a->who.role ? ", for: " : "", a->who.role);
	else if (res->status == 401)
		checkup_add(c, HEALTH_BROKEN, "token", "not accepted: it is wrong, revoked or expired; 'hf auth login' writes a new one");
	else
		checkup_add(c, HEALTH_NOTE, "token", "not known whether it is accepted: this endpoint does not say (HTTP %d)", res->status);
}

static void check_endpoint(struct checkup *c, const struct config *config, bool has_token)
{
	const struct hub_config hc = {.endpoint = config->endpoint,
				      .token = config->token,
				      .token_file = config->token_file,
				      .ca_file = config->ca_file,
				      .names_deadline_ms = NAMES_MS,
				      .share = {.look = look_for_pauses, .ctx = &config}};
	struct answer a = {.lock = PTHREAD_MUTEX_INITIALIZER};
	struct err err = {0};
	uint64_t pause_ms;
	struct hub *h;

	cond_init(&a.came);
	if (hub_open(&hc, &h, &err) < 0) {
		checkup_add(c, HEALTH_BROKEN, "endpoint", "%s", err_text(&err));
		return;
	}
	pause_ms = hub_pause_left_ms(h);
	if (!pause_ms) {
		ask(h, &a);
		pause_ms = hub_pause_left_ms(h);
	}
	hub_close(h); /* a request that is under way ends here, so the answer stands still after it */
	check_answer(c, config, &a, has_token, pause_ms);
}

void check_hub(struct checkup *c, const struct config *config)
{
	bool has_token;

	check_settings(c, config);
	has_token = check_token_here(c, config);
	if (!config->offline)
		check_endpoint(c, config, has_token);
}

// SPDX-License-Identifier: Apache-2.0
/* hffs run --serve: the life of the server. Signals are waited for; threads of connections do the rest. */
#include "api_int.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <hffs/clock.h>

#include "cli_int.h"

/* A model without a template that is known completes texts all the same. */
static void try_chat(struct runner *r)
{
	if (r->info->embeds || runner_open_chat(r, &r->chat_err) == 0)
		return;
	fprintf(stderr, "hffs run: no chat completions: %s\n", err_text(&r->chat_err));
}

static int wait_for_signal(const struct http_server *server)
{
	sigset_t set;
	int nr = 0;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (printf("%s\n", http_server_endpoint(server)) < 0 || fflush(stdout))
		return -EIO;
	(void)sigwait(&set, &nr); /* fails for wrong sets only */
	return 0;
}

/* Before there are other threads. */
static void block_signals(void)
{
	sigset_t set;

	(void)signal(SIGPIPE, SIG_IGN); /* fails for bad numbers only */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int serve(struct api *a, struct err *err)
{
	const struct http_handler handler = {.ctx = a, .answer = api_answer};
	struct http_server *server;
	int r = api_slots_new(a->r->model, a->r->args->context, &a->slots, err);

	if (r < 0)
		return r;
	r = http_server_open(a->r->args->serve, &handler, &server, err);
	if (r == 0) {
		r = wait_for_signal(server);
		if (r < 0)
			(void)err_set(err, r, "cannot write to standard output");
		api_slots_stop(a->slots);
		http_server_close(server);
	}
	api_slots_free(a->slots);
	return r;
}

int run_serve(struct runner *r)
{
	struct api a = {.r = r, .started_s = clock_wall_s(), .next_id = 1};
	struct err err = {0};
	int ret;

	block_signals();
	try_chat(r);
	runner_end_progress(r);
	ret = serve(&a, &err);
	if (ret == -EINVAL)
		return say_usage("run", "%s", err_text(&err));
	return ret < 0 ? say_failed("run", ret, &err) : EXIT_OK;
}

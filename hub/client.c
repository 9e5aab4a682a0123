// SPDX-License-Identifier: Apache-2.0
/* struct hub: what it is made of, its opening and closing, its numbers. */
#include "client_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/digest.h>
#include <hffs/log.h>
#include <hffs/tunables.h>
#include <hffs/url.h>

#include "redirect_int.h"

#define CONTENT_CONNECTIONS 32
#define NAMES_CONNECTIONS 16 /* beside those of content, so that listings never wait for files */

bool hub_call_begin(struct hub *h)
{
	LOCK_SCOPE(&h->lock);
	if (atomic_load(&h->closing))
		return false;
	h->nr_calls++;
	return true;
}

void hub_call_end(struct hub *h)
{
	LOCK_SCOPE(&h->lock);
	if (--h->nr_calls == 0)
		pthread_cond_broadcast(&h->idle);
}

void hub_defer(struct hub *h, void (*fn)(void *arg), void *arg)
{
	if (h->defer)
		h->defer(h->defer_ctx, fn, arg);
	else
		fn(arg);
}

struct http *hub_http(struct hub *h)
{
	return h->http;
}

const char *hub_endpoint(const struct hub *h)
{
	return h->endpoint;
}

void hub_identity(struct hub *h, const uint8_t salt[16], char out[17])
{
	uint64_t nr;
	AUTO_FREE char *token = token_copy(&h->token, &nr), *both = NULL;
	uint8_t mac[32];

	snprintf(out, 17, "0000000000000000");
	both = token ? str_printf("%s\n%s", h->endpoint, token) : NULL;
	if (both && digest_hmac_sha256(salt, 16, both, strlen(both), mac) == 0)
		hex_format(mac, 8, out);
}

bool hub_is_offline(const struct hub *h)
{
	return atomic_load(&h->offline);
}

void hub_set_offline(struct hub *h, bool offline)
{
	atomic_store(&h->offline, offline);
}

uint64_t hub_pause_left_ms(struct hub *h)
{
	uint64_t now = clock_mono_ms(), end = pauses_end(&h->pauses, h->endpoint);

	return end > now ? end - now : 0;
}

bool hub_is_paused(struct hub *h)
{
	return pauses_last_end(&h->pauses) > clock_mono_ms();
}

void hub_stats(struct hub *h, struct hub_stats *out)
{
	struct http_stats net;
	struct hub_stats s = {0};

	http_stats(h->http, &net);
	s.requests = net.requests;
	s.connections = net.connections;
	pthread_mutex_lock(&h->lock);
	s.bytes_fetched = h->bytes_fetched;
	s.bytes_per_s = meter_rate(&h->meter, clock_mono_ms());
	memcpy(s.faults, h->faults, sizeof(s.faults));
	memcpy(s.last_error, h->last_error, sizeof(s.last_error));
	s.last_error_s = h->last_error_s;
	pthread_mutex_unlock(&h->lock);
	*out = s;
}

/* --- opening and closing --- */

static void hub_free(struct hub *h)
{
	http_close(h->http);
	objects_close(h);
	notes_done(h);
	token_done(&h->token);
	pauses_done(&h->pauses);
	pthread_cond_destroy(&h->idle);
	pthread_mutex_destroy(&h->lock);
	free(h->endpoint);
	free(h->user_agent);
	free(h);
}
AUTO_DEFINE(struct hub *, hub_free)

static struct hub *hub_new(const struct hub_config *config)
{
	struct hub *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	pthread_mutex_init(&h->lock, NULL);
	cond_init(&h->idle);
	pauses_init(&h->pauses);
	pthread_mutex_init(&h->token.lock, NULL);
	h->names_deadline_ms = config->names_deadline_ms ? config->names_deadline_ms : NAMES_DEADLINE_MS;
	h->connections_max = config->connections_max ? config->connections_max : CONTENT_CONNECTIONS;
	h->names_connections = config->names_connections ? config->names_connections : NAMES_CONNECTIONS;
	h->defer = config->defer;
	h->defer_ctx = config->defer_ctx;
	h->share = config->share;
	atomic_store(&h->offline, config->offline);
	return h;
}

static uint64_t paused_until(void *arg, const char *url)
{
	struct hub *h = arg;

	return max_u64(pauses_end(&h->pauses, url), share_hold_until(h));
}

static int check_endpoint(struct hub *h, struct err *err)
{
	size_t len = strlen(h->endpoint);
	struct url u;

	while (len && h->endpoint[len - 1] == '/')
		h->endpoint[--len] = '\0';
	if (url_parse(h->endpoint, &u) < 0 || strpbrk(u.path, "?#"))
		return err_set(err, -EINVAL, "the endpoint '%s' is not an http or https address", h->endpoint);
	if (h->token.text && !token_may_go(h->endpoint, h->endpoint))
		log_warn("the token is not sent to %s, which is neither https nor this machine", h->endpoint);
	return 0;
}

int hub_open(const struct hub_config *config, struct hub **out, struct err *err)
{
	AUTO(hub_free) struct hub *h = hub_new(config);
	struct http_config net = {0};
	int r;

	if (!h)
		return -ENOMEM;
	h->endpoint = strdup(config->endpoint);
	h->user_agent = strdup(config->user_agent ? config->user_agent : "hffs/" HFFS_VERSION);
	if (!h->endpoint || !h->user_agent)
		return -ENOMEM;
	r = token_init(&h->token, config->token, config->token_file, err);
	if (r < 0)
		return r;
	r = check_endpoint(h, err);
	if (r < 0)
		return r;
	r = objects_open(h);
	if (r < 0)
		return r;
	share_look(h);
	net.user_agent = h->user_agent;
	net.ca_file = config->ca_file;
	net.paused_until = paused_until;
	net.paused_ctx = h;
	net.connections_max = h->connections_max + h->names_connections;
	r = http_open(&net, &h->http, err);
	if (r < 0)
		return r;
	*out = TAKE(h);
	return 0;
}

/* Requests end first; then what they left on deferred threads, which finds no net thread to ask again. */
void hub_close(struct hub *h)
{
	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	atomic_store(&h->closing, true);
	pthread_mutex_unlock(&h->lock);
	http_stop(h->http);
	pthread_mutex_lock(&h->lock);
	while (h->nr_calls)
		pthread_cond_wait(&h->idle, &h->lock);
	pthread_mutex_unlock(&h->lock);
	hub_free(h);
}

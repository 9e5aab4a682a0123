// SPDX-License-Identifier: Apache-2.0
/* The server as a whole: two listening sockets, the repositories, the key that signs. */
#include "serve_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/url.h>

static int set_cdn_url(struct serve *s, const char *text, struct err *err)
{
	struct url u;
	size_t len;

	if (!text)
		return 0;
	if (url_parse(text, &u) < 0 || (u.path[0] && strcmp(u.path, "/") != 0))
		return err_set(err, -EINVAL, "\"%s\" is not the URL of an origin; it looks like https://cdn.example.org", text);
	len = strlen(text) - strlen(u.path);
	s->cdn_url = strndup(text, len);
	return s->cdn_url ? 0 : -ENOMEM;
}

static void answer(void *ctx, struct serve_request *req, struct serve_response *resp)
{
	if (req->too_large)
		answer_error(req, resp, 413, NULL, "The request body is too large");
	else
		answer_request(ctx, req, resp);
}

/* Takes both sockets. */
static int open_servers(struct serve *s, int *hub_fd, int *cdn_fd, struct err *err)
{
	struct server_config config = {.listen_fd = take_fd(cdn_fd), .cdn = true, .handler = {.ctx = s, .answer = answer}, .hook = s->hook};
	int r = server_open(&config, &s->cdn, err);

	if (r < 0)
		return r;
	config.listen_fd = take_fd(hub_fd);
	config.cdn = false;
	return server_open(&config, &s->hub, err);
}

/* Both sockets are there before either serves: an answer of the one names the port of the other. */
static int open_sockets(struct serve *s, const struct serve_config *config, struct err *err)
{
	struct address hub, cdn;
	AUTO_FD int hub_fd = -1;
	AUTO_FD int cdn_fd = -1;
	unsigned port;
	int r = address_parse(config->listen, &hub, err);

	if (r < 0)
		return r;
	cdn = hub;
	memcpy(cdn.port, "0", 2);
	if (config->cdn_listen)
		r = address_parse(config->cdn_listen, &cdn, err);
	if (r < 0)
		return r;
	hub_fd = address_listen(&hub, err);
	if (hub_fd < 0)
		return hub_fd;
	cdn_fd = address_listen(&cdn, err);
	if (cdn_fd < 0)
		return cdn_fd;
	r = address_port(hub_fd, &port);
	if (r == 0)
		r = address_port(cdn_fd, &s->cdn_port);
	if (r < 0)
		return r;
	s->endpoint = address_endpoint(&hub, port);
	if (!s->endpoint)
		return -ENOMEM;
	return open_servers(s, &hub_fd, &cdn_fd, err);
}

int serve_open(const struct serve_config *config, struct serve **out, struct err *err)
{
	static const char pad[] = "hffs content origin";
	AUTO(serve_close) struct serve *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	s->hook = config->hook;
	s->url_ttl_s = config->url_ttl_s ? config->url_ttl_s : SERVE_URL_TTL_S;
	r = digest_random(s->key, sizeof(s->key));
	if (r == 0)
		r = digest_sha256(pad, sizeof(pad), s->pad);
	if (r < 0)
		return err_set(err, r, "no random bytes for the key that signs URLs");
	r = set_cdn_url(s, config->cdn_url, err);
	if (r == 0)
		r = repos_open(config->dir, config->source, config->state_dir, &s->repos, err);
	if (r == 0)
		r = open_sockets(s, config, err);
	if (r < 0)
		return r;
	*out = TAKE(s);
	return 0;
}

const char *serve_endpoint(const struct serve *s)
{
	return s->endpoint;
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	if (s->hook && s->hook->closing)
		s->hook->closing(s->hook->ctx);
	if (s->repos)
		repos_stop(s->repos);
	server_close(s->hub);
	server_close(s->cdn);
	repos_close(s->repos);
	free(s->endpoint);
	free(s->cdn_url);
	free(s);
}

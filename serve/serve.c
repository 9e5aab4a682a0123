// SPDX-License-Identifier: Apache-2.0
/* The server as a whole: two listening sockets, the repositories, the key that signs. */
#include "serve_int.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <hffs/digest.h>
#include <hffs/url.h>

#define BACKLOG 1024

/* "ADDR:PORT" or "[ADDR6]:PORT" taken apart. */
struct address {
	char host[256], port[8];
};

static int parse_address(const char *text, struct address *out, struct err *err)
{
	const char *colon = strrchr(text, ':'), *host = text;
	size_t len = colon ? (size_t)(colon - text) : 0;

	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		host++;
		len -= 2;
	}
	if (!colon || len == 0 || len >= sizeof(out->host) || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
	    strspn(colon + 1, "0123456789") != strlen(colon + 1) || strtoul(colon + 1, NULL, 10) > 65535)
		return err_set(err, -EINVAL, "\"%s\" is not an address to listen on; it looks like 127.0.0.1:8080", text);
	memcpy(out->host, host, len);
	out->host[len] = '\0';
	memcpy(out->port, colon + 1, strlen(colon + 1) + 1);
	return 0;
}

static int bind_address(const struct addrinfo *ai, const struct address *a, struct err *err)
{
	AUTO_FD int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	if (fd < 0)
		return err_set(err, -errno, "cannot make a socket: %s", strerror(errno));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* else a restart waits for old connections */
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0)
		return err_set(err, -errno, "cannot listen on %s port %s: %s", a->host, a->port, strerror(errno));
	return take_fd(&fd);
}

/* The listening socket, or -errno. */
static int listen_at(const struct address *a, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
	int r = getaddrinfo(a->host, a->port, &hints, &list);

	if (r)
		return err_set(err, -EADDRNOTAVAIL, "cannot listen on %s: %s", a->host, gai_strerror(r));
	r = bind_address(list, a, err);
	freeaddrinfo(list);
	return r;
}

static int find_port(int fd, unsigned *port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char text[8];

	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return -errno;
	if (getnameinfo((struct sockaddr *)&ss, len, NULL, 0, text, sizeof(text), NI_NUMERICSERV))
		return -EIO;
	*port = (unsigned)strtoul(text, NULL, 10);
	return 0;
}

static char *format_endpoint(const struct address *a, unsigned port)
{
	if (!strcmp(a->host, "0.0.0.0"))
		return str_printf("http://127.0.0.1:%u", port);
	if (!strcmp(a->host, "::"))
		return str_printf("http://[::1]:%u", port);
	return str_printf(strchr(a->host, ':') ? "http://[%s]:%u" : "http://%s:%u", a->host, port);
}

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

/* Both sockets are there before either serves: an answer of the one names the port of the other. */
static int open_sockets(struct serve *s, const struct serve_config *config, struct err *err)
{
	struct address hub, cdn;
	AUTO_FD int hub_fd = -1;
	AUTO_FD int cdn_fd = -1;
	unsigned port;
	int r = parse_address(config->listen, &hub, err);

	if (r < 0)
		return r;
	cdn = hub;
	memcpy(cdn.port, "0", 2);
	if (config->cdn_listen)
		r = parse_address(config->cdn_listen, &cdn, err);
	if (r < 0)
		return r;
	hub_fd = listen_at(&hub, err);
	if (hub_fd < 0)
		return hub_fd;
	cdn_fd = listen_at(&cdn, err);
	if (cdn_fd < 0)
		return cdn_fd;
	r = find_port(hub_fd, &port);
	if (r == 0)
		r = find_port(cdn_fd, &s->cdn_port);
	if (r < 0)
		return r;
	s->endpoint = format_endpoint(&hub, port);
	if (!s->endpoint)
		return -ENOMEM;
	r = server_open(s, take_fd(&cdn_fd), true, &s->cdn, err);
	return r < 0 ? r : server_open(s, take_fd(&hub_fd), false, &s->hub, err);
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

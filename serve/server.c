// SPDX-License-Identifier: Apache-2.0
/* A server for whoever brings a handler: one socket, no hook. */
#include <errno.h>

#include "serve_int.h"

struct http_server {
	char *endpoint;
	struct http *http;
};

/* Takes the socket. */
static int start(struct http_server *s, int fd, const struct address *a, const struct http_handler *handler, struct err *err)
{
	struct server_config config = {.listen_fd = fd, .handler = *handler};
	unsigned port;
	int r = address_port(fd, &port);

	s->endpoint = r == 0 ? address_endpoint(a, port) : NULL;
	if (!s->endpoint) {
		(void)close(fd); /* nobody has connected */
		return err_set(err, r < 0 ? r : -ENOMEM, "cannot listen on %s", a->host);
	}
	return server_open(&config, &s->http, err);
}

int http_server_open(const char *listen, const struct http_handler *handler, struct http_server **out, struct err *err)
{
	AUTO(http_server_close) struct http_server *s = calloc(1, sizeof(*s));
	struct address a;
	int fd, r;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	r = address_parse(listen, &a, err);
	if (r < 0)
		return r;
	fd = address_listen(&a, err);
	if (fd < 0)
		return fd;
	r = start(s, fd, &a, handler, err);
	if (r < 0)
		return r;
	*out = TAKE(s);
	return 0;
}

const char *http_server_endpoint(const struct http_server *s)
{
	return s->endpoint;
}

void http_server_close(struct http_server *s)
{
	if (!s)
		return;
	server_close(s->http);
	free(s->endpoint);
	free(s);
}

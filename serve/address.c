// SPDX-License-Identifier: Apache-2.0
/* Where a server listens. */
#include "address_int.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

#include <hffs/buf.h>

#define BACKLOG 1024

int address_parse(const char *text, struct address *out, struct err *err)
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

int address_listen(const struct address *a, struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *list = NULL;
	int r = getaddrinfo(a->host, a->port, &hints, &list);

	if (r)
		return err_set(err, -EADDRNOTAVAIL, "cannot listen on %s: %s", a->host, gai_strerror(r));
	r = bind_address(list, a, err);
	freeaddrinfo(list);
	return r;
}

int address_port(int fd, unsigned *port)
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

char *address_endpoint(const struct address *a, unsigned port)
{
	if (!strcmp(a->host, "0.0.0.0"))
		return str_printf("http://127.0.0.1:%u", port);
	if (!strcmp(a->host, "::"))
		return str_printf("http://[::1]:%u", port);
	return str_printf(strchr(a->host, ':') ? "http://[%s]:%u" : "http://%s:%u", a->host, port);
}

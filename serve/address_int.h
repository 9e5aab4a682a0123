/* SPDX-License-Identifier: Apache-2.0 */
/* "ADDR:PORT" or "[ADDR6]:PORT", and the socket that listens there. */
#ifndef HFFS_ADDRESS_INT_H
#define HFFS_ADDRESS_INT_H

#include <hffs/err.h>

struct address {
	char host[256], port[8];
};

/* -EINVAL with a sentence. */
int address_parse(const char *text, struct address *out, struct err *err);
/* The listening socket, or -errno with a sentence. */
int address_listen(const struct address *a, struct err *err);
/* The port that a socket got. 0 or -errno. */
int address_port(int fd, unsigned *port);
/* "http://host:port", caller frees; NULL when out of memory. A server on all addresses names the loopback one. */
char *address_endpoint(const struct address *a, unsigned port);

#endif

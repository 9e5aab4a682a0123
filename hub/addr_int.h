/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses belong to the public internet. Pure. */
#ifndef HFFS_HUB_ADDR_INT_H
#define HFFS_HUB_ADDR_INT_H

#include <stdbool.h>
#include <sys/socket.h>

/* Private, loopback, link-local, shared, multicast, reserved; any family but IPv4 and IPv6 too. */
bool addr_is_private(const struct sockaddr *sa);
unsigned addr_port(const struct sockaddr *sa); /* 0 of other families */
/* A numeric address as text, which a public host answered from; "" and what is no address are not public. */
bool addr_is_public_text(const char *ip);
/* "localhost", 127.0.0.0/8 or ::1, as url_parse() gives a host. */
bool host_is_loopback(const char *host);
/* A host that tells by itself that it is private: "localhost", or an address in any of the spellings that resolvers take. */
bool host_is_private(const char *host);

#endif

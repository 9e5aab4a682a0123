// SPDX-License-Identifier: Apache-2.0
/* Which addresses belong to the public internet. [IANA special-purpose address registries, RFC 6890, 2026-08] */
#include "addr_int.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include <hffs/auto.h>

static bool is_private_v4(uint32_t a)
{
	static const struct {
		uint32_t net;
		unsigned bits;
	} nets[] = {
		{0x00000000, 8},  /* this network */
		{0x0a000000, 8},  /* private */
		{0x64400000, 10}, /* shared by carriers */
		{0x7f000000, 8},  /* loopback */
		{0xa9fe0000, 16}, /* link-local: metadata services of clouds */
		{0xac100000, 12}, /* private */
		{0xc0000000, 24}, /* protocol assignments */
		{0xc0a80000, 16}, /* private */
		{0xc6120000, 15}, /* benchmarks */
		{0xe0000000, 3},  /* multicast, reserved, broadcast */
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if ((a ^ nets[i].net) >> (32 - nets[i].bits) == 0)
			return true;
	return false;
}

static bool is_private_v6(const struct in6_addr *a)
{
	static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
	uint32_t v4;

	memcpy(&v4, a->s6_addr + 12, 4);
	if (IN6_IS_ADDR_V4MAPPED(a) || !memcmp(a->s6_addr, nat64, sizeof(nat64)))
		return is_private_v4(ntohl(v4));
	return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_LINKLOCAL(a) || IN6_IS_ADDR_SITELOCAL(a) ||
	       IN6_IS_ADDR_MULTICAST(a) || IN6_IS_ADDR_V4COMPAT(a) || (a->s6_addr[0] & 0xfe) == 0xfc;
}

bool addr_is_private(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return is_private_v4(ntohl(((const struct sockaddr_in *)(const void *)sa)->sin_addr.s_addr));
	if (sa->sa_family == AF_INET6)
		return is_private_v6(&((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr);
	return true;
}

unsigned addr_port(const struct sockaddr *sa)
{
	if (sa->sa_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)(const void *)sa)->sin_port);
	if (sa->sa_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)(const void *)sa)->sin6_port);
	return 0;
}

bool addr_is_public_text(const char *ip)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, ip, &v4) == 1)
		return !is_private_v4(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, ip, &v6) == 1)
		return !is_private_v6(&v6);
	return false;
}

bool host_is_loopback(const char *host)
{
	struct in_addr v4;

	if (!strcmp(host, "localhost") || !strcmp(host, "::1"))
		return true;
	return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool host_is_private(const char *host)
{
	size_t len = strlen(host);
	struct in_addr v4;
	struct in6_addr v6;

	if (!strcmp(host, "localhost") || (len > 10 && !strcmp(host + len - 10, ".localhost")))
		return true;
	if (inet_aton(host, &v4)) /* also 127.1, 0x7f000001 and the like, as resolvers do */
		return is_private_v4(ntohl(v4.s_addr));
	return inet_pton(AF_INET6, host, &v6) == 1 && is_private_v6(&v6);
}

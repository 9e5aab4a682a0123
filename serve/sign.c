// SPDX-License-Identifier: Apache-2.0
/*
 * Signed URLs of the content origin. Content is named there by its SHA-256 under a constant mask: a name that no client can take
 * for the digest, as on the Hub, where it is the Xet hash. The signature covers path and expiry.
 */
#include "serve_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/digest.h>

static void apply_pad(const struct serve *s, const uint8_t in[32], uint8_t out[32])
{
	for (size_t i = 0; i < 32; i++)
		out[i] = in[i] ^ s->pad[i];
}

static int make_signature(const struct serve *s, const char *db_id, const char *hash, uint64_t expires, char out[65])
{
	AUTO_FREE char *text = str_printf("/cdn/%s/%s\n%" PRIu64, db_id, hash, expires);
	uint8_t mac[32];
	int r;

	if (!text)
		return -ENOMEM;
	r = digest_hmac_sha256(s->key, sizeof(s->key), text, strlen(text), mac);
	if (r < 0)
		return r;
	hex_format(mac, sizeof(mac), out);
	return 0;
}

void sign_url(const struct serve *s, const char *db_id, const uint8_t sha256[32], struct buf *b)
{
	uint64_t expires = (uint64_t)clock_wall_s() + s->url_ttl_s;
	char hash[65], signature[65];
	uint8_t masked[32];

	apply_pad(s, sha256, masked);
	hex_format(masked, 32, hash);
	if (make_signature(s, db_id, hash, expires, signature) < 0) {
		b->failed = 1;
		return;
	}
	buf_addf(b, "/cdn/%s/%s?Expires=%" PRIu64 "&Signature=%s", db_id, hash, expires, signature);
}

int sign_check(const struct serve *s, const struct route *route, uint8_t sha256[32])
{
	uint64_t expires = query_u64(route->query, "Expires", 0);
	char expected[65], given[128];
	uint8_t masked[32];

	if (!query_get(route->query, "Signature", given, sizeof(given)) || strlen(given) != 64 ||
	    make_signature(s, route->id, route->rev, expires, expected) < 0 || !digest_equal_ct(given, expected, 64))
		return -EACCES;
	if ((uint64_t)clock_wall_s() >= expires)
		return -ETIMEDOUT;
	if (strlen(route->rev) != 64 || hex_parse(route->rev, 64, masked) < 0)
		return -EACCES;
	apply_pad(s, masked, sha256);
	return 0;
}

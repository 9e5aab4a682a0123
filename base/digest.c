// SPDX-License-Identifier: Apache-2.0
/* Digests. The only user of OpenSSL and of xxHash. */
#include <hffs/digest.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#ifdef HFFS_XXHASH_DISPATCH
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

struct digest {
	EVP_MD_CTX *md;
	enum blob_algo algo;
};

uint64_t digest_hash64(const void *bytes, size_t len, uint64_t seed)
{
	return XXH3_64bits_withSeed(bytes, len, seed);
}

static struct chunk_digest from_hash(XXH128_hash_t hash)
{
	XXH128_canonical_t canonical;
	struct chunk_digest d;

	XXH128_canonicalFromHash(&canonical, hash);
	memcpy(d.bytes, canonical.digest, sizeof(d.bytes));
	return d;
}

struct chunk_digest digest_chunk(const void *bytes, size_t len, uint64_t seed)
{
	return from_hash(XXH3_128bits_withSeed(bytes, len, seed));
}

struct chunk_hash *chunk_hash_new(void)
{
	return (struct chunk_hash *)XXH3_createState(); /* aligned as its vectors need it */
}

void chunk_hash_begin(struct chunk_hash *h, uint64_t seed)
{
	(void)XXH3_128bits_reset_withSeed((XXH3_state_t *)h, seed); /* fails for NULL alone, as do the next */
}

void chunk_hash_update(struct chunk_hash *h, const void *bytes, size_t len)
{
	(void)XXH3_128bits_update((XXH3_state_t *)h, bytes, len);
}

struct chunk_digest chunk_hash_final(const struct chunk_hash *h)
{
	return from_hash(XXH3_128bits_digest((const XXH3_state_t *)h));
}

void chunk_hash_free(struct chunk_hash *h)
{
	(void)XXH3_freeState((XXH3_state_t *)h);
}

size_t blob_id_len(const struct blob_id *id)
{
	return id->algo == BLOB_SHA256 ? 32 : id->algo == BLOB_SHA1_GIT ? 20 : 0;
}

bool blob_id_equal(const struct blob_id *a, const struct blob_id *b)
{
	return !memcmp(a, b, sizeof(*a));
}

int blob_id_parse(const char *hex, struct blob_id *out)
{
	struct blob_id id = {0};
	size_t len = strnlen(hex, BLOB_ID_HEX_MAX);

	if (len != 40 && len != 64)
		return -EINVAL;
	if (strspn(hex, "0123456789abcdef") != len)
		return -EINVAL;
	id.algo = len == 40 ? BLOB_SHA1_GIT : BLOB_SHA256;
	(void)hex_parse(hex, len, id.bytes); /* only hex digits, checked above */
	*out = id;
	return 0;
}

void blob_id_format(const struct blob_id *id, char out[BLOB_ID_HEX_MAX])
{
	hex_format(id->bytes, blob_id_len(id), out);
}

struct digest *digest_new(enum blob_algo algo, uint64_t size)
{
	AUTO(digest_free) struct digest *d = calloc(1, sizeof(*d));
	char header[40];
	int n = snprintf(header, sizeof(header), "blob %llu", (unsigned long long)size) + 1;

	if (!d)
		return NULL;
	d->algo = algo;
	d->md = EVP_MD_CTX_new();
	if (!d->md || !EVP_DigestInit_ex(d->md, algo == BLOB_SHA256 ? EVP_sha256() : EVP_sha1(), NULL))
		return NULL;
	if (algo == BLOB_SHA1_GIT && digest_update(d, header, (size_t)n) < 0)
		return NULL;
	return TAKE(d);
}

int digest_update(struct digest *d, const void *bytes, size_t len)
{
	return EVP_DigestUpdate(d->md, bytes, len) ? 0 : -EIO;
}

int digest_final(struct digest *d, struct blob_id *out)
{
	struct blob_id id = {.algo = (uint8_t)d->algo};

	if (!EVP_DigestFinal_ex(d->md, id.bytes, NULL))
		return -EIO;
	*out = id;
	return 0;
}

struct digest *digest_copy(const struct digest *d)
{
	AUTO(digest_free) struct digest *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->algo = d->algo;
	copy->md = EVP_MD_CTX_new();
	if (!copy->md || !EVP_MD_CTX_copy_ex(copy->md, d->md))
		return NULL;
	return TAKE(copy);
}

void digest_free(struct digest *d)
{
	if (!d)
		return;
	EVP_MD_CTX_free(d->md);
	free(d);
}

int digest_sha256(const void *bytes, size_t len, uint8_t out[32])
{
	return EVP_Digest(bytes, len, out, NULL, EVP_sha256(), NULL) ? 0 : -EIO;
}

int digest_sha1(const void *bytes, size_t len, uint8_t out[20])
{
	return EVP_Digest(bytes, len, out, NULL, EVP_sha1(), NULL) ? 0 : -EIO;
}

int digest_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[32])
{
	return HMAC(EVP_sha256(), key, (int)key_len, bytes, len, out, NULL) ? 0 : -EIO;
}

int digest_random(void *out, size_t len)
{
	return RAND_bytes(out, (int)len) == 1 ? 0 : -EIO;
}

bool digest_equal_ct(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void hex_format(const uint8_t *bytes, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int hex_parse(const char *hex, size_t len, uint8_t *out)
{
	if (len % 2)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (hex_digit(hex[i]) < 0)
			return -EINVAL;
	for (size_t i = 0; i < len; i += 2)
		out[i / 2] = (uint8_t)(hex_digit(hex[i]) << 4 | hex_digit(hex[i + 1]));
	return 0;
}

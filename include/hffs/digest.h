/* SPDX-License-Identifier: Apache-2.0 */
/* Digests: XXH3 for chunks and tables, SHA-256 and git object ids for blobs, HMAC for signed URLs. */
#ifndef HFFS_DIGEST_H
#define HFFS_DIGEST_H

#include <stdbool.h>

#include <hffs/auto.h>

uint64_t digest_hash64(const void *bytes, size_t len, uint64_t seed); /* XXH3-64: tables and inode numbers, never proof */

struct chunk_digest {
	uint8_t bytes[16]; /* XXH3-128, canonical (big-endian) */
};
struct chunk_digest digest_chunk(const void *bytes, size_t len, uint64_t seed);

/* The same of bytes as they come, for one chunk after another. chunk_hash_new() gives NULL when out of memory. */
struct chunk_hash;
struct chunk_hash *chunk_hash_new(void);
void chunk_hash_begin(struct chunk_hash *h, uint64_t seed); /* the next chunk */
void chunk_hash_update(struct chunk_hash *h, const void *bytes, size_t len);
struct chunk_digest chunk_hash_final(const struct chunk_hash *h);
void chunk_hash_free(struct chunk_hash *h); /* NULL is fine */
AUTO_DEFINE(struct chunk_hash *, chunk_hash_free)

enum blob_algo {
	BLOB_SHA1_GIT = 1, /* git object id: SHA-1 of "blob <size>\0" and the content. 20 bytes. */
	BLOB_SHA256 = 2,   /* SHA-256 of the content: LFS. 32 bytes. */
};

/* What names a blob; unused bytes are zero, so the struct compares and hashes whole (33 bytes, no padding). */
struct blob_id {
	uint8_t algo; /* enum blob_algo; 0: none */
	uint8_t bytes[32];
};

#define BLOB_ID_HEX_MAX 65
size_t blob_id_len(const struct blob_id *id); /* 20, 32 or 0 */
bool blob_id_equal(const struct blob_id *a, const struct blob_id *b);
/* 40 or 64 lowercase hex digits to an id; -EINVAL for anything else (the Hub masks digests with asterisks). */
int blob_id_parse(const char *hex, struct blob_id *out);
void blob_id_format(const struct blob_id *id, char out[BLOB_ID_HEX_MAX]);

/* Whole-blob digest in progress. digest_new() gives NULL when out of memory. size: of the blob, in bytes (git ids need it first). */
struct digest;
struct digest *digest_new(enum blob_algo algo, uint64_t size);
int digest_update(struct digest *d, const void *bytes, size_t len); /* 0 or -EIO */
int digest_final(struct digest *d, struct blob_id *out);            /* 0 or -EIO; then only digest_free() */
/* An independent copy of the state so far; NULL when out of memory. */
struct digest *digest_copy(const struct digest *d);
void digest_free(struct digest *d);
AUTO_DEFINE(struct digest *, digest_free)

/* One call over bytes at hand. */
int digest_sha256(const void *bytes, size_t len, uint8_t out[32]);
int digest_sha1(const void *bytes, size_t len, uint8_t out[20]);
int digest_hmac_sha256(const void *key, size_t key_len, const void *bytes, size_t len, uint8_t out[32]);
/* Cryptographic random bytes; 0 or -EIO. */
int digest_random(void *out, size_t len);
/* Equal, in time that does not depend on where they differ. */
bool digest_equal_ct(const void *a, const void *b, size_t len);

void hex_format(const uint8_t *bytes, size_t len, char *out); /* out: 2 * len + 1 bytes */
int hex_parse(const char *hex, size_t len, uint8_t *out);     /* len hex digits, even, lowercase or not; 0 or -EINVAL */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Model files in the making, and parsing them so that a byte read too far is seen. */
#ifndef HFFS_TESTS_FORMAT_BYTES_H
#define HFFS_TESTS_FORMAT_BYTES_H

#include <errno.h>
#include <string.h>

#include <hffs/buf.h>
#include <hffs/format.h>

static inline __attribute__((unused)) void put(struct buf *b, uint64_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		buf_addc(b, i < 8 ? (char)(value >> 8 * i) : 0);
}

static inline __attribute__((unused)) void put_text(struct buf *b, const char *text)
{
	put(b, strlen(text), 8);
	buf_adds(b, text);
}

/* A safetensors file with this header and so many bytes of data. */
static inline __attribute__((unused)) void put_safetensors(struct buf *b, const char *header, size_t data)
{
	put_text(b, header);
	for (size_t i = 0; i < data; i++)
		buf_addc(b, 'd');
}

/* The first len bytes, in memory that ends there. */
static inline __attribute__((unused)) int parse_prefix(const struct buf *file, size_t len, uint64_t file_size,
						       struct tensor_table **out, uint64_t *need, struct err *err)
{
	AUTO_FREE char *copy = malloc(len + !len);

	if (len)
		memcpy(copy, file->data, len);
	return tensor_table_parse(copy, len, file_size, FORMAT_HEADER_MAX, out, need, err);
}

/* As a reader does it who has nothing at first: asks for more until it is enough. */
static inline __attribute__((unused)) int parse_file(const struct buf *file, struct tensor_table **out, unsigned *steps, struct err *err)
{
	uint64_t have = 0, need = 0;
	int r;

	for (*steps = 0; (r = parse_prefix(file, have, file->len, out, &need, err)) == -EAGAIN; ++*steps) {
		if (need <= have || need > file->len)
			return -EINVAL;
		have = need;
	}
	return r;
}

#endif

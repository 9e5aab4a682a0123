/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of the benchmark contain, so that whoever reads one can tell each byte without the original: pieces of a format,
 * kept in a file of their own, and around them words that follow from the file's seed and their place. The file of pieces has for
 * each of them its place and length, 8 bytes little-endian each, and its bytes; they are in the order of their places.
 */
#ifndef BENCH_CONTENT_H
#define BENCH_CONTENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE_SIZE 4096u

struct piece {
	uint64_t off, end;
	const unsigned char *bytes;
};

struct content {
	uint64_t seed;
	unsigned char *packed; /* the file of pieces; owned, NULL if there are none */
	struct piece *pieces;  /* owned */
	size_t nr_pieces;
};

/* pieces: path of the file with the pieces, or "-". 0 or -errno. */
int content_init(struct content *c, uint64_t seed, const char *pieces);

/* The page with number idx, as if the file had no end. out: PAGE_SIZE bytes, aligned to 8. */
void content_page(const struct content *c, uint64_t idx, void *out);

/* Bytes [off, off + len) of a file are at p, which is as far from a multiple of 8 as off. Returns how many pages have a wrong byte. */
uint64_t content_check(const struct content *c, const unsigned char *p, uint64_t off, size_t len);

#endif

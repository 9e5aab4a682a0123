// SPDX-License-Identifier: Apache-2.0
/*
 * Word i of page n is mix(seed, n) + i * STEP. That takes no table, can be compared as fast as memory is read, and no two pages
 * of any two files are alike.
 */
#include "content.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WORDS (PAGE_SIZE / sizeof(uint64_t))
#define STEP UINT64_C(0x9e3779b97f4a7c15)

/* splitmix64: https://prng.di.unimi.it/splitmix64.c */
static uint64_t mix(uint64_t seed, uint64_t idx)
{
	uint64_t z = seed * UINT64_C(0xd1342543de82ef95) + idx * STEP;

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static int read_all(int fd, unsigned char *out, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t n = read(fd, out + have, len - have);

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		have += (size_t)n;
	}
	return 0;
}

static uint64_t get64(const unsigned char *p)
{
	uint64_t n = 0;

	for (unsigned i = 8; i-- > 0;)
		n = n << 8 | p[i];
	return n;
}

static int unpack(struct content *c, size_t len)
{
	uint64_t end = 0;

	for (size_t at = 0; at < len;) {
		struct piece *more = reallocarray(c->pieces, c->nr_pieces + 1, sizeof(*more));
		uint64_t off, n;

		if (!more)
			return -ENOMEM;
		c->pieces = more;
		if (len - at < 16)
			return -EINVAL;
		off = get64(c->packed + at);
		n = get64(c->packed + at + 8);
		at += 16;
		if (off < end || n > len - at)
			return -EINVAL;
		end = off + n;
		c->pieces[c->nr_pieces++] = (struct piece){off, end, c->packed + at};
		at += n;
	}
	return 0;
}

int content_init(struct content *c, uint64_t seed, const char *pieces)
{
	struct stat st;
	int fd, r;

	*c = (struct content){.seed = seed};
	if (!strcmp(pieces, "-"))
		return 0;
	fd = open(pieces, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	if (r == 0) {
		c->packed = malloc((size_t)st.st_size + 1);
		r = c->packed ? read_all(fd, c->packed, (size_t)st.st_size) : -ENOMEM;
	}
	(void)close(fd); /* opened for reading */
	return r == 0 ? unpack(c, (size_t)st.st_size) : r;
}

/* The first piece that ends behind off; nr_pieces if there is none. */
static size_t find_piece(const struct content *c, uint64_t off)
{
	size_t low = 0, high = c->nr_pieces;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (c->pieces[middle].end > off)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool has_piece(const struct content *c, uint64_t off, size_t len)
{
	size_t i = find_piece(c, off);

	return i < c->nr_pieces && c->pieces[i].off < off + len;
}

void content_page(const struct content *c, uint64_t idx, void *out)
{
	uint64_t first = mix(c->seed, idx), *words = out;
	uint64_t off = idx * PAGE_SIZE, end = off + PAGE_SIZE;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = first + i * STEP;
	for (size_t i = find_piece(c, off); i < c->nr_pieces && c->pieces[i].off < end; i++) {
		const struct piece *p = &c->pieces[i];
		uint64_t from = p->off > off ? p->off : off, to = p->end < end ? p->end : end;

		memcpy((unsigned char *)out + (from - off), p->bytes + (from - p->off), (size_t)(to - from));
	}
}

static bool is_right(const uint64_t *words, uint64_t first)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < WORDS; i++)
		wrong |= words[i] ^ (first + i * STEP);
	return wrong == 0;
}

/* Part of a page, or one with bytes of a piece in it. */
static bool is_part_right(const struct content *c, const unsigned char *p, uint64_t off, size_t len)
{
	uint64_t page[WORDS];

	content_page(c, off / PAGE_SIZE, page);
	return memcmp(p, (const unsigned char *)page + off % PAGE_SIZE, len) == 0;
}

uint64_t content_check(const struct content *c, const unsigned char *p, uint64_t off, size_t len)
{
	uint64_t wrong = 0, end = off + len;

	while (off < end) {
		uint64_t stop = (off / PAGE_SIZE + 1) * PAGE_SIZE;
		size_t n = (size_t)((stop < end ? stop : end) - off);
		bool right;

		if (n == PAGE_SIZE && !has_piece(c, off, n))
			right = is_right((const uint64_t *)(const void *)p, mix(c->seed, off / PAGE_SIZE));
		else
			right = is_part_right(c, p, off, n);
		wrong += !right;
		p += n;
		off += n;
	}
	return wrong;
}

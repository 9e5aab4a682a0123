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

int content_init(struct content *c, uint64_t seed, const char *header)
{
	struct stat st;
	int fd, r;

	*c = (struct content){.seed = seed};
	if (!strcmp(header, "-"))
		return 0;
	fd = open(header, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = fstat(fd, &st) < 0 ? -errno : 0;
	c->header_len = r < 0 ? 0 : (size_t)st.st_size;
	c->header = malloc(c->header_len + 1);
	if (r == 0)
		r = c->header ? read_all(fd, c->header, c->header_len) : -ENOMEM;
	(void)close(fd); /* opened for reading */
	return r;
}

void content_page(const struct content *c, uint64_t idx, void *out)
{
	uint64_t first = mix(c->seed, idx), *words = out;
	uint64_t off = idx * PAGE_SIZE;

	for (size_t i = 0; i < WORDS; i++)
		words[i] = first + i * STEP;
	if (off < c->header_len) {
		size_t left = c->header_len - (size_t)off;

		memcpy(out, c->header + off, left < PAGE_SIZE ? left : PAGE_SIZE);
	}
}

static bool is_right(const uint64_t *words, uint64_t first)
{
	uint64_t wrong = 0;

	for (size_t i = 0; i < WORDS; i++)
		wrong |= words[i] ^ (first + i * STEP);
	return wrong == 0;
}

/* Part of a page, or one with header bytes in it. */
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

		if (n == PAGE_SIZE && off >= c->header_len)
			right = is_right((const uint64_t *)(const void *)p, mix(c->seed, off / PAGE_SIZE));
		else
			right = is_part_right(c, p, off, n);
		wrong += !right;
		p += n;
		off += n;
	}
	return wrong;
}

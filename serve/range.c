// SPDX-License-Identifier: Apache-2.0
/* The Range header, one range of bytes. Pure. */
#include "route_int.h"

#include <string.h>
#include <strings.h>

/* Digits at *s; false if there are none or the number does not fit. */
static bool take_number(const char **s, uint64_t *out)
{
	uint64_t n = 0;
	const char *c = *s;

	for (; *c >= '0' && *c <= '9'; c++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, (uint64_t)(*c - '0'), &n))
			return false;
	if (c == *s)
		return false;
	*s = c;
	*out = n;
	return true;
}

static enum range_kind parse_suffix(const char *s, uint64_t size, uint64_t *off, uint64_t *len)
{
	uint64_t n;

	s++;
	if (!take_number(&s, &n) || *s)
		return RANGE_WHOLE;
	if (n == 0 || size == 0)
		return RANGE_BEYOND;
	*len = min_u64(n, size);
	*off = size - *len;
	return RANGE_PART;
}

enum range_kind range_parse(const char *value, uint64_t size, uint64_t *off, uint64_t *len)
{
	uint64_t first, last = UINT64_MAX;
	const char *s = value;

	if (!s || strncasecmp(s, "bytes=", 6) != 0)
		return RANGE_WHOLE;
	s += 6;
	s += strspn(s, " \t");
	if (*s == '-')
		return parse_suffix(s, size, off, len);
	if (!take_number(&s, &first) || *s++ != '-')
		return RANGE_WHOLE;
	if (*s && (!take_number(&s, &last) || *s || last < first))
		return RANGE_WHOLE;
	if (first >= size)
		return RANGE_BEYOND;
	*off = first;
	*len = min_u64(last, size - 1) - first + 1;
	return RANGE_PART;
}

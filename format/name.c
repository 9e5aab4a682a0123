// SPDX-License-Identifier: Apache-2.0
/* The natural order of names: digits count as numbers, so that layers.2 comes before layers.10. */
#include <hffs/format.h>

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Two runs of digits by value, however long; both move behind them. */
static int compare_numbers(const char **a, const char **b)
{
	size_t na, nb;
	int r;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	na = strspn(*a, "0123456789");
	nb = strspn(*b, "0123456789");
	r = na == nb ? memcmp(*a, *b, na) : na < nb ? -1 : 1;
	*a += na;
	*b += nb;
	return r;
}

int tensor_name_compare(const char *a, const char *b)
{
	const char *p = a, *q = b;

	while (*p && *q) {
		int r = is_digit(*p) && is_digit(*q) ? compare_numbers(&p, &q) : (unsigned char)*p++ - (unsigned char)*q++;

		if (r)
			return r;
	}
	if (*p || *q)
		return *p ? 1 : -1;
	return strcmp(a, b); /* 07 and 7 */
}

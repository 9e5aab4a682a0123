// SPDX-License-Identifier: Apache-2.0
/* Values of a query or of an application/x-www-form-urlencoded body. Pure. */
#include <string.h>

#include <hffs/serve_http.h>
#include <hffs/url.h>

/* Decodes a name or value: '+' is a blank, then %XX. It must fit undecoded; decoding in place only ever moves bytes down. */
static bool form_decode(const char *text, size_t len, char *out, size_t size)
{
	if (len >= size)
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = text[i] == '+' ? ' ' : text[i];
	out[len] = '\0';
	return len == 0 || url_decode(out, len, out, size) >= 0;
}

bool query_next(const char **query, char *name, size_t name_size, char *value, size_t value_size)
{
	while (**query) {
		const char *q = *query;
		size_t len = strcspn(q, "&"), name_len = strcspn(q, "=&");
		size_t skip = name_len < len ? name_len + 1 : name_len;

		*query += len + (q[len] == '&');
		if (len && form_decode(q, name_len, name, name_size) && form_decode(q + skip, len - skip, value, value_size))
			return true;
	}
	return false;
}

bool query_get(const char *query, const char *name, char *out, size_t size)
{
	char key[256];

	while (query_next(&query, key, sizeof(key), out, size))
		if (!strcmp(key, name))
			return true;
	return false;
}

bool query_is_true(const char *query, const char *name)
{
	char value[512];

	return query_get(query, name, value, sizeof(value)) &&
	       (!strcmp(value, "true") || !strcmp(value, "True") || !strcmp(value, "1"));
}

uint64_t query_u64(const char *query, const char *name, uint64_t otherwise)
{
	char value[512], *end;
	unsigned long long n;

	if (!query_get(query, name, value, sizeof(value)) || value[0] < '0' || value[0] > '9')
		return otherwise;
	n = strtoull(value, &end, 10);
	return *end ? otherwise : n;
}

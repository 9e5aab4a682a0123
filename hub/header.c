// SPDX-License-Identifier: Apache-2.0
/* The Hub's response headers, and what the query of a signed address says about its life. Pure. */
#include "parse_int.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define WAIT_MAX_S 3600
#define LOCATION_TTL_MS (50ull * 60 * 1000)       /* of an address that names no end */
#define LOCATION_TTL_MAX_MS (24ull * 3600 * 1000) /* clocks jump */
#define LOCATION_MARGIN_MS (60ull * 1000)

/* Digits at *p into *out; *p moves behind them. -EINVAL if there are none or too many. */
static int take_u64(const char **p, uint64_t *out)
{
	uint64_t n = 0;
	const char *s = *p;

	if (!isdigit((unsigned char)*s))
		return -EINVAL;
	for (; isdigit((unsigned char)*s); s++) {
		if (n > (uint64_t)INT64_MAX / 10 - 1)
			return -EINVAL;
		n = n * 10 + (uint64_t)(*s - '0');
	}
	*p = s;
	*out = n;
	return 0;
}

int parse_u64(const char *text, uint64_t *out)
{
	uint64_t n;

	if (take_u64(&text, &n) < 0 || *text)
		return -EINVAL;
	*out = n;
	return 0;
}

/* --- Link --- */

static const char *skip_blanks(const char *p)
{
	return p + strspn(p, " \t");
}

/* One value of a parameter, quoted or not, to [*value, *value + *len); returns what is behind it, NULL if malformed. */
static const char *take_value(const char *p, const char **value, size_t *len)
{
	if (*p == '"') {
		const char *end = strchr(++p, '"');

		*value = p;
		*len = end ? (size_t)(end - p) : 0;
		return end ? end + 1 : NULL;
	}
	*value = p;
	*len = strcspn(p, ";, \t");
	return p + *len;
}

/* rel may hold several words. */
static bool has_word(const char *text, size_t len, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= len; i++)
		if (!strncasecmp(text + i, word, n) && (i == 0 || text[i - 1] == ' ') && (i + n == len || text[i + n] == ' '))
			return true;
	return false;
}

/* The parameters behind a link's ">"; returns what is behind them, at ',' or the end; NULL if malformed. */
static const char *take_params(const char *p, bool *is_next)
{
	*is_next = false;
	for (p = skip_blanks(p); *p == ';'; p = skip_blanks(p)) {
		const char *name = p = skip_blanks(p + 1), *value = "";
		size_t name_len = strcspn(p, "=;, \t"), len = 0;

		p = skip_blanks(p + name_len);
		if (*p == '=')
			p = take_value(skip_blanks(p + 1), &value, &len);
		if (!p)
			return NULL;
		if (name_len == 3 && !strncasecmp(name, "rel", 3) && has_word(value, len, "next"))
			*is_next = true;
	}
	return *p == ',' || *p == '\0' ? p : NULL;
}

int parse_link_next(const char *value, char **out)
{
	const char *p = value + strspn(value, " \t,");

	while (*p) {
		const char *end = *p == '<' ? strchr(p, '>') : NULL, *target = p + 1;
		bool is_next;

		p = end ? take_params(end + 1, &is_next) : NULL;
		if (!p)
			return -EBADMSG;
		if (is_next) {
			*out = strndup(target, (size_t)(end - target));
			return *out ? 1 : -ENOMEM;
		}
		p += strspn(p, " \t,");
	}
	return 0;
}

/* --- RateLimit, Retry-After --- */

static int take_param(const char *item, const char *end, const char *name, uint64_t *out)
{
	for (const char *p = item; p < end; p++) {
		if (*p != ';')
			continue;
		p = skip_blanks(p + 1);
		if (strncasecmp(p, name, 1) != 0)
			continue;
		p = skip_blanks(p + 1);
		if (*p != '=')
			continue;
		p = skip_blanks(p + 1);
		return take_u64(&p, out);
	}
	return -ENOENT;
}

int parse_rate_limit(const char *value, struct rate_limit *out)
{
	bool found = false;

	for (const char *item = value; *item;) {
		const char *end = item + strcspn(item, ",");
		struct rate_limit one;

		if (take_param(item, end, "r", &one.left) == 0 && take_param(item, end, "t", &one.reset_s) == 0 &&
		    (!found || one.left < out->left)) {
			one.reset_s = min_u64(one.reset_s, WAIT_MAX_S);
			*out = one;
			found = true;
		}
		item = *end ? end + 1 : end;
	}
	return found ? 0 : -EINVAL;
}

int parse_http_date(const char *value, int64_t *out_s)
{
	struct tm tm = {0};
	const char *rest = strptime(value, "%a, %d %b %Y %H:%M:%S", &tm); /* names of the C locale, in which the program runs */

	if (!rest || strcmp(rest, " GMT") != 0)
		return -EINVAL;
	*out_s = timegm(&tm);
	return 0;
}

int parse_retry_after(const char *value, int64_t now_s, uint64_t *out_s)
{
	int64_t date_s;
	uint64_t s;

	if (parse_u64(value, &s) == 0)
		*out_s = min_u64(s, WAIT_MAX_S);
	else if (parse_http_date(value, &date_s) == 0)
		*out_s = date_s > now_s ? min_u64((uint64_t)(date_s - now_s), WAIT_MAX_S) : 0;
	else
		return -EINVAL;
	return 0;
}

/* --- Content-Range, ETag --- */

int parse_content_range(const char *value, struct content_range *out)
{
	struct content_range c;
	const char *p = value + 6;

	if (strncasecmp(value, "bytes ", 6) != 0)
		return -EINVAL;
	p = skip_blanks(p);
	if (take_u64(&p, &c.first) < 0 || *p++ != '-' || take_u64(&p, &c.last) < 0 || *p++ != '/' || take_u64(&p, &c.total) < 0 || *p)
		return -EINVAL;
	if (c.last < c.first || c.last >= c.total)
		return -EINVAL;
	*out = c;
	return 0;
}

int parse_etag(const char *value, struct blob_id *out)
{
	char hex[BLOB_ID_HEX_MAX];
	size_t len;

	if (!strncmp(value, "W/", 2))
		value += 2;
	len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value++;
		len -= 2;
	}
	if (len >= sizeof(hex))
		return -EINVAL;
	memcpy(hex, value, len);
	hex[len] = '\0';
	return blob_id_parse(hex, out);
}

/* --- signed addresses --- */

/* The value of a query parameter (name in any case), NULL if there is none; it ends at '&' or the end. */
static const char *query_find(const char *url, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = strchr(url, '?'); p; p = strchr(p, '&')) {
		p++;
		if (!strncasecmp(p, name, n) && p[n] == '=')
			return p + n + 1;
	}
	return NULL;
}

static int query_u64(const char *url, const char *name, uint64_t *out)
{
	const char *p = query_find(url, name);

	if (!p || take_u64(&p, out) < 0 || (*p && *p != '&'))
		return -EINVAL;
	return 0;
}

/* When a signed address ends, in seconds since 1970; -EINVAL if it does not say. */
static int location_end(const char *url, uint64_t *end_s)
{
	static const char *const forms[][2] = {{"X-Amz-Date", "X-Amz-Expires"}, {"X-Goog-Date", "X-Goog-Expires"}};
	uint64_t life_s;

	if (query_u64(url, "Expires", end_s) == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		const char *date = query_find(url, forms[i][0]);
		struct tm tm = {0};

		if (!date || !strptime(date, "%Y%m%dT%H%M%SZ", &tm) || query_u64(url, forms[i][1], &life_s) < 0)
			continue;
		*end_s = (uint64_t)timegm(&tm) + life_s;
		return 0;
	}
	return -EINVAL;
}

uint64_t parse_location_ttl_ms(const char *url, int64_t now_s)
{
	uint64_t end_s, left_ms;

	if (location_end(url, &end_s) < 0)
		return LOCATION_TTL_MS;
	if (end_s <= (uint64_t)now_s)
		return 0;
	left_ms = min_u64(end_s - (uint64_t)now_s, LOCATION_TTL_MAX_MS / 1000) * 1000;
	return left_ms - min_u64(LOCATION_MARGIN_MS, left_ms / 10);
}

// SPDX-License-Identifier: Apache-2.0
/* URLs. Only http and https exist here; userinfo is refused, so that a host is always what follows "//". */
#include <hffs/url.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

static bool is_unreserved(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("-._~", c));
}

void url_encode(struct buf *b, const char *text, bool keep_slash)
{
	for (; *text; text++) {
		if (is_unreserved(*text) || (keep_slash && *text == '/'))
			buf_addc(b, *text);
		else
			buf_addf(b, "%%%02X", (unsigned char)*text);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int url_decode(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		int c = (unsigned char)text[i];

		if (c == '%') {
			int hi = i + 2 < len ? hex_value(text[i + 1]) : -1;
			int lo = i + 2 < len ? hex_value(text[i + 2]) : -1;

			if (hi < 0 || lo < 0)
				return -EINVAL;
			c = hi << 4 | lo;
			i += 2;
		}
		if (c == 0 || n + 1 >= size)
			return -EINVAL;
		out[n++] = (char)c;
	}
	if (size == 0)
		return -EINVAL;
	out[n] = '\0';
	return (int)n;
}

static int parse_port(const char *s, size_t len, unsigned *port)
{
	unsigned p = 0;

	if (len == 0)
		return 0; /* "host:" means the scheme's own */
	if (len > 5)
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		p = p * 10 + (unsigned)(s[i] - '0');
	}
	if (p == 0 || p > 65535)
		return -EINVAL;
	*port = p;
	return 0;
}

int url_parse(const char *text, struct url *out)
{
	struct url u = {0};
	const char *host, *end, *colon;
	size_t len;

	for (const char *c = text; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return -EINVAL;
	if (!strncasecmp(text, "https://", 8))
		u.https = true;
	else if (strncasecmp(text, "http://", 7) != 0)
		return -EINVAL;
	host = text + (u.https ? 8 : 7);
	end = host + strcspn(host, "/?#");
	if (memchr(host, '@', (size_t)(end - host)) || memchr(host, '\\', (size_t)(end - host)))
		return -EINVAL;
	u.port = u.https ? 443 : 80;
	u.path = end;
	if (*host == '[') {
		const char *close = memchr(host, ']', (size_t)(end - host));

		if (!close || (close + 1 != end && close[1] != ':'))
			return -EINVAL;
		host++;
		len = (size_t)(close - host);
		colon = close + 1 == end ? NULL : close + 1;
	} else {
		colon = memchr(host, ':', (size_t)(end - host));
		len = (size_t)((colon ? colon : end) - host);
	}
	if (colon && parse_port(colon + 1, (size_t)(end - colon - 1), &u.port) < 0)
		return -EINVAL;
	if (len && host[len - 1] == '.')
		len--; /* "host." is the same host */
	if (len == 0 || len >= sizeof(u.host))
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		u.host[i] = host[i] >= 'A' && host[i] <= 'Z' ? (char)(host[i] | 0x20) : host[i];
	*out = u;
	return 0;
}

bool url_same_origin(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && !strcmp(a->host, b->host);
}

char *url_resolve(const char *base, const char *ref)
{
	struct url u;
	size_t origin_len, dir_len;

	if (url_parse(ref, &u) == 0)
		return strdup(ref);
	if (url_parse(base, &u) < 0 || strstr(ref, "://") == ref + strspn(ref, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-"))
		return NULL;
	for (const char *c = ref; *c; c++)
		if ((unsigned char)*c <= 0x20 || *c == 0x7f)
			return NULL;
	if (ref[0] == '/' && ref[1] == '/') {
		char *absolute = str_printf("%s%s", u.https ? "https:" : "http:", ref);

		if (absolute && url_parse(absolute, &u) < 0) {
			free(absolute);
			return NULL;
		}
		return absolute;
	}
	origin_len = (size_t)(u.path - base);
	if (ref[0] == '/')
		return str_printf("%.*s%s", (int)origin_len, base, ref);
	dir_len = strcspn(u.path, "?#");
	if (ref[0] != '?')
		while (dir_len && u.path[dir_len - 1] != '/')
			dir_len--;
	return str_printf("%.*s%.*s%s%s", (int)origin_len, base, (int)dir_len, u.path, dir_len ? "" : "/", ref);
}

size_t url_shown_len(const char *text)
{
	return strcspn(text, "?#");
}

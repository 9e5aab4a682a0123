/* SPDX-License-Identifier: Apache-2.0 */
/* URLs: percent-encoding, taking apart, origins, relative references. Pure. */
#ifndef HFFS_URL_H
#define HFFS_URL_H

#include <stdbool.h>

#include <hffs/buf.h>

/* Appends text percent-encoded: A-Z a-z 0-9 - . _ ~ stay, every other byte becomes %XX; with keep_slash '/' stays too. */
void url_encode(struct buf *b, const char *text, bool keep_slash);
/* Decodes %XX once into out (size bytes, terminated). Returns the length; -EINVAL for a broken escape, a NUL, or if it does not fit. */
int url_decode(const char *text, size_t len, char *out, size_t size);

/* An absolute http or https URL. host is lowercase, without brackets for IPv6; path starts at '/' and holds the query too. */
struct url {
	bool https;
	char host[256];
	unsigned port; /* always set: 80 or 443 where the text has none */
	const char *path; /* borrowed from the text; "" if there is none */
};
/* 0; -EINVAL for any other scheme, userinfo, an empty or overlong host, a bad port, or a control byte or blank anywhere. */
int url_parse(const char *text, struct url *out);
/* Scheme, host and port equal. */
bool url_same_origin(const struct url *a, const struct url *b);
/* Makes `ref` (absolute, "//host/p", "/p", "?q" or "p") absolute against base: caller frees; NULL for a bad one or no memory. */
char *url_resolve(const char *base, const char *ref);
/* Length of the part of the text before its query: what may be shown and logged. */
size_t url_shown_len(const char *text);

#endif

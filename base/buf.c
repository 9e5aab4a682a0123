// SPDX-License-Identifier: Apache-2.0
/* Growing bytes and strings. */
#include <hffs/buf.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/utf8.h>

int buf_reserve(struct buf *b, size_t len)
{
	size_t need, cap = b->cap ? b->cap : 64;
	char *data;

	if (b->failed || __builtin_add_overflow(b->len, len, &need) || need >= SIZE_MAX / 2) {
		b->failed = 1;
		return -ENOMEM;
	}
	if (need + 1 <= b->cap)
		return 0;
	while (cap < need + 1)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = 1;
		return -ENOMEM;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return 0;
}

void buf_add(struct buf *b, const void *bytes, size_t len)
{
	if (buf_reserve(b, len) < 0)
		return;
	if (len)
		memcpy(b->data + b->len, bytes, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void buf_adds(struct buf *b, const char *text)
{
	buf_add(b, text, strlen(text));
}

void buf_addc(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

static void PRINTF_LIKE(2, 0) add_format(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || buf_reserve(b, (size_t)n) < 0) {
		b->failed = 1;
		return;
	}
	vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_format(b, fmt, ap);
	va_end(ap);
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->failed = 0;
	if (b->data)
		b->data[0] = '\0';
}

void buf_done(struct buf *b)
{
	free(b->data);
	*b = (struct buf){0};
}

char *buf_take(struct buf *b)
{
	char *data;

	buf_add(b, "", 0);
	data = b->failed ? NULL : TAKE(b->data);
	buf_done(b);
	return data;
}

char *str_printf(const char *fmt, ...)
{
	struct buf b = {0};
	va_list ap;

	va_start(ap, fmt);
	add_format(&b, fmt, ap);
	va_end(ap);
	return buf_take(&b);
}

void buf_add_json_n(struct buf *b, const char *text, size_t len)
{
	size_t taken;

	buf_addc(b, '"');
	for (size_t i = 0; i < len; i += taken) {
		unsigned char c = (unsigned char)text[i];

		if (utf8_next(text + i, len - i, &taken) != UTF8_CHAR)
			buf_adds(b, "\xef\xbf\xbd");
		else if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c < 0x20)
			buf_addf(b, "\\u%04x", c);
		else
			buf_add(b, text + i, taken);
	}
	buf_addc(b, '"');
}

void buf_add_json(struct buf *b, const char *text)
{
	buf_add_json_n(b, text, strlen(text));
}

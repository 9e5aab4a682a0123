// SPDX-License-Identifier: Apache-2.0
/* The sentence that goes with an errno. Decides nothing; prints nothing. */
#include <hffs/err.h>

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_escape(char *out, size_t size, const char *text)
{
	size_t n = 0;

	for (; *text && n + 5 < size; text++) {
		unsigned char c = (unsigned char)*text;

		if (c >= 0x20 && c != 0x7f)
			out[n++] = (char)c;
		else
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
	}
	if (size)
		out[n] = '\0';
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	char raw[ERR_TEXT_MAX];
	va_list ap;

	if (!err)
		return code;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err->code = code;
	err_escape(err->text, sizeof(err->text), raw);
	return code;
}

const char *err_text(const struct err *err)
{
	return err->text[0] ? err->text : strerror(-err->code);
}

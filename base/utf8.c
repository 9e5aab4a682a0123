// SPDX-License-Identifier: Apache-2.0
/* UTF-8, by the table of RFC 3629, section 4. */
#include <hffs/utf8.h>

#include <string.h>

enum utf8_found utf8_next(const char *text, size_t len, size_t *taken)
{
	const unsigned char *s = (const unsigned char *)text;
	unsigned char low = 0x80, high = 0xbf;
	size_t want;

	*taken = 1;
	if (s[0] < 0x80)
		return UTF8_CHAR;
	if (s[0] < 0xc2 || s[0] > 0xf4)
		return UTF8_BAD;
	want = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] == 0xe0)
		low = 0xa0;
	else if (s[0] == 0xed)
		high = 0x9f;
	else if (s[0] == 0xf0)
		low = 0x90;
	else if (s[0] == 0xf4)
		high = 0x8f;
	for (; *taken < want; ++*taken, low = 0x80, high = 0xbf) {
		if (*taken == len)
			return UTF8_CUT;
		if (s[*taken] < low || s[*taken] > high)
			return UTF8_BAD;
	}
	return UTF8_CHAR;
}

uint32_t utf8_get(const char *text, size_t *taken)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < 0x80) {
		*taken = 1;
		return s[0];
	}
	if (s[0] < 0xe0) {
		*taken = 2;
		return (s[0] & 0x1fu) << 6 | (s[1] & 0x3fu);
	}
	if (s[0] < 0xf0) {
		*taken = 3;
		return (s[0] & 0xfu) << 12 | (s[1] & 0x3fu) << 6 | (s[2] & 0x3fu);
	}
	*taken = 4;
	return (s[0] & 7u) << 18 | (s[1] & 0x3fu) << 12 | (s[2] & 0x3fu) << 6 | (s[3] & 0x3fu);
}

size_t utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool utf8_is_valid_n(const char *text, size_t len)
{
	size_t taken;

	for (size_t i = 0; i < len; i += taken) {
		/* Eight bytes of ASCII at a time. */
		for (uint64_t eight; len - i >= 8 && (memcpy(&eight, text + i, 8), !(eight & 0x8080808080808080u)); i += 8)
			;
		if (i == len)
			break;
		if (utf8_next(text + i, len - i, &taken) != UTF8_CHAR)
			return false;
	}
	return true;
}

bool utf8_is_valid(const char *text)
{
	return utf8_is_valid_n(text, strlen(text));
}

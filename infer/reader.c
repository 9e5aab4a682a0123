// SPDX-License-Identifier: Apache-2.0
/* Fields of a configuration, each with its range; what nobody asked for is refused. */
#include "reader_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void reader_fail(struct reader *r, int code, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list args;

	if (r->r < 0)
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args); /* a sentence that is too long is cut */
	va_end(args);
	r->r = err_set(r->err, code, "%s", text);
}

static bool is_known(const struct reader *r, const char *key)
{
	for (unsigned i = 0; i < r->nr_known; i++)
		if (!strcmp(r->known[i], key))
			return true;
	return false;
}

const struct json *reader_get(struct reader *r, const char *key)
{
	const struct json *value = json_get(r->j, key);

	if (!is_known(r, key)) {
		if (r->nr_known == READER_FIELDS_MAX)
			reader_fail(r, -E2BIG, "%s: more fields are asked for than the reader has room for", r->where);
		else
			r->known[r->nr_known++] = key;
	}
	return r->r < 0 || json_is_null(value) ? NULL : value;
}

uint32_t reader_u32(struct reader *r, const char *key, uint32_t otherwise, uint32_t min, uint32_t max)
{
	const struct json *value = reader_get(r, key);
	uint64_t n = 0;

	if (!value)
		return otherwise;
	if (json_u64(value, &n) < 0 || n < min || n > max) {
		reader_fail(r, -EBADMSG, "%s: %s is not a whole number from %u to %u", r->where, key, min, max);
		return otherwise;
	}
	return (uint32_t)n;
}

double reader_f64(struct reader *r, const char *key, double otherwise, double min, double max)
{
	const struct json *value = reader_get(r, key);
	double n = 0;

	if (!value)
		return otherwise;
	if (json_f64(value, &n) < 0 || n < min || n > max) {
		reader_fail(r, -EBADMSG, "%s: %s is not a number from %g to %g", r->where, key, min, max);
		return otherwise;
	}
	return n;
}

bool reader_bool(struct reader *r, const char *key, bool otherwise)
{
	const struct json *value = reader_get(r, key);

	if (!value)
		return otherwise;
	if (!json_is_bool(value))
		reader_fail(r, -EBADMSG, "%s: %s is neither true nor false", r->where, key);
	return json_get_bool(r->j, key, otherwise);
}

const char *reader_text(struct reader *r, const char *key)
{
	const struct json *value = reader_get(r, key);

	if (value && !json_string(value))
		reader_fail(r, -EBADMSG, "%s: %s is not a text", r->where, key);
	return json_string(value);
}

void reader_must_be(struct reader *r, const char *key, bool value)
{
	if (reader_bool(r, key, value) != value)
		reader_fail(r, -ENOTSUP, "%s: %s is %s, which is not supported", r->where, key, value ? "false" : "true");
}

static bool is_harmless(const char *key, const char *const *harmless)
{
	if (key[0] == '_')
		return true;
	for (; *harmless; harmless++)
		if (!strcmp(key, *harmless))
			return true;
	return false;
}

/* Nothing, no, or none of them. */
static bool is_empty(const struct reader *r, const struct json *v)
{
	if (json_is_bool(v))
		return !json_get_bool(r->j, json_key(v), false);
	return json_is_null(v) || ((json_is_object(v) || json_is_array(v)) && json_size(v) == 0);
}

void reader_refuse_rest(struct reader *r, const char *const *harmless)
{
	if (r->j && !json_is_object(r->j))
		reader_fail(r, -EBADMSG, "%s is not an object", r->where);
	for (const struct json *v = json_first(r->j); v && r->r == 0; v = json_next(v)) {
		const char *key = json_key(v);

		if (is_empty(r, v) || is_known(r, key) || is_harmless(key, harmless))
			continue;
		reader_fail(r, -ENOTSUP, "%s has the field %.100s, which is not known here and may change what is computed", r->where, key);
	}
}

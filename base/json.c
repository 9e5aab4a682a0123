// SPDX-License-Identifier: Apache-2.0
/*
 * JSON from outside, by cJSON (this file is its only user). struct json is cJSON's own node under our name. cJSON turns \u0000
 * into an end of string and recurses up to 1000 levels; a scan before it takes both away.
 */
#include <hffs/json.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include <cjson/cJSON.h>

static const cJSON *node(const struct json *j)
{
	return (const cJSON *)(const void *)j;
}

static const struct json *wrap(const cJSON *c)
{
	return (const struct json *)(const void *)c;
}

/* Checks the depth and rewrites each \u0000 escape of a string, in place, as six slashes. 1: there was one. */
static int scan(char *text, size_t len)
{
	int depth = 0, found = 0;
	bool in_string = false;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '\0')
			return -EBADMSG;
		if (in_string && c == '\\') {
			if (i + 5 < len && !memcmp(text + i + 1, "u0000", 5)) {
				memcpy(text + i, "//////", 6);
				found = 1;
			} else {
				i++;
			}
		} else if (c == '"') {
			in_string = !in_string;
		} else if (!in_string && (c == '[' || c == '{')) {
			if (++depth > JSON_DEPTH_MAX)
				return -EBADMSG;
		} else if (!in_string && (c == ']' || c == '}')) {
			depth--;
		}
	}
	return found;
}

static int parse(const char *text, size_t len, size_t max, bool exact, struct json **out, struct err *err)
{
	AUTO_FREE char *copy = NULL;
	const char *end = NULL;
	cJSON *root;
	int found;

	if (len > max)
		return err_set(err, -EMSGSIZE, "the JSON answer has %zu bytes; at most %zu are read", len, max);
	copy = malloc(len + 1);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, text, len);
	copy[len] = '\0';
	found = scan(copy, len);
	if (found < 0)
		return err_set(err, -EBADMSG, "the JSON answer is nested too deeply or holds a NUL byte");
	if (found && exact)
		return err_set(err, -EILSEQ, "a text has the character \\u0000, which is not supported");
	root = cJSON_ParseWithLengthOpts(copy, len + 1, &end, 0);
	if (!root)
		return err_set(err, -EBADMSG, "the answer is not JSON");
	if (strspn(end, " \t\r\n") != len - (size_t)(end - copy)) {
		cJSON_Delete(root);
		return err_set(err, -EBADMSG, "the JSON answer has something behind its end");
	}
	*out = (struct json *)(void *)root;
	return 0;
}

int json_parse(const char *text, size_t len, size_t max, struct json **out, struct err *err)
{
	return parse(text, len, max, false, out, err);
}

int json_parse_exact(const char *text, size_t len, size_t max, struct json **out, struct err *err)
{
	return parse(text, len, max, true, out, err);
}

void json_free(struct json *j)
{
	cJSON_Delete((cJSON *)(void *)j);
}

const struct json *json_get(const struct json *j, const char *key)
{
	return cJSON_IsObject(node(j)) ? wrap(cJSON_GetObjectItemCaseSensitive(node(j), key)) : NULL;
}

bool json_is_array(const struct json *j)
{
	return cJSON_IsArray(node(j));
}

bool json_is_object(const struct json *j)
{
	return cJSON_IsObject(node(j));
}

bool json_is_null(const struct json *j)
{
	return cJSON_IsNull(node(j));
}

size_t json_size(const struct json *j)
{
	return json_first(j) ? (size_t)cJSON_GetArraySize(node(j)) : 0;
}

const struct json *json_first(const struct json *j)
{
	return json_is_array(j) || json_is_object(j) ? wrap(node(j)->child) : NULL;
}

const struct json *json_next(const struct json *j)
{
	return j ? wrap(node(j)->next) : NULL;
}

const char *json_key(const struct json *j)
{
	return j ? node(j)->string : NULL;
}

const char *json_string(const struct json *j)
{
	return cJSON_IsString(node(j)) ? node(j)->valuestring : NULL;
}

const char *json_get_string(const struct json *j, const char *key)
{
	return json_string(json_get(j, key));
}

bool json_get_bool(const struct json *j, const char *key, bool otherwise)
{
	const cJSON *c = node(json_get(j, key));

	return cJSON_IsBool(c) ? cJSON_IsTrue(c) != 0 : otherwise;
}

int json_u64(const struct json *j, uint64_t *out)
{
	const cJSON *c = node(j);

	if (!cJSON_IsNumber(c) || !(c->valuedouble >= 0) || c->valuedouble > 9007199254740992.0 ||
	    c->valuedouble != (double)(uint64_t)c->valuedouble)
		return -EINVAL;
	*out = (uint64_t)c->valuedouble;
	return 0;
}

int json_get_u64(const struct json *j, const char *key, uint64_t *out)
{
	const struct json *value = json_get(j, key);

	return value ? json_u64(value, out) : -ENOENT;
}

int json_f64(const struct json *j, double *out)
{
	const cJSON *c = node(j);

	if (!cJSON_IsNumber(c) || !isfinite(c->valuedouble))
		return -EINVAL;
	*out = c->valuedouble;
	return 0;
}

bool json_is_bool(const struct json *j)
{
	return cJSON_IsBool(node(j));
}

char *json_print(const struct json *j)
{
	return cJSON_PrintUnformatted(node(j));
}

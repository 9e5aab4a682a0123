/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: typed getters, depth and size caps. Writing JSON is buf_add_json() and plain text. */
#ifndef HFFS_JSON_H
#define HFFS_JSON_H

#include <stdbool.h>

#include <hffs/err.h>

#define JSON_DEPTH_MAX 64

struct json; /* one value; what is found inside it is borrowed from the root */

/*
 * Parses exactly one value out of len bytes (no more than max). Caller frees with json_free(). -EMSGSIZE above max, -EBADMSG
 * for what is not JSON or is deeper than JSON_DEPTH_MAX, -ENOMEM. A \u0000 inside a string is read as slashes, so that no name
 * is cut short by it and no safe name results.
 */
int json_parse(const char *text, size_t len, size_t max, struct json **out, struct err *err);
/* The same where texts must stay what they are: a \u0000 is -EILSEQ with a sentence. */
int json_parse_exact(const char *text, size_t len, size_t max, struct json **out, struct err *err);
void json_free(struct json *j);
AUTO_DEFINE(struct json *, json_free)

/* All getters accept j == NULL and a j of another type, and then find nothing. */
const struct json *json_get(const struct json *j, const char *key);
bool json_is_array(const struct json *j);
bool json_is_object(const struct json *j);
bool json_is_null(const struct json *j);
size_t json_size(const struct json *j);                        /* children of an array or object */
const struct json *json_first(const struct json *j);           /* of an array or object */
const struct json *json_next(const struct json *j);            /* the sibling after j, NULL at the end */
const char *json_key(const struct json *j);                    /* of a member of an object, else NULL */
const char *json_string(const struct json *j);                 /* NULL if it is not a string */
const char *json_get_string(const struct json *j, const char *key);
bool json_get_bool(const struct json *j, const char *key, bool otherwise);
/* Whole numbers 0 to 2^53 only: -EINVAL for anything else, -ENOENT if it is not there. */
int json_get_u64(const struct json *j, const char *key, uint64_t *out);
int json_u64(const struct json *j, uint64_t *out);
/* Any number; -EINVAL for anything else, also for what is not finite. */
int json_f64(const struct json *j, double *out);
bool json_is_bool(const struct json *j);
/* The value printed compactly, caller frees; NULL when out of memory. */
char *json_print(const struct json *j);

#endif

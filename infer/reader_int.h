/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads an object of a configuration and keeps account of which fields were looked at, so that what is left can be refused. The
 * first error stays; after it everything reads as its default.
 */
#ifndef HFFS_READER_INT_H
#define HFFS_READER_INT_H

#include <hffs/json.h>

#define READER_FIELDS_MAX 96

struct reader {
	const struct json *j;
	const char *where; /* "config.json" */
	const char *known[READER_FIELDS_MAX];
	unsigned nr_known;
	int r;
	struct err *err;
};

/* The field's value; NULL if it is missing or null. It counts as known. */
const struct json *reader_get(struct reader *r, const char *key);
/* A whole number within [min, max]; otherwise, or if the field is missing, `otherwise`. */
uint32_t reader_u32(struct reader *r, const char *key, uint32_t otherwise, uint32_t min, uint32_t max);
double reader_f64(struct reader *r, const char *key, double otherwise, double min, double max);
bool reader_bool(struct reader *r, const char *key, bool otherwise);
const char *reader_text(struct reader *r, const char *key); /* NULL if it is missing */
/* Refuses the field unless it is missing, null or has this value: for what is known and not supported. */
void reader_must_be(struct reader *r, const char *key, bool value);
/* -ENOTSUP for the first field that nobody asked for, is not in `harmless` (NULL at its end) and is neither null nor false. */
void reader_refuse_rest(struct reader *r, const char *const *harmless);
/* Sets the first error. */
void reader_fail(struct reader *r, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif

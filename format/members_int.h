/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a large JSON object, one after the other. */
#ifndef HFFS_FORMAT_MEMBERS_INT_H
#define HFFS_FORMAT_MEMBERS_INT_H

#include <hffs/json.h>

struct slice {
	const char *at;
	size_t len;
};

struct members {
	const char *at, *end;
	bool inside, over;
};

/* Walks the one object that text is; white space around it is fine. Borrows text. */
void members_init(struct members *m, const char *text, size_t len);
/*
 * The next member, as slices of the text: 1; 0 behind the last one, when the object was closed and nothing follows; -EBADMSG.
 * The slices are cut out by quotes and brackets only: what is in them is for json_parse() to judge.
 */
int members_next(struct members *m, struct slice *key, struct slice *value);
/* A slice that is a JSON string of UTF-8 of at most `max` bytes: the root, freed by the caller. */
int slice_string(const struct slice *s, size_t max, struct json **out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a large JSON object, or items of a large array, one after the other. */
#ifndef HFFS_MEMBERS_H
#define HFFS_MEMBERS_H

#include <hffs/buf.h>
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
/* The same of an array that the whole text is: begin with members_init(). */
int items_next(struct members *m, struct slice *value);

/* Appends the characters of a slice that is a JSON string: -EBADMSG if it is none, or not UTF-8. A \u0000 in it is a NUL byte. */
int slice_text(const struct slice *s, struct buf *out);
/* A slice that is a whole number up to UINT32_MAX: -EBADMSG otherwise. */
int slice_u32(const struct slice *s, uint32_t *out);
bool slice_is(const struct slice *s, const char *text); /* is it, byte for byte? */
/* A slice that is a JSON string of UTF-8 of at most `max` bytes: the root, freed by the caller. */
int slice_string(const struct slice *s, size_t max, struct json **out);

#endif

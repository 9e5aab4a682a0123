/* SPDX-License-Identifier: Apache-2.0 */
/* Which files git keeps as LFS pointers, and what a pointer says. Pure. */
#ifndef HFFS_SERVE_LFS_INT_H
#define HFFS_SERVE_LFS_INT_H

#include <stdbool.h>

#include <hffs/auto.h>

#define LFS_SIZE_MIN 10000000u  /* files of plain folders from here on are LFS, as at upload to the Hub */
#define LFS_POINTER_MAX 1024u   /* git-lfs reads no more as a pointer [git-lfs lfs/pointer.go, blobSizeCutoff] */

/* The text git holds for a file, its length without the terminator. */
size_t lfs_format_pointer(const uint8_t sha256[32], uint64_t size, char out[256]);
/* The git object id of that text. 0 or -EIO. */
int lfs_pointer_id(const uint8_t sha256[32], uint64_t size, uint8_t oid[20]);
/* True if len bytes are a pointer; extensions are accepted and ignored. */
bool lfs_parse_pointer(const char *text, size_t len, uint8_t sha256[32], uint64_t *size);

/* The lines of a .gitattributes that speak of filter=, in order. */
struct attr {
	char *pattern;
	bool is_lfs;
};
struct attrs {
	struct attr *list;
	size_t nr;
};
/* Parses len bytes of a .gitattributes at the root. 0 or -ENOMEM. Caller calls attrs_done(). */
int attrs_parse(const char *text, size_t len, struct attrs *out);
void attrs_done(struct attrs *a);
/* Does the pattern match the path? gitignore rules, without the leading '!' and trailing '/'. */
bool attrs_match(const char *pattern, const char *path);
/* What the lines say, else whether the name has one of the usual endings of weights and archives. */
bool lfs_wants(const struct attrs *a, const char *path);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Is this answer the range asked for, of the object meant? Pure: looks at headers only. */
#ifndef HFFS_HUB_CONTENT_INT_H
#define HFFS_HUB_CONTENT_INT_H

#include <hffs/hub.h>

/* Headers of one answer; NULL where absent. */
struct content_headers {
	int status;
	const char *commit;      /* X-Repo-Commit */
	const char *linked_etag; /* X-Linked-ETag */
	const char *linked_size; /* X-Linked-Size */
	const char *etag;        /* ETag: the object's name only on the endpoint; elsewhere it is the storage's own */
	const char *range;       /* Content-Range */
	const char *encoding;    /* Content-Encoding */
	const char *length;      /* Content-Length */
	const char *type;        /* Content-Type */
};

/* Does an answer of the endpoint speak of ref? 1: it says so; 0: it does not say; -EIO with a sentence: of another object. */
int content_check_identity(const struct content_headers *c, const struct object_ref *ref, struct err *err);

/*
 * Is the body of this 200 or 206 the range [off, off + len) of ref? is_known: some answer of the chain has named the object.
 * *has_more: more than len bytes are announced. 0, or -EIO or -EBADMSG with a sentence.
 */
int content_check_range(const struct content_headers *c, const struct object_ref *ref, uint64_t off, uint64_t len, bool is_known,
			bool *has_more, struct err *err);

#endif

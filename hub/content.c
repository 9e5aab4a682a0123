// SPDX-License-Identifier: Apache-2.0
/*
 * Is this answer the range asked for, of the object meant? A part of a file cannot be checked against its digest, so the headers
 * are looked at closely. [huggingface_hub file_download.py get_hf_file_metadata; Hub answers recorded in 2026-08]
 */
#include "content_int.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "parse_int.h"

/* True if the tag is a digest of the same kind as ref's and another one. */
static bool names_another(const char *tag, const struct object_ref *ref)
{
	struct blob_id id;

	return tag && ref->id.algo && parse_etag(tag, &id) == 0 && id.algo == ref->id.algo && !blob_id_equal(&id, &ref->id);
}

int content_check_identity(const struct content_headers *c, const struct object_ref *ref, struct err *err)
{
	uint64_t size;

	if (c->commit && strcmp(c->commit, ref->commit) != 0)
		return err_set(err, -EIO, "the answer is of commit %.40s, not of %s", c->commit, ref->commit);
	if (c->linked_size && (parse_u64(c->linked_size, &size) < 0 || size != ref->size))
		return err_set(err, -EIO, "the answer is of a file of %s bytes; the listing says %llu", c->linked_size,
			       (unsigned long long)ref->size);
	if (names_another(c->linked_etag, ref) || (c->commit && !c->linked_etag && names_another(c->etag, ref)))
		return err_set(err, -EIO, "the answer is of another file: its digest is not that of the listing");
	return c->commit || c->linked_etag || c->linked_size;
}

static int check_partial(const struct content_headers *c, const struct object_ref *ref, uint64_t off, uint64_t len, struct err *err)
{
	struct content_range got;

	if (c->type && !strncasecmp(c->type, "multipart/", 10))
		return err_set(err, -EIO, "the answer has several parts where one range was asked for");
	if (!c->range || parse_content_range(c->range, &got) < 0)
		return err_set(err, -EBADMSG, "the answer does not say which part it is");
	if (got.total != ref->size)
		return err_set(err, -EIO, "the answer is part of %llu bytes; the listing says %llu", (unsigned long long)got.total,
			       (unsigned long long)ref->size);
	if (got.first != off || got.last != off + len - 1)
		return err_set(err, -EIO, "the answer is another part than bytes %llu to %llu", (unsigned long long)off,
			       (unsigned long long)(off + len - 1));
	return 0;
}

static int check_whole(const struct object_ref *ref, uint64_t off, uint64_t len, bool is_known, struct err *err)
{
	if (off != 0 || len != ref->size)
		return err_set(err, -EIO, "the server sends the whole file instead of the part asked for");
	if (!is_known)
		return err_set(err, -EBADMSG, "the answer does not come from the Hub; is there a login page or a proxy in between");
	return 0;
}

int content_check_range(const struct content_headers *c, const struct object_ref *ref, uint64_t off, uint64_t len, bool is_known,
			bool *has_more, struct err *err)
{
	uint64_t announced = len;
	int r;

	if (c->encoding && *c->encoding && strcasecmp(c->encoding, "identity") != 0)
		return err_set(err, -EIO, "the answer is compressed (%s), which was not asked for", c->encoding);
	r = c->status == 206 ? check_partial(c, ref, off, len, err) : check_whole(ref, off, len, is_known, err);
	if (r < 0)
		return r;
	if (c->length && parse_u64(c->length, &announced) < 0)
		return err_set(err, -EBADMSG, "the answer's length is malformed");
	if (announced < len)
		return err_set(err, -EIO, "the answer has %llu bytes where %llu were asked for", (unsigned long long)announced,
			       (unsigned long long)len);
	*has_more = announced > len;
	return 0;
}

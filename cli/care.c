// SPDX-License-Identifier: Apache-2.0
/*
 * Looking after a cache, as whoever has it carries it out: which blobs are here, what one of them is worth, taking one in from a file,
 * clearing up.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/lockfile.h>

#include "keep_int.h"

#define BLOBS_MAX 4096 /* of one answer */

int keep_blobs(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	AUTO_FREE struct cache_blob *blobs = calloc(BLOBS_MAX, sizeof(*blobs));
	char digest[LOCK_DIGEST_MAX];
	uint64_t asked = 0;
	int64_t after;
	int nr;

	if (!blobs)
		return err_set(err, -ENOMEM, "out of memory");
	(void)json_get_u64(request, "after", &asked); /* else from the first */
	after = (int64_t)asked;
	nr = cache_list_blobs(fetch_cache(f), &after, blobs, BLOBS_MAX);
	if (nr < 0)
		return err_set(err, nr, "the index of the cache cannot be read: %s", strerror(-nr));
	buf_adds(answer, ",\"blobs\":[");
	for (int i = 0; i < nr; i++)
		buf_addf(answer, "%s{\"digest\":\"%s\",\"size\":%" PRIu64 "}", i ? "," : "", lock_digest_format(&blobs[i].id, digest),
			 blobs[i].size);
	buf_addc(answer, ']');
	if (nr == BLOBS_MAX)
		buf_addf(answer, ",\"after\":%" PRId64, after);
	return 0;
}

int keep_audit(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	static const char *const words[] = {[VERDICT_ABSENT] = "absent", [VERDICT_PARTIAL] = "partial", [VERDICT_PROVEN] = "proven",
					    [VERDICT_DECAYED] = "decayed", [VERDICT_FOREIGN] = "foreign"};
	struct cache_audit a;
	struct blob_id id;
	uint64_t size;
	int r;

	if (lock_digest_parse(json_get_string(request, "digest"), &id) < 0 || json_get_u64(request, "size", &size) < 0)
		return err_set(err, -EINVAL, "no content is named");
	r = cache_audit(fetch_cache(f), &id, size, json_get_bool(request, "fix", false), &keep_stopped, &a);
	if (r < 0)
		return err_set(err, r, "it cannot be read from the cache: %s", strerror(-r));
	keep_add_text(answer, "verdict", words[a.verdict]);
	buf_addf(answer, ",\"bytes\":%" PRIu64 ",\"bad_bytes\":%" PRIu64 ",\"dropped\":%s", a.bytes, a.bad_bytes,
		 a.dropped ? "true" : "false");
	return 0;
}

int keep_gc(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	uint64_t size_max = UINT64_MAX;
	struct cache_gc gc;
	int r;

	(void)json_get_u64(request, "cache_size", &size_max); /* else the limit that the cache has */
	r = cache_gc(fetch_cache(f), json_get_bool(request, "dry_run", true), size_max, &gc);
	if (r < 0)
		return err_set(err, r, "the index of the cache cannot be used: %s", strerror(-r));
	buf_addf(answer, ",\"orphan_files\":%" PRIu64 ",\"orphan_bytes\":%" PRIu64 ",\"evicted\":%" PRIu64 ",\"bytes_cached\":%" PRIu64,
		 gc.orphan_files, gc.orphan_bytes, gc.evicted, gc.bytes_cached);
	buf_addf(answer, ",\"over\":%s", gc.over ? "true" : "false");
	return 0;
}

/* An empty file is never stored, but its name may lie as any other's. */
static int check_empty(const struct blob_id *id, struct err *err)
{
	AUTO(digest_free) struct digest *d = digest_new(id->algo, 0);
	struct blob_id got;

	if (!d || digest_final(d, &got) < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return blob_id_equal(&got, id) ? 1 : err_set(err, -EBADMSG, "its content is not what its name says: it is empty");
}

int keep_import(struct fetch *f, const struct json *request, struct buf *answer, struct err *err)
{
	const char *path = json_get_string(request, "path");
	AUTO_FD int fd = -1;
	struct blob_id id;
	struct stat st;
	int r;

	if (!path || *path != '/' || lock_digest_parse(json_get_string(request, "digest"), &id) < 0)
		return err_set(err, -EINVAL, "no file is named");
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "it cannot be read: %s", strerror(errno));
	if (!S_ISREG(st.st_mode))
		return err_set(err, -EINVAL, "it is no regular file");
	r = st.st_size ? fetch_bring(f, &id, fd, (uint64_t)st.st_size, &keep_stopped, err)
		       : check_empty(&id, err);
	if (r < 0)
		return r;
	buf_addf(answer, ",\"here\":%s", r ? "true" : "false");
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Hub from a folder: a read-only, Hub-compatible HTTP server over DIR/<org>/<name>, DIR/datasets/<org>/<name> and
 * DIR/spaces/<org>/<name>. It has two origins, as the Hub has: the endpoint itself, and a content origin whose URLs are signed
 * and expire.
 */
#ifndef HFFS_SERVE_H
#define HFFS_SERVE_H

#include <stdbool.h>

#include <hffs/digest.h>
#include <hffs/err.h>

struct serve;
struct serve_hook; /* hffs/serve_http.h: what the tests' fault layer sees; NULL in the product */

/*
 * Repositories from elsewhere than a folder. Every call may come from any thread, several at once, and may wait for the disk. 0, or
 * -errno with a sentence; -ENOENT: there is no such thing. each() may stop with a value other than 0, which is then the result.
 */
struct serve_source {
	void *ctx;
	/* collection: "models", "datasets", "spaces". Ids ("org/name"), those of author if it is not NULL, in any order. */
	int (*list)(void *ctx, const char *collection, const char *author, int (*each)(void *each_ctx, const char *id), void *each_ctx,
		    struct err *err);
	/* Is there a repository of that id? */
	int (*find)(void *ctx, const char *collection, const char *id);
	/* The commit of a revision ("main", a tag, a commit), and its time, 0 if unknown. */
	int (*resolve)(void *ctx, const char *collection, const char *id, const char *rev, char commit[41], int64_t *date_s,
		       struct err *err);
	int (*refs)(void *ctx, const char *collection, const char *id,
		    int (*each)(void *each_ctx, const char *name, const char *commit, bool is_tag), void *each_ctx, struct err *err);
	/* Every file of a commit, in any order. */
	int (*files)(void *ctx, const char *collection, const char *id, const char *commit,
		     int (*each)(void *each_ctx, const char *path, uint64_t size, const struct blob_id *id), void *each_ctx, struct err *err);
	/* A descriptor of the whole content, which does not change; -ENODATA: it is not here. */
	int (*open)(void *ctx, const struct blob_id *id, uint64_t size);
};

#define SERVE_URL_TTL_S 3600 /* how long a content URL is good, where nothing else is asked for */

/* Strings are borrowed during serve_open() only; the hook as long as the server lives. */
struct serve_config {
	const char *dir;        /* NULL: source alone */
	const struct serve_source *source; /* of what dir has not; borrowed until serve_close(). NULL: dir alone */
	const char *listen;     /* "ADDR:PORT", "[ADDR6]:PORT"; port 0 picks a free one */
	const char *cdn_listen; /* the same for content; NULL: the address of `listen`, a free port */
	const char *cdn_url;    /* what clients reach cdn_listen by, "http://host:port"; NULL: the host they reached us by */
	const char *state_dir;  /* where digests are remembered, made if missing; NULL: they are not */
	uint64_t url_ttl_s;     /* 0: SERVE_URL_TTL_S */
	const struct serve_hook *hook;
};

/*
 * Starts serving; on return connections are accepted. -EINVAL for an address that is none, -ENOENT or -ENOTDIR for dir,
 * -EADDRINUSE and the like for a port, each with a sentence. Caller closes.
 */
int serve_open(const struct serve_config *config, struct serve **out, struct err *err);
/* "http://127.0.0.1:8080": borrowed until serve_close(). A server on all addresses names the loopback one. */
const char *serve_endpoint(const struct serve *s);
/* Ends every connection and waits for their threads. */
void serve_close(struct serve *s);
AUTO_DEFINE(struct serve *, serve_close)

#endif

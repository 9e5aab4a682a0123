/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Hub from a folder: a read-only, Hub-compatible HTTP server over DIR/<org>/<name>, DIR/datasets/<org>/<name> and
 * DIR/spaces/<org>/<name>. It has two origins, as the Hub has: the endpoint itself, and a content origin whose URLs are signed
 * and expire.
 */
#ifndef HFFS_SERVE_H
#define HFFS_SERVE_H

#include <hffs/err.h>

struct serve;
struct serve_hook; /* hffs/serve_http.h: what the tests' fault layer sees; NULL in the product */

#define SERVE_URL_TTL_S 3600 /* how long a content URL is good, where nothing else is asked for */

/* Strings are borrowed during serve_open() only; the hook as long as the server lives. */
struct serve_config {
	const char *dir;
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

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a verb tells the daemon to do something: a Unix socket in the cache directory, for who owns the cache and for root. The
 * cache has one daemon, so whoever can name the cache has its daemon. (handover_int.h has another such socket, of a verb.) One
 * connection carries one request and one answer, each one JSON object and a newline:
 *
 *     {"do":"refresh","repo":"datasets/org/name"}       the word, and what it wants to know
 *     {"ok":true,...}                                   done, with what there is to tell
 *     {"ok":false,"errno":2,"error":"one sentence"}
 */
#ifndef HFFS_CONTROL_INT_H
#define HFFS_CONTROL_INT_H

#include <hffs/buf.h>
#include <hffs/json.h>

#define CONTROL_SOCKET "control" /* the daemon's */

struct control;

/* A word that the daemon understands. */
struct control_verb {
	const char *name;
	/*
	 * Does it: 0, or -errno with a sentence. answer: appends members, each with a comma before it (",\"moved\":3"). On a thread of
	 * its own, several at once; it may wait for network and disk, but must end soon after fetch_cancel().
	 */
	int (*run)(void *ctx, const struct json *request, struct buf *answer, struct err *err);
};

/* Listens in the cache directory, which this process has locked. All pointers: borrowed until control_close(). */
int control_open(const char *cache, const char *name, const struct control_verb *verbs, size_t nr, void *ctx, struct control **out,
		 struct err *err);
/* Takes no more requests, waits for those under way. NULL is fine. Call fetch_cancel() before. */
void control_close(struct control *c);

/*
 * Sends request (one JSON object without a newline) to the daemon of that cache. *answer: caller frees with json_free(). 0; what
 * the daemon says went wrong; -ENOTCONN: no daemon has this cache; -EACCES: it is another user's; -ETIMEDOUT after timeout_ms.
 */
int control_ask(const char *cache, const char *name, const char *request, uint64_t timeout_ms, struct json **answer, struct err *err);

#endif

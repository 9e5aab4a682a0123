/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked of whoever has the cache: to keep, to prove, to clear up. A request is one JSON object, {"do":"pin",...}; it is
 * carried out by the daemon that has the cache, else by the verb itself, and the same function does it in both.
 */
#ifndef HFFS_KEEP_INT_H
#define HFFS_KEEP_INT_H

#include <hffs/fetch.h>
#include <hffs/json.h>

#include "config_int.h"

/* Does it: 0, or -errno with a sentence. Appends members, each with a comma before it. May wait for network and disk. */
typedef int keep_run(struct fetch *f, const struct json *request, struct buf *answer, struct err *err);
/*
 * pin     repo, revision, globs (list)   keeps the files that match: "commit", "files", "bytes", and as pins
 * unpin   repo, revision (optional: all), globs (optional: all)   "unpinned": how many pins went
 * pins                                   "pins": list, "bytes_pinned", "size_max"
 * blobs   after (0: from the first)      "blobs": list of what is here, with "digest", "size"; "after": for the next ones, none: the end
 * audit   digest, size, fix              "verdict": absent, partial, proven, decayed, foreign; "bytes", "bad_bytes", "dropped"
 * import  path, digest                   stores the content of a file: "here": it was here before
 * gc      dry_run, cache_size (optional) "orphan_files", "orphan_bytes", "evicted", "bytes_cached", "over"
 */
keep_run keep_pin, keep_unpin, keep_pins, keep_blobs, keep_audit, keep_gc, keep_import;
/* The one that the request asks for. */
keep_run keep_do;

/* Whoever has the cache, for one request after the other. */
struct keep;
/* Looks for a daemon; without one opens the cache in this process when first asked. config: borrowed until keep_close(). */
int keep_open(const struct config *c, struct keep **out, struct err *err);
void keep_close(struct keep *k);
AUTO_DEFINE(struct keep *, keep_close)
/* Is it a daemon that answers? */
bool keep_is_daemon(const struct keep *k);
/* How the cache is opened if it is opened here. Before the first request. */
void keep_set_scrub(struct keep *k, enum cache_scrub scrub);
/* Ends what this process is doing for a request, with -ECANCELED. From a signal handler, too. */
extern volatile sig_atomic_t keep_stopped;
void keep_catch_signals(void); /* the first SIGINT or SIGTERM sets it, the second ends the program */
/* *answer: caller frees. Waits without limit. */
int keep_ask(struct keep *k, const struct buf *request, struct json **answer, struct err *err);
/* Appends ,"key":"text". */
void keep_add_text(struct buf *request, const char *key, const char *text);

#endif

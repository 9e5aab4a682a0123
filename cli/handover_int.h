/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb that works on the cache in its own process gives it to a daemon that starts meanwhile: asked on a socket in the cache, it ends its
 * fetch and closes the cache, and the daemon opens it.
 */
#ifndef HFFS_HANDOVER_INT_H
#define HFFS_HANDOVER_INT_H

#include <hffs/fetch.h>

struct handover;

/* From now on a daemon may ask. f is borrowed until handover_close(). NULL: nobody can ask, which a debug line of the log says. */
struct handover *handover_open(const char *cache, struct fetch *f);
/* Was it asked for? Then f is cancelled. NULL: no. */
bool handover_is_wanted(const struct handover *h);
/* Before fetch_close(). NULL is fine. */
void handover_close(struct handover *h);

/* The daemon's side: fetch_open(), and where such a verb has the cache, asks for it and waits. */
int handover_take(const struct fetch_config *config, struct fetch **out, struct err *err);

#endif

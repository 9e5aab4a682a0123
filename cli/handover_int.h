/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A verb that works on the cache in its own process gives it to a daemon that starts meanwhile, if the mount will show all of the same Hub:
 * asked on a socket in the cache, it ends its fetch and closes the cache, and the daemon opens it.
 */
#ifndef HFFS_HANDOVER_INT_H
#define HFFS_HANDOVER_INT_H

#include <stdatomic.h>

#include <hffs/fetch.h>

#include "config_int.h"

struct handover;

/* From now on a daemon may ask. Both are borrowed until handover_close(). NULL: nobody can; where that is a failure the log says it. */
struct handover *handover_open(const struct config *c, struct fetch *f);
/* Was it asked for? Then f is cancelled. NULL: no. */
bool handover_is_wanted(const struct handover *h);
/* Before fetch_close(). NULL is fine. */
void handover_close(struct handover *h);

/*
 * The daemon's side: fetch_open(), and where such a verb has the cache, asks for it and waits, until *stop. is_whole: the mount shows all
 * repositories.
 */
int handover_take(const struct config *c, bool is_whole, const atomic_bool *stop, struct fetch **out, struct err *err);

#endif

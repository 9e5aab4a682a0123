// SPDX-License-Identifier: Apache-2.0
/*
 * A pause that the Hub asked for is shared through files: of the cache, for whoever opens it next, and of one more directory, for processes
 * of this user that have other caches. Neither must work: a process then learns of the pause from the Hub.
 */
#include "fetch_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/log.h>

static void tell(void *ctx, const char *host, unsigned port, uint64_t left_ms)
{
	struct fetch *f = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(f->pause_dirs); i++) {
		int r = f->pause_dirs[i] ? pause_file_put(f->pause_dirs[i], host, port, left_ms) : 0;

		if (r < 0 && r != -ENOENT)
			log_debug("%s: the pause for %s is not told to other processes: %s", f->pause_dirs[i], host, strerror(-r));
	}
}

static void look(void *ctx, hub_heard *heard, void *heard_ctx)
{
	struct fetch *f = ctx;

	for (size_t i = 0; i < ARRAY_SIZE(f->pause_dirs); i++) {
		int r = f->pause_dirs[i] ? pause_file_load(f->pause_dirs[i], &f->pause_stamps[i], heard, heard_ctx) : 0;

		if (r < 0 && r != -ENOENT)
			log_debug("%s: pauses that other processes were told are not known: %s", f->pause_dirs[i], strerror(-r));
	}
}

struct hub_share pauses_share(struct fetch *f)
{
	const char *other = f->config.pause_dir;

	f->pause_dirs[0] = f->config.cache.dir;
	f->pause_dirs[1] = other && strcmp(other, f->config.cache.dir) ? other : NULL;
	return (struct hub_share){tell, look, f};
}

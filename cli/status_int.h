/* SPDX-License-Identifier: Apache-2.0 */
/* What a mount says of itself: the JSON object behind user.hffs.status. */
#ifndef HFFS_STATUS_INT_H
#define HFFS_STATUS_INT_H

#include <hffs/mount.h>

#include "config_int.h"

struct status_source {
	const struct config *config;
	const char *dir, *source;
	struct fetch *fetch;
	struct mount *mount;
	uint64_t started_ms; /* clock_mono_ms() */
};

/* Appends the object. Any thread; memory only. */
void status_format(const struct status_source *s, struct buf *out);

#endif

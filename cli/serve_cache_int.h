/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_SERVE_CACHE_INT_H
#define HFFS_SERVE_CACHE_INT_H

#include "config_int.h"

/* What 'hffs serve' takes where it serves a cache. */
struct serve_cache_options {
	struct options options;
	bool with_dir; /* beside a folder */
	bool with_private;
};

#endif

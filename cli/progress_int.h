/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long transfer is: a bar on a terminal, a line a file otherwise. One thread at a time. */
#ifndef HFFS_PROGRESS_INT_H
#define HFFS_PROGRESS_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
	bool quiet, terminal;
	uint64_t total, start_ms, shown_ms;
	uint64_t start_bytes; /* there already when it began: no part of the rate */
	bool is_started;
	size_t files, files_done;
	uint64_t rate_ms, rate_bytes; /* of the last look */
	double rate;                  /* bytes a second, smoothed */
};

void progress_init(struct progress *p, uint64_t total, size_t files, bool quiet);
/* `bytes` of the total are there. Draws at most five times a second. */
void progress_show(struct progress *p, uint64_t bytes);
/* One file is complete. */
void progress_file(struct progress *p, const char *path, uint64_t size);
/* Takes the bar away. */
void progress_end(struct progress *p);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* What READs the kernel makes of touched pages and of read(): readahead of one descriptor or mapping. [mm/readahead.c, Linux 6.18] */
#ifndef HFFS_TESTS_KERNEL_H
#define HFFS_TESTS_KERNEL_H

#include "replay.h"

struct kernel {
	const struct workload *w;
	uint16_t file;
	uint64_t ra;     /* pages */
	uint8_t *cached; /* of each page */
};

void kernel_init(struct kernel *k, const struct workload *w, uint16_t file, uint64_t ra_bytes);
void kernel_done(struct kernel *k);
/* The READs of a thread that touches every page of [off, off + len) of a mapping, in order, added to the job. */
void kernel_touch(struct kernel *k, struct job *j, uint64_t off, uint64_t len);
/* The same for one pread(). */
void kernel_read(struct kernel *k, struct job *j, uint64_t off, uint64_t len);

#endif

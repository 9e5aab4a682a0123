// SPDX-License-Identifier: Apache-2.0
/*
 * Readers have what they read in the mount's own page cache, so the pages of a data file are a second copy of it. An extent that
 * is complete is sent to the disk at once, and dropped from the page cache a little later: pages are used again while they are
 * warm, memory stays free for the readers, and a large download does not push everything else out. Extents with holes stay: they
 * are being read here and there.
 */
#include "behind_int.h"

#include <fcntl.h>

#include <hffs/tunables.h>

static uint64_t extent_len(uint64_t size, uint64_t idx)
{
	return min_u64(EXTENT_SIZE, size - idx * EXTENT_SIZE);
}

void behind_note(struct behind *b, struct data *d, const struct blob_id *id, uint64_t size, uint64_t idx)
{
	AUTO_FD int fd = data_find(d, id, size, NULL);
	unsigned at = b->next;

	if (fd < 0)
		return;
	/* Both are advice: a disk that is slow or refuses only keeps the pages longer. */
	(void)sync_file_range(fd, (off_t)(idx * EXTENT_SIZE), (off_t)extent_len(size, idx), SYNC_FILE_RANGE_WRITE);
	if (b->ring[at].id.algo) {
		AUTO_FD int old = data_find(d, &b->ring[at].id, b->ring[at].size, NULL);

		if (old >= 0)
			(void)posix_fadvise(old, (off_t)(b->ring[at].idx * EXTENT_SIZE),
					    (off_t)extent_len(b->ring[at].size, b->ring[at].idx), POSIX_FADV_DONTNEED);
	}
	b->ring[at].id = *id;
	b->ring[at].size = size;
	b->ring[at].idx = idx;
	b->next = (at + 1) % BEHIND_EXTENTS;
}

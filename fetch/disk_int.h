/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the cache's disk does. Disk workers go to it through here. A call that lasts longer than DISK_SLOW_MS, or reads that fail again and
 * again, mean that the disk is in trouble: while it lasts, and for a while behind it, others are sent away. Then chunks that arrive stay in
 * memory, and chunks of an earlier run are fetched as if they were not there; nothing that is on the disk is given up.
 */
#ifndef HFFS_FETCH_DISK_INT_H
#define HFFS_FETCH_DISK_INT_H

#include <stdbool.h>

#include <hffs/auto.h>

struct disk;

struct disk *disk_new(unsigned places); /* at once, >= 1; NULL: no memory */
void disk_free(struct disk *d);
enum disk_use {
	DISK_READ,
	DISK_WRITE, /* two at once */
	DISK_TRIAL, /* a write also while the disk rests, but not while somebody still waits for it; when that goes well the rest is over */
};
/* Before a call that may take long. Waits for a place, until the disk is found to be slow. True: *place is taken until disk_leave(). */
bool disk_enter(struct disk *d, enum disk_use use, unsigned *place);
void disk_leave(struct disk *d, unsigned place);
/* Around a call of somebody who has to wait for the disk in any case: others find out how long it takes. Never waits. */
unsigned disk_watch(struct disk *d);
void disk_unwatch(struct disk *d, unsigned place);
/* A read of what the disk has has failed: the third within a minute is trouble, too. */
void disk_failed(struct disk *d);
/* Looks at the time: who stays away then knows. Called now and again. */
void disk_look(struct disk *d);
bool disk_is_slow(const struct disk *d); /* as of the last look; costs nothing */

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* How fast something comes: what was counted in the last two seconds. No lock of its own; all zero is an empty one. */
#ifndef HFFS_METER_H
#define HFFS_METER_H

#include <stdint.h>

#define METER_SLOTS 8
#define METER_SLOT_MS 250

struct meter {
	uint64_t slots[METER_SLOTS]; /* what came in each piece of time, by its number modulo METER_SLOTS */
	uint64_t newest;             /* number of the piece that is being filled */
};

/* now_ms: clock_mono_ms(); it never goes back between calls. */
void meter_add(struct meter *m, uint64_t now_ms, uint64_t amount);
/* A second, on average of the last two. */
uint64_t meter_rate(struct meter *m, uint64_t now_ms);

#endif

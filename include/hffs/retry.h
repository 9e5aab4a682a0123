/* SPDX-License-Identifier: Apache-2.0 */
/* When to try again, or give up. Pure: time and chance are arguments. */
#ifndef HFFS_RETRY_H
#define HFFS_RETRY_H

#include <stdbool.h>

#include <hffs/auto.h>

#define RETRY_FIRST_MS 250
#define RETRY_MOST_MS 8000

/*
 * Milliseconds before try number `tries` + 1 (tries >= 1 have failed): RETRY_FIRST_MS doubled each time up to RETRY_MOST_MS, with
 * full jitter (uniform from 0), but never below wait_ms, which the server asked for. random: 32 random bits.
 */
uint64_t retry_delay_ms(unsigned tries, uint64_t wait_ms, uint32_t random);

#endif

// SPDX-License-Identifier: Apache-2.0
/* Late and slow answers: a fixed delay, a rate for each connection, a rate for all together. */
#include "hub.h"

#include <hffs/clock.h>
#include <hffs/thread.h>

#define STEPS_PER_S 50 /* a paced body goes out in this many portions a second */
#define CREDIT_US 5000 /* so much of the common rate is not lost when a sleep was longer than asked for */

void shape_delay(struct hub *h)
{
	uint64_t ms;

	pthread_mutex_lock(&h->lock);
	ms = h->shape.delay_ms;
	pthread_mutex_unlock(&h->lock);
	if (ms)
		hub_sleep_us(h, ms * 1000);
}

static size_t portion(size_t len, uint64_t bps)
{
	uint64_t most = bps / STEPS_PER_S;

	return bps == 0 ? len : (size_t)min_u64(len, most ? most : 1);
}

/* How long until byte n->sent may go at that rate. */
static uint64_t wait_of_connection(struct note *n, uint64_t bps)
{
	uint64_t now = clock_mono_us(), due;

	if (bps == 0)
		return 0;
	if (n->start_us == 0)
		n->start_us = now;
	due = n->start_us + (uint64_t)((double)n->sent * 1e6 / (double)bps);
	return due > now ? due - now : 0;
}

/* Takes the next len bytes' time of the common rate. */
static uint64_t wait_of_all(struct hub *h, size_t len)
{
	uint64_t now = clock_mono_us(), start;
	LOCK_SCOPE(&h->lock);

	if (h->shape.total_bps == 0)
		return 0;
	start = max_u64(now - CREDIT_US, h->shape.total_next_us);
	h->shape.total_next_us = start + len * 1000000 / h->shape.total_bps;
	return start > now ? start - now : 0;
}

size_t shape_send(struct hub *h, struct note *n, size_t len)
{
	uint64_t conn, total, wait;

	pthread_mutex_lock(&h->lock);
	conn = n->bps ? n->bps : h->shape.conn_bps;
	total = h->shape.total_bps;
	pthread_mutex_unlock(&h->lock);
	if (conn == 0 && total == 0)
		return len;
	len = portion(portion(len, conn), total);
	wait = wait_of_connection(n, conn);
	wait = max_u64(wait, wait_of_all(h, len));
	if (wait)
		hub_sleep_us(h, wait);
	return len;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Pauses between processes. What a 429 says here is told to others; what others were told is looked up when the Hub is asked, once a second
 * at most, on a deferred thread, since it is in a file. Who has not looked for two seconds waits for that before a request, but not for a
 * disk that hangs.
 */
#include "client_int.h"

#include <hffs/clock.h>
#include <hffs/log.h>

#define LOOK_MS 1000
#define HOLD_MS 200 /* no request waits longer for a look */

/* --- telling --- */

static void tell(void *arg)
{
	struct hub *h = arg;
	struct pause told;

	while (pauses_take_untold(&h->pauses, &told)) {
		uint64_t now = clock_mono_ms();

		if (told.until_ms > now)
			h->share.tell(h->share.ctx, told.host, told.port, told.until_ms - now);
	}
	hub_call_end(h);
}

void share_tell(struct hub *h)
{
	if (h->share.tell && pauses_begin_telling(&h->pauses) && hub_call_begin(h))
		hub_defer(h, tell, h);
}

/* --- looking --- */

static void heard(void *ctx, const char *host, unsigned port, uint64_t left_ms)
{
	struct hub *h = ctx;

	if (pauses_hear(&h->pauses, host, port, clock_mono_ms() + left_ms))
		log_info("%s asked another process to leave it alone: for %llu s from now", host, (unsigned long long)left_ms / 1000 + 1);
}

void share_look(struct hub *h)
{
	if (h->share.look)
		h->share.look(h->share.ctx, heard, h);
	LOCK_SCOPE(&h->lock);
	h->looked_ms = clock_mono_ms();
	h->is_looking = false;
}

static void look(void *arg)
{
	share_look(arg);
	hub_call_end(arg);
}

uint64_t share_hold_until(struct hub *h)
{
	uint64_t now = clock_mono_ms();
	bool is_due, must_hold;

	if (!h->share.look)
		return 0;
	pthread_mutex_lock(&h->lock);
	is_due = now - h->looked_ms >= LOOK_MS && !h->is_looking;
	if (is_due) {
		h->is_looking = true;
		h->look_ms = now;
	}
	must_hold = h->is_looking && now - h->looked_ms >= 2 * LOOK_MS && now - h->look_ms < HOLD_MS;
	pthread_mutex_unlock(&h->lock);
	if (is_due && hub_call_begin(h))
		hub_defer(h, look, h);
	return must_hold ? now + 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts want to be left alone, and until when: what a 429 announces. Times are clock_mono_ms(). Any thread. */
#ifndef HFFS_HUB_PAUSE_INT_H
#define HFFS_HUB_PAUSE_INT_H

#include <stdint.h>

#include <hffs/thread.h>

#define PAUSES_MAX 16 /* hosts at once; beyond that the pause that ends first is given up */

struct pauses {
	pthread_mutex_t lock;
	struct {
		char host[256];
		unsigned port;
		uint64_t until_ms;
	} of[PAUSES_MAX];
};

void pauses_init(struct pauses *p);
void pauses_done(struct pauses *p);
/* The host of url is left alone until until_ms, or longer if that was said before. Returns the end. */
uint64_t pauses_note(struct pauses *p, const char *url, uint64_t until_ms);
/* When the pause of url's host ends or has ended; 0: there was none. */
uint64_t pauses_end(struct pauses *p, const char *url);

#endif

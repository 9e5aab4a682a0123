/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts want to be left alone, and until when: what a 429 announces. Times are clock_mono_ms(). Any thread. */
#ifndef HFFS_HUB_PAUSE_INT_H
#define HFFS_HUB_PAUSE_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <hffs/thread.h>

#define PAUSES_MAX 16 /* hosts at once; beyond that the pause that ends first is given up */

#define PAUSE_SLACK_MS 500 /* an end that is so little later than the known one is no news */

struct pause {
	char host[256];
	unsigned port;
	uint64_t until_ms;
	uint64_t told_ms; /* the end that other processes know */
	bool is_met;      /* it was announced to us, or a request of ours came upon it */
};
struct pauses {
	pthread_mutex_t lock;
	bool is_telling; /* somebody takes those that are untold */
	struct pause of[PAUSES_MAX];
};

void pauses_init(struct pauses *p);
void pauses_done(struct pauses *p);
/* The host of url is left alone until until_ms, or longer if that was said before. Returns the end. */
uint64_t pauses_note(struct pauses *p, const char *url, uint64_t until_ms);
/* When the pause of url's host ends or has ended, for a request to it; 0: there was none. */
uint64_t pauses_end(struct pauses *p, const char *url);
/* When the last pause of a host that we had to do with ends or has ended; 0: there was none. */
uint64_t pauses_last_end(struct pauses *p);
/* The same as pauses_note(), as another process was told: true if that is news. */
bool pauses_hear(struct pauses *p, const char *host, unsigned port, uint64_t until_ms);
/* What other processes do not know: who may begin takes one after the other, until there is none. */
bool pauses_begin_telling(struct pauses *p);
bool pauses_take_untold(struct pauses *p, struct pause *out);

#endif

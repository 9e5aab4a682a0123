/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last requests say of their hosts. A host that failed HOST_FAILURES_MAX times in a row is *down*: one request at a time
 * asks whether it is back, about one a second; the others wait or fail at once, as they wish, with what the last one ran into. The
 * first answer ends that for all. While it answered each time, but always for the same path that it is in trouble, only that path
 * is down. And the address that answered last stands in while the name cannot be looked up.
 *
 * The net thread's own; times are clock_mono_ms(). Pure.
 */
#ifndef HFFS_HUB_HOSTS_INT_H
#define HFFS_HUB_HOSTS_INT_H

#include <stdbool.h>
#include <stdint.h>

#include <hffs/err.h>

#define HOSTS_MAX 16 /* at once; beyond that the one that was used least recently is forgotten */
#define HOST_FAILURES_MAX 5
#define HOST_ADDRESS_MAX 64

/* How a request that was sent ended, as far as the host is concerned. */
enum host_news {
	HOST_NO_NEWS,   /* cancelled, or a matter of this request */
	HOST_ANSWERED,
	HOST_TROUBLED,  /* it says that it is in trouble, or breaks off: that may be about what was asked for */
	HOST_SILENT,    /* it cannot be reached */
	HOST_NO_LOOKUP, /* its name has no address */
};

struct host {
	char name[256]; /* "": free */
	unsigned port;
	uint64_t used_ms;
	unsigned failures;     /* in a row */
	uint64_t path;         /* a hash: where the first of them was */
	bool is_everywhere;    /* not only there */
	uint64_t answered_ms;  /* the last time */
	uint64_t asked_ms;     /* while it is down: when somebody was sent to ask; 0: nobody is out */
	uint64_t ask_again_ms; /* nobody is before */
	struct err err;        /* of the last failure */
	char address[HOST_ADDRESS_MAX]; /* that answered last; "": none */
	uint64_t by_address_until_ms;
};

struct hosts {
	struct host of[HOSTS_MAX];
};

/* NULL: the address cannot be read. Good until the next call. */
struct host *hosts_find(struct hosts *hs, const char *url, uint64_t now);
/* May a request for url be sent to it now? 0: yes, and it is on its way; else when to ask again. h NULL: yes. */
uint64_t host_turn(struct host *h, const char *url, uint64_t now);
/* Milliseconds until somebody may ask for url again; 0: it is not down. */
uint64_t host_wait_ms(const struct host *h, const char *url, uint64_t now);

struct host_event {
	enum host_news news;
	const char *url;
	uint64_t began;        /* when the request was sent */
	uint32_t random;       /* 32 random bits */
	const struct err *err; /* of a failure */
	const char *address;   /* that answered; "" if unknown, or a proxy's */
};
void host_note(struct host *h, const struct host_event *e, uint64_t now);
/* The address to use instead of looking the name up; NULL: look it up. */
const char *host_address(const struct host *h, uint64_t now);

#endif

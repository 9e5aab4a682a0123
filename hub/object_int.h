/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ranged GETs of objects, and where they are found: shared by object.c (life) and object_answer.c (answers).
 *
 * An object_get belongs to the net thread: other threads set a flag and post its task. It is in one of these states:
 *   NEW      posted, not yet looked at          WAITING  another one resolves this object's location
 *   QUEUED   knows its address, waits for a connection        RUNNING  a request is under way
 *   REREAD   a deferred thread reads the token file again
 * An address that was found is remembered as soon as the headers that name it are there, and those who wait for it go on then.
 * An address that will end soon is renewed by a get of its own, while others go on with the one that is known.
 * Bytes go to the sink only after the headers of their answer were found to be those of the range and object asked for.
 */
#ifndef HFFS_HUB_OBJECT_INT_H
#define HFFS_HUB_OBJECT_INT_H

#include "client_int.h"
#include "location_int.h"

enum get_state { GET_NEW, GET_WAITING, GET_QUEUED, GET_RUNNING, GET_REREAD };

struct object_get {
	struct http_task task;
	struct hub *hub;
	_Atomic bool is_cancelled, is_resumed, has_reread;
	/* set when made */
	struct object_ref ref;
	uint64_t off, len;
	struct object_sink sink;
	void *ctx;
	char *what, *range; /* as sentences name it; its Range header */
	char *path;         /* of a renewal, whose ref outlives that of whom it is made for; else NULL */
	/* the net thread's own */
	struct object_get *next; /* in a list of waiters, or in the queue */
	enum get_state state;
	struct location *loc;
	struct hop hop;
	struct http_request *rq;
	bool is_renewal;     /* wants the next address only; has no reader and no slot */
	bool has_slot;       /* counts among the connections */
	bool is_remembered;  /* began at a remembered location */
	bool was_refreshed;  /* a remembered one was refused once */
	bool is_known;       /* an answer named the object */
	bool is_next;        /* the answer redirects; hop.url is where */
	bool is_delivering;  /* the body is the range */
	bool has_more;       /* and goes on behind it */
	bool tried_reread;
	bool is_refused; /* by the headers, as res says */
	uint64_t host_wait_ms; /* as the last request had it */
	int sink_r;
	uint64_t got, wasted;
	struct hub_result res;
	bool token_changed; /* written by the deferred thread before has_reread */
};

struct objects {
	struct locations locations;
	unsigned running, renewing;
	struct object_get *queue, **queue_tail;
	bool is_serving;
};

/* --- object.c: all on the net thread --- */
/* Ends g with g->res, which the sink hears. */
void get_finish(struct object_get *g);
void get_fail(struct object_get *g, int r, const char *why);
/* Goes to where the object is, if that is known, or asks, unless another one does. */
void get_locate(struct object_get *g);
void get_leave_slot(struct object_get *g);
/* Those who wait for a location go on: with it if it is known now, else one of them resolves it. */
void get_wake_waiters(struct location *l);
/* The files that anybody may read of a gated repository. */
bool object_is_open_to_all(const char *path);

/* --- object_answer.c: all on the net thread --- */
/* Sends the request for g->hop.url. */
void get_send(struct object_get *g);
/* Goes on after GET_REREAD. */
void get_end_reread(struct object_get *g);

#endif

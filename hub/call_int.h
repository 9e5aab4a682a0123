/* SPDX-License-Identifier: Apache-2.0 */
/* A call of the JSON API: asked again until it succeeds, fails for good or is out of time; page after page where there are more. */
#ifndef HFFS_HUB_CALL_INT_H
#define HFFS_HUB_CALL_INT_H

#include <hffs/buf.h>

#include "client_int.h"
#include "parse_int.h"

struct call {
	/* set by who makes it */
	struct repo_id repo;
	bool is_about_repo; /* else about an organisation: no notes are kept */
	bool has_pages;
	unsigned pages_max; /* one more is -E2BIG; 0: no limit but our own */
	char *post;         /* a form makes it POST; owned; NULL: GET */
	char *what; /* as sentences name it */
	/* Parses the body; on a deferred thread. 0 or as the parsers of parse_int.h. */
	int (*take)(struct call *c, const char *text, size_t len, struct err *err);
	/* Hands out c->res and what was taken; more: another page follows. On a deferred thread. */
	void (*deliver)(struct call *c, bool more);
	void (*done)(void); /* the caller's callback, as deliver() knows it */
	void *ctx;
	struct hub_info info;
	struct hub_whoami whoami;
	struct parsed parsed;
	struct hub_result res;

	/* call.c's own */
	struct hub *hub;
	char *url; /* of the page being asked for */
	struct hop hop;
	struct http_ask ask;
	struct buf body;
	bool is_ok;       /* body is an answer to take */
	bool is_too_long; /* it passed the cap */
	int64_t date_s;   /* of the last answer; 0: it had none */
	char *link;       /* the Link header of the answer; NULL if none */
	unsigned tries;
	bool host_is_down; /* which the last answer showed: the next request waits for its turn by itself */
	bool has_reread; /* the token file, after a 401 */
	uint64_t give_up_ms;
	uint64_t *asked; /* hashes of the addresses of all pages so far */
	size_t nr_asked;
};

/*
 * Takes c over and asks for url (NULL: out of memory), which is taken over too. deliver() comes on a deferred thread, or at once
 * on this one if the hub is closing.
 */
void call_start(struct hub *h, struct call *c, char *url);

#endif

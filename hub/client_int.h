/* SPDX-License-Identifier: Apache-2.0 */
/* struct hub, and what api.c and object.c share: the token, the pause of a rate limit, refusals, one request of a chain of redirects. */
#ifndef HFFS_HUB_CLIENT_INT_H
#define HFFS_HUB_CLIENT_INT_H

#include <stdatomic.h>
#include <time.h>

#include <hffs/hub.h>
#include <hffs/map.h>
#include <hffs/meter.h>
#include <hffs/thread.h>

#include "http_int.h"
#include "pause_int.h"

struct objects;

/* The token in use. Sent only where token_may_go() says so. */
struct token {
	pthread_mutex_t lock;
	char *text;           /* NULL: none */
	bool is_fixed;        /* given, not read from the file */
	char *file;           /* NULL: none */
	struct timespec mtime; /* of the file as it was read */
	uint64_t nr;          /* tokens so far: counts changes */
	uint64_t check_at_ms; /* clock_mono_ms() of the next look at the file */
};

struct hub {
	/* set when opened */
	char *endpoint, *user_agent;
	unsigned names_deadline_ms, connections_max, names_connections;
	void (*defer)(void *ctx, void (*fn)(void *arg), void *arg);
	void *defer_ctx;
	struct http *http;
	struct objects *objects; /* the net thread's own */
	_Atomic bool offline, closing;
	struct token token;
	struct pauses pauses;
	struct hub_share share;

	pthread_mutex_t lock;
	pthread_cond_t idle;
	unsigned nr_calls;        /* API calls and deferred work under way */
	struct map repos;         /* "datasets/org/name" -> struct repo_note */
	uint64_t bytes_fetched;
	struct meter meter;       /* of these */
	uint64_t faults[8];
	char last_error[ERR_TEXT_MAX];
	int64_t last_error_s;
	bool is_looking;             /* what other processes were told is being looked up */
	uint64_t look_ms, looked_ms; /* monotonic: when that began, and when it was last done */
};

/* Work that hub_close() waits for. False once the hub is closing. */
bool hub_call_begin(struct hub *h);
void hub_call_end(struct hub *h);
/* fn(arg) on a thread that may touch files; it runs before hub_close() returns if it is inside hub_call_begin() and _end(). */
void hub_defer(struct hub *h, void (*fn)(void *arg), void *arg);

/* --- token.c --- */
/* t->lock is there already, all else zero. */
int token_init(struct token *t, const char *fixed, const char *file, struct err *err);
void token_done(struct token *t);
/* A copy of the token, caller frees; NULL if there is none. *nr says which it is. */
char *token_copy(struct token *t, uint64_t *nr);
/* Reads the file again: true if the token now is another one than number nr. Touches a file. */
bool token_is_newer(struct token *t, uint64_t nr);
/* Reads the file again: true if the token is another one now. Touches a file. */
bool token_reload(struct token *t);
/* Sees to it that the file is looked at every few seconds, on a deferred thread. */
void token_watch(struct hub *h);

/* --- share.c: pauses between processes --- */
/* Tells others what they do not know. Any thread. */
void share_tell(struct hub *h);
/* Looks up what others were told, now. Touches a file. */
void share_look(struct hub *h);
/* The same, if it is time, on a deferred thread. Until when a request has to wait for that; 0: it need not. */
uint64_t share_hold_until(struct hub *h);

/* --- notes.c: what is remembered of repositories, and how calls went --- */
/* True if access was refused within the last minute: *res says what is known. */
bool hub_is_denied(struct hub *h, const struct repo_id *repo, bool is_content, struct hub_result *res);
void hub_note_denied(struct hub *h, const struct repo_id *repo, bool is_content, const struct hub_result *res);
void hub_forget_denials(struct hub *h);
bool hub_was_seen(struct hub *h, const struct repo_id *repo);
void hub_note_seen(struct hub *h, const struct repo_id *repo);
/* Counts a failed request and keeps its sentence as the last error. */
void hub_note_fault(struct hub *h, enum hub_fault fault, const struct err *err);
void notes_done(struct hub *h);

/* --- hop.c: one request of a chain of redirects --- */
struct hop {
	char *url;         /* of the next request, or of the one under way */
	unsigned nr;       /* requests made in this chain */
	bool had_token;    /* the one under way carries the token */
	uint64_t token_nr; /* which one */
	bool is_foreign;   /* it goes to another origin than the endpoint's */
	bool deny_private; /* a public host was part of the chain */
};
void hop_done(struct hop *hop);
/* Begins a chain at url, which is taken over (NULL: out of memory). */
int hop_begin(struct hop *hop, char *url);
/*
 * Sends the next request of the chain: ask has the callbacks, and headers of its own (at most 4). Adds the token where it may go,
 * and waits out the pause, by which ask->deadline_ms moves unless it is 0. ask->url is not used. Errors as http_start().
 */
int hop_send(struct hub *h, struct hop *hop, struct http_ask *ask, struct http_request **out);
/* The answer is a redirect: the next request goes where it leads, or -errno with a sentence if that is refused. */
int hop_follow(struct hub *h, struct hop *hop, const struct http_answer *a, bool is_api, struct err *err);
/* What an answer that is no success means; keeps the shared pause and the notes up to date. */
void hop_judge(struct hub *h, const struct hop *hop, const struct http_answer *a, const struct repo_id *repo, const char *what,
	       bool is_content, struct hub_result *res);

/* --- object.c --- */
int objects_open(struct hub *h);
void objects_close(struct hub *h);

/* "datasets/acme/x": as users write a repository. */
#define REPO_SHOWN_MAX (REPO_NAME_MAX + 16)
void repo_shown(const struct repo_id *repo, char out[REPO_SHOWN_MAX]);

#endif

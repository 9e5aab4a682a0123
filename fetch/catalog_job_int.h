/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the catalog: what is remembered, and jobs, one for each thing that somebody waits for. A job walks
 *     memory -> stored document -> Hub -> memory and store -> its waiters
 * in steps; between two steps it belongs to hub, cache or a worker, so its own members need no lock. c->lock guards tables,
 * waiters and flags, for a few lines each time; hub, cache and waiters are called without it.
 */
#ifndef HFFS_FETCH_CATALOG_JOB_INT_H
#define HFFS_FETCH_CATALOG_JOB_INT_H

#include <hffs/thread.h>

#include "catalog_int.h"
#include "catalog_listing_int.h"
#include "catalog_lru_int.h"

#define KEY_MAX 2048
#define NEGATIVE_MS 60000   /* how long "there is no such thing" and "you may not" are believed */
#define MASKED_MS 300000    /* a listing with masked digests: access may be granted without a new commit */
#define REPOS_TTL_MS 300000 /* the repositories of an organisation */
#define GONE_MS 5000        /* after a failure the Hub counts as unreachable so long, while nobody asks */
#define PROBE_MS 2000       /* meanwhile it is asked so often whether it is back */
#define KNOWN_MAX 10000     /* revisions, refs, organisations, absences in memory */
#define KNOWN_COST_MAX ((size_t)64 << 20)
#define TREES_MAX 64
#define TREES_COST_MAX ((size_t)200 << 20)
#define REFS_CONFIRMED_MAX 2000 /* refs of one answer whose commits are remembered one by one */
#define NAMES_MAX 1000000       /* repositories of one organisation */

/* The first letter of a key. The rest is the document's key: "<endpoint>\n<identity>\n<kind>/<repo>\n<revision or commit>". */
enum job_kind { JOB_REVISION = 'r', JOB_TREE = 't', JOB_REFS = 'b', JOB_REPOS = 'o', JOB_USED = 'u' };

struct answer {
	int r;
	struct err err;
	struct revision rev;
	struct listing *listing; /* owned */
	struct tree *tree;       /* owned */
};
void answer_done(struct answer *a);
/* Sets the error from what the Hub said, or from a sentence of our own where it said none. */
int answer_fail(struct answer *a, int r, const struct err *err, const char *what);

/* What is known under a key. */
struct known {
	struct lru_node node;
	bool has;                /* rev or listing is an answer, fresh or not */
	bool is_thin;            /* a commit that refs named: no time yet */
	uint64_t fresh_until_ms; /* monotonic; 0: stale; UINT64_MAX: for ever */
	struct revision rev;
	struct listing *listing;
	int negative; /* -errno until negative_until_ms */
	uint64_t negative_until_ms;
	char *negative_text;
};

struct kept_tree {
	struct lru_node node;
	struct tree *tree;
	uint64_t until_ms; /* monotonic */
};

union done {
	revision_done *revision;
	tree_done *tree;
	refs_done *refs;
	names_done *names;
};

struct waiter {
	struct waiter *next;
	union done done;
	void *ctx;
};

struct job {
	struct catalog *c;
	struct job *prev, *next; /* all jobs */
	enum job_kind kind;
	char *key;
	size_t prefix_len; /* of the key up to and with the identity's newline */
	bool is_detached;  /* forgotten meanwhile: not in the map, and its answer is not remembered */
	bool is_probe;
	struct waiter *waiters, **tail;
	struct repo_id repo; /* JOB_REPOS, JOB_USED: name is the organisation, or the repository, or "" */
	char rev[REPO_REV_MAX];
	bool is_default; /* the revision was not named */
	void (*step)(struct job *j);
	int doc_r;
	struct buf doc;
	struct tree_builder *builder;
	struct listing_maker maker;
	int build_r; /* of builder or maker */
	struct answer answer;
};

struct catalog {
	struct hub *hub; /* called, as the cache, between catalog_enter() and catalog_leave() only */
	struct cache *cache;
	char *endpoint; /* copies, for ever at hand */
	uint8_t salt[16];
	uint64_t ref_ttl_ms;
	void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
	void *post_ctx;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t idle;  /* calls became 0 */
	bool cancelled;
	unsigned calls; /* into hub and cache, now */
	struct map jobs;
	struct job *all; /* with detached ones */
	struct lru known, trees;
	bool is_gone;      /* the Hub could not be reached when last asked */
	uint64_t gone_ms;  /* since then, monotonic */
	uint64_t probe_ms; /* last time it was asked meanwhile */
	unsigned probes;   /* under way */
	int64_t forgot_s;  /* wall clock: older documents of branches count as stale */
};

/* --- keys --- */

/* "<letter><endpoint>\n<identity>\n<kind>/<name>" and, unless rev is NULL, "\n<rev>". 0, -ENAMETOOLONG, or -ECANCELED. */
int key_format(struct catalog *c, enum job_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX]);
/* The same with endpoint and identity of the job's own key. */
int key_derive(const struct job *j, enum job_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX]);
/* Is the token still the one that the job began with? Then what it learnt may be remembered under its key. */
bool job_is_current(const struct job *j);
/* "org/name@rev" for a sentence. */
#define DESCRIBE_MAX (REPO_NAME_MAX + REPO_REV_MAX + 16)
void job_describe(const struct job *j, char out[DESCRIBE_MAX]);

/* --- memory, in catalog.c --- */

struct known *known_find_locked(struct catalog *c, const char *key);
struct known *known_make_locked(struct catalog *c, const char *key); /* NULL: no memory */
void known_set_negative_locked(struct catalog *c, const char *key, int r, const char *text);

enum found { FOUND_NOTHING, FOUND_FRESH, FOUND_STALE /* but the Hub is out of reach, so it must do */ };
enum found memory_find_locked(struct catalog *c, enum job_kind kind, const char *key, bool is_offline, struct answer *out);
/* Until when an answer of this age may be believed. */
uint64_t fresh_until(uint64_t ttl_ms, uint64_t age_ms);
/* What is left of it, for revision.ttl_ms. */
uint64_t fresh_left(uint64_t fresh_until_ms);
/* The Hub answered, or could not be reached. */
void hub_note_answer(struct catalog *c);
void hub_note_failure(struct catalog *c, const struct hub_result *res);
bool hub_is_away(struct catalog *c); /* offline by the user's wish */
/* Did the Hub say that there is no such thing, or that we may not? Anything else is no answer. */
bool result_is_absent(const struct hub_result *res);
bool result_is_refused(const struct hub_result *res);

/* --- jobs, in catalog.c --- */

/* Answers from memory, or joins or starts a job. */
void catalog_ask(struct catalog *c, enum job_kind kind, const struct repo_id *repo, const char *rev, union done done, void *ctx);
/* Allows calls into hub and cache, until catalog_leave(). False: cancelled, they may be closed. */
bool catalog_enter(struct catalog *c);
void catalog_leave(struct catalog *c);
/* The same; if false, the job is over and gone. */
bool job_enter(struct job *j);
/* Runs the next step on a worker. */
void job_post(struct job *j, void (*step)(struct job *j));
/* Hands the answer to all waiters and frees the job. */
void job_end(struct job *j);
void job_end_with(struct job *j, int r, const struct err *err);
/* Asks for the job's stored document; then runs step on a worker, with j->doc_r and j->doc. */
void job_load_doc(struct job *j, enum doc_kind kind, void (*step)(struct job *j));
void job_put_doc(struct job *j, enum doc_kind kind, const char *key, const struct buf *bytes);
void job_drop_doc(struct job *j, enum doc_kind kind);

/* --- first steps of the kinds --- */

void named_start(struct job *j); /* catalog_named.c: revisions, refs, repositories */
void tree_start(struct job *j);  /* catalog_tree.c */
void used_start(struct job *j);  /* catalog_used.c; also the last resort of JOB_REPOS */

#endif

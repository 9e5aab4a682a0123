/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the catalog: what is remembered, and inquiries, one for each thing that somebody waits for. An inquiry walks
 *     memory -> stored document -> Hub -> memory and store -> its waiters
 * in steps; between two steps it belongs to hub, cache or a worker, so its own members need no lock. c->lock guards tables,
 * waiters and flags, for a few lines each time; hub, cache and waiters are called without it.
 */
#ifndef HFFS_FETCH_CATALOG_INQUIRY_INT_H
#define HFFS_FETCH_CATALOG_INQUIRY_INT_H

#include <hffs/filter.h>
#include <hffs/lockfile.h>
#include <hffs/thread.h>

#include "catalog_int.h"
#include "catalog_roster_int.h"
#include "catalog_lru_int.h"

#define KEY_MAX 2048
#define NEGATIVE_MS 60000   /* how long "there is no such thing" and "you may not" are believed */
#define MASKED_MS 300000    /* a listing with masked digests: access may be granted without a new commit */
#define REPOS_TTL_MS 300000 /* the repositories of an organisation */
#define GONE_MS 30000       /* so long after a failure nobody waits for the Hub who can do without */
#define PROBE_MS 2000       /* meanwhile it is asked so often whether it is back */
#define KNOWN_MAX 10000     /* revisions, refs, organisations, absences in memory */
#define KNOWN_COST_MAX ((size_t)64 << 20)
#define TREES_MAX 64
#define LARGE_PAGES 20 /* a listing of more is asked for directory by directory, if not said otherwise */
#define TREES_COST_MAX ((size_t)200 << 20)
#define REFS_CONFIRMED_MAX 2000 /* refs of one answer whose commits are remembered one by one */
#define NAMES_MAX 1000000       /* repositories of one organisation */

/* The first letter of a key. The rest is the document's key: "<endpoint>\n<identity>\n<kind>/<repo>\n<revision or commit>". */
enum inquiry_kind { INQUIRY_REVISION = 'r', INQUIRY_TREE = 't', INQUIRY_REFS = 'b', INQUIRY_REPOS = 'o', INQUIRY_USED = 'u',
		    INQUIRY_KNOWN = 'k', /* a revision, without the Hub */
		    INQUIRY_LISTING = 'l', INQUIRY_DIR = 'd', INQUIRY_PATH = 'p', /* of large commits: "<commit>/<path>" */
		    INQUIRY_GRANT = 'g' /* "<content>/<size>/<commit>/<path>"; remembered under "<content>" */ };

struct outcome {
	int r;
	struct err err;
	struct revision rev;
	struct roster *roster; /* owned */
	struct tree *tree;       /* owned */
	bool is_whole;         /* tree is all of the commit */
	bool is_unstored;      /* rev is to become a document */
};
/* What is known under a key. */
struct known {
	struct lru_node node;
	bool has;                /* rev or roster is an answer, fresh or not */
	bool is_thin;            /* a commit that refs named: no time yet */
	bool is_unstored;        /* a branch or tag that refs named: becomes a document when it is used */
	uint64_t fresh_until_ms; /* monotonic; 0: stale; UINT64_MAX: for ever */
	struct revision rev;
	struct roster *roster;
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
	part_done *listing;
	grant_done *grant;
	refs_done *refs;
	names_done *names;
};

struct waiter {
	struct waiter *next;
	union done done;
	void *ctx;
};

struct inquiry {
	struct catalog *c;
	struct inquiry *prev, *next; /* all inquiries */
	enum inquiry_kind kind;
	char *key;
	size_t prefix_len; /* of the key up to and with the identity's newline */
	bool is_detached;  /* forgotten meanwhile: not in the map, and its answer is not remembered */
	bool is_probe;
	struct waiter *waiters, **tail;
	struct repo_id repo; /* INQUIRY_REPOS, INQUIRY_USED: name is the organisation, or the repository, or "" */
	char rev[REPO_REV_MAX];
	char *path; /* of INQUIRY_LISTING, _DIR and _PATH; of _GRANT all that is asked; owned; else NULL */
	struct hub_result probed; /* INQUIRY_GRANT */
	unsigned tries;
	bool is_default; /* the revision was not named */
	void (*step)(struct inquiry *q);
	int doc_r;
	struct buf doc;
	struct tree_builder *builder;
	struct roster_maker maker;
	int build_r; /* of builder or maker */
	struct outcome outcome;
};

struct catalog {
	struct hub *hub; /* called, as the cache, between catalog_enter() and catalog_leave() only */
	struct cache *cache;
	char *endpoint; /* copies, for ever at hand */
	uint8_t salt[16];
	uint64_t ref_ttl_ms;
	unsigned large_pages; /* LARGE_PAGES, or what the configuration says */
	const struct lockfile *lockfile; /* borrowed; NULL: the whole Hub */
	const struct filter *filter;     /* borrowed; NULL: every file. Listings are stored whole, and kept in memory as they are shown */
	void (*post)(void *ctx, void (*fn)(void *arg), void *arg);
	void *post_ctx;

	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t idle;  /* calls became 0 */
	bool cancelled;
	unsigned calls; /* into hub and cache, now */
	struct map inquiries;
	struct inquiry *all; /* with detached ones */
	struct lru known, trees;
	bool is_gone;      /* the Hub could not be reached when last asked */
	uint64_t gone_ms;  /* since then, monotonic */
	uint64_t probe_ms; /* last time it was asked meanwhile */
	unsigned probes;   /* under way */
	int64_t forgot_s;  /* wall clock: older documents of branches count as stale */
};

/* --- catalog_memory.c: outcomes, keys, what is known --- */

void outcome_done(struct outcome *o);
/* Sets the error from what the Hub said, or from a sentence of our own where it said none. */
int outcome_fail(struct outcome *o, int r, const struct err *err, const char *what);

/* "<letter><endpoint>\n<identity>\n<kind>/<name>" and, unless rev is NULL, "\n<rev>". 0, -ENAMETOOLONG, or -ECANCELED. */
int key_format(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX]);
/* The same with endpoint and identity of the inquiry's own key. */
int key_derive(const struct inquiry *q, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, char out[KEY_MAX]);
/* Length of "<letter><endpoint>\n<identity>\n". */
size_t key_prefix_len(const char *key);
/* Is it about this repository? NULL: any. */
bool key_is_of(const char *key, const struct repo_id *repo);
/* Is the token still the one that the inquiry began with? Then what it learnt may be remembered under its key. */
bool inquiry_is_current(const struct inquiry *q);

/* Until when an answer of this age may be believed; what is left of it, for revision.ttl_ms. */
uint64_t fresh_until(uint64_t ttl_ms, uint64_t age_ms);
uint64_t fresh_left(uint64_t fresh_until_ms);

struct known *known_find_locked(struct catalog *c, const char *key);
struct known *known_make_locked(struct catalog *c, const char *key); /* NULL: no memory */
void known_set_roster_locked(struct catalog *c, struct known *k, struct roster *r);
void known_set_negative_locked(struct catalog *c, const char *key, int r, const char *text);
void known_forget_locked(struct known *k, const struct repo_id *repo);
void memory_init(struct catalog *c);

enum found { FOUND_NOTHING, FOUND_FRESH, FOUND_STALE /* but the Hub is out of reach, so it must do */ };
enum found memory_find_locked(struct catalog *c, enum inquiry_kind kind, const char *key, bool is_offline, struct outcome *out);

/* --- catalog.c: asking, and the Hub's health --- */

/* Answers from memory, or joins or starts an inquiry. */
void catalog_ask(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev, union done done,
		 void *ctx);
/* Allows calls into hub and cache, until catalog_leave(). False: cancelled, they may be closed. */
bool catalog_enter(struct catalog *c);
void catalog_leave(struct catalog *c);
bool catalog_is_offline(struct catalog *c); /* by the user's wish */
/* The Hub answered, or could not be reached. */
void catalog_note_answer(struct catalog *c);
void catalog_note_failure(struct catalog *c, const struct hub_result *res);
/* Did the Hub say that there is no such thing, or that we may not? Anything else is no answer. */
bool result_is_absent(const struct hub_result *res);
bool result_is_refused(const struct hub_result *res);

/* --- catalog_inquiry.c: the life of an inquiry --- */

/* NULL: no memory. */
struct inquiry *inquiry_new(struct catalog *c, enum inquiry_kind kind, const struct repo_id *repo, const char *rev,
			    const char *key);
void inquiry_free(struct inquiry *q);
AUTO_DEFINE(struct inquiry *, inquiry_free)
int inquiry_add_waiter_locked(struct inquiry *q, union done done, void *ctx);
int inquiry_link_locked(struct inquiry *q);
void inquiry_unlink_locked(struct inquiry *q);
/* From now on others ask anew; this one's answer is for its waiters only. */
void inquiry_detach_locked(struct inquiry *q);
void inquiry_start(struct inquiry *q);
/* catalog_enter() for an inquiry; if false, it is over and gone. */
bool inquiry_enter(struct inquiry *q);
/* Runs the next step on a worker. */
void inquiry_post(struct inquiry *q, void (*step)(struct inquiry *q));
/* Hands the outcome to all waiters and frees the inquiry. */
void inquiry_end(struct inquiry *q);
void inquiry_end_with(struct inquiry *q, int r, const struct err *err);
/* Asks for its stored document; then runs step on a worker, with q->doc_r and q->doc. */
void inquiry_load_doc(struct inquiry *q, enum doc_kind kind, void (*step)(struct inquiry *q));
/* The same with another key than the inquiry's own. */
void inquiry_load_doc_of(struct inquiry *q, enum doc_kind kind, const char *key, void (*step)(struct inquiry *q));
void inquiry_put_doc(struct inquiry *q, enum doc_kind kind, const char *key, const struct buf *bytes);
void inquiry_drop_doc(struct inquiry *q, enum doc_kind kind);
/* "org/name@rev" for a sentence. */
#define DESCRIBE_MAX (REPO_NAME_MAX + REPO_REV_MAX + 16)
void inquiry_describe(const struct inquiry *q, char out[DESCRIBE_MAX]);
void outcome_give(const struct outcome *o, enum inquiry_kind kind, union done done, void *ctx);
/* Frees the waiters, too. */
void waiters_end(struct waiter *w, enum inquiry_kind kind, const struct outcome *o);

/* --- first steps of the kinds --- */

void inquiry_start_named(struct inquiry *q); /* catalog_named.c: revisions, refs, repositories */
void inquiry_start_tree(struct inquiry *q);  /* catalog_tree.c */
void inquiry_start_listing(struct inquiry *q); /* catalog_dir.c: INQUIRY_LISTING, _DIR, _PATH */
/* Remembers a listing under a key, in memory and as a document. */
void tree_keep(struct inquiry *q, const char *key, struct tree *t);
void tree_store_doc(struct inquiry *q, const char *key, const struct tree *t);
/* The Hub has no listing for us; ends the inquiry. */
void tree_fail(struct inquiry *q, const struct hub_result *res);
/* The tree of all that was added, the Hub's answer being complete: a reference. NULL: the inquiry has ended, its waiters know why. */
struct tree *inquiry_take_tree(struct inquiry *q);
/*
 * Puts what may be seen in the place of the whole, which is stored already. dir: the directory whose entries they are, NULL: a whole
 * commit. On failure the tree is gone.
 */
int tree_show(const struct inquiry *q, const char *dir, struct tree **t);
/* A stored listing: 0, or -errno; a damaged one is dropped. */
int tree_take_doc(struct inquiry *q, struct tree **out);
void inquiry_start_known(struct inquiry *q); /* catalog_named.c, too */
void inquiry_start_grant(struct inquiry *q); /* catalog_grant.c */
void inquiry_start_used(struct inquiry *q);  /* catalog_used.c; also the last resort of INQUIRY_REPOS */

/* --- catalog_named.c and catalog_revision.c between them --- */

/* The Hub had no answer: falls back on what is known, or fails; ends the inquiry. */
void named_fail(struct inquiry *q, const struct hub_result *res);
/* It answered, but not with something that can be used. */
void named_fail_unusable(struct inquiry *q, const char *why);
/* What the Hub says of a revision; ends the inquiry. */
void revision_answered(void *ctx, const struct hub_result *res, const struct hub_info *info);
/* Makes a document of a revision that is used for the first time since refs named it. key: as in memory. */
void revision_store(struct catalog *c, const char *key, const struct revision *rev);
/* One ref is as good as an answer of its own, but for the time of its commit. */
void revision_confirm_refs_locked(struct inquiry *q, const struct roster *refs);
bool revision_is_commit(const char *rev);

/* --- catalog_lock.c: answers of a catalog that is locked, on the calling thread --- */

bool lock_find_revision(const struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out);
void lock_give_revision(const struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx);
void lock_give_tree(const struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx);
/* A locked commit is shown whole, however large: path "" gives all of it, another one is not there. */
void lock_give_part(const struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done,
		    void *ctx);
void lock_give_refs(const struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx);
/* Of the kind of `of`: all organisations; the repositories of one; all repositories, whole; commits and revisions of one. */
enum lock_names { LOCK_ORGS, LOCK_REPOS, LOCK_FULL_NAMES, LOCK_COMMITS, LOCK_REVISIONS };
void lock_give_names(const struct catalog *c, enum lock_names what, const struct repo_id *of, names_done *done, void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Hub and a cache for the catalog alone: calls are recorded and wait until the test answers them; documents are kept in a
 * list. Linked instead of hub/ and cache/.
 */
#ifndef HFFS_TESTS_CATALOG_FAKES_H
#define HFFS_TESTS_CATALOG_FAKES_H

#include <hffs/cache.h>
#include <hffs/hub.h>

enum fake_kind { FAKE_INFO, FAKE_TREE, FAKE_REFS, FAKE_REPOS, FAKE_PATH };
#define FAKE_KINDS (FAKE_PATH + 1)

/* A call of the catalog that was not answered yet. */
struct fake_call {
	struct fake_call *next;
	enum fake_kind kind;
	struct repo_id repo;
	char rev[REPO_REV_MAX]; /* "" for NULL */
	char path[256];         /* FAKE_TREE, FAKE_PATH */
	bool recursive;
	unsigned pages_max;
	union {
		hub_info_done *info;
		hub_tree_page *tree;
		hub_refs_done *refs;
		hub_repos_page *repos;
	} done;
	void *ctx;
};

struct hub *fake_hub(void);
struct cache *fake_cache(void);
/* Forgets calls, counters, documents and settings. */
void fake_reset(void);
/* The token changes. */
void fake_set_identity(const char *identity);
/* The cache keeps no document from now on. */
void fake_set_read_only(bool read_only);

/* Hub and cache are closed: how often were they called since? */
void fake_close(void);
unsigned fake_late_calls(void);

/* Calls of the Hub do not return while it holds them. */
void fake_hold(bool hold);
bool fake_is_held(void); /* one does not, now */

unsigned fake_hub_calls(enum fake_kind kind); /* so far */
unsigned fake_doc_loads(void);
unsigned fake_docs(enum doc_kind kind);
/* Changes byte `at` of every stored document of a kind. */
void fake_spoil_docs(enum doc_kind kind, size_t at);
/* The oldest unanswered call, taken: the caller answers and frees it. NULL: none. Waits up to 5 s with wait. */
struct fake_call *fake_take_call(bool wait);

/* Answers a call and frees it. */
void fake_answer_call(struct fake_call *call, const char *repo, const char *commit, int64_t mtime_s);
/* Answers the oldest call. */
void fake_answer_info(const char *repo, const char *commit, int64_t mtime_s);
void fake_fail(int r, int status, bool retry, const char *text);

#endif

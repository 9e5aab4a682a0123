/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Hub as C functions: endpoint, token, redirects, retries of API calls, the shared pause of a rate limit. No disk, no chunk,
 * no FUSE. Results come by callback on the thread that config.defer provides (a worker), or on the net thread where said.
 */
#ifndef HFFS_HUB_H
#define HFFS_HUB_H

#include <stdbool.h>
#include <sys/types.h>

#include <hffs/digest.h>
#include <hffs/err.h>
#include <hffs/repo.h>

struct hub;
struct http;

/*
 * Between processes: tell() hands on that a host wants to be left alone; look() calls heard() for every host that told so to somebody else.
 * Either may be NULL. On the thread of hub_config.defer, each by one thread at a time; look() also within hub_open(). They may block on disk.
 */
typedef void hub_heard(void *heard_ctx, const char *host, unsigned port, uint64_t left_ms);
struct hub_share {
	void (*tell)(void *ctx, const char *host, unsigned port, uint64_t left_ms);
	void (*look)(void *ctx, hub_heard *heard, void *heard_ctx);
	void *ctx;
};

struct hub_config {
	const char *endpoint;   /* "https://huggingface.co"; no '/' at the end */
	const char *token;      /* fixed token, NULL if none; wins over token_file */
	const char *token_file; /* read at the start, when its mtime changes, and once after a 401; may be NULL or absent */
	const char *user_agent;
	const char *ca_file;    /* as struct http_config has it */
	bool offline;              /* every call fails at once with -ETIMEDOUT and a sentence */
	unsigned names_deadline_ms; /* an API call with its retries; 0: 30000 */
	unsigned connections_max;   /* content connections at once, 0: 32 */
	unsigned names_connections; /* beside them, for all else; 0: 16 */
	/* Runs fn(arg) soon on another thread (parsing is not the net thread's work). NULL: run it where we are. */
	void (*defer)(void *ctx, void (*fn)(void *arg), void *arg);
	void *defer_ctx;
	struct hub_share share;
};

/* How a call ended. r: 0 or -errno by docs/SEMANTICS.md; err.text: one sentence that names repository, path or address. */
struct hub_result {
	int r;
	bool retry;        /* the same call may succeed later */
	uint64_t wait_ms;  /* not before this long from now */
	bool is_paced;     /* the host fails: wait_ms alone says when, however often it was tried */
	int status;        /* HTTP status of the last answer, 0 if none */
	char code[32];     /* X-Error-Code, "" if none */
	struct err err;
};

int hub_open(const struct hub_config *config, struct hub **out, struct err *err);
/* Running calls end with -ECANCELED first. Waits for what config.defer was given, so that one must still be running. */
void hub_close(struct hub *h);
struct http *hub_http(struct hub *h);
const char *hub_endpoint(const struct hub *h);
/* 16 hex digits that stand for (endpoint, token): a salted fingerprint; "0000000000000000" without a token. salt: 16 bytes. */
void hub_identity(struct hub *h, const uint8_t salt[16], char out[17]);
bool hub_is_offline(const struct hub *h);
void hub_set_offline(struct hub *h, bool offline);
/* Milliseconds that the pause announced by a 429 of the endpoint still lasts; 0: none. Other hosts have pauses of their own. */
uint64_t hub_pause_left_ms(struct hub *h);
/* Has any host asked for a pause that lasts, the endpoint or one that contents come from? */
bool hub_is_paused(struct hub *h);

struct hub_stats {
	uint64_t requests;      /* each HTTP hop */
	uint64_t bytes_fetched; /* body bytes of content */
	uint64_t bytes_per_s;   /* of these, in the last two seconds */
	uint64_t connections;
	uint64_t faults[8];     /* by enum hub_fault */
	char last_error[ERR_TEXT_MAX];
	int64_t last_error_s; /* wall clock, 0: none */
};
enum hub_fault { FAULT_NETWORK, FAULT_TIMEOUT, FAULT_RATE, FAULT_SERVER, FAULT_AUTH, FAULT_ABSENT, FAULT_MALFORMED, FAULT_OTHER };
void hub_stats(struct hub *h, struct hub_stats *out);

/* --- the JSON API; done() comes exactly once, on a deferred thread (on the caller's own if out of memory or closing) --- */

/* What a repository says of itself. "", 0: nothing. Bytes from the network, without control characters. */
struct hub_card {
	char gated[16];       /* "auto", "manual"; "true" where the Hub has no word for it */
	char license[64];
	char base_model[256]; /* ids, several with blanks between; those that do not fit are left out */
	uint64_t params;      /* of a model's safetensors files */
	/* Of models, and where the Hub says so. */
	char relation[16];    /* to the base model: "adapter", "finetune", "merge", "quantized" */
	char task[48], library[48];
	char dtypes[128];     /* parameters by type, "BF16:1000 F32:24"; "" where not all fit */
	char chat_template[4]; /* "yes", "no" */
};

struct hub_info {
	struct repo_id repo;     /* canonical spelling, or the new name of a renamed repository */
	char commit[COMMIT_MAX]; /* what the revision stands for now */
	int64_t mtime_s;         /* lastModified; 0 if the Hub did not say */
	bool is_private, is_gated, is_disabled;
	struct hub_card card;
};
typedef void hub_info_done(void *ctx, const struct hub_result *res, const struct hub_info *info /* NULL unless res->r == 0 */);
/* rev NULL: main. -ENOENT: absent (res->code tells RepoNotFound from RevisionNotFound), -EACCES. */
void hub_want_info(struct hub *h, const struct repo_id *repo, const char *rev, hub_info_done *done, void *ctx);

enum hub_entry_type { ENTRY_FILE, ENTRY_DIR };
struct hub_entry {
	enum hub_entry_type type;
	const char *path; /* from the root; not yet checked for safety; borrowed */
	uint64_t size;
	struct blob_id id; /* algo 0 for directories and for masked digests */
	bool is_lfs;
	bool has_xet;
	uint8_t xet[32]; /* the Xet hash, as the digits that the Hub shows spell it; not a digest of the bytes */
};
/*
 * All pages of the listing of a commit. page() is called for each page in order, with res->r == 0 and more == true, except the
 * last call, which has more == false: nr entries may then be 0, and a failed listing ends with res->r < 0 and no entries.
 * path "" lists from the root; recursive: everything below.
 */
typedef void hub_tree_page(void *ctx, const struct hub_result *res, const struct hub_entry *entries, size_t nr, bool more);
void hub_want_tree(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
		   hub_tree_page *page, void *ctx);

/* The same, but it ends with -E2BIG rather than ask for more than pages_max pages. 0: as many as there are. */
void hub_want_tree_within(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, bool recursive,
			  unsigned pages_max, hub_tree_page *page, void *ctx);
/* What the commit has at this path: page() comes once, with more == false and one entry, or none where there is nothing. */
void hub_want_path(struct hub *h, const struct repo_id *repo, const char *commit, const char *path, hub_tree_page *page, void *ctx);

struct hub_ref {
	const char *name; /* as a revision in addresses: "main", "v1.0", "refs/pr/3" */
	char commit[COMMIT_MAX];
	bool is_tag;
};
typedef void hub_refs_done(void *ctx, const struct hub_result *res, const struct hub_ref *refs, size_t nr);
/* Branches, tags, converts and pull requests. */
void hub_want_refs(struct hub *h, const struct repo_id *repo, hub_refs_done *done, void *ctx);

/* Repositories of an organisation, by pages as hub_want_tree(); names are canonical ids. */
typedef void hub_repos_page(void *ctx, const struct hub_result *res, const struct repo_id *repos, size_t nr, bool more);
void hub_want_repos(struct hub *h, enum repo_kind kind, const char *author, hub_repos_page *page, void *ctx);

/* Who the token stands for. */
struct hub_whoami {
	char name[128], role[32]; /* "" where the Hub does not say, or refuses */
	int64_t date_s; /* the server's clock, of any answer; 0: it did not say */
};
/*
 * -EACCES or -ENOENT with res->status 401: no token, or a wrong one. The Hub allows few of these calls: never more than one in a process.
 * [huggingface_hub hf_api.py whoami, 2026-08]
 */
typedef void hub_whoami_done(void *ctx, const struct hub_result *res, const struct hub_whoami *who);
void hub_want_whoami(struct hub *h, hub_whoami_done *done, void *ctx);

/* --- content; callbacks on the net thread --- */

struct object_ref {
	struct repo_id repo;
	char commit[COMMIT_MAX];
	const char *path; /* borrowed until done() */
	uint64_t size;
	struct blob_id id;
};
struct object_sink {
	/* Bytes of the object from off on, in order. Returns how many were taken; fewer: paused until object_resume(). Negative: stop. */
	ssize_t (*bytes)(void *ctx, uint64_t off, const void *bytes, size_t len);
	/* Exactly once, last. After it the object_get is gone. r == 0: every byte of the range was handed over. */
	void (*done)(void *ctx, const struct hub_result *res);
};
struct object_get;
/*
 * One ranged GET of [off, off + len) of an object, 1 <= len, off + len <= ref->size, with our own redirects; the signed
 * location found is remembered for the next range until it expires. Checks what came: 206 (or 200 from offset 0), Content-Range,
 * total size, identity encoding, commit and ETag headers where sent. Does not retry by itself, except: a location that was
 * remembered and is refused (401, 403, 404, 410) is asked for again once, and a 401 reads the token file again once.
 * Waits out a shared pause first. Any thread. -ENOMEM or -ECANCELED: no callback will come.
 */
int object_want(struct hub *h, const struct object_ref *ref, uint64_t off, uint64_t len, const struct object_sink *sink, void *ctx,
		struct object_get **out);
void object_resume(struct object_get *g); /* any thread, before done() */
void object_cancel(struct object_get *g); /* any thread, before done(): done(-ECANCELED) follows */

#endif

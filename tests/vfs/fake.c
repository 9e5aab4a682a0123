// SPDX-License-Identifier: Apache-2.0
/* The catalog and the blobs of the tests. Every answer is a job: run at once, kept, or given to a thread. */
#include "fake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <hffs/catalog.h>
#include <hffs/thread.h>

#define MANY 2000 /* entries of acme/big */

struct job {
	struct queue_item item;
	void (*run)(struct job *j);
	int r;
	void (*done)(void);
	void *ctx;
	struct revision rev;
	char commit[COMMIT_MAX];
	char name[REPO_NAME_MAX];
	bool is_many, is_lone;
	char path[256];
	struct blob *blob;
	uint64_t off;
	size_t len;
};

struct blob {
	atomic_uint refs;
	struct object_ref ref;
};

struct span {
	uint64_t off;
	size_t len;
};

static struct row {
	char name[REPO_NAME_MAX], rev[REPO_REV_MAX], commit[COMMIT_MAX], canonical[REPO_NAME_MAX];
	int r;
} rows[64];
static size_t nr_rows;
static uint64_t ttl_ms, cached_bytes, disk_bytes;
static bool has_grant;
static int grant_r;
static bool is_private;
static bool is_held, is_masked;
static atomic_bool is_told; /* about a repository without organisation */
static struct blob_id spoiled; /* algo 0: none */
static pthread_mutex_t seal_lock = PTHREAD_MUTEX_INITIALIZER;
static struct blob_id sealed, told; /* this one is; this one is to be told of: under seal_lock */
static atomic_uint backings;
static int refs_fail, trees_fail;
static atomic_int reads_fail;
static atomic_uint asked, blobs;
static struct queue jobs;
static bool has_thread;
static pthread_t thread;

/* --- what there is --- */

static struct row *row_of(const char *name, const char *rev)
{
	for (size_t i = 0; i < nr_rows; i++)
		if (!strcmp(rows[i].name, name) && !strcmp(rows[i].rev, rev))
			return &rows[i];
	return NULL;
}

void fake_revision(const char *name, const char *rev, int r, const char *commit)
{
	struct row *row = row_of(name, rev);

	if (!row) {
		row = &rows[nr_rows++];
		assert_true(nr_rows <= ARRAY_SIZE(rows));
		*row = (struct row){0};
	}
	snprintf(row->name, sizeof(row->name), "%s", name);
	snprintf(row->rev, sizeof(row->rev), "%s", rev);
	snprintf(row->commit, sizeof(row->commit), "%s", commit);
	snprintf(row->canonical, sizeof(row->canonical), "%s", strncmp(name, "datasets/", 9) ? name : name + 9);
	row->r = r;
}

void fake_moved(const char *name, const char *to)
{
	fake_revision(name, "", 0, COMMIT_A);
	snprintf(row_of(name, "")->canonical, REPO_NAME_MAX, "%s", to);
}

static void *work(void *arg)
{
	struct queue_item *item;

	(void)arg;
	while ((item = queue_pop(&jobs))) {
		struct job *j = container_of(item, struct job, item);

		j->run(j);
		free(j);
	}
	return NULL;
}

void fake_reset(void)
{
	static bool was_set;

	if (has_thread) {
		queue_close(&jobs);
		pthread_join(thread, NULL);
		has_thread = false;
	}
	if (was_set)
		queue_done(&jobs);
	was_set = true;
	queue_init(&jobs);
	nr_rows = 0;
	ttl_ms = 300000;
	cached_bytes = disk_bytes = 0;
	spoiled.algo = sealed.algo = told.algo = 0;
	has_grant = is_private = false;
	grant_r = 0;
	is_held = is_masked = false;
	atomic_store(&is_told, false);
	refs_fail = trees_fail = 0;
	atomic_store(&reads_fail, 0);
	fake_revision("acme/tiny", "", 0, COMMIT_A);
	fake_revision("acme/tiny", "main", 0, COMMIT_A);
	fake_revision("acme/tiny", "v1", 0, COMMIT_B);
	fake_revision("acme/tiny", "release/1", 0, COMMIT_B);
	fake_revision("acme/tiny", "refs/pr/3", 0, COMMIT_B);
	fake_revision("acme/tiny", COMMIT_A, 0, COMMIT_A);
	fake_revision("acme/tiny", COMMIT_B, 0, COMMIT_B);
	fake_revision("acme/big", "", 0, COMMIT_A);
	fake_revision("acme/big", "main", 0, COMMIT_A);
	fake_revision("acme/big", COMMIT_A, 0, COMMIT_A);
	fake_revision("acme/large", "", 0, COMMIT_A);
	fake_revision("acme/large", COMMIT_A, 0, COMMIT_A);
	fake_revision("datasets/acme/data", "", 0, COMMIT_A);
	fake_moved("old/name", "acme/tiny");
	fake_revision("acme/secret", "", -EACCES, "");
	fake_revision("acme/slow", "", -ETIMEDOUT, "");
}

struct fetch *fake_fetch(void)
{
	return (struct fetch *)(void *)&jobs;
}

struct catalog *fake_catalog(void)
{
	return (struct catalog *)(void *)&jobs;
}

void fake_ttl(uint64_t ms)
{
	ttl_ms = ms;
}
void fake_masked(bool masked)
{
	is_masked = masked;
}
void fake_refs_fail(int r)
{
	refs_fail = r;
}
void fake_trees_fail(int r)
{
	trees_fail = r;
}
void fake_reads_fail(int r)
{
	atomic_store(&reads_fail, r);
}
void fake_spoil(const char *sha256)
{
	(void)blob_id_parse(sha256, &spoiled);
}
void fake_private(int r)
{
	is_private = true;
	grant_r = r;
}
void fake_on_disk(uint64_t bytes)
{
	disk_bytes = bytes;
}
void fake_cached(uint64_t bytes)
{
	cached_bytes = bytes;
}
unsigned fake_asked(void)
{
	return atomic_exchange(&asked, 0);
}
unsigned fake_blobs(void)
{
	return atomic_load(&blobs);
}
uint8_t fake_byte(uint64_t off)
{
	return (uint8_t)(off * 31 + (off >> 8));
}

/* --- jobs --- */

void fake_hold(void)
{
	is_held = true;
}

void fake_answer(void)
{
	is_held = false;
	while (jobs.nr) {
		struct job *j = container_of(queue_pop(&jobs), struct job, item);

		j->run(j);
		free(j);
	}
}

void fake_thread(void)
{
	has_thread = true;
	assert_int_equal(thread_start(&thread, "fake", work, NULL), 0);
}

static void put_job(void (*run)(struct job *), const struct job *from)
{
	struct job *j = malloc(sizeof(*j));

	assert_non_null(j);
	*j = *from;
	j->run = run;
	if (is_held || has_thread) {
		queue_push(&jobs, &j->item);
		return;
	}
	run(j);
	free(j);
}

/* --- the catalog --- */

static void run_revision(struct job *j)
{
	struct err err = {0};

	if (j->r < 0)
		err_set(&err, j->r, "the fake says no");
	((revision_done *)j->done)(j->ctx, j->r, j->r < 0 ? NULL : &j->rev, &err);
}

void catalog_want_revision(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = -ENOENT};
	char name[REPO_NAME_MAX + 16];
	const struct row *row;

	(void)c;
	atomic_fetch_add(&asked, 1);
	snprintf(name, sizeof(name), "%s%s", repo_kind_prefix(repo->kind), repo->name);
	row = row_of(name, rev ? rev : "");
	if (row && !strchr(repo->name, '/'))
		atomic_store(&is_told, true);
	if (row) {
		j.r = row->r;
		j.rev = (struct revision){.mtime_s = 1000000, .ttl_ms = ttl_ms, .is_gated = is_masked, .is_private = is_private};
		if (repo->kind == REPO_MODEL)
			j.rev.card = (struct hub_card){.license = "mit", .base_model = "org/base", .params = 42, .dtypes = "F32:42"};
		j.rev.repo.kind = repo->kind;
		memcpy(j.rev.repo.name, row->canonical, sizeof(row->canonical));
		memcpy(j.rev.commit, row->commit, sizeof(row->commit));
	}
	put_job(run_revision, &j);
}

static struct blob_id id_of(unsigned n)
{
	struct blob_id id = {.algo = n % 2 ? BLOB_SHA256 : BLOB_SHA1_GIT};

	id.bytes[0] = (uint8_t)n;
	id.bytes[1] = (uint8_t)(n >> 8);
	return id;
}

static struct tree *make_tree(bool is_many)
{
	struct hub_entry small[] = {
		{.path = "README.md", .size = 12, .id = id_of(6)},
		{.path = "config.json", .size = 100, .id = id_of(0)},
		{.path = "empty", .size = 0, .id = id_of(2)},
		{.path = "model.safetensors", .size = 3000000, .id = id_of(1), .is_lfs = true, .has_xet = true, .xet = {0xab}},
		{.path = "sub/deep/a b#c.txt", .size = 5, .id = id_of(4)},
	};
	struct tree_builder *b = tree_builder_new();
	struct tree *t = NULL;

	if (is_masked)
		small[3].id = (struct blob_id){0};
	assert_int_equal(tree_builder_add(b, small, ARRAY_SIZE(small)), 0);
	for (unsigned i = 0; is_many && i < MANY; i++) {
		char path[32];
		struct hub_entry e = {.path = path, .size = i, .id = id_of(i)};

		snprintf(path, sizeof(path), "many/%05u", i);
		assert_int_equal(tree_builder_add(b, &e, 1), 0);
	}
	assert_int_equal(tree_builder_finish(b, &t), 0);
	tree_builder_free(b);
	return t;
}

static void run_tree(struct job *j)
{
	struct err err = {0};

	((tree_done *)j->done)(j->ctx, j->r, j->r < 0 ? NULL : make_tree(j->is_many), &err);
}

void catalog_want_tree(struct catalog *c, const struct repo_id *repo, const char *commit, tree_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = trees_fail, .is_many = !strcmp(repo->name, "acme/big")};

	(void)c;
	assert_int_equal(strlen(commit), 40);
	atomic_fetch_add(&asked, 1);
	put_job(run_tree, &j);
}

/* acme/large is listed directory by directory: 1 file and 2 directories in the root, d1 has 2 files, wide has too many. */
static struct tree *make_part(const char *path)
{
	struct hub_entry root[] = {{.path = "top.txt", .size = 7, .id = id_of(6)}, {.type = ENTRY_DIR, .path = "d1"}, {.type = ENTRY_DIR, .path = "wide"}};
	struct hub_entry d1[] = {{.path = "a", .size = 8, .id = id_of(8)}, {.path = "b", .size = 9, .id = id_of(9)}};
	struct tree_builder *b = tree_builder_new();
	struct tree *t = NULL;

	assert_int_equal(*path ? tree_builder_add(b, d1, ARRAY_SIZE(d1)) : tree_builder_add(b, root, ARRAY_SIZE(root)), 0);
	assert_int_equal(tree_builder_finish(b, &t), 0);
	tree_builder_free(b);
	return t;
}

static struct tree *make_lone(const char *path)
{
	const char *name = strrchr(path, '/');
	struct hub_entry e = {.path = name ? name + 1 : path, .size = 10, .id = id_of(10)};
	struct tree_builder *b = tree_builder_new();
	struct tree *t = NULL;

	if (!strncmp(e.path, "dir", 3))
		e = (struct hub_entry){.type = ENTRY_DIR, .path = e.path};
	assert_int_equal(tree_builder_add(b, &e, 1), 0);
	assert_int_equal(tree_builder_finish(b, &t), 0);
	tree_builder_free(b);
	return t;
}

static void run_listing(struct job *j)
{
	struct err err = {0};
	struct tree *t = NULL;
	bool is_whole = !strcmp(j->commit, "whole");

	if (j->r == 0)
		t = is_whole ? make_tree(j->is_many) : j->is_lone ? make_lone(j->path) : make_part(j->path);
	((part_done *)j->done)(j->ctx, j->r, t, is_whole, &err);
}

static void want_listing(const struct repo_id *repo, const char *path, bool may_be_wide, part_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = trees_fail, .is_many = !strcmp(repo->name, "acme/big")};

	atomic_fetch_add(&asked, 1);
	snprintf(j.path, sizeof(j.path), "%s", path);
	snprintf(j.commit, sizeof(j.commit), "%s", strcmp(repo->name, "acme/large") ? "whole" : "part");
	if (j.r == 0 && !strcmp(j.commit, "part") && !strcmp(path, "wide") && !may_be_wide)
		j.r = -E2BIG;
	put_job(run_listing, &j);
}

void catalog_want_listing(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done,
			  void *ctx)
{
	(void)c;
	assert_int_equal(strlen(commit), 40);
	want_listing(repo, path, false, done, ctx);
}

void catalog_want_dir(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx)
{
	(void)c, (void)commit;
	want_listing(repo, path, true, done, ctx);
}

void catalog_want_path(struct catalog *c, const struct repo_id *repo, const char *commit, const char *path, part_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = trees_fail, .is_lone = true};

	(void)c, (void)repo, (void)commit;
	atomic_fetch_add(&asked, 1);
	snprintf(j.path, sizeof(j.path), "%s", path);
	if (j.r == 0 && strstr(path, "none"))
		j.r = -ENOENT;
	put_job(run_listing, &j);
}

static void run_refs(struct job *j)
{
	static char main_[] = "main", v1[] = "v1", release[] = "release/1", release2[] = "release/2", pr[] = "refs/pr/3";
	const struct known_ref refs[] = {
		{v1, COMMIT_B, true}, {main_, COMMIT_A, false}, {release, COMMIT_B, false}, {release2, COMMIT_A, false}, {pr, COMMIT_B, false},
	};
	struct err err = {0};

	((refs_done *)j->done)(j->ctx, j->r, j->r < 0 ? NULL : refs, j->r < 0 ? 0 : ARRAY_SIZE(refs), &err);
}

void catalog_want_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = refs_fail};

	(void)c, (void)repo;
	atomic_fetch_add(&asked, 1);
	put_job(run_refs, &j);
}

bool catalog_find_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx};

	(void)c, (void)repo;
	if (refs_fail < 0)
		return false;
	run_refs(&j);
	return true;
}

static void run_names(struct job *j)
{
	static const char *const repos[] = {"tiny", "big"}, *const orgs[] = {"acme", "datasets", "old"}, *const commits[] = {COMMIT_B};
	struct err err = {0};
	bool is_orgs = !*j->name, is_commits = strchr(j->name, '/'), is_none = !strcmp(j->name, "empty") || !strcmp(j->name, "nothing");
	const char *const *names = is_orgs ? orgs : is_commits ? commits : repos;

	((names_done *)j->done)(j->ctx, 0, names, is_orgs ? 3 : is_commits ? 1 : is_none ? 0 : 2, &err);
}

static void want_names(const char *name, names_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx};

	atomic_fetch_add(&asked, 1);
	snprintf(j.name, sizeof(j.name), "%s", name ? name : "");
	put_job(run_names, &j);
}

void catalog_want_repos(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	(void)c, (void)kind;
	want_names(org, done, ctx);
}

void catalog_want_used(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	(void)c, (void)kind;
	want_names(org, done, ctx);
}

static void want_list(const char *name, names_done *done, void *ctx)
{
	struct err err = {0};

	(void)err;
	done(ctx, 0, &name, *name ? 1 : 0, &err);
}

void catalog_want_listed_repos(struct catalog *c, enum repo_kind kind, names_done *done, void *ctx)
{
	(void)c;
	want_list(kind == REPO_MODEL ? "acme/tiny" : kind == REPO_DATASET ? "acme/data" : "", done, ctx);
}

void catalog_want_listed_commits(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx)
{
	(void)c, (void)repo;
	want_list(COMMIT_A, done, ctx);
}

void catalog_want_used_revisions(struct catalog *c, const struct repo_id *repo, names_done *done, void *ctx)
{
	static const char *const names[] = {"main", "refs/pr/3", "refs/pr/4", "v1"};
	struct err err = {0};

	(void)c, (void)repo;
	done(ctx, 0, names, ARRAY_SIZE(names), &err);
}

uint64_t catalog_ref_ttl_ms(const struct catalog *c)
{
	(void)c;
	return 5 * 60 * 1000;
}

bool catalog_find_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out)
{
	char name[REPO_NAME_MAX + 16];
	const struct row *row;

	(void)c;
	snprintf(name, sizeof(name), "%s%s", repo_kind_prefix(repo->kind), repo->name);
	row = row_of(name, rev ? rev : "");
	if (!strchr(repo->name, '/') && !atomic_load(&is_told))
		return false; /* in memory only once somebody has asked */
	if (!row || row->r < 0)
		return false;
	*out = (struct revision){.repo = *repo, .ttl_ms = ttl_ms};
	memcpy(out->commit, row->commit, sizeof(row->commit));
	return true;
}

void catalog_want_known(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct err err = {0};

	(void)c, (void)repo, (void)rev;
	done(ctx, -ENOENT, NULL, &err); /* what the fake knows is in memory */
}

bool catalog_has_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id)
{
	(void)c, (void)repo, (void)id;
	return has_grant;
}

void catalog_note_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id)
{
	(void)c, (void)repo, (void)id;
	has_grant = true;
}

static void run_grant(struct job *j)
{
	struct err err = {0};

	if (j->r < 0)
		err_set(&err, j->r, "the fake grants nothing");
	has_grant |= j->r == 0;
	((grant_done *)j->done)(j->ctx, j->r, &err);
}

void catalog_want_grant(struct catalog *c, const struct object_ref *from, grant_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = grant_r};

	(void)c;
	assert_true(from->id.algo && from->size && *from->path);
	atomic_fetch_add(&asked, 1);
	put_job(run_grant, &j);
}

/* --- blobs --- */

static const struct blob *_Atomic last_blob;
static fetch_swept *swept;
static void *swept_ctx;

void fetch_on_swept(struct fetch *f, fetch_swept *fn, void *ctx)
{
	(void)f;
	swept = fn;
	swept_ctx = ctx;
}

void fake_sweep(uint64_t idx)
{
	if (swept)
		swept(swept_ctx, atomic_load(&last_blob), idx);
}

struct blob *blob_get(struct fetch *f, const struct object_ref *from)
{
	struct blob *b = calloc(1, sizeof(*b));

	(void)f;
	assert_true(from->size > 0 && from->id.algo && *from->path);
	b->ref = *from;
	atomic_init(&b->refs, 1);
	atomic_fetch_add(&blobs, 1);
	atomic_store(&last_blob, b);
	return b;
}

void blob_put(struct blob *b)
{
	if (atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	atomic_fetch_sub(&blobs, 1);
	free(b);
}

static void run_read(struct job *j)
{
	struct span span = {j->off, j->len};
	struct err err = {0};

	if (j->r < 0)
		err_set(&err, j->r, "the fake has no bytes");
	((read_done *)j->done)(j->ctx, j->r, j->r < 0 ? NULL : &span, &err);
}

void blob_read_direct(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx)
{
	blob_read(b, off, len, done, ctx);
}

void blob_read(struct blob *b, uint64_t off, size_t len, read_done *done, void *ctx)
{
	struct job j = {.done = (void (*)(void))done, .ctx = ctx, .r = atomic_load(&reads_fail), .off = off, .len = len};

	assert_true(len > 0 && off + len <= b->ref.size);
	put_job(run_read, &j);
}

int span_read(const struct span *s, void *out)
{
	for (size_t i = 0; i < s->len; i++)
		((uint8_t *)out)[i] = fake_byte(s->off + i);
	return 0;
}

size_t span_len(const struct span *s)
{
	return s->len;
}

int blob_copy(struct blob *b, uint64_t off, size_t len, bool is_read, void *out)
{
	(void)is_read;
	assert_true(len > 0 && off + len <= b->ref.size);
	if (off + len > cached_bytes)
		return -EAGAIN;
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = fake_byte(off + i);
	return 0;
}

void blob_info(struct blob *b, struct blob_info *out)
{
	*out = (struct blob_info){.size = b->ref.size, .bytes_cached = min_u64(cached_bytes, b->ref.size), .sealed = cached_bytes > 0};
}

size_t fetch_take_spoiled(struct fetch *f, struct blob_id *ids, size_t max)
{
	(void)f;
	if (!spoiled.algo || !max)
		return 0;
	*ids = spoiled;
	spoiled.algo = 0;
	return 1;
}

void fake_seal(const char *sha256, bool whole)
{
	LOCK_SCOPE(&seal_lock);
	assert_int_equal(blob_id_parse(sha256, &sealed), 0);
	told = sealed;
	if (!whole)
		sealed.algo = told.algo = 0;
}

size_t fetch_take_sealed(struct fetch *f, struct blob_id *ids, size_t max)
{
	LOCK_SCOPE(&seal_lock);

	(void)f;
	if (!told.algo || !max)
		return 0;
	*ids = told;
	told.algo = 0;
	return 1;
}

struct backing {
	int fd;
};

int blob_open_backing(struct blob *b, struct backing **out)
{
	LOCK_SCOPE(&seal_lock);

	if (!blob_id_equal(&b->ref.id, &sealed))
		return -EAGAIN;
	*out = calloc(1, sizeof(**out));
	assert_non_null(*out);
	(*out)->fd = 1000;
	atomic_fetch_add(&backings, 1);
	return 0;
}

int backing_fd(const struct backing *k)
{
	return k->fd;
}

void backing_close(struct backing *k)
{
	atomic_fetch_sub(&backings, 1);
	free(k);
}

unsigned fake_backings(void)
{
	return atomic_load(&backings);
}

int fake_pass(void *ctx, int fd)
{
	atomic_int *ids = ctx;

	assert_int_equal(fd, 1000);
	return atomic_load(ids) < 0 ? atomic_load(ids) : atomic_fetch_add(ids, 1) + 1;
}

void fake_unpass(void *ctx, int id)
{
	atomic_int *ids = ctx;

	assert_true(id >= 1 && id <= atomic_load(ids));
}

struct cache *fetch_cache(struct fetch *f)
{
	return (struct cache *)(void *)f;
}

uint64_t cache_disk_bytes(struct cache *c, const struct blob_id *id)
{
	(void)c, (void)id;
	return disk_bytes;
}

void cache_stats(struct cache *c, struct cache_stats *out)
{
	(void)c;
	*out = (struct cache_stats){.bytes_cached = 4096, .size_max = 40960, .disk_free = 1 << 30};
}

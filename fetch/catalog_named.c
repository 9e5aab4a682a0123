// SPDX-License-Identifier: Apache-2.0
/*
 * Answers that age: what a revision stands for, the refs of a repository, the repositories of an organisation.
 *     fresh in memory or as a document                    that, and no request
 *     the Hub answers                                     remembered, stored
 *     the Hub says 404                                    -ENOENT, remembered a minute; the document goes
 *     the Hub says 401 or 403                             what was known stays, for a minute; else -ENOENT or -EACCES
 *     the Hub cannot be asked, or its answer is unusable  what was known, however old; else the error, not remembered
 * A commit never ages. Whoever resolves a branch has confirmed its commit, too.
 */
#include "catalog_job_int.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

#include "docs_int.h"

static void ask_hub(struct job *j);

static bool is_commit(const char *rev)
{
	return name_is_commit(rev, strlen(rev));
}

static uint64_t kind_ttl_ms(const struct job *j)
{
	return j->kind == JOB_REPOS ? REPOS_TTL_MS : j->c->ref_ttl_ms;
}

/* --- what is stored --- */

/* Until when a document of that time may be believed. A time in the future is no time at all. */
static uint64_t doc_fresh_until_locked(const struct job *j, int64_t time_s)
{
	int64_t age_s = clock_wall_s() - time_s;

	if (j->kind == JOB_REVISION && is_commit(j->rev))
		return UINT64_MAX;
	if (time_s <= j->c->forgot_s)
		return 0;
	if (kind_ttl_ms(j) == UINT64_MAX)
		return UINT64_MAX;
	return age_s < 0 || age_s > INT64_MAX / 1000 ? 0 : fresh_until(kind_ttl_ms(j), (uint64_t)age_s * 1000);
}

static int parse_doc(struct job *j, struct revision *rev, struct listing **listing, int64_t *time_s)
{
	if (j->kind == JOB_REFS)
		return doc_parse_refs(j->doc.data, j->doc.len, listing, time_s);
	return doc_parse_revision(j->doc.data, j->doc.len, j->repo.kind, rev, time_s);
}

static void set_listing_locked(struct catalog *c, struct known *k, struct listing *l)
{
	listing_unref(k->listing);
	k->listing = listing_ref(l);
	lru_set_cost(&c->known, &k->node, sizeof(*k) + strlen(k->node.key) + l->bytes);
}

/* What memory does not know better is taken from the document. */
static void adopt_doc(struct job *j)
{
	AUTO(listing_unref) struct listing *listing = NULL;
	struct catalog *c = j->c;
	struct revision rev = {0};
	struct known *k;
	int64_t time_s;

	if (j->doc_r < 0 || parse_doc(j, &rev, &listing, &time_s) < 0)
		return;
	if (j->kind == JOB_REVISION && is_commit(j->rev) && strcmp(j->rev, rev.commit) != 0)
		return;
	LOCK_SCOPE(&c->lock);
	k = known_make_locked(c, j->key);
	if (!k || (k->has && !k->is_thin))
		return;
	k->has = true;
	k->is_thin = false;
	k->rev = rev;
	k->fresh_until_ms = doc_fresh_until_locked(j, time_s);
	if (listing)
		set_listing_locked(c, k, listing);
}

static void doc_step(struct job *j)
{
	bool is_offline = hub_is_away(j->c);
	enum found found;

	adopt_doc(j);
	{
		LOCK_SCOPE(&j->c->lock);
		found = memory_find_locked(j->c, j->kind, j->key, is_offline, &j->answer);
	}
	if (found == FOUND_NOTHING)
		ask_hub(j);
	else
		job_end(j);
}

void named_start(struct job *j)
{
	struct known *k;
	bool is_known;

	{
		LOCK_SCOPE(&j->c->lock);
		k = known_find_locked(j->c, j->key);
		is_known = k && k->has && !k->is_thin;
	}
	if (is_known || j->kind == JOB_REPOS)
		ask_hub(j);
	else
		job_load_doc(j, j->kind == JOB_REFS ? DOC_REFS : DOC_REVISION, doc_step);
}

/* --- the Hub has no answer for us --- */

/* Takes what was known, fresh or not, as the answer. keep_ms: it shall be believed so much longer. */
static bool fall_back(struct job *j, uint64_t keep_ms)
{
	struct known *k;
	LOCK_SCOPE(&j->c->lock);

	k = known_find_locked(j->c, j->key);
	if (!k || !k->has)
		return false;
	if (keep_ms)
		k->fresh_until_ms = max_u64(k->fresh_until_ms, clock_mono_ms() + keep_ms);
	answer_done(&j->answer);
	j->answer = (struct answer){.rev = k->rev, .listing = k->listing ? listing_ref(k->listing) : NULL};
	j->answer.rev.ttl_ms = fresh_left(k->fresh_until_ms);
	return true;
}

static void remember_absence(struct job *j, bool forget_known)
{
	struct known *k;

	if (!job_is_current(j))
		return;
	{
		LOCK_SCOPE(&j->c->lock);
		if (j->is_detached)
			return;
		known_set_negative_locked(j->c, j->key, j->answer.r, j->answer.err.text);
		k = forget_known ? known_find_locked(j->c, j->key) : NULL;
		if (k)
			k->has = false;
	}
	if (forget_known && j->kind != JOB_REPOS)
		job_drop_doc(j, j->kind == JOB_REFS ? DOC_REFS : DOC_REVISION);
}

static void named_fail(struct job *j, const struct hub_result *res)
{
	bool is_absent = result_is_absent(res), is_refused = result_is_refused(res);
	char what[DESCRIBE_MAX];

	job_describe(j, what);
	if (is_absent || is_refused)
		hub_note_answer(j->c);
	else
		hub_note_failure(j->c, res);
	if (is_refused && fall_back(j, NEGATIVE_MS)) {
		log_warn("%s: %s; what is known here stays visible", what, err_text(&res->err));
		job_end(j);
		return;
	}
	if (!is_absent && res->r != -ECANCELED && fall_back(j, 0)) {
		log_debug("%s: %s; the last known answer is used", what, err_text(&res->err));
		job_end(j);
		return;
	}
	answer_fail(&j->answer, res->r, &res->err, what);
	if (is_absent || is_refused)
		remember_absence(j, is_absent);
	if (j->kind == JOB_REPOS && !is_absent && !is_refused && res->r != -ECANCELED)
		used_start(j);
	else
		job_end(j);
}

/* The Hub answered, but not with something that can be used. */
static void fail_unusable(struct job *j, const char *why)
{
	struct hub_result res = {.r = -EIO, .status = 200};
	char what[DESCRIBE_MAX];

	job_describe(j, what);
	err_set(&res.err, -EIO, "%s: %s", what, why);
	named_fail(j, &res);
}

/* --- revisions --- */

static bool is_worth_storing_locked(const struct known *k, const struct revision *rev, bool names_commit)
{
	return !names_commit || !k->has || k->is_thin || k->rev.mtime_s != rev->mtime_s;
}

/* Remembers rev for one spelling of repository and revision, in memory and as a document. */
static void remember_as(struct job *j, const struct repo_id *repo, const char *name, const struct revision *rev)
{
	struct catalog *c = j->c;
	bool names_commit = is_commit(name), is_new;
	AUTO_BUF doc = {0};
	char key[KEY_MAX];
	struct known *k;

	if (key_derive(j, JOB_REVISION, repo, name, key) < 0)
		return;
	{
		LOCK_SCOPE(&c->lock);
		k = j->is_detached ? NULL : known_make_locked(c, key);
		is_new = !j->is_detached;
		if (k) {
			is_new = is_worth_storing_locked(k, rev, names_commit);
			k->has = true;
			k->is_thin = false;
			k->negative_until_ms = 0;
			k->rev = *rev;
			k->fresh_until_ms = names_commit ? UINT64_MAX : fresh_until(c->ref_ttl_ms, 0);
		}
	}
	if (!is_new)
		return;
	doc_format_revision(rev, clock_wall_s(), &doc);
	job_put_doc(j, DOC_REVISION, key, &doc);
}

static void remember_revision(struct job *j, const struct revision *rev)
{
	if (!job_is_current(j))
		return;
	remember_as(j, &j->repo, j->rev, rev);
	if (strcmp(j->repo.name, rev->repo.name) != 0)
		remember_as(j, &rev->repo, j->rev, rev);
	if (strcmp(j->rev, rev->commit) != 0)
		remember_as(j, &rev->repo, rev->commit, rev);
}

static void info_done(void *ctx, const struct hub_result *res, const struct hub_info *info)
{
	struct job *j = ctx;
	struct revision *rev = &j->answer.rev;

	if (res->r < 0) {
		named_fail(j, res);
		return;
	}
	if (info->repo.kind != j->repo.kind || !is_commit(info->commit)) {
		fail_unusable(j, "the Hub did not say which commit this is");
		return;
	}
	if (is_commit(j->rev) && strcmp(j->rev, info->commit) != 0) {
		fail_unusable(j, "the Hub answered with another commit");
		return;
	}
	hub_note_answer(j->c);
	*rev = (struct revision){.repo = info->repo, .mtime_s = info->mtime_s, .is_gated = info->is_gated, .is_private = info->is_private};
	memcpy(rev->commit, info->commit, COMMIT_MAX);
	remember_revision(j, rev);
	rev->ttl_ms = is_commit(j->rev) ? UINT64_MAX : fresh_left(fresh_until(j->c->ref_ttl_ms, 0));
	job_end(j);
}

/* --- refs --- */

/* One ref is as good as an answer of its own, but for the time of its commit. */
static void confirm_locked(struct job *j, const struct known_ref *ref, const struct revision *of_repo)
{
	struct catalog *c = j->c;
	struct revision rev = *of_repo;
	char key[KEY_MAX];
	struct known *k;

	memcpy(rev.commit, ref->commit, COMMIT_MAX);
	rev.mtime_s = 0;
	if (key_derive(j, JOB_REVISION, &j->repo, ref->commit, key) < 0)
		return;
	k = known_make_locked(c, key);
	if (k && !k->has) {
		k->has = k->is_thin = true;
		k->rev = rev;
	}
	if (k)
		rev.mtime_s = k->rev.mtime_s;
	if (key_derive(j, JOB_REVISION, &j->repo, ref->name, key) < 0)
		return;
	k = known_make_locked(c, key);
	if (!k)
		return;
	k->has = true;
	k->is_thin = false;
	k->negative_until_ms = 0;
	k->rev = rev;
	k->fresh_until_ms = fresh_until(c->ref_ttl_ms, 0);
}

static void confirm_refs_locked(struct job *j, const struct listing *l)
{
	struct revision of_repo = {.repo = j->repo};
	char key[KEY_MAX];
	struct known *k;

	if (key_derive(j, JOB_REVISION, &j->repo, "main", key) < 0)
		return;
	k = known_find_locked(j->c, key);
	if (!k || !k->has)
		return; /* nothing is known of the gate yet, nor of the repository's true name */
	of_repo = k->rev;
	for (size_t i = 0; i < l->nr && i < REFS_CONFIRMED_MAX; i++)
		if (!is_commit(l->known[i].name))
			confirm_locked(j, &l->known[i], &of_repo);
}

static void remember_listing(struct job *j)
{
	struct catalog *c = j->c;
	struct known *k;
	AUTO_BUF doc = {0};

	if (!job_is_current(j))
		return;
	{
		LOCK_SCOPE(&c->lock);
		if (j->is_detached)
			return;
		k = known_make_locked(c, j->key);
		if (k) {
			k->has = true;
			k->negative_until_ms = 0;
			k->fresh_until_ms = fresh_until(kind_ttl_ms(j), 0);
			set_listing_locked(c, k, j->answer.listing);
		}
		if (j->kind == JOB_REFS)
			confirm_refs_locked(j, j->answer.listing);
	}
	if (j->kind != JOB_REFS)
		return;
	doc_format_refs(j->answer.listing, clock_wall_s(), &doc);
	job_put_doc(j, DOC_REFS, j->key, &doc);
}

static void end_with_listing(struct job *j, struct listing *l)
{
	if (!l) {
		job_end_with(j, -ENOMEM, NULL);
		return;
	}
	hub_note_answer(j->c);
	j->answer.listing = l;
	remember_listing(j);
	job_end(j);
}

static void refs_answered(void *ctx, const struct hub_result *res, const struct hub_ref *refs, size_t nr)
{
	struct job *j = ctx;

	if (res->r < 0) {
		named_fail(j, res);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		listing_add_ref(&j->maker, refs[i].name, refs[i].commit, refs[i].is_tag);
	end_with_listing(j, listing_make_refs(&j->maker));
}

/* --- repositories --- */

/* The last part of a canonical name, if the repository is the organisation's (names compare without case on the Hub). */
static void add_repo(struct job *j, const struct repo_id *repo)
{
	const char *slash = strchr(repo->name, '/');
	size_t org_len = slash ? (size_t)(slash - repo->name) : 0;

	if (!slash || repo->kind != j->repo.kind || strlen(j->repo.name) != org_len ||
	    strncasecmp(repo->name, j->repo.name, org_len) != 0)
		return;
	if (j->maker.nr >= NAMES_MAX)
		j->build_r = -EFBIG;
	else
		listing_add(&j->maker, slash + 1, strlen(slash + 1));
}

static void repos_page(void *ctx, const struct hub_result *res, const struct repo_id *repos, size_t nr, bool more)
{
	struct job *j = ctx;

	if (res->r == 0)
		for (size_t i = 0; i < nr; i++)
			add_repo(j, &repos[i]);
	if (more)
		return;
	if (res->r < 0) {
		listing_maker_done(&j->maker);
		named_fail(j, res);
	} else if (j->build_r < 0) {
		fail_unusable(j, "the Hub lists more repositories than can be shown");
	} else {
		end_with_listing(j, listing_make_names(&j->maker));
	}
}

static void ask_hub(struct job *j)
{
	struct catalog *c = j->c;

	if (!job_enter(j))
		return;
	if (j->kind == JOB_REVISION)
		hub_want_info(c->hub, &j->repo, j->is_default ? NULL : j->rev, info_done, j);
	else if (j->kind == JOB_REFS)
		hub_want_refs(c->hub, &j->repo, refs_answered, j);
	else
		hub_want_repos(c->hub, j->repo.kind, j->repo.name, repos_page, j);
	catalog_leave(c);
}

/* --- wants --- */

static bool is_askable(const struct repo_id *repo, const char *rev)
{
	return repo->name[0] && (!rev || (rev[0] && strlen(rev) < REPO_REV_MAX));
}

void catalog_want_revision(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct err err = {0};

	if (is_askable(repo, rev)) {
		catalog_ask(c, JOB_REVISION, repo, rev, (union done){.revision = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s@%s is not the name of a revision", repo->name, rev ? rev : "");
	done(ctx, -ENOENT, NULL, &err);
}

bool catalog_find_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out)
{
	char key[KEY_MAX];
	struct known *k;

	if (!is_askable(repo, rev) || key_format(c, JOB_REVISION, repo, rev ? rev : "main", key) < 0)
		return false;
	LOCK_SCOPE(&c->lock);
	k = known_find_locked(c, key);
	if (!k || !k->has)
		return false;
	*out = k->rev;
	out->ttl_ms = fresh_left(k->fresh_until_ms);
	return true;
}

void catalog_want_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	catalog_ask(c, JOB_REFS, repo, "", (union done){.refs = done}, ctx);
}

void catalog_want_repos(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	struct repo_id id = {.kind = kind};
	struct err err = {0};

	if (name_is_repo_part(org, strlen(org))) {
		memcpy(id.name, org, strlen(org) + 1);
		catalog_ask(c, JOB_REPOS, &id, NULL, (union done){.names = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s is not the name of an organisation", org);
	done(ctx, -ENOENT, NULL, 0, &err);
}

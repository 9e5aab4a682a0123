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
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include <hffs/clock.h>
#include <hffs/log.h>
#include <hffs/name.h>

#include "docs_int.h"

static void ask_hub(struct inquiry *q);

static uint64_t kind_ttl_ms(const struct inquiry *q)
{
	return q->kind == INQUIRY_REPOS ? REPOS_TTL_MS : q->c->ref_ttl_ms;
}

/* --- what is stored --- */

/* Until when a document of that time may be believed. A time in the future is no time at all. */
static uint64_t doc_fresh_until_locked(const struct inquiry *q, int64_t time_s)
{
	int64_t age_s = clock_wall_s() - time_s;

	if (q->kind != INQUIRY_REFS && revision_is_commit(q->rev))
		return UINT64_MAX;
	if (time_s <= q->c->forgot_s)
		return 0;
	if (kind_ttl_ms(q) == UINT64_MAX)
		return UINT64_MAX;
	return age_s < 0 || age_s > INT64_MAX / 1000 ? 0 : fresh_until(kind_ttl_ms(q), (uint64_t)age_s * 1000);
}

static int parse_doc(struct inquiry *q, struct revision *rev, struct roster **roster, int64_t *time_s)
{
	if (q->kind == INQUIRY_REFS)
		return doc_parse_refs(q->doc.data, q->doc.len, roster, time_s);
	return doc_parse_revision(q->doc.data, q->doc.len, q->repo.kind, rev, time_s);
}

/* What memory does not know better is taken from the document. key: of what it speaks of. */
static void adopt_doc(struct inquiry *q, const char *key)
{
	AUTO(roster_unref) struct roster *roster = NULL;
	struct catalog *c = q->c;
	struct revision rev = {0};
	struct known *k;
	int64_t time_s;

	if (q->doc_r < 0 || parse_doc(q, &rev, &roster, &time_s) < 0)
		return;
	if (q->kind != INQUIRY_REFS && revision_is_commit(q->rev) && strcmp(q->rev, rev.commit) != 0)
		return;
	LOCK_SCOPE(&c->lock);
	k = known_make_locked(c, key);
	if (!k || (k->has && !k->is_thin))
		return;
	k->has = true;
	k->is_thin = false;
	k->rev = rev;
	k->fresh_until_ms = doc_fresh_until_locked(q, time_s);
	if (roster)
		known_set_roster_locked(c, k, roster);
}

static void doc_step(struct inquiry *q)
{
	bool is_offline = catalog_is_offline(q->c);
	enum found found;

	adopt_doc(q, q->key);
	{
		LOCK_SCOPE(&q->c->lock);
		found = memory_find_locked(q->c, q->kind, q->key, is_offline, &q->outcome);
	}
	if (found == FOUND_NOTHING)
		ask_hub(q);
	else
		inquiry_end(q);
}

static void known_step(struct inquiry *q)
{
	char key[KEY_MAX];
	struct known *k;
	int r = key_derive(q, INQUIRY_REVISION, &q->repo, q->rev, key);

	if (r == 0) {
		adopt_doc(q, key);
		LOCK_SCOPE(&q->c->lock);
		k = known_find_locked(q->c, key);
		if (k && k->has)
			q->outcome.rev = k->rev;
		else
			r = -ENOENT;
	}
	if (r < 0)
		inquiry_end_with(q, r, NULL);
	else
		inquiry_end(q);
}

void inquiry_start_known(struct inquiry *q)
{
	inquiry_load_doc(q, DOC_REVISION, known_step);
}

void inquiry_start_named(struct inquiry *q)
{
	struct known *k;
	bool is_known;

	{
		LOCK_SCOPE(&q->c->lock);
		k = known_find_locked(q->c, q->key);
		is_known = k && k->has && !k->is_thin;
	}
	if (is_known || q->kind == INQUIRY_REPOS)
		ask_hub(q);
	else
		inquiry_load_doc(q, q->kind == INQUIRY_REFS ? DOC_REFS : DOC_REVISION, doc_step);
}

/* --- the Hub has no answer for us --- */

/* Takes what was known, fresh or not, as the answer. keep_ms: it shall be believed so much longer. */
static bool fall_back(struct inquiry *q, uint64_t keep_ms)
{
	struct known *k;
	LOCK_SCOPE(&q->c->lock);

	k = known_find_locked(q->c, q->key);
	if (!k || !k->has)
		return false;
	if (keep_ms)
		k->fresh_until_ms = max_u64(k->fresh_until_ms, clock_mono_ms() + keep_ms);
	outcome_done(&q->outcome);
	q->outcome = (struct outcome){.rev = k->rev, .roster = k->roster ? roster_ref(k->roster) : NULL};
	q->outcome.rev.ttl_ms = fresh_left(k->fresh_until_ms);
	return true;
}

static void remember_absence(struct inquiry *q, bool forget_known)
{
	struct known *k;

	if (!inquiry_is_current(q))
		return;
	{
		LOCK_SCOPE(&q->c->lock);
		if (q->is_detached)
			return;
		known_set_negative_locked(q->c, q->key, q->outcome.r, q->outcome.err.text);
		k = forget_known ? known_find_locked(q->c, q->key) : NULL;
		if (k)
			k->has = false;
	}
	if (forget_known && q->kind != INQUIRY_REPOS)
		inquiry_drop_doc(q, q->kind == INQUIRY_REFS ? DOC_REFS : DOC_REVISION);
}

void named_fail(struct inquiry *q, const struct hub_result *res)
{
	bool is_absent = result_is_absent(res), is_refused = result_is_refused(res);
	char what[DESCRIBE_MAX];

	inquiry_describe(q, what);
	if (is_absent || is_refused)
		catalog_note_answer(q->c);
	else
		catalog_note_failure(q->c, res);
	if (is_refused && fall_back(q, NEGATIVE_MS)) {
		log_warn("%s: %s; what is known here stays visible", what, err_text(&res->err));
		inquiry_end(q);
		return;
	}
	if (!is_absent && res->r != -ECANCELED && fall_back(q, 0)) {
		log_debug("%s: %s; the last known answer is used", what, err_text(&res->err));
		inquiry_end(q);
		return;
	}
	outcome_fail(&q->outcome, res->r, &res->err, what);
	if (is_absent || is_refused)
		remember_absence(q, is_absent);
	if (q->kind == INQUIRY_REPOS && !is_absent && !is_refused && res->r != -ECANCELED)
		inquiry_start_used(q);
	else
		inquiry_end(q);
}

void named_fail_unusable(struct inquiry *q, const char *why)
{
	struct hub_result res = {.r = -EIO, .status = 200};
	char what[DESCRIBE_MAX];

	inquiry_describe(q, what);
	err_set(&res.err, -EIO, "%s: %s", what, why);
	named_fail(q, &res);
}

/* --- refs --- */

static void remember_roster(struct inquiry *q)
{
	struct catalog *c = q->c;
	struct known *k;
	AUTO_BUF doc = {0};

	if (!inquiry_is_current(q))
		return;
	{
		LOCK_SCOPE(&c->lock);
		if (q->is_detached)
			return;
		k = known_make_locked(c, q->key);
		if (k) {
			k->has = true;
			k->negative_until_ms = 0;
			k->fresh_until_ms = fresh_until(kind_ttl_ms(q), 0);
			known_set_roster_locked(c, k, q->outcome.roster);
		}
		if (q->kind == INQUIRY_REFS)
			revision_confirm_refs_locked(q, q->outcome.roster);
	}
	if (q->kind != INQUIRY_REFS)
		return;
	doc_format_refs(q->outcome.roster, clock_wall_s(), &doc);
	inquiry_put_doc(q, DOC_REFS, q->key, &doc);
}

static void end_with_roster(struct inquiry *q, struct roster *made)
{
	if (!made) {
		inquiry_end_with(q, -ENOMEM, NULL);
		return;
	}
	catalog_note_answer(q->c);
	q->outcome.roster = made;
	remember_roster(q);
	inquiry_end(q);
}

static void refs_answered(void *ctx, const struct hub_result *res, const struct hub_ref *refs, size_t nr)
{
	struct inquiry *q = ctx;

	if (res->r < 0) {
		named_fail(q, res);
		return;
	}
	for (size_t i = 0; i < nr; i++)
		roster_add_ref(&q->maker, refs[i].name, refs[i].commit, refs[i].is_tag);
	end_with_roster(q, roster_make_refs(&q->maker));
}

/* --- repositories --- */

/* The last part of a canonical name, if the repository is the organisation's (names compare without case on the Hub). */
static void add_repo(struct inquiry *q, const struct repo_id *repo)
{
	const char *slash = strchr(repo->name, '/');
	size_t org_len = slash ? (size_t)(slash - repo->name) : 0;

	if (!slash || repo->kind != q->repo.kind || strlen(q->repo.name) != org_len ||
	    strncasecmp(repo->name, q->repo.name, org_len) != 0)
		return;
	if (q->maker.nr >= NAMES_MAX)
		q->build_r = -EFBIG;
	else
		roster_add(&q->maker, slash + 1, strlen(slash + 1));
}

static void repos_page(void *ctx, const struct hub_result *res, const struct repo_id *repos, size_t nr, bool more)
{
	struct inquiry *q = ctx;

	if (res->r == 0)
		for (size_t i = 0; i < nr; i++)
			add_repo(q, &repos[i]);
	if (more)
		return;
	if (res->r < 0) {
		roster_maker_done(&q->maker);
		named_fail(q, res);
	} else if (q->build_r < 0) {
		inquiry_end_with(q, q->build_r, NULL);
	} else {
		end_with_roster(q, roster_make_names(&q->maker));
	}
}

static void ask_hub(struct inquiry *q)
{
	struct catalog *c = q->c;

	if (!inquiry_enter(q))
		return;
	if (q->kind == INQUIRY_REVISION)
		hub_want_info(c->hub, &q->repo, q->is_default ? NULL : q->rev, revision_answered, q);
	else if (q->kind == INQUIRY_REFS)
		hub_want_refs(c->hub, &q->repo, refs_answered, q);
	else
		hub_want_repos(c->hub, q->repo.kind, q->repo.name, repos_page, q);
	catalog_leave(c);
}

/* --- wants --- */

void catalog_want_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	if (c->lockfile) {
		lock_give_refs(c, repo, done, ctx);
		return;
	}
	catalog_ask(c, INQUIRY_REFS, repo, "", (union done){.refs = done}, ctx);
}

bool catalog_find_refs(struct catalog *c, const struct repo_id *repo, refs_done *done, void *ctx)
{
	AUTO(roster_unref) struct roster *l = NULL;
	char key[KEY_MAX];

	if (c->lockfile || key_format(c, INQUIRY_REFS, repo, "", key) < 0)
		return false;
	{
		LOCK_SCOPE(&c->lock);
		const struct known *k = known_find_locked(c, key);

		l = k && k->has ? roster_ref(k->roster) : NULL;
	}
	if (l)
		done(ctx, 0, l->known, l->nr, NULL);
	return l != NULL;
}

void catalog_want_repos(struct catalog *c, enum repo_kind kind, const char *org, names_done *done, void *ctx)
{
	struct repo_id id = {.kind = kind};
	struct err err = {0};

	if (name_is_repo_part(org, strlen(org))) {
		memcpy(id.name, org, strlen(org) + 1);
		if (c->lockfile)
			lock_give_names(c, LOCK_REPOS, &id, done, ctx);
		else
			catalog_ask(c, INQUIRY_REPOS, &id, NULL, (union done){.names = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s is not the name of an organisation", org);
	done(ctx, -ENOENT, NULL, 0, &err);
}

// SPDX-License-Identifier: Apache-2.0
/* Revisions: what the Hub says of one, and all the names under which that is remembered. */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/name.h>

#include "docs_int.h"

bool revision_is_commit(const char *rev)
{
	return name_is_commit(rev, strlen(rev));
}

/* --- what the Hub says --- */

static bool is_worth_storing_locked(const struct known *k, const struct revision *rev, bool names_commit)
{
	return !names_commit || !k->has || k->is_thin || k->rev.mtime_s != rev->mtime_s;
}

/* Remembers rev for one spelling of repository and revision, in memory and as a document. */
static void remember_as(struct inquiry *q, const struct repo_id *repo, const char *name, const struct revision *rev)
{
	struct catalog *c = q->c;
	bool names_commit = revision_is_commit(name), is_new;
	AUTO_BUF doc = {0};
	char key[KEY_MAX];
	struct known *k;

	if (key_derive(q, INQUIRY_REVISION, repo, name, key) < 0)
		return;
	{
		LOCK_SCOPE(&c->lock);
		k = q->is_detached ? NULL : known_make_locked(c, key);
		is_new = !q->is_detached;
		if (k) {
			is_new = is_worth_storing_locked(k, rev, names_commit);
			k->has = true;
			k->is_thin = k->is_unstored = false;
			k->negative_until_ms = 0;
			k->rev = *rev;
			k->fresh_until_ms = names_commit ? UINT64_MAX : fresh_until(c->ref_ttl_ms, 0);
		}
	}
	if (!is_new)
		return;
	doc_format_revision(rev, clock_wall_s(), &doc);
	inquiry_put_doc(q, DOC_REVISION, key, &doc);
}

static void remember_revision(struct inquiry *q, const struct revision *rev)
{
	if (!inquiry_is_current(q))
		return;
	remember_as(q, &q->repo, q->rev, rev);
	if (strcmp(q->repo.name, rev->repo.name) != 0)
		remember_as(q, &rev->repo, q->rev, rev);
	if (strcmp(q->rev, rev->commit) != 0)
		remember_as(q, &rev->repo, rev->commit, rev);
}

void revision_answered(void *ctx, const struct hub_result *res, const struct hub_info *info)
{
	struct inquiry *q = ctx;
	struct revision *rev = &q->outcome.rev;

	if (res->r < 0) {
		named_fail(q, res);
		return;
	}
	if (info->repo.kind != q->repo.kind || !revision_is_commit(info->commit)) {
		named_fail_unusable(q, "the Hub did not say which commit this is");
		return;
	}
	if (revision_is_commit(q->rev) && strcmp(q->rev, info->commit) != 0) {
		named_fail_unusable(q, "the Hub answered with another commit");
		return;
	}
	catalog_note_answer(q->c);
	*rev = (struct revision){
		.repo = info->repo,
		.mtime_s = info->mtime_s,
		.is_gated = info->is_gated,
		.is_private = info->is_private,
		.card = info->card,
	};
	memcpy(rev->commit, info->commit, COMMIT_MAX);
	remember_revision(q, rev);
	rev->ttl_ms = revision_is_commit(q->rev) ? UINT64_MAX : fresh_left(fresh_until(q->c->ref_ttl_ms, 0));
	inquiry_end(q);
}

/* --- what refs say --- */

static void confirm_locked(struct inquiry *q, const struct known_ref *ref, const struct revision *of_repo)
{
	struct catalog *c = q->c;
	struct revision rev = *of_repo;
	char key[KEY_MAX];
	struct known *k;

	memcpy(rev.commit, ref->commit, COMMIT_MAX);
	rev.mtime_s = 0;
	rev.card = (struct hub_card){0}; /* another revision has another card */
	memcpy(rev.card.gated, of_repo->card.gated, sizeof(rev.card.gated));
	if (key_derive(q, INQUIRY_REVISION, &q->repo, ref->commit, key) < 0)
		return;
	k = known_make_locked(c, key);
	if (k && !k->has) {
		k->has = k->is_thin = true;
		k->rev = rev;
	}
	if (k)
		rev.mtime_s = k->rev.mtime_s;
	if (key_derive(q, INQUIRY_REVISION, &q->repo, ref->name, key) < 0)
		return;
	k = known_make_locked(c, key);
	if (!k)
		return;
	k->is_unstored = !k->has || strcmp(k->rev.commit, rev.commit) != 0 || k->is_unstored;
	k->has = true;
	k->is_thin = false;
	k->negative_until_ms = 0;
	k->rev = rev;
	k->fresh_until_ms = fresh_until(c->ref_ttl_ms, 0);
}

void revision_store(struct catalog *c, const char *key, const struct revision *rev)
{
	uint64_t age_ms = c->ref_ttl_ms == UINT64_MAX ? 0 : c->ref_ttl_ms - min_u64(rev->ttl_ms, c->ref_ttl_ms);
	AUTO_BUF doc = {0};

	doc_format_revision(rev, clock_wall_s() - (int64_t)(age_ms / 1000), &doc);
	if (doc.failed || !catalog_enter(c))
		return;
	cache_put_doc(c->cache, DOC_REVISION, key + 1, doc.data, doc.len);
	catalog_leave(c);
}

void revision_confirm_refs_locked(struct inquiry *q, const struct roster *refs)
{
	struct revision of_repo = {.repo = q->repo};
	char key[KEY_MAX];
	struct known *k;

	if (key_derive(q, INQUIRY_REVISION, &q->repo, "main", key) < 0)
		return;
	k = known_find_locked(q->c, key);
	if (!k || !k->has)
		return; /* nothing is known of the gate yet, nor of the repository's true name */
	of_repo = k->rev;
	for (size_t i = 0; i < refs->nr && i < REFS_CONFIRMED_MAX; i++)
		if (!revision_is_commit(refs->known[i].name))
			confirm_locked(q, &refs->known[i], &of_repo);
}

/* --- wants --- */

static bool is_askable(const struct repo_id *repo, const char *rev)
{
	return repo->name[0] && (!rev || (rev[0] && strlen(rev) < REPO_REV_MAX));
}

void catalog_want_revision(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct err err = {0};

	if (c->lockfile) {
		lock_give_revision(c, repo, rev, done, ctx);
		return;
	}
	if (is_askable(repo, rev)) {
		catalog_ask(c, INQUIRY_REVISION, repo, rev, (union done){.revision = done}, ctx);
		return;
	}
	err_set(&err, -ENOENT, "%s@%s is not the name of a revision", repo->name, rev ? rev : "");
	done(ctx, -ENOENT, NULL, &err);
}

void catalog_want_known(struct catalog *c, const struct repo_id *repo, const char *rev, revision_done *done, void *ctx)
{
	struct revision known;
	struct err err = {0};

	if (catalog_find_revision(c, repo, rev, &known)) {
		done(ctx, 0, &known, NULL);
	} else if (c->lockfile) {
		lock_give_revision(c, repo, rev, done, ctx);
	} else if (is_askable(repo, rev)) {
		catalog_ask(c, INQUIRY_KNOWN, repo, rev, (union done){.revision = done}, ctx);
	} else {
		err_set(&err, -ENOENT, "%s@%s is not the name of a revision", repo->name, rev);
		done(ctx, -ENOENT, NULL, &err);
	}
}

bool catalog_find_revision(struct catalog *c, const struct repo_id *repo, const char *rev, struct revision *out)
{
	char key[KEY_MAX];
	struct known *k;

	if (c->lockfile)
		return lock_find_revision(c, repo, rev, out);
	if (!is_askable(repo, rev) || key_format(c, INQUIRY_REVISION, repo, rev ? rev : "main", key) < 0)
		return false;
	LOCK_SCOPE(&c->lock);
	k = known_find_locked(c, key);
	if (!k || !k->has)
		return false;
	*out = k->rev;
	out->ttl_ms = fresh_left(k->fresh_until_ms);
	return true;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Who may have what is cached of a private or gated repository. Contents are stored once, whoever fetched them; so an identity that
 * has not been given a content by the Hub asks for one byte of it before it gets the cached ones. What was granted stays so.
 */
#include "catalog_inquiry_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <hffs/name.h>

#define TRIES_MAX 3

static void probe(struct inquiry *q);

/* In memory as an answer that never ages; the document's bytes say nothing. */
static void remember(struct catalog *c, const char *key, bool to_store)
{
	struct known *k;

	{
		LOCK_SCOPE(&c->lock);
		k = known_make_locked(c, key);
		if (k)
			k->has = true;
	}
	if (!to_store || !catalog_enter(c))
		return;
	cache_put_doc(c->cache, DOC_GRANT, key + 1, "1", 1);
	catalog_leave(c);
}

static void granted(struct inquiry *q, bool to_store)
{
	char key[KEY_MAX];

	if (inquiry_is_current(q) && key_derive(q, INQUIRY_GRANT, &q->repo, q->rev, key) == 0)
		remember(q->c, key, to_store);
	inquiry_end(q);
}

/* --- one byte --- */

static ssize_t take_byte(void *ctx, uint64_t off, const void *bytes, size_t len)
{
	(void)ctx, (void)off, (void)bytes;
	return (ssize_t)len; /* that it came is all */
}

static void probed_step(struct inquiry *q)
{
	if (q->probed.r == 0)
		granted(q, true);
	else if (q->probed.retry && ++q->tries < TRIES_MAX)
		probe(q);
	else
		inquiry_end_with(q, q->probed.retry ? -ETIMEDOUT : q->probed.r, &q->probed.err);
}

static void probed(void *ctx, const struct hub_result *res)
{
	struct inquiry *q = ctx;

	q->probed = *res;
	inquiry_post(q, probed_step);
}

/* "<content>/<size>/<commit>/<path>" back into what object_want() takes; path points into it. */
static bool read_question(const struct inquiry *q, struct object_ref *out)
{
	const char *size = strchr(q->path, '/'), *commit = size ? strchr(size + 1, '/') : NULL;
	const char *path = commit && strlen(commit) > COMMIT_MAX ? commit + 1 + COMMIT_MAX : NULL;

	*out = (struct object_ref){.repo = q->repo, .path = path};
	if (!path || blob_id_parse(q->rev, &out->id) < 0 || sscanf(size, "/%" SCNu64 "/", &out->size) != 1)
		return false;
	memcpy(out->commit, commit + 1, COMMIT_MAX - 1);
	return name_is_commit(out->commit, COMMIT_MAX - 1);
}

static void probe(struct inquiry *q)
{
	static const struct object_sink sink = {.bytes = take_byte, .done = probed};
	struct catalog *c = q->c;
	struct object_get *get;
	struct object_ref from;
	int r;

	if (!read_question(q, &from)) {
		inquiry_end_with(q, -EINVAL, NULL);
		return;
	}
	if (!inquiry_enter(q))
		return;
	r = object_want(c->hub, &from, 0, 1, &sink, q, &get); /* 0: q may be gone already */
	catalog_leave(c);
	if (r < 0)
		inquiry_end_with(q, r, NULL);
}

/* --- the document --- */

static void doc_step(struct inquiry *q)
{
	buf_done(&q->doc);
	if (q->doc_r == 0)
		granted(q, false);
	else
		probe(q);
}

void inquiry_start_grant(struct inquiry *q)
{
	char key[KEY_MAX];
	int r = key_derive(q, INQUIRY_GRANT, &q->repo, q->rev, key);

	if (r < 0)
		inquiry_end_with(q, r, NULL);
	else
		inquiry_load_doc_of(q, DOC_GRANT, key, doc_step);
}

/* --- wants --- */

static int grant_key(struct catalog *c, const struct repo_id *repo, const struct blob_id *id, char key[KEY_MAX])
{
	char hex[BLOB_ID_HEX_MAX];

	blob_id_format(id, hex);
	return key_format(c, INQUIRY_GRANT, repo, hex, key);
}

bool catalog_has_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id)
{
	char key[KEY_MAX];
	const struct known *k;

	if (grant_key(c, repo, id, key) < 0)
		return false;
	LOCK_SCOPE(&c->lock);
	k = known_find_locked(c, key);
	return k && k->has;
}

void catalog_note_grant(struct catalog *c, const struct repo_id *repo, const struct blob_id *id)
{
	char key[KEY_MAX];

	if (!catalog_has_grant(c, repo, id) && grant_key(c, repo, id, key) == 0)
		remember(c, key, true);
}

void catalog_want_grant(struct catalog *c, const struct object_ref *from, grant_done *done, void *ctx)
{
	char hex[BLOB_ID_HEX_MAX];
	struct err err = {0};
	AUTO_FREE char *question = NULL;

	blob_id_format(&from->id, hex);
	question = str_printf("%s/%" PRIu64 "/%s/%s", hex, from->size, from->commit, from->path);
	if (question) {
		catalog_ask(c, INQUIRY_GRANT, &from->repo, question, (union done){.grant = done}, ctx);
		return;
	}
	err_set(&err, -ENOMEM, "out of memory");
	done(ctx, -ENOMEM, &err);
}

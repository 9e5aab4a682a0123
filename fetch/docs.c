// SPDX-License-Identifier: Apache-2.0
/*
 * Documents that the cache keeps for the catalog:
 *     revision  {"v":1,"time":S,"repo":"org/name","commit":HEX,"mtime":S,"gated":B,"private":B
 *                [,"gate":WORD][,"license":ID][,"base_model":IDS][,"relation":WORD][,"task":WORD][,"library":WORD][,"dtypes":COUNTS]
 *                [,"chat_template":"yes"|"no"][,"params":N]}
 *     refs      {"v":1,"time":S,"refs":[{"name":N,"commit":HEX,"tag":B}, ...]}
 * A listing has its own form (tree.c).
 */
#include "docs_int.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <hffs/json.h>
#include <hffs/name.h>

#define VERSION 1
#define DOC_MAX (64u << 20) /* bytes */

static uint64_t time_u64(int64_t s)
{
	return s > 0 ? (uint64_t)s : 0;
}

static void add_word(struct buf *out, const char *key, const char *word)
{
	if (!*word)
		return;
	buf_addf(out, ",\"%s\":", key);
	buf_add_json(out, word);
}

void doc_format_revision(const struct revision *rev, int64_t time_s, struct buf *out)
{
	buf_addf(out, "{\"v\":%d,\"time\":%" PRIu64 ",\"repo\":", VERSION, time_u64(time_s));
	buf_add_json(out, rev->repo.name);
	buf_addf(out, ",\"commit\":\"%s\",\"mtime\":%" PRIu64 ",\"gated\":%s,\"private\":%s", rev->commit, time_u64(rev->mtime_s),
		 rev->is_gated ? "true" : "false", rev->is_private ? "true" : "false");
	add_word(out, "gate", rev->card.gated);
	add_word(out, "license", rev->card.license);
	add_word(out, "base_model", rev->card.base_model);
	add_word(out, "relation", rev->card.relation);
	add_word(out, "task", rev->card.task);
	add_word(out, "library", rev->card.library);
	add_word(out, "dtypes", rev->card.dtypes);
	add_word(out, "chat_template", rev->card.chat_template);
	if (rev->card.params)
		buf_addf(out, ",\"params\":%" PRIu64, rev->card.params);
	buf_addc(out, '}');
}

void doc_format_refs(const struct roster *refs, int64_t time_s, struct buf *out)
{
	buf_addf(out, "{\"v\":%d,\"time\":%" PRIu64 ",\"refs\":[", VERSION, time_u64(time_s));
	for (size_t i = 0; i < refs->nr; i++) {
		buf_adds(out, i ? ",{\"name\":" : "{\"name\":");
		buf_add_json(out, refs->known[i].name);
		buf_addf(out, ",\"commit\":\"%s\",\"tag\":%s}", refs->known[i].commit, refs->known[i].is_tag ? "true" : "false");
	}
	buf_adds(out, "]}");
}

/* Parses the document and what all have in common. */
static int parse_head(const void *bytes, size_t len, struct json **out, int64_t *time_s)
{
	AUTO(json_free) struct json *j = NULL;
	uint64_t version, time;
	int r = json_parse(bytes, len, DOC_MAX, &j, NULL);

	if (r < 0)
		return r == -ENOMEM ? r : -EBADMSG;
	if (json_get_u64(j, "v", &version) < 0 || version != VERSION || json_get_u64(j, "time", &time) < 0)
		return -EBADMSG;
	*time_s = (int64_t)time;
	*out = TAKE(j);
	return 0;
}

/* What is missing or too long stays "". */
static void take_word(const struct json *j, const char *key, char *out, size_t size)
{
	const char *word = json_get_string(j, key);

	if (word && strlen(word) < size)
		memcpy(out, word, strlen(word) + 1);
}

static void take_card(const struct json *j, struct hub_card *card)
{
	take_word(j, "gate", card->gated, sizeof(card->gated));
	take_word(j, "license", card->license, sizeof(card->license));
	take_word(j, "base_model", card->base_model, sizeof(card->base_model));
	take_word(j, "relation", card->relation, sizeof(card->relation));
	take_word(j, "task", card->task, sizeof(card->task));
	take_word(j, "library", card->library, sizeof(card->library));
	take_word(j, "dtypes", card->dtypes, sizeof(card->dtypes));
	take_word(j, "chat_template", card->chat_template, sizeof(card->chat_template));
	(void)json_get_u64(j, "params", &card->params); /* stays 0 */
}

int doc_parse_revision(const void *bytes, size_t len, enum repo_kind kind, struct revision *out, int64_t *time_s)
{
	AUTO(json_free) struct json *j = NULL;
	struct revision rev = {0};
	const char *repo, *commit;
	uint64_t mtime;
	int r = parse_head(bytes, len, &j, time_s);

	if (r < 0)
		return r;
	repo = json_get_string(j, "repo");
	commit = json_get_string(j, "commit");
	if (!repo || repo_id_set(&rev.repo, kind, repo, strlen(repo)) < 0)
		return -EBADMSG;
	if (!commit || !name_is_commit(commit, strlen(commit)) || json_get_u64(j, "mtime", &mtime) < 0)
		return -EBADMSG;
	memcpy(rev.commit, commit, COMMIT_MAX);
	rev.mtime_s = (int64_t)mtime;
	rev.is_gated = json_get_bool(j, "gated", false);
	rev.is_private = json_get_bool(j, "private", false);
	take_card(j, &rev.card);
	*out = rev;
	return 0;
}

int doc_parse_refs(const void *bytes, size_t len, struct roster **out, int64_t *time_s)
{
	AUTO(json_free) struct json *j = NULL;
	struct roster_maker m = {0};
	const struct json *refs;
	struct roster *l;
	int r = parse_head(bytes, len, &j, time_s);

	if (r < 0)
		return r;
	refs = json_get(j, "refs");
	if (!json_is_array(refs))
		return -EBADMSG;
	for (const struct json *e = json_first(refs); e; e = json_next(e)) {
		const char *name = json_get_string(e, "name"), *commit = json_get_string(e, "commit");

		if (name && commit)
			roster_add_ref(&m, name, commit, json_get_bool(e, "tag", false));
	}
	l = roster_make_refs(&m);
	roster_maker_done(&m);
	if (!l)
		return -ENOMEM;
	*out = l;
	return 0;
}

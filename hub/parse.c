// SPDX-License-Identifier: Apache-2.0
/* The Hub's JSON answers as structs. Unknown fields are passed over; a field that is not what it should be refuses the page. */
#include "parse_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <hffs/clock.h>
#include <hffs/name.h>

void parsed_done(struct parsed *p)
{
	json_free(p->json);
	free(p->items);
	*p = (struct parsed){0};
}

static void parsed_done_auto(struct parsed *p)
{
	parsed_done(p);
}
#define AUTO_PARSED __attribute__((cleanup(parsed_done_auto))) struct parsed

static int copy_commit(const char *text, char out[COMMIT_MAX])
{
	if (!text || !name_is_commit(text, strlen(text)))
		return -EBADMSG;
	memcpy(out, text, COMMIT_MAX);
	return 0;
}

static bool is_absent(const struct json *j)
{
	return !j || json_is_null(j);
}

static int take_repo(const struct json *j, const struct repo_id *asked, struct repo_id *out)
{
	const struct json *id = json_get(j, "id");
	const char *name = json_string(id);

	if (is_absent(id)) {
		*out = *asked;
		return 0;
	}
	return name && repo_id_set(out, asked->kind, name, strlen(name)) == 0 ? 0 : -EBADMSG;
}

/* Ids and licences: printable, no blank. */
static bool is_plain_word(const char *text)
{
	for (const char *p = text; *p; p++)
		if (*p <= ' ' || *p > '~')
			return false;
	return *text != '\0';
}

/* "gated" is false, "auto" or "manual". [huggingface_hub hf_api.py ModelInfo, 2026-08] */
static bool take_gated(const struct json *j, char word[16])
{
	const char *text = json_get_string(j, "gated");
	bool is_gated = text ? text[0] != '\0' : json_get_bool(j, "gated", false);

	if (is_gated)
		(void)snprintf(word, 16, "%s", text && is_plain_word(text) && strlen(text) < 16 ? text : "true");
	return is_gated;
}

/* Copies what is plain and fits; else out stays "". */
static void copy_word(const char *word, size_t len, char *out, size_t size)
{
	if (word && len < size && is_plain_word(word)) {
		memcpy(out, word, len);
		out[len] = '\0';
	}
}

static void take_word(const struct json *j, const char *key, char *out, size_t size)
{
	const char *word = json_get_string(j, key);

	copy_word(word, word ? strlen(word) : 0, out, size);
}

static void add_base_model(struct hub_card *card, const char *id)
{
	size_t len = strlen(card->base_model);
	const char *colon = strchr(id, ':');

	if (colon) /* "base_model:quantized:org/name" says the same again, and how it was made */
		copy_word(id, (size_t)(colon - id), card->relation, sizeof(card->relation));
	if (colon || len + strlen(id) + 2 > sizeof(card->base_model))
		return;
	(void)snprintf(card->base_model + len, sizeof(card->base_model) - len, "%s%s", len ? " " : "", id);
}

/* The card's licence and base models are tags, too. [huggingface_hub repocard_data.py; hub-docs models-tags] */
static void take_tags(const struct json *j, struct hub_card *card)
{
	for (const struct json *t = json_first(json_get(j, "tags")); t; t = json_next(t)) {
		const char *tag = json_string(t);

		if (!tag || !is_plain_word(tag))
			continue;
		if (!strncmp(tag, "license:", 8) && !card->license[0])
			copy_word(tag + 8, strlen(tag + 8), card->license, sizeof(card->license));
		else if (!strncmp(tag, "base_model:", 11))
			add_base_model(card, tag + 11);
	}
}

/* How many parameters of which type. [hub-docs, model metadata of safetensors] */
static void take_dtypes(const struct json *counts, struct hub_card *card)
{
	size_t at = 0;

	for (const struct json *c = json_first(counts); c; c = json_next(c)) {
		char *out = card->dtypes + at;
		size_t room = sizeof(card->dtypes) - at;
		uint64_t nr;
		int n;

		if (json_u64(c, &nr) < 0 || !json_key(c) || !is_plain_word(json_key(c)) || strlen(json_key(c)) > 16)
			continue;
		n = snprintf(out, room, "%s%s:%llu", at ? " " : "", json_key(c), (unsigned long long)nr);
		if (n < 0 || (size_t)n >= room) {
			card->dtypes[0] = '\0'; /* a part would be taken for all */
			return;
		}
		at += (size_t)n;
	}
}

/* "config" is made of the repository's own files; a tokenizer_config without a template has none. [recorded answers, 2026-08] */
static void take_template(const struct json *config, struct hub_card *card)
{
	const struct json *tokenizer = json_get(config, "tokenizer_config");
	bool has = !is_absent(json_get(tokenizer, "chat_template")) || !is_absent(json_get(config, "chat_template_jinja"));

	if (has || json_is_object(tokenizer))
		(void)snprintf(card->chat_template, sizeof(card->chat_template), "%s", has ? "yes" : "no");
}

int parse_info(const char *text, size_t len, const struct repo_id *asked, struct hub_info *out, struct err *err)
{
	AUTO(json_free) struct json *j = NULL;
	struct hub_info info = {0};
	const char *modified;
	int r = json_parse(text, len, PARSE_PAGE_MAX, &j, err);

	if (r < 0)
		return r;
	if (!json_is_object(j))
		return err_set(err, -EBADMSG, "the answer about %s is not a JSON object", asked->name);
	if (take_repo(j, asked, &info.repo) < 0)
		return err_set(err, -EBADMSG, "the answer about %s names no repository", asked->name);
	if (copy_commit(json_get_string(j, "sha"), info.commit) < 0)
		return err_set(err, -EBADMSG, "the answer about %s names no commit", asked->name);
	modified = json_get_string(j, "lastModified");
	if (modified)
		(void)clock_parse_iso8601(modified, &info.mtime_s); /* stays 0: no time is better than no repository */
	info.is_private = json_get_bool(j, "private", false);
	info.is_disabled = json_get_bool(j, "disabled", false);
	info.is_gated = take_gated(j, info.card.gated);
	take_tags(j, &info.card);
	(void)json_get_u64(json_get(j, "safetensors"), "total", &info.card.params); /* stays 0: nobody has counted them */
	take_dtypes(json_get(json_get(j, "safetensors"), "parameters"), &info.card);
	take_word(j, "pipeline_tag", info.card.task, sizeof(info.card.task));
	take_word(j, "library_name", info.card.library, sizeof(info.card.library));
	take_template(json_get(j, "config"), &info.card);
	*out = info;
	return 0;
}

/* Parses an array and makes room for one item of item_size bytes for each of its elements. */
static int open_array(const char *text, size_t len, size_t item_size, struct parsed *p, struct err *err)
{
	int r = json_parse(text, len, PARSE_PAGE_MAX, &p->json, err);

	if (r < 0)
		return r;
	if (!json_is_array(p->json))
		return err_set(err, -EBADMSG, "the listing is not a JSON array");
	p->items = calloc(json_size(p->json) + 1, item_size);
	return p->items ? 0 : -ENOMEM;
}

/* An LFS file's own digest and size stand in "lfs"; a masked digest ("****") leaves the blob unnamed. */
static int take_lfs(const struct json *lfs, struct hub_entry *e)
{
	int r = json_get_u64(lfs, "size", &e->size);
	const char *oid = json_get_string(lfs, "oid");

	if (r < 0 && r != -ENOENT)
		return -EBADMSG;
	e->is_lfs = true;
	e->id = (struct blob_id){0};
	if (oid && blob_id_parse(oid, &e->id) == 0 && e->id.algo != BLOB_SHA256)
		return -EBADMSG;
	return 0;
}

/* What is no hash of 64 digits is no hash: the Hub masks it where it masks digests. */
static void take_xet(const struct json *j, struct hub_entry *e)
{
	const char *hash = json_get_string(j, "xetHash");

	e->has_xet = hash && strlen(hash) == 2 * sizeof(e->xet) && hex_parse(hash, strlen(hash), e->xet) == 0;
}

static int take_file(const struct json *j, struct hub_entry *e)
{
	const struct json *lfs = json_get(j, "lfs");
	const char *oid = json_get_string(j, "oid");
	int r = json_get_u64(j, "size", &e->size);

	if (r < 0 && !(r == -ENOENT && json_is_object(lfs) && json_get(lfs, "size")))
		return -EBADMSG;
	if (oid)
		(void)blob_id_parse(oid, &e->id); /* masked: the blob stays unnamed */
	if (is_absent(lfs))
		return 0;
	take_xet(j, e);
	return json_is_object(lfs) ? take_lfs(lfs, e) : -EBADMSG;
}

/* 1: an entry; 0: of a type that is not shown, as a submodule; -EBADMSG. */
static int take_entry(const struct json *j, struct hub_entry *e)
{
	const char *type = json_get_string(j, "type");

	e->path = json_get_string(j, "path");
	if (!type || !e->path)
		return -EBADMSG;
	if (!strcmp(type, "directory")) {
		e->type = ENTRY_DIR;
		return 1;
	}
	if (strcmp(type, "file") != 0)
		return 0;
	e->type = ENTRY_FILE;
	return take_file(j, e) < 0 ? -EBADMSG : 1;
}

int parse_tree(const char *text, size_t len, struct parsed *out, struct err *err)
{
	AUTO_PARSED p = {0};
	int r = open_array(text, len, sizeof(*p.entries), &p, err);

	if (r < 0)
		return r;
	for (const struct json *j = json_first(p.json); j; j = json_next(j)) {
		struct hub_entry e = {0};

		r = take_entry(j, &e);
		if (r < 0)
			return err_set(err, r, "an entry of the listing%s%s is malformed", e.path ? " at " : "", e.path ? e.path : "");
		if (r > 0)
			p.entries[p.nr++] = e;
	}
	*out = p;
	p = (struct parsed){0};
	return 0;
}

static const struct {
	const char *list, *name_key;
	bool is_tag;
} ref_lists[] = {
	/* A convert or pull request is named by its "ref" in addresses. [huggingface_hub hf_api.py GitRefInfo, 2026-08] */
	{"branches", "name", false},
	{"tags", "name", true},
	{"converts", "ref", false},
	{"pullRequests", "ref", false},
};

static int take_ref_list(const struct json *list, const char *name_key, bool is_tag, struct parsed *p)
{
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		struct hub_ref *ref = &p->refs[p->nr];

		ref->name = json_get_string(j, name_key);
		ref->is_tag = is_tag;
		if (!ref->name || !*ref->name || copy_commit(json_get_string(j, "targetCommit"), ref->commit) < 0)
			return -EBADMSG;
		p->nr++;
	}
	return 0;
}

int parse_refs(const char *text, size_t len, struct parsed *out, struct err *err)
{
	AUTO_PARSED p = {0};
	size_t room = 1;
	int r = json_parse(text, len, PARSE_PAGE_MAX, &p.json, err);

	if (r < 0)
		return r;
	if (!json_is_array(json_get(p.json, "branches")))
		return err_set(err, -EBADMSG, "the list of revisions names no branches");
	for (size_t i = 0; i < ARRAY_SIZE(ref_lists); i++) {
		const struct json *list = json_get(p.json, ref_lists[i].list);

		if (!is_absent(list) && !json_is_array(list))
			return err_set(err, -EBADMSG, "'%s' in the list of revisions is malformed", ref_lists[i].list);
		room += json_size(list);
	}
	p.refs = calloc(room, sizeof(*p.refs));
	if (!p.refs)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(ref_lists); i++)
		if (take_ref_list(json_get(p.json, ref_lists[i].list), ref_lists[i].name_key, ref_lists[i].is_tag, &p) < 0)
			return err_set(err, -EBADMSG, "an entry of '%s' in the list of revisions is malformed", ref_lists[i].list);
	*out = p;
	p = (struct parsed){0};
	return 0;
}

int parse_whoami(const char *text, size_t len, struct hub_whoami *out, struct err *err)
{
	AUTO_PARSED p = {0};
	const char *name, *role;
	int r = json_parse(text, len, PARSE_PAGE_MAX, &p.json, err);

	if (r < 0)
		return r;
	name = json_get_string(p.json, "name");
	role = json_get_string(json_get(json_get(p.json, "auth"), "accessToken"), "role");
	if (!name || !*name)
		return err_set(err, -EBADMSG, "the answer names nobody");
	*out = (struct hub_whoami){0};
	err_escape(out->name, sizeof(out->name), name);
	err_escape(out->role, sizeof(out->role), role ? role : "");
	return 0;
}

int parse_repos(const char *text, size_t len, enum repo_kind kind, struct parsed *out, struct err *err)
{
	AUTO_PARSED p = {0};
	int r = open_array(text, len, sizeof(*p.repos), &p, err);

	if (r < 0)
		return r;
	for (const struct json *j = json_first(p.json); j; j = json_next(j)) {
		const char *name = json_get_string(j, "id");

		if (!name)
			return err_set(err, -EBADMSG, "an entry in the list of repositories has no name");
		if (repo_id_set(&p.repos[p.nr], kind, name, strlen(name)) == 0)
			p.nr++; /* names outside the rules cannot be directories here and are left out */
	}
	*out = p;
	p = (struct parsed){0};
	return 0;
}

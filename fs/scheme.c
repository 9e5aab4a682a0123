// SPDX-License-Identifier: Apache-2.0
/* What a name in the mounted tree stands for, and where symlinks point. Pure: tests/unit/test_scheme.c has it as tables. */
#include <hffs/scheme.h>

#include <stdio.h>
#include <string.h>

#include <hffs/digest.h>
#include <hffs/name.h>

/* "datasets/" without its slash. */
static bool is_kind_name(const char *name, enum repo_kind kind)
{
	const char *prefix = repo_kind_prefix(kind);
	size_t len = strlen(prefix);

	return len > 1 && strlen(name) == len - 1 && !memcmp(name, prefix, len - 1);
}

enum place scheme_in_root(const char *name, enum repo_kind *kind)
{
	if (!strcmp(name, SCHEME_HUB_NAME))
		return PLACE_HUB;
	for (int k = 0; k < REPO_KINDS; k++)
		if (is_kind_name(name, (enum repo_kind)k)) {
			*kind = (enum repo_kind)k;
			return PLACE_KIND;
		}
	return scheme_in_kind(name);
}

enum place scheme_in_kind(const char *name)
{
	return name_is_repo_part(name, strlen(name)) ? PLACE_ORG : PLACE_NONE;
}

/*
 * Sorted. Asking about every organisation whether it is a repository would cost a request each; these names are worth one. [the
 * lists of pretrained models of transformers 2 to 4, and of datasets 1; the Hub redirects them, docs/PROTOCOL.md]
 */
static const char *const old_models[] = {
	"albert-base-v1", "albert-base-v2", "albert-large-v1", "albert-large-v2", "albert-xlarge-v1", "albert-xlarge-v2",
	"albert-xxlarge-v1", "albert-xxlarge-v2", "bert-base-cased", "bert-base-cased-finetuned-mrpc", "bert-base-chinese",
	"bert-base-german-cased", "bert-base-german-dbmdz-cased", "bert-base-german-dbmdz-uncased", "bert-base-multilingual-cased",
	"bert-base-multilingual-uncased", "bert-base-uncased", "bert-large-cased", "bert-large-cased-whole-word-masking",
	"bert-large-cased-whole-word-masking-finetuned-squad", "bert-large-uncased", "bert-large-uncased-whole-word-masking",
	"bert-large-uncased-whole-word-masking-finetuned-squad", "camembert-base", "ctrl", "distilbert-base-cased",
	"distilbert-base-cased-distilled-squad", "distilbert-base-german-cased", "distilbert-base-multilingual-cased",
	"distilbert-base-uncased", "distilbert-base-uncased-distilled-squad", "distilbert-base-uncased-finetuned-sst-2-english",
	"distilgpt2", "distilroberta-base", "gpt2", "gpt2-large", "gpt2-medium", "gpt2-xl", "openai-gpt", "roberta-base",
	"roberta-base-openai-detector", "roberta-large", "roberta-large-mnli", "roberta-large-openai-detector", "t5-11b", "t5-3b",
	"t5-base", "t5-large", "t5-small", "transfo-xl-wt103", "xlm-clm-ende-1024", "xlm-clm-enfr-1024", "xlm-mlm-100-1280",
	"xlm-mlm-17-1280", "xlm-mlm-en-2048", "xlm-mlm-ende-1024", "xlm-mlm-enfr-1024", "xlm-mlm-enro-1024",
	"xlm-mlm-tlm-xnli15-1024", "xlm-mlm-xnli15-1024", "xlm-roberta-base", "xlm-roberta-large", "xlnet-base-cased",
	"xlnet-large-cased",
};
static const char *const old_datasets[] = {
	"ag_news", "amazon_polarity", "c4", "cifar10", "cifar100", "cnn_dailymail", "conll2003", "emotion", "fashion_mnist", "food101",
	"glue", "gsm8k", "imdb", "mnist", "openwebtext", "quora", "rotten_tomatoes", "samsum", "snli", "squad", "squad_v2", "sst2",
	"super_glue", "trec", "wikipedia", "wikitext", "wmt14", "wmt16", "xnli", "xsum", "yelp_polarity", "yelp_review_full",
};

static int by_name(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

bool scheme_is_old_name(enum repo_kind kind, const char *name)
{
	if (kind == REPO_MODEL)
		return bsearch(name, old_models, ARRAY_SIZE(old_models), sizeof(old_models[0]), by_name) != NULL;
	return kind == REPO_DATASET && bsearch(name, old_datasets, ARRAY_SIZE(old_datasets), sizeof(old_datasets[0]), by_name) != NULL;
}

enum place scheme_in_org(enum repo_kind kind, const char *org, const char *name, struct repo_id *repo)
{
	char full[REPO_NAME_MAX];
	int n = snprintf(full, sizeof(full), "%s/%s", org, name);

	if (n < 0 || n >= (int)sizeof(full) || repo_id_set(repo, kind, full, (size_t)n) < 0)
		return PLACE_NONE;
	return PLACE_REPO;
}

bool scheme_is_plain(const char *name)
{
	return !strstr(name, "%2F") && !strstr(name, "%2f");
}

/* Copies name with "%2F" as '/', behind "prefix/". False if it does not fit. */
static bool join_revision(const char *prefix, const char *name, char rev[REPO_REV_MAX])
{
	size_t n = strlen(prefix);

	if (n + 2 > REPO_REV_MAX)
		return false;
	memcpy(rev, prefix, n);
	if (n)
		rev[n++] = '/';
	while (*name) {
		bool is_slash = !strncmp(name, "%2F", 3) || !strncmp(name, "%2f", 3);

		if (n + 1 >= REPO_REV_MAX)
			return false;
		rev[n++] = is_slash ? '/' : *name;
		name += is_slash ? 3 : 1;
	}
	rev[n] = '\0';
	return true;
}

/*
 * May git have a reference of this name? Saves a request for what shells and file managers try. [git-check-ref-format(1); a
 * component that begins with '.' is what programs look for everywhere]
 */
static bool is_ref_name(const char *rev)
{
	const char *p;

	for (p = rev; *p; p++) {
		bool is_first = p == rev || p[-1] == '/';

		if ((unsigned char)*p <= ' ' || *p == 0x7f || strchr("~^:?*[\\", *p))
			return false;
		if ((is_first && (*p == '.' || *p == '/')) || *rev == '-')
			return false;
		if ((p[0] == '.' && p[1] == '.') || (p[0] == '@' && p[1] == '{'))
			return false;
	}
	return p > rev && p[-1] != '/' && p[-1] != '.' && !(p - rev >= 5 && !strcmp(p - 5, ".lock"));
}

enum place scheme_in_repo(const char *prefix, const char *name, char rev[REPO_REV_MAX])
{
	static const char *const beginnings[] = {"refs", "refs/pr", "refs/convert"};
	bool is_plain = scheme_is_plain(name);
	char joined[REPO_REV_MAX];

	if (!name_is_safe(name, strlen(name)) || !join_revision(prefix, name, joined) || !is_ref_name(joined))
		return PLACE_NONE;
	memcpy(rev, joined, sizeof(joined));
	if (name_is_commit(rev, strlen(rev)))
		return PLACE_COMMIT;
	for (size_t i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (!strcmp(rev, beginnings[i]))
			return is_plain ? PLACE_REFS : PLACE_NONE;
	return PLACE_REVISION;
}

size_t scheme_ref_child(const char *rev, const char *prefix, const char **child, bool *is_dir)
{
	size_t n = strlen(prefix), len;

	if (n) {
		if (strncmp(rev, prefix, n) != 0 || rev[n] != '/')
			return 0;
		rev += n + 1;
	}
	len = strcspn(rev, "/");
	if (!name_is_safe(rev, len))
		return 0;
	*child = rev;
	*is_dir = rev[len] == '/';
	return len;
}

void scheme_repo_target(struct buf *out, unsigned depth, const struct repo_id *repo)
{
	buf_addf(out, "%s%s", depth ? "../" : "", repo->name);
}

void scheme_commit_target(struct buf *out, const char *prefix, const char *commit)
{
	if (*prefix)
		buf_adds(out, "../");
	for (; *prefix; prefix++)
		if (*prefix == '/')
			buf_adds(out, "../");
	buf_adds(out, commit);
}

/* "org--name" to "org/name": a part of an id has no "--", so there is one way to read it. */
static int undo_dashes(const char *text, char out[REPO_NAME_MAX])
{
	const char *dashes = strstr(text, "--");
	int n;

	n = dashes ? snprintf(out, REPO_NAME_MAX, "%.*s/%s", (int)(dashes - text), text, dashes + 2)
		   : snprintf(out, REPO_NAME_MAX, "%s", text);
	return n < REPO_NAME_MAX ? n : -1;
}

enum place scheme_in_hub(const char *name, struct repo_id *repo)
{
	char full[REPO_NAME_MAX];

	for (int k = 0; k < REPO_KINDS; k++) {
		const char *plural = repo_kind_plural((enum repo_kind)k);
		size_t n = strlen(plural);
		int len;

		if (strncmp(name, plural, n) != 0 || strncmp(name + n, "--", 2) != 0)
			continue;
		len = undo_dashes(name + n + 2, full);
		return len > 0 && repo_id_set(repo, (enum repo_kind)k, full, (size_t)len) == 0 ? PLACE_REPO : PLACE_NONE;
	}
	return PLACE_NONE;
}

void scheme_hub_name(struct buf *out, const struct repo_id *repo)
{
	const char *slash = strchr(repo->name, '/');

	buf_addf(out, "%s--", repo_kind_plural(repo->kind));
	if (slash)
		buf_addf(out, "%.*s--%s", (int)(slash - repo->name), repo->name, slash + 1);
	else
		buf_adds(out, repo->name);
}

void scheme_pointer_target(struct buf *out, unsigned depth, const struct blob_id *id)
{
	char hex[BLOB_ID_HEX_MAX];

	blob_id_format(id, hex);
	buf_adds(out, "../../");
	while (depth--)
		buf_adds(out, "../");
	buf_addf(out, "blobs/%s", hex);
}

bool scheme_has_place(const struct repo_id *repo)
{
	return strchr(repo->name, '/') != NULL;
}

uint64_t scheme_root_ino(const char *endpoint)
{
	return scheme_ino(0, endpoint, strlen(endpoint));
}

uint64_t scheme_ino(uint64_t parent, const char *name, size_t len)
{
	uint64_t ino = digest_hash64(name, len, parent);

	return ino ? ino : 1;
}

uint64_t scheme_commit_ino(uint64_t root, const struct repo_id *repo, const char *commit)
{
	const char *kind = repo_kind_prefix(repo->kind), *name = repo->name, *slash = strchr(name, '/');
	uint64_t ino = *kind ? scheme_ino(root, kind, strlen(kind) - 1) : root;

	if (slash) {
		ino = scheme_ino(ino, name, (size_t)(slash - name));
		name = slash + 1;
	}
	return scheme_ino(scheme_ino(ino, name, strlen(name)), commit, strlen(commit));
}

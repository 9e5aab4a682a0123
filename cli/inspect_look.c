// SPDX-License-Identifier: Apache-2.0
/*
 * What is asked of a source, in this order: the repository, its listing, the card, the configuration, the first header of its weights; the
 * tokenizer's settings, where nothing else says whether there is a chat template; the other headers, if all of them may be read, else the
 * index of a model in shards. Each step is taken only if what it may cost is still within the limits; what is cached costs nothing.
 */
#include "inspect_int.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define INDEX_NAME "model.safetensors.index.json"
#define HEADERS_MAX 64 /* of one model */

static void note(struct look *l, const char *sentence)
{
	if (l->unread.len && strstr(l->unread.data, sentence))
		return;
	buf_adds(&l->unread, sentence);
	buf_addc(&l->unread, '\n');
}

static void note_failure(struct look *l, int r, const struct err *err)
{
	l->is_denied |= r == -EACCES && l->about.is_gated;
	l->is_partly = true;
	note(l, err_text(err));
}

static void note_malformed(struct look *l, const char *path, const char *why)
{
	struct err err = {0};

	note_failure(l, err_set(&err, -EBADMSG, "%s is malformed: %s", path, why), &err);
}

/* Not a failure: what is not known is said to be unknown. */
static void note_limit(struct look *l, const char *path)
{
	AUTO_FREE char *why = str_printf("%s was not looked at: that would take more than %u requests, or %u kB", path, LOOK_REQUESTS_MAX,
					 LOOK_BYTES_MAX / 1000);

	note(l, why ? why : path);
}

/* --- the limits --- */

static bool is_cached(struct source *s, const struct listing_entry *e)
{
	return s->ops->cached(s, e) >= e->size;
}

/* Are so many hops, and so many bytes that count, still within the limits? */
static bool may(struct look *l, struct source *s, unsigned hops, uint64_t bytes)
{
	uint64_t requests, fetched;

	s->ops->took(s, &requests, &fetched);
	return requests + hops <= LOOK_REQUESTS_MAX && bytes <= LOOK_BYTES_MAX - min_u64(l->beyond, LOOK_BYTES_MAX);
}

static bool may_read(struct look *l, struct source *s, const struct listing_entry *e)
{
	return is_cached(s, e) ? e->size <= CARD_MAX : may(l, s, LOOK_FILE_HOPS, e->size);
}

/* --- small files --- */

/* Reads the beginning of a file: 0; what cannot be read is noted. */
static int read_file(struct look *l, struct source *s, const struct listing_entry *e, size_t len, struct buf *out)
{
	struct err err = {0};
	int r = buf_reserve(out, len + 1);

	if (r == 0 && len)
		r = s->ops->read(s, e, len, out->data, &err);
	if (r < 0) {
		note_failure(l, r, &err);
		return r;
	}
	out->len = len;
	out->data[len] = '\0';
	return 0;
}

/* A JSON file that counts towards the limit; NULL: it is not there, or could not be read, which is noted. */
static struct json *read_json(struct look *l, struct source *s, const char *path, struct buf *text)
{
	const struct listing_entry *e = look_find(l, path);
	struct json *j = NULL;

	if (!e)
		return NULL;
	if (!may_read(l, s, e)) {
		note_limit(l, path);
		return NULL;
	}
	if (!is_cached(s, e))
		l->beyond += e->size;
	if (read_file(l, s, e, (size_t)e->size, text) < 0)
		return NULL;
	if (json_parse(text->data, text->len, CARD_MAX, &j, NULL) < 0 || !json_is_object(j)) {
		json_free(TAKE(j));
		note_malformed(l, path, "it is no JSON object");
	}
	return j;
}

static void read_card(struct look *l, struct source *s)
{
	const struct listing_entry *e = look_find(l, "README.md");
	AUTO_BUF text = {0}, json = {0};
	struct err err = {0};
	int r;

	l->has_card = e != NULL;
	if (!e || read_file(l, s, e, (size_t)min_u64(e->size, CARD_MAX), &text) < 0)
		return;
	l->is_card_read = true;
	card_text_read(text.data, text.len, &l->text);
	r = card_front_json(text.data, text.len, &json, &err);
	if (r == 0)
		r = json_parse(json.data, json.len, CARD_JSON_MAX, &l->front, &err);
	if (r < 0 && r != -ENOENT)
		l->front_trouble = strdup(err_text(&err));
}

/* --- configuration and headers --- */

static void set_run_trouble(struct look *l, const struct err *why)
{
	if (!l->shape.fits && !l->run_trouble)
		l->run_trouble = strdup(err_text(why));
}

static void read_config(struct look *l, struct source *s)
{
	AUTO_BUF text = {0};
	struct err why = {0};

	if (l->weights == WEIGHTS_GGUF) /* its header says all that is needed */
		return;
	l->config = read_json(l, s, l->is_adapter ? "adapter_config.json" : "config.json", &text);
	if (!l->config || l->is_adapter)
		return;
	if (model_shape_json(text.data, text.len, &l->shape, &why) == 0)
		set_run_trouble(l, &why);
}

static void read_table(struct look *l, struct source *s, const struct listing_entry *e)
{
	AUTO(tensor_table_unref) struct tensor_table *t = NULL;
	uint64_t beyond = 0;
	struct err err = {0}, why = {0};
	int r = s->ops->table(s, e, &t, &beyond, &err);

	if (r < 0) {
		note_failure(l, r, &err);
		return;
	}
	l->beyond += beyond;
	l->nr_tables++;
	tensor_sums_add(&l->sums, t);
	if (t->format != FORMAT_GGUF || l->nr_tables > 1)
		return;
	if (model_shape_gguf(t, &l->shape, &why) == 0)
		set_run_trouble(l, &why);
	l->tokenizer = tensor_table_value(t, "tokenizer.ggml.model") ? ANSWER_YES : ANSWER_NO;
	l->chat_template = tensor_table_value(t, "tokenizer.chat_template") ? ANSWER_YES : ANSWER_NO;
}

static bool has_tables(const struct look *l)
{
	return l->weights == WEIGHTS_SAFETENSORS || l->weights == WEIGHTS_GGUF;
}

/* The headers of the first `max` files of weights; those read before are passed over. */
static void read_tables(struct look *l, struct source *s, unsigned max)
{
	for (unsigned i = l->nr_tables; i < min_u64(max, l->nr_weights); i++) {
		const struct listing_entry *e = l->weight_files[i];
		unsigned before = l->nr_tables;

		if (!is_cached(s, e) && !may(l, s, LOOK_FILE_HOPS, LOOK_HEADER_FIRST))
			return;
		read_table(l, s, e);
		if (l->nr_tables == before)
			return; /* what fails for one fails for all */
	}
}

/* Of a model in shards the Hub's word is as good as the first header. */
static void read_first_table(struct look *l, struct source *s)
{
	if (has_tables(l) && !(l->weights == WEIGHTS_SAFETENSORS && l->about.said.dtypes[0] && l->nr_weights > 1))
		read_tables(l, s, 1);
}

/* All of them or none: a part more would not be the whole. */
static void read_other_tables(struct look *l, struct source *s)
{
	unsigned hops = 0;

	if (!has_tables(l) || l->nr_weights > HEADERS_MAX || l->nr_tables == l->nr_weights || (!l->nr_tables && l->is_partly))
		return;
	for (unsigned i = l->nr_tables; i < l->nr_weights; i++)
		if (!is_cached(s, l->weight_files[i]))
			hops += LOOK_FILE_HOPS;
	if (may(l, s, hops, (uint64_t)hops / LOOK_FILE_HOPS * LOOK_HEADER_FIRST))
		read_tables(l, s, l->nr_weights);
}

static void read_index(struct look *l, struct source *s)
{
	AUTO(shard_index_unref) struct shard_index *index = NULL;
	const struct listing_entry *e = look_find(l, INDEX_NAME);
	AUTO_BUF text = {0};
	struct err err = {0};

	if (l->weights != WEIGHTS_SAFETENSORS || l->nr_tables == l->nr_weights || !e || !may_read(l, s, e))
		return;
	if (!is_cached(s, e))
		l->beyond += e->size;
	if (read_file(l, s, e, (size_t)e->size, &text) < 0)
		return;
	if (shard_index_parse(text.data, text.len, &index, &err) < 0) {
		note_malformed(l, INDEX_NAME, err_text(&err));
		return;
	}
	l->nr_tensors = index->nr;
	l->tensors_told = TOLD_COUNTED;
}

/* --- what it comes to --- */

/* n * all / part, as near as a double is. */
static uint64_t scale(uint64_t n, uint64_t all, uint64_t part)
{
	double scaled = (double)n * ((double)all / (double)part);

	return scaled < 1e18 ? (uint64_t)scaled : (uint64_t)1e18;
}

static void count_params(struct look *l)
{
	bool all = l->nr_tables && l->nr_tables == l->nr_weights;
	uint64_t more;

	if (all) {
		l->nr_tensors = l->sums.nr;
		l->tensors_told = TOLD_COUNTED;
	}
	l->types_told = all ? TOLD_COUNTED : l->about.said.dtypes[0] ? TOLD_BY_HUB : l->nr_tables ? TOLD_ESTIMATED : TOLD_NOT;
	if (all) {
		l->params = l->sums.params;
		l->params_told = TOLD_COUNTED;
	} else if (l->about.said.params) {
		l->params = l->about.said.params;
		l->params_told = TOLD_BY_HUB;
	} else if (l->sums.bytes) {
		l->params = scale(l->sums.params + look_packed_more(l, false), l->weight_bytes, l->sums.bytes);
		l->params_told = TOLD_ESTIMATED;
		return;
	}
	more = look_packed_more(l, !all);
	if (more && more <= UINT64_MAX - l->params) {
		l->params += more;
		l->params_told = TOLD_ESTIMATED;
	}
}

static bool has_any(const struct look *l, const char *const *names)
{
	for (; *names; names++)
		if (look_find(l, *names))
			return true;
	return false;
}

static void look_for_tokenizer(struct look *l, struct source *s)
{
	static const char *const tokenizers[] = {"tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model",
						 "sentencepiece.bpe.model", "tekken.json", "tokenizer_config.json", NULL};
	static const char *const templates[] = {"chat_template.jinja", "chat_template.json", NULL};
	const char *said = l->about.said.chat_template;

	if (l->weights == WEIGHTS_GGUF && !l->nr_tables)
		return; /* its header would tell */
	if (l->tokenizer == ANSWER_UNKNOWN)
		l->tokenizer = has_any(l, tokenizers) ? ANSWER_YES : l->is_whole && !l->hides ? ANSWER_NO : ANSWER_UNKNOWN;
	if (l->chat_template != ANSWER_UNKNOWN)
		return;
	if (has_any(l, templates) || !strcmp(said, "yes"))
		l->chat_template = ANSWER_YES;
	else if (!strcmp(said, "no") || (l->is_whole && !l->hides && !look_find(l, "tokenizer_config.json")))
		l->chat_template = ANSWER_NO;
	else {
		AUTO_BUF text = {0};
		AUTO(json_free) struct json *j = read_json(l, s, "tokenizer_config.json", &text);
		const struct json *value = json_get(j, "chat_template");

		if (j)
			l->chat_template = value && !json_is_null(value) ? ANSWER_YES : ANSWER_NO;
	}
}

static void sum_files(struct look *l, struct source *s)
{
	for (size_t i = 0; i < l->files.nr; i++) {
		l->bytes += l->files.entries[i].size;
		l->bytes_cached += s->ops->cached(s, &l->files.entries[i]);
	}
	if (s->is_denied && l->about.is_gated) {
		l->is_denied = l->is_partly = true;
		note(l, "its files are gated");
	}
}

static int look_at_model(struct look *l, struct source *s)
{
	int r;

	l->is_adapter = look_find(l, "adapter_config.json") && !look_find(l, "config.json");
	r = look_choose_weights(l);
	if (r < 0)
		return r;
	read_config(l, s);
	read_first_table(l, s);
	look_for_tokenizer(l, s);
	read_other_tables(l, s);
	read_index(l, s);
	count_params(l);
	if (has_tables(l) && l->types_told == TOLD_NOT && !l->is_partly)
		note_limit(l, l->head->path);
	return 0;
}

int look_gather(struct look *l, struct source *s, struct err *err)
{
	struct err why = {0};
	int r = s->ops->about(s, &l->about, err);

	if (r < 0)
		return r;
	l->through = s->through;
	r = s->ops->list(s, &l->files, &l->is_whole, &why);
	if (r < 0) {
		note_failure(l, r, &why);
	} else {
		l->is_listed = true;
		l->hides = s->hides;
		listing_keep_files(&l->files, NULL, 0);
		sum_files(l, s);
		read_card(l, s);
		r = l->repo.kind == REPO_MODEL ? look_at_model(l, s) : 0;
		if (l->hides) {
			l->is_partly = true;
			note(l, "the mount shows no more than its lock, allow and deny leave; other files are as if they were not there");
		}
	}
	s->ops->took(s, &l->requests, &l->bytes_fetched);
	return l->unread.failed || r == -ENOMEM ? err_set(err, -ENOMEM, "out of memory") : 0;
}

void look_done(struct look *l)
{
	free(l->weight_files);
	listing_done(&l->files);
	json_free(l->front);
	json_free(l->config);
	free(l->front_trouble);
	free(l->run_trouble);
	buf_done(&l->unread);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * The vocabulary of a GGUF file to a tokenizer. Four kinds are known: "gpt2" (byte-level BPE, whose pre-tokenizer has a name),
 * "llama" (SentencePiece's BPE, by scores), "bert" (WordPiece) and "t5" (Unigram). [ggml docs/gguf.md, "Tokenizer"; what the names
 * of pre-tokenizers stand for, and the defaults: llama.cpp llama-vocab.cpp, 2026-10]
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/format.h>
#include <hffs/io.h>

#include "tokenizer_int.h"

#define FIRST_READ (1u << 20)
#define SPACE_MARK "\xe2\x96\x81" /* U+2581 */

enum token_type { TYPE_NORMAL = 1, TYPE_UNKNOWN, TYPE_CONTROL, TYPE_USER_DEFINED, TYPE_UNUSED, TYPE_BYTE };

/* A file's header with its table; values are places in bytes. */
struct gguf {
	struct buf bytes;
	struct tensor_table *table;
};

static void gguf_done(struct gguf *g)
{
	tensor_table_unref(g->table);
	buf_done(&g->bytes);
}
#define AUTO_GGUF __attribute__((cleanup(gguf_done))) struct gguf

/* --- the header --- */

static int read_until(int fd, struct gguf *g, uint64_t end)
{
	uint64_t have = g->bytes.len;
	int r = buf_reserve(&g->bytes, (size_t)(end - have));

	if (r == 0)
		r = io_pread(fd, g->bytes.data + have, (size_t)(end - have), have);
	if (r == 0)
		g->bytes.len = (size_t)end;
	return r;
}

static int load(const char *path, struct gguf *g, struct err *err)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t need = FIRST_READ;
	struct stat st;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	do {
		uint64_t end = min_u64(max_u64(need, FIRST_READ), (uint64_t)st.st_size);

		r = read_until(fd, g, end);
		if (r < 0)
			return err_set(err, r, "cannot read %s: %s", path, strerror(-r));
		r = tensor_table_parse(g->bytes.data ? g->bytes.data : "", g->bytes.len, (uint64_t)st.st_size, FORMAT_HEADER_MAX, &g->table,
				       &need, err);
	} while (r == -EAGAIN && need > g->bytes.len);
	if (r == 0 && g->table->format != FORMAT_GGUF)
		return err_set(err, -ENOTSUP, "%s is neither a directory nor a GGUF file", path);
	return r;
}

/* --- values --- */

static const struct format_value *find(const struct gguf *g, const char *name)
{
	char key[64];

	snprintf(key, sizeof(key), "tokenizer.%s", name);
	return tensor_table_value(g->table, key);
}

/* The bytes of a text, however long; NULL if there is none. */
static const char *find_text(const struct gguf *g, const char *name, size_t *len)
{
	const struct format_value *v = find(g, name);

	if (!v || v->type != FORMAT_TEXT || v->off + v->len > g->bytes.len)
		return NULL;
	*len = (size_t)v->len;
	return g->bytes.data + v->off;
}

static bool text_is(const char *text, size_t len, const char *other)
{
	return text && len == strlen(other) && !memcmp(text, other, len);
}

static bool find_flag(const struct gguf *g, const char *name, bool otherwise)
{
	const struct format_value *v = find(g, name);

	return v && v->type == FORMAT_BOOL ? v->u != 0 : otherwise;
}

/* An id that a token has; TOKEN_NONE. */
static uint32_t find_id(const struct gguf *g, const struct tokenizer *t, const char *name)
{
	const struct format_value *v = find(g, name);
	size_t len;

	if (!v || (v->type != FORMAT_UINT && v->type != FORMAT_INT) || v->u >= VOCAB_ID_MAX)
		return TOKEN_NONE;
	return vocab_text(&t->vocab, (uint32_t)v->u, &len) ? (uint32_t)v->u : TOKEN_NONE;
}

/* An array whose items have this type, and so many bytes each where they are numbers; NULL if there is none. */
static const struct format_value *find_array(const struct gguf *g, const char *name, enum format_value_type item, unsigned bytes)
{
	const struct format_value *v = find(g, name);

	return v && v->type == FORMAT_ARRAY && v->item == item && v->item_bytes == bytes && v->off + v->len <= g->bytes.len ? v : NULL;
}

/* The next text of an array, which tensor_table_parse() has checked; moves *at behind it. */
static const char *next_text(const char **at, size_t *len)
{
	const unsigned char *p = (const unsigned char *)*at;
	uint64_t n = 0;

	for (int i = 7; i >= 0; i--)
		n = n << 8 | p[i];
	*len = (size_t)n;
	*at += 8 + n;
	return *at - n;
}

static uint32_t get_u32(const char *at)
{
	const unsigned char *p = (const unsigned char *)at;

	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* --- the vocabulary --- */

static int malformed(struct err *err, const char *what)
{
	return err_set(err, -EBADMSG, "the tokenizer of the GGUF file: its %s is missing or malformed", what);
}

static enum token_type type_at(const struct gguf *g, const struct format_value *types, uint64_t i)
{
	return types ? (enum token_type)get_u32(g->bytes.data + types->off + 4 * i) : TYPE_NORMAL;
}

/* BERT in GGUF: a word's first piece has U+2581 before it, the others nothing. As WordPiece writes it: nothing, and ## before the
 * others. [convert_hf_to_gguf.py, BertModel.set_vocab] */
static int add_bert_piece(struct tokenizer *t, const char *text, size_t len, enum token_type type, uint32_t id, struct err *err)
{
	size_t off = t->vocab.bytes.len;
	bool whole = type == TYPE_CONTROL || type == TYPE_UNKNOWN || type == TYPE_UNUSED;

	if (len >= 3 && !memcmp(text, SPACE_MARK, 3)) {
		text += 3;
		len -= 3;
	} else if (!whole) {
		buf_adds(&t->vocab.bytes, "##");
	}
	buf_add(&t->vocab.bytes, text, len);
	return t->vocab.bytes.failed ? -ENOMEM : vocab_add(&t->vocab, off, id, err);
}

static int add_special(struct tokenizer *t, const char *text, size_t len, enum token_type type, uint32_t id, struct err *err)
{
	struct added_token token = {.id = id, .special = type != TYPE_USER_DEFINED};
	int r;

	if (!len || (type != TYPE_CONTROL && type != TYPE_USER_DEFINED && type != TYPE_UNKNOWN))
		return 0;
	r = text_copy(&token.content, text, len);
	if (r == 0)
		r = added_add(&t->added, &token, err);
	free(token.content.at);
	return r;
}

static int read_tokens(struct tokenizer *t, const struct gguf *g, bool bert, struct err *err)
{
	const struct format_value *tokens = find_array(g, "ggml.tokens", FORMAT_TEXT, 0);
	const struct format_value *types = find_array(g, "ggml.token_type", FORMAT_INT, 4);
	const char *at = tokens ? g->bytes.data + tokens->off : NULL;
	int r = 0;

	if (!types)
		types = find_array(g, "ggml.token_type", FORMAT_UINT, 4);
	if (!tokens || !tokens->nr || (types && types->nr < tokens->nr))
		return malformed(err, "list of tokens");
	if (tokens->nr > VOCAB_ID_MAX)
		return err_set(err, -EFBIG, "the GGUF file has %llu tokens", (unsigned long long)tokens->nr);
	for (uint32_t i = 0; r == 0 && i < tokens->nr; i++) {
		size_t len;
		const char *text = next_text(&at, &len);
		enum token_type type = type_at(g, types, i);

		if (!utf8_is_valid_n(text, len))
			return err_set(err, -EBADMSG, "the GGUF file: token %u is not UTF-8", i);
		r = bert ? add_bert_piece(t, text, len, type, i, err) : vocab_add_text(&t->vocab, text, len, i, err);
		if (r == 0)
			r = add_special(t, text, len, type, i, err);
	}
	return r;
}

/* --- gpt2 --- */

static int add_merge(struct tokenizer *t, const char *text, size_t len, uint32_t rank, struct buf *joined, struct err *err)
{
	const char *blank = len > 1 ? memchr(text + 1, ' ', len - 1) : NULL;
	uint32_t left, right, id;

	if (!blank)
		return malformed(err, "list of merges");
	left = vocab_find(&t->vocab, text, (size_t)(blank - text));
	right = vocab_find(&t->vocab, blank + 1, len - (size_t)(blank + 1 - text));
	buf_clear(joined);
	buf_add(joined, text, (size_t)(blank - text));
	buf_add(joined, blank + 1, len - (size_t)(blank + 1 - text));
	if (joined->failed)
		return -ENOMEM;
	id = vocab_find(&t->vocab, joined->data, joined->len);
	if (left == TOKEN_NONE || right == TOKEN_NONE || id == TOKEN_NONE)
		return err_set(err, -EBADMSG, "the GGUF file: merge number %u needs a token that is not in the vocabulary", rank);
	return bpe_add_merge(&t->bpe, left, right, id);
}

static int read_merges(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	const struct format_value *merges = find_array(g, "ggml.merges", FORMAT_TEXT, 0);
	const char *at = merges ? g->bytes.data + merges->off : NULL;
	AUTO_BUF joined = {0};
	int r = 0;

	if (!merges || merges->nr > UINT32_MAX - 1)
		return malformed(err, "list of merges");
	for (uint32_t i = 0; r == 0 && i < merges->nr; i++) {
		size_t len;
		const char *text = next_text(&at, &len);

		r = add_merge(t, text, len, i, &joined, err);
	}
	return r;
}

/* One after the other, each match by itself. "" ends the list. */
enum shape { SHAPE_GPT2, SHAPE_LLAMA3, SHAPE_QWEN2, SHAPE_QWEN35, SHAPE_O200K, SHAPE_TEKKEN, SHAPE_DIGITS_GPT2, SHAPE_FALCON, SHAPE_DEFAULT,
	     SHAPE_DEEPSEEK3, SHAPE_DEEPSEEK_CODER, SHAPE_BLOOM, SHAPE_VIKING, SHAPE_MINICPM5, SHAPE_SEED };

static const char *const shapes[][5] = {
	[SHAPE_GPT2] = {PATTERN_GPT2},
	[SHAPE_LLAMA3] = {PATTERN_LLAMA3},
	[SHAPE_QWEN2] = {PATTERN_QWEN2},
	[SHAPE_QWEN35] = {PATTERN_QWEN35},
	[SHAPE_O200K] = {PATTERN_O200K},
	[SHAPE_TEKKEN] = {PATTERN_TEKKEN},
	[SHAPE_DIGITS_GPT2] = {"\\p{N}", PATTERN_GPT2},
	[SHAPE_FALCON] = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", PATTERN_GPT2, "[0-9][0-9][0-9]"},
	[SHAPE_DEFAULT] = {"[\\p{P}\\$\\+<=>\\^~\\|]+", PATTERN_GPT2, "\\p{N}+", "[0-9][0-9][0-9]"},
	[SHAPE_DEEPSEEK3] = {"\\p{N}{1,3}", PATTERN_KANA_HAN, PATTERN_DEEPSEEK3},
	[SHAPE_DEEPSEEK_CODER] = {"[\r\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", PATTERN_HAN_HANGUL, "\\p{N}"},
	[SHAPE_BLOOM] = {PATTERN_BLOOM},
	[SHAPE_VIKING] = {PATTERN_BLOOM, "\\p{N}"},
	[SHAPE_MINICPM5] = {"\\p{N}{1,3}", "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
					   "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"},
	[SHAPE_SEED] = {"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|"
			"\\s+"},
};

static const struct pre {
	const char *name;
	enum shape shape;
	bool ignore_merges, add_bos;
} pres[] = {
	{"default", SHAPE_DEFAULT, false, false},
	{"llama-bpe", SHAPE_LLAMA3, true, true},
	{"llama3", SHAPE_LLAMA3, true, true},
	{"llama-v3", SHAPE_LLAMA3, true, true},
	{"falcon3", SHAPE_LLAMA3, true, true},
	{"falcon-h1", SHAPE_LLAMA3, true, true},
	{"pixtral", SHAPE_LLAMA3, true, true},
	{"midm-2.0", SHAPE_LLAMA3, true, true},
	{"lfm2", SHAPE_LLAMA3, true, true},
	{"dbrx", SHAPE_LLAMA3, false, false},
	{"smaug-bpe", SHAPE_LLAMA3, false, false},
	{"chatglm-bpe", SHAPE_LLAMA3, false, false},
	{"glm4", SHAPE_LLAMA3, true, false},
	{"qwen2", SHAPE_QWEN2, false, false},
	{"deepseek-r1-qwen", SHAPE_QWEN2, false, false},
	{"megrez", SHAPE_QWEN2, false, false},
	{"stablelm2", SHAPE_QWEN2, false, false},
	{"hunyuan", SHAPE_QWEN2, false, false},
	{"grok-2", SHAPE_QWEN2, false, false},
	{"qwen35", SHAPE_QWEN35, false, false},
	{"gpt-4o", SHAPE_O200K, false, false},
	{"llama4", SHAPE_O200K, false, false},
	{"kanana2", SHAPE_O200K, false, false},
	{"minimax-m2", SHAPE_O200K, false, false},
	{"tekken", SHAPE_TEKKEN, true, true},
	{"gpt-2", SHAPE_GPT2, false, false},
	{"phi-2", SHAPE_GPT2, false, false},
	{"mpt", SHAPE_GPT2, false, false},
	{"olmo", SHAPE_GPT2, false, false},
	{"jais", SHAPE_GPT2, false, false},
	{"gigachat", SHAPE_GPT2, false, false},
	{"modern-bert", SHAPE_GPT2, false, false},
	{"roberta-bpe", SHAPE_GPT2, false, false},
	{"exaone4", SHAPE_GPT2, false, false},
	{"trillion", SHAPE_GPT2, false, false},
	{"smollm", SHAPE_DIGITS_GPT2, false, false},
	{"starcoder", SHAPE_DIGITS_GPT2, false, false},
	{"refact", SHAPE_DIGITS_GPT2, false, false},
	{"command-r", SHAPE_DIGITS_GPT2, false, false},
	{"codeshell", SHAPE_DIGITS_GPT2, false, false},
	{"exaone", SHAPE_DIGITS_GPT2, false, false},
	{"minerva-7b", SHAPE_DIGITS_GPT2, false, false},
	{"falcon", SHAPE_FALCON, false, false},
	{"deepseek-v3", SHAPE_DEEPSEEK3, false, false},
	{"hunyuan-dense", SHAPE_DEEPSEEK3, false, false},
	{"deepseek-coder", SHAPE_DEEPSEEK_CODER, false, false},
	{"bloom", SHAPE_BLOOM, false, false},
	{"gpt3-finnish", SHAPE_BLOOM, false, false},
	{"poro-chat", SHAPE_BLOOM, false, false},
	{"viking", SHAPE_VIKING, false, false},
	{"minicpm5", SHAPE_MINICPM5, true, false},
	{"seed-coder", SHAPE_SEED, false, false},
};

static int find_pre(const struct gguf *g, const struct pre **out, struct err *err)
{
	size_t len = 0;
	const char *name = find_text(g, "ggml.pre", &len);

	*out = &pres[0];
	if (!name)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(pres); i++)
		if (text_is(name, len, pres[i].name)) {
			*out = &pres[i];
			return 0;
		}
	return err_set(err, -ENOTSUP, "the GGUF file names the pre-tokenizer '%.*s', which is not known here", (int)min_u64(len, 60), name);
}

static int read_gpt2(struct tokenizer *t, const struct gguf *g, bool *add_bos, struct err *err)
{
	const struct pre *pre;
	int r = find_pre(g, &pre, err);

	t->model = MODEL_BPE;
	if (r == 0)
		r = read_tokens(t, g, false, err);
	if (r == 0)
		r = read_merges(t, g, err);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(shapes[0]) && shapes[pre->shape][i]; i++)
		r = tokenizer_add_pattern(t, shapes[pre->shape][i], BEHAVIOR_ISOLATED, err);
	if (r < 0)
		return r;
	t->bpe.ignore_merges = pre->ignore_merges;
	*add_bos = pre->add_bos;
	(void)tokenizer_add_splitter(t, SPLIT_BYTES, 0); /* there is room: no shape has so many steps */
	(void)tokenizer_add_decoder(t, DECODE_BYTES);
	return 0;
}

/* --- llama --- */

static int read_scores(const struct gguf *g, size_t nr, float **out, struct err *err)
{
	const struct format_value *scores = find_array(g, "ggml.scores", FORMAT_FLOAT, 4);

	if (!scores || scores->nr < nr)
		return malformed(err, "list of scores");
	*out = malloc(nr * sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (size_t i = 0; i < nr; i++) {
		uint32_t bits = get_u32(g->bytes.data + scores->off + 4 * i);

		memcpy(&(*out)[i], &bits, sizeof(bits));
		if (isnan((*out)[i]))
			return malformed(err, "list of scores");
	}
	return 0;
}

static int add_text_normalizer(struct tokenizer *t, enum normalizer_type type, const char *from, const char *to)
{
	struct normalizer *n = &t->normalizers[t->nr_normalizers++];
	int r = text_copy(&n->to, to, strlen(to));

	n->type = type;
	return r == 0 && from ? text_copy(&n->from, from, strlen(from)) : r;
}

static int add_text_decoder(struct tokenizer *t, enum decoder_type type, const char *literal, const char *to)
{
	struct decoder *d = tokenizer_add_decoder(t, type);
	int r = text_copy(&d->literal, literal, strlen(literal));

	return r == 0 ? text_copy(&d->to, to, strlen(to)) : r;
}

/* Blanks are U+2581, also the one that is put before a text and taken away again. */
static int add_spaces(struct tokenizer *t, bool prefix)
{
	int r = prefix ? add_text_normalizer(t, NORMALIZE_PREPEND, NULL, SPACE_MARK) : 0;

	if (r == 0)
		r = add_text_normalizer(t, NORMALIZE_REPLACE, " ", SPACE_MARK);
	if (r == 0)
		r = add_text_decoder(t, DECODE_REPLACE, SPACE_MARK, " ");
	(void)tokenizer_add_decoder(t, DECODE_BYTE_FALLBACK);
	(void)tokenizer_add_decoder(t, DECODE_FUSE);
	if (r == 0 && prefix) {
		r = add_text_decoder(t, DECODE_STRIP, " ", "");
		t->decoders[t->nr_decoders - 1].start = 1;
	}
	return r;
}

static int read_llama(struct tokenizer *t, const struct gguf *g, bool *add_bos, struct err *err)
{
	int r = read_tokens(t, g, false, err);

	t->model = MODEL_BPE;
	*add_bos = true;
	if (r == 0)
		r = read_scores(g, t->vocab.nr_ids, &t->bpe.scores, err);
	if (r < 0)
		return r;
	t->bpe.unk = find_id(g, t, "ggml.unknown_token_id");
	byte_ids_find(&t->vocab, t->bpe.byte_ids);
	return add_spaces(t, find_flag(g, "ggml.add_space_prefix", true));
}

/* --- bert, t5 --- */

static int read_bert(struct tokenizer *t, const struct gguf *g, bool *add_bos, struct err *err)
{
	static const enum normalizer_type steps[] = {NORMALIZE_CLEAN, NORMALIZE_IDEOGRAPHS, NORMALIZE_FORM, NORMALIZE_NO_NONSPACING,
						     NORMALIZE_LOWER};
	struct splitter *blanks, *punctuation;
	int r = read_tokens(t, g, true, err);

	t->model = MODEL_WORDPIECE;
	*add_bos = true;
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		t->normalizers[t->nr_normalizers++] = (struct normalizer){.type = steps[i], .form = NORMAL_NFD};
	blanks = tokenizer_add_splitter(t, SPLIT_CHARS, BEHAVIOR_REMOVED);
	blanks->is = char_is_space;
	punctuation = tokenizer_add_splitter(t, SPLIT_CHARS, BEHAVIOR_ISOLATED);
	punctuation->is = char_is_punctuation;
	t->wordpiece.unk = find_id(g, t, "ggml.unknown_token_id");
	if (t->wordpiece.unk == TOKEN_NONE)
		t->wordpiece.unk = vocab_find(&t->vocab, "[UNK]", 5);
	t->wordpiece.chars_max = 100; /* [google-research/bert tokenization.py, WordpieceTokenizer] */
	r = add_text_decoder(t, DECODE_WORDPIECE, "##", "");
	t->decoders[0].cleanup = true;
	return r < 0 ? r : wordpiece_build(t, "##", 2, err);
}

static int read_charsmap(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	const struct format_value *map = find_array(g, "ggml.precompiled_charsmap", FORMAT_UINT, 1);
	struct normalizer *n = &t->normalizers[0];
	int r;

	if (!map)
		map = find_array(g, "ggml.precompiled_charsmap", FORMAT_INT, 1);
	if (!map)
		return 0;
	r = charsmap_parse(g->bytes.data + map->off, (size_t)map->len, &n->map);
	if (r < 0)
		return r == -EBADMSG ? malformed(err, "precompiled_charsmap") : r;
	n->type = NORMALIZE_CHARSMAP;
	t->nr_normalizers = 1;
	return 0;
}

static int read_t5(struct tokenizer *t, const struct gguf *g, struct err *err)
{
	AUTO_FREE float *scores = NULL;
	struct splitter *blanks, *mark, *cut;
	int r = read_tokens(t, g, false, err);

	t->model = MODEL_UNIGRAM;
	if (r == 0)
		r = read_scores(g, t->vocab.nr_ids, &scores, err);
	if (r == 0 && (!find_flag(g, "ggml.add_space_prefix", true) || !find_flag(g, "ggml.remove_extra_whitespaces", true)))
		r = err_set(err, -ENOTSUP, "the tokenizer of the GGUF file: Unigram that keeps blanks as they are is not known here");
	if (r == 0)
		r = read_charsmap(t, g, err);
	if (r < 0)
		return r;
	t->unigram.scores = malloc(t->vocab.nr_ids * sizeof(double));
	if (!t->unigram.scores)
		return -ENOMEM;
	for (size_t i = 0; i < t->vocab.nr_ids; i++)
		t->unigram.scores[i] = (double)scores[i];
	t->unigram.unk = find_id(g, t, "ggml.unknown_token_id");
	blanks = tokenizer_add_splitter(t, SPLIT_CHARS, BEHAVIOR_REMOVED);
	blanks->is = char_is_space;
	mark = tokenizer_add_splitter(t, SPLIT_METASPACE, 0);
	cut = tokenizer_add_splitter(t, SPLIT_LITERAL, BEHAVIOR_MERGED_WITH_NEXT);
	r = text_copy(&mark->literal, SPACE_MARK, 3);
	if (r == 0)
		r = text_copy(&cut->literal, SPACE_MARK, 3);
	if (r == 0)
		r = add_text_decoder(t, DECODE_METASPACE, SPACE_MARK, "");
	return r;
}

/* --- the whole --- */

static int read_kind(struct tokenizer *t, const struct gguf *g, bool *add_bos, bool *add_eos, struct err *err)
{
	size_t len = 0;
	const char *model = find_text(g, "ggml.model", &len);

	if (text_is(model, len, "gpt2"))
		return read_gpt2(t, g, add_bos, err);
	if (text_is(model, len, "llama"))
		return read_llama(t, g, add_bos, err);
	*add_eos = true;
	if (text_is(model, len, "bert"))
		return read_bert(t, g, add_bos, err);
	if (text_is(model, len, "t5"))
		return read_t5(t, g, err);
	if (!model)
		return err_set(err, -ENOENT, "the GGUF file has no tokenizer");
	return err_set(err, -ENOTSUP, "the GGUF file has a tokenizer of the kind '%.*s', which is not known here", (int)min_u64(len, 60), model);
}

static int add_around(struct tokenizer *t, const struct gguf *g, bool add_bos, bool add_eos, struct err *err)
{
	bool is_bert = t->model == MODEL_WORDPIECE;
	uint32_t first = t->bos, last = t->eos;
	int r = 0;

	if (is_bert) {
		first = find_id(g, t, "ggml.cls_token_id");
		if (first == TOKEN_NONE)
			first = t->bos;
		last = find_id(g, t, "ggml.seperator_token_id"); /* it is written so */
		if (last == TOKEN_NONE)
			last = t->eos;
	}
	if (find_flag(g, "ggml.add_bos_token", add_bos) && first != TOKEN_NONE)
		r = tokenizer_add_around(t, true, first, err);
	if (r == 0 && find_flag(g, is_bert ? "ggml.add_sep_token" : "ggml.add_eos_token", add_eos) && last != TOKEN_NONE)
		r = tokenizer_add_around(t, false, last, err);
	return r;
}

int tokenizer_load_gguf(struct tokenizer *t, const char *path, struct err *err)
{
	AUTO_GGUF g = {0};
	bool add_bos = false, add_eos = false;
	const char *template;
	size_t len;
	int r = load(path, &g, err);

	if (r == 0)
		r = read_kind(t, &g, &add_bos, &add_eos, err);
	if (r < 0)
		return r;
	t->bos = find_id(&g, t, "ggml.bos_token_id");
	t->eos = find_id(&g, t, "ggml.eos_token_id");
	template = find_text(&g, "chat_template", &len);
	if (template && memchr(template, '\0', len))
		return err_set(err, -EBADMSG, "%s: the chat template has a zero byte in it", path);
	if (template && !(t->chat_template = strndup(template, len)))
		return -ENOMEM;
	return add_around(t, &g, add_bos, add_eos, err);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * A tokenizer as a whole: opening, encoding, and what is known of its tokens. Work space of a call is kept for the next one, with
 * the words it has met: as many as there were calls at one time.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <hffs/io.h>
#include <hffs/thread.h>

#include "tokenizer_int.h"

#define JSON_FILE_MAX (128u << 20) /* the largest tokenizer.json known has 35 MB */

/* --- opening --- */

struct tokenizer *tokenizer_new(void)
{
	struct tokenizer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->bos = t->eos = t->bpe.unk = t->unigram.unk = t->wordpiece.unk = t->word_unk = TOKEN_NONE;
	return t;
}

/* Words go to BPE as bytes where the last step would write each as a character, and the vocabulary has nothing but such. */
static void choose_raw(struct tokenizer *t)
{
	struct bpe *b = &t->bpe;
	const struct splitter *last = t->nr_splitters ? &t->splitters[t->nr_splitters - 1] : NULL;

	if (t->model != MODEL_BPE || !last || last->type != SPLIT_BYTES || b->prefix.len || b->suffix.len || b->byte_fallback)
		return;
	t->nr_splitters--;
	b->raw = true;
	for (unsigned i = 0; i < 256; i++) {
		char text[2];
		size_t len = byte_char_put((uint8_t)i, text);

		b->byte_ids[i] = vocab_find(&t->vocab, text, len);
	}
}

/* What added tokens look like in a text that was normalized. */
static int normalize_added(struct tokenizer *t, struct err *err)
{
	struct normalize_space space = {.matcher = matcher_new()};
	int r = space.matcher ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < t->added.nr; i++) {
		struct added_token *token = &t->added.tokens[i];
		struct piece piece = {token->content.at, token->content.len, true};

		if (token->normalized)
			r = normalize(t->normalizers, t->nr_normalizers, &space, &piece);
		if (r == -EFBIG)
			(void)err_set(err, r, "the normalizer of the tokenizer makes an added token many times as long");
		if (r == 0)
			r = text_copy(&token->normal, piece.text, piece.len);
	}
	matcher_free(space.matcher);
	normalize_space_done(&space);
	return r;
}

int tokenizer_build(struct tokenizer *t, struct err *err)
{
	int r;

	choose_raw(t);
	r = t->model == MODEL_BPE ? bpe_build(&t->bpe, &t->vocab) : t->model == MODEL_UNIGRAM ? unigram_build(t, err) : 0;
	if (r == 0)
		r = normalize_added(t, err);
	return r < 0 ? r : added_build(&t->added, err);
}

static int open_dir(struct tokenizer *t, const char *dir, struct err *err)
{
	AUTO_FREE char *path = str_printf("%s/tokenizer.json", dir);
	AUTO_BUF text = {0};
	int r = path ? io_read_file(path, JSON_FILE_MAX, &text) : -ENOMEM;

	if (r == -ENOENT)
		return err_set(err, r, "there is no tokenizer.json in %s", dir);
	if (r < 0)
		return err_set(err, r, "cannot read %s: %s", path ? path : dir, strerror(-r));
	r = tokenizer_load_json(t, text.data, text.len, err);
	return r < 0 ? r : tokenizer_load_config(t, dir, err);
}

int tokenizer_open(const char *path, struct tokenizer **out, struct err *err)
{
	AUTO(tokenizer_free) struct tokenizer *t = tokenizer_new();
	struct stat st;
	int r;

	if (!t)
		return -ENOMEM;
	if (stat(path, &st) < 0)
		return err_set(err, -errno, "cannot open %s: %s", path, strerror(errno));
	r = S_ISDIR(st.st_mode) ? open_dir(t, path, err) : tokenizer_load_gguf(t, path, err);
	if (r == 0)
		r = tokenizer_build(t, err); /* needs room: what was read of the files has been given back */
	if (r < 0)
		return r;
	*out = TAKE(t);
	return 0;
}

/* As a normalizer before the others, which is where sentence-transformers has it. */
int tokenizer_lower(struct tokenizer *t, struct err *err)
{
	if (t->nr_normalizers == STEPS_MAX)
		return err_set(err, -ENOTSUP, "the tokenizer has more than %d normalizers in a row", STEPS_MAX - 1);
	memmove(t->normalizers + 1, t->normalizers, t->nr_normalizers * sizeof(t->normalizers[0]));
	t->normalizers[0] = (struct normalizer){.type = NORMALIZE_LOWER};
	t->nr_normalizers++;
	return 0;
}

/* --- work space --- */

static void encoder_free(struct encoder *e)
{
	if (!e)
		return;
	matcher_free(e->matcher);
	word_cache_free(e->cache);
	normalize_space_done(&e->normal);
	buf_done(&e->clean);
	buf_done(&e->word);
	buf_done(&e->symbols);
	buf_done(&e->heap);
	for (size_t i = 0; i < STEPS_MAX; i++)
		buf_done(&e->step[i]);
	free(e);
}

static struct encoder *encoder_new(const struct tokenizer *t)
{
	struct encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->t = t;
	e->matcher = e->normal.matcher = matcher_new();
	e->cache = word_cache_new();
	if (e->matcher && e->cache)
		return e;
	encoder_free(e);
	return NULL;
}

/* Only the list of idle work space changes, under its lock: to its users a tokenizer is immutable. */
static struct tokenizer *unlocked(const struct tokenizer *t)
{
	return (struct tokenizer *)(uintptr_t)t;
}

static struct encoder *encoder_take(const struct tokenizer *t)
{
	struct encoder *e;

	{
		LOCK_SCOPE(&unlocked(t)->lock);
		e = t->idle;
		if (e)
			unlocked(t)->idle = e->next;
	}
	return e ? e : encoder_new(t);
}

/* A long text leaves large buffers behind: they are not kept. */
static void shrink(struct buf *b)
{
	if (b->cap > 1u << 20)
		buf_done(b);
}

static void encoder_give(struct encoder *e)
{
	struct buf *bufs[] = {&e->clean, &e->word, &e->symbols, &e->heap, &e->normal.text[0], &e->normal.text[1], &e->normal.space};

	for (size_t i = 0; i < ARRAY_SIZE(bufs); i++) {
		shrink(bufs[i]);
		buf_clear(bufs[i]);
	}
	for (size_t i = 0; i < STEPS_MAX; i++)
		shrink(&e->step[i]);
	LOCK_SCOPE(&unlocked(e->t)->lock);
	e->next = e->t->idle;
	unlocked(e->t)->idle = e;
}

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	while (t->idle) {
		struct encoder *e = t->idle;

		t->idle = e->next;
		encoder_free(e);
	}
	for (size_t i = 0; i < STEPS_MAX; i++) {
		normalizer_done(&t->normalizers[i]);
		splitter_done(&t->splitters[i]);
		decoder_done(&t->decoders[i]);
	}
	bpe_done(&t->bpe);
	trie_done(&t->unigram.trie);
	free(t->unigram.scores);
	trie_done(&t->wordpiece.trie);
	added_done(&t->added);
	vocab_done(&t->vocab);
	free(t->chat_template);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- encoding --- */

void byte_ids_find(const struct vocab *v, uint32_t ids[256])
{
	for (unsigned i = 0; i < 256; i++) {
		char text[8];
		int len = snprintf(text, sizeof(text), "<0x%02X>", i);

		ids[i] = vocab_find(v, text, (size_t)len);
	}
}

int text_copy(struct text *out, const char *at, size_t len)
{
	char *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, at, len);
	copy[len] = '\0';
	free(out->at);
	*out = (struct text){copy, len};
	return 0;
}

int model_encode(struct encoder *e, const char *word, size_t len)
{
	const struct tokenizer *t = e->t;
	uint32_t id;

	switch (t->model) {
	case MODEL_BPE: return bpe_encode(e, word, len);
	case MODEL_UNIGRAM: return unigram_encode(e, word, len);
	case MODEL_WORDPIECE: return wordpiece_encode(e, word, len);
	default: break;
	}
	id = vocab_find(&t->vocab, word, len);
	if (id == TOKEN_NONE)
		id = t->word_unk;
	if (id == TOKEN_NONE)
		return err_set(e->err, -ENOTSUP, "the text has a word that the tokenizer has no token for, and no token for unknown ones");
	return token_list_add(e->out, id);
}

static int encode_between(struct encoder *e, struct piece piece, bool exact, const struct plain *plain);

/* What is between tokens that were added: before normalizing, or behind it. */
static int encode_part(struct encoder *e, struct piece piece, bool exact, const struct plain *plain)
{
	struct plain normal = {.everywhere = plain->everywhere || plain->nr}; /* places are lost in a text that was normalized */
	int r;

	if (!piece.len)
		return 0;
	if (!exact)
		return pretokenize(e, 0, piece);
	r = normalize(e->t->normalizers, e->t->nr_normalizers, &e->normal, &piece);
	if (r == -EFBIG)
		return err_set(e->err, r, "the normalizer of the tokenizer makes the text many times as long");
	return r < 0 ? r : encode_between(e, piece, false, &normal);
}

/* Cuts added tokens out of a piece, and encodes what is between. */
static int encode_between(struct encoder *e, struct piece piece, bool exact, const struct plain *plain)
{
	size_t from = 0, done = 0, begin, end;
	const struct added_token *token;
	int r = 0;

	while (r == 0 && added_next(&e->t->added, exact, plain, piece.text, piece.len, &from, done, &begin, &end, &token)) {
		if (begin > done)
			r = encode_part(e, (struct piece){piece.text + done, begin - done, piece.at_start && !done}, exact, plain);
		if (r == 0 && begin < end)
			r = token_list_add(e->out, token->id);
		done = end;
	}
	if (r < 0 || done >= piece.len)
		return r;
	return encode_part(e, (struct piece){piece.text + done, piece.len - done, piece.at_start && !done}, exact, plain);
}

/* The text itself where it is well-formed, else a copy with U+FFFD in the right places. */
static int clean_text(struct encoder *e, struct piece *piece)
{
	size_t taken;

	if (utf8_is_valid_n(piece->text, piece->len))
		return 0;
	buf_clear(&e->clean);
	for (size_t i = 0; i < piece->len; i += taken) {
		if (utf8_next(piece->text + i, piece->len - i, &taken) == UTF8_CHAR)
			buf_add(&e->clean, piece->text + i, taken);
		else
			buf_adds(&e->clean, "\xef\xbf\xbd");
	}
	piece->text = e->clean.data;
	piece->len = e->clean.len;
	return e->clean.failed ? -ENOMEM : 0;
}

static int add_all(struct token_list *out, const uint32_t *ids, size_t nr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < nr; i++)
		r = token_list_add(out, ids[i]);
	return r;
}

static int encode_piece(struct encoder *e, struct piece piece, const struct plain *plain, bool around)
{
	const struct tokenizer *t = e->t;
	int r = 0;

	if (around)
		r = add_all(e->out, t->before, t->nr_before);
	if (r == 0)
		r = encode_between(e, piece, true, plain);
	if (r == 0 && around)
		r = add_all(e->out, t->after, t->nr_after);
	return r;
}

static int encode(const struct tokenizer *t, struct piece piece, const struct plain *plain, unsigned flags, struct token_list *out,
		  struct err *err)
{
	struct encoder *e;
	int r;

	if (piece.len > TEXT_MAX)
		return err_set(err, -EFBIG, "the text has %zu bytes; at most %u MiB are taken at once", piece.len, TEXT_MAX >> 20);
	e = encoder_take(t);
	if (!e)
		return -ENOMEM;
	e->out = out;
	e->err = err;
	r = piece.len && !plain->base ? clean_text(e, &piece) : 0;
	if (r == 0)
		r = encode_piece(e, piece, plain, !(flags & TOKENIZE_NO_SPECIAL));
	encoder_give(e);
	return r;
}

int tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, unsigned flags, struct token_list *out, struct err *err)
{
	return encode(t, (struct piece){text, len, true}, &(struct plain){.everywhere = flags & TOKENIZE_PLAIN}, flags, out, err);
}

int tokenizer_encode_marked(const struct tokenizer *t, const char *text, size_t len, const struct text_range *plain, size_t nr,
			    unsigned flags, struct token_list *out, struct err *err)
{
	struct plain marks = {.everywhere = flags & TOKENIZE_PLAIN, .base = text, .ranges = plain, .nr = nr};

	if (!utf8_is_valid_n(text, len))
		return err_set(err, -EINVAL, "the text is not UTF-8"); /* a replacement would move the ranges */
	return encode(t, (struct piece){text, len, true}, &marks, flags, out, err);
}

void tokenizer_truncate(const struct tokenizer *t, struct token_list *list, size_t max)
{
	size_t around = t->nr_before + t->nr_after;

	if (list->nr <= max || list->nr < around || max < around)
		return;
	if (t->truncate_left) /* the text's beginning goes */
		memmove(list->ids + t->nr_before, list->ids + t->nr_before + (list->nr - max), (max - t->nr_before) * sizeof(*list->ids));
	else
		memmove(list->ids + max - t->nr_after, list->ids + list->nr - t->nr_after, t->nr_after * sizeof(*list->ids));
	list->nr = max;
}

/* --- what is known of tokens --- */

uint32_t tokenizer_size(const struct tokenizer *t)
{
	uint32_t size = t->vocab.nr_ids;

	for (size_t i = 0; i < t->added.nr; i++)
		if (t->added.tokens[i].id >= size)
			size = t->added.tokens[i].id + 1;
	return size;
}

uint32_t tokenizer_find(const struct tokenizer *t, const char *token)
{
	uint32_t id = added_find_content(&t->added, token, strlen(token));

	return id != TOKEN_NONE ? id : vocab_find(&t->vocab, token, strlen(token));
}

const char *tokenizer_token(const struct tokenizer *t, uint32_t id)
{
	const struct added_token *added = added_find(&t->added, id);
	size_t len;

	return added ? added->content.at : vocab_text(&t->vocab, id, &len);
}

bool tokenizer_is_special(const struct tokenizer *t, uint32_t id)
{
	const struct added_token *added = added_find(&t->added, id);

	return added && added->special;
}

uint32_t tokenizer_bos(const struct tokenizer *t)
{
	return t->bos;
}

uint32_t tokenizer_eos(const struct tokenizer *t)
{
	return t->eos;
}

const char *tokenizer_chat_template(const struct tokenizer *t)
{
	return t->chat_template;
}

uint32_t tokenizer_max_tokens(const struct tokenizer *t)
{
	return t->max_tokens;
}

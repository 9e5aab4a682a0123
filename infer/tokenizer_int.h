/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tokenizer from the inside. Text goes through it like this:
 *
 *   added.c        tokens that were added by hand are cut out of the text
 *   normalize.c    what is left is brought into one form, and added tokens of that form are cut out
 *   pretokenize.c  cut into words; each is handed on at once, so that there is never a list of them
 *   bpe.c, unigram.c, wordpiece.c   a word becomes tokens
 *   tokenizer.c    tokens around the whole
 *   decode.c       and back
 *
 * tokenizer_json.c and tokenizer_gguf.c make one from a file. What "as `tokenizers`" means in comments: the crate and the Python
 * package of that name, 0.23, whose results are the measure.
 */
#ifndef HFFS_TOKENIZER_INT_H
#define HFFS_TOKENIZER_INT_H

#include <pthread.h>

#include <hffs/tokenizer.h>

#include "split_int.h"
#include "unicode_int.h"
#include "vocab_int.h"

#define STEPS_MAX 16                   /* normalizers, pre-tokenizers or decoders in a row, sequences taken apart */
#define TEXT_MAX (256u << 20)          /* bytes of a text */
#define WORD_MAX (32u << 20)           /* bytes that go through a model as one word */
#define AROUND_MAX 32                  /* tokens that a post-processor adds on one side */

/* Bytes with a length; owned. */
struct text {
	char *at;
	size_t len;
};

/* --- normalize.c --- */

enum normalizer_type {
	NORMALIZE_FORM,           /* form */
	NORMALIZE_LOWER,
	NORMALIZE_NO_MARKS,       /* drops all marks */
	NORMALIZE_NO_NONSPACING,  /* drops nonspacing marks, as BERT does */
	NORMALIZE_STRIP,          /* left, right */
	NORMALIZE_REPLACE,        /* pattern, or from; by to */
	NORMALIZE_PREPEND,        /* to, unless the text is empty */
	NORMALIZE_CLEAN,          /* BERT: control characters go, all blanks become ' ' */
	NORMALIZE_IDEOGRAPHS,     /* BERT: blanks around each */
	NORMALIZE_NMT,
	NORMALIZE_CHARSMAP,       /* charsmap */
	NORMALIZE_BYTES,          /* each byte as the character that GPT-2 writes for it */
};

/* SentencePiece's compiled rules: a double array of units whose values are places in texts. */
struct charsmap {
	uint32_t *units;
	size_t nr;
	char *texts; /* a NUL behind each, and one more */
	size_t len;
};

struct normalizer {
	enum normalizer_type type;
	enum normal_form form;
	bool left, right;
	struct pattern *pattern;
	struct text from, to;
	struct charsmap map;
};
void normalizer_done(struct normalizer *n);

struct normalize_space {
	struct buf text[2], space;
	struct matcher *matcher; /* borrowed */
};
void normalize_space_done(struct normalize_space *s);

/* A piece of text on its way. at_start: does it begin with what the whole text began with? */
struct piece {
	const char *text;
	size_t len;
	bool at_start;
};
/* Through all nr steps; *piece is replaced by one that lives in space until the next call. 0, -ENOMEM, -EIO; -EFBIG: it would become
 * many times as long. */
int normalize(const struct normalizer *steps, size_t nr, struct normalize_space *space, struct piece *piece);
/* Checks a map's bytes as a file has them: -EBADMSG, -ENOMEM. */
int charsmap_parse(const void *bytes, size_t len, struct charsmap *out);

/* The characters that GPT-2 writes for bytes, as UTF-8. [openai/gpt-2 encoder.py, bytes_to_unicode] */
size_t byte_char_put(uint8_t byte, char out[2]);
int byte_char_get(uint32_t c); /* the byte, -1 if it stands for none */
void add_byte_chars(struct buf *out, const char *text, size_t len);

/* --- pretokenize.c --- */

enum behavior { BEHAVIOR_REMOVED, BEHAVIOR_ISOLATED, BEHAVIOR_CONTIGUOUS, BEHAVIOR_MERGED_WITH_PREVIOUS, BEHAVIOR_MERGED_WITH_NEXT };
enum prepend { PREPEND_ALWAYS, PREPEND_FIRST, PREPEND_NEVER };

enum splitter_type {
	SPLIT_PATTERN,
	SPLIT_LITERAL,      /* each place where literal is found */
	SPLIT_CHARS,        /* each character that is() one */
	SPLIT_WORDS,        /* runs of word characters, runs of others that are no blanks; blanks go */
	SPLIT_PREFIX_SPACE, /* puts a blank before what has none */
	SPLIT_METASPACE,    /* blanks become literal; one is put before the text by the prepend scheme */
	SPLIT_BYTES,        /* each byte as its character */
};

struct splitter {
	enum splitter_type type;
	enum behavior behavior;
	enum prepend prepend;
	bool invert;
	struct pattern *pattern;
	struct text literal;
	bool (*is)(uint32_t c);
};
void splitter_done(struct splitter *s);

/* --- models --- */

/* How two neighbours are joined: the pair with the lowest rank first, the leftmost of them. */
struct merge {
	uint32_t left, right, id;
};

struct bpe {
	struct merge *merges; /* by rank; NULL: none, or by score, see `scores` */
	uint32_t nr, room;
	uint32_t *slots; /* a hash table of them */
	size_t cap;
	float *scores; /* SentencePiece: neighbours are joined if their text is a token, the one with the highest score first */
	uint8_t *joins;       /* a bit for each hash of two characters that are neighbours inside of a merged token; NULL: not known */
	uint32_t byte_ids[256];
	struct text prefix, suffix; /* continuing_subword_prefix, end_of_word_suffix */
	uint32_t unk;
	bool fuse_unk, byte_fallback, ignore_merges;
	bool raw; /* words are bytes; the vocabulary writes them as characters */
};

struct unigram {
	struct trie trie;
	double *scores; /* by id */
	double unk_score;
	uint32_t byte_ids[256];
	uint32_t unk;   /* TOKEN_NONE: there is none */
	bool byte_fallback;
};

struct wordpiece {
	struct trie trie;
	uint32_t inside; /* node of the prefix of a piece that does not begin a word; TRIE_NONE: no token has it */
	uint32_t unk;
	uint64_t chars_max;
};

enum model_type { MODEL_BPE, MODEL_UNIGRAM, MODEL_WORDPIECE, MODEL_WORDLEVEL };

/* --- added.c --- */

struct added_token {
	struct text content;
	struct text normal; /* what it looks like once normalized; the content itself where it is not to be */
	uint32_t id;
	bool single_word, left, right, normalized, special;
};

struct added {
	struct added_token *tokens;
	size_t nr, room;
	uint32_t *of_id; /* token of an id plus one; 0: none */
	uint32_t nr_ids;
	struct vocab contents; /* contents to ids */
	/* Values are indexes of tokens; these look at the text as it is, those at what became of it. */
	struct trie exact, normal;
	bool first_exact[256], first_normal[256]; /* bytes that one of them begins with */
};

/* Takes the content; one of the same id is replaced. 0, -ENOMEM, -EFBIG. */
int added_add(struct added *a, struct added_token *token, struct err *err);
/* Once all are there and each has its normal form. -ENOMEM, -EFBIG. */
int added_build(struct added *a, struct err *err);
const struct added_token *added_find(const struct added *a, uint32_t id); /* NULL: none */
uint32_t added_find_content(const struct added *a, const char *text, size_t len); /* its id, TOKEN_NONE */
/* Is this the text of a special token as the file has it? Normalized ones may look otherwise, and are none then. [is_special_token] */
bool added_is_special(const struct added *a, const char *text, size_t len);
void added_done(struct added *a);

/* Where special tokens are ordinary text: everywhere, or in ranges of the text that begins at base. */
struct plain {
	bool everywhere;
	const char *base;
	const struct text_range *ranges;
	size_t nr;
};

/*
 * The next token of one of the tries in text[from, len): true with its place, blanks that belong to it included. done: where the
 * last one ended.
 */
bool added_next(const struct added *a, bool exact, const struct plain *plain, const char *text, size_t len, size_t *from, size_t done, size_t *begin,
		size_t *end, const struct added_token **token);

/* --- decode.c --- */

enum decoder_type {
	DECODE_BYTES,         /* characters of GPT-2 to the bytes they stand for */
	DECODE_WORDPIECE,     /* literal: the prefix; cleanup */
	DECODE_METASPACE,     /* literal to a blank, in the first token to nothing unless prepend says never */
	DECODE_SUFFIX,        /* literal at the ends of words to a blank */
	DECODE_REPLACE,       /* literal to `to` */
	DECODE_BYTE_FALLBACK, /* <0x41> to the byte */
	DECODE_FUSE,          /* all tokens to one */
	DECODE_STRIP,         /* literal, a character, so many times from start and end of each token */
};

struct decoder {
	enum decoder_type type;
	struct text literal, to;
	enum prepend prepend;
	uint32_t start, stop;
	bool cleanup;
};
void decoder_done(struct decoder *d);

/* --- the whole --- */

struct tokenizer {
	struct vocab vocab;
	struct added added;
	enum model_type model;
	struct bpe bpe;
	struct unigram unigram;
	struct wordpiece wordpiece;
	uint32_t word_unk; /* of MODEL_WORDLEVEL */
	struct normalizer normalizers[STEPS_MAX];
	struct splitter splitters[STEPS_MAX];
	struct decoder decoders[STEPS_MAX];
	size_t nr_normalizers, nr_splitters, nr_decoders;
	uint32_t before[AROUND_MAX], after[AROUND_MAX];
	size_t nr_before, nr_after;
	uint32_t max_tokens; /* of the truncation; 0: none */
	bool truncate_left;
	uint32_t bos, eos;
	char *chat_template;

	pthread_mutex_t lock;
	struct encoder *idle; /* guarded by lock: work space that no call uses now */
};

/* An empty one; NULL when out of memory. */
struct tokenizer *tokenizer_new(void);
/* Once all its parts are there: what can be known beforehand. */
int tokenizer_build(struct tokenizer *t, struct err *err);
/* A step behind those that are there; NULL if there are too many. */
struct splitter *tokenizer_add_splitter(struct tokenizer *t, enum splitter_type type, enum behavior behavior);
int tokenizer_add_pattern(struct tokenizer *t, const char *pattern, enum behavior behavior, struct err *err);
struct decoder *tokenizer_add_decoder(struct tokenizer *t, enum decoder_type type);
/* One more token around each text, the outermost so far. -EBADMSG: there is none with this id. */
int tokenizer_add_around(struct tokenizer *t, bool before, uint64_t id, struct err *err);
/* The parts, from a tokenizer.json or a GGUF file; tokenizer_build() is still to come. */
int tokenizer_load_json(struct tokenizer *t, const char *text, size_t len, struct err *err);
int tokenizer_load_gguf(struct tokenizer *t, const char *path, struct err *err);
/* What else is in the directory: bos, eos, chat template. */
int tokenizer_load_config(struct tokenizer *t, const char *dir, struct err *err);

/* Work space of one call of tokenizer_encode(). */
struct word_cache;
struct encoder {
	struct encoder *next;
	const struct tokenizer *t;
	struct token_list *out;
	struct err *err;
	struct matcher *matcher;
	struct word_cache *cache;
	struct normalize_space normal;
	struct buf clean, word, symbols, heap;
	struct buf step[STEPS_MAX];
};

/* Cuts a piece into words from step k on, and gives each to the model. 0, -ENOMEM, -EIO, -EFBIG, -EINVAL. */
int pretokenize(struct encoder *e, size_t k, struct piece piece);
/* A word to tokens, which are added to e->out. */
int model_encode(struct encoder *e, const char *word, size_t len);
int bpe_encode(struct encoder *e, const char *word, size_t len);
int unigram_encode(struct encoder *e, const char *word, size_t len);
int wordpiece_encode(struct encoder *e, const char *word, size_t len);

/* Once the vocabulary is there (and unigram's scores). prefix: of pieces that do not begin a word. -ENOMEM, -EFBIG. */
int unigram_build(struct tokenizer *t, struct err *err);
int wordpiece_build(struct tokenizer *t, const char *prefix, size_t len, struct err *err);

/* The next in rank. 0, -ENOMEM, -EFBIG: too many. */
int bpe_add_merge(struct bpe *b, uint32_t left, uint32_t right, uint32_t id);
/* Once all merges are there: what can be known beforehand. -ENOMEM. */
int bpe_build(struct bpe *b, const struct vocab *v);
void bpe_done(struct bpe *b);
/* byte_ids of a vocabulary that has <0x00> to <0xFF>; TOKEN_NONE where one is missing. */
void byte_ids_find(const struct vocab *v, uint32_t ids[256]);

struct word_cache *word_cache_new(void);
void word_cache_free(struct word_cache *c);
/* True: its tokens were added. */
bool word_cache_find(const struct word_cache *c, const char *word, size_t len, struct token_list *out, int *r);
/* Its tokens are those of the list from `from` on. */
void word_cache_put(struct word_cache *c, const char *word, size_t len, const struct token_list *tokens, size_t from);

/* A copy, caller frees its `at`; -ENOMEM. */
int text_copy(struct text *out, const char *at, size_t len);

#endif

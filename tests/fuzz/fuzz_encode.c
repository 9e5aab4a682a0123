// SPDX-License-Identifier: Apache-2.0
/* Input: a byte that chooses a tokenizer and flags, then a text. */
#include "tokens.h"

#define MARK "\\u2581"
#define MERGES                                                                                                         \
	"\"merges\":[[\"a\",\"a\"],[\"aa\",\"aa\"],[\"b\",\"c\"],[\"a\",\"b\"],[\"ab\",\"ab\"],[\"bc\",\"d\"],[\"e\",\"e\"],[\"ee\",\"e\"]]"

/* Bytes are tokens 0 to 255, written as the kind wants them; merges make the ones behind. */
static void build(struct buf *out, const char *before, bool fallback, const char *behind)
{
	buf_adds(out, before);
	for (unsigned i = 0; i < 256; i++) {
		char text[2];
		size_t len = byte_char_put((uint8_t)i, text);

		if (fallback)
			buf_addf(out, "\"<0x%02X>\":%u,", i, i);
		else
			buf_addf(out, "\"%s%.*s\":%u,", i == '"' || i == '\\' ? "\\" : "", (int)len, text, i);
	}
	if (fallback)
		buf_adds(out, "\"a\":270,\"b\":271,\"c\":272,\"d\":273,\"e\":274,\"" MARK "\":275,\"" MARK MARK "\":276,\"<unk>\":277,");
	buf_adds(out, "\"aa\":256,\"aaaa\":257,\"bc\":258,\"ab\":259,\"abab\":260,\"bcd\":261,\"ee\":262,\"eee\":263}," MERGES "}");
	buf_adds(out, behind);
}

#define BYTES_MODEL "{\"model\":{\"type\":\"BPE\",\"vocab\":{"
#define SPECIAL                                                                                                        \
	"\"added_tokens\":[{\"id\":264,\"content\":\"<s>\",\"special\":true},{\"id\":265,\"content\":\"ab c\",\"lstrip\":true,\"rstrip\":true},"    \
	"{\"id\":266,\"content\":\"dd\",\"single_word\":true,\"normalized\":true}]"
#define BYTES_END(pre) ",\"pre_tokenizer\":" pre ",\"decoder\":{\"type\":\"ByteLevel\"}," SPECIAL "}"

static const struct kind {
	const char *before, *behind;
	bool fallback, exact; /* exact: a text that is well-formed comes back */
} kinds[] = {
	{BYTES_MODEL, BYTES_END("{\"type\":\"ByteLevel\",\"add_prefix_space\":false}"), false, true},
	{BYTES_MODEL,
	 BYTES_END("{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]"
		   "?\\\\p{L}+|\\\\p{N}{1,3}| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+\"},\"behavior\":\"Isolated\"},"
		   "{\"type\":\"Digits\",\"individual_digits\":true},{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}]}"),
	 false, true},
	{BYTES_MODEL, BYTES_END("{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}"), false, true},
	{"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"fuse_unk\":true,\"unk_token\":\"<unk>\",\"vocab\":{",
	 ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"" MARK
	 "\"}]},\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"MergedWithNext\",\"invert\":true},"
	 "\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},\"content\":\" \"},"
	 "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}]}," SPECIAL "}",
	 true, false},
	{"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"<unk>\",\"continuing_subword_prefix\":\"a\",\"vocab\":{",
	 ",\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"a\"}," SPECIAL "}",
	 true, false},
};

static struct tokenizer *tokenizers[ARRAY_SIZE(kinds)];

static void make_all(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		AUTO_BUF json = {0};

		build(&json, kinds[i].before, kinds[i].fallback, kinds[i].behind);
		tokenizers[i] = tokenizer_new();
		MUST(tokenizers[i] && tokenizer_load_json(tokenizers[i], json.data, json.len, NULL) == 0 &&
		     tokenizer_build(tokenizers[i], NULL) == 0);
	}
}

/* Words that are cut where no merge can reach across, and words that are not, give the same tokens. */
static void check_cuts(struct tokenizer *t, const char *text, size_t len, unsigned flags, const struct token_list *ids)
{
	uint8_t *joins = t->bpe.joins;
	struct word_cache *cache = t->idle->cache;
	struct token_list again = {0};

	t->bpe.joins = NULL;
	t->idle->cache = word_cache_new();
	MUST(t->idle->cache && tokenizer_encode(t, text, len, flags, &again, NULL) == 0);
	word_cache_free(t->idle->cache);
	t->idle->cache = cache;
	t->bpe.joins = joins;
	MUST(again.nr == ids->nr && (!ids->nr || !memcmp(again.ids, ids->ids, ids->nr * sizeof(*ids->ids))));
	token_list_done(&again);
}

static void check_text(const struct tokenizer *t, const char *text, size_t len, const struct token_list *ids)
{
	AUTO_BUF back = {0};

	MUST(tokenizer_decode(t, ids->ids, ids->nr, 0, &back, NULL) == 0);
	MUST(back.len == len && (!len || !memcmp(back.data, text, len)));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const char *text = (const char *)bytes + 1;
	struct token_list ids = {0};
	struct tokenizer *t;
	unsigned flags;

	if (!tokenizers[0])
		make_all();
	if (len < 1)
		return 0;
	t = tokenizers[bytes[0] % ARRAY_SIZE(kinds)];
	flags = bytes[0] & 0x80 ? TOKENIZE_PLAIN : 0;
	MUST(check_encode(t, text, len - 1, flags, &ids) == 0);
	if (t->model == MODEL_BPE)
		check_cuts(t, text, len - 1, flags, &ids);
	/* Blanks that an added token takes with it are gone. */
	if (kinds[bytes[0] % ARRAY_SIZE(kinds)].exact && utf8_is_valid_n(text, len - 1) && !memmem(text, len - 1, "ab c", 4))
		check_text(t, text, len - 1, &ids);
	token_list_done(&ids);
	return 0;
}

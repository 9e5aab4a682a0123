// SPDX-License-Identifier: Apache-2.0
/*
 * Tokenizers as a whole. tokenizers.json beside this holds small ones in the shapes that models have, with what the Python package
 * `tokenizers` 0.23.3 makes of some texts; tests/tokenizers/goldens.py wrote it. Then what has to be refused, and by which name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <hffs/io.h>
#include <hffs/json.h>

#include "../../infer/tokenizer_int.h"
#include "unit.h"

#define GOLDENS_MAX (4u << 20)

static struct json *goldens;

static int load_goldens(void **state)
{
	AUTO_BUF text = {0};

	(void)state;
	assert_int_equal(io_read_file(HFFS_UNIT "/tokenizers.json", GOLDENS_MAX, &text), 0);
	return json_parse(text.data, text.len, GOLDENS_MAX, &goldens, NULL);
}

static int free_goldens(void **state)
{
	(void)state;
	json_free(goldens);
	return 0;
}

static struct tokenizer *parse(const char *json)
{
	struct tokenizer *t = tokenizer_new();
	struct err err = {0};

	assert_non_null(t);
	if (tokenizer_load_json(t, json, strlen(json), &err) < 0 || tokenizer_build(t, &err) < 0)
		fail_msg("%s", err.text);
	return t;
}

static void check_ids(const char *name, const char *text, const struct token_list *ours, const struct json *theirs)
{
	size_t nr = 0;

	for (const struct json *j = json_first(theirs); j; j = json_next(j), nr++) {
		uint64_t id = 0;

		assert_int_equal(json_u64(j, &id), 0);
		if (nr >= ours->nr || ours->ids[nr] != id)
			fail_msg("%s, '%s': token %zu is %u, not %u", name, text, nr, nr < ours->nr ? ours->ids[nr] : TOKEN_NONE, (unsigned)id);
	}
	if (nr != ours->nr)
		fail_msg("%s, '%s': %zu tokens, not %zu", name, text, ours->nr, nr);
}

/* Encoded with tokens around it, and as a stranger's text without; NULL theirs: nothing is said of it. */
static void check_encode(const struct tokenizer *t, const char *name, const char *text, unsigned flags, const struct json *theirs)
{
	struct token_list ids = {0};

	assert_int_equal(tokenizer_encode(t, text, strlen(text), flags, &ids, NULL), 0);
	check_ids(name, text, &ids, theirs);
	token_list_done(&ids);
}

static void read_ids(const struct json *list, struct token_list *out)
{
	for (const struct json *j = json_first(list); j; j = json_next(j)) {
		uint64_t id = 0;

		assert_int_equal(json_u64(j, &id), 0);
		assert_int_equal(token_list_add(out, (uint32_t)id), 0);
	}
}

/* All at once, and as a stream. */
static void check_decode(const struct tokenizer *t, const char *name, const struct json *list, unsigned flags, const char *theirs)
{
	struct token_list ids = {0};
	AUTO_BUF whole = {0}, pieces = {0};
	struct token_stream *s = NULL;

	read_ids(list, &ids);
	buf_adds(&whole, "");
	buf_adds(&pieces, "");
	assert_int_equal(tokenizer_decode(t, ids.ids, ids.nr, flags, &whole, NULL), 0);
	assert_int_equal(token_stream_new(t, flags, &s), 0);
	for (size_t i = 0; i < ids.nr; i++)
		assert_int_equal(token_stream_add(s, ids.ids[i], &pieces, NULL), 0);
	assert_int_equal(token_stream_end(s, &pieces, NULL), 0);
	token_stream_free(s);
	token_list_done(&ids);
	if (strcmp(whole.data, theirs) || strcmp(pieces.data, theirs))
		fail_msg("%s: '%s' or '%s', not '%s'", name, whole.data, pieces.data, theirs);
}

static void check_case(const struct tokenizer *t, const char *name, const struct json *c)
{
	const char *text = json_get_string(c, "text"), *short_text = json_get_string(c, "short");

	check_encode(t, name, text, 0, json_get(c, "ids"));
	check_encode(t, name, text, TOKENIZE_PLAIN | TOKENIZE_NO_SPECIAL, json_get(c, "plain"));
	check_decode(t, name, json_get(c, "ids"), 0, json_get_string(c, "decoded"));
	if (short_text)
		check_decode(t, name, json_get(c, "ids"), DETOKENIZE_SKIP_SPECIAL, short_text);
}

static void test_goldens(void **state)
{
	size_t nr = 0;

	(void)state;
	for (const struct json *g = json_first(goldens); g; g = json_next(g), nr++) {
		AUTO_FREE char *json = json_print(json_get(g, "tokenizer"));
		AUTO(tokenizer_free) struct tokenizer *t = parse(json);

		for (const struct json *c = json_first(json_get(g, "cases")); c; c = json_next(c))
			check_case(t, json_get_string(g, "name"), c);
	}
	assert_true(nr >= 15);
}

static void test_example(void **state)
{
	static const uint32_t ids[] = {383, 384, 260, 348};
	AUTO(tokenizer_free) struct tokenizer *t = NULL;
	struct token_list list = {0};

	(void)state;
	assert_int_equal(tokenizer_open(HFFS_EXAMPLES "/hub/hffs/tiny-tales", &t, NULL), 0);
	assert_int_equal(tokenizer_encode(t, "Once upon a time", 16, TOKENIZE_NO_SPECIAL, &list, NULL), 0);
	assert_int_equal(list.nr, 4);
	assert_memory_equal(list.ids, ids, sizeof(ids));
	assert_string_equal(tokenizer_token(t, 383), "Once");
	assert_int_equal(tokenizer_find(t, "Once"), 383);
	assert_int_equal(tokenizer_find(t, "no such token"), TOKEN_NONE);
	assert_null(tokenizer_token(t, tokenizer_size(t)));
	assert_int_not_equal(tokenizer_eos(t), TOKEN_NONE);
	assert_true(tokenizer_is_special(t, tokenizer_eos(t)));
	token_list_done(&list);
}

/* --- what is refused --- */

#define BPE "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2},\"merges\":[\"a b\"]}"

static const struct {
	const char *json;
	int r;
	const char *says;
} refused[] = {
	{"{" BPE ",\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+b\"},\"behavior\":\"Isolated\"}}", -ENOTSUP, "(a+)+b"},
	{"{" BPE ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"ByteLevel\"},{\"type\":\"ByteLevel\"}]}}", -ENOTSUP, "not twice"},
	{"{" BPE ",\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"}}", -ENOTSUP, "'UnicodeScripts'"},
	{"{" BPE ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Magic\"}]}}", -ENOTSUP, "'Magic'"},
	{"{" BPE ",\"decoder\":{\"type\":\"CTC\"}}", -ENOTSUP, "'CTC'"},
	{"{" BPE ",\"post_processor\":{\"type\":\"Other\"}}", -ENOTSUP, "'Other'"},
	{"{\"model\":{\"type\":\"Neural\",\"vocab\":{}}}", -ENOTSUP, "Neural"},
	{"{\"version\":\"2.0\"," BPE "}", -ENOTSUP, "2.0"},
	{"{\"model\":{\"type\":\"BPE\",\"dropout\":0.1,\"vocab\":{},\"merges\":[]}}", -ENOTSUP, "dropout"},
	{"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", -EBADMSG, "merge number 0"},
	{"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b c\"]}}", -EBADMSG, "merges"},
	{"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":4194304},\"merges\":[]}}", -EFBIG, "4194304"},
	{"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":-1},\"merges\":[]}}", -EBADMSG, "vocabulary"},
	{"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0}}}", -EBADMSG, "no merges"},
	{"{\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",0]]}}", -EBADMSG, "unk_id"},
	{"{\"model\":{\"type\":\"Unigram\",\"vocab\":[[\"a\",1e999]]}}", -EBADMSG, "vocabulary"},
	{"{" BPE ",\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAAA\"}}", -EBADMSG, "'Precompiled'"},
	{"{" BPE ",\"normalizer\":{\"type\":\"Replace\",\"pattern\":{\"String\":\"\"},\"content\":\"x\"}}", -EBADMSG, "'Replace'"},
	{"{" BPE ",\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"x\",7],\"cls\":[\"a\",0]}}", -EBADMSG, "id 7"},
	{"{" BPE ",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"x\"}},{\"Sequence\":{\"id\":\"A\"}}],\"special_tokens\":{}}}",
	 -EBADMSG, "special token"},
	{"{}", -EBADMSG, "no model"},
	{"{\"model\":", -EBADMSG, "not one JSON object"},
	{"", -EBADMSG, "not one JSON object"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		AUTO(tokenizer_free) struct tokenizer *t = tokenizer_new();
		struct err err = {0};
		int r = tokenizer_load_json(t, refused[i].json, strlen(refused[i].json), &err);

		if (r == 0)
			r = tokenizer_build(t, &err);
		if (r != refused[i].r || !strstr(err.text, refused[i].says))
			fail_msg("%s: %d '%s'", refused[i].json, r, err.text);
	}
}

static void test_many_steps(void **state)
{
	AUTO_BUF json = {0};
	struct err err = {0};
	AUTO(tokenizer_free) struct tokenizer *t = tokenizer_new();

	(void)state;
	buf_adds(&json, "{" BPE ",\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"}");
	for (int i = 0; i < STEPS_MAX; i++)
		buf_adds(&json, ",{\"type\":\"NFC\"}");
	buf_adds(&json, "]}}");
	assert_int_equal(tokenizer_load_json(t, json.data, json.len, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "in a row"));
}

/* --- texts --- */

static void test_unknown_id(void **state)
{
	AUTO(tokenizer_free) struct tokenizer *t = parse("{" BPE "}");
	AUTO_BUF out = {0};
	struct err err = {0};
	uint32_t id = 3;

	(void)state;
	assert_int_equal(tokenizer_decode(t, &id, 1, 0, &out, &err), -EINVAL);
	assert_non_null(strstr(err.text, "id 3"));
}

/* A byte that is no character becomes U+FFFD, as many as `bytes.decode(errors="replace")` makes. */
static void test_bad_utf8(void **state)
{
	static const char text[] = "a\xff\xe2\x82" "b\xf0\x9f\x98\xc3";
	AUTO(tokenizer_free) struct tokenizer *t =
		parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"\\ufffd\":2},\"merges\":[]},\"decoder\":{\"type\":\"Fuse\"}}");
	static const uint32_t expected[] = {0, 2, 2, 1, 2, 2};
	struct token_list ids = {0};

	(void)state;
	assert_int_equal(tokenizer_encode(t, text, sizeof(text) - 1, 0, &ids, NULL), 0);
	assert_int_equal(ids.nr, ARRAY_SIZE(expected));
	assert_memory_equal(ids.ids, expected, sizeof(expected));
	token_list_done(&ids);
}

/* Text comes as soon as no later token can change it, and not before. */
static void test_stream(void **state)
{
	AUTO(tokenizer_free) struct tokenizer *t =
		parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\xc3\xa2\":0,\"\xc4\xa4\":1,\"\xc2\xac\":2,\"a\":3},\"merges\":[]},\"decoder\":{\"type\":\"ByteLevel\"}}");
	static const struct {
		uint32_t id;
		const char *text;
	} steps[] = {{3, "a"}, {0, ""}, {1, ""}, {2, "\xe2\x82\xac"}, {0, ""}, {3, "\xef\xbf\xbd" "a"}, {0, ""}};
	struct token_stream *s = NULL;
	AUTO_BUF out = {0};

	(void)state;
	assert_int_equal(token_stream_new(t, 0, &s), 0);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		buf_clear(&out);
		buf_adds(&out, "");
		assert_int_equal(token_stream_add(s, steps[i].id, &out, NULL), 0);
		assert_string_equal(out.data, steps[i].text);
	}
	buf_clear(&out);
	assert_int_equal(token_stream_end(s, &out, NULL), 0);
	assert_string_equal(out.data, "\xef\xbf\xbd");
	token_stream_free(s);
}

#define MARK "\xe2\x96\x81"
#define LLAMA                                                                                                          \
	"{\"model\":{\"type\":\"BPE\",\"byte_fallback\":true,\"vocab\":{\"" MARK "a\":0,\"b\":1,\"<0xE2>\":2,\"<0x00>\":3,\"<0x82>\":4,\"<0xAC>\":5},"  \
	"\"merges\":[]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"" MARK "\"},"            \
	"\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}}"
#define BYTES "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"\xc4\xa0\x61\":0,\"\xc3\xa2\":1},\"merges\":[]},\"decoder\":{\"type\":\"ByteLevel\"}}"
#define METASPACE(decoder) "{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"" MARK "a\":0,\"b\":1},\"unk_token\":\"b\"}" decoder "}"
#define SPACES ",\"decoder\":{\"type\":\"Metaspace\",\"replacement\":\"" MARK "\",\"prepend_scheme\":\"always\"}"
#define PIECES ",\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true}"

/* A token alone has its blank, and its own bytes. */
static void test_token_bytes(void **state)
{
	static const struct {
		const char *json;
		uint32_t id;
		const char *bytes;
		size_t len;
	} rows[] = {{LLAMA, 0, " a", 2},     {LLAMA, 1, "b", 1},          {LLAMA, 2, "\xe2", 1},
		    {LLAMA, 3, "\0", 1},     {BYTES, 0, " a", 2},         {BYTES, 1, "\xe2", 1},
		    {METASPACE(SPACES), 0, " a", 2}, {METASPACE(PIECES), 1, " b", 2}, {METASPACE(""), 1, " b", 2}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tokenizer_free) struct tokenizer *t = parse(rows[i].json);
		AUTO_BUF out = {0};

		assert_int_equal(tokenizer_token_bytes(t, rows[i].id, &out), 0);
		assert_int_equal(out.len, rows[i].len);
		assert_memory_equal(out.data, rows[i].bytes, rows[i].len);
		assert_int_equal(tokenizer_token_bytes(t, 99, &out), -EINVAL);
	}
}

/* Behind a text that is there already a blank stays; an id that is none is nothing where that is asked for. */
static void test_inside(void **state)
{
	static const struct {
		const char *json;
		unsigned flags;
		const char *text;
	} rows[] = {{LLAMA, 0, "a ab"}, {LLAMA, DETOKENIZE_INSIDE, " a ab"}, {METASPACE(SPACES), 0, "a ab"},
		    {METASPACE(SPACES), DETOKENIZE_INSIDE, " a ab"}, {METASPACE(""), DETOKENIZE_INSIDE, " " MARK "a " MARK "a b"}};
	static const uint32_t ids[] = {0, 99, 0, 1};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO(tokenizer_free) struct tokenizer *t = parse(rows[i].json);
		AUTO_BUF out = {0};

		assert_int_equal(tokenizer_decode(t, ids, ARRAY_SIZE(ids), rows[i].flags, &out, NULL), -EINVAL);
		buf_clear(&out);
		assert_int_equal(tokenizer_decode(t, ids, ARRAY_SIZE(ids), rows[i].flags | DETOKENIZE_SKIP_UNKNOWN, &out, NULL), 0);
		assert_string_equal(out.data, rows[i].text);
	}
}

#define AROUND                                                                                                         \
	",\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"b\"}},{\"Sequence\":{\"id\":\"A\"}},"       \
	"{\"SpecialToken\":{\"id\":\"ab\"}}],\"special_tokens\":{\"b\":{\"ids\":[1]},\"ab\":{\"ids\":[2]}}}"

static void test_truncate(void **state)
{
	static const struct {
		const char *direction;
		size_t max, nr;
		uint32_t ids[5];
	} rows[] = {{"Right", 9, 5, {1, 3, 0, 0, 2}}, {"Right", 4, 4, {1, 3, 0, 2}}, {"Left", 4, 4, {1, 0, 0, 2}}, {"Right", 2, 2, {1, 2}}, {"Right", 1, 5, {1, 3, 0, 0, 2}}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *json = str_printf("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"c\":3},\"merges\":[]},\"truncation\":{\"max_length\":%zu,"
						  "\"direction\":\"%s\"}" AROUND "}",
						  rows[i].max, rows[i].direction);
		AUTO(tokenizer_free) struct tokenizer *t = parse(json);
		struct token_list ids = {0};

		assert_int_equal(tokenizer_max_tokens(t), rows[i].max);
		assert_int_equal(tokenizer_encode(t, "caa", 3, 0, &ids, NULL), 0);
		tokenizer_truncate(t, &ids, rows[i].max);
		assert_int_equal(ids.nr, rows[i].nr);
		assert_memory_equal(ids.ids, rows[i].ids, rows[i].nr * sizeof(uint32_t));
		token_list_done(&ids);
	}
}

/* A word of a megabyte takes the heap, and time in proportion to it: with a look at all pairs each time it would take hours. */
static void test_long_word(void **state)
{
	AUTO(tokenizer_free) struct tokenizer *t =
		parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2},\"merges\":[\"a a\",\"aa aa\"]}}");
	size_t len = 1000001;
	AUTO_FREE char *text = malloc(len);
	struct token_list ids = {0};

	(void)state;
	assert_non_null(text);
	memset(text, 'a', len);
	assert_int_equal(tokenizer_encode(t, text, len, 0, &ids, NULL), 0);
	assert_int_equal(ids.nr, len / 4 + 1);
	assert_int_equal(ids.ids[0], 2);
	assert_int_equal(ids.ids[ids.nr - 1], 0);
	token_list_done(&ids);
}

/* Words of a text, each once in the vocabulary, by their numbers; -1 ends them. */
static void check_words(const char *json, const char *text, const int *expected)
{
	AUTO(tokenizer_free) struct tokenizer *t = parse(json);
	struct token_list ids = {0};
	size_t nr = 0;

	while (expected[nr] >= 0)
		nr++;
	assert_int_equal(tokenizer_encode(t, text, strlen(text), 0, &ids, NULL), 0);
	if (ids.nr != nr)
		fail_msg("%s: %zu words, not %zu", json, ids.nr, nr);
	for (size_t i = 0; i < nr; i++)
		if (ids.ids[i] != (uint32_t)expected[i])
			fail_msg("%s: word %zu is %u, not %d", json, i, ids.ids[i], expected[i]);
	token_list_done(&ids);
}

/* What has no token, and no unknown token to go by, is nothing. */
static void test_no_tokens(void **state)
{
	(void)state;
	check_words("{" BPE "}", "xyz", (const int[]){-1});
	check_words("{" BPE "}", "", (const int[]){-1});
	check_words("{" BPE "}", "xaby", (const int[]){2, -1});
}

#define GROW "{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}"
#define GROW4 GROW "," GROW "," GROW "," GROW

/* Rules that make a text longer at each step end in an error, not in all memory. */
static void test_growth(void **state)
{
	AUTO(tokenizer_free) struct tokenizer *t =
		parse("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[]},\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[" GROW4 "," GROW4
		      "," GROW4 "]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":[" GROW4 "," GROW4 "," GROW4 "]}}");
	struct token_list ids = {0};
	AUTO_BUF out = {0};
	struct err err = {0};
	uint32_t id = 0;

	(void)state;
	assert_int_equal(tokenizer_encode(t, "a", 1, 0, &ids, &err), -EFBIG);
	assert_non_null(strstr(err.text, "normalizer"));
	assert_int_equal(tokenizer_decode(t, &id, 1, 0, &out, NULL), -ENOMEM);
	token_list_done(&ids);
}

/* The example of the documentation of `tokenizers`. [pre_tokenizers, SplitDelimiterBehavior] */
static void test_behaviors(void **state)
{
	static const struct {
		const char *behavior;
		int words[8];
	} rows[] = {{"Removed", {0, 1, 2, -1}},
		    {"Isolated", {0, 3, 1, 3, 3, 2, -1}},
		    {"MergedWithPrevious", {4, 5, 3, 2, -1}},
		    {"MergedWithNext", {0, 6, 3, 7, -1}},
		    {"Contiguous", {0, 3, 1, 8, 2, -1}}};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		AUTO_FREE char *json = str_printf("{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"the\":0,\"final\":1,\"countdown\":2,\"-\":3,"
						  "\"the-\":4,\"final-\":5,\"-final\":6,\"-countdown\":7,\"--\":8,\"?\":9}},\"pre_tokenizer\":{\"type\":\"Split\","
						  "\"pattern\":{\"String\":\"-\"},\"behavior\":\"%s\",\"invert\":false}}",
						  rows[i].behavior);

		check_words(json, "the-final--countdown", rows[i].words);
	}
}

/* Of two ways with one score the one that was found first stays. */
static void test_equal_scores(void **state)
{
	(void)state;
	check_words("{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"?\",0],[\"a\",-1],[\"aa\",-2]]}}", "aa", (const int[]){2, -1});
}

#define FLAGS(single, left, right) "\"single_word\":" single ",\"lstrip\":" left ",\"rstrip\":" right "}"
#define WORDS(flags)                                                                                                   \
	"{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"x\":0,\"?\":1,\" y\":2,\"x \":3,\"y\":4}},"                         \
	"\"added_tokens\":[{\"content\":\"mask\"," flags "]}"

/* Blanks beside a token that was added, and letters. */
static void test_added(void **state)
{
	(void)state;
	check_words(WORDS(FLAGS("false", "false", "false")), "x mask y", (const int[]){3, 5, 2, -1});
	check_words(WORDS(FLAGS("false", "true", "false")), "x mask y", (const int[]){0, 5, 2, -1});
	check_words(WORDS(FLAGS("false", "false", "true")), "x mask y", (const int[]){3, 5, 4, -1});
	check_words(WORDS(FLAGS("false", "true", "true")), "x  mask  maskx", (const int[]){0, 5, 5, 0, -1});
	check_words(WORDS(FLAGS("true", "false", "false")), "xmask", (const int[]){1, -1});
	check_words(WORDS(FLAGS("true", "false", "false")), "x mask", (const int[]){3, 5, -1});
}

/* Lower case before all else, but for special tokens. */
static void test_lower(void **state)
{
	AUTO(tokenizer_free) struct tokenizer *t =
		parse("{\"model\":{\"type\":\"WordLevel\",\"unk_token\":\"?\",\"vocab\":{\"x \":0,\"?\":1}},"
		      "\"added_tokens\":[{\"content\":\"MASK\",\"special\":true,\"normalized\":false," FLAGS("false", "false", "false") "]}");
	static const uint32_t before[] = {1, 2, 1}, behind[] = {0, 2, 0};
	struct token_list ids = {0};

	(void)state;
	assert_int_equal(tokenizer_encode(t, "X MASKX ", 8, 0, &ids, NULL), 0);
	assert_int_equal(ids.nr, ARRAY_SIZE(before));
	assert_memory_equal(ids.ids, before, sizeof(before));
	ids.nr = 0;
	assert_int_equal(tokenizer_lower(t, NULL), 0);
	assert_int_equal(tokenizer_encode(t, "X MASKX ", 8, 0, &ids, NULL), 0);
	assert_int_equal(ids.nr, ARRAY_SIZE(behind));
	assert_memory_equal(ids.ids, behind, sizeof(behind));
	token_list_done(&ids);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_goldens),    cmocka_unit_test(test_example),  cmocka_unit_test(test_refused),
					   cmocka_unit_test(test_many_steps), cmocka_unit_test(test_unknown_id), cmocka_unit_test(test_bad_utf8),
					   cmocka_unit_test(test_stream),     cmocka_unit_test(test_truncate), cmocka_unit_test(test_long_word),
					   cmocka_unit_test(test_behaviors),  cmocka_unit_test(test_equal_scores), cmocka_unit_test(test_added),
					   cmocka_unit_test(test_no_tokens),    cmocka_unit_test(test_growth), cmocka_unit_test(test_lower),
					   cmocka_unit_test(test_token_bytes), cmocka_unit_test(test_inside)};

	return cmocka_run_group_tests(tests, load_goldens, free_goldens);
}

// SPDX-License-Identifier: Apache-2.0
/*
 * Known regular expressions, compiled by PCRE2 (this file is its only user). `tokenizers` matches with Oniguruma; where the two
 * differ the text is rewritten: \s is White_Space to Oniguruma, while PCRE2 counts U+180E among it.
 */
#include "split_int.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <hffs/buf.h>

#define JIT_STACK_MIN (32u << 10)
#define JIT_STACK_MAX (8u << 20)

/*
 * As tokenizer.json files have them, and GGUF files by name. Each was looked at: no repetition in it can take a text apart in more
 * than a few ways. `ours`: what is compiled in its place, where Oniguruma reads the text in its own manner.
 */
static const struct known {
	const char *text, *ours;
} known[] = {
	{PATTERN_GPT2, NULL},
	{PATTERN_LLAMA3, NULL},
	{PATTERN_QWEN2, NULL},
	{PATTERN_QWEN35, NULL},
	{PATTERN_O200K, NULL},
	{PATTERN_TEKKEN, NULL},
	{PATTERN_DEEPSEEK3, NULL},
	{PATTERN_KANA_HAN, NULL},
	{PATTERN_HAN_HANGUL, NULL},
	/* A set inside of a set, and brackets that are characters. [bigscience/bloom tokenizer.json] */
	{PATTERN_BLOOM, " ?[^(\\s|.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c)]+"},
	/* GPT-4 as tiktoken writes it, and its kin */
	{"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", NULL},
	{"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+", NULL},
	{"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", NULL},
	{"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+", NULL},
	{"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\r\n]+|\\s*[\r\n]+|\\s+(?!\\S)|\\s+", NULL},
	/* CLIP */
	{"'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", NULL},
	{"<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+", NULL},
	/* small ones */
	{"\\p{N}", NULL},
	{"\\p{N}+", NULL},
	{"\\p{N}{1,3}", NULL},
	{"\\d", "\\p{Nd}"},
	{"\\d{1,3}", "\\p{Nd}{1,3}"},
	{"[0-9][0-9][0-9]", NULL},
	{"[0-9]", NULL},
	{" ", NULL},
	{" +", NULL},
	{" {2,}", NULL},
	{"\\s", NULL},
	{"\\s+", NULL},
	{"\\S+", NULL},
	{"\n", NULL},
	{"\n+", NULL},
	{"\r\n", NULL},
	{"[\r\n]", NULL},
	{"[\\r\\n]", NULL},
	{"[\r\n]+", NULL},
	{"\\r\\n|\\r|\\n", NULL},
	{"[^\n]+|[\n]+", NULL},
	{"[^\\n]+|[\\n]+", NULL},
	/* DeepSeek's first models. A blank at the end: \s+$ would look at a long run of blanks again from each of them. */
	{"\\s?\\p{L}+", NULL},
	{"\\s?\\p{P}+", NULL},
	{"\\s+$", "(?<!\\s)\\s++\\z|(?<!\\s)\\s++(?=\\n)"},
	{"\\s?[!-/:-~\xef\xbc\x81-\xef\xbc\x8f\xef\xbc\x9a-\xef\xbd\x9e\xe2\x80\x98-\xe2\x80\x9f\xe3\x80\x80-\xe3\x80\x82]+", NULL},
	/* Punctuation as GGUF writes it: of Unicode, and the symbols of ASCII. [llama.cpp llama-vocab.cpp, falcon, default, chameleon] */
	{"[\\p{P}\\$\\+<=>\\^~\\|`]+", NULL},
	{"[\\p{P}\\$\\+<=>\\^~\\|]+", NULL},
};

struct pattern {
	pcre2_code *code;
	bool has_jit;
};

struct matcher {
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

#define SPACES "\\x{9}-\\x{d}\\x{20}\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"

/* \s and \S as Oniguruma means them. Inside of a set only \s is known. */
static void rewrite(const char *text, struct buf *out)
{
	bool in_set = false;

	for (; *text; text++) {
		if (*text == '[' && !in_set)
			in_set = true;
		else if (*text == ']')
			in_set = false;
		if (*text != '\\') {
			buf_addc(out, *text);
			continue;
		}
		text++;
		if (*text == 's')
			buf_adds(out, in_set ? SPACES : "[" SPACES "]");
		else if (*text == 'S')
			buf_adds(out, "[^" SPACES "]");
		else
			buf_addf(out, "\\%c", *text);
	}
}

static int compile(const char *text, struct pattern *p)
{
	AUTO_BUF ours = {0};
	size_t off;
	int code;

	rewrite(text, &ours);
	if (ours.failed)
		return -ENOMEM;
	p->code = pcre2_compile((PCRE2_SPTR)ours.data, ours.len, PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK, &code, &off, NULL);
	if (!p->code)
		return -ENOMEM; /* these texts are ours */
	p->has_jit = pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE) == 0; /* else the interpreter does */
	return 0;
}

int pattern_new(const char *text, size_t len, struct pattern **out, struct err *err)
{
	const struct known *k = known;
	struct pattern *p;

	while (k < known + ARRAY_SIZE(known) && (strlen(k->text) != len || memcmp(k->text, text, len)))
		k++;
	if (k == known + ARRAY_SIZE(known))
		return err_set(err, -ENOTSUP, "the regular expression %.*s of the tokenizer is not one of those known here", (int)min_u64(len, 300),
			       text);
	p = calloc(1, sizeof(*p));
	if (!p || compile(k->ours ? k->ours : k->text, p) < 0) {
		pattern_free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

void pattern_free(struct pattern *p)
{
	if (!p)
		return;
	pcre2_code_free(p->code);
	free(p);
}

struct matcher *matcher_new(void)
{
	struct matcher *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->data = pcre2_match_data_create(1, NULL);
	m->context = pcre2_match_context_create(NULL);
	m->stack = pcre2_jit_stack_create(JIT_STACK_MIN, JIT_STACK_MAX, NULL);
	if (!m->data || !m->context) {
		matcher_free(m);
		return NULL;
	}
	if (m->stack) /* there is none where there is no JIT */
		pcre2_jit_stack_assign(m->context, NULL, m->stack);
	return m;
}

void matcher_free(struct matcher *m)
{
	if (!m)
		return;
	pcre2_match_data_free(m->data);
	pcre2_match_context_free(m->context);
	pcre2_jit_stack_free(m->stack);
	free(m);
}

int pattern_next(const struct pattern *p, struct matcher *m, const char *text, size_t len, size_t from, size_t *begin, size_t *end)
{
	const size_t *place = pcre2_get_ovector_pointer(m->data);
	int r = p->has_jit ? pcre2_jit_match(p->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK, m->data, m->context)
			   : pcre2_match(p->code, (PCRE2_SPTR)text, len, from, PCRE2_NO_UTF_CHECK, m->data, m->context);

	if (r == PCRE2_ERROR_NOMATCH)
		return 0;
	if (r < 0)
		return r == PCRE2_ERROR_NOMEMORY ? -ENOMEM : -EIO;
	if (place[1] <= place[0])
		return -EIO; /* none of the known patterns matches nothing */
	*begin = place[0];
	*end = place[1];
	return 1;
}

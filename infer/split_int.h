/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regular expressions of tokenizers. A file's own text is never compiled: it is looked up among those known here, each of which
 * takes time in proportion to the text.
 */
#ifndef HFFS_SPLIT_INT_H
#define HFFS_SPLIT_INT_H

#include <stddef.h>

#include <hffs/err.h>

struct pattern;
struct matcher;

/* The pattern whose text this is. Caller frees. -ENOTSUP with a sentence that shows it; -ENOMEM. */
int pattern_new(const char *text, size_t len, struct pattern **out, struct err *err);
void pattern_free(struct pattern *p);

/* What one thread needs while it matches; for any pattern. NULL when out of memory. */
struct matcher *matcher_new(void);
void matcher_free(struct matcher *m);

/*
 * The first match in text[from, len), which is well-formed UTF-8: 1 with its place, never empty; 0 there is none; -ENOMEM, -EIO.
 * What is before `from` is seen by lookbehind.
 */
int pattern_next(const struct pattern *p, struct matcher *m, const char *text, size_t len, size_t from, size_t *begin, size_t *end);

/* Patterns that have a name here. */
#define PATTERN_GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define PATTERN_LLAMA3                                                                                                 \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define PATTERN_QWEN2                                                                                                  \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define PATTERN_QWEN35                                                                                                 \
	"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!" \
	"\\S)|\\s+"
#define PATTERN_LOWER_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+"
#define PATTERN_UPPER_WORD "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*"
#define PATTERN_CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
#define PATTERN_O200K                                                                                                  \
	PATTERN_LOWER_WORD PATTERN_CONTRACTION "|" PATTERN_UPPER_WORD PATTERN_CONTRACTION                              \
					       "|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define PATTERN_TEKKEN                                                                                                 \
	PATTERN_LOWER_WORD "|" PATTERN_UPPER_WORD "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define PATTERN_DEEPSEEK3                                                                                              \
	"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]" \
	"+|\\s+(?!\\S)|\\s+"
#define PATTERN_KANA_HAN "[\xe4\xb8\x80-\xe9\xbe\xa5\xe3\x81\x80-\xe3\x82\x9f\xe3\x82\xa0-\xe3\x83\xbf]+"
#define PATTERN_HAN_HANGUL "[\xe4\xb8\x80-\xe9\xbe\xa5\xe0\xa0\x80-\xe4\xb8\x80\xea\xb0\x80-\xed\x9f\xbf]+"
#define PATTERN_BLOOM                                                                                                  \
	" ?[^(\\s|[.,!?\xe2\x80\xa6\xe3\x80\x82\xef\xbc\x8c\xe3\x80\x81\xe0\xa5\xa4\xdb\x94\xd8\x8c])]+"

#endif

// SPDX-License-Identifier: Apache-2.0
/* Cards: front matter as JSON, what is broken or hostile is refused with a sentence, and what the text behind it tells. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <hffs/card.h>
#include <hffs/json.h>

static int front(const char *text, struct buf *out, struct err *err)
{
	return card_front_json(text, strlen(text), out, err);
}

static void gives(const char *text, const char *json)
{
	AUTO_BUF out = {0};
	struct err err = {0};

	(void)front(text, &out, &err);
	assert_string_equal(err.text, "");
	assert_string_equal(out.data, json);
}

static void fails(const char *text, int r, const char *sentence)
{
	AUTO_BUF out = {0};
	struct err err = {0};

	assert_int_equal(front(text, &out, &err), r);
	assert_non_null(strstr(err.text, sentence));
	assert_int_equal(out.len, 0);
}

static void test_front(void **state)
{
	(void)state;
	gives("---\nlicense: mit\n---\n# x\n", "{\"license\":\"mit\"}");
	gives("\xef\xbb\xbf\n---\r\nlicense: mit\r\ntags:\r\n- a\r\n- b\r\n---\r\n", "{\"license\":\"mit\",\"tags\":[\"a\",\"b\"]}");
	gives("---\n---\n", "{}");
	gives("---\n# nothing\n---", "{}");
	gives("---\na: no\nb: true\nc: 1.5\nd: 007\ne: ~\nf: \"true\"\ng: 1e3\ni: .5\nj: 0x10\n---\n",
	      "{\"a\":\"no\",\"b\":true,\"c\":1.5,\"d\":\"007\",\"e\":null,\"f\":\"true\",\"g\":1e3,\"i\":\".5\",\"j\":\"0x10\"}");
	gives("---\na: &x [1, {b: c}]\nd: *x\n1: *x\n---\n", "{\"a\":[1,{\"b\":\"c\"}],\"d\":[1,{\"b\":\"c\"}],\"1\":[1,{\"b\":\"c\"}]}");
	gives("---\na: |\n  two\n  lines\n---\n", "{\"a\":\"two\\u000alines\\u000a\"}");
}

static void test_no_front(void **state)
{
	(void)state;
	fails("", -ENOENT, "no front matter");
	fails("# only text\n", -ENOENT, "no front matter");
	fails("---\nlicense: mit\n", -ENOENT, "no front matter"); /* no second mark */
	fails("text\n---\nlicense: mit\n---\n", -ENOENT, "no front matter");
	fails("----\na: b\n----\n", -ENOENT, "no front matter");
	fails("---", -ENOENT, "no front matter");
}

static void test_broken(void **state)
{
	(void)state;
	fails("---\na: b: c\n---\n", -EBADMSG, "line 1 of the front matter: mapping values are not allowed");
	fails("---\na: [1\n---\n", -EBADMSG, "front matter");
	fails("---\n- a\n---\n", -EBADMSG, "no mapping");
	fails("---\n[a]: b\n---\n", -EBADMSG, "a key is no text");
	fails("---\na: *b\n---\n", -EBADMSG, "an alias names nothing");
	fails("---\na: &a [*a]\n---\n", -EBADMSG, "an alias names nothing that is complete");
	fails("---\na: b\n...\nc: d\n---\n", -EBADMSG, "");
	fails("---\na: \xff\xfe\n---\n", -EBADMSG, "front matter");
	fails("---\na: \"\\q\"\n---\n", -EBADMSG, "front matter");
}

/* Each line doubles or deepens; none may take long, or much. */
static void test_hostile(void **state)
{
	AUTO_BUF laughs = {0}, deep = {0}, nested = {0}, large = {0}, many = {0};

	(void)state;
	buf_adds(&laughs, "---\na0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol]\n");
	for (int i = 1; i < 20; i++)
		buf_addf(&laughs, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
	buf_adds(&laughs, "---\n");
	fails(laughs.data, -EFBIG, "");

	buf_adds(&deep, "---\na: ");
	for (int i = 0; i < 30000; i++)
		buf_addc(&deep, '[');
	buf_adds(&deep, "\n---\n");
	fails(deep.data, -EFBIG, "nested too deeply");

	buf_adds(&nested, "---\na0: &a0 x\n"); /* one level more with each alias */
	for (int i = 1; i < 40; i++)
		buf_addf(&nested, "a%d: &a%d [*a%d]\n", i, i, i - 1);
	buf_adds(&nested, "---\n");
	fails(nested.data, -EFBIG, "nested too deeply");

	buf_adds(&large, "---\na: ");
	while (large.len < CARD_FRONT_MAX + 20)
		buf_adds(&large, "0123456789");
	buf_adds(&large, "\n---\n");
	fails(large.data, -EFBIG, "at most");

	buf_adds(&many, "---\n");
	for (int i = 0; i < 100; i++)
		buf_addf(&many, "k%d: &a%d x\n", i, i);
	buf_adds(&many, "---\n");
	fails(many.data, -EFBIG, "too many anchors");
}

/* --- the text --- */

static struct card_text text_of(const char *text)
{
	struct card_text t;

	card_text_read(text, strlen(text), &t);
	return t;
}

static void test_sections(void **state)
{
	struct card_text t = text_of("---\nlicense: mit\n---\n# X\n\n## Intended uses & limitations\n\n#### How to use\n\nCall it.\n");

	(void)state;
	assert_true(t.has_use && t.has_limits);
	t = text_of("## Uses\n<!-- Address questions\nof use. -->\n### Direct Use\n[More Information Needed]\n## Bias, Risks, and Limitations\nSome.\n");
	assert_true(!t.has_use && t.has_limits);
	t = text_of("## Uses\n\n```\ncode\n```\n## Other\nText\n");
	assert_true(!t.has_use && !t.has_limits);
	t = text_of("## Usage\nCall it.\n## Limits\nNone\n");
	assert_true(!t.has_use && !t.has_limits);
	t = text_of("## Out-of-Scope Use\nNone.\n#nothing\n### Limitations\n");
	assert_true(!t.has_use && t.has_limits);
	t = text_of("**Intended use**: tests. **Limitations**: many.\n");
	assert_true(t.has_use && t.has_limits);
	t = text_of("**Limitations:**\n\nMany.\n\n**Intended use**\n");
	assert_true(!t.has_use && t.has_limits);
	t = text_of("");
	assert_true(!t.has_use && !t.has_limits && !t.change[0]);
}

static void test_change(void **state)
{
	AUTO_BUF text = {0};
	struct card_text t = text_of("---\nbase: fine-tuned\n---\n# Fine-tuned\nHello. This **model** is [a fine-tuned](http://x) `y` of z. More.\n");

	(void)state;
	assert_string_equal(t.change, "This model is a fine-tuned y of z.");
	t = text_of("| merged | x |\n```\nmerged = 1\n```\n<p>merged</p>\nNothing else\n");
	assert_string_equal(t.change, "");
	t = text_of("Quantised\x1b[31m to 4 bits\n");
	assert_string_equal(t.change, "Quantised31m to 4 bits");
	buf_adds(&text, "merged ");
	while (text.len < 1000)
		buf_adds(&text, "\u00fc\u20ac");
	t = text_of(text.data);
	assert_in_range(strlen(t.change), 250, 255);
	assert_int_not_equal((unsigned char)t.change[strlen(t.change) - 1] & 0xc0, 0xc0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_front), cmocka_unit_test(test_no_front), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_hostile), cmocka_unit_test(test_sections), cmocka_unit_test(test_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

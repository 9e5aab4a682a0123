// SPDX-License-Identifier: Apache-2.0
/* Input: a chat template. One that is understood writes every text of a conversation once, in order, between its own. */
#include "fuzz.h"

#include <errno.h>

#include <hffs/chat.h>

static void check(const struct chat *c, bool system)
{
	static const struct chat_message all[] = {
		{CHAT_SYSTEM, "\xc3\xa4\n1"}, {CHAT_USER, "\n2 "}, {CHAT_ASSISTANT, "3</think>\n3"}, {CHAT_USER, "4"}};
	const struct chat_message *messages = all + !system;
	const struct chat_context context = {.bos = "<s>", .eos = "</s>", .today = {.tm_mday = 1}};
	struct chat_text t = {0};
	struct err err = {0};
	int r = chat_format(c, &context, messages, 3u + system, &t, &err);

	MUST(r == 0 || (r == -EINVAL && err.text[0]));
	for (size_t i = 0, end = 0; r == 0 && i < t.nr; i++) {
		MUST(t.plain[i].len && t.plain[i].off >= end && t.plain[i].off + t.plain[i].len <= t.text.len);
		end = t.plain[i].off + t.plain[i].len;
	}
	MUST(r != 0 || t.nr >= 3);
	chat_text_done(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO_FREE char *source = strndup((const char *)bytes, len);
	AUTO(chat_free) struct chat *c = NULL;
	struct err err = {0};

	if (chat_new(source, &c, &err) < 0) {
		MUST(err.text[0]);
		return 0;
	}
	check(c, false);
	check(c, true);
	return 0;
}

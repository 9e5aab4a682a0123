// SPDX-License-Identifier: Apache-2.0
/* Input: a tokenizer.json. One that is accepted encodes a text that has a little of everything. */
#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	static const char text[] = "Hello  world, it's 1234!\r\n\t\xc3\xa9\xcc\x81 \xe4\xb8\xad\xe6\x96\x87 \xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9 "
				   "<s> [CLS] <mask>\xff\xc3 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa abababab \xe2\x96\x81x";
	struct tokenizer *t = tokenizer_new();
	struct token_list ids = {0};
	struct err err = {0};
	int r;

	MUST(t);
	r = tokenizer_load_json(t, (const char *)bytes, len, &err);
	if (r == 0)
		r = tokenizer_build(t, &err);
	MUST(r == 0 || err.text[0]);
	if (r == 0) {
		(void)check_encode(t, text, sizeof(text), 0, &ids);
		ids.nr = 0;
		(void)check_encode(t, text, sizeof(text) - 1, TOKENIZE_NO_SPECIAL | TOKENIZE_PLAIN, &ids);
		tokenizer_truncate(t, &ids, 3);
	}
	token_list_done(&ids);
	tokenizer_free(t);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* Input: a README.md. Front matter that is accepted is JSON within its bound; the text is read whatever it is. */
#include "fuzz.h"

#include <hffs/card.h>
#include <hffs/json.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO(json_free) struct json *j = NULL;
	AUTO_BUF out = {0};
	struct card_text text;
	struct err err = {0};
	int r = card_front_json((const char *)bytes, len, &out, &err);

	MUST(r == 0 || (err.text[0] && !out.len));
	MUST(r != 0 || (out.len <= CARD_JSON_MAX && json_parse(out.data, out.len, CARD_JSON_MAX, &j, NULL) == 0 && json_is_object(j)));
	card_text_read((const char *)bytes, len, &text);
	MUST(strlen(text.change) < sizeof(text.change));
	return 0;
}

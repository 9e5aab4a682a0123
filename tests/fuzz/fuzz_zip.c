// SPDX-License-Identifier: Apache-2.0
/* Input: a ZIP file, read from its end as a reader does who is told how much more is needed. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint64_t from = len, had = len;
	int r;

	do {
		AUTO(zip_directory_free) struct zip_directory *z = NULL;
		AUTO_FREE uint8_t *tail = malloc(len - from + 1);
		struct err err = {0};

		memcpy(tail, bytes + from, len - from);
		had = from;
		r = zip_directory_parse(tail, len - from, len, 1 << 20, &z, &from, &err);
		MUST((r == 0) == (z != NULL) && (r == 0 || r == -EAGAIN || err.text[0]));
		MUST(r != -EAGAIN || from < had);
		for (uint32_t i = 0; z && i < z->nr; i++)
			MUST(z->entries[i].off + z->entries[i].packed <= z->off && z->off + z->len <= len && strlen(z->entries[i].name) < len);
	} while (r == -EAGAIN);
	return 0;
}

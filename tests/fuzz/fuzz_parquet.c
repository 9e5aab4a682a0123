// SPDX-License-Identifier: Apache-2.0
/* Input: the size of the file (8 bytes), its last bytes. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint64_t file_size, off = 0, footer = 0;
	struct err err = {0};
	int r;

	if (len != 8 + PARQUET_TAIL_BYTES)
		return 0;
	memcpy(&file_size, bytes, 8);
	r = parquet_footer_parse(bytes + 8, file_size, &off, &footer, &err);
	MUST(r == 0 ? off + footer + PARQUET_TAIL_BYTES == file_size && off >= 4 : r == -EBADMSG && err.text[0]);
	return 0;
}

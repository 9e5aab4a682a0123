// SPDX-License-Identifier: Apache-2.0
/* Input: the beginning of a file that goes on for a while, and the whole of one that does not. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	parse_table(bytes, len, len);
	parse_table(bytes, len, len + 4096);
	return 0;
}

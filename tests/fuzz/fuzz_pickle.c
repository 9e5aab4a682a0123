// SPDX-License-Identifier: Apache-2.0
/* Input: the beginning of a file. What begins as a pickle is one, however short. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum pickle_look look = pickle_look(bytes, len);

	MUST(look == PICKLE_NO || look == PICKLE_YES || look == PICKLE_IF_IN_ZIP);
	MUST(look == PICKLE_YES || len < 2 || bytes[0] != 0x80 || bytes[1] < 2 || bytes[1] > 5);
	MUST(look == PICKLE_IF_IN_ZIP || len < 4 || memcmp(bytes, "PK\003\004", 4) != 0);
	return 0;
}

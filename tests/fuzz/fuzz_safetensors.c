// SPDX-License-Identifier: Apache-2.0
/* Input: how many bytes of tensors there are (2 bytes), then the header, whose length is put before it. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	AUTO_FREE uint8_t *file = malloc(8 + len);

	if (len < 3)
		return 0;
	for (unsigned i = 0; i < 8; i++)
		file[i] = (uint8_t)((uint64_t)(len - 2) >> 8 * i);
	memcpy(file + 8, bytes + 2, len - 2);
	parse_table(file, 8 + len - 2, 8 + len - 2 + bytes[0] + 256u * bytes[1]);
	return 0;
}

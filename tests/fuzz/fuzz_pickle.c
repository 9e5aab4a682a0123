// SPDX-License-Identifier: Apache-2.0
/*
 * Input: a file. What begins as a pickle is one, however short. What has no head is followed to the same end, whether all of it is in memory or
 * a piece at a time, unless an argument is longer than a piece.
 */
#include "fuzz.h"

static enum pickle_step walk(const uint8_t *bytes, size_t len, size_t piece)
{
	struct pickle_walk w = {0};
	enum pickle_step step = PICKLE_MORE;
	uint64_t before = 0;

	while (step == PICKLE_MORE && w.off < len) {
		size_t n = len - w.off < piece ? (size_t)(len - w.off) : piece;
		uint8_t *copy = malloc(n); /* which ends where it ends */

		memcpy(copy, bytes + w.off, n);
		step = pickle_walk(&w, copy, n, len);
		free(copy);
		MUST(step != PICKLE_MORE || (w.off > before && w.off < len));
		before = w.off;
	}
	return step;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	enum pickle_look look = pickle_look(bytes, len);
	enum pickle_step whole = walk(bytes, len, len ? len : 1), pieces = walk(bytes, len, 40);

	MUST(look == PICKLE_NO || look == PICKLE_YES || look == PICKLE_IF_IN_ZIP);
	MUST(look == PICKLE_YES || len < 2 || bytes[0] != 0x80 || bytes[1] < 2 || bytes[1] > 5);
	MUST(look == PICKLE_IF_IN_ZIP || len < 4 || memcmp(bytes, "PK\003\004", 4) != 0);
	MUST(len == 0 || whole != PICKLE_MORE);
	MUST(pieces == whole || pieces == PICKLE_UNDECIDED);
	return 0;
}

// SPDX-License-Identifier: Apache-2.0
/* What a file is, by its first bytes. A file of the Hub may be known by its digest only, so names say nothing. */
#include <hffs/format.h>

#include <string.h>

#include "bytes_int.h"

enum format format_sniff(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	if (len >= 4 && !memcmp(p, "GGUF", 4))
		return FORMAT_GGUF;
	if (len >= 4 && !memcmp(p, "PAR1", 4))
		return FORMAT_PARQUET;
	if (len >= 4 && (!memcmp(p, "PK\003\004", 4) || !memcmp(p, "PK\005\006", 4)))
		return FORMAT_ZIP;
	if (len >= FORMAT_SNIFF_BYTES && p[8] == '{' && get_le64(p) >= 2 && get_le64(p) <= FORMAT_HEADER_MAX)
		return FORMAT_SAFETENSORS;
	return FORMAT_NONE;
}

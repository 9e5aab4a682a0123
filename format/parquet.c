// SPDX-License-Identifier: Apache-2.0
/* The end of a parquet file: footer, its length in 4 bytes, the mark. [Apache Parquet format, "File format"] */
#include <hffs/format.h>

#include <errno.h>
#include <string.h>

#include "bytes_int.h"

#define MARK_BYTES 4 /* the file begins with the mark too */

int parquet_footer_parse(const uint8_t tail[PARQUET_TAIL_BYTES], uint64_t file_size, uint64_t *off, uint64_t *len, struct err *err)
{
	uint64_t footer = get_le32(tail);

	/* PARE: the footer itself is encrypted, and lies in the same place. */
	if (memcmp(tail + 4, "PAR1", 4) != 0 && memcmp(tail + 4, "PARE", 4) != 0)
		return err_set(err, -EBADMSG, "the file does not end as parquet does");
	if (footer == 0 || file_size < MARK_BYTES + PARQUET_TAIL_BYTES || footer > file_size - MARK_BYTES - PARQUET_TAIL_BYTES)
		return err_set(err, -EBADMSG, "the footer has %llu bytes, the file %llu", (unsigned long long)footer,
			       (unsigned long long)file_size);
	*off = file_size - PARQUET_TAIL_BYTES - footer;
	*len = footer;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of files on this machine, and what they come to. */
#ifndef HFFS_TENSOR_FILE_INT_H
#define HFFS_TENSOR_FILE_INT_H

#include <hffs/format.h>

/* The table of a safetensors or GGUF file, of which no more than the header is read. *size: of the file. -errno with a sentence. */
int tensor_file_load(const char *path, struct tensor_table **out, uint64_t *size, struct err *err);

struct tensor_sums {
	uint64_t nr, params, bytes;
	uint64_t params_of[TENSOR_TYPES];
};
uint64_t tensor_params(const struct tensor *t); /* the parser has checked that they can be counted */
void tensor_sums_add(struct tensor_sums *s, const struct tensor_table *t);
/* "BF16 1234, F32 56", the most frequent first. */
struct buf;
void tensor_sums_say(const struct tensor_sums *s, struct buf *out);
/* {"BF16":1234,"F32":56} */
void tensor_sums_add_json(const struct tensor_sums *s, struct buf *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HFFS_FORMAT_TYPE_INT_H
#define HFFS_FORMAT_TYPE_INT_H

#include <hffs/format.h>

/* enum tensor_type, or -1 for what is not known. */
int tensor_type_of_safetensors(const char *name);
int tensor_type_of_ggml(uint32_t number);
/* Bytes of a tensor; false if they overflow or end in the middle of a block. */
bool tensor_type_bytes(enum tensor_type type, const uint64_t *shape, unsigned n_dims, uint64_t *bytes);

#endif

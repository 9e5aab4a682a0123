/* SPDX-License-Identifier: Apache-2.0 */
/* A tensor table in the making: parsers add what they read, table_build() checks it as a whole and makes it immutable. */
#ifndef HFFS_FORMAT_TABLE_INT_H
#define HFFS_FORMAT_TABLE_INT_H

#include <hffs/buf.h>
#include <hffs/format.h>

/* Names and shapes are in the builder's own buffers, by position. */
struct raw_tensor {
	uint64_t off, len; /* off: of the data, from data_off on */
	uint32_t name, shape;
	uint8_t type, n_dims;
};

struct raw_value {
	struct format_value value; /* key and text are filled in by table_build() */
	uint32_t key, text;        /* text: UINT32_MAX for none */
};

struct table_builder {
	enum format format;
	uint64_t file_size, data_off;
	struct buf names;  /* strings with their NUL */
	struct buf shapes; /* uint64_t */
	struct buf tensors, values;
};

void builder_done(struct table_builder *b);
#define AUTO_BUILDER __attribute__((cleanup(builder_done))) struct table_builder

/* Text without a NUL byte; gives its position in names. */
uint32_t builder_add_name(struct table_builder *b, const char *text, size_t len);
/* The raw tensor's type, shape and off are set, its len is computed: 0, -EBADMSG, -ENOMEM. */
int builder_add_tensor(struct table_builder *b, const char *name, size_t name_len, struct raw_tensor *t, const uint64_t *shape,
		       struct err *err);
int builder_add_value(struct table_builder *b, const char *key, size_t key_len, const char *text, size_t text_len,
		      const struct format_value *v, struct err *err);
/* Sorts and checks: unique names, extents inside the file that do not overlap, and for safetensors without holes. */
int table_build(struct table_builder *b, struct tensor_table **out, struct err *err);

/* One format each. The arguments of tensor_table_parse(), the format known. */
int safetensors_parse(const uint8_t *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
		      uint64_t *need, struct err *err);
int gguf_parse(const uint8_t *bytes, size_t len, uint64_t file_size, uint64_t header_max, struct tensor_table **out,
	       uint64_t *need, struct err *err);

#endif

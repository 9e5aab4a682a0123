// SPDX-License-Identifier: Apache-2.0
/*
 * Input: a GGUF file without its tensors; or a byte 0, how many bytes a config.json has and how many there are of tensors (2 bytes
 * each), the text, and the header of a safetensors file. Both are bound: every matrix that comes of it must lie within the file. No byte of a tensor is read.
 */
#include "fuzz.h"

#include <hffs/model_shape.h>

#include "../../infer/weights_int.h"

#define BEHIND (1u << 20) /* bytes of tensors that the file is said to have */

static uint8_t *base; /* of a map that nobody reads */

static void check_matrix(const struct matrix *m, uint64_t size)
{
	const uint8_t *data = m->data;

	if (!data)
		return;
	MUST(data >= base && m->rows && m->cols && (uint64_t)(data - base) <= size);
	MUST((m->rows - 1) * (uint64_t)m->row_bytes + m->cols / tensor_type_info(m->type)->block * tensor_type_info(m->type)->bytes <=
	     size - (uint64_t)(data - base));
	MUST(!m->scales || (m->type == TENSOR_F8_E4M3 && m->scale_rows && m->scale_cols));
}

static void check_weights(const struct weights *w, const struct model_config *c, uint64_t size)
{
	check_matrix(&w->tokens, size);
	check_matrix(&w->positions, size);
	check_matrix(&w->types, size);
	check_matrix(&w->head, size);
	MUST(w->tokens.rows == c->vocabulary && w->tokens.cols == c->width);
	for (uint32_t i = 0; i < c->layers; i++) {
		const struct layer *l = &w->layers[GROUP_LAYER(i)];
		const struct matrix *all[] = {&l->q, &l->k, &l->v, &l->o, &l->gate, &l->up, &l->down};

		for (unsigned n = 0; n < ARRAY_SIZE(all); n++)
			check_matrix(all[n], size);
		for (uint32_t n = 0; n < l->nr_loads; n++)
			check_matrix(&l->loads[n].from, size);
		MUST(l->q.data && l->down.data && (c->transposed || l->down.rows == c->width));
	}
}

static void check_shape(const struct tensor_table *t, bool fits)
{
	struct model_shape s = {0};
	struct err why = {0};

	MUST(model_shape_gguf(t, &s, &why) == 0 && s.fits == fits && (fits || why.text[0]) && s.sliding <= s.layers);
	(void)model_shape_kv_bytes(&s, s.context);
}

static void bind(const uint8_t *bytes, size_t len, uint64_t size, struct model_config *c, struct err *err)
{
	struct model_file f = {.path = (char *)(uintptr_t)"file", .fd = -1, .size = size};
	struct model_files files = {&f, 1, NULL};
	struct weights w = {0};
	uint64_t need;
	int r = tensor_table_parse(bytes, len, size, 1 << 20, &f.table, &need, err);

	if (r == 0 && f.table->format == FORMAT_GGUF) {
		r = config_parse_gguf((const struct tensor_table *const *)&f.table, 1, c, err);
		check_shape(f.table, r == 0);
	}
	if (r == 0) {
		f.used = calloc(f.table->nr + 1, sizeof(*f.used));
		f.map = base = (uint8_t *)(uintptr_t)(1u << 20);
		r = weights_bind(&files, c, NULL, NULL, &w, err);
		MUST(r == 0 || err->text[0]);
		if (r == 0)
			check_weights(&w, c, size);
	}
	weights_done(&w);
	tensor_table_unref(f.table);
	free(f.used);
}

/* [0] [bytes of the text, 2] [bytes of tensors, 2] text header */
static void bind_folder(const uint8_t *bytes, size_t len, struct model_config *c, struct err *err)
{
	size_t text = bytes[1] + 256u * bytes[2], data = bytes[3] + 256u * bytes[4], header;
	AUTO_FREE uint8_t *file = malloc(8 + len);

	if (text > len - 5 || config_parse_json((const char *)bytes + 5, text, c, err) < 0)
		return;
	header = len - 5 - text;
	for (unsigned i = 0; i < 8; i++)
		file[i] = (uint8_t)((uint64_t)header >> 8 * i);
	memcpy(file + 8, bytes + 5 + text, header);
	bind(file, 8 + header, 8 + header + data, c, err);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct model_config c = {0};
	struct err err = {0};

	if (len >= 4 && !memcmp(bytes, "GGUF", 4))
		bind(bytes, len, len + BEHIND, &c, &err);
	else if (len > 5 && bytes[0] == 0)
		bind_folder(bytes, len, &c, &err);
	model_config_done(&c);
	return 0;
}

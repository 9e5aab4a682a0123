/* SPDX-License-Identifier: Apache-2.0 */
/* What every fuzzer includes, and what must hold of each table that a parser gives out. */
#ifndef HFFS_TESTS_FUZZ_H
#define HFFS_TESTS_FUZZ_H

#include <errno.h>
#include <string.h>

#include <hffs/format.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

#define MUST(what)                                                                                                     \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			__builtin_trap();                                                                              \
	} while (0)

static inline __attribute__((unused)) void check_table(const struct tensor_table *t)
{
	uint64_t end = t->data_off;

	for (uint32_t i = 0; i < t->nr; i++) {
		const struct tensor *x = &t->tensors[i];

		MUST(x->off >= end && x->len <= t->file_size - x->off && x->n_dims <= TENSOR_DIMS_MAX && x->type < TENSOR_TYPES);
		end = x->off + x->len;
		MUST(tensor_table_find(t, x->name) == x);
		MUST(!x->len || (tensor_table_at(t, x->off) == i && tensor_table_at(t, end - 1) == i));
		for (unsigned o = 0; o < TENSOR_ORDERS; o++)
			MUST(t->rank[o][i] < t->nr && t->order[o][t->rank[o][i]] == i);
		MUST(!i || tensor_name_compare(t->tensors[t->order[TENSOR_NATURAL][i - 1]].name,
					       t->tensors[t->order[TENSOR_NATURAL][i]].name) < 0);
	}
	for (uint32_t i = 0; i < t->nr_values; i++) {
		const struct format_value *v = &t->values[i];

		MUST(tensor_table_value(t, v->key) == v);
		MUST(v->type < FORMAT_TEXT || (v->off <= t->data_off && v->len <= t->data_off - v->off));
		MUST(v->type != FORMAT_TEXT || !v->text || strlen(v->text) <= FORMAT_TEXT_KEPT);
	}
}

/* Parses, checks whatever comes of it. */
static inline __attribute__((unused)) void parse_table(const uint8_t *bytes, size_t len, uint64_t file_size)
{
	struct tensor_table *t = NULL;
	struct err err = {0};
	uint64_t need = 0;
	int r = tensor_table_parse(bytes, len, file_size, 1 << 20, &t, &need, &err);

	MUST((r == 0) == (t != NULL));
	MUST(r != -EAGAIN || (need > len && need <= file_size));
	MUST(r == 0 || r == -EAGAIN || err.text[0]);
	if (t)
		check_table(t);
	tensor_table_unref(t);
}

#endif

// SPDX-License-Identifier: Apache-2.0
/*
 * Weights of few bits lie packed in elements of more: a file of GPTQ has eight parameters of 4 bits in an I32. How many an element holds, by
 * the configuration. Scales and zeros are packed beside them, so what comes of it is an estimate. Pure.
 * [transformers utils/quantization_config.py, 2026-08]
 */
#include "inspect_int.h"

#include <string.h>

static bool is_true(const struct json *j, const char *key)
{
	return json_get_bool(j, key, false);
}

/* Of compressed-tensors: the first group's. */
static uint64_t bits_of(const struct json *q)
{
	const struct json *group = json_first(json_get(q, "config_groups"));
	uint64_t bits;

	if (json_get_u64(q, "bits", &bits) == 0 || json_get_u64(json_get(group, "weights"), "num_bits", &bits) == 0)
		return bits;
	return 0;
}

/* Parameters in an element of *type; 1: nothing is packed, as far as is said. */
static unsigned packed(const struct json *q, enum tensor_type *type)
{
	const char *method = json_get_string(q, "quant_method"), *algorithm = json_get_string(q, "quant_algo");
	uint64_t bits = bits_of(q);

	*type = TENSOR_U8;
	if (is_true(q, "load_in_4bit") || is_true(q, "_load_in_4bit") || (method && !strcmp(method, "mxfp4")) ||
	    (algorithm && !strcmp(algorithm, "NVFP4")))
		return 2;
	*type = TENSOR_I32;
	return bits >= 1 && bits <= 8 ? (unsigned)(32 / bits) : 1;
}

/* "I32:12 F16:3": 12 of I32. */
static uint64_t said_nr(const char *said, const char *name)
{
	size_t len = strlen(name);

	while (*said) {
		if (!strncmp(said, name, len) && said[len] == ':')
			return strtoull(said + len + 1, NULL, 10);
		said += strcspn(said, " ");
		said += strspn(said, " ");
	}
	return 0;
}

uint64_t look_packed_more(const struct look *l, bool by_hub)
{
	enum tensor_type type;
	unsigned each = packed(json_get(l->config, "quantization_config"), &type);
	uint64_t nr, more;

	if (each == 1 || l->weights != WEIGHTS_SAFETENSORS)
		return 0;
	nr = by_hub ? said_nr(l->about.said.dtypes, tensor_type_info(type)->name) : l->sums.params_of[type];
	return __builtin_mul_overflow(nr, (uint64_t)each - 1, &more) ? 0 : more;
}

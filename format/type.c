// SPDX-License-Identifier: Apache-2.0
/* How elements are stored, and how many bytes a tensor takes. */
#include "type_int.h"

#include <string.h>

/* Blocks of quantised types as ggml lays them out. [ggml-common.h, block_q4_0 and following, 2026-08] */
static const struct tensor_type_info types[TENSOR_TYPES] = {
	[TENSOR_BOOL] = {"BOOL", 1, 1}, [TENSOR_U8] = {"U8", 1, 1}, [TENSOR_I8] = {"I8", 1, 1}, [TENSOR_U16] = {"U16", 1, 2},
	[TENSOR_I16] = {"I16", 1, 2}, [TENSOR_U32] = {"U32", 1, 4}, [TENSOR_I32] = {"I32", 1, 4}, [TENSOR_U64] = {"U64", 1, 8},
	[TENSOR_I64] = {"I64", 1, 8}, [TENSOR_F64] = {"F64", 1, 8}, [TENSOR_F32] = {"F32", 1, 4}, [TENSOR_F16] = {"F16", 1, 2},
	[TENSOR_BF16] = {"BF16", 1, 2}, [TENSOR_C64] = {"C64", 1, 8}, [TENSOR_F8_E4M3] = {"F8_E4M3", 1, 1},
	[TENSOR_F8_E5M2] = {"F8_E5M2", 1, 1}, [TENSOR_F8_E8M0] = {"F8_E8M0", 1, 1}, [TENSOR_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 1, 1},
	[TENSOR_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 1, 1}, [TENSOR_F6_E2M3] = {"F6_E2M3", 4, 3}, [TENSOR_F6_E3M2] = {"F6_E3M2", 4, 3},
	[TENSOR_F4] = {"F4", 2, 1}, [TENSOR_Q4_0] = {"Q4_0", 32, 18}, [TENSOR_Q4_1] = {"Q4_1", 32, 20}, [TENSOR_Q5_0] = {"Q5_0", 32, 22},
	[TENSOR_Q5_1] = {"Q5_1", 32, 24}, [TENSOR_Q8_0] = {"Q8_0", 32, 34}, [TENSOR_Q8_1] = {"Q8_1", 32, 36},
	[TENSOR_Q2_K] = {"Q2_K", 256, 84}, [TENSOR_Q3_K] = {"Q3_K", 256, 110}, [TENSOR_Q4_K] = {"Q4_K", 256, 144},
	[TENSOR_Q5_K] = {"Q5_K", 256, 176}, [TENSOR_Q6_K] = {"Q6_K", 256, 210}, [TENSOR_Q8_K] = {"Q8_K", 256, 292},
	[TENSOR_IQ2_XXS] = {"IQ2_XXS", 256, 66}, [TENSOR_IQ2_XS] = {"IQ2_XS", 256, 74}, [TENSOR_IQ3_XXS] = {"IQ3_XXS", 256, 98},
	[TENSOR_IQ1_S] = {"IQ1_S", 256, 50}, [TENSOR_IQ4_NL] = {"IQ4_NL", 32, 18}, [TENSOR_IQ3_S] = {"IQ3_S", 256, 110},
	[TENSOR_IQ2_S] = {"IQ2_S", 256, 82}, [TENSOR_IQ4_XS] = {"IQ4_XS", 256, 136}, [TENSOR_IQ1_M] = {"IQ1_M", 256, 56},
	[TENSOR_TQ1_0] = {"TQ1_0", 256, 54}, [TENSOR_TQ2_0] = {"TQ2_0", 256, 66}, [TENSOR_MXFP4] = {"MXFP4", 32, 17},
	[TENSOR_NVFP4] = {"NVFP4", 64, 36}, [TENSOR_Q1_0] = {"Q1_0", 128, 18},
};

/* The numbers that GGUF files give to types; those not named were given up. [ggml.h, enum ggml_type, 2026-08] */
static const struct {
	uint8_t number, type;
} ggml_types[] = {
	{0, TENSOR_F32}, {1, TENSOR_F16}, {2, TENSOR_Q4_0}, {3, TENSOR_Q4_1}, {6, TENSOR_Q5_0}, {7, TENSOR_Q5_1}, {8, TENSOR_Q8_0},
	{9, TENSOR_Q8_1}, {10, TENSOR_Q2_K}, {11, TENSOR_Q3_K}, {12, TENSOR_Q4_K}, {13, TENSOR_Q5_K}, {14, TENSOR_Q6_K},
	{15, TENSOR_Q8_K}, {16, TENSOR_IQ2_XXS}, {17, TENSOR_IQ2_XS}, {18, TENSOR_IQ3_XXS}, {19, TENSOR_IQ1_S}, {20, TENSOR_IQ4_NL},
	{21, TENSOR_IQ3_S}, {22, TENSOR_IQ2_S}, {23, TENSOR_IQ4_XS}, {24, TENSOR_I8}, {25, TENSOR_I16}, {26, TENSOR_I32},
	{27, TENSOR_I64}, {28, TENSOR_F64}, {29, TENSOR_IQ1_M}, {30, TENSOR_BF16}, {34, TENSOR_TQ1_0}, {35, TENSOR_TQ2_0},
	{39, TENSOR_MXFP4}, {40, TENSOR_NVFP4}, {41, TENSOR_Q1_0},
};

const struct tensor_type_info *tensor_type_info(enum tensor_type type)
{
	return &types[type];
}

int tensor_type_of_safetensors(const char *name)
{
	for (int i = 0; i < TENSOR_Q4_0; i++)
		if (!strcmp(types[i].name, name))
			return i;
	return -1;
}

int tensor_type_of_ggml(uint32_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(ggml_types); i++)
		if (ggml_types[i].number == number)
			return ggml_types[i].type;
	return -1;
}

bool tensor_type_bytes(enum tensor_type type, const uint64_t *shape, unsigned n_dims, uint64_t *bytes)
{
	uint64_t elements = 1;

	for (unsigned i = 0; i < n_dims; i++)
		if (__builtin_mul_overflow(elements, shape[i], &elements))
			return false;
	return elements % types[type].block == 0 &&
	       !__builtin_mul_overflow(elements / types[type].block, (uint64_t)types[type].bytes, bytes);
}

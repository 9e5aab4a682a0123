// SPDX-License-Identifier: Apache-2.0
/* AVX-512 with VNNI, which multiplies and adds bytes four at a time: Ice Lake, Zen 4 and later. */
#include <immintrin.h>

#include "kernels_table_int.h"

#define SET_NAME "avx512_vnni"
#define SET_TABLE kernels_avx512_vnni
#define SET_TUNED_FOR ZEN5

#include "kernels_avx512_dot_int.h"

static bool has_instructions(void)
{
	return kernels_cpu_has_avx512() && __builtin_cpu_supports("avx512vnni");
}

#include "kernels_avx512_int.h"

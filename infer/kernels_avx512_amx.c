// SPDX-License-Identifier: Apache-2.0
/* As avx512_intel, with tiles for many tokens: Sapphire Rapids and later. */
#include <immintrin.h>

#include "kernels_table_int.h"

#define SET_NAME "avx512_amx"
#define SET_TABLE kernels_avx512_amx
#define SET_TUNED_FOR INTEL
#define SET_HAS_TILES 1

#include "kernels_avx512_dot_int.h"

static bool has_instructions(void)
{
	return kernels_avx512_intel.can_run() && kernels_cpu_has_amx();
}

#include "kernels_avx512_int.h"

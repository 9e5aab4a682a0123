// SPDX-License-Identifier: Apache-2.0
/* As avx512_vnni, but memory is asked for as Zen 4 likes it, and bits are spread by VBMI. */
#include <immintrin.h>

#include "kernels_table_int.h"

#define SET_NAME "avx512_zen4"
#define SET_TABLE kernels_avx512_zen4
#define SET_TUNED_FOR ZEN4

#include "kernels_avx512_dot_int.h"

static bool has_instructions(void)
{
	return kernels_cpu_is_zen4();
}

#include "kernels_avx512_int.h"

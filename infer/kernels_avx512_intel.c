// SPDX-License-Identifier: Apache-2.0
/* As avx512_vnni, but memory is asked for as Intel's processors like it, and bits are spread by VBMI: Ice Lake and later. */
#include <immintrin.h>

#include "kernels_table_int.h"

#define SET_NAME "avx512_intel"
#define SET_TABLE kernels_avx512_intel
#define SET_TUNED_FOR INTEL

#include "kernels_avx512_dot_int.h"

static bool has_instructions(void)
{
	return __builtin_cpu_is("intel") && kernels_cpu_has_avx512() && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512vbmi");
}

#include "kernels_avx512_int.h"

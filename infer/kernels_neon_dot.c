// SPDX-License-Identifier: Apache-2.0
/* NEON with the dot product of bytes: ARMv8.2 with FEAT_DotProd, as Cortex-A76, Neoverse and Apple's have. */
#include <arm_neon.h>
#include <sys/auxv.h>

#define LANES 4
#define TILE 4
#define AHEAD 0u
#define SET_NAME "neon_dot"
#define SET_TABLE kernels_neon_dot
#include "ops_vector_int.h"

#define HWCAP_ASIMDDP_ (1ul << 20) /* arch/arm64/include/uapi/asm/hwcap.h, Linux 5.10 */

static bool can_run(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMDDP_;
}

static inline int32x4_t dot16(const int8_t *w, const int8_t *x)
{
	return vdotq_s32(vdupq_n_s32(0), vld1q_s8(w), vld1q_s8(x));
}

#include "kernels_neon_int.h"

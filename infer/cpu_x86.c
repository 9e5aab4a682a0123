// SPDX-License-Identifier: Apache-2.0
/* What an x86 processor has, and the system saves when it switches between threads. */
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernels_table_int.h"

/* Not every compiler's __builtin_cpu_supports() knows the name. [Intel 64 and IA-32 Architectures SDM, CPUID leaf 1] */
static bool has_f16c(void)
{
	unsigned a, b, c, d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

bool kernels_cpu_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
}

bool kernels_cpu_has_avx512(void)
{
	return kernels_cpu_has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

/* Of AMD's family 19h only Zen 4 has AVX-512. [AMD64 Architecture Programmer's Manual, CPUID Fn0000_0001_EAX] */
bool kernels_cpu_is_zen4(void)
{
	unsigned a, b, c, d;

	return __builtin_cpu_is("amd") && kernels_cpu_has_avx512() && __builtin_cpu_supports("avx512vnni") &&
	       __builtin_cpu_supports("avx512vbmi") && __get_cpuid(1, &a, &b, &c, &d) &&
	       (a >> 8 & 0xf) + (a >> 20 & 0xff) == 0x19;
}

/* Linux saves tiles only for processes that asked before, and stays with its answer. [Documentation/arch/x86/xstate.rst, from 5.16 on] */
static bool tiles_are_granted(void)
{
	enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 };

	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

/* [Intel 64 and IA-32 Architectures SDM, CPUID leaf 7: AMX-TILE, AMX-INT8] */
bool kernels_cpu_has_amx(void)
{
	unsigned a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & 1u << 24) && (d & 1u << 25) && tiles_are_granted();
}

// SPDX-License-Identifier: Apache-2.0
/* How many physical cores this process may use: threads of one core share its arithmetic units. */
#include "cores_int.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <hffs/io.h>

#define CPUS_MAX 1024

static long topology(int cpu, const char *what)
{
	AUTO_FREE char *path = str_printf("/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	AUTO_BUF text = {0};

	if (!path || io_read_file(path, 64, &text) < 0)
		return -1;
	return strtol(text.data, NULL, 10);
}

unsigned cores_usable(void)
{
	long seen[CPUS_MAX];
	unsigned nr = 0, cpus = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	for (int cpu = 0; cpu < CPU_SETSIZE && cpu < CPUS_MAX; cpu++) {
		long core, package;
		unsigned i;

		if (!CPU_ISSET(cpu, &set))
			continue;
		cpus++;
		core = topology(cpu, "core_id");
		package = topology(cpu, "physical_package_id");
		for (i = 0; i < nr && seen[i] != (package << 20 | core); i++)
			;
		if (core < 0)
			return (unsigned)CPU_COUNT(&set);
		if (i == nr)
			seen[nr++] = package << 20 | core;
	}
	return nr ? nr : cpus ? cpus : 1;
}

// SPDX-License-Identifier: Apache-2.0
/*
 * test_replay [TRACE...]: replays recordings; without any, the readers that are made up. A line for each; exit status 1 if one
 * took too long or moved too much. The link: 20 ms, 50 MB/s for a connection, 300 MB/s for all.
 */
#include <stdio.h>
#include <string.h>

#include <hffs/tunables.h>

#include "replay.h"

static const struct link link_modelled = {
	.latency_us = 20000,
	.total_bps = 300000000,
	.connection_bps = 50000000,
	.connections = 32,
	.reserved = 4,
	.parallel = 16,
	.range_max = 8,
};

/* Of what a recording may take: the downloader's time or, of little, that of the READs that wait for another; and of what it needs. */
#define TRACE_TIME 1.25
#define TRACE_LITTLE (200 * MIB)
#define TRACE_CHAIN 2.0
#define TRACE_WIRE 1.25
#define TRACE_WIRE_MORE CHUNK_SIZE

static void head(void)
{
	printf("%-38s %6s %6s %8s %8s %6s %8s %8s %6s %6s %8s\n", "reader", "READs", "stalls", "seconds", "ideal", "limit", "needed",
	       "wire", "ratio", "GETs", "MB/s");
}

static uint64_t ideal_us(uint64_t needed)
{
	return link_modelled.latency_us + needed * 1000000 / link_modelled.total_bps;
}

static size_t nr_reads(const struct workload *w)
{
	size_t nr = 0;

	for (size_t i = 0; i < w->nr_jobs; i++)
		nr += w->jobs[i].nr;
	return nr;
}

static bool judge(const struct workload *w, const struct outcome *o, uint64_t allowed_us, uint64_t allowed_wire, double mbps_min)
{
	uint64_t needed = model_needed(w);
	double seconds = (double)o->us / 1e6, ideal = (double)ideal_us(needed) / 1e6;
	double mbps = (double)model_taken(w) / (double)(o->us + 1);
	bool slow = o->us > allowed_us || mbps < mbps_min, much = o->wire > allowed_wire;

	printf("%-38s %6zu %6llu %8.3f %8.3f %6.2f %8.1f %8.1f %6.2f %6llu %8.1f%s%s%s\n", w->name, nr_reads(w),
	       (unsigned long long)o->stalls, seconds, ideal, (double)min_u64(allowed_us, 99999999) / 1e6, (double)needed / 1e6, (double)o->wire / 1e6,
	       (double)o->wire / (double)needed, (unsigned long long)o->requests, mbps, slow ? "  TOO SLOW" : "",
	       much ? "  TOO MUCH" : "", o->complete ? "" : "  NOT COMPLETE");
	fflush(stdout);
	return o->complete && !slow && !much;
}

static bool replay_trace(const char *path)
{
	uint64_t needed, allowed;
	struct workload w;
	struct outcome o;
	bool good;

	if (!trace_load(path, &w)) {
		printf("%s cannot be read\n", path);
		return false;
	}
	needed = model_needed(&w);
	/* Nothing is known before the first answer: that round trip comes before the download. */
	allowed = link_modelled.latency_us + (uint64_t)(TRACE_TIME * (double)ideal_us(needed));
	if (needed < TRACE_LITTLE)
		allowed = max_u64(allowed, (uint64_t)(TRACE_CHAIN * (double)model_chain_us(&w, &link_modelled)));
	model_run(&w, &link_modelled, &o);
	good = judge(&w, &o, allowed, (uint64_t)(TRACE_WIRE * (double)needed) + TRACE_WIRE_MORE, 0);
	workload_done(&w);
	return good;
}

static bool replay_synthetic(const struct synthetic *s)
{
	uint64_t needed, allowed;
	struct workload w;
	struct outcome o;
	bool good;

	s->make(&w);
	(void)snprintf(w.name, sizeof(w.name), "%s", s->name);
	needed = model_needed(&w);
	allowed = s->time_max > 0 ? (uint64_t)(s->time_max * (double)ideal_us(needed)) : UINT64_MAX;
	model_run(&w, &link_modelled, &o);
	good = judge(&w, &o, allowed, (uint64_t)(s->wire_max * (double)needed) + s->wire_more, s->mbps_min);
	workload_done(&w);
	return good;
}

int main(int argc, char **argv)
{
	unsigned failed = 0;

	head();
	for (int i = 1; i < argc; i++)
		failed += !replay_trace(argv[i]);
	for (size_t i = 0; argc == 1 && i < nr_synthetics; i++)
		failed += !replay_synthetic(&synthetics[i]);
	printf("%u too slow or too much\n", failed);
	return failed > 0;
}

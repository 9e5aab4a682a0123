/* SPDX-License-Identifier: Apache-2.0 */
/* Readers, recorded or made up, that read through the prefetcher over a modelled link in virtual time. */
#ifndef HFFS_TESTS_REPLAY_H
#define HFFS_TESTS_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../fetch/prefetch_int.h"

#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)

/* One READ of the kernel. */
struct op {
	uint64_t off;
	uint32_t len;
	uint32_t think_us; /* at least, since the one before it was sent */
	uint32_t seq;      /* place in the recording */
	uint16_t file;
	bool alone;   /* sent when all before it are answered: the program asks for something new */
	bool ignored; /* readahead that nobody waits for */
};

/* READs of one thread, in order. */
struct job {
	struct op *ops;
	size_t nr;
};

struct file {
	char *path;
	uint64_t size;
	struct prefetch_part *parts;
	size_t nr_parts;
};

struct workload {
	char name[64];
	struct file *files;
	size_t nr_files;
	struct job *jobs; /* threads take the next one when they are done with theirs */
	size_t nr_jobs;
	unsigned threads;
	unsigned depth; /* READs of one thread under way */
	unsigned span;  /* threads stay within so many READs of each other; 0: they need not */
	bool direct, family; /* O_DIRECT; all files are shards of one model, whatever their names */
};

void workload_done(struct workload *w);
struct job *workload_add_job(struct workload *w);
void job_add(struct job *j, struct op op);
struct file *workload_add_file(struct workload *w, const char *path, uint64_t size);
void file_add_part(struct file *f, const char *name, uint64_t off, uint64_t len);

/* trace.c: a recording (traces/README.md). False if it cannot be read. */
bool trace_load(const char *path, struct workload *w);

/* model.c */
struct link {
	uint64_t latency_us;
	uint64_t total_bps, connection_bps;
	unsigned connections, reserved, parallel; /* at most; of them for readers only; of them for prefetch */
	uint64_t range_max; /* chunks */
};

struct outcome {
	uint64_t us;        /* until the last READ was answered */
	uint64_t stalls;    /* READs that had to wait */
	uint64_t stalled_us;
	uint64_t wire;      /* bytes moved, with what came behind the last READ */
	uint64_t requests;
	bool complete;
};
/* Reads the workload. */
void model_run(const struct workload *w, const struct link *l, struct outcome *o);
/*
 * The least time that any order of fetching could reach: all is there but READs that nothing announces (the first of a file,
 * jumps in a file without parts), and the link is infinitely wide.
 */
uint64_t model_chain_us(const struct workload *w, const struct link *l);
/* What all READs cover, in whole chunks. */
uint64_t model_needed(const struct workload *w);
/* Without readahead that nobody waits for. */
uint64_t model_taken(const struct workload *w);

/* synthetic.c */
struct synthetic {
	const char *name;
	void (*make)(struct workload *w);
	double time_max;   /* times the downloader's time for what is needed; 0: of no interest */
	double wire_max;   /* times what is needed */
	uint64_t wire_more; /* bytes more than that */
	double mbps_min;   /* of bytes read; 0: of no interest */
};
extern const struct synthetic synthetics[];
extern const size_t nr_synthetics;

#endif

// SPDX-License-Identifier: Apache-2.0
/* A recording to a workload. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <zlib.h>

#include "replay.h"

#define THINK_MAX_US 400 /* a longer pause was waiting for an earlier READ */
#define SPAN 48

static char *unpack(const char *path)
{
	gzFile g = gzopen(path, "rb");
	size_t len = 0, cap = 1 << 20;
	char *text = malloc(cap);
	int n;

	while (g && text && (n = gzread(g, text + len, (unsigned)(cap - len - 1))) > 0) {
		len += (size_t)n;
		if (cap - len < 2)
			text = realloc(text, cap *= 2);
	}
	if (g)
		gzclose(g);
	if (text)
		text[len] = '\0';
	return text;
}

static uint64_t number(const cJSON *list, int i)
{
	return (uint64_t)cJSON_GetNumberValue(cJSON_GetArrayItem(list, i));
}

static void add_file(struct workload *w, const cJSON *from)
{
	struct file *f = workload_add_file(w, cJSON_GetStringValue(cJSON_GetObjectItem(from, "path")),
					   (uint64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(from, "size")));
	const cJSON *part;

	cJSON_ArrayForEach(part, cJSON_GetObjectItem(from, "tensors"))
		file_add_part(f, cJSON_GetStringValue(cJSON_GetArrayItem(part, 0)), number(part, 1), number(part, 2));
}

/* A zip's directory names the place of each local header; the recording has no table, but its reader walks those headers. */
static void add_zip_parts(struct workload *w, const cJSON *reads, uint16_t file)
{
	struct file *f = &w->files[file];
	uint64_t first = 0, at = 0;
	const cJSON *read;
	char name[32];

	cJSON_ArrayForEach(read, reads) {
		uint64_t off = number(read, 2);

		if (number(read, 1) != file || number(read, 3) != 8 * KIB || off < at || off > f->size - MIB)
			continue;
		if (first++) {
			(void)snprintf(name, sizeof(name), "data/%llu", (unsigned long long)first - 2);
			file_add_part(f, name, at, off - at);
		}
		at = off;
	}
}

static void add_reads(struct workload *w, const cJSON *reads, size_t threads)
{
	uint64_t *sent = calloc(threads + 1, sizeof(*sent));
	const cJSON *read;
	uint32_t seq = 0;

	for (size_t i = 0; i <= threads; i++)
		(void)workload_add_job(w);
	cJSON_ArrayForEach(read, reads) {
		double tid = cJSON_GetNumberValue(cJSON_GetArrayItem(read, 4));
		size_t thread = tid < 0 ? threads : (size_t)tid;
		struct job *j = &w->jobs[thread];
		uint64_t t = number(read, 0), think = j->nr ? t - sent[thread] : 0;

		sent[thread] = t;
		if (number(read, 2) >= w->files[number(read, 1)].size)
			continue;
		job_add(j, (struct op){.off = number(read, 2), .len = (uint32_t)number(read, 3), .file = (uint16_t)number(read, 1),
				       .think_us = (uint32_t)min_u64(think, THINK_MAX_US), .seq = seq++});
	}
	free(sent);
}

static void name_workload(struct workload *w, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char *end;

	(void)snprintf(w->name, sizeof(w->name), "%s", base);
	end = strstr(w->name, ".json.gz");
	if (end)
		*end = '\0';
}

bool trace_load(const char *path, struct workload *w)
{
	char *text = unpack(path);
	cJSON *root = text ? cJSON_Parse(text) : NULL;
	const cJSON *item, *reads = cJSON_GetObjectItem(root, "reads");
	size_t threads = (size_t)cJSON_GetArraySize(cJSON_GetObjectItem(root, "threads"));

	free(text);
	*w = (struct workload){0};
	if (!reads)
		return false;
	name_workload(w, path);
	cJSON_ArrayForEach(item, cJSON_GetObjectItem(root, "files"))
		add_file(w, item);
	for (uint16_t i = 0; i < w->nr_files; i++)
		if (strstr(w->files[i].path, ".bin"))
			add_zip_parts(w, reads, i);
	add_reads(w, reads, threads);
	cJSON_Delete(root);
	w->threads = (unsigned)w->nr_jobs;
	w->depth = strstr(w->name, "ra16384") ? 32 : 2;
	w->span = SPAN;
	w->family = strstr(w->name, "hubcache") != NULL; /* its files are named by digest; their paths in the Hub are shards */
	w->direct = strstr(w->name, "fastsafetensors") || strstr(w->name, "runai");
	if (strstr(w->name, "runai"))
		w->depth = 64; /* asynchronous: one thread has as many under way */
	return true;
}

// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "replay.h"

static void *grow(void *old, size_t nr, size_t size)
{
	void *more;

	if (nr & (nr - 1))
		return old; /* room is made in powers of two */
	more = realloc(old, (nr ? 2 * nr : 1) * size);
	if (!more)
		abort();
	return more;
}

struct job *workload_add_job(struct workload *w)
{
	w->jobs = grow(w->jobs, w->nr_jobs, sizeof(*w->jobs));
	w->jobs[w->nr_jobs] = (struct job){0};
	return &w->jobs[w->nr_jobs++];
}

void job_add(struct job *j, struct op op)
{
	j->ops = grow(j->ops, j->nr, sizeof(*j->ops));
	j->ops[j->nr++] = op;
}

struct file *workload_add_file(struct workload *w, const char *path, uint64_t size)
{
	w->files = grow(w->files, w->nr_files, sizeof(*w->files));
	w->files[w->nr_files] = (struct file){.path = strdup(path), .size = size};
	return &w->files[w->nr_files++];
}

void file_add_part(struct file *f, const char *name, uint64_t off, uint64_t len)
{
	f->parts = grow(f->parts, f->nr_parts, sizeof(*f->parts));
	f->parts[f->nr_parts++] = (struct prefetch_part){strdup(name), off, len};
}

void workload_done(struct workload *w)
{
	for (size_t i = 0; i < w->nr_files; i++) {
		for (size_t k = 0; k < w->files[i].nr_parts; k++)
			free((void *)(uintptr_t)w->files[i].parts[k].name); /* file_add_part()'s copy */
		free(w->files[i].parts);
		free(w->files[i].path);
	}
	for (size_t i = 0; i < w->nr_jobs; i++)
		free(w->jobs[i].ops);
	free(w->files);
	free(w->jobs);
	*w = (struct workload){0};
}

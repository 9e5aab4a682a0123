// SPDX-License-Identifier: Apache-2.0
/*
 * Without a mount: the files of a model are made complete and proven, and their data files opened. A sealed data file never changes, so
 * the cache is given back before the model is read.
 */
#include "model_dir_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include <hffs/model_files.h>

#include "listing_int.h"
#include "pull_int.h"
#include "wait_int.h"

#define JOBS 4

static bool is_never(void)
{
	return false;
}

static void keep_needed(struct listing *files, const char *gguf, bool only_text)
{
	size_t kept = 0;

	for (size_t i = 0; i < files->nr; i++) {
		struct listing_entry e = files->entries[i];

		if (!e.is_dir && model_files_need(e.path, gguf, only_text))
			files->entries[kept++] = e;
		else
			free(e.path);
	}
	files->nr = kept;
}

/* A file of no bytes has no data file. */
static int open_data(struct fetch *f, const struct listing_entry *e, struct err *err)
{
	int fd = e->size ? cache_open_data(fetch_cache(f), &e->id, e->size, false) : open("/dev/null", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? err_set(err, fd, "%s: cannot open its data file: %s", e->path, strerror(-fd)) : fd;
}

static int fill_view(struct fetch *f, const struct listing *files, struct model_view *view, struct err *err)
{
	int r = 0;

	for (size_t i = 0; i < files->nr && r == 0; i++) {
		int fd = open_data(f, &files->entries[i], err);

		r = fd < 0 ? fd : model_view_add_fd(view, files->entries[i].path, fd, err);
	}
	return r;
}

static int pull_files(struct fetch *f, const struct model_pull_plan *plan, const struct revision *rev, const struct listing *files,
		      struct err *err)
{
	struct progress progress;
	struct pull_plan pull = {.files = files, .jobs = JOBS, .progress = &progress, .is_interrupted = is_never};
	int r;

	progress_init(&progress, listing_bytes(files), files->nr, plan->quiet);
	r = pull_by_blobs(&pull, f, rev, err);
	progress_end(&progress);
	return r;
}

static int list_files(struct fetch *f, const struct model_pull_plan *plan, struct revision *rev, struct listing *files, struct err *err)
{
	struct tree *tree = NULL;
	int r = wait_revision(fetch_catalog(f), plan->repo, plan->rev, rev, err);

	if (r == 0)
		r = wait_tree(fetch_catalog(f), &rev->repo, rev->commit, &tree, err);
	if (r < 0)
		return r;
	r = listing_from_tree(files, tree, "", true, err);
	tree_unref(tree);
	return r;
}

static int pull_with(struct fetch *f, const struct model_pull_plan *plan, struct model_view *view, char **gguf, struct err *err)
{
	AUTO_LISTING files = {0};
	AUTO_FREE char *chosen = NULL;
	const char *name = NULL;
	struct revision rev;
	int r = list_files(f, plan, &rev, &files, err);

	if (r == 0)
		r = model_choose(&files, plan->wanted, plan->only_text, &name, err);
	if (r < 0)
		return r;
	chosen = name ? strdup(name) : NULL;
	if (name && !chosen)
		return err_set(err, -ENOMEM, "out of memory");
	keep_needed(&files, chosen, plan->only_text);
	r = pull_files(f, plan, &rev, &files, err);
	if (r == 0)
		r = fill_view(f, &files, view, err);
	if (r == 0)
		*gguf = TAKE(chosen);
	return r;
}

int model_pull(const struct model_pull_plan *plan, struct model_view *view, char **gguf, uint64_t *bytes, struct err *err)
{
	struct fetch_config config;
	struct hub_stats stats;
	struct fetch *f;
	int r;

	config_quiet_log(plan->config);
	config_fetch(plan->config, &config);
	r = fetch_open(&config, &f, err);
	if (r < 0)
		return r;
	r = model_view_open(view, NULL, err);
	if (r == 0)
		r = pull_with(f, plan, view, gguf, err);
	hub_stats(fetch_hub(f), &stats);
	*bytes = stats.bytes_fetched;
	fetch_close(f);
	if (r < 0)
		model_view_done(view);
	return r;
}
